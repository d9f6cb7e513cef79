"""What is said of held-out motion: kinds apart, windows without a text left out."""

import json

import numpy as np
import pytest
from scipy.special import comb

from anymo_jax.evaluation import retrieval, spoken, spoken_tables
from anymo_jax.evaluation.motion_views import SETUPS
from anymo_jax.motion.windows import MotionWindows
from tests.evaluation.cases import unit

TEXTS = ["walks", "sits", "jumps", ""]


class Windows(MotionWindows):
    """Windows of motion of which nothing but numbers is known; the last is untold."""

    def __init__(self):
        self.captured = np.arange(40) % 2 > 0
        self.clips = np.arange(40) // 2


class Views:
    """A view is its window's index and how many nodes are visible."""

    def __init__(self, windows, *, seed):
        self.windows = windows

    def texts(self, indices):
        return [TEXTS[i % 4] for i in indices]

    def batches(self, indices, nodes):
        for first in range(0, len(indices), 7):
            yield [(int(i), nodes.highest) for i in indices[first : first + 7]]


class Speaker:
    """Knows each window's text where all nodes are visible, and nothing else."""

    def embed_views(self, views):
        known = [TEXTS[i % 4] if nodes == 23 else "walks" for i, nodes in views]
        return self.embed_text(known)

    def embed_text(self, texts):
        return unit(np.eye(4)[[TEXTS.index(text) for text in texts]])

    def caption_views(self, views, *, max_new_tokens):
        assert max_new_tokens == 64
        return [TEXTS[i % 4] if nodes == 23 else "walks" for i, nodes in views]


@pytest.fixture
def found(monkeypatch):
    monkeypatch.setattr(spoken, "MotionViews", Views)
    options = spoken.SpokenOptions(captions=6, size=8, draws=5)
    return spoken.evaluate_spoken(Speaker(), Windows(), options)


def test_kinds_and_setups_are_told_apart(found):
    names = [(one.kind, one.setup) for one in found]
    assert names == [(k, s) for k in ("procedural", "captured") for s in SETUPS]
    few, every = found[2], found[3]
    # Of the captured windows, half are untold.
    assert few.untold == 10 and few.retrieval.windows == 10 and len(few.clip) == 10
    assert every.retrieval.full["imu_to_text/mrr"] == 1
    assert found[0].retrieval.full["imu_to_text/mrr"] < 1
    assert [len(one.said) for one in found] == [6] * 4
    assert all(text == said for text, said in every.said)
    assert found[1].retrieval.distinct == 2 and found[1].untold == 0


def test_pages_hold_every_figure(found):
    page = spoken_tables.spoken_markdown(found)
    assert "### captured, whole body" in page and "10 windows without a text" in page
    assert "text to imu | 100.0 [100.0, 100.0]" in page
    made = spoken_tables.spoken_json(found)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    one = made["captured"]["whole body"]["captions"]
    assert one["windows"] == 6 and set(one["figures"]) == set(one["shuffled"])
    missing = one["figures"]["BERTScore-F1"]
    assert missing["value"] is None and "--bertscore" in missing["missing"]
    assert missing["missing"] in page
    axes = spoken_tables.radar_shares(made)
    chance = spoken_tables.radar_shares(made, chance=True)
    assert chance["imu to text MRR"] < 1 and "text to imu MRR" in axes


def test_captions_can_be_left_out(monkeypatch):
    monkeypatch.setattr(spoken, "MotionViews", Views)
    options = spoken.SpokenOptions(captions=0, size=8, draws=2)
    found = spoken.evaluate_spoken(Speaker(), Windows(), options)
    assert all(one.captions == one.shuffled == one.said == () for one in found)
    assert "## Captions" not in spoken_tables.spoken_markdown(found)
    assert spoken_tables.radar_shares(spoken_tables.spoken_json(found))
    with pytest.raises(ValueError, match="captions = 1"):
        spoken.SpokenOptions(captions=1)


def test_shuffled_captions_meet_other_texts():
    rng = np.random.default_rng(0)
    texts = [str(i) for i in rng.integers(0, 5, 40)]
    other = spoken.other_texts(texts)
    assert sorted(other) == sorted(texts)
    assert all(a != b for a, b in zip(texts, other, strict=True))
    assert spoken.other_texts([]) == []


def test_chance_is_that_of_random_orders():
    text_id = np.array([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8])
    found = retrieval.chance_figures(text_id)
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(400):
        score = rng.normal(size=(12, 12))
        rank = retrieval.first_ranks(score, text_id[:, None] == text_id[None])
        drawn.append([np.mean(rank <= k) for k in (1, 5, 10)] + [np.mean(1 / rank)])
    np.testing.assert_allclose(list(found.values()), np.mean(drawn, axis=0), atol=0.02)
    # By hand: none of the m right ones is among k of 12.
    right = np.array([3] * 3 + [2] * 2 + [1] * 7)
    expected = np.mean(1 - comb(12 - right, 5) / comb(12, 5))
    assert found["r5"] == pytest.approx(expected)
