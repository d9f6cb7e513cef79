"""Where each parameter lies in a Hugging Face checkpoint.

A parameter of ours is one or, where layers are stacked, N tensors of theirs. PyTorch
keeps Linear weights as (out, in) with the heads merged; ours have the inputs first and
heads as an axis of their own. `Place.groups` says which of our axes, in order, make up
each of theirs: ((1, 2), (0,)) is our (D, H, K) as their (H * K, D).
"""

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np
from flax import traverse_util

from anymo_jax.language.qwen2.apply import abstract_params
from anymo_jax.language.qwen2.config import Qwen2Config

Slices = tuple[slice, ...]

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"

_SAME, _VECTOR, _TURNED = ((0,), (1,)), ((0,),), ((1,), (0,))
_INTO_HEADS, _FROM_HEADS, _MERGED = ((1, 2), (0,)), ((2,), (0, 1)), ((0, 1),)

_WHOLE = {
    "embedding": (EMBEDDING, _SAME),
    "head": (HEAD, _SAME),
    "norm/scale": ("model.norm.weight", _VECTOR),
}
_LAYERED = {
    "attention_norm/scale": ("input_layernorm.weight", _VECTOR),
    "attention/query/kernel": ("self_attn.q_proj.weight", _INTO_HEADS),
    "attention/query/bias": ("self_attn.q_proj.bias", _MERGED),
    "attention/key/kernel": ("self_attn.k_proj.weight", _INTO_HEADS),
    "attention/key/bias": ("self_attn.k_proj.bias", _MERGED),
    "attention/value/kernel": ("self_attn.v_proj.weight", _INTO_HEADS),
    "attention/value/bias": ("self_attn.v_proj.bias", _MERGED),
    "attention/out/kernel": ("self_attn.o_proj.weight", _FROM_HEADS),
    "mlp_norm/scale": ("post_attention_layernorm.weight", _VECTOR),
    "gate/kernel": ("mlp.gate_proj.weight", _TURNED),
    "up/kernel": ("mlp.up_proj.weight", _TURNED),
    "down/kernel": ("mlp.down_proj.weight", _TURNED),
}


@dataclasses.dataclass(frozen=True)
class Place:
    """One tensor of a checkpoint and the parameter that it is, or is a layer of.

    Attributes:
      tensor: its name in the checkpoint.
      leaf: path of the parameter, such as "layers/gate/kernel".
      layer: its index in the parameter's first axis, None where not stacked.
      shape: of the parameter, less the axis of layers.
      groups: for each axis of the tensor, our axes that make it up.
    """

    tensor: str
    leaf: str
    layer: int | None
    shape: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape of the tensor in the checkpoint."""
        return tuple(math.prod(self.shape[i] for i in group) for group in self.groups)

    def read(self, tensor: Callable[[Slices], np.ndarray], index: Slices) -> np.ndarray:
        """A part of the parameter, read from no more of the tensor than needed.

        Args:
          tensor: a part of the tensor by slices.
          index: slices of our axes, without steps.
        """
        bounds = [
            part.indices(n)[:2] for part, n in zip(index, self.shape, strict=True)
        ]
        parts, split, within = [], [], []
        for first, *rest in self.groups:
            # Rows of merged axes are contiguous along the first of them only.
            inner = math.prod(self.shape[i] for i in rest)
            start, stop = bounds[first]
            parts.append(slice(start * inner, stop * inner))
            split += [stop - start, *(self.shape[i] for i in rest)]
            within += [slice(None), *(slice(*bounds[i]) for i in rest)]
        found = tensor(tuple(parts)).reshape(split)[tuple(within)]
        return found.transpose(np.argsort(self._order))

    def write(self, parameter: np.ndarray) -> np.ndarray:
        """The parameter as the tensor is stored; the inverse of `read`."""
        turned = parameter.transpose(self._order).reshape(self.stored_shape)
        return np.ascontiguousarray(turned)

    @property
    def _order(self) -> list[int]:
        return list(itertools.chain.from_iterable(self.groups))


def places(config: Qwen2Config) -> list[Place]:
    """Every tensor of a model, in the order in which transformers writes them."""
    found = traverse_util.flatten_dict(abstract_params(config), sep="/")
    shapes = {leaf: array.shape for leaf, array in found.items()}

    def whole(leaf):
        return Place(_WHOLE[leaf][0], leaf, None, shapes[leaf], _WHOLE[leaf][1])

    def layered(leaf, layer):
        name, groups = _LAYERED[leaf]
        leaf, tensor = f"layers/{leaf}", f"model.layers.{layer}.{name}"
        return Place(tensor, leaf, layer, shapes[leaf][1:], groups)

    layers = itertools.product(range(config.layers), _LAYERED)
    return [
        whole("embedding"),
        *(layered(leaf, layer) for layer, leaf in layers),
        whole("norm/scale"),
        *([] if config.tie_embeddings else [whole("head")]),
    ]
