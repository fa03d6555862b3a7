"""OpenAlex: every layout gives the same addresses, counted again in plain Python, on files of ours and on real ones."""

from __future__ import annotations

import gzip
import json
import re
import sys
import threading
import time
import zipfile
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format
from geoclusters.addresses.sources.files import Member
from geoclusters.addresses.sources.openalex import FORMAT
from geoclusters.addresses.sources.openalex_files import kind_of_head
from geoclusters.addresses.sources.openalex_lanes import side_by_side
from geoclusters.errors import SourceError
from geoclusters.study import read_study

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "formats" / "openalex"
REAL_ROR = ROOT.parent / "shared" / "data" / "institutions_ror" / "ror_records.parquet"
sys.path.insert(0, str(ROOT / "benchmarks"))

import bench_openalex  # noqa: E402

with_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real samples are not here")
few = settings(max_examples=25, deadline=None)

A = "https://openalex.org/"
KEYS = ["document", "person", "organisation", "country", "place", "lat", "lon", "accuracy"]


def institution(k, lat=1.0, lon=2.0, above=(), ror=None, **more):
    """A record of an institution; `above` are the numbers of those it belongs to."""
    return {
        "id": f"{A}I{k}",
        "ror": ror,
        "display_name": f"Inst {k}",
        "country_code": "DE",
        "lineage": [f"{A}I{k}", *(f"{A}I{p}" for p in above)],
        "geo": {
            "city": f"C{k}",
            "region": None,
            "country_code": "DE",
            "latitude": lat,
            "longitude": lon,
        },
        "updated_date": "2024-01-01T00:00:00",
        **more,
    }


def named(k, ror=None):
    """An institution as a work names it."""
    return {
        "id": None if k is None else f"{A}I{k}",
        "display_name": f"named {k}",
        "ror": ror,
        "country_code": "FR",
        "type": "education",
        "lineage": [],
    }


def author(who, *institutions, countries=("FR",)):
    return {
        "author_position": "first",
        "author": {"id": who and f"{A}A{who}", "display_name": "x"},
        "institutions": list(institutions),
        "countries": list(countries),
        "raw_affiliation_strings": ["raw"],
    }


def work(k, *authors, **more):
    return {
        "id": f"{A}W{k}",
        "title": "a title",
        "type": "article",
        "publication_year": 2020,
        "is_retracted": False,
        "is_paratext": False,
        "is_xpac": False,
        "primary_topic": {
            "id": f"{A}T1",
            "field": {"id": f"{A}fields/17", "display_name": "Chemistry"},
        },
        "authorships": list(authors),
        **more,
    }


INSTITUTIONS = [
    institution(1),
    institution(2, 10.0, 20.0, above=[1]),
    institution(3, None, None),
    institution(4, 5.0, 6.0, above=[2, 1]),
]
WORKS = [
    work(1, author(1, named(1)), author(2, named(2), named(1)), author(None)),
    work(2, author(1, named(3), named(99)), author(None, named(None), countries=())),
    work(3),
    work(4, author(5, countries=("FR", "DE")), publication_year=None, primary_topic=None),
]


def oracle(works, institutions, *, drop_parents=True):
    """Addresses in plain Python: document, person, organisation, country, place, lat, lon, accuracy."""
    known = {i["id"]: i for i in institutions}
    rows = []
    for w in works:
        document = w["id"].removeprefix(A)
        for n, a in enumerate(w["authorships"] or [], 1):
            person = ((a.get("author") or {}).get("id") or f"#{n}").removeprefix(A)
            listed = a.get("institutions") or []
            above = {
                p
                for i in listed
                for p in (known.get(i["id"]) or {}).get("lineage", None) or []
                if p != i["id"]
            }
            countries = a.get("countries") or []
            sole = countries[0] if len(countries) == 1 else None
            seen = set()
            for i in listed:
                if i["id"] in known and (i["id"] in seen or (drop_parents and i["id"] in above)):
                    continue
                seen.add(i["id"])
                whole = known.get(i["id"])
                geo = (whole or {}).get("geo") or {}
                placed = geo.get("latitude") is not None
                rows.append(
                    (
                        document,
                        person,
                        whole["display_name"] if whole else i["display_name"],
                        (whole["country_code"] if whole else None) or i["country_code"] or sole,
                        geo.get("city"),
                        geo.get("latitude"),
                        geo.get("longitude"),
                        "place" if placed else None,
                    )
                )
            if not listed:
                rows.append((document, person, None, sole, None, None, None, None))
        if not w["authorships"]:
            rows.append((document, None, None, None, None, None, None, None))
    return rows


