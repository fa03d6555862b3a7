"""Population of regular grids: shares of boxes, against counting points, and what must be kept."""

from __future__ import annotations

import os
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.clusters import cell_outline
from geoclusters.countries import read_outlines
from geoclusters.earth import EARTH_RADIUS_KM
from geoclusters.indicators import PopulationSource, population_of_clusters
from geoclusters.indicators.population.boxes import Axis, axis_of, population_by_area
from geoclusters.indicators.population.land import land_of
from geoclusters.places import read_places

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("GEOCLUSTERS_EVALUATION", ROOT.parent / "shared" / "data"))
WORLD = DATA / "population_worldpop_5min" / "worldpop2020_5arcmin.parquet"
with_world = pytest.mark.skipif(not WORLD.is_file(), reason="the world table is not here")


def scattered_outline(lat, lon, seed, n=400, km=8.0):
    """Cells of addresses strewn about a city, dissolved as a run does it."""
    random = np.random.default_rng(seed)
    spread = np.degrees(km / EARTH_RADIUS_KM)
    lats = lat + random.normal(0, spread, n)
    lons = lon + random.normal(0, spread / np.cos(np.radians(lat)), n)
    cells = {h3.latlng_to_cell(y, x, 8) for y, x in zip(lats, lons, strict=True)}
    return cell_outline(np.array(sorted(cells), dtype=np.uint64))


def outlines_of_cities(n):
    """Cities of every continent: each country's largest first."""
    places = read_places(300_000).sort_values(["population", "place_id"], ascending=[False, True])
    chosen = places.groupby("country").head(2).head(n)
    return np.array(
        [scattered_outline(p.lat, p.lon, i) for i, p in enumerate(chosen.itertuples())],
        dtype=object,
    )


