"""Speed of the language model at random weights, against transformers in PyTorch.

A step is the next-token loss of whole rows of text, its gradient and AdamW; text is
written greedily behind prompts, with the keys and values of earlier tokens kept. Both
sides start from the same weights and see the same tokens: the losses of their first
steps must agree, and what they write is compared. On a GPU products are of bfloat16;
weights are then float32 where they are trained, and bfloat16 where text is written.
Operations are those of attention over all pairs of tokens, as is usual.
"""

import dataclasses
import functools
import pathlib
import sys
import tempfile
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from anymo_jax.language.generate import generate
from anymo_jax.language.loss import token_losses
from anymo_jax.language.qwen2 import (
    Qwen2,
    Qwen2Config,
    abstract_params,
    init,
    load_qwen2,
    preset,
    save_qwen2,
)
from anymo_jax.language.qwen2 import axes as qwen2_axes
from anymo_jax.training import flops
from anymo_jax.training.task import OBJECTIVE, Task, Variables
from experiments.benchmarks import isolated, learning, timing

HERE = "experiments.benchmarks.language"
LEARNING_RATE = 1e-4
NEW_TOKENS = 64
WEIGHTS = "weights"
# Relative difference of first losses up to which a peer computes the same.
TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-2}


@dataclasses.dataclass(frozen=True)
class Text:
    """Text that one implementation has written.

    Attributes:
      name: who.
      seconds: for the whole batch, reading of the prompts included; the median.
      memory: bytes, as of `learning.Row`.
      tokens: (B, n) new ones.
      failed: complaint of what could not be measured.
    """

    name: str
    seconds: float = float("nan")
    memory: int | None = None
    tokens: list[list[int]] = dataclasses.field(default_factory=list)
    failed: str = ""


def run(size: str = "tiny", batch: int = 8, length: int = 256) -> dict:
    """Measure everything; a mapping with the machine and the tables.

    Args:
      size: a preset of Qwen2.
      batch: B, rows of a step and of a batch of prompts.
      length: L, tokens of a row, and of a prompt.

    Raises:
      ValueError: for an unknown size, or rows longer than its context.
    """
    config = preset(size)
    if length + NEW_TOKENS > config.max_length:
        raise ValueError(
            f"{length} tokens and {NEW_TOKENS} new ones are more than the context of "
            f"{size}, {config.max_length}; give shorter rows"
        )
    dtype = "bfloat16" if jax.default_backend() == "gpu" else "float32"
    products = timing.matmul_flops(dtype)
    rows = f"{size}, {batch} rows of {length} tokens, {dtype}"
    given = {"batch": batch, "length": length, "dtype": dtype}
    with tempfile.TemporaryDirectory() as folder:
        _write_weights(folder, config)
        step = _steps(size, folder, given)
        texts = _texts(folder, given)
    versions = {name: version(name) for name in ("flax", "transformers")}
    return {
        "machine": timing.machine() | versions,
        "products": products,
        "tables": {f"a training step: {rows}": step},
        f"{NEW_TOKENS} new tokens behind {rows}": texts,
    }


def report(result: dict) -> str:
    """The measurements as a person reads them."""
    title, texts = list(result.items())[-1]
    return "\n".join([learning.report(result, "tokens"), "", text_table(title, texts)])


def text_table(title: str, texts: list[Text]) -> str:
    """Written texts by row; equal tokens and speed relative to the first."""
    head = ("seconds", "tokens/s", "memory", "equal", "speed")
    lines = [title, f"{'':<34}" + "".join(f"{h:>10}" for h in head)]
    first = np.asarray(texts[0].tokens)
    for one in texts:
        if one.failed:
            lines.append(f"{one.name:<34}  not measured: {one.failed}")
            continue
        memory = "-" if one.memory is None else f"{one.memory / 1e9:.2f} GB"
        equal = np.mean(np.asarray(one.tokens) == first)
        lines.append(
            f"{one.name:<34}{one.seconds:>10.3f}{first.size / one.seconds:>10.1f}"
            f"{memory:>10}{equal:>10.1%}{texts[0].seconds / one.seconds:>10.2f}"
        )
    told = f"{len(np.unique(first))} different tokens; reading of the prompts included"
    return "\n".join([*lines, told])


def agreeing(rows: list[learning.Row], tolerance: float) -> list[learning.Row]:
    """Rows of which those with another first loss than the first row's are failures."""
    expected = rows[0].loss
    return [
        dataclasses.replace(row, failed=f"loses {row.loss:.6f}, not {expected:.6f}")
        if abs(row.loss - expected) > tolerance * abs(expected)
        else row
        for row in rows
    ]


