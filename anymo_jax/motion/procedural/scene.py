"""Where hands meet things: landmarks of the moving body, surfaces, bases.

Hand targets are given in the world, from landmarks of the body as posed so far, so a
hand stays on the table while the trunk sways and finds the mouth while the head nods.
"""

import dataclasses

import numpy as np

from anymo_jax.motion.procedural.arms import Row, drift, moved, rounded
from anymo_jax.motion.procedural.curves import smooth_noise
from anymo_jax.motion.procedural.figure import SEGMENT, Figure
from anymo_jax.motion.procedural.limbs import HandTrack
from anymo_jax.motion.procedural.pose import (
    Pose,
    bend,
    look,
    reach,
    solve,
    with_hands,
)
from anymo_jax.motion.procedural.postures import sitting, standing
from anymo_jax.motion.procedural.sway import with_tremor

SEGMENT_OF_SIDE = {"right": "R_", "left": "L_"}


@dataclasses.dataclass(frozen=True)
class Body:
    """A solved movement: where segments and landmarks are over time.

    Attributes:
      figure: whose.
      position: (T, 23, 3) m in the world.
      rotation: (T, 23, 3, 3) world from segment.
    """

    figure: Figure
    position: np.ndarray
    rotation: np.ndarray

    def point(self, segment: str, offset: Row) -> np.ndarray:
        """World position (T, 3) of a point given in a segment's frame, in m."""
        i = SEGMENT[segment]
        return self.position[:, i] + self.rotation[:, i] @ np.asarray(offset, float)

    def head_point(self, forward: float, left: float, up: float) -> np.ndarray:
        """World position (T, 3) near the head, by shares of stature from its joint."""
        return self.point("Head", self.figure.stature * np.array([forward, left, up]))

    @property
    def mouth(self) -> np.ndarray:
        """World position (T, 3) of the mouth."""
        return self.point("Head", self.figure.mouth)

    def shoulder(self, side: str) -> np.ndarray:
        """Mean place (3,) of a shoulder joint in the world."""
        name = SEGMENT_OF_SIDE[side] + "UpperArm"
        return self.position[:, SEGMENT[name]].mean(axis=0)

    def spot(self, side: str, forward, out, up) -> np.ndarray:
        """World place (3,) or (T, 3) by ARM LENGTHS from a shoulder's mean place."""
        return self.shoulder(side) + reach(self.figure, side, forward, out, up)

    @property
    def elbow_height(self) -> float:
        """Mean height in m of the elbow of an upper arm that hangs."""
        upper = np.linalg.norm(self.figure.offset("R_Forearm"))
        return float(self.shoulder("right")[2] - upper)

    def surface(self, above_elbow: float) -> "Surface":
        """A level surface in front, so many m above the height of the elbows."""
        middle = 0.5 * (self.shoulder("right") + self.shoulder("left"))
        origin = np.array([middle[0], middle[1], self.elbow_height + above_elbow])
        return Surface(origin, self.figure.arm)


@dataclasses.dataclass(frozen=True)
class Surface:
    """A table or counter: `origin` (3,) m lies on its plane, below mid-shoulders."""

    origin: np.ndarray
    arm: float

    def at(self, forward, left, above) -> np.ndarray:
        """World place (3,) or (T, 3): ARM LENGTHS forward and left, METRES up."""
        forward, left, above = np.broadcast_arrays(forward, left, above)
        offset = np.stack([forward * self.arm, left * self.arm, above], axis=-1)
        return self.origin + offset.astype(float)


def solved(pose: Pose) -> Body:
    """The body as posed so far; lay trunk and head movement before asking for it."""
    return Body(pose.figure, *solve(pose))


def base(
    rng: np.random.Generator,
    figure: Figure,
    time: np.ndarray,
    sits: float,
    *,
    lean: tuple[float, float] = (0.08, 0.06),
    down: tuple[float, float] = (0.25, 0.1),
    fidget: float = 0.3,
) -> tuple[Pose, str]:
    """A sitting or standing person who attends to something in front.

    Args:
      sits: probability of sitting.
      lean: rad, mean and spread of the trunk's lean forwards.
      down: rad, mean and spread of how far the head looks down.

    Returns:
      The pose, and "sitting" or "standing".
    """
    amount = rng.normal(*lean)
    if rng.random() < sits:
        pose = sitting(rng, figure, time, lean=amount, fidget=fidget)
        stance = "sitting"
    else:
        pose = standing(rng, figure, time, fidget=fidget)
        pose = bend(pose, flexion=max(amount, 0.0))
        stance = "standing"
    return look(pose, flexion=rng.normal(*down)), stance


