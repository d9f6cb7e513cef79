"""The procedural library held beside real motion and real still sensors.

    python -m experiments.realism --packs='MOCAP/*.npz' --har=HAR --out=runs/realism

Prints a table: cycle rate, joint ranges and IMU levels of library activities beside the
captured trials of the same kind, each signal simulated at the same sites, and the
levels of real sensors on people sitting and standing. Writes spectra as a picture.
Library clips carry no device noise here; real still sensors do.
"""

import dataclasses
import glob
import pathlib
import re

import numpy as np
from absl import app, flags
from scipy import signal as dsp
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.pack import load_pack
from anymo_jax.motion.procedural import sample_clip
from anymo_jax.motion.recording import Recording, resample_motion, split_at_gaps
from anymo_jax.simulation import simulate_imu
from experiments import pictures

RATE_HZ = 60.0
CUTOFF_HZ = 12.0
SECONDS = 1.5
# Kind -> texts of captured trials, library activities, the sensor that shows the cycle.
KINDS = {
    "walking": (
        r"(brisk |slow )?walk(/stride)?"
        r"|a person walks forward( in a \w+ way| actively| happily)?",
        ("walking_forward", "walking_slowly", "walking_fast"),
        "Pelvis",
    ),
    "running": (
        r"run(/jog)?|a person runs( in a \w+ way| actively)?",
        ("running", "jogging"),
        "Pelvis",
    ),
    "waving": (r"a person waves the right hand.*", ("waving_right_hand",), "R_Forearm"),
    "jumping": (r"(forward )?jump", ("jumping_up",), "Pelvis"),
}
STILL = {
    "sitting": ("sitting",),
    "standing": ("standing",),
}
SITES = ("Pelvis", "R_Forearm", "R_UpperLeg", "R_LowerLeg")
JOINTS = {"knee": "R_LowerLeg", "hip": "R_UpperLeg", "elbow": "R_Forearm"}
CLIPS = 12


@dataclasses.dataclass(frozen=True)
class Levels:
    """What one group of clips looks like.

    Attributes:
      clips: how many.
      cycle_hz: median over clips of the strongest rate of |force| at the cycle's site.
      ranges: joint name -> 5th and 95th percentile of its angle, in degrees.
      force: site -> standard deviation of |force|, m/s^2.
      rate: site -> root mean square of |angular rate|, rad/s.
      spectra: site -> frequency and density of |force|.
    """

    clips: int
    cycle_hz: float
    ranges: dict
    force: dict
    rate: dict
    spectra: dict


