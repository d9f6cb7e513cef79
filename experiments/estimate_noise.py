"""Estimate the two hardware noise priors from real recordings and write the table.

    python -m experiments.estimate_noise --imu=DIR --har=DIR --out=priors.json

Reads still phases only (`anymo_jax.simulation.quiet`):

- research_grade: Xsens body sensors, gaittoolbox_S02_walk.npz (raw streams at 100 Hz)
  and xsens_andy_kicking.npz (240 Hz, which never rests and so is named as rejected).
- consumer: the phone of motionsense.npz and the sensors of umafall.npz, the two
  development sets. Test sets are never read.

Takes a few seconds. The package ships its result as anymo_jax/simulation/priors.json.
"""

import dataclasses
import pathlib

import numpy as np
from absl import app, flags

from anymo_jax.simulation.noise_priors import DeviceNoise, pool_devices, write_table
from anymo_jax.simulation.quiet import QuietRule, estimate_noise, quiet_frames

RULE = QuietRule()
# Recordings with less quiet time say nothing and are named as rejected.
LEAST_SECONDS = 5.0
# One recording: source, device, sampling rate in Hz, runs of (T, 6).
Stream = tuple[str, str, float, list[np.ndarray]]


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    imu, har = pathlib.Path(flags.FLAGS.imu), pathlib.Path(flags.FLAGS.har)
    priors = estimate_priors(imu, har)
    for prior in priors:
        report(prior)
    method = {
        "estimator": "anymo_jax.simulation.quiet, median over the streams of a device, "
        "mean over devices and axes; bias_std is the RMS over devices",
        "least_quiet_seconds": LEAST_SECONDS,
        "rule": dataclasses.asdict(RULE),
        "caveat": "density holds where a device filters before it samples; for the "
        "20 Hz streams that is unknown: white_std at 60 Hz is then an upper bound",
    }
    write_table(flags.FLAGS.out, priors, method)
    print(f"wrote {flags.FLAGS.out}")


def estimate_priors(imu: pathlib.Path, har: pathlib.Path) -> list[dict]:
    """Both priors, as entries of the table, from the two folders."""
    kinds = {
        "research_grade": [*gaittoolbox(imu), *xsens(imu)],
        "consumer": [*motionsense(har), *umafall(har)],
    }
    return [
        pool_devices(name, *estimate_devices(streams))
        for name, streams in kinds.items()
    ]


def estimate_devices(
    streams: list[Stream],
) -> tuple[list[DeviceNoise], list[dict]]:
    """Estimates by device; streams that hardly rest are counted by device instead."""
    found, rejected = {}, {}
    for source, device, rate_hz, runs in streams:
        quiet = quiet_frames(runs, rate_hz, RULE)
        seconds = sum(int(mask.sum()) for mask in quiet) / rate_hz
        if seconds < LEAST_SECONDS:
            rejected.setdefault((source, device), []).append(seconds)
            continue
        noise = estimate_noise(runs, rate_hz, RULE, quiet)
        found.setdefault((source, device), []).append(noise)
    devices = [DeviceNoise(s, d, tuple(n)) for (s, d), n in found.items()]
    named = [
        {"source": s, "device": d, "streams": len(t), "quiet_seconds": round(sum(t), 2)}
        for (s, d), t in rejected.items()
    ]
    return devices, named


def gaittoolbox(folder: pathlib.Path) -> list[Stream]:
    """The nine raw streams at 100 Hz; the file holds two of them twice."""
    with np.load(folder / "gaittoolbox_S02_walk.npz", allow_pickle=False) as pack:
        columns = list(pack["raw_columns"])
        channels = [columns.index(f"{k}_{a}") for k in ("Acc", "Gyr") for a in "XYZ"]
        names = [k for k in pack.files if k.startswith("raw_for_")]
        sensors = sorted(str(pack[name]) for name in names)
        return [
            (
                *("gaittoolbox_S02_walk", sensor, 100.0),
                [pack[f"raw_{sensor}"][:, channels].astype(float)],
            )
            for sensor in sensors
        ]


def xsens(folder: pathlib.Path) -> list[Stream]:
    """The seventeen sensors of the kicking trial."""
    with np.load(folder / "xsens_andy_kicking.npz", allow_pickle=False) as pack:
        force, rate = pack["sensorAcceleration"], pack["sensorAngularVelocity"]
        imu = np.concatenate([force, rate], axis=-1).astype(float)
        rate_hz = float(pack["fps"])
        names = [str(name) for name in pack["sensors"]]
    return [
        ("xsens_andy_kicking", name, rate_hz, [imu[:, i]])
        for i, name in enumerate(names)
    ]


def motionsense(folder: pathlib.Path) -> list[Stream]:
    """One phone in the pockets of 24 people: a stream for each of them."""
    with np.load(folder / "motionsense.npz", allow_pickle=False) as pack:
        windows, subjects = pack["x"][:, :, 0].astype(float), pack["subject"]
        rate_hz = float(pack["fs"])
    return [
        ("motionsense", "phone", rate_hz, list(windows[subjects == subject]))
        for subject in np.unique(subjects)
    ]


def umafall(folder: pathlib.Path) -> list[Stream]:
    """Five sensors; still moments are rare, so all people make one stream each."""
    with np.load(folder / "umafall.npz", allow_pickle=False) as pack:
        trials = np.split(pack["x"].astype(float), pack["offsets"][1:-1])
        sites, rate_hz = [str(site) for site in pack["sites"]], float(pack["fs"])
    return [
        ("umafall", site, rate_hz, [t[:, i] for t in trials if len(t)])
        for i, site in enumerate(sites)
    ]


def report(prior: dict) -> None:
    """Print one prior as a line per kind of sensor."""
    print(f"{prior['name']}: {prior['quiet_seconds']:.0f} quiet seconds")
    for kind in ("accelerometer", "gyroscope"):
        p = prior[kind]
        print(
            f"  {kind:13s} {p['devices']} devices  std at 60 Hz {p['white_std']:.2e}  "
            f"density {p['density']:.2e}  bias {p['bias_std']:.2e}  spread over "
            f"devices {p['device_spread']:.0%}, axes {p['axis_spread']:.0%}"
        )


def _define_flags() -> None:
    flags.DEFINE_string(
        "imu", None, "folder of gaittoolbox_S02_walk.npz and xsens_andy_kicking.npz"
    )
    flags.DEFINE_string("har", None, "folder of motionsense.npz and umafall.npz")
    flags.DEFINE_string("out", "priors.json", "the table to write")
    flags.mark_flags_as_required(["imu", "har"])


if __name__ == "__main__":
    _define_flags()
    app.run(main)
