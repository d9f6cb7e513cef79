"""The six stages of a working directory, and the recipes that make them."""

import hashlib
import importlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import ml_collections

from anymo_jax.language.bert import find_minilm
from anymo_jax.language.model import SENTENCES
from anymo_jax.motion import archive
from anymo_jax.motion.prepared import MANIFEST, PreparedMotion, total_hours
from anymo_jax.training.digest import digests
from anymo_jax.training.manifest import differences
from anymo_jax.training.metrics import METRICS
from anymo_jax.training.run_folder import CHECKPOINTS, CONFIG, flatten, read_config
from anymo_jax.training.saved import CheckpointError
from anymo_jax.training.variables import restore_variables
from experiments import appraise, prepare
from experiments.chain.follow import Link

MOTION, EVALUATION = "motion", "evaluation"
VALIDATION = "validation.json"
_RECIPE = "prepare"
# What is said of a changed recipe at most.
_LINES = 4


def links(config: ml_collections.ConfigDict, home: pathlib.Path) -> list[Link]:
    """The stages of configs/pipeline.py in a working directory, in their order.

    Raises:
      ValueError, FileNotFoundError: for a source, a file of windows, a backbone or a
        sentence encoder that is not there: hours later would be too late.
    """
    variant = config.variant
    _check_models(config)
    learning = {
        "encoder": (MOTION,),
        "tokenizer": (MOTION, "encoder"),
        "motion_lm": (MOTION, "encoder", "tokenizer"),
        "instruct": (MOTION, "encoder", "tokenizer", "motion_lm"),
    }
    return [
        Preparation(config.prepare, variant, home / MOTION),
        *(
            Training(name, config[name], variant, home / name, reads)
            for name, reads in learning.items()
        ),
        Evaluation(config, home / EVALUATION, (MOTION, *learning)),
    ]


def _check_models(config: ml_collections.ConfigDict) -> None:
    backbone = config.motion_lm.backbone.directory
    if backbone and not pathlib.Path(backbone).is_dir():
        raise ValueError(f"config.motion_lm.backbone.directory = {backbone}: not there")
    joint = config.instruct.joint
    if joint.tower == SENTENCES and not joint.sentences:
        find_minilm()


class Preparation:
    """Motion capture and the library as a prepared folder."""

    name, reads = MOTION, ()

    def __init__(
        self, recipe: ml_collections.ConfigDict, variant: str, folder: pathlib.Path
    ):
        """Lists the sources, so that a wrong one is told at once."""
        self.folder = folder
        self._flags = [
            f"--config=configs/{_RECIPE}.py:{variant}",
            *recipe_flags(recipe, _RECIPE, variant),
        ]
        self._plan = archive.plan_of(*prepare.sources(recipe))

    def begun(self) -> bool:
        """Whether a plan was agreed on there."""
        return (self.folder / archive.PLAN).exists()

    def changes(self) -> list[str]:
        """Fields of the plan: the sources by their content, options and splits."""
        fields = archive.other_than_begun(self.folder, self._plan)
        return [f"{name} of the motion changed" for name in fields]

    def made(self) -> str | None:
        """Digest of every shard, each held against its checksum."""
        try:
            shards = PreparedMotion(self.folder, verify=True).manifest["shards"]
        except ValueError:
            return None
        return _joined(shard["sha256"] for shard in shards)

    def command(self) -> list[str]:
        """`experiments.prepare` into the folder."""
        return ["experiments.prepare", f"--out={self.folder}", *self._flags]

    def headline(self) -> str:
        """Clips and hours."""
        manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        shards = manifest["shards"]
        clips = sum(shard["clips"] for shard in shards)
        return f"{clips:,} clips, {total_hours(shards):.1f} h"


