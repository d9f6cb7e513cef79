"""Latents to discrete tokens and back: a product-quantised VAE (paper, Eq. 4).

config        sizes and rates;  settings: of a recipe
model         projection into chunks, and the decoder back to the latent
quantizer     nearest codes, straight-through gradients
codebook      moving averages and the refresh of dead codes
loss          reconstruction and commitment
stream        codes as one interleaved stream of tokens
diagnostics   how codebooks are used, collisions (Table 6)
official      official weights in and out
codes         latents to codes and back, for users
"""

from anymo_jax.tokenizer.codebook import init_codebook, update_codebook
from anymo_jax.tokenizer.codes import decode_codes, encode_codes
from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.tokenizer.diagnostics import Diagnostics, TokenizerReport
from anymo_jax.tokenizer.loss import tokenizer_loss
from anymo_jax.tokenizer.model import Tokenized, axes, init, tokenize
from anymo_jax.tokenizer.official import export_official, import_official
from anymo_jax.tokenizer.stream import interleave, separate

__all__ = [
    "Diagnostics",
    "Tokenized",
    "TokenizerConfig",
    "TokenizerReport",
    "axes",
    "decode_codes",
    "encode_codes",
    "export_official",
    "import_official",
    "init",
    "init_codebook",
    "interleave",
    "separate",
    "tokenize",
    "tokenizer_loss",
    "update_codebook",
]