def disc(lat, lon, radius_km, n=256):
    """All that lies within a great-circle distance, its corners on the sphere."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    reach, phi = radius_km / EARTH_RADIUS_KM, np.radians(lat)
    south_north = np.arcsin(
        np.sin(phi) * np.cos(reach) + np.cos(phi) * np.sin(reach) * np.cos(angle)
    )
    west_east = np.arctan2(
        np.sin(angle) * np.sin(reach) * np.cos(phi),
        np.cos(reach) - np.sin(phi) * np.sin(south_north),
    )
    return shapely.Polygon(np.column_stack([lon + np.degrees(west_east), np.degrees(south_north)]))


# ------------------------------------------------------------ the lines of a grid


@given(
    first=st.floats(-170, 100),
    step=st.sampled_from([1 / 120, 1 / 12, 0.25, 1.0]),
    kept=st.sets(st.integers(0, 60), min_size=45),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_lines_are_found_under_gaps_and_rounding(first, step, kept, seed):
    values = (first + step * np.array(sorted(kept))).astype(np.float32).astype(np.float64)
    values = np.random.default_rng(seed).permutation(np.repeat(values, 3))
    axis = axis_of(values)
    assert axis is not None
    assert axis.step == pytest.approx(step, rel=2e-3)
    assert axis.n == max(kept) - min(kept) + 1
    assert np.unique(axis.lines(values)).tolist() == [k - min(kept) for k in sorted(kept)]


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_scattered_points_are_no_grid(seed):
    random = np.random.default_rng(seed)
    assert axis_of(random.uniform(40, 50, 300)) is None
    assert axis_of(np.round(random.uniform(40, 50, 300), 4)) is None


def test_two_lines_are_no_grid():
    assert axis_of(np.array([1.0, 2.0, 1.0])) is None
    assert axis_of(np.zeros(0)) is None


# ------------------------------------------------------------ what must be kept


def grid_of(random, *, west, south, step, n):
    rows, columns = Axis(south + step / 2, step, n), Axis(west + step / 2, step, n)
    lat, lon = np.meshgrid(rows.first + step * np.arange(n), columns.first + step * np.arange(n))
    people = random.integers(0, 5000, n * n).astype(np.float64)
    return {
        "lat": lat.ravel(),
        "lon": np.where(lon.ravel() >= 180, lon.ravel() - 360, lon.ravel()),
        "population": people,
        "rows": rows,
        "columns": columns,
    }


def partition(random, west, south, east, north):
    """Cut a box into the cells of random points."""
    points = shapely.multipoints(
        np.column_stack([random.uniform(west, east, 12), random.uniform(south, north, 12)])
    )
    box = shapely.box(west, south, east, north)
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=box))
    return shapely.intersection(cells, box)


@given(seed=st.integers(0, 10_000), on_land=st.booleans())
@settings(max_examples=30)
def test_the_pieces_of_an_area_have_the_people_of_the_area(seed, on_land):
    random = np.random.default_rng(seed)
    # Over Denmark and the Sound: boxes of land, of sea and of both.
    grid = grid_of(random, west=9.0, south=54.0, step=0.5, n=9)
    pieces = partition(random, 8.5, 53.5, 14.0, 59.0)
    found = population_by_area(pieces, **grid, on_land=on_land)
    assert found.sum() == pytest.approx(grid["population"].sum(), rel=1e-6)
    assert (found >= 0).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_the_order_of_rows_and_a_turn_of_the_globe_change_nothing(seed):
    random = np.random.default_rng(seed)
    grid = grid_of(random, west=9.0, south=-4.0, step=0.25, n=12)
    pieces = partition(random, 9.3, -3.7, 11.0, -2.0)
    found = population_by_area(pieces, **grid, on_land=False)
    order = random.permutation(len(grid["lat"]))
    shuffled = grid | {k: grid[k][order] for k in ("lat", "lon", "population")}
    assert population_by_area(pieces, **shuffled, on_land=False).tobytes() == found.tobytes()


def test_boxes_across_the_antimeridian_count_on_both_sides():
    # The last box of each row reaches from 179.9 to 180.4, that is to -179.6.
    lon = -179.35 + 0.5 * np.arange(720)
    lat = np.repeat([0.25, 0.75], 720)
    lon = np.tile(np.where(lon > 180, lon - 360, lon), 2)
    columns, rows = axis_of(lon), Axis(0.25, 0.5, 2)
    people = np.full(1440, 500.0)
    west, east = shapely.box(179.4, 0, 180, 1), shapely.box(-180, 0, -179.6, 1)
    found = population_by_area(
        np.array([west, east, shapely.MultiPolygon([west, east])], dtype=object),
        lat=lat,
        lon=lon,
        population=people,
        rows=rows,
        columns=columns,
        on_land=False,
    )
    assert found == pytest.approx([1200.0, 800.0, 2000.0], rel=1e-9)


def test_land_takes_the_people_of_a_box_at_the_coast():
    box = shapely.box(4.0, 52.0, 4.5, 52.5)
    land = land_of(np.array([box], dtype=object))[0]
    grid = {
        "lat": np.array([52.25]),
        "lon": np.array([4.25]),
        "population": np.array([1000.0]),
        "rows": Axis(52.25, 0.5, 1),
        "columns": Axis(4.25, 0.5, 1),
    }
    outlines = np.array([land, box, shapely.box(4.0, 52.4, 4.1, 52.5)], dtype=object)
    assert population_by_area(outlines, **grid, on_land=True) == pytest.approx([1000, 1000, 0])
    assert population_by_area(outlines, **grid, on_land=False)[0] < 700


# ------------------------------------------------------------ the given world table


def brute_force(outline, lat, lon, people, land, *, fine=48):
    """Count points: of those on land in each box, how many lie in the outline."""
    west, south, east, north = shapely.bounds(outline)
    near = np.flatnonzero(
        (lon > west - 0.1) & (lon < east + 0.1) & (lat > south - 0.1) & (lat < north + 0.1)
    )
    steps = ((np.arange(fine) + 0.5) / fine - 0.5) / 12
    total = 0.0
    for box in near:
        x, y = (a.ravel() for a in np.meshgrid(lon[box] + steps, lat[box] + steps))
        inside = shapely.contains_xy(outline, x, y)
        if inside.any():
            dry = np.zeros(len(x), dtype=bool)
            area = shapely.box(x.min(), y.min(), x.max(), y.max())
            for country in land[shapely.intersects(land, area)]:
                dry |= shapely.contains_xy(country, x, y)
            if not 0.02 < dry.mean() < 0.99:
                dry[:] = True
            total += people[box] * (inside & dry).sum() / dry.sum()
    return total


@pytest.fixture(scope="module")
def world():
    table = pq.read_table(WORLD)
    return tuple(table[name].to_numpy().astype(np.float64) for name in ("lat", "lon", "pop2020"))


@with_world
def test_fifty_outlines_agree_with_counting_points(world):
    lat, lon, people = world
    outlines = outlines_of_cities(50)
    found, label = population_of_clusters(
        outlines, PopulationSource((WORLD,), name="WorldPop", year=2020)
    )
    assert label == "WorldPop, 2020"
    land = shapely.get_parts(read_outlines().geometry.to_numpy())
    shapely.prepare(land)
    shapely.prepare(outlines)
    counted = np.array([brute_force(o, lat, lon, people, land) for o in outlines])
    assert len(found) == 50
    assert np.abs(found / counted - 1).max() < 0.02


@with_world
def test_tokyo_within_fifty_kilometres():
    found, _ = population_of_clusters([disc(35.6812, 139.7671, 50)], PopulationSource((WORLD,)))
    assert found[0] == pytest.approx(34.6e6, rel=0.02)


@with_world
def test_the_whole_world_has_everybody(world):
    halves = [shapely.box(-180, -90, 0, 90), shapely.box(0, -90, 180, 90)]
    rows, columns = axis_of(world[0]), axis_of(world[1])
    assert (rows.step, columns.step) == pytest.approx((1 / 12, 1 / 12), rel=1e-4)
    some = slice(0, None, 150)
    found = population_by_area(
        np.array(halves, dtype=object),
        lat=world[0][some],
        lon=world[1][some],
        population=world[2][some],
        rows=rows,
        columns=columns,
        on_land=False,
    )
    assert found.sum() == pytest.approx(world[2][some].sum(), rel=1e-9)
