"""The studies on real data: preparing their tables, matching, and (where the data are) the world study itself."""

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

from geoclusters.addresses.sources.files import members
from geoclusters.addresses.sources.ror_dump import read_dump
from geoclusters.study import read_study
from geoclusters.workflow import run

ROOT = Path(__file__).resolve().parent.parent
STUDIES = ROOT / "data" / "studies"
DATA = Path(os.environ.get("GEOCLUSTERS_EVALUATION", ROOT.parent / "shared" / "data"))

sys.path[:0] = [str(STUDIES), str(ROOT / "benchmarks")]

import evaluate  # noqa: E402
import evaluate_agreement  # noqa: E402
import evaluate_world  # noqa: E402
import prepare  # noqa: E402

with_data = pytest.mark.skipif(
    not (DATA / "patents_metro_world").is_dir(), reason="the evaluation data are not here"
)

# ------------------------------------------------------------ tables brought into shape


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Universit<U+00E4>t zu K<U+00F6>ln", "Universität zu Köln"),
        ("Bo<U+011F>azi<U+00E7>i", "Boğaziçi"),
        ("Chang<U+2019>an University", "Chang\u2019an University"),
        ("A < B <U+> C", "A < B <U+> C"),
    ],
)
def test_escapes_are_letters_again(written, meant):
    assert prepare.unescaped(written) == meant


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_r_escaped_comes_back(name):
    written = "".join(c if c.isascii() else f"<U+{ord(c):04X}>" for c in name)
    assert prepare.unescaped(written) == prepare.unescaped(name)


def test_years_become_rows_and_nothing_is_placed():
    metros = pd.DataFrame(
        [("Ort", "DE", 52.0, 9.0, 7, 3, 0, 9), ("Anders", "NA", np.nan, np.nan, 0, 1, 2, 0)],
        columns=["metro", "country_code", "lat", "lon", "2007", "2008", "2012", "2013"],
    )
    rows = prepare.yearly_counts(metros)
    assert rows[["metro", "country", "year", "patents"]].to_numpy().tolist() == [
        ["Ort", "DE", 2008, 3.0],
        ["Anders", "NA", 2008, 1.0],
        ["Anders", "NA", 2012, 2.0],
    ]
    assert rows["lat"].isna().tolist() == [False, True, True]


def test_organisations_are_read_as_a_dump(tmp_path):
    table = pd.DataFrame(
        {
            "ror_id": ["https://ror.org/0bbbbbbb2", "https://ror.org/0aaaaaaa1"],
            "name": ["Universität Ort; Nord", "Institute"],
            "aliases": ["UO|University of Ort", None],
            "types": ["education|funder", "facility"],
            "status": ["active", "withdrawn"],
            "city": ["Ort", "Ville"],
            "admin1": ["Nord", None],
            "country_code": ["DE", "FR"],
            "lat": [52.0, 48.0],
            "lon": [9.0, 7.5],
            "geonames_id": [1, 2],
        }
    )
    file = tmp_path / "ror.json"
    file.write_text(json.dumps([prepare.record_of(row) for row in prepare.rows_of(table)]))
    read = read_dump(members([file])).set_index("ror_id")
    one = read.loc["0bbbbbbb2"]
    assert one["name"] == "Universität Ort; Nord"
    assert (one["acronyms"], one["region"], one["country"]) == (["UO"], "Nord", "DE")
    assert set(one["aliases"]) == {"Universität Ort; Nord", "University of Ort"}
    assert (one["lat"], one["lon"], one["types"]) == (52.0, 9.0, ["education", "funder"])
    assert read.loc["0aaaaaaa1", "region"] is None


# ------------------------------------------------------------ matching


