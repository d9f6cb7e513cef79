"""A body's surface fitted to the skeleton of a recording."""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from anymo_jax.body.proportions import CONTINUES
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.skinning import segment_origins, segment_weights
from anymo_jax.body.surface import BodySurface

_SPINE = ("Pelvis", "L5", "L3", "T12", "T8", "Neck")
_SIDES = {"R": -1.0, "L": 1.0}
# A bone keeps at least this part of its own length, times the overall scale.
_SHORTEST = 0.3
_SHORTEST_IN_SPINE = 0.6
# The same of what spans the body's breadth, between the hips and the shoulders.
_NARROWEST = 0.7
# A bone leans at most this much, as a part of its length, from its own direction.
_STEEPEST = 0.5
# Guards divisions by the length of a bone whose ends coincide.
_NO_LENGTH_M = 1e-9
_SMALLEST_SCALE, _LARGEST_SCALE = 0.3, 3.0


def fit_surface(surface: BodySurface, offsets: np.ndarray) -> BodySurface:
    """The surface with the bone lengths of another skeleton.

    Each segment is scaled along its bone by the ratio of bone lengths and across by
    one overall scale, the ratio of the summed lengths of arms, legs and trunk;
    neighbours blend by the skinning weights. Beyond either end of a bone the overall
    scale holds. Axes are not turned: in T-pose they are the world's in both skeletons,
    and a bone that leans differently shears its segment.

    Skeletons differ in where they put joints that the surface should not follow:

    - the pelvis hangs on the hip joints and C7/T1 on the shoulder joints, and the
      spine between them keeps its curve: only heights come from its joints;
    - the shoulder starts where T8 carries it, whatever the clavicle joint's place;
    - the ball of the foot keeps its height over the sole;
    - a bone shorter than 0.3 of its scaled length, such as that between coincident
      joints, takes the missing length from the other bones of its limb (0.6 in the
      spine, 0.7 for the clavicle and between the hips), and a bone leans no more than
      1 in 2 from its own direction.

    The joints of the result are the recording's own, exactly; only the surface keeps
    to these limits.

    Args:
      surface: a body in T-pose.
      offsets: (23, 3) m, T-pose offset of each segment's origin from its parent's, as
        `motion.recording.joint_offsets` gives it; the root's is not used.

    Returns:
      The same topology and weights, soles at z = 0 and pelvis joint at x = y = 0. The
      surface's own offsets give the surface back.

    Raises:
      ValueError: offsets of a wrong shape, not finite, or of another order of size.
    """
    offsets = np.asarray(offsets, np.float64)
    if offsets.shape != (len(XSENS), 3) or not np.isfinite(offsets).all():
        raise ValueError(
            f"offsets must be finite of shape {(len(XSENS), 3)}, got {offsets.shape}"
        )
    origins = np.asarray(segment_origins(surface), np.float64)
    joints = _accumulate(offsets) + origins[0]
    scale = _overall_scale(origins, joints)
    guides, bones = _guides(origins, joints, scale)
    vertices = _deform(surface, origins, guides, bones, scale)
    owner = np.asarray(surface.joint_segment)
    rest = np.asarray(surface.rest_joints, np.float64)
    rest = joints[owner] + scale * (rest - origins[owner])
    shift = np.array([*joints[0, :2], vertices[:, 2].min()])
    return dataclasses.replace(
        surface, vertices=vertices - shift, rest_joints=rest - shift
    )


def _overall_scale(origins: np.ndarray, joints: np.ndarray) -> float:
    scale = _size(joints) / _size(origins)
    if not _SMALLEST_SCALE <= scale <= _LARGEST_SCALE:
        raise ValueError(
            f"offsets make a body {scale:.3g} times as large as the surface; "
            "are they in metres?"
        )
    return scale


def _size(joints: np.ndarray) -> float:
    """Length of both arms and legs and of the trunk from hips to shoulders."""
    moved = [
        f"{s}_{n}" for s in _SIDES for n in ("Forearm", "Hand", "LowerLeg", "Foot")
    ]
    index = [XSENS.index(n) for n in moved]
    limbs = joints[index] - joints[np.array(XSENS.parents)[index]]
    trunk = _middle(joints, "UpperArm") - _middle(joints, "UpperLeg")
    return float(np.linalg.norm(limbs, axis=1).sum() + np.linalg.norm(trunk))


def _middle(joints: np.ndarray, name: str) -> np.ndarray:
    """Point half-way between the joint's left and right one."""
    return joints[[XSENS.index(f"{s}_{name}") for s in _SIDES]].mean(axis=0)


def _accumulate(offsets: np.ndarray) -> np.ndarray:
    joints = np.zeros_like(offsets)
    for segment, parent in enumerate(XSENS.parents):
        if parent >= 0:
            joints[segment] = joints[parent] + offsets[segment]
    return joints