def read(files, head_only=False, **options):
    batches = list(FORMAT.read(Request(files, options=options, head_only=head_only)))
    assert all(b.schema.equals(schema.READ.arrow()) for b in batches)
    return pa.Table.from_batches(batches, schema.READ.arrow())


def rows(files, **options):
    table = read(files, **options)
    return list(zip(*(table[k].to_pylist() for k in KEYS), strict=True))


def snapshot(folder, works=WORKS, institutions=INSTITUTIONS, **more):
    """Works, a list or by partition and part, and institutions, in the layout of the snapshot; gives its files."""
    parts = works if isinstance(works, dict) else {"2024-05-01/part_000": works}
    lines = {k: [json.dumps(w, ensure_ascii=False).encode() for w in v] for k, v in parts.items()}
    wrote, places = bench_openalex.write_snapshot(folder, lines, institutions, **more)
    return [*wrote, *places]


# ------------------------------------------------------------ rows


def test_a_row_an_author_and_institution(tmp_path):
    assert rows(snapshot(tmp_path)) == [
        ("W1", "A1", "Inst 1", "DE", "C1", 1.0, 2.0, "place"),
        ("W1", "A2", "Inst 2", "DE", "C2", 10.0, 20.0, "place"),  # and not its parent too
        ("W1", "#3", None, "FR", None, None, None, None),
        ("W2", "A1", "Inst 3", "DE", "C3", None, None, None),
        ("W2", "A1", "named 99", "FR", None, None, None, None),
        ("W2", "#2", "named None", "FR", None, None, None, None),
        ("W3", None, None, None, None, None, None, None),
        ("W4", "A5", None, None, None, None, None, None),
    ]
    table = read(snapshot(tmp_path)).to_pydict()
    assert table["row"] == [1, 1, 1, 2, 2, 2, 3, 4]
    assert table["year"] == [2020] * 7 + [None]
    assert table["field"] == ["Chemistry"] * 7 + [None]
    assert set(table["file"]) == {"updated_date=2024-05-01/part_000.gz"}


affiliations = st.lists(
    st.sampled_from([1, 2, 3, 4, 99]).map(named) | st.just(named(None)), max_size=4
)
authors = st.builds(
    lambda who, insts, countries: author(who, *insts, countries=countries),
    st.sampled_from([None, 1, 2, 3]),
    affiliations,
    st.lists(st.sampled_from(["FR", "US"]), max_size=2),
)


@few
@given(st.lists(st.lists(authors, max_size=4), max_size=5), st.booleans())
def test_rows_are_those_of_plain_python(tmp_path_factory, made, drop_parents):
    works = [work(k, *several) for k, several in enumerate(made, 1)]
    files = snapshot(tmp_path_factory.mktemp("s"), works)
    expected = oracle(works, INSTITUTIONS, drop_parents=drop_parents)
    assert rows(files, drop_parents=drop_parents) == expected


def test_what_a_generation_does_not_have_is_null(tmp_path):
    old = {k: v for k, v in WORKS[0].items() if k in {"id", "type", "publication_year"}}
    old["authorships"] = [
        {"author": None, "institutions": None},
        {"author": {"id": f"{A}A7"}, "institutions": [{"id": f"{A}I1", "display_name": "x"}]},
        None,
    ]
    none = {"id": f"{A}W9", "type": "article", "authorships": None, "publication_year": 99999}
    files = snapshot(tmp_path, [old, none])
    assert rows(files) == [
        ("W1", "#1", None, None, None, None, None, None),
        ("W1", "A7", "Inst 1", "DE", "C1", 1.0, 2.0, "place"),
        ("W9", None, None, None, None, None, None, None),
    ]
    assert read(files)["year"].to_pylist() == [2020, 2020, None]


def test_field_is_the_topics_or_of_old_works_the_best_concept_of_the_top_level(tmp_path):
    def concept(name, level, score):
        return {"id": "x", "display_name": name, "level": level, "score": score}

    old = [
        work(1, concepts=[concept("Deep", 1, 0.9), concept("A", 0, 0.2), concept("B", 0, 0.4)]),
        work(2, concepts=[concept("Deep", 1, 0.9)]),
        work(3, concepts=None),
    ]
    for w in old:
        del w["primary_topic"]
    assert read(snapshot(tmp_path / "old", old))["field"].to_pylist() == ["B", None, None]
    new = [work(1, concepts=[concept("A", 0, 0.2)]), work(2, concepts=[], primary_topic=None)]
    assert read(snapshot(tmp_path / "new", new))["field"].to_pylist() == ["Chemistry", None]


