r"""Turn motion capture and the procedural library into a prepared folder.

    python -m experiments.prepare --out=runs/motion
    python -m experiments.prepare --out=runs/motion --config.bvh=FOLDER
    python -m experiments.prepare --out=runs/motion --config=configs/prepare.py:small \
        --config.packs='MOCAP/*.npz' --config.splits=MOCAP/splits.json

Stopped runs carry on where they stopped. See configs/prepare.py for all settings.
"""

import collections
import os
import sys
import time
from collections.abc import Mapping

from absl import app, flags
from ml_collections import config_flags

from anymo_jax.motion import archive, prepared
from anymo_jax.motion.prepare import PrepareOptions
from anymo_jax.motion.sources import Unit, list_units


def main(argv: list[str]) -> None:
    """List the units, prepare them, print what was kept and what was not."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    given = flags.FLAGS
    try:
        manifest = archive.prepare(
            given.out,
            *sources(given.config),
            workers=given.workers,
            progress=_Progress(),
        )
    except ValueError as error:
        sys.exit(f"prepare: {error}")
    print_card(manifest)


def sources(config: Mapping) -> tuple[list[Unit], PrepareOptions, archive.Splits]:
    """What a recipe of configs/prepare.py names: units, options and splits.

    Raises:
      ValueError: naming the source that is not there, or the option that cannot be.
    """
    units = list_units(
        packs=config["packs"],
        bvh=config["bvh"],
        mvnx=config["mvnx"],
        procedural=config["procedural"],
        activities=config["activities"],
        seed=config["seed"],
    )
    trials = archive.read_splits(config["splits"])
    splits = archive.Splits(trials, config["held_out_subjects"])
    return units, PrepareOptions(**config["options"]), splits


class _Progress:
    """One line per unit, with the time that is left."""

    def __init__(self):
        self.start = time.monotonic()

    def __call__(self, done: int, total: int, record: dict) -> None:
        spent = time.monotonic() - self.start
        left = spent / done * (total - done)
        clips = sum(shard["clips"] for shard in record["shards"])
        print(
            f"[{done}/{total}] {record['kind']} unit {record['unit']}: "
            f"{record['recordings']} recordings, {clips} clips, "
            f"{len(record['rejections'])} losses; {left:.0f} s left",
            flush=True,
        )


def print_card(manifest: dict) -> None:
    """Counts, hours and rejections of a prepared folder."""
    print(f"\n{'source':<12}{'recordings':>11}{'clips':>8}{'windows':>9}{'hours':>8}")
    for kind, counts in manifest["counts"].items():
        hours = counts.get("frames", 0) / prepared.RATE_HZ / 3600
        cells = (counts.get(n, 0) for n in ("recordings", "clips", "windows"))
        print("{:<12}{:>11}{:>8}{:>9}{:>8.2f}".format(kind, *cells, hours))
    flags_ = sum(c.get("tempo_flags", 0) for c in manifest["counts"].values())
    if flags_:
        print(
            f"\n{flags_} recordings carry a frame rate that cannot be (facts name it)"
        )
    losses = collections.defaultdict(list)
    for loss in manifest["rejections"]:
        losses[loss["reason"]].append(loss)
    for reason, group in losses.items():
        seconds = sum(loss["seconds"] for loss in group)
        print(f"\n{reason}: {len(group)} recordings, {seconds:.0f} s")
        for loss in group[:3]:
            print(f"  {loss['source']}: {loss['detail']}")
        if len(group) > 3:
            print(f"  ... and {len(group) - 3} more, in {prepared.MANIFEST}")


def _define_flags() -> None:
    config_flags.DEFINE_config_file("config", "configs/prepare.py:tiny")
    flags.DEFINE_string("out", None, "Folder to write.", required=True)
    flags.DEFINE_integer("workers", os.cpu_count() or 1, "Processes.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
