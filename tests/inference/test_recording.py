"""From a user's array to views: rate, windows, gaps, and what is refused."""

import numpy as np
import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.inference.recording import cuts, recording_views, to_grid
from anymo_jax.inference.scores import abstain_score, label_scores, recording_scores


def still(samples, sensors=1):
    imu = np.zeros((samples, sensors, 6), np.float32)
    imu[:, :, 2] = 9.81
    return imu


def test_a_faster_recording_is_filtered_before_it_is_thinned():
    time = np.arange(2000) / 200
    slow, fast = np.sin(2 * np.pi * 3 * time), np.sin(2 * np.pi * 50 * time)
    imu = still(2000)
    imu[:, 0, 0], imu[:, 0, 1] = slow, fast
    found = to_grid(imu, 200.0)
    grid = np.arange(len(found)) / 60
    inner = slice(30, -30)
    np.testing.assert_allclose(
        found[inner, 0, 0], np.sin(2 * np.pi * 3 * grid)[inner], atol=0.01
    )
    # 50 Hz would come back as 10 Hz.
    assert np.abs(found[inner, 0, 1]).max() < 0.01
    np.testing.assert_allclose(found[:, 0, 2], 9.81, atol=1e-3)


@pytest.mark.parametrize(
    ("length", "overlap", "expected"),
    [
        (200, 150, [(0, 200)]),
        (300, 150, [(0, 300)]),
        (460, 150, [(0, 300), (150, 450), (160, 460)]),
        (620, 0, [(0, 300), (300, 600)]),
        (700, 0, [(0, 300), (300, 600), (600, 700)]),
    ],
)
def test_windows_cover_the_recording(length, overlap, expected):
    assert [(c.start, c.stop) for c in cuts(length, overlap)] == expected


def test_sensors_come_to_their_nodes_and_gaps_are_not_measured():
    imu = still(300, sensors=2)
    imu[100:200, 1, :3] = np.nan
    imu[:, 0, 3:] = np.nan
    view = recording_views(imu, ["left wrist", "R_Foot"], 60.0)[0]
    wrist, foot = XSENS.index("L_Forearm"), XSENS.index("R_Foot")
    assert np.flatnonzero(view.visible).tolist() == sorted((wrist, foot))
    assert view.channel_valid[wrist].tolist() == [True] * 3 + [False] * 3
    assert view.channel_valid[foot].tolist() == [False] * 3 + [True] * 3
    with pytest.raises(ValueError, match="no window has more than four fifths"):
        recording_views(np.full((300, 6), np.nan), ["head"], 60.0)


@pytest.mark.parametrize(
    ("imu", "sites", "rate_hz", "message"),
    [
        (still(100), ["head"], 200.0, r"0\.50 s at 200 Hz; a second"),
        (still(100), "head", 60.0, "give a list of names"),
        (still(100), ["head", "waist"], 60.0, "1 sensors and sites names 2"),
        (still(100), ["wrist"], 60.0, "has two sides"),
        (still(100, 2), ["waist", "belt"], 60.0, "both on L5"),
        (still(100)[:, :, :4], ["head"], 60.0, r"shape \(100, 1, 4\)"),
        (still(100), ["head"], 0.0, "rate_hz is 0.0"),
        (still(100) / 9.81, ["head"], 60.0, "looks like g; multiply by 9.80665"),
        (np.where(still(100) > 0, np.inf, 0), ["head"], 60.0, "infinite"),
        (still(100) * 100, ["head"], 60.0, "milli-g or cm"),
    ],
)
def test_what_cannot_be_is_refused(imu, sites, rate_hz, message):
    with pytest.raises(ValueError, match=message):
        recording_views(imu, sites, rate_hz)


def test_linear_acceleration_is_warned_of():
    imu = still(100)
    imu[:, 0, 2] = 3.0
    with pytest.warns(UserWarning, match="gravity was removed"):
        recording_views(imu, ["head"], 60.0)


def test_pools_and_the_abstain_score():
    cosine = np.array([[0.9, 0.1, 0.0], [0.4, 0.5, 0.0], [0.5, 0.6, 0.3]])
    # Against unit vectors along the axes, cosines are components.
    vectors = np.c_[cosine, np.sqrt(1 - (cosine**2).sum(axis=1))].astype(np.float32)
    given = vectors, np.eye(3, 4, dtype=np.float32)
    for pool, together in (("mean", [0.6, 0.4, 0.1]), ("max", [0.9, 0.6, 0.3])):
        expected = np.exp(np.array(together) / 0.1)
        found = recording_scores(*given, 0.1, pool)
        np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-5)
    # Pooled shares would rank otherwise than evaluation does: two windows against one.
    shares = label_scores(*given, 0.05)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert shares.mean(axis=0).argmax() == 1
    assert recording_scores(*given, 0.05, "mean").argmax() == 0
    with pytest.raises(ValueError, match="pooling = 'median': choose one of mean, max"):
        recording_scores(*given, 0.1, "median")
    assert abstain_score(np.array([1.0, 0, 0])) == 0
    assert abstain_score(np.array([0.4, 0.4, 0.2])) == 1
    assert abstain_score(np.array([0.6, 0.1, 0.3])) == pytest.approx(2 / 3)
