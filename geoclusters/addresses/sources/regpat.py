"""Reads OECD REGPAT: inventors of international (PCT) and European (EPO) applications by region.

REGPAT has no coordinates. Its rows give a place and a region to be geocoded; a table of region centroids among the
files gives them the point of their region.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa

from geoclusters.addresses.sources import joining
from geoclusters.addresses.sources.formats import Format, Options, Request
from geoclusters.addresses.sources.joining import Dialect, Kind, TableFile
from geoclusters.addresses.sources.mending import mender
from geoclusters.addresses.sources.postal import place_macros
from geoclusters.addresses.sources.staging import Staging
from geoclusters.addresses.sources.technology import FIELDS, technology_of
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from geoclusters.addresses.sources.files import Member

    Tables = Mapping[str, list[TableFile]]

DIALECT: Final = Dialect("|;,\t", quoted=None, lower=True, mended=mender("|;,\t"))

Office = Literal["pct", "epo"]


class RegpatOptions(Options):
    """
    Options of the format.

    Attributes
    ----------
    office : {"pct", "epo"}, optional
        Which applications are read; by default those whose inventors are among the files.
    year : {"filing", "priority"}
        Which year of the table of IPC classes is the year of a document. "filing" falls back on the year in the
        application's number, for the PCT on that in the publication's number.
    region : {"code", "label"}
        Give regions by their code (NUTS 3 or TL 3), or by their name in REGPAT_REGIONS.
    """

    office: Office | None = None
    year: Literal["filing", "priority"] = "filing"
    region: Literal["code", "label"] = "code"


def _kind(name: str, holds: str, needs: str, may_have: str = "") -> Kind:
    # the edition stands before the name: 202401_EPO_Inv_reg.txt
    pattern = re.compile(rf"([0-9]+_)?{name}(\.|$)", re.IGNORECASE)
    return Kind(name, holds, pattern, tuple(needs.split()), tuple(may_have.split()))


_TO_MAIN_GROUP: Final = "^[A-H][0-9]{2}[A-Z]?[ -]*[0-9]{0,4}/?"
_INVENTOR: Final = "person_id address city inv_share reg_share"
KINDS: Final = {
    kind.name: kind
    for kind in (
        _kind(
            "PCT_Inv_reg",
            "inventors of international applications",
            "pct_nbr inv_name reg_code ctry_code",
            f"appln_id {_INVENTOR}",
        ),
        _kind("PCT_App_reg", "applicants", "pct_nbr app_name reg_code ctry_code"),
        _kind("PCT_IPC", "years of priority and filing", "pct_nbr prio_year app_year", "ipc"),
        _kind(
            "EPO_Inv_reg",
            "inventors of European applications",
            "app_nbr appln_id inv_name reg_code ctry_code",
            _INVENTOR,
        ),
        _kind("EPO_App_reg", "applicants", "appln_id app_name reg_code ctry_code"),
        _kind("EPO_IPC", "years of priority and filing", "appln_id prio_year app_year", "ipc"),
        _kind("REGPAT_REGIONS", "names of the regions", "reg_code reg_label"),
        _kind("region_centroids", "points of the regions", "reg_code lat lon"),
    )
}
"""Tables of REGPAT, and one of the user's own."""
CENTROIDS: Final = KINDS["region_centroids"]


@dataclass(frozen=True)
class _Source:
    """One office: start of its tables' names, column of its documents, and how a number tells the year."""

    prefix: str
    key: str
    number: str
    year: str


SOURCES: Final[dict[Office, _Source]] = {
    "pct": _Source("PCT", "pct_nbr", "pct_nbr", "^WO ?((?:19|20)[0-9]{2})"),
    "epo": _Source("EPO", "appln_id", "app_nbr", "^EP ?((?:19|20)[0-9]{2})[0-9]{5}"),
}


