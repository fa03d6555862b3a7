"""Reads Web of Science exports: tagged text ("plain text", .txt or .ciw) and tab-delimited files.

Both have the same two-letter tags. An address in C1 stands behind the authors that it belongs to, in brackets and with
their full names; records from before 2008, and those with one author or one address, have no brackets.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import Field

from geoclusters.addresses.sources.bibliographic import (
    Record,
    RecordOptions,
    authorships,
    first_item,
    items,
    read_records,
    year_of,
)
from geoclusters.addresses.sources.files import head_of, members, place_of, readable
from geoclusters.addresses.sources.formats import Format, Request, apart
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa

    from geoclusters.addresses.affiliations import Affiliation
    from geoclusters.addresses.sources.files import Member

TAGS: Final = frozenset(
    {"AF", "AU", "C1", "DI", "DT", "EA", "PT", "PY", "RP", "SC", "UT", "WC", "WE"}
)
"""Tags that are read; the others are passed over, abstracts and references among them."""
MARKS: Final = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}

_TAG: Final = re.compile(r"([A-Z][A-Z0-9])(?: (.*))?$", re.DOTALL)
_ADDRESS: Final = re.compile(r"(?:\[([^\]]*)\]\s*)?([^;\[\]]+)")
_REPRINT: Final = re.compile(r"([^;]*?)\s*\((?:corresponding|reprint) author\),?\s*([^;]*)")

Entry = dict[str, list[str]]


class WosOptions(RecordOptions):
    """
    Options of the format.

    Attributes
    ----------
    types : list of str
        Types of documents of the tag DT; an empty list takes all.
    editions : list of str
        Indexes of the tag WE by their short names, as "SCI-EXPANDED"; an empty list takes all, also records without WE.
    """

    types: list[str] = Field(default_factory=lambda: ["Article"])
    editions: list[str] = Field(default_factory=list)

    def takes_edition(self, stated: str | None) -> bool:
        """
        Tell whether a record is in one of the editions.

        Examples
        --------
        >>> WosOptions(editions=["SCI-EXPANDED"]).takes_edition("Science Citation Index Expanded (SCI-EXPANDED)")
        True
        """
        names = {name.casefold() for name in re.findall(r"\(([^()]+)\)", stated or "")}
        return not self.editions or not names.isdisjoint(one.casefold() for one in self.editions)


class Addresses(NamedTuple):
    """
    Addresses of a record.

    Attributes
    ----------
    linked : dict of str to list of str
        Author to the author's addresses.
    loose : list of str
        Addresses without authors.
    """

    linked: dict[str, list[str]]
    loose: list[str]


def read_wos(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read records into batches of `schema.READ`, a row for each author and address.

    Parameters
    ----------
    request : Request
        Exports, tagged or tab-delimited, also .gz or in a .zip; UTF-8 or UTF-16, with or without a mark.

    Yields
    ------
    pyarrow.RecordBatch
        `document` is the accession number (UT), or the DOI where there is none.

    Raises
    ------
    SourceError
        If a file is none of the two, is broken, or ends within a record.
    """
    options: WosOptions = FORMAT.options_of(request)
    for member in members(list(request.files)):
        records = _records(member, options, request)
        yield from read_records(records, file=member.label, head_only=request.head_only)


def _records(member: Member, options: WosOptions, request: Request) -> Iterator[Record]:
    head = head_of(member)
    mark = MARKS.get(head[:2], request.encoding)
    layout = _layout(head, mark)
    if layout is None:
        first = _first_line(head, mark)[:80]
        raise SourceError(
            f"{place_of(member)}: not an export of Web of Science: its first line is {first!r}, wanted is 'FN …' or "
            "'PT …' (plain text) or a header with the columns PT, C1 and UT (tab-delimited)"
        )
    read = tagged_entries if layout == "tagged" else tabbed_entries
    with (
        readable(member),
        member.opened() as stream,
        io.TextIOWrapper(stream, mark, errors="replace") as text,
    ):
        for row, entry in enumerate(read(text), start=1):
            if entry is None:
                raise SourceError(
                    f"{place_of(member)}: the file ends within record {row}; export or fetch it again"
                )
            if not options.takes_edition(_one(entry, "WE")):
                request.left_out.add("not of the editions")
            elif options.counts(_one(entry, "DT"), request):
                yield _record(entry, row)


def tagged_entries(lines: Iterable[str]) -> Iterator[Entry | None]:
    r"""
    Give the records of a tagged file: tag to lines.

    Yields
    ------
    dict of str to list of str, or None
        None stands for a record that the end of the file cuts off.

    Examples
    --------
    >>> text = "FN x\nPT J\nTI A long\n   title\nUT WOS:1\nER\n\nEF"
    >>> list(tagged_entries(text.splitlines()))
    [{'PT': ['J'], 'UT': ['WOS:1']}]
    """
    entry: Entry = {}
    tag = ""
    for line in lines:
        text = line.lstrip("\ufeff").rstrip("\r\n")
        found = _TAG.match(text)
        if found and found[1] == "ER":
            yield entry
            entry, tag = {}, ""
        elif found:
            tag = found[1]
            if tag in TAGS:
                entry.setdefault(tag, []).append((found[2] or "").strip())
        elif tag in TAGS and text.strip():
            entry[tag].append(text.strip())
    if entry:
        yield None


