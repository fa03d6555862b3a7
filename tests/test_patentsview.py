"""PatentsView: tables in the layout in which they are published, joined as plain Python joins them."""

from __future__ import annotations

import csv
import gzip
import re
import tomllib
import zipfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format, joining
from geoclusters.addresses.sources.files import Member
from geoclusters.addresses.sources.staging import Staging
from geoclusters.errors import SourceError
from geoclusters.study import make_study

SAMPLES = Path(__file__).parent.parent.parent / "shared" / "formats" / "patentsview"
FORMAT = find_format("patentsview")
HEADERS = {
    "inventor_disambiguated": "{} inventor_sequence inventor_id disambig_inventor_name_first "
    "disambig_inventor_name_last gender_code location_id",
    "inventor_not_disambiguated": "{} inventor_sequence inventor_id raw_inventor_name_first "
    "raw_inventor_name_last deceased_flag rawlocation_id",
    "location_disambiguated": "location_id disambig_city disambig_state disambig_country latitude longitude county "
    "state_fips county_fips",
    "location_not_disambiguated": "rawlocation_id location_id raw_city raw_state raw_country",
    "assignee_disambiguated": "{} assignee_sequence assignee_id disambig_assignee_individual_name_first "
    "disambig_assignee_individual_name_last disambig_assignee_organization assignee_type location_id",
    "wipo_technology": "{} wipo_field_sequence wipo_field_id wipo_sector_title wipo_field_title",
    "pct_data": "{} published_or_filed_date pct_371_date pct_102_date filed_country application_kind pct_doc_number "
    "pct_doc_type",
    "g_application": "application_id patent_id patent_application_type filing_date series_code rule_47_flag",
    "g_patent": "patent_id patent_type patent_date patent_title wipo_kind num_claims withdrawn filename",
    "pg_published_application": "pgpub_id application_id filing_date patent_type filing_type published_date "
    "wipo_kind series_code application_title rule_47_flag filename",
    "pg_granted_pgpubs_crosswalk": "pgpub_id patent_id application_id current_pgpub_id_flag current_patent_id_flag",
}


def header(table):
    prefix, _, name = table.partition("_")
    found = HEADERS.get(table) or HEADERS[name]
    return found.format("patent_id" if prefix == "g" else "pgpub_id").split()


def cell(value):
    """As the provider writes it: numbers bare, text in quotes with quotes doubled, missing values empty."""
    if value is None or value == "":
        return ""
    return str(value) if isinstance(value, int | float) else '"' + value.replace('"', '""') + '"'


def put(folder, table, rows, *, packed="zip"):
    columns = header(table)
    lines = [columns, *([row.get(c) for c in columns] for row in rows)]
    text = "".join("\t".join(map(cell, line)) + "\n" for line in lines)
    if packed == "zip":
        path = folder / f"{table}.tsv.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{table}.tsv", text)
        return path
    path = folder / f"{table}.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def inventor(document, sequence, location, *, key="patent_id", who=None):
    return {
        key: document,
        "inventor_sequence": sequence,
        "inventor_id": who or f"fl:jo_ln:doe-{document}-{sequence}",
        "disambig_inventor_name_first": 'Jo "J"\nthe\tfirst',
        "disambig_inventor_name_last": "O'Doe, jr.",
        "gender_code": "F",
        "location_id": location,
    }


def location(name, city, state, country, lat, lon):
    found = {"location_id": name, "disambig_city": city, "disambig_state": state}
    return {**found, "disambig_country": country, "latitude": lat, "longitude": lon}


