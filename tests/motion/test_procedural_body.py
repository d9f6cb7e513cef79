"""Whole-body activities: captions, determinism, contact, physics, plausible signals."""

import re
import time

import numpy as np
import pytest
from scipy.signal import welch
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion import procedural
from anymo_jax.motion.procedural.activities.flight import GRAVITY, bouncing
from anymo_jax.motion.procedural.clip import BODY_PARTS, Activity, perform
from anymo_jax.motion.procedural.figure import SEGMENT, make_figure
from anymo_jax.motion.recording import joint_offsets
from tests.motion.performances import (
    BODY,
    angular_rate,
    between,
    clip,
    figure_of,
    soles,
    specific_force,
)

EVERY = pytest.mark.parametrize("name", BODY)
LYING = tuple(f"lying_{side}" for side in ("back", "front", "right", "left"))
STILL = ("standing", "sitting", "kneeling", "leaning", *LYING)
PLANTED = ("standing", "sitting", "leaning", "squats", "sit_ups", "side_bends")
CARRIED = re.compile("elevator|vehicle|stairs|treadmill")


def test_there_are_enough_activities_and_the_registry_knows_them():
    assert len(BODY) >= 55
    assert set(BODY) <= set(procedural.activity_names())
    recording = procedural.sample_clip("standing", seed=4, duration_s=2.0)
    assert recording.source == "procedural:standing"
    assert len(recording.motion.valid) == 240


def test_unknown_activities_and_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="walking_forward"):
        procedural.sample_clip("walk_on_the_moon", seed=0)
    with pytest.raises(ValueError, match="seed"):
        procedural.sample_clip("standing", seed=-1)
    with pytest.raises(ValueError, match="longer"):
        procedural.sample_clip("standing", seed=0, duration_s=0.01)
    captions = ("a", "a", "b", "c", "d")
    with pytest.raises(ValueError, match="five"):
        Activity("x", "x", "g", captions, "p", ("legs",), lambda r, f, t: None)
    with pytest.raises(ValueError, match="seen_by"):
        Activity("x", "x", "g", tuple("abcde"), "p", ("tail",), lambda r, f, t: None)


@EVERY
def test_captions_posture_and_facts(name):
    recording, activity = clip(name), BODY[name]
    assert len(set(recording.texts)) >= 5
    assert recording.label == activity.label
    assert recording.facts["posture"]
    assert set(recording.facts["seen_by"].split(",")) <= set(BODY_PARTS)
    for text in (*recording.texts, recording.facts["posture"]):
        assert "{" not in text and "  " not in text
    assert recording.subject == "procedural-0"


def test_the_first_caption_varies_over_seeds():
    first = {clip("walking_forward", seed, 120.0, 2.0).texts[0] for seed in range(12)}
    assert len(first) >= 3


@EVERY
def test_the_same_seed_performs_the_same_and_another_does_not(name):
    one = clip(name, 3, 120.0, 2.0)
    again = perform(BODY[name], seed=3, rate_hz=120.0, duration_s=2.0)
    other = clip(name, 4, 120.0, 2.0)
    np.testing.assert_array_equal(one.motion.position, again.motion.position)
    assert one.texts == again.texts and one.facts == again.facts
    assert not np.allclose(one.motion.rotation, other.motion.rotation)


