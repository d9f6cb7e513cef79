"""Speed of a trained run's answers: windows, single calls, sentences.

All of it through the doors that users take (`anymo_jax.load`), from NumPy arrays to
NumPy arrays, programs compiled beforehand. A call's latency is that of one window of
5 s alone. There is no other implementation of the whole; the encoder, through which
every window goes, is measured beside PyTorch at the paper's size from the same random
weights, each in a process of its own, and their latents must agree.
"""

import dataclasses
import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable

import jax
import numpy as np

from anymo_jax.datasets.labelled import LONGEST, RATE_HZ
from anymo_jax.encoder import EncoderConfig, encode, export_official, import_official
from anymo_jax.encoder import init as init_encoder
from anymo_jax.inference import Model, load
from anymo_jax.inference.recording import recording_views
from experiments.benchmarks import isolated, timing

HERE = "experiments.benchmarks.inference"
NODES = 23
SITE = "right wrist"
LABELS = [
    *("walking", "running", "sitting", "standing", "lying", "cycling"),
    *("climbing stairs", "jumping", "eating", "typing"),
]
# Relative difference of latents up to which a peer computes the same.
TOLERANCE = 1e-3


@dataclasses.dataclass(frozen=True)
class Speed:
    """One measurement.

    Attributes:
      what: was done.
      batch: of it at a time.
      middle, late: seconds of a call, the median and the 95th percentile.
      failed: complaint of what could not be measured.
    """

    what: str
    batch: int
    middle: float = float("nan")
    late: float = float("nan")
    failed: str = ""


def run(run: str, windows: int = 64, calls: int = 50, peer: bool = True) -> dict:
    """Measure everything; a mapping with the machine and the measurements.

    Args:
      run: folder of an instruction-tuned run.
      windows: embedded at a time.
      calls: of which single latencies are percentiles.
      peer: also measure the encoder beside PyTorch.

    Raises:
      ValueError: where the folder holds no such run.
    """
    if not run:
        raise ValueError("name an instruction-tuned run, --run=DIR")
    model = load(run)
    rows = _answers(model, windows, calls)
    return {
        "machine": _environment(run),
        "answers": rows,
        "encoder": _encoders(min(windows, 8), calls) if peer else [],
    }


def report(result: dict) -> str:
    """The measurements as a person reads them."""
    lines = [", ".join(f"{name} {value}" for name, value in result["machine"].items())]
    for key, title in (("answers", "answers"), ("encoder", "the paper's encoder")):
        if result[key]:
            lines += ["", *table(title, result[key])]
    lines.append("p50 and p95: milliseconds of a call of the whole batch")
    return "\n".join(lines)


def table(title: str, rows: list[Speed]) -> list[str]:
    """Lines of a table: each row's rate and its percentiles."""
    lines = [f"{title:<36}{'batch':>7}{'a second':>10}{'p50':>9}{'p95':>9}"]
    for row in rows:
        if row.failed:
            lines.append(f"{row.what:<36}{row.batch:>7}  not measured: {row.failed}")
            continue
        lines.append(
            f"{row.what:<36}{row.batch:>7}{row.batch / row.middle:>10.1f}"
            f"{1e3 * row.middle:>9.1f}{1e3 * row.late:>9.1f}"
        )
    return lines


