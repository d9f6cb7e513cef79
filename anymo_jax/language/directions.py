"""Texts that differ in direction alone, as hard negatives of one another.

Text encoders hardly tell "upstairs" from "downstairs" (cosine 0.87) or a swipe to the
left from one to the right (0.99; reference/evidence.md), and neither does a batch in
which such pairs rarely meet. Here they are found; `hard_negatives` makes them meet.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

# By axis, opposite words in parallel lists: the forms of a verb, or single words.
_OPPOSITES: tuple[tuple[str, str, str], ...] = (
    ("height", "up upward upwards upstairs uphill", "down downward downwards "
     "downstairs downhill"),
    ("height", "ascend ascends ascending", "descend descends descending"),
    ("height", "raise raises raising raised", "lower lowers lowering lowered"),
    ("height", "rise rises rising", "sink sinks sinking"),
    ("side", "left leftward leftwards", "right rightward rightwards"),
    ("turn", "clockwise", "counter-clockwise"),
    ("travel", "forward forwards", "backward backwards"),
    ("opening", "open opens opening opened", "close closes closing closed"),
    ("force", "push pushes pushing pushed", "pull pulls pulling pulled"),
    ("passage", "into inward inwards", "out_of outward outwards"),
    ("passage", "enter enters entering", "leave leaves leaving"),
    ("switch", "turn_on turns_on turning_on", "turn_off turns_off turning_off"),
    ("switch", "switch_on switches_on switching_on",
     "switch_off switches_off switching_off"),
    ("clothing", "put_on puts_on putting_on", "take_off takes_off taking_off"),
    ("seat", "stand_up stands_up standing_up", "sit_down sits_down sitting_down"),
    ("seat", "sit_to_stand", "stand_to_sit"),
    ("seat", "sitting_to_standing", "standing_to_sitting"),
    ("bed", "get_up gets_up getting_up", "lie_down lies_down lying_down"),
    ("bed", "lie_to_sit lie_to_stand", "sit_to_lie stand_to_lie"),
    ("bed", "lying_to_sitting lying_to_standing",
     "sitting_to_lying standing_to_lying"),
    ("grip", "pick_up picks_up picking_up", "put_down puts_down putting_down"),
)  # fmt: skip
# What looks like a direction and is none.
_IDIOMS = (
    r"(?:push|pull|sit|press|chin|step|warm|stand)(?:-ups?|\sups)",
    r"(?:set|clean|warm|wind|sweep|hang|wake|wrap|mix|end|us)(?:e?s|p?ing|t?ing)?\sup",
    r"(?:slow|calm|settle|writ|write)(?:e?s|ing)?\sdown",
    r"upside\sdown|up\sto|right\sangles?|right\saway",
    r"close\s(?:to|by|together)",
    r"lower\s(?:leg|back|arm|body|limb|chest)s?",
)
_SPELLINGS = {
    "counter-clockwise": r"(?:counter[-\s]?|anti[-\s]?)clockwise",
}
# Left and right that say where to, not whose.
_WAY = re.compile(
    r"(?:\bfrom\s(?:the\s)?(?:left|right)\s(?:\w+\s){0,2})?\b(?:to|towards?)\s(?:the\s)?"
    r"(?:left|right)\b(?!\s(?:hand|arm|leg|foot|knee|elbow|shoulder|ear|wrist)\b)",
    re.IGNORECASE,
)
_JOINED = r"\b{}\s(?:and|or)\s{}\b"


class _Said(NamedTuple):
    """A direction word in a text: its place, what it says, and its opposite."""

    start: int
    end: int
    axis: str
    positive: bool
    opposite: str


def _lexicon() -> dict[str, tuple[str, bool, str]]:
    """Axis, sign and opposite of each word."""
    words = {}
    for axis, positive, negative in _OPPOSITES:
        pairs = zip(positive.split(), negative.split(), strict=True)
        for one, other in pairs:
            one, other = one.replace("_", " "), other.replace("_", " ")
            words[one], words[other] = (axis, True, other), (axis, False, one)
    return words


_LEXICON = _lexicon()


def _pattern() -> re.Pattern:
    """Idioms, then words, the longer first; inside a word nothing is found."""
    words = sorted(_LEXICON, key=len, reverse=True)
    spelt = (_SPELLINGS.get(w, re.escape(w).replace("\\ ", r"\s")) for w in words)
    return re.compile(
        rf"(?<![a-z])(?:(?P<idiom>{'|'.join(_IDIOMS)})|(?P<word>{'|'.join(spelt)}))"
        r"(?![a-z])",
        re.IGNORECASE,
    )


_PATTERN = _pattern()


def _said(text: str) -> list[_Said]:
    """The direction words of a text in order."""
    found = []
    for match in _PATTERN.finditer(text):
        word = match.group("word")
        if word is None:
            continue
        plain = " ".join(word.lower().split())
        if plain not in _LEXICON:
            plain = "counter-clockwise"
        found.append(_Said(*match.span(), *_LEXICON[plain]))
    return found


def directions(text: str) -> tuple[tuple[str, bool], ...]:
    """The directions that a text says in order: axis, and which of its two senses."""
    return tuple((said.axis, said.positive) for said in _said(text))


def conflicting(text: str, other: str) -> bool:
    """Whether two texts do not say the same directions ("walking", "walking up")."""
    return directions(text) != directions(other)


def opposite_texts(text: str) -> tuple[str, ...]:
    """The text turned round along each axis that it names.

    Left and right in one text change places, and where they say a limb and a way
    ("right arm swipe to the left") the way alone is turned as well. Along other axes a
    text that says both senses ("opens and closes a door") has no opposite, nor has
    "left and right".
    """
    said = _said(text)
    opposites = []
    for axis in dict.fromkeys(one.axis for one in said):
        own = [one for one in said if one.axis == axis]
        if not _turnable(text, own):
            continue
        opposites.append(_turned(text, own))
        ways = [match.span() for match in _WAY.finditer(text)]
        of_way = [one for one in own if _inside(one, ways)]
        if axis == "side" and 0 < len(of_way) < len(own):
            opposites.append(_turned(text, of_way))
    return tuple(opposites)


def _inside(one: _Said, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= one.start and one.end <= end for start, end in spans)


def _turnable(text: str, said: Sequence[_Said]) -> bool:
    if len({one.positive for one in said}) == 1:
        return True
    words = [re.escape(text[one.start : one.end]) for one in said]
    joined = any(
        re.search(_JOINED.format(a, b), text) for a, b in itertools.pairwise(words)
    )
    return said[0].axis == "side" and not joined


def _turned(text: str, said: Iterable[_Said]) -> str:
    """The text with some of its words replaced by their opposites."""
    parts, end = [], 0
    for one in said:
        word = text[one.start : one.end]
        opposite = one.opposite
        if word.isupper():
            opposite = opposite.upper()
        elif word[0].isupper():
            opposite = opposite.capitalize()
        parts += [text[end : one.start], opposite]
        end = one.end
    return "".join([*parts, text[end:]])


def direction_pairs(texts: Sequence[str]) -> Int[np.ndarray, "P 2"]:
    """Indices (i, j), i < j, of texts that differ in direction along one axis alone.

    Case, punctuation and spelling ("forwards", "anticlockwise") do not count. Of equal
    texts the first one is named.
    """
    first: dict[str, int] = {}
    for index, text in enumerate(texts):
        first.setdefault(_key(text), index)
    pairs = {
        tuple(sorted((index, first[_key(opposite)])))
        for index in first.values()
        for opposite in opposite_texts(texts[index])
        if _key(opposite) in first
    }
    return np.array(sorted(p for p in pairs if p[0] != p[1]), np.int64).reshape(-1, 2)


def _key(text: str) -> str:
    plain = re.sub(_SPELLINGS["counter-clockwise"], "counterclockwise", text.lower())
    plain = re.sub(r"(ward)s\b", r"\1", plain)
    return " ".join(re.findall(r"[a-z0-9]+", plain))
