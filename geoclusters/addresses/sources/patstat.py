"""Reads PATSTAT Global: inventors of applications, from its tables of applications, persons and who took part in what.

PATSTAT has no coordinates. Its rows give a place, for some offices, and for European addresses a region.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pydantic import Field

from geoclusters.addresses.sources import joining
from geoclusters.addresses.sources.formats import Format, Options, Request
from geoclusters.addresses.sources.joining import Dialect, Kind
from geoclusters.addresses.sources.postal import place_macros
from geoclusters.addresses.sources.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from geoclusters.addresses.sources.files import Member

DIALECT: Final = Dialect(",;\t", lower=True)
KINDS: Final = {
    name: Kind(name, holds, re.compile(name[:6], re.IGNORECASE), needs, may_have)
    for name, holds, needs, may_have in (
        (
            "tls207_pers_appln",
            "who invented what",
            ("person_id", "appln_id", "applt_seq_nr", "invt_seq_nr"),
            (),
        ),
        (
            "tls206_person",
            "countries and addresses of persons",
            ("person_id", "person_name", "person_ctry_code"),
            ("person_address", "nuts", "nuts_level", "psn_name"),
        ),
        (
            "tls201_appln",
            "years and kinds of applications",
            ("appln_id", "appln_auth", "appln_kind", "appln_filing_year"),
            (),
        ),
    )
}
NO_YEAR: Final = 9999
NO_NUTS_LEVEL: Final = 9


class PatstatOptions(Options):
    """
    Options of the format.

    Attributes
    ----------
    kinds : tuple of str
        Kinds of applications (``appln_kind``) that are read; empty: all. "W" is an international (PCT) application,
        "A" a patent application, "U" a utility model.
    authorities : tuple of str
        Offices (``appln_auth``) whose applications are read; empty: all. Of an international application it is the
        receiving office.
    """

    kinds: tuple[str, ...] = Field(("W",), strict=False)
    authorities: tuple[str, ...] = Field((), strict=False)


def read_patstat(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read PATSTAT's tables into batches of `schema.READ`, the rows of an application together.

    One row an inventor (``invt_seq_nr`` above 0); `region` is the NUTS code, `organisation` the first applicant.
    Tables may come in parts.

    Raises
    ------
    SourceError
        If a table is missing, broken, or not of this format.
    """
    options: PatstatOptions = FORMAT.options_of(request)
    found = joining.tables_in(request.files, list(KINDS.values()), DIALECT)
    for kind in KINDS.values():
        joining.require(found, kind)
    with Staging() as staging:
        for name, kind in KINDS.items():
            columns = (*kind.needs, *kind.may_have)
            staging.add(name, found[name], columns, dialect=DIALECT, head_only=request.head_only)
        for statement in place_macros():
            staging.run(statement)
        for statement in _tables(options, head_only=request.head_only):
            staging.run(statement)
        if not request.head_only:
            request.left_out.update(staging.answers(_left_out(options)))
        yield from staging.rows(QUERY)


def _tables(options: PatstatOptions, *, head_only: bool) -> Iterator[str]:
    """Write the statements that choose the applications and find their first applicants."""
    # The heads of two tables seldom know the same applications: then those are taken that have a person.
    origin = "tls201_appln"
    if head_only:
        origin = "(SELECT DISTINCT appln_id FROM tls207_pers_appln) LEFT JOIN tls201_appln USING (appln_id)"
    conditions = [
        f"coalesce({column} IN ({', '.join(_quoted(value) for value in values)}), {head_only})"
        for column, values in (
            ("appln_kind", options.kinds),
            ("appln_auth", options.authorities),
        )
        if values
    ]
    yield f"""
        CREATE TEMP TABLE applications AS SELECT appln_id,
            nullif(min(TRY_CAST(appln_filing_year AS SMALLINT)), {NO_YEAR}) AS year
        FROM {origin} WHERE {" AND ".join(conditions) or "true"} GROUP BY appln_id
    """
    yield """
        CREATE TEMP TABLE applicants AS SELECT appln_id, min(coalesce(psn_name, person_name)) AS organisation
        FROM tls207_pers_appln JOIN applications USING (appln_id) JOIN tls206_person USING (person_id)
        WHERE TRY_CAST(applt_seq_nr AS INTEGER) = 1 GROUP BY appln_id
    """
    yield f"""
        CREATE TEMP VIEW persons AS SELECT person_id, person_ctry_code AS country, place_in(person_address) AS place,
            CASE WHEN TRY_CAST(nuts_level AS INTEGER) < {NO_NUTS_LEVEL} THEN nuts END AS region
        FROM tls206_person
    """


def _left_out(options: PatstatOptions) -> str:
    """Write the query that counts the applications that are not read, by reason."""
    kinds = ", ".join(_quoted(kind) for kind in options.kinds)
    other_kind = f"appln_kind IS NULL OR appln_kind NOT IN ({kinds})" if kinds else "false"
    return f"""
        SELECT CASE WHEN {other_kind} THEN concat('kind ', coalesce(appln_kind, 'not stated'))
            ELSE concat('office ', coalesce(appln_auth, 'not stated')) END, count(*)
        FROM tls201_appln ANTI JOIN applications USING (appln_id) GROUP BY ALL
        UNION ALL SELECT 'without an inventor', count(*) FROM applications ANTI JOIN
            (SELECT appln_id FROM tls207_pers_appln WHERE TRY_CAST(invt_seq_nr AS INTEGER) > 0) USING (appln_id)
    """


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


QUERY: Final = """
    SELECT t.appln_id AS document, t.person_id AS person, p.country, p.region, p.place, a.year, f.organisation,
        CASE WHEN p.place IS NOT NULL THEN 'place' WHEN p.region IS NOT NULL THEN 'region'
            WHEN p.country IS NOT NULL THEN 'country' END AS accuracy, t.file, t.row
    FROM tls207_pers_appln AS t JOIN applications AS a USING (appln_id)
    LEFT JOIN persons AS p USING (person_id) LEFT JOIN applicants AS f USING (appln_id)
    WHERE TRY_CAST(t.invt_seq_nr AS INTEGER) > 0
    ORDER BY document, t.file, t.row
"""


def _recognises(_member: Member, head: bytes) -> bool:
    names = joining.read_header(head, DIALECT).names
    return joining.is_kind(list(KINDS.values()), names) is not None


FORMAT: Final = Format(
    name="patstat",
    title="PATSTAT Global",
    read=read_patstat,
    options=PatstatOptions,
    recognises=_recognises,
    metric="patents",
)