MUNICH, OTTAWA, WINDHOEK, TEXAS, NOWHERE = (f"0000000{i}-16c8-11ed-9b5f" for i in range(5))
LOCATIONS = [
    location(MUNICH, "Munich", None, "DE", 48.137154, 11.576124),
    location(OTTAWA, "Ottawa", None, "CA", 45.42, -75.69),
    location(WINDHOEK, "Windhoek", None, "NA", -22.56, 17.08),
    location(TEXAS, None, "TX", "US", 31.0, -100.0),
    location(NOWHERE, "Quickborn, Kreis Pinneberg", None, "DE", None, None),
]
INVENTORS = [
    inventor("9000002", 1, OTTAWA),
    inventor("9000001", 0, MUNICH),
    inventor("9000002", 0, MUNICH),
    inventor("9000003", 0, WINDHOEK),
    inventor("9000001", 1, None),
    inventor("D800001", 0, MUNICH),
    inventor("RE50001", 0, MUNICH),
    inventor("9000003", 1, TEXAS),
    inventor("9000002", 2, NOWHERE),
    inventor("9000004", 0, MUNICH),
]
APPLICATIONS = [
    {"application_id": "16100001", "patent_id": "9000001", "filing_date": "2015-03-01"},
    {"application_id": "16100002", "patent_id": "9000002", "filing_date": "1074-08-14"},
    {"application_id": "16100003", "patent_id": "9000003", "filing_date": "2019-08-14"},
    {"application_id": "29100001", "patent_id": "D800001", "filing_date": "2016-01-01"},
]
PATENTS = [
    {
        "patent_id": number,
        "patent_type": "utility",
        "patent_date": date,
        "patent_title": 'A "method",\nand more',
        "num_claims": 3,
        "withdrawn": int(number == "9000004"),
    }
    for number, date in (
        ("9000001", "2018-04-03"),
        ("9000002", "2018-04-10"),
        ("9000003", "2018-04-10"),
        ("9000004", "2018-04-17"),
    )
]


def world(folder, **changed):
    tables = {
        "g_inventor_disambiguated": INVENTORS,
        "g_location_disambiguated": LOCATIONS,
        "g_application": APPLICATIONS,
        **changed,
    }
    return [put(folder, name, rows) for name, rows in tables.items() if rows is not None]


def read(files, **options):
    batches = list(FORMAT.read(Request(files, options=options)))
    assert all(batch.schema == schema.READ.arrow() for batch in batches)
    return pa.Table.from_batches(batches, schema.READ.arrow()).to_pylist()


def by_person(rows):
    return {row["person"].removeprefix("fl:jo_ln:doe-"): row for row in rows}


def test_inventors_are_joined_with_place_and_date(tmp_path):
    rows = read(world(tmp_path))
    found = by_person(rows)
    assert [r["document"] for r in rows] == sorted(r["document"] for r in rows)
    assert len(rows) == 8
    first = found["9000001-0"]
    assert (first["lat"], first["lon"], first["country"]) == (48.137154, 11.576124, "DE")
    assert (first["place"], first["accuracy"], first["year"]) == ("Munich", "place", 2015)
    assert first["file"] == "g_inventor_disambiguated.tsv.zip/g_inventor_disambiguated.tsv"
    assert first["row"] == 2
    assert found["9000002-1"]["country"] == "CA"
    assert found["9000003-0"]["country"] == "NA"
    texas = found["9000003-1"]
    assert (texas["region"], texas["country"], texas["accuracy"]) == ("TX", "US", "region")
    lost, named = found["9000001-1"], found["9000002-2"]
    assert (lost["lat"], lost["place"], lost["accuracy"]) == (None, None, None)
    assert (named["lat"], named["place"]) == (None, "Quickborn, Kreis Pinneberg")


def test_years_of_filing_in_a_wrong_century_are_repaired(tmp_path):
    found = by_person(read(world(tmp_path)))
    assert found["9000002-0"]["year"] == 1974
    assert found["9000004-0"]["year"] is None
    found = by_person(read(world(tmp_path, g_patent=PATENTS)))
    assert found["9000003-0"]["year"] is None, "filed after its grant"
    assert found["9000002-0"]["year"] == 1974


