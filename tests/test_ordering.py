"""Rows in the order of several keys, against numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from geoclusters.ordering import order_rows

shapes = st.tuples(st.integers(1, 4), st.integers(0, 60))
few = st.integers(0, 3)
any_key = st.integers(0, 2**64 - 1)


@given(shapes.flatmap(lambda shape: arrays.arrays(np.uint64, shape, elements=few | any_key)))
def test_rows_are_ordered_as_by_numpy(keys):
    assert order_rows(keys).tolist() == np.lexsort(keys[::-1]).tolist()


def test_thousands_of_rows_alike_and_not():
    keys = np.random.default_rng(1).integers(0, 9, (3, 5000)).astype(np.uint64)
    assert (order_rows(keys) == np.lexsort(keys[::-1])).all()
