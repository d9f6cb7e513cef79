"""What the benchmarks of training stages share: a timed row, and the table of rows."""

import dataclasses
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np
import optax

from anymo_jax.training import flops, sharding
from anymo_jax.training.options import FitOptions
from anymo_jax.training.program import count_step, prepare
from anymo_jax.training.sharding import MeshShape
from anymo_jax.training.task import Task
from experiments.benchmarks import isolated

WARM, TIMED = 2, 3


@dataclasses.dataclass(frozen=True)
class Row:
    """Steps of learning by one implementation at one size.

    Attributes:
      name: who, or what size.
      examples: windows of a step, or its tokens.
      seconds: of a step, the median.
      flops: of a step, as the model needs them; the same for all who compute it.
      memory: bytes, greatest while stepping: of the device's allocator, or on a CPU of
        the whole process.
      loss: of the first step, for the comparison of implementations.
      peak: FLOP/s that the devices are said to reach, or None.
      failed: complaint of a row that could not be measured.
    """

    name: str
    examples: int = 0
    seconds: float = float("nan")
    flops: int = 0
    memory: int | None = None
    loss: float = float("nan")
    peak: float | None = None
    failed: str = ""


def row(name: str, function: str, *, devices: int = 1, **arguments) -> Row:
    """A row measured by "module:function" in a process with so many CPU devices.

    Its figure is told on stderr at once, since a table takes minutes.
    """
    force = f"--xla_force_host_platform_device_count={devices}"
    environment = {"XLA_FLAGS": force} if devices > 1 else {}
    found = Row(name, **isolated.measure(function, arguments, environment))
    told = found.failed or f"{found.seconds:.3f} s a step"
    print(f"{name}: {told}", file=sys.stderr, flush=True)
    return found


def alike(rows: list[Row]) -> list[Row]:
    """Rows of one model at one size: the operations counted for the first are all's."""
    first = rows[0]
    return [dataclasses.replace(r, flops=first.flops, peak=first.peak) for r in rows]


def time_task(
    task: Task, batch: Any, optimiser: optax.GradientTransformation
) -> dict[str, Any]:
    """A row's values for the loop's own step, on every device there is."""
    mesh = sharding.make_mesh(MeshShape())
    options = FitOptions(steps=1, seed=0)
    given = sharding.replicate(mesh, task.given)
    batch = sharding.global_batch(mesh, batch)
    program = prepare(
        task, optimiser, options, mesh=mesh, given=given, batch=_abstract(batch)
    )
    count = count_step(task, program, given, _abstract(batch), options.seed)
    step = program.compiled(given, _abstract(batch)).step
    state = program.init(given)

    def one() -> float:
        nonlocal state
        state, report = step(state, given, batch, program.flag(False))
        return jax.block_until_ready(report.terms["loss"])

    device = jax.devices()[0]
    total, number = one()
    peak = flops.peak_flops(device.device_kind)
    return time_steps(one, device_peak) | {
        "examples": len(jax.tree.leaves(batch)[0]),
        "flops": count.flops,
        "loss": float(total / number),
        "peak": peak and peak * mesh.size,
    }


def time_steps(
    one: Callable[[], Any], device_peak: Callable[[], int | None]
) -> dict[str, Any]:
    """Median seconds and greatest memory of a step that waits for its result."""
    for _ in range(WARM):
        one()
    isolated.forget_peak_memory()
    taken = []
    for _ in range(TIMED):
        start = time.perf_counter()
        one()
        taken.append(time.perf_counter() - start)
    memory = device_peak()
    return {
        "seconds": float(np.median(taken)),
        "memory": isolated.peak_memory() if memory is None else memory,
    }


def table(
    title: str, rows: Iterable[Row], products: float, unit: str = "windows"
) -> str:
    """Rows as a person reads them; speeds relative to the first.

    Args:
      title: above the table.
      rows: the first is the one that others are compared with.
      products: FLOP/s of a large matrix product here.
      unit: what is counted as examples.
    """
    rows = list(rows)
    head = ("s/step", f"{unit}/s", "GFLOP/s", "products", "MFU", "memory", "loss")
    lines = [title, f"{'':<34}" + "".join(f"{h:>10}" for h in head) + f"{'speed':>8}"]
    for one in rows:
        if one.failed:
            lines.append(f"{one.name:<34}  not measured: {one.failed}")
            continue
        rate = one.flops / one.seconds
        mfu = "-" if one.peak is None else f"{rate / one.peak:.1%}"
        memory = "-" if one.memory is None else f"{one.memory / 1e9:.2f} GB"
        speed = (one.examples / one.seconds) / (rows[0].examples / rows[0].seconds)
        lines.append(
            f"{one.name:<34}{one.seconds:>10.3f}{one.examples / one.seconds:>10.2f}"
            f"{rate / 1e9:>10.1f}{rate / products:>10.0%}{mfu:>10}{memory:>10}"
            f"{one.loss:>10.5f}{speed:>8.2f}"
        )
    return "\n".join(lines)


def notes(unit: str = "windows") -> str:
    """What the columns of `table` mean."""
    return (
        "s/step: median of 3; products: of the rate of a large matrix product in the "
        "same run; MFU:\nof the peak in the maker's data sheet; memory: of the "
        "device's allocator, or of the process\nwhere the device is a CPU; loss: of "
        f"the first step; speed: {unit}/s relative to the first row"
    )


def report(result: Mapping[str, Any], unit: str = "windows") -> str:
    """A benchmark's head and tables; `unit` is what its rows count as examples."""
    lines = ["  ".join(f"{k} {v}" for k, v in result["machine"].items())]
    lines.append(f"large matrix product {result['products'] / 1e9:.0f} GFLOP/s")
    for title, rows in result["tables"].items():
        lines += ["", table(title, rows, result["products"], unit)]
    return "\n".join([*lines, "", notes(unit)])


def _abstract(tree: Any) -> Any:
    return jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), tree
    )


def device_peak() -> int | None:
    """Most bytes that the first device's allocator has held; None where none tells."""
    found = jax.devices()[0].memory_stats()
    return found and found.get("peak_bytes_in_use")
