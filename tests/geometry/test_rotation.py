"""Rotations against SciPy in float64, and gradients where they are delicate."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.spatial.transform import Rotation

from anymo_jax.geometry import rotation, transform

# XLA flushes subnormal numbers to zero, so none are drawn.
vectors = hnp.arrays(
    np.float32, 3, elements=st.floats(-1.75, 1.75, width=32, allow_subnormal=False)
)
quaternions = hnp.arrays(
    np.float32, 4, elements=st.floats(-1, 1, width=32, allow_subnormal=False)
).filter(lambda q: np.linalg.norm(q) > 0.1)


def scipy_matrix(quaternion):
    return Rotation.from_quat(np.float64(quaternion), scalar_first=True).as_matrix()


@given(vectors)
@settings(deadline=None)
def test_exp_agrees_with_scipy(vector):
    expected = Rotation.from_rotvec(np.float64(vector)).as_matrix()
    np.testing.assert_allclose(rotation.exp(jnp.array(vector)), expected, atol=2e-6)


@given(vectors)
@settings(deadline=None)
def test_log_inverts_exp(vector):
    # The longest vector drawn has length 3.03, just short of pi.
    recovered = rotation.log(rotation.exp(jnp.array(vector)))
    np.testing.assert_allclose(recovered, vector, atol=2e-5)


@given(quaternions)
@settings(deadline=None)
def test_quaternions_agree_with_scipy(quaternion):
    matrix = rotation.matrix_from_quaternion(jnp.array(quaternion))
    np.testing.assert_allclose(matrix, scipy_matrix(quaternion), atol=2e-6)
    back = rotation.quaternion_from_matrix(matrix)
    unit = quaternion / np.linalg.norm(quaternion)
    np.testing.assert_allclose(abs(np.dot(back, unit)), 1, atol=1e-6)


@given(quaternions, quaternions)
@settings(deadline=None)
def test_quaternion_product_composes(left, right):
    product = rotation.multiply_quaternions(jnp.array(left), jnp.array(right))
    expected = scipy_matrix(left) @ scipy_matrix(right)
    np.testing.assert_allclose(
        rotation.matrix_from_quaternion(product), expected, atol=5e-6
    )


@pytest.mark.parametrize("angle", [np.pi, np.pi - 1e-3])
@pytest.mark.parametrize("axis", np.eye(3))
def test_log_of_half_turns_has_their_length(axis, angle):
    matrix = jnp.array(Rotation.from_rotvec(angle * axis).as_matrix(), jnp.float32)
    recovered = rotation.log(matrix)
    np.testing.assert_allclose(np.abs(recovered), angle * axis, atol=1e-3)


@pytest.mark.parametrize("function", ["exp", "log", "to", "from"])
def test_gradients_at_the_identity(function):
    """The derivative of exp at zero is the generators; none of them may be NaN."""
    if function == "exp":
        jacobian = jax.jacobian(rotation.exp)(jnp.zeros(3))
        generators = jnp.stack([rotation.hat(e) for e in jnp.eye(3)], axis=-1)
        np.testing.assert_allclose(jacobian, generators, atol=1e-6)
    elif function == "log":
        jacobian = jax.jacobian(lambda v: rotation.log(rotation.exp(v)))(jnp.zeros(3))
        np.testing.assert_allclose(jacobian, np.eye(3), atol=1e-6)
    elif function == "to":
        jacobian = jax.jacobian(rotation.quaternion_from_matrix)(jnp.eye(3))
        assert np.isfinite(jacobian).all()
        assert np.abs(jacobian).max() > 0.1
    else:
        unit = jnp.array([1.0, 0, 0, 0])
        jacobian = jax.jacobian(rotation.matrix_from_quaternion)(unit)
        np.testing.assert_allclose(jacobian[2, 1, 1], 2, atol=1e-6)


@given(vectors)
@settings(deadline=None, max_examples=30)
def test_gradient_of_log_is_finite_below_half_a_turn(vector):
    gradient = jax.grad(lambda v: rotation.log(rotation.exp(v)).sum())
    np.testing.assert_allclose(gradient(jnp.array(vector)), 1, atol=2e-2)


def test_nearest_rotation_agrees_with_the_svd():
    rng = np.random.default_rng(0)
    for _ in range(20):
        blurred = Rotation.random(rng=rng).as_matrix() + 0.1 * rng.normal(size=(3, 3))
        u, _, vt = np.linalg.svd(blurred)
        found = rotation.nearest_rotation(jnp.array(blurred, jnp.float32))
        np.testing.assert_allclose(found, u @ vt, atol=2e-5)


def test_gradient_of_nearest_rotation_at_the_identity():
    jacobian = jax.jacobian(rotation.nearest_rotation)(jnp.eye(3))
    skew = jax.jacobian(lambda m: 0.5 * (m - m.T))(jnp.eye(3))
    np.testing.assert_allclose(jacobian, skew, atol=1e-5)


def test_interpolation_is_slerp():
    rng = np.random.default_rng(1)
    ends = Rotation.random(2, rng=rng)
    step = (ends[0].inv() * ends[1]).as_rotvec()
    expected = (ends[0] * Rotation.from_rotvec(0.3 * step)).as_matrix()
    start, end = (jnp.array(m, jnp.float32) for m in ends.as_matrix())
    found = rotation.interpolate(start, end, jnp.float32(0.3))
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_random_rotations_are_uniform():
    """Mean zero, and the angle's density (1 - cos a) / pi gives mean pi/2 + 2/pi."""
    keys = jax.random.split(jax.random.key(0), 20_000)
    matrices = jax.vmap(rotation.random)(keys)
    np.testing.assert_allclose(matrices.mean(0), 0, atol=0.02)
    angles = jnp.linalg.norm(jax.vmap(rotation.log)(matrices), axis=-1)
    np.testing.assert_allclose(angles.mean(), np.pi / 2 + 2 / np.pi, atol=0.02)


def test_functions_take_one_example_only():
    with pytest.raises(Exception, match=r"exp|shape|type"):
        rotation.exp(jnp.zeros((2, 3)))


def test_transforms_compose_and_invert():
    keys = jax.random.split(jax.random.key(3), 4)
    a, b = (
        transform.RigidTransform(rotation.random(k), jax.random.normal(j, (3,)))
        for k, j in (keys[:2], keys[2:])
    )
    point = jnp.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(
        a.compose(b).apply(point), a.apply(b.apply(point)), atol=1e-5
    )
    there_and_back = a.inverse().compose(a)
    np.testing.assert_allclose(there_and_back.rotation, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(there_and_back.translation, 0, atol=1e-5)
    assert transform.identity().apply(point).tolist() == point.tolist()
