"""Reads the bulk tables of PatentsView: patents granted in the United States, and applications published there.

Tables of granted patents begin with ``g_``, those of published applications with ``pg_``; one TSV in a zip each, as
downloaded. Inventors are joined with the places where they live, with the dates of their patents, with the first
assignee and with the first technology field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from geoclusters.addresses.sources import joining
from geoclusters.addresses.sources.formats import Format, Options, Request
from geoclusters.addresses.sources.joining import Dialect, Kind, TableFile
from geoclusters.addresses.sources.staging import Staging
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from geoclusters.addresses.sources.files import Member

    Tables = Mapping[str, list[TableFile]]

DIALECT: Final = Dialect("\t")
FIRST_YEAR: Final = 1790
"""Year of the first patent; years before it in a date of filing are typing errors: 1074 stands for 1974."""
LAST_YEAR: Final = 2100
CENTURIES: Final = 900
"""What such a year lacks."""

PatentType = Literal[
    "utility",
    "design",
    "plant",
    "reissue",
    "defensive publication",
    "statutory invention registration",
]
Date = Literal["filing", "grant", "publication", "pct", "none"]

NUMBER_PREFIXES: Final[dict[str, PatentType]] = {
    "D": "design",
    "PP": "plant",
    "RE": "reissue",
    "T": "defensive publication",
    "H": "statutory invention registration",
}
"""Letters before the number of a granted patent that is no utility patent."""


class PatentsViewOptions(Options):
    """
    Options of the format.

    Attributes
    ----------
    year : {"filing", "grant", "publication", "pct", "none"}
        Which date gives the year of a document. "publication" is the grant of a patent and the publication of an
        application; "pct" is the date of the international application, and leaves out documents without one; "none"
        needs no table of dates, for studies without a window.
    types : tuple of str
        Types of patents that are read.
    pct_only : bool
        Leave out documents that do not come from an international (PCT) application.
    """

    year: Date = "filing"
    types: tuple[PatentType, ...] = Field(("utility",), strict=False, min_length=1)
    pct_only: bool = False


def _kind(
    name: str, holds: str, needs: tuple[str, ...], may_have: tuple[str, ...] = ()
) -> tuple[str, Kind]:
    return name, Kind(name, holds, re.compile(rf"{name}(\.|$)", re.IGNORECASE), needs, may_have)


_PLACE: Final = ("disambig_city", "disambig_state", "disambig_country", "latitude", "longitude")


def _kinds_of(prefix: str, key: str) -> dict[str, Kind]:
    """Tables that granted patents and published applications have alike."""
    inventor = (key, "inventor_sequence", "inventor_id")
    return dict(
        [
            _kind(
                f"{prefix}_inventor_disambiguated",
                "inventors of each document",
                (*inventor, "location_id"),
            ),
            _kind(
                f"{prefix}_inventor_not_disambiguated",
                "places as they were written",
                (*inventor, "rawlocation_id"),
            ),
            _kind(
                f"{prefix}_location_disambiguated",
                "places and their coordinates",
                ("location_id", *_PLACE),
            ),
            _kind(
                f"{prefix}_location_not_disambiguated",
                "places as they were written",
                ("rawlocation_id", "raw_city", "raw_state", "raw_country"),
                ("location_id",),
            ),
            _kind(
                f"{prefix}_assignee_disambiguated",
                "organisations",
                (key, "assignee_sequence", "disambig_assignee_organization", "location_id"),
            ),
            _kind(
                f"{prefix}_wipo_technology",
                "fields of technology",
                (key, "wipo_field_sequence", "wipo_field_id"),
                ("wipo_field_title",),
            ),
            _kind(
                f"{prefix}_pct_data",
                "international applications",
                (key, "pct_doc_number"),
                ("published_or_filed_date", "published_filed_date"),
            ),
        ]
    )


KINDS: Final[dict[str, Kind]] = {
    **_kinds_of("g", "patent_id"),
    **dict(
        [
            _kind(
                "g_application",
                "dates of filing",
                ("application_id", "patent_id", "filing_date"),
            ),
            _kind(
                "g_patent",
                "dates of grant",
                ("patent_id", "patent_type", "patent_date"),
                ("withdrawn",),
            ),
        ]
    ),
    **_kinds_of("pg", "pgpub_id"),
    **dict(
        [
            _kind(
                "pg_published_application",
                "dates and types of published applications",
                ("pgpub_id", "filing_date", "patent_type", "published_date"),
            ),
            _kind(
                "pg_granted_pgpubs_crosswalk",
                "which published applications were granted",
                ("pgpub_id", "patent_id", "application_id"),
            ),
        ]
    ),
}


@dataclass(frozen=True)
class _Part:
    """The granted or the published half: prefix of its tables and column of its documents."""

    prefix: str
    key: str

    def kind(self, table: str) -> Kind:
        """Give one of its tables."""
        return KINDS[f"{self.prefix}_{table}"]


GRANTED: Final = _Part("g", "patent_id")
PUBLISHED: Final = _Part("pg", "pgpub_id")


def read_patentsview(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read PatentsView's tables into batches of `schema.READ`, the rows of a document together.

    One row an inventor: `person` is the inventor's id within the release, `place`, `region` (state) and `country` are
    those of the inventor's place, `accuracy` is how fine that is, `organisation` the first assignee
    (``assignee_sequence`` 0) if it is not an individual, `field` the first WIPO field of technology.
    Inventors whose place is not known have no coordinates and keep their fraction.

    Raises
    ------
    SourceError
        If a table is missing, twice there, broken, or not of this format.
    """
    options: PatentsViewOptions = FORMAT.options_of(request)
    found = joining.tables_in(request.files, list(KINDS.values()), DIALECT)
    parts = _parts(found, options)
    with Staging() as staging:
        for part in parts:
            _stage(staging, part, found, head_only=request.head_only)
        for part in parts:
            leave_granted = part is PUBLISHED and GRANTED in parts
            for statement in _tables(part, leave_granted=leave_granted):
                staging.run(statement)
            # the heads of two tables seldom know the same documents
            pct_only = (options.pct_only or options.year == "pct") and not request.head_only
            reason = _reason(part, options, pct_only=pct_only)
            if not request.head_only:
                request.left_out.update(staging.answers(_left_out(part, reason)))
            yield from staging.rows(_query(part, options, reason))


