"""Windows of spans, by protocol."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymo_jax.datasets.recording import Protocol, Spans
from anymo_jax.datasets.windows import cut_windows


def spans(*rows):
    start, end, label = zip(*rows, strict=True)
    return Spans(np.array(start, float), np.array(end, float), np.array(label))


def test_whole_windows_and_a_remainder():
    cuts = cut_windows(spans((0, 12, 0), (20, 25, 1)), Protocol(5.0, None, 1.0))
    np.testing.assert_allclose(cuts.start, [0, 5, 10, 20])
    np.testing.assert_allclose(cuts.end, [5, 10, 12, 25])
    np.testing.assert_array_equal(cuts.span, [0, 0, 0, 1])
    assert cuts.dropped == {}


def test_overlapping_windows_leave_no_remainder():
    cuts = cut_windows(spans((0, 12, 0)), Protocol(5.0, 2.5, 1.0))
    np.testing.assert_allclose(cuts.start, [0, 2.5, 5])
    np.testing.assert_allclose(cuts.end, [5, 7.5, 10])


def test_what_is_left_out_is_counted():
    cuts = cut_windows(
        spans((0, 0.5, 0), (1, 40, 0), (50, 60, -1), (60, 65.4, 2)),
        Protocol(5.0, None, 1.0, 30.0),
    )
    np.testing.assert_allclose(cuts.start, [60])
    assert cuts.dropped == {
        "spans without a label": 1,
        "spans shorter than 1 s": 1,
        "spans longer than 30 s": 1,
        "remainders shorter than 1 s": 1,
    }


def test_a_span_may_be_a_window():
    cuts = cut_windows(spans((0, 1.7, 0), (3, 28, 1)), Protocol(None, None, 1.0, 30.0))
    np.testing.assert_allclose(cuts.end - cuts.start, [1.7, 25])


@given(
    st.lists(
        st.tuples(st.floats(0.01, 60), st.integers(-1, 3)), min_size=1, max_size=9
    ),
    st.sampled_from([1.0, 2.56, 5.0]),
    st.sampled_from([None, 0.5, 1.0, 1.28, 2.5]),
)
def test_windows_lie_in_their_span_and_lose_only_what_is_told(rows, seconds, hop):
    edges = np.cumsum([0, *(length for length, _ in rows)])
    label = np.array([label for _, label in rows])
    made = Spans(edges[:-1], edges[1:], label)
    cuts = cut_windows(made, Protocol(seconds, hop, 0.5))
    assert (cuts.start >= made.start[cuts.span] - 1e-9).all()
    assert (cuts.end <= made.end[cuts.span] + 2e-6).all()
    assert (cuts.end - cuts.start >= 0.5 - 2e-6).all()
    assert (made.label[cuts.span] >= 0).all()
    if hop is None:
        long = (label >= 0) & (edges[1:] - edges[:-1] >= 0.5)
        lost = cuts.dropped.get("remainders shorter than 0.5 s", 0)
        covered = (cuts.end - cuts.start).sum()
        asked = (made.end - made.start)[long].sum()
        assert asked - 0.5 * lost - 1e-3 <= covered <= asked + 1e-3


def test_vocabulary_counts_must_agree():
    from anymo_jax.datasets.recording import Vocabulary

    with pytest.raises(ValueError, match="2 classes but 1 own"):
        Vocabulary(("a", "b"), ("a",))
