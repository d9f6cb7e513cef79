"""Steps of a person who works in one place: to the side, ahead, around, a lunge.

The feet stand still between steps, one moves at a time, and the pelvis goes with them.
For going somewhere there is `walking`.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from anymo_jax.motion.procedural.arms import Itinerary, itinerary, posed
from anymo_jax.motion.procedural.gait import settle
from anymo_jax.motion.procedural.limbs import FootTrack, about
from anymo_jax.motion.procedural.pose import Pose

_SIDES = ("right", "left")


@dataclasses.dataclass(frozen=True)
class Move:
    """A change of place: when, for how long (s), where to (m) and turned by (rad).

    `forward`, `left` and `turn` are totals from where the pose began, in its axes.
    """

    start: float
    seconds: float
    forward: float = 0.0
    left: float = 0.0
    turn: float = 0.0

    @property
    def place(self) -> np.ndarray:
        return np.array([self.turn, self.forward, self.left])


def relocated(
    pose: Pose, moves: Sequence[Move], stride: float = 0.45, lift: float = 0.06
) -> Pose:
    """A standing pose that steps from place to place.

    Args:
      moves: in the order of time, without overlap.
      stride: m, longest step of a foot relative to the body.
      lift: m, of the ankle in a step.
    """
    start = min([pose.time[0], *(move.start for move in moves)]) - 1.0
    here, rows = np.zeros(3), [(start, np.zeros(3))]
    origin = np.append(np.mean(pose.pelvis_position[:, :2], axis=0), 0.0)
    feet = {side: _Foot(pose, side, origin, start) for side in _SIDES}
    for move in moves:
        change = move.place - here
        effort = np.hypot(*change[1:]) / stride, abs(change[0]) / 0.7
        count = max(2, 2 * int(np.ceil(max(effort))))
        first = 1 if change[2] + 0.2 * change[0] > 0 else 0
        takes = move.seconds / count
        for k in range(count):
            share = min(1.0, (k + 2) / count)
            side = _SIDES[(first + k) % 2]
            feet[side].step(
                move.start + k * takes, here + share * change, 0.9 * takes, lift
            )
        rows += [(move.start, here), (move.start + move.seconds, move.place)]
        here = move.place
    when, states = zip(*rows, strict=True)
    body = itinerary(pose.time, when, states)
    return _moved(pose, body, origin, {s: feet[s].track(pose.time) for s in _SIDES})


class _Foot:
    """One foot's itinerary of yaw, x, y, z."""

    def __init__(self, pose: Pose, side: str, origin: np.ndarray, start: float):
        foot = getattr(pose, f"{side}_leg")
        self.rotation, self.foot = foot.rotation, foot
        self.offset, self.origin = foot.position - origin, origin
        self.route = Itinerary(start, self._at(np.zeros(3)))

    def _at(self, state: np.ndarray) -> np.ndarray:
        spot = self.offset @ about("z", state[0], 1)[0].T
        return posed(self.origin + spot + [state[1], state[2], 0.0], state[0])

    def step(self, start: float, state: np.ndarray, takes: float, lift: float) -> None:
        if start > self.route.now:
            self.route.stay(start - self.route.now)
        self.route.go(self._at(state), takes, lift)

    def track(self, time: np.ndarray) -> FootTrack:
        path = self.route.track(time)
        turned = about("z", path[:, 0], len(time)) @ self.rotation
        return dataclasses.replace(self.foot, position=path[:, 1:], rotation=turned)


def _moved(pose: Pose, body: np.ndarray, origin: np.ndarray, feet: dict) -> Pose:
    """The pelvis carried along with turn and shift (T, 3) above given feet."""
    turn = about("z", body[:, 0], len(pose.time))
    shift = origin + np.pad(body[:, 1:], ((0, 0), (0, 1)))
    place = np.einsum("tij,tj->ti", turn, pose.pelvis_position - origin) + shift
    rotation = turn @ pose.pelvis_rotation
    place = settle(pose.figure, place, rotation, feet["right"], feet["left"])
    return dataclasses.replace(
        pose,
        pelvis_position=place,
        pelvis_rotation=rotation,
        right_leg=feet["right"],
        left_leg=feet["left"],
    )


def with_foot(
    pose: Pose,
    side: str,
    when: Sequence[float],
    offsets: Sequence[tuple[float, float, float]],
    lift: float = 0.06,
    pitch: np.ndarray | None = None,
) -> Pose:
    """A pose with one foot moved from its stance, resting at each offset.

    Args:
      when: (K,) s, increasing.
      offsets: K of m forward, left, up of where the foot stood.
      lift: m, extra height half way of each move.
      pitch: (T,) rad, toes down.
    """
    foot = getattr(pose, f"{side}_leg")
    moving = [not np.allclose(a, b) for a, b in itertools.pairwise(offsets)]
    path = itinerary(
        pose.time,
        when,
        [np.array(o, float) for o in offsets],
        lift * np.array(moving, float),
    )
    rotation = foot.rotation
    if pitch is not None:
        rotation = rotation @ about("y", pitch, len(pose.time))
    leg = dataclasses.replace(foot, position=foot.position + path, rotation=rotation)
    return dataclasses.replace(pose, **{f"{side}_leg": leg})


def settled(pose: Pose, shift: np.ndarray | float = 0.0) -> Pose:
    """The pelvis shifted by (T, 3) m, and lowered where a foot were out of reach."""
    place = settle(
        pose.figure,
        pose.pelvis_position + shift,
        pose.pelvis_rotation,
        _broadcast(pose, "right"),
        _broadcast(pose, "left"),
    )
    return dataclasses.replace(pose, pelvis_position=place)


def _broadcast(pose: Pose, side: str) -> FootTrack:
    foot = getattr(pose, f"{side}_leg")
    position = np.broadcast_to(foot.position, (len(pose.time), 3))
    return dataclasses.replace(foot, position=position)
