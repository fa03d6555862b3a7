"""Population of outlines from whatever grid a study gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoclusters.indicators.population.boxes import axis_of, population_by_area
from geoclusters.indicators.population.hexagons import cover_of, points_of_cells, prefix_filter
from geoclusters.indicators.population.points import population_by_point
from geoclusters.indicators.population.rasters import population_of_raster
from geoclusters.indicators.population.tables import (
    columns_of,
    is_geopackage,
    read_hexagons,
    read_points,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import geopandas as gpd
    import numpy.typing as npt
    from shapely.geometry.base import BaseGeometry

    from geoclusters.indicators.population.shapes import Floats, Shapes
    from geoclusters.indicators.population.sources import PopulationSource


def population_of_clusters(
    outlines: gpd.GeoSeries | Sequence[BaseGeometry] | npt.NDArray[np.object_],
    source: PopulationSource,
    *,
    resolution: int = 8,
) -> tuple[Floats, str]:
    r"""
    Count the people who live in outlines.

    An outline has of each box, pixel or cell of the grid the part that its share of the area says. H3 cells as fine as
    `resolution`, and tables of points on no regular grid, count with their centre: in or out.

    Parameters
    ----------
    outlines : GeoSeries or sequence of shapely (multi)polygons, length n
        WGS 84, longitude before latitude, cut at the antimeridian.
    source : PopulationSource
        Where the people are; several files are added up.
    resolution : int
        H3 resolution of the outlines' cells; coarser cells of an H3 table are divided down to it.

    Returns
    -------
    population : numpy.ndarray of float64, shape (n,)
        Inhabitants; NaN where the source has nobody in an outline.
    label : str
        Name and year of the source.

    Raises
    ------
    SourceError
        If a file cannot be read as what it is said to be.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import shapely
    >>> from geoclusters.indicators import PopulationSource
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "people.csv"
    ...     rows = [f"{lat},{lon},100" for lat in (47.25, 47.75, 48.25) for lon in (8.25, 8.75, 9.25)]
    ...     _ = file.write_text("\n".join(["lat,lon,population", *rows]))
    ...     population_of_clusters([shapely.box(8.0, 47.5, 8.75, 48.0)], PopulationSource((file,), year=2020))
    (array([150.]), 'people.csv, 2020')
    """
    shapes = np.asarray(outlines, dtype=object)
    total = np.zeros(len(shapes))
    for file in source.files if len(shapes) else ():
        total += _population(shapes, file, source, resolution)
    return np.where(total > 0, total, np.nan), source.label


def _population(outlines: Shapes, file: Path, source: PopulationSource, resolution: int) -> Floats:
    match source.kind_of(file):
        case "raster":
            return population_of_raster(outlines, file)
        case "h3":
            return _of_hexagons(outlines, file, source, resolution)
        case "table":
            return _of_coordinates(outlines, file, source)


def _of_hexagons(outlines: Shapes, file: Path, source: PopulationSource, resolution: int) -> Floats:
    columns = source.columns if is_geopackage(file) else columns_of(file, source.columns)
    cover = cover_of(outlines)
    matters = prefix_filter(cover)
    cells, people = [np.zeros(0, dtype=np.uint64)], [np.zeros(0)]
    for some, persons in read_hexagons(file, columns, cover=cover):
        kept = matters(some)
        cells.append(some[kept])
        people.append(persons[kept])
    lat, lon, persons = points_of_cells(
        np.concatenate(cells), np.concatenate(people), resolution=resolution, near=outlines
    )
    return population_by_point(outlines, lat=lat, lon=lon, population=persons)


def _of_coordinates(outlines: Shapes, file: Path, source: PopulationSource) -> Floats:
    lat, lon, people = read_points(file, columns_of(file, source.columns))
    rows, columns = axis_of(lat), axis_of(lon)
    if rows is None or columns is None:
        return population_by_point(outlines, lat=lat, lon=lon, population=people)
    return population_by_area(
        outlines, lat=lat, lon=lon, population=people, rows=rows, columns=columns
    )
