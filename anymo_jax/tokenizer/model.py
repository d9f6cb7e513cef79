"""The product-quantised VAE around the codebooks: a projection in, a decoder out.

    latent (B, L, 256) -> LayerNorm, Linear -> 128, split into G chunks    [projection]
    chunks -> nearest codes -> code vectors, straight through               [quantizer]
    128 -> LayerNorm, 1x1 -> 256
        -> 3 x ( x + conv3(gelu(norm(conv3(gelu(norm(x)))))) ), dilated 1, 2, 4
        -> norm, gelu, 1x1 -> latent                                          [decoder]

`norm` is PyTorch's GroupNorm with one group: over channels and time. Statistics are
therefore taken over a window's valid steps only, and what lies beyond them is zeroed
before every convolution, as the zero padding of a shorter window would be. Layers and
layouts: the official state dict (paper, A.3).
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from anymo_jax.tokenizer.codebook import Codebook, init_codebook
from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.tokenizer.quantizer import code_vectors, nearest_codes, straight_through

# PyTorch's default of every normalisation.
_EPSILON = 1e-5
_KERNEL = nn.initializers.lecun_normal()


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Tokenized:
    """What a tokenizer makes of a batch of latents.

    Attributes:
      chunks: (B, L, G, C) float32, the projected latent, split.
      codes: (B, L, G) int32.
      vectors: (B, L, G, C) float32, the code vectors; no gradient passes.
      reconstruction: (B, L, D) float32, zero beyond the valid steps.
      valid: (B, L) bool, steps within the window's length.
    """

    chunks: jax.Array
    codes: jax.Array
    vectors: jax.Array
    reconstruction: jax.Array
    valid: jax.Array


def valid_steps(length: Int[Array, "B"], steps: int) -> Bool[Array, "B L"]:
    """Which of `steps` latent steps lie within each length."""
    return jnp.arange(steps)[None] < length[:, None]


def init(key: Key[Array, ""], config: TokenizerConfig) -> dict:
    """Fresh variables: {"params": ..., "codebook": ...}, plain dicts of arrays."""
    for_params, for_codebook = jax.random.split(key)
    params = nn.meta.unbox(_boxed_params(for_params, config))
    return {"params": params, "codebook": init_codebook(for_codebook, config)}


def axes(config: TokenizerConfig) -> dict:
    """Logical axes like the params: a name ("embed", "mlp") or None per dimension."""
    boxed = jax.eval_shape(lambda: _boxed_params(jax.random.key(0), config))
    return jax.tree.map(lambda box: box.names, boxed, is_leaf=_is_box)


def project(
    params: dict, config: TokenizerConfig, latent: Float[Array, "B L D"]
) -> Float[Array, "B L G C"]:
    """Latents to the chunks that are quantised."""
    return Network(config).apply({"params": params}, latent, method="project")


def decode(
    params: dict,
    config: TokenizerConfig,
    vectors: Float[Array, "B L G C"],
    valid: Bool[Array, "B L"],
) -> Float[Array, "B L D"]:
    """Code vectors to latents, zero where not valid; every window has a valid step."""
    return Network(config).apply({"params": params}, vectors, valid, method="decode")


def tokenize(
    params: dict,
    codebook: Codebook,
    config: TokenizerConfig,
    latent: Float[Array, "B L D"],
    length: Int[Array, "B"],
) -> Tokenized:
    """A batch of latents through projection, codebooks and decoder.

    Args:
      params, codebook: of `init`; the codebook is read only.
      config: static.
      latent: the encoder's, zero beyond `length`.
      length: valid latent steps, 1 to L.
    """
    with jax.named_scope("tokenizer"):
        valid = valid_steps(length, latent.shape[1])
        chunks = project(params, config, latent)
        embedding = jax.lax.stop_gradient(codebook["embedding"])
        codes = nearest_codes(jax.lax.stop_gradient(chunks), embedding)
        vectors = code_vectors(codes, embedding)
        passed = straight_through(chunks, vectors)
        reconstruction = decode(params, config, passed, valid)
        return Tokenized(chunks, codes, vectors, reconstruction, valid)


class Network(nn.Module):
    """Everything with parameters."""

    config: TokenizerConfig

    def setup(self):
        self.projection = Projection(self.config)
        self.decoder = Decoder(self.config)

    def project(self, latent: Float[Array, "B L D"]) -> Float[Array, "B L G C"]:
        """Latents to chunks."""
        chunks = (self.config.codebooks, self.config.code_width)
        return self.projection(latent).reshape(*latent.shape[:2], *chunks)

    def decode(
        self, vectors: Float[Array, "B L G C"], valid: Bool[Array, "B L"]
    ) -> Float[Array, "B L D"]:
        """Code vectors to latents."""
        joined = vectors.reshape(*vectors.shape[:2], self.config.bottleneck)
        return self.decoder(joined, valid)

    def __call__(self, latent: Float[Array, "B L D"], valid: Bool[Array, "B L"]):
        """Both, without quantising; serves to make the parameters."""
        return self.decode(self.project(latent), valid)


class Projection(nn.Module):
    """LayerNorm and Linear, always in float32: codes hang on every digit of it."""

    config: TokenizerConfig

    @nn.compact
    def __call__(self, latent: Float[Array, "B L D"]) -> Float[Array, "B L W"]:
        x = _layer_norm("norm", jnp.dtype("float32"))(latent.astype(jnp.float32))
        dense = nn.Dense(
            self.config.bottleneck,
            precision=jax.lax.Precision.HIGHEST,
            kernel_init=_axes(_KERNEL, "embed", None),
            bias_init=_axes(nn.initializers.zeros, None),
            name="dense",
        )
        return dense(x)


class Decoder(nn.Module):
    """Temporal convolutions from code vectors to the latent."""

    config: TokenizerConfig

    @nn.compact
    def __call__(
        self, x: Float[Array, "B L W"], valid: Bool[Array, "B L"]
    ) -> Float[Array, "B L D"]:
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        width = config.decoder_width
        x = _layer_norm("in_norm", dtype)(x.astype(dtype))
        x = _conv("in_proj", width, 1, 1, dtype, (None, "embed"))(x)
        for i, dilation in enumerate(config.dilations):
            block = Block(width, config.kernel, dilation, dtype, name=f"block_{i}")
            x = block(x, valid)
        x = _group_norm("out_norm", dtype, "embed", x, valid)
        x = nn.gelu(x, approximate=False)
        x = _conv("out_proj", config.latent, 1, 1, dtype, ("embed", None))(x)
        return jnp.where(valid[..., None], x.astype(jnp.float32), 0)


class Block(nn.Module):
    """x + conv(gelu(norm(conv(gelu(norm(x)))))), both convolutions dilated."""

    width: int
    kernel: int
    dilation: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(
        self, x: Float[Array, "B L W"], valid: Bool[Array, "B L"]
    ) -> Float[Array, "B L W"]:
        h = x
        for i, (into, out) in enumerate((("embed", "mlp"), ("mlp", "embed")), start=1):
            h = _group_norm(f"norm{i}", self.dtype, into, h, valid)
            h = jnp.where(valid[..., None], nn.gelu(h, approximate=False), 0)
            shape = (self.width, self.kernel, self.dilation)
            h = _conv(f"conv{i}", *shape, self.dtype, (into, out))(h)
        return x + h


def _boxed_params(key: Array, config: TokenizerConfig) -> dict:
    latent = jnp.zeros((1, 1, config.latent))
    return Network(config).init(key, latent, jnp.ones((1, 1), bool))["params"]


def _is_box(leaf) -> bool:
    return isinstance(leaf, nn.LogicallyPartitioned)


def _axes(init, *names):
    return nn.with_logical_partitioning(init, names)


def _layer_norm(name: str, dtype: jnp.dtype) -> nn.LayerNorm:
    return nn.LayerNorm(
        epsilon=_EPSILON,
        dtype=dtype,
        use_fast_variance=False,
        scale_init=_axes(nn.initializers.ones, None),
        bias_init=_axes(nn.initializers.zeros, None),
        name=name,
    )


def _group_norm(
    name: str, dtype: jnp.dtype, axis: str, x: Array, valid: Bool[Array, "B L"]
) -> Array:
    norm = nn.GroupNorm(
        num_groups=1,
        epsilon=_EPSILON,
        dtype=dtype,
        use_fast_variance=False,
        scale_init=_axes(nn.initializers.ones, axis),
        bias_init=_axes(nn.initializers.zeros, axis),
        name=name,
    )
    # Flax asks for a mask of the whole shape.
    return norm(x, mask=jnp.broadcast_to(valid[..., None], x.shape))


def _conv(
    name: str,
    features: int,
    kernel: int,
    dilation: int,
    dtype: jnp.dtype,
    names: tuple[str | None, str | None],
) -> nn.Conv:
    return nn.Conv(
        features,
        (kernel,),
        kernel_dilation=dilation,
        dtype=dtype,
        kernel_init=_axes(_KERNEL, None, *names),
        bias_init=_axes(nn.initializers.zeros, names[1]),
        name=name,
    )