def test_withdrawn_patents_are_left_out_where_the_table_says_so(tmp_path):
    files = world(tmp_path, g_patent=PATENTS)
    assert "9000004-0" not in by_person(read(files))
    assert by_person(read(files, year="grant"))["9000003-1"]["year"] == 2018


def test_types_are_told_by_the_number(tmp_path):
    files = world(tmp_path)
    assert set(by_person(read(files, types=["design"]))) == {"D800001-0"}
    assert set(by_person(read(files, types=["design", "reissue"]))) == {"D800001-0", "RE50001-0"}
    assert len(read(files, types=["utility", "design", "reissue"])) == len(INVENTORS)


def test_the_first_assignee_and_the_first_field(tmp_path):
    def assignee(patent, sequence, name):
        found = {"patent_id": patent, "assignee_sequence": sequence, "assignee_type": 3}
        return {**found, "disambig_assignee_organization": name}

    def field(patent, sequence, code, title):
        found = {"patent_id": patent, "wipo_field_sequence": sequence, "wipo_field_id": code}
        return {**found, "wipo_field_title": title}

    files = world(
        tmp_path,
        g_assignee_disambiguated=[
            assignee("9000001", 1, "Alpha"),
            assignee("9000001", 0, 'Zeta "Z" GmbH'),
            assignee("9000002", 0, None),
            assignee("9000002", 1, "Beta"),
        ],
        g_wipo_technology=[
            field("9000001", 0, "10", "Measurement"),
            field("9000001", 1, "1", "Analysis"),
            field("9000002", 0, "32", None),
        ],
    )
    found = by_person(read(files))
    assert found["9000001-1"]["organisation"] == 'Zeta "Z" GmbH'
    assert found["9000001-0"]["field"] == "Measurement"
    assert found["9000002-0"]["organisation"] is None, "the first assignee is an individual"
    assert found["9000002-0"]["field"] == "32"
    assert len(found) == 8


def pct(document, date, kind, *, key="patent_id"):
    return {
        key: document,
        "published_or_filed_date": date,
        "pct_doc_number": "PCT/EP2013/1",
        "pct_doc_type": kind,
    }


def test_only_patents_that_came_by_an_international_application(tmp_path):
    table = [
        pct("9000001", "2014-11-02", "wo_grant"),
        pct("9000001", "2013-05-01", "pct_application"),
    ]
    files = world(tmp_path, g_pct_data=table)
    assert {r["year"] for r in read(files, pct_only=True)} == {2015}
    assert {r["document"] for r in read(files, pct_only=True)} == {"9000001"}
    assert {(r["document"], r["year"]) for r in read(files, year="pct")} == {("9000001", 2013)}


def test_places_as_written_stand_in_for_missing_ones(tmp_path):
    files = world(
        tmp_path,
        g_inventor_not_disambiguated=[
            {
                "patent_id": "9000001",
                "inventor_sequence": s,
                "inventor_id": "x",
                "rawlocation_id": f"raw{s}",
            }
            for s in (0, 1)
        ],
        g_location_not_disambiguated=[
            {"rawlocation_id": "raw0", "raw_city": "Muenchen", "raw_country": "DE"},
            {"rawlocation_id": "raw1", "raw_city": "Garching", "raw_country": "DE"},
        ],
    )
    found = by_person(read(files))
    assert (found["9000001-1"]["place"], found["9000001-1"]["country"]) == ("Garching", "DE")
    assert found["9000001-1"]["lat"] is None
    assert found["9000001-1"]["accuracy"] == "place"
    assert found["9000001-0"]["place"] == "Munich"


def published(document, filed, *, kind="utility"):
    return {
        "pgpub_id": document,
        "filing_date": filed,
        "patent_type": kind,
        "published_date": "2021-01-07",
    }


