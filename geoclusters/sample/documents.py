"""Blocks of documents of the sample world: teams, places, organisations, years, fields, faults.

A block is drawn from its own stream of random numbers, so it does not matter in which order, or on
how many threads, blocks are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoclusters.sample.dirt import (
    KINDS,
    MISSING_YEAR_RATE,
    N_SPELLINGS,
    draw_kinds,
    rows_of,
    spelling,
    spoil_coordinates,
)
from geoclusters.sample.seats import METRICS
from geoclusters.sample.world import FIELDS, FIRST_YEAR, LAST_YEAR, YEARS, World, scatter

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK_DOCUMENTS: Final = 32_768

TEAM_SIZES: Final = {
    "patents": (0.22, 0.26, 0.20, 0.13, 0.08, 0.05, 0.04, 0.02),
    "publications": (0.16, 0.21, 0.22, 0.17, 0.11, 0.06, 0.04, 0.03),
    "vc_deals": (1.0,),
}
"""How many documents have 1, 2, … 8 persons."""

AFFILIATIONS: Final = {
    "patents": (1.0,),
    "publications": (0.88, 0.10, 0.02),
    "vc_deals": (0.96, 0.04),
}
"""How many persons have 1, 2, 3 addresses; of deals: companies with a second office."""

SAME_CENTRE: Final = {"patents": 0.80, "publications": 0.68, "vc_deals": 0.5}
"""Part of the further addresses of a document that lie in the centre of the first."""

SNAPPED: Final = 0.25
"""Part of the addresses that a geocoder set on the point of their city."""

AT_INSTITUTE: Final = 0.60
"""Part of the publications' addresses that stand on the point of their institute."""

DECIMALS: Final = (5, 4, 2)
DECIMALS_PART: Final = (0.55, 0.85, 1.0)
"""Decimals of the other coordinates and the running part of the rows that have as many."""

NUDGE_DEGREES: Final = 0.0011
"""Two addresses of one person stand at least this far apart, or one would be a duplicate."""


@dataclass(frozen=True)
class Block:
    """
    Documents of one metric as the source's table, and what was put into it.

    Attributes
    ----------
    table : pyarrow.Table
    counts : dict
        Rows, documents and faults, to be added up over blocks; see `add_counts`.
    """

    table: pa.Table
    counts: dict[str, Any]


@dataclass
class _Rows:
    """Columns of a block while it is made; one element a row, but for those named ``of_``."""

    document: Ints
    person: Ints
    part: Ints
    seat: Ints
    home_of: Ints


def draw_block(world: World, metric: str, *, block: int, documents: int, seed: int) -> Block:
    """
    Draw one block of a metric's documents.

    Parameters
    ----------
    world : World
    metric : str
        One of `METRICS`.
    block : int
        Number of the block, from 0.
    documents : int
        Documents of the metric in all blocks together.
    seed : int

    Examples
    --------
    >>> from geoclusters.sample.world import make_world
    >>> block = draw_block(make_world(), "patents", block=0, documents=5, seed=1)
    >>> block.counts["documents"]
    5
    """
    key = (METRICS.index(metric), block)
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))
    start = block * BLOCK_DOCUMENTS
    n = min(BLOCK_DOCUMENTS, documents - start)
    rows = _draw_rows(world, metric, n, rng)
    year_of, field_of = _draw_years_and_fields(world, metric, rows.home_of, rng)
    organisation = _draw_organisations(world, metric, rows, rng)
    lat, lon = _draw_points(world, metric, rows, organisation, rng)
    economy = world.economy[rows.seat]
    kind = draw_kinds(metric, len(rows.seat), rng)
    spoil_coordinates(kind, lat, lon, economy, world=world, rng=rng)
    counts = _count(kind, rows, year_of)
    country = _country_indices(world, economy, kind, rng)
    doubled = np.repeat(np.arange(len(kind)), 1 + (kind == KINDS.index("duplicate_row")))
    document = rows.document[doubled]
    columns = {
        "document": document + start,
        "person": rows.person[doubled] + start * 8,
        "lat": _nullable(lat[doubled]),
        "lon": _nullable(lon[doubled]),
        "country": _countries(world, metric).take(_nullable_indices(country[doubled])),
        "year": _nullable_years(year_of[document]),
        "organisation": _taken(world.organisations[metric].name, organisation[doubled]),
        "field": _taken(pa.array(FIELDS[metric]), field_of[document]),
    }
    if metric == "vc_deals":
        columns["city"] = _cities(world, rows.seat, kind)
    return Block(_LAYOUTS[metric](columns), counts)


