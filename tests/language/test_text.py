"""Text to ids and back: losslessly, as transformers does it, and safely."""

import json
import random
import socket
import unicodedata

import pytest
import tokenizers
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, processors

from anymo_jax.language.text import TextTokenizer, load_text_tokenizer
from anymo_jax.language.text_bpe import train_text_tokenizer

CAPTIONS = [
    f"a person {verb} {where} and {verb} {number} boxes, then it's done"
    for verb in ("walks", "lifts", "carries", "opens")
    for where in ("slowly", "up the stairs", "in the kitchen")
    for number in range(4)
]
MARKUP = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
IMU = tuple(f"<imu_{i:04d}>" for i in range(4096))
TEXTS = (
    "<|im_start|>user\nWhat is it?<|im_end|>\n<imu_0000><imu_4095> a person's 12 boxes",
    "ünïcode e\u0301 日本語 \U0001f3c3\u200d♂️  \t\r\n\n tail ",
    "",
)
# Characters that every version of Unicode at hand normalises alike.
assigned = st.text(st.characters(exclude_categories=("Cs", "Cn")))


@pytest.fixture(scope="module")
def trained():
    return train_text_tokenizer(CAPTIONS, vocab_size=300)


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    """A directory with the IMU tokens, and a model's config beside them."""
    folder = tmp_path_factory.mktemp("saved")
    extended = trained.with_tokens(IMU)
    extended.save(folder)
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    return extended, folder


@settings(max_examples=150, deadline=None)
@given(assigned, st.booleans())
def test_any_text_comes_back_normalised(trained, text, markup):
    (ids,) = trained.encode([text], markup=markup)
    assert trained.decode(ids) == unicodedata.normalize("NFC", text)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from((*MARKUP, "<imu_0000>", "|im", "<", " a"))))
def test_no_markup_of_a_user_becomes_a_token(saved, parts):
    tokenizer, _ = saved
    text = "".join(parts)
    (ids,) = tokenizer.encode([text], markup=False)
    assert all(i < tokenizer.id_of(MARKUP[0]) for i in ids)
    assert tokenizer.decode(ids) == tokenizer.decode(ids, markup=False) == text


def test_markup_in_templates_becomes_its_tokens(trained):
    first = trained.vocab_size - 3
    assert [trained.id_of(token) for token in MARKUP] == [first, first + 1, first + 2]
    (ids,) = trained.encode(["<|im_start|>a person<|im_end|>"])
    assert (ids[0], ids[-1]) == (first + 1, first + 2)
    assert trained.decode(ids) == "<|im_start|>a person<|im_end|>"
    assert trained.decode(ids, markup=False) == "a person"
    assert (trained.pad, trained.end) == (first, first + 2)


def test_transformers_opens_the_saved_directory_alike(saved):
    tokenizer, folder = saved
    theirs = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    assert isinstance(theirs, transformers.Qwen2Tokenizer)
    assert len(theirs) == tokenizer.vocab_size
    assert (theirs.eos_token_id, theirs.pad_token_id) == (tokenizer.end, tokenizer.pad)
    rows = tokenizer.encode(TEXTS)
    assert theirs(list(TEXTS))["input_ids"] == rows
    assert [theirs.decode(row) for row in rows] == [tokenizer.decode(r) for r in rows]
    plain = theirs(list(TEXTS), split_special_tokens=True)["input_ids"]
    assert plain == tokenizer.encode(TEXTS, markup=False)


def test_a_saved_directory_is_loaded_as_it_was(saved):
    tokenizer, folder = saved
    loaded = load_text_tokenizer(folder)
    for name in ("vocab_size", "pad", "end"):
        assert getattr(loaded, name) == getattr(tokenizer, name)
    for markup in (True, False):
        rows = loaded.encode(TEXTS, markup=markup)
        assert rows == tokenizer.encode(TEXTS, markup=markup)


