r"""Turn a real wearable dataset into labelled windows at 60 Hz on the 23 nodes.

    python -m experiments.prepare_har --list
    python -m experiments.prepare_har --dataset=wisdm --raw=DIR --out=FILE
    python -m experiments.prepare_har --dataset=unimts:PAMAP --raw=UniMTS_data.zip \
        --out=FILE
    python -m experiments.prepare_har --dataset=table --raw=my.csv --out=FILE \
        --sites='left wrist' --units=force:g,rate:deg/s

Stopped runs carry on where they stopped. Tables: columns are guessed from their names
(time, acc_x, gyro_x, label, subject, recording; "left_wrist_acc_x" where there are
several devices) or said by --columns='time=t;left wrist.force=ax,ay,az'. Suspicious
units are refused by name; --units=auto rescales them and says so in the card.
"""

import pathlib
import sys
import textwrap
import time

from absl import app, flags

from anymo_jax.datasets.card import render_card
from anymo_jax.datasets.catalogue import PACKINGS, open_dataset
from anymo_jax.datasets.engine import UNITS, Progress, prepare
from anymo_jax.datasets.part import WindowOptions
from anymo_jax.datasets.raw import DATASETS
from anymo_jax.datasets.tables.facts import TableOptions, named_sites, named_units

_LIST = flags.DEFINE_bool("list", False, "Show all datasets and what each needs.")
_DATASET = flags.DEFINE_string("dataset", None, "Name of the dataset; see --list.")
_RAW = flags.DEFINE_string("raw", None, "Its folder or file.")
_OUT = flags.DEFINE_string("out", None, "Safetensors file to write.")
_UNITS = flags.DEFINE_list(
    "units",
    ["declared"],
    "declared: refuse what contradicts the dataset's units. auto: rescale it. "
    "force:g,rate:deg/s,time:ms: the units of what is read, where they are known "
    "better.",
)
_GAP = flags.DEFINE_float("gap_s", 0.25, "Stamps further apart are a gap: NaN.")
_MISSING = flags.DEFINE_float(
    "most_missing", 0.2, "Windows with more missing in all sensors are dropped."
)
_COLUMNS = flags.DEFINE_string("columns", "", "Tables: which column is what.")
_SITES = flags.DEFINE_string(
    "sites",
    "",
    "Where a device is worn: 'left wrist', or 'imu1=left wrist;imu2=waist'.",
)
_RATE = flags.DEFINE_float("rate_hz", float("nan"), "Tables without time stamps.")
_WINDOW = flags.DEFINE_float("window_s", 5.0, "Tables; 0: a label's stretch is one.")
_HOP = flags.DEFINE_float("hop_s", 0.0, "Tables: from window to window; 0: no overlap.")
_SHORTEST = flags.DEFINE_float("shortest_s", 1.0, "Tables: shorter ones are dropped.")
_CLASSES = flags.DEFINE_string("classes", "", "Tables: 'sitting;walking', in order.")


def main(argv: list[str]) -> None:
    """List the datasets, or prepare one and print its card."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    if _LIST.value:
        print(listing())
        return
    for flag in (_DATASET, _RAW, _OUT):
        if not flag.value:
            raise app.UsageError(f"--{flag.name} is needed; --list shows the datasets")
    try:
        card = _prepare()
    except ValueError as error:
        sys.exit(f"prepare_har: {error}")
    print(f"\n{render_card(card)}\n\nwritten to {_OUT.value}")


def _prepare() -> dict:
    mode, given = "declared", {}
    if len(_UNITS.value) == 1 and _UNITS.value[0] in UNITS:
        mode = _UNITS.value[0]
    else:
        given = named_units(_UNITS.value)
    site, sites = named_sites(_SITES.value)
    options = TableOptions(
        columns=_COLUMNS.value,
        site=site,
        sites=sites,
        units=given,
        rate_hz=_RATE.value,
        window_s=_WINDOW.value,
        hop_s=_HOP.value,
        shortest_s=_SHORTEST.value,
        classes=tuple(filter(None, _CLASSES.value.split(";"))),
    )
    raw = pathlib.Path(_RAW.value)
    windows = prepare(
        open_dataset(_DATASET.value, raw, options),
        raw,
        pathlib.Path(_OUT.value),
        WindowOptions(_GAP.value, _MISSING.value),
        units=mode,
        settings={"dataset": _DATASET.value, "table": repr(options)},
        progress=_Progress(),
    )
    return dict(windows.card)


class _Progress:
    """One line per part."""

    def __init__(self):
        self.start = time.monotonic()

    def __call__(self, done: Progress) -> None:
        how = "kept from an earlier run" if done.resumed else "read"
        spent = time.monotonic() - self.start
        print(
            f"[{spent:6.1f} s] {done.recordings} recordings, {done.windows} windows "
            f"{how}; last {done.source}",
            flush=True,
        )


def listing() -> str:
    """All datasets, where to get each and what it needs."""
    lines = []
    for name, facts in DATASETS.items():
        sites = len(set(facts.nodes.values()))
        lines += [
            f"{name}: {facts.title}",
            f"    {len(facts.vocabulary.classes)} classes, {sites} sites, "
            f"{facts.rate_hz:g} Hz; {facts.licence}",
            f"    get it: {facts.homepage}",
            *_wrapped(f"needs: {facts.needs}"),
            *(line for flag in facts.flags for line in _wrapped(f"! {flag}")),
        ]
    lines.append("")
    for name, (what, variants) in PACKINGS.items():
        lines.append(f"{name}: {what}")
        if variants:
            lines += _wrapped(", ".join(f"{name}:{variant}" for variant in variants))
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        88,
        initial_indent="    ",
        subsequent_indent="      ",
        break_on_hyphens=False,
    )


if __name__ == "__main__":
    app.run(main)
