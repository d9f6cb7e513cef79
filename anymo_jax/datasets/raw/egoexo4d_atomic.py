"""Ego-Exo4D's atomic descriptions: windows with texts, for retrieval and captions.

The subset of the paper (A.6): 5-s windows of the head's IMU around descriptions of
what the wearer does, 500 of each of eight kinds of activity. Which ones is not
published; the rule is, so that the same files and seed give the same 4,000:

  * descriptions of the lists "train" and "val", in the files' order, of the subject
    "C", not marked unsure, of at least 10 words after rewriting;
  * of each kind, in the order below, all are shuffled by one generator and the first
    500 taken; what was taken is shuffled once more;
  * the window is centred on the description's time, and moved inside the recording.

"C" becomes "the person", and a man or woman X "another person".
"""

import dataclasses
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from anymo_jax.datasets.raw.egoexo4d import (
    CLASSES,
    FACTS,
    NEEDS,
    read_json,
    read_takes,
)
from anymo_jax.datasets.raw.files import find_files
from anymo_jax.datasets.raw.head import find_arrays, length_s, read_array
from anymo_jax.datasets.recording import (
    Protocol,
    Spans,
    WearableRecording,
)

PER_CLASS, SEED, LEAST_WORDS, SECONDS = 500, 42, 10, 5.0
# The generator goes through the kinds in this order.
_ORDER = (
    *("Rock Climbing", "Basketball", "Dance", "Cooking", "Health", "Bike Repair"),
    *("Soccer", "Music"),
)
_WORD = re.compile(r"[A-Za-z0-9]+(?:[-'][A-Za-z0-9]+)?")
_REWRITTEN = (
    (re.compile(r"\b[Cc]'s\b"), "the person's"),
    (re.compile(r"\b(?:[Mm]an|[Ww]oman)\s+X\b"), "another person"),
    (re.compile(r"\b[Cc]\b"), "the person"),
    (re.compile(r"\s+"), " "),
)


@dataclasses.dataclass(frozen=True)
class Description:
    """One atomic description.

    Attributes:
      take: name of the recording.
      kind: its kind of activity, of `CLASSES`.
      text: rewritten.
      original: as annotated.
      time: seconds from the beginning of the recording.
      person: who wore the glasses, "" where unknown.
    """

    take: str
    kind: str
    text: str
    original: str
    time: float
    person: str


def rewrite(text: str) -> str:
    """A description without the annotators' names for people."""
    for pattern, words in _REWRITTEN:
        text = pattern.sub(words, text)
    return text.strip()


def count_words(text: str) -> int:
    """Number of words; "third-person" and "person's" are one each."""
    return len(_WORD.findall(text))


def descriptions(root: Path, recorded: Sequence[str]) -> list[Description]:
    """All descriptions that may be drawn, in the files' order.

    Args:
      root: folder with takes.json and annotations/atomic_descriptions_*.json.
      recorded: names of the takes whose signals are there.
    """
    takes = {take["take_uid"]: take for take in read_takes(root)}
    there = frozenset(recorded)
    found = []
    for split in ("train", "val"):
        name = rf"atomic_descriptions_{split}\.json"
        file = find_files(root, name, "annotations/ (egoexo --parts annotations)")[0]
        annotated = read_json(file)
        if not isinstance(annotated, dict) or "annotations" not in annotated:
            raise ValueError(f"{file.name}: no field 'annotations'; download it again")
        for uid, jobs in annotated["annotations"].items():
            take = takes.get(uid)
            if take and take["take_name"] in there:
                found.extend(_of_take(take, jobs or ()))
    return found


def _of_take(take: dict, jobs: Sequence[dict]) -> Iterator[Description]:
    kind = str(take.get("parent_task_name") or "")
    if kind not in CLASSES:
        return
    for job in jobs:
        for entry in job.get("descriptions") or ():
            original = str(entry.get("text") or "").strip()
            text = rewrite(original)
            if (
                entry.get("subject") == "C"
                and entry.get("unsure") is not True
                and entry.get("timestamp") is not None
                and count_words(text) >= LEAST_WORDS
            ):
                yield Description(
                    take=take["take_name"],
                    kind=kind,
                    text=text,
                    original=original,
                    time=float(entry["timestamp"]),
                    person=str(take.get("participant_uid") or ""),
                )


def draw(
    found: Sequence[Description], per_class: int = PER_CLASS, seed: int = SEED
) -> list[Description]:
    """The balanced subset, in the order it is drawn.

    Raises:
      ValueError: where a kind has fewer descriptions than asked for.
    """
    generator = random.Random(seed)
    drawn: list[Description] = []
    for kind in _ORDER:
        some = [description for description in found if description.kind == kind]
        if len(some) < per_class:
            raise ValueError(
                f"Ego-Exo4D: {len(some)} descriptions of {kind}, {per_class} wanted; "
                f"are all takes converted? Needed: {NEEDS}"
            )
        generator.shuffle(some)
        drawn.extend(some[:per_class])
    generator.shuffle(drawn)
    return drawn


def read_atomic(
    root: Path, per_class: int = PER_CLASS, seed: int = SEED
) -> Iterator[WearableRecording]:
    """The drawn windows, of each take together: spans with a text, in order of time.

    Raises:
      ValueError: for missing or damaged files, and too few descriptions of a kind.
    """
    arrays = find_arrays(root, NEEDS)
    drawn = draw(descriptions(root, tuple(arrays)), per_class, seed)
    takes: dict[str, list[Description]] = {}
    for description in drawn:
        takes.setdefault(description.take, []).append(description)
    for name, some in sorted(takes.items()):
        streams, notes = read_array(*arrays[name])
        some.sort(key=lambda d: (d.time, d.text))
        start = _starts(np.array([d.time for d in some]), *length_s(streams))
        yield WearableRecording(
            streams=streams,
            spans=Spans(
                start,
                start + SECONDS,
                np.array([CLASSES.index(d.kind) for d in some], np.int64),
                tuple(d.text for d in some),
            ),
            subject=some[0].person,
            split="",
            source=arrays[name][0].name,
            notes=notes,
        )


def _starts(centre: np.ndarray, begin: float, end: float) -> np.ndarray:
    """Begins of windows around some times, moved inside the recording."""
    return np.clip(centre - SECONDS / 2, begin, max(begin, end - SECONDS))


ATOMIC = dataclasses.replace(
    FACTS,
    name="egoexo4d_atomic",
    title="Ego-Exo4D atomic descriptions (balanced subset)",
    needs=NEEDS + "; and annotations/atomic_descriptions_train.json and _val.json",
    protocol=Protocol(seconds=None, shortest=1.0),
    flags=(
        f"{PER_CLASS} windows of each of {len(CLASSES)} kinds, drawn with seed {SEED}; "
        "many descriptions of one recording are close in time, so that windows "
        "overlap.",
    ),
    read=read_atomic,
)
