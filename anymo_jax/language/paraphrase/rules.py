"""Paraphrases by rule: offline, deterministic, and of unchanged meaning.

A caption of one clause varies in its subject ("a person", "someone", "the wearer"), in
its aspect ("walks", "is walking", "walking"), in where its manner stands ("slowly
walks", "walks slowly"; "at a steady pace, ...") and in a few synonyms; any other one is
put behind a word for movement. Of all variants that `meaning.same_meaning` accepts,
those are taken that differ most from the text and from one another.
"""

import dataclasses
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence

from anymo_jax.language.paraphrase.clause import (
    GERUND,
    OPAQUE,
    PROGRESSIVE,
    SIMPLE,
    Clause,
    parse,
    rewrite_actor,
)
from anymo_jax.language.paraphrase.lexicon import MANNERS, SUBJECTS, SYNONYMS
from anymo_jax.language.paraphrase.meaning import same_meaning

COUNT = 5
# For captions that are no clause ("soccer - kick ball").
_FRAMES = (
    "a person's movement: {}",
    "movement: {}",
    "motion of a person: {}",
    "recorded movement: {}",
    "body movement: {}",
)
# Phrases of manner that may stand at the front as well as at the end.
_FRONTED = re.compile(
    r"\s(?P<front>at\s(?:an?|about)?\s?[\w.\s/]*?"
    r"(?:pace|speed|per\s(?:minute|second)|rpm|km/h)|in\san?\s\w+\sway|"
    r"as\sif\s\w+|without\sconfidence)$"
)
_LINKS = re.compile(r",|:|\b(?:and|then|while|or)\b")


def paraphrase(text: str, count: int = COUNT) -> tuple[str, ...]:
    """Up to `count` distinct variants of a caption, always the same for a text.

    Args:
      text: a short caption; an actor marker "C" counts as "a person".
      count: variants wanted at most.

    Raises:
      ValueError: for an empty text.
    """
    stem = rewrite_actor(" ".join(text.split())).removesuffix(".")
    if not stem:
        raise ValueError("text is empty; leave captions without words out")
    end = "." if text.rstrip().endswith(".") else ""
    good = _accepted(stem, _variants(stem))
    chosen = _most_different(stem, good, count)
    if len(chosen) < count:
        framed = _accepted(stem, (frame.format(stem) for frame in _FRAMES))
        chosen += _most_different(stem, framed, count - len(chosen))
    return tuple(f"{variant}{end}" for variant in chosen)


def _accepted(text: str, variants: Iterator[str]) -> list[str]:
    """Distinct variants of the same meaning, none of them the text, in their order."""
    distinct = dict.fromkeys(" ".join(variant.split()) for variant in variants)
    known = {text.lower()}
    accepted = []
    for variant in distinct:
        if variant.lower() not in known and same_meaning(text, variant):
            known.add(variant.lower())
            accepted.append(variant)
    return accepted


def _variants(text: str) -> Iterator[str]:
    """Variants by clause and synonyms, good and bad."""
    clause = parse(text)
    worded = [text]
    if clause is not None:
        worded += [str(moved) for moved in _in_all_forms(clause)]
    for variant in worded:
        yield variant
        yield from _with_synonym(variant)


def _in_all_forms(clause: Clause) -> Iterator[Clause]:
    """The clause with every subject and aspect, its manner in every place."""
    subjects = SUBJECTS if clause.generic or not clause.subject else (clause.subject,)
    for arranged in _arranged(clause):
        for form, subject in (
            *itertools.product((SIMPLE, PROGRESSIVE, OPAQUE), subjects),
            *(((GERUND, ""),) if clause.generic or not clause.subject else ()),
        ):
            turned = arranged.in_form(form, subject)
            if turned is not None:
                yield turned


def _arranged(clause: Clause) -> Iterator[Clause]:
    """The clause itself, and with its manner in other places."""
    yield clause
    if _LINKS.search(clause.rest) or clause.form == OPAQUE:
        return
    words = clause.rest.split()
    if clause.manner and not words:
        yield dataclasses.replace(clause, manner="", rest=clause.manner)
    if clause.manner and words and not MANNERS & set(words):
        yield dataclasses.replace(
            clause, manner="", rest=f"{clause.rest} {clause.manner}"
        )
    for place in {0, len(words) - 1} if words and not clause.manner else ():
        if words[place] in MANNERS:
            rest = " ".join(words[:place] + words[place + 1 :])
            yield dataclasses.replace(clause, manner=words[place], rest=rest)
    match = _FRONTED.search(f" {clause.rest}")
    if match and clause.subject:
        rest = f" {clause.rest}"[: match.start()].strip()
        yield dataclasses.replace(clause, front=match["front"], rest=rest)


def _with_synonym(text: str) -> Iterator[str]:
    """The text with one group of synonyms exchanged."""
    for group in SYNONYMS:
        for word in group:
            # Most texts hold none of them, and this is told faster.
            if word not in text:
                continue
            pattern = rf"(?<!\w){re.escape(word)}(?!\w)"
            for other in group:
                yield re.sub(pattern, other, text)


def _most_different(text: str, variants: Sequence[str], count: int) -> list[str]:
    """Variants chosen one by one, each as far as may be from the text and the chosen.

    Between equally far ones a checksum decides, so that not every text takes the same.
    """
    own = _pairs(text)
    pairs = {variant: _pairs(variant) for variant in variants}
    nearest = {variant: _distance(pairs[variant], own) for variant in variants}
    chosen = []
    while nearest and len(chosen) < count:
        best = max(
            nearest, key=lambda v: (nearest[v], zlib.crc32(f"{text}\0{v}".encode()))
        )
        del nearest[best]
        chosen.append(best)
        for variant in nearest:
            away = _distance(pairs[variant], pairs[best])
            nearest[variant] = min(nearest[variant], away)
    return chosen


def _pairs(text: str) -> frozenset[tuple[str, str]]:
    """Neighbouring words, the ends among them."""
    return frozenset(itertools.pairwise(["", *text.lower().split(), ""]))


def _distance(one: frozenset, other: frozenset) -> float:
    return 1 - len(one & other) / len(one | other)
