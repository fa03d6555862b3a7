"""Looks at the heads of a study's sources: whether they can be read, and what their first rows hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from geoclusters import addresses, schema
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from geoclusters.settings import Source
    from geoclusters.study import Study

NAMES: Final = ("place", "region")
"""Columns that geocoding can make a point of."""


@dataclass(frozen=True)
class Head:
    """
    What the first rows of some files hold.

    Attributes
    ----------
    rows, with_coordinates : int
        Rows looked at, and those that have latitude and longitude.
    to_geocode : int
        Rows without coordinates that name a place or a region.
    filled : tuple of str
        Columns of `schema.MAPPED` with a value in at least one of the rows.
    years : tuple of int
        First and last year; empty where there is none.
    """

    rows: int = 0
    with_coordinates: int = 0
    to_geocode: int = 0
    filled: tuple[str, ...] = ()
    years: tuple[int, ...] = ()


def head_of_rows(batches: Iterable[pa.RecordBatch]) -> Head:
    """
    Count what rows hold.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Rows in the columns of `schema.READ`.

    Examples
    --------
    >>> given = {"place": ["Bern", None], "lat": [None, 1.0], "lon": [None, 2.0], "year": [2019, 2021]}
    >>> layout = schema.READ.arrow()
    >>> columns = [pa.array(given.get(f.name, [None, None]), f.type) for f in layout]
    >>> head_of_rows([pa.RecordBatch.from_arrays(columns, schema=layout)])
    Head(rows=2, with_coordinates=1, to_geocode=1, filled=('lat', 'lon', 'place', 'year'), years=(2019, 2021))
    """
    counted: Counter[str] = Counter()
    years: set[int] = set()
    filled: set[str] = set()
    for batch in batches:
        placed = pc.and_(*(pc.is_finite(_numbers(batch, name)) for name in ("lat", "lon")))
        placed = pc.fill_null(placed, fill_value=False)
        named = pc.or_(*(batch.column(name).is_valid() for name in NAMES))
        counted["rows"] += batch.num_rows
        counted["with_coordinates"] += pc.sum(placed).as_py() or 0
        counted["to_geocode"] += pc.sum(pc.and_not(named, placed)).as_py() or 0
        filled |= {c.name for c in schema.MAPPED if _is_filled(batch.column(c.name))}
        span = pc.min_max(batch.column("year")).as_py()
        years |= {year for year in span.values() if year is not None}
    return Head(
        **counted,
        filled=tuple(c.name for c in schema.MAPPED if c.name in filled),
        years=(min(years), max(years)) if years else (),
    )


def _numbers(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(name).cast(pa.float64())


def _is_filled(column: pa.Array) -> bool:
    return bool(column.null_count < len(column))


def read_head(source: Source, files: Sequence[Path]) -> Head:
    """
    Read the first rows of files of a source that belong together.

    Raises
    ------
    SourceError
        If the files cannot be read as the study says.
    """
    form = addresses.find_format(source.format)
    return head_of_rows(form.read(source.request(files, head_only=True)))


def check_heads(study: Study) -> list[dict[str, Any]]:
    """
    Read the head of every source, say what is wrong, run nothing.

    Returns
    -------
    list of dict
        One for the files of a source that are read together: `source`, `metric`, `format`, `file`, `bytes`,
        `rows_looked_at`, `with_coordinates`, `to_geocode` (rows that name a place or a region instead).

    Raises
    ------
    SourceError
        If files are missing, cannot be read as the study says, or are tables without a row.
    """
    told = []
    for source in study.sources:
        form = addresses.find_format(source.format)
        groups = form.groups(source.files(study.folder))
        heads = [read_head(source, files) for files in groups]
        # Other formats leave out rows by their options: that the first ones are all of another type is no mistake.
        if form.maps_columns and not any(head.rows for head in heads):
            raise SourceError(f"{groups[0][0]}: the file holds no row; give a file with data")
        for files, head in zip(groups, heads, strict=True):
            told.append(
                {
                    "source": source.label,
                    "metric": source.metric,
                    "format": source.format,
                    "file": _label(files),
                    "bytes": sum(file.stat().st_size for file in files),
                    "rows_looked_at": head.rows,
                    "with_coordinates": head.with_coordinates,
                    "to_geocode": head.to_geocode,
                }
            )
    return told


def _label(files: Sequence[Path]) -> str:
    first, *others = files
    return f"{first.name} and {len(others)} more" if others else first.name