# ------------------------------------------------------------ which works


def test_articles_that_stand_by_default_and_more_by_options(tmp_path):
    works = [
        work(1),
        work(2, type="journal-article"),
        work(3, type="review"),
        work(4, type="proceedings-article"),
        work(5, is_retracted=True),
        work(6, is_paratext=True),
        work(7, is_xpac=True),
        work(8, type=None),
    ]
    files = snapshot(tmp_path, works)

    def kept(**options):
        return [int(d[1:]) for d in read(files, **options)["document"].to_pylist()]

    assert kept() == [1, 2]
    assert kept(types=["review", "conference-paper"]) == [3, 4]
    assert kept(include_retracted=True) == [1, 2, 5]
    assert kept(include_paratext=True, include_xpac=True) == [1, 2, 6, 7]
    with pytest.raises(SourceError, match=r"options: kinds = 1: .*options of this format: .*types"):
        read(files, kinds=1)
    with pytest.raises(SourceError, match="types"):
        read(files, types=[])


PARTITIONS = {
    "2024-01-01/part_000": [work(1, author(1, named(1))), work(2, author(1, named(1)))],
    "2024-05-01/part_000": [work(3)],
    "2024-05-01/part_001": [work(1, author(1, named(2)), author(2, named(4)))],
}


def test_of_a_work_in_two_partitions_the_later_counts(tmp_path):
    files = snapshot(tmp_path, PARTITIONS, manifest=False)
    for order in (files, files[::-1]):
        found = sorted((r[0], r[2]) for r in rows(order) if r[2])
        assert found == [("W1", "Inst 2"), ("W1", "Inst 4"), ("W2", "Inst 1")]
    assert FORMAT.groups(files) == [files]


def test_of_a_work_in_two_loose_files_the_last_counts(tmp_path):
    *_, places = snapshot(tmp_path)
    for name, k in (("a", 1), ("b", 2)):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(work(1, author(1, named(k)))) + "\n")
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl", places]
    assert [r[2] for r in rows(files)] == ["Inst 2"]


def test_a_manifest_vouches_for_files_and_tells_those_that_are_left_over(tmp_path):
    files = snapshot(tmp_path, PARTITIONS)
    *works, places = files
    assert FORMAT.groups(files) == [[w, places] for w in works]
    apart = [r for group in FORMAT.groups(files) for r in rows(group)]
    assert sorted(map(repr, apart)) == sorted(map(repr, rows(files)))
    assert (
        len([r for r in apart if r[0] == "W1"]) == 3
    )  # a snapshot holds a work once: not looked for

    left = tmp_path / "data/works/updated_date=2023-01-01/part_000.gz"
    left.parent.mkdir()
    left.write_bytes(works[0].read_bytes())
    with pytest.raises(SourceError, match=r"2023-01-01.*left over from an older snapshot"):
        read([*files, left])
    assert len(rows([*files, left], check_manifest=False)) == 4
    works[0].write_bytes(works[0].read_bytes()[:-5])
    with pytest.raises(SourceError, match=r"part_000\.gz: \d+ bytes, but the manifest says"):
        read(files)


def test_the_newer_manifest_is_understood(tmp_path):
    folder = tmp_path / "data/jsonl"
    snapshot(tmp_path, PARTITIONS)
    (tmp_path / "data").rename(tmp_path / "kept")
    (tmp_path / "data").mkdir()
    (tmp_path / "kept").rename(folder)
    files = sorted(folder.glob("*/*/*.gz"))
    entries = [
        {
            "url": f"s3://openalex/data/jsonl/{f.relative_to(folder)}",
            "meta": {"content_length": f.stat().st_size, "record_count": 1},
        }
        for f in files
        if "works" in f.parts
    ]
    for manifest in folder.glob("*/manifest"):
        manifest.unlink()
    (folder / "manifest.json").write_text(json.dumps({"entities": {"works": {"files": entries}}}))
    assert len(FORMAT.groups(files)) == 3
    (folder / "manifest.json").write_text("{")
    with pytest.raises(SourceError, match=r"manifest\.json: not readable as JSON"):
        read(files)


