"""The file of paraphrases that training reads: JSON, {text: [variants]}."""

import json
import os
import pathlib
from collections.abc import Mapping, Sequence


def write_paraphrases(
    path: str | pathlib.Path, paraphrases: Mapping[str, Sequence[str]]
) -> None:
    """Write the file, sorted by text, so that a reader sees all of it or nothing."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = {text: list(paraphrases[text]) for text in sorted(paraphrases)}
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    partial.write_text(
        json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    partial.replace(path)


def read_paraphrases(path: str | pathlib.Path) -> dict[str, tuple[str, ...]]:
    """Variants of each text.

    Raises:
      ValueError: naming the file, and the text where its entry is not a list of
        non-empty texts.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; write it by experiments.paraphrase")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: expected an object of texts and their variants")
    for text, variants in found.items():
        if not isinstance(variants, list) or not all(
            isinstance(v, str) and v.strip() for v in variants
        ):
            raise ValueError(
                f"{path}: {text!r}: expected a list of texts, found {variants!r}"
            )
    return {text: tuple(variants) for text, variants in found.items()}
