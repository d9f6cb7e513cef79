"""A person of given size: segment offsets, landmarks, forward kinematics."""

import dataclasses
import functools

import numpy as np
from jaxtyping import Float

from anymo_jax.body.proportions import proportions, rest_joints
from anymo_jax.body.skeleton import XSENS

SEGMENT = {name: i for i, name in enumerate(XSENS.names)}
_PARENTS = np.array(XSENS.parents)


@dataclasses.dataclass(frozen=True)
class Figure:
    """A sampled physique.

    Attributes:
      stature: m.
      sex: "female" or "male".
      rest: (23, 3) m, segment origins in T-pose, soles at z = 0.
    """

    stature: float
    sex: str
    rest: Float[np.ndarray, "23 3"]

    @functools.cached_property
    def offsets(self) -> Float[np.ndarray, "23 3"]:
        """Offset of each segment's origin from its parent's; zero for the pelvis."""
        offsets = self.rest - self.rest[_PARENTS]
        offsets[0] = 0.0
        return offsets

    def offset(self, name: str) -> Float[np.ndarray, "3"]:
        """Offset of one segment's origin from its parent's, in m."""
        return self.offsets[SEGMENT[name]]

    @property
    def pelvis_height(self) -> float:
        """Height of the pelvis origin above the sole in T-pose, in m."""
        return float(self.rest[0, 2])

    @property
    def leg(self) -> float:
        """Hip to ankle length with a straight knee, in m."""
        return self.thigh + self.shank

    @property
    def thigh(self) -> float:
        """Hip to knee, in m."""
        return float(np.linalg.norm(self.offset("R_LowerLeg")))

    @property
    def shank(self) -> float:
        """Knee to ankle, in m."""
        return float(np.linalg.norm(self.offset("R_Foot")))

    @property
    def arm(self) -> float:
        """Shoulder to wrist length with a straight elbow, in m."""
        upper = np.linalg.norm(self.offset("R_Forearm"))
        return float(upper + np.linalg.norm(self.offset("R_Hand")))

    @property
    def ankle_height(self) -> float:
        """Height of the ankle joint above the sole of a flat foot, in m."""
        return float(self.rest[SEGMENT["R_Foot"], 2])

    @property
    def half_stance(self) -> float:
        """Lateral distance of a hip joint from the middle, in m."""
        return float(abs(self.rest[SEGMENT["R_UpperLeg"], 1]))

    @functools.cached_property
    def heel(self) -> Float[np.ndarray, "3"]:
        """Rear edge of the sole in the foot frame, in m."""
        p = proportions(self.sex)
        behind = p.heel_fraction * p.foot * self.stature
        return np.array([-behind, 0.0, -self.ankle_height])

    @functools.cached_property
    def ball(self) -> Float[np.ndarray, "3"]:
        """Sole under the ball of the foot (toe joint) in the foot frame, in m."""
        return np.array([self.offset("R_Toe")[0], 0.0, -self.ankle_height])

    @functools.cached_property
    def tip(self) -> Float[np.ndarray, "3"]:
        """Tip of the toes, on the sole, in the foot frame with straight toes, in m."""
        p = proportions(self.sex)
        ahead = (1 - p.heel_fraction) * p.foot * self.stature
        return np.array([ahead, 0.0, -self.ankle_height])

    @property
    def mouth(self) -> Float[np.ndarray, "3"]:
        """The mouth in the head frame, in m."""
        return np.array([0.062, 0.0, 0.022]) * self.stature

    def forward(
        self,
        pelvis_position: Float[np.ndarray, "T 3"],
        rotation: Float[np.ndarray, "T 23 3 3"],
    ) -> Float[np.ndarray, "T 23 3"]:
        """Segment origins in the world, in m.

        Args:
          pelvis_position: of the pelvis origin, in m.
          rotation: world from segment.
        """
        turned = np.einsum("tnij,nj->tni", rotation[:, _PARENTS[1:]], self.offsets[1:])
        position = np.empty((len(rotation), len(XSENS), 3))
        position[:, 0] = pelvis_position
        for segment in range(1, len(XSENS)):
            parent = XSENS.parents[segment]
            position[:, segment] = position[:, parent] + turned[:, segment - 1]
        return position


def make_figure(stature: float, sex: str) -> Figure:
    """A figure of average proportions for a stature in m and a sex."""
    return Figure(stature, sex, np.asarray(rest_joints(stature, sex), float))


def sample_figure(rng: np.random.Generator) -> Figure:
    """A random adult: statures of NHANES (women 1.62 +- 0.07, men 1.76 +- 0.075 m)."""
    sex = ("female", "male")[rng.integers(2)]
    mean, spread = {"female": (1.62, 0.070), "male": (1.76, 0.075)}[sex]
    return make_figure(mean + spread * np.clip(rng.standard_normal(), -2.2, 2.2), sex)
