"""Reads Lens exports of scholarly works: JSON lines with affiliations, and CSV, which has none.

The CSV export names authors and not where they work: its documents count in the world total and cannot be placed. The
JSON-lines export has the affiliations of each author with their countries.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from geoclusters.addresses.affiliations import Affiliation, parse_affiliation
from geoclusters.addresses.regions import country_named
from geoclusters.addresses.sources.bibliographic import (
    Record,
    RecordOptions,
    authorships,
    first_item,
    items,
    read_records,
    rows_of_csv,
    year_of,
)
from geoclusters.addresses.sources.delimited import header_of
from geoclusters.addresses.sources.files import head_of, lines_of, members, place_of, readable
from geoclusters.addresses.sources.formats import Format, Request, apart
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from geoclusters.addresses.sources.files import Member

log = logging.getLogger("geoclusters")

COLUMNS: Final = frozenset(
    {"lens id", "doi", "publication year", "date published", "publication type", "author/s"}
    | {"fields of study"}
)


class LensOptions(RecordOptions):
    """Options of the format: `types` are those of the column 'Publication Type'."""

    types: list[str] = Field(default_factory=lambda: ["journal article"])


def read_lens(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read works into batches of `schema.READ`, a row for each author and affiliation.

    Parameters
    ----------
    request : Request
        JSON-lines or CSV exports, also .gz or in a .zip.

    Yields
    ------
    pyarrow.RecordBatch
        `document` is the Lens ID. Rows of a CSV export have neither place nor country.

    Raises
    ------
    SourceError
        If a file is no Lens export of scholarly works, or is broken.
    """
    options: LensOptions = FORMAT.options_of(request)
    for member in members(list(request.files)):
        is_json = head_of(member).lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in {b"{", b"["}
        records = (_from_json if is_json else _from_csv)(member, options, request)
        yield from read_records(records, file=member.label, head_only=request.head_only)


def _from_csv(member: Member, options: LensOptions, request: Request) -> Iterator[Record]:
    log.warning(
        "%s: the CSV export of the Lens holds no affiliations, so none of its works can be placed; "
        "export JSON Lines instead",
        place_of(member),
    )
    rows = rows_of_csv(
        member,
        request,
        options,
        columns=COLUMNS,
        one_of=({"lens id"}, {"author/s"}, {"publication year", "date published"}),
        type_column="publication type",
        what="a Lens export of scholarly works",
        advice="export the works as JSON Lines",
    )
    return (_csv_record(values, row) for row, values in rows)


def _csv_record(values: dict[str, Any], row: int) -> Record:
    names = items(values.get("author/s"))
    return Record(
        document=values.get("lens id") or values.get("doi"),
        year=year_of(values.get("publication year"), values.get("date published")),
        field=first_item(values.get("fields of study")),
        authorships=authorships(names, [[] for _ in names]),
        row=row,
    )


def _from_json(member: Member, options: LensOptions, request: Request) -> Iterator[Record]:
    with readable(member), member.opened() as stream:
        for row, line in enumerate(lines_of(stream), start=1):
            work = _work(line, member, row)
            kind = str((work or {}).get("publication_type") or "").replace("_", " ")
            if work and options.counts(kind, request):
                yield _record(work, row)


def _work(line: bytes, member: Member, row: int) -> dict[str, Any] | None:
    text = line.lstrip(b"\xef\xbb\xbf").strip()
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "lens_id" not in found:
        raise SourceError(
            f"{place_of(member)}, line {row}: not a work of the Lens but {text[:60]!r}; wanted is one JSON object "
            "with 'lens_id' a line; export the works as JSON Lines"
        )
    return found


def _record(work: dict[str, Any], row: int) -> Record:
    people = [author for author in work.get("authors") or [] if isinstance(author, dict)]
    fields = work.get("fields_of_study") or []
    return Record(
        document=work.get("lens_id"),
        year=year_of(str(work.get("year_published") or ""), work.get("date_published")),
        field=fields[0] if fields else None,
        authorships=authorships([_name(one) for one in people], [_own(one) for one in people]),
        row=row,
    )


def _name(author: dict[str, Any]) -> str:
    parts = (author.get("first_name") or author.get("initials"), author.get("last_name"))
    return " ".join(part for part in parts if part) or author.get("collective_name") or "?"


def _own(author: dict[str, Any]) -> list[Affiliation]:
    """Affiliations of an author: the country as coded, place and region where the text names them."""
    found = []
    for one in author.get("affiliations") or []:
        text = one.get("name_original") or one.get("name")
        parsed = parse_affiliation(text) if text else Affiliation()
        code = country_named(one.get("country_code") or "")
        agrees = code in {None, parsed.country}
        found.append(
            Affiliation(
                one.get("name") or parsed.organisation,
                parsed.place if agrees else None,
                parsed.region if agrees else None,
                code or parsed.country,
            )
        )
    return found


def _recognises(_member: Member, head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if start[:1] == b"{":
        return b'"lens_id"' in start and b'"jurisdiction"' not in start
    _, names = header_of(head, known={"lens id"})
    return {"lens id", "author/s"} <= set(names)


FORMAT: Final = Format(
    name="lens",
    title="Lens export of scholarly works",
    read=read_lens,
    options=LensOptions,
    recognises=_recognises,
    groups=apart,
)