def test_merged_institutions_are_followed_and_merged_works_left_out(tmp_path):
    header = "merge_date,id,merge_into_id\n"
    merged = tmp_path / "data/merged_ids"
    for entity, lines in (
        ("institutions", "2022-01-01,I99,I98\n2022-01-02,I98,I2\n"),
        ("works", "2022-01-01,W3,W1\n"),
        ("authors", "2022-01-01,A1,A2\n"),
    ):
        (merged / entity).mkdir(parents=True)
        (merged / entity / "2022-08-03.csv.gz").write_bytes(
            gzip.compress((header + lines).encode())
        )
    files = [*snapshot(tmp_path), *sorted(merged.glob("*/*.gz"))]
    found = rows(files)
    assert ("W2", "A1", "Inst 2", "DE", "C2", 10.0, 20.0, "place") in found
    assert {r[0] for r in found} == {"W1", "W2", "W4"}


# ------------------------------------------------------------ layouts


def as_parquet(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(records), path, compression="snappy")
    return path


def layout(name, folder):
    """Works and institutions in one of the forms in which they go round."""
    files = snapshot(folder / "given")
    lines = "\n".join(map(json.dumps, WORKS))
    plain = folder / f"works.{name}"
    if name == "parquet":
        kinds = {"works": WORKS, "institutions": INSTITUTIONS}
        return [
            as_parquet(folder / f"data/parquet/{k}/updated_date=2026-06-01/part_0000.parquet", v)
            for k, v in kinds.items()
        ]
    if name == "loose.parquet":
        return [
            as_parquet(folder / "w.parquet", WORKS),
            as_parquet(folder / "i.parquet", INSTITUTIONS),
        ]
    if name == "zip":
        with zipfile.ZipFile(plain, "w") as archive:
            archive.writestr("inner/some.jsonl", lines)
    elif name == "jsonl.zst":
        with pa.CompressedOutputStream(str(plain), "zstd") as stream:
            stream.write(lines.encode())
    elif name == "array.json":
        plain.write_text(json.dumps(WORKS))
    elif name == "page.json":
        plain.write_text(json.dumps({"meta": {"count": 4}, "results": WORKS, "group_by": []}))
    else:
        plain.write_text(lines)
    return [plain, files[-1]]


LAYOUTS = ["jsonl", "jsonl.zst", "zip", "array.json", "page.json", "parquet", "loose.parquet"]


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same_rows(tmp_path, name):
    files = layout(name, tmp_path)
    assert rows(files) == oracle(WORKS, INSTITUTIONS)
    table = read(files)
    assert table["row"].to_pylist() == [1, 1, 1, 2, 2, 2, 3, 4]
    assert table["field"].to_pylist() == ["Chemistry"] * 7 + [None]
    head = files[0].read_bytes()[: 1 << 16]
    if name not in {"jsonl.zst", "zip"}:
        assert FORMAT.recognises(Member(files[0]), head)
        assert FORMAT.recognises(
            Member(files[1]), head if name.endswith("parquet") else gunzip(files[1])
        )


def gunzip(path):
    return gzip.decompress(path.read_bytes())


def test_files_are_told_apart_by_their_heads():
    long = b'{"id": "https://openalex.org/W1", "abstract_inverted_index": {"' + b"x" * 70_000
    assert kind_of_head(long) == "works"
    assert kind_of_head(json.dumps(INSTITUTIONS[0]).encode()) == "institutions"
    assert (
        kind_of_head(json.dumps({"id": f"{A}A1", "last_known_institutions": []}).encode())
        == "other"
    )
    assert kind_of_head(b"merge_date,id,merge_into_id\n2022-01-01,W1,W2\n") == "merged works"
    assert kind_of_head(b"merge_date,id,merge_into_id\n2022-01-01,A1,A2\n") == "other"
    assert kind_of_head(b"merge_date,id,merge_into_id\n") == "other"
    assert (
        kind_of_head(b'[{"id": "https://ror.org/042nb2s44", "names": [], "locations": []}]')
        == "ror"
    )
    assert kind_of_head(b"") == "other"
    assert not FORMAT.recognises(Member(Path("x.csv")), b"id,lat,lon\n1,2,3\n")
    assert find_format("openalex") is FORMAT


def test_only_the_head_is_read_to_check(tmp_path):
    works = [work(k, author(1, named(1))) for k in range(1, 1501)]
    files = snapshot(tmp_path, works)
    assert 0 < read(files, head_only=True).num_rows < 1500
    assert read(files).num_rows == 1500


