"""Many texts paraphrased: which ones, how, and what could not be done."""

import concurrent.futures
import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence

from anymo_jax.language.paraphrase.cache import Cache
from anymo_jax.language.paraphrase.client import AnswerError, Endpoint, ask
from anymo_jax.language.paraphrase.rounds import Paraphrased, paraphrase_in_rounds
from anymo_jax.language.paraphrase.rules import COUNT, paraphrase
from anymo_jax.language.templates import Templates

# (number done, number of texts) -> None.
Progress = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Paraphrases of many texts.

    Attributes:
      paraphrases: usable variants of each text, up to five.
      failed: why there are none, of each text whose answers had no usable form.
    """

    paraphrases: Mapping[str, tuple[str, ...]]
    failed: Mapping[str, str]


def primary_texts(told: Iterable[Mapping], *, every: bool) -> list[str]:
    """Distinct primary texts of windows, in their order.

    Args:
      told: of each window (`PreparedMotion.window_told`).
      every: also of clips that have five further texts of their own.
    """
    of_windows = (window["texts"] for window in told)
    return list(
        dict.fromkeys(
            texts[0]
            for texts in of_windows
            if texts and texts[0].strip() and (every or len(texts) <= COUNT)
        )
    )


def by_rules(texts: Sequence[str]) -> Outcome:
    """Paraphrases by the offline rules."""
    return Outcome({text: paraphrase(text) for text in texts}, {})


def by_endpoint(
    texts: Sequence[str],
    endpoint: Endpoint,
    templates: Templates,
    cache: Cache,
    *,
    workers: int = 4,
    progress: Progress = lambda done, total: None,
) -> Outcome:
    """Paraphrases by a language model; texts that the cache knows are not asked for.

    Args:
      texts: distinct narrations.
      endpoint: where to ask.
      templates: with the instructions.
      cache: every answer is kept in it as it comes.
      workers: texts that are asked for side by side.
      progress: told after each text.

    Raises:
      EndpointError: where the endpoint refuses or fails for good; what has been
        answered until then is in the cache.
    """
    asking = functools.partial(ask, endpoint)
    answers = {text: found for text in texts if (found := cache.get(text))}
    failed: dict[str, str] = {}

    def work(text: str) -> Paraphrased:
        answer = paraphrase_in_rounds(text, asking, templates)
        cache.add(text, answer)
        return answer

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(work, t): t for t in texts if t not in answers}
        try:
            for future in concurrent.futures.as_completed(futures):
                text = futures[future]
                try:
                    answers[text] = future.result()
                except AnswerError as error:
                    failed[text] = str(error)
                progress(len(answers) + len(failed), len(texts))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    usable = {text: answers[text].accepted for text in texts if text in answers}
    return Outcome(usable, {text: failed[text] for text in texts if text in failed})
