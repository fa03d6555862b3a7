"""Crunchbase exports of all editions: each round once, where its company sits; wrong files are named."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format
from geoclusters.addresses.sources.crunchbase import ROUND_TYPES, normal_type
from geoclusters.addresses.sources.files import Member, head_of
from geoclusters.errors import SourceError

SAMPLES = Path(__file__).parents[2] / "shared" / "formats" / "crunchbase"
FORMAT = find_format("crunchbase")

ROUNDS_2013 = (
    "company_permalink,company_name,company_category_code,company_country_code,company_state_code,company_region,"
    "company_city,funding_round_type,funded_at,raised_amount_usd"
)
INVESTMENTS_2015 = (
    "company_permalink,company_name,company_category_list,company_country_code,company_state_code,company_region,"
    "company_city,investor_permalink,investor_name,investor_country_code,investor_state_code,investor_region,"
    "investor_city,funding_round_permalink,funding_round_type,funding_round_code,funded_at,raised_amount_usd"
)
ORGANIZATIONS = (
    "uuid,name,type,permalink,cb_url,rank,created_at,updated_at,legal_name,roles,domain,homepage_url,country_code,"
    "state_code,region,city,address,postal_code,status,short_description,category_list,category_groups_list,"
    "num_funding_rounds,total_funding_usd"
)
FUNDING_ROUNDS = (
    "uuid,name,type,permalink,cb_url,rank,created_at,updated_at,country_code,state_code,region,city,investment_type,"
    "announced_on,raised_amount_usd,investor_count,org_uuid,org_name,lead_investor_uuids"
)
SNAPSHOT_ROUNDS = "id,funding_round_id,object_id,funded_at,funding_round_type,funding_round_code,raised_amount_usd"
SNAPSHOT_OBJECTS = (
    "id,entity_type,entity_id,name,permalink,category_code,country_code,state_code,region,city,"
    "funding_rounds"
)
SNAPSHOT_OFFICES = (
    "id,object_id,office_id,description,region,address1,address2,city,zip_code,state_code,"
    "country_code,latitude,longitude"
)


def write(path, header, rows, *, end="\n", encoding="utf-8"):
    """Write dictionaries under a header of the real layout; a name that it has not is the test's mistake."""
    names = header.split(",")
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator=end, restval="")
    writer.writeheader()
    writer.writerows(rows)
    raw = text.getvalue().encode(encoding)
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def read(*files, **options):
    request = Request(list(files), options=options)
    table = pa.Table.from_batches(list(FORMAT.read(request)), schema.READ.arrow())
    return table.to_pandas().astype(object).where(lambda frame: frame.notna(), None)


def rounds_2013(folder, rows, **layout):
    names = ("permalink", "name", "category_code", "country_code", "state_code", "region", "city")
    named = [{(f"company_{k}" if k in names else k): v for k, v in row.items()} for row in rows]
    return write(folder / "crunchbase-rounds.csv", ROUNDS_2013, named, **layout)


