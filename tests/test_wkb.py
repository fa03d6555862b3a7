"""Shapes taken apart by way of their binary text are those that shapely takes apart."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoclusters.wkb import parts_of

number = st.floats(-180, 180) | st.integers(-3, 3).map(float)
ring = st.lists(st.tuples(number, number), min_size=3, max_size=6)
polygon = st.lists(ring, max_size=3).map(
    lambda r: shapely.Polygon(r[0], r[1:]) if r else shapely.Polygon()
)
many = st.lists(polygon, max_size=3).map(shapely.MultiPolygon)


@given(st.lists(polygon | many, max_size=5), st.booleans())
def test_parts_are_those_of_shapely(shapes, high):
    given_shapes = np.array([*shapes, None], dtype=object)[:-1]
    if high:
        given_shapes = shapely.force_3d(given_shapes, 7.0)
    found = parts_of(given_shapes)
    polygons, shape_of = shapely.get_parts(given_shapes, return_index=True)
    rings, polygon_of = shapely.get_rings(polygons, return_index=True)
    points, ring_of = shapely.get_coordinates(rings, return_index=True)
    assert found.points.tobytes() == points.tobytes()
    for sizes, whole_of, n in (
        (found.rings, ring_of, len(rings)),
        (found.polygons, polygon_of, len(polygons)),
        (found.shapes, shape_of, len(given_shapes)),
    ):
        assert sizes.tolist() == np.bincount(whole_of, minlength=n).tolist()
