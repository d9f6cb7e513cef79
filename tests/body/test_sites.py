"""Everyday names of sites: where each one sits, and what is said of others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymo_jax.body.sites import site_index, site_names, site_segment
from anymo_jax.body.skeleton import XSENS


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("left wrist", "L_Forearm"),
        ("Right Wrist", "R_Forearm"),
        ("wrist, left", "L_Forearm"),
        ("left smartwatch", "L_Forearm"),
        ("the left hand", "L_Hand"),
        ("right ring", "R_Hand"),
        ("right pocket", "R_UpperLeg"),
        ("front right pocket", "R_UpperLeg"),
        ("left-front-pocket", "L_UpperLeg"),
        ("left knee", "L_LowerLeg"),
        ("right ankle", "R_Foot"),
        ("right hip", "R_UpperLeg"),
        ("hip", "Pelvis"),
        ("waist", "L5"),
        ("back", "L3"),
        ("chest", "T8"),
        ("glasses", "Head"),
        ("left earbud", "Head"),
        ("R_Forearm", "R_Forearm"),
        ("l_upperleg", "L_UpperLeg"),
        ("LeftUpperLeg", "L_UpperLeg"),
        ("T8", "T8"),
    ],
)
def test_where_things_are_worn(name, segment):
    assert site_segment(name) == segment
    assert XSENS.names[site_index(name)] == segment


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrist", "has two sides: say 'left wrist' or 'right wrist'"),
        ("pocket", "'left pocket' or 'right pocket'"),
        ("left wirst", "did you mean 'left wrist'"),
        ("right forarm", "did you mean 'right forearm'"),
        ("glases", "did you mean 'glasses'"),
        ("dashboard of the car", "unknown site .* such as 'left wrist'"),
        ("", "unknown site ''"),
    ],
)
def test_other_names_are_told_with_a_remedy(name, message):
    with pytest.raises(ValueError, match=message):
        site_segment(name)


@given(st.sampled_from(site_names()))
def test_the_other_side_is_the_mirror_image(name):
    swap = {"left": "right", "right": "left"}
    other = " ".join(swap.get(word, word) for word in name.split())
    mirrored = XSENS.mirrored[site_index(name)]
    assert site_index(other) == mirrored


def test_every_segment_has_a_name_of_its_own():
    for name in XSENS.names:
        assert site_segment(name) == name
        assert site_segment(name.lower()) == name
    assert {site_segment(name) for name in site_names()} == set(XSENS.names)
