"""UESTC-MMEA-CL: smart glasses in 32 daily activities, 25 Hz (Xu et al. 2023)."""

import dataclasses
import math
import pathlib
from collections.abc import Iterator
from pathlib import Path

from anymo_jax.datasets.raw.sensors import device, nodes_of
from anymo_jax.datasets.raw.splits import read_lists
from anymo_jax.datasets.raw.tables import TableLayout, read_tables
from anymo_jax.datasets.recording import (
    DatasetFacts,
    Protocol,
    Vocabulary,
    WearableRecording,
)
from anymo_jax.datasets.units import GRAVITY

# Counts of an MPU-6050 at +-2 g and +-2000 deg/s.
_SENSORS = device(
    "glasses",
    "Head",
    force=0,
    rate=3,
    force_unit=GRAVITY / 16384,
    rate_unit=math.radians(1 / 16.4),
)
_CLASSES = (
    *("upstairs", "downstairs", "drinking", "fall", "reading", "sweep floor"),
    *("cut fruits", "mop floor", "writing", "wipe table", "wash hand", "standing"),
    *("play phone", "type pc", "eating", "cooking", "pick up phone", "drop trash"),
    *("fold clothes", "walking", "play card", "brush teeth", "wash dish"),
    *("moving sth", "type phone", "chat", "open close door", "ride bike"),
    *("sit stand", "take drop sth", "shopping", "watch TV"),
)
# The folders' words; one has a typing error.
_OWN = tuple(
    name.replace(" ", "_").replace("drop_trash", "drop_trush") for name in _CLASSES
)
# Folder 1 holds class 0.
_LAYOUT = TableLayout(
    pattern=r"sensor/(?P<label>\d+)_[A-Za-z_]+/(?P<clip>[^/]+)\.csv",
    sensors=_SENSORS,
    codes={i + 1: i for i in range(32)},
    rate_hz=25.0,
    needs="sensor/1_upstairs/*.csv to sensor/32_watch_TV/*.csv",
)


def _parse(line: str) -> tuple[str, str]:
    """yourdataset_path/data/1_upstairs/1_upstairs_TIME FRAMES FRAMES 0."""
    words = line.split()
    if len(words) < 2 or not words[-1].isdigit():
        raise ValueError(f"{line!r} is no path, numbers of frames and label")
    return words[0].rsplit("/", 1)[-1], words[-1]


def _read(root: Path) -> Iterator[WearableRecording]:
    lists = read_lists(root, _parse, "UESTC-MMEA-CL")
    for recording in read_tables(root, _LAYOUT):
        entry = lists.get(pathlib.PurePosixPath(recording.source).stem)
        label = int(recording.spans.label[0])
        if entry and int(entry.label) != label:
            raise ValueError(
                f"{recording.source}: its folder says class {label}, the list "
                f"{entry.label}; get the lists or the data again"
            )
        yield dataclasses.replace(recording, split=entry.split if entry else "")


FACTS = DatasetFacts(
    name="mmea",
    title="UESTC-MMEA-CL",
    licence="on request, for research",
    citation="Xu et al., Towards continual egocentric activity recognition: a "
    "multi-modal egocentric activity dataset for continual learning, IEEE TMM 2023",
    homepage="https://ivipclab.github.io/publication_uestc-mmea-cl/mmea-cl/",
    needs="the folder sensor/ of the data (form on the homepage), and beside it "
    "train.txt, val.txt and test.txt of https://github.com/Breezelled/COMODO, folder "
    "dataset/UESTC-MMEA-CL",
    vocabulary=Vocabulary(classes=_CLASSES, own=_OWN),
    protocol=Protocol(seconds=None, shortest=1.0),
    nodes=nodes_of(_SENSORS),
    rate_hz=25.0,
    flags=(
        "No subjects are named: the split is not by subject.",
        "Files have no header; readers that take the first sample for one lose it.",
    ),
    read=_read,
)
