"""Speed of reading wearable tables, against pandas' own parsing of the same files.

Ours ends in recordings: parsed strictly, in order of time, in SI units, by person,
session and device, with labelled spans. Pandas ends in a data frame. Both read the same
file in turn, so that both meet the same caches and the same neighbours on the machine.
Besides the wall clock the processor's seconds of all threads are compared: on a machine
that others use too only these hold still.
"""

import os
import pathlib
import platform
import statistics
import tempfile
import time
from importlib.metadata import version

import numpy as np
import pandas

from anymo_jax.datasets.engine import build
from anymo_jax.datasets.tables.facts import TableOptions, open_table

REPEATS = 9
RATE_HZ = 100.0
_AXES = [f"{kind}_{axis}" for kind in ("acc", "gyro") for axis in "xyz"]


def run() -> dict:
    """Measure everything; a mapping with the machine and one row a file."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            _measure(name, write(pathlib.Path(folder)))
            for name, write in {
                "one device, one recording": _one_device,
                "four devices, one recording": _four_devices,
                "one device, 3,000 windows": _windows,
                "one device, Parquet": _parquet,
            }.items()
        ]
    machine = {
        "cpu": platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        **{name: version(name) for name in ("pandas", "pyarrow", "numpy")},
    }
    return {"machine": machine, "rows": rows}


def report(result: dict) -> str:
    """The measurements as a person reads them."""
    lines = [
        ", ".join(f"{name} {value}" for name, value in result["machine"].items()),
        "",
        f"{'file':<30}{'MB':>7}{'pandas':>9}{'ours':>9}{'ratio':>8}{'of CPU':>8}"
        f"{'to windows':>12}",
    ]
    lines += [
        f"{row['file']:<30}{row['megabytes']:>7.1f}"
        f"{row['megabytes'] / row['pandas_s']:>9.0f}"
        f"{row['megabytes'] / row['ours_s']:>9.0f}{row['ratio']:>8.2f}"
        f"{row['cpu_ratio']:>8.2f}"
        f"{row['megabytes'] / row['windows_s']:>12.1f}"
        for row in result["rows"]
    ]
    lines.append(
        "MB/s; ratio: median of our seconds over pandas' of the same turn, by the wall "
        "and the processor;\nto windows: read, resampled, checked and cut."
    )
    return "\n".join(lines)


def _measure(name: str, path: pathlib.Path) -> dict:
    options = TableOptions(window_s=0.0 if "windows" in name else 5.0)
    facts = open_table(path, options)
    parse = pandas.read_parquet if path.suffix == ".parquet" else pandas.read_csv
    theirs, ours = [], []
    for _ in range(REPEATS):
        theirs.append(_seconds(lambda: parse(path)))
        ours.append(_seconds(lambda: list(facts.read(path))))
    wall, cpu = (
        [mine[clock] / other[clock] for mine, other in zip(ours, theirs, strict=True)]
        for clock in (0, 1)
    )
    return {
        "file": name,
        "megabytes": path.stat().st_size / 1e6,
        "pandas_s": statistics.median(taken for taken, _ in theirs),
        "ours_s": statistics.median(taken for taken, _ in ours),
        "ratio": statistics.median(wall),
        "cpu_ratio": statistics.median(cpu),
        "windows_s": _seconds(lambda: build(facts, facts.read(path)))[0],
    }


def _seconds(call) -> tuple[float, float]:
    """Seconds of the clock on the wall and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def _signal(count: int, seed: int) -> np.ndarray:
    """(T, 6) of a device that swings slowly, float32 as files carry it."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(count) / RATE_HZ
    angle = 0.8 * np.sin(2 * np.pi * 0.2 * time_s) * (np.sin(0.05 * time_s) > 0)
    rate = np.gradient(angle, 1 / RATE_HZ)
    force = 9.80665 * np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1)
    turn = np.stack([0 * rate, -rate, 0 * rate], axis=1)
    signal = np.concatenate([force, turn], axis=1)
    return (signal + rng.normal(size=signal.shape) * 0.02).astype(np.float32)


def _table(count: int, sites: list[str]) -> pandas.DataFrame:
    columns = {"time": np.arange(count) / RATE_HZ}
    for seed, site in enumerate(sites):
        for axis, values in zip(_AXES, _signal(count, seed).T, strict=True):
            columns[f"{site}_{axis}"] = values
    label = np.arange(count) // 6000 % 3
    columns["activity"] = np.array(["sitting", "walking", "running"])[label]
    return pandas.DataFrame(columns)


def _one_device(folder: pathlib.Path) -> pathlib.Path:
    path = folder / "one.csv"
    _table(600_000, ["left_wrist"]).to_csv(path, index=False)
    return path


def _four_devices(folder: pathlib.Path) -> pathlib.Path:
    path = folder / "four.csv"
    sites = ["left_wrist", "right_wrist", "waist", "left_ankle"]
    _table(200_000, sites).to_csv(path, index=False)
    return path


def _windows(folder: pathlib.Path) -> pathlib.Path:
    path = folder / "windows.csv"
    made = _table(600_000, ["left_wrist"])
    window = np.arange(len(made)) // 200
    made["time"] = np.arange(len(made)) % 200 / RATE_HZ
    made["window"], made["subject"] = window, window % 40
    made.to_csv(path, index=False)
    return path


def _parquet(folder: pathlib.Path) -> pathlib.Path:
    path = folder / "one.parquet"
    _table(600_000, ["left_wrist"]).to_parquet(path)
    return path
