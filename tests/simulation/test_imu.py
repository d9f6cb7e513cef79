"""Physics of the simulator: closed forms, invariances, and the errors it raises."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from anymo_jax.simulation import simulate_imu
from tests.simulation.motions import articulated, random_placements

G = 9.80665
RATE = 60.0
simulate = functools.partial(simulate_imu, rate_hz=RATE)


def single(position, rotation, offset=(0.0, 0.0, 0.0), frame=None, rate=RATE):
    """Signal (T, 6) of one sensor on one segment; arguments (T, 3) and (T, 3, 3)."""
    frame = np.eye(3) if frame is None else frame
    arrays = position[:, None], rotation[:, None], np.zeros(1, int)
    rest = np.array([offset], np.float32), np.asarray(frame, np.float32)[None]
    return np.asarray(simulate_imu(*arrays, *rest, rate_hz=rate))[:, 0]


def still(frames=20):
    return np.zeros((frames, 3)), np.tile(np.eye(3), (frames, 1, 1))


@pytest.mark.parametrize("seed", range(3))
def test_at_rest_the_force_points_up_in_any_frame(seed):
    position, rotation = still()
    frame = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    signal = single(position + 5.0, rotation, (0.1, 0.2, 0.3), frame)
    np.testing.assert_allclose(
        signal[:, :3], np.tile(frame.T[:, 2] * G, (20, 1)), atol=1e-3
    )
    np.testing.assert_allclose(signal[:, 3:], 0, atol=1e-6)


def test_free_fall_reads_zero():
    position, rotation = still(40)
    times = np.arange(40) / RATE
    position = position + np.array([0, 0, 1.0]) * (3 - G / 2 * times**2)[:, None]
    np.testing.assert_allclose(single(position, rotation), 0, atol=5e-3)


def test_constant_velocity_reads_as_rest():
    position, rotation = still()
    position = position + np.arange(20)[:, None] / RATE * np.array([2.0, -1.0, 0.5])
    expected = np.tile([0, 0, G, 0, 0, 0], (20, 1))
    np.testing.assert_allclose(single(position, rotation), expected, atol=5e-3)


def test_turntable():
    """At radius r and constant rate w: w^2 r inwards, and w about the axis."""
    rate, omega, radius = 240.0, 5.0, 0.4
    times = np.arange(480) / rate
    rotation = Rotation.from_rotvec(np.outer(times * omega, [0, 0, 1])).as_matrix()
    signal = single(np.zeros((480, 3)), rotation, (radius, 0, 0), rate=rate)
    expected = np.tile([-(omega**2) * radius, 0, G, 0, 0, omega], (480, 1))
    np.testing.assert_allclose(signal[1:-1], expected[1:-1], atol=0.02)


def test_pure_rotation_about_the_sensor_leaves_gravity_only():
    times = np.arange(120) / RATE
    angles = np.stack([np.sin(3 * times), np.cos(2 * times), times], -1)
    rotation = Rotation.from_rotvec(angles).as_matrix()
    force = single(np.zeros((120, 3)), rotation)[:, :3]
    np.testing.assert_allclose(force, rotation[:, 2] * G, atol=2e-3)


@settings(deadline=None, max_examples=15)
@given(st.floats(-3, 3), st.floats(-50, 50), st.integers(0, 5))
def test_yaw_and_place_in_the_world_do_not_matter(yaw, shift, seed):
    position, rotation = articulated(np.arange(60) / RATE, seed=seed)
    segment, offset, frame = random_placements(8, 5, seed)
    turn = Rotation.from_rotvec([0, 0, yaw]).as_matrix()
    here = simulate(position, rotation, segment, offset, frame)
    there = simulate(position @ turn.T + shift, turn @ rotation, segment, offset, frame)
    np.testing.assert_allclose(there, here, atol=5e-3)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000))
def test_turning_the_sensor_turns_the_signal(seed):
    position, rotation = articulated(np.arange(40) / RATE)
    segment, offset, frame = random_placements(6, 5)
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    plain = np.asarray(simulate(position, rotation, segment, offset, frame))
    turned = simulate(position, rotation, segment, offset, frame @ turn)
    expected = plain.reshape(40, 6, 2, 3) @ turn
    np.testing.assert_allclose(turned, expected.reshape(40, 6, 6), atol=1e-3)


def test_order_of_placements_does_not_matter():
    """Sorted runs, even runs, and indices unknown to the compiler, in that order."""
    position, rotation = articulated(np.arange(40) / RATE)
    _, offset, frame = random_placements(10, 5)
    traced = jax.jit(simulate)
    for segment in (np.array([0] * 4 + [1] * 5 + [4]), np.repeat(np.arange(5), 2)):
        expected = traced(position, rotation, segment, offset, frame)
        found = simulate(position, rotation, segment, offset, frame)
        np.testing.assert_allclose(found, expected, atol=3e-3)
        shuffle = np.random.default_rng(0).permutation(10)
        shuffled = simulate(
            position, rotation, segment[shuffle], offset[shuffle], frame[shuffle]
        )
        np.testing.assert_allclose(shuffled, expected[:, shuffle], atol=3e-3)


def test_batches_shard_over_devices_and_agree():
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    sharding = jax.NamedSharding(mesh, jax.P("data"))
    motions = [articulated(np.arange(30) / RATE, seed=i) for i in range(8)]
    position, rotation = (jnp.stack(jnp.array(x)) for x in zip(*motions, strict=True))
    segment, offset, frame = random_placements(10, 5)
    batched = jax.vmap(lambda p, r: simulate(p, r, segment, offset, frame))
    plain = batched(position, rotation)
    sharded = jax.jit(batched)(*jax.device_put((position, rotation), sharding))
    assert len(sharded.sharding.device_set) == 8
    np.testing.assert_allclose(sharded, plain, atol=3e-3)


def test_gradient_with_respect_to_the_offset_is_the_lever_term():
    position, rotation = articulated(np.arange(30) / RATE, segments=1)
    segment, frame = np.zeros(1, int), np.eye(3)[None]

    def force(offset):
        return simulate(position, rotation, segment, offset[None], frame)[:, 0, :3]

    jacobian = jax.jacobian(force)(jnp.zeros(3))
    step = 0.1
    finite = (force(jnp.array([step, 0, 0])) - force(jnp.zeros(3))) / step
    np.testing.assert_allclose(jacobian[..., 0], finite, atol=1e-2)
    assert np.abs(jacobian).max() > 1


def test_gradient_with_respect_to_a_body_at_rest_is_finite():
    position, rotation = still()
    arrays = jnp.array(position)[:, None], jnp.array(rotation)[:, None]

    def energy(p, r):
        signal = simulate(p, r, np.zeros(1, int), jnp.ones((1, 3)), jnp.eye(3)[None])
        return jnp.sum(signal**2)

    for gradient in jax.grad(energy, argnums=(0, 1))(*arrays):
        assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


def test_dense_simulation_never_holds_a_matrix_per_placement():
    """No array of T x P x 9 numbers or more appears in the compiled program."""
    frames, placements = 50, 400
    shapes = (frames, 5, 3), (frames, 5, 3, 3), (placements, 3), (placements, 3, 3)
    position, rotation, offset, frame = (
        jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes
    )
    segment = np.sort(np.arange(placements) % 5)
    compiled = (
        jax.jit(lambda p, r, o, f: simulate(p, r, segment, o, f))
        .lower(position, rotation, offset, frame)
        .compile()
    )
    peak = compiled.memory_analysis().temp_size_in_bytes
    assert peak < frames * placements * 9 * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": np.zeros((10, 3))}, r"position has shape \(10, 3\)"),
        ({"rotation": np.zeros((10, 2, 4))}, r"rotation has shape \(10, 2, 4\)"),
        ({"segment": np.zeros((4, 1), int)}, r"segment has shape"),
        ({"offset": np.zeros((3, 3))}, r"offset has shape \(3, 3\)"),
        ({"frame": np.zeros((4, 3))}, r"frame has shape \(4, 3\)"),
        ({"segment": np.array([0, 1, 2, 1])}, r"motion has 2 segments \(0 to 1\)"),
        ({"segment": np.array([0, -1, 1, 1])}, r"from -1 to 1"),
    ],
)
def test_shapes_that_do_not_fit_are_named(change, message):
    # The run-time checker would speak first; users run without it.
    arrays = {
        "position": np.zeros((10, 2, 3)),
        "rotation": np.tile(np.eye(3), (10, 2, 1, 1)),
        "segment": np.zeros(4, int),
        "offset": np.zeros((4, 3)),
        "frame": np.tile(np.eye(3), (4, 1, 1)),
    }
    with jax_typing_off(), pytest.raises(ValueError, match=message):
        simulate_imu(**(arrays | change), rate_hz=RATE)


def jax_typing_off():
    import contextlib

    import jaxtyping

    @contextlib.contextmanager
    def off():
        jaxtyping.config.update("jaxtyping_disable", True)
        try:
            yield
        finally:
            jaxtyping.config.update("jaxtyping_disable", False)

    return off()
