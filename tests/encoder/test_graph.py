"""The body graph, and its two forms of message passing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.encoder import graph


def test_each_node_weighs_its_neighbourhood_evenly():
    total = graph.adjacency().sum(axis=0)
    np.testing.assert_allclose(total.sum(axis=0), 1, rtol=1e-6)
    assert [sorted(set(c[c > 0])) for c in total.T] == [[c.max()] for c in total.T]


def test_edges_lie_in_the_partition_of_their_direction():
    weight = graph.adjacency()
    arm, forearm = XSENS.index("R_UpperArm"), XSENS.index("R_Forearm")
    # The upper arm hears itself, the shoulder and the forearm.
    assert weight[1, forearm, arm] == pytest.approx(1 / 3)
    assert weight[2, arm, forearm] == pytest.approx(1 / 3)
    assert weight[0, arm, arm] == pytest.approx(1 / 3)
    pelvis = XSENS.index("Pelvis")
    # Nothing is nearer the root than the root; its three children are farther.
    assert weight[2, :, pelvis].sum() == 0
    assert weight[1, :, pelvis].sum() == pytest.approx(3 / 4)


def test_the_graphs_tuple_holds_the_same_edges():
    body = graph.body_graph()
    assert body.n_node == [23]
    assert body.n_edge == [23 + 2 * 22]
    rebuilt = np.zeros((3, 23, 23), np.float32)
    edge = (body.edges["partition"], body.senders, body.receivers)
    rebuilt[edge] = body.edges["weight"]
    np.testing.assert_array_equal(rebuilt, graph.adjacency())
    assert (np.diff(body.receivers) >= 0).all()


def test_aggregation_is_the_sum_over_neighbours():
    x, weight = inputs()
    found = graph.aggregate_dense(x, weight)
    for k in range(3):
        for i in (0, 4, 9, 22):
            expected = sum(weight[k, j, i] * x[:, j] for j in range(23))
            np.testing.assert_allclose(found[k][:, i], expected, atol=1e-5)


def test_both_forms_agree_with_their_gradients():
    x, weight = inputs()
    mark = jax.random.normal(jax.random.key(2), (3, *x.shape))

    def total(form, x, weight):
        return jnp.vdot(jnp.stack(graph.FORMS[form](x, weight)), mark)

    for form in ("dense", "jraph"):
        assert len(graph.FORMS[form](x, weight)) == 3
    dense, messages = (
        jax.value_and_grad(total, argnums=(1, 2))(form, x, weight)
        for form in ("dense", "jraph")
    )
    np.testing.assert_allclose(dense[0], messages[0], rtol=1e-5)
    np.testing.assert_allclose(dense[1][0], messages[1][0], atol=1e-5)
    on_edges = graph.adjacency() > 0
    np.testing.assert_allclose(
        np.where(on_edges, dense[1][1], 0), messages[1][1], rtol=1e-5, atol=1e-5
    )


def test_both_forms_agree_where_it_is_gathered():
    x, weight = inputs()
    dense, messages = (graph.FORMS[f](x, weight) for f in ("dense", "jraph"))
    for one, other in zip(dense, messages, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_bias_is_gathered_like_the_signal():
    _, weight = inputs()
    bias = jax.random.normal(jax.random.key(3), (3, 5))
    ones = jnp.ones((1, 23, 1, 1))
    gathered = graph.aggregate_dense(ones, weight)
    expected = sum(g[0, :, 0] * b[None] for g, b in zip(gathered, bias, strict=True))
    np.testing.assert_allclose(
        graph.aggregated_bias(weight, bias), expected, rtol=1e-5, atol=1e-6
    )


def test_auto_is_one_of_the_forms():
    fastest = graph.FORMS[graph.FASTEST[jax.default_backend()]]
    assert graph.resolve("auto") is fastest
    assert graph.resolve("jraph") is graph.aggregate_jraph


def test_forms_are_timed():
    told = graph.time_forms(1, 8, 4, repeats=1)
    assert told.keys() == graph.FORMS.keys()
    for times in told.values():
        assert times["forward"] > 0
        assert times["forward_and_backward"] > 0


def inputs():
    """A signal, and the adjacency with an importance per edge."""
    keys = jax.random.split(jax.random.key(0))
    importance = 1 + 0.3 * jax.random.normal(keys[1], (3, 23, 23))
    return jax.random.normal(keys[0], (2, 23, 5, 4)), graph.adjacency() * importance
