"""Windows of motion with the sentence vectors of what is said of them.

Visible nodes, mirroring, texts and labels are drawn as in `source`, by the same rules;
there are no prompts, as no language model reads them.
"""

from collections.abc import Mapping

import numpy as np

from anymo_jax.language.rows import draw_positive
from anymo_jax.language.sayings import (
    Sayings,
    everything_said,
    label_identity,
    text_identity,
)
from anymo_jax.language.source import check_vectors, prompts_of
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.views.masks import draw_visible_nodes
from anymo_jax.views.options import ViewOptions, VisibleNodes


class DescribedWindows:
    """Windows with a narration and a label, as vectors.

    An example is one of `MotionWindows` and: visible (23,), mirrored (), what the view
    is to show; narration_vector and label_vector (S,), the latter zeros where there is
    no label; text_id and label_id, equal for equal texts and labels, -1 for no label.

    Attributes:
      windows: of motion.
    """

    def __init__(
        self,
        windows: MotionWindows,
        sayings: Sayings,
        views: ViewOptions,
        vectors: Mapping[str, np.ndarray],
    ):
        """Checks that all that can be said has a vector.

        Args:
          windows: of motion.
          sayings: what may be said.
          views: of which visible nodes and mirroring are drawn.
          vectors: of a sentence encoder, by text, for `source.prompts_of`.

        Raises:
          ValueError: for a window without a text, a text without a vector.
        """
        self.windows = windows
        self._sayings, self._views, self._vectors = sayings, views, vectors
        texts, labels = everything_said(windows, sayings)
        check_vectors(prompts_of(texts, labels, sayings), vectors)

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.windows)

    def __repr__(self) -> str:
        """Names what is served; a loader's checkpoint is compared by it."""
        return f"DescribedWindows({self.windows!r})"

    def draw(self, index: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """A training example."""
        visible = draw_visible_nodes(rng, self._views.visible)
        mirrored = bool(rng.random() < self._views.mirror)
        told = self._sayings.told(self.windows.told(index), visible, mirrored)
        narration = draw_positive(told.texts, rng)
        return self._example(index, visible, mirrored, told, narration)

    def fixed(self, index: int, nodes: VisibleNodes) -> dict[str, np.ndarray]:
        """The example of evaluation: the primary text, nodes by the index."""
        visible = draw_visible_nodes(np.random.default_rng(index), nodes)
        told = self._sayings.told(self.windows.told(index), visible, False)
        return self._example(index, visible, False, told, told.texts[0])

    def _example(self, index, visible, mirrored, told, narration):
        sayings, vectors = self._sayings, self._vectors
        said = vectors[sayings.narration(narration).text]
        label = np.zeros_like(said)
        if told.label:
            label = vectors[sayings.label(told.label).text]
        return self.windows[index] | {
            "visible": visible,
            "mirrored": np.bool_(mirrored),
            "narration_vector": said,
            "label_vector": label,
            "text_id": np.int32(text_identity(told.texts[0])),
            "label_id": np.int32(label_identity(told.label)),
        }
