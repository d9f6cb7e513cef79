"""What evaluation asks of a model: codes, latents and choices of views."""

import numpy as np
import pytest

from anymo_jax.inference.recording import recording_views
from anymo_jax.language.plain import plain_model
from anymo_jax.language.qwen2 import qwen2_logits
from tests.inference.test_model import LABELS, recording


@pytest.fixture(scope="module")
def views():
    parts = [recording(s, 60, seed=i) for i, s in enumerate((2, 5, 3))]
    return [v for p in parts for v in recording_views(p, ["waist"], 60.0)]


def test_codes_and_latents_hang_on_no_batch(model, views):
    codes, latents = model.tokenize_views(views), model.latent_views(views)
    assert [len(c) for c in codes] == [60, 150, 90]
    assert latents.shape == (3, model.sizes.encoder.width)
    np.testing.assert_array_equal(model.tokenize_views(views[2:])[0], codes[2])
    np.testing.assert_allclose(model.latent_views(views[2:])[0], latents[2], atol=1e-5)
    assert np.abs(latents[0] - latents[1]).max() > 1e-3


def test_choices_are_scored_by_label_whatever_their_order(model, views):
    labels = [*LABELS, "running upstairs"]
    found = model.choose_views(views, labels)
    assert found.key.shape == found.answer.shape == (3, 4)
    # An answer goes on where its key ends, so that it is the less likely.
    assert (found.answer < found.key).all() and (found.key < 0).all()
    again = model.choose_views(views, labels)
    np.testing.assert_array_equal(again.answer, found.answer)
    other = model.choose_views(views, labels, seed=1)
    assert np.abs(other.answer - found.answer).max() > 1e-3
    with pytest.raises(ValueError, match="two or more different"):
        model.choose_views(views, ["walking"])


def test_a_keys_first_token_has_its_log_softmax_after_the_prompt(model, views):
    side = model._choices
    offered = ["a: walking", "b: sitting", "c: jumping"]
    code = model.tokenize_views(views[:1])[0]
    prompt = side._prompt(views[0].visible, code, offered)
    scores, keyed = side._scores([prompt], [offered])
    params, config = plain_model(
        model._weights.language, model.sizes.language, model._weights.codebook
    )
    logits = np.asarray(qwen2_logits(params, config, prompt[None]))[0, -1]
    firsts = [ids[0] for ids in model._tokenizer.encode(["a", "b", "c"])]
    expected = logits[firsts] - np.log(np.exp(logits.astype(np.float64)).sum())
    np.testing.assert_allclose(scores[0, :, 0], expected, atol=1e-4)
    assert keyed == [[2, 2, 2]]
