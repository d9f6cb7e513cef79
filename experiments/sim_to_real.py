"""Simulated against real IMUs: fit placements on half a recording, score the other.

    python -m experiments.sim_to_real --data=DIR --out=DIR

DIR holds andy_kicking-003.mvnx, xsens_andy_kicking.npz and gaittoolbox_S02_walk.npz.
Four comparisons, each with the surface offset fitted and with it held at zero:

- kick: 17 Xsens sensors and the pose that Xsens MVN fused from them (240 Hz). Partly
  circular, the gyroscope above all. MVN bends its positions to keep feet on the
  ground, so their second derivative is not what the sensors felt.
- kick_stated: the same with the segment accelerations that MVN states, which isolates
  the lever arm of Eq. 2 from the differentiation of positions.
- walk: nine Xsens sensors and an optical (Vicon) lower body (100 Hz): independent. Its
  tracks are smoothed in the file, so impacts are missing, and skin markers hardly show
  the turning of thigh and shank about their own axes.
- walk_slow: the same below 6 Hz, where the file's smoothing ends.

Both sides are low-passed at the same cut-off (20 Hz but for the last), without phase.
Scores are held out: the
second half of each recording. Prints tables; writes sim_to_real.json and one picture of
real and simulated traces per comparison. Takes half a minute.
"""

import dataclasses
import json
import pathlib
import warnings

import numpy as np
from absl import app, flags
from matplotlib.figure import Figure
from scipy.spatial.transform import Rotation

from anymo_jax.geometry.derivative import Differentiation
from anymo_jax.geometry.smoothing import smooth
from anymo_jax.motion.mvnx import load_mvnx
from anymo_jax.simulation.fit import fit_placement, predict_imu
from anymo_jax.simulation.lag import undelay

# Vicon's own segments (Plug-in Gait): joint centre and orientation of each.
_WALK_SEGMENTS = {
    "Pelvis": ("PELV", "qRPV"),
    "L_UpLeg": ("LFEP", "qLTH"),
    "R_UpLeg": ("RFEP", "qRTH"),
    "L_LowLeg": ("LFEO", "qLSK"),
    "R_LowLeg": ("RFEO", "qRSK"),
    "L_LowLeg2": ("LFEO", "qLSK"),
    "R_LowLeg2": ("RFEO", "qRSK"),
    "L_Foot": ("LTIO", "qLFT"),
    "R_Foot": ("RTIO", "qRFT"),
}
_WALK_LARGEST_LAG_S = 0.1
# Above it the file's tracks hold less than a tenth of what the sensors felt.
_WALK_BAND_HZ = 6.0


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Real sensors and the motion of the segment under each.

    Attributes:
      name: of the comparison.
      sensors: (S) names.
      imu: (T, S, 6) real signals.
      position: (T, S, 3) m, and rotation (T, S, 3, 3), of each sensor's segment.
      acceleration: (T, S, 3) m/s^2 stated by the capture, or None.
      rate_hz: of both.
      cutoff_hz: low-pass of both.
      largest_lag_s: bound of the lag to look for, 0 if the clocks are one.
    """

    name: str
    sensors: tuple[str, ...]
    imu: np.ndarray
    position: np.ndarray
    rotation: np.ndarray
    acceleration: np.ndarray | None
    rate_hz: float
    cutoff_hz: float = 20.0
    largest_lag_s: float = 0.0


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    out = pathlib.Path(flags.FLAGS.out)
    out.mkdir(parents=True, exist_ok=True)
    table = {}
    for comparison in load_comparisons(pathlib.Path(flags.FLAGS.data)):
        rows, traces = evaluate(comparison)
        table[comparison.name] = {
            "cutoff_hz": comparison.cutoff_hz,
            "median": median(rows),
            "sensors": rows,
        }
        print_table(comparison.name, rows)
        picture = draw(comparison, traces)
        picture.savefig(out / f"sim_to_real_{comparison.name}.png", dpi=110)
    text = json.dumps({"scored": "second half", **table}, indent=1)
    (out / "sim_to_real.json").write_text(text + "\n", encoding="utf-8")
    print(f"wrote {out}/sim_to_real.json and {len(table)} pictures")


def load_comparisons(folder: pathlib.Path) -> list[Comparison]:
    """The four comparisons of the module's text."""
    recording = load_mvnx(folder / "andy_kicking-003.mvnx")
    motion, sensors = recording.motion, recording.sensors
    kick = Comparison(
        "kick",
        sensors.names,
        sensors.imu,
        motion.position[:, sensors.segment],
        motion.rotation[:, sensors.segment],
        None,
        motion.rate_hz,
    )
    with np.load(folder / "xsens_andy_kicking.npz", allow_pickle=False) as pack:
        stated = pack["acceleration"][:, sensors.segment]
    walk = load_walk(folder / "gaittoolbox_S02_walk.npz")
    return [
        kick,
        dataclasses.replace(kick, name="kick_stated", acceleration=stated),
        walk,
        dataclasses.replace(walk, name="walk_slow", cutoff_hz=_WALK_BAND_HZ),
    ]


