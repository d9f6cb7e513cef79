"""The learning rate of a recipe, and what is decayed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.training.optimiser import (
    OptimiserOptions,
    learning_rate,
    make_optimiser,
)


def test_cosine_rises_and_ends_where_it_says():
    options = OptimiserOptions(
        learning_rate=1.0, schedule="cosine", warmup=10, final_fraction=0.1
    )
    rate = learning_rate(options, steps=110)
    assert [float(rate(s)) for s in (0, 5, 10)] == pytest.approx([0.0, 0.5, 1.0])
    assert float(rate(60)) == pytest.approx(0.55)
    assert float(rate(110)) == pytest.approx(0.1)


def test_the_papers_rate_is_constant():
    rate = learning_rate(OptimiserOptions(), steps=5)
    assert {float(rate(s)) for s in range(5)} == {3e-4}


def test_a_warmup_longer_than_the_run_is_refused():
    with pytest.raises(ValueError, match="warmup = 10 is not below steps = 10"):
        learning_rate(OptimiserOptions(warmup=10), steps=10)


def test_vectors_are_not_decayed_and_large_gradients_are_clipped():
    params = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}
    still = jax.tree.map(jnp.zeros_like, params)
    optimiser = make_optimiser(
        OptimiserOptions(learning_rate=0.1, weight_decay=0.5, clip_norm=1.0), 10
    )
    updates, _ = optimiser.update(still, optimiser.init(params), params)
    np.testing.assert_allclose(updates["kernel"], -0.05, rtol=1e-6)
    np.testing.assert_array_equal(updates["bias"], 0.0)

    # Adam hides a gradient's scale but for epsilon: with a large one the clip shows.
    loose = OptimiserOptions(learning_rate=0.1, eps=1.0, clip_norm=1.0)
    optimiser = make_optimiser(loose, 10)
    steep = jax.tree.map(lambda x: 1e6 * jnp.ones_like(x), params)
    updates, _ = optimiser.update(steep, optimiser.init(params), params)
    each = 1 / np.sqrt(6)
    np.testing.assert_allclose(updates["bias"], -0.1 * each / (each + 1), rtol=1e-5)
