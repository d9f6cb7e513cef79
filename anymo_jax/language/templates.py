"""The wordings of templates.json, checked as they are read (Figure 8, Table 10)."""

import dataclasses
import functools
import json
import pathlib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from anymo_jax.language.prompts import (
    IMU,
    MARK,
    SITES,
    TextPrompt,
    Wording,
    chat,
    put_in,
)

FILE = pathlib.Path(__file__).with_name("templates.json")
FORMAT = 1

# Marks that a role's user and assistant turns must have, each once, and no other.
_ROLES: Mapping[str, tuple[frozenset, frozenset]] = {
    "motion_lm": (frozenset(), frozenset({IMU})),
    "narration": (frozenset({IMU, SITES}), frozenset({"{text}"})),
    "multiple_choice": (frozenset({IMU, SITES, "{choices}"}), frozenset({"{text}"})),
    "contrastive_imu": (frozenset({IMU, SITES}), frozenset()),
}
_PLAIN_ROLES = {"contrastive_text": frozenset({"{text}"})}
# The rows of Table 10, and so the values of a config.
LABEL_PROMPTS = ("bare", "person", "imu", "activity", "learned")
_PARAPHRASE = {
    "system": frozenset(),
    "generate": frozenset({"text", "count"}),
    "verify": frozenset({"text", "variants"}),
    "repair": frozenset({"text", "kept", "rejected", "count"}),
}


@dataclasses.dataclass(frozen=True)
class Templates:
    """The wordings of templates.json, checked.

    Attributes:
      wordings: of each role, the first being that of evaluation.
      text_wordings: of each role whose prompt is a plain text.
      label_prompts: wording and whether the soft prompt is used, by choice.
      paraphrase: instructions to a language model that paraphrases, by step.
    """

    wordings: Mapping[str, tuple[Wording, ...]]
    text_wordings: Mapping[str, tuple[str, ...]]
    label_prompts: Mapping[str, tuple[str, bool]]
    paraphrase: Mapping[str, str]

    def wording(self, role: str, rng: np.random.Generator | None = None) -> Wording:
        """A wording of a role: drawn, or without `rng` that of evaluation."""
        known = self.wordings.get(role)
        if known is None:
            raise ValueError(f"no role {role!r}; there are {', '.join(self.wordings)}")
        return known[0 if rng is None else int(rng.integers(len(known)))]

    def narration_text(
        self,
        text: str,
        *,
        soft_prompt: bool = True,
        rng: np.random.Generator | None = None,
    ) -> TextPrompt:
        """A narration for the contrastive branch, its wording drawn if `rng` is given.

        Args:
          text: the narration.
          soft_prompt: whether the learned tokens go in front.
        """
        known = self.text_wordings["contrastive_text"]
        wording = known[0 if rng is None else int(rng.integers(len(known)))]
        return put_in(wording, "{text}", text, soft_prompt=soft_prompt)

    def label_text(self, label: str, choice: str = "learned") -> TextPrompt:
        """A label for the contrastive branch.

        Args:
          label: activity name.
          choice: one of `LABEL_PROMPTS`, the rows of Table 10.
        """
        if choice not in self.label_prompts:
            raise ValueError(
                f"no label prompt {choice!r}; choose one of "
                f"{', '.join(self.label_prompts)}"
            )
        wording, soft_prompt = self.label_prompts[choice]
        return put_in(wording, "{label}", label, soft_prompt=soft_prompt)


