"""Paraphrase the texts of prepared folders, for the language stages.

    python -m experiments.paraphrase --data=runs/motion --out=runs/paraphrases.json
    python -m experiments.paraphrase --data=runs/motion --out=runs/paraphrases.json \
        --how=endpoint --base_url=http://localhost:8000/v1 --model=NAME

By rules, offline, in seconds; or by a language model behind any OpenAI-compatible
endpoint, which generates, verifies and repairs (paper, A.4). Answers are kept in
OUT.cache.jsonl as they come, so that a stopped run carries on where it stopped. A key,
where the endpoint wants one, is read from the environment.
"""

import os
import sys

from absl import app, flags

from anymo_jax.language.paraphrase.cache import Cache, prompt_version
from anymo_jax.language.paraphrase.client import Endpoint, EndpointError
from anymo_jax.language.paraphrase.corpus import (
    Outcome,
    by_endpoint,
    by_rules,
    primary_texts,
)
from anymo_jax.language.paraphrase.rules import COUNT
from anymo_jax.language.paraphrase.store import write_paraphrases
from anymo_jax.language.templates import load_templates
from anymo_jax.motion.prepared import PreparedMotion


def main(argv: list[str]) -> None:
    """Paraphrase, write the file, print how many texts have how many variants."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    given = flags.FLAGS
    try:
        folders = [PreparedMotion(name) for name in given.data.split(",") if name]
        told = (f.window_told(w) for f in folders for w in range(len(f.windows)))
        texts = primary_texts(told, every=given.every)
        if given.how == "rules":
            outcome = by_rules(texts)
        else:
            outcome = ask_endpoint(
                texts,
                endpoint=make_endpoint(
                    base_url=given.base_url,
                    model=given.model,
                    key_variable=given.key_variable,
                    timeout_s=given.timeout,
                ),
                cache=given.cache or f"{given.out}.cache.jsonl",
                workers=given.workers,
            )
        write_paraphrases(given.out, outcome.paraphrases)
    except (ValueError, EndpointError, OSError) as error:
        sys.exit(f"paraphrase: {error}")
    print(summary(outcome))
    if outcome.failed:
        text, reason = next(iter(outcome.failed.items()))
        sys.exit(
            f"paraphrase: {len(outcome.failed)} texts have no paraphrase, the first "
            f"{text!r} ({reason}); run again to ask for those alone"
        )


def make_endpoint(
    *, base_url: str, model: str, key_variable: str, timeout_s: float
) -> Endpoint:
    """The endpoint, its key read from the environment.

    Raises:
      ValueError: for a variable that is not set, or what `Endpoint` refuses.
    """
    key = os.environ.get(key_variable, "") if key_variable else ""
    if key_variable and not key:
        raise ValueError(
            f"--key_variable={key_variable}: this environment variable is not set; put "
            "the key there, or leave the flag out for an endpoint without keys"
        )
    return Endpoint(base_url, model, key, timeout_s=timeout_s)


def ask_endpoint(
    texts: list[str], *, endpoint: Endpoint, cache: str, workers: int
) -> Outcome:
    """Paraphrases by the endpoint, with progress on the screen."""
    templates = load_templates()
    version = prompt_version(templates)

    def tell(done: int, total: int) -> None:
        print(f"[{done}/{total}] texts", flush=True)

    with Cache(cache, model=endpoint.model, version=version) as kept:
        return by_endpoint(
            texts, endpoint, templates, kept, workers=workers, progress=tell
        )


def summary(outcome: Outcome) -> str:
    """A line per number of variants."""
    counts = [len(variants) for variants in outcome.paraphrases.values()]
    lines = [
        f"{counts.count(n):>8} texts with {n} paraphrases" for n in range(COUNT, -1, -1)
    ]
    return "\n".join([f"{len(counts)} texts", *lines])


def _define_flags() -> None:
    flags.DEFINE_string("data", None, "Prepared folders, by comma.", required=True)
    flags.DEFINE_string("out", None, "File to write (JSON).", required=True)
    flags.DEFINE_enum("how", "rules", ["rules", "endpoint"], "By rule or by model.")
    flags.DEFINE_boolean("every", False, "Also of clips with six texts of their own.")
    flags.DEFINE_string("base_url", "", "Endpoint, as http://localhost:8000/v1.")
    flags.DEFINE_string("model", "", "Model that the endpoint serves.")
    flags.DEFINE_string("key_variable", "", "Environment variable that holds the key.")
    flags.DEFINE_float("timeout", 120.0, "Patience with one request, s.")
    flags.DEFINE_integer("workers", 4, "Texts asked for side by side.", lower_bound=1)
    flags.DEFINE_string("cache", "", "Answers kept; default OUT.cache.jsonl.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
