"""ROR: every form of a dump gives the same organisations; affiliations find theirs, or say why they do not."""

from __future__ import annotations

import gzip
import json
import re
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format
from geoclusters.addresses.sources.files import Member, members
from geoclusters.addresses.sources.ror import FORMAT
from geoclusters.addresses.sources.ror_dump import form_of, read_dump
from geoclusters.addresses.sources.ror_index import Index, alike
from geoclusters.addresses.sources.ror_matching import Matcher
from geoclusters.addresses.sources.ror_names import plain_words
from geoclusters.errors import SourceError
from geoclusters.study import read_study

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "formats" / "ror"
DATA = ROOT.parent / "shared" / "data"
sys.path.insert(0, str(ROOT / "benchmarks"))

import evaluate_ror  # noqa: E402

with_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real samples are not here")
with_labels = pytest.mark.skipif(
    not (DATA / "validation_affiliation_to_ror").is_dir(), reason="the labels are not here"
)
few = settings(max_examples=30, deadline=None)

U = "https://ror.org/"


def organisation(k, name, city, country, lat, lon, *, aliases=(), acronyms=(), region=None, **more):
    return {
        "id": f"0{k:08d}",
        "name": name,
        "city": city,
        "country": country,
        "lat": lat,
        "lon": lon,
        "aliases": sorted(aliases),
        "acronyms": sorted(acronyms),
        "region": region,
        "types": more.get("types", ["education"]),
        "status": more.get("status", "active"),
        "parents": [f"0{p:08d}" for p in more.get("parents", ())],
        "successors": [f"0{s:08d}" for s in more.get("successors", ())],
    }


WORLD = [
    organisation(
        1,
        "Ludwig-Maximilians-Universität München",
        "Munich",
        "DE",
        48.137,
        11.575,
        aliases=["University of Munich", "LMU Munich"],
        acronyms=["LMU"],
        region="Bavaria",
        types=["education", "funder"],
    ),
    organisation(
        2, "Technical University of Munich", "Munich", "DE", 48.137, 11.575, acronyms=["TUM"]
    ),
    organisation(
        3,
        "University of California, Berkeley",
        "Berkeley",
        "US",
        37.872,
        -122.273,
        region="California",
    ),
    organisation(
        4,
        "University of California System",
        "Oakland",
        "US",
        37.804,
        -122.271,
        aliases=["University of California"],
    ),
    organisation(5, "Trinity College", "Hartford", "US", 41.764, -72.685),
    organisation(
        6, "Trinity College Dublin", "Dublin", "IE", 53.333, -6.249, aliases=["Trinity College"]
    ),
    organisation(7, "Acme (United States)", "Denver", "US", 39.739, -104.985, types=["company"]),
    organisation(
        8, "Acme (Germany)", "Berlin", "DE", 52.524, 13.41, types=["company"], parents=[7]
    ),
    organisation(
        9, "Old College of Ghent", "Ghent", "BE", 51.05, 3.717, status="withdrawn", successors=[10]
    ),
    organisation(10, "Ghent University", "Ghent", "BE", 51.05, 3.717),
    organisation(11, "Shelved Academy of Riga", "Riga", "LV", 56.946, 24.106, status="withdrawn"),
    organisation(12, "Nowhere Institute of Zorblax", None, "FR", None, None, types=["facility"]),
    organisation(13, "Institute of Physics", "Ljubljana", "SI", 46.051, 14.506, types=["facility"]),
]
IDS = {o["name"]: o["id"] for o in WORLD}


def as_v2(o):
    names = [{"value": o["name"], "types": ["ror_display", "label"], "lang": "en"}]
    names += [{"value": a, "types": ["alias"], "lang": None} for a in o["aliases"]]
    names += [{"value": a, "types": ["acronym"], "lang": None} for a in o["acronyms"]]
    details = {
        "name": o["city"],
        "lat": o["lat"],
        "lng": o["lon"],
        "country_code": o["country"],
        "country_name": "x",
        "country_subdivision_code": "CA",
        "country_subdivision_name": o["region"],
        "continent_code": "EU",
    }
    related = [("parent", p) for p in o["parents"]] + [("successor", s) for s in o["successors"]]
    return {
        "admin": {"created": {"date": "2020-01-01", "schema_version": "2.1"}},
        "domains": [],
        "id": U + o["id"],
        "locations": [{"geonames_id": 1, "geonames_details": details}],
        "names": names,
        "relationships": [{"label": "x", "type": t, "id": U + i} for t, i in related],
        "status": o["status"],
        "types": o["types"],
    }


