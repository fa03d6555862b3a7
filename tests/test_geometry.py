"""Outlines of cells and great circles, against H3 and PROJ, at the date line and the poles too."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geoclusters import geometry, wkb
from geoclusters.geometry import cell_corners, great_circles, hexagons


def shapes_of(lines):
    """Read what is written of lines, each of them whole."""
    shapes = shapely.from_wkb(wkb.lines(lines).to_pylist())
    assert [shapely.get_num_geometries(shape) for shape in shapes] == lines.parts.tolist()
    return shapes


points = st.tuples(st.floats(-89, 89), st.floats(-180, 180))


@given(points, points)
@example((0.0, 21.0), (86.0, -159.0))  # over the pole
@settings(max_examples=60)
def test_great_circles_are_those_of_the_sphere(a, b):
    start, end = np.array([a]), np.array([b])
    sphere = Geod(ellps="sphere")
    _, _, metres = sphere.inv(a[1], a[0], b[1], b[0])
    if metres > 19_900_000:
        return
    (line,) = shapes_of(great_circles(start, end))
    parts = shapely.get_parts(line)
    length = sum(sphere.line_length(*np.array(p.coords).T) for p in parts)
    assert length == pytest.approx(metres, rel=1e-6, abs=1)
    for part in parts:
        lon = np.array(part.coords)[:, 0]
        assert np.abs(np.diff(lon)).max(initial=0) <= 180


def test_a_line_to_its_own_start_and_one_along_the_date_line():
    lines = great_circles(
        np.array([[10.0, 20.0], [0.0, 180.0]]), np.array([[10.0, 20.0], [9.0, 180.0]])
    )
    assert lines.parts.tolist() == [1, 1]
    assert [len(line.geoms[0].coords) for line in shapes_of(lines)] == lines.sizes.tolist()


def test_many_lines_are_those_of_each_alone(monkeypatch):
    monkeypatch.setattr(geometry, "_AT_ONCE", 7)
    random = np.random.default_rng(4)
    ends = random.uniform([-80, -180], [80, 180], (2, 60, 2))
    together = shapes_of(great_circles(*ends))
    alone = [shapes_of(great_circles(*ends[:, k : k + 1]))[0] for k in range(60)]
    assert any(len(line.geoms) == 2 for line in alone)
    assert [line.wkb for line in together] == [line.wkb for line in alone]


def test_no_line_is_none():
    assert len(shapes_of(great_circles(np.zeros((0, 2)), np.zeros((0, 2))))) == 0


@pytest.mark.parametrize("place", [(48.1, 11.6), (-16.85, 180.0), (89.9, 10.0), (78.2, 179.999)])
def test_hexagons_cover_what_the_library_says(place):
    cells = h3.grid_disk(h3.latlng_to_cell(*place, 6), 2)
    shapes = hexagons(np.array(cells, dtype=np.uint64))
    for cell, shape in zip(cells, shapes, strict=True):
        lat, lon = h3.cell_to_latlng(cell)
        assert shape.is_valid
        assert shape.distance(shapely.Point(lon, lat)) < 1e-9


def neighbourhoods(resolution, count=40):
    """Cells all over the Earth, and around the pentagons, where faces meet."""
    random = np.random.default_rng(resolution)
    lat = np.degrees(np.arcsin(random.uniform(-1, 1, count)))
    middles = [
        h3.latlng_to_cell(a, o, resolution)
        for a, o in zip(lat, random.uniform(-180, 180, count), strict=True)
    ]
    middles += h3.get_pentagons(resolution)
    # Poles, both sides of the date line, and it itself.
    middles += [h3.latlng_to_cell(a, 180.0, resolution) for a in (90, 66, 0.1, -17, -90)]
    return np.unique(np.array([c for m in middles for c in h3.grid_disk(m, 2)], dtype=np.uint64))


@pytest.mark.parametrize("resolution", range(16))
def test_corners_are_those_of_the_library_in_its_order(resolution):
    cells = neighbourhoods(resolution)
    corners, sizes = cell_corners(cells)
    loops = [h3.cell_to_boundary(cell) for cell in cells.tolist()]
    assert sizes.tolist() == [len(loop) for loop in loops]
    given = np.array([corner for loop in loops for corner in loop])[:, ::-1]
    away = np.abs(corners - given)
    # Right at a pole the library's latitudes are arc sines of nearly 1, and a place has many longitudes.
    polar = np.abs(given[:, 1]) > 89.99
    away[:, 0] *= np.cos(np.radians(given[:, 1]))
    assert away[~polar].max() < 1e-9
    assert away[polar].max(initial=0) < 1e-7
    assert set(sizes.tolist()) > {6}


def test_no_cell_has_no_corner():
    corners, sizes = cell_corners(np.zeros(0, dtype=np.uint64))
    assert corners.shape == (0, 2)
    assert len(sizes) == len(hexagons(np.zeros(0, dtype=np.uint64))) == 0
