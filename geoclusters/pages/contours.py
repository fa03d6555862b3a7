"""Lines of equal height through a sparse grid, as closed rings: marching squares.

Nodes that are not given have the height 0. Every ring keeps what is higher on its left, as seen with
columns to the right and rows upwards, and rings of one level do not cross.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np

from geoclusters.compiling import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_Floats: TypeAlias = "npt.NDArray[np.float64]"
_Integers: TypeAlias = "npt.NDArray[np.int64]"

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

    nodes: _Integers
    heights: _Floats

    def at(self, nodes: _Integers) -> _Floats:
        """Give the heights of nodes; 0 where there is none."""
        if not len(self.nodes):
            return np.zeros(nodes.shape)
        place = np.minimum(np.searchsorted(self.nodes, nodes), len(self.nodes) - 1)
        return np.where(self.nodes[place] == nodes, self.heights[place], 0.0)


class Rings(NamedTuple):
    """
    Closed lines of one level.

    Attributes
    ----------
    points : numpy.ndarray of float64, shape (n, 2)
        Column and row, ring after ring; a ring is not closed: its last point leads back to its first.
    sizes : numpy.ndarray of int64
        Points of each ring.
    """

    points: _Floats
    sizes: _Integers


def rings(grid: Grid, levels: Sequence[float]) -> list[Rings]:
    """
    Draw the lines around everything that is at least as high as each of some levels.

    Parameters
    ----------
    grid : Grid
    levels : sequence of float
        Above 0.

    Examples
    --------
    >>> hill = Grid(np.array([5 * STRIDE + 7]), np.array([2.0]))
    >>> [ring] = rings(hill, [1.0])
    >>> sorted(map(tuple, ring.points.tolist()))
    [(6.5, 5.0), (7.0, 4.5), (7.0, 5.5), (7.5, 5.0)]
    """
    squares = _squares(grid.nodes[grid.heights >= min(levels)])
    heights = np.stack([_at(grid.nodes, grid.heights, squares + c) for c in _CORNERS], axis=-1)
    highest = heights.max(axis=1, initial=0.0)
    return [
        _rings(grid, squares[highest >= level], heights[highest >= level], level)
        for level in levels
    ]


def _squares(high: _Integers) -> _Integers:
    """Give the squares that have one of these nodes for a corner, by their lower left node; both rising."""
    alone = np.flatnonzero(np.diff(high, prepend=-1) != 1)
    wider = np.insert(high, alone, high[alone] - 1)
    both = np.sort(np.concatenate([wider - STRIDE, wider]), kind="stable")
    return both[np.flatnonzero(np.diff(both, prepend=-STRIDE))]


@compiled
def _at(nodes: _Integers, heights: _Floats, wanted: _Integers) -> _Floats:
    """Give the heights of nodes, 0 where there is none; both are rising."""
    found, place = np.zeros(len(wanted)), 0
    for k in range(len(wanted)):
        while place < len(nodes) and nodes[place] < wanted[k]:
            place += 1
        if place < len(nodes) and nodes[place] == wanted[k]:
            found[k] = heights[place]
    return found


def _rings(grid: Grid, squares: _Integers, heights: _Floats, level: float) -> Rings:
    start, end = _segments(squares, heights, level)
    order = np.argsort(start)
    start, end = start[order], end[order]
    around, sizes = _cycles(np.searchsorted(start, end))
    return Rings(_crossings(grid, start, level)[around], sizes)


def _segments(squares: _Integers, heights: _Floats, level: float) -> tuple[_Integers, _Integers]:
    """Give the edges where lines enter and leave the squares; each edge is entered and left once."""
    case = ((heights >= level) << np.arange(4)).sum(axis=1)
    joined = heights.mean(axis=1) >= level
    entered: list[_Integers] = []
    left: list[_Integers] = []
    for number, lines in _LINES.items():
        saddle = _JOINED.get(number)
        for together in (False, True) if saddle else (False,):
            own = squares[(case == number) & ((joined == together) | (saddle is None))]
            for first, last in saddle if together and saddle else lines:
                entered.append(_edge(own, first))
                left.append(_edge(own, last))
    return np.concatenate(entered), np.concatenate(left)


def _edge(squares: _Integers, side: int) -> _Integers:
    """Give the numbers of edges of the whole grid: twice the lower or left node, 1 more if it runs upwards."""
    return np.asarray(2 * (squares + _EDGE_NODE[side]) + _EDGE_UP[side])


def _crossings(grid: Grid, edges: _Integers, level: float) -> _Floats:
    """Say where lines cross edges: in proportion between the heights at their ends."""
    node, up = edges >> 1, edges & 1
    low = grid.at(node)
    part = (level - low) / (grid.at(node + np.where(up == 1, STRIDE, 1)) - low)
    row, column = np.divmod(node, STRIDE)
    return np.column_stack([column + part * (1 - up), row + part * up])


@compiled
def _cycles(following: _Integers) -> tuple[_Integers, _Integers]:
    """Take a permutation apart into its cycles: their elements, one cycle after the other, and their lengths."""
    seen = np.zeros(len(following), dtype=np.bool_)
    around, sizes = (
        np.empty(len(following), dtype=np.int64),
        np.empty(len(following), dtype=np.int64),
    )
    n = cycles = 0
    for first in range(len(following)):
        at, before = first, n
        while not seen[at]:
            seen[at] = True
            around[n] = at
            n += 1
            at = following[at]
        if n > before:
            sizes[cycles] = n - before
            cycles += 1
    return around, sizes[:cycles].copy()