def pregrant(folder, **changed):
    tables = {
        "pg_inventor_disambiguated": [
            inventor("20210000001", 0, MUNICH, key="pgpub_id"),
            inventor("20210000002", 0, OTTAWA, key="pgpub_id"),
            inventor("20210000003", 0, OTTAWA, key="pgpub_id"),
        ],
        "pg_published_application": [
            published("20210000001", "2015-03-01"),
            published("20210000002", "2020-03-01"),
            published("20210000003", "2020-03-01", kind="plant"),
        ],
        **changed,
    }
    return [put(folder, name, rows) for name, rows in tables.items() if rows is not None]


def test_published_applications(tmp_path):
    files = pregrant(tmp_path, pg_location_disambiguated=LOCATIONS)
    found = {r["document"]: r["year"] for r in read(files)}
    assert found == {"20210000001": 2015, "20210000002": 2020}
    assert {r["year"] for r in read(files, year="publication")} == {2021}
    assert {r["document"] for r in read(files, types=["plant"])} == {"20210000003"}


def test_an_application_that_was_granted_counts_once(tmp_path):
    crosswalk = [
        {"pgpub_id": "20210000001", "patent_id": "9000001", "application_id": "16100001"},
        {"pgpub_id": "20210000002", "patent_id": None, "application_id": "16100009"},
        {"pgpub_id": "20210000003", "patent_id": "9999999", "application_id": "16100010"},
    ]
    files = world(tmp_path) + pregrant(tmp_path, pg_granted_pgpubs_crosswalk=crosswalk)
    documents = {r["document"] for r in read(files, types=["utility", "plant"])}
    assert documents == {
        "9000001",
        "9000002",
        "9000003",
        "9000004",
        "20210000002",
        "20210000003",
    }
    with pytest.raises(SourceError, match=r"pg_granted_pgpubs_crosswalk is missing .* count twice"):
        read([f for f in files if "crosswalk" not in f.name])


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1, max_size=8)
TEXT = TEXT.map(lambda text: text if text.strip() else "x").filter(
    lambda text: text not in joining.NULLS
)


@settings(max_examples=8, deadline=None)
@given(
    people=st.lists(
        st.tuples(
            st.sampled_from(["1", "7", "10", "D5"]), TEXT, st.sampled_from(["a", "b", "c", None])
        ),
        min_size=1,
        max_size=30,
    ),
    cities=st.dictionaries(st.sampled_from("ab"), st.tuples(TEXT, st.floats(-90, 90)), min_size=1),
    dates=st.dictionaries(st.sampled_from(["1", "7", "10"]), st.integers(1800, 2020)),
)
def test_the_join_is_that_of_plain_python(tmp_path_factory, people, cities, dates):
    folder = tmp_path_factory.mktemp("pv")
    files = world(
        folder,
        g_inventor_disambiguated=[
            inventor(p, n, at, who=who) for n, (p, who, at) in enumerate(people)
        ],
        g_location_disambiguated=[
            location(at, city, None, "DE", lat, -lat) for at, (city, lat) in cities.items()
        ],
        g_application=[
            {"application_id": "1", "patent_id": p, "filing_date": f"{y}-01-01"}
            for p, y in dates.items()
        ],
    )
    wanted = []
    for row, (patent, who, at) in enumerate(people, start=1):
        city, lat = cities.get(at, (None, None))
        if patent != "D5":
            wanted.append((patent, row, who, city, lat, dates.get(patent)))
    found = read(files)
    told = [(r["document"], r["row"], r["person"], r["place"], r["lat"], r["year"]) for r in found]
    assert told == sorted(wanted)


@pytest.mark.parametrize("block", [700, 1000, 1333])
def test_line_ends_in_values_survive_every_cut(tmp_path, monkeypatch, block):
    people = [inventor(str(9_000_000 + i), 0, MUNICH, who=f"a\nb{i}") for i in range(300)]
    files = world(tmp_path, g_inventor_disambiguated=people)
    monkeypatch.setattr(joining, "BLOCK_BYTES", block)
    found = read(files)
    assert [r["person"] for r in found] == [f"a\nb{i}" for i in range(300)]
    assert [r["row"] for r in found] == list(range(1, 301))


