"""The visible wearable locations in words, and captions that only tell what they see.

What a user may call a site is in `body.sites`; here it is the other way round.

Captions by visibility (reference/evidence.md: clips of hand gestures taught a thigh
sensor to call standing a gesture): the procedural library says of a clip which body
parts see the action (fact `seen_by`) and what the others see (fact `posture`). Packs of
motion capture say neither, and their captions always stand.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from anymo_jax.body.skeleton import XSENS

_CENTRAL = {
    "Pelvis": "pelvis",
    "L5": "lower back",
    "L3": "middle back",
    "T12": "lower chest",
    "T8": "upper chest",
    "Neck": "neck",
    "Head": "head",
}
_PAIRED = {
    "Shoulder": "shoulder",
    "UpperArm": "upper arm",
    "Forearm": "forearm",
    "Hand": "hand",
    "UpperLeg": "upper leg",
    "LowerLeg": "lower leg",
    "Foot": "foot",
    "Toe": "toes",
}
_SIDES = {"R": "right", "L": "left"}
_ARM = ("UpperArm", "Forearm", "Hand")
_LEG = ("UpperLeg", "LowerLeg", "Foot", "Toe")
# Segments of the library's body parts. A collarbone hardly moves with a gesture.
_PARTS = {
    "right_arm": tuple(f"R_{name}" for name in _ARM),
    "left_arm": tuple(f"L_{name}" for name in _ARM),
    "trunk": ("Pelvis", "L5", "L3", "T12", "T8", "R_Shoulder", "L_Shoulder"),
    "head": ("Neck", "Head"),
    "legs": tuple(f"{side}_{name}" for side in _SIDES for name in _LEG),
}
_SEPARATOR = ","
WHOLE_BODY = "whole body"


def _words(name: str) -> str:
    if name in _CENTRAL:
        return _CENTRAL[name]
    side, segment = name.split("_")
    return f"{_SIDES[side]} {_PAIRED[segment]}"


# Words of each node, in the skeleton's order.
SITE_WORDS: tuple[str, ...] = tuple(_words(name) for name in XSENS.names)


def site_words(node: int | str) -> str:
    """Words of a node, given by index or by the segment's name."""
    index = XSENS.index(node) if isinstance(node, str) else node
    if not 0 <= index < len(XSENS):
        raise ValueError(f"node {index} is none of the {len(XSENS)} segments")
    return SITE_WORDS[index]


def site_phrase(visible: Bool[np.ndarray, "23"]) -> str:
    """The visible nodes in words, in the skeleton's order; all of them are the body.

    Raises:
      ValueError: where no node is visible.
    """
    named = [SITE_WORDS[node] for node in np.flatnonzero(visible)]
    if not named:
        raise ValueError("visible: no node is visible; at least one carries a sensor")
    return WHOLE_BODY if len(named) == len(XSENS) else f"{_SEPARATOR} ".join(named)


def seeing_nodes(facts: Mapping[str, str]) -> Bool[np.ndarray, "23"]:
    """Nodes whose sensors see a clip's action; all of them where the facts do not tell.

    Args:
      facts: of a clip, as `PreparedMotion.window_told` gives them. Those of a mirrored
        clip are mirrored as its texts are (`motion.mirror.mirror_text`).

    Raises:
      ValueError: for a body part that is none of the library's.
    """
    if not facts.get("seen_by") or not facts.get("posture"):
        return np.ones(len(XSENS), bool)
    seeing = np.zeros(len(XSENS), bool)
    for part in facts["seen_by"].split(","):
        if part not in _PARTS:
            raise ValueError(
                f"facts: seen_by names {part!r}; the body parts are {', '.join(_PARTS)}"
            )
        seeing[[XSENS.index(name) for name in _PARTS[part]]] = True
    return seeing


class Told(NamedTuple):
    """What is said of a view.

    Attributes:
      texts: the primary one first.
      label: activity name, "" where there is none.
    """

    texts: tuple[str, ...]
    label: str


def told_of_view(
    texts: Sequence[str],
    label: str,
    facts: Mapping[str, str],
    visible: Bool[np.ndarray, "23"],
) -> Told:
    """Texts and label that are true of what the visible nodes see.

    Where none of them sees the action, the posture alone is told and there is no label:
    the label names the action.
    """
    if np.any(seeing_nodes(facts) & visible):
        return Told(tuple(texts), label)
    return Told((facts["posture"],), "")
