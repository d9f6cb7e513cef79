r"""From motion to answers with one command: prepare, train every stage, evaluate.

    python -m experiments.pipeline --config=configs/pipeline.py:tiny --workdir=runs/demo
    python -m experiments.pipeline --config=configs/pipeline.py:small \
        --workdir=runs/small --config.prepare.packs='MOCAP/*.npz' \
        --config.windows=HAR/motionsense.safetensors --config.encoder.steps=400

The same command again skips what is done and intact, goes on with what was stopped, and
makes anew what was made by another recipe or from other content; a run in the way is
moved to WORKDIR/set_aside. Each stage has a folder of its own, motion, encoder,
tokenizer, motion_lm, instruct and evaluation, and is a command of its own: the line
that starts it is printed and can be repeated alone. WORKDIR/pipeline.json tells what
was done by what, where, and in how many seconds. SIGTERM saves and leaves with code
143.
"""

import json
import pathlib
import shlex
import sys
from collections.abc import Sequence

import jax
import ml_collections
from absl import app, flags, logging
from ml_collections import config_flags

from anymo_jax.training.termination import Terminated
from experiments import appraise, evaluate
from experiments.chain.follow import Outcome, StageFaultError, follow
from experiments.chain.links import links
from experiments.chain.process import only_one, run
from experiments.chain.record import RECORD, Record


def main(argv: list[str]) -> None:
    """Bring every stage to its end; say which one could not be, and how to go on."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    logging.set_verbosity(logging.WARNING)
    # This process reads checkpoints only; an accelerator belongs to the stages.
    jax.config.update("jax_platforms", "cpu")
    command = shlex.join(["python", "-m", "experiments.pipeline", *sys.argv[1:]])
    home = pathlib.Path(flags.FLAGS.workdir)
    try:
        outcomes = pipeline(flags.FLAGS.config, home, command)
    except Terminated as notice:
        print(f"pipeline: {notice.message}\n  {command}", file=sys.stderr)
        sys.exit(notice.code)
    except KeyboardInterrupt:
        print(f"\npipeline: interrupted; it goes on with\n  {command}", file=sys.stderr)
        sys.exit(130)
    except StageFaultError as error:
        sys.exit(f"\npipeline: {error}\nOnce that is mended, go on with\n  {command}")
    except (ValueError, OSError) as error:
        sys.exit(f"pipeline: {error}")
    print(summary(home, outcomes))


def pipeline(
    config: ml_collections.ConfigDict, home: pathlib.Path, command: str
) -> list[Outcome]:
    """Brings every stage of configs/pipeline.py to its end in a working directory.

    Args:
      config: recipes of all stages.
      home: working directory, made where missing.
      command: to be told in its record.

    Raises:
      ValueError: before anything is written, for a source that is not there; where
        another pipeline is at work in the directory.
      StageFaultError, Terminated: as `follow`.
    """
    stages = links(config, home)
    home.mkdir(parents=True, exist_ok=True)
    with only_one(home):
        record = Record(home)
        record.begin(json.loads(json.dumps(config.to_dict())), command)
        return follow(stages, record, run, lambda line: print(line, flush=True))


def summary(home: pathlib.Path, outcomes: Sequence[Outcome]) -> str:
    """The stages, the page of the evaluation, and where everything is."""
    lines = "\n".join(outcome.line() for outcome in outcomes)
    total = sum(outcome.seconds for outcome in outcomes)
    page = (home / "evaluation" / appraise.PAGE).read_text(encoding="utf-8")
    return (
        f"\n{page}\n{lines}\n{'all':<21}{total:>7.0f} s\n\n"
        f"page:   {home / 'evaluation' / appraise.PAGE}\n"
        f"report: {home / 'evaluation' / evaluate.REPORT}\n"
        f"record: {home / RECORD}\n"
        f"model:  {home / 'instruct'}"
    )


def _define_flags() -> None:
    config_flags.DEFINE_config_file("config", "configs/pipeline.py:tiny")
    flags.DEFINE_string("workdir", None, "Folder of all stages.", required=True)


if __name__ == "__main__":
    _define_flags()
    app.run(main)
