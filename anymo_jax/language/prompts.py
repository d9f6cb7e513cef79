"""Prompts in Qwen's chat markup, with marks for what is known late (Figure 8).

A prompt is a string with marks for what is known late: `{sites}`, the visible wearable
locations, is filled in on the host (`fill`), and `<imu>`, the code tokens, stays until
the step splices them in. A space belongs to the word behind it, as byte-level
tokenizers split words.
"""

import dataclasses
import re

IMU = "<imu>"
SITES = "{sites}"
# Ends a turn; an answer is learnt with it.
END = "<|im_end|>"

MARK = re.compile(r"<imu>|\{[a-z_]*\}")
# What would be read as a mark or as markup if a text held it.
_RESERVED = re.compile(r"<imu[^>]*>|<\|[a-z_]+\|>|\{sites\}")


@dataclasses.dataclass(frozen=True)
class Wording:
    """One wording of a role, marks still in it.

    Attributes:
      prompt: all that the model is given, in chat markup up to where its answer begins.
      answer: what it is to say, without the `END` that closes it; "" where the role
        asks for none.
    """

    prompt: str
    answer: str = ""


@dataclasses.dataclass(frozen=True)
class TextPrompt:
    """A text or label as the contrastive branch gives it to the text side.

    The three strings in a row are the input; `content` alone is pooled, and a sentence
    encoder of its own is given all three likewise.

    Attributes:
      before, content, after: a space belongs to what follows it.
      soft_prompt: whether the learned tokens go in front.
    """

    before: str
    content: str
    after: str = ""
    soft_prompt: bool = False

    @property
    def text(self) -> str:
        """The whole input."""
        return self.before + self.content + self.after


def put_in(
    wording: str, mark: str, value: str, *, soft_prompt: bool = False
) -> TextPrompt:
    """A text in the place of the one mark of a plain wording."""
    before, after = wording.split(mark)
    space = " " if before.endswith(" ") else ""
    return TextPrompt(
        before.removesuffix(" "), space + _clean(mark, value), after, soft_prompt
    )


def fill(prompt: str, **values: str) -> str:
    """The prompt with some of its `{marks}` replaced; the others stay.

    Raises:
      ValueError: for a value whose mark the prompt does not have, or that holds markup
        or a mark of the IMU tokens itself.
    """
    marks = set(MARK.findall(prompt))
    for name in values:
        if f"{{{name}}}" not in marks:
            raise ValueError(f"the prompt has no {{{name}}}, only {sorted(marks)}")
    clean = {f"{{{name}}}": _clean(name, value) for name, value in values.items()}
    # One pass, so that a value is never searched for marks.
    return MARK.sub(lambda match: clean.get(match.group(), match.group()), prompt)


def _clean(name: str, value: str) -> str:
    """A value to put into a prompt, which must be a text without markup."""
    reserved = _RESERVED.search(value)
    if reserved:
        raise ValueError(
            f"{name} holds {reserved.group()!r}, which is markup: take it out of "
            f"{value!r}"
        )
    if not value.strip():
        raise ValueError(f"{name} is empty; give a text, or leave the row out")
    return value


def chat(system: str, user: str, assistant: str | None = None) -> Wording:
    """Turns in Qwen's chat markup.

    Args:
      system, user: contents of the first two turns.
      assistant: content of the answer; None ends the prompt with the user's turn.
    """
    turns = _turn("system", system) + _turn("user", user)
    if assistant is None:
        return Wording(turns)
    return Wording(f"{turns}<|im_start|>assistant\n", assistant)


def _turn(speaker: str, content: str) -> str:
    return f"<|im_start|>{speaker}\n{content}{END}\n"
