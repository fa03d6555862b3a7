"""What compiled code may ask of the processor changes nothing that it computes."""

from __future__ import annotations

import numpy as np
import pytest

from geoclusters.compiling import compiled, prefetch


@compiled
def gathered(rows, order, ahead):
    total = 0
    for at in range(len(order)):
        prefetch(rows, order[min(at + ahead, len(order) - 1)])
        total += rows[order[at], 0]
    return total


@pytest.mark.parametrize("shape", [(1, 1), (1000, 8), (1000, 3)])
def test_memory_asked_for_ahead_is_the_same_memory(shape):
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 1000, shape)
    order = rng.integers(0, shape[0], 5000)
    assert gathered(rows, order, 16) == rows[order, 0].sum()


@compiled
def asked_for_nothing(rows):
    for row in (-1, len(rows), 1 << 40):
        prefetch(rows, row)
    return len(rows)


def test_rows_that_are_none_may_be_asked_for():
    assert asked_for_nothing(np.zeros(4)) == 4