ACME = {
    "permalink": "/company/acme",
    "name": "Acme, Inc.",
    "category_code": "web",
    "country_code": "USA",
    "state_code": "CA",
    "region": "SF Bay",
    "city": "San José",
    "funding_round_type": "series-a",
    "funded_at": "2012-06-30",
    "raised_amount_usd": "100",
}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_line_ends_and_encodings_give_the_same_rows(tmp_path, end, encoding):
    rows = [
        ACME,
        ACME | {"permalink": "/company/b", "name": "B", "country_code": "CAN", "state_code": "ON"},
    ]
    found = read(rounds_2013(tmp_path, rows, end=end, encoding=encoding))
    assert found["place"].tolist() == ["San José", "San José"]
    assert found["country"].tolist() == ["US", "CA"]
    assert found["region"].tolist() == ["California", "Ontario"]
    assert found["organisation"].tolist() == ["Acme, Inc.", "B"]
    assert found["year"].tolist() == [2012, 2012]
    assert found["field"].tolist() == ["web", "web"]
    assert found["row"].tolist() == [1, 2]
    assert set(found["accuracy"]) == {"place"}
    assert found[["person", "lat", "lon", "count"]].isna().all().all()


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"funded_at": "6/3/2012"}, "year", 2012),
        ({"funded_at": "0201-07-01"}, "year", None),
        ({"funded_at": "1899-07-01"}, "year", None),
        ({"funded_at": ""}, "year", None),
        ({"name": "#NAME?"}, "organisation", "acme"),
        ({"name": "#waywire"}, "organisation", "#waywire"),
        ({"name": ""}, "organisation", "acme"),
        ({"city": ""}, "place", "SF Bay"),
        ({"city": "", "region": "California - Other"}, "place", None),
        ({"city": "", "region": "California - Other"}, "accuracy", "region"),
        ({"city": "", "region": "TBD", "state_code": ""}, "accuracy", "country"),
        ({"city": "", "region": "", "state_code": "", "country_code": ""}, "accuracy", None),
        ({"country_code": "ROM", "state_code": "10"}, "country", "RO"),
        ({"country_code": "ROM", "state_code": "10"}, "region", "București"),
        ({"country_code": "FRA", "state_code": "A8"}, "region", None),
        ({"country_code": "DEU", "state_code": "2"}, "region", "Bavaria"),
        ({"category_code": "|Software|Mobile|"}, "field", "Software"),
        ({"category_code": ""}, "field", None),
    ],
)
def test_traps(tmp_path, change, column, value):
    found = read(rounds_2013(tmp_path, [ACME | change]))
    assert found[column].tolist() == [value]


def test_types_of_rounds_are_chosen(tmp_path):
    kinds = ["series-c+", "angel", "post-ipo", "private-equity", "grant", "seed", "", "Series A"]
    rows = [ACME | {"funding_round_type": kind} for kind in kinds]
    path = rounds_2013(tmp_path, rows)
    assert read(path)["row"].tolist() == [1, 2, 6, 8]
    assert read(path, round_types=["grant", "series_a"])["row"].tolist() == [5, 8]
    with pytest.raises(SourceError, match=r"'serie' is no type of round; known: angel"):
        read(path, round_types=["serie"])
    with pytest.raises(SourceError, match="options of this format: count, round_types"):
        read(path, types=["grant"])


def investments(folder, keys):
    rows = [
        {
            "company_permalink": f"/organization/{company}",
            "company_city": "Lyon",
            "company_country_code": "FRA",
            "investor_permalink": f"/person/{investor}",
            "funding_round_permalink": f"/funding-round/{company}{number}",
            "funding_round_type": "venture",
            "funding_round_code": "ABC"[investor % 3],
            "funded_at": "2015-02-10",
        }
        for company, number, investor in keys
    ]
    return write(folder / "investments.csv", INVESTMENTS_2015, rows)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 9)), min_size=1))
def test_a_round_with_many_investors_is_one_document(tmp_path_factory, keys):
    path = investments(tmp_path_factory.mktemp("cb"), keys)
    found = read(path)
    wanted = {f"/funding-round/{company}{number}" for company, number, _ in keys}
    assert sorted(found["document"]) == sorted(wanted)
    by_company = read(path, count="companies")
    assert len(by_company) == len(found)
    assert set(by_company["document"]) == {f"/organization/{company}" for company, _, _ in keys}


def organizations(folder, name="organizations.csv"):
    rows = [
        {"uuid": "o1", "name": "One", "permalink": "one", "country_code": "IND", "state_code": "16", "city": "Mumbai",
         "category_list": "Apps,Video", "category_groups_list": "Mobile,Software", "num_funding_rounds": "2"},
        {"uuid": "o2", "name": "Two", "permalink": "two", "country_code": "GBR", "state_code": "", "city": "Bath",
         "num_funding_rounds": "1", "short_description": 'Says "hello",\nand more'},
        {"uuid": "o9", "name": "No rounds", "permalink": "nine", "country_code": "USA", "num_funding_rounds": "0"},
    ]  # fmt: skip
    return write(folder / name, ORGANIZATIONS, rows)


