"""Reads CSV exports of publications from Dimensions.

'Authors (Raw Affiliation)' has each author with the affiliations in brackets, which may hold brackets themselves; it is
read along the names in 'Authors'. Documents with more than 100 authors come without affiliations. Where an export has
the cities of the research organisations, such a document is placed by those.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from geoclusters.addresses.affiliations import Affiliation
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
from geoclusters.addresses.sources.files import members
from geoclusters.addresses.sources.formats import Format, Request, apart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from geoclusters.addresses.sources.files import Member

RAW: Final = "authors (raw affiliation)"
NORMALISED: Final = "authors affiliations"
ORGANISATIONS: Final = "research organizations - standardized"
PLACE_COLUMNS: Final = {
    level: (f"{level} of research organization", f"{level} of standardized research organization")
    for level in ("city", "state", "country")
}
FIELDS: Final = ("fields of research (anzsrc 2020)", "fields of research")
COLUMNS: Final = frozenset(
    {
        "publication id",
        "doi",
        "pubyear",
        "publication date",
        "publication type",
        "authors",
        RAW,
        NORMALISED,
        ORGANISATIONS,
        *FIELDS,
        *(name for names in PLACE_COLUMNS.values() for name in names),
    }
)

SEE_NOTE: Final = "[see note]"
"""Stands for the affiliations of a document with more than 100 authors."""
_NAMELESS: Final = re.compile(r"(?:;\s*\(\s*\))+\s*$")
"""An author without a name and without affiliations at the end."""

Pairs = list[tuple[str | None, str | Affiliation | None]]


class DimensionsOptions(RecordOptions):
    """Options of the format: `types` are those of the column 'Publication Type'."""

    types: list[str] = Field(default_factory=lambda: ["Article"])


def read_dimensions(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read publications into batches of `schema.READ`, a row for each author and affiliation.

    Parameters
    ----------
    request : Request
        CSV exports, also .gz or in a .zip, with or without the notice in the first line.

    Yields
    ------
    pyarrow.RecordBatch
        `document` is the publication ID, `field` the first of the fields of research.

    Raises
    ------
    SourceError
        If a file is no export of publications, has no affiliations, or is broken.
    """
    options: DimensionsOptions = FORMAT.options_of(request)
    for member in members(list(request.files)):
        records = _records(member, options, request)
        yield from read_records(records, file=member.label, head_only=request.head_only)


def _records(member: Member, options: DimensionsOptions, request: Request) -> Iterator[Record]:
    rows = rows_of_csv(
        member,
        request,
        options,
        columns=COLUMNS,
        one_of=({RAW, NORMALISED, ORGANISATIONS}, {"publication id", "doi"}, {"pubyear"}),
        type_column="publication type",
        what="a Dimensions export of publications",
        advice="export the full record as CSV",
    )
    return (_record(values, row) for row, values in rows)


def _record(values: dict[str, Any], row: int) -> Record:
    return Record(
        document=values.get("publication id") or values.get("doi"),
        year=year_of(values.get("pubyear"), values.get("publication date")),
        field=first_item(next((values[n] for n in FIELDS if values.get(n)), None)),
        authorships=_authorships(values),
        row=row,
    )


def _authorships(values: dict[str, Any]) -> Pairs:
    names = items(values.get("authors"))
    for column in (RAW, NORMALISED):
        text = values.get(column)
        if text and text != SEE_NOTE:
            people, brackets = part_authors(text, names)
            return authorships(people, [parts_of(inside) for inside in brackets])
    placed = _organisations(values)
    return placed or authorships(names, [[] for _ in names])


def part_authors(text: str, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """
    Part a list of authors with affiliations in brackets, along the names of the authors.

    Parameters
    ----------
    text : str
        'Name, First (affiliation; affiliation); Name, First (affiliation)'.
    names : sequence of str
        The authors in their order; without them brackets alone decide.

    Returns
    -------
    people, brackets : list of str
        Each author, and what stands in brackets behind.

    Examples
    --------
    >>> part_authors("Li, W (Univ A (UA), Bern; Univ B); Ng, A", ["Li, W", "Ng, A"])
    (['Li, W', 'Ng, A'], ['Univ A (UA), Bern; Univ B', ''])
    """
    text = _NAMELESS.sub("", text)
    starts = _starts(text, names) if names else None
    if starts is None:
        return _by_brackets(text)
    ends = [*starts[1:], len(text)]
    pieces = [text[start:end].strip(" ;") for start, end in zip(starts, ends, strict=True)]
    inside = [piece[len(name) :].strip() for piece, name in zip(pieces, names, strict=True)]
    return list(names), [one.removeprefix("(").removesuffix(")") for one in inside]


def _starts(text: str, names: Sequence[str]) -> list[int] | None:
    """Where each author begins; None when one cannot be found in the order."""
    starts: list[int] = []
    at = 0
    for name in names:
        found = re.compile(rf"(?:^|(?<=; )){re.escape(name)}(?= \(|; |;?\s*$)").search(text, at)
        if not found:
            return None
        starts.append(found.start())
        at = found.end()
    return starts


def _by_brackets(text: str) -> tuple[list[str], list[str]]:
    people, brackets = [], []
    depth = start = 0
    for at, sign in enumerate(f"{text};"):
        depth += (sign == "(") - (sign == ")")
        if sign == ";" and depth <= 0:
            name, _, inside = text[start:at].strip().partition(" (")
            if name:
                people.append(name)
                brackets.append(inside.removesuffix(")"))
            start, depth = at + 1, 0
    return people, brackets


def parts_of(inside: str) -> list[str]:
    """
    Affiliations within the brackets of an author.

    Examples
    --------
    >>> parts_of("Univ A, Bern, Switzerland;, a@b.ch, (A.B.); Univ B")
    ['Univ A, Bern, Switzerland', 'Univ B']
    """
    return [part for part in items(inside) if not part.startswith(",")]


def _organisations(values: dict[str, Any]) -> Pairs:
    """Research organisations of a document and where they are, if the export has that."""
    organisations = items(values.get(ORGANISATIONS))
    place, region, country = (
        _aligned(next((values[n] for n in names if values.get(n)), None), len(organisations))
        for names in PLACE_COLUMNS.values()
    )
    return [
        (None, Affiliation(*parts[:3], country_named(parts[3]) if parts[3] else None))
        for parts in zip(organisations, place, region, country, strict=True)
    ]


def _aligned(text: str | None, wanted: int) -> Sequence[str | None]:
    """Give a list as long as that of the organisations; without a value for each, it does not say whose it is."""
    found = [part.strip() or None for part in (text or "").split(";")]
    if len(found) == wanted:
        return found
    return [found[0] if len(set(found)) == 1 else None] * wanted


def _recognises(_member: Member, head: bytes) -> bool:
    _, names = header_of(head, known={"publication id"})
    return {"publication id", "dimensions url"} <= set(names) or RAW in names


FORMAT: Final = Format(
    name="dimensions",
    title="Dimensions CSV export of publications",
    read=read_dimensions,
    options=DimensionsOptions,
    recognises=_recognises,
    groups=apart,
)
