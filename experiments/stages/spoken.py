"""What a tuned model finds and says of held-out windows."""

import collections
import itertools
from collections.abc import Mapping, Sequence

import jax
import numpy as np

from anymo_jax.encoder.validation import draw_pools
from anymo_jax.language.control.task import ControlRecipe
from anymo_jax.language.described import DescribedWindows
from anymo_jax.language.generate import generate
from anymo_jax.language.plain import plain_model
from anymo_jax.language.prompts import END
from anymo_jax.language.recipes import InstructRecipe
from anymo_jax.language.source import InstructionWindows
from anymo_jax.language.validation import both_ways, named_class
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.training.random import StepStreams
from anymo_jax.training.task import Task, Variables
from anymo_jax.views import VisibleNodes
from experiments.stages.stage import BATCH, Motion, held_out_batches

KINDS = ("procedural", "captured")
# Nodes that carry a sensor: as in training (A.3), five of them, all of them.
SETUPS = {
    "1 to 5 nodes": VisibleNodes(1, 5),
    "5 nodes": VisibleNodes(5, 5),
    "whole body": VisibleNodes(23, 23),
}


class Spoken:
    """Retrieval both ways in pools of distinct texts, and captions that are counted.

    Captured and procedural motion are told apart. Pools are as large as asked for, or
    as there are distinct texts; figures carry that number.
    """

    def __init__(
        self,
        task: Task,
        recipe: InstructRecipe | ControlRecipe,
        source: InstructionWindows | DescribedWindows,
        motion: Motion,
        options: Mapping,
    ):
        """Draws pools and windows once, so that figures of different steps compare.

        Args:
          task, recipe: of the stage.
          source: of held-out windows.
          motion: both splits, whose texts tell which activity a caption names.
          options: size, pools, captions, and caption_tokens where there are captions;
            a control has none.
        """
        self._task, self._recipe, self._source = task, recipe, source
        self._options = options
        self._texts = texts_by_label(motion.train, motion.validation)
        windows = source.windows
        kinds = (~windows.captured, windows.captured)
        self._indices = {
            kind: np.flatnonzero(mine)
            for kind, mine in zip(KINDS, kinds, strict=True)
            if mine.any()
        }
        self._predict = jax.jit(self._seen)
        self.said: list[tuple[str, str]] = []

    def __call__(self, variables: Variables, step: int) -> dict[str, float]:
        """Figures by kind, setup and name; "mrr" is their mean."""
        figures = {}
        for kind, index in self._indices.items():
            for setup in SETUPS:
                figures |= self._retrieval(variables, kind, setup, index)
        for setup in self._captioned():
            figures |= self._captions(variables, setup)
        figures["mrr"] = float(
            np.mean([v for name, v in figures.items() if name.endswith("/mrr")])
        )
        return figures

    def table(self, figures: Mapping[str, float]) -> str:
        """The figures, and a few captions, as a person reads them."""
        lines = [f"{'retrieval':<34}" + "".join(f"{n:>8}" for n in _RETRIEVED)]
        for kind in self._indices:
            size = int(figures[f"{kind}/texts"])
            chance = np.mean(1 / np.arange(1, size + 1))
            lines.append(f"{kind}, pools of {size} distinct texts, chance {chance:.3f}")
            for setup, way in itertools.product(SETUPS, _WAYS):
                name = f"{kind}/{setup}/{way}"
                cells = "".join(f"{figures[f'{name}/{n}']:>8.3f}" for n in _RETRIEVED)
                lines.append(f"  {setup + ', ' + way.replace('_', ' '):<32}{cells}")
        for setup in self._captioned():
            share = figures[f"captions/{setup}/right"]
            lines.append(f"captions that name the activity, {setup}: {share:.1%}")
        lines += [f"  {told!r} -> {found!r}" for told, found in self.said[:6]]
        return "\n".join(lines)

    def _retrieval(self, variables, kind, setup, index) -> dict[str, float]:
        texts = self._source.windows.text[index]
        size = min(self._options["size"], len(np.unique(texts)))
        pools = draw_pools(texts, self._options["pools"], size=size)
        found = collections.defaultdict(list)
        for pool in pools:
            rows = [self._source.fixed(int(i), SETUPS[setup]) for i in index[pool]]
            batch = jax.tree.map(lambda *leaves: np.stack(leaves), *rows)
            seen = self._predict(variables, self._task.given, batch, 0)
            seen = jax.device_get(seen)
            figures = both_ways(seen["imu"], seen["text"], batch["text_id"])
            for name, value in figures.items():
                found[f"{kind}/{setup}/{name}"].append(value)
        return {name: float(np.mean(v)) for name, v in found.items()} | {
            f"{kind}/texts": float(size)
        }

    def _captioned(self) -> tuple[str, ...]:
        """Setups of which captions are written."""
        wanted = self._options["captions"] and self._recipe.weight_answer
        return tuple(SETUPS) if wanted and "procedural" in self._indices else ()

    def _captions(self, variables, setup: str) -> dict[str, float]:
        """Share of procedural clips whose activity the greedy caption names."""
        windows, count = self._source.windows, self._options["captions"]
        first = windows.first_windows
        made = first[~windows.captured[first]]
        chosen = np.random.default_rng(0).permutation(made)[:count]
        frozen, _ = self._task.given
        codebooks = frozen.tokenizer["codebook"]["embedding"]
        language = self._recipe.language
        params, config = plain_model(variables.params, language, codebooks)
        self.said, right = [], []
        batches = held_out_batches(
            lambda i: self._source.fixed(int(chosen[i]), SETUPS[setup]), len(chosen)
        )
        for batch, new, number in batches:
            seen = self._predict(variables, self._task.given, batch, number)
            found = self._say(params, config, batch, jax.device_get(seen))
            rows = chosen[number : number + BATCH]
            for i, caption in zip(rows, np.array(found)[new], strict=True):
                told = windows.told(int(i))
                self.said.append((told["texts"][0], str(caption)))
                named = named_class(str(caption), self._texts)
                right.append(named == told["label"])
        return {f"captions/{setup}/right": float(np.mean(right))}

    def _say(self, params, config, batch, seen) -> list[str]:
        text = self._source.tokenizer
        tokens, mask = left_padded(self._prompts(batch, seen), text.pad)
        new = self._options["caption_tokens"]
        stop = text.id_of(END)
        written = generate(
            params, config, tokens, max_new_tokens=new, mask=mask, stop=(stop,)
        )[:, tokens.shape[1] :]
        # New ids are no text: a caption that holds one says nothing there.
        rows = [[i for i in row.tolist() if i < text.vocab_size] for row in written]
        return [text.decode(row, markup=False).strip() for row in rows]

    def _prompts(self, batch, seen) -> list[np.ndarray]:
        vocabulary = self._recipe.language.vocabulary
        prompts = []
        for i in range(len(seen["length"])):
            before = batch["row_before"][i, : batch["row_before_length"][i]]
            after = batch["row_after"][i, : batch["row_after_length"][i]]
            codes = vocabulary.first_code + seen["codes"][i, : seen["length"][i]]
            middle = [[vocabulary.begin], codes, [vocabulary.end]]
            prompts.append(np.concatenate([before, *middle, after]).astype(np.int32))
        return prompts

    def _seen(self, variables, given, batch, number):
        streams = StepStreams(jax.random.key(0), number)
        return self._task.predict(variables, given, batch, streams)


_RETRIEVED = ("r1", "r5", "r10", "mrr")
_WAYS = ("imu_to_text", "text_to_imu")


def texts_by_label(*splits: MotionWindows) -> dict[str, tuple[str, ...]]:
    """All texts of the procedural clips of each activity."""
    found = collections.defaultdict(set)
    for windows in splits:
        for index in windows.first_windows.tolist():
            if not windows.captured[index]:
                told = windows.told(index)
                found[told["label"]].update(told["texts"])
    return {label: tuple(sorted(texts)) for label, texts in found.items()}


def left_padded(rows: Sequence[np.ndarray], pad: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of ids as one array with padding on the left, and which ids are real."""
    size = max(map(len, rows))
    tokens = np.full((len(rows), size), pad, np.int32)
    mask = np.zeros((len(rows), size), bool)
    for i, row in enumerate(rows):
        tokens[i, size - len(row) :] = row
        mask[i, size - len(row) :] = True
    return tokens, mask