def add_counts(total: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """
    Add up the counts of two blocks.

    Examples
    --------
    >>> add_counts({"rows": 2, "faults": {"a": 1}}, {"rows": 3, "faults": {"a": 1}})
    {'rows': 5, 'faults': {'a': 2}}
    """
    return {
        key: add_counts(total.get(key, {}), value)
        if isinstance(value, dict)
        else total.get(key, 0) + value
        for key, value in more.items()
    }


def _pick(parts: tuple[float, ...], n: int, rng: np.random.Generator) -> Ints:
    """Draw 1, 2, … as often as `parts` says."""
    edges = np.cumsum(parts)[:-1]
    return np.searchsorted(edges, rng.random(n), side="right") + 1


def _draw_rows(world: World, metric: str, n: int, rng: np.random.Generator) -> _Rows:
    running = world.cumulative[metric]
    home_of = _seat_at(running, rng.random(n) * running[-1])
    team = _pick(TEAM_SIZES[metric], n, rng)
    document = np.repeat(np.arange(n), team)
    member = np.arange(len(document)) - np.repeat(np.cumsum(team) - team, team)
    addresses = _pick(AFFILIATIONS[metric], len(document), rng)
    part = np.arange(addresses.sum()) - np.repeat(np.cumsum(addresses) - addresses, addresses)
    document, member = np.repeat(document, addresses), np.repeat(member, addresses)
    seat = home_of[document]
    further = np.flatnonzero((member > 0) | (part > 0))
    seat[further] = _draw_further(world, metric, seat[further], rng)
    return _Rows(document, document * 8 + member, part, seat, home_of)


def _seat_at(running: Floats, value: Floats) -> Ints:
    return np.minimum(np.searchsorted(running, value, side="right"), len(running) - 1)


def _draw_further(world: World, metric: str, home: Ints, rng: np.random.Generator) -> Ints:
    """Draw the seat of a further address: in the centre of the first, or in a partner of it."""
    centre = world.centre[home]
    abroad = np.flatnonzero(rng.random(len(home)) >= SAME_CENTRE[metric])
    at = rng.random(len(abroad))
    choice = (at[:, None] > world.partner_cumulative[centre[abroad]]).sum(axis=1)
    choice = np.minimum(choice, world.partner.shape[1] - 1)
    centre[abroad] = world.partner[centre[abroad], choice]
    running = world.cumulative[metric]
    first, last = world.first[centre], world.first[centre + 1] - 1
    low = np.where(first > 0, running[first - 1], 0.0)
    value = low + rng.random(len(home)) * (running[last] - low)
    return np.clip(_seat_at(running, value), first, last)


def _draw_years_and_fields(
    world: World, metric: str, home_of: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Year (0 = missing) and field of each document."""
    at = rng.random(len(home_of))[:, None]
    year = YEARS[(at > world.year_cumulative[world.economy[home_of]][:, :-1]).sum(axis=1)]
    year[rng.random(len(year)) < MISSING_YEAR_RATE] = 0
    where = rng.random(len(home_of), dtype=np.float32)[:, None]
    mix = world.field_cumulative[metric][world.centre[home_of]]
    return year, (where > mix[:, :-1]).sum(axis=1)


def _draw_organisations(world: World, metric: str, rows: _Rows, rng: np.random.Generator) -> Ints:
    """Draw an institute for each address of an article; else one firm for the whole document."""
    organisations = world.organisations[metric]
    if metric == "publications":
        return organisations.draw(rows.seat, rng)
    return organisations.draw(rows.home_of, rng)[rows.document]


def _draw_points(
    world: World, metric: str, rows: _Rows, organisation: Ints, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw the coordinates: scattered, on the institute, or snapped to the city."""
    lat, lon = scatter(world.geometry, rows.seat, rng)
    _round(lat, lon, rng)
    where = rng.random(len(lat), dtype=np.float32)
    if metric == "publications":
        there = np.flatnonzero(where >= 1.0 - AT_INSTITUTE)
        lat[there] = world.organisation_lat[organisation[there]]
        lon[there] = world.organisation_lon[organisation[there]]
    snapped = np.flatnonzero(where < SNAPPED)
    lat[snapped] = world.geometry.lat[rows.seat[snapped]]
    lon[snapped] = world.geometry.lon[rows.seat[snapped]]
    _part_addresses(rows, lat, lon)
    return lat, lon


def _round(lat: Floats, lon: Floats, rng: np.random.Generator) -> None:
    fineness = np.searchsorted(DECIMALS_PART, rng.random(len(lat)), side="right")
    scale = 10.0 ** np.array(DECIMALS)[fineness]
    np.rint(lat * scale, out=lat)
    np.rint(lon * scale, out=lon)
    lat /= scale
    lon /= scale


def _part_addresses(rows: _Rows, lat: Floats, lon: Floats) -> None:
    """Move a person's further address off the earlier ones where it has the same point."""
    for part, back in ((1, 1), (2, 2), (2, 1)):
        later = np.flatnonzero(rows.part == part)
        same = (lat[later] == lat[later - back]) & (lon[later] == lon[later - back])
        lat[later[same]] += NUDGE_DEGREES * part


def _count(kind: npt.NDArray[np.int8], rows: _Rows, year_of: Ints) -> dict[str, Any]:
    inside_of = (year_of >= FIRST_YEAR) & (year_of <= LAST_YEAR)
    inside = inside_of[rows.document]
    faults = {}
    for name in KINDS:
        hit = rows_of(kind, name)
        faults[name] = {
            "rows": len(hit),
            "rows_in_window": int(inside[hit].sum()),
            "documents": len(np.unique(rows.document[hit])),
        }
    repeated = faults["duplicate_row"]
    return {
        "rows": len(kind) + repeated["rows"],
        "rows_in_window": int(inside.sum()) + repeated["rows_in_window"],
        "persons": int((rows.part == 0).sum()),
        "documents": len(year_of),
        "documents_in_window": int(inside_of.sum()),
        "documents_without_year": int((year_of == 0).sum()),
        "rows_without_year": int((year_of[rows.document] == 0).sum())
        + int((year_of[rows.document[rows_of(kind, "duplicate_row")]] == 0).sum()),
        "faults": faults,
    }


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _nullable_years(year: Ints) -> pa.Array:
    return pa.array(year.astype(np.int16), mask=year == 0)


def _taken(values: pa.Array, rows: Ints) -> pa.Array:
    return values.take(pa.array(rows))


def _country_indices(
    world: World, economy: Ints, kind: npt.NDArray[np.int8], rng: np.random.Generator
) -> Ints:
    """Position of each row's country in `_countries`; -1 where it is missing."""
    index = economy.copy()
    odd = rows_of(kind, "country_spelling")
    index[odd] += len(world.economies) * rng.integers(1, 1 + N_SPELLINGS, size=len(odd))
    index[rows_of(kind, "missing_country")] = -1
    return index


def _countries(world: World, metric: str) -> pa.Array:
    """Give the codes of all economies (alpha-2; alpha-3 for deals), then their other spellings."""
    codes = world.iso3 if metric == "vc_deals" else world.economies
    return pa.array(codes + [spelling(c, k) for k in range(N_SPELLINGS) for c in world.economies])


def _nullable_indices(index: Ints) -> pa.Array:
    return pa.array(index, mask=index < 0)


def _cities(world: World, seat: Ints, kind: npt.NDArray[np.int8]) -> pa.Array:
    wrong = kind == KINDS.index("misspelt_city")
    return world.city_names.take(pa.array(seat + wrong * len(world.seats)))


def _labels(prefix: str, numbers: Ints, digits: int) -> pa.StringArray:
    """Write numbers as fixed-width texts, such as "P0000042", without a loop over rows."""
    width = len(prefix) + digits
    text = np.empty((len(numbers), width), dtype=np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    rest = numbers.copy()
    for column in range(width - 1, len(prefix) - 1, -1):
        rest, digit = np.divmod(rest, 10)
        text[:, column] = digit + ord("0")
    offsets = np.arange(0, (len(numbers) + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(
        len(numbers), pa.py_buffer(offsets), pa.py_buffer(text.tobytes())
    )


def _patents(columns: dict[str, Any]) -> pa.Table:
    return pa.table(
        {
            "patent_id": _labels("P", columns["document"] + 1, 9),
            "inventor_id": pa.array(columns["person"] + 1),
            "latitude": columns["lat"],
            "longitude": columns["lon"],
            "country": columns["country"],
            "year": columns["year"],
            "applicant": columns["organisation"],
            "field": columns["field"],
        }
    )


def _publications(columns: dict[str, Any]) -> pa.Table:
    return pa.table(
        {
            "article_id": pa.array(columns["document"] + 1),
            "author_id": pa.array(columns["person"] + 1),
            "lat": columns["lat"],
            "lon": columns["lon"],
            "country_code": columns["country"],
            "pub_year": columns["year"],
            "institution": columns["organisation"],
            "topic": columns["field"],
        }
    )


def _deals(columns: dict[str, Any]) -> pa.Table:
    return pa.table(
        {
            "deal_id": _labels("D", columns["document"] + 1, 9),
            "city": columns["city"],
            "country": columns["country"],
            "lat": columns["lat"],
            "lon": columns["lon"],
            "year": columns["year"],
            "company": columns["organisation"],
            "sector": columns["field"],
        }
    )


_LAYOUTS: Final = {"patents": _patents, "publications": _publications, "vc_deals": _deals}
