"""Likelihoods of answers against the logits of each whole sequence."""

import jax
import numpy as np
import pytest

from anymo_jax.language.answer_scores import answer_log_likelihood
from anymo_jax.language.qwen2 import Qwen2Config, init, qwen2_logits

CONFIG = Qwen2Config(
    vocab_size=50,
    hidden_size=16,
    intermediate_size=32,
    layers=2,
    heads=2,
    kv_heads=1,
    head_dim=8,
    max_length=32,
)


@pytest.fixture(scope="module")
def params():
    found = init(jax.random.key(0), CONFIG)
    # Larger than at the start of training, so that logits differ.
    return jax.tree.map(lambda x: 4 * x, found)


def rows():
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 50, (3, 7))
    mask = np.arange(7)[None] >= np.array([0, 3, 1])[:, None]
    answers = rng.integers(0, 50, (3, 2, 4))
    return tokens, mask, answers, np.array([[4, 1], [2, 3], [1, 4]])


def test_every_token_has_its_log_softmax_given_all_before_it(params):
    tokens, mask, answers, length = rows()
    found = answer_log_likelihood(params, CONFIG, tokens, mask, answers, length)
    for b, c in np.ndindex(3, 2):
        prompt, said = tokens[b][mask[b]], answers[b, c, : length[b, c]]
        whole = np.concatenate([prompt, said])[None]
        logits = np.asarray(qwen2_logits(params, CONFIG, whole))[0].astype(np.float64)
        expected = [
            logits[len(prompt) - 1 + i][token]
            - np.log(np.exp(logits[len(prompt) - 1 + i]).sum())
            for i, token in enumerate(said)
        ]
        np.testing.assert_allclose(found[b, c, : len(said)], expected, atol=1e-4)
        assert not found[b, c, len(said) :].any()
    assert found[0, 0].std() > 0.1


def test_what_does_not_fit_is_refused(params):
    tokens, mask, answers, length = rows()
    with pytest.raises(ValueError, match="padding of prompts to the left"):
        answer_log_likelihood(params, CONFIG, tokens, ~mask, answers, length)
    with pytest.raises(ValueError, match="give 1 to 4 tokens"):
        answer_log_likelihood(params, CONFIG, tokens, mask, answers, 0 * length)
    with pytest.raises(ValueError, match="tokens range"):
        answer_log_likelihood(params, CONFIG, tokens, mask, 50 + answers, length)
    long, seen = np.zeros((3, 30), int), np.ones((3, 30), bool)
    with pytest.raises(ValueError, match="have 34 tokens, the context"):
        answer_log_likelihood(params, CONFIG, long, seen, answers, length)
