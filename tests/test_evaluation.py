"""The studies on real data: preparing their tables, and (where the data are) how much is placed."""

import json
import os
import sys
import tomllib
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.places import read_places

ROOT = Path(__file__).resolve().parent.parent
STUDIES = ROOT / "data" / "studies"
DATA = Path(os.environ.get("GEOCLUSTERS_EVALUATION", ROOT.parent / "shared" / "data"))

sys.path[:0] = [str(STUDIES), str(ROOT / "benchmarks")]

import deals  # noqa: E402
import evaluate  # noqa: E402
import metros  # noqa: E402
import naming  # noqa: E402
import prepare  # noqa: E402
import universities  # noqa: E402

with_data = pytest.mark.skipif(
    not (DATA / "patents_metro_world").is_dir(), reason="the evaluation data are not here"
)

PLACES = pd.DataFrame(
    [
        (1, "Grande", "US", "North", 40.0, -100.0, 2_000_000),
        (2, "Petite", "US", "South", 30.0, -90.0, 20_000),
        (3, "Petite", "US", "North", 40.5, -100.0, 300_000),
        (4, "Ville", "FR", "Est", 48.0, 7.5, 400_000),
        (5, "Nachbar", "DE", "Süd", 48.0, 7.7, 150_000),
        (6, "Ville", "CA", "Ouest", 50.0, -110.0, 30_000),
        (7, "Ort", "DE", "Nord", 52.0, 9.0, 900_000),
        (8, "Umland", "DE", "Nord", 52.2, 9.0, 500_000),
    ],
    columns=["place_id", "name", "country", "region", "lat", "lon", "population"],
).assign(ascii_name=lambda t: t["name"])


def metro_table(*rows):
    columns = ["metro", "country_code", "lat", "lon", "2007", "2008", "2012", "2013"]
    return pd.DataFrame(rows, columns=columns)


# ------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Universit<U+00E4>t zu K<U+00F6>ln", "universitat zu koln"),
        ("Wroc<U+0142>aw Medical University", "wroclaw medical university"),
        ("Bo<U+011F>azi<U+00E7>i", "bogazici"),
        ("Chang<U+2019>an University", "changan university"),
    ],
)
def test_escapes_and_accents_are_read(written, plain):
    assert naming.folded(naming.unescaped(written)) == plain


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(name):
    assert naming.folded(naming.folded(name)) == naming.folded(name)


# ------------------------------------------------------------ metros


def test_years_become_rows_and_only_the_window_counts():
    placed = metros.place_metros(metro_table(("Ort", "DE", 52.0, 9.0, 7, 3, 0, 9)), PLACES)
    rows = metros.yearly_counts(placed)
    assert rows[["metro", "year", "patents"]].to_numpy().tolist() == [["Ort", 2008, 3.0]]


def test_area_without_point_is_looked_up_by_a_name_in_its_name():
    placed = metros.place_metros(
        metro_table(("Anders / Ort", "DE", np.nan, np.nan, 0, 1, 1, 0)), PLACES
    )
    assert placed[["lat", "lon", "rule"]].to_numpy().tolist() == [[52.0, 9.0, 1]]


def test_part_of_a_cross_border_area_stands_on_its_own_side():
    placed = metros.place_metros(metro_table(("Ville", "DE", np.nan, np.nan, 0, 1, 1, 0)), PLACES)
    assert placed[["lat", "lon", "rule"]].to_numpy().tolist() == [[48.0, 7.7, 2]]


def test_name_listed_twice_goes_to_two_places_the_larger_count_to_the_larger():
    table = metro_table(
        ("Ort", "DE", 52.0, 9.0, 0, 1, 1, 0), ("Ort", "DE", 52.0, 9.0, 0, 50, 50, 0)
    )
    placed = metros.place_metros(table, PLACES)
    assert placed["lat"].tolist() == [52.2, 52.0]
    table = metro_table(
        ("Petite", "US", 30.0, -90.0, 0, 9, 9, 0), ("Petite", "US", 30.0, -90.0, 0, 1, 1, 0)
    )
    assert metros.place_metros(table, PLACES)["lat"].tolist() == [40.5, 30.0]


def test_of_two_homonyms_abroad_the_ten_times_larger_one_gets_the_larger_count():
    table = metro_table(
        ("Ville", "FR", 48.0, 7.5, 0, 1, 1, 0), ("Ville", "CA", 50.0, -110.0, 0, 50, 50, 0)
    )
    placed = metros.place_metros(table, PLACES).set_index("country")
    assert placed.loc["FR", ["2008", "rule"]].tolist() == [50, 4]
    assert placed.loc["CA", "2008"] == 1


def test_what_is_right_stays_as_it_is():
    table = metro_table(
        ("Ville", "FR", 48.01, 7.51, 1, 50, 50, 2), ("Ort", "DE", 52.01, 9.01, 0, 9, 9, 0)
    )
    placed = metros.place_metros(table, PLACES)
    kept = placed[["lat", "lon", "2007", "2008", "2012", "2013"]].to_numpy()
    np.testing.assert_array_equal(kept, table.drop(columns=["metro", "country_code"]).to_numpy())
    assert (placed["rule"] == 0).all()


