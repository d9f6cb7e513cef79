"""Views of a window: physics survives, randomness follows from key and window alone."""

import functools

import jax
import numpy as np
import pytest

from anymo_jax import views
from anymo_jax.simulation import DeviceModel, simulate_imu
from anymo_jax.simulation.mounting import joint_placements
from anymo_jax.views import ViewOptions, masks
from anymo_jax.views.mirror import mirror_signal
from tests.views import bodies

EVERYTHING = ViewOptions(
    device=DeviceModel(),
    mirror=0.5,
    tempo=views.TempoChange(),
    drop_gyroscope=0.5,
)
QUIET = ViewOptions(device=None)
CHANGED = ViewOptions(device=None, mirror=0.5, tempo=views.TempoChange())
LENGTHS = (300, 240, 60, 300, 100)
# Of second differences of float32 positions: 1e-7 of some metres, times 3600.
ROUNDING = 0.02


@functools.lru_cache
def compiled(function, options):
    return jax.jit(functools.partial(function, options=options))


def paired(key, batch, options=QUIET, fixed_key=None):
    call = compiled(views.paired_views_batch, options)
    return call(key, batch, bodies.BODY, bodies.PRIORS, fixed_key=fixed_key)


def assert_same(here, there, tolerance=0.0):
    for a, b in zip(jax.tree.leaves(here), jax.tree.leaves(there), strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


@pytest.fixture(scope="module")
def batch():
    lengths = enumerate(LENGTHS)
    return bodies.batch([bodies.moving_window(n, index=i) for i, n in lengths])


@pytest.fixture(scope="module")
def every(batch):
    return paired(jax.random.key(0), batch, EVERYTHING)


@pytest.mark.parametrize(
    "options",
    [
        QUIET,
        ViewOptions(joint_mounted=True),
        CHANGED,
    ],
)
def test_at_rest_every_sensor_feels_gravity_alone(options):
    lengths = enumerate(LENGTHS)
    resting = bodies.batch([bodies.resting_window(n, index=i) for i, n in lengths])
    made = paired(jax.random.key(1), resting, options)
    for view in (made.full_a, made.full_b):
        for signal, length in zip(view.signal, view.length.tolist(), strict=True):
            force = np.linalg.norm(signal[:length, :, :3], axis=-1)
            np.testing.assert_allclose(force, 9.80665, atol=0.02)
            np.testing.assert_allclose(signal[:length, :, 3:], 0, atol=1e-3)
            assert not np.any(signal[length:])


def test_two_views_show_one_motion(batch):
    made = paired(jax.random.key(2), batch)
    a, b = (np.asarray(v.signal) for v in (made.full_a, made.full_b))
    rates = [np.linalg.norm(s[..., 3:], axis=-1) for s in (a, b)]
    np.testing.assert_allclose(*rates, atol=1e-3)
    assert rates[0].max() > 1
    # The sensors themselves differ in every segment.
    assert (np.abs(a - b).max(axis=(0, 1, 3)) > 0.5).all()
    assert made.full_a.visible.all() and made.full_a.channel_valid.all()


def test_views_are_of_the_changed_motion_that_they_tell_of(batch):
    key = jax.random.key(11)
    tempo = np.array([(1, 1), (1, 1), (1, 1), (1, 1), (0.8, 0.9)], np.float32)
    limited = batch | {"tempo": tempo}
    plain, changed = (paired(key, limited, o) for o in (QUIET, CHANGED))
    assert set(changed.mirrored.tolist()) == {True, False}
    for i, mirrored in enumerate(changed.mirrored.tolist()):
        expected = plain.full_b.signal[i]
        expected = np.asarray(mirror_signal(expected) if mirrored else expected)
        signal, factor = np.asarray(changed.full_b.signal[i]), changed.factor[i]
        if i < 4:
            assert factor == 1
            np.testing.assert_allclose(signal, expected, atol=ROUNDING)
        else:
            assert 0.8 <= factor <= 0.9
            rates = [np.linalg.norm(s[0, :, 3:], axis=-1) for s in (signal, expected)]
            np.testing.assert_allclose(rates[0], factor * rates[1], rtol=0.03)


def test_joint_mounted_sensors_are_the_segments():
    options = ViewOptions(joint_mounted=True)
    window = bodies.moving_window(300)
    made = paired(jax.random.key(3), bodies.batch([window]), options)
    times = np.arange(-2, 302) / 60
    joints = joint_placements()
    expected = simulate_imu(
        *(x.astype(np.float32) for x in bodies.moving(times)),
        *(joints.segment, joints.offset, joints.frame),
        rate_hz=60.0,
    )
    for view in (made.full_a, made.full_b):
        np.testing.assert_allclose(view.signal[0], expected[2:-2], atol=0.02)


def test_signals_end_with_their_length(batch, every):
    assert every.full_a.signal.shape == (len(LENGTHS), 300, 23, 6)
    lengths = every.full_a.length.tolist()
    assert lengths == every.full_b.length.tolist()
    for view in (every.full_a, every.full_b):
        for signal, length in zip(view.signal, lengths, strict=True):
            assert 60 <= length <= 300
            assert np.abs(signal[:length]).min(axis=(1, 2)).all()
            assert not np.any(signal[length:])


@pytest.mark.parametrize("options", [QUIET, EVERYTHING])
def test_nothing_beyond_the_context_matters(batch, options):
    altered = dict(batch)
    rng = np.random.default_rng(0)
    for name in ("position", "quaternion"):
        altered[name] = batch[name].copy()
        for row, length in enumerate(LENGTHS):
            beyond = altered[name][row, length + 4 :]
            beyond[:] = rng.normal(size=beyond.shape)
    key = jax.random.key(4)
    made, other = (paired(key, b, options) for b in (batch, altered))
    assert_same(made, other, ROUNDING)


def test_one_example_is_the_same_as_in_a_batch(batch, every):
    one = compiled(views.paired_views, EVERYTHING)
    window = {name: array[3] for name, array in batch.items()}
    alone = one(jax.random.key(0), window, bodies.BODY, bodies.PRIORS)
    assert_same(alone, jax.tree.map(lambda x: x[3], every), ROUNDING)


def test_neither_batch_nor_place_in_it_matters(batch, every):
    order = np.array([4, 1, 1, 0, 2])
    some = {name: array[order] for name, array in batch.items()}
    made = paired(jax.random.key(0), some, EVERYTHING)
    assert_same(made, jax.tree.map(lambda x: x[order], every), ROUNDING)


def test_keys_make_the_views(batch, every):
    again = paired(jax.random.key(0), batch, EVERYTHING)
    assert_same(again, every)
    other = paired(jax.random.key(5), batch, EVERYTHING)
    assert np.abs(other.full_a.signal - every.full_a.signal).max() > 1
    assert np.any(other.visible_a != every.visible_a)


def test_fixed_views_change_their_masks_only(batch):
    fixed = jax.random.key(6)
    first, second = (
        paired(jax.random.key(k), batch, EVERYTHING, fixed) for k in (7, 8)
    )
    assert_same(first.full_a, second.full_a)
    assert_same(first.full_b, second.full_b)
    assert_same(first.mirrored, second.mirrored)
    assert np.any(first.visible_a != second.visible_a)
    assert np.any(first.visible_b != second.visible_b)
    twins = {name: array[np.zeros(5, int)] for name, array in batch.items()}
    twins["window"] = np.array([0, 77, 0, 0, 0], np.int32)
    made = paired(jax.random.key(7), twins, EVERYTHING, fixed)
    assert np.abs(made.full_a.signal[0] - made.full_a.signal[1]).max() > 1
    assert not np.any(made.full_a.signal[0] - made.full_a.signal[2])


def test_a_sparse_view_is_view_a(batch, every):
    key = jax.random.key(0)
    call = compiled(views.sparse_view_batch, EVERYTHING)
    made = call(key, batch, bodies.BODY, bodies.PRIORS)
    assert_same(made, every.sparse_a, ROUNDING)


def test_sparse_views_share_the_signal(every):
    for sparse, full in (
        (every.sparse_a, every.full_a),
        (every.sparse_b, every.full_b),
    ):
        assert sparse.signal is full.signal
        assert sparse.visible.sum(axis=1).min() >= 1
        assert sparse.visible.sum(axis=1).max() <= 5
    assert np.any(every.visible_a != every.visible_b)


def test_gyroscopes_are_missing_in_sparse_views_only(every):
    missing = [~np.asarray(v) for v in (every.channel_valid_a, every.channel_valid_b)]
    for view, lost in zip((every.sparse_a, every.sparse_b), missing, strict=True):
        np.testing.assert_array_equal(view.channel_valid, ~lost)
    assert missing[0].any() or missing[1].any()
    assert not (missing[0].all() and missing[1].all())
    for view in (every.full_a, every.full_b):
        assert view.channel_valid.all() and view.visible.all()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: ViewOptions(mirror=1.5), "mirror=1.5"),
        (lambda: ViewOptions(drop_gyroscope=-0.1), "drop_gyroscope"),
        (lambda: ViewOptions(mirror=0.5, gravity=(0.0, 1.0, -9.8)), "gravity"),
        (lambda: views.TempoChange(slowest=1.1), "slowest=1.1"),
        (lambda: views.TempoChange(fastest=2.5), "fastest=2.5"),
        (lambda: views.VisibleNodes(0, 5), "lowest=0"),
        (lambda: views.VisibleNodes(1, 24), "highest=24"),
        (lambda: views.VisibleNodes(weights=(1.0,)), "give 23"),
        (lambda: views.VisibleNodes(full=1.5), "full = 1.5"),
        (
            lambda: views.VisibleNodes(1, 5, views.node_weights({"Head": 1.0})),
            "fewer than highest=5",
        ),
        (lambda: views.node_weights({"Wrist": 1.0}), "no segment 'Wrist'"),
        (lambda: views.Mixture((views.SURFACE,), (1.0, 2.0)), "one weight"),
        (lambda: views.Mixture((views.SURFACE,), (0.0,)), "weights"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        wrong()


def test_a_window_that_brings_its_nodes_and_mirroring_is_seen_so(batch):
    key = jax.random.key(3)
    visible = np.zeros((len(LENGTHS), 23), bool)
    visible[:, [0, 5]] = True
    mirrored = np.arange(len(LENGTHS)) % 2 == 0
    told = batch | {"visible": visible, "mirrored": mirrored}
    # Both signs of the body, of the same setups: the draws that are left stay.
    call = compiled(views.sparse_view_batch, QUIET)
    given = bodies.BODY, bodies.PRIORS
    plain, seen = call(key, batch, *given), call(key, told, *given)
    np.testing.assert_array_equal(seen.visible, visible)
    np.testing.assert_array_equal(seen.signal[1], plain.signal[1])
    expected = mirror_signal(plain.signal[0])
    np.testing.assert_allclose(seen.signal[0], expected, atol=1e-4)
    assert np.abs(seen.signal[0] - plain.signal[0]).max() > 0.1
    both = paired(key, told)
    np.testing.assert_array_equal(both.visible_a, visible)
    np.testing.assert_array_equal(both.visible_b, visible)
    np.testing.assert_array_equal(both.mirrored, mirrored)


def test_nodes_are_drawn_alike_on_the_host():
    weights = tuple(np.where(np.arange(23) < 10, 1.0, 0.0).tolist())
    nodes = views.VisibleNodes(2, 4, weights)
    rng = np.random.default_rng(0)
    drawn = np.stack([masks.draw_visible_nodes(rng, nodes) for _ in range(600)])
    assert set(drawn.sum(1)) == {2, 3, 4} and not drawn[:, 10:].any()
    # Three of ten on average, each as often as the others.
    assert np.abs(drawn[:, :10].mean(0) - 0.3).max() < 0.08
