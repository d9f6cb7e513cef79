"""What is asked of a run on one dataset, and on held-out motion, beyond its vectors."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.evaluation import insight, recognition
from anymo_jax.evaluation.choices import choice_scores
from anymo_jax.evaluation.embedded import AT_ONCE, Embedded, window_parts
from anymo_jax.evaluation.motion_views import MotionViews
from anymo_jax.evaluation.pooling import MEAN, pool_parts
from anymo_jax.evaluation.probes import ProbeOptions, probe
from anymo_jax.evaluation.spoken import SpokenOptions, evaluate_spoken
from anymo_jax.evaluation.zero_shot import ZeroShotOptions, window_scores
from anymo_jax.motion.prepared import PreparedMotion
from anymo_jax.motion.windows import MotionWindows


@dataclasses.dataclass(frozen=True)
class Further:
    """What is computed beside zero-shot recognition by vectors.

    Attributes:
      motion: prepared folders, comma-separated; "" for no retrieval and captions.
      spoken: how much is asked of motion.
      choices: whether the language model answers multiple choices, too.
      probes: of linear probes; None for none.
      insight: whether codes and clouds are looked at.
    """

    motion: str = ""
    spoken: SpokenOptions = dataclasses.field(default_factory=SpokenOptions)
    choices: bool = False
    probes: ProbeOptions | None = None
    insight: bool = False


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Held-out motion.

    Attributes:
      windows: of the validation split.
      digest: of every shard.
      card: what was prepared, by folder.
    """

    windows: MotionWindows
    digest: str
    card: Mapping

    @classmethod
    def open(cls, folders: str) -> "HeldOut":
        """Comma-separated prepared folders.

        Raises:
          ValueError: naming the folder that is missing, not prepared, or holds nothing
            out.
        """
        names = [name.strip() for name in folders.split(",") if name.strip()]
        opened = [PreparedMotion(name) for name in names]
        shards = [e["sha256"] for folder in opened for e in folder.manifest["shards"]]
        return cls(
            windows=MotionWindows(opened, split="validation"),
            digest=hashlib.sha256("".join(shards).encode()).hexdigest(),
            card={
                str(one.folder): {k: one.manifest[k] for k in ("options", "counts")}
                for one in opened
            },
        )


class Beside:
    """What a run says beside its vectors; each method adds to `details`.

    Attributes:
      details: long rows of numbers, by kind.
      probed: linear probes by dataset, or why there are none.
      choices: scores of parts by dataset and row.
    """

    def __init__(self, model, further: Further, motion: HeldOut | None):
        """Keeps what is given; `motion` is None where none is named."""
        self._model, self._further, self._motion = model, further, motion
        self._views = motion and MotionViews(motion.windows, seed=further.spoken.seed)
        self.details: dict = {"windows": {}, "ranks": {}, "clouds": {}, "codes": {}}
        self.probed: dict = {}
        self.choices: dict[str, dict[str, np.ndarray]] = {}

    def look(self, windows: LabelledWindows, data: Embedded) -> None:
        """Asks all that is wanted of one dataset."""
        if self._further.choices:
            seed = self._further.spoken.seed
            self.choices[data.dataset] = choice_scores(self._model, windows, seed=seed)
        if self._further.probes is not None:
            self.probed[data.dataset] = self._probe(windows, data)
        if self._further.insight:
            self._look_inside(windows, data.dataset)

    def rows(self, data: Embedded, rule: str) -> dict[str, np.ndarray]:
        """Scores of windows for further rows of a dataset's table."""
        found = self.choices.get(data.dataset, {})
        return {n: pool_parts(s, data.parts.window, rule) for n, s in found.items()}

    def keep_windows(self, data: Embedded, options: ZeroShotOptions) -> None:
        """The two labels ranked first at each window, for comparisons of runs."""
        score = window_scores(data.parts, data.texts, options.pooling)
        kept = data.parts.kept
        self.details["windows"][data.dataset] = {
            "window": kept.tolist(),
            "label": data.label[kept].tolist(),
            "subject": data.subject[kept].tolist(),
            "best": recognition.ranked_labels(score)[:, :2].tolist(),
        }

    def spoken(self) -> list:
        """Retrieval and captions of the held-out motion."""
        found = evaluate_spoken(self._model, self._motion.windows, self._further.spoken)
        for one in found:
            ranks = {way: r.tolist() for way, r in one.retrieval.ranks.items()}
            name = f"{one.kind}, {one.setup}"
            self.details["ranks"][name] = {"clip": one.clip.tolist(), **ranks}
        return found

    def _probe(self, windows, data):
        kept, which = data.parts.kept, data.parts.window
        parts = [part for _, part in window_parts(windows)]
        cuts = range(0, len(parts), AT_ONCE)
        latents = [self._model.latent_views(parts[i : i + AT_ONCE]) for i in cuts]
        features = {"latents": np.concatenate(latents), "joint": data.parts.vector}
        given = data.label[kept], data.subject[kept], len(data.classes)
        if (given[1] < 0).any() or len(np.unique(given[1])) < 2:
            return "People are not known here, so that none can be kept apart."
        return {
            name: probe(pool_parts(x, which, MEAN), *given, self._further.probes)
            for name, x in features.items()
        }

    def _look_inside(self, windows: LabelledWindows, name: str) -> None:
        views, label = insight.some_windows(windows)
        config = self._model.sizes.tokenizer
        self._code_use(name, views, config)
        if self._views is None:
            return
        visible = np.isin(np.arange(len(views[0].visible)), windows.node)
        simulated = insight.some_motion(self._views, visible)
        self._code_use(f"motion at the sites of {name}", simulated, config)
        found = insight.cloud(self._embed(views), self._embed(simulated), label)
        self.details["clouds"][name] = {
            **dataclasses.asdict(found),
            "point": found.point.tolist(),
            "label": found.label.tolist(),
        }

    def _code_use(self, name: str, views: Sequence, config) -> None:
        self.details["codes"][name] = insight.code_use(self._model, views, config)

    def _embed(self, views: Sequence) -> np.ndarray:
        return self._model.embed_views(views)
