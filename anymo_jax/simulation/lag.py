"""A constant lag between a sensor's clock and that of a motion.

Cameras and sensors that are started by hand, or sent over a radio link, are off by some
hundredths of a second: enough to spoil a comparison of accelerations.
"""

import math

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline


def estimate_lag(
    sensor_rate: Float[np.ndarray, "T 3"],
    segment_rate: Float[np.ndarray, "T 3"],
    rate_hz: float,
    largest_s: float,
) -> float:
    """Seconds by which the sensor's angular rate trails the segment's.

    The magnitudes, which no mounting changes, are cross-correlated over shifts of up to
    `largest_s`; a parabola through the peak gives the fraction of a sample.

    Raises:
      ValueError: for too few frames, rates that never vary, or a peak at the bound.
    """
    sensor = np.linalg.norm(sensor_rate, axis=1)
    segment = np.linalg.norm(segment_rate, axis=1)
    most = math.ceil(largest_s * rate_hz)
    if len(sensor) < 2 * most + 10:
        raise ValueError(
            f"{len(sensor)} frames are too few to look for a lag of {largest_s:g} s"
        )
    middle = segment[most : len(segment) - most]
    heard = np.lib.stride_tricks.sliding_window_view(sensor, len(middle))
    if min(middle.std(), heard.std(axis=1).min()) == 0:
        raise ValueError("a rate that never varies shows no lag")
    centred = heard - heard.mean(axis=1, keepdims=True)
    score = centred @ (middle - middle.mean()) / np.linalg.norm(centred, axis=1)
    peak = int(np.argmax(score))
    if peak in (0, 2 * most):
        raise ValueError(
            f"no lag within {largest_s:g} s: the rates correlate best at the bound"
        )
    before, top, after = score[peak - 1 : peak + 2]
    fraction = 0.5 * (before - after) / (before - 2 * top + after)
    return float((peak + fraction - most) / rate_hz)


def undelay(
    imu: Float[np.ndarray, "T 6"], lag_s: float, rate_hz: float
) -> Float[np.ndarray, "T 6"]:
    """The signal `lag_s` later at each frame, by a cubic spline; held at the ends."""
    frames = np.arange(len(imu))
    times = np.clip(frames + lag_s * rate_hz, 0, len(imu) - 1)
    return CubicSpline(frames, imu)(times)
