"""From a recipe to what `training.loop.fit` needs: one module per stage.

Each has `build(config) -> Stage`; `experiments.train` picks it by `config.stage`.
"""

from experiments.stages.stage import Stage, build_stage

__all__ = ["Stage", "build_stage"]
