"""Formats that come as several text tables: tells the tables apart, opens what they are packed in, reads columns."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.csv as pa_csv

from geoclusters.addresses.sources.files import head_of, members, place_of, readable
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from geoclusters.addresses.sources.files import Member

BLOCK_BYTES: Final = 1 << 22
HEAD_ROWS: Final = 1000
NULLS: Final = ["", "\\N", "NULL", "null"]
BYTE_ORDER_MARK: Final = "\ufeff"
SEVEN_ZIP: Final = b"7z\xbc\xaf\x27\x1c"


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


def read_header(head: bytes, dialect: Dialect) -> Head:
    r"""
    Read the first line of a text file.

    Examples
    --------
    >>> read_header(b'"patent_id"\t"location_id"\n"1"\t\n', Dialect("\t"))
    Head(names=('patent_id', 'location_id'), delimiter='\t', quoted=True)
    >>> read_header(b"Reg_code;Lat;Lon\r\n", Dialect("|;", quoted=None, lower=True))
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
    head = head_of(member)
    if not head.strip():
        raise SourceError(f"{place_of(member)}: the file is empty; fetch it again")
    return read_header(head, dialect)


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


def text_batches(
    table: TableFile,
    columns: Sequence[str],
    dialect: Dialect,
    *,
    line_ends: bool = True,
    head_only: bool = False,
) -> Iterator[pa.RecordBatch]:
    """
    Read some columns of a text table by streaming, as text; empty is null.

    Parameters
    ----------
    line_ends : bool
        Look for line ends within values where the text is cut into blocks. Twice as fast without; such a value at
        the end of a block is then an error.
    head_only : bool
        Give at most the first `HEAD_ROWS` rows.

    Raises
    ------
    SourceError
        If the file is broken.
    """
    wanted = [name for name in columns if name in table.head.names]
    member = table.member.head() if head_only else table.member
    with readable(member), member.opened() as stream:
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
            for batch in reader:
                yield batch.slice(0, HEAD_ROWS) if head_only else batch
                if head_only:
                    return