# ------------------------------------------------------------ universities


def organisations(*rows):
    columns = ["ror_id", "name", "aliases", "city", "country", "country_code", "lat", "lon"]
    return pd.DataFrame(rows, columns=columns).assign(types="education", status="active")


ORGANISATIONS = organisations(
    ("1", "University of Ort", "", "Ort", "Germany", "DE", 52.0, 9.0),
    ("2", "Ville Tech", "Université de Ville|VT", "Ville", "France", "FR", 48.0, 7.5),
    ("3", "State University", "", "Grande", "United States", "US", 40.0, -100.0),
    ("4", "State University", "", "Petite", "United States", "US", 30.0, -90.0),
    ("5", "Universidade Federal do Sul", "", "Sul", "Brazil", "BR", -20.0, -50.0),
)


def rungs(*names, organisations=ORGANISATIONS):
    ranking = pd.DataFrame({"university": names, "P_derived": 1.0})
    return universities.place_universities(ranking, organisations, PLACES)


@pytest.mark.parametrize(
    ("name", "rung", "city"),
    [
        ("The University of Ort", "name", "Ort"),
        ("Universit<U+00E9> de Ville", "alias", "Ville"),
        ("State University. Petite", "campus", "Petite"),
        ("Federal University of Sul", "words", "Sul"),
        ("Ort Medical School", "place", "Ort"),
    ],
)
def test_each_rung_holds_its_kind_of_name(name, rung, city):
    found = rungs(name).iloc[0]
    assert (found["rung"], found["city"]) == (rung, city)


def test_ambiguous_or_unknown_names_find_nothing():
    found = rungs("State University", "Atlantis College")
    assert found["rung"].isna().all()
    assert found["lat"].isna().all()


def test_an_organisation_that_is_taken_leaves_the_other():
    found = rungs("State University", "State University. Grande")
    assert found["city"].tolist() == ["Petite", "Grande"]


def test_order_of_the_organisations_does_not_matter():
    names = ("University of Ort", "State University. Petite", "Federal University of Sul")
    again = rungs(*names, organisations=ORGANISATIONS.iloc[::-1].reset_index(drop=True))
    pd.testing.assert_frame_equal(rungs(*names), again)


# ------------------------------------------------------------ deals

COMPANIES = pd.DataFrame(
    [
        ("USA", "Grande", 80),
        ("USA", "Petite, South", 10),
        ("USA", "TX - Other", 7),
        ("DEU", "Ort", 20),
        ("DEU", "DEU - Other", 6),
        (None, None, 5),
    ],
    columns=["country_code", "region", "funding_rounds"],
)
CITIES = pd.DataFrame(
    [
        ("USA", "Grande", 30, 10.0, -60.0),
        ("USA", "Petite", 10, 30.0, -90.0),
        ("DEU", "Ort", 3, 52.0, 9.0),
        ("DEU", "Nachbar", 4, 48.0, 7.7),
    ],
    columns=["country_code", "city", "funding_rounds", "Latitude", "Longitude"],
)


def placed_deals():
    return deals.place_deals(COMPANIES, CITIES, PLACES)


def test_amounts_are_those_of_the_first_cut():
    placed = placed_deals()
    assert placed["rounds"].sum() == pytest.approx(COMPANIES["funding_rounds"].sum())
    by_country = placed.groupby("country", dropna=False)["rounds"].sum()
    assert by_country["US"] == pytest.approx(97)
    assert by_country["DE"] == pytest.approx(26)


def test_area_is_split_over_its_cities_american_ones_at_the_largest_place_of_the_name():
    grande = placed_deals().query("region == 'Grande'").set_index("city")
    assert grande["rounds"].to_dict() == pytest.approx({"Grande": 60, "Petite": 20})
    assert grande.loc["Grande", ["lat", "lon"]].tolist() == [40.0, -100.0]
    assert grande.loc["Petite", "lat"] == 40.5


def test_state_in_the_name_of_an_area_decides():
    assert placed_deals().query("region == 'Petite, South'")["lat"].tolist() == [30.0]


def test_rest_of_a_country_goes_to_its_other_cities_but_not_in_the_united_states():
    placed = placed_deals()
    assert placed.query("region == 'DE - Other'")["city"].tolist() == ["Nachbar"]
    assert placed[placed["region"] == "TX - Other"]["lat"].isna().all()
    assert placed[placed["region"].isna()]["rounds"].tolist() == [5]


# ------------------------------------------------------------ matching


def test_every_city_of_the_published_ranks_is_found():
    reference = evaluate.read_reference()
    assert reference["rank"].tolist() == list(range(1, 36))
    assert reference["cities"].map(len).tolist() == [
        cluster.count(evaluate.EN_DASH) + 1 for cluster in reference["cluster"]
    ]