@functools.cache
def load_templates(path: str | pathlib.Path = FILE) -> Templates:
    """Read a file of wordings and check it.

    Raises:
      ValueError: naming the file and the entry for a role, choice or step that is
        missing or unknown, or a mark that is missing, unknown or there twice.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; the package brings its own templates")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return _templates(found)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: {error}") from None


def _templates(found: Mapping) -> Templates:
    _check_names(
        "", found, ("format", "system", "roles", "label_prompts", "paraphrase")
    )
    if found["format"] != FORMAT:
        raise ValueError(f"format {found['format']} where {FORMAT} is read")
    roles = found["roles"]
    _check_names("roles", roles, (*_ROLES, *_PLAIN_ROLES))
    for role in roles:
        if not isinstance(roles[role], list) or not roles[role]:
            raise ValueError(f"roles.{role}: expected a list of at least one wording")
    system = found["system"]
    _check_marks("system", system, frozenset())
    return Templates(
        wordings={role: _chats(role, roles[role], system) for role in _ROLES},
        text_wordings={
            role: tuple(_check_marks(f"roles.{role}", w, marks) for w in roles[role])
            for role, marks in _PLAIN_ROLES.items()
        },
        label_prompts=_label_prompts(found["label_prompts"]),
        paraphrase=_paraphrase(found["paraphrase"]),
    )


def _chats(role: str, turns: Sequence[Mapping], system: str) -> tuple[Wording, ...]:
    """The wordings of one role, rendered."""
    asked, answered = _ROLES[role]
    names = ("user", "assistant") if answered else ("user",)
    for index, turn in enumerate(turns):
        where = f"roles.{role}[{index}]"
        _check_names(where, turn, names)
        _check_marks(f"{where}.user", turn["user"], asked)
        if answered:
            _check_marks(f"{where}.assistant", turn["assistant"], answered)
        if SITES in asked and not re.search(rf" {re.escape(SITES)}\W", turn["user"]):
            raise ValueError(
                f"{where}.user: {SITES} needs a space before it and no letter or "
                "digit behind it"
            )
    return tuple(chat(system, t["user"], t.get("assistant")) for t in turns)


def _label_prompts(found: Mapping) -> dict[str, tuple[str, bool]]:
    _check_names("label_prompts", found, LABEL_PROMPTS)
    for choice, entry in found.items():
        where = f"label_prompts.{choice}"
        _check_names(where, entry, ("text", "soft_prompt"))
        _check_marks(where, entry["text"], frozenset({"{label}"}))
        if not isinstance(entry["soft_prompt"], bool):
            raise ValueError(f"{where}.soft_prompt: expected true or false")
    return {c: (entry["text"], entry["soft_prompt"]) for c, entry in found.items()}


def _paraphrase(found: Mapping) -> dict[str, str]:
    """Instructions, which are formatted by `str.format`: braces are doubled in them."""
    _check_names("paraphrase", found, tuple(_PARAPHRASE))
    for step, marks in _PARAPHRASE.items():
        if not isinstance(found[step], str):
            raise ValueError(f"paraphrase.{step}: expected a text")
        try:
            found[step].format(**dict.fromkeys(marks, ""))
        except KeyError as error:
            raise ValueError(f"paraphrase.{step}: unknown mark {error}") from None
        missing = [m for m in sorted(marks) if f"{{{m}}}" not in found[step]]
        if missing:
            raise ValueError(f"paraphrase.{step}: the mark {{{missing[0]}}} is missing")
    return dict(found)


def _check_names(where: str, found: Mapping, expected: Sequence[str]) -> None:
    if not isinstance(found, Mapping):
        raise ValueError(f"{where}: expected an object with {', '.join(expected)}")
    for kind, names in (
        ("missing", set(expected) - set(found)),
        ("unknown", set(found) - set(expected)),
    ):
        if names:
            entry = f"{where}.{min(names)}" if where else min(names)
            raise ValueError(f"{entry} is {kind}; expected {', '.join(expected)}")


def _check_marks(where: str, wording: object, expected: frozenset) -> str:
    """The wording, if it has each of the marks once and no other."""
    if not isinstance(wording, str):
        raise ValueError(f"{where}: expected a text, found {wording!r}")
    found = MARK.findall(wording)
    for mark in found:
        if mark not in expected:
            raise ValueError(
                f"{where}: unknown mark {mark}; it may have "
                f"{sorted(expected) or 'none'}"
            )
    for mark in sorted(expected):
        if found.count(mark) != 1:
            count = "is missing" if mark not in found else "stands there twice"
            raise ValueError(f"{where}: the mark {mark} {count}")
    return wording
