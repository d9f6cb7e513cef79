r"""Score a trained run on real recordings and on motion that it never saw.

    python -m experiments.evaluate --run=runs/instruct --windows=har/dsads.safetensors
    python -m experiments.evaluate --run=runs/instruct --prompts --per_site \
        --windows=har/motionsense.safetensors,har/umafall.safetensors --choose
    python -m experiments.evaluate --run=runs/instruct --motion=data/motion --probes \
        --protocol=choices --windows=har/motionsense.safetensors
    python -m experiments.evaluate --compare runs/one runs/other --out=runs/compared

Windows are files of experiments.prepare_har. Their labels are ranked by the cosine of
their vectors and the windows' (zero-shot recognition; paper, A.5 and Table 1), with
--protocol=choices also by the language model's own answers, with --probes also by
linear probes of other people's windows. With --motion, a folder of experiments.prepare,
the run finds and captions the held-out split (Tables 2 and 3).

OUT, which is RUN/evaluation unless it is named, then holds

    report.html     all of it with pictures; needs no other file
    report.md       the same, with pictures/
    zero_shot.md    the tables alone
    zero_shot.json  every number;  details.json  those of single windows

Pooling and temperature may be chosen on motionsense and umafall alone (--choose); other
sets are tests. Two runs that were evaluated on the same files are compared with
--compare, by a paired bootstrap.
"""

import dataclasses
import hashlib
import json
import pathlib
import sys
import time
from collections.abc import Mapping, Sequence

from absl import app, flags, logging

from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.evaluation import tables
from anymo_jax.evaluation.averages import average, choose
from anymo_jax.evaluation.compare_page import compare_runs, read_evaluated
from anymo_jax.evaluation.corrections import TEMPERATURE
from anymo_jax.evaluation.embedded import Embedder, embed_dataset
from anymo_jax.evaluation.facts import facts
from anymo_jax.evaluation.insight import insight_json
from anymo_jax.evaluation.pooling import MEAN, RULES
from anymo_jax.evaluation.probe_tables import probes_json, probes_markdown
from anymo_jax.evaluation.probes import ProbeOptions
from anymo_jax.evaluation.report import FOLDER, report
from anymo_jax.evaluation.spoken import SpokenOptions
from anymo_jax.evaluation.spoken_tables import spoken_json, spoken_markdown
from anymo_jax.evaluation.zero_shot import ZeroShotOptions, evaluate
from experiments.scored import Beside, Further, HeldOut

JSON, PAGE = "zero_shot.json", "zero_shot.md"
DETAILS = "details.json"
REPORT = "report.html"
COMPARED = "compared"
VECTORS, CHOICES = "vectors", "choices"
ZERO_SHOT_ALONE = Further()


def main(argv: list[str]) -> None:
    """Write the pages and print one; say in a line what is wrong where it cannot be."""
    given = flags.FLAGS
    logging.set_verbosity(logging.WARNING)
    if len(argv) > 1 and not given.compare:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    try:
        if given.compare:
            compare([*given.compare, *argv[1:]])
        else:
            score_run()
    except (ValueError, OSError) as error:
        sys.exit(f"evaluate: {error}")


def score_run() -> None:
    """What the flags ask of a run.

    Raises:
      ValueError: as `score`, `check_files` and `inference.load`.
    """
    given = flags.FLAGS
    for name in ("run", "windows"):
        if not getattr(given, name):
            raise ValueError(f"--{name} is missing: give it, or --compare A B")
    out = pathlib.Path(given.out or f"{given.run}/evaluation")
    options = ZeroShotOptions(
        pooling=given.pooling,
        temperature=given.temperature,
        resamples=given.resamples,
        seed=given.seed,
    )
    further = Further(
        motion=given.motion,
        spoken=SpokenOptions(
            captions=given.captions, bertscore=given.bertscore, seed=given.seed
        ),
        choices=given.protocol == CHOICES,
        probes=ProbeOptions(seed=given.seed) if given.probes else None,
        insight=given.insight,
    )
    files = check_files(given.windows)
    # What is wrong with the files is said before the seconds that a run takes.
    from anymo_jax import inference

    model = inference.load(given.run)
    if isinstance(model, inference.ControlModel):
        print("a control run has no codes to look at: --noinsight")
        further = dataclasses.replace(further, insight=False)
    document, page = score(
        model,
        files,
        options,
        choosing=given.choose,
        prompts=given.prompts,
        per_site=given.per_site,
        further=further,
    )
    write(out, {"run": given.run, **document}, page)
    print(page)
    print(f"written to {out / REPORT}, {out / PAGE} and {out / JSON}")