def _guides(
    origins: np.ndarray, joints: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where the surface puts each segment's origin (23, 3), and its bone (23, 3)."""
    guides, bones = joints.copy(), np.zeros_like(joints)
    _lay_spine(origins, joints, guides, bones, scale)
    chains = _Chains(origins, joints, guides, bones, scale)
    chains.follow(("Neck", "Head"), first_shortest=_SHORTEST_IN_SPINE)
    for side, sign in _SIDES.items():
        shoulder, hip, foot, toe = (
            XSENS.index(f"{side}_{n}") for n in ("Shoulder", "UpperLeg", "Foot", "Toe")
        )
        chest = XSENS.index("T8")
        guides[shoulder] = _carry(
            chest, origins[shoulder], origins, guides, bones, scale
        )
        chains.follow(
            [f"{side}_{n}" for n in ("Shoulder", "UpperArm", "Forearm", "Hand")],
            first_shortest=_NARROWEST,
        )
        apart = sign * (joints[hip] - guides[0])[1]
        least = _NARROWEST * scale * sign * (origins[hip] - origins[0])[1]
        guides[hip, 1] = guides[0, 1] + sign * max(apart, least)
        chains.follow([f"{side}_{n}" for n in ("UpperLeg", "LowerLeg", "Foot")])
        ball = guides[foot] + joints[toe] - joints[foot]
        ball[2] = guides[foot, 2] + scale * (origins[toe] - origins[foot])[2]
        chains.targets[toe] = ball
        chains.follow((f"{side}_Foot", f"{side}_Toe"))
    return guides, bones


def _lay_spine(
    origins: np.ndarray,
    joints: np.ndarray,
    guides: np.ndarray,
    bones: np.ndarray,
    scale: float,
) -> None:
    """Lays the spine from the hip joints to the shoulder joints, in place."""
    chain = [XSENS.index(n) for n in _SPINE]
    own = scale * (origins[chain] - origins[0])
    start, end = (
        _middle(joints, n) - scale * (_middle(origins, n) - origins[0])
        for n in ("UpperLeg", "UpperArm")
    )
    heights = [start[2], *joints[chain[1:-1], 2], end[2] + own[-1, 2]]
    gaps = _at_least(np.diff(heights), _SHORTEST_IN_SPINE * np.diff(own[:, 2]))
    climbed = np.append(0.0, np.cumsum(gaps))
    # The curve of the surface's own spine, slid from the hips to the shoulders.
    share = (climbed / climbed[-1])[:, None]
    guides[chain, :2] = start[:2] + share * (end - start)[:2] + own[:, :2]
    guides[chain, 2] = start[2] + climbed
    bones[chain[:-1]] = np.diff(guides[chain], axis=0)


class _Chains:
    """Lays limbs, bone after bone, towards the joints of the recording."""

    def __init__(
        self,
        origins: np.ndarray,
        joints: np.ndarray,
        guides: np.ndarray,
        bones: np.ndarray,
        scale: float,
    ) -> None:
        self._origins, self._guides, self._bones = origins, guides, bones
        self._scale = scale
        self.targets = joints.copy()

    def follow(self, names: Sequence[str], first_shortest: float = _SHORTEST) -> None:
        """Sets the guides after the first of a chain, and the bones before them."""
        chain = [XSENS.index(n) for n in names]
        own = np.diff(self._origins[chain], axis=0)
        lengths = np.maximum(np.linalg.norm(own, axis=1), _NO_LENGTH_M)
        directions = own / lengths[:, None]
        start, targets = self._guides[chain[0]], self.targets[chain[1:]]
        wanted = np.diff(np.vstack([start, targets]), axis=0)
        shortest = _SHORTEST * self._scale * lengths
        shortest[0] *= first_shortest / _SHORTEST
        along = _at_least(np.sum(wanted * directions, axis=1), shortest)
        for bone, (segment, following) in enumerate(itertools.pairwise(chain)):
            lean = self.targets[following] - self._guides[segment]
            lean -= (lean @ directions[bone]) * directions[bone]
            slope = np.linalg.norm(lean) / along[bone]
            lean *= min(1.0, _STEEPEST / max(slope, _STEEPEST))
            self._bones[segment] = along[bone] * directions[bone] + lean
            self._guides[following] = self._guides[segment] + self._bones[segment]


def _at_least(lengths: np.ndarray, shortest: np.ndarray) -> np.ndarray:
    """Lengths of at least `shortest`, of the same sum where that can be."""
    longer = np.maximum(lengths, shortest)
    excess, slack = (longer - lengths).sum(), longer - shortest
    return longer - slack * min(1.0, excess / max(slack.sum(), _NO_LENGTH_M))


def _carry(
    segment: int,
    points: np.ndarray,
    origins: np.ndarray,
    guides: np.ndarray,
    bones: np.ndarray,
    scale: float,
) -> np.ndarray:
    """Points (..., 3) of the old surface as one segment's scaling places them."""
    relative = points - origins[segment]
    if not bones[segment].any():
        return guides[segment] + scale * relative
    following = XSENS.index(CONTINUES[XSENS.names[segment]])
    own = origins[following] - origins[segment]
    length = max(float(np.linalg.norm(own)), _NO_LENGTH_M)
    direction = own / length
    along = np.clip(relative @ direction, 0, length)[..., None]
    across = relative - along * direction
    return guides[segment] + along * (bones[segment] / length) + scale * across


def _deform(
    surface: BodySurface,
    origins: np.ndarray,
    guides: np.ndarray,
    bones: np.ndarray,
    scale: float,
) -> np.ndarray:
    vertices = np.asarray(surface.vertices, np.float64)
    weights = np.asarray(segment_weights(surface), np.float64)
    fitted = np.zeros_like(vertices)
    for segment in range(len(XSENS)):
        carried = _carry(segment, vertices, origins, guides, bones, scale)
        fitted += weights[:, segment, None] * carried
    return fitted
