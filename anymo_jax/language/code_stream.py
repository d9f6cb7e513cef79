"""Code tokens of fresh sparse views, made inside the step by the frozen first stages.

    window -> sparse view -> encoder -> projection, nearest codes -> interleaved stream

The paper exports every window's stream once (A.4). Here a window's setup is drawn anew
each time it is read, so that the variety of setups reaches the language model;
`fixed_views` draws it once per window, which is the paper's export.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from anymo_jax.encoder.config import EncoderConfig
from anymo_jax.encoder.model import STGCNEncoder
from anymo_jax.simulation.noise_priors import NoisePriors
from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.tokenizer.model import project
from anymo_jax.tokenizer.quantizer import nearest_codes
from anymo_jax.views.options import PAPER, ViewOptions
from anymo_jax.views.paired import sparse_view_batch
from anymo_jax.views.placements import BodyTables


@dataclasses.dataclass(frozen=True)
class CodeSource:
    """How windows become code tokens.

    Attributes:
      encoder, tokenizer: sizes of the frozen stages.
      views: how windows become views.
      fixed_views: draw the view of a window once, as an export does.
    """

    encoder: EncoderConfig
    tokenizer: TokenizerConfig
    views: ViewOptions = PAPER
    fixed_views: bool = False

    def __post_init__(self):
        if self.tokenizer.latent != self.encoder.width:
            raise ValueError(
                f"tokenizer.latent = {self.tokenizer.latent} is not the encoder's "
                f"latent width {self.encoder.width}: they were not trained together"
            )


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Frozen:
    """Arrays of the frozen stages, as a task's given.

    Attributes:
      encoder: variables of the encoder.
      tokenizer: {"params": ..., "codebook": ...}.
      body: tables of the candidate placements.
      priors: hardware priors of the device noise.
    """

    encoder: dict
    tokenizer: dict
    body: BodyTables
    priors: NoisePriors


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class CodeStream:
    """Interleaved codes of a batch, and the nodes that they were read from.

    Attributes:
      codes: (B, G L) int32, code k of codebook g as g K + k; anything beyond `count`.
      count: (B,) int32, G times the window's latent steps.
      visible: (B, 23) bool, nodes that carry a sensor.
    """

    codes: jax.Array | np.ndarray
    count: jax.Array | np.ndarray
    visible: jax.Array | np.ndarray


def draw_codes(
    source: CodeSource, frozen: Frozen, batch: dict, key: Array
) -> CodeStream:
    """One sparse view of every window, as code tokens.

    Args:
      source: sizes and views.
      frozen: what does not learn.
      batch: as of `motion.windows.MotionWindows`, with "visible" and "mirrored" where
        its texts hang on them; other entries are left alone.
      key: of the step's views.
    """
    fixed = jax.random.key(0) if source.fixed_views else None
    with jax.named_scope("views"):
        view = sparse_view_batch(
            key, batch, frozen.body, frozen.priors, source.views, fixed
        )
    with jax.named_scope("encoder"):
        seen = (view.signal, view.visible, view.channel_valid, view.length)
        latent = STGCNEncoder(source.encoder).apply(frozen.encoder, *seen)
    with jax.named_scope("tokenizer"):
        config = source.tokenizer
        chunks = project(frozen.tokenizer["params"], config, latent)
        codes = nearest_codes(chunks, frozen.tokenizer["codebook"]["embedding"])
        codes = codes + config.entries * jnp.arange(config.codebooks)[None, None]
    stream = CodeStream(
        codes=codes.reshape(len(codes), -1),
        count=config.codebooks * source.encoder.latent_length(view.length),
        visible=view.visible,
    )
    return jax.lax.stop_gradient(stream)