def test_the_head_alone_is_joined_with_all_places(tmp_path):
    people = [inventor(str(9_000_000 + i), 0, MUNICH) for i in range(joining.HEAD_ROWS + 10)]
    files = world(tmp_path, g_inventor_disambiguated=people)
    (batch,) = FORMAT.read(Request(files, head_only=True, options={"pct_only": False}))
    assert batch.num_rows == joining.HEAD_ROWS
    assert batch["lat"].null_count == 0


def test_other_tables_of_the_provider_are_passed_over(tmp_path):
    (tmp_path / "g_botanic.tsv").write_text('"patent_id"\t"latin_name"\t"plant_variety"\n')
    assert len(read([*world(tmp_path), tmp_path / "g_botanic.tsv"])) == 8
    with pytest.raises(SourceError, match=r"none of the tables .* seen: g_botanic\.tsv; known: g_"):
        read([tmp_path / "g_botanic.tsv"])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("g_location_disambiguated", "places and their coordinates"),
        ("g_inventor_disambiguated", "inventors of each document"),
        ("g_application", r"year = 'filing' takes its date; 'grant' would take that of g_patent"),
    ],
)
def test_a_missing_table_is_named_with_its_use(tmp_path, table, message):
    with pytest.raises(
        SourceError, match=rf"the table {table} is missing \({message}|{table}.*{message}"
    ):
        read(world(tmp_path, **{table: None}))


def test_other_tables_that_options_need(tmp_path):
    files = world(tmp_path)
    with pytest.raises(SourceError, match="g_patent is missing"):
        read(files, year="grant")
    with pytest.raises(SourceError, match=r"g_pct_data is missing .*pct_only"):
        read(files, pct_only=True)
    assert {r["year"] for r in read(world(tmp_path, g_application=None), year="none")} == {None}
    with pytest.raises(SourceError, match="no date of grant"):
        read(pregrant(tmp_path, pg_location_disambiguated=LOCATIONS), year="grant")
    with pytest.raises(SourceError, match=r"types\.0 = 'utilities'.*'utility'"):
        read(files, types=["utilities"])
    with pytest.raises(SourceError, match="options of this format: pct_only, types, year"):
        read(files, years="grant")


def test_the_same_table_twice(tmp_path):
    files = world(tmp_path)
    twin = put(tmp_path, "g_application", APPLICATIONS, packed="plain")
    with pytest.raises(SourceError, match="hold the same table, g_application"):
        read([*files, twin])


def test_a_wrong_header_is_named(tmp_path):
    path = tmp_path / "g_location_disambiguated.tsv"
    path.write_text("id\tcity\tstate\tcountry\tlatitude\tlongitude\n")
    with pytest.raises(
        SourceError,
        match=r"g_location_disambiguated, but there is no column 'location_id'; seen: id",
    ):
        read([*world(tmp_path, g_location_disambiguated=None), path])


