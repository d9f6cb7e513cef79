"""The door of the room: a window of motion in, views of wearable setups out.

`paired_views` makes two full-body views of one window, independent in placements,
mounting rotations and devices, and for each a sparse view in which few nodes are
visible (section 3.2, Fig. 3). `sparse_view` makes one sparse view at less cost. Both
take one example and run under jit; `paired_views_batch` and `sparse_view_batch` take
many.

All that is drawn for a window follows from a key and the window's index alone: not from
the batch it comes in, nor from its place there. With a `fixed_key` the setups follow
from that one, which stays the same over steps, and only the masks from `key`, as in the
official code.

Where a text hangs on the view, whoever writes it draws what it hangs on: a window that
brings "visible" (23,) or "mirrored" () is seen so, and nothing is drawn for them.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anymo_jax.body.view import View
from anymo_jax.simulation.noise_priors import NoisePriors
from anymo_jax.views import masks
from anymo_jax.views.mirror import mirror_signal
from anymo_jax.views.options import PAPER, ViewOptions
from anymo_jax.views.placements import BodyTables
from anymo_jax.views.retime import draw_factor, retime
from anymo_jax.views.simulate import (
    add_device_noise,
    cut_to_length,
    draw_setup,
    simulate_setups,
)

# One example of a batch, without B (see `motion.windows.MotionWindows`).
Window = Mapping[str, Array | np.ndarray]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class PairedViews:
    """Two views of one motion; many have a leading batch axis on every leaf.

    Attributes:
      full_a, full_b: all nodes and channels.
      visible_a, visible_b: (23,) bool, nodes of the sparse views.
      channel_valid_a, channel_valid_b: (23, 6) bool, channels of the sparse views.
      mirrored: () bool, the body is mirrored, and so must its texts be.
      factor: () factor of speed.
    """

    full_a: View
    full_b: View
    visible_a: jax.Array | np.ndarray
    visible_b: jax.Array | np.ndarray
    channel_valid_a: jax.Array | np.ndarray
    channel_valid_b: jax.Array | np.ndarray
    mirrored: jax.Array | np.ndarray
    factor: jax.Array | np.ndarray

    @property
    def sparse_a(self) -> View:
        """View A with its few nodes and channels; the signal is that of `full_a`."""
        return dataclasses.replace(
            self.full_a, visible=self.visible_a, channel_valid=self.channel_valid_a
        )

    @property
    def sparse_b(self) -> View:
        """View B likewise."""
        return dataclasses.replace(
            self.full_b, visible=self.visible_b, channel_valid=self.channel_valid_b
        )


def paired_views(
    key: Array,
    window: Window,
    body: BodyTables,
    priors: NoisePriors,
    options: ViewOptions = PAPER,
    fixed_key: Array | None = None,
) -> PairedViews:
    """Two views of one window.

    Args:
      key: random key of the step.
      window: position (304, 23, 3), quaternion (304, 23, 4), offset (P, 3), length (),
        window () and tempo (2,), as `MotionWindows` serves them; visible (23,) bool of
        both sparse views and mirrored () bool where they are not to be drawn.
      body: tables of the candidate placements.
      priors: hardware priors of the device noise.
      options: how views are made (static under jit).
      fixed_key: key of all but the masks, the same over steps; None for fresh views.
    """
    keys = _keys(key, window, fixed_key)
    motion = _move(keys.motion, window, options)
    full_a, full_b = _full_views(keys.setups, window, motion, body, priors, options)
    visible, valid = jax.vmap(lambda k: _sparse_masks(k, window, options))(keys.masks)
    return PairedViews(
        full_a=full_a,
        full_b=full_b,
        visible_a=visible[0],
        visible_b=visible[1],
        channel_valid_a=valid[0],
        channel_valid_b=valid[1],
        mirrored=motion.mirrored,
        factor=motion.factor,
    )


def sparse_view(
    key: Array,
    window: Window,
    body: BodyTables,
    priors: NoisePriors,
    options: ViewOptions = PAPER,
    fixed_key: Array | None = None,
) -> View:
    """One sparse view of one window: `paired_views(...).sparse_a` of the same keys."""
    keys = _keys(key, window, fixed_key)
    motion = _move(keys.motion, window, options)
    (full,) = _full_views(keys.setups[:1], window, motion, body, priors, options)
    visible, valid = _sparse_masks(keys.masks[0], window, options)
    return dataclasses.replace(full, visible=visible, channel_valid=valid)


def paired_views_batch(
    key: Array,
    batch: Window,
    body: BodyTables,
    priors: NoisePriors,
    options: ViewOptions = PAPER,
    fixed_key: Array | None = None,
) -> PairedViews:
    """`paired_views` of every window of a batch (B on every array) and one key."""
    given = (body, priors, options, fixed_key)
    return jax.vmap(lambda window: paired_views(key, window, *given))(_used(batch))


def sparse_view_batch(
    key: Array,
    batch: Window,
    body: BodyTables,
    priors: NoisePriors,
    options: ViewOptions = PAPER,
    fixed_key: Array | None = None,
) -> View:
    """`sparse_view` of every window of a batch (B on every array) and one key."""
    given = (body, priors, options, fixed_key)
    return jax.vmap(lambda window: sparse_view(key, window, *given))(_used(batch))


class _Keys(NamedTuple):
    """Keys by purpose: the motion's changes, setups A and B, masks A and B."""

    motion: Array
    setups: Array
    masks: Array


