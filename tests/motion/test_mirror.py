"""Mirror images: physics and words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.mirror import mirror_motion, mirror_recording, mirror_text
from anymo_jax.motion.recording import Recording, SegmentMotion
from anymo_jax.simulation import joint_placements, simulate_imu
from tests.simulation.motions import articulated


@pytest.fixture
def motion():
    position, rotation = articulated(np.arange(40) / 60, segments=23)
    return SegmentMotion(position, rotation, np.ones(40, bool), 60.0)


@pytest.mark.parametrize(
    ("text", "mirrored"),
    [
        ("a person raises the left hand", "a person raises the right hand"),
        ("Right arm swipe to the left", "Left arm swipe to the right"),
        ("draws a circle clockwise", "draws a circle counter-clockwise"),
        ("turns counter-clockwise", "turns clockwise"),
        ("turns counterclockwise", "turns clockwise"),
        ("right_arm,head", "left_arm,head"),
        ("eats bright leftovers upright", "eats bright leftovers upright"),
        ("moves leftwards", "moves rightwards"),
        ("LEFT", "RIGHT"),
        ("walks", "walks"),
    ],
)
def test_words(text, mirrored):
    assert mirror_text(text) == mirrored


@given(
    st.lists(
        st.sampled_from(["left", "right", "Left", "clockwise", "leftward", "a", "hand"])
    )
)
def test_words_come_back(words):
    text = " ".join(words)
    assert mirror_text(mirror_text(text)) == text


def test_twice_is_once(motion):
    twice = mirror_motion(mirror_motion(motion))
    np.testing.assert_array_equal(twice.position, motion.position)
    np.testing.assert_array_equal(twice.rotation, motion.rotation)


def test_mirrored_frames_are_rotations(motion):
    rotation = mirror_motion(motion).rotation
    gram = np.swapaxes(rotation, -1, -2) @ rotation
    identity = np.broadcast_to(np.eye(3), gram.shape)
    np.testing.assert_allclose(gram, identity, atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(rotation), 1)


def test_the_mirrored_sensor_reads_the_mirrored_signal(motion):
    """Forces reflect as vectors; angular rates, being axial, reflect the other way."""

    def read(body):
        joints = joint_placements()
        return np.asarray(
            simulate_imu(
                *(body.position, body.rotation),
                *(joints.segment, joints.offset, joints.frame),
                rate_hz=60.0,
            )
        )

    here, there = read(motion), read(mirror_motion(motion))
    expected = here[:, np.array(XSENS.mirrored)] * np.array([1, -1, 1, -1, 1, -1])
    np.testing.assert_allclose(there, expected, atol=5e-3)


def test_a_recording_says_what_it_is(motion):
    recording = Recording(
        motion,
        texts=("a person waves the right hand",),
        label="right hand wave",
        source="somewhere",
        facts={"seen_by": "right_arm"},
    )
    mirrored = mirror_recording(recording)
    assert mirrored.texts == ("a person waves the left hand",)
    assert mirrored.label == "left hand wave"
    assert mirrored.facts == {"seen_by": "left_arm"}
    assert mirrored.source == "somewhere:mirrored"