def hand(
    rng: np.random.Generator,
    time: np.ndarray,
    position: np.ndarray,
    *,
    frame: str = "world",
    swivel: np.ndarray | float = 0.0,
    pronation: np.ndarray | float = 0.2,
    flexion: np.ndarray | float = 0.0,
    deviation: np.ndarray | float = 0.0,
    life: float = 1.0,
) -> HandTrack:
    """A hand track that is a person's: each angle offset and wandering a little.

    Args:
      position: (3,) or (T, 3) m in `frame`.
      flexion, deviation: of the wrist, rad.
      life: scale of the wandering; 1 has 2 mm and 2 to 4 degrees.
    """
    own = rng.normal(0, [0.12, 0.08, 0.05, 0.04])
    wander = own + life * smooth_noise(rng, time, 0.5, 4) * [0.04, 0.05, 0.04, 0.03]
    return HandTrack(
        np.asarray(position) + drift(rng, time, 0.002 * life),
        frame=frame,
        swivel=swivel + wander[:, 0],
        pronation=pronation + wander[:, 1],
        wrist_flexion=flexion + wander[:, 2],
        wrist_deviation=deviation + wander[:, 3],
    )


def easy_reach(
    figure: Figure, side: str, forward, out, up, limit: float = 0.93
) -> np.ndarray:
    """As `pose.reach`, drawn in softly to `limit` of the arm's length."""
    place = reach(figure, side, forward, out, up)
    length = np.linalg.norm(place, axis=-1, keepdims=True) / figure.arm
    gap = length - limit
    limited = length - 0.5 * (gap + np.sqrt(gap**2 + 0.03**2))
    return place * limited / length


def palm_to(
    pose: Pose, side: str, track: HandTrack, palm: Row, weight: float = 1.0
) -> HandTrack:
    """A hand track whose forearm is turned so that the palm faces a world direction.

    As far as the forearm turns: between 80 degrees of supination and 90 of pronation.

    Args:
      palm: (3,) or (T, 3) direction.
      weight: 1 turns all the way, 0 keeps the track's own pronation.
    """
    own = np.mean(track.pronation)
    straight = dataclasses.replace(track, pronation=0.0)
    body = solved(with_hands(pose, **{side: straight}))
    forearm = body.rotation[:, SEGMENT[SEGMENT_OF_SIDE[side] + "Forearm"]]
    palm = np.broadcast_to(np.asarray(palm, float), (len(pose.time), 3))
    local = np.einsum("tji,tj->ti", forearm, palm)
    # The palm of an unpronated forearm faces -Z; the mirrored left one's too.
    angle = np.clip(np.arctan2(-local[:, 0], -local[:, 2]), -1.4, 1.57)
    # Where the forearm points along the wanted direction, its turn is not defined.
    sure = 1e-6 + np.hypot(local[:, 0], local[:, 2])
    weighted = np.stack([sure * angle, sure], axis=-1)
    angle, total = rounded(pose.time, weighted, 0.1).T
    turned = weight * angle / total + (1 - weight) * own + (track.pronation - own)
    return dataclasses.replace(track, pronation=turned)


def stretch(pose: Pose, reserve: float = 0.93) -> Pose:
    """Lets the trunk join in where hands would have to go beyond `reserve` of the arm.

    People lean in before the arm is straight (Mark et al. 1997, the preferred critical
    boundary of reaching); from which share of the arm on was set by eye.
    """
    for _ in range(6):
        body, change = solved(pose), np.zeros((len(pose.time), 3))
        pivot = body.position[:, SEGMENT["L5"]]
        for side in ("right", "left"):
            lack = _lack(pose, body, side, reserve)
            lever = body.position[:, SEGMENT[SEGMENT_OF_SIDE[side] + "UpperArm"]]
            change += _bend_towards(pose.pelvis_rotation, lever - pivot, lack)
        pose = bend(
            pose,
            lateral=0.5 * change[:, 0],
            flexion=change[:, 1],
            turn=0.5 * change[:, 2],
        )
        pose = look(pose, flexion=-0.4 * change[:, 1])
    return pose


