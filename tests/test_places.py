"""The places table, and the sources of every table that ships."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.earth import distance_km, unit_vectors
from geoclusters.places import nearest_place, place_columns, read_places

TABLES = files("geoclusters") / "tables"
SOURCES = json.loads((TABLES / "SOURCES.json").read_text(encoding="utf-8"))


def test_places_are_complete_and_in_order():
    places = read_places()
    assert len(places) > 60_000
    assert places["place_id"].is_monotonic_increasing
    assert places["place_id"].is_unique
    needed = ["place_id", "name", "ascii_name", "country", "lat", "lon", "population"]
    assert not places[needed].isna().any().any()
    assert places["country"].str.fullmatch("[A-Z]{2}").all()
    assert (places["population"] > 0).all()
    assert places["lat"].between(-90, 90).all()
    assert places["lon"].between(-180, 180).all()
    assert places.dtypes[["place_id", "lat", "population"]].astype(str).to_list() == [
        "int64",
        "float64",
        "int64",
    ]


def test_ascii_names_are_ascii_and_not_empty():
    names = read_places()["ascii_name"]
    assert names.map(str.isascii).mean() > 0.9999
    assert (names.str.len() > 0).all()


@pytest.mark.parametrize(
    ("place_id", "name", "ascii_name", "country", "region"),
    [
        (1850147, "Tokyo", "Tokyo", "JP", "Tokyo"),
        (4931972, "Cambridge", "Cambridge", "US", "Massachusetts"),
        (2653941, "Cambridge", "Cambridge", "GB", "England"),
        (2867714, "Munich", "Munich", "DE", "Bavaria"),
        (2657896, "Zürich", "Zurich", "CH", "Zurich"),
        (3081368, "Wrocław", "Wroclaw", "PL", "Lower Silesia"),
        (1795565, "Shenzhen", "Shenzhen", "CN", "Guangdong"),
    ],
)
def test_known_places(place_id, name, ascii_name, country, region):
    place = read_places().set_index("place_id").loc[place_id]
    seen = place[["name", "ascii_name", "country", "region"]].to_list()
    assert seen == [name, ascii_name, country, region]


def test_regions_of_the_united_states_have_postal_codes():
    states = read_places().query("country == 'US'")
    assert states["region_code"].str.fullmatch("[A-Z]{2}").all()
    assert states.groupby("region_code")["region"].nunique().max() == 1


def test_almost_every_place_has_a_region():
    lacking = read_places().query("region.isna()")
    assert len(lacking) < 0.01 * len(read_places())


def test_smaller_places_are_left_out_and_the_caller_gets_a_copy():
    large = read_places(1_000_000)
    assert large["population"].min() >= 1_000_000
    assert large.index.to_list() == list(range(len(large)))
    large.loc[0, "name"] = "changed"
    assert read_places(1_000_000).loc[0, "name"] != "changed"


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
def test_nearest_place_is_that_of_brute_force(points):
    lat, lon = np.array(points).T
    places = read_places(500_000)
    rows, km = nearest_place(lat, lon, min_population=500_000)
    here = unit_vectors(lat, lon)[:, None]
    all_km = distance_km(here, unit_vectors(places["lat"], places["lon"])[None])
    np.testing.assert_allclose(km, all_km.min(axis=1), atol=1e-6)
    np.testing.assert_allclose(all_km[np.arange(len(rows)), rows], km, atol=1e-6)


def test_a_point_that_is_not_finite_has_no_nearest_place():
    rows, km = nearest_place([np.nan, 0.0], [0.0, np.inf])
    assert rows.tolist() == [-1, -1]
    assert np.isinf(km).all()


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_table_is_the_one_its_source_note_describes(name):
    data = (TABLES / name).read_bytes()
    assert len(data) == SOURCES[name]["bytes"]
    assert hashlib.sha256(data).hexdigest() == SOURCES[name]["sha256"]
    for source in SOURCES[name]["sources"]:
        assert {"producer", "url", "licence"} <= source.keys()


def test_the_readme_of_the_data_has_the_same_checksums():
    readme = (Path(__file__).parent.parent / "data" / "README.md").read_text(encoding="utf-8")
    for name, note in SOURCES.items():
        assert f"{note['sha256']}  {name}" in readme


def test_the_tables_stay_small():
    assert sum(note["bytes"] for note in SOURCES.values()) < 12_000_000
    assert SOURCES["world.geojson"]["bytes"] < 300_000


@pytest.mark.parametrize("min_population", [0, 15_000])
def test_columns_are_those_of_the_table(min_population):
    table = read_places(min_population).drop(columns="ascii_name")
    found = pd.DataFrame(place_columns(min_population))
    pd.testing.assert_frame_equal(found[table.columns], table)
