"""Texts to token ids and back, with the tokenizer of a Hugging Face directory.

Transformers opens the directory, from local files alone; what is trained offline
(`text_bpe`) is opened the same way. New tokens, such as those of IMU codes, take the
ids that follow the vocabulary:

    0 ... V-1            text and special tokens, as the directory has them
    V ... V+n-1          `with_tokens`
"""

import copy
import functools
import json
import pathlib
import re
from collections.abc import Sequence

import tokenizers
import transformers

IM_START, IM_END, END_OF_TEXT = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model")


class TextTokenizer:
    """Text to ids and back; immutable.

    Attributes:
      vocab_size: V, one more than the largest id.
      pad: id of the padding token.
      end: id of the token that ends a text, the directory's `eos_token`.
    """

    def __init__(self, tokenizer: transformers.PreTrainedTokenizerBase):
        """Wraps a tokenizer of transformers, which is not changed.

        Raises:
          ValueError: where it has no Rust backend, or names no end or padding.
        """
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise ValueError(
                f"{type(tokenizer).__name__} has no tokenizer.json of the `tokenizers` "
                "library; use a model that ships one"
            )
        self._tokenizer = tokenizer
        self._backend = _without_cuts(json.loads(backend.to_str()))
        self.vocab_size = max(self._backend.get_vocab().values()) + 1
        self.pad = self._required("pad_token")
        self.end = self._required("eos_token")

    def encode(self, texts: Sequence[str], *, markup: bool = True) -> list[list[int]]:
        """Ids of each text; nothing is put before or after it.

        Args:
          texts: any Unicode text.
          markup: strings such as "<|im_end|>" become their tokens, as templates need
            it. With False they stay the letters they are: for whatever a user wrote,
            who could otherwise end a turn or start another.

        Raises:
          TypeError: for one text in place of several, or what is no text.
          ValueError: for a lone surrogate, which is no text; with markup False, where
            the vocabulary leaves no way to spell markup as letters.
        """
        _check_texts(texts)
        backend = self._backend if markup else self._plain
        encoded = backend.encode_batch(list(texts), add_special_tokens=False)
        rows = [encoding.ids for encoding in encoded]
        if not markup:
            self._check_plain(texts, rows)
        return rows

    def decode(self, ids: Sequence[int], *, markup: bool = True) -> str:
        """The text of ids.

        Args:
          ids: as of `encode`, or generated. Bytes that are no UTF-8 become U+FFFD.
          markup: with False, added tokens (special ones, IMU codes) are left out.

        Raises:
          ValueError: for an id outside the vocabulary.
        """
        ids = [int(i) for i in ids]
        beyond = [i for i in ids if not 0 <= i < self.vocab_size]
        if beyond:
            raise ValueError(
                f"id {beyond[0]} is none of the vocabulary's 0 to {self.vocab_size - 1}"
                "; a model with more rows than tokens must not choose the rest"
            )
        if not markup:
            ids = [i for i in ids if i not in self._added]
        return self._backend.decode(ids, skip_special_tokens=False)

    def id_of(self, token: str) -> int:
        """The id of one token, such as "<|im_end|>".

        Raises:
          ValueError: where the vocabulary has no such token.
        """
        found = self._backend.token_to_id(token)
        if found is None:
            raise ValueError(
                f"the vocabulary has no token {token!r}; add it by `with_tokens`, or "
                "choose a tokenizer that has it"
            )
        return found

    def with_tokens(self, tokens: Sequence[str]) -> "TextTokenizer":
        """A tokenizer that also knows new tokens, with ids V, V+1, ... in their order.

        Args:
          tokens: markup of printable ASCII without spaces, such as "<imu_0000>".

        Raises:
          ValueError: for a token that is known already, given twice or not such markup.
        """
        known = self._backend.get_vocab()
        for token in tokens:
            if token in known:
                raise ValueError(f"the vocabulary has {token!r} already")
            # A byte-level decoder would read other letters as bytes.
            if not re.fullmatch("[!-~]+", token):
                raise ValueError(f"{token!r}: use printable ASCII without spaces")
        if len(set(tokens)) != len(tokens):
            raise ValueError("a new token is given twice")
        extended = copy.deepcopy(self._tokenizer)
        added = [
            tokenizers.AddedToken(token, normalized=False, special=True)
            for token in tokens
        ]
        extended.add_tokens(added)
        result = TextTokenizer(extended)
        found = [result.id_of(token) for token in tokens]
        if found != list(range(self.vocab_size, self.vocab_size + len(tokens))):
            raise ValueError(
                f"the vocabulary has gaps below its largest id {self.vocab_size - 1}, "
                "which new tokens would fill; use a tokenizer without gaps"
            )
        return result

    def save(self, directory: str | pathlib.Path) -> None:
        """Writes tokenizer.json and its config, which transformers opens alike."""
        self._tokenizer.save_pretrained(directory)

    def _required(self, name: str) -> int:
        token = getattr(self._tokenizer, name)
        if token is None:
            raise ValueError(
                f"{self._tokenizer.name_or_path}: the tokenizer has no {name}; name "
                "one in tokenizer_config.json"
            )
        return self.id_of(str(token))

    @functools.cached_property
    def _added(self) -> frozenset[int]:
        return frozenset(self._backend.get_added_tokens_decoder())

    @functools.cached_property
    def _plain(self) -> tokenizers.Tokenizer:
        """The same vocabulary and merges, without any token that markup stands for."""
        return _without_cuts(json.loads(self._backend.to_str()) | {"added_tokens": []})

    def _check_plain(self, texts: Sequence[str], rows: list[list[int]]) -> None:
        for text, row in zip(texts, rows, strict=True):
            if not self._added.isdisjoint(row):
                raise ValueError(
                    f"{text!r} holds markup that this vocabulary can only read as its "
                    "token; remove it from the text"
                )


def load_text_tokenizer(directory: str | pathlib.Path) -> TextTokenizer:
    """The tokenizer of a Hugging Face directory, from local files alone.

    Raises:
      ValueError: names the directory and what is missing, damaged or not supported.
    """
    return TextTokenizer(open_tokenizer(directory))


def open_tokenizer(
    directory: str | pathlib.Path,
) -> transformers.PreTrainedTokenizerBase:
    """Transformers' own tokenizer of a directory: no network, no code of the model's.

    Raises:
      ValueError: names the directory and what is missing or damaged.
    """
    directory = pathlib.Path(directory)
    # Transformers would take another path for the name of a model on the hub.
    if not any((directory / name).is_file() for name in _FILES):
        raise ValueError(
            f"{directory}: no tokenizer there, none of {', '.join(_FILES)}; give a "
            "Hugging Face directory"
        )
    try:
        return transformers.AutoTokenizer.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
    # The Rust library raises bare Exceptions.
    except Exception as error:
        raise ValueError(
            f"{directory}: transformers cannot open the tokenizer: {error}; copy the "
            "directory anew"
        ) from error


def _without_cuts(fields: dict) -> tokenizers.Tokenizer:
    """A backend that neither cuts, pads nor frames texts, whatever its file says."""
    bare = {"truncation": None, "padding": None, "post_processor": None}
    return tokenizers.Tokenizer.from_str(json.dumps(fields | bare))


def _check_texts(texts: Sequence[str]) -> None:
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise TypeError("give a list of texts; a single one as [text]")
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"text {text!r} holds a lone surrogate, which no UTF-8 text has; "
                "remove it"
            ) from None
