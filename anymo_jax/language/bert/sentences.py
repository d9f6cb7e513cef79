"""Texts in, unit vectors out: the frozen text tower for users and for training.

    encoder = SentenceEncoder(find_minilm(), cache="runs/demo/texts.safetensors")
    encoder(["a person walks upstairs", "sitting"])                 # (2, 384) float32

Texts are sorted into few shapes, so that few programs are compiled: rows are padded to
a power of two of tokens, and to a small or a full batch.
"""

import hashlib
import pathlib
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from jaxtyping import Float

from anymo_jax.language.bert.cache import key_of, read_cache, write_cache
from anymo_jax.language.bert.config import BertConfig
from anymo_jax.language.bert.load import WEIGHTS, load_bert
from anymo_jax.language.bert.model import embed_texts
from anymo_jax.language.text import open_tokenizer

# Rows and tokens of a batch. Captions are short: most of them share one shape.
_FULL, _SMALL, _SHORTEST = 64, 8, 16
# To be counted up whenever the same files would give other vectors.
_REVISION = 1
_TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "vocab.txt"),
    *("special_tokens_map.json", "added_tokens.json"),
)


class SentenceEncoder:
    """A BERT sentence encoder behind one call, with the vectors kept.

    A vector hangs on its text alone, not on the batch it came in.

    Attributes:
      config: of the encoder.
      params: its parameters, for those who call `embed_texts` themselves.
    """

    def __init__(
        self,
        directory: str | pathlib.Path,
        *,
        cache: str | pathlib.Path | None = None,
    ):
        """Loads the encoder.

        Args:
          directory: a Hugging Face or sentence-transformers directory, such as
            `find_minilm()`.
          cache: a safetensors file that keeps vectors between runs; None keeps them in
            memory only. A stale or damaged one is built anew, with a warning.

        Raises:
          ValueError: names the file that is missing, damaged or not supported.
        """
        self.params, self.config = load_bert(directory)
        self._tokenizer = open_tokenizer(directory)
        known, rows = len(self._tokenizer), self.config.vocab_size
        if known > rows:
            raise ValueError(
                f"{directory}: the tokenizer knows {known} tokens and config.json has "
                f"vocab_size={rows}; copy both from the same model"
            )
        self._cache = None if cache is None else pathlib.Path(cache)
        self._vectors: dict[bytes, np.ndarray] = {}
        if self._cache is not None:
            self._digest = model_digest(directory, self.config)
            width = self.config.hidden_size
            self._vectors = read_cache(self._cache, self._digest, width)

    def __call__(self, texts: Sequence[str]) -> Float[np.ndarray, "n D"]:
        """Unit vectors of texts, in their order; only new texts are computed.

        A text longer than the encoder's `max_tokens` is cut there.

        Raises:
          TypeError: for one text in place of several, or what is no text.
          ValueError: for a text that holds a lone surrogate.
        """
        if isinstance(texts, str) or not all(isinstance(t, str) for t in texts):
            raise TypeError("give a list of texts; a single one as [text]")
        keys = [key_of(text) for text in texts]
        new = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._vectors}
        if new:
            vectors = self._embed(list(new.values()))
            self._vectors |= dict(zip(new, vectors, strict=True))
            if self._cache is not None:
                write_cache(self._cache, self._digest, self._vectors)
        found = [self._vectors[key] for key in keys]
        return np.array(found, np.float32).reshape(-1, self.config.hidden_size)

    def _embed(self, texts: list[str]) -> np.ndarray:
        if self.config.lowercase:
            texts = [text.lower() for text in texts]
        rows = self._tokenizer(
            texts, truncation=True, max_length=self.config.max_tokens, padding=False
        )["input_ids"]
        vectors = np.empty((len(rows), self.config.hidden_size), np.float32)
        # The same digits on every device, since a cache may travel between them.
        with jax.default_matmul_precision("float32"):
            for picked, tokens, mask in _batches(rows, self.config.max_tokens):
                found = embed_texts(self.params, self.config, tokens, mask)
                vectors[picked] = np.asarray(found)[: len(picked)]
        return vectors


def model_digest(directory: str | pathlib.Path, config: BertConfig) -> str:
    """SHA-256 over all that bears on a text's vector: config, weights and tokenizer."""
    digest = hashlib.sha256(f"{_REVISION} {config}".encode())
    for name in (WEIGHTS, *_TOKENIZER_FILES):
        path = pathlib.Path(directory) / name
        if path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f" {name} {content}".encode())
    return digest.hexdigest()


def _batches(
    rows: Sequence[Sequence[int]], longest: int
) -> Iterator[tuple[list[int], np.ndarray, np.ndarray]]:
    """(which rows, tokens (B, L), mask (B, L)) of all rows, in few shapes.

    B may be more than the rows picked: the rest is padding.
    """
    buckets: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        length = max(_SHORTEST, 1 << (len(row) - 1).bit_length())
        buckets.setdefault(min(length, longest), []).append(i)
    for length, members in sorted(buckets.items()):
        for start in range(0, len(members), _FULL):
            picked = members[start : start + _FULL]
            batch = _SMALL if len(picked) <= _SMALL else _FULL
            tokens = np.zeros((batch, length), np.int32)
            mask = np.zeros((batch, length), bool)
            for j, i in enumerate(picked):
                tokens[j, : len(rows[i])] = rows[i]
                mask[j, : len(rows[i])] = True
            yield picked, tokens, mask