def funding_rounds(folder, name="funding_rounds.csv"):
    rows = [
        {"uuid": "r1", "name": "Series A - One", "permalink": "series-a--one", "investment_type": "series_a",
         "announced_on": "2020-01-02", "org_uuid": "o1"},
        {"uuid": "r2", "name": "Seed - Two", "investment_type": "pre_seed", "announced_on": "2021-05-02",
         "org_uuid": "o2", "org_name": "Two plc", "country_code": "IRL", "city": "Cork"},
        {"uuid": "r3", "name": "Angel - Three", "investment_type": "angel", "announced_on": "2022-05-02",
         "org_uuid": "o3", "org_name": "Three"},
        {"uuid": "r4", "investment_type": "debt_financing", "announced_on": "2022-05-02", "org_uuid": "o1"},
    ]  # fmt: skip
    return write(folder / name, FUNDING_ROUNDS, rows)


@pytest.mark.parametrize("packed", [False, True])
def test_daily_export_is_joined_by_uuid(tmp_path, packed):
    files = [organizations(tmp_path), funding_rounds(tmp_path)]
    write(
        tmp_path / "people.csv",
        "uuid,name,type,permalink,country_code,city",
        [{"uuid": "p", "city": "Rome"}],
    )
    if packed:
        with zipfile.ZipFile(tmp_path / "bulk_export.zip", "w") as archive:
            for file in [*files, tmp_path / "people.csv"]:
                archive.write(file, file.name)
        files = [tmp_path / "bulk_export.zip"]
    found = read(*files).set_index("document")
    assert found.index.tolist() == ["r1", "r2", "r3"]
    assert found.loc["r1", ["place", "region", "country", "organisation", "field", "year"]].tolist() == [
        "Mumbai", "Maharashtra", "IN", "One", "Mobile", 2020,
    ]  # fmt: skip
    # What the round says itself goes first, and never half of it.
    assert found.loc["r2", ["place", "region", "country", "organisation"]].tolist() == [
        "Cork",
        None,
        "IE",
        "Two plc",
    ]
    # The company is in no table: the round stays, and keeps its document.
    assert found.loc["r3", ["place", "country", "organisation", "accuracy"]].tolist() == [
        None,
        None,
        "Three",
        None,
    ]


def snapshot(folder):
    rounds = [
        {
            "id": "1",
            "funding_round_id": "1",
            "object_id": "c:4",
            "funded_at": "2006-12-01",
            "funding_round_type": "angel",
        },
        {
            "id": "2",
            "funding_round_id": "2",
            "object_id": "c:5",
            "funded_at": "2007-12-01",
            "funding_round_type": "series-b",
        },
    ]
    objects = [
        {"id": "c:4", "entity_type": "Company", "entity_id": "4", "name": "Four", "permalink": "/company/four",
         "category_code": "games", "country_code": "USA", "state_code": "WA", "city": "Seattle", "funding_rounds": "1"},
        {"id": "c:5", "entity_type": "Company", "entity_id": "5", "name": "Five", "permalink": "/company/five",
         "country_code": "USA", "state_code": "NY", "city": "Ithaca", "funding_rounds": "1"},
    ]  # fmt: skip
    offices = [
        {"id": "10", "object_id": "c:4", "city": "Berlin", "latitude": "52.5", "longitude": "13.4"},
        {
            "id": "9",
            "object_id": "c:4",
            "city": "Seattle",
            "address1": "1 Pike",
            "latitude": "47.6",
            "longitude": "-122.3",
        },
        {"id": "3", "object_id": "c:5", "city": "Ithaca"},
    ]
    return [
        write(folder / "funding_rounds.csv", SNAPSHOT_ROUNDS, rounds),
        write(folder / "objects.csv", SNAPSHOT_OBJECTS, objects),
        write(folder / "offices.csv", SNAPSHOT_OFFICES, offices),
    ]


def test_snapshot_takes_coordinates_of_the_first_office(tmp_path):
    found = read(*snapshot(tmp_path))
    assert found["lat"].tolist() == [47.6, None]
    assert found["lon"].tolist() == [-122.3, None]
    assert found["accuracy"].tolist() == ["street", "place"]
    assert found["place"].tolist() == ["Seattle", "Ithaca"]
    assert found["organisation"].tolist() == ["Four", "Five"]


def test_order_of_the_files_does_not_matter(tmp_path):
    files = snapshot(tmp_path)
    assert read(*files).equals(read(*files[::-1]))


def test_rounds_without_companies_are_refused(tmp_path):
    rounds = snapshot(tmp_path)[0]
    with pytest.raises(
        SourceError, match=r"funding_rounds\.csv: the rounds do not say .*add organizations\.csv"
    ):
        read(rounds)
    with pytest.raises(
        SourceError, match=r"no table of funding rounds; found: organizations\.csv \(companies\)"
    ):
        read(organizations(tmp_path))


