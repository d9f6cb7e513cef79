"""What views are made with: plain values, hashable, so that jit can take them static.

The defaults are the paper's (section 3.2, A.2, A.3). Everything else is off.
"""

import dataclasses
import math

from anymo_jax.body.skeleton import XSENS
from anymo_jax.geometry.derivative import CENTRAL, Differentiation
from anymo_jax.motion.pace import UNSAID
from anymo_jax.simulation.imu import STANDARD_GRAVITY
from anymo_jax.simulation.mounting import Mounting
from anymo_jax.simulation.noise import WHITE_ONLY, DeviceModel
from anymo_jax.views.orientation import SURFACE, Mixture, QuarterTurns

NODES = len(XSENS)


@dataclasses.dataclass(frozen=True)
class VisibleNodes:
    """How many nodes of a sparse view carry a sensor, and which.

    Attributes:
      lowest, highest: the number is uniform between them, both included; equal for a
        fixed number.
      full: chance of a view that sees every node instead.
      weights: one per node, in the skeleton's order, relative chance to be drawn first;
        None for all alike. `node_weights` makes them from names.
    """

    lowest: int = 1
    highest: int = 5
    weights: tuple[float, ...] | None = None
    full: float = 0.0

    def __post_init__(self):
        if not 0 <= self.full <= 1:
            raise ValueError(f"full = {self.full} is no chance; give 0 to 1")
        if not 1 <= self.lowest <= self.highest <= NODES:
            raise ValueError(
                f"visible nodes from lowest={self.lowest} to highest={self.highest}: "
                f"need 1 <= lowest <= highest <= {NODES}"
            )
        if self.weights is None:
            return
        if len(self.weights) != NODES or not all(w >= 0 for w in self.weights):
            raise ValueError(f"weights of visible nodes: give {NODES} that are >= 0")
        if sum(w > 0 for w in self.weights) < self.highest:
            raise ValueError(
                f"weights of visible nodes: fewer than highest={self.highest} are "
                "positive; lower `highest` or give more nodes a weight"
            )


# Relative chances of the nodes to carry a sensor, as people wear them: at the wrist, in
# a trouser pocket, at the belt and ankle, seldom at the neck. By segment, either side.
_WORN = {
    **dict.fromkeys(("Forearm", "UpperLeg"), 3.0),
    **dict.fromkeys(("Pelvis", "L5"), 2.0),
    **dict.fromkeys(("T8", "LowerLeg"), 1.5),
    **dict.fromkeys(("Head", "UpperArm", "Foot"), 1.0),
    **dict.fromkeys(("L3", "T12", "Hand"), 0.5),
    **dict.fromkeys(("Neck", "Shoulder", "Toe"), 0.2),
}
WORN_SITES = tuple(_WORN[name.split("_")[-1]] for name in XSENS.names)


@dataclasses.dataclass(frozen=True)
class TempoChange:
    """Bounds of the factor of speed, besides those of a window's texts.

    Attributes:
      slowest, fastest: with slowest <= 1 <= fastest.
    """

    slowest: float = UNSAID[0]
    fastest: float = UNSAID[1]

    def __post_init__(self):
        # Twice as fast, the two frames of context are used up.
        if not 0 < self.slowest <= 1 <= self.fastest <= 2:
            raise ValueError(
                f"tempo from slowest={self.slowest:g} to fastest={self.fastest:g}: "
                "need 0 < slowest <= 1 <= fastest <= 2"
            )


@dataclasses.dataclass(frozen=True)
class ViewOptions:
    """How a window becomes views.

    Attributes:
      joint_mounted: one sensor at each segment's origin with the segment's axes; no
        mounting rotation and no device noise (A.8, ablation).
      mounting: distribution of the rotation of each sensor on the surface.
      device: what devices make of a signal; None for no noise.
      mirror: probability of the body's left-right mirror image.
      tempo: change of speed; None for none.
      visible: visible nodes of sparse views.
      drop_gyroscope: probability that a sparse view's sensors have no gyroscope.
      gravity: m/s^2 in the world. Mirroring needs it without a component along y.
      differentiation: scheme of the time derivatives.
    """

    joint_mounted: bool = False
    mounting: Mounting | QuarterTurns | Mixture = SURFACE
    device: DeviceModel | None = WHITE_ONLY
    mirror: float = 0.0
    tempo: TempoChange | None = None
    visible: VisibleNodes = VisibleNodes()
    drop_gyroscope: float = 0.0
    gravity: tuple[float, float, float] = STANDARD_GRAVITY
    differentiation: Differentiation = CENTRAL

    def __post_init__(self):
        for name in ("mirror", "drop_gyroscope"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= 1):
                raise ValueError(f"{name}={value:g} is a probability: give 0 to 1")
        if self.mirror and self.gravity[1]:
            raise ValueError(
                f"gravity={self.gravity} leans out of the mirror's plane; with "
                "mirror > 0 give one without a component along y"
            )


# One instance, so that it can be a default argument.
PAPER = ViewOptions()


def node_weights(weights: dict[str, float], others: float = 0.0) -> tuple[float, ...]:
    """Weights of `VisibleNodes` by segment name; `others` for those not named.

    Raises:
      ValueError: for a name that is no segment's.
    """
    table = [others] * NODES
    for name, weight in weights.items():
        table[XSENS.index(name)] = weight
    return tuple(table)
