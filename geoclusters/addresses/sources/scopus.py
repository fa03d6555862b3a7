"""Reads Scopus CSV exports.

'Authors with affiliations' lists each author with all affiliations of the author, joined by commas without a mark
between them. The column 'Affiliations' has the distinct ones of the document: with it they are cut exactly; without it,
behind each name of a country.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from geoclusters.addresses.regions import country_named, region_named
from geoclusters.addresses.sources.bibliographic import (
    Record,
    RecordOptions,
    authorships,
    items,
    read_records,
    rows_of_csv,
    year_of,
)
from geoclusters.addresses.sources.delimited import header_of
from geoclusters.addresses.sources.files import members
from geoclusters.addresses.sources.formats import Format, Request, apart

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import pyarrow as pa

    from geoclusters.addresses.affiliations import Affiliation
    from geoclusters.addresses.sources.files import Member

COLUMNS: Final = frozenset(
    {
        "authors",
        "author(s) id",
        "authors with affiliations",
        "affiliations",
        "year",
        "document type",
        "eid",
        "doi",
    }
)
NOBODY: Final = "[no author name available]"

_INITIALS: Final = re.compile(r"(?:[^\W\d_]{1,3}\.[-\s]?)+(?:\s?(?:Jr|Sr|I{1,3}|IV)\.?)?")
_NAME: Final = re.compile(rf"[^,]*\s{_INITIALS.pattern}$")


class ScopusOptions(RecordOptions):
    """Options of the format: `types` are those of the column 'Document Type'."""

    types: list[str] = Field(default_factory=lambda: ["Article"])


def read_scopus(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read records into batches of `schema.READ`, a row for each author and affiliation.

    Parameters
    ----------
    request : Request
        CSV exports, also .gz or in a .zip, with 'Authors with affiliations' or at least 'Affiliations'.

    Yields
    ------
    pyarrow.RecordBatch
        `document` is the EID, or the DOI where there is none; `person` is the author's identifier in Scopus, or the
        name where the export has none; `field` is null, since the export has no subjects.

    Raises
    ------
    SourceError
        If a file is no Scopus export, has no affiliations, or is broken.
    """
    options: ScopusOptions = FORMAT.options_of(request)
    for member in members(list(request.files)):
        records = _records(member, options, request)
        yield from read_records(records, file=member.label, head_only=request.head_only)


def _records(member: Member, options: ScopusOptions, request: Request) -> Iterator[Record]:
    rows = rows_of_csv(
        member,
        request,
        options,
        columns=COLUMNS,
        one_of=({"authors with affiliations", "affiliations"}, {"eid", "doi"}, {"year"}),
        type_column="document type",
        what="a Scopus export",
        advice="choose 'Author(s)', 'Year', 'EID' and 'Affiliations' among the columns of the export",
    )
    return (_record(values, row) for row, values in rows)


def _record(values: dict[str, Any], row: int) -> Record:
    return Record(
        document=values.get("eid") or values.get("doi"),
        year=year_of(values.get("year")),
        field=None,
        authorships=_authorships(values),
        row=row,
    )


def _authorships(
    values: dict[str, Any],
) -> list[tuple[str | None, str | Affiliation | None]]:
    known = items(values.get("affiliations"))
    entries = items(values.get("authors with affiliations"))
    if not entries:
        return [(None, text) for text in known]
    ids = items(values.get("author(s) id"))
    names = author_names(values.get("authors"), len(entries))
    parted = [part_author(entry, name) for entry, name in zip(entries, names, strict=True)]
    people = ids if len(ids) == len(entries) else [name for name, _ in parted]
    return authorships(people, [cut(text, known) for _, text in parted])


def author_names(text: str | None, wanted: int) -> Sequence[str | None]:
    """
    Names of the authors, between semicolons or in older exports between commas; None where their number does not fit.

    Examples
    --------
    >>> author_names("Li W., Ng A.", 2), author_names("Li W.", 2)
    (['Li W.', 'Ng A.'], [None, None])
    """
    if not text or text.casefold() == NOBODY:
        return [None] * wanted
    for names in (items(text), [name.strip() for name in text.split(",")]):
        if len(names) == wanted:
            return names
    return [None] * wanted


def part_author(entry: str, name: str | None) -> tuple[str, str]:
    """
    Part an author from the affiliations behind: 'Li W., Univ A, …' or in older exports 'Li, W., Univ A, …'.

    Examples
    --------
    >>> part_author("Li W., Univ A, Bern, Switzerland", "Li W.")
    ('Li W.', 'Univ A, Bern, Switzerland')
    >>> part_author("Li, W.-B., Univ A, Bern, Switzerland", None)
    ('Li W.-B.', 'Univ A, Bern, Switzerland')
    """
    first, *rest = entry.split(", ")
    if name and first.casefold() == name.casefold():
        return name, ", ".join(rest)
    if not _NAME.match(first) and rest and _INITIALS.fullmatch(rest[0]):
        return f"{first} {rest[0]}", ", ".join(rest[1:])
    return first, ", ".join(rest)


def cut(text: str, known: Collection[str]) -> list[str]:
    """
    Cut the affiliations of an author apart.

    Parameters
    ----------
    text : str
        All of them, joined by commas.
    known : collection of str
        The distinct affiliations of the document; where they do not make up the text, it is cut behind the names of
        countries.

    Examples
    --------
    >>> cut("Univ A, Tbilisi, Georgia, Univ B, Atlanta, Georgia, United States", [])
    ['Univ A, Tbilisi, Georgia', 'Univ B, Atlanta, Georgia, United States']
    """
    if not text:
        return []
    return _cut_exactly(text, sorted(set(known), key=len, reverse=True)) or _cut_at_countries(text)


def _cut_exactly(text: str, known: Sequence[str]) -> list[str] | None:
    for one in known:
        if text == one:
            return [one]
        if text.startswith(f"{one}, "):
            rest = _cut_exactly(text[len(one) + 2 :], known)
            if rest:
                return [one, *rest]
    return None


def _cut_at_countries(text: str) -> list[str]:
    parts = text.split(", ")
    found: list[list[str]] = [[]]
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        found[-1].append(part)
        # A state that is called like a country stands before its country: Georgia, United States.
        follows = country_named(following) if len(following) > 2 else None
        is_state = bool(follows and region_named(follows, part))
        if len(part) > 3 and country_named(part) and not is_state and len(found[-1]) > 1:
            found.append([])
    return [", ".join(one) for one in found if one]


def _recognises(_member: Member, head: bytes) -> bool:
    _, names = header_of(head, known=COLUMNS)
    return {"eid", "affiliations"} <= set(names) or {"eid", "authors with affiliations"} <= set(
        names
    )


FORMAT: Final = Format(
    name="scopus",
    title="Scopus CSV export",
    read=read_scopus,
    options=ScopusOptions,
    recognises=_recognises,
    groups=apart,
)
