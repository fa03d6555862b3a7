"""Dimensions exports: affiliations in nested brackets, the notice before the header, wrong files named."""

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
from geoclusters.addresses.sources.dimensions import part_authors, parts_of
from geoclusters.addresses.sources.files import Member, head_of
from geoclusters.errors import SourceError

SAMPLES = Path(__file__).parents[2] / "shared" / "formats" / "bibliographic_exports"
FORMAT = find_format("dimensions")
NOTICE = "About the data: Exported on May 11, 2024. Criteria: 'x' in full data, and more."
COLUMNS = [
    "Rank",
    "Publication ID",
    "DOI",
    "Title",
    "Abstract",
    "Publication date",
    "PubYear",
    "Publication Type",
    "Authors",
    "Authors (Raw Affiliation)",
    "Corresponding Authors",
    "Authors Affiliations",
    "Dimensions URL",
    "Fields of Research (ANZSRC 2020)",
]
RECORD = {
    "Publication ID": "pub.1",
    "PubYear": "2022",
    "Publication Type": "Article",
    "Abstract": 'Of "all",\nand more',
    "Authors": "Li, Wei; Ng, Anna; Roe, Jo",
    "Authors (Raw Affiliation)": (
        "Li, Wei (Department of Physics (DP), University of A, 3012 Bern, Switzerland.; "
        "University of B, Turku, Finland); "
        "Ng, Anna (University of B, Turku, Finland;, a@b.fi, (A.N.)); Roe, Jo"
    ),
    "Authors Affiliations": "Li, Wei (University of A; University of B); Ng, Anna (University of B); Roe, Jo",
    "Fields of Research (ANZSRC 2020)": "32 Clinical Sciences; 3211 Oncology",
}