def load_walk(path: pathlib.Path) -> Comparison:
    """Nine sensors and the optical segments that carry them."""
    with np.load(path, allow_pickle=False) as pack:
        columns = list(pack["vicon_columns"])
        vicon, rate_hz = pack["vicon"].astype(float), float(pack["fps"])
        channels = list(pack["imu_columns"])
        wanted = [channels.index(f"{k}_{i}") for k in ("acc", "gyr") for i in (1, 2, 3)]
        imu = [pack[f"imu_{name}"][:, wanted] for name in _WALK_SEGMENTS]

    def track(name, width):
        start = columns.index(f"{name}_1")
        return vicon[:, start : start + width]

    position = [track(joint, 3) for joint, _ in _WALK_SEGMENTS.values()]
    rotation = [
        Rotation.from_quat(track(name, 4), scalar_first=True).as_matrix()
        for _, name in _WALK_SEGMENTS.values()
    ]
    return Comparison(
        "walk",
        tuple(_WALK_SEGMENTS),
        *(np.stack(x, axis=1) for x in (imu, position, rotation)),
        None,
        rate_hz,
        largest_lag_s=_WALK_LARGEST_LAG_S,
    )


def evaluate(
    comparison: Comparison,
) -> tuple[list[dict], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Scores of each sensor on the second half, and its real and simulated traces."""
    rows, traces = [], {}
    how = Differentiation("bandlimited", comparison.cutoff_hz)
    for index, name in enumerate(comparison.sensors):
        with_offset, traces[name] = score_sensor(comparison, index, how, True)
        without_offset, _ = score_sensor(comparison, index, how, False)
        rows.append(
            {"sensor": name, "offset": with_offset, "no_offset": without_offset}
        )
    return rows, traces


def score_sensor(comparison, index, how, fit_offset):
    """Fit one sensor on the first half; scores and traces (T/2, 6) of the second."""
    rate_hz, stated = comparison.rate_hz, comparison.acceleration
    real = smooth(comparison.imu[:, index], rate_hz, how.cutoff_hz)
    position, rotation = comparison.position[:, index], comparison.rotation[:, index]
    stated = None if stated is None else stated[:, index]
    half = len(real) // 2
    with warnings.catch_warnings():
        # Standard errors of all offsets stand in the table.
        warnings.simplefilter("ignore", UserWarning)
        fitted = fit_placement(
            *(real[:half], position[:half], rotation[:half]),
            acceleration=None if stated is None else stated[:half],
            rate_hz=rate_hz,
            differentiation=how,
            fit_offset=fit_offset,
            largest_lag_s=comparison.largest_lag_s,
        )
    simulated = predict_imu(
        *(fitted, position, rotation),
        acceleration=stated,
        rate_hz=rate_hz,
        differentiation=how,
    )
    real = undelay(real, fitted.lag_s, rate_hz)
    # The smoother is one-sided at the end of the recording.
    end = len(real) - int(np.ceil(rate_hz / how.cutoff_hz))
    real, simulated = real[half:end], simulated[half:end]
    scores = {
        **compare("force", real[:, :3], simulated[:, :3]),
        **compare("rate", real[:, 3:], simulated[:, 3:]),
        "fitted_offset_m": np.round(fitted.offset, 4).tolist(),
        "offset_std_m": np.round(fitted.offset_std, 4).tolist(),
        "condition": round(fitted.condition, 1),
        "lag_s": round(fitted.lag_s, 4),
    }
    return scores, (real, simulated)


def compare(kind: str, real: np.ndarray, simulated: np.ndarray) -> dict[str, float]:
    """Correlation over time and axes, the same with each axis's mean removed, RMSE.

    The first counts how well gravity's direction is met too; the second is stricter.
    """
    centred = [x - x.mean(axis=0) for x in (real, simulated)]
    return {
        f"{kind}_r": round(
            float(np.corrcoef(real.ravel(), simulated.ravel())[0, 1]), 4
        ),
        f"{kind}_r_centred": round(
            float(np.corrcoef(*(x.ravel() for x in centred))[0, 1]), 4
        ),
        f"{kind}_rmse": round(float(np.sqrt(np.mean((real - simulated) ** 2))), 4),
    }


_SCORES = ("force_r", "force_r_centred", "force_rmse", "rate_r", "rate_rmse")


def median(rows: list[dict]) -> dict[str, dict[str, float]]:
    """Median over sensors of each score."""
    return {
        kind: {s: float(np.median([row[kind][s] for row in rows])) for s in _SCORES}
        for kind in ("offset", "no_offset")
    }


def print_table(name: str, rows: list[dict]) -> None:
    """One line per sensor: scores with the offset, and without it."""
    print(f"\n{name}: second half, fitted on the first; m/s^2 and rad/s")
    print(f"{'':14s}|{'with offset':^41s}|{'without':^25s}| offset (cm), lag (ms)")
    print(
        f"{'sensor':14s}|  acc r  centred  RMSE    gyr r   RMSE   |"
        "  acc r  centred   RMSE  |"
    )
    for row in [*rows, {"sensor": "median", **median(rows)}]:
        a, b = row["offset"], row["no_offset"]
        line = (
            f"{row['sensor']:14s}| {a['force_r']:6.3f}  {a['force_r_centred']:6.3f}"
            f"  {a['force_rmse']:5.2f}   {a['rate_r']:6.4f} {a['rate_rmse']:6.3f}   |"
            f" {b['force_r']:6.3f}  {b['force_r_centred']:6.3f}"
            f"  {b['force_rmse']:6.2f}  |"
        )
        if "fitted_offset_m" in a:
            offset = " ".join(f"{100 * v:6.1f}" for v in a["fitted_offset_m"])
            line += f" {offset}  {1000 * a['lag_s']:5.1f}"
        print(line)


def draw(comparison: Comparison, traces: dict) -> Figure:
    """Real (thick, pale) and simulated (thin, dark) traces of four sensors."""
    wanted = ("LeftForeArm", "RightHand", "RightLowerLeg", "T8")
    if comparison.name.startswith("walk"):
        wanted = ("Pelvis", "R_UpLeg", "R_LowLeg", "R_Foot")
    figure = Figure(figsize=(14, 11), layout="constrained")
    axes = figure.subplots(len(wanted), 2, sharex=True)
    start = len(comparison.imu) // 2 / comparison.rate_hz
    for row, name in zip(axes, wanted, strict=True):
        real, simulated = traces[name]
        times = start + np.arange(len(real)) / comparison.rate_hz
        for axis, channels, unit in zip(
            row, (range(3), range(3, 6)), ("m/s²", "rad/s"), strict=True
        ):
            for channel, colour in zip(channels, ("C0", "C1", "C2"), strict=True):
                axis.plot(times, real[:, channel], colour, lw=3.5, alpha=0.35)
                axis.plot(times, simulated[:, channel], colour, lw=1)
            axis.set_ylabel(f"{name}  ({unit})")
            axis.margins(x=0)
    axes[0, 0].set_title("specific force x, y, z: real (pale), simulated (thin)")
    axes[0, 1].set_title("angular rate x, y, z")
    for axis in axes[-1]:
        axis.set_xlabel("time (s)")
    figure.suptitle(f"{comparison.name}: held-out half, placement fitted on the first")
    return figure


def _define_flags() -> None:
    flags.DEFINE_string("data", None, "folder of the three recordings")
    flags.DEFINE_string("out", None, "folder for the table and the pictures")
    flags.mark_flags_as_required(["data", "out"])


if __name__ == "__main__":
    _define_flags()
    app.run(main)
