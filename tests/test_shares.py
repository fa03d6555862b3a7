"""Weights in a byte each: what is kept is given back, and the shares that documents have take a byte alone."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from geoclusters.addresses.counting import weigh
from geoclusters.engine.shares import OTHER, shares_of, weights_of
from geoclusters.schema import WEIGHT_ONE

weights = st.one_of(
    st.integers(0, 2**62),
    st.integers(1, 400).map(lambda n: (WEIGHT_ONE + n // 2) // n),
    st.integers(1, 400).flatmap(lambda n: st.integers(-1, 1).map(lambda d: WEIGHT_ONE // n + d)),
    st.integers(0, 10**6).map(lambda n: n * WEIGHT_ONE),
)


@given(st.lists(weights, max_size=60))
@example([0, 1, WEIGHT_ONE, WEIGHT_ONE // 255, WEIGHT_ONE // 256, 2**62])
def test_what_is_kept_is_given_back(given_weights):
    weight = np.array(given_weights, dtype=np.int64)
    shares, others = shares_of(weight)
    assert shares.dtype == np.uint8
    assert np.array_equal(weights_of(shares, others), weight)
    assert len(others) == (shares == OTHER).sum()


def test_shares_of_documents_of_up_to_255_rows_need_a_byte_alone():
    rows = np.arange(1, 301)
    document = np.repeat(rows, rows).astype(np.uint64)
    found = weigh(document=document, count=np.full(len(document), np.nan))
    shares, others = shares_of(found.weight)
    assert np.array_equal(shares, np.where(document <= 255, document, OTHER))
    assert len(others) == rows[rows > 255].sum()
