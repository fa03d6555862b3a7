"""Reads any table: Parquet, CSV, TSV or JSON lines, plain or packed, its columns named by the study."""

from __future__ import annotations

import codecs
import io
import json
from itertools import islice
from typing import IO, TYPE_CHECKING, Final

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from geoclusters.addresses.sources.columns import ColumnError, canonical
from geoclusters.addresses.sources.files import (
    UTF_16_MARKS,
    Member,
    head_of,
    lines_of,
    members,
    on_disk,
    place_of,
)
from geoclusters.addresses.sources.formats import Format, Request, apart
from geoclusters.errors import OF_THE_DISK, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

BATCH_ROWS: Final = 1 << 18
CSV_BLOCK_BYTES: Final = 1 << 24
NULLS: Final = ["", "\\N", "NULL", "null"]
HEAD_ROWS: Final = 1000
HEADER_BYTES: Final = 1 << 16


def read_tables(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read tables into batches of `schema.READ`.

    Parameters
    ----------
    request : Request
        Parquet, CSV, TSV or JSON-lines files, also .gz, .zst or in a .zip, and which of their columns are ours.

    Raises
    ------
    SourceError
        Names the file, the column or row, what was seen and what would do.
    """
    wanted = list(dict.fromkeys(request.columns.values()))
    for whole in members(list(request.files)):
        member = whole.head() if request.head_only else whole
        read = _READERS[member.kind]
        raw = read(member, wanted, request.delimiter, request.encoding)
        batches = _guarded(member, raw)
        yield from _numbered(member, batches, request.columns, head_only=request.head_only)


def _numbered(
    member: Member,
    batches: Iterator[pa.RecordBatch],
    columns: Mapping[str, str],
    *,
    head_only: bool,
) -> Iterator[pa.RecordBatch]:
    """Bring batches into our columns and count their rows."""
    first_row = 1
    for batch in batches:
        part = batch.slice(0, HEAD_ROWS) if head_only else batch
        try:
            yield canonical(part, columns, file=member.label, first_row=first_row)
        except (ColumnError, pa.ArrowException) as error:
            raise SourceError(f"{member.path}: {error}") from None
        first_row += batch.num_rows
        if head_only and first_row > 1:
            return


def _guarded(member: Member, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Turn what the libraries say of a broken file into a message that names it."""
    try:
        yield from batches
    except (OSError, EOFError, pa.ArrowException, duckdb.Error, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno in OF_THE_DISK:
            raise
        text = " ".join(str(error).split())
        advice = _encoding_advice(member) if "utf8" in text.lower() else None
        raise SourceError(
            f"{place_of(member)}: not readable as {member.kind}: {text[:300]}; "
            f"{advice or 'is the file whole, and of this format?'}"
        ) from None


def _encoding_advice(member: Member) -> str | None:
    """Say which line of a text is not UTF-8, and how it reads in Windows-1252."""
    with member.opened() as stream:
        for number, line in enumerate(lines_of(stream), start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                shown = line[max(0, error.start - 20) : error.end + 20].decode("cp1252", "replace")
                return (
                    f"line {number} is not UTF-8; in Windows-1252 it reads {shown.strip()!r}: if that is right, "
                    'add encoding = "windows-1252" to the [[source]], else the encoding of the file'
                )
    return None


def _need(member: Member, wanted: list[str], seen: Sequence[str]) -> None:
    twice = [name for name in wanted if list(seen).count(name) > 1]
    if twice:
        raise SourceError(
            f"{place_of(member)}: there are several columns {twice[0]!r}; rename all but the one that is meant"
        )
    missing = [name for name in wanted if name not in seen]
    if not missing:
        return
    shown = ", ".join(list(seen)[:40])
    hint = ""
    if len(seen) == 1 and any(sign in seen[0] for sign in ";\t|,"):
        sign = next(s for s in ";\t|," if s in seen[0])
        hint = f"; its columns may be separated by {sign!r}: set delimiter = {json.dumps(sign)}"
    raise SourceError(
        f"{place_of(member)}: there is no column {missing[0]!r}; the file has: {shown}{hint}; "
        "name one of these under 'columns' of the [[source]]"
    )


def is_parquet(file: Path) -> bool:
    """Whether a file is Parquet as it lies on disk, neither packed nor in an archive."""
    return file.suffix.lower() in {".parquet", ".pq"}


def check_parquet(file: Path, wanted: Iterable[str]) -> None:
    """
    Look whether a Parquet file can be read and has the columns that are wanted.

    Raises
    ------
    SourceError
        Names the file, the column, what was seen and what would do.
    """
    heads = _parquet_head(Member(file), list(wanted))
    next(_guarded(Member(file), heads), None)


def _parquet_head(member: Member, wanted: list[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(member.path) as file:
        _need_single(member, wanted, file.schema_arrow)
    yield from ()


def _need_single(member: Member, wanted: list[str], layout: pa.Schema) -> None:
    _need(member, wanted, layout.names)
    for name in wanted:
        kind = layout.field(name).type
        if pa.types.is_nested(kind):
            raise SourceError(
                f"{place_of(member)}: column {name!r} holds {kind}, and one text, number or date a row is wanted; "
                "write one row for each of its values, or name another column under 'columns' of the [[source]]"
            )


def _parquet(
    member: Member, wanted: list[str], _delimiter: str | None, _encoding: str
) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(member.seekable()) as file:
        _need_single(member, wanted, file.schema_arrow)
        yield from file.iter_batches(batch_size=BATCH_ROWS, columns=wanted)


def _delimited(
    member: Member, wanted: list[str], delimiter: str | None, encoding: str
) -> Iterator[pa.RecordBatch]:
    sign = delimiter or ("\t" if member.kind == "tsv" else ",")
    if head_of(member)[:2] in UTF_16_MARKS:
        encoding = "utf-16"
    with member.opened() as stream:
        text = stream if _is_utf8(encoding) else _recoded(stream, encoding)
        names, has_more = _header(member, sign, encoding)
        _need(member, wanted, names)
        if not has_more:
            return
        reader = pa_csv.open_csv(
            text,
            read_options=pa_csv.ReadOptions(block_size=CSV_BLOCK_BYTES),
            parse_options=pa_csv.ParseOptions(delimiter=sign, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                null_values=NULLS,
                strings_can_be_null=True,
            ),
        )
        with reader:
            yield from reader


def _recoded(stream: IO[bytes], encoding: str) -> IO[bytes]:
    """Give the text in UTF-8."""
    # Between them, since Arrow reads past the recoding where it finds a stream of its own underneath.
    plain = io.BufferedReader(stream)  # type: ignore[type-var]
    return codecs.EncodedFile(plain, "utf-8", encoding)


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name == "utf-8"


def _header(member: Member, sign: str, encoding: str) -> tuple[list[str], bool]:
    """Give the names of the columns, from the first block of a CSV, and whether there is more than them."""
    with member.opened() as stream:
        first: bytes = stream.read(HEADER_BYTES)
    line = first.decode(encoding, errors="replace").lstrip("\ufeff")
    if not line.strip():
        raise SourceError(
            f"{place_of(member)}: the file is empty; a header line with the columns' names is wanted"
        )
    options = pa_csv.ParseOptions(delimiter=sign, newlines_in_values=True)
    head = line.splitlines()[0].encode()
    table = pa_csv.read_csv(pa.BufferReader(head + b"\n"), parse_options=options)
    has_more = len(first) == HEADER_BYTES or len(line.splitlines()) > 1
    return list(table.column_names), has_more


def _json_lines(
    member: Member, wanted: list[str], _delimiter: str | None, _encoding: str
) -> Iterator[pa.RecordBatch]:
    with member.opened() as stream:
        keys = _keys(stream)
    if keys is None:
        return
    _need(member, wanted, keys)
    with on_disk(member) as file, duckdb.connect() as connection:
        types = dict.fromkeys(wanted, "VARCHAR")
        answer = connection.sql(
            "SELECT * FROM read_ndjson($file, columns = $types, maximum_object_size = 134217728)",
            params={"file": str(file), "types": types},
        )
        yield from answer.to_arrow_reader(BATCH_ROWS)


def _keys(stream: IO[bytes]) -> list[str] | None:
    """Keys of the first objects of a JSON-lines file, in the order in which they come; None where all is blank."""
    keys: dict[str, None] = {}
    blank, number = True, 0
    for number, line in enumerate(islice(lines_of(stream), HEAD_ROWS), start=1):  # noqa: B007
        blank = blank and not line.strip()
        try:
            found = json.loads(line)
        except ValueError:
            continue  # the reader proper says where the line is broken
        if isinstance(found, dict):
            keys.update(dict.fromkeys(found))
    return None if blank and number < HEAD_ROWS else list(keys)


_READERS: Final[
    dict[str, Callable[[Member, list[str], str | None, str], Iterator[pa.RecordBatch]]]
] = {"parquet": _parquet, "csv": _delimited, "tsv": _delimited, "jsonl": _json_lines}


FORMAT: Final = Format(
    name="table",
    title="table whose columns the study names",
    read=read_tables,
    maps_columns=True,
    groups=apart,
)