# ------------------------------------------------------------ ROR


def ror_dump(path, **places):
    records = [
        {
            "id": f"https://ror.org/{k}",
            "names": [{"value": f"Ror {k}", "types": ["ror_display", "label"], "lang": "en"}],
            "locations": [
                {
                    "geonames_id": 1,
                    "geonames_details": {
                        "name": "Ror city",
                        "lat": lat,
                        "lng": -lat,
                        "country_code": "NL",
                        "country_subdivision_name": "Utrecht",
                    },
                }
            ],
            "status": "active",
            "types": ["education"],
            "relationships": [
                {"type": "parent", "label": "x", "id": f"https://ror.org/{p}"} for p in above
            ],
        }
        for k, (lat, above) in places.items()
    ]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("v2.0-2025-12-16-ror-data.json", json.dumps(records))
    return path


def test_ror_fills_in_what_has_no_point_and_what_is_not_in_openalex(tmp_path):
    r = [f"https://ror.org/0000000{k:02d}" for k in range(4)]
    places = [institution(1, ror=r[1]), institution(3, None, None, ror=r[3])]
    works = [
        work(1, author(1, named(1), named(3), named(None, ror=r[0]))),
        work(2, author(1, named(77, ror=r[2]), named(None, ror=r[0]))),
    ]
    dump = ror_dump(
        tmp_path / "any-name.zip",
        **{
            r[0][-9:]: (40, ()),
            r[1][-9:]: (41, ()),
            r[2][-9:]: (42, [r[0][-9:]]),
            r[3][-9:]: (43, ()),
        },
    )
    files = [*snapshot(tmp_path, works, places), dump]
    assert [r[5] for r in rows(files)] == [1.0, 43.0, 40.0, 42.0]  # W2: not the parent of r[2] too
    assert [r[5] for r in rows(files, prefer_ror=True)] == [41.0, 43.0, 40.0, 42.0]
    alone = rows([files[0], dump])
    assert [r[5] for r in alone] == [None, None, 40.0, 42.0]
    assert alone[2][2:5] == (f"Ror {r[0][-9:]}", "NL", "Ror city")


def test_the_studies_in_the_docs_run(tmp_path):
    page = (ROOT / "docs/formats/openalex.md").read_text(encoding="utf-8")
    snapshot(tmp_path / "openalex", [*WORKS, work(9, type="conference-paper")])
    ror_dump(tmp_path / "v2.0-ror-data.zip", **{"000000001": (40, ())})
    found = []
    for text in re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL):
        (tmp_path / "study.toml").write_text(text, encoding="utf-8")
        (source,) = read_study(tmp_path / "study.toml").sources
        found.append(rows(source.files(tmp_path), **source.options))
    assert found == [
        oracle(WORKS, INSTITUTIONS),
        [*oracle(WORKS, INSTITUTIONS), ("W9", *[None] * 7)],
    ]


# ------------------------------------------------------------ what is wrong


def refused(files, match, **options):
    with pytest.raises(SourceError, match=match) as error:
        read(files, **options)
    assert "\n" not in str(error.value)


def test_broken_and_missing_files_are_named(tmp_path):
    works, places = snapshot(tmp_path, [work(k, author(k, named(1))) for k in range(1, 2000)])
    refused([works], "works hold no coordinates; add the institutions to path")
    refused([places], "none of the files holds works; seen: .*institutions")
    whole = works.read_bytes()
    for content in (
        whole[: len(whole) // 2],
        b"",
        b"no gzip",
        whole[:2000] + b"\0" * 99 + whole[2099:],
    ):
        works.write_bytes(content)
        refused(
            [works, places], r"part_000\.gz: not readable: .*Fetch it again", check_manifest=False
        )
    works.write_bytes(whole)
    places.write_bytes(places.read_bytes()[:-30])
    refused([works, places], r"institutions.*part_000\.gz: not readable")


def test_a_wrong_folder_is_named(tmp_path):
    works, places = snapshot(tmp_path)
    other = tmp_path / "data/authors/updated_date=2024-01-01/part_000.gz"
    other.parent.mkdir(parents=True)
    other.write_bytes(gzip.compress(b'{"id": "https://openalex.org/A1"}\n'))
    refused([other, places], r"none of the files holds works; seen: .*name the works' folder")
    assert len(rows([works, other, places])) == 8  # what a snapshot holds besides is passed over
    works.write_bytes(gzip.compress(b'{"id": "https://openalex.org/A1", "type": "article"}\n'))
    refused(
        [works, places],
        "id = 'https://openalex.org/A1' is not that of a work",
        check_manifest=False,
    )


def test_an_empty_part_is_no_mistake(tmp_path):
    files = snapshot(tmp_path, {"2024-05-01/part_000": WORKS, "2024-05-02/part_000": []})
    assert len(rows(files)) == 8


# ------------------------------------------------------------ lanes


@few
@given(st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=6), st.integers(1, 4))
def test_lanes_give_everything_in_the_same_order(lists, lanes):
    def slow(items, pause):
        for item in items:
            time.sleep(pause)
            yield item

    quick = list(side_by_side([partial(iter, items) for items in lists], lanes))
    uneven = [partial(slow, items, 0.001 * (k % 2)) for k, items in enumerate(lists)]
    assert list(side_by_side(uneven, lanes)) == quick
    assert sorted(quick) == sorted(x for items in lists for x in items)


