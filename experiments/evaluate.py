r"""Score a trained run on real wearable recordings that it never saw.

    python -m experiments.evaluate --run=runs/instruct --windows=har/dsads.safetensors
    python -m experiments.evaluate --run=runs/instruct --prompts --per_site \
        --windows=har/motionsense.safetensors,har/umafall.safetensors --choose

Windows are files of experiments.prepare_har. Their labels are ranked by the cosine of
their vectors and the windows' (zero-shot recognition; paper, A.5 and Table 1). The page
goes to OUT/zero_shot.md and every number to OUT/zero_shot.json; OUT is RUN/evaluation
unless it is named.

Pooling and temperature may be chosen on motionsense and umafall alone (--choose); other
sets are tests.
"""

import hashlib
import json
import pathlib
import platform
import sys
import time
from collections.abc import Mapping, Sequence

from absl import app, flags, logging

import anymo_jax
from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.evaluation import tables
from anymo_jax.evaluation.averages import average, choose
from anymo_jax.evaluation.corrections import TEMPERATURE
from anymo_jax.evaluation.embedded import Embedder, embed_dataset
from anymo_jax.evaluation.pooling import MEAN, RULES
from anymo_jax.evaluation.zero_shot import ZeroShotOptions, evaluate

JSON, PAGE = "zero_shot.json", "zero_shot.md"


def main(argv: list[str]) -> None:
    """Write the page and print it; say in a line what is wrong where it cannot be."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    logging.set_verbosity(logging.WARNING)
    given = flags.FLAGS
    out = pathlib.Path(given.out or f"{given.run}/evaluation")
    try:
        options = ZeroShotOptions(
            pooling=given.pooling,
            temperature=given.temperature,
            resamples=given.resamples,
            seed=given.seed,
        )
        files = check_files(given.windows)
        # What is wrong with the files is said before the seconds that a run takes.
        from anymo_jax import inference

        document, page = score(
            inference.load(given.run),
            files,
            options,
            choosing=given.choose,
            prompts=given.prompts,
            per_site=given.per_site,
        )
    except (ValueError, OSError) as error:
        sys.exit(f"evaluate: {error}")
    write(out, {"run": given.run, **document}, page)
    print(page)
    print(f"written to {out / PAGE} and {out / JSON}")


def check_files(names: Sequence[str]) -> list[pathlib.Path]:
    """Files of labelled windows, each of another dataset.

    Raises:
      ValueError: naming the file that is none, or the dataset that comes twice.
    """
    files = [pathlib.Path(name.strip()) for name in names if name.strip()]
    if not files:
        raise ValueError("no file is named; give --windows=FILE[,FILE]")
    seen: dict[str, pathlib.Path] = {}
    for file in files:
        name = LabelledWindows.load(file).dataset
        if name in seen:
            raise ValueError(f"{file} and {seen[name]} both hold {name}: leave one out")
        seen[name] = file
    return files


def score(
    model: Embedder,
    files: Sequence[pathlib.Path],
    options: ZeroShotOptions,
    *,
    choosing: bool = False,
    prompts: bool = False,
    per_site: bool = False,
) -> tuple[dict, str]:
    """Every number, and a page of them.

    Args:
      model: trained.
      files: of labelled windows.
      options: how scores become rows.
      choosing: whether pooling and temperature are chosen on the development sets.
      prompts, per_site: further rows.

    Raises:
      ValueError: as `embed_dataset` and `choose`.
    """
    began = time.monotonic()
    data = []
    for file in files:
        windows = LabelledWindows.load(file)
        data.append(embed_dataset(model, windows, prompts=prompts, per_site=per_site))
        spent = time.monotonic() - began
        print(f"[{spent:6.1f} s] {windows.dataset}: {len(windows)} windows", flush=True)
    if choosing:
        options = choose(data, options)
    results = [evaluate(one, options) for one in data]
    mean = average(results)
    document = {
        "options": {
            "pooling": options.pooling,
            "temperature": options.temperature,
            "chosen_on_development_sets": choosing,
            "resamples": options.resamples,
            "confidence": options.confidence,
            "seed": options.seed,
        },
        "files": {one.dataset: _digest(f) for one, f in zip(data, files, strict=True)},
        "seconds": round(time.monotonic() - began, 1),
        "machine": f"{platform.system()} {platform.machine()}",
        "version": anymo_jax.__version__,
        **tables.as_json(results, mean, options.confidence),
    }
    return document, tables.markdown(results, mean, options)


def write(out: pathlib.Path, document: Mapping, page: str) -> None:
    """Both files, each whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    for name, content in {JSON: text, PAGE: page}.items():
        partial = out / f"{name}.tmp"
        partial.write_text(content, encoding="utf-8")
        partial.replace(out / name)


def _digest(file: pathlib.Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _define_flags() -> None:
    flags.DEFINE_string("run", None, "Folder of an instruction-tuned run.")
    flags.DEFINE_list("windows", None, "Files of experiments.prepare_har.")
    flags.DEFINE_string("out", "", "Folder to write to; RUN/evaluation unless named.")
    flags.DEFINE_bool("prompts", False, "Rows for the prompts of Table 10, too.")
    flags.DEFINE_bool("per_site", False, "Rows for each sensor alone, too.")
    flags.DEFINE_enum("pooling", MEAN, RULES, "Of the parts of a long window.")
    flags.DEFINE_float("temperature", TEMPERATURE, "Of the inverted softmax.")
    flags.DEFINE_bool(
        "choose", False, "Choose both on motionsense and umafall, where they are given."
    )
    flags.DEFINE_integer("resamples", 1000, "Draws of the bootstrap.")
    flags.DEFINE_integer("seed", 0, "Of the bootstrap.")
    flags.mark_flags_as_required(["run", "windows"])


if __name__ == "__main__":
    _define_flags()
    app.run(main)
