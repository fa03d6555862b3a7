"""Geocoded worldwide patents: the published layout, its levels and its origins of places."""

from __future__ import annotations

import csv
import re
import tomllib
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format, joining
from geoclusters.addresses.sources.files import Member
from geoclusters.errors import SourceError
from geoclusters.study import make_study

SAMPLES = Path(__file__).parent.parent.parent / "shared" / "formats" / "geopat"
FORMAT = find_format("geopat")
HEADER = [
    *("appln_id", "patent_office", "filing_date", "lat", "lng", "ctry_code"),
    *(f"name_{level}" for level in range(6)),
    *("city", "coord_source", "source", "type"),
]
ROWS = [
    '1,DE,1999-03-01,48.1,11.6,DE,Germany,Bayern,München,"München, Stadt",,,,GN,1,1',
    "1,DE,1999-03-01,48.1,11.6,DE,Germany,Bayern,München,,,,Munich,GN,2,1",
    "2,NA,2001-12-31,-22.5,17.0,NA,Namibia,Khomas,,,,,,GN,4,1",
    "3,IL,2014-01-01,31.0,35.0,IL,Israel,,,,,,,GN,3,1",
    "4,US,,,,US,United States,California,Santa Clara,,,,,,1,1",
    "5,JP,19800704,35.6,139.7,,Japan,,,,,,Tokyo,GN,1,1",
]


def put(folder, rows=ROWS, *, name="geoc_inv.txt", header=HEADER):
    path = folder / name
    path.write_text("".join(line + "\n" for line in [",".join(header), *rows]), encoding="utf-8")
    return path


def read(files, **options):
    batches = list(FORMAT.read(Request(files, options=options)))
    assert all(batch.schema == schema.READ.arrow() for batch in batches)
    return pa.Table.from_batches(batches, schema.READ.arrow()).to_pylist()


def column(rows, name):
    return [row[name] for row in rows]


def test_rows_are_read_with_the_level_of_their_names(tmp_path):
    rows = read([put(tmp_path)], keep=[])
    assert column(rows, "document") == ["1", "1", "2", "3", "4", "5"]
    assert column(rows, "row") == [1, 2, 3, 4, 5, 6]
    assert column(rows, "lat") == [48.1, 48.1, -22.5, 31.0, None, 35.6]
    assert column(rows, "lon") == [11.6, 11.6, 17.0, 35.0, None, 139.7]
    assert column(rows, "country") == ["DE", "DE", "NA", "IL", "US", "Japan"]
    assert column(rows, "region") == ["Bayern", "Bayern", "Khomas", None, "California", None]
    assert column(rows, "place") == [
        "München, Stadt",
        "Munich",
        None,
        None,
        "Santa Clara",
        "Tokyo",
    ]
    assert column(rows, "accuracy") == ["place", "place", "region", "country", "place", "place"]
    assert column(rows, "year") == [1999, 1999, 2001, 2014, None, 1980]
    assert set(column(rows, "person")) == {None}


def test_places_of_the_inventors_themselves_are_kept(tmp_path):
    path = put(tmp_path)
    assert column(read([path]), "row") == [1, 2, 4, 5, 6]
    assert column(read([path], keep=[1]), "row") == [1, 5, 6]
    assert column(read([path], keep=[4, 5, 6]), "row") == [3]
    with pytest.raises(SourceError, match=r"keep\.0 = 7"):
        read([path], keep=[7])


def test_a_file_without_origins_is_read_whole(tmp_path):
    header, rows = HEADER[:6], [",".join(row.split(",")[:6]) for row in ROWS]
    path = put(tmp_path, rows, header=header)
    found = read([path])
    assert len(found) == len(ROWS)
    assert column(found, "accuracy") == ["country"] * 5 + [None]
    with pytest.raises(SourceError, match=r"keep = \[1\] needs the column 'source'"):
        read([path], keep=[1])


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 99),
            st.integers(1980, 2014),
            st.floats(-90, 90),
            st.floats(-180, 180),
            st.integers(1, 6),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_rows_are_those_of_plain_python(tmp_path_factory, rows):
    lines = [f"{d},US,{y}-01-02,{a!r},{o!r},US,,,,,,,,,{s}," for d, y, a, o, s in rows]
    found = read([put(tmp_path_factory.mktemp("geo"), lines)])
    wanted = [
        (str(d), y, a, o, n) for n, (d, y, a, o, s) in enumerate(rows, start=1) if s in (1, 2, 3)
    ]
    assert [(r["document"], r["year"], r["lat"], r["lon"], r["row"]) for r in found] == wanted


def test_rows_are_numbered_through_blocks_and_archives(tmp_path, monkeypatch):
    path = put(tmp_path, [ROWS[0].replace("1,DE", f"{i},DE", 1) for i in range(500)])
    packed = tmp_path / "geoc_inv.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    monkeypatch.setattr(joining, "BLOCK_BYTES", 1000)
    rows = read([packed])
    assert [(r["row"], r["document"]) for r in rows] == [(i + 1, str(i)) for i in range(500)]
    monkeypatch.setattr(joining, "HEAD_ROWS", 7)
    (batch,) = FORMAT.read(Request([path], head_only=True))
    assert batch.num_rows == 7


def test_wrong_files_are_named(tmp_path):
    path = put(tmp_path, [ROWS[0].replace("48.1", "north")])
    with pytest.raises(SourceError, match=r"geoc_inv\.txt: row 1: lat \(lat\) = 'north'"):
        read([path])
    path = put(tmp_path, header=["appln_id", "lat", "lng"])
    with pytest.raises(SourceError, match=r"as geoc_inv, but there is no column 'filing_date'"):
        read([path])
    both = [put(tmp_path), put(tmp_path, name="geoc_app.txt")]
    with pytest.raises(SourceError, match=r"both geoc_inv .* and geoc_app .*; name one of them"):
        read(both)
    path = tmp_path / "geoc_inv.7z"
    path.write_bytes(joining.SEVEN_ZIP)
    with pytest.raises(SourceError, match="7z archive is not read"):
        read([path])
    path = put(tmp_path, [*ROWS, "1,2,3"])
    with pytest.raises(SourceError, match=r"geoc_inv\.txt: not readable: .*columns"):
        read([path])


def test_files_are_recognised_by_their_head():
    assert FORMAT.recognises(Member(Path("geoc_inv.txt")), ",".join(HEADER).encode() + b"\n1,US")
    assert not FORMAT.recognises(Member(Path("geoc_inv.txt")), b"appln_id,lat,lng\n1,2,3")
    assert FORMAT.metric == "patents"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real headers are not here")
def test_the_published_header_is_known():
    with (SAMPLES / "headers.csv").open(encoding="utf-8", newline="") as stream:
        headers = {r["file"]: r["header"] for r in csv.DictReader(stream)}
    published = next(header for name, header in headers.items() if ".txt" in name)
    assert published.split(",") == HEADER
    assert FORMAT.recognises(Member(Path("x.txt")), published.encode())


def test_the_study_of_the_documentation_is_one():
    page = Path(__file__).parent.parent / "docs" / "formats" / "geopat.md"
    (text,) = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (source,) = make_study(tomllib.loads(text)).sources
    assert source.format == FORMAT.name
    assert FORMAT.options_of(source.request([]))
