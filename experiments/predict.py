r"""What does somebody do who wears these sensors? Answers for a table or a live stream.

    python -m experiments.predict --run=runs/instruct-small --csv=my.csv \
        --site="right wrist" --labels="walking,sitting,climbing stairs" --out=answer
    my_watch | python -m experiments.predict --run=runs/instruct-small --stdin \
        --site="right wrist" --labels=@labels.txt [--jsonl]

Labels have commas between; where one holds a comma itself, put semicolons between, or
give --labels=@FILE with one in each line.

The columns are guessed from the header (time, acc_x, acc_y, acc_z, gyro_x, ...) or said
by --columns='time=t;force=ax,ay,az;rate=gx,gy,gz'; a gyroscope may be missing. Units
are checked against what such sensors can read, and mended, with a note, where another
unit fits. The recording is cut into windows of 5 s that overlap by half. Printed are
the activities, best first, with their scores, which sum to one, and an abstain score:
0 where one activity is certain, 1 where the best two are equal,

    1 - (p1 - p2) / (p1 + p2)    of the two highest scores p1 and p2.

It tells how hard the choice among the labels given was; whether the true activity is
one of them it cannot tell. --out names a folder for prediction.json (every window) and
timeline.png.

With --stdin rows come from a pipe, one in each line, and every second (--every_s) one
line of answer goes out, for the last 5 s or what there is of them; --jsonl makes it one
JSON object a line. Units are not mended then: one that cannot be ends the stream with
the flag that names it. Broken rows are left out and told by their line. The end of
input or Ctrl-C end it with the latency of its answers (`experiments.live`).
"""

import collections
import json
import os
import pathlib
import sys

import numpy as np
from absl import app, flags, logging
from matplotlib.figure import Figure

from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.datasets.tables.facts import named_sites, named_units
from anymo_jax.evaluation.pooling import MEAN, RULES
from anymo_jax.inference import load
from anymo_jax.inference.answering import check_labels
from anymo_jax.inference.prediction import Prediction, predict
from anymo_jax.inference.rows import RowReader
from anymo_jax.inference.table import table_windows
from anymo_jax.training.saved import CheckpointError
from experiments.live import Listener


