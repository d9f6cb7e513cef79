"""Parts are laid end to end, whatever their lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymo_jax.language.splice import padded, splice

ROWS = st.lists(st.integers(1, 99), max_size=5)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(ROWS, min_size=3, max_size=3), min_size=1, max_size=4))
def test_as_joined_lists(parts):
    spliced = splice([padded(rows, 5) for rows in parts])
    for i in range(3):
        expected = [(t, k) for k, rows in enumerate(parts) for t in rows[i]]
        length = int(spliced.length[i])
        found = zip(
            spliced.tokens[i, :length].tolist(),
            spliced.part[i, :length].tolist(),
            strict=True,
        )
        assert list(found) == expected
        assert (spliced.tokens[i, length:] == 0).all()
        assert (spliced.part[i, length:] == -1).all()


def test_what_lies_beyond_a_part_never_shows():
    part = np.array([[5, 6, 77, 78]]), np.array([2])
    spliced = splice([part, padded([[9]])])
    assert spliced.tokens.tolist() == [[5, 6, 9, 0, 0]]


def test_a_size_that_may_not_hold_them_is_refused():
    with pytest.raises(ValueError, match="up to 4 tokens do not fit 3"):
        splice([padded([[1, 2]]), padded([[3, 4]])], 3)
    with pytest.raises(ValueError, match="row 1 has 3 tokens, more than 2"):
        padded([[1], [1, 2, 3]], 2)
