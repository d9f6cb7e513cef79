"""Left-right mirror images of recordings, in body and in words."""

import dataclasses
import re

import numpy as np

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.recording import Recording, SegmentMotion

_OPPOSITES = (
    ("left", "right"),
    ("leftward", "rightward"),
    ("leftwards", "rightwards"),
    ("clockwise", "counter-clockwise"),
    ("clockwise", "counterclockwise"),
    ("clockwise", "anticlockwise"),
)
_SWAP = {b: a for a, b in _OPPOSITES} | {a: b for a, b in reversed(_OPPOSITES)}
# Longest first, so that "counter-clockwise" is not read as "clockwise". Names such as
# left_arm count; "leftover" and "bright" do not.
_WORDS = re.compile(
    r"(?<![a-z])("
    + "|".join(sorted(map(re.escape, _SWAP), key=len, reverse=True))
    + r")(?![a-z])",
    re.IGNORECASE,
)
_REFLECTION = np.array([1.0, -1.0, 1.0])


def mirror_recording(recording: Recording) -> Recording:
    """The recording seen in a mirror: the body's sides and the words swapped.

    Real sensor streams are dropped, because a mirrored sensor frame is left-handed.
    """
    return dataclasses.replace(
        recording,
        motion=mirror_motion(recording.motion),
        texts=tuple(mirror_text(text) for text in recording.texts),
        label=mirror_text(recording.label),
        source=f"{recording.source}:mirrored",
        sensors=None,
        facts={name: mirror_text(value) for name, value in recording.facts.items()},
    )


def mirror_motion(motion: SegmentMotion) -> SegmentMotion:
    """Reflection in the world's XZ plane, each segment taking its counterpart's place.

    With S the reflection, p' = S p and R' = S R S, which is again a rotation; a segment
    frame has its T-pose axes along the world's, so S acts alike on both sides.
    """
    other = np.array(XSENS.mirrored)
    return dataclasses.replace(
        motion,
        position=motion.position[:, other] * _REFLECTION,
        rotation=motion.rotation[:, other]
        * np.outer(_REFLECTION, _REFLECTION).astype(motion.rotation.dtype),
    )


def mirror_text(text: str) -> str:
    """The text with left and right, clockwise and counter-clockwise, exchanged."""

    def swap(match: re.Match) -> str:
        word = match.group()
        other = _SWAP[word.lower()]
        if word.isupper():
            return other.upper()
        return other.capitalize() if word[0].isupper() else other

    return _WORDS.sub(swap, text)