def test_broken_files_are_named(tmp_path):
    files = world(tmp_path)
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=rf"{files[0]}: not readable as a zip archive"):
        read(files)
    damaged = bytearray(whole)
    damaged[len(whole) // 3] ^= 0xFF
    files[0].write_bytes(bytes(damaged))
    with pytest.raises(SourceError, match=r"g_inventor_disambiguated.*not readable"):
        read(files)
    files[0].write_bytes(joining.SEVEN_ZIP + b"rest")
    with pytest.raises(SourceError, match=r"7z archive is not read; unpack it"):
        read(files)
    files[0] = put(tmp_path, "g_inventor_disambiguated", INVENTORS, packed="plain")
    with files[0].open("a") as stream:
        stream.write('"9000009"\t0\n')
    with pytest.raises(
        SourceError, match=r"g_inventor_disambiguated\.tsv: not readable: .*columns"
    ):
        read(files)
    files[0].write_bytes(b"")
    with pytest.raises(SourceError, match="the file is empty"):
        read(files)


def test_files_are_recognised_by_their_head(tmp_path):
    for path in world(tmp_path, g_patent=PATENTS):
        with zipfile.ZipFile(path) as archive:
            head = archive.read(archive.namelist()[0])[:300]
        assert FORMAT.recognises(Member(path), head), path
    assert not FORMAT.recognises(Member(Path("t.tsv")), b"patent_id\tlat\tlon\n")
    assert not FORMAT.recognises(Member(Path("t.csv")), b"")
    assert FORMAT.metric == "patents"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real samples are not here")
def test_real_rows_of_the_samples(tmp_path):
    folder = SAMPLES / "api_rebuilt"

    def sample(name):
        with gzip.open(folder / f"{name}.tsv.gz", "rt", encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream, delimiter="\t"))

    people = sample("g_inventor_disambiguated")
    places = {r["location_id"]: r for r in sample("g_location_disambiguated_no_coordinates")}
    firms = {
        r["patent_id"]: r["disambig_assignee_organization"]
        for r in sample("g_assignee_disambiguated")
        if r["assignee_sequence"] == "0"
    }
    fields = {
        r["patent_id"]: r["wipo_field_id"]
        for r in sample("g_wipo_technology")
        if r["wipo_field_sequence"] == "0"
    }
    rows = read(sorted(folder.glob("*.gz")), year="none")
    assert len(rows) == len(people) == 5985
    nowhere = {"disambig_country": None, "latitude": "", "disambig_state": None}
    at = [places.get(p["location_id"], nowhere) for p in people]
    placed = sum(bool(place["latitude"]) for place in at)
    assert sum(r["lat"] is not None for r in rows) == placed
    assert sum(r["lat"] is None for r in rows) == len(people) - placed
    assert Counter(r["country"] for r in rows) == Counter(
        place["disambig_country"] or None for place in at
    )
    assert Counter(r["region"] for r in rows) == Counter(
        place["disambig_state"] or None for place in at
    )
    assert {(r["document"], r["organisation"]) for r in rows} == {
        (p["patent_id"], firms.get(p["patent_id"]) or None) for p in people
    }
    assert {(r["document"], r["field"]) for r in rows} == {
        (p["patent_id"], fields.get(p["patent_id"])) for p in people
    }


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real samples are not here")
def test_real_dates_and_types_of_the_samples():
    rows = read(sorted(SAMPLES.glob("g_*.tsv")))
    assert len(rows) == 6, "seven inventors, one of them of a design"
    with (SAMPLES / "g_application.tsv").open(newline="") as stream:
        dates = {
            r["patent_id"]: int(r["filing_date"][:4]) + 900
            for r in csv.DictReader(stream, delimiter="\t")
        }
    assert len(dates) == 10
    with Staging() as staging:
        tables = joining.tables_in(
            [SAMPLES / "g_application.tsv"],
            list(find_kinds().values()),
            joining.Dialect("\t"),
        )
        staging.add(
            "t",
            tables["g_application"],
            ("patent_id", "filing_date"),
            dialect=joining.Dialect("\t"),
        )
        found = staging.connection.sql("SELECT patent_id, filing_date FROM t").fetchall()
    assert {p: int(d[:4]) + 900 for p, d in found} == dates


def find_kinds():
    from geoclusters.addresses.sources.patentsview import KINDS

    return KINDS


def test_the_study_of_the_documentation_is_one():
    page = Path(__file__).parent.parent / "docs" / "formats" / "patentsview.md"
    (text,) = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (source,) = make_study(tomllib.loads(text)).sources
    assert source.format == FORMAT.name
    assert FORMAT.options_of(source.request([]))
