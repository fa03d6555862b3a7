"""Formats that come as several tables: tells them apart, stages them on disk, joins them in bounded memory.

Each table is read once, by streaming, out of whatever it is packed in; the columns that are needed go to a Parquet
file in a temporary folder, and duckdb joins those files. What does not fit into the memory limit goes to that folder
too. It lies where `TMPDIR` says and is gone at the end.
"""

from __future__ import annotations

import csv
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from geoclusters import schema
from geoclusters.addresses.sources.files import members
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from geoclusters.addresses.sources.files import Member

BATCH_ROWS: Final = 1 << 18
BLOCK_BYTES: Final = 1 << 22
HEAD_BYTES: Final = 1 << 16
HEAD_ROWS: Final = 1000
MEMORY_LIMIT: Final = "1GB"
THREADS: Final = 2
"""Each thread of duckdb needs its part of the memory limit; more threads would spill more."""
NULLS: Final = ["", "\\N", "NULL", "null"]
BYTE_ORDER_MARK: Final = "\ufeff"
SEVEN_ZIP: Final = b"7z\xbc\xaf\x27\x1c"
BROKEN: Final = (
    OSError,
    EOFError,
    UnicodeError,
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
    pa.ArrowException,
)
"""What the libraries raise on a file that is cut, damaged, encrypted or packed in an unknown way."""


@dataclass(frozen=True)
class Kind:
    """
    A table of a format.

    Attributes
    ----------
    name : str
        What the provider calls it.
    holds : str
        What it is needed for, for messages.
    file_name : re.Pattern
        Matches the name of its file, without folder.
    needs : tuple of str
        Columns by which it is known and without which it is of no use.
    may_have : tuple of str
        Columns that are taken where they are there.
    """

    name: str
    holds: str
    file_name: re.Pattern[str]
    needs: tuple[str, ...]
    may_have: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """
    How the text files of a format are written.

    Attributes
    ----------
    delimiters : str
        Signs that may stand between the columns; that of which the first line has most is taken.
    quoted : bool, optional
        Text may stand in double quotes and then hold delimiters and line ends; None: if the first line is quoted.
    lower : bool
        Names of columns are compared in small letters.
    mended : callable, optional
        Gives another stream of the same text in correct UTF-8.
    """

    delimiters: str
    quoted: bool | None = True
    lower: bool = False
    mended: Callable[[IO[bytes]], IO[bytes]] | None = None


@dataclass(frozen=True)
class Head:
    """What the first line of a text file tells: names of the columns in order, the sign between them, quotes."""

    names: tuple[str, ...]
    delimiter: str
    quoted: bool


@dataclass(frozen=True)
class TableFile:
    """A file that holds a table of a format."""

    kind: Kind
    member: Member
    head: Head


def place_of(member: Member) -> str:
    """Give the path of a file, and where it lies in an archive its name there."""
    return f"{member.path}/{member.inside}" if member.inside else str(member.path)


def unpackable(files: Sequence[Path]) -> Iterator[Member]:
    """
    Give the table files, those inside zip archives one by one.

    Raises
    ------
    SourceError
        If one is a 7z archive, or no whole zip archive.
    """
    for file in files:
        with file.open("rb") as stream:
            is_seven_zip = stream.read(len(SEVEN_ZIP)) == SEVEN_ZIP
        if is_seven_zip or file.suffix.lower() == ".7z":
            raise SourceError(
                f"{file}: a 7z archive is not read; unpack it (7z x {file.name}) and name the file that comes out of it"
            )
        yield from members([file])


def head_of(head: bytes, dialect: Dialect) -> Head:
    r"""
    Read the first line of a text file.

    Examples
    --------
    >>> head_of(b'"patent_id"\t"location_id"\n"1"\t\n', Dialect("\t"))
    Head(names=('patent_id', 'location_id'), delimiter='\t', quoted=True)
    >>> head_of(b"Reg_code;Lat;Lon\r\n", Dialect("|;", quoted=None, lower=True))
    Head(names=('reg_code', 'lat', 'lon'), delimiter=';', quoted=False)
    """
    text = head.decode("utf-8", errors="replace").removeprefix(BYTE_ORDER_MARK)
    line = text.splitlines()[:1]
    sign = max(dialect.delimiters, key="".join(line).count)
    names = [name.strip().strip('"') for name in next(csv.reader(line, delimiter=sign), [])]
    quoted = text.startswith('"') if dialect.quoted is None else dialect.quoted
    return Head(tuple(n.lower() if dialect.lower else n for n in names), sign, quoted)


def is_kind(kinds: Sequence[Kind], header: Sequence[str]) -> Kind | None:
    """Tell which table has such a header; where several do, the one that needs most of it."""
    fitting = [kind for kind in kinds if set(kind.needs) <= set(header)]
    return max(fitting, key=lambda kind: len(kind.needs), default=None)