@EVERY
def test_bones_keep_their_length_and_rotations_are_rotations(name):
    motion = clip(name).motion
    assert np.isfinite(motion.position).all()
    turned = np.einsum("tnji,tnjk->tnik", motion.rotation, motion.rotation)
    assert np.abs(turned - np.eye(3)).max() < 1e-9
    assert np.linalg.det(motion.rotation[::50]).min() > 0.99
    offsets = figure_of(0).offsets
    np.testing.assert_allclose(joint_offsets(motion), offsets, atol=1e-9)
    child = np.arange(1, 23)
    bones = motion.position[:, child] - motion.position[:, np.array(XSENS.parents[1:])]
    lengths = np.linalg.norm(bones, axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-9


@EVERY
def test_knees_and_elbows_bend_only_one_way(name):
    for seed in (0, 1):
        recording = clip(name, seed)
        for side, sign in (("R", 1), ("L", -1)):
            knee = between(recording, f"{side}_UpperLeg", f"{side}_LowerLeg")
            flexion = np.degrees(np.arctan2(knee[:, 0, 2], knee[:, 2, 2]))
            assert flexion.min() > -2 and flexion.max() < 160
            elbow = between(recording, f"{side}_UpperArm", f"{side}_Forearm")[:, :, 1]
            flexion = np.degrees(np.arctan2(-sign * elbow[:, 0], elbow[:, 1]))
            assert flexion.min() > -2 and flexion.max() < 160


@EVERY
def test_signals_are_plausible_at_the_model_rate(name):
    for seed in (0, 1, 2):
        recording = clip(name, seed, 60.0)
        force = np.linalg.norm(specific_force(recording), axis=-1)
        assert force.max() < 200
        assert angular_rate(recording).max() < 40


@pytest.mark.parametrize("name", STILL)
def test_still_postures_read_one_g_but_are_not_frozen(name):
    for seed in range(4):
        recording = clip(name, seed)
        force = np.linalg.norm(specific_force(recording), axis=-1)
        assert np.abs(np.median(force, axis=0) - 9.81).max() < 0.3
        assert np.mean(np.abs(force - 9.81) < 0.3) > 0.97
        moved = np.ptp(recording.motion.position[:, SEGMENT["T8"]], axis=0)
        assert 1e-4 < np.linalg.norm(moved) < 0.25


@pytest.mark.parametrize("name", LYING)
def test_lying_bodies_are_low_and_lie_on_the_named_side(name):
    recording = clip(name)
    up = recording.motion.rotation[:, SEGMENT["Pelvis"], 2, :].mean(axis=0)
    expected = {"back": (0, 1), "front": (0, -1), "right": (1, 1), "left": (1, -1)}
    axis, sign = expected[name.split("_")[1]]
    assert sign * up[axis] > 0.9
    assert recording.motion.position[:, SEGMENT["Head"], 2].max() < 0.45


@pytest.mark.parametrize("name", PLANTED)
def test_planted_feet_do_not_slide(name):
    for seed in range(4):
        points = soles(clip(name, seed), seed)[:, :, :2]
        speed = np.linalg.norm(np.diff(points, axis=1), axis=-1) * 120
        assert speed.max() < 0.005


@pytest.mark.parametrize(
    "name",
    [
        *("walking_forward", "walking_slowly", "walking_fast", "walking_backward"),
        *("walking_left", "sidestepping_left", "turning_right", "marching"),
        *("walking_upstairs", "walking_downstairs"),
    ],
)
def test_a_stance_foot_stands_still(name):
    for seed in range(3):
        recording = clip(name, seed)
        points = soles(recording, seed)
        speed = np.linalg.norm(np.diff(points, axis=1), axis=-1).min(axis=-1) * 120
        # Of heel, ball and tip one rests at any time of stance, about 60 per cent.
        assert np.percentile(speed.min(axis=0), 90) < 0.09
        assert np.percentile(speed, 35) < 0.04


@EVERY
def test_feet_stay_above_the_ground(name):
    if CARRIED.search(name) or name.startswith("lying") or name == "push_ups":
        return
    for seed in (0, 1):
        assert soles(clip(name, seed), seed)[..., 2].min() > -0.03


@pytest.mark.parametrize(
    ("name", "sign"), [("walking_upstairs", 1), ("walking_downstairs", -1)]
)
def test_stairs_change_height_by_a_riser_a_step(name, sign):
    for seed in range(4):
        recording = clip(name, seed, 120.0, 9.0)
        facts = recording.facts
        climb = np.diff(recording.motion.position[[0, -1], 0, 2])[0]
        steps = 9.0 * float(facts["tempo_hz"])
        assert climb == pytest.approx(sign * steps * float(facts["riser_m"]), rel=0.12)


def test_descending_is_not_ascending_reversed():
    """Impacts are sharper going down, the swinging knee is lower, the trunk upright.

    Riener et al. 2002: swing hip flexion 60 degrees up against 40 down.
    """
    peaks, hips, leans = {}, {}, {}
    for name in ("walking_upstairs", "walking_downstairs"):
        force, hip, lean = [], [], []
        for seed in range(6):
            recording = clip(name, seed)
            foot = np.linalg.norm(specific_force(recording), axis=-1)[:, 0]
            force.append(np.percentile(foot, 99) - 9.81)
            thigh = between(recording, "Pelvis", "R_UpperLeg")
            hip.append(np.degrees(np.arctan2(-thigh[:, 0, 2], thigh[:, 2, 2])).max())
            chest = recording.motion.rotation[:, SEGMENT["T8"], 2, 2]
            lean.append(np.degrees(np.arccos(chest)).mean())
        peaks[name], hips[name] = np.mean(force), np.mean(hip)
        leans[name] = np.mean(lean)
    assert peaks["walking_downstairs"] > 1.15 * peaks["walking_upstairs"]
    assert hips["walking_upstairs"] > hips["walking_downstairs"] + 10
    assert leans["walking_upstairs"] > leans["walking_downstairs"] + 4


@pytest.mark.parametrize("name", ["jumping_up", "rope_jumping", "hopping", "running"])
def test_the_pelvis_falls_freely_in_flight(name):
    for seed in range(4):
        recording = clip(name, seed)
        height = soles(recording, seed)[..., 2].min(axis=(0, 2))
        vertical = specific_force(recording)[:, 0, 2] - GRAVITY
        flying = (height > 0.005)[1:-1]
        # The middle of each flight: no foot touches within 8 ms.
        inside = np.convolve(flying, np.ones(3), mode="same") > 2.5
        assert inside.sum() > 10
        assert np.median(vertical[inside]) == pytest.approx(-GRAVITY, rel=0.05)


def test_bouncing_falls_at_g_and_returns_to_its_height():
    time = np.arange(0, 4, 1e-3)
    when = np.arange(-1.0, 6.0, 0.4)
    height = bouncing(time, when, np.full(len(when), 0.22))
    acceleration = np.gradient(np.gradient(height, time), time)
    share = np.mod(time - when[0], 0.4)
    flying = (share > 0.23) & (share < 0.39)
    np.testing.assert_allclose(acceleration[flying], -GRAVITY, rtol=1e-6)
    landings = height[np.abs(share) < 5e-4]
    assert np.ptp(landings) < 0.01
    peak = np.pi / 2 * GRAVITY * 0.4 / 0.22 - GRAVITY
    assert acceleration.max() == pytest.approx(peak, rel=0.02)


@pytest.mark.parametrize(
    "name",
    [
        *("walking_forward", "walking_fast", "walking_in_place", "running", "jogging"),
        *("walking_upstairs", "walking_downstairs", "rope_jumping", "hopping"),
        "rowing",
    ],
)
def test_the_body_bounces_at_the_stated_tempo(name):
    for seed in range(3):
        recording = clip(name, seed, 120.0, 20.0)
        rises = np.diff(recording.motion.position[:, 0], axis=0) * 120
        if name == "rowing":
            # Along the rail, whichever way the rower faces.
            signal = rises[:, :2] @ np.linalg.svd(rises[:, :2])[2][0]
        else:
            signal = rises[:, 2]
        signal = signal - signal.mean()
        frequency, power = welch(signal, 120.0, nperseg=len(signal))
        tempo = float(recording.facts["tempo_hz"])
        assert frequency[power.argmax()] == pytest.approx(tempo, rel=0.06, abs=0.05)


def test_stride_times_vary_by_two_to_three_per_cent():
    variation = []
    for seed in range(6):
        recording = clip("walking_forward", seed, 120.0, 40.0)
        foot = recording.motion.position[:, SEGMENT["R_Foot"], 2]
        high = foot > foot.min() + 0.6 * np.ptp(foot)
        rises = np.flatnonzero(high[1:] & ~high[:-1])
        strides = np.diff(rises)
        variation.append(strides.std() / strides.mean())
    assert 0.01 < np.mean(variation) < 0.035


def winter_angles(recording):
    """Right thigh against the vertical and right knee, degrees, by share of stride."""
    motion = recording.motion
    heading = np.median(np.arctan2(*motion.rotation[:, 0, 1::-1, 0].T))
    turn = Rotation.from_euler("z", -heading).as_matrix()
    thigh = turn @ motion.rotation[:, SEGMENT["R_UpperLeg"]]
    hip = np.degrees(np.arctan2(-thigh[:, 0, 2], thigh[:, 2, 2]))
    knee = between(recording, "R_UpperLeg", "R_LowerLeg")
    return hip, np.degrees(np.arctan2(knee[:, 0, 2], knee[:, 2, 2]))


def test_walking_joint_ranges_agree_with_winter():
    """Winter 1991, natural cadence: thigh -11..24 degrees, knee peaks of 18 and 64."""
    hips, knees = [], []
    for seed in range(8):
        hip, knee = winter_angles(clip("walking_forward", seed, 120.0, 6.0))
        hips.append([hip.min(), hip.max()])
        knees.append([knee.min(), knee.max()])
    low, high = np.mean(hips, axis=0)
    assert -20 < low < -6 and 20 < high < 36
    low, high = np.mean(knees, axis=0)
    assert 2 < low < 18 and 56 < high < 74


def test_walking_speed_and_cadence_belong_together():
    for seed in range(6):
        recording = clip("walking_forward", seed, 120.0, 10.0)
        travelled = np.diff(recording.motion.position[:, 0, :2], axis=0)
        speed = np.linalg.norm(travelled, axis=-1).mean() * 120
        facts = recording.facts
        assert speed == pytest.approx(float(facts["speed_m_s"]), rel=0.08)
        ratio = speed / float(facts["tempo_hz"]) / (60 * float(facts["tempo_hz"]))
        assert 0.0045 < ratio < 0.0085


def test_treadmill_walkers_stay_where_they_are():
    for name in ("treadmill_flat", "treadmill_inclined", "treadmill_running"):
        path = clip(name, 1, 120.0, 10.0).motion.position[:, 0, :2]
        assert np.linalg.norm(np.ptp(path, axis=0)) < 0.8


@pytest.mark.parametrize(("name", "sign"), [("turning_left", 1), ("turning_right", -1)])
def test_turning_goes_the_named_way(name, sign):
    front = clip(name).motion.rotation[:, 0, :2, 0]
    yaw = np.unwrap(np.arctan2(front[:, 1], front[:, 0]))
    assert sign * (yaw[-1] - yaw[0]) > 1.0


@pytest.mark.parametrize(
    ("name", "axis", "sign"),
    [
        *(("walking_backward", 0, -1), ("sidestepping_left", 1, 1)),
        *(("sidestepping_right", 1, -1), ("walking_forward", 0, 1)),
    ],
)
def test_walkers_go_where_the_name_says(name, axis, sign):
    motion = clip(name).motion
    away = motion.position[-1, 0] - motion.position[0, 0]
    own = motion.rotation[0, 0].T @ away
    assert sign * own[axis] > 1.0
    assert abs(own[axis]) > 1.5 * abs(own[1 - axis])


@pytest.mark.parametrize(
    ("name", "rises"), [("sit_to_stand", 1), ("stand_to_sit", -1), ("stand_to_lie", -1)]
)
def test_transitions_end_at_another_height(name, rises):
    height = clip(name).motion.position[:, 0, 2]
    assert rises * (height[-1] - height[0]) > 0.25


@pytest.mark.parametrize(("name", "sign"), [("elevator_up", 1), ("elevator_down", -1)])
def test_lifts_carry_the_whole_body_smoothly(name, sign):
    recording = clip(name, 2, 120.0, 12.0)
    height = recording.motion.position[:, :, 2]
    assert (sign * (height[-1] - height[0]) > 2.0).all()
    force = specific_force(recording)[:, 0, 2] - GRAVITY
    assert 0.4 < np.abs(force).max() < 2.0


def test_clips_are_generated_fast():
    """Ten seconds at 120 Hz take some 20 ms; the bound allows for a busy machine."""
    perform(BODY["walking_forward"], seed=0, duration_s=10.0)
    took = []
    for seed in range(5):
        start = time.perf_counter()
        perform(BODY["walking_forward"], seed=seed, duration_s=10.0)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.2


def test_physique_follows_the_subject_and_stature():
    one, same = clip("standing", 7), clip("sitting", 207)
    assert one.subject == same.subject == "procedural-7"
    np.testing.assert_allclose(
        joint_offsets(one.motion), joint_offsets(same.motion), atol=1e-9
    )
    assert make_figure(1.9, "male").leg > make_figure(1.6, "male").leg
