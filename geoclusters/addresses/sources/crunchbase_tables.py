"""The tables of a Crunchbase export: which file holds what, and what the company tables say of the companies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from geoclusters.addresses.sources.delimited import header_of, read_delimited
from geoclusters.addresses.sources.files import head_of, members

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geoclusters.addresses.sources.files import Member
    from geoclusters.addresses.sources.formats import Request

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "round": ("funding_round_uuid", "funding_round_permalink", "funding_round_id"),
    "type": ("funding_round_type", "investment_type"),
    "date": ("funded_at", "announced_on", "funded_year"),
    "amount": ("raised_amount_usd",),
    "company": ("company_uuid", "org_uuid", "company_permalink", "object_id"),
    "name": ("company_name", "org_name", "name"),
    "category": (
        "company_category_code",
        "company_category_list",
        "category_code",
        "category_groups_list",
        "category_group_list",
        "category_list",
    ),
    "country": ("company_country_code", "country_code"),
    "state": ("company_state_code", "state_code"),
    "metro": ("company_region", "region"),
    "city": ("company_city", "city"),
    "investor": ("investor_permalink", "investor_uuid", "investor_object_id"),
    "lat": ("latitude",),
    "lon": ("longitude",),
    "street": ("address1", "address"),
    "uuid": ("uuid",),
    "permalink": ("permalink",),
    "id": ("id",),
}
"""What is read, and the names under which the editions have it, the preferred first."""

ALL_NAMES: Final = frozenset(name for names in COLUMNS.values() for name in names)
ABOUT: Final = ("name", "category", "country", "state", "metro", "city")
OFFICE: Final = ("lat", "lon", "street")
COMPANY_KEYS: Final = ("uuid", "permalink", "id")
"""Columns by which rounds may name a row of a company table."""

Part = Literal["rounds", "investments", "companies", "offices"]
_WITH_NULLS: Final = pc.ScalarAggregateOptions(skip_nulls=False)


@dataclass(frozen=True)
class Table:
    """A file of the export, what it holds, and under which name it has each of our columns."""

    member: Member
    part: Part
    columns: dict[str, str]


@dataclass(frozen=True)
class Companies:
    """
    What is known of the companies that have rounds.

    Attributes
    ----------
    ids : pyarrow.Array of string
        Their ids, as the rounds name them.
    about, offices : pyarrow.Table or None
        String columns `ABOUT` and `OFFICE`, a row for each id; None where the export has no such table.
    """

    ids: pa.Array
    about: pa.Table | None = None
    offices: pa.Table | None = None


def tables_of(request: Request) -> list[Table]:
    """Tell the tables that are of use from those of other things, which are passed over."""
    found = []
    for member in members(list(request.files)):
        _, names = header_of(head_of(member), known=ALL_NAMES, encoding=request.encoding)
        part = part_of(names)
        if part:
            found.append(Table(member, part, _found(names)))
    return found


def _found(names: Sequence[str]) -> dict[str, str]:
    options = {ours: [n for n in theirs if n in names] for ours, theirs in COLUMNS.items()}
    return {ours: found[0] for ours, found in options.items() if found}


def part_of(names: Sequence[str]) -> Part | None:
    """
    Tell from its columns what a table holds; None for a table of other things.

    Examples
    --------
    >>> part_of(["company_permalink", "funding_round_type", "funded_at"])
    'rounds'
    >>> part_of(["uuid", "name", "city", "country_code", "num_funding_rounds"])
    'companies'
    """
    found = _found(names)
    if {"type", "date", "company"} <= found.keys():
        return "investments" if "investor" in found else "rounds"
    if {"lat", "lon", "company"} <= found.keys():
        return "offices"
    counts_rounds = not {"funding_rounds", "num_funding_rounds"}.isdisjoint(names)
    if {"name", "city", "country"} <= found.keys() and counts_rounds:
        return "companies"
    return None


def read_table(table: Table, request: Request) -> Iterator[pa.RecordBatch]:
    """Read a table under our names (the keys of `COLUMNS`); what it has not is null."""
    batches = read_delimited(
        table.member,
        wanted=set(table.columns.values()),
        encoding=request.encoding,
        head_only=request.head_only,
    )
    for batch in batches:
        arrays = [
            batch.column(table.columns[ours])
            if ours in table.columns
            else pa.nulls(batch.num_rows, pa.string())
            for ours in COLUMNS
        ]
        yield pa.RecordBatch.from_arrays(arrays, names=list(COLUMNS))


def read_companies(tables: Sequence[Table], rounds: Sequence[Table], request: Request) -> Companies:
    """Read of the company tables what concerns the companies of the rounds; the rest is let go while it is read."""
    about = [table for table in tables if table.part == "companies"]
    offices = [table for table in tables if table.part == "offices"]
    if not about and not offices:
        return Companies(pa.array([], pa.string()))
    named = [pc.unique(b.column("company")) for table in rounds for b in read_table(table, request)]
    ids = pc.drop_null(pc.unique(pa.chunked_array(named, pa.string())))
    return Companies(
        ids,
        _aligned([_of(batch, ids) for t in about for batch in read_table(t, request)], ABOUT, ids),
        _aligned(
            [_at(batch, ids) for t in offices for batch in read_table(t, request)], OFFICE, ids
        ),
    )


def _of(batch: pa.RecordBatch, ids: pa.Array) -> pa.Table:
    """Rows of companies that have rounds, under each of the ids that a company can have."""
    parts = []
    for key in COMPANY_KEYS:
        at = pc.index_in(batch.column(key), value_set=ids)
        parts.append(_numbered(batch, at, at.is_valid(), ABOUT))
    return pa.concat_tables(parts)


def _at(batch: pa.RecordBatch, ids: pa.Array) -> pa.Table:
    """Offices with coordinates of companies that have rounds."""
    at = pc.index_in(batch.column("company"), value_set=ids)
    placed = pc.and_(batch.column("lat").is_valid(), batch.column("lon").is_valid())
    return _numbered(batch, at, pc.and_(at.is_valid(), placed), OFFICE)


def _numbered(
    batch: pa.RecordBatch, at: pa.Array, keep: pa.Array, names: tuple[str, ...]
) -> pa.Table:
    order = pc.utf8_lpad(pc.fill_null(batch.column("id"), ""), width=12, padding="0")
    columns = {"at": at, "order": order, **{name: batch.column(name) for name in names}}
    return pa.table(columns).filter(keep)


def _aligned(parts: list[pa.Table], names: tuple[str, ...], ids: pa.Array) -> pa.Table | None:
    """Give one row for each id: of several the one with the lowest number, then by content."""
    if not parts:
        return None
    table = pa.concat_tables(parts)
    order = [(name, "ascending") for name in ("at", "order", *names)]
    groups = table.sort_by(order).group_by("at", use_threads=False)
    first = groups.aggregate([(name, "first", _WITH_NULLS) for name in names])
    where = pc.index_in(
        pa.array(range(len(ids)), pa.int32()), value_set=first["at"].combine_chunks()
    )
    return first.drop_columns("at").rename_columns(list(names)).take(where)
