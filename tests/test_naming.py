"""Cluster names: the rule on made-up places, and on activity spread around real cities."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.clusters.naming import ENGLISH_NAMES, MAX_PLACES, name_clusters
from geoclusters.places import read_places

DASH = "\N{EN DASH}"
PLACES = read_places()

# Where the work is done, which is not where GeoNames puts the cities: lat, lon, weight, scatter
# in km.
WORLD = {
    "Tokyo+Yokohama": [(35.69, 139.70, 70, 6), (35.45, 139.63, 30, 4)],
    "San Jose+San Francisco": [
        (37.37, -121.95, 45, 5),
        (37.43, -122.15, 20, 4),
        (37.78, -122.41, 35, 4),
    ],
    "Osaka+Kobe+Kyoto": [(34.69, 135.50, 50, 4), (34.69, 135.19, 28, 3), (35.01, 135.76, 22, 3)],
    "Amsterdam+Rotterdam": [(52.35, 4.90, 55, 5), (52.01, 4.36, 15, 2), (51.92, 4.48, 30, 4)],
    "Boston+Cambridge": [(42.34, -71.07, 45, 2), (42.37, -71.11, 40, 1.5), (42.38, -71.24, 15, 5)],
    "Washington+Baltimore": [
        (38.90, -77.04, 50, 4),
        (39.00, -77.10, 20, 4),
        (39.29, -76.61, 30, 4),
    ],
    "Shenzhen+Guangzhou+Hong Kong": [
        (22.54, 114.0, 48, 6),
        (23.13, 113.30, 32, 5),
        (22.30, 114.17, 20, 4),
    ],
    "Shanghai+Suzhou": [(31.22, 121.47, 45, 6), (31.20, 121.59, 30, 5), (31.30, 120.60, 25, 5)],
    "Paris": [(48.86, 2.34, 75, 4), (48.71, 2.17, 25, 3)],
    "Munich": [(48.14, 11.57, 75, 4), (48.25, 11.65, 25, 2)],
    "Basel": [(47.56, 7.59, 85, 3), (47.61, 7.66, 15, 2)],
    "Copenhagen+Malmö": [(55.68, 12.57, 70, 4), (55.60, 13.00, 30, 4)],
    "Geneva": [(46.21, 6.14, 100, 4)],
    "Eindhoven": [(51.44, 5.47, 80, 4), (51.42, 5.40, 20, 2)],
    "Cologne+Düsseldorf": [(50.94, 6.96, 65, 5), (51.23, 6.78, 35, 5)],
    "Cologne": [(50.94, 6.96, 100, 6)],
    "Taipei+Hsinchu": [(25.04, 121.55, 60, 5), (24.79, 120.99, 40, 4)],
    "New York City": [(40.76, -73.98, 55, 4), (40.66, -73.95, 20, 4), (40.73, -74.17, 25, 8)],
    "London": [(51.51, -0.12, 60, 4), (51.50, -0.18, 40, 8)],
    "Beijing": [(39.99, 116.31, 70, 5), (39.91, 116.40, 30, 8)],
    "Mexico City": [(19.33, -99.18, 50, 5), (19.43, -99.14, 50, 5)],
    "Seoul": [(37.55, 127.0, 100, 8)],
    "Singapore": [(1.30, 103.80, 90, 5), (1.49, 103.74, 10, 4)],
    "Nice+Antibes": [(43.70, 7.26, 60, 3), (43.62, 7.05, 40, 3)],
}  # fmt: skip


def spread(spots, *, seed=1, label=0, points=800):
    rng = np.random.default_rng(seed)
    parts = []
    for lat, lon, weight, scatter_km in spots:
        step = scatter_km / 111.2
        parts.append(
            pd.DataFrame(
                {
                    "lat": rng.normal(lat, step, points),
                    "lon": rng.normal(lon, step / np.cos(np.radians(lat)), points),
                    "activity": float(weight),
                    "labels": label,
                },
            ),
        )
    return pd.concat(parts, ignore_index=True)


def named(cells, places=PLACES):
    columns = {name: cells[name].to_numpy() for name in ("lat", "lon", "activity", "labels")}
    found = name_clusters(**columns, places=places)
    return pd.DataFrame(found._asdict()).astype({"label": "int64"})


def made_up(*rows):
    columns = ["place_id", "name", "country", "region", "region_code", "lat", "lon", "population"]
    return pd.DataFrame(rows, columns=columns)


TWO_CITIES = made_up(
    (1, "Big", "AA", "North", "01", 10.0, 10.0, 2_000_000),
    (2, "Ward", "AA", "North", "01", 10.02, 10.0, 900_000),
    (3, "Village", "AA", "North", "01", 10.2, 10.0, 9_000),
    (4, "Other", "AA", "South", "02", 10.5, 10.0, 800_000),
)


@pytest.fixture(scope="module")
def world():
    cells = [spread(spots, label=i, seed=i) for i, spots in enumerate(WORLD.values())]
    return named(pd.concat(cells, ignore_index=True)).set_index("label")


@pytest.mark.parametrize("expected", WORLD)
def test_real_cities_have_the_names_that_people_expect(world, expected):
    name = world.loc[list(WORLD).index(expected), "name"]
    assert sorted(name.split(DASH)) == sorted(expected.split("+"))


def test_places_are_the_ids_of_the_names_in_order(world):
    ids = PLACES.set_index("place_id")["name"]
    pair = world.loc[list(WORLD).index("Copenhagen+Malmö")]
    assert [ids[place] for place in pair["places"]] == pair["name"].split(DASH)
    assert pair["name"] == f"Copenhagen{DASH}Malmö"


def test_english_names_belong_to_places_of_the_table():
    names = PLACES.set_index("place_id")["ascii_name"]
    for place_id, english in ENGLISH_NAMES.items():
        letters = set("".join(filter(str.isalpha, english.lower())))
        assert len(letters & set(names[place_id].lower())) >= 2, (english, names[place_id])


def test_a_ward_and_a_village_with_a_campus_give_way_to_their_city():
    cells = pd.DataFrame(
        {"lat": [10.02, 10.2], "lon": [10.0, 10.0], "activity": [60.0, 40.0], "labels": [0, 0]},
    )
    # No cell is nearest to the city itself save by the ward's, which is a part of it.
    assert named(cells, TWO_CITIES)["name"].to_list() == ["Big"]


@pytest.mark.parametrize(("part", "name"), [(0.14, "Big"), (0.17, f"Big{DASH}Other")])
def test_a_second_name_needs_a_fair_part(part, name):
    cells = pd.DataFrame(
        {"lat": [10.0, 10.5], "lon": [10.0, 10.0], "activity": [1 - part, part], "labels": [3, 3]},
    )
    assert named(cells, TWO_CITIES).to_numpy().tolist() == [
        [3, name, (1, 4) if DASH in name else (1,)],
    ]


def test_names_stand_in_falling_order_of_activity_and_ties_by_id():
    cells = pd.DataFrame(
        {"lat": [10.0, 10.5] * 2, "lon": 10.0, "activity": [1.0, 2, 1, 1], "labels": [0, 0, 1, 1]},
    )
    assert named(cells, TWO_CITIES)["places"].to_list() == [(4, 1), (1, 4)]


def test_equal_names_get_country_or_region():
    spots = {0: (52.2, 0.12), 1: (42.375, -71.106), 2: (38.56, -76.08), 3: (48.86, 2.35)}
    cells = pd.concat([spread([(*at, 1, 0.1)], label=i, points=5) for i, at in spots.items()])
    names = named(cells)["name"].to_list()
    assert names == ["Cambridge, GB", "Cambridge, MA", "Cambridge, MD", "Paris"]
    assert named(cells[cells["labels"] == 1])["name"].to_list() == ["Cambridge"]


def test_names_that_are_equal_in_one_region_are_numbered():
    cells = pd.DataFrame({"lat": 10.0, "lon": 10.0, "activity": 1.0, "labels": [5, 9]})
    assert named(cells, TWO_CITIES)["name"].to_list() == ["Big, North (1)", "Big, North (2)"]


@pytest.mark.parametrize(
    ("lat", "name", "places"),
    [(11.2, "near Other", (4,)), (-20.0, "20.0°S 10.0°E", ())],
)
def test_a_cluster_far_from_every_place(lat, name, places):
    cells = pd.DataFrame({"lat": [lat], "lon": [10.0], "activity": [1.0], "labels": [0]})
    assert named(cells, TWO_CITIES).to_numpy().tolist() == [[0, name, places]]


def test_noise_has_no_name_and_no_cells_give_no_rows():
    cells = pd.DataFrame({"lat": [10.0], "lon": [10.0], "activity": [1.0], "labels": [-1]})
    table = named(cells, TWO_CITIES)
    assert table.columns.to_list() == ["label", "name", "places"]
    assert len(table) == 0


def test_a_cluster_without_activity_is_named_by_its_cells():
    cells = pd.DataFrame({"lat": [10.0, 10.5, 10.5], "lon": 10.0, "activity": 0.0, "labels": 0})
    assert named(cells, TWO_CITIES)["name"].to_list() == [f"Other{DASH}Big"]


def test_no_places_is_an_error():
    cells = pd.DataFrame({"lat": [10.0], "lon": [10.0], "activity": [1.0], "labels": [0]})
    with pytest.raises(ValueError, match="no rows"):
        named(cells, TWO_CITIES.iloc[:0])


@given(st.integers(0, 10**6))
@settings(max_examples=12, deadline=None)
def test_names_are_unique_and_free_of_order_and_scale(seed):
    rng = np.random.default_rng(seed)
    places = PLACES.query("country in ('NL', 'BE', 'DE')")
    at = places.sample(30, random_state=seed, weights="population")
    cells = pd.concat(
        [
            spread([(row.lat, row.lon, rng.uniform(0.1, 9), 8)], label=i % 12, seed=i, points=20)
            for i, row in enumerate(at.itertuples())
        ],
    )
    table = named(cells, places)
    assert table["label"].to_list() == list(range(12))
    assert table["name"].is_unique
    assert table["places"].map(len).between(1, MAX_PLACES).all()
    assert table["places"].map(lambda ids: len(set(ids)) == len(ids)).all()
    shuffled = cells.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(named(shuffled, places.sample(frac=1, random_state=1)), table)
    scaled = cells.assign(activity=cells["activity"] * 4)
    pd.testing.assert_frame_equal(named(scaled, places), table)