def main(argv: list[str]) -> None:
    """Predict and print, or say in a line what is wrong."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    logging.set_verbosity(logging.ERROR)
    given = flags.FLAGS
    try:
        if bool(given.csv) == given.stdin:
            raise ValueError(
                "give a file by --csv=FILE, or rows by --stdin; one of them"
            )
        labels = named_labels(given.labels)
        check_labels(labels)
        (_listen if given.stdin else _read)(given, labels)
    except (ValueError, CheckpointError, OSError) as error:
        sys.exit(f"predict: {error}")


def _read(given, labels: list[str]) -> None:
    """Answers for a file."""
    windows = table_windows(
        given.csv,
        given.site,
        columns=given.columns,
        units=named_units(given.units) if given.units else None,
        rate_hz=given.rate_hz,
    )
    print(read_report(windows))
    model = load(given.run)
    found = predict(model, windows, labels, pool=given.pool, caption=given.caption)
    if given.out:
        save(found, windows, given.out)
    print(answer_report(found))
    if given.out:
        print(f"\nwritten to {given.out}: prediction.json, timeline.png")


def _listen(given, labels: list[str]) -> None:
    """Answers for a stream, until it ends."""
    for name in ("out", "pool"):
        if given[name].value != given[name].default:
            raise ValueError(f"--{name} is for files; a stream answers line by line")
    site, sites = named_sites(given.site)
    reader = RowReader(
        site,
        sites,
        columns=given.columns,
        units=named_units(given.units),
        rate_hz=given.rate_hz,
        tell=lambda told: print(f"! {told}", file=sys.stderr, flush=True),
    )
    told = {"every_s": given.every_s, "as_json": given.jsonl, "caption": given.caption}
    listener = Listener(load(given.run), labels, reader, **told)
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    listener.listen(sys.stdin)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def named_labels(text: str) -> list[str]:
    """Labels of "a,b", of "a;b, with a comma", or of "@file" with one in each line.

    Raises:
      ValueError: for a file that cannot be read, naming it.
    """
    if text.startswith("@"):
        try:
            parts = pathlib.Path(text[1:]).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"labels: {text[1:]} is not readable: {error}; give a text file with "
                "one label in each line"
            ) from None
    else:
        parts = text.split(";" if ";" in text else ",")
    return [part.strip() for part in parts if part.strip()]


def read_report(windows: LabelledWindows) -> str:
    """What was read, as a person reads it: sensors, rates, whatever is odd."""
    card = windows.card
    lines = [f"{card['title']}: {len(windows)} windows of 5 s or less"]
    for site, told in card["sensors"].items():
        sensors = [
            f"{told[kind]['rate_hz']:.4g} Hz {words}"
            for kind, words in (("force", "accelerometer"), ("rate", "gyroscope"))
            if told.get(kind)
        ]
        without = "" if told.get("rate") else ", no gyroscope"
        lines.append(f"  {site} ({told['node']}): {', '.join(sensors)}{without}")
    return "\n".join([*lines, *(f"  ! {note}" for note in notes(windows))])


def notes(windows: LabelledWindows) -> list[str]:
    """What was odd, mended or left out."""
    card = windows.card
    # A recording to be predicted need not have labels, nor tell of its subjects.
    flags_told = [f for f in windows.flags if f not in ("no labels", "no subjects")]
    mended = [f"rescaled {said}" for said in card["rescaled"]]
    dropped = [f"left out: {count} {why}" for why, count in card["dropped"].items()]
    return [*flags_told, *mended, *dropped, *card["notes"]]


def answer_report(found: Prediction) -> str:
    """The ranking, and what was said of the windows, as a person reads it."""
    wide = max(map(len, found.labels))
    lines = [f"{label:<{wide}}  {score:6.1%}" for label, score in found.ranked()]
    lines.append(f"abstain score {found.abstain:.2f} (0 certain, 1 undecided)")
    best = [found.labels[i] for i in found.scores.argmax(axis=1)]
    counts = collections.Counter(best).most_common()
    told = ", ".join(f"{label} {count}" for label, count in counts)
    lines.append(f"best of {len(best)} windows: {told}")
    for start, caption in zip(found.start, found.captions, strict=False):
        lines.append(f"  {start:7.1f} s  {caption}")
    return "\n".join(["", *lines])


def save(found: Prediction, windows: LabelledWindows, folder: str) -> None:
    """Writes prediction.json and timeline.png into a folder, made where missing."""
    place = pathlib.Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    told = {"source": windows.card["title"], "notes": notes(windows)}
    text = json.dumps(told | found.to_json(), indent=2)
    partial = place / "prediction.json.tmp"
    partial.write_text(f"{text}\n", encoding="utf-8")
    picture = place / "timeline.png.tmp"
    timeline(found).savefig(picture, dpi=120, format="png")
    # Both are whole before either stands.
    partial.replace(place / "prediction.json")
    picture.replace(place / "timeline.png")


def timeline(found: Prediction) -> Figure:
    """Scores over time: a panel per recording, a row per label, best first.

    Windows overlap; each is drawn from its start to the next one's.
    """
    labels = [label for label, _ in found.ranked()]
    names = list(dict.fromkeys(found.recording))
    height = 1.2 + 0.28 * len(labels)
    figure = Figure(figsize=(9, height * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 1, squeeze=False)[:, 0]
    for panel, name in zip(panels, names, strict=True):
        mine = [i for i, own in enumerate(found.recording) if own == name]
        start, end = found.start[mine], (found.start + found.seconds)[mine]
        shown = np.minimum(end, np.append(start[1:], np.inf)) - start
        for row, label in enumerate(labels):
            score = found.scores[mine, found.labels.index(label)]
            # White for nothing, blue for certain.
            colours = [(*(1 - 0.9 * s, 1 - 0.6 * s), 1 - 0.2 * s) for s in score]
            panel.barh([row] * len(mine), shown, 0.9, start, color=colours)
        panel.set_yticks(range(len(labels)), labels)
        panel.set_ylim(len(labels) - 0.5, -0.5)
        panel.set_xlim(start[0], end[-1])
        panel.set_title(name, fontsize="medium", loc="left")
    panels[-1].set_xlabel("seconds; white is a score of 0, blue of 1")
    return figure


def _define_flags() -> None:
    flags.DEFINE_string("run", None, "Instruction-tuned run.", required=True)
    flags.DEFINE_string("csv", None, "CSV or Parquet file.")
    flags.DEFINE_bool("stdin", False, "Rows from a pipe, an answer every second.")
    flags.DEFINE_string(
        "labels",
        None,
        "Activities: 'walking,sitting'; with semicolons between where one holds a "
        "comma; or @FILE with one in each line.",
        required=True,
    )
    flags.DEFINE_string(
        "site",
        "",
        "Where the device is worn: 'right wrist'; of several that the header names, "
        "where its name does not say it: 'imu1=right wrist;imu2=waist'.",
    )
    flags.DEFINE_string("columns", "", "Which column is what; '' guesses.")
    flags.DEFINE_list("units", [], "Such as force:g,rate:deg/s,time:ms.")
    flags.DEFINE_float("rate_hz", float("nan"), "Of rows without time stamps.")
    flags.DEFINE_enum("pool", MEAN, RULES, "How windows are put together.")
    flags.DEFINE_bool("caption", False, "Also describe each window.")
    flags.DEFINE_float("every_s", 1.0, "Seconds from answer to answer of a stream.")
    flags.DEFINE_bool("jsonl", False, "A stream's answers as JSON, one a line.")
    flags.DEFINE_string("out", "", "Folder for prediction.json and timeline.png.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
