"""Joins several tables in bounded memory.

Each table is read once, by streaming; the columns that are needed go to a Parquet file in a temporary folder, and
duckdb joins those files. What does not fit into the memory limit goes to that folder too. It lies where `TMPDIR` says
and is gone at the end.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoclusters import schema
from geoclusters.addresses.sources.joining import Dialect, TableFile, text_batches
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BATCH_ROWS: Final = 1 << 18
MEMORY_LIMIT: Final = "1GB"
THREADS: Final = 2
"""Each thread of duckdb needs its part of the memory limit; more threads would spill more."""


class Staging:
    """
    A temporary folder with staged tables, and the connection that joins them.

    Examples
    --------
    >>> with Staging() as staging:
    ...     staging.add("t", None, ("a", "b"))
    ...     staging.connection.sql("SELECT count(a) FROM t").fetchall()
    [(0,)]
    """

    def __init__(self, *, memory_limit: str = MEMORY_LIMIT) -> None:
        self._memory_limit = memory_limit

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="geoclusters-")
        self.connection = duckdb.connect()
        for name, value in (
            ("memory_limit", self._memory_limit),
            ("temp_directory", self._folder.name),
            ("threads", THREADS),
            ("preserve_insertion_order", False),
        ):
            self.connection.execute(f"SET {name} = ?", [value])
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self._folder.cleanup()

    def add(
        self,
        view: str,
        tables: TableFile | Sequence[TableFile] | None,
        columns: Sequence[str],
        *,
        dialect: Dialect | None = None,
        head_only: bool = False,
    ) -> None:
        """
        Stage a table as a view with the named columns, all text, and `file` and `row`.

        Columns that the table lacks are null; a table that is not there is an empty view.
        """
        files = [tables] if isinstance(tables, TableFile) else list(tables or ())
        parts = [
            self._staged(
                f"{view}-{number:03}", file, columns, dialect or Dialect(","), head_only=head_only
            )
            for number, file in enumerate(files)
        ]
        names = [f'"{name}" VARCHAR' for name in columns]
        self.connection.execute(
            f"CREATE TABLE {view}_none ({', '.join(names)}, file VARCHAR, row BIGINT)"
        )
        found = f"read_parquet({parts})" if parts else f"{view}_none"
        self.connection.execute(f"CREATE VIEW {view} AS SELECT * FROM {found}")

    def _staged(
        self,
        name: str,
        file: TableFile,
        columns: Sequence[str],
        dialect: Dialect,
        *,
        head_only: bool,
    ) -> str:
        """Write a table to the folder, once more with care if a value holds a line end where it was cut."""
        path = Path(self._folder.name) / f"{name}.parquet"
        with _joinable():
            try:
                _write(path, file, columns, dialect, head_only=head_only, line_ends=False)
            except SourceError:
                _write(path, file, columns, dialect, head_only=head_only, line_ends=True)
        return str(path)

    def run(self, statement: str) -> None:
        """
        Run a statement that makes a table of staged ones.

        Raises
        ------
        SourceError
            If memory or the temporary folder do not suffice.
        """
        with _joinable():
            self.connection.execute(statement)

    def answers(self, query: str) -> list[tuple[Any, ...]]:
        """
        Run a query whose answer is short, and give its rows.

        Raises
        ------
        SourceError
            If memory or the temporary folder do not suffice.
        """
        with _joinable():
            found: list[tuple[Any, ...]] = self.connection.sql(query).fetchall()
            return found

    def rows(self, query: str) -> Iterator[pa.RecordBatch]:
        """
        Run a query whose columns are among those of `schema.READ`, and give its rows in those.

        Raises
        ------
        SourceError
            If memory or the temporary folder do not suffice.
        """
        layout = schema.READ.arrow()
        with _joinable():
            given = set(self.connection.sql(query).columns)
            listed = ", ".join(
                f'CAST({f.name if f.name in given else "NULL"} AS {_SQL_TYPES[f.type]}) AS "{f.name}"'
                for f in layout
            )
            relation = self.connection.sql(f"SELECT {listed} FROM ({query})")
            for batch in relation.to_arrow_reader(BATCH_ROWS):
                columns = [c.cast(f.type) for c, f in zip(batch.columns, layout, strict=True)]
                yield pa.RecordBatch.from_arrays(columns, schema=layout)


@contextmanager
def _joinable() -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        text = " ".join(str(error).split())[:300]
        raise SourceError(
            f"joining the tables failed: {text}; is there room in {tempfile.gettempdir()}? "
            "TMPDIR names another folder for temporary files"
        ) from None


def _write(
    path: Path,
    file: TableFile,
    columns: Sequence[str],
    dialect: Dialect,
    *,
    head_only: bool,
    line_ends: bool,
) -> None:
    layout = pa.schema(
        [*((name, pa.string()) for name in columns), ("file", pa.string()), ("row", pa.int64())]
    )
    first_row = 1
    with pq.ParquetWriter(path, layout, compression="lz4", use_dictionary=["file"]) as writer:
        batches = text_batches(file, columns, dialect, line_ends=line_ends, head_only=head_only)
        for batch in batches:
            writer.write_batch(_placed(batch, layout, file.member.label, first_row))
            first_row += batch.num_rows


_SQL_TYPES: Final = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.int16(): "SMALLINT",
    pa.int64(): "BIGINT",
}


def _placed(batch: pa.RecordBatch, layout: pa.Schema, label: str, first_row: int) -> pa.RecordBatch:
    """Add what is missing: null columns, the file, the numbers of the rows."""
    n = batch.num_rows
    added = {
        "file": pa.repeat(pa.scalar(label), n),
        "row": pa.array(np.arange(first_row, first_row + n, dtype=np.int64)),
    }
    names = set(batch.schema.names)
    columns = [
        added[f.name]
        if f.name in added
        else batch.column(f.name)
        if f.name in names
        else pa.nulls(n, f.type)
        for f in layout
    ]
    return pa.RecordBatch.from_arrays(columns, schema=layout)