def as_v1(o):
    related = [("Parent", p) for p in o["parents"]] + [("Successor", s) for s in o["successors"]]
    region = {"name": o["region"], "code": "US.CA"}
    return {
        "id": U + o["id"],
        "name": o["name"],
        "aliases": o["aliases"],
        "acronyms": o["acronyms"],
        "labels": [],
        "types": [t.capitalize() for t in o["types"]],
        "status": o["status"],
        "addresses": [
            {
                "lat": o["lat"],
                "lng": o["lon"],
                "city": o["city"],
                "state": None,
                "geonames_city": {"id": 1, "city": o["city"], "geonames_admin1": region},
            }
        ],
        "country": {"country_code": o["country"], "country_name": "x"},
        "relationships": [{"label": "x", "type": t, "id": U + i} for t, i in related],
    }


def as_csv(o, version):
    related = {"parent": o["parents"], "successor": o["successors"]}
    links = "; ".join(f"{k}: " + ", ".join(U + i for i in v) for k, v in related.items() if v)
    shared = {
        "id": U + o["id"],
        "status": o["status"],
        "types": "; ".join(o["types"]),
        "relationships": links,
    }
    if version == 1:
        return shared | {
            "name": o["name"],
            "aliases": "; ".join(o["aliases"]),
            "acronyms": "; ".join(o["acronyms"]),
            "labels": "",
            "addresses[0].lat": o["lat"],
            "addresses[0].lng": o["lon"],
            "addresses[0].geonames_city.name": o["city"],
            "addresses[0].geonames_city.geonames_admin1.name": o["region"],
            "country.country_code": o["country"],
        }
    return shared | {
        "names.types.ror_display": o["name"],
        "names.types.alias": "; ".join(f"en: {a}" for a in o["aliases"]),
        "names.types.label": "",
        "names.types.acronym": "; ".join(f"no_lang_code: {a}" for a in o["acronyms"]),
        "locations.geonames_details.lat": o["lat"],
        "locations.geonames_details.lng": o["lon"],
        "locations.geonames_details.name": o["city"],
        "locations.geonames_details.country_subdivision_name": o["region"],
        "locations.geonames_details.country_code": o["country"],
    }


def dump(folder, form, world=WORLD):
    """One release in one of its forms, under a name that says nothing."""
    v1, v2 = (json.dumps([make(o) for o in world], ensure_ascii=False) for make in (as_v1, as_v2))
    csvs = [pd.DataFrame([as_csv(o, v) for o in world]).to_csv(index=False) for v in (1, 2)]
    content = {"json_v1": v1, "json_v2": v2, "csv_v1": csvs[0], "csv_v2": csvs[1]}
    path = folder / f"{form}.bin"
    if form in content:
        path = folder / f"some.{form[:-3]}"
        path.write_text(content[form], encoding="utf-8")
    elif form == "json_v2.gz":
        path = folder / "some.json.gz"
        path.write_bytes(gzip.compress(v2.encode()))
    else:
        path = folder / "release.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", csvs[0])
            archive.writestr("b.json", v1)
            archive.writestr("c.json", v2)
            archive.writestr("__MACOSX/c.json", "rubbish")
    return path


FORMS = ["json_v1", "json_v2", "csv_v1", "csv_v2", "json_v2.gz", "zip"]


def records(path):
    return read_dump(list(members([path])))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_organisations(tmp_path, form):
    found = records(dump(tmp_path, form)).set_index("ror_id")
    assert list(found.index) == [o["id"] for o in WORLD]
    for o in WORLD:
        row = found.loc[o["id"]]
        assert row["name"] == o["name"]
        assert set(row["aliases"]) - {o["name"]} == set(o["aliases"])
        for key in ("acronyms", "types", "parents", "successors", "status", "country"):
            assert row[key] == o[key], key
        for key in ("city", "region"):
            assert (row[key] or None) == o[key]
        assert np.isnan(row["lat"]) if o["lat"] is None else row["lat"] == o["lat"]


