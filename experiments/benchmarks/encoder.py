"""Speed of encoder pre-training at the paper's size, against PyTorch.

A step is what the paper's objective asks for once the views are there: two full passes
without and two sparse passes with gradient, the predictor, both contrasts, the
backward pass and AdamW. Both sides start from the same weights and see the same
signals, so that the losses of their first steps must agree. Ours is the loop's own
step, which also guards against non-finite values and measures norms. PyTorch is the
model of the parity tests.
"""

import pathlib
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
import optax

from anymo_jax.body.view import View
from anymo_jax.encoder import (
    EncoderConfig,
    PredictorConfig,
    export_official,
    export_official_predictor,
    import_official,
    import_official_predictor,
    model,
)
from anymo_jax.encoder.graph import time_forms
from anymo_jax.encoder.predictor import init_predictor
from anymo_jax.encoder.task import EncoderRecipe, predictive_loss
from anymo_jax.training.task import OBJECTIVE, Task, Variables
from anymo_jax.views.paired import PairedViews
from experiments.benchmarks import learning, timing

HERE = "experiments.benchmarks.encoder"
LEARNING_RATE = 3e-4
FRAMES, NODES, VISIBLE = 300, 23, 3
PAPER = 64


def run() -> dict:
    """Measure everything; a mapping with the machine and the tables."""
    gpu = jax.default_backend() == "gpu"
    products = timing.matmul_flops("bfloat16" if gpu else "float32")
    with tempfile.TemporaryDirectory() as folder:
        for width in (PAPER, PAPER // 4):
            _write_weights(pathlib.Path(folder), width)
        tables = {
            "a step at the paper's size": _against_torch(folder, gpu),
            "a quarter of the channels": _quarter(folder, gpu),
            "growth with the batch": _by_batch(folder, gpu),
            "growth with the window's length": _by_length(folder, gpu),
            "a quarter of the channels, by devices": _by_devices(folder, gpu),
        }
    forms = time_forms(batch=256 if gpu else 8)
    return {
        "machine": timing.machine(),
        "products": products,
        "tables": tables,
        "graph convolution, ms": forms,
    }


def report(result: dict) -> str:
    """The measurements as a person reads them."""
    lines = [learning.report(result), "", "graph convolution by either form, ms"]
    for form, taken in result["graph convolution, ms"].items():
        lines.append(
            f"  {form:<8}" + "".join(f"{k} {v:.2f}  " for k, v in taken.items())
        )
    return "\n".join(lines)


def _against_torch(folder: str, gpu: bool) -> list[learning.Row]:
    size = {"folder": folder, "batch": 64 if gpu else 8}
    rows = []
    for dtype in ("bfloat16", "float32") if gpu else ("float32",):
        rows += [
            learning.row(f"anymo_jax {dtype}", f"{HERE}:ours", dtype=dtype, **size),
            *(
                learning.row(
                    f"PyTorch {how} {dtype}",
                    f"{HERE}_torch:theirs",
                    dtype=dtype,
                    compiled=how == "compiled",
                    **size,
                )
                for how in ("eager", "compiled")
            ),
        ]
    remat = learning.row(
        f"anymo_jax {rows[0].name.split()[-1]} remat",
        f"{HERE}:ours",
        dtype="bfloat16" if gpu else "float32",
        remat=True,
        **size,
    )
    return learning.alike([*rows, remat])


def _quarter(folder: str, gpu: bool) -> list[learning.Row]:
    size = {"folder": folder, "batch": 64 if gpu else 16, "width": PAPER // 4}
    return learning.alike(
        [
            learning.row("anymo_jax float32", f"{HERE}:ours", **size),
            learning.row("PyTorch eager float32", f"{HERE}_torch:theirs", **size),
        ]
    )


def _by_batch(folder: str, gpu: bool) -> list[learning.Row]:
    sizes = (16, 32, 64, 128, 256) if gpu else (2, 4, 8)
    dtype = "bfloat16" if gpu else "float32"
    return [
        learning.row(f"batch {n}", f"{HERE}:ours", folder=folder, batch=n, dtype=dtype)
        for n in sizes
    ]


def _by_length(folder: str, gpu: bool) -> list[learning.Row]:
    size = {"folder": folder, "batch": 64 if gpu else 4}
    size["dtype"] = "bfloat16" if gpu else "float32"
    return [
        learning.row(f"{n} frames", f"{HERE}:ours", frames=n, **size)
        for n in (75, 150, 300)
    ]


def _by_devices(folder: str, gpu: bool) -> list[learning.Row]:
    """All accelerators there are against one, or forced CPU devices of one machine."""
    size = {"folder": folder, "batch": 64 if gpu else 16, "width": PAPER // 4}
    if gpu:
        return [learning.row(f"{jax.device_count()} devices", f"{HERE}:ours", **size)]
    return [
        learning.row(f"{n} on one CPU", f"{HERE}:ours", devices=n, **size)
        for n in (1, 2, 4)
    ]


def ours(
    folder: str,
    batch: int,
    frames: int = FRAMES,
    width: int = PAPER,
    dtype: str = "float32",
    remat: bool = False,
) -> dict:
    """A row's values for this package."""
    encoder, config = import_official(weights(folder, "encoder", width))
    predictor, small = import_official_predictor(weights(folder, "predictor", width))
    recipe = EncoderRecipe(
        encoder=EncoderConfig(channels=config.channels, dtype=dtype, remat=remat),
        predictor=PredictorConfig(
            layers=small.layers, width=small.width, heads=small.heads, dtype=dtype
        ),
    )
    start = Variables(
        {"encoder": encoder.pop("params"), "predictor": predictor["params"]}, encoder
    )

    def loss(variables, given, views, streams):
        contrast, after = predictive_loss(recipe, variables, {}, views)
        terms = {OBJECTIVE: (contrast.loss.sum(), contrast.count)}
        return terms, {k: v for k, v in after.items() if k != "params"}

    task = Task(
        init=lambda key, given: given,
        loss=loss,
        predict=loss,
        given=start,
    )
    signal, visible = windows(batch, frames)
    return learning.time_task(
        task, _paired(signal, visible), optax.adamw(LEARNING_RATE, weight_decay=0.0)
    )


def windows(batch: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Signals (2, B, T, N, 6) of two setups, and which nodes are visible (2, B, N)."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(2, batch, frames, NODES, 6)).astype(np.float32)
    visible = rng.permuted(
        np.broadcast_to(np.arange(NODES) < VISIBLE, (2, batch, NODES)), axis=-1
    )
    return 4 * signal + 2, visible


def weights(folder: str, part: str, width: int) -> pathlib.Path:
    """File of the weights that both sides start from."""
    return pathlib.Path(folder) / f"{part}-{width}.npz"


def _write_weights(folder: pathlib.Path, width: int) -> None:
    config = EncoderConfig(
        channels=(*(width,) * 4, *(2 * width,) * 3, *(4 * width,) * 3)
    )
    variables = model.init(jax.random.key(0), config)
    export_official(weights(folder, "encoder", width), variables, config)
    config = PredictorConfig(width=4 * width)
    variables = init_predictor(jax.random.key(1), config)
    export_official_predictor(weights(folder, "predictor", width), variables, config)


def _paired(signal: np.ndarray, visible: np.ndarray) -> PairedViews:
    batch, frames = signal.shape[1:3]
    everything = np.ones((batch, NODES), bool), np.ones((batch, NODES, 6), bool)
    length = np.full(batch, frames, np.int32)
    full_a, full_b = (View(jnp.asarray(one), *everything, length) for one in signal)
    return PairedViews(
        full_a,
        full_b,
        visible_a=visible[0],
        visible_b=visible[1],
        channel_valid_a=everything[1],
        channel_valid_b=everything[1],
        mirrored=np.zeros(batch, bool),
        factor=np.ones(batch, np.float32),
    )
