"""Proposed studies: every format is told by its head, and what is printed can be checked and read."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
import unicodedata
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import test_openalex
import test_patentsview
import test_ror
from dumps import DUMPS, VARIANTS
from four_cities import make_addresses
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import geoclusters

import geoclusters as gc
from geoclusters.addresses.sources import find_format, known_formats
from geoclusters.addresses.sources.files import TRIAL_BYTES, Member, head_of, members
from geoclusters.checking import check_heads
from geoclusters.errors import SourceError, StudyError
from geoclusters.proposing import propose_study
from geoclusters.proposing.columns import guess_columns
from geoclusters.proposing.files import short_paths
from geoclusters.proposing.samples import Sample
from geoclusters.proposing.toml import toml_value
from geoclusters.study import read_study

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
CASES = {**{name: (name, write) for name, write in DUMPS.items()}, **VARIANTS}
few = settings(max_examples=25, deadline=None)


def formats_of(study):
    return [source.format for source in study.source]


def saved(proposal):
    """The study as a user would save it, read again."""
    file = proposal.folder / "study.toml"
    file.write_text(proposal.text, encoding="utf-8")
    assert tomllib.loads(proposal.text)["source"] == proposal.settings["source"]
    return read_study(file)


def test_every_format_is_tried_here():
    assert set(DUMPS) == set(known_formats()) - {"table"}


@pytest.mark.parametrize("case", CASES)
def test_a_proposed_study_is_sound(tmp_path, case):
    name, write = CASES[case]
    write(tmp_path)
    proposal = propose_study([tmp_path])
    assert "does not run" not in proposal.text
    study = saved(proposal)
    assert formats_of(study) == [name]
    assert study.source[0].metric == (
        "publications" if name == "ror-affiliations" else find_format(name).metric
    )
    heads = check_heads(study)
    assert sum(head["rows_looked_at"] for head in heads) > 0
    assert {head["format"] for head in heads} == {name}
    for head in heads:
        assert head["with_coordinates"] + head["to_geocode"] <= head["rows_looked_at"]


@pytest.mark.parametrize("case", CASES)
def test_no_other_format_takes_the_files(tmp_path, case):
    name, write = CASES[case]
    for member in members(list(write(tmp_path))):
        head = head_of(member)
        taken = {n for n in DUMPS if find_format(n).recognises(member, head)}
        assert taken <= {name}, member.label


@pytest.mark.parametrize("name", sorted(set(DUMPS) - {"openalex", "ror-affiliations"}))
def test_packed_files_are_told_as_well(tmp_path, name):
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.mkdir()
    packed.mkdir()
    files = DUMPS[name](plain)
    with zipfile.ZipFile(packed / "all.zip", "w") as archive:
        for member in members(list(files)):
            with member.opened() as stream:
                inside = Path(member.inside or member.path.name)
                archive.writestr(inside.name.removesuffix(".gz"), stream.read())
    study = saved(propose_study([packed]))
    assert formats_of(study) == [name]
    unpacked = sum(h["rows_looked_at"] for h in check_heads(saved(propose_study([plain]))))
    # Of an archive with several exports each is looked at, and never more than there is.
    assert 0 < sum(h["rows_looked_at"] for h in check_heads(study)) <= unpacked


@few
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_no_head_confuses_a_format(head):
    for name in DUMPS:
        form = find_format(name)
        assert form.recognises(Member(Path("x.csv")), head) in {True, False}
        assert form.accompanies(Member(Path("x.csv")), head) in {True, False}


# --------------------------------------------------------------------------- what belongs together, what is missing


def test_several_providers_in_one_folder(tmp_path):
    for name in ("openalex", "patentsview", "crunchbase", "wos", "regpat"):
        (tmp_path / name).mkdir()
        DUMPS[name](tmp_path / name)
    make_addresses().to_csv(tmp_path / "mine.csv", index=False)
    study = saved(propose_study([tmp_path]))
    assert sorted(formats_of(study)) == sorted(
        ["openalex", "patentsview", "crunchbase", "wos", "regpat", "table"]
    )
    # The same articles may stand in two sources: neither is added to the other.
    assert len(study.metrics) == len(study.sources)
    assert {"publications", "patents", "vc_deals"} <= set(study.metrics)
    check_heads(study)


def test_missing_tables_are_named(tmp_path):
    files = test_patentsview.world(tmp_path, g_location_disambiguated=None)
    proposal = propose_study(files)
    assert re.search(r"# does not run yet: .*g_location_disambiguated is missing", proposal.text)
    works = [f for f in test_openalex.snapshot(tmp_path / "o") if "institutions" not in str(f)]
    assert "add the institutions to path" in propose_study(works).text
    assert tomllib.loads(proposal.text)["source"][0]["format"] == "patentsview"
    with pytest.raises(SourceError, match="g_location_disambiguated is missing"):
        check_heads(saved(proposal))


def test_options_that_do_with_fewer_tables(tmp_path):
    options = {}
    for case in ("only dates of grant", "no dates", "both offices"):
        folder = tmp_path / case
        folder.mkdir()
        VARIANTS[case][1](folder)
        proposal = propose_study([folder])
        options[case] = proposal.settings["source"][0]["options"]
        assert "# these options, since by default: " in proposal.text
    assert options == {
        "only dates of grant": {"year": "grant"},
        "no dates": {"year": "none"},
        "both offices": {"office": "pct"},
    }


@pytest.mark.parametrize(
    ("header", "advice"),
    [
        ("country,h3,population", r"people by H3 cell.*\[population\]"),
        ("id,authorships.author.id,authorships.institutions.id", r"web site.*take the snapshot"),
    ],
)
def test_tables_that_no_source_is_made_of_say_what_they_are_for(tmp_path, header, advice):
    row = ",".join("x" for _ in header.split(","))
    (tmp_path / "t.csv").write_text(f"{header}\n{row}\n")
    with pytest.raises(SourceError, match=advice):
        propose_study([tmp_path])


def test_a_dump_of_ror_serves_works_and_tables(tmp_path):
    files = test_openalex.snapshot(tmp_path)
    works = [f for f in files if "institutions" not in str(f)]
    dump = test_ror.dump(tmp_path, "json_v2")
    source = propose_study([*works, dump]).settings["source"][0]
    assert (source["format"], len(source["path"])) == ("openalex", 2)
    with pytest.raises(SourceError, match=r"organisations of ROR; tables with affiliations"):
        propose_study([dump])


def test_affiliations_without_a_dump_say_what_would_help(tmp_path):
    DUMPS["ror-affiliations"](tmp_path)
    alone = propose_study([tmp_path / "papers.csv"])
    assert "can be placed through ROR: add the zip" in alone.text
    assert "format" not in alone.settings["source"][0]
    both = propose_study([tmp_path])
    assert both.settings["source"][0]["options"] == {"affiliation": "affiliation", "separator": ";"}


def test_other_tables_of_a_provider_are_no_sources(tmp_path):
    DUMPS["crunchbase"](tmp_path)
    people = pd.DataFrame({"uuid": ["a", "b"], "name": ["A", "B"], "city": ["Rome", "Bonn"]})
    people.to_csv(tmp_path / "people.csv", index=False)
    proposal = propose_study([tmp_path])
    assert [s["format"] for s in proposal.settings["source"]] == ["crunchbase"]
    assert [file.name for file in proposal.unused] == ["people.csv"]


def test_many_files_become_patterns_that_match_no_others(tmp_path):
    works = {f"2024-05-{day:02}/part_000": test_openalex.WORKS for day in range(1, 15)}
    test_openalex.snapshot(tmp_path, works)
    authors = tmp_path / "data" / "authors" / "updated_date=2024-05-01"
    authors.mkdir(parents=True)
    (authors / "part_000.gz").write_bytes(gzip.compress(b'{"id": "https://openalex.org/A1"}\n'))
    study = saved(propose_study([tmp_path]))
    assert study.source[0].path == [
        "data/institutions/updated_date=2024-04-01/part_000.gz",
        "data/works/**/*.gz",
    ]
    assert len(study.source[0].files(tmp_path)) == 15


@few
@given(st.sets(st.tuples(*[st.sampled_from("ab[*]")] * 3), min_size=1), st.data())
def test_short_paths_are_the_files(tmp_path_factory, names, data):
    folder = tmp_path_factory.mktemp("t")
    files = [folder / a / f"{b}{c}.csv" for a, b, c in sorted(names)]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    chosen = data.draw(st.sets(st.sampled_from(files), min_size=1))
    found = {f for path in short_paths(chosen, folder) for f in folder.glob(path)}
    assert found == chosen


# --------------------------------------------------------------------------- plain tables

LAYOUTS = [
    (
        {"patent_id": ["1", "1", "2"], "inventor_id": list("abc"), "latitude": ["48.1", "52", "35"],
         "longitude": ["11.6", "13", "139.7"], "ctry": ["DE", "DE", "JP"], "filing_date": ["2019-01-02"] * 3},
        {"document": "patent_id", "person": "inventor_id", "lat": "latitude", "lon": "longitude", "country": "ctry",
         "year": "filing_date"},
        "patents",
    ),
    (
        {"deal_id": ["1", "2"], "company": ["Acme", "Beta"], "HQ City": ["Paris", "Lyon"], "HQ State": ["IDF", "ARA"],
         "HQ Country": ["France", "France"], "Deal Date": ["2020", "2021"], "Deal Size": ["1.5", "2"]},
        {"document": "deal_id", "country": "HQ Country", "region": "HQ State", "place": "HQ City", "year": "Deal Date",
         "organisation": "company"},
        "vc_deals",
    ),
    (
        {"metro": ["A", "B"], "patents": ["120", "7.5"], "lat": ["1", "2"], "lng": ["3", "4"]},
        {"lat": "lat", "lon": "lng", "count": "patents"},
        "patents",
    ),
    (
        {"key": ["k1", "k2"], "c1": ["47.3769", "46.2044"], "c2": ["8.5417", "6.1432"], "c3": ["CHE", "DEU"],
         "c4": ["2001", "2002"]},
        {"document": "key", "lat": "c1", "lon": "c2", "country": "c3", "year": "c4"},
        None,
    ),
    ({"id": ["1", "2"], "lat": ["91.5", "120"], "lon": ["3", "4"], "town": ["X", "Y"]},
     {"document": "id", "place": "town"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "ours", "metric"), LAYOUTS)
def test_columns_are_guessed_from_names_and_values(columns, ours, metric):
    guess = guess_columns(Sample(columns, len(next(iter(columns.values())))))
    assert (guess.columns, guess.metric) == (ours, metric)


def test_a_row_of_another_order_changes_no_guess():
    for columns, ours, _ in LAYOUTS[:3]:
        turned = dict(reversed(columns.items()))
        assert guess_columns(Sample(turned, 3)).columns == ours


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_tables_of_any_delimiter_and_encoding(tmp_path, sign, encoding):
    frame = make_addresses().head(30).assign(city="Zürich")
    file = tmp_path / "a b.csv"
    file.write_bytes(frame.to_csv(index=False, sep=sign).encode(encoding))
    study = saved(propose_study([file]))
    assert study.source[0].columns == {
        "document": "patent", "person": "inventor", "lat": "y", "lon": "x", "country": "ctry", "place": "city",
        "year": "year",
    } | study.source[0].columns  # fmt: skip
    (head,) = check_heads(study)
    assert head["rows_looked_at"] == 30


@pytest.mark.parametrize("packed", ["csv", "csv.gz", "zip"])
def test_a_table_in_another_encoding_is_read_whole_whatever_it_is_packed_in(tmp_path, packed):
    text = make_addresses().head(30).assign(city="Zürich").to_csv(index=False).encode("cp1252")
    file = tmp_path / f"t.{packed}"
    file.write_bytes(gzip.compress(text) if packed == "csv.gz" else text)
    if packed == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("t.csv", text)
    (source,) = saved(propose_study([file])).source
    batches = find_format("table").read(source.request([file]))
    assert {v for b in batches for v in b.column("place").to_pylist()} == {"Zürich"}


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "jsonl.gz", "csv.zst", "tsv"])
def test_tables_of_any_kind(tmp_path, ending):
    frame, file = make_addresses().head(30), tmp_path / f"t.{ending}"
    if ending == "parquet":
        frame.to_parquet(file, index=False)
    elif ending.startswith("jsonl"):
        frame.to_json(file, orient="records", lines=True)
    else:
        text = frame.to_csv(index=False, sep="\t" if ending == "tsv" else ",")
        with pa.output_stream(file, compression="zstd" if "zst" in ending else None) as stream:
            stream.write(text.encode())
    study = saved(propose_study([tmp_path]))
    assert {"document", "person", "lat", "lon"} <= set(study.source[0].columns)
    assert check_heads(study)[0]["rows_looked_at"] == 30


def test_tables_with_the_same_columns_are_one_source(tmp_path):
    for year in (2019, 2020, 2021):
        make_addresses().head(10).to_csv(tmp_path / f"{year}.csv", index=False)
    proposal = propose_study([tmp_path])
    assert len(proposal.drafts) == 1
    assert len(check_heads(saved(proposal))) == 3


# --------------------------------------------------------------------------- what is of no use


def test_files_of_no_use_are_named_with_a_way_out(tmp_path):
    contents = {
        "a.xlsx": b"PK\x03\x04",
        "b.7z": b"7z",
        "c.tif": b"II*\x00",
        "d.csv": b"",
        "e.bin": b"\x00\x01",
        "f.csv.gz": gzip.compress(b"a,b\n" * 9)[:-9],
        "g.json": b"[1, 2, 3]",
        "h.csv": b"1,2,3\n4,5,6\n",
        "i.zip": b"no zip",
        "j.csv": b"colour,weight\nred,1\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as raised:
        propose_study([tmp_path])
    told = str(raised.value)
    lines = dict(line.split(": ", 1) for line in told.splitlines()[1:-1])
    assert set(lines) == set(contents)
    for name, word in {
        "a.xlsx": "CSV", "b.7z": "unpack", "c.tif": "population", "d.csv": "empty", "e.bin": "known: .parquet",
        "f.csv.gz": "whole", "g.json": "JSON lines", "h.csv": "header", "i.zip": "fetch", "j.csv": "where",
    }.items():  # fmt: skip
        assert word in lines[name], lines[name]
    for name in known_formats():
        assert name in told


def test_one_bad_file_does_not_hide_the_others(tmp_path):
    DUMPS["geopat"](tmp_path)
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 999)[:-9])
    proposal = propose_study([tmp_path])
    assert formats_of(saved(proposal)) == ["geopat"]
    assert "# not used: cut.csv.gz: " in proposal.text
    with pytest.raises(StudyError, match="no such file"):
        propose_study([tmp_path / "nowhere"])


# --------------------------------------------------------------------------- the text


TEXTS = st.text(max_size=12)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@few
@given(VALUES)
def test_toml_gives_back_what_was_written(value):
    text = toml_value(value)
    assert tomllib.loads(f"x = {text}")["x"] == value
    assert not {c for c in text if unicodedata.category(c).startswith("C")} - {"\n"}


def test_names_from_data_do_no_harm(tmp_path):
    nasty = 'a"\u202e\x1b[31m]\n'
    named = {f"home {nasty} town": f"Bonn\n[[source]]{nasty}", nasty: "left over"}
    file = tmp_path / 'x"\u202e[1]\x1b.parquet'
    make_addresses().head(5).assign(**named).to_parquet(file, index=False)
    proposal = propose_study([tmp_path])
    assert not {"\x1b", "\u202e"} & set(proposal.text)
    study = saved(proposal)
    assert study.source[0].columns["place"] == next(iter(named))
    assert check_heads(study)[0]["rows_looked_at"] == 5
    (tmp_path / "study.toml").unlink()
    file.write_bytes(b"no table")
    with pytest.raises(SourceError) as raised:
        propose_study([tmp_path])
    assert not {"\x1b", "\u202e"} & set(str(raised.value))


def test_the_command_prints_a_study(tmp_path):
    DUMPS["geopat"](tmp_path)
    told = geoclusters("check", tmp_path)
    assert told.returncode == 0
    (tmp_path / "study.toml").write_text(told.stdout, encoding="utf-8")
    assert "save it as" in told.stderr.replace("\n", " ")
    checked = geoclusters("check", tmp_path / "study.toml", "--json")
    (row,) = json.loads(checked.stdout)
    assert (row["format"], row["rows_looked_at"], row["with_coordinates"]) == ("geopat", 5, 4)
    as_json = json.loads(geoclusters("check", tmp_path / "geoc_inv.txt", "--json").stdout)
    assert as_json["toml"].split("\n\n")[1:] == told.stdout.split("\n\n")[1:]
    assert as_json["sources"][0]["head"]["years"] == [1980, 2014]


def test_mistakes_of_the_command(tmp_path):
    (tmp_path / "x.csv").write_text("colour\nred\n")
    ended = geoclusters("check", tmp_path / "x.csv")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "known formats: crunchbase" in ended.stderr
    both = geoclusters("check", tmp_path / "a.toml", tmp_path / "x.csv")
    assert (both.returncode, "one study alone" in both.stderr) == (2, True)


# --------------------------------------------------------------------------- heads


@few
@given(st.integers(0, 40), st.sampled_from(["", ' "a\nb"', ' "x""y"']), st.sampled_from([0, 1]))
def test_a_head_ends_with_a_whole_row(tmp_path_factory, width, value, many):
    row = f"{'w' * width},1{value and ','}{value.strip()}\n"
    rows = many * (TRIAL_BYTES // len(row) + 50) + 3
    file = tmp_path_factory.mktemp("h") / "t.csv.gz"
    file.write_bytes(gzip.compress(("a,b,c\n" + row * rows).encode(), 1))
    with Member(file).head().opened() as stream:
        head = stream.read().decode()
    assert len(head) <= TRIAL_BYTES
    assert head.removeprefix("a,b,c\n").replace(row, "") == ""
    assert many or head.count(row) == rows


# --------------------------------------------------------------------------- real samples


@pytest.mark.skipif(not (SHARED / "formats").is_dir(), reason="the samples are not here")
@pytest.mark.parametrize(
    ("folder", "formats"),
    [
        ("openalex/snapshot_layout_2023", ["openalex"]),
        ("openalex/works_sample.jsonl.gz openalex/institutions_sample.jsonl.gz", ["openalex"]),
        ("patentsview", ["patentsview"]),
        ("crunchbase", ["crunchbase"]),
        ("bibliographic_exports", ["dimensions", "lens", "scopus", "wos"]),
        ("oecd_regpat/forum_rows_appln_16.csv", ["table"]),
    ],
)
def test_real_samples(tmp_path, folder, formats):
    proposal = propose_study([SHARED / "formats" / part for part in folder.split()])
    assert "does not run" not in proposal.text
    study = gc.make_study(proposal.settings, folder=proposal.folder)
    assert sorted(set(formats_of(study))) == formats
    assert all(head["rows_looked_at"] for head in check_heads(study))
    assert tomllib.loads(proposal.text) == proposal.settings
