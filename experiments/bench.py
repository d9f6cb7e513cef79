"""Measure the speed of a part of the system against named peers, in one run.

python -m experiments.bench --what=simulation
python -m experiments.bench --what=simulation --json=simulation.json
python -m experiments.bench --what=encoder
python -m experiments.bench --what=tokenizer
python -m experiments.bench --what=language --size=tiny --batch=8 --length=256
python -m experiments.bench --what=memory --batch=16 --length=512
python -m experiments.bench --what=har_loading
python -m experiments.bench --what=inference --run=runs/instruct-small

From the repository's root: the PyTorch models are those of its parity tests.
"""

import dataclasses
import importlib
import json
import os
import pathlib

from absl import app, flags, logging

_PARTS = (
    *("simulation", "encoder", "tokenizer", "language", "memory", "har_loading"),
    "inference",
)
# Flags that a part's `run` takes.
_TAKES = {
    "language": ("size", "batch", "length"),
    "memory": ("batch", "length"),
    "inference": ("run",),
}


def main(argv: list[str]) -> None:
    """Run one benchmark and print its table."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    # What is read on the way is no result.
    logging.set_verbosity(logging.ERROR)
    # Each measurement is a process of its own; this one must leave it the device.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    given = flags.FLAGS
    benchmark = importlib.import_module(f"experiments.benchmarks.{given.what}")
    taken = _TAKES.get(given.what, ())
    result = benchmark.run(**{name: given[name].value for name in taken})
    print(benchmark.report(result))
    if given.json:
        text = json.dumps(result, default=dataclasses.asdict, indent=1)
        pathlib.Path(given.json).write_text(text)


def _define_flags() -> None:
    flags.DEFINE_enum("what", None, _PARTS, "What is measured.", required=True)
    flags.DEFINE_string("json", None, "File to write every number to.")
    flags.DEFINE_string("run", "", "Instruction-tuned run whose answers are timed.")
    flags.DEFINE_string("size", "tiny", "Preset of the language model.")
    flags.DEFINE_integer("batch", 8, "Rows of the language model's batch.", 1)
    flags.DEFINE_integer(
        "length", 256, "Tokens of each of its rows, and of a prompt.", 2
    )


if __name__ == "__main__":
    _define_flags()
    app.run(main)
