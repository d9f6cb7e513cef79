"""Head-worn IMUs of egocentric video: the arrays of COMODO, and Ego4D's own CSV.

COMODO's converters write `NAME.npy`, (6, T) at a nominal 200 Hz, and
`NAME_timestamps.npy`. What they leave in doubt is looked at in each file: whether the
accelerometer stands first, whether the stamps (float32 at heart) still tell samples
apart, and samples that are exactly zero, by which they fill in what is missing.
"""

import io
import os
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Float64

from anymo_jax.datasets.raw.columns import read_columns
from anymo_jax.datasets.raw.doubts import force_first
from anymo_jax.datasets.raw.files import RawFile, find_files
from anymo_jax.datasets.raw.sensors import (
    Sensor,
    counted_time,
    device,
    in_order,
    share,
    to_stream,
)
from anymo_jax.datasets.recording import FORCE, Stream

RATE_HZ = 200.0
SENSORS = device("head", "Head", force=0, rate=3)
_ROOM = 0.05
_TIME = "canonical_timestamp_ms"
_CSV_SENSORS = device(
    "head",
    "Head",
    force=("accl_x", "accl_y", "accl_z"),
    rate=("gyro_x", "gyro_y", "gyro_z"),
)


def find_arrays(
    root: str | os.PathLike, needs: str
) -> Mapping[str, tuple[RawFile, RawFile | None]]:
    """Signal and stamps, where there are stamps, of each recording by its name.

    Raises:
      ValueError: where there are no arrays; where there are VRS files instead, it says
        how to convert them.
    """
    try:
        pattern = r"(?P<name>[^/]+?)(?P<stamps>_timestamps)?\.npy"
        files = find_files(root, pattern, needs)
    except ValueError:
        _refuse_vrs(root)
        raise
    signals = {f.groups["name"]: f for f in files if not f.groups["stamps"]}
    stamps = {f.groups["name"]: f for f in files if f.groups["stamps"]}
    return {name: (file, stamps.get(name)) for name, file in signals.items()}


def _refuse_vrs(root: str | os.PathLike) -> None:
    """Say how to convert VRS files, where there are any."""
    try:
        vrs = find_files(root, r"[^/]+\.vrs")
    except ValueError:
        return
    raise ValueError(
        f"{vrs[0].name}: VRS is not read here. Convert stream 1202-1 with dataset/"
        "EgoExo4D/convert_imu_vrs_egoexo.py and extract_imu.py of "
        "https://github.com/Breezelled/COMODO (which use pyvrs), and give the folder "
        "processed_imu that they write"
    )


def read_array(
    signal: RawFile, stamps: RawFile | None
) -> tuple[tuple[Stream, ...], tuple[str, ...]]:
    """The streams of one recording, from zero seconds on, and notes.

    Raises:
      ValueError: naming the file, for an array that is damaged, pickled, or not (6, T).
    """
    values = _array(signal).astype(np.float32)
    if values.ndim != 2 or values.shape[0] != 6 or not values.shape[1]:
        raise ValueError(
            f"{signal.name}: an array of shape {values.shape}, expected (6, T)"
        )
    values = np.ascontiguousarray(values.T)
    notes = []
    values = _with_gaps(values, notes)
    first = force_first(values)
    if first is False:
        values = values[:, [3, 4, 5, 0, 1, 2]]
        notes.append("gyroscope before accelerometer (by gravity): swapped")
    elif first is None:
        notes.append("gravity is in neither half or in both: order taken as it is")
    time = _time(stamps, len(values), notes)
    streams = tuple(to_stream(s, time, values[:, list(s.columns)]) for s in SENSORS)
    return streams, tuple(notes)


def _array(file: RawFile) -> np.ndarray:
    try:
        array = np.load(io.BytesIO(file.read()), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{file.name}: no readable .npy array ({error})") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise ValueError(f"{file.name}: not an array of numbers")
    return array


def _with_gaps(
    values: Float32[np.ndarray, "T 6"], notes: list[str]
) -> Float32[np.ndarray, "T 6"]:
    """Samples of exactly zero in all axes of a sensor were not measured."""
    values = values.copy()
    for part, name in ((slice(0, 3), "first"), (slice(3, 6), "second")):
        zero = (values[:, part] == 0).all(axis=1)
        if zero.any():
            values[zero, part] = np.nan
            notes.append(
                f"zeros in the {name} sensor taken for missing, "
                f"{share(int(zero.sum()), len(zero))}"
            )
    return values


def _time(
    stamps: RawFile | None, count: int, notes: list[str]
) -> Float64[np.ndarray, "T"]:
    """Stamps in seconds from zero; counted at 200 Hz where they cannot be used."""
    counted = counted_time(count, RATE_HZ)
    if stamps is None:
        notes.append("no stamps: samples counted at 200 Hz")
        return counted
    time = _array(stamps).astype(np.float64).reshape(-1)
    if len(time) != count:
        raise ValueError(
            f"{stamps.name}: {len(time)} stamps for {count} samples; convert again"
        )
    # Milliseconds for Ego4D, nanoseconds for EgoExo4D.
    span = (time[-1] - time[0]) / max(count - 1, 1)
    for unit, name in ((1e-3, "ms"), (1e-9, "ns")):
        if abs(span * unit * RATE_HZ - 1) <= _ROOM and (np.diff(time) > 0).all():
            notes.append(f"stamps in {name}")
            return (time - time[0]) * unit
    notes.append("stamps repeat or are not those of 200 Hz: samples counted instead")
    return counted


def read_csv(file: RawFile) -> tuple[tuple[Stream, ...], tuple[str, ...]]:
    """The streams of one of Ego4D's own files, and notes.

    Rows that hold one sensor only are samples of that sensor: each stream has the rows
    in which it was measured.
    """
    columns = [c for sensor in _CSV_SENSORS for c in sensor.columns]
    kinds = {_TIME: np.float64} | dict.fromkeys(columns, np.float32)
    frame = read_columns(file.read(), file.name, kinds, header=True)
    made = [_measured(frame, sensor) for sensor in _CSV_SENSORS]
    streams = tuple(stream for stream, _ in made if stream is not None)
    if not any(stream.kind == FORCE for stream in streams):
        raise ValueError(f"{file.name}: holds no accelerometer sample with a stamp")
    return streams, tuple(note for _, notes in made for note in notes)


def _measured(frame, sensor: Sensor) -> tuple[Stream | None, tuple[str, ...]]:
    name = "accelerometer" if sensor.kind == FORCE else "gyroscope"
    values = frame[list(sensor.columns)].to_numpy(np.float32)
    there = np.isfinite(values).all(axis=1)
    notes = []
    if lost := int((~there).sum()):
        notes.append(f"rows without {name}: {share(lost, len(there))}")
    time = frame[_TIME].to_numpy()[there] * 1e-3
    values = values[there]
    order, told = in_order(time, name)
    if order is not None:
        time, values = time[order], values[order]
    stream = to_stream(sensor, time, values) if len(time) else None
    return stream, (*notes, *told)


def length_s(streams: tuple[Stream, ...]) -> tuple[float, float]:
    """Beginning and end of the accelerometer's samples, seconds."""
    time = next(stream.time for stream in streams if stream.kind == FORCE)
    period = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    return float(time[0]), float(time[-1]) + period
