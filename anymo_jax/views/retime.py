"""Playing a window faster or slower: the motion is resampled, then simulated anew.

Time runs s times as fast: p'(t) = p(s t), so that angular rates scale by s and
accelerations by s^2, while gravity stays what it is. The natural cubic spline through
the samples is read at other times; the texts bound s (`motion.pace`), and so do the
shortest and the longest window: a whole window cannot be slowed down.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from anymo_jax.geometry.resampling import interpolate, same_side
from anymo_jax.motion.prepared import MARGIN, SHORTEST, WINDOW
from anymo_jax.views.options import TempoChange


def draw_factor(
    key: Array,
    tempo: Float[Array, "2"],
    length: Int[Array, ""],
    change: TempoChange,
) -> Float[Array, ""]:
    """Factor of speed, log-uniform in what texts, options and length allow.

    Args:
      key: random key.
      tempo: slowest and fastest factor that the window's texts allow.
      length: valid frames.
      change: bounds of the options.
    """
    slowest = jnp.maximum(tempo[0], change.slowest)
    fastest = jnp.minimum(tempo[1], change.fastest)
    # Frames n of the result fill n - 1 intervals; faster than once, the two frames of
    # context at either end reach 2 (s - 1) frames further in.
    intervals = (length - 1).astype(jnp.float32)
    shortest = (intervals + 4.0) / (SHORTEST - 1 + 4.0)
    slowest = jnp.maximum(slowest, intervals / (WINDOW - 1))
    # Where the bounds cross, nothing changes.
    slowest, fastest = jnp.minimum(slowest, 1.0), jnp.clip(fastest, 1.0, shortest)
    low, high = jnp.log(slowest), jnp.log(fastest)
    return jnp.exp(low + (high - low) * jax.random.uniform(key))


def retime(
    position: Float[Array, "T 23 3"],
    quaternion: Float[Array, "T 23 4"],
    length: Int[Array, ""],
    factor: Float[Array, ""],
) -> tuple[Float[Array, "T 23 3"], Float[Array, "T 23 4"], Int[Array, ""]]:
    """A window with its context at another speed.

    Args:
      position: (T, 23, 3) m; two frames of context, `length` valid frames, two of
        context, and anything beyond.
      quaternion: (T, 23, 4) wxyz, of either sign.
      length: valid frames.
      factor: of speed, at most 2.

    Returns:
      Position, quaternion (of no unit norm) and length of the same form. The first
      valid frame keeps its time, or is the first with a whole context.
    """
    last = length + 2 * MARGIN - 1
    start = MARGIN * jnp.maximum(factor, 1.0)
    room = last.astype(jnp.float32) - 2 * start
    # A hair more, so that an interval that fits exactly is not lost to rounding.
    count = jnp.floor(room / factor + 1e-3).astype(jnp.int32) + 1
    count = jnp.clip(count, SHORTEST, WINDOW)
    frames = jnp.arange(position.shape[0], dtype=jnp.float32) - MARGIN
    times = start + factor * frames
    tracks = (position - position[last][None], same_side(quaternion))
    position, quaternion = (
        interpolate(_continue_straight(track, last), times) for track in tracks
    )
    return position, quaternion, count


def _continue_straight(
    track: Float[Array, "T *F"], last: Int[Array, ""]
) -> Float[Array, "T *F"]:
    """The track, going on in a straight line after the frame `last`.

    A spline rings where a track stops dead; on a straight line its second derivative
    vanishes, as at the end of a natural spline.
    """
    shape = (-1,) + (1,) * (track.ndim - 1)
    beyond = (jnp.arange(track.shape[0]) - last).astype(track.dtype).reshape(shape)
    line = track[last][None] + beyond * (track[last] - track[last - 1])[None]
    return jnp.where(beyond > 0, line, track)
