"""What became of the rows of each source, counted while they are added up."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters import schema
from geoclusters.compiling import compiled
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from geoclusters.addresses import Rows, WeighedRows

    Ints = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.int16]
    Flags = npt.NDArray[np.bool_]

N_REASONS: Final = len(schema.REASONS)
PLACED: Final = schema.REASON_CODE["placed"]
NO_YEAR: Final = -1
WEIGHT_ONE: Final = schema.WEIGHT_ONE
_LOOKED_AT = 256


@dataclass
class Tally:
    """
    Counts of rows by source, and of documents by metric.

    Attributes
    ----------
    rows : numpy.ndarray of int64, shape (n_sources, n_reasons)
        Rows of the window by their reason.
    documents, unplaced : numpy.ndarray of int64, shape (n_metrics,)
        In 1/`schema.WEIGHT_ONE` document.
    unstated : numpy.ndarray of int64, shape (1,)
        Placed rows that state no country.
    """

    read: Ints
    outside_window: Ints
    without_year: Ints
    repaired: Ints
    rows: Ints
    documents: Ints
    unplaced: Ints
    unstated: Ints
    years_seen: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, n_sources: int, n_metrics: int) -> Tally:
        """Begin with nothing."""
        shapes = [n_sources] * 4 + [(n_sources, N_REASONS), n_metrics, n_metrics, 1]
        names = [f.name for f in fields(cls) if f.name != "years_seen"]
        zeros = (np.zeros(shape, dtype=np.int64) for shape in shapes)
        return cls(**dict(zip(names, zeros, strict=True)))

    def add(self, other: Tally) -> None:
        """
        Take in the counts of another part.

        Raises
        ------
        SourceError
            If documents become so many that their sum no longer fits.
        """
        if (self.documents > schema.MOST_DOCUMENTS * WEIGHT_ONE - other.documents).any():
            raise SourceError(
                f"the counts of a metric add up to more documents than fit: {schema.TOO_MANY_DOCUMENTS}"
            )
        for name in (f.name for f in fields(self)):
            if name == "years_seen":
                self.years_seen |= other.years_seen
            else:
                getattr(self, name)[...] += getattr(other, name)

    def see_window(self, rows: Rows, inside: npt.NDArray[np.bool_]) -> None:
        """Take note of rows as they are read, and of which lie in the window."""
        _count_rows(
            rows.source, inside, rows.year, self.read, self.outside_window, self.without_year
        )
        if not inside.all():
            years = np.flatnonzero(np.bincount(rows.year[rows.year != NO_YEAR]))
            self.years_seen |= {int(y) for y in years[[0, -1]]} if len(years) else set()

    def see_weighed(self, rows: Rows, weighed: WeighedRows) -> None:
        """Take note of what became of the rows of the window."""
        _count_weighed(
            rows.source,
            rows.metric,
            rows.document,
            rows.country,
            weighed.reason,
            weighed.repaired,
            weighed.weight,
            weighed.starts,
            self.rows,
            self.repaired,
            self.documents,
            self.unplaced,
            self.unstated,
        )

    def facts(self, metrics: Sequence[str]) -> dict[str, Any]:
        """Give the counts as plain values, for `run.json`."""
        by_source = ("read", "outside_window", "without_year", "repaired")
        return {
            "sources": [
                {name: int(getattr(self, name)[source]) for name in by_source}
                for source in range(len(self.read))
            ],
            "documents": dict(zip(metrics, self.documents.tolist(), strict=True)),
            "unplaced": dict(zip(metrics, self.unplaced.tolist(), strict=True)),
            "rows": [
                [int(source), schema.REASONS[reason][0], int(self.rows[source, reason])]
                for source, reason in zip(*np.nonzero(self.rows), strict=True)
            ],
            "unstated": int(self.unstated[0]),
        }

    def state(self) -> dict[str, Any]:
        """Give the counts as lists, to be sent or kept."""
        return {
            f.name: sorted(self.years_seen)
            if f.name == "years_seen"
            else getattr(self, f.name).tolist()
            for f in fields(self)
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Tally:
        """Give counts back from their lists."""
        arrays = {
            name: np.array(value, dtype=np.int64)
            for name, value in state.items()
            if name != "years_seen"
        }
        return cls(**arrays, years_seen=set(state["years_seen"]))


@compiled
def _count_rows(
    source: Codes, inside: Flags, year: Codes, read: Ints, outside: Ints, without_year: Ints
) -> None:
    begin = 0
    for row in range(len(source)):
        if source[row] != source[begin]:
            read[source[begin]] += row - begin
            begin = row
        if not inside[row]:
            if year[row] == NO_YEAR:
                without_year[source[row]] += 1
            else:
                outside[source[row]] += 1
    if len(source):
        read[source[begin]] += len(source) - begin


@compiled
def _count_weighed(
    source: Codes,
    metric: npt.NDArray[np.uint8],
    document: npt.NDArray[np.uint64],
    country: Codes,
    reason: npt.NDArray[np.int8],
    repaired: Flags,
    weight: Ints,
    starts: Flags,
    rows: Ints,
    repaired_rows: Ints,
    documents: Ints,
    unplaced: Ints,
    unstated: Ints,
) -> None:
    """Count rows by source and reason, and documents by metric; a row without a document stands for its weight."""
    begin = 0
    while begin < len(source):
        # Neighbours are mostly alike, and are counted at once.
        end = begin + _alike(source[begin:], metric[begin:], reason[begin:])
        counted, lost, mended, silent = _summed(
            *(document[begin:end], starts[begin:end], weight[begin:end]),
            *(repaired[begin:end], country[begin:end]),
        )
        rows[source[begin], reason[begin]] += end - begin
        documents[metric[begin]] += counted
        if reason[begin] == PLACED:
            repaired_rows[source[begin]] += mended
            unstated[0] += silent
        else:
            unplaced[metric[begin]] += lost
        begin = end


@compiled
def _summed(
    document: npt.NDArray[np.uint64], starts: Flags, weight: Ints, repaired: Flags, country: Codes
) -> tuple[np.int64, np.int64, np.int64, np.int64]:
    """Documents, weight, rows that were repaired, and rows without an economy."""
    counted, lost, mended, silent = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for row in range(len(weight)):
        worth = WEIGHT_ONE if document[row] != 0 else weight[row]
        counted += worth if starts[row] else 0
    for row in range(len(weight)):
        lost += weight[row]
        mended += repaired[row]
        silent += country[row] < 0
    return counted, lost, mended, silent


@compiled
def _alike(source: Codes, metric: npt.NDArray[np.uint8], reason: npt.NDArray[np.int8]) -> int:
    """Count the rows from the first on that have its source, metric and reason."""
    row = 0
    while row < len(source):
        # Many at once without a branch, then one by one up to the first that differs.
        end = min(row + _LOOKED_AT, len(source))
        sources, metrics, reasons, other = source[row:end], metric[row:end], reason[row:end], False
        for i in range(len(sources)):
            other |= (
                (sources[i] != source[0]) | (metrics[i] != metric[0]) | (reasons[i] != reason[0])
            )
        if other:
            while (
                source[row] == source[0] and metric[row] == metric[0] and reason[row] == reason[0]
            ):
                row += 1
            return row
        row = end
    return row


def summed(tallies: Iterable[Tally], n_sources: int, n_metrics: int) -> Tally:
    """Add tallies up."""
    total = Tally.of(n_sources, n_metrics)
    for tally in tallies:
        total.add(tally)
    return total