def test_every_city_of_the_published_ranks_is_found():
    reference = evaluate_agreement.read_reference()
    assert reference["rank"].tolist() == list(range(1, 36))
    assert reference["cities"].map(len).tolist() == [
        cluster.count(evaluate_agreement.EN_DASH) + 1 for cluster in reference["cluster"]
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
    clusters = Run(
        ("a", "small", "FR", 48.1, 7.5, 0.1, 0.1),
        ("b", "large", "FR/DE", 48.0, 7.6, 0.3, 0.1),
        ("d", "far", "US", 40.3, -100.0, 0.9, 0.1),
    )
    one = evaluate_agreement.agreement(clusters, reference, ("patents",))
    assert one.table["ours"].fillna("-").tolist() == ["large", "small", "-", "-"]
    assert one.table["rank"].dropna().tolist() == [2, 3]
    assert one.table["taken_by_another"].fillna("-").tolist() == ["-", "-", "large", "-"]
    assert (one.found, one.matched, one.correlation) == (2, 2, pytest.approx(1.0))


# ------------------------------------------------------------ floors and steps


def test_a_figure_under_its_floor_or_over_its_limit_is_told():
    good = dict(evaluate.FLOORS) | dict(evaluate.LIMITS)
    assert evaluate.failures(good) == []
    for marks, step in ((evaluate.FLOORS, -1), (evaluate.LIMITS, 1)):
        for name in marks:
            (told,) = evaluate.failures(good | {name: good[name] + step})
            assert name in told
            assert evaluate.failures(good | {name: float("nan")})


def test_what_is_asked_of_geocoding_and_population_is_a_mark():
    asked = {"typos_right": 0.90, "typos_answered": 0.75, "cities_right": 0.98, "names_right": 0.98}
    for name, least in asked.items():
        assert evaluate.FLOORS[f"geocoding_{name}"] >= least
    assert max(evaluate.LIMITS.values()) <= 0.02


def test_steps_change_what_they_say_and_leave_the_rest():
    study = read_study(STUDIES / "world.toml")
    found = evaluate_world.steps(study)
    assert len({name for name, _ in found.values()}) == len(found)
    assert found[evaluate_world.AFTER][1] == study
    before = found[evaluate_world.BEFORE][1]
    assert (before.geocoding.enabled, before.method.check_country) == (False, False)
    assert before.method.radius_km == study.method.radius_km
    assert {s.format for s in before.source} == {"table"}
    placed = {s.metric: "lat" in s.columns for s in before.source}
    assert placed == {"patents": True, "publications": False, "vc_deals": True}


# ---------------------------------------------------------------------------------- real data


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    prepare.prepare(DATA, folder)
    return folder


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory, no_pages_in_module):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOCLUSTERS_EVALUATION", str(DATA))
        patch.setenv("GEOCLUSTERS_PREPARED", str(prepared))
        yield run(STUDIES / "world.toml", out=tmp_path_factory.mktemp("world"))


def one(query):
    return duckdb.sql(query).fetchall()[0][0]


def sources():
    """Amounts of the world study in the tables as they are given."""
    years = " + ".join(f'"{year}"' for year in range(2008, 2013))
    return {
        "patents": one(f"SELECT sum({years}) FROM '{DATA / prepare.METROS}'"),
        "publications": one(f"SELECT sum(P_derived) FROM '{DATA / prepare.UNIVERSITIES}'"),
        "vc_deals": one(
            f"SELECT sum(funding_rounds) FROM '{DATA}/vc_world_companies_2014/crunchbase_world_city_totals*.csv.gz'"
        ),
    }


@with_data
def test_world_study_counts_everything_that_the_sources_have(world):
    assert {m: d["window"] for m, d in world.run["documents"].items()} == pytest.approx(sources())


@with_data
def test_most_of_the_world_study_finds_its_place(world):
    placed = {m: 1 - d["unplaced"] / d["window"] for m, d in world.run["documents"].items()}
    assert placed["patents"] >= 0.99
    assert placed["publications"] >= 0.94
    assert placed["vc_deals"] >= 0.99
    assert world.run["population"]["name"] == "WorldPop"
    assert world.clusters["population"].notna().mean() >= 0.99


@with_data
def test_world_study_agrees_with_the_published_ranking(world):
    three, two = evaluate_world.agreements(world, evaluate_agreement.read_reference())
    assert three.found >= evaluate.FLOORS["world_found"]
    assert three.matched >= evaluate.FLOORS["world_matched"]
    assert three.correlation >= evaluate.FLOORS["world_correlation"]
    assert two.found >= evaluate.FLOORS["world_found_two_metrics"]
    assert two.correlation >= evaluate.FLOORS["world_correlation_two_metrics"]


@with_data
def test_misses_are_told_with_what_was_not_placed(world, capsys):
    reference = evaluate_agreement.read_reference()
    three, two = evaluate_world.agreements(world, reference)
    evaluate_world.print_misses(three, two, reference, world)
    told = capsys.readouterr().out
    missed = three.table[~(three.table["rank"] <= evaluate_agreement.FIRST_OURS)]
    assert all(f"{name} (published rank" in told for name in missed["published"])
    assert "rows with its name were not placed" in told


@with_data
def test_sources_of_the_record_study_hold_what_it_says():
    study = tomllib.loads((STUDIES / "record.toml").read_text(encoding="utf-8"))
    for source in study["source"]:
        file = source["path"].replace("${GEOCLUSTERS_EVALUATION}", str(DATA))
        columns = duckdb.sql(f"SELECT * FROM '{file}' LIMIT 0").columns
        assert set(source["columns"].values()) <= set(columns)
