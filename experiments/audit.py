"""Simulate every clip of a prepared folder at every placement, and look for nonsense.

    python -m experiments.audit --prepared=runs/motion

Counts resting half seconds (the segment moves under 2 cm/s and turns under 0.1 rad/s
throughout) whose mean specific force is not 9.81 +- 0.3 m/s^2, and values beyond
200 m/s^2 or 40 rad/s, with the clips and segments where they occur.
"""

import collections
import sys

import numpy as np
from absl import app, flags

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.prepared import MARGIN, RATE_HZ, PreparedMotion
from anymo_jax.simulation import dense_signals

GRAVITY, TOLERANCE = 9.81, 0.3
MOST_FORCE, MOST_RATE = 200.0, 40.0
REST_FRAMES = 30
STILL_SPEED, STILL_RATE = 0.02, 0.1
LISTED = 12


def main(argv: list[str]) -> None:
    del argv
    try:
        data = PreparedMotion(flags.FLAGS.prepared, verify=True)
    except ValueError as error:
        sys.exit(f"audit: {error}")
    totals = collections.Counter()
    rest, faults = [], []
    for index, clip in enumerate(data):
        placements = data.placements(clip)
        signal = np.concatenate(list(dense_signals(clip.motion, placements)))
        # What training sees: the margin, where derivatives are one-sided, it does not.
        signal = signal[MARGIN:-MARGIN]
        force = np.linalg.norm(signal[..., :3], axis=-1)
        rate = np.linalg.norm(signal[..., 3:], axis=-1)
        totals["clips"] += 1
        totals["samples"] += force.size
        if not np.isfinite(signal).all():
            faults.append((clip, "not finite", np.nan, ""))
        inside = clip.position[MARGIN:-MARGIN]
        rest += resting_forces(inside, force, rate, placements.segment)
        faults += _beyond(clip, force, MOST_FORCE, "m/s^2", placements.segment)
        faults += _beyond(clip, rate, MOST_RATE, "rad/s", placements.segment)
        if sys.stderr.isatty() and index % 20 == 0:
            print(f"\r{index + 1}/{len(data)}", end="", file=sys.stderr)
    _report(totals, np.array(rest), faults)


def resting_forces(position, force, rate, segment) -> list[float]:
    """Mean |force| of each segment in each half second that it rests.

    Args:
      position: (T, 23, 3) m.
      force: (T, P) m/s^2, magnitudes.
      rate: (T, P) rad/s, magnitudes.
      segment: (P,) index of the segment of each placement.
    """
    speed = np.linalg.norm(np.diff(position, axis=0), axis=-1) * RATE_HZ
    found = []
    for start in range(0, len(force) - REST_FRAMES + 1, REST_FRAMES):
        frames = slice(start, start + REST_FRAMES)
        slow = speed[frames].max(axis=0) < STILL_SPEED
        for index in np.flatnonzero(slow):
            on = np.asarray(segment) == index
            if rate[frames][:, on].max() < STILL_RATE:
                found.append(float(force[frames][:, on].mean()))
    return found


def _beyond(clip, values, limit, unit, segment) -> list[tuple]:
    """One fault per segment that exceeds a limit, with its largest value."""
    largest = values.max(axis=0)
    found = []
    for index in np.unique(np.asarray(segment)[largest > limit]):
        worst = largest[np.asarray(segment) == index].max()
        found.append((clip, unit, float(worst), XSENS.names[index]))
    return found


def _report(totals, rest, faults) -> None:
    print(f"\n{totals['clips']} clips, {totals['samples']:,} placement-samples")
    if len(rest):
        off = np.abs(rest - GRAVITY) > TOLERANCE
        print(
            f"resting half seconds: {len(rest)} of single segments; force "
            f"{rest.mean():.3f} +- {rest.std():.3f} m/s^2, {off.sum()} off by over "
            f"{TOLERANCE}"
        )
    for unit, limit in (("m/s^2", MOST_FORCE), ("rad/s", MOST_RATE)):
        group = sorted((f for f in faults if f[1] == unit), key=lambda f: -f[2])
        clips = {fault[0].source for fault in group}
        print(f"beyond {limit:g} {unit}: {len(clips)} clips")
        counts = collections.Counter(fault[3] for fault in group)
        if counts:
            print("  " + ", ".join(f"{n} {c}" for n, c in counts.most_common()))
        for clip, _, worst, name in group[:LISTED]:
            print(
                f"  {worst:7.0f} {name:<11} {clip.source}: {'; '.join(clip.texts[:1])}"
            )
    print(f"not finite: {sum(f[1] == 'not finite' for f in faults)} clips")


def _define_flags() -> None:
    flags.DEFINE_string("prepared", None, "Prepared folder.", required=True)


if __name__ == "__main__":
    _define_flags()
    app.run(main)
