"""A user's recording to views on the body graph: sites, rate, units, windows.

(T, S, 6) at any rate -> 60 Hz, anti-aliased -> windows of 5 s -> views
"""

import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from anymo_jax.body.sites import site_index
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.view import View
from anymo_jax.datasets.labelled import (
    LONGEST,
    RATE_HZ,
    SHORTEST,
    node_window,
)
from anymo_jax.datasets.resample import Job, resample_streams
from anymo_jax.datasets.units import suspect_moving, suspect_rate

# Half a window: an action at the edge of one lies in the middle of the next.
OVERLAP = LONGEST // 2
_SLOWEST_HZ, _FASTEST_HZ = 8.0, 4000.0
# Missing samples for longer than this are a gap and are not bridged.
_GAP_S = 0.25


def recording_views(
    imu: np.ndarray, sites: Sequence[str], rate_hz: float, *, overlap: int = OVERLAP
) -> list[View]:
    """Windows of a recording of one or more sensors.

    Args:
      imu: (T, C) of one sensor or (T, S, C), in each device's own axes: specific force
        in m/s^2, then, with C = 6, angular rate in rad/s. NaN where not measured; a
        sensor whose angular rate is NaN has no gyroscope.
      sites: where each sensor is worn, by everyday name or by segment.
      rate_hz: samples per second.
      overlap: samples at 60 Hz that neighbouring windows share.

    Returns:
      views of at most 5 s, in order. The last one ends where the recording ends;
      without overlap it is shorter, and left out under a second.

    Raises:
      ValueError: naming the argument and the remedy, before anything is computed; for a
        recording of less than a second, or of which no second was measured.
    """
    signal = _checked(imu, sites, rate_hz)
    nodes = np.array([site_index(site) for site in sites])
    _check_units(signal, sites)
    signal = to_grid(signal, rate_hz)
    views = [node_window(signal[cut], nodes) for cut in cuts(len(signal), overlap)]
    views = [view for view in views if view.visible.any()]
    if not views:
        raise ValueError(
            "imu: no window has more than four fifths of its samples; give a stretch "
            "without such gaps"
        )
    return views


def to_grid(
    signal: Float32[np.ndarray, "T S 6"], rate_hz: float
) -> Float32[np.ndarray, "R S 6"]:
    """A recording at 60 Hz, NaN where it was not measured."""
    length, sensors = signal.shape[:2]
    time = np.arange(length) / rate_hz
    count = int(np.floor(time[-1] * RATE_HZ + 1e-4)) + 1
    halves = signal.reshape(length, 2 * sensors, 3)
    jobs = [Job(time, halves[:, i], 0.0, count) for i in range(2 * sensors)]
    made = resample_streams(jobs, max(_GAP_S, 1.5 / rate_hz))
    return np.stack(made, axis=1).reshape(count, sensors, 6)


def cuts(length: int, overlap: int = OVERLAP) -> list[slice]:
    """Windows of a recording of `length` samples at 60 Hz; see `recording_views`."""
    hop = LONGEST - overlap
    starts = list(range(0, max(length - LONGEST, 0) + 1, hop))
    made = [slice(start, min(start + LONGEST, length)) for start in starts]
    rest = length - made[-1].stop
    if overlap and rest:
        made.append(slice(length - LONGEST, length))
    elif rest >= SHORTEST:
        made.append(slice(made[-1].stop, length))
    return made


def _checked(imu, sites, rate_hz) -> Float32[np.ndarray, "T S 6"]:
    """The recording with all six channels, NaN where there is no gyroscope."""
    if isinstance(sites, str) or not all(isinstance(site, str) for site in sites):
        raise ValueError(f"sites is {sites!r}; give a list of names, ['right wrist']")
    signal = np.asarray(imu)
    if signal.ndim == 2:
        signal = signal[:, None]
    if (
        signal.ndim != 3
        or signal.shape[2] not in (3, 6)
        or signal.dtype.kind not in "fi"
    ):
        raise ValueError(
            f"imu is {signal.dtype} of shape {np.shape(imu)}; give numbers (T, 6) of "
            "one sensor or (T, S, 6): force x, y, z in m/s^2, rate x, y, z in rad/s. "
            "Without a gyroscope give three channels"
        )
    if signal.shape[1] != len(sites):
        raise ValueError(
            f"imu has {signal.shape[1]} sensors and sites names {len(sites)}: name one "
            "site of each"
        )
    _check_sites(sites)
    if not _SLOWEST_HZ <= rate_hz <= _FASTEST_HZ:
        raise ValueError(
            f"rate_hz is {rate_hz}; give the samples per second, {_SLOWEST_HZ:g} to "
            f"{_FASTEST_HZ:g}"
        )
    if (seconds := len(signal) / rate_hz) < SHORTEST / RATE_HZ:
        raise ValueError(
            f"imu has {len(signal)} samples, {seconds:.2f} s at {rate_hz:g} Hz; a "
            "second is the least"
        )
    if np.isinf(signal).any():
        raise ValueError("imu has infinite values; put NaN where nothing was measured")
    whole = np.full((*signal.shape[:2], 6), np.nan, np.float32)
    whole[:, :, : signal.shape[2]] = signal
    return whole


def _check_sites(sites: Sequence[str]) -> None:
    nodes = [site_index(site) for site in sites]
    for place, node in enumerate(nodes):
        if node in nodes[:place]:
            raise ValueError(
                f"sites {sites[nodes.index(node)]!r} and {sites[place]!r} are both on "
                f"{XSENS.names[node]}: give one sensor of each segment"
            )


def _check_units(signal: Float32[np.ndarray, "T S 6"], sites: Sequence[str]) -> None:
    """Refuses units that cannot be; warns of what may be so for a while."""
    for sensor, site in enumerate(sites):
        force, rate = signal[:, sensor, :3], signal[:, sensor, 3:]
        size = np.linalg.norm(force, axis=1)
        size, speed = size[np.isfinite(size)], np.abs(rate[np.isfinite(rate)])
        found = []
        if len(size):
            typical = float(np.median(size))
            found.append(
                (f"force of median {typical:.3g} m/s^2", suspect_moving(typical))
            )
        if len(speed):
            top = float(np.percentile(speed, 99.9))
            nothing = float("nan")
            suspicion = suspect_rate(top, nothing, nothing, 0.0)
            found.append((f"rate of up to {top:.3g} rad/s", suspicion))
        for what, suspicion in found:
            if suspicion is None:
                continue
            told = f"imu: {site} has a {what}: {suspicion.what}"
            if suspicion.factor is not None:
                raise ValueError(f"{told}; multiply by {suspicion.factor:.6g}")
            warnings.warn(told, stacklevel=4)
