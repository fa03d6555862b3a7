"""The sample world as arrays: what a block of documents is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.spatial import cKDTree

from geoclusters.countries import read_countries
from geoclusters.earth import EARTH_RADIUS_KM, distance_km, unit_vectors
from geoclusters.sample.dirt import misspell
from geoclusters.sample.organisations import Organisations, make_organisations
from geoclusters.sample.seats import METRICS, WORLD_SEED, ListedCentre, make_seats, read_economies

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FIRST_YEAR: Final = 2019
LAST_YEAR: Final = 2023
YEARS: Final = np.arange(FIRST_YEAR - 1, LAST_YEAR + 2)
OUTSIDE_YEAR_FACTOR: Final = 0.1
"""The years before and after the window are there, with this part of their documents, as in an
extract that was cut by another date."""
OTHER_GROWTH_PERCENT: Final = 3.0

FIELDS: Final = {
    "patents": (
        "Electrical machinery, apparatus, energy", "Audio-visual technology", "Telecommunications",
        "Digital communication", "Computer technology", "Semiconductors", "Optics", "Measurement",
        "Medical technology", "Organic fine chemistry", "Biotechnology", "Pharmaceuticals",
        "Materials, metallurgy", "Chemical engineering", "Machine tools", "Transport",
    ),
    "publications": (
        "Biology", "Chemistry", "Clinical medicine", "Computer science", "Earth sciences",
        "Economics", "Engineering", "Environment", "Materials science", "Mathematics",
        "Neuroscience", "Physics", "Public health", "Social sciences",
    ),
    "vc_deals": (
        "Agriculture and food", "Biotechnology", "Clean energy", "Education", "Finance", "Games",
        "Hardware", "Health care", "Logistics", "Mobility", "Property", "Software",
    ),
}  # fmt: skip
SPECIALISATION: Final = 0.8
"""Standard deviation of the logarithm by which a centre's mix of fields differs."""

PARTNERS: Final = 12
PARTNER_CANDIDATES: Final = 300
DISTANCE_SOFTENING_KM: Final = 80.0
SAME_ECONOMY_FACTOR: Final = 3.0

RURAL_KM: Final = 35.0


@dataclass(frozen=True)
class Geometry:
    """Where seats lie and how far their addresses scatter; one element a seat, km and degrees."""

    lat: Floats
    lon: Floats
    core_km: Floats
    suburb_km: Floats
    limit_km: Floats


@dataclass(frozen=True)
class World:
    """
    Everything that documents are drawn from; seats are ordered by centre.

    Attributes
    ----------
    cumulative : mapping of metric to numpy.ndarray of float64, shape (n_seats,)
        Running sum of the seats' shares of the world.
    first : numpy.ndarray of int64, shape (n_centres + 1,)
        First seat of each centre.
    partner, partner_cumulative : numpy.ndarray, shape (n_centres, PARTNERS)
        Centres that one works with, and the running sum of how often.
    year_cumulative : numpy.ndarray of float64, shape (n_economies, len(YEARS))
    field_cumulative : mapping of metric to numpy.ndarray of float32, shape (n_centres, n_fields)
    city_names : pyarrow.StringArray, length 2 n_seats
        The seats' names, and after them the same misspelt.
    """

    seats: pd.DataFrame
    listed: list[ListedCentre]
    geometry: Geometry
    centre: Ints
    first: Ints
    economy: Ints
    economies: list[str]
    iso3: list[str]
    cumulative: Mapping[str, Floats]
    partner: Ints
    partner_cumulative: Floats
    year_cumulative: Floats
    field_cumulative: Mapping[str, npt.NDArray[np.float32]]
    organisations: Mapping[str, Organisations]
    organisation_lat: Floats
    organisation_lon: Floats
    city_names: pa.StringArray


@cache
def make_world() -> World:
    """Build the world, which is always the same."""
    seats, listed = make_seats()
    rng = np.random.Generator(np.random.PCG64(WORLD_SEED + 1))
    economies = sorted(set(seats["country"]))
    economy = pd.Categorical(seats["country"], categories=economies).codes.astype(np.int64)
    centre = seats["centre"].to_numpy()
    first = np.searchsorted(centre, np.arange(centre[-1] + 2))
    share = {m: seats[m].to_numpy() / seats[m].sum() for m in METRICS}
    names = pa.array(seats["name"], pa.string())
    geometry = _geometry(seats, economy)
    organisations = {
        m: make_organisations(
            m, share=share[m], place=names, country=seats["country"].to_numpy(object), rng=rng
        )
        for m in METRICS
    }
    institutes = organisations["publications"].seat
    lat, lon = scatter(geometry, institutes, rng)
    partner, partner_cumulative = _partners(seats, economy, share, first)
    growth = read_economies().set_index("country")["growth_percent"].reindex(economies)
    iso3 = read_countries().set_index("iso2")["iso3"]
    return World(
        seats=seats,
        listed=listed,
        geometry=geometry,
        centre=centre,
        first=first,
        economy=economy,
        economies=economies,
        iso3=[str(iso3[code]) for code in economies],
        cumulative={m: np.cumsum(share[m]) for m in METRICS},
        partner=partner,
        partner_cumulative=partner_cumulative,
        year_cumulative=_years(growth.fillna(OTHER_GROWTH_PERCENT).to_numpy()),
        field_cumulative={m: _fields(len(first) - 1, len(FIELDS[m]), rng) for m in METRICS},
        organisations=organisations,
        organisation_lat=np.round(lat, 5),
        organisation_lon=np.round(lon, 5),
        city_names=pa.concat_arrays([names, pa.array([misspell(n) for n in seats["name"]])]),
    )


