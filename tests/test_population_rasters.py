"""Population of rasters: nothing is lost in any projection, and pixels without data hold nobody."""

from __future__ import annotations

import importlib
import zipfile

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from geoclusters.errors import SourceError
from geoclusters.indicators import PopulationSource, population_of_clusters
from geoclusters.indicators.population.boxes import Axis, population_by_area

rasterio = pytest.importorskip("rasterio")
pytest.importorskip("exactextract")
# rasterio multiplies transforms the old way.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

MOLLWEIDE = "ESRI:54009"
NOBODY = -200.0


def write(path, people, *, crs, west, north, step, nodata=NOBODY):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=people.shape[1],
        height=people.shape[0],
        count=1,
        dtype="float32",
        crs=crs,
        nodata=nodata,
        transform=rasterio.transform.from_origin(west, north, step, step),
    ) as raster:
        raster.write(people.astype(np.float32), 1)
    return path


def people_of(seed, shape=(60, 80)):
    random = np.random.default_rng(seed)
    people = random.integers(0, 4000, shape).astype(np.float64)
    people[random.random(shape) < 0.2] = NOBODY
    return people, people[people >= 0].sum()


def mollweide(tmp_path, lat, lon, seed=1):
    """Raster of 1 km about a point, and a generous box round it in degrees."""
    x, y = Transformer.from_crs("EPSG:4326", MOLLWEIDE, always_xy=True).transform(lon, lat)
    people, total = people_of(seed)
    file = tmp_path / "GHS_POP_E2020_GLOBE_R2023A_54009_1000_V1_0_R5_C8.tif"
    write(file, people, crs=MOLLWEIDE, west=x - 40_000, north=y + 30_000, step=1000)
    return file, total


def strips(west, south, east, north, n=7):
    """Cut a box aslant into pieces."""
    box = shapely.box(west, south, east, north)
    xs = np.linspace(west - (east - west), east, n + 1)
    lean = east - west
    pieces = [
        shapely.Polygon([(a, south), (b, south), (b + lean, north), (a + lean, north)])
        for a, b in zip(xs, xs[1:], strict=False)
    ]
    return list(shapely.intersection(np.array(pieces, dtype=object), box))


@pytest.mark.parametrize(("lat", "lon"), [(48.1, 11.6), (-33.9, 151.2), (64.1, -21.9), (0.0, 0.0)])
def test_the_pieces_of_a_mollweide_raster_have_all_its_people(tmp_path, lat, lon):
    file, total = mollweide(tmp_path, lat, lon)
    pieces = strips(lon - 3, lat - 1, lon + 3, lat + 1)
    found, label = population_of_clusters(pieces, PopulationSource((file,)))
    assert label == "GHS-POP, 2020"
    assert np.nansum(found) == pytest.approx(total, rel=1e-6)
    assert (np.nan_to_num(found) > 0).sum() >= 3


def test_a_projection_without_a_code_is_understood(tmp_path):
    file, total = mollweide(tmp_path, 48.1, 11.6)
    with rasterio.open(file) as raster:
        people, transform = raster.read(1), raster.transform
    wkt = (
        'PROJCS["World_Mollweide",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],'
        'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Mollweide"],'
        'PARAMETER["central_meridian",0],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1]]'
    )
    bare = write(
        tmp_path / "bare.tif", people, crs=wkt, west=transform.c, north=transform.f, step=1000
    )
    found, label = population_of_clusters(
        [shapely.box(9, 47, 14, 49)], PopulationSource((bare,), name="Own", year=2021)
    )
    assert (found[0], label) == (pytest.approx(total, rel=1e-6), "Own, 2021")


def test_one_pixel_is_where_it_is(tmp_path):
    people = np.zeros((60, 80))
    people[10, 20] = 1000.0
    forward = Transformer.from_crs("EPSG:4326", MOLLWEIDE, always_xy=True)
    x, y = forward.transform(139.77, 35.68)
    file = write(tmp_path / "p.tif", people, crs=MOLLWEIDE, west=x, north=y, step=1000)
    lon, lat = forward.transform(x + 20_500, y - 10_500, direction="INVERSE")
    near = shapely.Point(lon, lat).buffer(0.02)
    away = shapely.Point(lon + 0.1, lat).buffer(0.02)
    found, _ = population_of_clusters([near, away], PopulationSource((file,)))
    assert found[0] == pytest.approx(1000.0)
    assert np.isnan(found[1])


