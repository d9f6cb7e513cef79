"""A byte-level BPE in Qwen2's manner, trained offline on the captions at hand.

Unicode NFC, Qwen2's splitting into words, bytes as letters, then merges of the most
frequent pairs (Sennrich et al., 2016, https://arxiv.org/abs/1508.07909). All 256 bytes
are in the vocabulary, so every text has ids and comes back from them.

    0 ... 255            bytes
    256 ... V-4          merges, the most frequent first
    V-3 ... V-1          <|endoftext|>, <|im_start|>, <|im_end|>
"""

import json
import pathlib
import tempfile
from collections.abc import Iterable

import tokenizers
import transformers
from tokenizers import models, pre_tokenizers, trainers

from anymo_jax.language.text import (
    END_OF_TEXT,
    IM_END,
    IM_START,
    TextTokenizer,
    load_text_tokenizer,
)

SPECIAL = (END_OF_TEXT, IM_START, IM_END)
# The roles that Qwen2's instruction-tuned models give them.
_SETTINGS = {
    "tokenizer_class": "Qwen2Tokenizer",
    "eos_token": IM_END,
    "pad_token": END_OF_TEXT,
    "bos_token": None,
    "unk_token": None,
}
_BYTES = 256
_SMALLEST = _BYTES + len(SPECIAL)


def train_text_tokenizer(
    captions: Iterable[str], *, vocab_size: int = 8192
) -> TextTokenizer:
    """A tokenizer for texts like these.

    The same captions in any order give the same vocabulary; one that comes twice
    counts twice.

    Args:
      captions: what to learn merges from.
      vocab_size: the most tokens, special ones included; few captions give fewer, since
        a pair that comes once is never merged.

    Raises:
      ValueError: for no captions, or a vocabulary too small for the bytes.
    """
    captions = list(captions)
    if not any(captions):
        raise ValueError("no captions to train on; give the texts of the prepared data")
    if vocab_size < _SMALLEST:
        raise ValueError(
            f"vocab_size={vocab_size} is less than {_SMALLEST}, the bytes and special "
            "tokens; raise it"
        )
    backend = _train(captions, vocab_size - len(SPECIAL))
    # Opened as any directory is: what we encode with is what transformers opens.
    with tempfile.TemporaryDirectory() as folder:
        backend.save(str(pathlib.Path(folder) / "tokenizer.json"))
        settings = json.dumps(_SETTINGS, indent=2)
        (pathlib.Path(folder) / "tokenizer_config.json").write_text(settings, "utf-8")
        return load_text_tokenizer(folder)


def _train(captions: list[str], size: int) -> tokenizers.Tokenizer:
    qwen2 = transformers.Qwen2Tokenizer().backend_tokenizer
    backend = tokenizers.Tokenizer(models.BPE())
    backend.normalizer = qwen2.normalizer
    backend.pre_tokenizer = qwen2.pre_tokenizer
    backend.decoder = qwen2.decoder
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(captions, trainer)
    backend.add_special_tokens(list(SPECIAL))
    return backend
