"""Lines of equal height through a sparse grid, as closed rings: marching squares.

Nodes that are not given have the height 0. Every ring keeps what is higher on its left, as seen with
columns to the right and rows upwards, and rings of one level do not cross.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

STRIDE: Final = 1 << 20
"""Columns that fit into a row of the grid: node = row * STRIDE + column."""

# Edges of a square: 0 below, 1 right, 2 above, 3 left. Corners, as bits of a case: 1 below left, 2 below right,
# 4 above right, 8 above left. Each pair is where a line enters and where it leaves, what is higher to its left.
_LINES: Final[dict[int, tuple[tuple[int, int], ...]]] = {
    1: ((0, 3),),
    2: ((1, 0),),
    3: ((1, 3),),
    4: ((2, 1),),
    5: ((0, 3), (2, 1)),
    6: ((2, 0),),
    7: ((2, 3),),
    8: ((3, 2),),
    9: ((0, 2),),
    10: ((1, 0), (3, 2)),
    11: ((1, 2),),
    12: ((3, 1),),
    13: ((0, 1),),
    14: ((3, 0),),
}
_JOINED: Final = {5: ((0, 1), (2, 3)), 10: ((1, 2), (3, 0))}
"""Saddles whose middle is high: the two high corners are one."""

_CORNERS: Final = np.array([0, 1, STRIDE + 1, STRIDE], dtype=np.int64)
_EDGE_NODE: Final = np.array([0, 1, STRIDE, 0], dtype=np.int64)
_EDGE_UP: Final = np.array([0, 1, 0, 1], dtype=np.int64)


@dataclass(frozen=True)
class Grid:
    """
    Heights at the nodes of a sparse grid.

    Attributes
    ----------
    nodes : ndarray of int64
        row * `STRIDE` + column, rising; rows and columns at least 1.
    heights : ndarray of float64
        Height of each node, at least 0.
    """

    nodes: npt.NDArray[np.int64]
    heights: npt.NDArray[np.float64]

    def at(self, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Give the heights of nodes; 0 where there is none."""
        if not len(self.nodes):
            return np.zeros(nodes.shape)
        place = np.minimum(np.searchsorted(self.nodes, nodes), len(self.nodes) - 1)
        return np.where(self.nodes[place] == nodes, self.heights[place], 0.0)


def rings(grid: Grid, level: float) -> list[npt.NDArray[np.float64]]:
    """
    Draw the line around everything that is at least as high as a level.

    Parameters
    ----------
    grid : Grid
    level : float
        Above 0.

    Returns
    -------
    list of ndarray of float64, shape (n, 2)
        Each ring as (column, row), not closed: the last point leads back to the first.

    Examples
    --------
    >>> hill = Grid(np.array([5 * STRIDE + 7]), np.array([2.0]))
    >>> [ring] = rings(hill, 1.0)
    >>> sorted(map(tuple, ring.tolist()))
    [(6.5, 5.0), (7.0, 4.5), (7.0, 5.5), (7.5, 5.0)]
    """
    start, end = _segments(grid, level)
    order = np.argsort(start)
    start, end = start[order], end[order]
    points = _crossings(grid, start, level)
    return [points[ring] for ring in _cycles(np.searchsorted(start, end))]


def _segments(grid: Grid, level: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give the edges where lines enter and leave the squares; each edge is entered and left once."""
    high = grid.nodes[grid.heights >= level]
    squares = np.unique((high[:, None] - _CORNERS).ravel())
    heights = grid.at(squares[:, None] + _CORNERS)
    case = ((heights >= level) << np.arange(4)).sum(axis=1)
    joined = heights.mean(axis=1) >= level
    entered: list[npt.NDArray[np.int64]] = []
    left: list[npt.NDArray[np.int64]] = []
    for number, lines in _LINES.items():
        saddle = _JOINED.get(number)
        for together in (False, True) if saddle else (False,):
            own = squares[(case == number) & ((joined == together) | (saddle is None))]
            for first, last in saddle if together and saddle else lines:
                entered.append(_edge(own, first))
                left.append(_edge(own, last))
    return np.concatenate(entered), np.concatenate(left)


def _edge(squares: npt.NDArray[np.int64], side: int) -> npt.NDArray[np.int64]:
    """Give the numbers of edges of the whole grid: twice the lower or left node, 1 more if it runs upwards."""
    return np.asarray(2 * (squares + _EDGE_NODE[side]) + _EDGE_UP[side])


def _crossings(grid: Grid, edges: npt.NDArray[np.int64], level: float) -> npt.NDArray[np.float64]:
    """Say where lines cross edges: in proportion between the heights at their ends."""
    node, up = edges >> 1, edges & 1
    low = grid.at(node)
    part = (level - low) / (grid.at(node + np.where(up == 1, STRIDE, 1)) - low)
    row, column = np.divmod(node, STRIDE)
    return np.column_stack([column + part * (1 - up), row + part * up])


def _cycles(following: npt.NDArray[np.int64]) -> list[list[int]]:
    """Take a permutation apart into its cycles."""
    onward = following.tolist()
    seen = bytearray(len(onward))
    found = []
    for first in range(len(onward)):
        cycle, at = [], first
        while not seen[at]:
            seen[at] = 1
            cycle.append(at)
            at = onward[at]
        if cycle:
            found.append(cycle)
    return found
