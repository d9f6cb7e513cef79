"""Wrong frame rates, on motions whose true rate is known."""

import dataclasses
import re

import numpy as np
import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.pack import load_pack
from anymo_jax.motion.recording import SegmentMotion
from anymo_jax.motion.tempo import (
    GRAVITY,
    infer_tempo_faults,
    measure_falls,
    measure_gait,
)
from tests.motion.test_mvnx import tpose

LEG = 0.80  # hip to knee 0.39, knee to ankle 0.41


def motion_of(offset, rate_hz):
    """A rigid body (T, 23, 3) in T-pose, moved by `offset` (T, 1 or 23, 3)."""
    position = tpose() + offset
    rotation = np.tile(np.eye(3), (len(position), 23, 1, 1))
    return SegmentMotion(position, rotation, np.ones(len(position), bool), rate_hz)


def jumping(rate_hz=60.0, rise=0.3, jumps=3):
    """Stand for half a second, fly to `rise` metres and back, several times."""
    flight = 2 * np.sqrt(2 * rise / GRAVITY)
    time = np.arange(0, jumps * (0.5 + flight), 1 / rate_hz)
    since = time % (0.5 + flight) - 0.5
    height = np.where(since > 0, GRAVITY * since * (flight - since) / 2, 0.0)
    return motion_of(height[:, None, None] * [0.0, 0.0, 1.0], rate_hz)


def walking(rate_hz=60.0, step_rate=1.8, step_length=0.7, running=False, seconds=5.0):
    """Ankles swing to and fro about a pelvis that glides and bobs."""
    time = np.arange(0, seconds, 1 / rate_hz)
    swing = np.sin(np.pi * step_rate * time)
    offset = np.zeros((len(time), 23, 3))
    offset[..., 0] = (step_rate * step_length * time)[:, None]
    bob = 0.02 * np.cos(2 * np.pi * step_rate * time)
    offset[..., 2] = (-bob if running else bob)[:, None]
    for side, sign in (("L", 1), ("R", -1)):
        for part in ("Foot", "Toe"):
            index = XSENS.index(f"{side}_{part}")
            offset[:, index, 0] += sign * step_length / 2 * swing
            offset[:, index, 2] = 0.0
    return motion_of(offset, rate_hz)


def restamped(motion, factor):
    """The same frames under a stated rate that must be multiplied by `factor`."""
    return dataclasses.replace(motion, rate_hz=motion.rate_hz / factor)


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 120.0])
def test_free_fall_is_measured(rate_hz):
    falls = measure_falls(jumping(rate_hz))
    assert len(falls) == 3
    np.testing.assert_allclose(falls, GRAVITY, rtol=1e-6)
    assert infer_tempo_faults(jumping(rate_hz)) == ()


@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0, 4.0])
def test_free_fall_names_the_factor(factor):
    (fault,) = infer_tempo_faults(restamped(jumping(), factor))
    assert f"rate {factor:.2f} times the stated" in fault
    assert f"falls at {GRAVITY / factor**2:.1f} m/s^2 in 3 flight(s)" in fault
    assert "expected 5.5 to 17.4" in fault


@pytest.mark.parametrize("acceleration", [0.0, 2.0])
def test_no_fall_where_hands_hold_or_feet_stand(acceleration):
    """Lowered by the arms, or squatting: no flight, so nothing to measure."""
    squatting = jumping()
    squatting.position[:, [XSENS.index("L_Foot"), XSENS.index("L_Toe")]] = 0.0
    assert measure_falls(squatting) == []
    resting = jumping()
    resting.position[:, XSENS.index("R_Hand"), 2] = 0.1 * acceleration / 2
    assert measure_falls(resting) == []


def test_gait_is_measured():
    gait = measure_gait(walking())
    assert gait.step_rate == pytest.approx(1.8, rel=0.03)
    assert gait.step_length == pytest.approx(0.7, rel=0.03)
    assert gait.leg_length == pytest.approx(LEG, abs=0.03)
    assert gait.walking and not gait.running
    assert infer_tempo_faults(walking()) == ()
    run = walking(step_rate=2.7, step_length=1.2, running=True)
    assert measure_gait(run).running
    assert infer_tempo_faults(run) == ()


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_walk_at_a_wrong_rate(factor):
    """0.7 m at 1.8/s is a walk ratio of 0.0065: the factor comes out."""
    (fault,) = infer_tempo_faults(restamped(walking(), factor))
    assert fault.startswith("gait: walking at")
    assert "expected 1.0" in fault and "to 3.00 steps/s" in fault
    inferred = float(re.search(r"rate (\S+) times the stated", fault)[1])
    assert inferred == pytest.approx(factor, rel=0.05)


def test_run_at_a_wrong_rate():
    run = walking(step_rate=2.7, step_length=1.2, running=True)
    (fault,) = infer_tempo_faults(restamped(run, 2.0))
    assert re.search(r"running at 1\.3\d steps/s of 1\.\d\d m", fault)
    assert "expected 1.70 to 4.60" in fault


def test_what_is_no_gait():
    """Shuffles, treadmills, single steps and standing are not judged."""
    shuffle = restamped(walking(step_length=0.35), 0.4)
    assert infer_tempo_faults(shuffle) == ()
    treadmill = walking()
    treadmill.position[..., 0] -= treadmill.position[:, :1, 0]
    assert measure_gait(treadmill) is None
    halting = walking()
    time = np.arange(len(halting.valid)) / 60
    halt = 0.35 * np.sin(2 * np.pi * 1.8 * time) / np.pi
    halting.position[..., 0] += halt[:, None]
    assert measure_gait(halting) is None
    assert measure_gait(motion_of(np.zeros((60, 1, 3)), 60.0)) is None
    assert measure_gait(walking(seconds=1.5)) is None


@pytest.mark.data
def test_real_jumps_fall_at_g(data_dir):
    """CMU's 22 trials with clear flights fall at 8.1 to 12.4 m/s^2, median 9.4."""
    pack = load_pack(data_dir / "mocap" / "cmu.npz")
    jumps = [i for i in range(len(pack)) if pack.trial_id(i).startswith("13_")]
    falls = [fall for i in jumps for fall in measure_falls(pack[i].motion)]
    assert len(falls) >= 5
    assert np.median(falls) == pytest.approx(GRAVITY, rel=0.1)


@pytest.mark.data
@pytest.mark.parametrize("name", ["cmu", "bandai_a"])
def test_real_trials_raise_no_alarm(data_dir, name):
    """No trial of the packs is flagged; restamped, nearly all walks are.

    Over all 3,282 trials none is flagged. Of the 876 with clear gait 98 per cent are
    caught under twice their rate and 70 under half of it, of the 25 with flights all.
    """
    pack = load_pack(data_dir / "mocap" / f"{name}.npz")
    stride = 2 if name == "cmu" else 10
    judged = slow = fast = 0
    for index in range(0, len(pack), stride):
        motion = pack[index].motion
        assert infer_tempo_faults(motion) == (), pack.trial_id(index)
        gait = measure_gait(motion)
        if (gait and (gait.walking or gait.running)) or measure_falls(motion):
            judged += 1
            slow += bool(infer_tempo_faults(restamped(motion, 2.0)))
            fast += bool(infer_tempo_faults(restamped(motion, 0.5)))
    assert judged >= 20
    assert fast >= 0.9 * judged
    assert slow >= 0.65 * judged
