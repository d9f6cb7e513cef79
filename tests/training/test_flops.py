"""Counted operations against XLA's own count, and against sums by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.training.flops import count_flops, count_gradient, peak_flops

LAYOUT = ("NTC", "TIO", "NTC")
WEIGHTS = {
    "strided": np.ones((9, 32, 64), np.float32),
    "grouped": np.ones((9, 16, 64), np.float32),
    "dense": np.ones((64, 48), np.float32),
}
INPUT = np.ones((8, 50, 32), np.float32)


def network(weights, x):
    """Strided, padded and grouped convolutions, then a product."""
    x = jax.lax.conv_general_dilated(
        x, weights["strided"], (2,), "SAME", dimension_numbers=LAYOUT
    )
    x = jax.lax.conv_general_dilated(
        *(jax.nn.relu(x), weights["grouped"], (1,), [(4, 4)]),
        rhs_dilation=(2,),
        dimension_numbers=LAYOUT,
        feature_group_count=4,
    )
    return jnp.sum((x @ weights["dense"]) ** 2)


@pytest.mark.parametrize("function", [network, jax.grad(network, (0, 1))])
def test_agrees_with_xla(function):
    """XLA also counts elementwise operations, here below one per cent."""
    counted = count_flops(jax.make_jaxpr(function)(WEIGHTS, INPUT))
    xla = jax.jit(function).lower(WEIGHTS, INPUT).cost_analysis()["flops"]
    assert counted.flops <= xla
    assert counted.flops == pytest.approx(xla, rel=0.01)
    assert not counted.notes


def test_batched_products_and_inner_programs():
    def function(x, y):
        return jax.jit(jax.vmap(jnp.matmul))(x, y)

    x, y = np.ones((5, 2, 3), np.float32), np.ones((5, 3, 7), np.float32)
    assert count_flops(jax.make_jaxpr(function)(x, y)).flops == 2 * 5 * 2 * 3 * 7


def product(x):
    return x @ x


def test_scan_counts_by_its_length_and_cond_by_its_dearest_branch():
    x = np.ones((4, 4), np.float32)
    one = 2 * 4 * 4 * 4

    def scan(x):
        return jax.lax.scan(lambda c, _: (product(c), None), x, None, length=6)[0]

    def cond(x):
        return jax.lax.cond(x[0, 0] > 0, lambda x: product(product(x)), product, x)

    assert count_flops(jax.make_jaxpr(scan)(x)).flops == 6 * one
    assert count_flops(jax.make_jaxpr(cond)(x)).flops == 2 * one


def test_while_counts_once_and_says_so():
    x = np.ones((4, 4), np.float32)

    def loop(x):
        return jax.lax.while_loop(lambda x: x[0, 0] < 9, product, x)

    counted = count_flops(jax.make_jaxpr(loop)(x))
    assert counted.flops == 2 * 4 * 4 * 4
    assert any("while loop" in note for note in counted.notes)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.checkpoint], ids=["plain", "remat"])
def test_gradient_leaves_out_what_is_computed_again(wrap):
    w = np.ones((8, 8), np.float32)

    def loss(w, x):
        block = wrap(lambda x: jnp.tanh(x @ w))
        x, _ = jax.lax.scan(lambda x, _: (block(x), None), x, None, length=5)
        return jnp.sum(wrap(lambda x: jnp.sin(x @ w))(x))

    x = np.ones((3, 8), np.float32)
    # Six products, each with two in the backward pass.
    assert count_gradient(loss, w, x).flops == 6 * 3 * 2 * 3 * 8 * 8


@pytest.mark.parametrize(
    ("kind", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H200", 989e12),
        ("NVIDIA A100-SXM4-40GB", 312e12),
        ("NVIDIA L40S", 362e12),
        ("TPU v4", 275e12),
        ("TPU v5 lite", 197e12),
        ("TPU v5p", 459e12),
        ("TPU v6 lite", 918e12),
        ("NVIDIA RTX A1000", None),
        ("cpu", None),
    ],
)
def test_peaks_by_kind(kind, peak):
    assert peak_flops(kind) == peak