def test_lanes_pass_on_mistakes_and_end():
    def broken():
        yield 1
        raise SourceError("here")

    before = threading.active_count()
    with pytest.raises(SourceError, match="here"):
        list(side_by_side([broken, lambda: iter(range(1000))], 2))
    stopped = side_by_side([lambda: iter(range(1000))] * 2, 2)
    assert next(stopped) == 0
    stopped.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before


# ------------------------------------------------------------ real samples


def real(name):
    with gzip.open(REAL / name, "rb") as file:
        return [json.loads(line) for line in file]


def counts_as_article(w):
    kind = w.get("type") in {"article", "journal-article"}
    return kind and not (w.get("is_retracted") or w.get("is_paratext") or w.get("is_xpac"))


@with_real
@pytest.mark.parametrize("name", ["works_sample.jsonl.gz", "works_verbatim.jsonl.gz"])
def test_real_works_give_the_rows_of_plain_python(name):
    works, places = real(name), real("institutions_sample.jsonl.gz")
    expected = oracle([w for w in works if counts_as_article(w)], places)
    found = rows([REAL / name, REAL / "institutions_sample.jsonl.gz"])
    assert len(expected) > 300
    assert sum(r[5] is not None for r in found) == sum(r[5] is not None for r in expected)
    assert found == expected


@with_real
def test_the_real_layout_of_2023(tmp_path):
    files = sorted((REAL / "snapshot_layout_2023").rglob("*.*"))
    files = [f for f in files if f.is_file()]
    (works,) = (REAL / "snapshot_layout_2023/data/works").glob("*/*.gz")
    held = [
        (w["id"].removeprefix(A), w["type"]) for w in map(json.loads, gunzip(works).splitlines())
    ]
    assert [r[0] for r in rows(files)] == [k for k, t in held if t == "journal-article"] != []
    grants = read(files, types=["grant", "article"])
    assert grants["document"].to_pylist() == [k for k, _ in held]
    assert grants["lat"].null_count == len(held) == 27  # none has authors


@with_real
@pytest.mark.skipif(not REAL_ROR.is_file(), reason="the table of ROR is not here")
def test_real_works_with_coordinates_of_ror(tmp_path):
    """As many placed rows as the table that was joined elsewhere, in plain pandas."""
    table = pd.read_parquet(REAL_ROR)
    joined = pd.read_csv(REAL / "works_institutions_coordinates.csv.gz")
    csv = pd.DataFrame(
        {
            "id": table["ror_id"],
            "names.types.ror_display": table["name"],
            "status": table["status"],
            "types": table["types"],
            "locations.geonames_details.name": table["city"],
            "locations.geonames_details.country_code": table["country_code"],
            "locations.geonames_details.lat": table["lat"],
            "locations.geonames_details.lng": table["lon"],
        }
    )
    csv.to_csv(tmp_path / "dump.csv", index=False)
    kinds = sorted(set(joined["type"].dropna()) | {"other", "erratum", "retraction", "letter"})
    found = read(
        [REAL / "works_sample.jsonl.gz", tmp_path / "dump.csv"],
        types=kinds,
        include_retracted=True,
        include_paratext=True,
        include_xpac=True,
        drop_parents=False,
    ).to_pandas()
    placed = joined.dropna(subset=["lat"])
    ours = found.dropna(subset=["lat"])
    assert set(placed["work_id"]) <= set(ours["document"])
    assert abs(len(ours) - len(placed)) <= 0.001 * len(placed)