def our_step(size: str, batch: int, length: int, dtype: str) -> dict:
    """A row's values for this package."""
    config = dataclasses.replace(preset(size), dtype=dtype)

    def loss(variables, given, batch, streams):
        summed = next_token_loss(config, variables.params, batch["tokens"])
        return {OBJECTIVE: summed}, {}

    task = Task(
        init=lambda key, given: Variables(_weights(config), {}),
        loss=loss,
        predict=loss,
        axes=lambda: qwen2_axes(config),
    )
    given = {"tokens": tokens(config.vocab_size, batch, length)}
    optimiser = optax.adamw(LEARNING_RATE, weight_decay=0.0)
    return learning.time_task(task, given, optimiser) | {
        "examples": batch * length,
        "flops": count_step(config, batch, length),
    }


def next_token_loss(
    config: Qwen2Config, params: dict, tokens: Array
) -> tuple[Array, Array]:
    """Sum and count of the losses of tokens (B, L) behind the first of each row."""
    model, variables = Qwen2(config), {"params": params}
    embeddings = model.apply(variables, tokens, method="embed")
    hidden = model.apply(variables, embeddings, jnp.ones(tokens.shape, bool))
    logits = model.apply(variables, hidden, method="logits")
    # All places are kept, for products of a round size; the last has no target.
    real = jnp.broadcast_to(jnp.arange(tokens.shape[1]) > 0, tokens.shape)
    targets, real = (jnp.roll(x, -1, axis=1) for x in (tokens, real))
    losses, counts = token_losses(logits, targets, real)
    return losses.sum(), counts.sum()


def count_step(config: Qwen2Config, batch: int, length: int) -> int:
    """Operations of a step's loss and gradient, attention's over all pairs."""
    # Flash attention is a kernel that cannot be looked into.
    config = dataclasses.replace(config, attention="xla")
    rows = jax.ShapeDtypeStruct((batch, length), jnp.int32)

    def loss(params, tokens):
        return next_token_loss(config, params, tokens)[0]

    return flops.count_gradient(loss, abstract_params(config), rows).flops


def our_text(folder: str, batch: int, length: int, dtype: str) -> dict:
    """A text's values for this package."""
    params, config = load_qwen2(pathlib.Path(folder) / WEIGHTS, dtype=dtype)
    prompts = tokens(config.vocab_size, batch, length)
    write = functools.partial(
        generate, params, config, prompts, max_new_tokens=NEW_TOKENS
    )
    found = write()[:, length:]
    return learning.time_steps(write, learning.device_peak) | {"tokens": found.tolist()}


def tokens(vocabulary: int, batch: int, length: int) -> np.ndarray:
    """(B, L) int32 ids that both sides see."""
    rng = np.random.default_rng(0)
    return rng.integers(0, vocabulary, (batch, length), dtype=np.int32)


def _steps(size: str, folder: str, given: dict) -> list[learning.Row]:
    dtype = given["dtype"]
    rows = [
        learning.row(f"anymo_jax {dtype}", f"{HERE}:our_step", size=size, **given),
        *(
            learning.row(
                f"transformers {how} {dtype}",
                f"{HERE}_torch:their_step",
                folder=folder,
                compiled=how == "compiled",
                **given,
            )
            for how in ("eager", "compiled")
        ),
    ]
    return agreeing(learning.alike(rows), TOLERANCE[dtype])


def _texts(folder: str, given: dict) -> list[Text]:
    dtype = given["dtype"]
    sides = {
        f"anymo_jax {dtype}": (f"{HERE}:our_text", {}),
        f"transformers {dtype}": (f"{HERE}_torch:their_text", {}),
    }
    if dtype == "bfloat16":
        # There transformers compiles the step of a cache of fixed size.
        static = {"cache": "static"}
        sides["transformers static cache"] = (f"{HERE}_torch:their_text", static)
    return [
        _text(name, function, folder=folder, **given, **more)
        for name, (function, more) in sides.items()
    ]


def _text(name: str, function: str, **arguments) -> Text:
    found = Text(name, **isolated.measure(function, arguments))
    told = found.failed or f"{found.seconds:.3f} s for the new tokens"
    print(f"{name}: {told}", file=sys.stderr, flush=True)
    return found


def _weights(config: Qwen2Config) -> dict:
    return init(jax.random.key(0), config)


def _write_weights(folder: str, config: Qwen2Config) -> None:
    save_qwen2(pathlib.Path(folder) / WEIGHTS, _weights(config), config)