def test_the_zip_of_the_provider_is_read_as_it_is(tmp_path):
    file, _ = mollweide(tmp_path, 48.1, 11.6)
    packed = file.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(file, file.name)
        archive.writestr("GHSL_Data_Package_2023.pdf", b"%PDF")
    pieces = strips(8.6, 47.1, 14.6, 49.1)
    plain, zipped = (population_of_clusters(pieces, PopulationSource((f,))) for f in (file, packed))
    assert plain[0].tobytes() == zipped[0].tobytes()
    assert plain[1] == zipped[1]


@pytest.mark.parametrize("nodata", [-99999.0, -3.4028234663852886e38, None])
def test_a_raster_of_degrees_agrees_with_the_table_of_its_pixels(tmp_path, nodata):
    people, total = people_of(3, (30, 40))
    file = write(
        tmp_path / "deu_ppp_2020_1km_Aggregated.tif",
        np.where(people < 0, -99999.0 if nodata is None else nodata, people),
        crs="EPSG:4326",
        west=9.0,
        north=50.0,
        step=0.025,
        nodata=nodata,
    )
    pieces = strips(9.1, 49.3, 9.9, 49.9)
    found, label = population_of_clusters(pieces, PopulationSource((file,)))
    lat, lon = np.meshgrid(
        49.9875 - 0.025 * np.arange(30), 9.0125 + 0.025 * np.arange(40), indexing="ij"
    )
    table = population_by_area(
        np.array(pieces, dtype=object),
        lat=lat.ravel(),
        lon=lon.ravel(),
        population=np.maximum(people, 0).ravel(),
        rows=Axis(49.2625, 0.025, 30),
        columns=Axis(9.0125, 0.025, 40),
        on_land=False,
    )
    assert label == "WorldPop, 2020"
    assert np.nan_to_num(found) == pytest.approx(table, rel=1e-4, abs=1e-6)
    everything, _ = population_of_clusters([shapely.box(8, 48, 11, 51)], PopulationSource((file,)))
    assert everything[0] == pytest.approx(total, rel=1e-9)


def test_clusters_on_both_sides_of_the_antimeridian(tmp_path):
    west = write(
        tmp_path / "w.tif",
        np.full((20, 20), 5.0),
        crs="EPSG:4326",
        west=179.8,
        north=-17.9,
        step=0.01,
    )
    east = write(
        tmp_path / "e.tif",
        np.full((20, 20), 7.0),
        crs="EPSG:4326",
        west=-180,
        north=-17.9,
        step=0.01,
    )
    both = shapely.MultiPolygon(
        [shapely.box(179.9, -18.0, 180, -17.9), shapely.box(-180, -18.0, -179.9, -17.9)]
    )
    found, _ = population_of_clusters([both], PopulationSource((west, east)))
    assert found[0] == pytest.approx(100 * 5 + 100 * 7, rel=1e-6)


# ------------------------------------------------------------ what a user may do wrong


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    file, _ = mollweide(tmp_path, 48.1, 11.6)
    known = importlib.import_module

    def without(name, *rest):
        if name == "exactextract":
            raise ImportError(name)
        return known(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(SourceError, match=r"extra 'rasters'.*pip install 'geoclusters\[rasters\]'"):
        population_of_clusters([shapely.box(9, 47, 14, 49)], PopulationSource((file,)))


def test_broken_rasters_and_archives_are_named(tmp_path):
    asked = [shapely.box(9, 47, 14, 49)]
    broken = tmp_path / "p.tif"
    broken.write_bytes(b"no raster")
    with pytest.raises(SourceError, match=r"p\.tif: not readable as a raster"):
        population_of_clusters(asked, PopulationSource((broken,)))
    archive = tmp_path / "p.zip"
    archive.write_bytes(b"no archive")
    with pytest.raises(SourceError, match=r"p\.zip: not readable as a zip archive"):
        population_of_clusters(asked, PopulationSource((archive,)))
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a.tif", b"")
        made.writestr("b.tif", b"")
    with pytest.raises(SourceError, match=r"several rasters: a\.tif, b\.tif"):
        population_of_clusters(asked, PopulationSource((archive,)))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_raster_without_a_projection_is_refused(tmp_path):
    file = write(tmp_path / "p.tif", np.ones((4, 4)), crs=None, west=0, north=4, step=1)
    with pytest.raises(SourceError, match="does not say its projection"):
        population_of_clusters([shapely.box(0, 0, 1, 1)], PopulationSource((file,)))