def test_the_form_is_told_by_the_keys(tmp_path):
    for form in FORMS[:4]:
        path = dump(tmp_path, form)
        assert form_of(path.read_bytes()) == form
        assert FORMAT.recognises(Member(path), path.read_bytes())
    for other in (b"", b"id,name\n1,x\n", b'{"id": "https://openalex.org/W1"}', b"PAR1"):
        assert form_of(other) is None
    assert find_format("ror-affiliations") is FORMAT


# ------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Universität zu Köln", "Univ. Koln"),
        ("Univ. Calif., Berkeley", "The University of California at Berkeley"),
        ("Politecnico di Milano", "Polytechnic Milano"),
        ("Xi\u2019an Jiaotong University", "Xian Jiaotong Univ"),
        ("TU Munich", "Technical University of Munich"),
        ("Università degli Studi di Trento", "University of Trento"),
    ],
)
def test_spellings_of_a_name_have_the_same_words(one, other):
    assert plain_words(one) == plain_words(other)


words = st.text("abcdefgh", min_size=5, max_size=9)


@few
@given(words, st.integers(0, 4), st.sampled_from("xyz"))
def test_one_slip_is_forgiven_and_more_are_not(word, at, letter):
    changed = word[:at] + letter + word[at + 1 :]
    assert alike(word, changed)
    assert alike(word, word[:at] + letter + word[at:])
    assert alike(word, changed) == alike(changed, word)
    assert not alike(word, "zz" + word[2:][::-1] + "zz")


# ------------------------------------------------------------ matching


@pytest.fixture(scope="module")
def matcher(tmp_path_factory):
    return Matcher(Index(records(dump(tmp_path_factory.mktemp("d"), "json_v2"))))


@pytest.fixture(scope="module")
def match(matcher):
    ids = sorted(o["id"] for o in WORLD)
    names = {o["id"]: o["name"] for o in WORLD}

    def one(text, country=None):
        [found] = matcher.match([text], [country])
        return names[ids[found.row]] if found.row >= 0 else None

    return one


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Dept. of Physics, Ludwig Maximilians Univ. Munchen, Germany", WORLD[0]["name"]),
        ("LMU Munich", WORLD[0]["name"]),
        ("Ludwig-Maximilans-Universität München, Munich", WORLD[0]["name"]),  # a slip
        ("[Lehrstuhl X, TU Munich, Munich]", WORLD[1]["name"]),
        (
            "Department of Physics, University of California, Berkeley, CA 94720, USA",
            WORLD[2]["name"],
        ),
        ("University of California", WORLD[3]["name"]),
        ("Trinity College, Hartford, Connecticut, USA", WORLD[4]["name"]),
        ("School of Maths, Trinity College, Dublin 2, Ireland", WORLD[5]["name"]),
        ("Trinity College, Ireland", WORLD[5]["name"]),
        ("Acme Research, Berlin, Germany", WORLD[7]["name"]),
        ("Acme", WORLD[6]["name"]),  # above the other of the same name
        ("Old College of Ghent, Ghent, Belgium", WORLD[9]["name"]),  # its successor
        ("Institute of Physics, Ljubljana, Slovenia", WORLD[12]["name"]),
        ("Shelved Academy of Riga, Riga, Latvia", None),  # withdrawn, nobody took over
        ("Technical University of Munich, Vienna, Austria", None),  # in another country
        ("Institute of Physics, Kyiv, Ukraine", None),
        ("Institute of Physics", None),  # which?
        ("Munich, Germany", None),
        ("Independent Researcher", None),
        ("", None),
    ],
)
def test_affiliations_find_their_organisation(match, text, name):
    assert match(text) == name


def test_a_country_that_is_given_counts(match):
    assert match("Trinity College", "IE") == WORLD[5]["name"]
    assert match("Trinity College", "US") == WORLD[4]["name"]


@few
@given(
    st.sampled_from([o for o in WORLD if o["status"] == "active"]),
    st.text(max_size=8),
    st.booleans(),
)
def test_a_name_with_its_city_is_found_in_any_case_and_company(matcher, organisation, noise, upper):
    if organisation["city"] is None:
        return
    text = f"{organisation['name']}, {organisation['city']}"
    [found] = matcher.match([text.upper() if upper else text])
    [with_more] = matcher.match([f"Lehrstuhl Quux, {text}"])
    rows = sorted(o["id"] for o in WORLD)
    assert rows[found.row] == rows[with_more.row] == organisation["id"]
    [score] = [m.score for m in matcher.match([noise])]
    assert 0 <= score <= 1


