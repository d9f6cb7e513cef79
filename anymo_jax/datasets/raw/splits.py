"""Lists of official splits: train.txt, val.txt and test.txt beside the data."""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from anymo_jax.datasets.raw.files import find_files

_SPLITS = {"train": "train", "val": "validation", "test": "test"}
COMODO = "https://github.com/Breezelled/COMODO"


class Listed(NamedTuple):
    """What the lists say of one recording.

    Attributes:
      split: "train", "validation" or "test".
      label: word or number of its class, as it stands there.
    """

    split: str
    label: str


def read_lists(
    root: str | os.PathLike,
    parse: Callable[[str], tuple[str, str]],
    folder: str,
) -> Mapping[str, Listed]:
    """The three lists of COMODO, by the names of recordings.

    Args:
      root: folder in or below which they lie.
      parse: a line -> name of the recording and its label; a ValueError for another.
      folder: in COMODO's repository, said where they are missing.

    Raises:
      ValueError: where one of the lists is missing, a line is not of the form, or a
        recording stands in two of them.
    """
    where = f"train.txt, val.txt and test.txt of {COMODO}, folder dataset/{folder}"
    listed: dict[str, Listed] = {}
    for word, split in _SPLITS.items():
        file = find_files(root, rf"{word}\.txt", where)[0]
        lines = file.read().decode("utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                name, label = parse(line)
            except ValueError as error:
                raise ValueError(f"{file.name}, line {number}: {error}") from None
            if listed.setdefault(name, Listed(split, label)).split != split:
                raise ValueError(
                    f"{file.name}, line {number}: {name} stands in the list of "
                    f"{listed[name].split} as well; get the lists again ({where})"
                )
    return listed


def name_and_label(line: str) -> tuple[str, str]:
    """A line of Ego4D's and EgoExo4D's lists: name, tabulator, label."""
    name, tabulator, label = line.partition("\t")
    if not tabulator or not label.strip():
        raise ValueError(f"{line!r} is no name and label with a tabulator between")
    return name.strip(), label.strip()