def compare(folders: Sequence[str]) -> None:
    """Two evaluated runs side by side.

    Raises:
      ValueError: where there are not two, or they cannot be compared.
    """
    given = flags.FLAGS
    if len(folders) != 2:
        raise ValueError(f"--compare takes two folders, not {len(folders)}")
    runs = [read_evaluated(folder, (JSON, DETAILS)) for folder in folders]
    document, page = compare_runs(*runs, resamples=given.resamples, seed=given.seed)
    if given.out:
        text = json.dumps(document, indent=1, allow_nan=False) + "\n"
        _write_files(
            pathlib.Path(given.out),
            {f"{COMPARED}.md": page.encode(), f"{COMPARED}.json": text.encode()},
        )
    print(page)


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
    further: Further = ZERO_SHOT_ALONE,
) -> tuple[dict, str]:
    """Every number, and a page of them.

    Args:
      model: trained; of what `further` asks it must know, as `inference.Model` does.
      files: of labelled windows.
      options: how scores become rows.
      choosing: whether pooling and temperature are chosen on the development sets.
      prompts, per_site: further rows.
      further: what is computed beside zero-shot recognition by vectors.

    Raises:
      ValueError: as `embed_dataset` and `choose`; for motion that is not prepared.
    """
    began = time.monotonic()
    motion = HeldOut.open(further.motion) if further.motion.strip() else None
    beside, data, cards = Beside(model, further, motion), [], {}
    for file in files:
        windows = LabelledWindows.load(file)
        data.append(embed_dataset(model, windows, prompts=prompts, per_site=per_site))
        beside.look(windows, data[-1])
        cards[windows.dataset] = windows.card
        _say(began, f"{windows.dataset}: {len(windows)} windows")
    if choosing:
        options = choose(data, options)
    results = []
    for one in data:
        beside.keep_windows(one, options)
        results.append(evaluate(one, options, beside.rows(one, options.pooling)))
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
        **tables.as_json(results, mean, options.confidence),
    }
    page = [tables.markdown(results, mean, options)]
    if motion is not None:
        spoken = beside.spoken()
        _say(began, f"held-out motion: {len(motion.windows)} windows")
        document |= {"spoken": spoken_json(spoken), "motion_digest": motion.digest}
        cards["motion"] = motion.card
        page.append(spoken_markdown(spoken))
    if beside.probed:
        document["probes"] = probes_json(beside.probed)
        page.append(probes_markdown(beside.probed))
    document |= {
        "insight": insight_json(beside.details),
        "cards": cards,
        "config": dict(getattr(model, "config", {})),
        "facts": facts(),
        "seconds": round(time.monotonic() - began, 1),
        "details": beside.details,
    }
    return document, "\n".join(page)


def write(out: pathlib.Path, document: Mapping, page: str) -> None:
    """All files of an evaluation, each whole or not at all.

    Args:
      out: folder, made where it is not there.
      document, page: as of `score`; further entries of the document are kept.
    """
    document = dict(document)
    details = document.pop("details")
    made = report(document, details, page)
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    rows = json.dumps(details, allow_nan=False) + "\n"
    pictures = {f"{FOLDER}/{name}": data for name, data in made.pictures.items()}
    files = {JSON: text, DETAILS: rows, PAGE: page}
    files |= {REPORT: made.html, "report.md": made.markdown}
    _write_files(out, {**pictures, **{n: v.encode() for n, v in files.items()}})


def _write_files(out: pathlib.Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.tmp")
        partial.write_bytes(content)
        partial.replace(path)


def _say(began: float, what: str) -> None:
    print(f"[{time.monotonic() - began:6.1f} s] {what}", flush=True)


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
    flags.DEFINE_string("motion", "", "Prepared folders to find and caption.")
    flags.DEFINE_integer(
        "captions", 128, "Windows captioned per kind and setup; 0: none."
    )
    flags.DEFINE_string(
        "bertscore", "", "Folder of deberta-xlarge-mnli, for BERTScore of captions."
    )
    flags.DEFINE_enum(
        *("protocol", VECTORS, (VECTORS, CHOICES)),
        "How labels are ranked: by vectors alone, or by multiple choices, too.",
    )
    flags.DEFINE_bool("probes", False, "Few-shot and full-shot linear probes, too.")
    flags.DEFINE_bool("insight", True, "Codes, and real beside simulated windows.")
    flags.DEFINE_list("compare", None, "Two evaluated runs: --compare A B.")
    flags.DEFINE_integer("resamples", 1000, "Draws of the bootstrap.")
    flags.DEFINE_integer("seed", 0, "Of the bootstrap.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
