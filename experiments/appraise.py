r"""What a trained run is worth, on one page: recognition, retrieval, captions.

    python -m experiments.appraise --run=runs/demo/instruct --data=runs/demo/motion
    python -m experiments.appraise --run=runs/small/instruct --data=runs/small/motion \
        --windows=har/motionsense.safetensors,har/umafall.safetensors

Activities are recognised zero-shot in the windows of files of experiments.prepare_har;
where none is named, in simulated windows of held-out procedural performers (see
experiments/held_out.py for what they can tell and what not). Retrieval figures are
those of the run's validation. OUT, by default RUN's sibling `evaluation`, gets
appraisal.md and appraisal.json beside what experiments.evaluate writes, its report.html
with pictures among it.
"""

import hashlib
import json
import pathlib
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from absl import app, flags, logging

from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.evaluation.zero_shot import CHANCE, MAJORITY, MODEL, ZeroShotOptions
from anymo_jax.training.saved import CheckpointError
from experiments import evaluate
from experiments.held_out import held_out_windows
from experiments.scored import Further

JSON, PAGE, HELD_OUT = "appraisal.json", "appraisal.md", "held_out.safetensors"


def main(argv: list[str]) -> None:
    """Write the page and print it; say in a line what is wrong where it cannot be."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    logging.set_verbosity(logging.WARNING)
    own = flags.FLAGS
    out = pathlib.Path(
        own.out or pathlib.Path(own.run).absolute().parent / "evaluation"
    )
    options = {name: own[name].value for name in _OPTIONS}
    try:
        page = appraise(own.run, own.data, own.windows, options, out)
    except (ValueError, CheckpointError, OSError) as error:
        sys.exit(f"appraise: {error}")
    print(page)
    print(f"written to {out / PAGE}")


def appraise(
    run: str, data: str, windows: Sequence[str], options: Mapping, out: pathlib.Path
) -> str:
    """Looks at a run from all sides and writes what is found.

    Args:
      run: folder of an instruction-tuned run.
      data: prepared folders with held-out clips, comma-separated.
      windows: files of experiments.prepare_har; none makes held-out windows.
      options: `evaluation` of configs/pipeline.py.
      out: folder to write to; its appraisal.json is written last.

    Returns:
      The page.

    Raises:
      ValueError, CheckpointError: naming the run, folder or file that cannot be read.
    """
    said = given(windows, options)
    files = _files(windows)
    made = None
    if not files or options["captions"]:
        made = held_out_windows(data, options["seed"])
    # What is wrong with the files is said before the seconds that a run takes.
    from anymo_jax import inference

    model = inference.load(run)
    out.mkdir(parents=True, exist_ok=True)
    # A page of another appraisal is none of this one.
    (out / JSON).unlink(missing_ok=True)
    if not files:
        made.save(out / HELD_OUT)
        files = [out / HELD_OUT]
    scoring = ZeroShotOptions(resamples=options["resamples"], seed=options["seed"])
    document, page = evaluate.score(
        model, files, scoring, per_site=True, further=Further(insight=True)
    )
    evaluate.write(out, {"run": str(run), **document}, page)
    found = {
        "recognition": _recognition(document),
        "retrieval": _retrieval(pathlib.Path(run)),
        "captions": _captions(model, made, options),
    }
    text = _page(found)
    (out / PAGE).write_text(text, encoding="utf-8")
    _seal(out, {"given": said, "headline": _headline(found), **found})
    return text


def given(windows: Sequence[str], options: Mapping) -> dict:
    """What an appraisal depends on besides the run: options, windows by their content.

    Raises:
      ValueError: naming a file that is none of windows.
    """
    files = _files(windows)
    return {"options": dict(options), "windows": [digest(file) for file in files]}


def read(out: pathlib.Path) -> dict:
    """The appraisal.json of a folder.

    Raises:
      ValueError: where it is no JSON of an appraisal.
    """
    try:
        told = json.loads((out / JSON).read_text(encoding="utf-8"))
        if not {"given", "headline", "files"} <= told.keys():
            raise ValueError("given, headline or files is missing")
    except (ValueError, AttributeError) as error:
        raise ValueError(
            f"{out / JSON} cannot be read ({error}): remove it and appraise again"
        ) from None
    return told


def digest(file: pathlib.Path) -> str:
    """SHA-256 of a file; "" where there is none."""
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _files(windows: Sequence[str]) -> list[pathlib.Path]:
    named = [name for name in windows if name.strip()]
    return evaluate.check_files(named) if named else []


_OPTIONS = ("resamples", "captions", "caption_tokens", "seed")
_ROWS = (MODEL, CHANCE, MAJORITY)
_FIGURES = {
    "accuracy": "accuracy",
    "f1_present": "F1 (present)",
    "f1_vocabulary": "F1 (vocabulary)",
    "recall_at_2": "R@2",
}
_SETUPS = ("1 to 5 nodes", "5 nodes", "whole body")
_WAYS = {"imu_to_text": "motion to text", "text_to_imu": "text to motion"}


def _recognition(document: Mapping) -> dict:
    """Rows of each dataset: figures with their intervals."""
    found = {}
    for name, told in document["datasets"].items():
        rows = {
            row: {f: told["rows"][row][f] for f in _FIGURES}
            for row in _ROWS
            if row in told["rows"]
        }
        facts = {"windows": told["windows"], "classes": len(told["classes"])}
        found[name] = facts | {"rows": rows}
    return found


def _retrieval(run: pathlib.Path) -> dict:
    """Figures by kind of motion, setup and way, of the run's last validation."""
    path = run / "validation.json"
    if not path.exists():
        raise ValueError(f"{path} is missing: let experiments.train end the run first")
    figures = json.loads(path.read_text(encoding="utf-8"))
    return {name: value for name, value in figures.items() if "/" in name}