def _geometry(seats: pd.DataFrame, economy: Ints) -> Geometry:
    """Cores and suburbs that grow with the population and end well before the next economy."""
    people = np.maximum(seats["population"].to_numpy().astype(np.float64), 2e4)
    here = unit_vectors(seats["lat"], seats["lon"])
    _, near = cKDTree(here).query(here, k=48)
    foreign = economy[near] != economy[:, None]
    found = near[np.arange(len(near)), foreign.argmax(axis=1)]
    border = np.where(foreign.any(axis=1), 0.45 * distance_km(here, here[found]), RURAL_KM)
    return Geometry(
        lat=seats["lat"].to_numpy(),
        lon=seats["lon"].to_numpy(),
        core_km=0.5 + 1.1 * (people / 1e6) ** 0.4,
        suburb_km=np.minimum(4.5 * (people / 1e6) ** 0.33, 11.0),
        limit_km=np.clip(border, 0.5, RURAL_KM),
    )


def scatter(geometry: Geometry, seat: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """
    Draw a point around each seat: a dense core, suburbs that thin out, a few in the country.

    Returns
    -------
    lat, lon : numpy.ndarray of float64
        WGS 84 degrees, not rounded.
    """
    n = len(seat)
    kind = rng.random(n, dtype=np.float32)
    exponential = rng.standard_exponential(n, dtype=np.float32)
    km = np.where(
        kind < 0.55,
        geometry.core_km[seat] * np.sqrt(2.0 * exponential),
        geometry.suburb_km[seat] * exponential,
    )
    country = np.flatnonzero(kind > 0.975)
    km[country] = RURAL_KM * np.sqrt(rng.random(len(country)))
    km = np.fmod(km, geometry.limit_km[seat])
    angle = rng.random(n, dtype=np.float32) * np.float32(2.0 * np.pi)
    degree_km = np.pi * EARTH_RADIUS_KM / 180.0
    lat = geometry.lat[seat] + km * np.sin(angle) / degree_km
    shrink = np.maximum(np.cos(np.radians(lat)), 0.05)
    lon = geometry.lon[seat] + km * np.cos(angle) / (degree_km * shrink)
    return lat, np.where(np.abs(lon) > 180.0, lon - np.copysign(360.0, lon), lon)


def _partners(
    seats: pd.DataFrame, economy: Ints, share: Mapping[str, Floats], first: Ints
) -> tuple[Ints, Floats]:
    """Partners of each centre by size over distance, those of the same economy more often."""
    size_of_seat = np.mean(list(share.values()), axis=0)
    size = np.add.reduceat(size_of_seat, first[:-1])
    head = np.lexsort((-size_of_seat, seats["centre"].to_numpy()))[first[:-1]]
    here = unit_vectors(seats["lat"].iloc[head], seats["lon"].iloc[head])
    big = np.sort(np.argsort(-size, kind="stable")[:PARTNER_CANDIDATES])
    km = EARTH_RADIUS_KM * np.sqrt(np.maximum(2.0 - 2.0 * (here @ here[big].T), 0.0))
    pull = size[big] / (km + DISTANCE_SOFTENING_KM)
    pull[economy[head][:, None] == economy[head][big]] *= SAME_ECONOMY_FACTOR
    pull[big, np.arange(len(big))] = 0.0
    best = np.argpartition(-pull, PARTNERS, axis=1)[:, :PARTNERS]
    order = np.argsort(-np.take_along_axis(pull, best, axis=1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    running = np.cumsum(np.take_along_axis(pull, best, axis=1), axis=1)
    return big[best], running / running[:, -1:]


def _years(growth_percent: Floats) -> Floats:
    middle = (FIRST_YEAR + LAST_YEAR) / 2.0
    weight = (1.0 + growth_percent[:, None] / 100.0) ** (YEARS - middle)
    weight[:, [0, -1]] *= OUTSIDE_YEAR_FACTOR
    running = np.cumsum(weight, axis=1)
    return np.asarray(running / running[:, -1:])


def _fields(n_centres: int, n_fields: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    base = 1.0 / np.sqrt(np.arange(1.0, n_fields + 1.0))
    rng.shuffle(base)
    mix = base * np.exp(SPECIALISATION * rng.standard_normal((n_centres, n_fields)))
    running = np.cumsum(mix, axis=1)
    return np.asarray(running / running[:, -1:], dtype=np.float32)