def tabbed_entries(lines: Iterable[str]) -> Iterator[Entry]:
    r"""
    Give the records of a tab-delimited file: tag to entries.

    Nothing is quoted: a quotation mark is part of a value.

    Examples
    --------
    >>> list(tabbed_entries(["PT\tAU\tUT\t", "J\tLi, W; Ng, A\tWOS:1\t"]))
    [{'PT': ['J'], 'AU': ['Li, W', 'Ng, A'], 'UT': ['WOS:1']}]
    """
    rows = (line.lstrip("\ufeff").rstrip("\r\n").split("\t") for line in lines)
    names = [name.strip() for name in next(rows, [])]
    for values in rows:
        cells = {name: value.strip() for name, value in zip(names, values, strict=False)}
        entry = {name: [text] for name, text in cells.items() if name in TAGS and text}
        entry |= {name: items(entry[name][0]) for name in ("AU", "AF") if name in entry}
        if entry:
            yield entry


def _one(entry: Mapping[str, list[str]], *tags: str) -> str | None:
    return next((" ".join(entry[tag]) for tag in tags if entry.get(tag)), None)


def _record(entry: Entry, row: int) -> Record:
    return Record(
        document=_one(entry, "UT", "DI"),
        year=year_of(_one(entry, "PY"), _one(entry, "EA")),
        field=first_item(_one(entry, "WC", "SC")),
        authorships=_authorships(entry),
        row=row,
    )


def _authorships(entry: Entry) -> list[tuple[str | None, str | Affiliation | None]]:
    """Pair the authors of a record with their addresses."""
    people = entry.get("AF") or entry.get("AU") or []
    found = parse_addresses(entry.get("C1", []))
    if not entry.get("C1"):
        found = Addresses(_reprint(entry, people), [])
    people = [*people, *(name for name in found.linked if name not in people)]
    own = [list(found.linked.get(name, [])) for name in people]
    # Who has no bracket can only sit at an address without one. With several of both it stays open who sits where.
    one_answer = bool(found.linked) or len(people) == 1 or len(found.loose) == 1
    if one_answer and not all(own):
        return authorships(people, [addresses or found.loose for addresses in own])
    of_nobody: list[tuple[str | None, str | Affiliation | None]] = [(None, a) for a in found.loose]
    return of_nobody + (authorships(people, own) if found.linked or not of_nobody else [])


def parse_addresses(lines: Iterable[str]) -> Addresses:
    """
    Part the lines of C1, or its text in a tab-delimited file, into addresses and their authors.

    Examples
    --------
    >>> parse_addresses(["[Li, W; Ng, A] Univ A, Bern, Switzerland; [Ng, A] Univ B, Turku, Finland."]).linked["Ng, A"]
    ['Univ A, Bern, Switzerland', 'Univ B, Turku, Finland.']
    >>> parse_addresses(["UNIV A,BERN,SWITZERLAND", "UNIV B,TURKU,FINLAND"]).loose
    ['UNIV A,BERN,SWITZERLAND', 'UNIV B,TURKU,FINLAND']
    """
    linked: dict[str, list[str]] = {}
    loose = []
    for line in lines:
        for names, address in _ADDRESS.findall(line):
            if not address.strip():
                continue
            for name in items(names):
                linked.setdefault(name, []).append(address.strip())
            if not items(names):
                loose.append(address.strip())
    return Addresses(linked, loose)


def _reprint(entry: Entry, people: list[str]) -> dict[str, list[str]]:
    """Addresses of the corresponding authors, for a record that has no others."""
    short = dict(zip(entry.get("AU", []), people, strict=False))
    linked: dict[str, list[str]] = {}
    for names, address in _REPRINT.findall(_one(entry, "RP") or ""):
        name = names.strip(" ;,.")
        if name and address.strip():
            linked.setdefault(short.get(name, name), []).append(address.strip())
    return linked


def _first_line(head: bytes, encoding: str) -> str:
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    return next((line for line in text.splitlines() if line.strip()), "")


def _layout(head: bytes, encoding: str) -> str | None:
    line = _first_line(head, encoding)
    if re.match(
        r"FN .*(web of science|clarivate|thomson|isi)|PT [A-Z]$|VR 1\.0", line, re.IGNORECASE
    ):
        return "tagged"
    names = {name.strip() for name in line.split("\t")}
    return "tabbed" if {"PT", "UT"} <= names and names & {"AU", "AF", "C1"} else None


def _recognises(_member: Member, head: bytes) -> bool:
    return _layout(head, MARKS.get(head[:2], "utf-8")) is not None


FORMAT: Final = Format(
    name="wos",
    title="Web of Science export, tagged or tab-delimited",
    read=read_wos,
    options=WosOptions,
    recognises=_recognises,
    groups=apart,
)
