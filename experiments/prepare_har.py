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


def main(argv: list[str]) -> None:
    """List the datasets, or prepare one and print its card."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    given = flags.FLAGS
    if given.list:
        print(listing())
        return
    for name in ("dataset", "raw", "out"):
        if not given[name].value:
            raise app.UsageError(f"--{name} is needed; --list shows the datasets")
    try:
        card = _prepare(given)
    except ValueError as error:
        sys.exit(f"prepare_har: {error}")
    print(f"\n{render_card(card)}\n\nwritten to {given.out}")


def _prepare(given: flags.FlagValues) -> dict:
    mode, units = "declared", {}
    if len(given.units) == 1 and given.units[0] in UNITS:
        mode = given.units[0]
    else:
        units = named_units(given.units)
    site, sites = named_sites(given.sites)
    options = TableOptions(
        columns=given.columns,
        site=site,
        sites=sites,
        units=units,
        rate_hz=given.rate_hz,
        window_s=given.window_s,
        hop_s=given.hop_s,
        shortest_s=given.shortest_s,
        classes=tuple(filter(None, given.classes.split(";"))),
    )
    raw = pathlib.Path(given.raw)
    windows = prepare(
        open_dataset(given.dataset, raw, options),
        raw,
        pathlib.Path(given.out),
        WindowOptions(given.gap_s, given.most_missing),
        units=mode,
        settings={"dataset": given.dataset, "table": repr(options)},
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


def _define_flags() -> None:
    flags.DEFINE_bool("list", False, "Show all datasets and what each needs.")
    flags.DEFINE_string("dataset", None, "Name of the dataset; see --list.")
    flags.DEFINE_string("raw", None, "Its folder or file.")
    flags.DEFINE_string("out", None, "Safetensors file to write.")
    flags.DEFINE_list(
        "units",
        ["declared"],
        "declared: refuse what contradicts the dataset's units. auto: rescale it. "
        "force:g,rate:deg/s,time:ms: the units of what is read, where they are known "
        "better.",
    )
    flags.DEFINE_float("gap_s", 0.25, "Stamps further apart are a gap: NaN.")
    flags.DEFINE_float(
        "most_missing", 0.2, "Windows with more missing in all sensors are dropped."
    )
    flags.DEFINE_string("columns", "", "Tables: which column is what.")
    flags.DEFINE_string(
        "sites",
        "",
        "Where a device is worn: 'left wrist', or 'imu1=left wrist;imu2=waist'.",
    )
    flags.DEFINE_float("rate_hz", float("nan"), "Tables without time stamps.")
    flags.DEFINE_float("window_s", 5.0, "Tables; 0: a label's stretch is one.")
    flags.DEFINE_float("hop_s", 0.0, "Tables: from window to window; 0: no overlap.")
    flags.DEFINE_float("shortest_s", 1.0, "Tables: shorter ones are dropped.")
    flags.DEFINE_string("classes", "", "Tables: 'sitting;walking', in order.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
