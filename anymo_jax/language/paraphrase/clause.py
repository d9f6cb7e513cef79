"""A short caption taken apart: who, in what aspect, does what, in what manner."""

import dataclasses
import re

from anymo_jax.language.paraphrase.lexicon import (
    EXERCISE,
    GENERIC,
    MANNERS,
    NOUNS_BEHIND,
    OF_GERUND,
    OF_MOVEMENTS,
    OF_THIRD,
    PLURALS,
    ROLE,
    VERBS,
    gerund,
    third_person,
)

SIMPLE, PROGRESSIVE = "simple", "progressive"
GERUND, BASE, NOUN, OPAQUE = "gerund", "base", "noun", "opaque"
_FORMS = {SIMPLE: OF_THIRD, PROGRESSIVE: OF_GERUND, GERUND: OF_GERUND}
_FORMS[BASE] = dict(zip(VERBS, VERBS, strict=True))
_JOINED = re.compile(
    r"(?P<link>\b(?:and\sthen|and|then)\s|,\s)"
    r"(?P<manner>(?:[a-z]+ly\s)?)(?P<verb>[a-z]+)\b"
    r"(?P<object>\s(?:it|them|the|an?|one|both|his|her|their)\b)?"
)
_FINITE_BE = re.compile(r"\b(?:and|then)\sis\b")
# Narrations of Nymeria and Ego4D call the wearer C, or #C C.
_ACTOR = re.compile(r"^(?:#\s?C\s)?C\b(?=\s|')")


def rewrite_actor(text: str) -> str:
    """A narration with its actor marker "C" or "#C C" put as "a person"."""
    return _ACTOR.sub("a person", text)


@dataclasses.dataclass(frozen=True)
class Clause:
    """A caption of one clause, or of several with one subject.

    Attributes:
      subject: "" where none is said.
      form: SIMPLE ("walks"), PROGRESSIVE ("is walking"), GERUND, BASE; NOUN for
        an exercise that is done, all of it in the rest; OPAQUE where the verb is not
        known and all of the predicate is in the rest.
      verb: first verb, in its base form.
      rest: what follows the verb; verbs in it stand in their own forms.
      manner: adverb before the verb, "" for none.
      front: phrase before the clause, "" for none.
      generic: whether the subject tells nothing of the person.
    """

    subject: str
    form: str
    verb: str
    rest: str
    manner: str = ""
    front: str = ""
    generic: bool = True

    def __str__(self) -> str:
        """The caption."""
        verbs = {
            SIMPLE: (self.manner, third_person(self.verb)),
            PROGRESSIVE: ("is", self.manner, gerund(self.verb)),
            GERUND: (self.manner, gerund(self.verb)),
            BASE: (self.manner, self.verb),
            NOUN: (),
            OPAQUE: (),
        }[self.form]
        front = f"{self.front}," if self.front else ""
        # What follows may begin with a comma or colon, which no space precedes.
        said = " ".join(filter(None, (front, self.subject, *verbs)))
        joint = "" if not self.rest or self.rest[0] in ",:;" else " "
        return f"{said}{joint}{self.rest}"

    def in_form(self, form: str, subject: str) -> "Clause | None":
        """The clause in another aspect, None where that might not be sound.

        Args:
          form: of the first verb and of those that are joined to it.
          subject: "" exactly where the form takes none.
        """
        if (form in (SIMPLE, PROGRESSIVE, OPAQUE)) != bool(subject):
            return None
        if form == self.form:
            return dataclasses.replace(self, form=form, subject=subject)
        if OPAQUE in (form, self.form) or _FINITE_BE.search(self.rest):
            return None
        if form == SIMPLE and self.form != NOUN and _has_participle(self.rest):
            return None
        rest = _joined_in(self, form)
        return dataclasses.replace(self, form=form, subject=subject, rest=rest)


def parse(text: str) -> Clause | None:
    """A caption as a clause, None where it is none that the rules know."""
    subject, generic = "", False
    for pattern in (GENERIC, ROLE):
        match = pattern.match(text)
        if match:
            subject, generic = match.group(), pattern is GENERIC
            break
    words = text[len(subject) :].strip()
    forms = (SIMPLE,) if subject else (GERUND, BASE)
    if subject and words.startswith("is "):
        forms, predicate = (PROGRESSIVE,), words.removeprefix("is ")
    else:
        predicate = words
    found = _verb(predicate, forms)
    if found:
        form, verb, manner, rest = found
        return Clause(subject, form, verb, rest, manner, generic=generic)
    if not subject and EXERCISE.fullmatch(text):
        return Clause("", NOUN, "do", text)
    if generic and re.match(r"[a-z]", words):
        return Clause(subject, OPAQUE, "", words)
    return None


def _verb(words: str, forms: tuple[str, ...]):
    """Form, verb, manner before it and rest of a predicate."""
    manner, _, behind = words.partition(" ")
    if manner in MANNERS:
        words = behind
    else:
        manner = ""
    match = re.match(r"([a-z]+)(?![\w/-])\s?(.*)$", words)
    if match is None:
        return None
    word, rest = match.groups()
    for form in forms:
        verb = _FORMS[form].get(word)
        if verb is not None and _is_verb(form, rest):
            return form, verb, manner, rest
    return None


def _is_verb(form: str, rest: str) -> bool:
    """Whether a form that may be a noun is a verb before this rest."""
    following = re.match(r"[a-z]*", rest).group()
    if form == GERUND:
        return following not in NOUNS_BEHIND
    if form == BASE:
        # "walk", "walk, long strides" and "sit to stand" are names, not orders.
        return bool(following) and following not in ("to", *VERBS)
    return True


def _has_participle(rest: str) -> bool:
    """Whether an -ing form in the rest may hang on the first verb, not be joined to it.

    So it does after a comma; and where there are others beside joined ones, it is not
    told which of them "and" joins.
    """
    joined = [m for m in _JOINED.finditer(rest) if m["verb"] in OF_GERUND]
    total = sum(word in OF_GERUND for word in re.findall(r"[a-z]+", rest))
    after_comma = any(match["link"].startswith(",") for match in joined)
    return after_comma or 0 < len(joined) < total


def _joined_in(clause: Clause, form: str) -> str:
    """The rest of a clause, verbs that are joined to the first put in its new form."""
    if clause.verb in OF_MOVEMENTS:
        return clause.rest
    inflect = {SIMPLE: third_person, BASE: str}.get(form, gerund)
    known = dict(OF_THIRD)
    if clause.form == BASE:
        known |= _FORMS[BASE]

    def turn(match: re.Match) -> str:
        word = match["verb"]
        is_noun = word in PLURALS and not match["object"]
        verb = None if is_noun else known.get(word)
        if verb is None and not match["link"].startswith(","):
            verb = OF_GERUND.get(word)
        if verb is None:
            return match.group()
        behind = match["object"] or ""
        return f"{match['link']}{match['manner']}{inflect(verb)}{behind}"

    return _JOINED.sub(turn, clause.rest)
