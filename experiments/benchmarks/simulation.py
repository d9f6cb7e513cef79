"""Speed of the simulator: sampled views and dense export, against named peers.

Rows: ours, a vectorised NumPy and a PyTorch form of the same equation (see
`simulation_peers`), all on the same input in the same run. The bytes of a row are those
that any implementation must move: the motion read once, the signals written once.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from anymo_jax.body.placement import candidate_placements
from anymo_jax.body.template import default_surface
from anymo_jax.motion.procedural import sample_clip
from anymo_jax.motion.recording import resample_motion
from anymo_jax.simulation import dense_signals, simulate_imu
from experiments.benchmarks import simulation_peers, timing

RATE_HZ = 60.0
FRAMES = 300
BATCH = 64


@dataclasses.dataclass(frozen=True)
class Row:
    """One measurement: who, seconds a call, placement-samples and bytes a call."""

    name: str
    seconds: float
    samples: int
    bytes_moved: int
    error: float


def run() -> dict:
    """Measure everything; a mapping with the machine, the bandwidth and the tables."""
    motion = resample_motion(
        sample_clip("walking_forward", seed=0, duration_s=5.1).motion, RATE_HZ
    )
    position = np.asarray(motion.position[:FRAMES], np.float32)
    rotation = np.asarray(motion.rotation[:FRAMES], np.float32)
    placements = candidate_placements(default_surface())
    return {
        "machine": timing.machine(),
        "copy_bandwidth": timing.copy_bandwidth(),
        "tables": {
            "sampled views": _views(position, rotation, placements),
            "dense export": _dense(position, rotation, placements, motion),
        },
    }


def report(result: dict) -> str:
    """The measurements as a person reads them."""
    bandwidth = result["copy_bandwidth"]
    lines = ["  ".join(f"{k} {v}" for k, v in result["machine"].items())]
    lines.append(f"copy bandwidth {bandwidth / 1e9:.1f} GB/s (read + written)")
    for title, rows in result["tables"].items():
        lines += ["", title, f"{'':<28}{'ms':>10}{'Msamples/s':>12}{'GB/s':>9}"]
        lines[-1] += f"{'of copy':>9}{'speed':>9}{'error':>10}"
        for row in rows:
            rate = row.bytes_moved / row.seconds
            speed = rows[0].seconds / row.seconds
            lines.append(
                f"{row.name:<28}{row.seconds * 1e3:>10.3f}"
                f"{row.samples / row.seconds / 1e6:>12.1f}{rate / 1e9:>9.2f}"
                f"{rate / bandwidth:>8.0%}{speed:>9.3f}{row.error:>10.1e}"
            )
    lines.append("\nspeed: relative to the first row; error: largest deviation from it")
    return "\n".join(lines)


def _views(position, rotation, placements) -> list[Row]:
    """46 placements of each of 64 windows, two per segment, each window its own."""
    rng = np.random.default_rng(0)
    owner = np.asarray(placements.segment)
    segment = np.repeat(np.arange(23), 2)
    chosen = np.stack(
        [rng.choice(np.flatnonzero(owner == s), BATCH) for s in segment], axis=1
    )
    offset = np.asarray(placements.offset, np.float32)[chosen]
    frame = np.asarray(placements.frame, np.float32)[chosen]
    windows = [np.stack([x] * BATCH) for x in (position, rotation)]

    @jax.jit
    @jax.vmap
    def simulate(p, r, o, f):
        return simulate_imu(p, r, segment, o, f, rate_hz=RATE_HZ)

    def with_numpy():
        parts = zip(*windows, offset, frame, strict=True)
        return np.stack(
            [
                simulation_peers.numpy_imu(p, r, segment, o, f, RATE_HZ)
                for p, r, o, f in parts
            ]
        )

    arrays = [jnp.asarray(x) for x in (*windows, offset, frame)]
    moved = sum(x.nbytes for x in windows) + BATCH * FRAMES * 46 * 24
    peers = {"NumPy": with_numpy} | _torch_rows(*windows, segment, offset, frame)
    return _measure(lambda: simulate(*arrays), peers, BATCH * FRAMES * 46, moved)


def _dense(position, rotation, placements, motion) -> list[Row]:
    """Every candidate of a recording: as many frames as fill the device."""
    copies = BATCH if jax.default_backend() == "gpu" else 1
    long = [np.concatenate([x] * copies) for x in (position, rotation)]
    body = dataclasses.replace(
        motion,
        position=jnp.asarray(long[0]),
        rotation=jnp.asarray(long[1]),
        valid=np.ones(len(long[0]), bool),
    )
    segment = np.asarray(placements.segment)
    offset, frame = (
        np.asarray(x, np.float32) for x in (placements.offset, placements.frame)
    )
    placements = dataclasses.replace(
        placements, offset=jnp.asarray(offset), frame=jnp.asarray(frame)
    )

    def ours():
        (signal,) = dense_signals(body, placements, memory_bytes=2**33)
        return signal

    peers = {
        "NumPy": lambda: simulation_peers.numpy_imu(
            *long, segment, offset, frame, RATE_HZ
        )
    } | _torch_rows(*long, segment, offset, frame)
    samples = len(long[0]) * len(segment)
    moved = sum(x.nbytes for x in long) + samples * 24
    return _measure(ours, peers, samples, moved)


def _torch_rows(position, rotation, segment, offset, frame) -> dict[str, Callable]:
    """PyTorch on the same kind of device, where it is installed."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: pip install 'anymo_jax[parity]' adds its rows")
        return {}
    device = "cuda" if jax.default_backend() == "gpu" else "cpu"
    arrays = [
        torch.as_tensor(np.asarray(x)).to(device)
        for x in (position, rotation, segment, offset, frame)
    ]

    def call():
        signal = simulation_peers.torch_imu(*arrays, RATE_HZ)
        if device == "cuda":
            torch.cuda.synchronize()
        return signal

    return {f"PyTorch {torch.__version__}": call}


def _measure(ours, peers, samples: int, moved: int) -> list[Row]:
    reference = np.asarray(ours())
    rows = [Row("anymo_jax", timing.seconds(ours), samples, moved, 0.0)]
    inside = np.s_[..., 1:-1, :, :]
    for name, call in peers.items():
        signal = call()
        signal = signal.cpu().numpy() if hasattr(signal, "cpu") else signal
        error = float(np.abs(signal[inside] - reference[inside]).max())
        del signal
        rows.append(Row(name, timing.seconds(call), samples, moved, error))
    return rows
