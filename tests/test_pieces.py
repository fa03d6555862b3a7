"""Pieces cover the whole once, in order, for any number of threads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoclusters.clusters.pieces import in_pieces


@given(st.integers(1, 3), st.integers(0, 200), st.integers(1, 20))
def test_pieces_cover_the_whole_once(threads, n, pieces_per_thread):
    pieces = in_pieces(threads, n, range, pieces_per_thread=pieces_per_thread)
    assert [i for piece in pieces for i in piece] == list(range(n))
    assert len(pieces) == (1 if threads == 1 else threads * pieces_per_thread)


def test_without_threads_nothing_is_done():
    with pytest.raises(ValueError, match="`threads` must be at least 1, not 0"):
        in_pieces(0, 5, lambda begin, end: None)


def test_what_goes_wrong_in_a_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        in_pieces(2, 5, lambda begin, end: 1 / 0)
