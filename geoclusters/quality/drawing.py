"""A sample of whole documents that hangs on their keys alone, so that memory stays bounded and no order matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.compiling import compiled
from geoclusters.quality.mixing import mix, mixed, offset_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Keys = npt.NDArray[np.uint64]
    Columns = dict[str, npt.NDArray[np.generic]]

DEFAULT_MAX_ROWS: Final = 400_000
DRAW_SEED: Final = 6
_OFFSET = offset_of(DRAW_SEED)
_LOT = 64
"""Rows that are looked at together."""


class DocumentSample:
    """
    Rows of the documents whose mixed key lies below a limit; the limit is halved when they are too many.

    A document is in with all of its rows or not at all. The limit at the end is the largest half of halves under
    which all rows fit, so the sample is the same whatever the order of the rows and of merging.

    Parameters
    ----------
    max_rows : int
        Rows that are kept at most.

    Examples
    --------
    >>> sample = DocumentSample(max_rows=100)
    >>> sample.add(np.arange(1, 1001, dtype=np.uint64), {"year": np.full(1000, 2020)})
    >>> sample.fraction, 50 <= len(sample.columns()["year"]) <= 100
    (0.0625, True)
    """

    def __init__(self, max_rows: int = DEFAULT_MAX_ROWS, *, halvings: int = 0) -> None:
        self._max_rows = max_rows
        self._halvings = halvings
        self._parts: list[Columns] = []
        self._rows = 0

    @property
    def halvings(self) -> int:
        """How often the limit was halved."""
        return self._halvings

    def draws(self, document: Keys) -> npt.NDArray[np.int64]:
        """Give the rows that `add` would keep as things stand, so that the rest need not be prepared."""
        rows = np.empty(len(document), dtype=np.int64)
        return rows[: _drawn(document, self._limit, rows)]

    @property
    def fraction(self) -> float:
        """Part of the documents that the sample stands for."""
        return 0.5**self._halvings

    def add(self, document: Keys, columns: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Take in rows: the key of each one's document (0 = none, left out), and what to keep of it."""
        part = {"document": document, **columns, "draw": mixed(document, seed=DRAW_SEED)}
        kept = self._below(part["draw"]) & (document != 0)
        self._append({name: values[kept] for name, values in part.items()})

    def merge(self, other: DocumentSample) -> None:
        """Take in the rows of another sample."""
        self._halvings = max(self._halvings, other._halvings)
        self._thin()
        for part in other._parts:
            kept = self._below(part["draw"])
            self._append({name: values[kept] for name, values in part.items()})

    def columns(self) -> Columns:
        """Give what was kept, with `document`, in the order in which it came."""
        if not self._parts:
            return {}
        names = [name for name in self._parts[0] if name != "draw"]
        return {name: np.concatenate([p[name] for p in self._parts]) for name in names}

    def _below(self, draw: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
        return np.asarray(np.asarray(draw, dtype=np.uint64) <= self._limit)

    @property
    def _limit(self) -> np.uint64:
        """The largest mixed key that is in."""
        return np.uint64((1 << (64 - self._halvings)) - 1)

    def _append(self, part: Columns) -> None:
        self._parts.append(part)
        self._rows += len(part["draw"])
        while self._rows > self._max_rows:
            self._halvings += 1
            self._thin()

    def _thin(self) -> None:
        kept = [self._below(part["draw"]) for part in self._parts]
        self._parts = [
            {name: values[rows] for name, values in part.items()}
            for part, rows in zip(self._parts, kept, strict=True)
        ]
        self._rows = sum(int(rows.sum()) for rows in kept)


@compiled
def _drawn(document: Keys, limit: np.uint64, rows: npt.NDArray[np.int64]) -> int:
    """Write the rows of the documents that are in (0 is none); most lots hold none, which is seen without a branch."""
    n = 0
    for begin in range(0, len(document), _LOT):
        lot, some = document[begin : begin + _LOT], False
        for row in range(len(lot)):
            some |= (mix(lot[row], _OFFSET) <= limit) & (lot[row] != 0)
        if some:
            for row in range(len(lot)):
                rows[n] = begin + row
                n += (mix(lot[row], _OFFSET) <= limit) & (lot[row] != 0)
    return n
