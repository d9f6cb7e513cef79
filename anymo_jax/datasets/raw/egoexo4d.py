"""Ego-Exo4D: Aria glasses in eight kinds of skilled activity (Grauman et al. 2024)."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from anymo_jax.datasets.raw.files import find_files
from anymo_jax.datasets.raw.head import SENSORS, find_arrays, length_s, read_array
from anymo_jax.datasets.raw.labels import whole
from anymo_jax.datasets.raw.sensors import nodes_of
from anymo_jax.datasets.raw.splits import name_and_label, read_lists
from anymo_jax.datasets.recording import (
    DatasetFacts,
    Protocol,
    Vocabulary,
    WearableRecording,
)

NEEDS = (
    "takes.json (egoexo --parts metadata) and processed_imu/TAKE.npy, which COMODO's "
    "dataset/EgoExo4D scripts make of takes/TAKE/*_noimagestreams.vrs (egoexo --parts "
    "take_vrs_noimagestream); Ego-Exo4D licence agreement"
)
CLASSES = (
    *("Basketball", "Bike Repair", "Cooking", "Dance", "Health", "Music"),
    *("Rock Climbing", "Soccer"),
)


def _read(root: Path) -> Iterator[WearableRecording]:
    """The takes of the lists."""
    listed = read_lists(root, name_and_label, "EgoExo4D")
    arrays = find_arrays(root, NEEDS)
    people = {t["take_name"]: _person(t) for t in read_takes(root, needed=False)}
    for name, entry in sorted(listed.items()):
        if entry.label not in CLASSES:
            raise ValueError(
                f"list of {entry.split}: {name} has the unknown label {entry.label!r}"
            )
        if name not in arrays:
            continue
        streams, notes = read_array(*arrays[name])
        yield WearableRecording(
            streams=streams,
            spans=whole(*length_s(streams), CLASSES.index(entry.label)),
            subject=people.get(name, ""),
            split=entry.split,
            source=arrays[name][0].name,
            notes=notes,
        )


def read_takes(root: Path, needed: bool = True) -> list[Mapping]:
    """Entries of takes.json that have a name and a number.

    Args:
      root: folder in or below which it lies.
      needed: False gives an empty list where there is none.

    Raises:
      ValueError: where it is missing though needed, or is no list of takes.
    """
    try:
        file = find_files(root, r"takes\.json", NEEDS)[0]
    except ValueError:
        if needed:
            raise
        return []
    takes = read_json(file)
    if not isinstance(takes, list):
        raise ValueError(f"{file.name}: holds no list of takes; download it again")
    takes = [take for take in takes if isinstance(take, dict)]
    return [t for t in takes if t.get("take_uid") and t.get("take_name")]


def read_json(file) -> list | dict:
    """What a JSON file holds.

    Raises:
      ValueError: naming the file, where it is damaged.
    """
    try:
        return json.loads(file.read())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file.name}: no readable JSON ({error})") from None


def _person(take: Mapping) -> str:
    return str(take.get("participant_uid") or "")


FACTS = DatasetFacts(
    name="egoexo4d",
    title="Ego-Exo4D (activities, IMU)",
    licence="Ego-Exo4D licence agreement",
    citation="Grauman et al., Ego-Exo4D: understanding skilled human activity from "
    "first- and third-person perspectives, CVPR 2024; split: Chen et al., COMODO, 2025",
    homepage="https://ego-exo4d-data.org",
    needs=NEEDS + "; and train.txt, val.txt and test.txt of "
    "https://github.com/Breezelled/COMODO, folder dataset/EgoExo4D, beside them",
    vocabulary=Vocabulary(classes=CLASSES, own=CLASSES),
    protocol=Protocol(seconds=5.0, shortest=5.0),
    nodes=nodes_of(SENSORS),
    rate_hz=200.0,
    flags=("Takes are split, not subjects: one person may be in training and test.",),
    read=_read,
)