def _parts(found: Tables, options: PatentsViewOptions) -> list[_Part]:
    """Find out which halves are there, and whether all that they need is there too."""
    parts = [p for p in (GRANTED, PUBLISHED) if p.kind("inventor_disambiguated").name in found]
    if not parts:
        joining.require(found, GRANTED.kind("inventor_disambiguated"))
    for part in parts:
        if not _locations(part, found):
            joining.require(found, part.kind("location_disambiguated"))
        for kind, why in _needed(part, options):
            joining.require(found, kind, why=why)
    if len(parts) > 1:
        joining.require(
            found,
            KINDS["pg_granted_pgpubs_crosswalk"],
            why="; without it an application that was granted would count twice",
        )
    return parts


def _needed(part: _Part, options: PatentsViewOptions) -> Iterator[tuple[Kind, str]]:
    because = f"; options: year = {options.year!r} takes its date"
    if part is PUBLISHED:
        if options.year == "grant":
            raise SourceError(
                "options: year = 'grant': published applications (pg_ tables) have no date of grant; "
                "use 'filing' or 'publication', or name the g_ tables alone"
            )
        yield part.kind("published_application"), ""
    elif options.year == "filing":
        yield KINDS["g_application"], f"{because}; 'grant' would take that of g_patent"
    elif options.year in {"grant", "publication"}:
        yield KINDS["g_patent"], because
    if options.year == "pct" or options.pct_only:
        yield part.kind("pct_data"), because if options.year == "pct" else "; options: pct_only"


