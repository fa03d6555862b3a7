"""Reads Crunchbase exports: funding rounds joined with the companies that got them.

All editions have the same few tables under changing names of columns: rounds (one row a round), investments (one row a
round and investor), companies or organisations, and in the database snapshot of 2013 offices. A table is known by its
columns, not by its name. Where a round says itself where its company sits, no company table is needed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from geoclusters import schema
from geoclusters.addresses.sources.crunchbase_places import (
    country_code,
    named_city,
    region_name,
)
from geoclusters.addresses.sources.crunchbase_tables import (
    ABOUT,
    ALL_NAMES,
    OFFICE,
    Companies,
    Table,
    part_of,
    read_companies,
    read_table,
    tables_of,
)
from geoclusters.addresses.sources.delimited import header_of
from geoclusters.addresses.sources.files import place_of
from geoclusters.addresses.sources.formats import Format, Options, Request
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from geoclusters.addresses.sources.files import Member

VENTURE: Final = ("pre_seed", "seed", "angel", "venture", "series")
SERIES: Final = ("series_c+", "series_unknown", *(f"series_{letter}" for letter in "abcdefghij"))
OTHER_TYPES: Final = (
    "convertible_note",
    "corporate_round",
    "crowdfunding",
    "debt_financing",
    "equity_crowdfunding",
    "grant",
    "initial_coin_offering",
    "non_equity_assistance",
    "other",
    "partner",
    "post_ipo",
    "post_ipo_debt",
    "post_ipo_equity",
    "post_ipo_secondary",
    "private_equity",
    "product_crowdfunding",
    "secondary_market",
    "undisclosed",
)
ROUND_TYPES: Final = frozenset((*VENTURE, *SERIES, *OTHER_TYPES))
"""Types of rounds over all editions, in small letters with underscores; `series` stands for all series."""

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
PLACE: Final = ("country", "state", "metro", "city")
_DATES: Final = (re.compile(r"(\d{4})(?:-\d|$)"), re.compile(r"\d{1,2}/\d{1,2}/(\d{4})"))
_NOT_A_NAME: Final = re.compile(r"#[A-Z0-9/]+[?!]?")
_BETWEEN_CATEGORIES: Final = re.compile(r"[|,]")


class CrunchbaseOptions(Options):
    """
    Options of the format.

    Attributes
    ----------
    round_types : list of str
        Types of rounds that are taken; "series" stands for all series.
    count : {"rounds", "companies"}
        What a document is: a round, or a company, which then shares its one document among its rounds in the window.
    """

    round_types: list[str] = Field(default_factory=lambda: list(VENTURE), min_length=1)
    count: Literal["rounds", "companies"] = "rounds"

    @field_validator("round_types")
    @classmethod
    def _known(cls, given: list[str]) -> list[str]:
        for name in given:
            if normal_type(name) not in ROUND_TYPES:
                message = f"{name!r} is no type of round; known: {', '.join(sorted(ROUND_TYPES))}"
                raise ValueError(message)
        return [normal_type(name) for name in given]


def normal_type(name: str) -> str:
    """
    Type of a round as all editions can be compared.

    Examples
    --------
    >>> normal_type("Series-A"), normal_type("post_ipo_equity")
    ('series_a', 'post_ipo_equity')
    """
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def read_crunchbase(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read funding rounds into batches of `schema.READ`, a row a round.

    Parameters
    ----------
    request : Request
        Files of one export, also .gz or in a .zip: rounds or investments or both, and companies where the rounds do not
        say where their companies sit. Tables of other things are passed over.

    Yields
    ------
    pyarrow.RecordBatch
        `document` is the id of the round, or where the edition has none its company, date, type and amount; `person` is
        null; `place`, `region`, `country` are those of the company's seat.

    Raises
    ------
    SourceError
        If there is no table of rounds, the companies are missing, or a file is broken.
    """
    options = FORMAT.options_of(request)
    tables = tables_of(request)
    rounds = [table for part in ("rounds", "investments") for table in tables if table.part == part]
    _check(request.files, tables, rounds)
    companies = read_companies(tables, rounds, request)
    take = frozenset(options.round_types)
    seen: set[str] = set()
    for table in rounds:
        first_row = 1
        for batch in read_table(table, request):
            row = pa.array(np.arange(first_row, first_row + batch.num_rows))
            first_row += batch.num_rows
            each = _once(_with_id(batch.append_column("row", row)), seen)
            taken = _is_taken(each, take)
            part = each.filter(taken)
            request.left_out.add_all(_left_out(each.filter(pc.invert(taken))))
            if part.num_rows:
                yield _canonical(part, table, companies, count=options.count)


