"""Rings around cells, against those of the h3 library, and against the cells themselves."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from h3.api import numpy_int
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geoclusters.cells.dissolving import rings_around
from geoclusters.clusters import cell_outline

MIDDLE_OF_A_FACE = (45.0, -28.0)
places = st.sampled_from(
    [
        MIDDLE_OF_A_FACE,
        (48.1, 11.6),
        (35.7, 139.7),
        (-33.9, 151.2),
        (0.0, 179.999),
        (-16.5, -179.99),
        (71.0, 25.0),
        (89.9, 0.0),
        (58.28, -24.0),  # where three faces meet
        (64.7, 10.5),  # a pentagon
    ]
)


def some_cells(place, resolution, size, kept, seed):
    """Cells around a place, of which a part is left out, so that there are islands, holes and islands in holes."""
    disk = np.array(sorted(h3.grid_disk(h3.latlng_to_cell(*place, resolution), size)), np.uint64)
    chosen = disk[np.random.default_rng(seed).random(len(disk)) < kept]
    return chosen if len(chosen) else disk[:1]


def of_the_library(cells):
    """Join cells by the library, which does not cut at the date line either."""
    shape = numpy_int.cells_to_h3shape(cells, tight=False)
    return shapely.MultiPolygon(
        [
            shapely.Polygon(
                *([(x, y) for y, x in p.outer], [[(x, y) for y, x in h] for h in p.holes])
            )
            for p in shape
        ]
    )


def alike(one, other):
    return shapely.equals_exact(one.normalize(), other.normalize(), tolerance=1e-7)


@given(places, st.integers(4, 9), st.integers(0, 7), st.floats(0.1, 1), st.integers(0, 99))
@example(MIDDLE_OF_A_FACE, 8, 12, 0.6, 1)
@settings(max_examples=60)
def test_rings_are_those_of_the_library(place, resolution, size, kept, seed):
    cells = some_cells(place, resolution, size, kept, seed)
    rings = rings_around(cells)
    if rings is None:
        return
    parts = np.split(rings.points, np.cumsum(rings.sizes)[:-1])
    polygons = []
    for number in np.unique(rings.group):
        outer, *holes = (parts[k] for k in np.flatnonzero(rings.group == number))
        polygons.append(shapely.Polygon(outer, holes))
    assert alike(shapely.MultiPolygon(polygons), of_the_library(cells))
    for ring, (begins, part) in enumerate(
        zip(np.diff(rings.group, prepend=-1) != 0, parts, strict=True)
    ):
        if np.ptp(part[:, 0]) < 180:
            assert shapely.LinearRing(part).is_ccw == begins, ring


@given(places, st.integers(4, 9), st.integers(0, 6), st.floats(0.3, 1), st.integers(0, 99))
@settings(max_examples=40)
def test_an_outline_covers_its_cells_and_nothing_else(place, resolution, size, kept, seed):
    cells = some_cells(place, resolution, size, kept, seed)
    outline = cell_outline(cells)
    assert outline.is_valid
    disk = h3.grid_disk(h3.latlng_to_cell(*place, resolution), size + 1)
    if abs(place[0]) > 80 or abs(place[1]) > 170:
        return
    inside = {c for c in disk if outline.contains(shapely.Point(h3.cell_to_latlng(c)[::-1]))}
    assert inside == set(cells.tolist())


def test_most_places_need_no_library():
    random = np.random.default_rng(3)
    lat, lon = np.degrees(np.arcsin(random.uniform(-1, 1, 300))), random.uniform(-180, 180, 300)
    done = [
        rings_around(some_cells(place, 8, 3, 1.0, 0)) is not None
        for place in zip(lat.tolist(), lon.tolist(), strict=True)
    ]
    assert np.mean(done) > 0.97


def test_cells_of_two_faces_and_no_cells_are_left_to_the_library():
    assert rings_around(np.zeros(0, dtype=np.uint64)) is None
    assert rings_around(np.array([123], dtype=np.uint64)) is None
    apart = [h3.latlng_to_cell(*place, 8) for place in (MIDDLE_OF_A_FACE, (-33.9, 151.2))]
    assert rings_around(np.array(apart, dtype=np.uint64)) is None
    assert len(cell_outline(np.array(sorted(apart), dtype=np.uint64)).geoms) == 2


@pytest.mark.parametrize("resolution", [0, 1, 2, 15])
def test_the_coarsest_and_the_finest_cells(resolution):
    cells = some_cells(MIDDLE_OF_A_FACE, resolution, 1 if resolution else 0, 1.0, 0)
    rings = rings_around(cells)
    if rings is not None:
        assert len(rings.sizes) == 1
        assert alike(shapely.MultiPolygon([shapely.Polygon(rings.points)]), of_the_library(cells))
