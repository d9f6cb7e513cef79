"""Scores: whole-body strokes written as key poses, performed again and again.

A throw, a swing or a serve is a table of key poses at shares of its duration; joints
pass through them without stopping (proximal segments first, Putnam 1993), rest in the
ready pose, and every performance differs a little in place and time.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.limbs import about
from anymo_jax.motion.procedural.pose import Pose, bend, look, with_hands
from anymo_jax.motion.procedural.scene import easy_reach, hand
from anymo_jax.motion.procedural.stepping import settled, with_foot

# Size and standing of what a score may hold for each key pose.
_CHANNELS = {
    "right": 3,
    "left": 3,
    "right_angles": 3,
    "left_angles": 3,
    "trunk": 3,
    "pelvis": 3,
}


# Right and left wrist, right and left angles of hanging arms.
_HANGING = (*(0.18, 0.1, -0.91) * 2, *(0.0, 0.3, 0.1) * 2)


@dataclasses.dataclass(frozen=True)
class Score:
    """Key poses of one stroke; the first and last are the ready pose.

    Attributes:
      at: (K,) shares of the duration, 0 to 1.
      right, left: K of (forward, out, up) of the wrist from the shoulder, arm lengths.
      right_angles, left_angles: K of (swivel, pronation, wrist flexion) rad.
      trunk: K of (lateral, flexion, turn) rad of the thorax on the pelvis.
      pelvis: K of (forward, up, turn): m, m, rad over planted feet.
      step: (start, end, back) shares at which the foot across steps out by `stride`
        and returns, or None.
      stride: m forward of that foot.
      hit: share at which the ball or bat meets its mark.
    """

    at: tuple[float, ...]
    right: tuple
    left: tuple
    right_angles: tuple
    left_angles: tuple
    trunk: tuple
    pelvis: tuple
    step: tuple[float, float, float] | None = None
    stride: float = 0.0
    hit: float = 0.5

    def table(self) -> np.ndarray:
        """All channels side by side, (K, 18)."""
        return np.concatenate(
            [_column(getattr(self, n), len(self.at)) for n in _CHANNELS], axis=1
        )


def _column(values: tuple, count: int) -> np.ndarray:
    """(K, 3) of K rows, or of one row that is held."""
    rows = np.asarray(values, float)
    rows = np.broadcast_to(rows, (count, 3)) if rows.ndim == 1 else rows
    if rows.shape != (count, 3):
        raise ValueError(f"a score of {count} keys needs rows (K, 3), got {rows.shape}")
    return rows


@dataclasses.dataclass(frozen=True)
class Part:
    """A performed score: channels (T, 3) by name, and the times of start and hit."""

    channels: Mapping[str, np.ndarray]
    starts: np.ndarray
    lengths: np.ndarray
    hits: np.ndarray


def play(
    rng: np.random.Generator,
    time: np.ndarray,
    score: Score,
    takes_s: tuple[float, float],
    rest_s: tuple[float, float],
    *,
    vigour: float = 1.0,
    hanging: bool = False,
) -> Part:
    """A score performed again and again with rests in the ready pose.

    Args:
      takes_s: range of the duration of one stroke; a person's own is drawn from it and
        varies by 5 per cent.
      rest_s: range of the rests.
      vigour, hanging: as of `play_at`.
    """
    own, now = rng.uniform(*takes_s), time[0] - rng.uniform(0, 0.5) * takes_s[0]
    starts, lengths = [], []
    while now < time[-1] + 0.5:
        starts.append(now)
        lengths.append(own * (1 + 0.05 * np.clip(rng.standard_normal(), -2, 2)))
        now += lengths[-1] + rng.uniform(*rest_s)
    return play_at(
        rng,
        time,
        score,
        np.array(starts),
        np.array(lengths),
        vigour=vigour,
        hanging=hanging,
    )


def play_at(
    rng: np.random.Generator,
    time: np.ndarray,
    score: Score,
    starts: np.ndarray,
    lengths: np.ndarray,
    *,
    vigour: float = 1.0,
    hanging: bool = False,
) -> Part:
    """A score performed at given times, each time a little differently.

    Args:
      starts, lengths: (N,) s, in order and without overlap.
      vigour: scale of the excursions from the ready pose.
      hanging: whether arms hang at rest, instead of being ready.
    """
    table = score.table()
    table = table[0] + vigour * (table - table[0])
    if hanging:
        table[[0, -1], : len(_HANGING)] = _HANGING
    when, rows = [min(time[0], *starts) - 1.0], [table[0]]
    spread = 0.04 * np.ptp(table, axis=0)
    for start, length in zip(starts, lengths, strict=True):
        keys = table + spread * np.clip(rng.standard_normal(table.shape), -2, 2)
        keys[[0, -1]] = table[0]
        when.extend(start + length * np.asarray(score.at))
        rows.extend(keys)
    track = arms.passing(time, when, rows, 0.03)
    edges = np.cumsum(list(_CHANNELS.values()))[:-1]
    parts = dict(zip(_CHANNELS, np.split(track, edges, axis=1), strict=True))
    return Part(parts, starts, lengths, starts + score.hit * lengths)


def staged(
    rng: np.random.Generator,
    figure: Figure,
    time: np.ndarray,
    pose: Pose,
    score: Score,
    part: Part,
    jolt: tuple[float, float] | None = None,
) -> Pose:
    """Lays a performed score over a standing pose.

    Args:
      jolt: m/s^2, range of the shock on both hands at each hit.
    """
    c = part.channels
    turn = about("z", c["pelvis"][:, 2], len(time))
    pose = dataclasses.replace(pose, pelvis_rotation=turn @ pose.pelvis_rotation)
    lateral, flexion, twist = c["trunk"].T
    pose = bend(pose, lateral=lateral, flexion=flexion, turn=twist)
    gaze = 0.7 * (twist + c["pelvis"][:, 2])
    pose = look(pose, turn=-gaze, flexion=-0.5 * flexion)
    shock = 0.0
    if jolt is not None:
        hits = part.hits[(part.hits > time[0]) & (part.hits < time[-1])]
        shock = arms.jolts(rng, time, hits, [-1.0, 0.0, 0.2], jolt)
    tracks = {}
    for side in ("right", "left"):
        swivel, pronation, wrist = c[f"{side}_angles"].T
        tracks[side] = hand(
            rng,
            time,
            easy_reach(figure, side, *c[side].T, limit=0.96) + shock,
            frame="shoulder",
            swivel=swivel,
            pronation=pronation,
            flexion=wrist,
        )
    pose = with_hands(pose, **tracks)
    if score.step is not None:
        pose = _stepping_out(pose, score, part)
    shift = np.stack(
        [c["pelvis"][:, 0], np.zeros(len(time)), c["pelvis"][:, 1]], axis=-1
    )
    return settled(pose, shift)


def _stepping_out(pose: Pose, score: Score, part: Part) -> Pose:
    """The foot across from the hand steps forward and back with every stroke."""
    start, end, back = score.step
    when, offsets = [part.starts[0] - 1.0], [(0.0, 0.0, 0.0)]
    out = (score.stride, 0.0, 0.0)
    for begin, length in zip(part.starts, part.lengths, strict=True):
        when += [begin + length * s for s in (start, end, back)]
        when.append(begin + length)
        offsets += [(0.0, 0.0, 0.0), out, out, (0.0, 0.0, 0.0)]
    return with_foot(pose, "left", when, offsets)


def chained(first: Score, second: Score, share: float, gap: float) -> Score:
    """One score after another: `first` takes `share` of the time, then waits `gap`.

    The hit is that of the second; steps are those of the first.
    """
    rest = 1 - share - gap
    at = [share * a for a in first.at] + [share + gap + rest * a for a in second.at]
    rows = {}
    for name in _CHANNELS:
        columns = [_column(getattr(s, name), len(s.at)) for s in (first, second)]
        rows[name] = tuple(map(tuple, np.concatenate(columns)))
    step = None if first.step is None else tuple(share * s for s in first.step)
    return Score(
        at=tuple(at),
        **rows,
        step=step,
        stride=first.stride,
        hit=share + gap + rest * second.hit,
    )
