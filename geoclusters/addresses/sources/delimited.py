"""Delimited text whose columns a format knows: read by name, in batches, whatever the line ends and the encoding."""

from __future__ import annotations

import codecs
import csv
import io
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from geoclusters.addresses.sources.files import head_of, place_of, readable
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from geoclusters.addresses.sources.files import Member

BLOCK_BYTES: Final = 1 << 24
HEAD_ROWS: Final = 1000
NOTICE_LINES: Final = 5
"""Lines before the header that may hold a notice of the provider."""

_UTF_8: Final = frozenset({"utf-8", "utf-8-sig"})


def decoded(raw: bytes, encoding: str = "utf-8") -> str:
    r"""
    Text of bytes that should be UTF-8; what is not is taken as Windows-1252, as old spreadsheets write it.

    Examples
    --------
    >>> decoded(b"Z\xc3\xbcrich"), decoded(b"Z\xfcrich")
    ('Zürich', 'Zürich')
    """
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def simple_name(name: str) -> str:
    r"""
    Bring the name of a column to the form in which names are compared.

    Examples
    --------
    >>> simple_name(" Author/s "), simple_name("\ufeffLens ID")
    ('author/s', 'lens id')
    """
    return " ".join(name.replace("\ufeff", "").split()).casefold()


def header_of(
    head: bytes, *, known: Collection[str], encoding: str = "utf-8"
) -> tuple[int, list[str]]:
    r"""
    Find the header among the first lines of a CSV file.

    Parameters
    ----------
    head : bytes
        Begin of the file.
    known : collection of str
        Simple names (`simple_name`) of columns; the first line that has one of them is the header.

    Returns
    -------
    lines : int
        Lines before the header; -1 when none of the first lines is one.
    names : list of str
        Simple names of the columns; of the first line when there is no header.

    Examples
    --------
    >>> header_of(b'"a notice, and more",\nId,City\n1,Bern\n', known={"city"})
    (1, ['id', 'city'])
    """
    text = decoded(head, encoding).removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    rows = [next(csv.reader([line]), []) for line in lines[:NOTICE_LINES]]
    named = [[simple_name(cell) for cell in row] for row in rows]
    for number, names in enumerate(named):
        if not set(names).isdisjoint(known):
            return number, names
    return -1, named[0]


def read_delimited(
    member: Member,
    *,
    wanted: Collection[str],
    encoding: str = "utf-8",
    head_only: bool = False,
) -> Iterator[pa.RecordBatch]:
    """
    Read columns of a CSV file by their names.

    Parameters
    ----------
    member : Member
        File, packed or not. Lines may end in LF, CR LF or CR alone, values may hold line ends.
    wanted : collection of str
        Simple names (`simple_name`); those that the file has not are left out.
    encoding : str
        Of the text; bytes that are not valid UTF-8 are read as Windows-1252.
    head_only : bool
        Give the first `HEAD_ROWS` rows only.

    Yields
    ------
    pyarrow.RecordBatch
        String columns under their simple names, without blanks around values; empty is null.

    Raises
    ------
    SourceError
        If the file is empty, broken, or a row has more or fewer columns than the header.
    """
    skip, names = header_of(head_of(member), known=wanted, encoding=encoding)
    if skip < 0:
        shown = ", ".join(name for name in names if name)[:300] or "nothing"
        raise SourceError(
            f"{place_of(member)}: no header found in the first {NOTICE_LINES} lines; "
            f"wanted are columns such as {', '.join(sorted(wanted)[:6])}; the first line holds: {shown}"
        )
    with readable(member), (member.head() if head_only else member).opened() as stream:
        plain = _like_ascii(encoding)
        source = stream if plain else io.BytesIO(stream.read().decode(encoding).encode())
        for batch in _raw_batches(source, skip, names, wanted):
            part = batch.slice(0, HEAD_ROWS) if head_only else batch
            yield _texts(part, encoding if plain else "utf-8")
            if head_only:
                return


def _raw_batches(
    stream: IO[bytes], skip: int, names: list[str], wanted: Collection[str]
) -> Iterator[pa.RecordBatch]:
    present = [f"{names.index(name)}" for name in dict.fromkeys(names) if name in wanted]
    # Columns are read by position: exports repeat names, and have empty ones.
    reader = pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(
            block_size=BLOCK_BYTES,
            skip_rows=skip + 1,
            column_names=[f"{at}" for at in range(len(names))],
        ),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            include_columns=present,
            column_types=dict.fromkeys(present, pa.binary()),
            strings_can_be_null=False,
        ),
    )
    with reader:
        for batch in reader:
            yield batch.rename_columns([names[int(at)] for at in present])


def _like_ascii(encoding: str) -> bool:
    return "a,\n".encode(encoding) == b"a,\n"


def _texts(batch: pa.RecordBatch, encoding: str) -> pa.RecordBatch:
    columns = [_text(column, encoding) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _text(column: pa.Array, encoding: str) -> pa.Array:
    text = _valid_text(column) if codecs.lookup(encoding).name in _UTF_8 else None
    if text is None:
        values = [decoded(value, encoding) for value in column.to_pylist()]
        text = pa.array(values, pa.string())
    text = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _valid_text(column: pa.Array) -> pa.Array | None:
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return None


def need(
    member: Member,
    known: Collection[str],
    *,
    one_of: Collection[Collection[str]],
    what: str,
    advice: str,
    encoding: str = "utf-8",
) -> None:
    """
    Check that a CSV file has what its format needs.

    Parameters
    ----------
    known : collection of str
        Simple names of all columns of the format, by which the header is found.
    one_of : collection of collections of str
        Of each of these at least one column must be there.
    what, advice : str
        What the file should be, and how to come by it, for the message.

    Raises
    ------
    SourceError
        Names the file, the column, and the columns that are there.
    """
    _, names = header_of(head_of(member), known=known, encoding=encoding)
    for wanted in one_of:
        if set(wanted).isdisjoint(names):
            shown = ", ".join(name for name in names if name)[:300] or "nothing"
            missing = " or ".join(repr(name) for name in sorted(wanted))
            raise SourceError(
                f"{place_of(member)}: not {what} that can be used: there is no column {missing}; "
                f"the file has: {shown}; {advice}"
            )
