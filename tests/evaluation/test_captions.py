"""Caption metrics: known values by their libraries, and what is said without them."""

import importlib

import pytest

from anymo_jax.evaluation import captions

SAID = ["a person walks forward slowly", "someone sits down on a chair"]
TRUE = ["a person walks forward", "a person sits on the chair"]


@pytest.mark.parametrize("order", [1, 4])
def test_bleu_by_its_definition(order):
    pytest.importorskip("sacrebleu")
    same = captions.bleu(TRUE, TRUE, order)
    assert same.value == pytest.approx(1) and same.name == f"BLEU-{order}"
    assert "tok:13a" in same.variant and "version" in same.variant
    assert captions.bleu(["zebra"] * 2, TRUE, order).value < 0.2


def test_bleu_1_counts_clipped_words_of_the_corpus():
    pytest.importorskip("sacrebleu")
    # 4 of 5 and 4 of 6 words (sits, on, a, chair); not shorter than the references.
    assert captions.bleu(SAID, TRUE, 1).value == pytest.approx(8 / 11)


def test_rouge_l_by_its_definition():
    pytest.importorskip("rouge_score")
    # Common: 4 of 5 and 4 words; "sits on chair", 3 of 6 and 6 words.
    expected = (2 * 4 / 9 + 2 * 3 / 12) / 2
    assert captions.rouge_l(SAID, TRUE).value == pytest.approx(expected)


def test_meteor_without_synonyms_by_its_definition():
    pytest.importorskip("nltk")
    found = captions.meteor(["a person walked"], ["a person walks"], synonyms=False)
    # All three match, the last by its stem, in one chunk.
    assert found.value == pytest.approx(1 - 0.5 * (1 / 3) ** 3)
    assert "no synonyms" in found.variant
    apart = captions.meteor(["zebra"], ["a person walks"], synonyms=False)
    assert apart.value == 0


def test_meteor_without_wordnet_says_how_to_get_it(monkeypatch):
    nltk = pytest.importorskip("nltk")
    monkeypatch.setattr(nltk.data, "path", [])
    with pytest.raises(captions.MissingError, match=r"nltk\.downloader wordnet"):
        captions.meteor(SAID, TRUE)


def test_missing_libraries_are_named_with_their_remedy(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name=name.split(".")[0])

    monkeypatch.setattr(importlib, "import_module", absent)
    found = captions.caption_figures(SAID, TRUE)
    names = [*captions.METRICS, "BERTScore-F1"]
    assert [one.name for one in found] == names
    assert all(one.value is None for one in found)
    assert found[0].missing == (
        "sacrebleu is not installed: pip install 'sacrebleu>=2.5,<3'"
    )
    assert "rouge-score>=" in found[2].missing and "nltk>=" in found[3].missing


def test_captions_and_references_must_match():
    for metric in (captions.caption_figures, captions.rouge_l, captions.meteor):
        with pytest.raises(ValueError, match="1 captions for 2 references"):
            metric(SAID[:1], TRUE)
    with pytest.raises(ValueError, match="0 captions for 0"):
        captions.caption_figures([], [])


def test_bertscore_reads_the_given_model_and_pairs_each_caption(tmp_path):
    pytest.importorskip("torchmetrics")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path / "tiny"
    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += ["a", "person", "walks", "sits", "on", "the", "chair"]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.BertConfig(vocab_size=12, intermediate_size=32, **sizes)
    transformers.BertModel(config).save_pretrained(folder)
    # Longest and shortest are not the same among captions and references.
    said = ["a person walks on the chair", "sits", "a person", "the chair"]
    true = ["a person", "a person sits on the chair", "walks", "the chair sits"]
    found = captions.bert_score(said, true, str(folder))
    alone = [
        captions.bert_score([s], [t], str(folder)).value
        for s, t in zip(said, true, strict=True)
    ]
    assert found.value == pytest.approx(sum(alone) / 4, abs=1e-4)
    assert captions.bert_score(true, true, str(folder)).value == pytest.approx(1)
    assert "tiny, layer 2, no idf" in found.variant


def test_bertscore_without_its_model_says_how_to_get_it(tmp_path):
    for folder, told in (("", "not given"), (str(tmp_path), f"not at {tmp_path}")):
        with pytest.raises(captions.MissingError, match=told):
            captions.bert_score(SAID, TRUE, folder)
