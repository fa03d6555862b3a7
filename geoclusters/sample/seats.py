"""Where the sample world is active: seats, the centres they form, and how much each holds.

A seat is a place of the places table. A centre is a set of seats that belong together: one of
``tables/sample_centres.csv``, with published or fitted volumes, or else a town with what lies
around it. ``tables/sample_tables.md`` says which figures are published and which are made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from geoclusters.earth import chord_of, unit_vectors
from geoclusters.places import read_places

METRICS: Final = ("patents", "publications", "vc_deals")

WORLD_TOTALS: Final = {"patents": 1_256_000, "publications": 7_462_000, "vc_deals": 240_000}
"""Documents of the world in five years: the totals at which every published count of the GII 2023
has its published share, and the deals that the GII 2025 speaks of."""

LISTED_DEALS_SHARE: Final = 0.70
"""Part of the deals that the listed centres hold together, as the GII 2025's top 100."""

SUBURB_PART: Final = 0.22
"""Part of a listed centre's volume that lies outside its named seats."""

SUBURB_REACH_KM: Final = 20.0
TOWN_REACH_KM: Final = 15.0

POPULATION_POWER: Final = {"patents": 1.05, "publications": 1.2, "vc_deals": 1.35}
"""How an economy's volume outside the listed centres follows the population of its places."""

UNLISTED_PER_MILLION: Final = {"patents": 1.0, "publications": 60.0, "vc_deals": 0.5}
"""Documents per million inhabitants where the table of economies has no figure."""

LOCAL_SPREAD: Final = 0.6
"""Standard deviation of the logarithm by which like places differ."""

OTHER_SIDE_FACTOR: Final = 0.1
"""A suburb in another economy than the first seat of its centre counts this much."""

MIN_POPULATION: Final = 15_000
WORLD_SEED: Final = 20_231_101
"""The world is one and the same for every seed of `write_sample`, which only draws documents."""


@dataclass(frozen=True)
class ListedCentre:
    """
    A centre of the table.

    Attributes
    ----------
    name : str
    gii_rank : int or None
        Its rank in the GII 2023, where that gives its counts.
    seats : tuple of (place, country, weight)
    volume : dict
        Documents of five years by metric.
    """

    name: str
    gii_rank: int | None
    seats: tuple[tuple[str, str, float], ...]
    volume: dict[str, float]


def read_table(name: str) -> pd.DataFrame:
    """Read one of the package's CSV tables; "NA" is Namibia and not a missing value."""
    with (files("geoclusters") / "tables" / name).open(encoding="utf-8") as file:
        return pd.read_csv(file, keep_default_na=False, na_values=[""])


def read_economies() -> pd.DataFrame:
    """Read what the sample says of economies: volume by metric, yearly growth in percent."""
    return read_table("sample_economies.csv")


def read_centres() -> list[ListedCentre]:
    """
    Read the listed centres with their documents of five years by metric.

    Published counts of the GII 2023 where there are any; else the power law that the published
    sums of shares of the ranks 10 to 34 follow, split by the centre's lean towards patents.
    """
    reference = read_table("gii_reference.csv").query("edition == 2023").set_index("cluster")
    table = read_table("sample_centres.csv")
    per_weight = LISTED_DEALS_SHARE * WORLD_TOTALS["vc_deals"] / table["vc_deals_weight"].sum()
    tail = _fitted_tail(reference)
    listed = []
    for row in cast("Any", table.itertuples()):
        if row.gii_cluster in reference.index:
            published: Any = reference.loc[row.gii_cluster]
            volume = {m: float(published[m]) for m in ("patents", "publications")}
        else:
            published = None
            volume = _tail_volume(row, *tail)
        volume["vc_deals"] = float(row.vc_deals_weight) * per_weight
        seats = tuple(_parse_seat(s) for s in row.seats.split("; "))
        rank = None if published is None else int(published["rank"])
        listed.append(ListedCentre(row.centre, rank, seats, volume))
    return listed


