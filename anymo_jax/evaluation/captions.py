"""Captions against the primary text (A.6), by the libraries that define the metrics.

BLEU, ROUGE-L and METEOR each come in several variants that differ by points. The paper
does not say which it used; here each figure carries the variant's name. Figures are
shares of 1.

The libraries are extras: what is missing is named with the command that gets it.
"""

import dataclasses
import importlib
import importlib.metadata
import pathlib
import re
from collections.abc import Sequence

import numpy as np

# Module -> what to install for it.
PACKAGES = {
    "sacrebleu": "sacrebleu>=2.5,<3",
    "rouge_score": "rouge-score>=0.1.2,<0.2",
    "nltk": "nltk>=3.9,<4",
    "torchmetrics": "torchmetrics>=1.5,<2",
    "transformers": "transformers>=5.10,<6",
}
# Layer whose vectors BERTScore's authors recommend, of the model that the paper names.
BERT_MODEL, BERT_LAYER = "deberta-xlarge-mnli", 40
_WORDS = re.compile(r"\w+|[^\w\s]")


class MissingError(ValueError):
    """What a metric needs and is not there, with how to get it."""


@dataclasses.dataclass(frozen=True)
class CaptionFigure:
    """One metric.

    Attributes:
      name: as tables have it.
      variant: library, version and settings.
      value: share of 1; None where it could not be computed.
      missing: why not, and what to do; "" where it could.
    """

    name: str
    variant: str
    value: float | None
    missing: str = ""


def caption_figures(
    captions: Sequence[str], references: Sequence[str], bertscore: str = ""
) -> list[CaptionFigure]:
    """All metrics, those that cannot be computed here with their remedy.

    Args:
      captions: of the model.
      references: the primary text of each.
      bertscore: folder of the model that BERTScore reads; "" leaves it out, said.

    Raises:
      ValueError: where there is none, or their numbers differ.
    """
    _check(captions, references)
    found = []
    metrics = {**METRICS, "BERTScore-F1": lambda c, r: bert_score(c, r, bertscore)}
    for name, metric in metrics.items():
        try:
            found.append(metric(captions, references))
        except MissingError as error:
            found.append(CaptionFigure(name, "", None, str(error)))
    return found


def bleu(
    captions: Sequence[str], references: Sequence[str], order: int
) -> CaptionFigure:
    """BLEU of n-grams up to `order` over the whole corpus (Papineni et al., 2002).

    Raises:
      MissingError: without sacrebleu.
      ValueError: as `caption_figures`.
    """
    _check(captions, references)
    metrics = _library("sacrebleu", "sacrebleu.metrics")
    metric = metrics.BLEU(max_ngram_order=order)
    score = metric.corpus_score(list(captions), [list(references)]).score / 100
    variant = f"sacrebleu corpus, n<={order}|{metric.get_signature()}"
    return CaptionFigure(f"BLEU-{order}", variant, float(score))


def rouge_l(captions: Sequence[str], references: Sequence[str]) -> CaptionFigure:
    """Mean F1 of the longest common subsequences (Lin, 2004), words stemmed.

    Raises:
      MissingError: without rouge-score.
      ValueError: as `caption_figures`.
    """
    _check(captions, references)
    library = _library("rouge_score", "rouge_score.rouge_scorer")
    scorer = library.RougeScorer(["rougeL"], use_stemmer=True)
    scores = [
        scorer.score(reference, caption)["rougeL"].fmeasure
        for caption, reference in zip(captions, references, strict=True)
    ]
    variant = f"rouge-score {_version('rouge-score')}, rougeL F1, Porter stemmer"
    return CaptionFigure("ROUGE-L", variant, float(np.mean(scores)))


