"""Speed of tokenizer training at the paper's size, against PyTorch.

A step takes latents: projection, nearest codes, decoder, the loss of Eq. 4, its
gradient, AdamW, the codebooks' moving averages and the refresh of dead codes. The
frozen encoder and the views are left out on both sides. Both start from the same
weights and codebooks and see the same latents.
"""

import pathlib
import tempfile

import jax
import numpy as np
import optax

from anymo_jax.tokenizer import (
    TokenizerConfig,
    export_official,
    import_official,
    model,
    tokenizer_loss,
    update_codebook,
)
from anymo_jax.training.task import Task, Variables
from experiments.benchmarks import learning, timing

HERE = "experiments.benchmarks.tokenizer"
LEARNING_RATE = 3e-4
STEPS = 75
WEIGHTS = "tokenizer.npz"


def run() -> dict:
    """Measure everything; a mapping with the machine and the tables."""
    gpu = jax.default_backend() == "gpu"
    products = timing.matmul_flops("float32")
    with tempfile.TemporaryDirectory() as folder:
        config = TokenizerConfig()
        variables = model.init(jax.random.key(0), config)
        export_official(pathlib.Path(folder) / WEIGHTS, variables, config)
        size = {"folder": folder, "batch": 1024 if gpu else 64}
        sizes = (256, 512, 1024, 2048) if gpu else (16, 32, 64, 128)
        tables = {
            "a step at the paper's size": learning.alike(
                [
                    learning.row("anymo_jax float32", f"{HERE}:ours", **size),
                    *(
                        learning.row(
                            f"PyTorch {how} float32",
                            f"{HERE}_torch:theirs",
                            compiled=how == "compiled",
                            **size,
                        )
                        for how in ("eager", "compiled")
                    ),
                ]
            ),
            "growth with the batch": [
                learning.row(f"batch {n}", f"{HERE}:ours", **size | {"batch": n})
                for n in sizes
            ],
            "growth with the window's length": [
                learning.row(f"{n} latent steps", f"{HERE}:ours", steps=n, **size)
                for n in (19, 38, 75)
            ],
        }
    return {"machine": timing.machine(), "products": products, "tables": tables}


def report(result: dict) -> str:
    """The measurements as a person reads them."""
    return learning.report(result)


def ours(folder: str, batch: int, steps: int = STEPS) -> dict:
    """A row's values for this package."""
    variables, config = import_official(pathlib.Path(folder) / WEIGHTS)
    start = Variables(variables["params"], {"codebook": variables["codebook"]})

    def loss(variables, given, batch, streams):
        codebook = variables.collections["codebook"]
        latent = batch["latent"]
        coded = model.tokenize(
            variables.params, codebook, config, latent, batch["length"]
        )
        chunks = coded.chunks.reshape(-1, config.codebooks, config.code_width)
        codes = coded.codes.reshape(-1, config.codebooks)
        codebook = update_codebook(
            *(codebook, chunks, codes, coded.valid.reshape(-1)),
            streams("codebook"),
            config,
        )
        return tokenizer_loss(latent, coded, config), {"codebook": codebook}

    task = Task(init=lambda key, given: given, loss=loss, predict=loss, given=start)
    given = {"latent": latents(batch, steps), "length": np.full(batch, steps, np.int32)}
    return learning.time_task(task, given, optax.adamw(LEARNING_RATE, weight_decay=0.0))


def latents(batch: int, steps: int) -> np.ndarray:
    """(B, L, 256) latents, smooth in time as an encoder's are."""
    rng = np.random.default_rng(0)
    rough = rng.normal(size=(batch, steps + 8, TokenizerConfig().latent))
    kernel = np.hanning(9) / np.linalg.norm(np.hanning(9))
    smooth = sum(k * rough[:, i : i + steps] for i, k in enumerate(kernel))
    return smooth.astype(np.float32)