def main(argv: list[str]) -> None:
    del argv
    out = pathlib.Path(flags.FLAGS.out)
    out.mkdir(parents=True, exist_ok=True)
    captured = _captured(flags.FLAGS.packs)
    panels = {}
    print(_HEADER)
    for kind, (_, activities, site) in KINDS.items():
        groups = {
            "captured": captured.get(kind, []),
            "library": [
                sample_clip(name, seed=seed)
                for name in activities
                for seed in range(CLIPS // len(activities))
            ],
        }
        for name, recordings in groups.items():
            if recordings:
                levels = measure(recordings, site)
                print(_row(kind, name, levels))
                panels.setdefault(kind, {})[name] = levels.spectra[site]
    _print_still(flags.FLAGS.har)
    picture = out / "spectra.png"
    pictures.draw_spectra(picture, "|force|, captured beside library", panels)
    print(f"\nspectra: {picture}")


def measure(recordings: list[Recording], site: str) -> Levels:
    """Levels of some recordings; the cycle is read at one site."""
    joint_angles = {joint: [] for joint in JOINTS}
    forces = {s: [] for s in SITES}
    rates = {s: [] for s in SITES}
    clips = 0
    for motion in _stretches(recordings):
        clips += 1
        imu = _joint_imu(motion)
        for joint, segment in JOINTS.items():
            joint_angles[joint].append(_angle(motion.rotation, segment))
        for name in SITES:
            channels = imu[:, XSENS.index(name)]
            forces[name].append(np.linalg.norm(channels[:, :3], axis=-1))
            rates[name].append(np.linalg.norm(channels[:, 3:], axis=-1))
    spectra = {name: _spectrum(tracks) for name, tracks in forces.items()}
    return Levels(
        clips=clips,
        cycle_hz=float(np.median([_cycle(track) for track in forces[site]])),
        ranges={
            j: np.percentile(np.concatenate(a), (5, 95))
            for j, a in joint_angles.items()
        },
        force={s: float(np.std(np.concatenate(f))) for s, f in forces.items()},
        rate={
            s: float(np.sqrt(np.mean(np.concatenate(r) ** 2))) for s, r in rates.items()
        },
        spectra=spectra,
    )


def _captured(pattern: str) -> dict[str, list[Recording]]:
    """Trials of each kind, by their texts, at most CLIPS a pack."""
    found: dict[str, list[Recording]] = {kind: [] for kind in KINDS}
    for path in sorted(glob.glob(pattern)):
        pack = load_pack(path)
        for kind, (texts, _, _) in KINDS.items():
            matching = [
                i for i in range(len(pack)) if re.fullmatch(texts, pack.text(i))
            ]
            picked = matching[:: max(1, len(matching) // CLIPS)][:CLIPS]
            found[kind] += [pack[i] for i in picked]
    return found


def _stretches(recordings: list[Recording]):
    """Gap-free motions at 60 Hz; captured ones low-passed as in preparation."""
    for recording in recordings:
        procedural = recording.source.startswith("procedural:")
        fewest = int(SECONDS * recording.motion.rate_hz)
        for stretch in split_at_gaps(recording.motion, fewest):
            yield resample_motion(stretch, RATE_HZ, None if procedural else CUTOFF_HZ)


def _joint_imu(motion) -> np.ndarray:
    """Signals (T, 23, 6) of a sensor on each segment, 5 cm forward of its origin."""
    offset = np.tile([0.05, 0.0, 0.0], (len(XSENS), 1))
    frame = np.tile(np.eye(3), (len(XSENS), 1, 1))
    imu = simulate_imu(
        *(motion.position, motion.rotation),
        *(np.arange(len(XSENS)), offset, frame),
        rate_hz=RATE_HZ,
    )
    return np.asarray(imu)


def _angle(rotation: np.ndarray, segment: str) -> np.ndarray:
    """Angle in degrees between a segment and its parent."""
    index = XSENS.index(segment)
    parent = Rotation.from_matrix(rotation[:, XSENS.parents[index]])
    relative = parent.inv() * Rotation.from_matrix(rotation[:, index])
    return np.degrees(relative.magnitude())


def _spectrum(tracks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Welch density averaged over clips."""
    window = int(SECONDS * RATE_HZ)
    found = [dsp.welch(t, RATE_HZ, nperseg=window) for t in tracks]
    return found[0][0], np.mean([density for _, density in found], axis=0)


def _cycle(track: np.ndarray) -> float:
    """Strongest rate between 0.4 and 6 Hz, in Hz."""
    frequency, density = dsp.periodogram(track, RATE_HZ, window="hann", nfft=4096)
    inside = (frequency > 0.4) & (frequency < 6)
    return float(frequency[inside][np.argmax(density[inside])])


_HEADER = (
    f"{'':<9}{'':<10}{'clips':>6}{'cycle':>7}"
    + "".join(f"{joint + ', deg':>13}" for joint in JOINTS)
    + "".join(f"{'|a| ' + site:>16}" for site in SITES)
    + "".join(f"{'|w| ' + site:>16}" for site in SITES)
)


def _row(kind: str, name: str, levels: Levels) -> str:
    ranges = "".join(
        f"{low:>7.0f} ..{high:>4.0f}" for low, high in levels.ranges.values()
    )
    force = "".join(f"{levels.force[site]:>16.2f}" for site in SITES)
    rate = "".join(f"{levels.rate[site]:>16.2f}" for site in SITES)
    head = f"{kind:<9}{name:<10}{levels.clips:>6}{levels.cycle_hz:>7.2f}"
    return head + ranges + force + rate


def _print_still(folder: str) -> None:
    """Real pocket sensors of people sitting and standing, beside library thighs."""
    print("\nstill, at the thigh: median over 5 s windows")
    print(f"{'':<21}{'windows':>8}{'mean |a|':>10}{'std |a|':>10}{'rms |w|':>10}")
    for kind, activities in STILL.items():
        groups = {"library": _library_thigh(activities)}
        if folder:
            groups["real"] = _real_windows(
                pathlib.Path(folder) / "motionsense.npz", kind
            )
        for name, windows in groups.items():
            force = np.linalg.norm(windows[..., :3], axis=-1)
            rate = np.linalg.norm(windows[..., 3:], axis=-1)
            print(
                f"{kind:<11}{name:<10}{len(windows):>8}{np.median(force):>10.2f}"
                f"{np.median(force.std(axis=1)):>10.3f}"
                f"{np.median(np.sqrt(np.mean(rate**2, axis=1))):>10.4f}"
            )


def _library_thigh(activities) -> np.ndarray:
    clips = [
        sample_clip(a, seed=s, duration_s=5.2) for a in activities for s in range(CLIPS)
    ]
    signals = [_joint_imu(resample_motion(c.motion, RATE_HZ)) for c in clips]
    return np.stack([s[:300, XSENS.index("R_UpperLeg")] for s in signals])


def _real_windows(path: pathlib.Path, kind: str) -> np.ndarray:
    with np.load(path, allow_pickle=False) as data:
        index = data["classes"].tolist().index(kind)
        return data["x"][data["y"] == index][:, :, 0]


def _define_flags() -> None:
    flags.DEFINE_string("packs", "", "Packs of captured motion, a pattern.")
    flags.DEFINE_string("har", "", "Folder with motionsense.npz of real sensors.")
    flags.DEFINE_string("out", "runs/realism", "Folder for the picture.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
