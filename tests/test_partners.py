"""Partners of clusters, against plain sorting."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geoclusters.pages.partners import both_ways

links = st.dictionaries(
    st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda ends: ends[0] < ends[1]),
    st.integers(1, 4),
)


@given(links)
def test_partners_are_those_of_plain_sorting(given_links):
    ends = np.array(list(given_links), dtype=np.int64).reshape(-1, 2)
    documents = np.array(list(given_links.values()), dtype=np.int64)
    found = both_ways(ends[:, 0], ends[:, 1], documents)
    expected = []
    for one in range(7):
        own = [
            (n, a + b - one, row)
            for row, ((a, b), n) in enumerate(given_links.items())
            if one in (a, b)
        ]
        own.sort(key=lambda link: (-link[0], link[1]))
        expected += [
            (one, other, row, n, place, 1 + sum(m > n for m, _, _ in own))
            for place, (n, other, row) in enumerate(own)
        ]
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected
