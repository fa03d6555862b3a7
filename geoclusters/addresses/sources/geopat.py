"""Reads the geocoded worldwide patents of de Rassenfosse, Kozak and Seliger: first filings of many offices.

The files ``geoc_inv.txt`` (by inventor) and ``geoc_app.txt`` (by applicant) hold one row an application and place,
with coordinates; they do not say which inventor lives where.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from geoclusters.addresses.sources import joining
from geoclusters.addresses.sources.columns import ColumnError, canonical
from geoclusters.addresses.sources.files import place_of
from geoclusters.addresses.sources.formats import Format, LeftOut, Options, Request
from geoclusters.addresses.sources.joining import Dialect, Kind, TableFile
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geoclusters.addresses.sources.files import Member

DIALECT: Final = Dialect(",;\t|", lower=True)
NEEDS: Final = ("appln_id", "filing_date", "lat", "lng", "ctry_code")
MAY_HAVE: Final = (*(f"name_{level}" for level in range(6)), "city", "source")
PLACE_LEVELS: Final = tuple(f"name_{level}" for level in range(5, 1, -1))
"""Names of administrative areas below the region, from the finest."""
COLUMNS: Final = {
    "document": "appln_id",
    "lat": "lat",
    "lon": "lng",
    "country": "country",
    "region": "name_1",
    "place": "place",
    "year": "year",
    "accuracy": "accuracy",
}
YEAR: Final = "(?P<year>(?:1[789]|20)[0-9]{2})"
KINDS: Final = {
    name: Kind(name, holds, re.compile(rf"{name}(\.|$)", re.IGNORECASE), NEEDS, MAY_HAVE)
    for name, holds in (
        ("geoc_inv", "places of inventors"),
        ("geoc_app", "places of applicants"),
    )
}


class GeopatOptions(Options):
    """
    Options of the format.

    Attributes
    ----------
    keep : tuple of int
        Values of the column ``source`` that are read; empty: all. 1 is the patent itself, 2 its earliest direct
        equivalent, 3 its earliest other later filing; 4 to 6 are the same of the other side: in the file of inventors
        the places of applicants.
    """

    keep: tuple[Annotated[int, Field(ge=1, le=6)], ...] = Field((1, 2, 3), strict=False)


def read_geopat(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read geocoded patents into batches of `schema.READ`, row by row as they stand in the file.

    `person` is null: each row of an application has an equal part of it. `place` is ``city`` or the finest named area
    below the region, `region` is ``name_1``. `accuracy` is derived from the names: "place" where a city or an area
    below the region is named, else "region" or "country".

    Raises
    ------
    SourceError
        If inventors and applicants are given together, or a file is broken or not of this format.
    """
    options: GeopatOptions = FORMAT.options_of(request)
    found = joining.tables_in(request.files, list(KINDS.values()), DIALECT)
    if len(found) > 1:
        raise SourceError(
            "both geoc_inv (places of inventors) and geoc_app (places of applicants) are given; "
            "name one of them under 'path'"
        )
    for table in (table for tables in found.values() for table in tables):
        kept = _kept(table, options)
        first_row = 1
        for batch in joining.text_batches(
            table, (*NEEDS, *MAY_HAVE), DIALECT, head_only=request.head_only
        ):
            yield from _read(batch, table.member, first_row, kept, request.left_out)
            first_row += batch.num_rows


def _kept(table: TableFile, options: GeopatOptions) -> tuple[int, ...]:
    if "source" in table.head.names:
        return options.keep
    if "keep" in options.model_fields_set and options.keep:
        raise SourceError(
            f"{place_of(table.member)}: options: keep = {list(options.keep)} needs the column 'source'; "
            f"the file has: {', '.join(table.head.names)}; leave the option out to read all rows"
        )
    return ()


def _read(
    batch: pa.RecordBatch,
    member: Member,
    first_row: int,
    kept: tuple[int, ...],
    left_out: LeftOut,
) -> Iterator[pa.RecordBatch]:
    named = _named(batch)
    columns = {ours: theirs for ours, theirs in COLUMNS.items() if theirs in named}
    given = pa.RecordBatch.from_pydict(named)
    try:
        rows = canonical(given, columns, file=member.label, first_row=first_row)
    except ColumnError as error:
        raise SourceError(f"{place_of(member)}: {error}") from None
    if kept:
        text = pc.fill_null(pc.utf8_trim_whitespace(named["source"]), "not stated")
        taken = pc.is_in(text, value_set=pa.array([str(value) for value in kept]))
        rows = rows.filter(taken)
        others = text.filter(pc.invert(taken))
        left_out.add_all(pc.binary_join_element_wise("rows of source", others, " "))
    if rows.num_rows:
        yield rows


def _named(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """Give the columns of a file and those that follow from them."""
    given = dict(zip(batch.schema.names, batch.columns, strict=True))
    nothing = pa.nulls(batch.num_rows, pa.string())
    country = pc.coalesce(given["ctry_code"], given.get("name_0", nothing))
    region = given.get("name_1", nothing)
    place = pc.coalesce(*(given.get(name, nothing) for name in ("city", *PLACE_LEVELS)))
    year = pc.extract_regex(given["filing_date"], YEAR)
    return {
        **given,
        "country": country,
        "name_1": region,
        "place": place,
        "year": pc.struct_field(year, "year"),
        "accuracy": _accuracy(place=place, region=region, country=country),
    }


def _accuracy(**levels: pa.Array) -> pa.Array:
    """Give the finest level that has a name."""
    nothing = pa.scalar(None, pa.string())
    return pc.coalesce(
        *(pc.if_else(pc.is_valid(names), level, nothing) for level, names in levels.items())
    )


def _recognises(_member: Member, head: bytes) -> bool:
    return set(NEEDS) <= set(joining.read_header(head, DIALECT).names)


FORMAT: Final = Format(
    name="geopat",
    title="geocoded worldwide patents",
    read=read_geopat,
    options=GeopatOptions,
    recognises=_recognises,
    metric="patents",
)