class _Motion(NamedTuple):
    """A window's motion as it will be seen; `mirrored` is not yet done."""

    position: Float[Array, "T 23 3"]
    quaternion: Float[Array, "T 23 4"]
    length: Int[Array, ""]
    factor: Float[Array, ""]
    mirrored: Bool[Array, ""]


def _keys(key, window, fixed_key) -> _Keys:
    masks_key = jax.random.fold_in(key, window["window"])
    views_key = masks_key
    if fixed_key is not None:
        views_key = jax.random.fold_in(fixed_key, window["window"])
    motion, *setups = jax.random.split(jax.random.fold_in(views_key, 0), 3)
    both_masks = jax.random.split(jax.random.fold_in(masks_key, 1))
    return _Keys(motion, jnp.stack(setups), both_masks)


def _move(key: Array, window: Window, options: ViewOptions) -> _Motion:
    """Draw the changes of the motion, and play it at its new speed."""
    flip, pace = jax.random.split(key)
    mirrored = _mirrored(flip, window, options)
    position, quaternion = window["position"], window["quaternion"]
    length = jnp.asarray(window["length"], jnp.int32)
    factor = jnp.float32(1.0)
    if options.tempo is not None:
        with jax.named_scope("views/tempo"):
            position, quaternion = jnp.asarray(position), jnp.asarray(quaternion)
            tempo = jnp.asarray(window["tempo"])
            factor = draw_factor(pace, tempo, length, options.tempo)
            position, quaternion, length = retime(position, quaternion, length, factor)
    return _Motion(position, quaternion, length, factor, mirrored)


def _mirrored(key: Array, window: Window, options: ViewOptions) -> Bool[Array, ""]:
    if "mirrored" in window:
        return jnp.asarray(window["mirrored"])
    return jax.random.bernoulli(key, options.mirror)


def _full_views(keys, window, motion, body, priors, options) -> list[View]:
    """Full views of as many setups as there are keys."""
    placing, sensing = jnp.swapaxes(jax.vmap(jax.random.split)(keys), 0, 1)
    offset = window["offset"]
    setups = jax.vmap(lambda k: draw_setup(k, offset, body, options))(placing)
    signals = simulate_setups(motion.position, motion.quaternion, setups, options)
    if options.mirror or "mirrored" in window:
        with jax.named_scope("views/mirror"):
            signals = jnp.where(motion.mirrored, mirror_signal(signals), signals)
    if options.device is not None and not options.joint_mounted:
        signals = add_device_noise(sensing, signals, priors, options.device)
    return [
        _full_view(cut_to_length(signals[:, :, i], motion.length), motion.length)
        for i in range(keys.shape[0])
    ]


def _full_view(signal: Float[Array, "T 23 6"], length: Int[Array, ""]) -> View:
    nodes = signal.shape[1]
    return View(
        signal=signal,
        visible=jnp.ones(nodes, bool),
        channel_valid=jnp.ones((nodes, 6), bool),
        length=length,
    )


def _sparse_masks(key: Array, window: Window, options: ViewOptions):
    """Visible nodes and present channels of a sparse view."""
    which, channels = jax.random.split(key)
    if "visible" in window:
        visible = jnp.asarray(window["visible"])
    else:
        visible = masks.visible_nodes(which, options.visible)
    return visible, masks.present_channels(channels, options.drop_gyroscope)


def _used(batch: Window) -> dict[str, Array | np.ndarray]:
    """The entries that views are made from: a batch may carry others, without B."""
    names = ("position", "quaternion", "offset", "length", "window", "tempo")
    given = ("visible", "mirrored")
    return {name: batch[name] for name in (*names, *(n for n in given if n in batch))}
