"""Time derivatives of sampled positions and rotations, one track each.

Schemes, chosen by one name:

- `central`: compact central differences at the track's own rate (paper, section 3.1),
  second order. A sine at frequency f keeps sinc^2(f / rate) of its acceleration.
- `repeated`: the second derivative as central differences taken twice, a stencil twice
  as wide, as in the official code (it passes half as much of a fast motion).
- `bandlimited`: the track is smoothed first (`geometry.smoothing`), rotations in the
  chordal sense, then differenced to fourth order. For noisy or high-rate capture.

Ends are differenced with one-sided stencils of the same order. A track has no gaps:
split it where frames are invalid, never difference across.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anymo_jax.geometry import rotation as rotations
from anymo_jax.geometry import smoothing

_ACCURACY = {"central": 2, "repeated": 2, "bandlimited": 4}


@dataclasses.dataclass(frozen=True)
class Differentiation:
    """How tracks are differenced; hashable, so it can be a static argument.

    Attributes:
      scheme: "central", "repeated" or "bandlimited".
      cutoff_hz: frequency of half amplitude of `bandlimited`; unused by the others.
    """

    scheme: str = "central"
    cutoff_hz: float = 15.0

    def __post_init__(self):
        if self.scheme not in _ACCURACY:
            known = ", ".join(_ACCURACY)
            raise ValueError(f"no derivative scheme {self.scheme!r}; there are {known}")


CENTRAL = Differentiation()


def prepare_positions(
    position: Float[Array, "T *F"], rate_hz: float, how: Differentiation
) -> Float[Array, "T *F"]:
    """The track whose differences are taken: smoothed under `bandlimited`."""
    if how.scheme != "bandlimited":
        return position
    matrix = smoothing.smoothing_matrix(
        position.shape[0], float(rate_hz), float(how.cutoff_hz)
    )
    matrix = jnp.asarray(matrix, position.dtype)
    return jnp.tensordot(matrix, position, axes=1, precision=jax.lax.Precision.HIGHEST)


def prepare_rotations(
    rotation: Float[Array, "T *N 3 3"], rate_hz: float, how: Differentiation
) -> Float[Array, "T *N 3 3"]:
    """Likewise for rotations: the smoothed matrices' nearest rotations."""
    if how.scheme != "bandlimited":
        return rotation
    blurred = prepare_positions(rotation, rate_hz, how)
    nearest = jax.vmap(rotations.nearest_rotation)(blurred.reshape(-1, 3, 3))
    return nearest.reshape(rotation.shape)


def first_derivative(
    track: Float[Array, "T *F"], rate_hz: float, how: Differentiation = CENTRAL
) -> Float[Array, "T *F"]:
    """Rate of change per second of a track of any components."""
    track = prepare_positions(track, rate_hz, how)
    return _difference(track, 1, _ACCURACY[how.scheme]) * rate_hz


def second_derivative(
    track: Float[Array, "T *F"], rate_hz: float, how: Differentiation = CENTRAL
) -> Float[Array, "T *F"]:
    """Second time derivative, per second squared, of a track of any components."""
    track = prepare_positions(track, rate_hz, how)
    if how.scheme == "repeated":
        once = _difference(track, 1, 2)
        return _difference(once, 1, 2) * rate_hz**2
    return _difference(track, 2, _ACCURACY[how.scheme]) * rate_hz**2


def angular_velocity(
    rotation: Float[Array, "T *N 3 3"], rate_hz: float, how: Differentiation = CENTRAL
) -> Float[Array, "T *N 3"]:
    """Angular velocity in rad/s, in the moving frame, of `world_from_body` rotations.

    `central` takes the rotation vector from each frame's predecessor to its successor,
    so that a turn at constant rate is exact at any speed below half a turn per two
    frames; `bandlimited` takes the skew part of R^T dR/dt.
    """
    if how.scheme == "bandlimited":
        rotation = prepare_rotations(rotation, rate_hz, how)
        rate = _difference(rotation, 1, 4) * rate_hz
        spin = jnp.einsum("...ji,...jk->...ik", rotation, rate, precision="highest")
        return _vee(spin)
    _check_length(rotation.shape[0], 4)
    return _geodesic_rate(rotation) * rate_hz