def _answers(model: Model, windows: int, calls: int) -> list[Speed]:
    long = _recording((windows + 1) * LONGEST / RATE_HZ / 2)
    five = _recording(LONGEST / RATE_HZ)
    given = {"sites": [SITE], "rate_hz": RATE_HZ}
    views = recording_views(long, **given)[:windows]
    captioned = views[: min(8, windows)]
    few = max(3, calls // 10)
    few_sentences = max(1, calls // 25)

    def classify(imu):
        return model.classify(imu, **given, labels=LABELS)

    rows = [
        _timed("embed windows", windows, few, lambda: model.embed_views(views)),
        _timed("classify a long recording", windows, few, lambda: classify(long)),
        _timed("embed a window", 1, calls, lambda: model.embed_views(views[:1])),
        _timed("classify 5 s", 1, calls, lambda: classify(five)),
    ]
    try:
        for few_views in (captioned, captioned[:1]):
            rows.append(
                _timed(
                    "caption windows",
                    len(few_views),
                    few_sentences,
                    lambda given=few_views: model.caption_views(given),
                )
            )
    except ValueError as error:
        rows.append(Speed("caption windows", len(captioned), failed=str(error)))
    return rows


def _timed(what: str, batch: int, calls: int, call: Callable[[], object]) -> Speed:
    """Seconds of each of some calls after one that compiles; results are NumPy's."""
    call()
    taken = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    late = float(np.percentile(taken, 95))
    return Speed(what, batch, statistics.median(taken), late)


def _recording(seconds: float) -> np.ndarray:
    """(T, 6) of a wrist that swings and turns, at the model's own rate."""
    clock = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    angle, speed = np.sin(2 * clock), 2 * np.cos(2 * clock)
    force = 9.81 * np.stack([0 * clock, np.sin(angle), np.cos(angle)], axis=1)
    rate = np.stack([speed, 0 * clock, 0 * clock], axis=1)
    noise = np.random.default_rng(0).normal(0, 0.05, (len(clock), 6))
    return (np.concatenate([force, rate], axis=1) + noise).astype(np.float32)


def _encoders(batch: int, calls: int) -> list[Speed]:
    """The encoder beside PyTorch's, eager, for a batch and for a window alone."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.fspath(pathlib.Path(folder) / "encoder.npz")
        config = EncoderConfig()
        export_official(path, init_encoder(jax.random.key(0), config), config)
        for size, many in ((batch, max(3, calls // 10)), (1, max(3, calls // 5))):
            given = {"path": path, "batch": size, "calls": many}
            ours = isolated.measure(f"{HERE}:our_encoder", given)
            theirs = isolated.measure(f"{HERE}:their_encoder", given)
            rows.append(_row("this package", size, ours))
            rows.append(_row("PyTorch eager", size, _agreeing(theirs, ours)))
    return rows


def _agreeing(theirs: dict, ours: dict) -> dict:
    """What the peer measured, unless it computed something else."""
    if "failed" in theirs or "failed" in ours:
        return theirs
    found, expected = np.asarray(theirs["latent"]), np.asarray(ours["latent"])
    off = float(np.abs(found - expected).max() / np.abs(expected).max())
    return theirs if off <= TOLERANCE else {"failed": f"latents differ by {off:.2g}"}


def _row(what: str, batch: int, found: dict) -> Speed:
    if "failed" in found:
        return Speed(what, batch, failed=found["failed"])
    return Speed(what, batch, found["middle"], found["late"])


def our_encoder(path: str, batch: int, calls: int) -> dict:
    """A row's values for this package, and the first window's latents."""
    variables, config = import_official(path)
    signal, visible = _signals(batch)

    def forward():
        return np.asarray(encode(variables, config, signal, visible))

    latent = forward()
    found = _timed("", batch, calls, forward)
    return {"middle": found.middle, "late": found.late, "latent": latent[0].tolist()}


def their_encoder(path: str, batch: int, calls: int) -> dict:
    """A row's values for PyTorch, the model of the parity tests."""
    import torch

    from tests.parity import stgcn_torch

    with np.load(path, allow_pickle=False) as file:
        state = {name: torch.from_numpy(file[name]) for name in file.files}
    config = import_official(path)[1]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder = stgcn_torch.STGCNEncoder(config.channels)
    encoder.load_state_dict(encoder.state_dict() | state)
    encoder.eval().to(device)
    signal, visible = _signals(batch)

    @torch.inference_mode()
    def forward():
        given = torch.from_numpy(signal).to(device).permute(0, 3, 1, 2)[..., None]
        return encoder(given, torch.from_numpy(visible).to(device)).cpu().numpy()

    latent = forward()
    found = _timed("", batch, calls, forward)
    return {"middle": found.middle, "late": found.late, "latent": latent[0].tolist()}


def _signals(batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Signals (B, T, N, 6), and which nodes are visible (B, N)."""
    rng = np.random.default_rng(0)
    signal = 4 * rng.normal(size=(batch, LONGEST, NODES, 6)).astype(np.float32) + 2
    visible = rng.permuted(np.tile(np.arange(NODES) < 2, (batch, 1)), axis=-1)
    return signal.astype(np.float32), visible


def _environment(run: str) -> dict[str, str]:
    return timing.machine() | {
        "load": f"{os.getloadavg()[0]:.1f}",
        "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", "not set"),
        "run": pathlib.Path(run).name,
    }
