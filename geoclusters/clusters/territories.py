"""Which cells are whose: those of a cluster's members, none of them twice."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Cells = npt.NDArray[np.uint64]
    Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Territories:
    """
    Cells of the clusters, ordered by cluster and cell.

    Attributes
    ----------
    cell : numpy.ndarray of uint64, shape (n,)
        H3 indices.
    label : numpy.ndarray of int64, shape (n,)
        Cluster of each.
    weight : numpy.ndarray of int64, shape (n,)
        Weight of the cluster's members in the cell.
    core : numpy.ndarray of bool, shape (n,)
        Whether a member in the cell is a core point of the cluster.
    """

    cell: Cells
    label: Ints
    weight: Ints
    core: Flags

    def of_clusters(self, n: int) -> list[Cells]:
        """Give the cells of each of n clusters."""
        bounds = np.searchsorted(self.label, np.arange(n + 1))
        return [self.cell[a:b] for a, b in pairwise(bounds)]


def territories(*, cell: Cells, weight: Ints, core: Flags, labels: Ints) -> Territories:
    """
    Give the cells of the members of each cluster.

    Where members of several clusters share a cell, it goes to the cluster that weighs most in it (ties: the smaller
    label); noise does not matter. A cluster that would be left with no cell keeps those of its members, so that each
    has one. Members that are cells themselves share none.

    Parameters
    ----------
    cell : numpy.ndarray of uint64, shape (n,)
        H3 cell of each point, in ascending order.
    weight : numpy.ndarray of int64, shape (n,)
        Density weight of each point.
    core : numpy.ndarray of bool, shape (n,)
    labels : numpy.ndarray of int64, shape (n,)
        Cluster of each point, -1 = none.

    Examples
    --------
    >>> found = territories(cell=np.array([16, 16, 16, 17], np.uint64), weight=np.array([2, 3, 2, 1]),
    ...                     core=np.array([True, True, False, False]), labels=np.array([0, 1, 0, 1]))
    >>> [cells.tolist() for cells in found.of_clusters(2)], found.weight.tolist()
    ([[16], [17]], [4, 1])
    """
    member = np.flatnonzero(labels >= 0)
    n = int(labels.max(initial=-1)) + 1
    at = np.cumsum(np.diff(cell[member], prepend=np.uint64(0)) != 0)
    # In order of the cells already, but for the few where clusters meet: quick with a stable sort.
    key = at * n + labels[member]
    row = member[np.argsort(key, kind="stable")]
    key.sort(kind="stable")
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    at, label = np.divmod(key[starts], max(n, 1))
    heft = np.add.reduceat(weight[row], starts) if n else np.zeros(0, dtype=np.int64)
    cores = np.logical_or.reduceat(core[row], starts) if n else np.zeros(0, dtype=bool)
    owned = _heaviest(at, label, heft)
    owned |= np.bincount(label[owned], minlength=n)[label] == 0
    order = np.flatnonzero(owned)
    order = order[np.argsort(label[order], kind="stable")]
    return Territories(cell[row[starts[order]]], label[order], heft[order], cores[order])


def _heaviest(at: Ints, label: Ints, heft: Ints) -> Flags:
    """Mark the heaviest cluster of each cell; those of a cell stand together, by label."""
    owned = np.ones(len(at), dtype=bool)
    owned[1:] = at[1:] != at[:-1]
    shared = np.flatnonzero(np.isin(at, at[~owned]))
    owned[shared] = False
    order = shared[np.lexsort((label[shared], -heft[shared], at[shared]))]
    owned[order[np.flatnonzero(np.diff(at[order], prepend=-1))]] = True
    return owned
