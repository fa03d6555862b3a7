"""PATSTAT: tables in parts, joined as plain Python joins them."""

from __future__ import annotations

import csv
import io
import re
import tomllib
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format
from geoclusters.addresses.sources.files import Member
from geoclusters.errors import SourceError
from geoclusters.study import make_study

SAMPLES = Path(__file__).parent.parent.parent / "shared" / "formats" / "patstat"
FORMAT = find_format("patstat")
PERSON = (
    "person_id person_name person_name_orig_lg person_address person_ctry_code nuts nuts_level doc_std_name_id "
    "doc_std_name psn_id psn_name psn_level psn_sector han_id han_name han_harmonized"
)
TOOK_PART = "person_id appln_id applt_seq_nr invt_seq_nr"
APPLICATION = "appln_id appln_auth appln_nr appln_kind appln_filing_date appln_filing_year"
PERSONS = [
    {
        "person_id": 1,
        "person_name": "Doe, J",
        "person_address": "Weg 1,D-80331 München",
        "person_ctry_code": "DE",
        "nuts": "DE212",
        "nuts_level": 3,
    },
    {"person_id": 2, "person_name": "Roe, R", "person_ctry_code": "NA", "nuts_level": 9},
    {"person_id": 3, "person_name": "ZETA AG", "psn_name": "ZETA", "nuts": "DE", "nuts_level": 9},
    {"person_id": 4, "person_name": "Moe\nM", "person_ctry_code": "", "nuts_level": 9},
]
PARTS = [
    [(1, 10, 0, 1), (2, 10, 0, 2), (3, 10, 1, 0)],
    [(4, 11, 1, 1), (1, 12, 0, 1), (1, 13, 0, 1), (9, 10, 0, 3)],
]
APPLICATIONS = [
    (10, "IB", "1", "W", "2015-02-03", 2015),
    (11, "US", "2", "W", "9999-12-31", 9999),
    (12, "DE", "3", "A", "2016-02-03", 2016),
]


def put(folder, name, header, rows):
    columns = header.split()
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(columns)
    for row in rows:
        values = row if isinstance(row, tuple) else [row.get(c, "") for c in columns]
        writer.writerow(values)
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.csv", text.getvalue())
    return path


def world(folder):
    return [
        put(folder, "tls201_part01", APPLICATION, APPLICATIONS),
        put(folder, "tls206_part01", PERSON, PERSONS[:2]),
        put(folder, "tls206_part02", PERSON, PERSONS[2:]),
        *(put(folder, f"tls207_part0{n}", TOOK_PART, part) for n, part in enumerate(PARTS, 1)),
    ]


def read(files, **options):
    batches = list(FORMAT.read(Request(files, options=options)))
    assert all(batch.schema == schema.READ.arrow() for batch in batches)
    return pa.Table.from_batches(batches, schema.READ.arrow()).to_pylist()


def test_inventors_of_international_applications(tmp_path):
    rows = read(world(tmp_path))
    told = [
        tuple(r[c] for c in ("document", "person", "country", "region", "place", "year", "row"))
        for r in rows
    ]
    assert told == [
        ("10", "1", "DE", "DE212", "München", 2015, 1),
        ("10", "2", "NA", None, None, 2015, 2),
        ("10", "9", None, None, None, 2015, 4),
        ("11", "4", None, None, None, None, 1),
    ]
    assert [r["organisation"] for r in rows] == ["ZETA", "ZETA", "ZETA", "Moe\nM"]
    assert [r["accuracy"] for r in rows] == ["place", "country", None, None]
    assert {r["lat"] for r in rows} == {None}


def test_kinds_and_authorities(tmp_path):
    files = world(tmp_path)
    assert {r["document"] for r in read(files, kinds=[])} == {"10", "11", "12"}
    assert {r["document"] for r in read(files, kinds=["A"])} == {"12"}
    assert {r["document"] for r in read(files, authorities=["IB", "O'"])} == {"10"}


def test_a_check_reads_the_head_of_every_table(tmp_path):
    files = world(tmp_path)
    request = Request(files, head_only=True)
    rows = pa.Table.from_batches(list(FORMAT.read(request))).to_pylist()
    # Application 13 is in no table of applications as far as the head tells; it may be of the right kind.
    assert {r["document"] for r in rows} == {"10", "11", "13"}
    assert [r["place"] for r in rows if r["person"] == "1"] == ["München", "München"]


def test_wrong_files_are_named(tmp_path):
    files = world(tmp_path)
    with pytest.raises(SourceError, match=r"tls206_person is missing \(countries and addresses"):
        read([f for f in files if "tls206" not in f.name])
    with pytest.raises(SourceError, match="named as tls207_pers_appln, but there is no column"):
        read([*files, put(tmp_path, "tls207_part03", "person_id appln_id", [])])


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real headers are not here")
def test_the_published_headers_are_known():
    with (SAMPLES / "headers.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            known = FORMAT.recognises(Member(Path("x.csv")), row["header"].encode())
            assert known == (row["table"] in {"tls206_person", "tls207_pers_appln"}), row


def test_the_study_of_the_documentation_is_one():
    page = Path(__file__).parent.parent / "docs" / "formats" / "patstat.md"
    (text,) = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (source,) = make_study(tomllib.loads(text)).sources
    assert source.format == FORMAT.name
    assert FORMAT.options_of(source.request([]))