def _locations(part: _Part, found: Tables) -> TableFile | None:
    """Give the places of this half, or those of the other: both come from one disambiguation."""
    other = GRANTED if part is PUBLISHED else PUBLISHED
    own, others = (
        joining.one_of(found, p.kind("location_disambiguated").name) for p in (part, other)
    )
    return own or others


def _stage(staging: Staging, part: _Part, found: Tables, *, head_only: bool) -> None:
    for name, kind in KINDS.items():
        if not name.startswith(f"{part.prefix}_"):
            continue
        is_places = kind is part.kind("location_disambiguated")
        table = _locations(part, found) if is_places else joining.one_of(found, name)
        columns = (*kind.needs, *kind.may_have)
        # a head of the places would place next to none of the first inventors
        only = head_only and not is_places
        staging.add(name, table, columns, dialect=DIALECT, head_only=only)


def _reason(part: _Part, options: PatentsViewOptions, *, pct_only: bool) -> str:
    """Write why a document is left out; null for those that are read."""
    kind, wanted = _type_of(part), ", ".join(f"'{t}'" for t in options.types)
    hidden = "withdrawn" if part is GRANTED else "granted, and counted as the patent"
    national = "WHEN d.pct IS NULL THEN 'no international application'" if pct_only else ""
    return (
        f"CASE WHEN {kind} NOT IN ({wanted}) THEN concat('type ', {kind}) "
        f"WHEN d.hidden THEN '{hidden}' {national} END"
    )


def _left_out(part: _Part, reason: str) -> str:
    """Write the query that counts the documents that are left out."""
    g, key = part.prefix, part.key
    return f"""
        SELECT {reason} AS reason, count(DISTINCT p.{key})
        FROM {g}_inventor_disambiguated AS p LEFT JOIN {g}_documents AS d USING ({key})
        WHERE reason IS NOT NULL GROUP BY ALL
    """


def _query(part: _Part, options: PatentsViewOptions, reason: str) -> str:
    """Write the query that joins people, places and documents of one half."""
    g, key = part.prefix, part.key
    return f"""
        SELECT p.{key} AS document, p.inventor_id AS person, l.latitude AS lat, l.longitude AS lon,
            coalesce(l.country, w.raw_country) AS country, coalesce(l.region, w.raw_state) AS region,
            coalesce(l.place, w.raw_city) AS place, {_YEARS[options.year]} AS year, d.organisation, d.field,
            CASE WHEN coalesce(l.place, w.raw_city) IS NOT NULL THEN 'place'
                WHEN coalesce(l.region, w.raw_state) IS NOT NULL THEN 'region'
                WHEN coalesce(l.country, w.raw_country) IS NOT NULL THEN 'country' END AS accuracy,
            p.file, p.row
        FROM {g}_inventor_disambiguated AS p
        LEFT JOIN {g}_written AS w USING ({key}, inventor_sequence)
        LEFT JOIN {g}_places AS l ON coalesce(p.location_id, w.location_id) = l.location_id
        LEFT JOIN {g}_documents AS d USING ({key})
        WHERE {reason} IS NULL
        ORDER BY document, row
    """


_LAST: Final = f"coalesce(d.issued, {LAST_YEAR})"
_YEARS: Final[dict[Date, str]] = {
    "filing": (
        f"CASE WHEN d.filed BETWEEN {FIRST_YEAR} AND {_LAST} THEN d.filed "
        f"WHEN d.filed + {CENTURIES} BETWEEN {FIRST_YEAR} AND {_LAST} THEN d.filed + {CENTURIES} END"
    ),
    "grant": "d.issued",
    "publication": "d.issued",
    "pct": "d.entered",
    "none": "NULL",
}
"""Year of a document; a year of filing whose century is wrong is repaired, one that stays impossible is null."""


def _type_of(part: _Part) -> str:
    if part is PUBLISHED:
        return "coalesce(d.type, 'utility')"
    letters = "regexp_extract(p.patent_id, '^[A-Z]*')"
    cases = " ".join(f"WHEN '{sign}' THEN '{name}'" for sign, name in NUMBER_PREFIXES.items())
    return f"CASE {letters} {cases} ELSE 'utility' END"


