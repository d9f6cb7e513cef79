"""Encoder pre-training, validated by retrieval across views on held-out clips."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import ml_collections
import numpy as np

from anymo_jax.encoder import validation
from anymo_jax.encoder.settings import encoder_recipe
from anymo_jax.encoder.task import EncoderRecipe, encoder_task, encoder_variables
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.simulation import load_priors
from anymo_jax.training.random import StepStreams
from anymo_jax.training.task import Variables
from anymo_jax.training.trained import open_trained
from anymo_jax.views import body_tables
from anymo_jax.views.placements import BodyTables
from anymo_jax.views.settings import view_options
from experiments.stages.real import RealCheck
from experiments.stages.stage import Stage, open_motion


def build(config: ml_collections.ConfigDict) -> Stage:
    """The stage of a recipe of configs/encoder.py."""
    motion = open_motion(config.run.data)
    recipe = encoder_recipe(config)
    body = body_tables(motion.train.segment, motion.train.frame)
    task = encoder_task(recipe, body, load_priors())
    retrieval = Retrieval(
        dataclasses.replace(recipe, views=view_options(config.validation)),
        body,
        motion.validation,
        pools=config.validation.pools,
        size=config.validation.size,
    )
    real = RealCheck(recipe, config.validation.real)

    def validate(variables: Variables, step: int) -> dict[str, float]:
        return retrieval(variables) | real(encoder_variables(variables))

    return Stage(
        task=task,
        train=motion.train,
        validate=validate,
        best="top1",
        best_mode="max",
        upstream={"motion": motion.digest},
        table=functools.partial(retrieval_table, size=config.validation.size),
    )


def load_encoder(run: str, step="best") -> tuple[EncoderRecipe, dict]:
    """Recipe and encoder variables of a trained run.

    Raises:
      ValueError, CheckpointError: as `open_trained`.
    """
    opened = open_trained(run, "encoder", step)
    return encoder_recipe(opened.config), encoder_variables(opened.variables)


class Retrieval:
    """Does the prediction from a sparse view find the full view of its own window?

    Pools are drawn from all held-out windows; where these are captured as well as
    procedural, also from either kind, as far as it has clips enough for a pool.
    """

    def __init__(
        self,
        recipe: EncoderRecipe,
        body: BodyTables,
        windows: MotionWindows,
        *,
        pools: int,
        size: int,
    ):
        """Draws the pools once, so that figures of different steps compare.

        Args:
          recipe: of the stage, with the views that validation sees.
          body: tables of the candidate placements.
          windows: held out.
          pools: drawn from each kind.
          size: windows of a pool.

        Raises:
          ValueError: where there are fewer held-out clips than a pool holds.
        """
        self._task = encoder_task(recipe, body, load_priors())
        self._windows = windows
        self.pools = {"": validation.draw_pools(windows.clips, pools, size=size)}
        kinds = {"captured": windows.captured, "procedural": ~windows.captured}
        for name, mine in kinds.items():
            index = np.flatnonzero(mine)
            if 0 < len(index) < len(mine) and _clips(windows, index) >= size:
                drawn = validation.draw_pools(windows.clips[index], pools, size=size)
                self.pools[f"{name}/"] = index[drawn]
        self._lowest = recipe.views.visible.lowest
        self._predict = jax.jit(self._score)

    def __call__(self, variables: Variables) -> dict[str, float]:
        """Top-1 per number of visible nodes and over all, alignment, uniformity."""
        figures = {}
        for kind, pools in self.pools.items():
            found = self._figures(variables, pools)
            figures |= {f"{kind}{name}": value for name, value in found.items()}
        return figures

    def _figures(self, variables: Variables, pools: np.ndarray) -> dict[str, float]:
        scores = []
        for number, pool in enumerate(pools):
            windows = [self._windows[int(i)] for i in pool]
            batch = jax.tree.map(lambda *leaves: np.stack(leaves), *windows)
            score = self._predict(variables, self._task.given, batch, number)
            scores.append(jax.device_get(score))
        mean = jax.tree.map(lambda *x: np.mean(x, axis=0), *scores)
        top1 = mean.pop("top1")
        figures = {"top1": float(top1.mean())}
        figures |= {
            f"top1/visible_{self._lowest + i}": float(x) for i, x in enumerate(top1)
        }
        return figures | {name: float(value) for name, value in mean.items()}

    def _score(self, variables, given, batch, number):
        streams = StepStreams(jax.random.key(0), number)
        seen = self._task.predict(variables, given, batch, streams)
        pool = np.arange(len(seen.length))[None]
        hits = [
            validation.retrieval_hits(predicted, seen.full, seen.length, pool).mean()
            for predicted in seen.predicted
        ]
        full = validation.window_embedding(seen.full, seen.length)
        most = validation.window_embedding(seen.predicted[-1], seen.length)
        return {
            "top1": jax.numpy.stack(hits),
            "alignment": validation.alignment(full, most),
            "uniformity": validation.uniformity(full),
        }


def retrieval_table(figures: Mapping[str, float], size: int) -> str:
    """Top-1 by number of visible nodes, a row per kind of motion."""
    columns = [k for k in figures if k.startswith("top1/visible_")]
    head = "".join(f"{k.split('_')[-1]:>8}" for k in columns)
    lines = [
        f"sparse to full, pools of {size} held-out clips, chance {1 / size:.1%}",
        f"{'visible nodes':<16}{head}{'mean':>8}{'alignment':>11}{'uniformity':>12}",
    ]
    for kind in ("", "captured/", "procedural/"):
        if f"{kind}top1" in figures:
            shares = (figures[f"{kind}{name}"] for name in [*columns, "top1"])
            cells = "".join(f"{share:>8.1%}" for share in shares)
            lines.append(
                f"{kind.strip('/') or 'all':<16}{cells}"
                f"{figures[f'{kind}alignment']:>11.3f}"
                f"{figures[f'{kind}uniformity']:>12.3f}"
            )
    told = ("top1", "alignment", "uniformity", "captured", "procedural")
    rest = {n: v for n, v in figures.items() if n.split("/")[0] not in told}
    return "\n".join([*lines, *(f"{n} {v:.4f}" for n, v in rest.items())])


def _clips(windows: MotionWindows, index: np.ndarray) -> int:
    return len(np.unique(windows.clips[index]))
