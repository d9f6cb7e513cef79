"""Measure the speed of a part of the system against named peers, in one run.

python -m experiments.bench --what=simulation
python -m experiments.bench --what=simulation --json=simulation.json
python -m experiments.bench --what=encoder
python -m experiments.bench --what=tokenizer

From the repository's root: the PyTorch models are those of its parity tests.
"""

import dataclasses
import importlib
import json
import pathlib

from absl import app, flags

_PARTS = ("simulation", "encoder", "tokenizer")
_WHAT = flags.DEFINE_enum("what", None, _PARTS, "What is measured.", required=True)
_JSON = flags.DEFINE_string("json", None, "File to write every number to.")


def main(argv: list[str]) -> None:
    """Run one benchmark and print its table."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    benchmark = importlib.import_module(f"experiments.benchmarks.{_WHAT.value}")
    result = benchmark.run()
    print(benchmark.report(result))
    if _JSON.value:
        text = json.dumps(result, default=dataclasses.asdict, indent=1)
        pathlib.Path(_JSON.value).write_text(text)


if __name__ == "__main__":
    app.run(main)
