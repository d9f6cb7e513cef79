"""Dense export on an NVIDIA GPU: one kernel that writes each signal once.

The export is bound by memory: per sample it writes 24 bytes and computes 90 products.
XLA multiplies run by run and then concatenates, which moves every byte three times.
Here each program multiplies a tile of frames by a tile of one segment's columns and
writes the result where it belongs. Tiles of a segment's remainder overlap its last
whole tile; both write the same numbers.

Products are three passes of TF32, which keeps float32's accuracy at the tensor cores'
rate (plain TF32 keeps ten bits; plain float32 made the kernel bound by arithmetic).
"""

import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plgpu
from jaxtyping import Array, Float

from anymo_jax.simulation import imu

_ROWS = 64
_COLUMNS = 128
# Triton multiplies in powers of two.
_TERMS = 16
_PRECISION = jax.lax.DotAlgorithmPreset.TF32_TF32_F32_X3

# JAX 0.11 announces that Pallas will lose Triton; requirements.txt stays below the
# release that drops it, and where there is no kernel XLA's own path serves.
warnings.filterwarnings(
    "ignore", "The Pallas Triton backend is deprecated", DeprecationWarning
)


def fits(layout: imu.Layout, frames: int) -> bool:
    """Whether every run and the recording are at least one tile large."""
    return frames >= _ROWS and min(count for _, count in layout) * 6 >= _COLUMNS


@functools.partial(jax.jit, static_argnames=("layout", "interpret"))
def read_grouped(
    terms: Float[Array, "T S 15"],
    layout: imu.Layout,
    offset: Float[Array, "P 3"],
    frame: Float[Array, "P 3 3"],
    *,
    interpret: bool = False,
) -> Float[Array, "T P 6"]:
    """As `imu.read_grouped`, for runs and recordings that `fits` accepts.

    `interpret=True` runs the same kernel on any backend, slowly, for tests.
    """
    frames, segments, _ = terms.shape
    padding = _TERMS - imu.TERMS
    terms = jnp.pad(terms, ((0, 0), (0, 0), (0, padding)))
    matrix = imu.placement_matrix(offset, frame).transpose(1, 0, 2)
    matrix = jnp.pad(matrix.reshape(imu.TERMS, -1), ((0, padding), (0, 0)))
    segment, column = _tiles(layout)
    # The interpreter runs on backends that know no TF32.
    precision = jax.lax.Precision.HIGHEST if interpret else _PRECISION
    call = pl.pallas_call(
        functools.partial(_kernel, frames=frames, precision=precision),
        out_shape=jax.ShapeDtypeStruct((frames, matrix.shape[1]), terms.dtype),
        grid=(len(segment), pl.cdiv(frames, _ROWS)),
        compiler_params=plgpu.CompilerParams(num_warps=4, num_stages=1),
        interpret=interpret,
        name="dense_signals",
    )
    flat = terms.reshape(frames, segments * _TERMS)
    signal = call(jnp.asarray(segment), jnp.asarray(column), flat, matrix)
    return signal.reshape(frames, -1, 6)


def _kernel(
    segment_ref, column_ref, terms_ref, matrix_ref, signal_ref, *, frames, precision
):
    """One tile: `_ROWS` frames of `_COLUMNS` channels of one segment."""
    tile = pl.program_id(0)
    # The last rows overlap their predecessors where frames is no multiple of _ROWS.
    row = jnp.minimum(pl.program_id(1) * _ROWS, frames - _ROWS)
    column = column_ref[tile]
    carried = terms_ref[pl.ds(row, _ROWS), pl.ds(segment_ref[tile] * _TERMS, _TERMS)]
    weights = matrix_ref[:, pl.ds(column, _COLUMNS)]
    signal_ref[pl.ds(row, _ROWS), pl.ds(column, _COLUMNS)] = jnp.dot(
        carried,
        weights,
        precision=precision,
        preferred_element_type=jnp.float32,
    )


def _tiles(layout: imu.Layout) -> tuple[np.ndarray, np.ndarray]:
    """Segment and first column of each tile of columns."""
    segments, columns, first = [], [], 0
    for segment, count in layout:
        width = count * 6
        for start in range(0, width, _COLUMNS):
            segments.append(segment)
            columns.append(first + min(start, width - _COLUMNS))
        first += width
    return np.array(segments, np.int32), np.array(columns, np.int32)
