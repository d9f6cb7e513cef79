"""Table 6's figures on codes whose figures are known."""

import dataclasses
import math

import numpy as np
import pytest

from anymo_jax.tokenizer.diagnostics import Diagnostics, codebook_use
from tests.tokenizer.small import CONFIG, latents


def full(count):
    return np.full(count, 1)


def test_a_uniform_codebook_has_its_size_as_perplexity():
    use = codebook_use(np.full(40, 3))
    assert use.used == 40 and use.usage == 1 and use.dead == 0
    assert use.perplexity == pytest.approx(40)
    assert use.top1 == pytest.approx(1 / 40) and use.top10 == pytest.approx(0.25)


def test_an_uneven_codebook_by_hand():
    use = codebook_use(np.array([0, 6, 0, 2]))
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert use.used == 2 and use.usage == 0.5 and use.dead == 0.5
    assert use.perplexity == pytest.approx(math.exp(entropy))
    assert use.top1 == 0.75 and use.top10 == 1


def test_codes_beyond_the_length_do_not_count():
    found = Diagnostics(CONFIG)
    codes = np.full((2, 3, 2), 999)
    codes[0, :2], codes[1, :1] = [[1, 2], [1, 3]], [[4, 2]]
    found.add_codes(codes, np.array([2, 1]))
    first, second = found.report().codebooks
    assert first.used == 2 and first.top1 == pytest.approx(2 / 3)
    assert second.used == 2 and second.top1 == pytest.approx(2 / 3)


def test_collisions_across_batches_and_lengths():
    """AAABC: three distinct of five; AA is no A, though its first steps are equal."""
    a, b = np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 5]])
    found = Diagnostics(CONFIG)
    found.add_codes(np.stack([a, b, a]), np.array([2, 2, 2]))
    found.add_codes(np.stack([a, a]), np.array([2, 1]))
    report = found.report()
    assert report.windows == 5
    assert report.collision == pytest.approx(1 - 3 / 5)
    assert report.shared == pytest.approx(3 / 5)


def test_swapped_codebooks_are_another_sequence():
    found = Diagnostics(CONFIG)
    found.add_codes(np.array([[[1, 2]], [[2, 1]]]), full(2))
    assert found.report().collision == 0


def test_error_is_relative_to_the_latents_variance():
    latent, length = latents(4, 6) * 3 + 5, np.array([6, 2, 5, 6])
    found = Diagnostics(CONFIG)
    valid = np.arange(6) < length[:, None]
    mean = latent[valid].astype(np.float64).mean(axis=0)
    guess = np.where(valid[..., None], mean, 1e6).astype(np.float32)
    for half in (slice(0, 2), slice(2, 4)):
        found.add_reconstruction(latent[half], guess[half], length[half])
        found.add_codes(np.zeros((2, 6, 2), int), length[half])
    assert found.report().error == pytest.approx(1, rel=1e-6)
    better = Diagnostics(CONFIG)
    better.add_codes(np.zeros((4, 6, 2), int), length)
    better.add_reconstruction(latent, (latent + guess) / 2, length)
    assert better.report().error == pytest.approx(0.25, rel=1e-5)


def test_the_report_lies_flat_for_a_log():
    found = Diagnostics(CONFIG)
    found.add_codes(np.array([[[1, 2]]]), full(1))
    flat = found.report().flat()
    assert flat["codebook1/used"] == 1 and flat["collision"] == 0
    assert math.isnan(flat["error"])
    assert all(isinstance(value, float) for value in flat.values())


def test_what_cannot_be_counted_is_refused():
    found = Diagnostics(dataclasses.replace(CONFIG, entries=4))
    with pytest.raises(ValueError, match="no codes were added"):
        found.report()
    with pytest.raises(ValueError, match="is 4, expected 0 to 3"):
        found.add_codes(np.array([[[4, 0]]]), full(1))
