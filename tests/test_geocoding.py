"""Geocoding of names: the hard ones, what must not change an answer, and the errors."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.countries import country_at
from geoclusters.earth import distance_km, unit_vectors
from geoclusters.geocoding import REASONS, geocode
from geoclusters.geocoding.gazetteer import load_gazetteer
from geoclusters.geocoding.spelling import key_of
from geoclusters.geocoding.wards import ALSO_CITIES, WARDS, cities_of_ward
from geoclusters.places import read_places, read_regions

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
LARGE = read_places(300_000)
NOWHERE = (None, None)

# place, region, country -> the place's region and country, or None where it must be left open
HARD = [
    ("Cambridge", "MA", "US", ("Massachusetts", "US")),
    ("Cambridge", "Massachusetts", "United States", ("Massachusetts", "US")),
    ("Cambridge", None, "GB", ("England", "GB")),
    ("Cambridge", "ON", "CA", ("Ontario", "CA")),
    ("Cambridge", "Md.", "US", ("Maryland", "US")),
    ("Cambridge", None, "US", None),
    ("Cambridge", None, None, None),
    ("San Jose", "CA", None, ("California", "US")),
    ("San Jose, CA", None, None, ("California", "US")),
    ("Vancouver", "CA", None, ("British Columbia", "CA")),
    ("London", "CA", None, ("Ontario", "CA")),
    ("London ON", None, "CA", ("Ontario", "CA")),
    ("London", None, None, ("England", "GB")),
    ("London", None, "ZZ", ("England", "GB")),
    ("London", None, "--", ("England", "GB")),
    ("Paris TX", None, None, ("Texas", "US")),
    ("Minato-ku", None, "JP", None),
    ("Minato", "Tokyo", "JP", ("Tokyo", "JP")),
    ("Minato", "Aichi", "JP", ("Aichi", "JP")),
    ("Naka", None, "JP", None),
    ("Bunkyō-ku", None, "JP", ("Tokyo", "JP")),
    ("Kanazawa", None, "JP", ("Ishikawa", "JP")),
    ("Kanazawa-ku", None, "JP", ("Kanagawa", "JP")),
    ("Praha", None, "CSK", ("Prague", "CZ")),
    ("Bratislava", None, "Czechoslovakia", ("Bratislava Region", "SK")),
    ("Leningrad", None, "SUN", ("St.-Petersburg", "RU")),
    ("Minsk", None, "USSR", ("Minsk", "BY")),
    ("Podgorica", None, "SCG", ("Danilovgrad", "ME")),
    ("Bucharest", None, "ROM", ("București", "RO")),
    ("Paris", "Texas", "USA", ("Texas", "US")),
    ("Paris 15", None, "FR", ("Île-de-France", "FR")),
    ("75005 PARIS CEDEX 05", None, "FR", ("Île-de-France", "FR")),
    ("Vienna, VA", None, None, ("Virginia", "US")),
    ("Wien", None, "AT", ("Vienna", "AT")),
    ("Frankfurt", None, "DE", ("Hesse", "DE")),
    ("Frankfurt/Main", None, "DE", ("Hesse", "DE")),
    ("Frankfurt a. M.", None, "DE", ("Hesse", "DE")),
    ("FRANKFURT AM MAIN", None, "DE", ("Hesse", "DE")),
    ("Frankfurt (Oder)", None, "DE", ("Brandenburg", "DE")),
    ("Frankfurt", "Brandenburg", "DE", ("Brandenburg", "DE")),
    ("Suzhou", "Anhui", "CN", ("Anhui", "CN")),
    ("Suzhou", "江苏", "CN", ("Jiangsu", "CN")),
    ("Birmingham", None, "GB", ("England", "GB")),
    ("Birmingham", "Ala.", "US", ("Alabama", "US")),
    ("Valencia", None, None, None),
    ("Valencia", None, "ES", ("Valencia", "ES")),
    ("Valencia", None, "VE", ("Carabobo", "VE")),
    ("Cordoba", None, "AR", ("Cordoba", "AR")),
    ("CÓRDOBA", None, "ES", ("Andalusia", "ES")),
    ("San José", None, None, None),
    ("San José", None, "CR", ("San José", "CR")),
    ("Springfield", None, "US", None),
    ("Springfield", "IL", "US", ("Illinois", "US")),
    ("Neustadt", None, "DE", None),
    ("Taipei", None, "TW", ("Taiwan", "TW")),
    ("Taipei", None, "Taiwan", ("Taiwan", "TW")),
    ("Hong Kong", None, "HK", (None, "HK")),
    ("Hong Kong", None, "CN", (None, "HK")),
    ("Muenchen", None, "DE", ("Bavaria", "DE")),
    ("D-80331 München", None, "DE", ("Bavaria", "DE")),
    ("MNCHEN", None, "DE", ("Bavaria", "DE")),
    ("M\u00c3\u00bcnchen", None, "DE", ("Bavaria", "DE")),
    ("Bad Homburg v.d.H.", None, "DE", ("Hesse", "DE")),
    ("Beijing Shi", None, "CN", ("Beijing", "CN")),
    ("Peking", None, "CN", ("Beijing", "CN")),
    ("北京", None, "CN", ("Beijing", "CN")),
    ("Oosaka-shi", None, "JP", ("Osaka", "JP")),
    ("Chiyoda-ku", "Tokyo", "JP", ("Tokyo", "JP")),
    ("Taejon", None, "KR", ("Daejeon", "KR")),
    ("SUWON KYONGGI-DO", None, "KR", ("Gyeonggi-do", "KR")),
    ("Санкт-Петербург", None, "RU", ("St.-Petersburg", "RU")),
    ("St Louis", "MO", "US", ("Missouri", "US")),
    ("SAINT LOUIS", "MO", "US", ("Missouri", "US")),
    ("Mt. View", "Calif.", "US", ("California", "US")),
    ("NewYork", "NY", "US", ("New York", "US")),
    ("Minneaplois", "MN", "US", ("Minnesota", "US")),
    ("Stuttgrat", None, "DE", ("Baden-Wurttemberg", "DE")),
    ("Bengaluru", "KA", "India", ("Karnataka", "IN")),
    ("Oxford OX1 2JD", None, "GB", ("England", "GB")),
]


@pytest.fixture(scope="module")
def hard():
    place, region, country, _ = zip(*HARD, strict=True)
    return geocode(list(place), list(region), list(country))


@pytest.mark.parametrize("row", range(len(HARD)), ids=["|".join(map(str, h[:3])) for h in HARD])
def test_hard_names_are_right_or_said_to_be_ambiguous(hard, row):
    expected, answer = HARD[row][3], hard.iloc[row]
    if expected is None:
        assert answer["reason"] == "ambiguous"
        assert answer["level"] != "place"
        assert answer["alternatives"]
    else:
        assert answer["level"] == "place"
        assert (answer["region"], answer["country"]) == expected


def test_a_point_lies_in_the_country_that_is_told(hard):
    placed = hard[hard["level"] == "place"]
    assert country_at(placed["lat"], placed["lon"]).tolist() == placed["country"].tolist()


def test_an_answer_is_a_row_of_the_table_of_its_level(hard):
    assert set(hard["reason"]) <= set(REASONS)
    placed = hard[hard["level"] == "place"]
    assert placed["place_id"].notna().all()
    assert (placed["score"] >= 0.6).all()
    assert (placed["score"] <= 1.0).all()
    open_ones = hard[hard["level"] != "place"]
    assert open_ones["place_id"].isna().all()
    assert (open_ones["score"] == 0).all()


def test_levels_and_reasons_of_what_names_no_known_place():
    rows = [
        ("Brobdingnag", None, "GR", "country", "unknown place"),
        ("Xqzvwk", "Bavaria", "DE", "region", "unknown place"),
        (None, "Bavaria", "DE", "region", "region only"),
        ("Ontario", None, "CA", "region", "region only"),
        (None, None, "DE", "country", "country only"),
        ("Brazil", None, "BR", "country", "country only"),
        ("Munich", None, "Atlantis", None, "unknown country"),
        ("Santiago", None, "YUG", None, "unknown place"),
        ("Xqzvwk", "Bavaria", "SUN", None, "unknown place"),
        (None, None, None, None, "nothing stated"),
        ("??", "", "  ", None, "nothing stated"),
    ]
    place, region, country, level, reason = zip(*rows, strict=True)
    found = geocode(list(place), list(region), list(country))
    assert found["level"].tolist() == list(level)
    assert found["reason"].tolist() == list(reason)
    assert found["lat"].isna().tolist() == [x is None for x in level]


def test_the_largest_is_given_where_the_caller_wants_it():
    found = geocode(["Springfield", "Cambridge"], None, ["US", None], ambiguous="largest")
    assert found["level"].tolist() == ["place", "place"]
    assert found["reason"].tolist() == ["ambiguous", "ambiguous"]
    assert (found["score"] < 0.6).all()


def test_a_higher_score_is_asked_for_and_fewer_answers_are_given():
    names = ["Portland", "Munich", "Minneaplois", "Birmingham", "Munchenn"]
    countries = ["US", "DE", "US", None, "DE"]
    given_ = [
        set(np.flatnonzero(geocode(names, None, countries, min_score=s)["level"] == "place"))
        for s in (0.0, 0.6, 0.9, 0.999999)
    ]
    assert all(a >= b for a, b in zip(given_, given_[1:], strict=False))
    assert given_[0] > given_[-1]


@st.composite
def rewritten(draw):
    """A large city, written as sources write it."""
    row = draw(st.integers(0, len(LARGE) - 1))
    name = LARGE["name"][row]
    change = draw(st.sampled_from(["upper", "ascii", "hyphen", "postcode", "country", "spaces"]))
    country = LARGE["country"][row]
    text = {
        "upper": name.upper(),
        "ascii": LARGE["ascii_name"][row],
        "hyphen": name.replace(" ", "-"),
        "postcode": f"12345 {name}",
        "country": f"{name}, {country}",
        "spaces": f"  {name.replace(' ', '  ')} ",
    }[change]
    return row, name, text


@given(rewritten())
@settings(max_examples=40, deadline=None)
def test_the_way_of_writing_does_not_change_the_place(case):
    row, name, text = case
    region, country = LARGE["region"][row], LARGE["country"][row]
    plain, other = geocode([name, text], region, country).to_dict("records")
    assert other["place_id"] == plain["place_id"] or {plain["level"], other["level"]} != {"place"}
    assert other["level"] == plain["level"]


def test_answers_depend_neither_on_their_company_nor_on_its_order():
    names = [h[:3] for h in HARD]
    order = np.random.default_rng(0).permutation(len(names))
    together = geocode(*zip(*names, strict=True))
    shuffled = geocode(*zip(*(names[i] for i in order), strict=True))
    pd.testing.assert_frame_equal(shuffled, together.iloc[order].reset_index(drop=True))
    for i in (4, 9, 41, 59):
        alone = geocode(*([text] for text in names[i]))
        pd.testing.assert_frame_equal(alone, together.iloc[[i]].reset_index(drop=True))


def test_repeated_addresses_get_the_same_answer_each_time():
    found = geocode(["Bostn", "Munich", "Bostn"], ["MA", None, "MA"], ["US", "DE", "US"])
    assert found.iloc[0].equals(found.iloc[2])
    assert found["name"].tolist() == ["Boston", "Munich", "Boston"]


def test_wards_are_parts_of_cities_that_the_table_knows():
    keys = load_gazetteer().entries_of([key_of(city) for city in WARDS])[0]
    assert set(keys) == set(range(len(WARDS)))
    wards = {key_of(ward) for text in WARDS.values() for ward in text.split()}
    assert wards >= ALSO_CITIES
    for ward in wards:
        cities = {key_of(c) for c, text in WARDS.items() if ward in map(key_of, text.split())}
        assert set(cities_of_ward(f"{ward}ku")) == cities


def test_large_cities_are_found_where_they_are():
    found = geocode(LARGE["name"], LARGE["region"], LARGE["country"])
    placed = (found["level"] == "place").to_numpy()
    here = unit_vectors(found["lat"][placed], found["lon"][placed])
    km = distance_km(here, unit_vectors(LARGE["lat"][placed], LARGE["lon"][placed]))
    assert placed.mean() > 0.97
    assert (km < 25).mean() > 0.995


def test_codes_of_regions_mean_what_their_names_mean():
    regions = read_regions().query("country in ['CA', 'DE', 'AU', 'BR'] and alternates != ''")
    code = regions["alternates"].str.split("|").str[0]
    by_code, by_name = (
        geocode([None] * len(regions), r, regions["country"]) for r in (code, regions["name"])
    )
    assert by_code["region"].tolist() == by_name["region"].tolist() == regions["name"].tolist()
    assert set(by_code["level"]) == {"region"}


def test_nothing_asked_nothing_answered():
    found = geocode([])
    assert len(found) == 0
    assert found.columns.tolist() == geocode("Munich").columns.tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"place": ["a", "b"], "country": ["DE"]}, "2 places, but 1 of `country`"),
        ({"place": ["a"], "min_score": 1.5}, "min_score = 1.5"),
        ({"place": ["a"], "ambiguous": "first"}, "ambiguous = 'first'"),
    ],
)
def test_wrong_arguments_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        geocode(**arguments)


@pytest.mark.skipif(not DATA.exists(), reason="the shared data are not here")
def test_misspelt_names_of_patents_stay_above_the_marks(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    import evaluate_geocoding

    read = evaluate_geocoding.read_typos
    sample = lambda path: read(path).sample(4000, random_state=0, ignore_index=True)  # noqa: E731
    monkeypatch.setattr(evaluate_geocoding, "read_typos", sample)
    found = evaluate_geocoding._typos(DATA / "geocoding_patent_city_typos" / "city_typos.csv.gz")
    assert found["typos_answered"] > 0.73
    assert found["typos_right"] > 0.94
    assert found["typos_right_at_least"] > 0.87
    json.dumps(found)
