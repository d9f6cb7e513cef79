"""Hardware noise priors: how they are pooled from real sensors, kept and loaded.

The paper takes two priors from two real device streams, each the mean over three worn
sensors, and gives every simulated placement one of them (section 3.1). The package
ships `priors.json`, written by `python -m experiments.estimate_noise`: numbers and
where they come from. A prior is the mean over devices and axes; a device recorded
several times (several people) enters as the median of its recordings.
"""

import dataclasses
import importlib.resources
import json
import pathlib
import re
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from anymo_jax.simulation.quiet import QuietNoise

REFERENCE_RATE_HZ = 60.0
_KINDS = {"accelerometer": slice(0, 3), "gyroscope": slice(3, 6)}
_UNITS = {"accelerometer": "m/s^2", "gyroscope": "rad/s"}


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class NoisePriors:
    """K hardware priors; the last axis is accelerometer, gyroscope.

    Attributes:
      density: (K, 2) one-sided white noise density, m/s^2/sqrt(Hz) and rad/s/sqrt(Hz);
        a stream sampled at a rate f has std density * sqrt(f / 2).
      bias_std: (K, 2) m/s^2 and rad/s, spread of the constant bias of one axis.
      names: name of each prior (static).
    """

    density: jax.Array
    bias_std: jax.Array
    names: tuple[str, ...] = dataclasses.field(metadata={"static": True})


@dataclasses.dataclass(frozen=True)
class DeviceNoise:
    """Estimates of one device.

    Attributes:
      source: recording or data set it was read from.
      device: name of the sensor there.
      streams: one estimate per recording.
    """

    source: str
    device: str
    streams: Sequence[QuietNoise]


def load_priors(path: str | pathlib.Path | None = None) -> NoisePriors:
    """The shipped table, or one of the same format.

    Raises:
      ValueError: naming the file and the field that is missing or not positive.
    """
    if path is None:
        path = importlib.resources.files("anymo_jax.simulation") / "priors.json"
    else:
        path = pathlib.Path(path)
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        entries = table["priors"]
        names = tuple(entry["name"] for entry in entries)
        density = _column(entries, "density")
        bias_std = _column(entries, "bias_std")
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: not a table of noise priors ({error!r}); "
            "write one with `python -m experiments.estimate_noise`"
        ) from error
    if not names or not (density > 0).all() or not (bias_std >= 0).all():
        raise ValueError(f"{path}: a noise prior needs density > 0 and bias_std >= 0")
    return NoisePriors(
        density=jnp.asarray(density, jnp.float32),
        bias_std=jnp.asarray(bias_std, jnp.float32),
        names=names,
    )


def pool_devices(
    name: str, devices: Sequence[DeviceNoise], rejected: Sequence[Mapping] = ()
) -> dict:
    """One prior of the table, as plain numbers, from the devices of its kind.

    The bias of the gyroscope is its mean reading at rest; that of the accelerometer its
    deviation from gravity along the vertical, which is one component of the bias in
    whatever posture. Both are pooled as RMS over devices.

    Raises:
      ValueError: where no device has a channel of one kind.
    """
    seconds = sum(s.seconds for d in devices for s in d.streams)
    entry = {"name": name, "quiet_seconds": round(seconds, 1)}
    for kind in _KINDS:
        entry[kind] = _pool_kind(name, devices, kind)
    entry["devices"] = [_describe(device) for device in devices]
    entry["rejected"] = list(rejected)
    return entry


def write_table(path: str | pathlib.Path, priors: Sequence[dict], method: Mapping):
    """Write the table of priors with its units and method."""
    table = {
        "format": 1,
        "reference_rate_hz": REFERENCE_RATE_HZ,
        "units": {
            kind: {
                "white_std, bias_std, resolution": unit,
                "density": f"{unit}/sqrt(Hz), one-sided: std / sqrt(rate_hz / 2)",
                "device_spread, axis_spread": "fraction of the mean",
                "whiteness": "1 for white noise, less where motion remains",
            }
            for kind, unit in _UNITS.items()
        },
        "method": dict(method),
        "priors": list(priors),
    }
    text = json.dumps(table, indent=1, allow_nan=False)
    # Lists of numbers on one line keep the table readable.
    text = re.sub(r"\[\s+([-+.\de]+(?:,\s+[-+.\de]+)*)\s+\]", _on_one_line, text)
    pathlib.Path(path).write_text(text + "\n", encoding="utf-8")


def _on_one_line(match: re.Match) -> str:
    return f"[{', '.join(match[1].replace(',', ' ').split())}]"


def _pool_kind(name, devices, kind):
    """Numbers of the accelerometer or of the gyroscope, over devices and axes."""
    axes = _KINDS[kind]
    measured = [d for d in devices if np.isfinite(_median(d, "density")[axes]).all()]
    if not measured:
        raise ValueError(f"prior {name!r}: no device with a {kind}")
    density = np.array([_median(d, "density")[axes] for d in measured])
    mean = density.mean()
    if kind == "gyroscope":
        bias = np.array([_median(d, "rate_bias") for d in measured])
    else:
        bias = np.array([_median(d, "force_excess") for d in measured])
    return {
        "white_std": _digits(mean * np.sqrt(REFERENCE_RATE_HZ / 2)),
        "density": _digits(mean),
        "device_spread": _digits(density.mean(axis=1).std() / mean),
        "axis_spread": _digits((density.std(axis=1) / density.mean(axis=1)).mean()),
        "bias_std": _digits(np.sqrt(np.mean(bias**2))),
        "devices": len(measured),
    }


def _describe(device: DeviceNoise) -> dict:
    """Provenance of one device, with its own figures at its own rate."""
    entry = {
        "source": device.source,
        "device": device.device,
        "streams": len(device.streams),
        "rate_hz": device.streams[0].rate_hz,
        "quiet_seconds": round(sum(s.seconds for s in device.streams), 1),
    }
    for kind, axes in _KINDS.items():
        if np.isfinite(_median(device, "white_std")[axes]).all():
            entry[kind] = {
                field: [_digits(v) for v in _median(device, field)[axes]]
                for field in ("white_std", "whiteness", "resolution")
            }
    return entry


def _median(device: DeviceNoise, field: str) -> np.ndarray:
    values = [getattr(stream, field) for stream in device.streams]
    return np.asarray(np.median(values, axis=0))


def _column(entries, field):
    return np.array([[entry[kind][field] for kind in _KINDS] for entry in entries])


def _digits(value) -> float:
    """Three significant digits: the estimates hold no more."""
    return float(f"{value:.3g}")
