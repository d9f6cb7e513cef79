"""What a model says of windows in order: a ranking, and a timeline."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from anymo_jax.datasets.labelled import RATE_HZ, LabelledWindows
from anymo_jax.inference.answering import Answering, check_labels
from anymo_jax.inference.scores import abstain_score, label_scores, recording_scores


@dataclasses.dataclass(frozen=True)
class Prediction:
    """Scores of windows.

    Attributes:
      labels: that were asked for.
      scores: (n, C) of each window, summing to one.
      recording: of each window, by name.
      start, seconds: (n,) of each window, in its recording.
      pooled: (C,) scores of all windows together, of `scores.recording_scores`.
      captions: a sentence of each window, or ().
    """

    labels: tuple[str, ...]
    scores: Float[np.ndarray, "n C"]
    recording: tuple[str, ...]
    start: Float[np.ndarray, "n"]
    seconds: Float[np.ndarray, "n"]
    pooled: Float[np.ndarray, "C"]
    captions: tuple[str, ...] = ()

    def ranked(self) -> list[tuple[str, float]]:
        """Labels and scores of all windows together, best first."""
        order = np.argsort(-self.pooled, kind="stable")
        return [(self.labels[i], float(self.pooled[i])) for i in order]

    @property
    def abstain(self) -> float:
        """`scores.abstain_score` of all windows together."""
        return abstain_score(self.pooled)

    def to_json(self) -> dict:
        """Plain values: the ranking, and each window with its scores."""
        windows = []
        for i, scores in enumerate(self.scores):
            best = int(scores.argmax())
            window = {
                "recording": self.recording[i],
                "start_s": round(float(self.start[i]), 3),
                "seconds": round(float(self.seconds[i]), 3),
                "label": self.labels[best],
                "score": float(scores[best]),
                "abstain": abstain_score(scores),
                "scores": dict(zip(self.labels, scores.tolist(), strict=True)),
            }
            if self.captions:
                window["caption"] = self.captions[i]
            windows.append(window)
        ranked = [{"label": label, "score": score} for label, score in self.ranked()]
        return {"ranked": ranked, "abstain": self.abstain, "windows": windows}


def predict(
    model: Answering,
    windows: LabelledWindows,
    labels: Sequence[str],
    *,
    pool: str = "mean",
    caption: bool = False,
) -> Prediction:
    """Scores of labels over windows; their own labels are not looked at.

    Args:
      model: of `load`.
      windows: of at least a second each.
      labels: two or more activity names.
      pool: how windows are put together, as in `Answering.classify`.
      caption: also describe each window.

    Raises:
      ValueError: naming what is wrong with labels or rule; where no window has a
        sensor that measured enough.
    """
    check_labels(labels)
    parts = [(i, part) for i in range(len(windows)) for part in windows.views(i)[:1]]
    if not parts:
        raise ValueError(
            f"{windows.dataset}: no window has more than four fifths of a sensor's "
            "samples; give a recording without such gaps"
        )
    index, views = zip(*parts, strict=True)
    vectors = model.embed_views(views)
    scored = vectors, model.embed_labels(labels), model.temperature
    return Prediction(
        labels=tuple(labels),
        scores=label_scores(*scored),
        recording=tuple(windows.sources[windows.recording[i]] for i in index),
        start=windows.start[list(index)],
        seconds=np.array([view.length / RATE_HZ for view in views]),
        pooled=recording_scores(*scored, pool),
        captions=tuple(model.caption_views(views)) if caption else (),
    )