def meteor(
    captions: Sequence[str], references: Sequence[str], *, synonyms: bool = True
) -> CaptionFigure:
    """Mean METEOR (Banerjee and Lavie, 2005), of words in lower case.

    Args:
      captions, references: as `caption_figures`.
      synonyms: whether synonyms match besides equal words and stems, for which WordNet
        is needed.

    Raises:
      MissingError: without nltk, or without WordNet where it is asked for.
      ValueError: as `caption_figures`.
    """
    _check(captions, references)
    library = _library("nltk", "nltk.translate.meteor_score")
    wordnet = _wordnet() if synonyms else _NoSynonyms()
    scores = [
        library.single_meteor_score(_words(reference), _words(caption), wordnet=wordnet)
        for caption, reference in zip(captions, references, strict=True)
    ]
    stages = "words, stems, WordNet" if synonyms else "words and stems, no synonyms"
    variant = f"nltk {_version('nltk')}, {stages}; alpha 0.9, beta 3, gamma 0.5"
    name = "METEOR" if synonyms else "METEOR without synonyms"
    return CaptionFigure(name, variant, float(np.mean(scores)))


def bert_score(
    captions: Sequence[str], references: Sequence[str], folder: str
) -> CaptionFigure:
    """Mean F1 of greedily matched word vectors (Zhang et al., 2020), not rescaled.

    Args:
      captions, references: as `caption_figures`.
      folder: a Hugging Face model, that of `BERT_MODEL` for figures like the paper's.

    Raises:
      MissingError: without the folder, torchmetrics or torch.
      ValueError: as `caption_figures`.
    """
    _check(captions, references)
    folder = pathlib.Path(folder) if folder else None
    if folder is None or not (folder / "config.json").is_file():
        raise MissingError(
            f"BERTScore reads {BERT_MODEL}, which is not "
            f"{'given' if folder is None else f'at {folder}'}: where there is a "
            f"network, hf download microsoft/{BERT_MODEL}, and name its folder with "
            "--bertscore"
        )
    library = _library("torchmetrics", "torchmetrics.functional.text.bert")
    transformers = _library("transformers", "transformers")
    given = {
        "model": transformers.AutoModel.from_pretrained(folder),
        "user_tokenizer": transformers.AutoTokenizer.from_pretrained(folder),
    }
    layer = min(BERT_LAYER, given["model"].config.num_hidden_layers)
    # Pair by pair: among several of other lengths, the library (1.9) puts embeddings
    # back in the wrong order, and captions meet references of others.
    f1 = [
        float(
            library.bert_score([c], [r], num_layers=layer, truncation=True, **given)[
                "f1"
            ]
        )
        for c, r in zip(captions, references, strict=True)
    ]
    variant = f"torchmetrics {_version('torchmetrics')}, {folder.name}, layer {layer}"
    variant += ", no idf, not rescaled"
    return CaptionFigure("BERTScore-F1", variant, float(np.mean(f1)))


METRICS = {
    "BLEU-1": lambda c, r: bleu(c, r, 1),
    "BLEU-4": lambda c, r: bleu(c, r, 4),
    "ROUGE-L": rouge_l,
    "METEOR": meteor,
    "METEOR without synonyms": lambda c, r: meteor(c, r, synonyms=False),
}


class _NoSynonyms:
    """WordNet as it is where no word has a synonym."""

    def synsets(self, word: str) -> list:
        del word
        return []


def _wordnet():
    nltk = _library("nltk", "nltk")
    corpus = _library("nltk", "nltk.corpus")
    try:
        nltk.data.find("corpora/wordnet.zip")
    except LookupError:
        raise MissingError(
            "METEOR matches synonyms by WordNet, which is not there: run python -m "
            "nltk.downloader wordnet where there is a network, and set NLTK_DATA to "
            "the folder"
        ) from None
    return corpus.wordnet


def _library(package: str, module: str):
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingError(
            f"{error.name} is not installed: pip install '{PACKAGES[package]}'"
        ) from None


def _version(distribution: str) -> str:
    return importlib.metadata.version(distribution)


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.lower())


def _check(captions, references) -> None:
    if not captions or len(captions) != len(references):
        raise ValueError(
            f"{len(captions)} captions for {len(references)} references: give as many "
            "of one as of the other, and at least one"
        )
