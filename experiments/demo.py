"""See it simulate: a dense body of IMUs for a few built-in motions.

    python -m experiments.demo --out=runs/demo/pictures

`make demo` does this first, and then trains every stage (experiments.pipeline).

No data is needed. Prints what was made and how fast, and writes pictures.
"""

import pathlib
import time

import jax
import numpy as np
from absl import app, flags

from anymo_jax.body.fit import fit_surface
from anymo_jax.body.placement import Placements, candidate_placements
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.template import default_surface
from anymo_jax.motion.procedural import activity_names, sample_clip
from anymo_jax.motion.recording import Recording, joint_offsets, resample_motion
from anymo_jax.simulation import dense_signals
from experiments import pictures

MOTIONS = ("standing", "walking_forward", "running", "walking_downstairs", "squats")
RATE_HZ = 60.0
# The placement nearest to this point of the segment's frame, in m.
SITES = {
    "watch: right forearm": ("R_Forearm", (0.0, -0.22, 0.03)),
    "trouser pocket: right thigh": ("R_UpperLeg", (0.09, -0.02, -0.10)),
    "shoe: right foot": ("R_Foot", (0.10, 0.0, 0.0)),
}


def main(argv: list[str]) -> None:
    del argv
    out = pathlib.Path(flags.FLAGS.out)
    out.mkdir(parents=True, exist_ok=True)
    surface = default_surface()
    placements = candidate_placements(surface)
    body, count = out / "body.png", len(placements.segment)
    pictures.draw_body(body, surface, placements)
    print(
        f"body: {len(surface.vertices)} vertices, {count} candidate placements on "
        f"{len(XSENS)} segments\nlibrary: {len(activity_names())} activities\n"
    )
    print(
        f"{'motion':<20}{'s':>6}{'samples':>12}{'made in':>10}{'samples/s':>12}"
        f"{'median |a|':>12}{'99.9% |a|':>11}{'99.9% |w|':>11}"
    )
    traces = {}
    for name in MOTIONS:
        recording = sample_clip(name, seed=1, duration_s=8.0)
        traces[name] = _simulate(name, recording, surface)
    for name in ("walking_forward", "running"):
        pictures.draw_traces(out / f"{name}.png", name, RATE_HZ, traces[name])
    print(
        "\nmedian and peaks are over every placement, in m/s^2 and rad/s"
        f"\npictures: {body}, {out / 'walking_forward.png'}, {out / 'running.png'}"
    )


def _simulate(name: str, recording: Recording, surface) -> dict[str, np.ndarray]:
    """Simulate every placement twice, once to compile; print, and keep some sites."""
    motion = resample_motion(recording.motion, RATE_HZ)
    fitted = fit_surface(surface, joint_offsets(motion))
    placements = candidate_placements(fitted, motion.position, motion.rotation)
    for _ in range(2):
        start = time.perf_counter()
        chunks = list(dense_signals(motion, placements))
        jax.block_until_ready(chunks)
        taken = time.perf_counter() - start
    signal = np.concatenate(chunks)
    samples = signal.shape[0] * signal.shape[1]
    force, rate = (np.linalg.norm(signal[..., c : c + 3], axis=-1) for c in (0, 3))
    print(
        f"{name:<20}{len(signal) / RATE_HZ:>6.1f}{samples:>12,}{taken * 1e3:>7.0f} ms"
        f"{samples / taken:>12.2e}{np.median(force):>12.2f}"
        f"{np.quantile(force, 0.999):>11.1f}{np.quantile(rate, 0.999):>11.1f}"
    )
    return {
        site: signal[:, _nearest(placements, *where)] for site, where in SITES.items()
    }


def _nearest(placements: Placements, segment: str, point) -> int:
    """Index of the candidate of a segment that is nearest to a point in its frame."""
    distance = np.linalg.norm(np.asarray(placements.offset) - point, axis=1)
    other = np.asarray(placements.segment) != XSENS.index(segment)
    return int(np.argmin(np.where(other, np.inf, distance)))


def _define_flags() -> None:
    flags.DEFINE_string("out", "runs/demo/pictures", "Folder for the pictures.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
