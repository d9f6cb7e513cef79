"""RealWorld: phones and watches at seven sites, 50 Hz (Sztyler, Stuckenschmidt 2016).

Every sensor of every device has a CSV of its own with its own stamps, in a zip of each
activity; where a recording was interrupted the zip holds one zip for each part.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from anymo_jax.datasets.raw.columns import read_columns
from anymo_jax.datasets.raw.files import RawFile, find_files, natural_order
from anymo_jax.datasets.raw.labels import runs
from anymo_jax.datasets.raw.sensors import Sensor, device, in_order, to_stream
from anymo_jax.datasets.recording import (
    FORCE,
    RATE,
    DatasetFacts,
    Protocol,
    Stream,
    Vocabulary,
    WearableRecording,
)

_AXES = ("attr_x", "attr_y", "attr_z")
# As the paper's Table 9 has it, after the UniMTS bundle; the chest's and the shin's
# nearest segments would be others.
_SEGMENTS = {
    "chest": "L_Shoulder",
    "forearm": "L_Forearm",
    "head": "Head",
    "shin": "L_Foot",
    "thigh": "L_UpperLeg",
    "upperarm": "L_UpperArm",
    "waist": "L5",
}
_SENSORS = {
    (sensor.site, sensor.kind): sensor
    for site, segment in _SEGMENTS.items()
    for sensor in device(site, segment, force=_AXES, rate=_AXES)
}
_OWN = (
    *("lying", "jumping", "standing", "walking", "sitting", "climbingdown"),
    *("climbingup", "running"),
)
# "acc_walking_chest.csv", "Gyroscope_climbingup_2_head.csv"
_PATTERN = (
    r"proband(?P<subject>\d+)/(?:.*/)?(?P<kind>acc|gyr(?:oscope)?)_"
    rf"(?P<activity>{'|'.join(_OWN)})(?:_\d+)?_(?P<site>{'|'.join(_SEGMENTS)})"
    r"(?:_\d+)?\.csv"
)
# The zips of sound and positions are large and hold nothing for us.
_ARCHIVES = r"(?:(?:realworld|proband)[^/]*|(?:^|/)(?:acc|gyr)_[^/]*)\.zip$"
_NEEDS = "proband1/data/acc_walking_csv.zip, gyr_walking_csv.zip and the others"


def _read(root: Path) -> Iterator[WearableRecording]:
    """One recording of each subject and activity."""
    files = find_files(root, _PATTERN, _NEEDS, _ARCHIVES)
    files.sort(key=_recording_of)
    for (subject, place), members in itertools.groupby(files, key=_recording_of):
        yield _recording(str(subject), place, list(members))


def _recording_of(file: RawFile) -> tuple[int, int]:
    return int(file.groups["subject"]), _OWN.index(file.groups["activity"].lower())


def _recording(subject: str, label: int, files: Sequence[RawFile]) -> WearableRecording:
    notes, streams = [], []
    files = sorted(files, key=lambda f: (_sensor_of(f).site, _sensor_of(f).kind))
    for sensor, parts in itertools.groupby(files, key=_sensor_of):
        stream, told = _stream(sensor, list(parts))
        streams.append(stream)
        notes.extend(told)
    if not any(stream.kind == FORCE for stream in streams):
        raise ValueError(
            f"{files[0].name}: no accelerometer beside it; needed: {_NEEDS}"
        )
    clock = max((s for s in streams if s.kind == FORCE), key=lambda s: len(s.time))
    together = [s for s in streams if _overlap(s, clock)]
    notes.extend(
        f"{s.kind} of {s.site}: recorded at another time than the rest, left out"
        for s in streams
        if not _overlap(s, clock)
    )
    return WearableRecording(
        streams=tuple(together),
        spans=runs(clock.time, np.full(len(clock.time), label, np.int64)),
        subject=subject,
        split="",
        source=f"proband{subject}, {_OWN[label]}",
        notes=tuple(notes),
    )


def _sensor_of(file: RawFile) -> Sensor:
    kind = FORCE if file.groups["kind"].lower() == "acc" else RATE
    return _SENSORS[file.groups["site"].lower(), kind]


def _stream(sensor: Sensor, parts: Sequence[RawFile]) -> tuple[Stream, Sequence[str]]:
    """The parts of one sensor, in order of their stamps."""
    kinds = {"attr_time": np.float64} | dict.fromkeys(_AXES, np.float32)
    frames = [
        read_columns(file.read(), file.name, kinds, header=True)
        for file in sorted(parts, key=lambda f: natural_order(f.name))
    ]
    time = np.concatenate([f["attr_time"].to_numpy() for f in frames]) * 1e-3
    values = np.concatenate([f[list(_AXES)].to_numpy(np.float32) for f in frames])
    order, notes = in_order(time, f"{sensor.kind} of {sensor.site}")
    if order is not None:
        time, values = time[order], values[order]
    if not len(time):
        raise ValueError(f"{parts[0].name}: no sample has a time stamp")
    return to_stream(sensor, time, values), notes


def _overlap(one: Stream, other: Stream) -> bool:
    return bool(one.time[0] <= other.time[-1] and other.time[0] <= one.time[-1])


FACTS = DatasetFacts(
    name="realworld",
    title="RealWorld (HAR)",
    licence="free for research, cite the paper",
    citation="Sztyler and Stuckenschmidt, On-body localization of wearable devices: an "
    "investigation of position-aware activity recognition, PerCom 2016",
    homepage="https://www.uni-mannheim.de/dws/research/projects/activity-recognition/"
    "dataset/dataset-realworld/",
    needs="realworld2016_dataset.zip (some GB), as it is or unpacked, zips inside "
    "as they are; no sign-in",
    vocabulary=Vocabulary(
        classes=(
            *("lying", "jumping", "standing", "walking", "sitting"),
            *("climbing down", "climbing up", "running"),
        ),
        own=_OWN,
    ),
    protocol=Protocol(seconds=10.0, shortest=10.0),
    nodes={site: s.node for (site, _), s in _SENSORS.items()},
    rate_hz=50.0,
    flags=(
        "Nodes are the paper's (chest on the left shoulder, shin on the left foot), "
        "not the nearest segments.",
        "No official split. The window length of the UniMTS bundle is not published: "
        "10 s here.",
    ),
    read=_read,
)
