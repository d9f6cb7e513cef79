"""Generate, verify, repair: paraphrases by a language model (paper, A.4).

    generate five -> verify -> all rejected:  generate five anew -> verify -> ...
                            -> some rejected: repair those alone -> verify -> ...

with three passes of the verifier at most. What it accepts once is kept.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from anymo_jax.language.paraphrase.client import AnswerError, read_json
from anymo_jax.language.templates import Templates

COUNT = 5
PASSES = 3
# Times that one question is put before its answer's form is given up.
_ATTEMPTS = 3
_LONGEST = 400

Ask = Callable[[Sequence[Mapping[str, str]]], str]


@dataclasses.dataclass(frozen=True)
class Variant:
    """A paraphrase and the verifier's last word on it.

    Attributes:
      text: the paraphrase.
      passed: whether it was accepted.
      reason: why not.
    """

    text: str
    passed: bool
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Paraphrased:
    """What the rounds made of one text.

    Attributes:
      variants: five, accepted or not.
      passes: of the verifier.
    """

    variants: tuple[Variant, ...]
    passes: int

    @property
    def accepted(self) -> tuple[str, ...]:
        """The paraphrases that may be used."""
        return tuple(v.text for v in self.variants if v.passed)


def paraphrase_in_rounds(text: str, ask: Ask, templates: Templates) -> Paraphrased:
    """Paraphrases of a text, generated, verified and repaired.

    Args:
      text: a narration.
      ask: messages -> the model's answer (`client.ask` of an endpoint).
      templates: with the instructions to the model.

    Raises:
      AnswerError: where the model keeps answering in another form than asked for.
      EndpointError: as `ask` does.
    """
    put = functools.partial(_put, ask, templates.paraphrase)
    variants: list[Variant] = []
    passes = 0
    while passes < PASSES and not (variants and all(v.passed for v in variants)):
        kept = [v for v in variants if v.passed]
        rejected = [v for v in variants if not v.passed]
        new = _repaired(text, kept, rejected, put) if kept else _generated(text, put)
        variants = _verified(text, kept, new, put)
        passes += 1
    return Paraphrased(tuple(variants), passes)


def _put(ask: Ask, instructions: Mapping[str, str], step: str, read, **values) -> list:
    """The answer to one step's instruction, read from its JSON.

    The question is put again where the answer has another form.
    """
    messages = [
        {"role": "system", "content": instructions["system"]},
        {"role": "user", "content": instructions[step].format(**values)},
    ]
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(AnswerError):
            return read(read_json(ask(messages)))
    try:
        return read(read_json(ask(messages)))
    except AnswerError as error:
        raise AnswerError(
            f"{_ATTEMPTS} answers to {step!r} in a row of another form: {error}"
        ) from None


def _generated(text: str, put) -> list[str]:
    read = functools.partial(_paraphrases, count=COUNT)
    return put("generate", read, text=text, count=COUNT)


def _repaired(text: str, kept: list[Variant], rejected: list[Variant], put):
    return put(
        "repair",
        functools.partial(_paraphrases, count=len(rejected)),
        text=text,
        kept=_numbered(v.text for v in kept),
        rejected=_numbered(f"{v.text} ({v.reason})" for v in rejected),
        count=len(rejected),
    )


def _verified(text: str, kept: list[Variant], new: list[str], put) -> list[Variant]:
    """The kept variants, and the new ones with the verifier's word on each.

    The verifier sees them all, since they are to differ from one another.
    """
    shown = [*(v.text for v in kept), *new]
    verdicts = put(
        "verify",
        functools.partial(_verdicts, count=len(shown)),
        text=text,
        variants=_numbered(shown),
    )
    known = {_key(text), *(_key(v.text) for v in kept)}
    judged = []
    for variant, (passes, reason) in zip(new, verdicts[len(kept) :], strict=True):
        if _key(variant) in known:
            passes, reason = False, "worded like the description or another one"
        known.add(_key(variant))
        judged.append(Variant(variant, passes, "" if passes else reason))
    return [*kept, *judged]


def _paraphrases(found: Any, count: int) -> list[str]:
    """Texts of a generation or repair, their form checked."""
    texts = found.get("paraphrases")
    if not isinstance(texts, list) or len(texts) != count:
        raise AnswerError(f"paraphrases: expected a list of {count}, found {texts!r}")
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            raise AnswerError(f"paraphrases: expected texts, found {text!r}")
        if len(text) > _LONGEST or "\n" in text.strip():
            raise AnswerError(f"paraphrases: expected one short line, found {text!r}")
    return [" ".join(text.split()) for text in texts]


def _verdicts(found: Any, count: int) -> list[tuple[bool, str]]:
    """Whether each variant passes, and why not."""
    verdicts = found.get("verdicts")
    if not isinstance(verdicts, list) or len(verdicts) != count:
        raise AnswerError(f"verdicts: expected a list of {count}, found {verdicts!r}")
    judged = []
    for verdict in verdicts:
        passes = verdict.get("passes") if isinstance(verdict, dict) else None
        if not isinstance(passes, bool):
            raise AnswerError(f"verdicts: expected passes true or false in {verdict!r}")
        judged.append((passes, str(verdict.get("reason", ""))))
    return judged


def _numbered(texts) -> str:
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))


def _key(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".")