def tables_in(
    files: Sequence[Path], kinds: Sequence[Kind], dialect: Dialect
) -> dict[str, list[TableFile]]:
    """
    Find the tables of a format among files; files that hold none of them are passed over.

    Returns
    -------
    dict of str to list of TableFile
        Name of each kind to its files, in the order given.

    Raises
    ------
    SourceError
        If a file is named as a table and lacks its columns, or if there is none of the tables.
    """
    found: dict[str, list[TableFile]] = {}
    passed = []
    for member in unpackable(files):
        head = _head(member, dialect)
        kind = _named(kinds, member, head.names) or is_kind(kinds, head.names)
        if kind is None:
            passed.append(member.label)
        else:
            found.setdefault(kind.name, []).append(TableFile(kind, member, head))
    if not found:
        raise SourceError(
            f"{files[0]}: none of the tables of this format is here; seen: {', '.join(passed)}; "
            f"known: {', '.join(kind.name for kind in kinds)}"
        )
    return found


def _head(member: Member, dialect: Dialect) -> Head:
    with readable(member), member.opened() as stream:
        head = stream.read(HEAD_BYTES)
    if not head.strip():
        raise SourceError(f"{place_of(member)}: the file is empty; fetch it again")
    return head_of(head, dialect)


def _named(kinds: Sequence[Kind], member: Member, header: Sequence[str]) -> Kind | None:
    """Tell the table from the file's name, and make sure that its columns are there."""
    name = Path(member.inside or member.path.name).name
    kind = next((kind for kind in kinds if kind.file_name.match(name)), None)
    if kind is None:
        return None
    missing = [column for column in kind.needs if column not in header]
    if missing:
        raise SourceError(
            f"{place_of(member)}: named as {kind.name}, but there is no column {missing[0]!r}; seen: "
            f"{', '.join(header[:30])}; fetch the file again, or if this is an older edition a newer one"
        )
    return kind


def one_of(found: Mapping[str, Sequence[TableFile]], name: str) -> TableFile | None:
    """
    Give the only file of a table, None where there is none.

    Raises
    ------
    SourceError
        If there are two, which would count everything twice.
    """
    files = found.get(name, [])
    if len(files) > 1:
        both = " and ".join(place_of(file.member) for file in files[:2])
        raise SourceError(f"{both} hold the same table, {name}; name one of them under 'path'")
    return files[0] if files else None


def require(found: Mapping[str, Sequence[TableFile]], kind: Kind, *, why: str = "") -> None:
    """
    Make sure that a table is there.

    Raises
    ------
    SourceError
        Names the table, what it is for, and the tables that are there.
    """
    if kind.name not in found:
        here = ", ".join(table.member.label for tables in found.values() for table in tables)
        raise SourceError(
            f"the table {kind.name} is missing ({kind.holds}){why}; the files given are: {here}; "
            "add it to 'path' of the [[source]]"
        )


@contextmanager
def readable(member: Member) -> Iterator[None]:
    """Turn what the libraries say of a broken file into a message that names it."""
    try:
        yield
    except BROKEN as error:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        raise SourceError(
            f"{place_of(member)}: not readable: {text}; is the file whole? fetch or unpack it again"
        ) from None


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
        for batch in text_batches(file, columns, dialect, line_ends=line_ends):
            part = batch.slice(0, HEAD_ROWS) if head_only else batch
            writer.write_batch(_placed(part, layout, file.member.label, first_row))
            first_row += batch.num_rows
            if head_only:
                break


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


def text_batches(
    table: TableFile, columns: Sequence[str], dialect: Dialect, *, line_ends: bool = True
) -> Iterator[pa.RecordBatch]:
    """
    Read some columns of a text table by streaming, as text; empty is null.

    Parameters
    ----------
    line_ends : bool
        Look for line ends within values where the text is cut into blocks. Twice as fast without; such a value at
        the end of a block is then an error.

    Raises
    ------
    SourceError
        If the file is broken.
    """
    wanted = [name for name in columns if name in table.head.names]
    with readable(table.member), table.member.opened() as stream:
        text = dialect.mended(stream) if dialect.mended else stream
        reader = pa_csv.open_csv(
            text,
            read_options=pa_csv.ReadOptions(
                block_size=BLOCK_BYTES, column_names=list(table.head.names), skip_rows=1
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=table.head.delimiter,
                quote_char='"' if table.head.quoted else False,
                newlines_in_values=table.head.quoted and line_ends,
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                null_values=NULLS,
                strings_can_be_null=True,
            ),
        )
        with reader:
            yield from reader
