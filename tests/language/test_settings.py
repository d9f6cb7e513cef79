"""What recipes say of the language stages' models, and what their runs keep of it."""

import dataclasses

import pytest

from anymo_jax.language.qwen2 import PRESETS
from anymo_jax.language.settings import TEXT_TOKENIZER, backbone_config, save_words
from anymo_jax.language.text import load_text_tokenizer
from anymo_jax.language.text_bpe import train_text_tokenizer
from configs import motion_lm


def test_a_run_knows_the_sizes_of_a_backbone_that_is_gone(tmp_path):
    config = motion_lm.get_config("tiny")
    config.backbone.directory = str(tmp_path / "gone")
    text = train_text_tokenizer(["a person walks"], vocab_size=300)
    with pytest.raises(ValueError, match=r"gone/config\.json: no such file"):
        backbone_config(config, text)
    numerics = {"dtype": config.backbone.dtype, "remat": config.backbone.remat}
    sizes = dataclasses.replace(PRESETS["tiny"], rope_theta=123.0, **numerics)
    save_words(text, sizes, tmp_path / "run")
    kept = load_text_tokenizer(tmp_path / "run" / TEXT_TOKENIZER)
    assert kept.encode(["a person walks"]) == text.encode(["a person walks"])
    length = min(sizes.max_length, config.backbone.max_length)
    expected = dataclasses.replace(sizes, max_length=length)
    assert backbone_config(config, kept, tmp_path / "run") == expected
    # An older run keeps words alone: the directory is asked, and named.
    with pytest.raises(ValueError, match=r"gone/config\.json: no such file"):
        backbone_config(config, text, tmp_path / "older")


def test_sizes_of_a_random_backbone_are_those_of_its_recipe():
    config = motion_lm.get_config("tiny")
    text = train_text_tokenizer(["a person walks"], vocab_size=300)
    found = backbone_config(config, text)
    assert found.vocab_size == text.vocab_size
    assert found.hidden_size == config.backbone.hidden_size
    del config.backbone["layers"]
    with pytest.raises(ValueError, match=r"config\.backbone\.layers is missing"):
        backbone_config(config, text)
