"""H3 cells that carry people: which of them matter, and at which points their people are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h3.api.basic_int as h3
import numpy as np
import shapely

from geoclusters.indicators.population.shapes import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from geoclusters.indicators.population.shapes import Floats, Ints, Shapes

    Cells = npt.NDArray[np.uint64]

COVER_RESOLUTION: Final = 5
COVER_STEP_DEGREES: Final = 0.05
"""Nodes this far apart, 6 km at most, meet every cell of `COVER_RESOLUTION`, whose inner radius is about 8 km."""
HEXADECIMAL_LENGTH: Final = 15
CELL_MODE: Final = 0x08
QUARTER_TURN: Final = 90.0
NEAR_POLE_DEGREES: Final = 85.0
_FIRST_DIGIT_SHIFT: Final = 45
_RESOLUTION_SHIFT: Final = 52
_LETTER_OFFSET: Final = ord("a") - ord("0") - 10


def cells_of_text(text: npt.NDArray[np.bytes_]) -> Cells:
    """
    Read H3 indices from hexadecimal text.

    Parameters
    ----------
    text : numpy.ndarray of bytes (dtype S15), shape (n,)
        Fifteen small or capital hexadecimal digits each.

    Returns
    -------
    numpy.ndarray of uint64, shape (n,)
        0 where a text is no hexadecimal number of that length.

    Examples
    --------
    >>> [f"{c:x}" for c in cells_of_text(np.array([b"8809abcf67fffff", b"?"]))]
    ['8809abcf67fffff', '0']
    """
    letters = np.ascontiguousarray(text, dtype=f"S{HEXADECIMAL_LENGTH}").view(np.uint8)
    # Bit 5 tells small letters from capitals, and is set in digits.
    digits = (letters.reshape(-1, HEXADECIMAL_LENGTH) | 0x20).astype(np.int16) - ord("0")
    is_letter = (digits >= 10 + _LETTER_OFFSET) & (digits < 16 + _LETTER_OFFSET)
    digits = np.where(is_letter, digits - _LETTER_OFFSET, digits)
    wrong = (((digits < 0) | (digits > 9)) & ~is_letter).any(axis=1)
    cells = np.zeros(len(digits), dtype=np.uint64)
    for column in digits.T:
        cells = (cells << np.uint64(4)) | (column.astype(np.uint64) & np.uint64(15))
    return np.where(wrong, np.uint64(0), cells).astype(np.uint64)


def is_cell(cells: Cells) -> npt.NDArray[np.bool_]:
    """
    Tell which numbers bear the mark of an H3 cell.

    Examples
    --------
    >>> is_cell(np.array([0x8809abcf67fffff, 7], dtype=np.uint64)).tolist()
    [True, False]
    """
    return np.asarray((cells >> np.uint64(56)) == CELL_MODE)


def resolutions_of(cells: Cells) -> Ints:
    """
    Resolution of each cell.

    Examples
    --------
    >>> resolutions_of(np.array([0x8809abcf67fffff], dtype=np.uint64)).tolist()
    [8]
    """
    return ((cells >> np.uint64(_RESOLUTION_SHIFT)) & np.uint64(15)).astype(np.int64)


def ancestors_of(cells: Cells, resolution: int) -> Cells:
    """
    Cells of a coarser resolution to which cells belong; they stay as they are where they are as coarse.

    Examples
    --------
    >>> [f"{c:x}" for c in ancestors_of(np.array([0x8809abcf67fffff], dtype=np.uint64), 5)]
    ['8509abcffffffff']
    """
    unused = np.uint64((1 << (_FIRST_DIGIT_SHIFT - 3 * resolution)) - 1)
    finer = resolutions_of(cells) > resolution
    bare = cells & ~(np.uint64(15) << np.uint64(_RESOLUTION_SHIFT))
    coarse = bare | unused | (np.uint64(resolution) << np.uint64(_RESOLUTION_SHIFT))
    return np.where(finer, coarse, cells)


def cover_of(outlines: Shapes) -> Cells:
    """
    Cells of `COVER_RESOLUTION` that hold every cell, as fine or finer, whose centre lies in an outline.

    Parameters
    ----------
    outlines : numpy.ndarray of shapely (multi)polygons
        WGS 84 degrees, longitude before latitude, cut at the antimeridian.

    Returns
    -------
    numpy.ndarray of uint64
        Ordered; some cells round about are among them.
    """
    nodes = _nodes_near(shapely.bounds(parts_of(outlines)[0]))
    met = {h3.latlng_to_cell(lat, lon, COVER_RESOLUTION) for lon, lat in nodes}
    near = {cell for centre in met for cell in h3.grid_disk(centre, 1)}
    return np.array(sorted(near), dtype=np.uint64)


def _nodes_near(bounds: Floats) -> list[tuple[float, float]]:
    """Nodes of a fine net, longitude and latitude, in boxes and one step round about them."""
    first = np.floor(bounds[:, :2] / COVER_STEP_DEGREES).astype(np.int64)
    last = np.ceil(bounds[:, 2:] / COVER_STEP_DEGREES).astype(np.int64)
    boxes = np.unique(np.concatenate([first, last], axis=1), axis=0)
    nodes = {
        (i, j) for a, b, c, d in boxes.tolist() for i in range(a, c + 1) for j in range(b, d + 1)
    }
    step = COVER_STEP_DEGREES
    return [(i * step, float(np.clip(j * step, -90.0, 90.0))) for i, j in sorted(nodes)]


def prefix_filter(cover: Cells) -> Callable[[Cells], npt.NDArray[np.bool_]]:
    """
    Make the test of which cells matter: those in the cover, and coarser ones that hold some of it.

    Examples
    --------
    >>> keep = prefix_filter(np.array([0x8509abcffffffff], dtype=np.uint64))
    >>> cells = [0x8809abcf67fffff, 0x8809ab1067fffff, 0x8309abfffffffff]
    >>> keep(np.array(cells, dtype=np.uint64)).tolist()
    [True, False, True]
    """
    levels = [np.unique(ancestors_of(cover, r)) for r in range(COVER_RESOLUTION + 1)]

    def matters(cells: Cells) -> npt.NDArray[np.bool_]:
        up = ancestors_of(cells, COVER_RESOLUTION)
        coarse = resolutions_of(up)
        found = np.zeros(len(cells), dtype=bool)
        for resolution in np.unique(coarse).tolist():
            rows = coarse == resolution
            found[rows] = np.isin(up[rows], levels[resolution])
        return found

    return matters


def points_of_cells(
    cells: Cells, population: Floats, *, resolution: int, near: Shapes
) -> tuple[Floats, Floats, Floats]:
    """
    Points at which the people of cells are counted.

    A cell at least as fine as `resolution` has one point, its centre. A coarser one is divided into its descendants of
    that resolution, and its people among them by their areas.

    Parameters
    ----------
    cells : numpy.ndarray of uint64, shape (n,)
        H3 cells of any resolutions.
    population : numpy.ndarray of float64, shape (n,)
        Persons.
    resolution : int
        Resolution of the outlines' own cells.
    near : numpy.ndarray of shapely (multi)polygons
        Only coarse cells near these are divided.

    Returns
    -------
    lat, lon, population : numpy.ndarray of float64, shape (m,)
        WGS 84 degrees, and persons.

    Examples
    --------
    >>> centre = h3.cell_to_latlng(0x8809abcf67fffff)
    >>> here = np.array([shapely.Point(centre[::-1]).buffer(0.01)])
    >>> lat, lon, people = points_of_cells(np.array([0x8809abcf67fffff], dtype=np.uint64), np.array([700.0]),
    ...                                    resolution=9, near=here)
    >>> len(lat), round(float(people.sum()), 6)
    (7, 700.0)
    """
    coarse = resolutions_of(cells) < resolution
    rows = np.flatnonzero(coarse)
    rows = rows[_is_near(cells[rows], near)]
    divided = [h3.cell_to_children(int(cell), resolution) for cell in cells[rows]]
    shares = [
        _area_shares(children) * population[r] for children, r in zip(divided, rows, strict=True)
    ]
    fine = [int(cell) for cell in cells[~coarse]]
    points = [h3.cell_to_latlng(cell) for group in (fine, *divided) for cell in group]
    lat, lon = np.array(points, dtype=np.float64).reshape(-1, 2).T
    return lat, lon, np.concatenate([population[~coarse], *shares])


def _area_shares(cells: list[int]) -> Floats:
    areas = np.array([h3.cell_area(cell, unit="km^2") for cell in cells])
    return np.asarray(areas / areas.sum(), dtype=np.float64)


def _is_near(cells: Cells, outlines: Shapes) -> npt.NDArray[np.bool_]:
    """Tell which cells come within half their width of the bounds of a polygon."""
    found = np.zeros(len(cells), dtype=bool)
    if len(cells):
        tree = shapely.STRtree(_boxes(shapely.bounds(parts_of(outlines)[0])))
        around = np.array([_surroundings(int(cell)) for cell in cells])
        found[tree.query(_boxes(around))[0]] = True
    return found


def _boxes(bounds: Floats) -> Shapes:
    west, south, east, north = bounds.T
    return np.asarray(shapely.box(west, south, east, north), dtype=object)


def _surroundings(cell: int) -> tuple[float, float, float, float]:
    """Bounds of a cell and half its width more; all longitudes at the antimeridian and near the poles."""
    lat, lon = np.array(h3.cell_to_boundary(cell)).T
    dy, dx = np.ptp(lat) / 2, np.ptp(lon) / 2
    south, north = lat.min() - dy, lat.max() + dy
    if dx > QUARTER_TURN or max(-south, north) > NEAR_POLE_DEGREES:
        return -180.0, south, 180.0, north
    return lon.min() - dx, south, lon.max() + dx, north
