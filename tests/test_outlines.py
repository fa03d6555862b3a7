"""Outlines: valid everywhere, never wrapped round the Earth, with every cell of the cluster inside."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from pyproj import Geod

from geoclusters import earth
from geoclusters.clusters.adjacency import neighbours
from geoclusters.clusters.outlines import (
    area_km2,
    cell_outline,
    drawing_region,
    outlines_and_areas,
)

PLACES = {
    "Munich": (48.14, 11.58),
    "Suva": (-18.14, 178.44),
    "Taveuni, on the date line": (-16.83, 180.0),
    "Tromsø": (69.65, 18.96),
    "Svalbard": (78.22, 15.65),
    "North Pole": (90.0, 0.0),
    "South Pole": (-90.0, 0.0),
    "Quito": (0.0, -78.5),
    "a pentagon": h3.cell_to_latlng(sorted(h3.get_pentagons(8))[3]),
}


def disk(lat, lon, resolution, rings):
    return np.array(sorted(h3.grid_disk(h3.latlng_to_cell(lat, lon, resolution), rings)), np.uint64)


def check(outline, cells):
    assert outline.geom_type == "MultiPolygon"
    assert outline.is_valid
    for part in outline.geoms:
        west, south, east, north = part.bounds
        assert west >= -180
        assert east <= 180
        assert south >= -90
        assert north <= 90
        assert part.exterior.is_ccw
    centres = np.array([h3.cell_to_latlng(int(c)) for c in cells])
    points = shapely.points(np.round(centres[:, 1], 9), np.round(centres[:, 0], 9))
    assert shapely.intersects(outline.buffer(1e-7), points).all()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("resolution", "rings"), [(4, 1), (8, 0), (8, 3), (10, 5)])
def test_outlines_of_disks(place, resolution, rings):
    cells = disk(*PLACES[place], resolution, rings)
    outline = cell_outline(cells)
    check(outline, cells)
    wanted = sum(h3.cell_area(int(c), unit="km^2") for c in cells)
    # h3 measures on its sphere, we on the ellipsoid: at most about 1 % apart.
    assert area_km2([outline])[0] == pytest.approx(wanted, rel=0.012)


@given(
    st.floats(-89, 89),
    st.sampled_from([0.0, 11.5, 179.99, -179.99, 90.0]),
    st.integers(5, 9),
    st.sets(st.integers(0, 90), min_size=1),
)
def test_outlines_of_scattered_cells(lat, lon, resolution, kept):
    cells = disk(lat, lon, resolution, 5)
    cells = cells[[k for k in kept if k < len(cells)]]
    if not len(cells):
        return
    outline = cell_outline(cells)
    check(outline, cells)
    filled = cell_outline(cells, holes="fill")
    check(filled, cells)
    assert all(not part.interiors for part in filled.geoms)
    assert area_km2([filled])[0] >= area_km2([outline])[0] * (1 - 1e-9)


def groups_of(cells):
    """Count the groups of cells that touch, by the library."""
    left, n_groups = set(cells), 0
    while left:
        found, n_groups = [left.pop()], n_groups + 1
        while found:
            near = left.intersection(h3.grid_disk(found.pop(), 1))
            left -= near
            found += near
    return n_groups


@given(
    st.floats(-80, 80), st.floats(-180, 180), st.sets(st.integers(0, 60), min_size=1, max_size=20)
)
@example(0.0, 0.0, {7, 14, 59})
def test_regions_for_drawing_are_valid_and_whole(lat, lon, kept):
    cells = disk(lat, lon, 8, 4)[sorted(kept)]
    region = drawing_region(cells, gap_km=5)
    assert region.is_valid
    assert all(part.bounds[2] - part.bounds[0] < 180 for part in region.geoms)
    assert all(not part.interiors for part in region.geoms)
    # Cells whose parents touch come to lie in one piece; the date line cuts each in two at most.
    n_groups = groups_of({h3.cell_to_parent(int(c), 7) for c in cells})
    assert len(region.geoms) <= n_groups * (2 if abs(abs(lon) - 180) < 1 else 1)


def test_the_date_line_cuts_a_cluster_of_fiji_in_two():
    outline = cell_outline(disk(*PLACES["Taveuni, on the date line"], 8, 3))
    sides = {round(b) for part in outline.geoms for b in (part.bounds[0], part.bounds[2])}
    assert sides == {-180, 180}


def test_the_ellipsoid_is_that_of_the_library():
    ellipsoid = Geod(ellps="WGS84")
    assert ellipsoid.es == earth.WGS84_ECCENTRICITY_SQUARED
    assert ellipsoid.a == earth.WGS84_SEMI_MAJOR_KM * 1000


@pytest.mark.parametrize("lat", [0.0, 35.0, -60.0, 85.0])
def test_areas_are_those_of_geodesics(lat):
    """Small cells: an edge straight in longitude and latitude and the geodesic hardly differ."""
    geod = Geod(ellps="WGS84")
    outlines = [cell_outline(disk(lat, 20.0, resolution, 2)) for resolution in (6, 8, 11)]
    wanted = [abs(geod.geometry_area_perimeter(o)[0]) / 1e6 for o in outlines]
    np.testing.assert_allclose(area_km2(outlines), wanted, rtol=1e-5)


# ------------------------------------------------------------------- neighbours


@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(0, 15))
def test_neighbours_are_those_of_the_library(lat, lon, resolution):
    cells = disk(lat, lon, resolution, 1)
    for cell, found in zip(cells.tolist(), neighbours(cells), strict=True):
        assert {cell, *found.tolist()} == set(h3.grid_disk(cell, 1))


@pytest.mark.parametrize("resolution", [0, 1, 2, 7, 8, 15])
def test_neighbours_around_pentagons_are_those_of_the_library(resolution):
    cells = np.array(
        sorted({c for p in h3.get_pentagons(resolution) for c in h3.grid_disk(p, 2)}), np.uint64
    )
    for cell, found in zip(cells.tolist(), neighbours(cells), strict=True):
        assert {cell, *found.tolist()} == set(h3.grid_disk(cell, 1))


@pytest.mark.parametrize("resolution", range(1, 16))
def test_neighbours_all_over_the_lands_of_pentagons_at_poles_and_at_the_date_line(resolution):
    random = np.random.default_rng(resolution)
    # Cells in the base cell of a pentagon, and around finer ones.
    middles = [
        cell for coarse in range(min(resolution, 4)) for cell in h3.get_pentagons(coarse)[::3]
    ]
    points = [h3.cell_to_latlng(c) for m in middles for c in h3.grid_disk(m, 1)]
    points += [(90.0, 0.0), (-90.0, 0.0), (0.0, 180.0), (66.0, -180.0), (-17.0, 179.999)]
    cells = np.array(
        sorted(
            {
                h3.latlng_to_cell(float(np.clip(lat + a, -90, 90)), lon + b, resolution)
                for lat, lon in points
                for a, b in random.normal(0, 3, (4, 2)).tolist()
            }
        ),
        np.uint64,
    )
    for cell, found in zip(cells.tolist(), neighbours(cells), strict=True):
        assert {cell, *found.tolist()} == set(h3.grid_disk(cell, 1))


@pytest.mark.parametrize("place", PLACES)
def test_a_region_is_the_closing_by_rings_of_the_library(place):
    cells = disk(*PLACES[place], 8, 6)[::3]
    own = {h3.cell_to_parent(c, 7) for c in cells.tolist()}
    wide = {near for c in own for near in h3.grid_disk(c, 1)}
    closed = {c for c in wide if c in own or all(n in wide for n in h3.grid_disk(c, 1))}
    expected = cell_outline(np.array(sorted(closed), np.uint64), holes="fill")
    assert drawing_region(cells, gap_km=5).wkb == expected.wkb


@pytest.mark.parametrize("threads", [1, 2])
def test_several_threads_draw_and_measure_what_one_does(threads):
    clusters = [disk(lat, lon, 7, 3) for lat, lon in PLACES.values()]
    outlines, areas = outlines_and_areas(clusters, holes="keep", threads=threads)
    expected = [cell_outline(cells) for cells in clusters]
    assert [o.equals_exact(e, 0) for o, e in zip(outlines, expected, strict=True)] == [True] * len(
        clusters
    )
    np.testing.assert_array_equal(areas, area_km2(expected))
    assert outlines_and_areas([], holes="keep", threads=threads)[0] == []