class Run:
    """Stands for a finished run."""

    def __init__(self, *clusters):
        columns = [
            "cluster_id",
            "name",
            "economies",
            "lat",
            "lon",
            "share_patents",
            "share_publications",
        ]
        table = pd.DataFrame(clusters, columns=columns)
        self.clusters = table.assign(share_vc_deals=0.0)
        self.cells = table[["cluster_id", "lat", "lon"]]
        self.metrics = ["patents", "publications", "vc_deals"]


def published(*rows):
    columns = ["rank", "cluster", "economies", "cities"]
    return pd.DataFrame(rows, columns=columns).assign(
        share_patents_percent=1.0, share_publications_percent=1.0
    )


def test_matching_is_one_to_one_and_asks_for_place_and_economy():
    reference = published(
        (1, "A", ["FR"], [(48.0, 7.5)]),
        (2, "B", ["FR"], [(48.05, 7.5)]),
        (3, "C", ["DE"], [(48.0, 7.5)]),
        (4, "D", ["US"], [(40.0, -100.0)]),
    )
    run = Run(
        ("a", "small", "FR", 48.1, 7.5, 0.1, 0.1),
        ("b", "large", "FR/DE", 48.0, 7.6, 0.3, 0.1),
        ("d", "far", "US", 40.3, -100.0, 0.9, 0.1),
    )
    one = evaluate.agreement(run, reference, ("patents",))
    assert one.table["ours"].fillna("-").tolist() == ["large", "small", "-", "-"]
    assert one.table["rank"].dropna().tolist() == [2, 3]
    assert one.table["taken_by_another"].fillna("-").tolist() == ["-", "-", "large", "-"]
    assert (one.found, one.matched, one.correlation) == (2, 2, pytest.approx(1.0))


def test_a_figure_under_its_floor_is_told():
    floors = evaluate.FLOORS
    assert evaluate.failures(dict(floors)) == []
    name = next(iter(floors))
    (told,) = evaluate.failures(floors | {name: floors[name] - 1})
    assert name in told
    assert evaluate.failures(floors | {name: float("nan")})


# ---------------------------------------------------------------------------------- real data


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    prepare.prepare(DATA, folder)
    return folder


def one(query):
    return duckdb.sql(query).fetchall()[0][0]


@with_data
def test_amounts_are_those_of_the_sources(prepared):
    years = " + ".join(f'"{year}"' for year in range(2008, 2013))
    raw = DATA / "patents_metro_world/metro_patent_code_counts_1980_2014.csv.gz"
    assert one(f"SELECT sum(patents) FROM '{prepared}/patents.parquet'") == one(
        f"SELECT sum({years}) FROM '{raw}'"
    )
    raw = DATA / "universities_leiden_2020/leiden_ranking_2020_universities.csv.gz"
    assert one(f"SELECT sum(publications) FROM '{prepared}/publications.parquet'") == one(
        f"SELECT sum(P_derived) FROM '{raw}'"
    )
    raw = DATA / "vc_world_companies_2014/crunchbase_world_companies_by_metro_2014.csv.gz"
    assert one(f"SELECT sum(rounds) FROM '{prepared}/deals.parquet'") == pytest.approx(
        one(f"SELECT sum(funding_rounds) FROM '{raw}'")
    )


@with_data
def test_more_universities_find_a_place_than_by_plain_names(prepared):
    told = json.loads((prepared / "prepared.json").read_text(encoding="utf-8"))["publications"]
    assert told["rows"] == 1176
    assert told["rows_placed"] >= 1105
    assert told["amount_placed"] / told["amount"] >= 0.965
    per_organisation = pd.read_parquet(prepared / "publications.parquet").query("rung == 'name'")
    twice = per_organisation.duplicated(["matched", "lat", "lon"]).sum()
    assert twice == 0, "two universities share one organisation"


@with_data
def test_places_in_names_are_right_as_often_as_claimed(prepared):
    """On universities whose point is known by their name."""
    table = pd.read_parquet(prepared / "publications.parquet")
    known = table[table["rung"].isin(["name", "alias", "campus"])]
    towns, town = universities._towns(read_places())
    found = [town(name) for name in known["university"]]
    tried = np.array([len(rows) > 0 for rows in found])
    there = towns.iloc[[row for rows in found for row in rows]]
    there = universities.unit_vectors(there["lat"], there["lon"])
    here = universities.unit_vectors(known["lat"][tried], known["lon"][tried])
    right = universities.distance_km(here, there) <= universities.ONE_PLACE_KM
    assert tried.sum() > 400
    assert right.mean() >= 0.93


@with_data
def test_sources_of_the_record_study_hold_what_it_says():
    study = tomllib.loads((STUDIES / "record.toml").read_text(encoding="utf-8"))
    for source in study["source"]:
        file = source["path"].replace("${GEOCLUSTERS_EVALUATION}", str(DATA))
        columns = duckdb.sql(f"SELECT * FROM '{file}' LIMIT 0").columns
        assert set(source["columns"].values()) <= set(columns)
