"""Outlines of cells and great circles, against H3 and PROJ, at the date line and the poles too."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geoclusters.geometry import great_circles, hexagons

points = st.tuples(st.floats(-89, 89), st.floats(-180, 180))


@given(points, points)
@settings(max_examples=60)
def test_great_circles_are_those_of_the_sphere(a, b):
    start, end = np.array([a]), np.array([b])
    sphere = Geod(ellps="sphere")
    _, _, metres = sphere.inv(a[1], a[0], b[1], b[0])
    if metres > 19_900_000:
        return
    (line,) = great_circles(start, end)
    parts = shapely.get_parts(line)
    length = sum(sphere.line_length(*np.array(p.coords).T) for p in parts)
    # Where the line is cut, it is straight on the map for up to one step.
    assert length == pytest.approx(metres, rel=0.005, abs=1)
    for part in parts:
        lon = np.array(part.coords)[:, 0]
        assert np.abs(np.diff(lon)).max(initial=0) <= 180


def test_a_line_to_its_own_start_and_one_along_the_date_line():
    lines = great_circles(
        np.array([[10.0, 20.0], [0.0, 180.0]]), np.array([[10.0, 20.0], [9.0, 180.0]])
    )
    assert [line.geom_type for line in lines] == ["LineString", "LineString"]


@pytest.mark.parametrize("place", [(48.1, 11.6), (-16.85, 180.0), (89.9, 10.0), (78.2, 179.999)])
def test_hexagons_cover_what_the_library_says(place):
    cells = h3.grid_disk(h3.latlng_to_cell(*place, 6), 2)
    shapes = hexagons(np.array(cells, dtype=np.uint64))
    for cell, shape in zip(cells, shapes, strict=True):
        lat, lon = h3.cell_to_latlng(cell)
        assert shape.is_valid
        assert shape.distance(shapely.Point(lon, lat)) < 1e-9