# ------------------------------------------------------------ the source

PAPERS = pd.DataFrame(
    {
        "paper": ["p1", "p1", "p2", "p3", "p4"],
        "author": ["a", "b", "a", "c", None],
        "when": [2020, 2020, 2021, 2022, 2022],
        "where": [
            "LMU Munich",
            "Univ. California, Berkeley, CA, USA; Technical University of Munich, Garching, Germany;",
            "Unheard-of Labs, Lyon, France",
            None,
            "Technical University of Munich, Berlin, Germany",
        ],
        "land": [None, None, None, "FR", None],
    }
)
COLUMNS = {"document": "paper", "person": "author", "year": "when", "country": "land"}


def read(files, *, columns=COLUMNS, head_only=False, **options):
    options = {"affiliation": "where"} | options
    batches = list(FORMAT.read(Request(files, columns, options=options, head_only=head_only)))
    table = pa.Table.from_batches(batches, schema.READ.arrow())
    return table.to_pandas().astype(object).where(lambda t: t.notna(), None)


@pytest.fixture
def files(tmp_path):
    PAPERS.to_csv(tmp_path / "papers.csv", index=False)
    return [tmp_path / "papers.csv", dump(tmp_path, "zip")]


@pytest.mark.parametrize("reverse", [False, True])
def test_tables_are_placed_through_the_dump(files, reverse):
    found = read(files[::-1] if reverse else files, separator=";")
    assert found["document"].tolist() == ["p1", "p1", "p1", "p2", "p3", "p4"]
    assert found["row"].tolist() == [1, 2, 2, 3, 4, 5]
    assert found["person"].tolist() == ["a", "b", "b", "a", "c", None]
    assert found["organisation"].tolist() == [
        WORLD[0]["name"],
        WORLD[2]["name"],
        WORLD[1]["name"],
        "Unheard-of Labs",
        None,
        WORLD[1]["name"],
    ]
    assert found["lat"].tolist() == [48.137, 37.872, 48.137, None, None, None]
    assert found["accuracy"].tolist() == ["place"] * 3 + [None] * 3
    assert found["country"].tolist() == ["DE", "US", "DE", "FR", "FR", "DE"]
    # Garching is by Munich, Berlin is not: there the text counts, and is left to geocoding.
    assert found["place"].tolist() == ["Munich", "Berkeley", "Munich", "Lyon", None, "Berlin"]


def test_what_the_table_says_stays(files, tmp_path):
    table = PAPERS.assign(y=[1.0, None, None, None, None], x=[2.0, None, None, None, None])
    table.to_parquet(tmp_path / "t.parquet")
    found = read([tmp_path / "t.parquet", files[1]], columns=COLUMNS | {"lat": "y", "lon": "x"})
    assert (found["lat"][0], found["lon"][0]) == (1.0, 2.0)


def test_affiliations_may_be_mapped_as_organisation(files):
    columns = COLUMNS | {"organisation": "where"}
    batches = list(FORMAT.read(Request(files, columns)))
    assert batches[0].column("organisation")[0].as_py() == WORLD[0]["name"]
    with pytest.raises(SourceError, match=r"which column holds the affiliations.*affiliation ="):
        list(FORMAT.read(Request(files, COLUMNS)))


def test_a_score_may_be_asked_for(files):
    assert read(files, min_score=1.0)["lat"].notna().sum() < read(files)["lat"].notna().sum()
    with pytest.raises(SourceError, match="min_score = 2"):
        read(files, min_score=2)


def test_missing_and_broken_files_are_named(files, tmp_path):
    table, release = files
    with pytest.raises(SourceError, match=r"papers\.csv: none of the files is a dump of ROR"):
        read([table])
    with pytest.raises(SourceError, match="organisations only; add the tables"):
        read([release])
    with pytest.raises(SourceError, match="there is no column 'nowhere'"):
        read(files, affiliation="nowhere")
    release.write_bytes(release.read_bytes()[:-40])
    with pytest.raises(SourceError, match=r"release\.zip: not readable as a zip archive"):
        read(files)
    half = tmp_path / "half.json"
    half.write_text(json.dumps([as_v2(o) for o in WORLD])[:-60], encoding="utf-8")
    with pytest.raises(SourceError, match=r"half\.json: not readable"):
        read([table, half])
    with pytest.raises(SourceError, match="no dump of ROR"):
        read_dump([Member(table)])