class Training:
    """A learning stage, in a run's folder as experiments.train leaves it."""

    def __init__(
        self,
        name: str,
        recipe: ml_collections.ConfigDict,
        variant: str,
        folder: pathlib.Path,
        reads: Sequence[str],
    ):
        """Takes a recipe of configs/<name>.py without the places in its `run`."""
        self.name, self.folder, self.reads = name, folder, tuple(reads)
        self._wanted = _bound(plain(recipe))
        self._flags = [
            f"--config=configs/{name}.py:{variant}",
            *recipe_flags(recipe, name, variant),
        ]

    def begun(self) -> bool:
        """Whether a step left anything; what stands there before is no result."""
        curve = self.folder / METRICS
        return curve.exists() or any((self.folder / CHECKPOINTS).glob("*"))

    def changes(self) -> list[str]:
        """Values of the recipe, then and now."""
        if not (self.folder / CONFIG).exists():
            return []
        lines = differences(_bound(read_config(self.folder)), self._wanted)
        more = [f"and {len(lines) - _LINES} values more"] if lines[_LINES:] else []
        return [f"config.{line}" for line in lines[:_LINES]] + more

    def made(self) -> str | None:
        """Digest of the best checkpoint, verified, and of the text tokenizer."""
        if not (self.folder / VALIDATION).exists():
            return None
        try:
            found = restore_variables(self.folder / CHECKPOINTS, step="best")
        except CheckpointError:
            return None
        arrays = digests(found._asdict())
        files = (p for p in self.folder.glob("text_tokenizer/*") if p.is_file())
        words = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
        return _joined(f"{k}={v};" for k, v in sorted((arrays | words).items()))

    def command(self) -> list[str]:
        """`experiments.train`, told where motion and earlier runs lie."""
        home = self.folder.parent
        flags = {MOTION: "data"}
        places = [f"--{flags.get(name, name)}={home / name}" for name in self.reads]
        return ["experiments.train", f"--out={self.folder}", *places, *self._flags]

    def headline(self) -> str:
        """The figure by which a reader judges the stage."""
        text = (self.folder / VALIDATION).read_text(encoding="utf-8")
        return _HEADLINES[self.name](json.loads(text))


class Evaluation:
    """What the trained model is worth, by experiments.appraise."""

    name = EVALUATION

    def __init__(
        self,
        config: ml_collections.ConfigDict,
        folder: pathlib.Path,
        reads: Sequence[str],
    ):
        """Takes the digests of the files of windows, so that a missing one is told."""
        self.folder, self.reads = folder, tuple(reads)
        self._windows = config.windows
        self._options = plain(config.evaluation)
        self._given = appraise.given(config.windows.split(","), self._options)

    def begun(self) -> bool:
        """Whether an appraisal was written to its end."""
        return (self.folder / appraise.JSON).exists()

    def changes(self) -> list[str]:
        """Options, and windows by their content."""
        told = appraise.read(self.folder)
        return [
            f"evaluation's {line}" for line in differences(told["given"], self._given)
        ]

    def made(self) -> str | None:
        """Digest of the files, each held against its checksum."""
        files = appraise.read(self.folder)["files"]
        intact = all(appraise.digest(self.folder / n) == d for n, d in files.items())
        return _joined(f"{k}={v};" for k, v in files.items()) if intact else None

    def command(self) -> list[str]:
        """`experiments.appraise` of the instruction-tuned run."""
        home = self.folder.parent
        options = [f"--{name}={value}" for name, value in self._options.items()]
        windows = [f"--windows={self._windows}"] if self._windows else []
        places = [f"--run={home / 'instruct'}", f"--data={home / MOTION}"]
        return [
            "experiments.appraise",
            f"--out={self.folder}",
            *(*places, *windows, *options),
        ]

    def headline(self) -> str:
        """Accuracy beside chance."""
        return appraise.read(self.folder)["headline"]


def recipe_flags(recipe: Any, name: str, variant: str) -> list[str]:
    """Flags that make a recipe of configs/<name>.py:<variant>."""
    base = importlib.import_module(f"configs.{name}").get_config(variant)
    own, usual = flatten(recipe.to_dict()), flatten(base.to_dict())
    return [
        f"--config.{field}={value}"
        for field, value in own.items()
        if field not in usual or usual[field] != value
    ]


def plain(config: ml_collections.ConfigDict) -> dict[str, Any]:
    """A configuration as JSON gives it back: tuples are lists."""
    return json.loads(json.dumps(config.to_dict()))


def _bound(config: Mapping) -> dict[str, Any]:
    """What results depend on: all but `run`; what a run read is told elsewhere."""
    return flatten({n: v for n, v in config.items() if n not in ("run", "upstream")})


def _joined(texts) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def _codes(figures: Mapping[str, float]) -> str:
    used = [v for n, v in figures.items() if n.endswith("/used")]
    books = " and ".join(f"{count:.0f}" for count in used)
    return f"error {figures['error']:.3f} of the variance; {books} codes used"


_HEADLINES = {
    "encoder": lambda f: f"sparse to full, top-1 {f['top1']:.1%}",
    "tokenizer": _codes,
    "motion_lm": lambda f: (
        f"perplexity {f['perplexity']:.1f}, of a unigram {f['unigram']:.1f}"
    ),
    "instruct": lambda f: f"retrieval between motion and text, MRR {f['mrr']:.3f}",
}