def _check(files: Sequence[Path], tables: list[Table], rounds: list[Table]) -> None:
    if not rounds:
        held = ", ".join(f"{t.member.label} ({t.part})" for t in tables) or "no table of Crunchbase"
        raise SourceError(
            f"{', '.join(str(f) for f in files)}: there is no table of funding rounds; found: {held}; add the rounds: "
            "a CSV with funding_round_type or investment_type, and funded_at or announced_on"
        )
    has_companies = any(table.part in {"companies", "offices"} for table in tables)
    for table in rounds:
        if "city" not in table.columns and not has_companies:
            raise SourceError(
                f"{place_of(table.member)}: the rounds do not say where their companies sit, and no table of companies "
                "is among the files of the source; add organizations.csv, companies.csv or objects.csv to 'path'"
            )


def _is_taken(batch: pa.RecordBatch, take: frozenset[str]) -> pa.Array:
    """Tell which rounds are of the types that are taken; each distinct type is looked up once."""
    return _mapped(batch.column("type"), lambda name: _taken(normal_type(name), take), pa.bool_())


def _left_out(batch: pa.RecordBatch) -> pa.Array:
    """Say why each of some rounds is not taken: its type."""
    kinds = _mapped(batch.column("type"), lambda name: f"type {normal_type(name)}", pa.string())
    return pc.fill_null(kinds, "type not stated")


def _taken(kind: str, take: frozenset[str]) -> bool:
    return kind in take or ("series" in take and kind.startswith("series_"))


