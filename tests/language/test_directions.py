"""Opposites: found, turned round, and nothing else taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymo_jax.language.directions import (
    conflicting,
    direction_pairs,
    directions,
    opposite_texts,
)
from anymo_jax.motion.procedural import ACTIVITIES


@pytest.mark.parametrize(
    ("text", "opposite"),
    [
        ("a person is walking upstairs", "a person is walking downstairs"),
        ("riding an elevator up", "riding an elevator down"),
        ("ascending stairs", "descending stairs"),
        ("waves the left hand", "waves the right hand"),
        ("walks backwards", "walks forwards"),
        ("draws a circle clockwise", "draws a circle counter-clockwise"),
        ("draws a circle counter clockwise", "draws a circle clockwise"),
        ("turns anticlockwise", "turns clockwise"),
        ("opening a box", "closing a box"),
        ("pushes a cart", "pulls a cart"),
        ("sits down", "stands up"),
        ("sit to stand", "stand to sit"),
        ("turning on the faucet", "turning off the faucet"),
        ("picks up a cup", "puts down a cup"),
        ("Left arm", "Right arm"),
        ("UP", "DOWN"),
        ("raise-up-hand", "lower-down-hand"),
        ("left foot, then right foot", "right foot, then left foot"),
    ],
)
def test_opposites(text, opposite):
    assert opposite_texts(text)[0] == opposite
    assert conflicting(text, opposite)


@pytest.mark.parametrize(
    "text",
    [
        "walking",
        "opens and closes a door",
        "punching with left and right",
        "raises both hands and lowers them",
        "push-ups",
        "sit ups",
        "warming up",
        "writing down an order",
        "the lower leg",
        "standing close to a wall",
        "upright leftovers",
        "hands on the back",
        "",
    ],
)
def test_what_has_no_opposite(text):
    assert opposite_texts(text) == ()


def test_each_axis_is_turned_alone():
    assert opposite_texts("raises the left hand") == (
        "lowers the left hand",
        "raises the right hand",
    )


def test_a_way_is_turned_apart_from_the_limb():
    assert opposite_texts("right arm swipe to the left") == (
        "left arm swipe to the right",
        "right arm swipe to the right",
    )
    assert opposite_texts(
        "the right arm moves from the left side across to the right"
    ) == (
        "the left arm moves from the right side across to the left",
        "the right arm moves from the right side across to the left",
    )
    assert opposite_texts("reaches with the left hand to the right knee") == (
        "reaches with the right hand to the left knee",
    )


WORDS = [
    "left",
    "right",
    "up",
    "down",
    "raises",
    "lowers",
    "the",
    "hand",
    "walks",
    "forward",
    "backward",
    "opens",
]


@given(st.lists(st.sampled_from(WORDS), max_size=7))
def test_an_axis_turned_twice_is_as_before(words):
    text = " ".join(words)
    for opposite in opposite_texts(text):
        assert opposite != text
        assert text in opposite_texts(opposite)
        assert len(directions(opposite)) == len(directions(text))


def test_pairs_of_texts():
    texts = [
        "walks upstairs",
        "walks",
        "Walks  downstairs.",
        "walks Upstairs",
        "walks backwards",
        "walks forward",
        "left",
    ]
    assert direction_pairs(texts).tolist() == [[0, 2], [4, 5]]
    assert direction_pairs([]).shape == (0, 2)


def test_the_librarys_opposite_labels_are_found():
    labels = sorted({activity.label for activity in ACTIVITIES.values()})
    pairs = {(labels[i], labels[j]) for i, j in direction_pairs(labels)}
    for pair in (
        ("walking downstairs", "walking upstairs"),
        ("right arm swipe to the left", "right arm swipe to the right"),
        ("sit to stand", "stand to sit"),
        ("riding an elevator down", "riding an elevator up"),
        ("turning left in place", "turning right in place"),
        ("waving the left hand", "waving the right hand"),
    ):
        assert pair in pairs