def write(path, records, columns=COLUMNS, *, notice=True, mark=""):
    """Write a CSV as Dimensions does: a line of notice as wide as the table, then the header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if notice:
        writer.writerow([NOTICE, *[""] * (len(columns) - 1)])
    writer.writerow(columns)
    writer.writerows([[record.get(name, "") for name in columns] for record in records])
    raw = (mark + text.getvalue()).encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def read(*files, **options):
    request = Request(list(files), options=options)
    table = pa.Table.from_batches(list(FORMAT.read(request)), schema.READ.arrow())
    return table.to_pandas().astype(object).where(lambda frame: frame.notna(), None)


@pytest.mark.parametrize("notice", [True, False])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", ["d.csv", "d.csv.gz"])
def test_a_record(tmp_path, notice, mark, name):
    found = read(write(tmp_path / name, [RECORD], notice=notice, mark=mark))
    assert found["person"].tolist() == ["Li, Wei", "Li, Wei", "Ng, Anna", "Roe, Jo"]
    assert found["place"].tolist() == ["Bern", "Turku", "Turku", None]
    assert found["country"].tolist() == ["CH", "FI", "FI", None]
    assert found["organisation"].tolist() == [
        "University of A",
        "University of B",
        "University of B",
        None,
    ]
    assert set(found["document"]) == {"pub.1"}
    assert set(found["year"]) == {2022}
    assert set(found["field"]) == {"32 Clinical Sciences"}
    assert set(found["row"]) == {1}


NAMES = ["Li, Wei", "Li, Wei-Bo", "Ng, Anna", "O'Roe, J. (Jo)", "Straße, É."]
TEXTS = [
    "Univ A, Bern, Switzerland",
    "Univ (of) B, Turku (Åbo), Finland",
    "Hosp C) of D, Kyoto, Japan",
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from(TEXTS), max_size=3)),
        min_size=1,
        max_size=6,
    )
)
def test_authors_come_apart_as_they_were_joined(pairs):
    names = [name for name, _ in pairs]
    text = "; ".join(f"{name} ({'; '.join(own)})" if own else name for name, own in pairs)
    people, brackets = part_authors(text, names)
    assert people == names
    assert [parts_of(inside) for inside in brackets] == [own for _, own in pairs]


def test_an_author_without_a_name_is_left_out():
    assert part_authors("Li, W (Univ A);  ()", ["Li, W"]) == (["Li, W"], ["Univ A"])


def test_without_names_brackets_decide():
    assert part_authors("Li, W (Univ (A); Univ B); Ng, A; Roe, J (X)", []) == (
        ["Li, W", "Ng, A", "Roe, J"],
        ["Univ (A); Univ B", "", "X"],
    )


def test_more_than_a_hundred_authors_come_without_affiliations(tmp_path):
    many = RECORD | {"Authors": "", "Authors (Raw Affiliation)": "", "Authors Affiliations": ""}
    found = read(write(tmp_path / "d.csv", [many]))
    assert found[["document", "person", "country"]].to_numpy().tolist() == [["pub.1", None, None]]
    note = many | {
        "Authors": "Li, W; Ng, A",
        "Authors (Raw Affiliation)": "[see note]",
        "Authors Affiliations": "[see note]",
    }
    assert read(write(tmp_path / "n.csv", [note]))["person"].tolist() == ["Li, W", "Ng, A"]
    columns = [
        *COLUMNS,
        "Research Organizations - standardized",
        "City of standardized research organization",
        "State of standardized research organization",
        "Country of standardized research organization",
    ]
    placed = many | {
        columns[-4]: "University of A; MIT",
        columns[-3]: "Bern; Cambridge",
        columns[-2]: "; Massachusetts",
        columns[-1]: "Switzerland; United States",
    }
    found = read(write(tmp_path / "e.csv", [placed, placed | {columns[-3]: "Bern"}], columns))
    assert found["place"].tolist() == ["Bern", "Cambridge", "Bern", "Bern"]
    assert found["region"].tolist() == [None, "Massachusetts", None, "Massachusetts"]
    assert found["country"].tolist() == ["CH", "US", "CH", "US"]


def test_types(tmp_path):
    kinds = ["Article", "Preprint", "Chapter"]
    path = write(
        tmp_path / "d.csv", [RECORD | {"Publication ID": k, "Publication Type": k} for k in kinds]
    )
    assert set(read(path)["document"]) == {"Article"}
    assert set(read(path, types=["preprint", "chapter"])["document"]) == {"Preprint", "Chapter"}
    assert read(path, types=[])["row"].unique().tolist() == [1, 2, 3]


def test_wrong_and_broken_files_are_named(tmp_path):
    path = write(tmp_path / "d.csv", [RECORD], ["Publication ID", "PubYear", "Authors"])
    with pytest.raises(
        SourceError, match=r"d\.csv: not a Dimensions export .*no column 'authors \(raw aff"
    ):
        read(path)
    whole = gzip.compress(
        write(tmp_path / "e.csv", [RECORD | {"DOI": str(n)} for n in range(3000)]).read_bytes()
    )
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[:-1000])
    with pytest.raises(SourceError, match=r"cut\.csv\.gz: not readable: .*is the file whole"):
        read(cut)


def test_recognises_its_exports(tmp_path):
    def recognised(path):
        return FORMAT.recognises(Member(path), head_of(Member(path)))

    assert recognised(write(tmp_path / "d.csv", [RECORD]))
    assert recognised(write(tmp_path / "d.csv", [RECORD], notice=False))
    assert not recognised(write(tmp_path / "d.csv", [], ["EID", "Affiliations"]))


def plain_counts(text):
    """Affiliations of each author, counted by brackets alone: those of depth 1, parted by semicolons."""
    depth, depths = 0, []
    for sign in text:
        depth += sign == "("
        depths.append(depth)
        depth -= sign == ")"
    if depth != 0 or max(depths, default=0) > 3:
        return None
    counts, inside, n = [], False, 0
    for sign, level in zip(text, depths, strict=True):
        if level == 1 and sign == "(":
            inside, n = True, 1
        elif level == 1 and sign == ";":
            n += 1
        elif level == 1 and sign == ")":
            counts.append(n)
    return counts if inside else None


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
def test_sample():
    raw = gzip.decompress((SAMPLES / "dimensions_export.csv.gz").read_bytes()).decode()
    rows = list(csv.DictReader(io.StringIO(raw.split("\n", 1)[1], newline="")))
    found = read(SAMPLES / "dimensions_export.csv.gz", types=[])
    assert len(rows) == found["document"].nunique() == 500
    by_document = dict(tuple(found.groupby("document")))
    sure = 0
    for row in rows:
        own = by_document[row["Publication ID"]]
        names = [name for name in row["Authors"].split("; ") if name]
        assert {person.removesuffix(" (2)") for person in own["person"]} == set(names)
        text = row["Authors (Raw Affiliation)"]
        counts = plain_counts(text)
        odd = ("@", "equal", ";)", "; )", "Dr ", "ORCID", "Tel")
        plain = not any(sign in text for sign in odd)
        if counts and plain and len(counts) == len(names) == len(set(names)):
            assert Counter(own["person"]) == dict(zip(names, counts, strict=True))
            sure += len(own)
    assert sure > 0.7 * len(found)
    stated = found[found["organisation"].notna()]
    assert len(stated) > 0.95 * len(found)
    assert stated["country"].notna().mean() >= 0.965
    assert stated["place"].notna().mean() >= 0.945
    assert read(SAMPLES / "dimensions_export.csv.gz")["document"].nunique() == sum(
        row["Publication Type"] == "Article" for row in rows
    )
