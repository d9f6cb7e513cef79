"""Floating-point operations of a program, counted in its jaxpr, and devices' peaks.

Dense products and convolutions are counted, two operations per multiply-add, over the
positions that a convolution's window really meets: neither padding nor the zeros of a
dilated input count. So counts XLA; but it counts the body of a scan once, and here it
counts as often as it runs. All else is left out, being of another order.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.extend import core
from jax.extend.core.primitives import remat_p

# Dense bf16 FLOP/s of one device, by words of its kind, the first match counting, as
# commonly stated: compare with the maker's data sheet before quoting an MFU.
PEAKS = {
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "TPU v4": 275e12,
    "TPU v5p": 459e12,
    "TPU v5 lite": 197e12,
    "TPU v5e": 197e12,
    "TPU v5": 459e12,
    "TPU v6 lite": 918e12,
    "TPU v6e": 918e12,
}


def peak_flops(device_kind: str) -> float | None:
    """Dense bf16 FLOP/s of one device, or None where its kind is not in `PEAKS`."""
    for words, peak in PEAKS.items():
        # Whole words: an RTX A1000 is no A100.
        if re.search(rf"\b{words}\b", device_kind, re.IGNORECASE):
            return peak
    return None


@dataclasses.dataclass(frozen=True)
class Count:
    """Operations of a program.

    Attributes:
      flops: in dense products and convolutions.
      notes: what could not be counted, empty where all was.
    """

    flops: int = 0
    notes: frozenset[str] = frozenset()

    def __add__(self, other: "Count") -> "Count":
        return Count(self.flops + other.flops, self.notes | other.notes)

    def times(self, repeats: int) -> "Count":
        """The operations of a program that runs so often."""
        return Count(self.flops * repeats, self.notes)


def count_flops(jaxpr: core.Jaxpr | core.ClosedJaxpr) -> Count:
    """Operations of a jaxpr, those of its inner programs included.

    A scan's body counts by its length, the dearest branch of a condition counts, and
    the body of a while loop, whose length nobody knows, counts once, with a note.
    """
    jaxpr = getattr(jaxpr, "jaxpr", jaxpr)
    return sum((_count_equation(eqn) for eqn in jaxpr.eqns), Count())


def count_gradient(loss: Callable[..., jax.Array], *arguments: Any) -> Count:
    """Model operations of a loss and its gradient in the first argument.

    What `jax.checkpoint` computes again is not counted, as is usual for MFU.

    Args:
      loss: (*arguments) -> () float.
      arguments: pytrees of arrays, which may be abstract.
    """
    traced = without_rematerialisation(jax.make_jaxpr(loss)(*arguments))
    evaluate = core.jaxpr_as_fun(traced)

    def flat_loss(*arguments):
        return evaluate(*jax.tree.leaves(arguments))[0]

    return count_flops(jax.make_jaxpr(jax.value_and_grad(flat_loss))(*arguments))


def without_rematerialisation(jaxpr: core.ClosedJaxpr) -> core.ClosedJaxpr:
    """The same program, whose `jax.checkpoint` regions save all their values."""
    return jaxpr.replace(jaxpr=_saving_all(jaxpr.jaxpr))


def _saving_all(value):
    """A jaxpr, or a parameter that may hold some, with regions that save all."""
    if isinstance(value, core.ClosedJaxpr):
        return without_rematerialisation(value)
    if type(value) is tuple:
        return tuple(map(_saving_all, value))
    if not isinstance(value, core.Jaxpr):
        return value
    equations = []
    for eqn in value.eqns:
        params = {name: _saving_all(x) for name, x in eqn.params.items()}
        if eqn.primitive is remat_p:
            params["policy"] = jax.checkpoint_policies.everything_saveable
        equations.append(eqn.replace(params=params))
    return value.replace(eqns=equations)


def _count_equation(eqn) -> Count:
    name = eqn.primitive.name
    if name == "dot_general":
        return Count(_dot(eqn))
    if name == "conv_general_dilated":
        return Count(_convolution(eqn))
    inner = [count_flops(jaxpr) for jaxpr in _inner(eqn)]
    if name == "scan":
        return sum(inner, Count()).times(eqn.params["length"])
    if name == "cond":
        return max(inner, key=lambda count: count.flops)
    total = sum(inner, Count())
    if name == "while" and total.flops:
        return total + Count(notes=frozenset({"a while loop counts as one turn"}))
    if name == "pallas_call":
        return Count(notes=frozenset({"Pallas kernels are not counted"}))
    return total


def _inner(eqn) -> Iterator[Any]:
    """The programs among an equation's parameters."""
    for value in jax.tree.leaves(
        list(eqn.params.values()),
        is_leaf=lambda x: isinstance(x, (core.Jaxpr, core.ClosedJaxpr)),
    ):
        if isinstance(value, (core.Jaxpr, core.ClosedJaxpr)):
            yield value


def _dot(eqn) -> int:
    (contracted, _), _ = eqn.params["dimension_numbers"]
    lhs = eqn.invars[0].aval.shape
    depth = math.prod(lhs[axis] for axis in contracted)
    return 2 * math.prod(eqn.outvars[0].aval.shape) * depth


def _convolution(eqn) -> int:
    numbers = eqn.params["dimension_numbers"]
    lhs, rhs = (v.aval.shape for v in eqn.invars)
    out = eqn.outvars[0].aval.shape
    batch, features, *space = numbers.out_spec
    met = math.prod(
        _pairs_met(
            lhs[numbers.lhs_spec[2 + i]],
            rhs[numbers.rhs_spec[2 + i]],
            out[axis],
            stride=eqn.params["window_strides"][i],
            low=eqn.params["padding"][i][0],
            lhs_dilation=eqn.params["lhs_dilation"][i],
            rhs_dilation=eqn.params["rhs_dilation"][i],
        )
        for i, axis in enumerate(space)
    )
    depth = rhs[numbers.rhs_spec[1]]
    return 2 * out[batch] * out[features] * depth * met


def _pairs_met(size, kernel, out, *, stride, low, lhs_dilation, rhs_dilation) -> int:
    """Pairs of output position and kernel tap, along an axis, that meet an input."""
    position = (
        np.arange(out)[:, None] * stride + np.arange(kernel)[None] * rhs_dilation - low
    )
    inside = (position >= 0) & (position <= (size - 1) * lhs_dilation)
    return int(np.count_nonzero(inside & (position % lhs_dilation == 0)))
