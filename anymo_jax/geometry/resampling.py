"""Resampling of positions and rotations, without aliasing and without leaving SO(3).

On the host, whole recordings: `resample` and `resample_rotations` low-pass what the new
rate cannot carry, then evaluate an interpolating quintic spline. On the device, for
windows, `interpolate` and `interpolate_rotations` evaluate a natural cubic spline at
any times, under jit, vmap and grad. Rotations are interpolated as sign-continuous
quaternions that are normalised afterwards, which stays on SO(3) and is of the spline's
own order.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy.interpolate import make_interp_spline
from scipy.linalg import solve_banded
from scipy.spatial.transform import Rotation

from anymo_jax.geometry import rotation as rotations
from anymo_jax.geometry.smoothing import smooth

# Half amplitude at 0.8 of the new Nyquist rate; with a tenth-power roll-off what folds
# back onto half that frequency is 70 dB down.
_ANTI_ALIAS = 0.4
_ANTI_ALIAS_ORDER = 5
_SHORTEST = 6


def valid_runs(valid: Bool[np.ndarray, "T"], shortest: int = 1) -> list[slice]:
    """Stretches of consecutive valid frames of at least `shortest` frames, in order."""
    padded = np.concatenate([[False], np.asarray(valid, bool), [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    runs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [slice(a, b) for a, b in runs if b - a >= shortest]


def resampled_length(length: int, rate_hz: float, target_hz: float) -> int:
    """Number of samples at the new rate that fit between the first and last sample."""
    return int(np.floor((length - 1) * target_hz / rate_hz + 1e-6)) + 1


def resample(
    track: Float[np.ndarray, "T *F"],
    rate_hz: float,
    target_hz: float,
    cutoff_hz: float | None = None,
) -> Float[np.ndarray, "S *F"]:
    """A track at another rate; its first sample keeps its time.

    Args:
      track: (T, ...) samples without gaps, T at least 6.
      rate_hz: rate of the track.
      target_hz: rate wanted.
      cutoff_hz: low-pass asked for besides; None leaves only the anti-alias filter,
        which acts where target_hz < rate_hz.

    Raises:
      ValueError: for a non-positive rate or a track that is too short.
    """
    if rate_hz <= 0 or target_hz <= 0:
        raise ValueError(f"rates must be positive, got {rate_hz:g} and {target_hz:g}")
    if len(track) < _SHORTEST:
        raise ValueError(
            f"a track of {len(track)} samples is too short to resample; "
            f"give at least {_SHORTEST}"
        )
    track = np.asarray(track, np.float64)
    if target_hz < rate_hz:
        track = smooth(track, rate_hz, _ANTI_ALIAS * target_hz, _ANTI_ALIAS_ORDER)
    if cutoff_hz is not None and cutoff_hz < rate_hz / 2:
        track = smooth(track, rate_hz, cutoff_hz)
    if target_hz == rate_hz:
        return track
    times = np.arange(resampled_length(len(track), rate_hz, target_hz))
    spline = make_interp_spline(np.arange(len(track)), track, k=5)
    return spline(times * (rate_hz / target_hz))


def resample_rotations(
    rotation: Float[np.ndarray, "T *N 3 3"],
    rate_hz: float,
    target_hz: float,
    cutoff_hz: float | None = None,
) -> Float[np.ndarray, "S *N 3 3"]:
    """Rotations at another rate; arguments and errors as `resample`."""
    between = rotation.shape[1:-2]
    quaternion = Rotation.from_matrix(rotation.reshape(-1, 3, 3)).as_quat()
    quaternion = continuous_signs(quaternion.reshape(len(rotation), -1, 4))
    resampled = resample(quaternion, rate_hz, target_hz, cutoff_hz)
    matrix = Rotation.from_quat(resampled.reshape(-1, 4)).as_matrix()
    return matrix.reshape(len(resampled), *between, 3, 3)


def continuous_signs(
    quaternion: Float[np.ndarray, "T *N 4"],
) -> Float[np.ndarray, "T *N 4"]:
    """The same rotations, each quaternion on the side of its predecessor."""
    aligned = np.sum(quaternion[1:] * quaternion[:-1], axis=-1, keepdims=True)
    signs = np.cumprod(np.where(aligned < 0, -1.0, 1.0), axis=0)
    return np.concatenate([quaternion[:1], quaternion[1:] * signs])


def interpolate(
    track: Float[Array, "T *F"], times: Float[Array, "S"]
) -> Float[Array, "S *F"]:
    """A track at fractional sample indices, by its natural cubic spline.

    Args:
      track: (T, ...) samples, T at least 3.
      times: (S,) in samples; clipped to [0, T - 1].
    """
    length = track.shape[0]
    matrix = jnp.asarray(_spline_curvature_matrix(length), track.dtype)
    curvature = jnp.tensordot(
        matrix, track, axes=1, precision=jax.lax.Precision.HIGHEST
    )
    times = jnp.clip(times, 0, length - 1)
    left = jnp.clip(jnp.floor(times).astype(int), 0, length - 2)
    column = (-1,) + (1,) * (track.ndim - 1)
    b = (times - left).astype(track.dtype).reshape(column)
    a = 1 - b
    bend = (a**3 - a) * curvature[left] + (b**3 - b) * curvature[left + 1]
    return a * track[left] + b * track[left + 1] + bend / 6


def interpolate_rotations(
    rotation: Float[Array, "T 3 3"], times: Float[Array, "S"]
) -> Float[Array, "S 3 3"]:
    """Rotations at fractional sample indices; arguments as `interpolate`."""
    quaternion = same_side(jax.vmap(rotations.quaternion_from_matrix)(rotation))
    return jax.vmap(rotations.matrix_from_quaternion)(interpolate(quaternion, times))


def same_side(quaternion: Float[Array, "T *N 4"]) -> Float[Array, "T *N 4"]:
    """`continuous_signs` on the device."""
    aligned = jnp.sum(quaternion[1:] * quaternion[:-1], axis=-1, keepdims=True)
    signs = jnp.cumprod(jnp.where(aligned < 0, -1.0, 1.0), axis=0)
    return jnp.concatenate([quaternion[:1], quaternion[1:] * signs])


@functools.lru_cache(maxsize=32)
def _spline_curvature_matrix(length: int) -> Float[np.ndarray, "T T"]:
    """Maps samples to the second derivatives of their natural cubic spline."""
    if length < 3:
        raise ValueError(f"a track of {length} samples is too short to interpolate")
    inner = length - 2
    bands = np.zeros((3, inner))
    bands[0, 1:] = 1.0
    bands[1] = 4.0
    bands[2, :-1] = 1.0
    second = np.zeros((inner, length))
    rows = np.arange(inner)
    second[rows, rows], second[rows, rows + 1], second[rows, rows + 2] = 6, -12, 6
    matrix = np.zeros((length, length))
    matrix[1:-1] = solve_banded((1, 1), bands, second)
    matrix.setflags(write=False)
    return matrix
