"""Seeded points to measure on: addresses of documents around the places of the world, as a table that grows by blocks.

A block depends on the seed and its number alone, so that the first million rows of every table are the same. Each
address has a home, a place drawn by its population, which the addresses of a document often share. A part of the
addresses stands on the very point of its place, as geocoders leave them; the others scatter around it, some far.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import measuring
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

BLOCK: Final = 1 << 20
SEED: Final = 7
ROWS_PER_DOCUMENT: Final = 3.0
ON_THE_POINT: Final = 0.4
AT_HOME: Final = 0.7
KM_PER_DEGREE: Final = 111.2
STRAYING: Final = 0.02
POPULATION_POWER: Final = 1.2
"""Activity crowds more than people do."""


class Places(NamedTuple):
    """Where addresses may be: positions in degrees, how far they scatter, and the chance of each, added up."""

    lat: Floats
    lon: Floats
    spread_km: Floats
    chance: Floats


class Block(NamedTuple):
    """Rows of whole documents, those of each together."""

    document: Ints
    lat: Floats
    lon: Floats
    share: Floats


def places() -> Places:
    """Give the places of five thousand people and more."""
    from geoclusters.places import read_places

    table = read_places(min_population=5000)
    people = table["population"].to_numpy(np.float64)
    chance = np.cumsum(people**POPULATION_POWER)
    spread_km = (people / 1e5) ** 0.4
    return Places(table["lat"].to_numpy(), table["lon"].to_numpy(), spread_km, chance / chance[-1])


def blocks(n: int, where: Places, *, seed: int = SEED) -> Iterator[Block]:
    """Give `n` rows in blocks; the numbers of the documents rise and have gaps between blocks."""
    for number, start in enumerate(range(0, n, BLOCK)):
        yield block(number, min(BLOCK, n - start), where, seed=seed)


def block(number: int, n: int, where: Places, *, seed: int = SEED) -> Block:
    """Give the first `n` rows of a block."""
    rng = np.random.default_rng([seed, number])
    size = 1 + rng.poisson(ROWS_PER_DOCUMENT - 1, BLOCK)
    document = np.repeat(np.arange(BLOCK), size)[:BLOCK]
    lat, lon = _scattered(rng, _homes(rng, document, where), where)
    document = document[:n]
    rows = np.bincount(document)
    return Block(document + number * BLOCK, lat[:n], lon[:n], 1 / rows[document])


def _homes(rng: np.random.Generator, document: Ints, where: Places) -> Ints:
    """Draw the place of each address; the addresses of a document mostly share that of the first."""
    own = np.minimum(np.searchsorted(where.chance, rng.random(BLOCK)), len(where.chance) - 1)
    first = np.flatnonzero(np.diff(document, prepend=-1))
    return np.where(rng.random(BLOCK) < AT_HOME, own[first][document], own)


def _scattered(rng: np.random.Generator, home: Ints, where: Places) -> tuple[Floats, Floats]:
    """Put addresses on or around their places, to six decimals as geocoders give them."""
    distance_km = where.spread_km[home] * rng.exponential(size=BLOCK)
    distance_km *= np.where(rng.random(BLOCK) < STRAYING, 5.0, 1.0)
    distance_km[rng.random(BLOCK) < ON_THE_POINT] = 0.0
    angle = rng.uniform(0, 2 * np.pi, BLOCK)
    lat = np.clip(where.lat[home] + distance_km / KM_PER_DEGREE * np.sin(angle), -89.9, 89.9)
    narrow = KM_PER_DEGREE * np.cos(np.radians(lat))
    lon = where.lon[home] + distance_km / narrow * np.cos(angle)
    return np.round(lat, 6), np.round((lon + 180) % 360 - 180, 6)


def sphere(n: int, *, seed: int = SEED) -> Iterator[tuple[Floats, Floats]]:
    """Give points spread evenly over the sphere, as latitudes and longitudes, in blocks."""
    for number, start in enumerate(range(0, n, BLOCK)):
        rng = np.random.default_rng([seed, number, 1])
        size = min(BLOCK, n - start)
        lat, lon = rng.uniform(-1, 1, BLOCK), rng.uniform(-180, 180, BLOCK)
        yield np.degrees(np.arcsin(lat[:size])), lon[:size]


def write_sphere(n: str, path: str) -> None:
    """Write latitudes and longitudes, one pair after the other, as plain float64."""
    _write_pairs(Path(path), sphere(int(n)))


def write_cities(n: str, path: str) -> None:
    """Write the points of the table in the same way."""
    _write_pairs(Path(path), ((rows.lat, rows.lon) for rows in blocks(int(n), places())))


def _write_pairs(path: Path, points: Iterator[tuple[Floats, Floats]]) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        for lat, lon in points:
            np.stack([lat, lon], axis=1).tofile(file)
    part.replace(path)


def read_pairs(path: Path | str) -> Floats:
    """Give points as an array (n, 2) of latitude and longitude that is read as it is used."""
    return np.memmap(path, dtype=np.float64, mode="r").reshape(-1, 2)


def write_table(n: str, path: str) -> None:
    """Write `document`, `lat`, `lon` and `share`, the part of its document that a row is, as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [("document", pa.int64()), ("lat", pa.float64()), ("lon", pa.float64())]
    layout = pa.schema([*fields, ("share", pa.float64())])
    part = Path(path).with_name(f".{Path(path).name}.part")
    with pq.ParquetWriter(
        part,
        layout,
        compression="zstd",
        use_dictionary=["share"],
        column_encoding={"document": "DELTA_BINARY_PACKED", "lat": "PLAIN", "lon": "PLAIN"},
    ) as writer:
        for rows in blocks(int(n), places()):
            writer.write_table(pa.table(list(map(pa.array, rows)), schema=layout))
    part.replace(path)


if __name__ == "__main__":
    measuring.answer({"table": write_table, "sphere": write_sphere, "cities": write_cities})