def _vee(spin: Float[Array, "T *N 3 3"]) -> Float[Array, "T *N 3"]:
    """`rotation.vee` of every matrix."""
    flat = jax.vmap(rotations.vee)(spin.reshape(-1, 3, 3))
    return flat.reshape(spin.shape[:-1])


def _geodesic_rate(rotation: Float[Array, "T *N 3 3"]) -> Float[Array, "T *N 3"]:
    """Rotation vector per frame: central inside, extrapolated linearly to the ends."""
    inside = _turn(rotation[:-2], rotation[2:]) / 2
    start = 2 * inside[:1] - inside[1:2]
    end = 2 * inside[-1:] - inside[-2:-1]
    return jnp.concatenate([start, inside, end])


def _turn(
    start: Float[Array, "T *N 3 3"], end: Float[Array, "T *N 3 3"]
) -> Float[Array, "T *N 3"]:
    """Rotation vectors of start^T end, for turns below pi.

    The same as `rotation.log`, which is exact up to pi, but made of sums of products
    alone, so that it compiles to one loop over the track.
    """

    def skew(a, b):
        rows = range(3)
        ahead = sum(start[..., j, b] * end[..., j, a] for j in rows)
        return 0.5 * (ahead - sum(start[..., j, a] * end[..., j, b] for j in rows))

    vector = skew(1, 2), skew(2, 0), skew(0, 1)
    sine_squared = sum(v**2 for v in vector)
    trace = sum(start[..., i, j] * end[..., i, j] for i in range(3) for j in range(3))
    small = sine_squared < 1e-6
    sine = jnp.sqrt(jnp.where(small, 1.0, sine_squared))
    angle = jnp.arctan2(sine, 0.5 * (trace - 1))
    ratio = jnp.where(small, 1 + sine_squared / 6, angle / sine)
    return jnp.stack([ratio * v for v in vector], axis=-1)


def _difference(
    track: Float[Array, "T *F"], derivative: int, accuracy: int
) -> Float[Array, "T *F"]:
    """Per-frame differences: one stencil inside, one-sided stencils at both ends."""
    half = (derivative + 1) // 2 + accuracy // 2 - 1
    width = derivative + accuracy
    length = track.shape[0]
    _check_length(length, width)
    weights = _stencil(derivative, tuple(range(-half, half + 1)))
    count = length - 2 * half
    # Each weight multiplies a shifted view, which XLA fuses into one pass.
    inside = sum(w * track[k : k + count] for k, w in enumerate(weights.tolist()) if w)
    sides = [_stencil(derivative, tuple(range(-i, width - i))) for i in range(half)]
    start = [_weighted(side, track[:width]) for side in sides]
    mirrored = [side[::-1] * (-1) ** derivative for side in reversed(sides)]
    end = [_weighted(side, track[-width:]) for side in mirrored]
    return jnp.concatenate([jnp.stack(start), inside, jnp.stack(end)])


def _weighted(
    weights: Float[np.ndarray, "K"], samples: Float[Array, "K *F"]
) -> Float[Array, "*F"]:
    """Weighted sum of samples, written out so that it fuses."""
    return sum(w * sample for w, sample in zip(weights.tolist(), samples, strict=True))


@functools.lru_cache(maxsize=64)
def _stencil(derivative: int, offsets: tuple[int, ...]) -> Float[np.ndarray, "K"]:
    """Weights of samples at integer offsets that give a derivative at offset zero."""
    powers = np.vander(np.array(offsets, np.float64), increasing=True).T
    wanted = np.zeros(len(offsets))
    wanted[derivative] = float(np.prod(np.arange(1, derivative + 1)))
    return np.linalg.solve(powers, wanted)


def _check_length(length: int, needed: int) -> None:
    if length < needed:
        raise ValueError(
            f"a track of {length} samples is too short to difference; "
            f"this scheme needs {needed}"
        )
