"""Where the sensors of a view sit: one candidate placement per segment (section 3.2).

Candidates are drawn uniformly (paper, A.3) or by weights. Offsets belong to a window,
what else the candidates have in common to the body: `BodyTables`.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy import sparse
from scipy.sparse import csgraph

from anymo_jax.body.placement import candidate_vertices
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.surface import BodySurface


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class BodyTables:
    """What the candidate placements of all windows share.

    Attributes:
      frame: (P, 3, 3) segment from sensor.
      cumulative: (P,) cumulative chance of the candidates, one unit per segment: those
        of segment s go from s to s + 1.
      counts: candidates of each segment, 23 positive numbers (static).
    """

    frame: jax.Array | np.ndarray
    cumulative: jax.Array | np.ndarray
    counts: tuple[int, ...] = dataclasses.field(metadata={"static": True})

    @property
    def starts(self) -> Int[np.ndarray, "23"]:
        """First candidate of each segment."""
        return np.cumsum((0, *self.counts[:-1]))


def body_tables(
    segment: Int[np.ndarray, "P"],
    frame: Float[np.ndarray, "P 3 3"],
    weights: Float[np.ndarray, "P"] | None = None,
) -> BodyTables:
    """Tables of a body, as a prepared folder or `MotionWindows` carries it.

    Args:
      segment: (P,) segment of each candidate, ascending.
      frame: (P, 3, 3) segment from sensor.
      weights: (P,) relative chance of each candidate within its segment; None for all
        alike.

    Raises:
      ValueError: for candidates out of order, a segment without any, or weights that
        are negative or all zero in a segment.
    """
    if np.any(np.diff(segment) < 0):
        raise ValueError("segment must ascend: the candidates of one are contiguous")
    counts = np.bincount(segment, minlength=len(XSENS))
    if len(counts) > len(XSENS) or not counts.all():
        missing = [XSENS.names[i] for i in np.flatnonzero(counts[: len(XSENS)] == 0)]
        raise ValueError(
            f"segment: views need a candidate on each of the {len(XSENS)} segments and "
            f"on no other; without one are {missing}: use a body whose mesh covers them"
        )
    chance = np.ones(len(segment)) if weights is None else np.asarray(weights, float)
    total = np.bincount(segment, chance, len(XSENS))
    if chance.shape != segment.shape or (chance < 0).any() or not (total > 0).all():
        raise ValueError(
            f"weights: give {len(segment)} that are >= 0, with a positive one on "
            "every segment"
        )
    cumulative = np.concatenate(
        [s + np.cumsum(chance[segment == s]) / total[s] for s in range(len(XSENS))]
    )
    return BodyTables(
        frame=np.asarray(frame, np.float32),
        cumulative=cumulative.astype(np.float32),
        counts=tuple(counts.tolist()),
    )


def choose_candidates(key: Array, body: BodyTables) -> Int[Array, "23"]:
    """Index of one candidate of each segment."""
    nodes = np.arange(len(XSENS), dtype=np.float32)
    target = nodes + jax.random.uniform(key, (len(XSENS),))
    index = jnp.searchsorted(
        jnp.asarray(body.cumulative), target, side="right", method="compare_all"
    )
    # Rounding may carry a target over its segment's end.
    starts = body.starts.astype(np.int32)
    last = starts + np.array(body.counts, np.int32) - 1
    return jnp.clip(index, starts, last).astype(jnp.int32)


def choose_placements(
    key: Array, offset: Float[Array | np.ndarray, "P 3"], body: BodyTables
) -> tuple[Float[Array, "23 3"], Float[Array, "23 3 3"]]:
    """Offset (m, segment frame) and frame of one candidate of each segment."""
    index = choose_candidates(key, body)
    chosen = jnp.asarray(offset)[index].astype(jnp.float32)
    return chosen, jnp.asarray(body.frame)[index]


def centroid_weights(surface: BodySurface) -> Float[np.ndarray, "P"]:
    """Weights that favour the middle of a segment's surface, as in the official code.

    exp(-0.5 h) / d, with d a vertex's number of mesh neighbours and h its mesh hops to
    the segment's core, the candidates whose LARGEST skinning weight is the segment's
    (of a segment without one: all its candidates). The official code uses these weights
    for centroids only; in views they are an option. Candidates and their order are
    those of `candidate_placements`.
    """
    segment, vertex = candidate_vertices(surface)
    skinning = np.asarray(surface.skinning)
    owner = np.asarray(surface.joint_segment)[np.argmax(skinning, axis=1)]
    graph = _mesh_graph(np.asarray(surface.faces), len(skinning))
    degree = np.diff(graph.indptr)
    weights = np.empty(len(segment))
    for s in np.unique(segment):
        mine = vertex[segment == s]
        core = mine[owner[mine] == s]
        hops = csgraph.dijkstra(
            graph, indices=core if len(core) else mine, unweighted=True, min_only=True
        )
        weights[segment == s] = np.exp(-0.5 * hops[mine]) / degree[mine]
    return weights


def _mesh_graph(faces: Int[np.ndarray, "F 3"], vertices: int) -> sparse.csr_array:
    """Symmetric adjacency of vertices that share an edge, each edge once a side."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    both = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    ones = np.ones(len(both))
    return sparse.csr_array((ones, tuple(both.T)), shape=(vertices, vertices))
