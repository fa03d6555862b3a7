"""Where a population comes from: kinds, columns, names, tables of points, and clear complaints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

import geoclusters as gc
from geoclusters.errors import SourceError, StudyError
from geoclusters.indicators import PopulationSource, population_of_clusters

SQUARE = shapely.box(10.0, 50.0, 11.0, 51.0)
SETTINGS = {
    "name": "x",
    "source": [{"metric": "patents", "path": "p.csv", "columns": {"document": "id"}}],
}


def written(path, frame):
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path


def regular(step=0.25, west=8.0, south=48.0, n=16):
    lat, lon = np.meshgrid(south + step * (np.arange(n) + 0.5), west + step * (np.arange(n) + 0.5))
    return pd.DataFrame({"lat": lat.ravel(), "lon": lon.ravel(), "population": 100.0})


def total(file, outlines=(SQUARE,), **options):
    return population_of_clusters(list(outlines), PopulationSource((file,), **options))[0].tolist()


# ------------------------------------------------------------ tables of coordinates


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.parquet"])
def test_a_regular_table_counts_by_area(tmp_path, name):
    file = written(tmp_path / name, regular())
    assert total(file) == pytest.approx([1600.0])
    assert total(file, [shapely.box(10.0, 50.0, 10.125, 50.25)]) == pytest.approx([50.0], rel=1e-3)


def test_an_irregular_table_counts_points(tmp_path):
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"lat": random.uniform(49, 52, 900), "lon": random.uniform(9, 12, 900), "population": 3}
    )
    inside = frame[frame["lat"].between(50, 51) & frame["lon"].between(10, 11)]
    assert total(written(tmp_path / "p.csv", frame)) == [3.0 * len(inside)]


def test_longitudes_may_go_round_to_360(tmp_path):
    frame = regular(west=-84.0)
    west = shapely.box(-82.0, 50.0, -81.0, 51.0)
    expected = total(written(tmp_path / "a.csv", frame), [west])
    turned = frame.assign(lon=frame["lon"] + 360.0)
    assert total(written(tmp_path / "b.csv", turned), [west]) == pytest.approx(expected)
    assert expected == pytest.approx([1600.0])


def test_rows_without_people_are_left_out(tmp_path):
    frame = regular()
    frame.loc[::2, "population"] = np.nan
    frame.loc[1::4, "population"] = -99999.0
    expected = frame["population"].clip(lower=0).sum()
    assert total(written(tmp_path / "p.csv", frame), [shapely.box(0, 40, 20, 60)]) == [expected]


def test_nobody_is_not_known_and_not_zero(tmp_path):
    file = written(tmp_path / "p.csv", regular())
    assert np.isnan(total(file, [SQUARE, shapely.box(100, 0, 101, 1)])).tolist() == [False, True]
    assert total(file, []) == []


@pytest.mark.parametrize(
    ("columns", "given"),
    [
        (["Latitude", "LONGITUDE", "pop2020"], {}),
        (["y", "x", "value"], {}),
        (["a", "b", "c"], {"lat": "a", "lon": "b", "population": "c"}),
        (["lat", "lon", "inhabitants"], {"population": "inhabitants"}),
    ],
)
def test_columns_are_found_or_named(tmp_path, columns, given):
    frame = regular().set_axis(columns, axis="columns").assign(other=1)
    assert total(written(tmp_path / "p.parquet", frame), columns=given) == pytest.approx([1600.0])


# ------------------------------------------------------------ complaints


@pytest.mark.parametrize(
    ("frame", "given", "message"),
    [
        ({"a": [1], "b": [2]}, {}, r"population and either h3 or lat and lon are wanted.*: a, b"),
        (
            {"lat": [1], "lon": [2], "population": [3]},
            {"lat": "y"},
            r"lat = 'y' is not in the file",
        ),
        (
            {"lat": [4_000_000.0], "lon": [2], "population": [3]},
            {},
            r"lat \(lat\) = 4e\+06 is no angle",
        ),
        ({"lat": [4.0], "lon": [2], "population": ["many"]}, {}, r"population is not a number"),
        ({"h3": ["8809abcf67fffff", "x"], "population": [3, 4]}, {}, r"'x' is no H3 cell"),
        ({"h3": ["0009abcf67fffff"], "population": [3]}, {}, r"'0009abcf67fffff' is no H3 cell"),
        ({"h3": [17], "population": [3]}, {}, r"17 is no H3 cell"),
    ],
)
def test_wrong_tables_are_told_what_is_wrong(tmp_path, frame, given, message):
    file = written(tmp_path / "p.csv", pd.DataFrame(frame))
    with pytest.raises(SourceError, match=message):
        total(file, columns=given)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.xlsx", b"", r"kind of population.*\.gpkg"),
        ("p.gpkg", b"no database", r"not readable as a GeoPackage"),
        ("p.gpkg.gz", b"no gzip", r"not readable as gzip"),
        ("p.parquet", b"no parquet", r"not readable as a table"),
        ("p.csv", b"", r"not readable as a table"),
    ],
)
def test_wrong_files_are_told_what_is_wrong(tmp_path, name, content, message):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        total(file)


# ------------------------------------------------------------ settings and names


def test_a_study_names_its_population(tmp_path):
    written(tmp_path / "a_1.csv", regular())
    written(tmp_path / "a_2.csv", regular(west=20.0))
    study = gc.make_study(
        {**SETTINGS, "population": {"path": "a_*.csv", "name": "Census", "year": 2021}},
        folder=tmp_path,
    )
    files = study.population.files(study.folder)
    source = PopulationSource(tuple(files), name=study.population.name, year=study.population.year)
    found, label = population_of_clusters([SQUARE, shapely.box(21, 50, 22, 51)], source)
    assert label == "Census, 2021"
    assert found == pytest.approx([1600.0, 1600.0])


@pytest.mark.parametrize(
    ("population", "message"),
    [
        ({"path": "p.tif", "kid": "raster"}, "unknown key 'kid'; did you mean 'kind'"),
        ({"path": "p.tif", "kind": "tiff"}, "'raster', 'h3' or 'table'"),
        ({}, "'path' is missing"),
    ],
)
def test_wrong_settings_are_told(population, message):
    with pytest.raises(StudyError, match=message):
        gc.make_study({**SETTINGS, "population": population})


def test_a_missing_file_is_told(tmp_path):
    study = gc.make_study({**SETTINGS, "population": {"path": "none.tif"}}, folder=tmp_path)
    with pytest.raises(SourceError, match=r"none\.tif: there is no such file"):
        study.population.files(study.folder)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("GHS_POP_E2020_GLOBE_R2023A_4326_30ss_V1_0.zip", "GHS-POP, 2020"),
        ("ppp_2020_1km_Aggregated.tif", "WorldPop, 2020"),
        ("che_ppp_2015_UNadj.tif", "WorldPop, 2015"),
        ("che_pop_2025_CN_1km_R2025A_UA_v1.tif", "WorldPop, 2025"),
        ("kontur_population_CH_20231101.gpkg.gz", "Kontur Population, 2023"),
        ("kontur_20231101_h3r8.csv.gz", "Kontur Population, 2023"),
        ("worldpop2020_5arcmin.parquet", "WorldPop, 2020"),
        ("my.csv", "my.csv"),
    ],
)
def test_known_files_say_their_name_and_year(name, label):
    assert PopulationSource((Path(name),)).label == label
