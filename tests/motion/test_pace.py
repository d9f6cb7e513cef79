"""What texts allow: every word of the table, and what only looks like one."""

import pytest

from anymo_jax.motion.mirror import mirror_text
from anymo_jax.motion.pace import PACE_WORDS, UNSAID, tempo_range


@pytest.mark.parametrize(
    ("texts", "allowed"),
    [
        (("a person is walking",), UNSAID),
        (("a person walks slowly forward",), (0.8, 1.0)),
        (("a leisurely walk on level ground",), (0.8, 1.0)),
        (("someone strolls along",), (0.8, 1.0)),
        (("a person walks forward as if exhausted",), (0.8, 1.0)),
        (("a person is walking fast",), (1.0, 1.25)),
        (("someone walks briskly with long steps",), (1.0, 1.25)),
        (("the subject hurries along",), (1.0, 1.25)),
        (("Quick, quick!",), (1.0, 1.25)),
        (("walking forward at a normal pace",), (0.95, 1.05)),
        (("walking forward at 110 steps per minute",), (0.97, 1.03)),
        (("riding an exercise bike at 53 rpm",), (0.97, 1.03)),
        (("a person jogs at about 8.5 km/h",), (1.0, 1.0)),
        (("treadmill walking at 4 km/h",), (0.97, 1.03)),
        (("turns at 90 degrees per second",), (0.97, 1.03)),
        (("a person runs", "a person moves"), (1.0, 1.0)),
        (("jogging in place",), (1.0, 1.0)),
        (("jumping jacks",), (1.0, 1.0)),
        (("someone hops on one leg",), (1.0, 1.0)),
        (("dance - coupe dessous, grand jete en tourant",), (1.0, 1.0)),
        (("an overarm throw of the right hand",), (1.0, 1.0)),
        (("dribbling a ball slowly",), (1.0, 1.0)),
        # Any of the texts may be told of a view.
        (("a person walks", "a person walks slowly"), (0.8, 1.0)),
        (("someone walks slowly", "at 80 steps per minute"), (0.97, 1.0)),
        (("slow", "fast"), (1.0, 1.0)),
        # Words that hold others.
        (("hardly moving after breakfast, holding a trunk",), UNSAID),
        (("scrolling, folding, a tripod and a hope",), UNSAID),
        (("carries 3 bags up 2 stairs",), UNSAID),
        ((), UNSAID),
    ],
)
def test_texts(texts, allowed):
    assert tempo_range(texts) == allowed
    assert tempo_range(tuple(t.upper() for t in texts)) == allowed
    assert tempo_range(tuple(map(mirror_text, texts))) == allowed


def test_facts_that_captions_are_made_from_count():
    assert tempo_range(("eating",), {"pace": "slowly"}) == (0.8, 1.0)
    assert tempo_range(("eating",), {"tempo": "20 per minute"}) == (0.97, 1.03)
    assert tempo_range(("eating",), {"posture": "a person is running"}) == (1.0, 1.0)
    # Measured, but said of nobody.
    assert tempo_range(("eating",), {"tempo_hz": "1.5", "takes": "fast"}) == UNSAID


@pytest.mark.parametrize(
    ("allowed", "word"),
    [(allowed, word) for allowed, words in PACE_WORDS for word in words.split()],
)
def test_every_word_limits_the_tempo_as_its_row_says(allowed, word):
    slowest, fastest = tempo_range((f"so {word}ing it is",))
    assert (slowest, fastest) == allowed
    assert slowest <= 1 <= fastest
