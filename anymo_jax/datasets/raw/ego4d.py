"""Ego4D: head-worn IMUs of video in the wild, 31 scenarios (Grauman et al. 2022)."""

from collections.abc import Iterator
from pathlib import Path

from anymo_jax.datasets.raw.files import RawFile, find_files
from anymo_jax.datasets.raw.head import (
    SENSORS,
    find_arrays,
    length_s,
    read_array,
    read_csv,
)
from anymo_jax.datasets.raw.labels import whole
from anymo_jax.datasets.raw.sensors import nodes_of
from anymo_jax.datasets.raw.splits import name_and_label, read_lists
from anymo_jax.datasets.recording import (
    DatasetFacts,
    Protocol,
    Vocabulary,
    WearableRecording,
)

_UID = r"(?P<uid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_NEEDS = (
    "v2/imu/UID.csv (ego4d --datasets imu), or COMODO's processed_imu/"
    "UID.npy; and train.txt, val.txt and test.txt of "
    "https://github.com/Breezelled/COMODO, folder dataset/Ego4D, beside them. Ego4D "
    "licence agreement"
)
# Where the video's own scenario is not the paper's word.
_OWN = {
    "car / commuting / road trip": "car - commuting, road trip",
    "car / scooter washing": "car/scooter washing",
    "crafting / knitting / sewing / drawing / painting": (
        "crafting/knitting/sewing/drawing/painting"
    ),
    "household management / caring for kids": "household management - caring for kids",
    "construction / renovation jobs": (
        "jobs related to construction/renovation company (director of work, tiler, "
        "plumber, electrician, handyman, etc)"
    ),
}
_CLASSES = (
    *("baker", "bike", "bike mechanic", "biology experiments"),
    *("car / commuting / road trip", "car / scooter washing", "carpenter"),
    *("cleaning / laundry", "cooking"),
    "crafting / knitting / sewing / drawing / painting",
    *("cycling / jogging", "eating", "farmer", "fixing something in the home"),
    *("gardening", "household management / caring for kids"),
    *("indoor navigation (walking)", "construction / renovation jobs"),
    *("playing board games", "playing cards", "playing games / video games"),
    *("playing with pets", "potting plants (indoor)"),
    *("practicing a musical instrument", "reading books", "scooter mechanic"),
    *("walking on street", "watching tv", "working at desk", "working out at home"),
    "working out outside",
)
_WORDS = tuple(_OWN.get(name, name) for name in _CLASSES)


def _read(root: Path) -> Iterator[WearableRecording]:
    """The videos of the lists, from Ego4D's files where they are, else the arrays."""
    listed = read_lists(root, name_and_label, "Ego4D")
    raw: dict[str, RawFile] = {}
    arrays = {}
    try:
        raw = {f.groups["uid"]: f for f in find_files(root, rf"{_UID}\.csv", _NEEDS)}
    except ValueError:
        arrays = find_arrays(root, _NEEDS)
    for uid, entry in sorted(listed.items()):
        word = " ".join(entry.label.lower().split())
        if word not in _WORDS:
            raise ValueError(
                f"list of {entry.split}: {uid} has the unknown scenario {entry.label!r}"
            )
        if uid in raw:
            streams, notes = read_csv(raw[uid])
            name = raw[uid].name
        elif uid in arrays:
            streams, notes = read_array(*arrays[uid])
            name = arrays[uid][0].name
        else:
            # Videos come and go between releases; the card counts the recordings.
            continue
        yield WearableRecording(
            streams=streams,
            spans=whole(*length_s(streams), _WORDS.index(word)),
            subject="",
            split=entry.split,
            source=name,
            notes=notes,
        )


FACTS = DatasetFacts(
    name="ego4d",
    title="Ego4D (scenarios, IMU subset of COMODO)",
    licence="Ego4D licence agreement",
    citation="Grauman et al., Ego4D: around the world in 3,000 hours of egocentric "
    "video, CVPR 2022; split: Chen et al., COMODO, 2025",
    homepage="https://ego4d-data.org",
    needs=_NEEDS,
    vocabulary=Vocabulary(classes=_CLASSES, own=_WORDS),
    protocol=Protocol(seconds=5.0, shortest=5.0),
    nodes=nodes_of(SENSORS),
    rate_hz=200.0,
    flags=(
        "The label is the scenario of a whole video: most windows of a video show "
        "something else.",
        "Videos are split, not subjects, whose names are not published.",
    ),
    read=_read,
)
