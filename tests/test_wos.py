"""Web of Science exports: both layouts give the same rows, each author an equal part, and broken files are named."""

from __future__ import annotations

import gzip
import re
import zipfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format
from geoclusters.addresses.sources.files import Member, head_of
from geoclusters.errors import SourceError

SAMPLES = Path(__file__).parents[2] / "shared" / "formats" / "bibliographic_exports"
FORMAT = find_format("wos")
TAGS = (
    *("PT", "AU", "BA", "GP", "AF", "CA", "TI", "SO", "LA", "DT", "DE", "AB", "C1", "RP"),
    *("EM", "CR", "NR", "TC", "PY", "VL", "EA", "WC", "WE", "SC", "UT"),
)
A, B = "Univ A, Bern, Switzerland.", "Univ B, Turku, Finland."

RECORD = {
    "PT": "J",
    "AU": ["Li, W", "Ng, A", "Roe, J"],
    "AF": ["Li, Wei", "Ng, Anna", "Roe, Jo"],
    "TI": "A title that goes on\n   over two lines",
    "DT": "Article; Early Access",
    "AB": 'An abstract with "quotes", a PT in it\n   UT and more.',
    "C1": [
        "[Li, Wei; Ng, Anna] Univ A, Dept Phys, CH-3012 Bern, Switzerland.",
        "[Ng, Anna] Univ B, Amherst, MA 01003 USA.",
    ],
    "RP": "Li, W (corresponding author), Univ A, Dept Phys, CH-3012 Bern, Switzerland.",
    "PY": "2021",
    "WC": "Physics, Applied; Materials\n   Science",
    "SC": "Physics",
    "UT": "WOS:000000000000001",
}


def tagged(records, *, mark="\ufeff", end="\n"):
    """Tagged text as Web of Science writes it."""
    lines = [f"{mark}FN Clarivate Analytics Web of Science", "VR 1.0"]
    for record in records:
        for tag in (tag for tag in TAGS if tag in record):
            value = record[tag]
            first, *more = value if isinstance(value, list) else value.split("\n")
            lines += [f"{tag} {first}", *(f"   {line.strip()}" for line in more)]
        lines += ["ER", ""]
    return end.join([*lines, "EF", ""])


def tabbed(records, *, mark="\ufeff", end="\n"):
    """Tab-delimited text as Web of Science writes it: nothing quoted, a tab at the end of each line."""
    lines = [mark + "\t".join(TAGS) + "\t"]
    for record in records:
        cells = []
        for tag in TAGS:
            value = record.get(tag, "")
            text = "; ".join(value) if isinstance(value, list) else " ".join(value.split())
            cells.append(re.sub(r"\.(?=;|$)", "", text) if tag == "C1" else text)
        lines.append("\t".join(cells) + "\t")
    return end.join([*lines, ""])


def read(*files, **options):
    request = Request(list(files), options=options)
    table = pa.Table.from_batches(list(FORMAT.read(request)), schema.READ.arrow())
    return table.to_pandas().astype(object).where(lambda frame: frame.notna(), None)


def rows_of(folder, *records, write=tagged, **options):
    path = folder / "savedrecs.txt"
    path.write_text(write(records), encoding="utf-8")
    return read(path, **options)


@pytest.mark.parametrize("write", [tagged, tabbed])
def test_a_record(tmp_path, write):
    found = rows_of(tmp_path, RECORD, write=write)
    assert found["person"].tolist() == ["Li, Wei", "Ng, Anna", "Ng, Anna", "Roe, Jo"]
    assert found["place"].tolist() == ["Bern", "Bern", "Amherst", None]
    assert found["region"].tolist()[2] == "Massachusetts"
    assert found["country"].tolist() == ["CH", "CH", "US", None]
    assert found["organisation"].tolist() == ["Univ A", "Univ A", "Univ B", None]
    assert found["accuracy"].tolist() == ["place", "place", "place", None]
    assert set(found["document"]) == {"WOS:000000000000001"}
    assert set(found["year"]) == {2021}
    assert set(found["field"]) == {"Physics, Applied"}
    assert set(found["row"]) == {1}
    assert found[["lat", "lon", "count"]].isna().all().all()


@pytest.mark.parametrize("write", [tagged, tabbed])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", ["", ".gz", ".zip"])
def test_packings_and_encodings_give_the_same_rows(tmp_path, write, end, encoding, packed):
    record = RECORD | {
        "AF": ["Li, Wéi", *RECORD["AF"][1:]],
        "C1": ["[Li, Wéi] Univ É, Zürich, Switzerland."],
    }
    raw = write([record], mark="", end=end).encode(encoding)
    path = tmp_path / f"savedrecs.txt{packed}"
    if packed == ".zip":
        path = tmp_path / "savedrecs.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("savedrecs.txt", raw)
    else:
        path.write_bytes(gzip.compress(raw) if packed else raw)
    found = read(path)
    assert found["person"].tolist() == ["Li, Wéi", "Ng, Anna", "Roe, Jo"]
    assert found["place"].tolist() == ["Zürich", None, None]


