"""Wrong units, axes and columns are named; units=auto mends units, if asked."""

import dataclasses
import re

import numpy as np
import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.engine import build
from anymo_jax.datasets.recording import FORCE, RATE, Spans
from anymo_jax.datasets.units import suspect_rate
from tests.datasets import signals

DEGREE = np.pi / 180


def changed(force=lambda v: v, rate=lambda v: v, rate_hz=50.0, **told):
    made = signals.recording(rate_hz=rate_hz, **told)
    apply = {FORCE: force, RATE: rate}
    streams = tuple(
        dataclasses.replace(s, values=apply[s.kind](s.values).astype(np.float32))
        for s in made.streams
    )
    return dataclasses.replace(made, streams=streams)


def test_right_units_pass_and_stay():
    windows = build(signals.facts(), [signals.recording()])
    assert len(windows) == 12
    sensor = windows.card["sensors"]["left wrist"]
    assert sensor["force"]["still"] == pytest.approx(9.81, abs=0.03)
    assert sensor["rate"]["turn_slope"] == pytest.approx(1.0, abs=0.25)
    assert sensor["rate"]["turn_correlation"] > 0.7
    assert sensor["force"]["noise_std"] == pytest.approx(0.03, rel=0.3)
    assert sensor["rate"]["noise_std"] == pytest.approx(0.01, rel=0.3)
    assert sensor["force"]["rate_hz"] == pytest.approx(50.0)


MENDED = {
    "g": ("looks like g", dict(force=lambda v: v / 9.80665)),
    "milli-g": ("milli-g", dict(force=lambda v: v / 9.80665 * 1000)),
    "twice": ("once more", dict(force=lambda v: v * 9.80665)),
    "counts": ("1/16384", dict(force=lambda v: v / 9.80665 * 16384)),
    "degrees": ("looks like deg/s", dict(rate=lambda v: v / DEGREE)),
    "too small": ("divided by 57.3", dict(rate=lambda v: v * DEGREE)),
}


@pytest.mark.parametrize("case", MENDED)
def test_another_unit_is_named_and_mended_only_if_asked(case):
    said, change = MENDED[case]
    wrong = changed(**change)
    with pytest.raises(ValueError, match="made: signals that cannot be") as error:
        build(signals.facts(), [wrong])
    assert said in str(error.value)
    assert "units=auto" in str(error.value)
    assert "left wrist" in str(error.value)
    mended = build(signals.facts(), [wrong], units="auto")
    right = build(signals.facts(), [signals.recording()])
    np.testing.assert_allclose(mended.signal, right.signal, rtol=1e-3, atol=1e-3)
    assert said in mended.card["rescaled"][0]


HOPELESS = {
    "gravity removed": (
        "gravity was removed",
        dict(force=lambda v: v - v.mean(axis=0)),
    ),
    "swapped axes": (
        "axes are swapped|another sign",
        dict(rate=lambda v: -v),
    ),
    "dead axis": ("axis y is 0 throughout", dict(force=lambda v: v * [1, 0, 1])),
    "no unit": ("fits no unit", dict(force=lambda v: v * 3.3)),
    "mixed": (
        "several units are mixed",
        dict(
            force=lambda v: np.concatenate(
                [v[: len(v) // 3] / 9.80665, v[len(v) // 3 :]]
            )
        ),
    ),
}


@pytest.mark.parametrize("case", HOPELESS)
@pytest.mark.parametrize("units", ["declared", "auto"])
def test_what_no_factor_mends_is_refused(case, units):
    said, change = HOPELESS[case]
    with pytest.raises(ValueError) as error:
        build(signals.facts(), [changed(**change)], units=units)
    assert re.search(said, str(error.value))


def test_another_rate_than_the_nominal_one_is_named():
    made = signals.recording(rate_hz=50.0)
    with pytest.raises(
        ValueError, match="50 samples per second where 100 are expected"
    ):
        build(signals.facts(rate_hz=100.0), [made])


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda s: {"time": s.time[::-1].copy()}, "rise strictly"),
        (lambda s: {"time": np.repeat(s.time[::2], 2)}, "rise strictly"),
        (lambda s: {"time": s.time * 1e4}, "give the unit of time"),
        (lambda s: {"time": s.time / 1e3}, "which no worn sensor has"),
        (lambda s: {"site": "moon"}, "no such sensor"),
        (lambda s: {"node": 3}, "node 3 is not that of the site"),
        (lambda s: {"values": np.where(s.values > 5, np.inf, s.values)}, "infinite"),
    ],
)
def test_a_recording_of_wrong_form_names_its_source(change, said):
    made = signals.recording()
    first = dataclasses.replace(made.streams[0], **change(made.streams[0]))
    wrong = dataclasses.replace(made, streams=(first, made.streams[1]))
    with pytest.raises(ValueError, match=rf"made-0.*{said}"):
        build(signals.facts(), [wrong])


def test_spans_and_labels_are_checked():
    for spans, said in (
        (Spans(np.array([0.0]), np.array([5.0]), np.array([2])), "outside -1 to 1"),
        (Spans(np.array([5.0]), np.array([5.0]), np.array([0])), "ends before"),
        (Spans(np.array([0.0]), np.array([np.nan]), np.array([0])), "not finite"),
    ):
        with pytest.raises(ValueError, match=rf"made-0: .*{said}"):
            build(signals.facts(), [signals.recording(spans=spans)])


def test_clipping_is_seen_and_quantised_stillness_is_not_clipping():
    clipped = changed(force=lambda v: np.clip(v, -9, 9))
    force = build(signals.facts(), [clipped]).card["sensors"]["left wrist"]["force"]
    assert force["clipped"] > 0.05
    # A still and coarse stream repeats its greatest value, far below the sensor's.
    still = np.round(np.tile(signals.worn(60.0, 50.0)[:60], (50, 1)) * 5) / 5
    coarse = signals.recording(signal=still.astype(np.float32))
    hard = changed(seed=1, force=lambda v: v * np.where(np.abs(v) > 9.9, 1.5, 1.0))
    made = build(signals.facts(), [coarse, hard])
    assert made.card["sensors"]["left wrist"]["force"]["clipped"] == 0


def test_a_device_may_have_no_gyroscope():
    made = signals.recording()
    alone = dataclasses.replace(made, streams=made.streams[:1])
    windows = build(signals.facts(), [alone])
    assert np.isnan(windows.signal[..., 3:]).all()
    view = windows.views(0)[0]
    wrist = view.channel_valid[XSENS.index("L_Forearm")]
    np.testing.assert_array_equal(wrist, [True] * 3 + [False] * 3)


def test_only_strong_and_long_turning_against_the_gyroscope_is_a_fault():
    # A walker's arm: the force turns against the rate, weakly.
    assert suspect_rate(7.0, -0.2, -0.6, 20.0) is None
    assert suspect_rate(7.0, -0.2, -0.9, 1.0) is None
    assert "against the gyroscope" in suspect_rate(7.0, -0.9, -0.9, 20.0).what
    # Degrees betray themselves by their size all the same.
    assert suspect_rate(400.0, -0.003, -0.6, 20.0).factor == pytest.approx(DEGREE)
    assert suspect_rate(7.0, 6.0, 0.5, 1.0) is None
    assert suspect_rate(0.1, 57.0, 0.9, 20.0).factor == pytest.approx(1 / DEGREE)