def test_heads_are_read_file_by_file(files):
    table, release = files
    texts = PAPERS["where"].dropna().tolist()
    assert read([table], head_only=True)["organisation"].dropna().tolist() == texts
    assert len(read([release], head_only=True)) == len(WORLD)
    assert len(read(files, head_only=True)) == len(PAPERS)


def test_each_table_can_be_read_apart(files, tmp_path):
    PAPERS.to_csv(tmp_path / "more.csv", index=False)
    both = [*files, tmp_path / "more.csv"]
    assert FORMAT.groups(both) == [[files[0], files[1]], [tmp_path / "more.csv", files[1]]]
    apart = pd.concat([read(g) for g in FORMAT.groups(both)])
    assert sorted(map(repr, apart.itertuples(index=False))) == sorted(
        map(repr, read(both).itertuples(index=False))
    )


def test_the_study_in_the_docs_runs(tmp_path):
    page = (ROOT / "docs/formats/ror.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    dump(tmp_path, "zip").rename(tmp_path / "v2.0-ror-data.zip")
    named = {"paper": "paper_id", "author": "author_pos", "when": "year", "where": "affiliation"}
    PAPERS.rename(columns=named).to_csv(tmp_path / "papers.csv", index=False)
    (source,) = read_study(tmp_path / "study.toml").sources
    request = source.request(source.files(tmp_path))
    (batch,) = FORMAT.read(request)
    assert batch.column("lat").to_pylist() == [48.137, 37.872, 48.137, None, None, None]


# ------------------------------------------------------------ real samples


@with_real
@pytest.mark.parametrize("version", [1, 2])
def test_real_samples_give_what_plain_python_finds(version):
    path = REAL / f"ror-data_v{version}_sample.json.gz"
    plain = json.loads(gzip.decompress(path.read_bytes()))
    found = records(path).set_index("ror_id")
    latest = {r["id"][-9:]: r for r in plain}
    assert set(found.index) == set(latest)
    assert Counter(found["status"]) == Counter(r["status"] for r in latest.values())
    for key, record in latest.items():
        row = found.loc[key]
        if version == 1:
            at, name = record["addresses"][0], record["name"]
            expected = (at["lat"], at["lng"], at["city"], record["country"]["country_code"])
        else:
            at = record["locations"][0]["geonames_details"]
            name = next(n["value"] for n in record["names"] if "ror_display" in n["types"])
            expected = (at["lat"], at["lng"], at["name"], at["country_code"])
        assert (row["lat"], row["lon"], row["city"], row["country"]) == expected
        assert row["name"] == name


@with_real
def test_real_organisations_are_found_by_their_own_names():
    table = records(REAL / "ror-data_v2_sample.json.gz")
    index = Index(table)
    active = table[(table["status"] == "active") & table["city"].notna()]
    texts = [
        f"Department of X, {n}, {c}" for n, c in zip(active["name"], active["city"], strict=True)
    ]
    found = Matcher(index).match(texts, active["country"])
    right = [m.row == row for m, row in zip(found, active.index, strict=True)]
    assert np.mean(right) > 0.93


@with_labels
def test_labelled_affiliations_find_their_organisation():
    """Some of the held-out half; the whole is measured by benchmarks/evaluate_ror.py."""
    labels = evaluate_ror.read_labels(DATA)
    part = labels[labels["held_out"]].iloc[::4]
    wanted = frozenset[str]().union(*part["labels"])
    table = evaluate_ror.read_organisations(DATA)
    kept = table["ror_id"].isin(wanted) | (table.index % 6 == 0)  # the others are there to mislead
    index = Index(table[kept].reset_index(drop=True))
    found = evaluate_ror.compare(Matcher(index).match(part["text"]), part["labels"].tolist(), index)
    assert found["place_precision"] > 0.95
    assert found["place_recall"] > 0.85
    assert found["precision_possible"] > 0.9
