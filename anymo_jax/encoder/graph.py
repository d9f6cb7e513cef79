"""The body graph and messages along its edges (ST-GCN, Yan et al. 2018, section 3.3).

The 23 segments are joined as the kinematic tree joins them. Spatial partitioning with
the pelvis as root splits an edge j -> i by d, the hops to the root: 0 is the node
itself, 1 its neighbours with d(j) >= d(i), 2 those with d(j) < d(i). An edge weighs
1 / (in-degree of i), self link included. One graph convolution is

    y_i = sum_k (sum_j A[k, j, i] E[k, j, i] x_j) W_k + b_k,  E the edge importance.

The inner sum, `aggregate`, comes in two equal forms. Aggregating before the channel
mix is the cheaper order, since no block narrows; the bias is added by
`aggregated_bias` for the same reason.
"""

import functools
import time
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import jraph
import numpy as np
from jaxtyping import Array, Float

from anymo_jax.body.skeleton import XSENS, Skeleton

PARTITIONS = 3


@functools.cache
def adjacency(skeleton: Skeleton = XSENS) -> Float[np.ndarray, "3 N N"]:
    """Weights of the edges j -> i at [k, j, i], k the partition."""
    nodes = len(skeleton)
    depth = np.zeros(nodes, int)
    linked = np.eye(nodes, dtype=bool)
    for child, parent in enumerate(skeleton.parents):
        if parent >= 0:
            depth[child] = depth[parent] + 1
            linked[child, parent] = linked[parent, child] = True
    weight = linked / linked.sum(axis=0, keepdims=True)
    itself = np.eye(nodes, dtype=bool)
    nearer_root = depth[:, None] < depth[None, :]
    partition = (itself, ~nearer_root & ~itself, nearer_root)
    found = np.stack([np.where(p, weight, 0) for p in partition]).astype(np.float32)
    found.flags.writeable = False
    return found


@functools.cache
def body_graph(skeleton: Skeleton = XSENS) -> jraph.GraphsTuple:
    """The body as a graph: 67 edges for the 23 segments, sorted by receiver.

    `edges` holds "partition" (E,) and "weight" (E,); all arrays are numpy.
    """
    weight = adjacency(skeleton)
    receivers, partition, senders = np.nonzero(weight.transpose(2, 0, 1))
    return jraph.GraphsTuple(
        nodes=None,
        edges={
            "partition": partition,
            "weight": weight[partition, senders, receivers],
        },
        senders=senders,
        receivers=receivers,
        globals=None,
        n_node=np.array([len(skeleton)]),
        n_edge=np.array([len(senders)]),
    )


def aggregate_dense(
    x: Float[Array, "B N T C"], weight: Float[Array, "3 N N"]
) -> list[Float[Array, "B N T C"]]:
    """Per partition, what each node gathers: sum over j of weight[k, j, i] x_j.

    One product per window and partition, of (N, N) with (N, T C): a shared left side
    without the window axis makes XLA transpose the whole signal on a CPU.
    """
    batch, nodes, *rest = x.shape
    flat = x.reshape(batch, nodes, -1)
    gather = jnp.broadcast_to(
        weight.transpose(0, 2, 1)[:, None], (PARTITIONS, batch, nodes, nodes)
    )
    return [jnp.matmul(g, flat).reshape(batch, nodes, *rest) for g in gather]


def aggregate_jraph(
    x: Float[Array, "B N T C"], weight: Float[Array, "3 N N"]
) -> list[Float[Array, "B N T C"]]:
    """As `aggregate_dense`, by messages along the 67 edges of the body graph.

    Weights off the graph's edges have no effect here.
    """
    graph = body_graph()
    edge = (graph.edges["partition"], graph.senders, graph.receivers)
    # A node receives apart in each partition, so it stands for three receivers.
    slot = graph.receivers * PARTITIONS + graph.edges["partition"]
    slots = PARTITIONS * x.shape[1]

    def one(nodes: Float[Array, "N T C"]) -> Float[Array, "S T C"]:
        message = nodes[graph.senders] * weight[edge][:, None, None]
        return jraph.segment_sum(message, slot, slots, indices_are_sorted=True)

    received = jax.vmap(one)(x).reshape(*x.shape[:2], PARTITIONS, *x.shape[2:])
    return [received[:, :, k] for k in range(PARTITIONS)]


Aggregate = Callable[[Array, Array], list[Array]]
FORMS: Mapping[str, Aggregate] = {"dense": aggregate_dense, "jraph": aggregate_jraph}
# Measured by `time_forms` on the CPU. No GPU was measured: there the dense form is
# taken because it is three large products, without scattered writes.
FASTEST = {"cpu": "dense", "gpu": "dense", "tpu": "dense"}


def resolve(message_passing: str) -> Aggregate:
    """The form that a config names; 'auto' is the faster on the default backend."""
    if message_passing == "auto":
        message_passing = FASTEST[jax.default_backend()]
    return FORMS[message_passing]


def aggregated_bias(
    weight: Float[Array, "3 N N"], bias: Float[Array, "3 C"]
) -> Float[Array, "N C"]:
    """What the biases of the channel mix come to once gathered."""
    return jnp.einsum("kji,kc->ic", weight, bias)


def time_forms(
    batch: int = 32, samples: int = 300, channels: int = 64, repeats: int = 5
) -> dict[str, dict[str, float]]:
    """Milliseconds of a graph convolution by each form, least of `repeats`.

    Returns:
      {form: {"forward": ms, "forward_and_backward": ms}}.
    """
    key = jax.random.key(0)
    shape = (batch, len(XSENS), samples, channels)
    x = jax.random.normal(key, shape)
    kernel = jax.random.normal(key, (PARTITIONS, channels, channels))
    weight = jnp.asarray(adjacency())
    return {
        form: _time_form(aggregate, (x, weight, kernel), repeats)
        for form, aggregate in FORMS.items()
    }


def _time_form(aggregate: Aggregate, inputs, repeats: int) -> dict[str, float]:
    def forward(x, weight, kernel):
        gathered = aggregate(x, weight)
        return sum(g @ w for g, w in zip(gathered, kernel, strict=True))

    def both(x, weight, kernel):
        y, pull = jax.vjp(forward, x, weight, kernel)
        return y, pull(y)

    return {
        "forward": _least_ms(jax.jit(forward), inputs, repeats),
        "forward_and_backward": _least_ms(jax.jit(both), inputs, repeats),
    }


def _least_ms(function, inputs, repeats: int) -> float:
    jax.block_until_ready(function(*inputs))
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(function(*inputs))
        taken.append(time.perf_counter() - start)
    return 1e3 * min(taken)