def _tail_volume(row: Any, slope: float, intercept: float) -> dict[str, float]:  # noqa: ANN401
    """Give the volume that the fitted power law has at the centre's rank."""
    share = float(np.exp(intercept + slope * np.log(row.tail_rank))) / 100.0
    return {
        "patents": share * row.patents_lean * WORLD_TOTALS["patents"],
        "publications": share * (1.0 - row.patents_lean) * WORLD_TOTALS["publications"],
    }


def _parse_seat(text: str) -> tuple[str, str, float]:
    place, country, weight = text.rsplit(" ", 2)
    return place, country, float(weight)


def _fitted_tail(reference: pd.DataFrame) -> tuple[float, float]:
    """Slope and intercept of log(sum of shares in percent) against log(rank)."""
    rows = reference[reference["rank"].between(10, 34)]
    slope, intercept = np.polyfit(np.log(rows["rank"]), np.log(rows["score_percent"]), 1)
    return float(slope), float(intercept)


def make_seats() -> tuple[pd.DataFrame, list[ListedCentre]]:
    """
    Every seat of the world, ordered by centre.

    Returns
    -------
    seats : pandas.DataFrame
        One row a seat: the columns of `read_places`; `centre` int64, from 0 and without gaps, the
        listed centres first and in their order; `named` bool; per metric the documents of the
        world that it holds.
    listed : list of ListedCentre
    """
    rng = np.random.Generator(np.random.PCG64(WORLD_SEED))
    places = read_places()
    listed = read_centres()
    seats, of_seat = _named_seats(places, listed)
    keep = (places["population"] >= MIN_POPULATION) | places.index.isin(seats["row"])
    places = places[keep].copy()
    places["listed"] = -1
    places["named"] = False
    for metric in METRICS:
        places[metric] = 0.0
    _fill_listed(places, listed, seats, of_seat)
    _fill_rest(places, rng)
    places["centre"] = _centres(places)
    places = places.sort_values(["centre", "place_id"], kind="stable", ignore_index=True)
    return places.drop(columns="listed"), listed


def _named_seats(
    places: pd.DataFrame, listed: list[ListedCentre]
) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Rows of `places` that the seats of the listed centres mean, with their weights."""
    by_name = _rows_by_name(places, listed)
    lat, lon = places["lat"].to_numpy(), places["lon"].to_numpy()
    population = places["population"].to_numpy()
    rows: list[tuple[int, float]] = []
    of_seat: list[int] = []
    for number, centre in enumerate(listed):
        first = -1
        for name, country, weight in centre.seats:
            found = by_name[name, country]
            if first < 0:
                row = first = int(found[np.argmax(population[found])])
            else:
                away = np.hypot(lat[found] - lat[first], lon[found] - lon[first])
                row = int(found[np.argmin(away)])
            rows.append((row, weight))
            of_seat.append(number)
    return pd.DataFrame(rows, columns=["row", "weight"]), np.array(of_seat)


def _rows_by_name(
    places: pd.DataFrame, listed: list[ListedCentre]
) -> dict[tuple[str, str], npt.NDArray[np.int64]]:
    wanted = {(name, country) for centre in listed for name, country, _ in centre.seats}
    found: dict[tuple[str, str], list[int]] = {key: [] for key in wanted}
    for column in ("name", "ascii_name"):
        hits = places.index[places[column].isin({name for name, _ in wanted})]
        keys = zip(places.loc[hits, column], places.loc[hits, "country"], strict=True)
        for row, key in zip(hits, keys, strict=True):
            if key in found:
                found[key].append(int(row))
    return {key: np.unique(rows) for key, rows in found.items()}


def _fill_listed(
    places: pd.DataFrame,
    listed: list[ListedCentre],
    seats: pd.DataFrame,
    of_seat: npt.NDArray[np.int64],
) -> None:
    """Spread each listed centre's volume over its named seats and the suburbs around them."""
    position = places.index.get_indexer(pd.Index(seats["row"]))
    here = unit_vectors(places["lat"], places["lon"])
    chord, nearest = cKDTree(here[position]).query(here)
    inside = chord <= chord_of(SUBURB_REACH_KM)
    number = np.where(inside, of_seat[nearest], -1)
    number[position] = of_seat
    named = np.zeros(len(places), dtype=bool)
    named[position] = True
    country = places["country"].to_numpy()
    first = np.unique(of_seat, return_index=True)[1]
    same_side = country == country[position[first]][number]
    pull = places["population"].to_numpy() ** 0.9 * np.where(same_side, 1.0, OTHER_SIDE_FACTOR)
    pull = np.where(inside & ~named, pull, 0.0)
    weight = np.zeros(len(places))
    np.add.at(weight, position, seats["weight"].to_numpy())
    part = _split(number, weight, pull, len(listed))
    places["listed"] = number
    places["named"] = named
    for metric in METRICS:
        volume = np.array([c.volume[metric] for c in listed] + [0.0])
        places[metric] = part * volume[number]