NAMES = [f"Author, {letter * 3}" for letter in "ABCDE"]
PLACES = ["Bern, Switzerland", "Turku, Finland", "Kyoto 6068501, Japan"]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    st.lists(
        st.tuples(st.sets(st.sampled_from(NAMES), min_size=1), st.sampled_from(PLACES)), min_size=1
    ),
    st.sampled_from([tagged, tabbed]),
)
def test_each_author_has_a_row_for_each_address(tmp_path_factory, authors, links, write):
    lines = [
        f"[{'; '.join(sorted(names))}] Univ {n}, {place}." for n, (names, place) in enumerate(links)
    ]
    record = RECORD | {"AF": authors, "AU": authors, "C1": lines}
    found = rows_of(tmp_path_factory.mktemp("wos"), record, write=write)
    wanted = Counter(name for names, _ in links for name in names)
    wanted.update(name for name in authors if name not in wanted)
    assert Counter(found["person"]) == wanted
    assert found["place"].notna().sum() == sum(len(names) for names, _ in links)


@pytest.mark.parametrize(
    ("authors", "lines", "rows"),
    [
        # One author, or one address: no doubt who sits where.
        (["A, A"], ["UNIV A,BERN,SWITZERLAND", "UNIV B,TURKU,FINLAND"], [("A, A", "BERN"), ("A, A", "TURKU")]),
        (["A, A", "B, B"], ["UNIV A,BERN,SWITZERLAND"], [("A, A", "BERN"), ("B, B", "BERN")]),
        # Several of both, as before 2008: the addresses share the document.
        (["A, A", "B, B"], [A, B], [(None, "Bern"), (None, "Turku")]),
        # Some with brackets: who has none sits at the address that has none.
        (["A, A", "B, B"], [f"[A, A] {A}", B], [("A, A", "Bern"), ("B, B", "Turku")]),
        # An address of nobody.
        (["A, A"], [f"[A, A] {A}", B], [(None, "Turku"), ("A, A", "Bern")]),
        # A group that is in no list of authors.
        (["A, A"], [f"[A, A; The Group] {A}"], [("A, A", "Bern"), ("The Group", "Bern")]),
        ([], ["Univ A, Bern, Switzerland."], [(None, "Bern")]),
        (["A, A", "B, B"], [], [("A, A", None), ("B, B", None)]),
        ([], [], [(None, None)]),
    ],
)  # fmt: skip
def test_addresses_without_brackets(tmp_path, authors, lines, rows):
    record = {k: v for k, v in RECORD.items() if k not in {"AU", "AF", "C1", "RP"}}
    record |= {
        tag: value for tag, value in (("AU", authors), ("AF", authors), ("C1", lines)) if value
    }
    found = rows_of(tmp_path, record)
    assert list(zip(found["person"], found["place"], strict=True)) == rows


def test_corresponding_address_serves_where_there_is_no_other(tmp_path):
    record = {k: v for k, v in RECORD.items() if k != "C1"}
    record["RP"] = (
        "Ng, A (reprint author), Univ B, Turku, Finland.; Li, W (corresponding author), Univ A, Bern, Switzerland."
    )
    found = rows_of(tmp_path, record)
    assert list(zip(found["person"], found["place"], strict=True)) == [
        ("Li, Wei", "Bern"),
        ("Ng, Anna", "Turku"),
        ("Roe, Jo", None),
    ]


def test_types_years_and_identifiers(tmp_path):
    records = [
        RECORD | {"DT": "Review", "UT": "WOS:1"},
        {k: v for k, v in RECORD.items() if k != "PY"} | {"EA": "APR 2024", "UT": "WOS:2"},
        RECORD | {"DT": "Proceedings Paper", "UT": "WOS:3"},
    ]
    assert set(rows_of(tmp_path, *records)["document"]) == {"WOS:2"}
    assert set(rows_of(tmp_path, *records)["year"]) == {2024}
    assert set(rows_of(tmp_path, *records, types=["review", "article"])["document"]) == {
        "WOS:1",
        "WOS:2",
    }
    assert rows_of(tmp_path, *records, types=[])["row"].unique().tolist() == [1, 2, 3]
    with pytest.raises(SourceError, match="options of this format: editions, types"):
        rows_of(tmp_path, *records, type=["Review"])


def test_editions(tmp_path):
    records = [
        RECORD | {"WE": "Social Science Citation Index (SSCI)", "UT": "WOS:1"},
        RECORD
        | {
            "WE": "Science Citation Index Expanded (SCI-EXPANDED); Social\n   Science (SSCI)",
            "UT": "WOS:2",
        },
        RECORD | {"UT": "WOS:3"},
    ]
    assert rows_of(tmp_path, *records)["document"].nunique() == 3
    assert set(rows_of(tmp_path, *records, editions=["sci-expanded"])["document"]) == {"WOS:2"}


