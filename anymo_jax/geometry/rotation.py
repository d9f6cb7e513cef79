"""Rotations in three dimensions: matrices, unit quaternions (wxyz), rotation vectors.

Every function takes one example; use `jax.vmap` for many. A matrix named
`world_from_segment` maps coordinates in the segment frame to the world frame.

Exponential and logarithm follow Sola, Deray & Atchuthan, "A micro Lie theory for
state estimation in robotics" (2018), with series near the identity so that values
and gradients stay finite there. At an angle of exactly pi the logarithm is two-valued;
it returns one of the two and its gradient there is undefined.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# An accelerator's default product of float32 matrices keeps ten bits only.
_matmul = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)

# Below this squared angle the closed forms lose float32 digits and the series is exact.
_SMALL_SQUARED = 1e-4


def hat(vector: Float[Array, "3"]) -> Float[Array, "3 3"]:
    """Cross-product matrix: `hat(a) @ b == cross(a, b)`."""
    x, y, z = vector
    zero = jnp.zeros_like(x)
    return jnp.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)


def vee(matrix: Float[Array, "3 3"]) -> Float[Array, "3"]:
    """Vector of the skew-symmetric part of a matrix; the inverse of `hat`."""
    skew = 0.5 * (matrix - matrix.T)
    return jnp.stack([skew[2, 1], skew[0, 2], skew[1, 0]])


def exp(rotation_vector: Float[Array, "3"]) -> Float[Array, "3 3"]:
    """Rotation matrix of a rotation vector in rad (Rodrigues' formula)."""
    squared = jnp.sum(rotation_vector**2)
    small = squared < _SMALL_SQUARED
    safe = jnp.where(small, 1.0, squared)
    angle = jnp.sqrt(safe)
    sine_ratio = jnp.where(
        small, 1 - squared / 6 + squared**2 / 120, jnp.sin(angle) / angle
    )
    # 1 - cos as 2 sin^2(half) keeps digits at small angles.
    cosine_ratio = jnp.where(
        small, 0.5 - squared / 24 + squared**2 / 720, 2 * jnp.sin(angle / 2) ** 2 / safe
    )
    cross = hat(rotation_vector)
    eye = jnp.eye(3, dtype=rotation_vector.dtype)
    return eye + sine_ratio * cross + cosine_ratio * _matmul(cross, cross)


def log(matrix: Float[Array, "3 3"]) -> Float[Array, "3"]:
    """Rotation vector in rad, of length at most pi, of a rotation matrix."""
    quaternion = quaternion_from_matrix(matrix)
    # The hemisphere of w >= 0 holds the shorter of the two turns.
    quaternion = jnp.where(quaternion[0] < 0, -quaternion, quaternion)
    w, axis = quaternion[0], quaternion[1:]
    squared = jnp.sum(axis**2)
    small = squared < _SMALL_SQUARED
    sine = jnp.sqrt(jnp.where(small, 1.0, squared))
    # angle / sin(angle/2): asin's series near zero, atan2 elsewhere.
    series = 2 * (1 + squared / 6 + 3 * squared**2 / 40)
    ratio = jnp.where(small, series, 2 * jnp.arctan2(sine, w) / sine)
    return ratio * axis


def matrix_from_quaternion(quaternion: Float[Array, "4"]) -> Float[Array, "3 3"]:
    """Rotation matrix of a quaternion wxyz, which need not have unit norm."""
    w, x, y, z = quaternion
    scale = 2.0 / jnp.sum(quaternion**2)
    xx, yy, zz = scale * x * x, scale * y * y, scale * z * z
    xy, xz, yz = scale * x * y, scale * x * z, scale * y * z
    wx, wy, wz = scale * w * x, scale * w * y, scale * w * z
    return jnp.stack(
        [
            *(1 - yy - zz, xy - wz, xz + wy),
            *(xy + wz, 1 - xx - zz, yz - wx),
            *(xz - wy, yz + wx, 1 - xx - yy),
        ]
    ).reshape(3, 3)


def quaternion_from_matrix(matrix: Float[Array, "3 3"]) -> Float[Array, "4"]:
    """Unit quaternion wxyz of a rotation matrix, up to sign.

    Of Shepperd's four expressions the one with the largest pivot is taken, so no
    square root is ever near zero and the gradient is finite for every rotation.
    """
    (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = matrix
    pivots = (
        1 + m00 + m11 + m22,
        1 + m00 - m11 - m22,
        1 - m00 + m11 - m22,
        1 - m00 - m11 + m22,
    )
    candidates = (
        jnp.stack([pivots[0], m21 - m12, m02 - m20, m10 - m01]),
        jnp.stack([m21 - m12, pivots[1], m10 + m01, m02 + m20]),
        jnp.stack([m02 - m20, m10 + m01, pivots[2], m21 + m12]),
        jnp.stack([m10 - m01, m02 + m20, m21 + m12, pivots[3]]),
    )
    # Selects rather than an index: under vmap an index becomes a slow gather.
    chosen, best = candidates[0], pivots[0]
    for candidate, pivot in zip(candidates[1:], pivots[1:], strict=True):
        better = pivot > best
        chosen = jnp.where(better, candidate, chosen)
        best = jnp.where(better, pivot, best)
    return chosen / jnp.sqrt(jnp.sum(chosen**2))


def multiply_quaternions(
    left: Float[Array, "4"], right: Float[Array, "4"]
) -> Float[Array, "4"]:
    """Hamilton product, wxyz: the rotation `right` followed by `left`."""
    w, v = left[0], left[1:]
    scalar = w * right[0] - jnp.dot(v, right[1:])
    vector = w * right[1:] + right[0] * v + jnp.cross(v, right[1:])
    return jnp.concatenate([scalar[None], vector])


def nearest_rotation(matrix: Float[Array, "3 3"]) -> Float[Array, "3 3"]:
    """Rotation closest to a matrix in the Frobenius norm (orthogonal Procrustes).

    For matrices near a rotation (singular values in 0.4 to 1.5), such as a mean of
    neighbouring frames: a few Newton steps of the polar decomposition, which have
    finite gradients where those of an SVD with equal singular values do not.
    """

    def newton(estimate, _):
        excess = 3 * jnp.eye(3) - _matmul(estimate.T, estimate)
        return 0.5 * _matmul(estimate, excess), None

    rotation, _ = jax.lax.scan(newton, matrix, length=6, unroll=True)
    return rotation


def interpolate(
    start: Float[Array, "3 3"], end: Float[Array, "3 3"], fraction: Float[Array, ""]
) -> Float[Array, "3 3"]:
    """Point on the geodesic from `start` (0) to `end` (1), as slerp."""
    turn = exp(fraction * log(_matmul(start.T, end)))
    return _matmul(start, turn)


def random(key: Array) -> Float[Array, "3 3"]:
    """Rotation drawn uniformly from SO(3) (normalised Gaussian quaternion)."""
    return matrix_from_quaternion(jax.random.normal(key, (4,)))


def about_axis(axis: Float[Array, "3"], angle: Float[Array, ""]) -> Float[Array, "3 3"]:
    """Rotation by an angle in rad about a unit axis."""
    return exp(axis * angle)
