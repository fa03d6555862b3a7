"""A small tree in every crowded cube of a grid: points halved again and again at their median."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoclusters.clusters.kernels import kernel, query

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]

LEAF_SIZE = 32
"""Nodes of more points than this are halved."""

_NOWHERE = -1


@kernel
def grow_trees(
    start: Ints, row: Ints, point: Floats, weight: Longs, cap: int
) -> tuple[Ints, Ints, Ints, Floats, Longs]:
    """Make every cube a root and halve what is crowded; points move within their cube only."""
    n_cubes = len(start) - 1
    n_nodes = n_cubes
    for c in range(n_cubes):
        count = start[c + 1] - start[c]
        if count > LEAF_SIZE:
            n_nodes += 2 * (count // (LEAF_SIZE // 2))
    first = np.empty(n_nodes, dtype=np.int32)
    last = np.empty(n_nodes, dtype=np.int32)
    child = np.empty(n_nodes, dtype=np.int32)
    box = np.empty((n_nodes, 6), dtype=np.float64)
    total = np.empty(n_nodes, dtype=np.int64)
    for c in range(n_cubes):
        first[c], last[c] = start[c], start[c + 1]
    n_nodes = n_cubes
    node = 0
    while node < n_nodes:
        _measure(node, first, last, point, weight, cap, box, total)
        child[node] = _NOWHERE
        axis = _widest_axis(box, node)
        if box[node, axis] == box[node, axis + 3]:
            _put_smallest_row_first(row, weight, first[node], last[node])
        elif last[node] - first[node] > LEAF_SIZE:
            middle = (first[node] + last[node]) // 2
            _halve(row, point, weight, first[node], last[node], axis)
            child[node] = n_nodes
            first[n_nodes] = first[node]
            last[n_nodes] = middle
            first[n_nodes + 1] = middle
            last[n_nodes + 1] = last[node]
            n_nodes += 2
        node += 1
    return first[:n_nodes], last[:n_nodes], child[:n_nodes], box[:n_nodes], total[:n_nodes]


@query
def _measure(
    node: int,
    first: Ints,
    last: Ints,
    point: Floats,
    weight: Longs,
    cap: int,
    box: Floats,
    total: Longs,
) -> None:
    for axis in range(3):
        low = np.inf
        high = -np.inf
        for p in range(first[node], last[node]):
            low = min(low, point[axis, p])
            high = max(high, point[axis, p])
        box[node, axis] = low
        box[node, axis + 3] = high
    weight_sum = 0
    for p in range(first[node], last[node]):
        weight_sum = min(weight_sum + weight[p], cap)
    total[node] = weight_sum


@query
def _widest_axis(box: Floats, node: int) -> int:
    widest = 0
    for axis in range(1, 3):
        if box[node, axis + 3] - box[node, axis] > box[node, widest + 3] - box[node, widest]:
            widest = axis
    return widest


@query
def _put_smallest_row_first(row: Ints, weight: Longs, first: int, last: int) -> None:
    """On one spot the first point can then stand for all: nearest, and of the smallest row."""
    smallest = first
    for p in range(first + 1, last):
        if row[p] < row[smallest]:
            smallest = p
    row[first], row[smallest] = row[smallest], row[first]
    weight[first], weight[smallest] = weight[smallest], weight[first]


@query
def _halve(row: Ints, point: Floats, weight: Longs, first: int, last: int, axis: int) -> None:
    """Quickselect: no point before the middle lies further along the axis than one after."""
    middle = (first + last) // 2
    low = first
    high = last - 1
    while low < high:
        pivot = point[axis, (low + high) // 2]
        left = low
        right = high
        while left <= right:
            while point[axis, left] < pivot:
                left += 1
            while point[axis, right] > pivot:
                right -= 1
            if left <= right:
                _swap(row, point, weight, left, right)
                left += 1
                right -= 1
        if middle <= right:
            high = right
        elif middle >= left:
            low = left
        else:
            return


@query
def _swap(row: Ints, point: Floats, weight: Longs, p: int, q: int) -> None:
    row[p], row[q] = row[q], row[p]
    weight[p], weight[q] = weight[q], weight[p]
    for axis in range(3):
        point[axis, p], point[axis, q] = point[axis, q], point[axis, p]
