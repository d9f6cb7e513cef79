"""Visible nodes in words, and captions that tell only what they see."""

import numpy as np
import pytest

from anymo_jax.body.sites import site_segment
from anymo_jax.body.skeleton import XSENS
from anymo_jax.language.sites import (
    SITE_WORDS,
    seeing_nodes,
    site_phrase,
    site_words,
    told_of_view,
)
from anymo_jax.motion.procedural.clip import BODY_PARTS


def visible(*names):
    return np.isin(np.array(XSENS.names), names)


def test_words_of_the_nodes():
    assert site_words("R_Forearm") == "right forearm"
    assert site_words(XSENS.index("L_UpperLeg")) == "left upper leg"
    assert site_words("L5") == "lower back"
    with pytest.raises(ValueError, match="node 23 is none of the 23 segments"):
        site_words(23)
    with pytest.raises(ValueError, match="no segment 'Wrist'"):
        site_words("Wrist")


def test_every_node_is_told_from_the_others_and_understood_again():
    assert len(set(SITE_WORDS)) == len(XSENS)
    for words, name in zip(SITE_WORDS, XSENS.names, strict=True):
        assert site_segment(words) == name


def test_a_phrase_names_the_visible_nodes_in_order():
    phrase = site_phrase(visible("L_Forearm", "Head", "R_Forearm"))
    assert phrase == "head, right forearm, left forearm"
    assert site_phrase(np.ones(23, bool)) == "whole body"
    with pytest.raises(ValueError, match="no node is visible"):
        site_phrase(np.zeros(23, bool))


GESTURE = {"seen_by": "right_arm", "posture": "a person is standing"}


@pytest.mark.parametrize(
    ("nodes", "sees"),
    [
        (("R_Hand",), True),
        (("R_UpperArm", "L_Foot"), True),
        (("L_Hand", "Head"), False),
        (("R_UpperLeg",), False),
        (("R_Shoulder", "T8"), False),
    ],
)
def test_a_view_tells_what_it_sees(nodes, sees):
    told = told_of_view(("someone waves",), "waving", GESTURE, visible(*nodes))
    if sees:
        assert told == (("someone waves",), "waving")
    else:
        assert told == (("a person is standing",), "")


@pytest.mark.parametrize(
    "facts", [{}, {"seen_by": "right_arm"}, {"posture": "a person is standing"}]
)
def test_clips_that_do_not_tell_are_seen_by_all(facts):
    assert seeing_nodes(facts).all()
    told = told_of_view(("someone waves",), "waving", facts, visible("L_Foot"))
    assert told.texts == ("someone waves",)


def test_the_librarys_body_parts_are_all_nodes():
    everything = {"seen_by": ",".join(BODY_PARTS), "posture": "standing"}
    assert seeing_nodes(everything).all()
    parts = [seeing_nodes(everything | {"seen_by": part}) for part in BODY_PARTS]
    np.testing.assert_array_equal(np.sum(parts, axis=0), 1)
    with pytest.raises(ValueError, match="seen_by names 'tail'; the body parts are"):
        seeing_nodes(everything | {"seen_by": "tail"})


def test_arms_mirror_each_other():
    right = seeing_nodes(GESTURE)
    left = seeing_nodes(GESTURE | {"seen_by": "left_arm"})
    np.testing.assert_array_equal(right[np.array(XSENS.mirrored)], left)