def test_wrong_and_broken_files_are_named(tmp_path):
    path = tmp_path / "rounds.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(
        SourceError, match=r"rounds\.csv: there is no table of funding rounds; found: no table of C"
    ):
        read(path)
    whole = gzip.compress(rounds_2013(tmp_path, [ACME] * 5000).read_bytes(), mtime=0)
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"cut\.csv\.gz: not readable: .*is the file whole"):
        read(cut)
    ragged = rounds_2013(tmp_path, [ACME])
    ragged.write_text(ragged.read_text() + "/company/x,too short\n")
    with pytest.raises(
        SourceError, match=r"crunchbase-rounds\.csv: not readable: .*Expected 10 columns, got 2"
    ):
        read(ragged)


def test_recognises_its_tables_and_no_others(tmp_path):
    def recognised(path):
        return FORMAT.recognises(Member(path), head_of(Member(path)))

    ours = [
        *snapshot(tmp_path),
        rounds_2013(tmp_path, [ACME]),
        organizations(tmp_path),
        investments(tmp_path, [(1, 1, 1)]),
    ]
    assert all(recognised(path) for path in ours)
    other = tmp_path / "other.csv"
    other.write_text("patent_id,inventor_id,latitude,longitude,country\n1,2,3,4,5\n")
    assert not recognised(other)


def test_types_are_in_their_normal_form():
    assert {normal_type(name) for name in ROUND_TYPES} == ROUND_TYPES


# --------------------------------------------------------------------------- real samples

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")


def plain_rows(name):
    raw = (SAMPLES / name).read_bytes()
    raw = gzip.decompress(raw) if name.endswith(".gz") else raw
    return list(csv.DictReader(io.StringIO(raw.decode(), newline="")))


@needs_samples
def test_rounds_of_2013():
    rows = plain_rows("crunchbase_2013_rounds.csv.gz")
    venture = {"venture", "angel", "seed", "series-a", "series-b", "series-c+"}
    taken = [row for row in rows if row["funding_round_type"] in venture]
    found = read(SAMPLES / "crunchbase_2013_rounds.csv.gz")
    assert len(rows) == 3204
    assert len(found) == found["document"].nunique() == len(taken)
    assert (found["place"].notna()).sum() == sum(bool(row["company_city"]) for row in taken)
    assert found["country"].notna().all()
    years = Counter(int(row["funded_at"][:4]) for row in taken)
    assert Counter(found["year"]) == years
    everything = read(SAMPLES / "crunchbase_2013_rounds.csv.gz", round_types=sorted(ROUND_TYPES))
    assert len(everything) == len(rows)


@needs_samples
def test_investments_of_2015():
    name = "crunchbase_2015_investments.csv"
    found = read(SAMPLES / name, SAMPLES / "crunchbase_2015_companies.csv")
    assert sorted(found["document"]) == sorted(
        {row["funding_round_permalink"] for row in plain_rows(name)}
    )
    assert set(found["place"]) == {"Paris"}
    assert set(found["country"]) == {"FR"}


@needs_samples
def test_company_tables_of_2013_join_with_rounds_that_only_name_them(tmp_path):
    """Rounds without a place of their own, made for every company of the sample, get the place of the sample."""
    companies = {row["permalink"]: row for row in plain_rows("crunchbase_2013_companies.csv.gz")}
    rows = [
        {"id": str(n), "object_id": link, "funded_at": "2013-01-01", "funding_round_type": "seed"}
        for n, link in enumerate(companies)
    ]
    rounds = write(tmp_path / "funding_rounds.csv", SNAPSHOT_ROUNDS, rows)
    found = read(rounds, SAMPLES / "crunchbase_2013_companies.csv.gz")
    assert len(found) == len(companies)
    assert (found["place"].notna()).sum() == sum(bool(row["city"]) for row in companies.values())
    by_link = dict(zip(found["document"].str.split(" ").str[0], found["place"], strict=True))
    cities = {link: row["city"] for link, row in companies.items() if row["city"]}
    assert all(by_link[link] == city.strip() for link, city in cities.items())
