"""Placements, mounting rotations, masks and magnitudes: distributions, invariants."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax import views
from anymo_jax.body.placement import candidate_placements, candidate_vertices
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.template import default_surface
from anymo_jax.views.masks import (
    draw_visible_nodes,
    present_channels,
    visible_nodes,
)
from anymo_jax.views.options import ViewOptions
from anymo_jax.views.orientation import sample_turns
from anymo_jax.views.placements import choose_candidates
from anymo_jax.views.simulate import draw_setup
from tests.views import bodies

DRAWS = 4000


def draw(function, count=DRAWS, seed=0):
    keys = jax.random.split(jax.random.key(seed), count)
    return np.asarray(jax.jit(jax.vmap(function))(keys))


def test_candidates_are_their_segments_own_and_equally_likely():
    chosen = draw(lambda key: choose_candidates(key, bodies.BODY))
    for node in range(bodies.NODES):
        mine = np.flatnonzero(np.equal(bodies.SEGMENT, node))
        counts = np.bincount(chosen[:, node], minlength=len(bodies.SEGMENT))
        assert counts[mine].sum() == DRAWS
        np.testing.assert_allclose(counts[mine] / DRAWS, 1 / len(mine), atol=0.03)
    # One segment's choice says nothing of another's.
    pair = chosen[:, [18, 20]] - bodies.BODY.starts[[18, 20]]
    table = collections.Counter(map(tuple, pair.tolist()))
    expected = bodies.BODY.counts[18] * bodies.BODY.counts[20]
    assert len(table) == expected
    assert min(table.values()) > 0.7 * DRAWS / expected


def test_weights_say_how_often_a_candidate_is_taken():
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.5, 2, len(bodies.SEGMENT))
    # The last of four: rounding must not reach it.
    last = int(np.flatnonzero(np.equal(bodies.SEGMENT, bodies.SEGMENT.max()))[-1])
    foot = bodies.BODY.starts[21]
    weights[foot] = 0
    body = views.body_tables(bodies.SEGMENT, bodies.FRAME, weights)
    counts = np.bincount(
        draw(lambda key: choose_candidates(key, body)).ravel(), minlength=last + 1
    )
    assert counts[foot] == 0
    share = weights / np.bincount(bodies.SEGMENT, weights)[bodies.SEGMENT]
    np.testing.assert_allclose(counts / DRAWS, share, atol=0.03)


def test_tables_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="ascend"):
        views.body_tables(bodies.SEGMENT[::-1], bodies.FRAME)
    kept = bodies.SEGMENT != 6
    with pytest.raises(ValueError, match="Head"):
        views.body_tables(bodies.SEGMENT[kept], bodies.FRAME[kept])
    with pytest.raises(ValueError, match="weights"):
        zero = np.where(bodies.SEGMENT == 3, 0.0, 1.0)
        views.body_tables(bodies.SEGMENT, bodies.FRAME, zero)


def test_central_weights_fall_off_from_the_core():
    surface = default_surface()
    weights = views.centroid_weights(surface)
    placements = candidate_placements(surface)
    assert weights.shape == placements.segment.shape
    assert (weights > 0).all()
    segment, vertex = candidate_vertices(surface)
    owner = np.asarray(surface.joint_segment)[np.argmax(surface.skinning, axis=1)]
    faces = np.asarray(surface.faces)
    for index in (0, 900, 2000):
        near = np.unique(faces[(faces == vertex[index]).any(axis=1)])
        near = near[near != vertex[index]]
        scaled = weights[index] * len(near)
        hops = -2 * np.log(scaled)
        assert hops == pytest.approx(round(hops), abs=1e-9)
        assert (round(hops) == 0) == (owner[vertex[index]] == segment[index])
    outside = weights[owner[vertex] != segment].max()
    assert outside < np.median(weights[owner[vertex] == segment])
    views.body_tables(placements.segment, placements.frame, weights)


@pytest.mark.parametrize(
    "mounting",
    [
        views.SURFACE,
        views.ANY_ORIENTATION,
        views.NEAR_ALIGNED,
        views.QuarterTurns(),
        views.WORN,
        views.Mixture((views.SURFACE, views.QuarterTurns()), (1.0, 1.0)),
    ],
)
def test_setups_turn_sensors_and_keep_their_readings_norm(mounting):
    options = ViewOptions(mounting=mounting)
    make = jax.jit(lambda key: draw_setup(key, bodies.OFFSET, bodies.BODY, options))
    setup = make(jax.random.key(0))
    frames = np.asarray(setup.frame)
    identity = np.tile(np.eye(3), (bodies.NODES, 1, 1))
    np.testing.assert_allclose(frames.mT @ frames, identity, atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(frames), 1, atol=1e-5)
    reading = np.random.default_rng(0).normal(size=(bodies.NODES, 3, 1))
    turned = frames.mT @ reading
    norms = [np.linalg.norm(x, axis=1) for x in (turned, reading)]
    np.testing.assert_allclose(*norms, rtol=1e-5)
    known = {tuple(o) for o in bodies.OFFSET.astype(np.float32).tolist()}
    assert {tuple(o) for o in setup.offset.tolist()} <= known
    # A sensor is turned in its own axes: its candidate's frame, then the turn.
    (place, turn) = jax.random.split(jax.random.key(0))
    index = choose_candidates(place, bodies.BODY)
    turns = sample_turns(turn, mounting, bodies.NODES)
    expected = bodies.FRAME[index] @ np.asarray(turns)
    np.testing.assert_allclose(frames, expected, atol=1e-5)


def turns(mounting):
    return draw(lambda key: sample_turns(key, mounting, 1)[0])


def angle(matrices):
    trace = np.trace(matrices, axis1=1, axis2=2)
    return np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def test_near_aligned_sensors_are():
    spread = angle(turns(views.NEAR_ALIGNED))
    assert 15 < np.median(spread) < 25
    assert spread.max() < 20 * np.sqrt(3) + 2


def test_quarter_turns_are_four():
    plain = views.QuarterTurns(views.Mounting(in_plane_deg=0.0, tilt_deg=0.0))
    made = np.round(turns(plain), 6) + 0.0
    kinds, counts = np.unique(made.reshape(DRAWS, 9), axis=0, return_counts=True)
    assert len(kinds) == 4 and counts.min() > 0.2 * DRAWS
    assert set(np.round(angle(kinds.reshape(4, 3, 3))).tolist()) == {0, 90, 180}
    assert (made[:, 2, 2] == 1).all()


def test_mixtures_keep_their_shares():
    still = views.Mounting(in_plane_deg=0.0, tilt_deg=0.0)
    mixture = views.Mixture((still, views.ANY_ORIENTATION), (3.0, 1.0))
    assert np.mean(angle(turns(mixture)) < 0.1) == pytest.approx(0.75, abs=0.03)


def test_visible_nodes_are_as_many_as_asked_and_anywhere():
    masks = draw(lambda key: visible_nodes(key, views.VisibleNodes()))
    counts = np.bincount(masks.sum(axis=1), minlength=6)
    assert counts[0] == 0 and len(counts) == 6
    np.testing.assert_allclose(counts[1:] / DRAWS, 0.2, atol=0.03)
    np.testing.assert_allclose(masks.mean(axis=0), 3 / 23, atol=0.025)
    fixed = draw(lambda key: visible_nodes(key, views.VisibleNodes(3, 3)), 200)
    assert (fixed.sum(axis=1) == 3).all()
    every = draw(lambda key: visible_nodes(key, views.VisibleNodes(23, 23)), 3)
    assert every.all()


def test_worn_sites_are_where_people_wear_sensors():
    nodes = views.VisibleNodes(1, 1, weights=views.WORN_SITES)
    chance = draw(lambda key: visible_nodes(key, nodes)).mean(axis=0)
    expected = np.array(views.WORN_SITES) / sum(views.WORN_SITES)
    np.testing.assert_allclose(chance, expected, atol=0.02)
    named = dict(zip(XSENS.names, views.WORN_SITES, strict=True))
    assert named["R_Forearm"] == named["L_Forearm"] > named["T8"] > named["Neck"] > 0


def test_half_of_worn_devices_lie_with_their_back_outwards():
    normal = turns(views.WORN)[:, 2, 2]
    assert np.mean(normal < 0) == pytest.approx(0.5, abs=0.04)


def test_a_share_of_the_views_sees_every_node():
    nodes = views.VisibleNodes(1, 2, full=0.25)
    counts = draw(lambda key: visible_nodes(key, nodes)).sum(axis=1)
    assert set(counts) == {1, 2, 23}
    assert np.mean(counts == 23) == pytest.approx(0.25, abs=0.03)
    rng = np.random.default_rng(0)
    counts = np.array([draw_visible_nodes(rng, nodes).sum() for _ in range(DRAWS)])
    assert set(counts) == {1, 2, 23}
    assert np.mean(counts == 23) == pytest.approx(0.25, abs=0.03)


def test_weighted_nodes_are_drawn_one_after_the_other():
    weights = views.node_weights({"R_Forearm": 3.0, "Pelvis": 1.0, "Head": 1.0})
    one = draw(lambda key: visible_nodes(key, views.VisibleNodes(1, 1, weights)))
    np.testing.assert_allclose(one.mean(axis=0)[[9, 0, 6]], [0.6, 0.2, 0.2], atol=0.03)
    assert not one[:, np.array(weights) == 0].any()
    two = draw(lambda key: visible_nodes(key, views.VisibleNodes(2, 2, weights)))
    # First, or second after one of the two others: 0.6 + 0.4 * 3/4.
    assert two.mean(axis=0)[9] == pytest.approx(0.9, abs=0.02)


def test_gyroscopes_are_missing_as_often_as_asked():
    valid = draw(lambda key: present_channels(key, 0.25))
    assert valid[..., :3].all()
    rate = valid[..., 3:].reshape(DRAWS, -1)
    assert (rate.all(axis=1) | ~rate.any(axis=1)).all()
    assert 1 - rate[:, 0].mean() == pytest.approx(0.25, abs=0.03)
    assert present_channels(jax.random.key(0), 0.0).all()


def test_magnitudes_stand_beside_the_channels():
    signal = jax.random.normal(jax.random.key(0), (2, 5, 23, 6))
    valid = jnp.ones((2, 23, 6), bool).at[1, 4, 5].set(False)
    more, present = views.with_magnitudes(signal, valid)
    np.testing.assert_array_equal(more[..., :6], signal)
    np.testing.assert_allclose(
        more[..., 6], np.linalg.norm(signal[..., :3], axis=-1), rtol=1e-6
    )
    np.testing.assert_allclose(
        more[..., 7], np.linalg.norm(signal[..., 3:], axis=-1), rtol=1e-6
    )
    np.testing.assert_array_equal(present[..., :6], valid)
    assert present[..., 6].all()
    assert np.argwhere(~np.asarray(present[..., 7])).tolist() == [[1, 4]]


def test_magnitudes_have_a_gradient_at_zero():
    valid = jnp.ones((23, 6), bool)

    def total(signal):
        return views.with_magnitudes(signal, valid)[0][..., 6:].sum()

    gradient = jax.grad(total)(jnp.zeros((2, 23, 6)))
    np.testing.assert_array_equal(gradient, 0)
    # The gradient of a norm is the unit vector.
    signal = jax.random.normal(jax.random.key(0), (2, 23, 6))
    split = np.asarray(jax.grad(total)(signal)).reshape(2, 23, 2, 3)
    np.testing.assert_allclose(np.linalg.norm(split, axis=-1), 1, rtol=1e-5)
