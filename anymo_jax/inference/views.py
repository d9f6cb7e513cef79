"""Views on the body graph to code streams and unit vectors, in few shapes."""

from collections.abc import Iterator, Sequence

import jax
import numpy as np
from jaxtyping import Float32, Int32

from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.view import View
from anymo_jax.datasets.labelled import LONGEST
from anymo_jax.inference.batches import batches, bucket, joined
from anymo_jax.inference.codes import (
    Weights,
    code_stream,
    mean_latents,
    motion_vectors,
)
from anymo_jax.inference.sizes import Sizes
from anymo_jax.language.sayings import around_codes
from anymo_jax.language.sites import site_phrase
from anymo_jax.language.splice import Part, padded
from anymo_jax.language.templates import load_templates
from anymo_jax.language.text import TextTokenizer

# Tokens before the codes are padded to this at least.
_SHORTEST = 64
_SHAPES = {
    "signal": (LONGEST, len(XSENS), 6),
    "visible": (len(XSENS),),
    "channel_valid": (len(XSENS), 6),
    "length": (),
}


class ViewSide:
    """Code streams of views, and the unit vectors of their prompts."""

    def __init__(self, sizes: Sizes, weights: Weights, tokenizer: TextTokenizer):
        """Keeps what is given: sizes and arrays of all models, and their text."""
        self._sizes, self._weights, self._tokenizer = sizes, weights, tokenizer
        self._prompts: dict[tuple[str, bytes], tuple[list[int], list[int]]] = {}

    def vectors(self, views: Sequence) -> Float32[np.ndarray, "n J"]:
        """Unit vectors of views, in the wording of evaluation.

        Args:
          views: each a `View` or whatever has its four fields; 300 frames, of which
            `length` are real.

        Raises:
          ValueError: for a view without a sensor or of another shape, naming it, and
            for sites whose names do not fit the context.
        """
        found = []
        for batch in view_batches(views):
            stream = code_stream(self._sizes, self._weights, batch)
            before, after = self._sides(batch.visible)
            vectors = motion_vectors(self._sizes, self._weights, stream, before, after)
            found.append(np.asarray(vectors))
        return joined(found, len(views), self._sizes.joint.head.joint)

    def streams(self, views: Sequence) -> list[Int32[np.ndarray, "_"]]:
        """Code tokens of views, from zero; arguments and errors likewise."""
        found: list = []
        for batch in view_batches(views):
            stream = jax.device_get(code_stream(self._sizes, self._weights, batch))
            pairs = zip(stream.codes, stream.count, strict=True)
            found += [codes[:count].astype(np.int32) for codes, count in pairs]
        return found[: len(views)]

    def latents(self, views: Sequence) -> Float32[np.ndarray, "n D"]:
        """The encoder's latents, averaged over time; arguments and errors likewise."""
        found = [
            np.asarray(mean_latents(self._sizes.encoder, self._weights.encoder, batch))
            for batch in view_batches(views)
        ]
        return joined(found, len(views), self._sizes.encoder.width)

    def prompt(
        self, visible: np.ndarray, role: str = "contrastive_imu"
    ) -> tuple[list[int], list[int]]:
        """Ids before and after the codes of a role's first wording.

        Args:
          visible: (23,) nodes that carry a sensor.
          role: of `language.templates`.

        Raises:
          ValueError: for sites whose names do not fit the context.
        """
        visible = np.asarray(visible)
        key = role, visible.tobytes()
        if key not in self._prompts:
            wording = load_templates().wording(role)
            sides = around_codes(wording.prompt, site_phrase(visible))
            before, after = self._tokenizer.encode(list(sides))
            self._check_length(len(before) + len(after), visible)
            self._prompts[key] = before, after
        return self._prompts[key]

    def _sides(self, visible) -> tuple[Part, Part]:
        """Padded ids before and after the codes of each row."""
        befores, afters = zip(*(self.prompt(row) for row in visible), strict=True)
        longest = bucket(max(map(len, befores)), _SHORTEST)
        room = self._sizes.language.qwen.max_length - self._codes - len(afters[0])
        return padded(befores, min(longest, room)), padded(afters)

    @property
    def _codes(self) -> int:
        """Most tokens of a window between the sides of its prompt."""
        steps = self._sizes.encoder.latent_length(LONGEST)
        return 2 + self._sizes.tokenizer.codebooks * steps

    def _check_length(self, text: int, visible) -> None:
        context = self._sizes.language.qwen.max_length
        if text + self._codes > context:
            raise ValueError(
                f"{int(visible.sum())} sites: their prompt has {text + self._codes} "
                f"tokens, the model's context {context}; give fewer sites, or all"
            )


def view_batches(views: Sequence) -> Iterator[View]:
    """Views in batches of few sizes, as arrays.

    Raises:
      ValueError: for a view without a sensor or of another shape, naming it, before
        anything is computed.
    """
    _check(views)
    for index in batches(len(views)):
        rows = [views[i] for i in index.tolist()]
        yield View(
            signal=np.stack([np.asarray(v.signal, np.float32) for v in rows]),
            visible=np.stack([np.asarray(v.visible) for v in rows]),
            channel_valid=np.stack([np.asarray(v.channel_valid) for v in rows]),
            length=np.stack([np.asarray(v.length, np.int32) for v in rows]),
        )


def _check(views: Sequence) -> None:
    for number, view in enumerate(views):
        for name, shape in _SHAPES.items():
            found = np.shape(getattr(view, name))
            if found != shape:
                raise ValueError(f"view {number}: {name} is {found}, expected {shape}")
        if not np.any(view.visible):
            raise ValueError(f"view {number}: no node is visible; leave it out")
        if not 1 <= view.length <= LONGEST:
            raise ValueError(
                f"view {number}: length is {view.length}, expected 1 to {LONGEST}"
            )
