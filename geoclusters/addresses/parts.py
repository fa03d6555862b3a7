"""Parts: what a source has become once it is Parquet, to be read in batches with its columns named as ours.

Parquet tables are read where they are. Everything else is read once by its format, and kept in the columns of
`schema.READ`; either way the steps after see batches of columns and no format.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from geoclusters import schema
from geoclusters.addresses.sources.columns import ColumnError, canonical
from geoclusters.addresses.stored import in_common_type
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

BATCH_ROWS: Final = 1 << 18
OWN_COLUMNS: Final = {c.name: c.name for c in schema.READ.columns}
_REPEATING: Final = ("country", "organisation", "field", "accuracy")


@dataclass(frozen=True)
class Part:
    """
    A Parquet file of a source, read where it is or made from another format.

    Attributes
    ----------
    columns : mapping of str to str
        Our column (`schema.READ`) to the file's.
    source : int
        Position of the source in the study.
    metric : int
        Position of its metric in the study.
    label : str
        Name of the file for messages and rejected rows, where the rows do not carry one themselves.
    dated : bool
        The source says in which year a document is, so that a window applies to it.
    groups : tuple of int, optional
        Row groups of the file; by default all.
    first_row : int
        Number in the file of the first row of the part, from 1.
    """

    path: str
    columns: Mapping[str, str] = field(hash=False)
    source: int
    metric: int
    label: str
    dated: bool
    groups: tuple[int, ...] | None = None
    first_row: int = 1

    @property
    def made(self) -> bool:
        """Whether the file was made by us, so that its rows know the file and row that they come from."""
        return "file" in self.columns

    def facts(self) -> dict[str, Any]:
        """Give the same as plain values; a file made by us is named without its folder."""
        groups = None if self.groups is None else list(self.groups)
        path = Path(self.path).name if self.made else self.path
        return {**self.__dict__, "path": path, "columns": dict(self.columns), "groups": groups}

    def batches(
        self, wanted: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """
        Read the part; columns have our names, those that the source lacks are left out.

        Parameters
        ----------
        wanted : sequence of str, optional
            Our columns; by default all that are there.
        """
        names = [n for n in self.columns if wanted is None or n in wanted]
        theirs = list(dict.fromkeys(self.columns[n] for n in names))
        try:
            with pq.ParquetFile(
                self.path, read_dictionary=self._repeating(), pre_buffer=False
            ) as file:
                for batch in file.iter_batches(batch_rows, self.groups, theirs):
                    arrays = [self._column(batch, self.columns[n]) for n in names]
                    yield pa.RecordBatch.from_arrays(arrays, names=names)
        except (OSError, pa.ArrowException) as error:
            text = " ".join(str(error).split())[:300]
            raise SourceError(
                f"{self.path}: not readable as parquet: {text}; is the file whole, and of this format?"
            ) from None

    def _column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        values = batch.column(name)
        try:
            return in_common_type(values)
        except pa.ArrowInvalid as error:
            raise SourceError(
                f"{self.path}: column {name!r} holds {values.type}, which is no text: {error}; "
                "write it as text in UTF-8"
            ) from None

    def _repeating(self) -> list[str]:
        return [self.columns[n] for n in _REPEATING if n in self.columns]

    def in_full(self, batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> pa.RecordBatch:
        """
        Give rows of the part in the columns of `schema.READ`.

        Parameters
        ----------
        rows : numpy.ndarray of int64
            Their numbers in the file.

        Raises
        ------
        SourceError
            If a value is not what its column is mapped to.
        """
        layout = schema.READ.arrow()
        if self.made:
            return pa.RecordBatch.from_arrays(
                [_decoded(batch.column(f.name)) for f in layout], schema=layout
            )
        names = {n: n for n in batch.schema.names}
        try:
            full = canonical(batch, names, file=self.label, first_row=1)
        except ColumnError as error:
            raise SourceError(f"{self.path}: {error}") from None
        return full.set_column(layout.get_field_index("row"), layout.field("row"), pa.array(rows))


def _decoded(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def part_of_facts(facts: Mapping[str, Any], folder: Path) -> Part:
    """Give a part back from its facts; a made file lies in `folder`."""
    groups = None if facts["groups"] is None else tuple(facts["groups"])
    part = Part(**{**facts, "groups": groups})
    return replace(part, path=str(folder / part.path)) if part.made else part


def split(part: Part, piece_of: Callable[[int], int]) -> dict[int, Part]:
    """
    Part a file between its row groups.

    Parameters
    ----------
    piece_of : callable
        Says in which piece a row group comes, from the number of rows before it; must not fall.

    Returns
    -------
    dict of int to Part
        Pieces that have rows, by their number.
    """
    pieces: dict[int, Part] = {}
    rows = 0
    for group, size in group_rows(part).items():
        number = piece_of(rows)
        if size:
            known = pieces.get(number, replace(part, groups=(), first_row=part.first_row + rows))
            pieces[number] = replace(known, groups=(*(known.groups or ()), group))
        rows += size
    return pieces


def group_rows(part: Part) -> dict[int, int]:
    """Count the rows of each row group of a part."""
    with pq.ParquetFile(part.path) as file:
        metadata = file.metadata
    groups = range(metadata.num_row_groups) if part.groups is None else part.groups
    return {group: metadata.row_group(group).num_rows for group in groups}


def stated_spans(part: Part, name: str) -> list[list[int] | None]:
    """
    Give the least and greatest value of a column of whole numbers in each row group, as the file itself says.

    Parameters
    ----------
    name : str
        Column of the file.

    Returns
    -------
    list of (list of int or None)
        Of each group that has rows; None where the file does not say it, or a value is missing or no whole number.
    """
    with pq.ParquetFile(part.path) as file:
        metadata = file.metadata
        at = file.schema_arrow.get_field_index(name)
    groups = range(metadata.num_row_groups) if part.groups is None else part.groups
    facts = (metadata.row_group(group) for group in groups)
    return [_stated_span(group.column(at), name) for group in facts if group.num_rows]


def _stated_span(column: pq.ColumnChunkMetaData, name: str) -> list[int] | None:
    # Behind a column that holds others, columns of the file and of its schema are not numbered alike.
    known = column.statistics if column.path_in_schema == name else None
    if known is None or not known.has_min_max or not known.has_null_count or known.null_count:
        return None
    return [known.min, known.max] if type(known.min) is int else None


class PartWriter:
    """Keeps what a format reads in Parquet files of `schema.READ`."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(
            path, schema.READ.arrow(), compression="lz4", write_statistics=False
        )
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Take in rows of `schema.READ`."""
        self.rows += batch.num_rows
        self._writer.write_batch(batch)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
