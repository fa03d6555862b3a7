"""Scopus exports: affiliations of one author are told apart, old and new layouts agree, wrong files are named."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format
from geoclusters.addresses.sources.files import Member, head_of
from geoclusters.addresses.sources.scopus import cut, part_author
from geoclusters.errors import SourceError

SAMPLES = Path(__file__).parents[2] / "shared" / "formats" / "bibliographic_exports"
FORMAT = find_format("scopus")
COLUMNS = [
    "Authors",
    "Author full names",
    "Author(s) ID",
    "Title",
    "Year",
    "Source title",
    "DOI",
    "Affiliations",
    "Authors with affiliations",
    "Abstract",
    "References",
    "Document Type",
    "Source",
    "EID",
]
A = "Department of Physics, University of A, Bern, Switzerland"
B = "China Example University, Taichung, Taiwan"
C = "University of C, Athens, Georgia, United States"
D = "Institut D, 69622 Villeurbanne Cedex, France"


def write(path, records, columns=COLUMNS, *, mark="\ufeff"):
    """Write a CSV as Scopus does: a mark at the begin, all quoted."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, quoting=csv.QUOTE_ALL, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(records)
    raw = (mark + text.getvalue()).encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def record(pairs, *, old=False, **more):
    """One record: pairs of (name, identifier, affiliations)."""
    names = [name for name, _, _ in pairs]
    written = [name.replace(" ", ", ", 1) if old else name for name in names]
    return {
        "Authors": (", " if old else "; ").join(names),
        "Author(s) ID": ";".join(key for _, key, _ in pairs) + (";" if old else ""),
        "Affiliations": "; ".join(dict.fromkeys(a for _, _, own in pairs for a in own)),
        "Authors with affiliations": "; ".join(
            ", ".join([name, *own]) for name, (_, _, own) in zip(written, pairs, strict=True)
        ),
        "Year": "2021",
        "Document Type": "Article",
        "EID": "2-s2.0-1",
        "Abstract": 'Of "all",\nand more',
        **more,
    }


def read(*files, **options):
    request = Request(list(files), options=options)
    table = pa.Table.from_batches(list(FORMAT.read(request)), schema.READ.arrow())
    return table.to_pandas().astype(object).where(lambda frame: frame.notna(), None)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", ["scopus.csv", "scopus.csv.gz"])
def test_a_record_in_both_layouts(tmp_path, old, name):
    pairs = [("Li W.-B.", "11", [A, C]), ("Ng A.", "12", [B]), ("Roe J.M.", "13", [])]
    found = read(write(tmp_path / name, [record(pairs, old=old)]))
    assert found["person"].tolist() == ["11", "11", "12", "13"]
    assert found["place"].tolist() == ["Bern", "Athens", "Taichung", None]
    assert found["country"].tolist() == ["CH", "US", "TW", None]
    assert found["organisation"].tolist() == [
        "University of A",
        "University of C",
        "China Example University",
        None,
    ]
    assert set(found["document"]) == {"2-s2.0-1"}
    assert set(found["year"]) == {2021}
    assert found[["lat", "lon", "field", "count"]].isna().all().all()


AFFILIATIONS = [
    A,
    B,
    C,
    D,
    "Univ E, Tbilisi, Georgia",
    "No Country Institute",
    "Univ A",
    f"Unit, {A}",
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(AFFILIATIONS), unique=True), min_size=1, max_size=5))
def test_affiliations_come_apart_as_they_were_joined(owns):
    known = {one for own in owns for one in own}
    for own in owns:
        joined = ", ".join(own)
        again = cut(joined, known)
        assert ", ".join(again) == joined
        assert set(again) <= known


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([A, B, C, D, "Univ E, Tbilisi, Georgia"]), min_size=1))
def test_without_the_list_they_are_cut_behind_countries(own):
    assert cut(", ".join(own), []) == own


@pytest.mark.parametrize(
    ("entry", "name", "parted"),
    [
        ("Li W., Univ A", "Li W.", ("Li W.", "Univ A")),
        ("Li, W., Univ A", None, ("Li W.", "Univ A")),
        ("de la Cruz Garcia, J.-M., Univ A", None, ("de la Cruz Garcia J.-M.", "Univ A")),
        ("de la Cruz Garcia J.-M., Univ A", None, ("de la Cruz Garcia J.-M.", "Univ A")),
        ("Yulianto, Univ A", None, ("Yulianto", "Univ A")),
        ("Li W.", "Li W.", ("Li W.", "")),
    ],
)
def test_authors_are_parted_from_affiliations(entry, name, parted):
    assert part_author(entry, name) == parted


