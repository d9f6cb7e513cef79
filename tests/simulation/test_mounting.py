"""Mounting rotations: about the normal, within limits, harmless to physics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.simulation import simulate_imu
from anymo_jax.simulation.mounting import (
    Mounting,
    joint_placements,
    mount,
    mounting_rotation,
)
from tests.simulation.motions import articulated


def draws(mounting, count=4000):
    keys = jax.random.split(jax.random.key(0), count)
    return np.asarray(jax.vmap(lambda k: mounting_rotation(k, mounting))(keys))


def test_without_tilt_the_normal_stays_and_the_tangent_goes_everywhere():
    turns = draws(Mounting(tilt_deg=0.0))
    np.testing.assert_allclose(turns[:, :, 2], np.tile([0, 0, 1], (4000, 1)), atol=1e-6)
    angles = np.arctan2(turns[:, 1, 0], turns[:, 0, 0])
    counts, _ = np.histogram(angles, bins=8, range=(-np.pi, np.pi))
    assert counts.min() > 400


def test_tilt_stays_within_its_range():
    normals = draws(Mounting(tilt_deg=10.0))[:, :, 2]
    tilt = np.degrees(np.arccos(np.clip(normals[:, 2], -1, 1)))
    # Two tilts of 10 degrees about perpendicular axes make at most 14.1 together.
    assert 9 < tilt.max() < 14.2
    assert tilt.mean() > 4


def test_a_share_of_the_devices_is_worn_back_to_front():
    turns = draws(Mounting(in_plane_deg=180.0, tilt_deg=0.0, flip=0.25))
    normal = turns[:, 2, 2]
    np.testing.assert_allclose(np.abs(normal), 1, atol=1e-6)
    assert np.mean(normal < 0) == pytest.approx(0.25, abs=0.03)
    np.testing.assert_allclose(np.linalg.det(turns), 1, atol=1e-5)
    # Those that are not flipped are turned as without the option.
    plain = draws(Mounting(in_plane_deg=180.0, tilt_deg=0.0))
    np.testing.assert_array_equal(turns[normal > 0], plain[normal > 0])


def test_a_flip_is_a_chance():
    with pytest.raises(ValueError, match="flip"):
        Mounting(flip=1.5)


def test_full_orientation_moves_the_normal_anywhere():
    normals = draws(Mounting(any_orientation=True))[:, :, 2]
    np.testing.assert_allclose(normals.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(normals.T @ normals / 4000, np.eye(3) / 3, atol=0.03)


def test_placements_turn_independently_and_keep_the_magnitudes():
    position, rotation = articulated(np.arange(30) / 60, segments=23)
    plain = joint_placements()
    turned = mount(jax.random.key(1), plain, Mounting())
    relative = jnp.einsum("pji,pjk->pik", plain.frame, turned.frame)
    assert len(np.unique(np.round(relative[:, 0, 0], 4))) > 20
    signals = [
        np.asarray(
            simulate_imu(position, rotation, p.segment, p.offset, p.frame, rate_hz=60.0)
        ).reshape(30, 23, 2, 3)
        for p in (plain, turned)
    ]
    lengths = [np.linalg.norm(s, axis=-1) for s in signals]
    np.testing.assert_allclose(lengths[0], lengths[1], rtol=1e-4, atol=1e-4)
    assert np.abs(signals[0] - signals[1]).max() > 1


def test_joint_mounted_sensors_sit_on_the_origins():
    placements = joint_placements()
    assert placements.segment.tolist() == list(range(len(XSENS)))
    assert not np.any(placements.offset)
    np.testing.assert_array_equal(placements.frame, np.tile(np.eye(3), (23, 1, 1)))


@pytest.mark.parametrize("seed", range(3))
def test_rotations_are_rotations(seed):
    turn = mounting_rotation(jax.random.key(seed), Mounting())
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(turn) > 0
