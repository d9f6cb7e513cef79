"""What lies behind the figures: which codes are used, where real and simulated lie.

    codes   how often each code is chosen on real windows and on simulated ones
    clouds  joint vectors of a dataset's windows, and of held-out motion simulated at
            the same sites, on their first two principal components (Figure 6, there
            by UMAP)

The clouds' mixing is the share of windows whose nearest other window is of the other
kind, with as many of either: 50 per cent where they lie in one cloud, 0 where they lie
apart.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from anymo_jax.body.view import View
from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.evaluation.motion_views import MotionViews
from anymo_jax.tokenizer import TokenizerConfig
from anymo_jax.tokenizer.diagnostics import Diagnostics
from anymo_jax.tokenizer.stream import separate

# Windows of a source that are looked at.
WINDOWS = 200


@runtime_checkable
class Insider(Protocol):
    """A trained model, as it is looked into."""

    def embed_views(self, views: Sequence) -> Float[np.ndarray, "n D"]:
        """Unit vectors of views."""

    def tokenize_views(self, views: Sequence) -> list[Int[np.ndarray, "_"]]:
        """Code tokens of views."""


@dataclasses.dataclass(frozen=True)
class Cloud:
    """Real and simulated windows on two axes.

    Attributes:
      point: (N, 2) real windows, then as many simulated ones.
      real: how many are real.
      label: of the real ones, index into the dataset's classes.
      variance: shares of the variance that the two axes hold.
      mixing: see above.
    """

    point: Float[np.ndarray, "N 2"]
    real: int
    label: Int[np.ndarray, "R"]
    variance: tuple[float, float]
    mixing: float


def some_windows(
    windows: LabelledWindows, seed: int = 0
) -> tuple[list[View], Int[np.ndarray, "n"]]:
    """First parts of `WINDOWS` windows drawn at random, and their labels."""
    order = np.random.default_rng(seed).permutation(len(windows))
    views, labels = [], []
    for index in order.tolist():
        parts = windows.views(index)
        if parts and len(views) < WINDOWS:
            views.append(parts[0])
            labels.append(windows.label[index])
    return views, np.array(labels, int)


def some_motion(views: MotionViews, visible: Bool[np.ndarray, "23"], seed: int = 0):
    """Views of `WINDOWS` windows of motion drawn at random, at the given nodes."""
    order = np.random.default_rng(seed).permutation(len(views.windows))[:WINDOWS]
    return [view for some in views.batches(order, visible) for view in some]


def code_use(model: Insider, views: Sequence, config: TokenizerConfig) -> dict:
    """Table 6's figures of each codebook, and how often each code was chosen."""
    told = Diagnostics(config)
    counts = np.zeros((config.codebooks, config.entries), int)
    for tokens in model.tokenize_views(views):
        codes, length = separate(tokens[None], config.entries, config.codebooks)
        told.add_codes(codes, length)
        for own, chosen in zip(counts, codes[0].T, strict=True):
            own += np.bincount(chosen, minlength=config.entries)
    report = told.report()
    return {
        "windows": report.windows,
        "collision": report.collision,
        "codebooks": [dataclasses.asdict(use) for use in report.codebooks],
        "counts": counts.tolist(),
    }


def insight_json(details: Mapping) -> dict:
    """What codes and clouds come to, without the rows that pictures are drawn from.

    Args:
      details: "codes" by source, of `code_use`, and "clouds" by dataset.
    """
    codes = {
        name: {k: v for k, v in use.items() if k != "counts"}
        for name, use in details["codes"].items()
    }
    kept = ("real", "variance", "mixing")
    clouds = {n: {k: one[k] for k in kept} for n, one in details["clouds"].items()}
    return {"codes": codes, "clouds": clouds}


def cloud(
    real: Float[np.ndarray, "R D"],
    simulated: Float[np.ndarray, "S D"],
    label: Int[np.ndarray, "R"],
) -> Cloud:
    """As many of either kind, on the principal components of both together.

    Args:
      real, simulated: unit vectors, at least two of each.
      label: of the real ones.

    Raises:
      ValueError: for fewer.
    """
    count = min(len(real), len(simulated))
    if count < 2:
        raise ValueError(
            f"{len(real)} real and {len(simulated)} simulated windows make no picture"
        )
    both = np.concatenate([real[:count], simulated[:count]]).astype(np.float64)
    about = both - both.mean(axis=0)
    left, scale, _ = np.linalg.svd(about, full_matrices=False)
    share = scale**2 / max(np.sum(scale**2), 1e-12)
    return Cloud(
        point=left[:, :2] * scale[:2],
        real=count,
        label=label[:count],
        variance=(float(share[0]), float(share[1])),
        mixing=mixing(both, count),
    )


def mixing(vectors: Float[np.ndarray, "N D"], real: int) -> float:
    """Share of unit vectors whose nearest other one is of the other kind.

    Args:
      vectors: `real` of one kind, then those of the other.
      real: how many are of the first.
    """
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -np.inf)
    kind = np.arange(len(vectors)) < real
    return float(np.mean(kind != kind[cosine.argmax(axis=1)]))
