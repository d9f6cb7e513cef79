"""What a paraphrase must not touch: side, direction, order, number, speed and action.

A check on words, for variants that the rules make: it refuses more than it need, and
what it lets through says the same.
"""

import collections
import functools
import re

from anymo_jax.language.directions import directions
from anymo_jax.language.paraphrase.lexicon import (
    GENERIC,
    OF_GERUND,
    OF_THIRD,
    SYNONYMS,
    VERBS,
)
from anymo_jax.motion.pace import tempo_range

# Kept in their order: where to, how many, how often, in what order, and negations.
_KEPT = re.compile(
    r"\b(?:\d[\d.,/]*|left\w*|right\w*|up\w*|down\w*|forward\w*|backward\w*|sideways|"
    r"straight|around|in|out|into|over|under|across|through|ahead|back|behind|towards?|"
    r"away|clockwise|counter\w*|anti\w*|"
    r"one|two|three|four|five|six|seven|eight|nine|ten|both|each|several|few|half|"
    r"once|twice|again|first|second|then|before|after|until|while|"
    r"not?|without|never|slow\w*|fast\w*|quick\w*|brisk\w*|rapid\w*|gentl\w*|high\w*|"
    r"low|lower\w*|short|long|small|large|wide)\b",
    re.IGNORECASE,
)
_BASES = {verb: verb for verb in VERBS} | OF_THIRD | OF_GERUND


_FIRSTS = {other: first for first, *others in SYNONYMS for other in others}


def same_meaning(text: str, variant: str) -> bool:
    """Whether a variant keeps all that the rules must keep of a text."""
    return _kept(text) == _kept(variant)


@functools.lru_cache(maxsize=1 << 14)
def _kept(text: str) -> tuple:
    """All that must be equal in two texts of one meaning."""
    plain = _canonical(text)
    return (
        directions(plain),
        _KEPT.findall(plain.lower()),
        _actions(plain),
        tempo_range([plain]),
    )


def _canonical(text: str) -> str:
    """The text with the first of every group of synonyms, and without its subject."""
    for other, first in _FIRSTS.items():
        # Most texts hold none of them, and this is told faster.
        if other in text:
            text = re.sub(rf"(?<!\w){re.escape(other)}(?!\w)", first, text)
    return GENERIC.sub("", text)


def _actions(text: str) -> collections.Counter:
    """How often each verb that the rules know is there, in whatever form.

    "Do" alone says nothing: push-ups are the same as doing push-ups.
    """
    words = re.findall(r"[a-z]+", text.lower())
    return collections.Counter(
        _BASES[word] for word in words if _BASES.get(word, "do") != "do"
    )
