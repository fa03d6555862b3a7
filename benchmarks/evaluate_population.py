"""Measures the population of outlines: against counting points, at the coast, and how long it takes.

    python benchmarks/evaluate_population.py --run out/sample --data ../shared/data --formats ../shared/formats

Three parts: outlines of a finished run on the world table of 5 arc-minutes, against points counted in each box;
Tokyo within 50 km; and a table of H3 cells, added up into boxes of 5 arc-minutes, against the cells themselves: what
is lost by coarse boxes, and whether a box at the coast is better taken as large as the land in it. The exit status
is 1 when a figure misses its mark, and 2 when the data are not there.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Final

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely
from scipy.spatial import cKDTree

from geoclusters.clusters import cell_outline, drawing_region
from geoclusters.countries import read_outlines
from geoclusters.earth import EARTH_RADIUS_KM, chord_of, unit_vectors
from geoclusters.indicators import PopulationSource, population_of_clusters
from geoclusters.indicators.population.boxes import Axis, population_by_area
from geoclusters.indicators.population.hexagons import cells_of_text
from geoclusters.indicators.population.land import land_of
from geoclusters.indicators.population.points import population_by_point

WORLD: Final = "population_worldpop_5min/worldpop2020_5arcmin.parquet"
HEXAGONS: Final = "population_grids/kontur_20231101_h3r8_sample.csv.gz"
STEP: Final = 1 / 12
POINTS_ALONG_A_BOX: Final = 64
OUTLINES: Final = 50
MISS_MARK: Final = 0.02
TOKYO: Final = (35.6812, 139.7671, 50.0, 34.6e6)


def counted(outline: shapely.Geometry, lat, lon, people, land) -> float:  # noqa: ANN001
    """Count points: of those on land in each box, how many lie in the outline."""
    west, south, east, north = shapely.bounds(outline)
    near = (lon > west - STEP) & (lon < east + STEP) & (lat > south - STEP) & (lat < north + STEP)
    offsets = ((np.arange(POINTS_ALONG_A_BOX) + 0.5) / POINTS_ALONG_A_BOX - 0.5) * STEP
    total = 0.0
    for y0, x0, persons in zip(lat[near], lon[near], people[near], strict=True):
        x, y = (a.ravel() for a in np.meshgrid(x0 + offsets, y0 + offsets))
        inside = shapely.contains_xy(outline, x, y)
        if not inside.any():
            continue
        dry = np.zeros(len(x), dtype=bool)
        area = shapely.box(x0 - STEP / 2, y0 - STEP / 2, x0 + STEP / 2, y0 + STEP / 2)
        for country in land[shapely.intersects(land, area)]:
            dry |= shapely.contains_xy(country, x, y)
        if not 0.02 < dry.mean() < 0.99:
            dry[:] = True
        total += persons * (inside & dry).sum() / dry.sum()
    return total


def evaluate_run(run: Path, world: Path) -> float:
    """Hold outlines of a finished run against counted points; give the largest miss."""
    clusters = gpd.read_parquet(run / "clusters.parquet")
    source = PopulationSource((world,), name="WorldPop", year=2020)
    table = pq.read_table(world)
    lat, lon, people = (table[n].to_numpy().astype(float) for n in ("lat", "lon", "pop2020"))
    land = shapely.get_parts(read_outlines().geometry.to_numpy())
    shapely.prepare(land)
    misses = []
    for column in ("geometry", "region"):
        begun, used = time.perf_counter(), time.process_time()
        found, _ = population_of_clusters(clusters[column], source)
        seconds, used = time.perf_counter() - begun, time.process_time() - used
        chosen = np.linspace(0, len(clusters) - 1, OUTLINES).astype(int)
        outlines = clusters[column].to_numpy()[chosen]
        shapely.prepare(outlines)
        expected = np.array([counted(o, lat, lon, people, land) for o in outlines])
        miss = np.abs(np.nan_to_num(found[chosen]) - expected)[expected > 0]
        miss = miss / expected[expected > 0]
        misses.append(float(miss.max()))
        print(
            f"{run.name}, {column}: {len(clusters)} clusters in {seconds:.1f} s ({used:.1f} s of processor); "
            f"{len(miss)} outlines against counted points: largest miss {miss.max():.2%}, median {np.median(miss):.2%}"
        )
    return max(misses)


def evaluate_tokyo(world: Path) -> float:
    """Count Tokyo within 50 km; give the miss against the published figure of the table."""
    lat, lon, radius_km, expected = TOKYO
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    reach, phi = radius_km / EARTH_RADIUS_KM, np.radians(lat)
    y = np.arcsin(np.sin(phi) * np.cos(reach) + np.cos(phi) * np.sin(reach) * np.cos(angle))
    x = np.arctan2(
        np.sin(angle) * np.sin(reach) * np.cos(phi), np.cos(reach) - np.sin(phi) * np.sin(y)
    )
    disc = shapely.Polygon(np.column_stack([lon + np.degrees(x), np.degrees(y)]))
    found = population_of_clusters([disc], PopulationSource((world,)))[0][0]
    print(
        f"Tokyo within 50 km: {found / 1e6:.2f} million, {expected / 1e6:.1f} million are expected"
    )
    return abs(found / expected - 1)


# ------------------------------------------------------------ coarse boxes and the coast


def dense_cells(table: pd.DataFrame) -> list[np.ndarray]:
    """Cells with many people within 5 and 15 km of the fullest ones of each country."""
    tree = cKDTree(unit_vectors(table["lat"], table["lon"]))
    people = table["population"].to_numpy()
    found = []
    for radius_km in (5.0, 15.0):
        left = people.copy()
        for rows in table.groupby("country").indices.values():
            for _ in range(8):
                fullest = rows[np.argmax(left[rows])]
                near = np.array(tree.query_ball_point(tree.data[fullest], chord_of(radius_km)))
                left[near] = 0.0
                dense = near[people[near] > 500]
                if len(dense) >= 5:
                    found.append(table["cell"].to_numpy()[dense])
    return found


def evaluate_coast(hexagons: Path) -> bool:
    """Compare boxes by area and by land with the cells they were made of; tell whether land is closer."""
    table = pd.read_csv(hexagons)
    table["cell"] = cells_of_text(table["h3"].to_numpy().astype("S15"))
    points = np.array([h3.cell_to_latlng(int(c)) for c in table["cell"]])
    table["lat"], table["lon"] = points.T
    children = [h3.cell_to_children(int(c), 9) for c in table["cell"]]
    lat, lon = np.array([h3.cell_to_latlng(c) for some in children for c in some]).T
    n = np.array([len(some) for some in children])
    people = np.repeat(table["population"].to_numpy() / n, n)

    rows, columns = Axis(-90 + STEP / 2, STEP, 2160), Axis(-180 + STEP / 2, STEP, 4320)
    box, at = np.unique(rows.lines(lat) * columns.n + columns.lines(lon), return_inverse=True)
    row, column = box // columns.n, box % columns.n
    grid = {
        "lat": rows.first + row * STEP,
        "lon": columns.first + column * STEP,
        "population": np.bincount(at, weights=people),
        "rows": rows,
        "columns": columns,
    }
    boxes = shapely.box(
        columns.edge(column), rows.edge(row), columns.edge(column + 1), rows.edge(row + 1)
    )
    wet = shapely.STRtree(boxes[shapely.area(land_of(boxes)) < 0.9 * STEP**2])

    cells = dense_cells(table)
    closer = True
    for kind, draw in (
        ("cells", cell_outline),
        ("region", lambda c: drawing_region(c, gap_km=5.0)),
    ):
        outlines = np.array([draw(c) for c in cells], dtype=object)
        truth = population_by_point(outlines, lat=lat, lon=lon, population=people)
        by_area = population_by_area(outlines, **grid, on_land=False)
        by_land = population_by_area(outlines, **grid, on_land=True)
        coast = np.array([len(wet.query(o, predicate="intersects")) > 0 for o in outlines])
        for where, chosen in (("at the coast", coast), ("inland", ~coast)):
            print(f"{kind}, {where}, {chosen.sum()} outlines on boxes of 5 arc-minutes:")
            missed = [
                _told(name, v[chosen], truth[chosen])
                for name, v in (("area", by_area), ("land", by_land))
            ]
            closer &= where == "inland" or missed[1] < missed[0]
    return closer


def _told(name: str, found: np.ndarray, truth: np.ndarray) -> float:
    missed = float(np.abs(found - truth).sum() / truth.sum())
    bias = found.sum() / truth.sum() - 1
    print(
        f"    by {name}: all together {bias:+.1%}, misses add up to {missed:.1%}, "
        f"median miss {np.median(np.abs(found / truth - 1)):.1%}"
    )
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--run", type=Path, default=Path("out/sample"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--formats", type=Path, default=Path("../shared/formats"))
    given = parser.parse_args()
    world, hexagons = given.data / WORLD, given.formats / HEXAGONS
    for needed in (given.run / "clusters.parquet", world, hexagons):
        if not needed.is_file():
            print(f"{needed}: not there", file=sys.stderr)
            return 2
    marks = {
        "outlines within 2 % of counted points": evaluate_run(given.run, world) < MISS_MARK,
        "Tokyo within 2 %": evaluate_tokyo(world) < MISS_MARK,
        "land is closer at the coast": evaluate_coast(hexagons),
    }
    for mark, reached in marks.items():
        print(f"{'reached' if reached else 'MISSED '}  {mark}")
    return 0 if all(marks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
