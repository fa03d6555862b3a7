"""Rasters of population: persons per pixel, each pixel by the share of it that an outline covers."""

from __future__ import annotations

import importlib
import zipfile
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS, Transformer

from geoclusters.errors import SourceError
from geoclusters.indicators.population.shapes import LONGEST_EDGE_DEGREES, parts_of, sums_by

if TYPE_CHECKING:
    from pathlib import Path

    from geoclusters.indicators.population.shapes import Floats, Ints, Shapes

EXTRA: Final = "rasters"
RASTER_ENDINGS: Final = (".tif", ".tiff")
MAX_PIXELS_AT_ONCE: Final = 10_000_000


def raster_inside(file: Path) -> str | None:
    """
    Name of the raster in a zip archive as providers ship it; None where there is none.

    Raises
    ------
    SourceError
        If the archive cannot be read or holds several rasters.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = [n for n in archive.namelist() if n.lower().endswith(RASTER_ENDINGS)]
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceError(
            f"{file}: not readable as a zip archive: {error}; fetch it again"
        ) from None
    if len(names) > 1:
        raise SourceError(
            f"{file}: the archive holds several rasters: {', '.join(sorted(names))}; unpack it and name the one meant"
        )
    return names[0] if names else None


def population_of_raster(outlines: Shapes, file: Path) -> Floats:
    """
    Add up the pixels of a raster, each by the share of it that an outline covers.

    The outlines are brought into the projection of the raster; the raster stays as it is, since counts of persons
    must not be interpolated. Pixels without data, and those below zero, hold nobody.

    Parameters
    ----------
    outlines : numpy.ndarray of shapely (multi)polygons, shape (n,)
        WGS 84 degrees, longitude before latitude, cut at the antimeridian.
    file : Path
        A GeoTIFF of persons per pixel, in any projection, or a .zip with one.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Persons.

    Raises
    ------
    SourceError
        If the extra `rasters` is not installed, or the file is no raster with a projection.

    References
    ----------
    Daniel Baston: exactextract, https://github.com/isciences/exactextract.
    """
    rasterio, exactextract = (_needed(name, file) for name in ("rasterio", "exactextract"))
    inside = raster_inside(file) if file.suffix.lower() == ".zip" else None
    name = f"zip://{file.resolve()}!/{inside}" if inside else str(file)
    try:
        opened = rasterio.open(name)
    except rasterio.errors.RasterioIOError as error:
        raise SourceError(f"{file}: not readable as a raster: {error}; fetch it again") from None
    with opened as raster:
        if raster.crs is None:
            raise SourceError(
                f"{file}: the raster does not say its projection; a GeoTIFF is wanted"
            )
        features, owner = _projected(outlines, CRS.from_wkt(raster.crs.to_wkt()))
        found = exactextract.exact_extract(
            _source(raster, name="persons"),
            features,
            ["sum"],
            output="pandas",
            max_cells_in_memory=MAX_PIXELS_AT_ONCE,
        )
    sums = np.nan_to_num(found["sum"].to_numpy(np.float64))
    return sums_by(owner, sums, len(outlines))


def _needed(name: str, file: Path) -> Any:  # noqa: ANN401
    try:
        return importlib.import_module(name)
    except ImportError:
        raise SourceError(
            f"{file}: rasters of population need the extra {EXTRA!r}, of which {name} is missing; "
            f"install it: pip install 'geoclusters[{EXTRA}]'"
        ) from None


def _projected(outlines: Shapes, crs: CRS) -> tuple[gpd.GeoDataFrame, Ints]:
    """Bring outlines into the projection of the raster, from north to south, those of the date line in two pieces."""
    parts, owner = parts_of(outlines)
    piece = 2 * owner + (shapely.bounds(parts)[:, 0] >= 0)
    order = np.argsort(piece, kind="stable")
    pieces, at = np.unique(piece[order], return_inverse=True)
    shapes = np.asarray(shapely.multipolygons(parts[order], indices=at), dtype=object)
    flat = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    shapes = shapely.transform(
        shapely.segmentize(shapes, LONGEST_EDGE_DEGREES),
        lambda xy: np.column_stack(flat.transform(*xy.T)),
    )
    southwards = np.argsort(-shapely.bounds(shapes)[:, 3], kind="stable")
    frame = gpd.GeoDataFrame(geometry=list(shapes[southwards]), crs=crs)
    return frame, pieces[southwards] // 2


def _source(raster: Any, *, name: str) -> Any:  # noqa: ANN401
    """Hand a raster over pixel by pixel, without those that stand for "no data" though the file does not say so."""
    module = importlib.import_module("exactextract.raster")

    class Persons(module.RasterioRasterSource):  # type: ignore[name-defined, misc]
        def read_window(self, x0: int, y0: int, nx: int, ny: int) -> Any:  # noqa: ANN401
            pixels: Any = np.ma.masked_less(super().read_window(x0, y0, nx, ny), 0)
            return pixels.astype(np.result_type(pixels, np.float32)).filled(np.nan)

        def nodata_value(self) -> float:
            return float("nan")

    return Persons(raster, name=name)