def test_new_tokens_follow_the_vocabulary_in_their_order(trained, saved):
    extended, _ = saved
    first = trained.vocab_size
    assert [extended.id_of(t) for t in IMU] == list(range(first, first + len(IMU)))
    assert extended.vocab_size == first + len(IMU)
    (ids,) = extended.encode(["".join(IMU[5:8])])
    assert ids == [first + 5, first + 6, first + 7]
    assert extended.decode([*ids, 0], markup=False) == extended.decode([0])
    with pytest.raises(ValueError, match="no token '<imu_0000>'"):
        trained.id_of("<imu_0000>")


def test_captions_in_any_order_give_one_vocabulary(trained, tmp_path):
    trained.save(tmp_path / "0")
    expected = (tmp_path / "0" / "tokenizer.json").read_text()
    for seed in (1, 2, 3):
        shuffled = random.Random(seed).sample(CAPTIONS, len(CAPTIONS))
        folder = tmp_path / str(seed)
        train_text_tokenizer(shuffled, vocab_size=300).save(folder)
        assert (folder / "tokenizer.json").read_text() == expected
    merges = json.loads(expected)["model"]["merges"]
    assert len(merges) == 300 - 256 - 3 == trained.vocab_size - 259


def test_merges_follow_the_captions(trained):
    (learnt,) = trained.encode([" person"])
    (strange,) = trained.encode([" xylem"])
    assert len(learnt) == 1 < len(strange)
    few = train_text_tokenizer(["ab ab"], vocab_size=1000)
    assert few.vocab_size == 256 + 1 + 3


def test_digits_and_words_are_split_as_qwen2_does():
    numbers = train_text_tokenizer(["1212 don't"] * 9, vocab_size=300)
    pieces = [numbers.decode([i]) for i in numbers.encode(["1212 don't"])[0]]
    assert pieces == ["1", "2", "1", "2", " don", "'t"]
    # Nor was a place of the vocabulary spent on what the splitting never leaves whole.
    for never in ("12", "n't"):
        with pytest.raises(ValueError, match="has no token"):
            numbers.id_of(never)


