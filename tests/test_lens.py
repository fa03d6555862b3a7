"""Lens exports: JSON lines give authors, organisations and countries; the CSV gives documents that cannot be placed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
from pathlib import Path

import pyarrow as pa
import pytest

from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format
from geoclusters.addresses.sources.files import Member, head_of
from geoclusters.errors import SourceError

SAMPLES = Path(__file__).parents[2] / "shared" / "formats" / "bibliographic_exports"
FORMAT = find_format("lens")
COLUMNS = [
    *("Lens ID", "Title", "Date Published", "Publication Year", "Publication Type"),
    *("Author/s", "Abstract", "Fields of Study"),
]
ROW = {
    "Lens ID": "000-1",
    "Title": 'A "title",\nof two lines',
    "Publication Year": "2023",
    "Publication Type": "journal article",
    "Author/s": "Li Wei; Li Wei; Ng Anna",
    "Fields of Study": "Computer science; Physics",
}
WORK = {
    "lens_id": "000-1",
    "year_published": 2023,
    "publication_type": "journal article",
    "fields_of_study": ["Computer science", "Physics"],
    "authors": [
        {
            "first_name": "Wei",
            "last_name": "Li",
            "affiliations": [
                {
                    "name": "University of A",
                    "name_original": "Dept X, University of A, Bern, Switzerland",
                    "country_code": "CH",
                },
                {"name": "University of B", "country_code": "FI"},
            ],
        },
        {
            "initials": "A",
            "last_name": "Ng",
            "affiliations": [{"name": "Univ C, Lyon, France", "country_code": "DE"}],
        },
        {"collective_name": "The Group"},
    ],
}


def write_csv(path, rows, columns=COLUMNS):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    raw = ("\ufeff" + text.getvalue()).encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def write_json(path, works):
    raw = "".join(json.dumps(work) + "\n" for work in works).encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def read(*files, **options):
    request = Request(list(files), options=options)
    table = pa.Table.from_batches(list(FORMAT.read(request)), schema.READ.arrow())
    return table.to_pandas().astype(object).where(lambda frame: frame.notna(), None)


@pytest.mark.parametrize("name", ["lens.jsonl", "lens.jsonl.gz", "lens.json"])
def test_json_lines(tmp_path, name):
    found = read(write_json(tmp_path / name, [WORK]))
    assert found["person"].tolist() == ["Wei Li", "Wei Li", "A Ng", "The Group"]
    assert found["organisation"].tolist() == [
        "University of A",
        "University of B",
        "Univ C, Lyon, France",
        None,
    ]
    # The coded country goes first; a place in another country than that is not believed.
    assert found["country"].tolist() == ["CH", "FI", "DE", None]
    assert found["place"].tolist() == ["Bern", None, None, None]
    assert found["accuracy"].tolist() == ["place", "country", "country", None]
    assert set(found["document"]) == {"000-1"}
    assert set(found["year"]) == {2023}
    assert set(found["field"]) == {"Computer science"}


@pytest.mark.parametrize("name", ["lens.csv", "lens.csv.gz"])
def test_csv_keeps_its_documents_and_says_that_it_cannot_place_them(tmp_path, name, caplog):
    with caplog.at_level(logging.WARNING, "geoclusters"):
        found = read(write_csv(tmp_path / name, [ROW]))
    assert "holds no affiliations" in caplog.text
    assert found["person"].tolist() == ["Li Wei", "Li Wei (2)", "Ng Anna"]
    assert found[["place", "country", "organisation", "accuracy"]].isna().all().all()
    assert set(found["document"]) == {"000-1"}
    assert set(found["field"]) == {"Computer science"}


def test_types(tmp_path):
    works = [
        WORK | {"lens_id": kind, "publication_type": kind}
        for kind in ("journal article", "preprint", "book_chapter")
    ]
    path = write_json(tmp_path / "lens.jsonl", works)
    assert set(read(path)["document"]) == {"journal article"}
    assert set(read(path, types=["book chapter"])["document"]) == {"book_chapter"}
    assert read(path, types=[])["document"].nunique() == 3


def test_works_without_authors_keep_their_document(tmp_path):
    path = write_json(
        tmp_path / "lens.jsonl",
        [WORK | {"authors": None}, WORK | {"lens_id": "000-2", "authors": []}],
    )
    assert read(path)[["document", "person"]].to_numpy().tolist() == [
        ["000-1", None],
        ["000-2", None],
    ]


def test_wrong_and_broken_files_are_named(tmp_path):
    path = tmp_path / "lens.jsonl"
    path.write_text(json.dumps(WORK) + '\n{"lens_id": "x", ')
    with pytest.raises(SourceError, match=r"lens\.jsonl, line 2: not a work of the Lens"):
        read(path)
    path.write_text('{"id": 1}\n')
    with pytest.raises(SourceError, match=r"line 1: not a work of the Lens .*'lens_id'"):
        read(path)
    wrong = write_csv(tmp_path / "a.csv", [ROW], ["Lens ID", "Title"])
    with pytest.raises(SourceError, match=r"a\.csv: not a Lens export .*no column 'author/s'"):
        read(wrong)
    whole = write_json(
        tmp_path / "b.jsonl.gz", [WORK | {"lens_id": str(n * 7919)} for n in range(3000)]
    )
    whole.write_bytes(whole.read_bytes()[:-1000])
    with pytest.raises(SourceError, match=r"b\.jsonl\.gz: not readable: .*is the file whole"):
        read(whole)


def test_recognises_its_exports(tmp_path):
    def recognised(path):
        return FORMAT.recognises(Member(path), head_of(Member(path)))

    assert recognised(write_csv(tmp_path / "a.csv", [ROW]))
    assert recognised(write_json(tmp_path / "a.jsonl", [WORK]))
    assert not recognised(write_json(tmp_path / "b.jsonl", [{"id": "https://openalex.org/W1"}]))
    assert not recognised(
        write_json(tmp_path / "b.jsonl", [{"lens_id": "1", "jurisdiction": "US"}])
    )


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
@pytest.mark.parametrize(
    ("name", "count"), [("lens_export.csv.gz", 400), ("lens_bibliometrix.csv", 8)]
)
def test_samples(name, count):
    raw = (SAMPLES / name).read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    found = read(SAMPLES / name, types=[])
    assert len(rows) == found["document"].nunique() == count
    assert len(found) == sum(len(row["Author/s"].split("; ")) for row in rows)
    assert found["country"].isna().all()
    articles = sum(row["Publication Type"] == "journal article" for row in rows)
    assert read(SAMPLES / name)["document"].nunique() == articles