def _tables(part: _Part, *, leave_granted: bool) -> Iterator[str]:
    """
    Write the statements that make one row a place, a written place and a document.

    They are tables and no parts of the query, so that duckdb knows their sizes when it plans the joins.
    """
    g, key = part.prefix, part.key
    yield f"CREATE TEMP TABLE {g}_places AS {_places(g)}"
    yield f"CREATE TEMP TABLE {g}_written AS {_written(part)}"
    facts = f" FULL JOIN ({{}}) USING ({key})"
    first, *others = (
        f"SELECT {key}, {select} GROUP BY {key}"
        for select in _facts(part, leave_granted=leave_granted)
    )
    joined = "".join(facts.format(other) for other in others)
    yield f"CREATE TEMP TABLE {g}_documents AS SELECT * FROM ({first}) {joined}"


def _facts(part: _Part, *, leave_granted: bool) -> Iterator[str]:
    """Select what each table says of a document."""
    g = part.prefix
    year = "min(TRY_CAST(left({}, 4) AS SMALLINT)) AS {}"
    filed = year.format("filing_date", "filed")
    if part is GRANTED:
        withdrawn = "bool_or(TRY_CAST(withdrawn AS DOUBLE) = 1) AS hidden"
        yield f"{filed} FROM g_application"
        yield f"{year.format('patent_date', 'issued')}, {withdrawn} FROM g_patent"
    else:
        issued = year.format("published_date", "issued")
        again = "patent_id IN (SELECT patent_id FROM g_inventor_disambiguated)"
        yield f"{filed}, {issued}, min(patent_type) AS type FROM pg_published_application"
        yield (
            "true AS hidden FROM pg_granted_pgpubs_crosswalk "
            f"WHERE {again if leave_granted else 'false'}"
        )
    entered = year.format("coalesce(published_or_filed_date, published_filed_date)", "entered")
    yield f"{entered}, true AS pct FROM {g}_pct_data"
    yield (
        f"min(disambig_assignee_organization) AS organisation FROM {g}_assignee_disambiguated "
        "WHERE TRY_CAST(assignee_sequence AS DOUBLE) = 0"
    )
    yield (
        f"min(coalesce(wipo_field_title, wipo_field_id)) AS field FROM {g}_wipo_technology "
        "WHERE TRY_CAST(wipo_field_sequence AS DOUBLE) = 0"
    )


def _places(prefix: str) -> str:
    return f"""
        SELECT location_id, min(disambig_city) AS place, min(disambig_state) AS region,
            min(disambig_country) AS country, min(TRY_CAST(latitude AS DOUBLE)) AS latitude,
            min(TRY_CAST(longitude AS DOUBLE)) AS longitude
        FROM {prefix}_location_disambiguated GROUP BY location_id
    """


def _written(part: _Part) -> str:
    """Places as they were written, for inventors without a disambiguated one."""
    g, key = part.prefix, part.key
    return f"""
        SELECT r.{key}, r.inventor_sequence, min(w.location_id) AS location_id, min(w.raw_city) AS raw_city,
            min(w.raw_state) AS raw_state, min(w.raw_country) AS raw_country
        FROM {g}_inventor_not_disambiguated AS r
        JOIN {g}_location_not_disambiguated AS w USING (rawlocation_id)
        WHERE ({key}, inventor_sequence) IN (
            SELECT ({key}, inventor_sequence) FROM {g}_inventor_disambiguated WHERE location_id IS NULL
        )
        GROUP BY r.{key}, r.inventor_sequence
    """


def _recognises(_member: Member, head: bytes) -> bool:
    kind = joining.is_kind(list(KINDS.values()), joining.read_header(head, DIALECT).names)
    return kind is not None


FORMAT: Final = Format(
    name="patentsview",
    title="PatentsView bulk tables",
    read=read_patentsview,
    options=PatentsViewOptions,
    recognises=_recognises,
    metric="patents",
    fallbacks=({"year": "grant"}, {"year": "none"}),
)
