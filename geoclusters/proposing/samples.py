"""Takes the first rows of a plain table, whatever its delimiter and encoding, to guess from."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq

from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geoclusters.addresses.sources.files import Member

SAMPLE_ROWS: Final = 1000
DELIMITERS: Final = ",;\t|"
_UNNAMED: Final = re.compile(r"-?\d+(\.\d*)?|")


@dataclass(frozen=True)
class Sample:
    """
    The first rows of a table.

    Attributes
    ----------
    columns : dict of str to list of str
        Name to the values that are there, as text, in order.
    rows : int
        Number of rows.
    settings : dict of str to str
        `delimiter` and `encoding`, where they are not what a source has by default.
    """

    columns: dict[str, list[str]]
    rows: int
    settings: dict[str, str] = field(default_factory=dict)


def together(samples: Sequence[Sample]) -> Sample:
    """Give the samples of tables with the same columns as one."""
    first = samples[0]
    columns = {n: [value for s in samples for value in s.columns[n]] for n in first.columns}
    return Sample(columns, sum(s.rows for s in samples), first.settings)


def sample_of(member: Member, head: bytes) -> Sample:
    """
    Take the first rows of a table.

    Parameters
    ----------
    head : bytes
        Begin of its unpacked content; Parquet is read from the file itself.

    Raises
    ------
    SourceError
        If it is not a table with named columns.
    """
    match member.kind:
        case "parquet":
            return _of_parquet(member)
        case "jsonl":
            return _of_json_lines(member, head)
        case kind:
            return _of_text(member, head, usual="\t" if kind == "tsv" else ",")


def _of_parquet(member: Member) -> Sample:
    try:
        with pq.ParquetFile(member.seekable()) as file:
            batch = next(file.iter_batches(batch_size=SAMPLE_ROWS), None)
            names = file.schema_arrow.names
    except (OSError, ValueError) as error:
        raise SourceError(f"{member.label}: not readable as Parquet: {error}") from None
    return _of_objects(batch.to_pylist() if batch is not None else [], names)


def _of_json_lines(member: Member, head: bytes) -> Sample:
    objects: list[dict[str, Any]] = []
    lines = _whole_lines(head.decode("utf-8-sig", errors="replace"))
    for line in filter(None, map(str.strip, lines)):
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise SourceError(f"{member.label}: not JSON lines: one object a line is wanted")
        objects.append(found)
    return _of_objects(objects[:SAMPLE_ROWS], list(dict.fromkeys(k for o in objects for k in o)))


def _of_objects(objects: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Sample:
    columns: dict[str, list[str]] = {name: [] for name in names}
    for item in objects:
        for name, value in item.items():
            if value is not None and not isinstance(value, dict | list):
                columns[name].append(str(value))
    return Sample(columns, len(objects))


def _of_text(member: Member, head: bytes, *, usual: str) -> Sample:
    text, encoding = _decoded(head)
    lines = _whole_lines(text)
    first = lines[0] if lines else ""
    sign = max(DELIMITERS, key=lambda s: (first.count(s), s == usual))
    try:
        rows = list(islice(csv.reader(io.StringIO("\n".join(lines)), delimiter=sign), SAMPLE_ROWS))
    except csv.Error as error:
        raise SourceError(f"{member.label}: not readable as a table: {error}") from None
    names = [name.strip() for name in rows[0]] if rows else []
    if all(_UNNAMED.fullmatch(name) for name in names):
        raise SourceError(
            f"{member.label}: the first line has no names of columns; add a header line"
        )
    columns: dict[str, list[str]] = {name: [] for name in names}
    for row in rows[1:]:
        for name, value in zip(names, row, strict=False):
            if value.strip():
                columns[name].append(value.strip())
    settings = {"delimiter": sign} if sign != usual and first.count(sign) else {}
    return Sample(columns, len(rows) - 1, settings | ({"encoding": encoding} if encoding else {}))


def _decoded(head: bytes) -> tuple[str, str | None]:
    """Give the text of a head, and its encoding where that is not UTF-8."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", errors="replace"), "utf-16"
    for at in range(4):  # a head may end within a sign
        try:
            return head[: len(head) - at].decode("utf-8-sig"), None
        except UnicodeDecodeError:
            continue
    try:
        return head.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        return head.decode("latin-1"), "latin-1"


def _whole_lines(text: str) -> list[str]:
    """Lines of a head without the last, which may be cut; the last too where there is nothing else."""
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if len(lines) > 1 else lines
