"""Texts to vectors for users: batches, and what is kept between runs."""

import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from anymo_jax.language.bert import SentenceEncoder, embed_texts, sentences
from tests.language.tiny_bert import WIDTH, tensors, write_bert, write_json

TEXTS = ("a person walks upstairs", "a person sits", "", "walks and walks, and sits")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def shapes(monkeypatch):
    """Shapes of the batches, as they come; their vectors only tell tokens apart."""
    seen = []

    def watched(params, config, tokens, mask):
        seen.append(tokens.shape)
        powers = np.sin(np.arange(1, WIDTH + 1)[:, None] * np.arange(tokens.shape[1]))
        return np.where(mask, tokens, 0) @ powers.T

    monkeypatch.setattr(sentences, "embed_texts", watched)
    return seen


def one_by_one(encoder, folder, texts):
    """Vectors of texts that never shared a batch, by their own ids."""
    vocabulary = (folder / "vocab.txt").read_text().split("\n")
    for text in texts:
        words = ["[CLS]", *text.replace(",", " ,").split(), "[SEP]"]
        ids = np.zeros((1, 16), np.int32)
        ids[0, : len(words)] = [vocabulary.index(word) for word in words]
        mask = np.arange(16)[None] < len(words)
        yield np.asarray(embed_texts(encoder.params, encoder.config, ids, mask))[0]


def test_vectors_come_in_the_order_of_their_texts(folder):
    encoder = SentenceEncoder(folder)
    found = encoder(TEXTS)
    assert (found.shape, found.dtype) == ((4, WIDTH), np.float32)
    expected = np.stack(list(one_by_one(encoder, folder, TEXTS)))
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_array_equal(encoder(TEXTS[::-1]), found[::-1])
    assert encoder([]).shape == (0, WIDTH)


def test_many_texts_share_few_shapes_and_none_is_computed_twice(folder, shapes):
    encoder = SentenceEncoder(folder)
    rng = np.random.default_rng(0)
    words = np.array(["a", "person", "walks", "sits", "and"])
    texts = [" ".join(rng.choice(words, n)) for n in rng.integers(1, 29, 150)]
    found = encoder([*texts, *texts])
    assert sum(rows for rows, _ in shapes) < len(set(texts)) + 2 * 64
    assert set(shapes) <= {(8, 16), (64, 16), (8, 32), (64, 32)}
    np.testing.assert_array_equal(found[:150], found[150:])
    before = len(shapes)
    encoder(texts[::2])
    assert len(shapes) == before


def test_long_texts_are_cut_at_max_tokens(tmp_path, shapes):
    write_bert(tmp_path)
    write_json(tmp_path / "sentence_bert_config.json", {"max_seq_length": 6})
    encoder = SentenceEncoder(tmp_path)
    cut, whole = encoder(["a person walks and sits", "a person walks and"])
    np.testing.assert_array_equal(cut, whole)
    assert shapes == [(8, 6)]


def test_case_is_lowered_where_the_directory_asks_for_it(tmp_path, shapes):
    """A cased tokenizer knows no capitals here."""
    write_bert(tmp_path)
    cased = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    write_json(tmp_path / "tokenizer_config.json", cased)
    texts = ["A Person", "a person"]
    capital, small = SentenceEncoder(tmp_path)(texts)
    assert np.abs(capital - small).max() > 1e-3
    write_json(tmp_path / "sentence_bert_config.json", {"do_lower_case": True})
    np.testing.assert_array_equal(*SentenceEncoder(tmp_path)(texts))


def test_a_cache_spares_the_next_run_the_computation(folder, tmp_path, shapes):
    path = tmp_path / "runs" / "texts.safetensors"
    found = SentenceEncoder(folder, cache=path)(TEXTS)
    before = len(shapes)
    again = SentenceEncoder(folder, cache=path)
    np.testing.assert_array_equal(again(TEXTS), found)
    assert len(shapes) == before
    again([*TEXTS, "sits"])
    assert shapes[before:] == [(8, 16)]
    with safe_open(path, "numpy") as file:
        assert file.get_tensor("vectors").shape == (5, WIDTH)
    assert os.listdir(path.parent) == [path.name]


def rewrite(path, header=None, **changed):
    """Writes a cache anew with other tensors, or another header."""
    with safe_open(path, "numpy") as file:
        kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = file.metadata() if header is None else header
    save_file({**kept, **changed}, path, header)


def cut(path):
    path.write_bytes(path.read_bytes()[:-5])


def flip(path):
    """Another last byte, which is of the last vector."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


FAULTS = {
    "cut": (cut, "damaged"),
    "flipped": (flip, "damaged .its checksum differs"),
    "no safetensors": (lambda path: path.write_text("{}"), "damaged"),
    "no header": (lambda path: rewrite(path, header={}), "damaged"),
    "fewer rows": (
        lambda path: rewrite(path, vectors=np.zeros((1, WIDTH), np.float32)),
        "damaged",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_cache_is_built_anew(folder, tmp_path, fault):
    path = tmp_path / "texts.safetensors"
    expected = SentenceEncoder(folder, cache=path)(TEXTS)
    damage, told = FAULTS[fault]
    damage(path)
    with pytest.warns(UserWarning, match=rf"texts\.safetensors: .* is {told}"):
        encoder = SentenceEncoder(folder, cache=path)
    np.testing.assert_array_equal(encoder(TEXTS), expected)
    np.testing.assert_array_equal(SentenceEncoder(folder, cache=path)(TEXTS), expected)


def other_weights(folder):
    write_bert(folder, tensors(seed=1))


def other_pooling(folder):
    modules = [{"path": "1_Pooling", "type": "st.Pooling"}]
    write_json(folder / "modules.json", modules)
    write_json(folder / "1_Pooling" / "config.json", {"pooling_mode": "cls"})


def other_vocabulary(folder):
    words = (folder / "vocab.txt").read_text().split("\n")
    (folder / "vocab.txt").write_text("\n".join([*words[:5], *words[:4:-1]]))


@pytest.mark.parametrize("change", [other_weights, other_pooling, other_vocabulary])
def test_a_cache_of_another_model_is_stale(tmp_path, change):
    path = tmp_path / "bert" / "texts.safetensors"
    folder = write_bert(tmp_path / "bert")
    old = SentenceEncoder(folder, cache=path)(TEXTS)
    SentenceEncoder(folder, cache=path)
    change(folder)
    with pytest.warns(UserWarning, match="stale"):
        new = SentenceEncoder(folder, cache=path)(TEXTS)
    assert (np.abs(new - old).max(axis=1) > 1e-3)[[0, 1, 3]].all()
    np.testing.assert_array_equal(new, SentenceEncoder(folder)(TEXTS))


def test_a_cache_cut_short_in_writing_leaves_the_one_before(
    folder, tmp_path, monkeypatch
):
    path = tmp_path / "texts.safetensors"
    encoder = SentenceEncoder(folder, cache=path)
    encoder(TEXTS)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            encoder(["sits"])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    folder = write_bert(tmp_path)
    with (folder / "vocab.txt").open("a") as file:
        file.write("\nrunning")
    with pytest.raises(
        ValueError, match=r"tokenizer knows (\d+) tokens .* vocab_size="
    ):
        SentenceEncoder(folder)


def test_what_is_no_list_of_texts_is_refused(folder):
    encoder = SentenceEncoder(folder)
    with pytest.raises(TypeError, match=r"a single one as \[text\]"):
        encoder("sits")
    with pytest.raises(ValueError, match="lone surrogate"):
        encoder(["a", "\ud800"])