def test_people_of_one_name_are_told_apart(tmp_path):
    pairs = [("Wang Y.", "1", [A]), ("Wang Y.", "2", [B])]
    with_ids = read(write(tmp_path / "a.csv", [record(pairs)]))
    assert with_ids["person"].tolist() == ["1", "2"]
    without = [name for name in COLUMNS if name != "Author(s) ID"]
    found = read(write(tmp_path / "b.csv", [record(pairs)], without))
    assert found["person"].tolist() == ["Wang Y.", "Wang Y. (2)"]


def test_types_and_exports_with_fewer_columns(tmp_path):
    pairs = [("Li W.", "1", [A]), ("Ng A.", "2", [B])]
    records = [
        record(pairs, EID=f"e{n}", **{"Document Type": kind})
        for n, kind in enumerate(["Article", "Review"])
    ]
    path = write(tmp_path / "a.csv", records)
    assert set(read(path)["document"]) == {"e0"}
    assert set(read(path, types=["review"])["document"]) == {"e1"}
    assert set(read(path, types=[])["document"]) == {"e0", "e1"}
    # Only the list of affiliations: the document is shared by them, and by nobody in particular.
    short = write(tmp_path / "b.csv", records, ["Year", "Affiliations", "Document Type", "EID"])
    found = read(short)
    assert found["person"].tolist() == [None, None]
    assert found["country"].tolist() == ["CH", "TW"]


def test_the_mark_at_the_begin_hides_no_column(tmp_path):
    """The mark stands before the first quotation mark; read wrongly, the first column would be lost."""
    pairs = [("Li Wei", "1", [A]), ("Ng Anna", "2", [A])]
    columns = [name for name in COLUMNS if name != "Author(s) ID"]
    entry = record(pairs) | {"Authors with affiliations": f"Li Wei, {A}; Ng Anna, {A}"}
    assert read(write(tmp_path / "a.csv", [entry], columns))["person"].tolist() == [
        "Li Wei",
        "Ng Anna",
    ]
    ids = ["Author(s) ID", *columns]
    assert read(write(tmp_path / "b.csv", [entry], ids))["person"].tolist() == ["1", "2"]


def test_wrong_and_broken_files_are_named(tmp_path):
    path = write(tmp_path / "a.csv", [record([("Li W.", "1", [A])])], ["Authors", "Year", "EID"])
    with pytest.raises(
        SourceError,
        match=r"a\.csv: .*no column 'affiliations' or 'authors with affil.*choose 'Author",
    ):
        read(path)
    path.write_text("x,y\n1,2\n")
    with pytest.raises(SourceError, match=r"a\.csv: not a Scopus export .*the file has: x, y"):
        read(path)
    whole = gzip.compress(
        write(
            tmp_path / "b.csv", [record([("Li W.", str(n), [A])]) for n in range(4000)]
        ).read_bytes()
    )
    cut_file = tmp_path / "cut.csv.gz"
    cut_file.write_bytes(whole[: len(whole) - 2000])
    with pytest.raises(SourceError, match=r"cut\.csv\.gz: not readable: .*is the file whole"):
        read(cut_file)


def test_recognises_its_exports(tmp_path):
    ours = write(tmp_path / "a.csv", [record([("Li W.", "1", [A])])])
    assert FORMAT.recognises(Member(ours), head_of(Member(ours)))
    other = tmp_path / "b.csv"
    other.write_text("Publication ID,DOI,Authors\n1,2,3\n")
    assert not FORMAT.recognises(Member(other), head_of(Member(other)))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
@pytest.mark.parametrize(
    ("name", "count"), [("scopus_export.csv.gz", 200), ("scopus_bibliometrix.csv", 8)]
)
def test_samples(name, count):
    raw = (SAMPLES / name).read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    found = read(SAMPLES / name, types=[])
    assert len(rows) == found["document"].nunique() == count
    by_document = dict(tuple(found.groupby("document")))
    surely = 0
    for row in rows:
        own = by_document[row["EID"]]
        ids = row["Author(s) ID"].split("; ")
        assert set(own["person"]) == set(ids)
        # An oracle that knows nothing of authors: how often each affiliation stands in the text of all authors.
        known = row["Affiliations"].split("; ")
        if not any(one != other and one in other for one in known for other in known):
            counts = Counter({one: row["Authors with affiliations"].count(one) for one in known})
            entries = row["Authors with affiliations"].split("; ")
            lonely = sum(not any(one in entry for one in known) for entry in entries)
            assert len(own) == sum(counts.values()) + lonely
            surely += len(own)
        assert set(own["year"]) == {int(row["Year"])}
    assert surely > 0.8 * len(found)
    assert found["country"].notna().sum() >= 0.97 * len(found)
    assert found["place"].notna().sum() >= 0.9 * len(found)
    articles = sum(row["Document Type"] == "Article" for row in rows)
    assert read(SAMPLES / name)["document"].nunique() == articles
