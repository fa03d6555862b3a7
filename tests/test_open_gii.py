"""The study open-gii: from small downloads in the layouts of its providers to a ranking."""

from __future__ import annotations

import json
import re
import tomllib
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
import test_crunchbase
import test_openalex
import test_patentsview
import test_regpat

import geoclusters as gc
from geoclusters.checking import check_heads

FOLDER = Path(__file__).parent.parent / "data" / "studies"
STUDY = FOLDER / "open-gii.toml"
CITIES = {
    "Munich": (48.13743, 11.57549, "DE", "DEU"),
    "Lyon": (45.74846, 4.84671, "FR", "FRA"),
    "Osaka": (34.69379, 135.50107, "JP", "JPN"),
}
NAMES = list(CITIES)
ARTICLES = {"Munich": 30, "Lyon": 12, "Osaka": 6}
PATENTS = {"Munich": 4, "Lyon": 10, "Osaka": 18}
DEALS = {"Munich": 5, "Lyon": 3, "Osaka": 1}


def openalex(folder):
    """Articles of one author each, and one that Munich and Lyon share; others are not to be counted."""
    institutions = [
        test_openalex.institution(k, *CITIES[name][:2], country_code=CITIES[name][2])
        for k, name in enumerate(NAMES, 1)
    ]
    work, author, named = test_openalex.work, test_openalex.author, test_openalex.named
    homes = [k for k, name in enumerate(NAMES, 1) for _ in range(ARTICLES[name])]
    works = [
        work(n, author(n, named(k)), publication_year=2016 + n % 5) for n, k in enumerate(homes, 1)
    ]
    works += [
        work(900, author(900, named(1)), author(901, named(2))),
        work(901, author(902)),
        work(902, author(902, named(1)), type="letter"),
        work(903, author(902, named(1)), publication_year=2021),
    ]
    test_openalex.snapshot(folder, works, institutions)
    return folder / "data"


def patentsview(folder):
    """Granted patents of one inventor each that came by the PCT, and one that did not."""
    places = [
        test_patentsview.location(name, name, None, code, lat, lon)
        for name, (lat, lon, code, _) in CITIES.items()
    ]
    homes = [name for name in NAMES for _ in range(PATENTS[name])]
    numbers = [str(9_000_000 + n) for n in range(len(homes) + 1)]
    tables = {
        "g_inventor_disambiguated": [
            test_patentsview.inventor(number, 0, home)
            for number, home in zip(numbers, [*homes, "Munich"], strict=True)
        ],
        "g_location_disambiguated": places,
        "g_application": [
            {"application_id": n, "patent_id": n, "filing_date": "2018-03-01"} for n in numbers
        ],
        "g_pct_data": [
            {"patent_id": n, "pct_doc_number": f"PCT/{n}", "published_or_filed_date": "2018-03-01"}
            for n in numbers[:-1]
        ],
        "g_wipo_technology": [],
    }
    for name, rows in tables.items():
        test_patentsview.put(folder, name, rows)
    (folder / "g_cpc_current.tsv.zip").write_bytes(
        test_patentsview.put(folder, "g_patent", []).read_bytes()
    )
    (folder / "g_patent.tsv.zip").unlink()
    return folder


def crunchbase(folder):
    homes = [name for name in NAMES for _ in range(DEALS[name])]
    companies = [
        {"uuid": name, "name": f"{name} AG", "city": name, "country_code": CITIES[name][3], "num_funding_rounds": "1"}
        for name in NAMES
    ]  # fmt: skip
    rounds = [
        {"uuid": f"r{n}", "investment_type": "seed", "announced_on": "2019-05-02", "org_uuid": home}
        for n, home in enumerate(homes)
    ]
    rounds.append({**rounds[0], "uuid": "debt", "investment_type": "debt_financing"})
    test_crunchbase.write(folder / "organizations.csv", test_crunchbase.ORGANIZATIONS, companies)
    test_crunchbase.write(folder / "funding_rounds.csv.gz", test_crunchbase.FUNDING_ROUNDS, rounds)
    return folder