def test_several_exports_in_one_file(tmp_path):
    path = tmp_path / "all.txt"
    path.write_text(tagged([RECORD]) + tagged([RECORD | {"UT": "WOS:2"}]))
    assert read(path)["document"].nunique() == 2


def test_head_only_reads_the_first_records(tmp_path):
    path = tmp_path / "many.txt"
    path.write_text(tagged([RECORD | {"UT": f"WOS:{n}"} for n in range(1000)]))
    head = pa.Table.from_batches(list(FORMAT.read(Request([path], head_only=True))))
    assert 0 < len(set(head["document"].to_pylist())) < 1000


def test_broken_and_wrong_files_are_named(tmp_path):
    path = tmp_path / "savedrecs.txt"
    path.write_text(tagged([RECORD, RECORD])[:-40])
    with pytest.raises(SourceError, match=r"savedrecs\.txt: the file ends within record 2"):
        read(path)
    path.write_text("Title,Year\nx,2020\n")
    with pytest.raises(
        SourceError,
        match=r"savedrecs\.txt: not an export of Web of Science: its first line is 'Title,",
    ):
        read(path)
    path.write_text("")
    with pytest.raises(SourceError, match=r"not an export of Web of Science: its first line is ''"):
        read(path)
    cut = tmp_path / "cut.txt.gz"
    many = tagged([RECORD | {"UT": f"WOS:{n * 7919}"} for n in range(3000)])
    cut.write_bytes(gzip.compress(many.encode())[:-3000])
    with pytest.raises(SourceError, match=r"cut\.txt\.gz: not readable: .*is the file whole"):
        read(cut)


def test_recognises_both_layouts_and_nothing_else(tmp_path):
    def recognised(text, encoding="utf-8"):
        path = tmp_path / "x.txt"
        path.write_bytes(text.encode(encoding))
        return FORMAT.recognises(Member(path), head_of(Member(path)))

    assert recognised(tagged([RECORD]))
    assert recognised(tabbed([RECORD]))
    assert recognised(tabbed([RECORD], mark=""), "utf-16")
    assert not recognised("patent_id\tinventor_id\n1\t2\n")
    assert not recognised("")


# --------------------------------------------------------------------------- real samples


def plain_records(name):
    """The records by the simplest reading of tagged text."""
    raw = (SAMPLES / name).read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8-sig")
    for block in re.split(r"\nER *\n", text)[:-1]:
        record = {}
        for found in re.finditer(r"^([A-Z][A-Z0-9]) (.*(?:\n   .*)*)", block, re.MULTILINE):
            record[found[1]] = [line.strip() for line in found[2].split("\n")]
        yield record


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("wos_tagged_2023.txt.gz", 500),
        ("wos_tagged_collection.txt.gz", 153),
        ("wos_tagged_older.txt.gz", 500),
        ("wos_tagged_bibliometrix.txt", 8),
    ],
)
def test_samples(name, count):
    records = list(plain_records(name))
    found = read(SAMPLES / name, types=[])
    assert len(records) == found["document"].nunique() == count
    by_document = dict(tuple(found.groupby("document")))
    linked = 0
    for record in records:
        lines = record.get("C1", [])
        if not lines or not all(line.startswith("[") for line in lines):
            continue
        pairs = [(name, line) for line in lines for name in line[1 : line.index("]")].split("; ")]
        lonely = set(record["AF"]) - {name for name, _ in pairs}
        own = by_document[record["UT"][0]]
        assert len(own) == len(pairs) + len(lonely)
        assert own["country"].notna().sum() >= len(pairs) * 0.5
        assert Counter(own["person"]) == Counter([name for name, _ in pairs] + list(lonely))
        linked += len(pairs)
    placed = found.loc[found["person"].notna(), "country"].notna().sum()
    assert placed >= linked * 0.998  # every linked address names a country that is known
    assert found["place"].notna().sum() >= linked * 0.96
    articles = [r for r in records if "Article" in " ".join(r["DT"]).split("; ")]
    assert read(SAMPLES / name)["document"].nunique() == len(articles)
    indexed = sum("(SCI-EXPANDED)" in " ".join(r.get("WE", [])) for r in records)
    assert (
        read(SAMPLES / name, types=[], editions=["SCI-EXPANDED"])["document"].nunique() == indexed
    )
    years = {record["UT"][0]: int(record["PY"][0]) for record in records}
    assert all(
        years[document] == year
        for document, year in zip(found["document"], found["year"], strict=True)
    )


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
def test_tab_delimited_sample():
    found = read(SAMPLES / "wos_tab_delimited_one_record.txt")
    assert found["person"].tolist() == ["Piersanti, Stefano", "Orlandi, Antonio"]
    assert set(found["country"]) == {"IT"}
    assert set(found["document"]) == {"WOS:000423122600025"}
    assert set(found["year"]) == {2018}