def read_regpat(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read REGPAT into batches of `schema.READ`, the rows of a document together.

    One row an inventor and region, as in the files. A document's fraction is split equally among its persons and a
    person's among the rows; that is ``inv_share`` times ``reg_share``, as far as regions share equally. `person` is
    ``person_id``, or where the table has none the name. `place` is ``city``, or what the last part of the address
    leaves without its postal code. `organisation` is the first applicant in the file, `field` the field of technology
    of WIPO that most of the document's IPC classes are of.

    Raises
    ------
    SourceError
        If a table is missing, twice there, broken, or not of this format.
    """
    options: RegpatOptions = FORMAT.options_of(request)
    found = joining.tables_in(request.files, list(KINDS.values()), DIALECT)
    source = SOURCES[options.office or _office(found)]
    _require(found, source, options)
    with Staging() as staging:
        _stage(staging, source, found, head_only=request.head_only)
        for statement in _tables(source):
            staging.run(statement)
        _find_fields(staging, source)
        if not request.head_only:
            request.left_out.update(staging.answers(LEFT_OUT))
        yield from staging.rows(_query(options))


def _office(found: Tables) -> Office:
    offices: list[Office] = [o for o, s in SOURCES.items() if f"{s.prefix}_Inv_reg" in found]
    if len(offices) > 1:
        raise SourceError(
            "inventors of both PCT_Inv_reg and EPO_Inv_reg are given, and many inventions stand in both; "
            'add options = { office = "pct" } or { office = "epo" }, or name the files of one'
        )
    return offices[0] if offices else "pct"


def _require(found: Tables, source: _Source, options: RegpatOptions) -> None:
    joining.require(found, KINDS[f"{source.prefix}_Inv_reg"])
    if options.year == "priority":
        why = "; options: year = 'priority' takes its year"
        joining.require(found, KINDS[f"{source.prefix}_IPC"], why=why)
    if options.region == "label":
        joining.require(found, KINDS["REGPAT_REGIONS"], why="; options: region = 'label'")


def _stage(staging: Staging, source: _Source, found: Tables, *, head_only: bool) -> None:
    for name, kind in KINDS.items():
        if name.startswith(("PCT_", "EPO_")) and not name.startswith(source.prefix):
            continue
        # a head of the centroids would place next to none of the first inventors
        only = head_only and name.startswith(source.prefix)
        staging.add(
            name.lower().removeprefix(f"{source.prefix.lower()}_"),
            joining.one_of(found, name),
            (*kind.needs, *kind.may_have),
            dialect=DIALECT,
            head_only=only,
        )


def _find_fields(staging: Staging, source: _Source) -> None:
    """Make the table `fields`: of each document the field of technology that most of its classes are of."""
    symbol = f"regexp_extract(plain(ipc), '{_TO_MAIN_GROUP}')"
    symbols = [found for (found,) in staging.answers(f"SELECT DISTINCT {symbol} FROM ipc") if found]
    known = {s: f for s in symbols if (f := technology_of(s)) is not None}
    order = list(FIELDS)
    columns = {
        "symbol": pa.array(known, pa.string()),
        "field": pa.array(known.values(), pa.string()),
        "number": pa.array([order.index(field) for field in known.values()], pa.int32()),
    }
    staging.connection.register("technology", pa.table(columns))
    staging.run(f"""
        CREATE TEMP TABLE fields AS SELECT key, arg_max(field, {len(order)} * n - number) AS field FROM (
            SELECT plain({source.key}) AS key, t.field, t.number, count(*) AS n
            FROM ipc JOIN technology AS t ON {symbol} = t.symbol GROUP BY ALL
        ) GROUP BY key
    """)


PLAIN: Final = """
    CREATE MACRO plain(value) AS nullif(trim(CASE
        WHEN value LIKE '"%"' THEN replace(value[2:-2], '""', '"') ELSE value END), '')
"""
"""Value without the quotes around it: in files whose first line has none, only some values are quoted."""


def _tables(source: _Source) -> Iterator[str]:
    """Write the statements that make one row a document and a region."""
    key = source.key
    yield PLAIN
    yield from place_macros()
    year = "min(TRY_CAST(plain({}) AS SMALLINT))"
    yield f"""
        CREATE TEMP TABLE documents AS SELECT * FROM (
            SELECT plain({key}) AS key, {year.format("app_year")} AS filing, {year.format("prio_year")} AS priority
            FROM ipc GROUP BY ALL
        ) FULL JOIN (
            SELECT plain({key}) AS key, arg_min(plain(app_name), row) AS organisation FROM app_reg GROUP BY ALL
        ) USING (key)
    """
    yield """
        CREATE TEMP TABLE regions AS SELECT * FROM (
            SELECT plain(reg_code) AS code, min(TRY_CAST(replace(plain(lat), ',', '.') AS DOUBLE)) AS lat,
                min(TRY_CAST(replace(plain(lon), ',', '.') AS DOUBLE)) AS lon
            FROM region_centroids GROUP BY ALL
        ) FULL JOIN (
            SELECT plain(reg_code) AS code, min(plain(reg_label)) AS label FROM regpat_regions GROUP BY ALL
        ) USING (code)
    """
    yield f"""
        CREATE TEMP VIEW people AS SELECT plain({key}) AS key, coalesce(plain(person_id), lower(plain(inv_name)))
            AS person, plain(ctry_code) AS country, {_regional("plain(reg_code)")} AS code,
            coalesce(plain(city), place_in(plain(address))) AS place,
            TRY_CAST(regexp_extract(plain({source.number}), '{source.year}', 1) AS SMALLINT) AS numbered, file, row
        FROM inv_reg
    """


LEFT_OUT: Final = """
    SELECT 'without an inventor', count(*) FROM documents ANTI JOIN people USING (key)
"""
"""Applications that have classes or an applicant, and no inventor."""


def _regional(code: str) -> str:
    """Leave out codes that say that the address could not be given to a region: FRZZZ."""
    return f"CASE WHEN {code} NOT LIKE '%ZZ' THEN {code} END"


def _query(options: RegpatOptions) -> str:
    year = {"filing": "coalesce(d.filing, p.numbered)", "priority": "d.priority"}[options.year]
    region = {"code": "p.code", "label": "coalesce(r.label, p.code)"}[options.region]
    return f"""
        SELECT p.key AS document, p.person, r.lat, r.lon, p.country, {region} AS region, p.place,
            {year} AS year, d.organisation, f.field,
            CASE WHEN r.lat IS NOT NULL AND r.lon IS NOT NULL THEN 'region' WHEN p.place IS NOT NULL THEN 'place'
                WHEN p.code IS NOT NULL THEN 'region' WHEN p.country IS NOT NULL THEN 'country' END AS accuracy,
            p.file, p.row
        FROM people AS p LEFT JOIN documents AS d USING (key) LEFT JOIN fields AS f USING (key)
        LEFT JOIN regions AS r USING (code)
        ORDER BY document, row
    """


def _recognises(_member: Member, head: bytes) -> bool:
    names = joining.read_header(head, DIALECT).names
    kind = joining.is_kind(list(KINDS.values()), names)
    return kind is not None and kind is not CENTROIDS


def _accompanies(_member: Member, head: bytes) -> bool:
    return set(CENTROIDS.needs) <= set(joining.read_header(head, DIALECT).names)


FORMAT: Final = Format(
    name="regpat",
    title="OECD REGPAT",
    read=read_regpat,
    options=RegpatOptions,
    recognises=_recognises,
    metric="patents",
    accompanies=_accompanies,
    fallbacks=({"office": "pct"},),
)
