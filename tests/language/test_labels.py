"""Label vocabularies: normalised, counted, clustered, named."""

import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymo_jax.language.labels import (
    class_name,
    cluster_labels,
    count_labels,
    distinct_labels,
    frequent_labels,
    label_vocabulary,
    normalise_label,
)


@pytest.mark.parametrize(
    ("label", "normal"),
    [
        ("Walking", "walking"),
        ("  the  Walking,  upstairs! ", "walking upstairs"),
        ("A man's walk", "mans walk"),
        ("push-ups", "push ups"),
        ("raise_up/left", "raise up left"),
        ("an the dog", "dog"),
        ("a", "a"),
        ("theatre", "theatre"),
        ("?!", ""),
    ],
)
def test_normalised(label, normal):
    assert normalise_label(label) == normal


@given(st.text())
def test_normalising_twice_is_once(label):
    once = normalise_label(label)
    assert normalise_label(once) == once
    assert once == " ".join(once.split())


def test_counts_and_distinct_labels():
    labels = ["Walking", "the walking", "sitting", "", "Sitting.", "walking", "jump"]
    counts = count_labels(labels)
    assert list(counts.items()) == [("walking", 3), ("sitting", 2), ("jump", 1)]
    assert distinct_labels(labels) == ("Walking", "sitting", "jump")
    assert frequent_labels(counts, 2) == ("walking", "sitting")


def on_circle(*degrees):
    angle = np.deg2rad(np.array(degrees, float))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_complete_linkage_asks_every_pair():
    """0.85 is 31.8 degrees: of a chain 25 degrees apart only neighbours may meet."""
    clusters = cluster_labels(["a", "b", "c", "d"], on_circle(0, 25, 50, 75))
    assert [c.tolist() for c in clusters] == [[0, 1], [2, 3]]


def test_the_threshold_itself_is_similar_enough():
    close = np.array([[1.0, 0.0], [0.85, np.sqrt(1 - 0.85**2)]])
    assert len(cluster_labels(["a", "b"], close)) == 1
    assert len(cluster_labels(["a", "b"], close, threshold=0.851)) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("walking upstairs", "walking downstairs"),
        ("turning left", "turning right"),
        ("sitting", "sitting down"),
        ("opening a door", "opening and closing a door"),
        ("swipe from left to right", "swipe from right to left"),
    ],
)
def test_other_directions_never_meet(one, other):
    same = on_circle(0, 0, 0)
    clusters = cluster_labels([one, "moving", other], same)
    assert not any({0, 2} <= set(cluster.tolist()) for cluster in clusters)


@given(st.data())
def test_clusters_are_a_partition_whose_pairs_are_all_similar(data):
    count = data.draw(st.integers(0, 12))
    embeddings = on_circle(
        *data.draw(st.lists(st.floats(0, 360), min_size=count, max_size=count))
    )
    labels = [chr(ord("a") + i) for i in range(count)]
    clusters = cluster_labels(labels, embeddings, 0.85)
    members = sorted(i for cluster in clusters for i in cluster.tolist())
    assert members == list(range(count))
    for cluster in clusters:
        similar = embeddings[cluster] @ embeddings[cluster].T
        assert similar.min() >= 0.85 - 1e-5


@pytest.mark.parametrize(
    ("members", "name"),
    [
        (["walking"], "walking"),
        (["walking slowly", "walking"], "walking"),
        (["walking", "hiking"], "walking / hiking"),
        (["walking", "walking around", "hiking"], "walking / hiking"),
        (["kicking", "sidekicking"], "kicking / sidekicking"),
        (["a b", "c", "d", "e", "f", "g"], "a b / c / d / e / f"),
    ],
)
def test_names_of_classes(members, name):
    assert class_name(members) == name


def test_a_vocabulary():
    labels = ["walking"] * 9 + ["hiking"] * 5 + ["sitting"] * 6 + ["juggling"] * 4
    counts = count_labels(labels)
    vocabulary = label_vocabulary(counts, on_circle(0, 90, 20))
    assert vocabulary.classes == {
        "walking": "walking / hiking",
        "hiking": "walking / hiking",
        "sitting": "sitting",
    }
    assert vocabulary.counts == {"walking / hiking": 14, "sitting": 6}
    assert vocabulary.rare == ("juggling",)
    assert vocabulary.class_of("The Hiking!") == "walking / hiking"
    assert vocabulary.class_of("juggling") == ""
    table = vocabulary.table().splitlines()
    assert table[0] == "2 classes of 3 labels, 1 too rare"
    assert table[1].split(maxsplit=1) == [
        "14",
        "walking / hiking  (walking, hiking)",
    ]


@given(st.data())
def test_every_frequent_label_has_one_class_and_no_example_is_lost(data):
    words = ["walk", "walk up", "walk down", "sit", "sit still", "run", "jog"]
    labels = data.draw(st.lists(st.sampled_from(words), max_size=40))
    counts = count_labels(labels)
    frequent = frequent_labels(counts, 2)
    degrees = data.draw(
        st.lists(st.floats(0, 90), min_size=len(frequent), max_size=len(frequent))
    )
    vocabulary = label_vocabulary(counts, on_circle(*degrees), least=2)
    assert set(vocabulary.classes) == set(frequent)
    totals = collections.Counter()
    for label in frequent:
        totals[vocabulary.classes[label]] += counts[label]
    assert dict(totals) == dict(vocabulary.counts)
    assert set(vocabulary.rare) == set(counts) - set(frequent)


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        (np.ones((3, 2)), "of 3 labels where 2 are to be clustered"),
        (np.array([[1.0, 0.0], [2.0, 0.0]]), r"embeddings\[1\] has norm 2: divide"),
        (np.array([[1.0, 0.0], [np.nan, 0.0]]), r"embeddings\[1\] has norm nan"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(embeddings, message):
    with pytest.raises(ValueError, match=message):
        cluster_labels(["walk", "sit"], embeddings)
