"""Mirror images and changes of speed: what they do to signals is known exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.geometry.rotation import matrix_from_quaternion
from anymo_jax.motion.mirror import mirror_motion
from anymo_jax.motion.recording import SegmentMotion
from anymo_jax.simulation import simulate_imu
from anymo_jax.views.mirror import mirror_signal
from anymo_jax.views.options import TempoChange
from anymo_jax.views.retime import draw_factor, retime
from tests.views import bodies

OTHER = np.array(XSENS.mirrored)
REFLECTION = np.diag([1.0, -1.0, 1.0])
GRAVITY = np.array([0, 0, -9.80665])
matrices = jax.jit(jax.vmap(jax.vmap(matrix_from_quaternion)))


def test_a_mirrored_signal_is_that_of_a_mirrored_body_with_mirrored_sensors():
    position, rotation = bodies.moving(np.arange(60) / 60)
    motion = SegmentMotion(position, rotation, np.ones(60, bool), 60.0)
    rng = np.random.default_rng(0)
    offset = rng.normal(0, 0.1, (23, 3))
    frame = bodies.FRAME[np.cumsum((0, *bodies.BODY.counts[:-1]))].astype(float)

    def read(body, offset, frame):
        place = (np.arange(23), offset, frame)
        signal = simulate_imu(body.position, body.rotation, *place, rate_hz=60.0)
        return np.asarray(signal)

    seen = read(
        mirror_motion(motion),
        offset[OTHER] @ REFLECTION,
        REFLECTION @ frame[OTHER] @ REFLECTION,
    )
    here = read(motion, offset, frame)
    np.testing.assert_allclose(mirror_signal(jnp.asarray(here)), seen, atol=0.02)
    np.testing.assert_array_equal(mirror_signal(mirror_signal(jnp.asarray(here))), here)
    assert np.abs(seen - here).max() > 1


def test_several_setups_are_mirrored_alike():
    signal = jax.random.normal(jax.random.key(0), (4, 23, 2, 6))
    both = mirror_signal(signal)
    for k in range(2):
        np.testing.assert_array_equal(both[:, :, k], mirror_signal(signal[:, :, k]))


def leisurely(times):
    """Swings so slow that their differences at 60 Hz are derivatives."""
    return bodies.moving(0.15 * times)


def closed_form(times):
    """Acceleration in the world, angular rate and rotation."""
    steps = times[:, None] + np.arange(-1, 2) * 1e-4
    p, r = (x.reshape(-1, 3, *x.shape[1:]) for x in leisurely(steps.ravel()))
    acceleration = (p[:, 0] - 2 * p[:, 1] + p[:, 2]) / 1e-8
    spin = np.einsum("tsji,tsjk->tsik", r[:, 1], (r[:, 2] - r[:, 0]) / 2e-4)
    rate = np.stack([spin[..., 2, 1], spin[..., 0, 2], spin[..., 1, 0]], -1)
    return acceleration, rate, r[:, 1]


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.0, 1.1, 1.25, 2.0])
def test_rates_scale_with_the_speed_and_accelerations_with_its_square(factor):
    length = 200
    window = bodies.window(*leisurely(np.arange(-2, length + 2) / 60))
    # A turn of sign is no motion.
    window["quaternion"][length // 2 :] *= -1
    position, quaternion, count = jax.jit(retime)(
        *(window["position"], window["quaternion"]),
        *(jnp.int32(length), jnp.float32(factor)),
    )
    count = int(count)
    assert count == pytest.approx((length - 1) / factor + 1, abs=3)
    place = (np.arange(23), np.zeros((23, 3)), np.tile(np.eye(3), (23, 1, 1)))
    signal = simulate_imu(position, matrices(quaternion), *place, rate_hz=60.0)
    signal = np.asarray(signal)[2 : 2 + count]
    start = (2 * max(factor, 1.0) - 2) / 60
    acceleration, rate, rotation = closed_form(start + factor * np.arange(count) / 60)
    felt = np.einsum("tsij,tsj->tsi", rotation, signal[..., :3])
    errors = {
        "rate": (signal[..., 3:] - factor * rate, np.abs(rate).max()),
        "force": (
            felt + GRAVITY - factor**2 * acceleration,
            np.abs(acceleration).max(),
        ),
    }
    for name, (error, largest) in errors.items():
        assert largest > 2, name
        assert np.abs(error).max() < 0.02 * largest * max(1, factor**2), name


def test_at_its_own_speed_a_window_is_untouched():
    window = bodies.moving_window(120)
    position, quaternion, count = retime(
        *(jnp.asarray(window["position"]), jnp.asarray(window["quaternion"])),
        *(jnp.int32(120), jnp.float32(1.0)),
    )
    assert int(count) == 120
    moved = window["position"][123][None]
    np.testing.assert_allclose(
        position[:124] + moved, window["position"][:124], atol=1e-6
    )
    np.testing.assert_allclose(
        matrices(quaternion)[:124],
        matrices(jnp.asarray(window["quaternion"]))[:124],
        atol=1e-6,
    )


def test_the_factor_stays_within_texts_options_and_lengths():
    change = TempoChange(0.8, 1.25)

    @jax.jit
    @jax.vmap
    def draw(key, tempo, length):
        factor = draw_factor(key, tempo, length, change)
        still = jnp.zeros((304, 23, 3)), jnp.ones((304, 23, 4))
        return factor, retime(*still, length, factor)[2]

    for tempo in ((0.5, 2.0), (0.8, 1.0), (1.0, 1.1), (1.0, 1.0)):
        lengths = np.repeat([60, 61, 90, 200, 290, 299, 300], 60)
        keys = jax.random.split(jax.random.key(0), len(lengths))
        wanted = np.tile(np.float32(tempo), (len(lengths), 1))
        factor, count = (np.asarray(x) for x in draw(keys, wanted, lengths))
        assert factor.min() >= max(tempo[0], 0.8) - 1e-6
        assert factor.max() <= min(tempo[1], 1.25) + 1e-6
        assert count.min() >= 60 and count.max() <= 300
        assert (factor[lengths == 300] >= 1).all()
        assert (factor[lengths == 60] <= 1).all()
        free = factor[lengths == 200]
        if tempo == (0.5, 2.0):
            assert free.min() < 0.84 and free.max() > 1.19
            assert abs(np.log(free).mean()) < 0.06
        spent = (lengths - 1) / factor + 1
        assert np.all(np.abs(count - spent) <= 3)