def test_captions_are_learnt_in_the_form_they_are_encoded_in():
    captions = ["café crème déjà vu"] * 3
    composed, taken_apart = (
        train_text_tokenizer([unicodedata.normalize(form, c) for c in captions])
        for form in ("NFC", "NFD")
    )
    rows = [t.encode(captions)[0] for t in (composed, taken_apart)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 4


def directory(folder, backend, **settings_):
    folder.mkdir(exist_ok=True)
    backend.save(str(folder / "tokenizer.json"))
    chosen = {"tokenizer_class": "PreTrainedTokenizerFast", **settings_}
    (folder / "tokenizer_config.json").write_text(json.dumps(chosen))
    return folder


def word_level(vocab):
    backend = tokenizers.Tokenizer(models.WordLevel(vocab, unk_token="?"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens(["<end>"])
    return backend


WORDS = {"?": 0, "walk": 1, "<end>": 2}
ROLES = {"eos_token": "<end>", "pad_token": "<end>"}


def test_nothing_is_cut_padded_or_put_around_a_text(tmp_path):
    """Whatever the directory's file says, as MiniLM's, which pads to 128."""
    backend = word_level(WORDS)
    backend.enable_truncation(2)
    backend.enable_padding(length=5, pad_id=2, pad_token="<end>")
    backend.post_processor = processors.TemplateProcessing(
        single="<end> $A <end>", special_tokens=[("<end>", 2)]
    )
    tokenizer = load_text_tokenizer(directory(tmp_path, backend, **ROLES))
    assert tokenizer.encode(["walk walk walk walk", ""]) == [[1] * 4, []]


def test_a_vocabulary_that_cannot_spell_markup_says_so(tmp_path):
    tokenizer = load_text_tokenizer(directory(tmp_path, word_level(WORDS), **ROLES))
    assert tokenizer.encode(["walk"], markup=False) == [[1]]
    with pytest.raises(ValueError, match=r"'walk <end>' holds markup .* remove it"):
        tokenizer.encode(["walk", "walk <end>"], markup=False)


def test_a_vocabulary_with_gaps_takes_no_new_tokens(tmp_path):
    folder = directory(tmp_path, word_level(WORDS | {"run": 9}), **ROLES)
    tokenizer = load_text_tokenizer(folder)
    assert tokenizer.vocab_size == 10
    with pytest.raises(ValueError, match="gaps below its largest id 9"):
        tokenizer.with_tokens(["<new>"])


@pytest.mark.parametrize("role", ROLES)
def test_a_directory_without_end_or_padding_is_refused(tmp_path, role):
    roles = {name: token for name, token in ROLES.items() if name != role}
    folder = directory(tmp_path, word_level(WORDS), **roles)
    with pytest.raises(ValueError, match=f"no {role}; name one in tokenizer_config"):
        load_text_tokenizer(folder)


def test_bad_directories_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere: no tokenizer there"):
        load_text_tokenizer(tmp_path / "nowhere")
    folder = directory(tmp_path / "cut", word_level(WORDS), **ROLES)
    text = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(text[: len(text) // 2])
    with pytest.raises(ValueError, match="cut: transformers cannot open the tokenizer"):
        load_text_tokenizer(folder)


def test_code_that_a_directory_brings_is_not_run(tmp_path):
    auto_map = {"AutoTokenizer": [None, "theirs.Tokenizer"]}
    folder = directory(tmp_path, word_level(WORDS), **ROLES, auto_map=auto_map)
    (folder / "theirs.py").write_text("raise SystemExit('ran')")
    loaded = load_text_tokenizer(folder)
    assert loaded.encode(["walk"]) == [[1]]


def test_loading_never_asks_the_network(saved, monkeypatch):
    asked = []

    def refuse(*where, **_):
        asked.append(where)
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    _, folder = saved
    assert load_text_tokenizer(folder).vocab_size > len(IMU)
    # What would be the name of a model on the hub is a folder that is not there.
    with pytest.raises(ValueError, match=r"Qwen2-0\.5B: no tokenizer there"):
        load_text_tokenizer("Qwen/Qwen2-0.5B")
    assert not asked


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        (["<|im_end|>"], "has '<|im_end|>' already"),
        (["<a>", "<a>"], "given twice"),
        (["<a b>"], "'<a b>': use printable ASCII"),
        (["<é>"], "use printable ASCII"),
        ([""], "'': use printable ASCII"),
    ],
)
def test_new_tokens_that_cannot_be_are_named(trained, tokens, told):
    with pytest.raises(ValueError) as caught:
        trained.with_tokens(tokens)
    assert told in str(caught.value)


def test_what_is_no_list_of_texts_is_refused(trained):
    with pytest.raises(TypeError, match=r"a single one as \[text\]"):
        trained.encode("walk")
    with pytest.raises(ValueError, match=r"'a\\ud800' holds a lone surrogate"):
        trained.encode(["a", "a\ud800"])


@pytest.mark.parametrize("beyond", [-1, 300])
def test_ids_outside_the_vocabulary_are_refused(trained, beyond):
    with pytest.raises(ValueError, match=f"id {beyond} is none of .* 0 to 299"):
        trained.decode([0, beyond])


def test_bad_training_is_refused():
    for captions in ([], [""]):
        with pytest.raises(ValueError, match="no captions to train on"):
            train_text_tokenizer(captions)
    with pytest.raises(ValueError, match="vocab_size=258 is less than 259"):
        train_text_tokenizer(CAPTIONS, vocab_size=258)


def test_a_tokenizer_without_a_rust_backend_is_refused():
    with pytest.raises(ValueError, match=r"has no tokenizer\.json"):
        TextTokenizer(transformers.ByT5Tokenizer())