def _split(
    number: npt.NDArray[np.int64],
    weight: npt.NDArray[np.float64],
    pull: npt.NDArray[np.float64],
    n_listed: int,
) -> npt.NDArray[np.float64]:
    """Part of its centre's volume that each place has: named seats by weight, suburbs by pull."""
    inside = number >= 0
    of_seats = np.bincount(number[inside], weight[inside], n_listed)
    of_suburbs = np.bincount(number[inside], pull[inside], n_listed)
    suburbs_get = np.where(of_suburbs > 0, SUBURB_PART, 0.0)
    part = np.zeros(len(number))
    c = number[inside]
    part[inside] = weight[inside] / of_seats[c] * (1.0 - suburbs_get[c])
    part[inside] += pull[inside] / np.maximum(of_suburbs[c], 1e-300) * suburbs_get[c]
    return part


def _fill_rest(places: pd.DataFrame, rng: np.random.Generator) -> None:
    """Spread what an economy has outside the listed centres over its other places."""
    economies = read_economies().set_index("country")
    code, names = pd.factorize(places["country"], sort=True)
    rest = (places["listed"] == -1).to_numpy()
    population = places["population"].to_numpy().astype(np.float64)
    people = np.bincount(code, population, len(names)) / 1e6
    for metric in METRICS:
        total = economies[metric].reindex(names).to_numpy()
        total = np.where(np.isnan(total), people * UNLISTED_PER_MILLION[metric], total)
        held = np.bincount(code, places[metric], len(names))
        left = np.maximum(total - held, 0.12 * total)
        pull = np.maximum(population, 1.0) ** POPULATION_POWER[metric]
        pull = pull * np.exp(LOCAL_SPREAD * rng.standard_normal(len(places))) * rest
        of_economy = np.bincount(code, pull, len(names))
        volume = pull * (left / np.maximum(of_economy, 1e-300))[code]
        volume *= (WORLD_TOTALS[metric] - held.sum()) / volume.sum()
        places[metric] += volume


def _centres(places: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Give each place's centre: its listed one, else that of the weightiest place within reach."""
    rest = np.flatnonzero(places["listed"] == -1)
    here = unit_vectors(places["lat"].iloc[rest], places["lon"].iloc[rest])
    size = np.sum([places[m].to_numpy()[rest] / WORLD_TOTALS[m] for m in METRICS], axis=0)
    pairs = cKDTree(here).query_pairs(chord_of(TOWN_REACH_KM), output_type="ndarray")
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    parent = np.arange(len(rest))
    up = pairs[size[pairs[:, 1]] > size[pairs[:, 0]]]
    up = up[np.argsort(size[up[:, 1]], kind="stable")]
    parent[up[:, 0]] = up[:, 1]
    centre = places["listed"].to_numpy().copy()
    first = int(centre.max()) + 1
    centre[rest] = first + np.unique(parent, return_inverse=True)[1]
    return centre
