"""Timing of asynchronous device work, and the machine that was timed."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec

import jax
import jax.numpy as jnp

REPEATS = 7


def seconds(call: Callable[[], object], budget_s: float = 2.0) -> float:
    """Median seconds of one call, warm, waiting for the device.

    Calls are issued in groups that take about a tenth of a second, so that on an
    accelerator the dispatch of one overlaps the work of another.
    """
    jax.block_until_ready(call())
    start = time.perf_counter()
    jax.block_until_ready(call())
    once = time.perf_counter() - start
    if once > budget_s:
        return once
    inner = max(1, min(100, int(0.1 / max(once, 1e-6))))
    repeats = max(3, min(REPEATS, int(budget_s / max(once * inner, 1e-6))))
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(inner):
            result = call()
        jax.block_until_ready(result)
        taken.append((time.perf_counter() - start) / inner)
    return statistics.median(taken)


def copy_bandwidth() -> float:
    """Bytes read plus bytes written per second by a large element-wise copy."""
    # About as large as the dense export that is measured against it.
    large = 2**28 if jax.default_backend() == "gpu" else 2**22
    array = jnp.ones(large, jnp.float32)
    copy = jax.jit(lambda x: x + 1.0)
    return 2 * array.nbytes / seconds(lambda: copy(array))


def matmul_flops(dtype: str) -> float:
    """FLOP/s of a large product of two square matrices of a dtype."""
    side = 8192 if jax.default_backend() == "gpu" else 2048
    array = jnp.ones((side, side), dtype)
    product = jax.jit(lambda x: x @ x)
    return 2 * side**3 / seconds(lambda: product(array))


def machine() -> dict[str, str]:
    """Hardware and versions, for the head of a table."""
    device = jax.devices()[0]
    return {
        "device": f"{device.device_kind} ({device.platform})",
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **{name: version(name) for name in ("jax", "torch") if find_spec(name)},
    }