def _captions(model, windows: LabelledWindows | None, options: Mapping) -> list[dict]:
    """What the model says of some windows of different activities, and the truth."""
    if not options["captions"]:
        return []
    order = np.random.default_rng(options["seed"]).permutation(len(windows))
    _, first = np.unique(windows.label[order], return_index=True)
    chosen = order[np.sort(first)][: options["captions"]].tolist()
    views = [windows.views(i)[0] for i in chosen]
    said = model.caption_views(views, max_new_tokens=options["caption_tokens"])
    return [
        {"shown": windows.texts[i], "said": caption}
        for i, caption in zip(chosen, said, strict=True)
    ]


def _headline(found: Mapping) -> str:
    told = []
    for name, one in found["recognition"].items():
        model, chance = (one["rows"][r]["accuracy"]["value"] for r in (MODEL, CHANCE))
        told.append(f"{name} {model:.1%} (chance {chance:.1%})")
    return f"zero-shot accuracy: {', '.join(told)}"


def _page(found: Mapping) -> str:
    """The page, as a person reads it."""
    parts = ["# What this run is worth"]
    for name, one in found["recognition"].items():
        parts += [
            f"## Zero-shot recognition: {name}",
            f"{one['windows']} windows, {one['classes']} activities; per cent, with "
            "95 per cent intervals.",
            _recognition_table(one["rows"]),
        ]
    parts += ["## Retrieval", "Held-out windows in pools of distinct texts."]
    parts.append(_retrieval_table(found["retrieval"]))
    if found["captions"]:
        parts += ["## Captions", _captions_table(found["captions"])]
    return "\n\n".join(parts) + "\n"


def _recognition_table(rows: Mapping) -> str:
    lines = [("", *_FIGURES.values())]
    for name, row in rows.items():
        cells = (
            f"{100 * row[f]['value']:.1f} [{100 * row[f]['low']:.1f}, "
            f"{100 * row[f]['high']:.1f}]"
            for f in _FIGURES
        )
        lines.append((name, *cells))
    return _table(lines)


def _retrieval_table(figures: Mapping) -> str:
    lines = [("", "pool", "R@1", "R@5", "R@10", "MRR")]
    kinds = sorted({name.split("/")[0] for name in figures if name.endswith("/texts")})
    for kind in kinds:
        pool = f"{figures[f'{kind}/texts']:.0f}"
        for setup in _SETUPS:
            for way, told in _WAYS.items():
                row = [figures[f"{kind}/{setup}/{way}/{f}"] for f in _RETRIEVED]
                shares = (f"{value:.1%}" for value in row[:-1])
                title = f"{kind}, {setup}, {told}"
                lines.append((title, pool, *shares, f"{row[-1]:.3f}"))
    return _table(lines)


_RETRIEVED = ("r1", "r5", "r10", "mrr")


def _captions_table(captions: Sequence[Mapping]) -> str:
    return _table([("shown", "said"), *((c["shown"], c["said"]) for c in captions)])


def _table(lines: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table whose columns stand under each other."""
    wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = [
        "| " + " | ".join(f"{c:<{w}}" for c, w in zip(row, wide, strict=True)) + " |"
        for row in lines
    ]
    rule = "|" + "|".join("-" * (w + 2) for w in wide) + "|"
    return "\n".join([rows[0], rule, *rows[1:]])


def _seal(out: pathlib.Path, told: dict) -> None:
    """Writes appraisal.json, with a digest of every other file of the folder."""
    files = sorted(p for p in out.rglob("*") if p.is_file() and p.name != JSON)
    told["files"] = {str(p.relative_to(out)): digest(p) for p in files}
    partial = out / f"{JSON}.tmp"
    partial.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    partial.replace(out / JSON)


def _define_flags() -> None:
    flags.DEFINE_string("run", None, "Instruction-tuned run.", required=True)
    flags.DEFINE_string("data", None, "Prepared folders.", required=True)
    flags.DEFINE_list("windows", [], "Files of experiments.prepare_har.")
    flags.DEFINE_string("out", "", "Folder to write to.")
    flags.DEFINE_integer("resamples", 1000, "Draws of the bootstrap.")
    flags.DEFINE_integer("captions", 6, "Held-out motions that are captioned.")
    flags.DEFINE_integer("caption_tokens", 64, "Longest caption.")
    flags.DEFINE_integer("seed", 0, "Of held-out windows and the bootstrap.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