def _mapped(column: pa.Array, of: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    """Apply a function to each distinct text; null stays null, in flags it is False."""
    encoded = column.dictionary_encode()
    values = pa.array([of(text) for text in encoded.dictionary.to_pylist()], kind)
    found = values.take(encoded.indices)
    return pc.fill_null(found, fill_value=False) if kind == pa.bool_() else found


def _with_id(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Add the id of each round: its own, or what tells it from the other rounds."""
    parts = [pc.fill_null(batch.column(n), "") for n in ("company", "date", "type", "amount")]
    made = pc.binary_join_element_wise(*parts, " ")
    made = pc.if_else(batch.column("company").is_null(), pa.scalar(None, pa.string()), made)
    return batch.append_column(
        "of_round", pc.coalesce(batch.column("round"), batch.column("uuid"), made)
    )


def _once(batch: pa.RecordBatch, seen: set[str]) -> pa.RecordBatch:
    """Keep one row of each round: investments have one for each investor."""
    keep = []
    for key in batch.column("of_round").to_pylist():
        keep.append(key is None or key not in seen)
        if key is not None:
            seen.add(key)
    return batch.filter(pa.array(keep, pa.bool_()))


def _canonical(
    batch: pa.RecordBatch, table: Table, companies: Companies, *, count: str
) -> pa.RecordBatch:
    """Bring rounds into the columns of `schema.READ`."""
    at = pc.index_in(batch.column("company"), value_set=companies.ids)
    own = {name: batch.column(name) for name in ABOUT}
    joined = {name: _looked_up(companies.about, name, at) for name in ABOUT}
    names = {name: pc.coalesce(own[name], joined[name]) for name in ("name", "category")}
    place = _place(own, joined)
    office = _office(companies.offices, at)
    document = batch.column("of_round")
    if count == "companies":
        document = pc.coalesce(batch.column("company"), document)
    given = {
        "document": document,
        "lat": office["lat"],
        "lon": office["lon"],
        **place,
        "accuracy": pc.coalesce(office["accuracy"], place["accuracy"]),
        "year": _mapped(batch.column("date"), _year, pa.int16()),
        "organisation": _company_names(names["name"], batch.column("company")),
        "field": _mapped(names["category"], _category, pa.string()),
        "file": pa.repeat(pa.scalar(table.member.label), batch.num_rows),
        "row": batch.column("row"),
    }
    layout = schema.READ.arrow()
    columns = [given.get(f.name, pa.nulls(batch.num_rows, f.type)) for f in layout]
    return pa.RecordBatch.from_arrays(columns, schema=layout)


def _looked_up(table: pa.Table | None, name: str, at: pa.Array) -> pa.Array:
    if table is None:
        return pa.nulls(len(at), pa.string())
    return table[name].take(at).combine_chunks()


def _place(own: dict[str, pa.Array], joined: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Place, region and country: of the round, or all of the company where the round gives no city."""
    use_own = own["city"].is_valid()
    raw = {
        name: pc.if_else(use_own, own[name], pc.coalesce(joined[name], own[name])).to_pylist()
        for name in PLACE
    }
    keys = list(zip(*(raw[name] for name in PLACE), strict=True))
    found = {key: _resolved(*key) for key in dict.fromkeys(keys)}
    columns = zip(*(found[key] for key in keys), strict=True)
    named = ("place", "region", "country", "accuracy")
    return {n: pa.array(list(v), pa.string()) for n, v in zip(named, columns, strict=True)}


def _resolved(
    country: str | None, state: str | None, metro: str | None, city: str | None
) -> tuple[str | None, str | None, str | None, str | None]:
    code = country_code(country)
    region = region_name(code, state)
    place = named_city(city) or named_city(metro)
    levels = (("place", place), ("region", region), ("country", code))
    accuracy = next((level for level, value in levels if value), None)
    return place, region, code, accuracy


def _office(offices: pa.Table | None, at: pa.Array) -> dict[str, pa.Array]:
    """Coordinates of the companies' offices, and how fine they are."""
    lat, lon, street = (_looked_up(offices, name, at) for name in OFFICE)
    position = [_number(column) for column in (lat, lon)]
    known = pc.and_(position[0].is_valid(), position[1].is_valid())
    level = pc.if_else(street.is_valid(), pa.scalar("street"), pa.scalar("place"))
    return {
        "lat": pc.if_else(known, position[0], pa.scalar(None, pa.float64())),
        "lon": pc.if_else(known, position[1], pa.scalar(None, pa.float64())),
        "accuracy": pc.if_else(known, level, pa.scalar(None, pa.string())),
    }


def _number(column: pa.Array) -> pa.Array:
    looks = pc.match_substring_regex(column, r"^-?\d{1,3}(\.\d*)?$")
    return pc.if_else(looks, column, pa.scalar(None, pa.string())).cast(pa.float64())


def _year(date: str) -> int | None:
    """
    Year of a date; years before 1900 are slips of the hand.

    Examples
    --------
    >>> _year("2013-10-17"), _year("1/3/2013"), _year("2014"), _year("0201-07-01")
    (2013, 2013, 2014, None)
    """
    found = next((match for pattern in _DATES if (match := pattern.match(date))), None)
    year = int(found[1]) if found else 0
    return year if FIRST_YEAR <= year <= LAST_YEAR else None


def _category(text: str) -> str | None:
    """First of the categories, which an edition may begin with a bar."""
    return next((part.strip() for part in _BETWEEN_CATEGORIES.split(text) if part.strip()), None)


def _company_names(names: pa.Array, ids: pa.Array) -> pa.Array:
    """Names, and where a spreadsheet has made an error value of one, the last part of its permalink."""
    broken = pc.fill_null(pc.match_substring_regex(names, f"^{_NOT_A_NAME.pattern}$"), True)
    link = pc.if_else(pc.match_substring(ids, "/"), ids, pa.scalar(None, pa.string()))
    return pc.if_else(broken, pc.replace_substring_regex(link, r"^.*/", ""), names)


def _recognises(_member: Member, head: bytes) -> bool:
    _, names = header_of(head, known=ALL_NAMES)
    return part_of(names) is not None


FORMAT: Final = Format(
    name="crunchbase",
    title="Crunchbase export: funding rounds and companies",
    read=read_crunchbase,
    options=CrunchbaseOptions,
    recognises=_recognises,
    metric="vc_deals",
)