def regpat(folder):
    towns = {"Munich": "München", "Lyon": "Lyon", "Osaka": "Osaka"}
    rows = [
        f"WO2018{n:06}||{n}|DOE, J|Street {n},{towns[name]}||{CITIES[name][2]}|1|1"
        for n, name in enumerate(name for name in NAMES for _ in range(PATENTS[name]))
    ]
    test_regpat.put(folder, "202401_PCT_Inv_reg.txt", test_regpat.PCT_2016, rows)
    applicants = ["WO2018000000|0|1|Zeta AG||DE|1|1"]
    header = "Pct_nbr|Appln_id|Person_id|App_name|Reg_code|Ctry_code|Reg_share|App_share"
    test_regpat.put(folder, "202401_PCT_App_reg.txt", header, applicants)
    years = [f"WO2018{n:06}|2016|2017|A61K" for n in range(len(rows))]
    test_regpat.put(folder, "202401_PCT_IPC.txt", "pct_nbr|prio_year|app_year|IPC", years)
    return folder


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    """Folders of the downloads, named by the environment as the study asks."""
    folder = tmp_path_factory.mktemp("downloads")
    made = {}
    for name, write in {
        "OPENALEX": openalex,
        "PATENTSVIEW": patentsview,
        "CRUNCHBASE": crunchbase,
        "REGPAT": regpat,
    }.items():
        (folder / name).mkdir()
        made[name] = write(folder / name)
    with pytest.MonkeyPatch.context() as patch:
        for name, path in made.items():
            patch.setenv(name, str(path))
        yield made


def expected():
    """Shares of the world by city and metric, by plain counting."""
    articles = {name: Fraction(n) for name, n in ARTICLES.items()}
    articles["Munich"] += Fraction(1, 2)
    articles["Lyon"] += Fraction(1, 2)
    world = {
        "publications": sum(articles.values()) + 1,
        "patents": sum(PATENTS.values()),
        "vc_deals": sum(DEALS.values()),
    }
    counts = {"publications": articles, "patents": PATENTS, "vc_deals": DEALS}
    return {
        name: {metric: float(counts[metric][name] / Fraction(world[metric])) for metric in world}
        for name in NAMES
    }


def city_of(cluster):
    return min(
        NAMES, key=lambda n: abs(CITIES[n][0] - cluster.lat) + abs(CITIES[n][1] - cluster.lon)
    )


def check_ranking(result):
    shares, clusters = expected(), result.clusters
    assert sorted(map(city_of, clusters.itertuples())) == sorted(NAMES)
    for cluster in clusters.itertuples():
        for metric, share in shares[city_of(cluster)].items():
            assert getattr(cluster, f"share_{metric}") == pytest.approx(share, abs=1e-9)
    by_score = sorted(NAMES, key=lambda n: -sum(shares[n].values()))
    assert [city_of(c) for c in clusters.sort_values("rank").itertuples()] == by_score
    assert result.run["documents"]["publications"]["unplaced"] == pytest.approx(1)
    assert result.run["documents"]["vc_deals"]["unplaced"] == 0


def test_heads_of_all_sources(downloads):
    told = {t["metric"]: t for t in check_heads(gc.read_study(STUDY))}
    assert {m: t["format"] for m, t in told.items()} == {
        "publications": "openalex", "patents": "patentsview", "vc_deals": "crunchbase",
    }  # fmt: skip
    deals, patents = told["vc_deals"], told["patents"]
    assert (deals["with_coordinates"], deals["to_geocode"]) == (0, sum(DEALS.values()))
    assert patents["with_coordinates"] == patents["rows_looked_at"] == sum(PATENTS.values()) + 1


def test_from_downloads_to_a_ranking(downloads, tmp_path):
    result = gc.run(STUDY, tmp_path / "run")
    check_ranking(result)
    assert result.run["settings"]["density"] == "shares"
    assert result.run["settings"]["min_density"] == 5e-4
    run = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert "not WIPO's figures" in run["study"]["notice"]
    rejected = pd.read_parquet(tmp_path / "run" / "rejected.parquet")
    assert rejected["reason"].tolist() == ["no_coordinates"]


def test_with_regpat_for_the_patents(downloads, tmp_path):
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    settings = tomllib.loads(STUDY.read_text(encoding="utf-8"))
    others = [s for s in settings["source"] if s["metric"] != "patents"]
    settings["source"] = [*others, *tomllib.loads(block)["source"]]
    result = gc.run(gc.make_study(settings, folder=FOLDER), tmp_path / "run")
    check_ranking(result)
    assert {i["licence"] for i in result.run["inputs"] if i["metric"] == "patents"} == {
        "OECD, by request; not to be passed on"
    }


def test_without_the_folders_the_study_says_what_it_needs(monkeypatch):
    for name in ("OPENALEX", "PATENTSVIEW", "CRUNCHBASE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(gc.errors.StudyError, match="needs the environment variable OPENALEX"):
        check_heads(gc.read_study(STUDY))
