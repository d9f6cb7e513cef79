"""From a source's joints to the 23 segments.

A source (a BVH skeleton, a prepared pack) brings its joints turned to the T-pose of
`body.skeleton`: rotations that are the identity in T-pose, metres, Z up. A table of
`SegmentRule`s then says which joints give each segment. Nothing is fitted: rotations
are the source's, origins stand where the source's joints are, with two provisos.

* The origin of the Pelvis is the midpoint of the hip joints, as in Xsens MVN; root
  joints lie anywhere from 3 cm below to 10 cm above it.
* Bones keep their T-pose length. Where a source has more joints than we (two in a neck)
  or moves one that we hold rigid, the bone keeps the source's direction and its far end
  moves along it, with everything beyond. Elsewhere this changes nothing.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.glitch import find_valid
from anymo_jax.motion.recording import SegmentMotion

# Height of the joint C1-head over the whole height, in the body model of Xsens MVN
# (1.5366 m of 1.7154 m in its N-pose).
_HEAD_JOINT_SHARE = 0.896
MIN_STATURE, MAX_STATURE = 1.4, 2.1


@dataclasses.dataclass(frozen=True)
class SegmentRule:
    """How joints of a source give one segment; see `at` and `between`.

    Attributes:
      turn: joints a, b and a fraction; the segment's rotation lies at this fraction of
        the geodesic from a's to b's.
      origin: joints a, b and a fraction; the segment begins at this fraction of the
        T-pose line from a to b and is carried by a.
    """

    turn: tuple[str, str, float]
    origin: tuple[str, str, float]

    @property
    def joints(self) -> frozenset[str]:
        """Names of the joints that the rule needs."""
        return frozenset((*self.turn[:2], *self.origin[:2]))


def at(joint: str, *, origin: str | None = None) -> SegmentRule:
    """The segment has the joint's rotation, and its position or that of `origin`."""
    start = origin or joint
    return SegmentRule((joint, joint, 0.0), (start, start, 0.0))


def between(
    first: str, second: str, fraction: float, *, origin: str | None = None
) -> SegmentRule:
    """The segment lies between two joints, or begins at `origin` and turns so."""
    turn = (first, second, fraction)
    return SegmentRule(turn, (origin, origin, 0.0) if origin else turn)


@dataclasses.dataclass(frozen=True)
class JointMotion:
    """A source's joints over time, in the world of `body.skeleton` (metres, Z up).

    Attributes:
      names: name of each joint.
      tpose: (J, 3) m, joint positions in T-pose, facing +X.
      position: (T, J, 3) m, in the world.
      rotation: (T, J, 3, 3) world from joint, the identity in T-pose facing +X.
      rate_hz: frames per second.
    """

    names: tuple[str, ...]
    tpose: Float[np.ndarray, "J 3"]
    position: Float[np.ndarray, "T J 3"]
    rotation: Float[np.ndarray, "T J 3 3"]
    rate_hz: float


def retarget(
    joints: JointMotion,
    rules: Mapping[str, SegmentRule],
    name: str,
    *,
    valid: Bool[np.ndarray, "T"] | None = None,
) -> SegmentMotion:
    """The motion of the 23 segments.

    Args:
      joints: the source's joints.
      rules: for each of the 23 segment names, the joints that give it.
      name: what messages call the source.
      valid: (T,) False where the source itself marks a frame as bad.

    Returns:
      The motion, float64; frames around glitches are invalid too (see `glitch`).

    Raises:
      ValueError: the body's height is no adult's.
    """
    tpose = tpose_origins(joints, rules)
    check_stature(tpose, name)
    index = {joint: i for i, joint in enumerate(joints.names)}
    rotation = np.stack(
        [_rotation(joints, index, rules[segment]) for segment in XSENS.names], axis=1
    )
    position = np.stack(
        [
            _carried_origin(joints, index, rules[segment], point, segment)
            for segment, point in zip(XSENS.names, tpose, strict=True)
        ],
        axis=1,
    )
    position = hold_bone_lengths(position, tpose)
    sound = find_valid(position, rotation, joints.rate_hz)
    return SegmentMotion(
        position=position,
        rotation=rotation,
        valid=sound if valid is None else sound & valid,
        rate_hz=joints.rate_hz,
    )


def tpose_origins(
    joints: JointMotion, rules: Mapping[str, SegmentRule]
) -> Float[np.ndarray, "23 3"]:
    """Segment origins in T-pose, in metres."""
    index = {joint: i for i, joint in enumerate(joints.names)}
    origins = np.empty((len(XSENS), 3))
    for i, segment in enumerate(XSENS.names):
        first, second, fraction = rules[segment].origin
        start, end = joints.tpose[index[first]], joints.tpose[index[second]]
        origins[i] = start + fraction * (end - start)
    hips = [XSENS.index("R_UpperLeg"), XSENS.index("L_UpperLeg")]
    origins[XSENS.index("Pelvis")] = origins[hips].mean(axis=0)
    return origins


def _rotation(
    joints: JointMotion, index: Mapping[str, int], rule: SegmentRule
) -> Float[np.ndarray, "T 3 3"]:
    first, second, fraction = rule.turn
    start = joints.rotation[:, index[first]]
    if fraction == 0.0:
        return start
    start = Rotation.from_matrix(start)
    end = Rotation.from_matrix(joints.rotation[:, index[second]])
    way = (start.inv() * end).as_rotvec()
    return (start * Rotation.from_rotvec(fraction * way)).as_matrix()


def _carried_origin(
    joints: JointMotion,
    index: Mapping[str, int],
    rule: SegmentRule,
    point: Float[np.ndarray, "3"],
    segment: str,
) -> Float[np.ndarray, "T 3"]:
    """Track of a T-pose point that is rigid with the joint which carries it."""
    carrier = index[rule.turn[0] if segment == "Pelvis" else rule.origin[0]]
    offset = point - joints.tpose[carrier]
    return joints.position[:, carrier] + joints.rotation[:, carrier] @ offset


def hold_bone_lengths(
    position: Float[np.ndarray, "T 23 3"], tpose: Float[np.ndarray, "23 3"]
) -> Float[np.ndarray, "T 23 3"]:
    """Give every bone its T-pose length, keeping its direction."""
    held = position.copy()
    for segment, parent in enumerate(XSENS.parents):
        if parent < 0:
            continue
        bone = position[:, segment] - position[:, parent]
        length = np.linalg.norm(bone, axis=-1, keepdims=True)
        wanted = np.linalg.norm(tpose[segment] - tpose[parent])
        scale = np.divide(wanted, length, out=np.ones_like(length), where=length > 1e-9)
        held[:, segment] = held[:, parent] + scale * bone
    return held


def estimate_stature(tpose: Float[np.ndarray, "23 3"]) -> float:
    """Standing height in metres: height of the head joint above the lowest origin
    in T-pose, over the share of stature it has in the body model of Xsens MVN."""
    head = tpose[XSENS.index("Head"), 2] - tpose[:, 2].min()
    return float(head / _HEAD_JOINT_SHARE)


def check_stature(tpose: Float[np.ndarray, "23 3"], name: str) -> float:
    """The standing height in metres, refused outside `MIN_STATURE` to `MAX_STATURE`."""
    stature = estimate_stature(tpose)
    if not MIN_STATURE <= stature <= MAX_STATURE:
        raise ValueError(
            f"{name}: the body is {stature:.3g} m tall, not {MIN_STATURE} to "
            f"{MAX_STATURE} m; is its length unit right (metres_per_unit)?"
        )
    return stature