def finished(rng: np.random.Generator, pose: Pose) -> Pose:
    """The last touch of every hand activity: elbows off the trunk, and tremor."""
    return with_tremor(rng, clear_elbows(pose))


def clear_elbows(pose: Pose) -> Pose:
    """Raises elbows that a target across the body would draw into the trunk.

    The swivel grows until the elbow is beside the ribs or in front of them.
    """
    for _ in range(3):
        body = solved(pose)
        missing = {side: _inside(body, side) for side in ("right", "left")}
        if all(m.max() < 0.01 for m in missing.values()):
            return pose
        raised = {
            f"{side}_arm": moved(track, swivel=0.3)
            for side in missing
            if isinstance(track := getattr(pose, f"{side}_arm"), HandTrack)
        }
        if not raised:
            return pose
        other = solved(dataclasses.replace(pose, **raised))
        arms = {}
        for side in ("right", "left"):
            track = getattr(pose, f"{side}_arm")
            if isinstance(track, HandTrack):
                slope = (_outward(other, side) - _outward(body, side)) / 0.3
                more = missing[side] * slope / (slope**2 + 0.04**2)
                more = np.clip(more, 0.0, 0.7)[:, None]
                more = rounded(pose.time, more, 0.06)[:, 0]
                arms[f"{side}_arm"] = moved(track, swivel=more)
        pose = dataclasses.replace(pose, **arms)
    return pose


def _elbow(body: Body, side: str) -> np.ndarray:
    """Elbow (T, 3) m in the axes of T8, from its origin."""
    chest = SEGMENT["T8"]
    elbow = body.position[:, SEGMENT[SEGMENT_OF_SIDE[side] + "Forearm"]]
    offset = elbow - body.position[:, chest]
    return np.einsum("tji,tj->ti", body.rotation[:, chest], offset)


def _outward(body: Body, side: str) -> np.ndarray:
    """How far the elbow is out to its side (T,) in m."""
    return (-1.0 if side == "right" else 1.0) * _elbow(body, side)[:, 1]


def _inside(body: Body, side: str) -> np.ndarray:
    """How far (T,) in m an elbow would have to go outwards to clear the trunk."""
    gap = 0.1 * body.figure.stature - _outward(body, side)
    beside = 1 / (1 + np.exp((_elbow(body, side)[:, 0] - 0.16) / 0.02))
    return beside * 0.5 * (gap + np.sqrt(gap**2 + 0.01**2))


def _lack(pose: Pose, body: Body, side: str, reserve: float) -> np.ndarray:
    """Vector (T, 3) m in the world by which a world target is out of easy reach."""
    track = getattr(pose, f"{side}_arm")
    if not isinstance(track, HandTrack) or track.frame != "world":
        return np.zeros((len(pose.time), 3))
    joint = body.position[:, SEGMENT[SEGMENT_OF_SIDE[side] + "UpperArm"]]
    line = track.position - joint
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    gap = length - reserve * pose.figure.arm
    beyond = 0.5 * (gap + np.sqrt(gap**2 + 0.01**2))
    return beyond * line / length


def _bend_towards(pelvis: np.ndarray, lever: np.ndarray, lack: np.ndarray):
    """Trunk rotation (T, 3), pelvis frame, that moves a lever's end by `lack`."""
    lever = np.einsum("tji,tj->ti", pelvis, lever)
    lack = np.einsum("tji,tj->ti", pelvis, lack)
    axes = np.stack([np.cross(a, lever) for a in np.eye(3)], axis=-1)
    damped = axes @ np.swapaxes(axes, -1, -2) + 0.02 * np.eye(3)
    force = np.linalg.solve(damped, lack[..., None])
    return np.einsum("tji,tjk->ti", axes, force)
