"""Frames in which the capture failed: jumps, spikes, and the T-pose before the take.

A human body has limits, a tracker that swaps markers has none. Bounds are generous
against sport: a sprinter's foot passes 18 m/s, a kicking shank 30 rad/s, and toes that
land in a run reach 220 m/s^2 in optical capture at 60 Hz.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS

MAX_SPEED = 20.0  # m/s, of a segment's origin from one frame to the next
MAX_ANGULAR_SPEED = 40.0  # rad/s, of a segment from one frame to the next
MAX_ACCELERATION = 300.0  # m/s^2, of a segment's origin, differences over 1/60 s
MARGIN_S = 0.035  # on either side of a fault
SHORTEST_RUN_S = 0.1  # of valid frames between two faults
TPOSE_ANGLE = np.deg2rad(15.0)  # a limb this close to its T-pose, seen from the pelvis
TPOSE_LEAD_IN_S = 1.0


def find_valid(
    position: Float[np.ndarray, "T 23 3"],
    rotation: Float[np.ndarray, "T 23 3 3"],
    rate_hz: float,
) -> Bool[np.ndarray, "T"]:
    """Which frames to trust; False where the body breaks its own limits.

    A step from one frame to the next beyond `MAX_SPEED` or `MAX_ANGULAR_SPEED`, and a
    frame beyond `MAX_ACCELERATION`, condemn the frames they touch and `MARGIN_S` on
    either side; runs shorter than `SHORTEST_RUN_S` between two faults go too. So does a
    T-pose that stands before the first fault (public conversions put one there).
    Frames are marked and never dropped: indices stay those of the file.
    """
    faulty = _jumps(position, rotation, rate_hz) | _spikes(position, rate_hz)
    if not faulty.any():
        return np.ones(len(position), bool)
    reach = 2 * max(1, round(MARGIN_S * rate_hz)) + 1
    faulty = ndimage.binary_dilation(faulty, np.ones(reach, bool))
    faulty |= _short_runs(~faulty, SHORTEST_RUN_S * rate_hz)
    return ~(faulty | _tpose_lead_in(rotation, faulty, rate_hz))


def _jumps(position, rotation, rate_hz: float) -> Bool[np.ndarray, "T"]:
    """Frames on either side of a step that is too fast."""
    speed = np.linalg.norm(np.diff(position, axis=0), axis=-1) * rate_hz
    step = np.einsum("tnji,tnjk->tnik", rotation[:-1], rotation[1:])
    # The trace is enough to bound an angle and spares a logarithm per segment.
    cosine = (np.trace(step, axis1=-2, axis2=-1) - 1) / 2
    angular_speed = np.arccos(np.clip(cosine, -1, 1)) * rate_hz
    fast = (speed > MAX_SPEED) | (angular_speed > MAX_ANGULAR_SPEED)
    jump = fast.any(axis=1)
    return np.append(jump, False) | np.insert(jump, 0, False)


def _spikes(position, rate_hz: float) -> Bool[np.ndarray, "T"]:
    """Frames at which the second difference over 1/60 s is too large."""
    # At higher rates one frame apart would measure the tracker's noise.
    lag = max(1, round(rate_hz / 60))
    spike = np.zeros(len(position), bool)
    if len(position) > 2 * lag:
        second = position[2 * lag :] - 2 * position[lag:-lag] + position[: -2 * lag]
        acceleration = np.linalg.norm(second, axis=-1) * (rate_hz / lag) ** 2
        spike[lag:-lag] = (acceleration > MAX_ACCELERATION).any(axis=1)
    return spike


def _short_runs(valid: Bool[np.ndarray, "T"], shortest: float) -> np.ndarray:
    """Frames of runs of True with fewer than `shortest` frames."""
    labels, count = ndimage.label(valid)
    sizes = np.bincount(labels, minlength=count + 1)
    return valid & (sizes[labels] < shortest)


def _tpose_lead_in(rotation, faulty, rate_hz: float) -> Bool[np.ndarray, "T"]:
    """The run before the first fault, where all of it is one short T-pose."""
    lead_in = np.logical_and.accumulate(~faulty)
    if not 0 < lead_in.sum() <= TPOSE_LEAD_IN_S * rate_hz:
        return np.zeros_like(lead_in)
    leading = rotation[lead_in]
    relative = np.einsum("tji,tnjk->tnik", leading[:, 0], leading)
    limbs = [i for i, name in enumerate(XSENS.names) if name[:2] in ("R_", "L_")]
    matrices = relative[:, limbs].reshape(-1, 3, 3)
    angle = Rotation.from_matrix(matrices).magnitude()
    return lead_in if angle.max() < TPOSE_ANGLE else np.zeros_like(lead_in)
