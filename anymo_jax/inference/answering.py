"""What every trained model can be asked that has one space for motion and words."""

import abc
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32

from anymo_jax.body.view import View
from anymo_jax.inference.recording import OVERLAP, recording_views
from anymo_jax.inference.scores import recording_scores


class Answering(abc.ABC):
    """Ranks activities and embeds recordings of worn sensors.

    `imu` is (T, 6) of one sensor or (T, S, 6), specific force in m/s^2 (at rest 9.81
    upwards) then angular rate in rad/s, in each device's own axes; three channels, or
    NaN, where there is no gyroscope. `sites` names where each sensor is worn, in
    everyday words ("right wrist") or by segment ("R_Forearm"). `rate_hz` is any from 8
    to 4000; 60 Hz is made of it.

    Attributes:
      config: of the run.
      temperature: by which cosines are divided before the softmax over labels.
      label_prompt: how labels are worded, one of `language.templates.LABEL_PROMPTS`.
    """

    def __init__(self, config: Mapping):
        """Takes the configuration of the run."""
        self.config = config
        self.temperature = float(config["temperature"])
        self.label_prompt = config["label_prompt"]

    @abc.abstractmethod
    def embed_views(self, views: Sequence[View]) -> Float32[np.ndarray, "n D"]:
        """Unit vectors of views on the body graph."""

    @abc.abstractmethod
    def embed_text(self, texts: Sequence[str]) -> Float32[np.ndarray, "n D"]:
        """Unit vectors of descriptions."""

    @abc.abstractmethod
    def embed_labels(
        self, labels: Sequence[str], prompt: str | None = None
    ) -> Float32[np.ndarray, "n D"]:
        """Unit vectors of activity names."""

    def classify(
        self,
        imu: np.ndarray,
        *,
        sites: Sequence[str],
        rate_hz: float,
        labels: Sequence[str],
        pool: str = "mean",
    ) -> list[tuple[str, float]]:
        """Labels with their scores, best first.

        Labels are ranked as `evaluation` ranks them: by cosine, pooled over windows of
        5 s that follow each other. The scores are the softmax of pooled cosine /
        temperature.

        Args:
          imu, sites, rate_hz: of the recording.
          labels: two or more activity names.
          pool: "mean" over windows, or "max", each label by its best window: a short
            action is not diluted.

        Raises:
          ValueError: naming the argument, for whatever cannot be so.
        """
        check_labels(labels)
        views = recording_views(imu, sites, rate_hz, overlap=0)
        vectors, texts = self.embed_views(views), self.embed_labels(labels)
        found = recording_scores(vectors, texts, self.temperature, pool)
        order = np.argsort(-found, kind="stable")
        return [(labels[i], float(found[i])) for i in order]

    def embed_imu(
        self, imu: np.ndarray, *, sites: Sequence[str], rate_hz: float
    ) -> Float32[np.ndarray, "n D"]:
        """Unit vectors of a recording's windows, in order; errors as `classify`."""
        return self.embed_views(recording_views(imu, sites, rate_hz, overlap=OVERLAP))


def check_labels(labels: Sequence[str]) -> None:
    """Refuses labels among which there is nothing to choose.

    Raises:
      ValueError: for less than two labels, or one that is given twice.
    """
    check_texts(labels, "labels")
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise ValueError(f"labels: give two or more different ones, not {list(labels)}")


def check_texts(texts: Sequence[str], name: str) -> None:
    """Refuses what is no list of texts.

    Raises:
      ValueError: naming the argument.
    """
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} is {texts!r}; give a list of texts")
