"""What readers leave out is counted by reason: with what is read it makes up the file."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import test_crunchbase
import test_geopat
import test_lens
import test_openalex
import test_patentsview
import test_patstat
import test_regpat
import test_wos
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.addresses.sources import Request, find_format
from geoclusters.addresses.sources.formats import LeftOut
from geoclusters.addresses.sources.openalex_works import OLDER_TYPES
from geoclusters.auditing import audit
from geoclusters.study import read_study

REAL = Path(__file__).parents[2] / "shared" / "formats"
with_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real samples are not here")
few = settings(max_examples=20, deadline=None)


def read(name, files, **options):
    """Documents that a format reads, and what it leaves out."""
    request = Request(list(files), options=options)
    batches = list(find_format(name).read(request))
    documents = {d for batch in batches for d in batch.column("document").to_pylist()}
    return documents, request.left_out.told()


def test_threads_count_together():
    left_out = LeftOut()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: left_out.add(f"type {k % 3}"), range(3000)))
    assert left_out.told() == {"type 0": 1000, "type 1": 1000, "type 2": 1000}


WORK_KINDS = st.tuples(
    st.sampled_from(["article", "journal-article", "dataset", "paratext", None]),
    *[st.sampled_from([True, False, None])] * 3,
)


def reason_of(work, taken):
    kind = work["type"]
    if kind not in [name for t in taken for name in (t, *OLDER_TYPES.get(t, ()))]:
        return f"type {kind or 'not stated'}"
    flags = {"is_retracted": "retracted", "is_paratext": "paratext", "is_xpac": "extra pack (xpac)"}
    return next((words for flag, words in flags.items() if work.get(flag)), None)


@few
@given(kinds=st.lists(WORK_KINDS, min_size=1, max_size=30), parquet=st.booleans())
def test_works_of_openalex(tmp_path_factory, kinds, parquet):
    folder = tmp_path_factory.mktemp("snapshot")
    who = test_openalex.author(1, test_openalex.named(1))
    works = [
        test_openalex.work(k, who, type=t, is_retracted=a, is_paratext=b, is_xpac=c)
        for k, (t, a, b, c) in enumerate(kinds, start=1)
    ]
    files = test_openalex.snapshot(folder, works)
    if parquet:
        old = files[0]
        new = old.with_suffix(".parquet")
        test_openalex.as_parquet(new, works)
        files = [new if f == old else f for f in files]
    documents, left_out = read("openalex", files, check_manifest=False)
    reasons = [reason_of(w, ["article"]) for w in works]
    assert left_out == Counter(r for r in reasons if r)
    assert len(documents) + sum(left_out.values()) == len(works)


@with_real
def test_samples_of_openalex_by_domain():
    folder = REAL / "openalex"
    files = [folder / "works_sample.jsonl.gz", folder / "institutions_sample.jsonl.gz"]
    natural = ["Physical Sciences", "Life Sciences", "Health Sciences"]
    documents, left_out = read("openalex", files, domains=natural)
    expected = Counter()
    for line in unpacked(files[0]).strip().split("\n"):
        work = json.loads(line)
        topic = work.get("primary_topic")
        domain = (topic or {}).get("domain", {}).get("display_name")
        reason = reason_of(work, ["article"])
        if reason is None and domain not in natural:
            reason = f"field {topic['field']['display_name'] if topic else 'not stated'}"
        expected[reason] += 1
    taken = expected.pop(None)
    assert (len(documents), left_out) == (taken, expected)
    social, _ = read("openalex", files, domains=["Social Sciences"])
    assert social.isdisjoint(documents)
    assert social


def test_older_versions_of_works(tmp_path):
    files = test_openalex.snapshot(tmp_path, test_openalex.WORKS)
    works = files[0]
    later = works.parent.parent / "updated_date=2099-01-01" / works.name
    later.parent.mkdir()
    later.write_bytes(works.read_bytes())
    once, before = read("openalex", files)
    twice, after = read("openalex", [*files, later], check_manifest=False)
    assert once == twice
    assert after.pop("older version, or merged into another work") == len(once)
    assert after == {reason: 2 * n for reason, n in before.items()}


@pytest.mark.parametrize("write", [test_wos.tagged, test_wos.tabbed])
def test_records_of_web_of_science(tmp_path, write):
    kinds = ["Article", "Review", "Article; Early Access", "Review", "Letter"]
    records = [
        {**test_wos.RECORD, "UT": f"WOS:{k}", "DT": t, "WE": f"Index ({e})"}
        for k, (t, e) in enumerate(zip(kinds, "AABAB", strict=True))
    ]
    path = tmp_path / "savedrecs.txt"
    path.write_text(write(records), encoding="utf-8")
    documents, left_out = read("wos", [path])
    assert (documents, left_out) == ({"WOS:0", "WOS:2"}, {"type Letter": 1, "type Review": 2})
    documents, left_out = read("wos", [path], editions=["A"])
    assert documents == {"WOS:0"}
    assert left_out == {"not of the editions": 2, "type Review": 2}


def test_works_of_the_lens(tmp_path):
    works = [
        {**test_lens.WORK, "lens_id": f"{k}", "publication_type": kind}
        for k, kind in enumerate(["journal_article", "book", None])
    ]
    documents, left_out = read("lens", [test_lens.write_json(tmp_path / "l.jsonl", works)])
    assert documents == {"0"}
    assert left_out == {"type book": 1, "type not stated": 1}


def test_rounds_of_crunchbase_count_once(tmp_path):
    rows = [
        ("1", "debt_financing"), ("1", "debt_financing"), ("2", "series_a"), ("3", ""), ("4", "grant")
    ]  # fmt: skip
    rows = [{"funding_round_permalink": r, "funding_round_type": t, "company_permalink": "/o/a"}
            for r, t in rows]  # fmt: skip
    path = test_crunchbase.write(tmp_path / "i.csv", test_crunchbase.INVESTMENTS_2015, rows)
    documents, left_out = read("crunchbase", [path])
    assert documents == {"2"}
    assert left_out == {"type debt_financing": 1, "type grant": 1, "type not stated": 1}


def test_patents(tmp_path):
    patents = [
        {"patent_id": p, "patent_type": "utility", "patent_date": "2001-01-01", "withdrawn": w}
        for p, w in (("1", 0), ("2", 1), ("3", 0))
    ]
    people = [
        test_patentsview.inventor(p, s, "l1")
        for p in ("1", "2", "3", "D4", "D5", "RE6")
        for s in range(2)
    ]
    applied = [{"application_id": "a", "patent_id": p, "filing_date": "2000-01-01"} for p in "123"]
    files = test_patentsview.world(
        tmp_path,
        g_inventor_disambiguated=people,
        g_patent=patents,
        g_application=applied,
        g_pct_data=[test_patentsview.pct("1", "1999-01-01", "pct_application")],
    )
    expected = {"type design": 2, "type reissue": 1, "withdrawn": 1}
    assert read("patentsview", files) == ({"1", "3"}, expected)
    expected["no international application"] = 1
    assert read("patentsview", files, pct_only=True) == ({"1"}, expected)


def test_applications_that_were_granted(tmp_path):
    files = [*test_patentsview.pregrant(tmp_path), *test_patentsview.world(tmp_path)]
    again = [{"pgpub_id": "20210000001", "patent_id": "9000001", "application_id": "1"}]
    files.append(test_patentsview.put(tmp_path, "pg_granted_pgpubs_crosswalk", again))
    _, left_out = read("patentsview", files)
    assert left_out.get("granted, and counted as the patent") == 1


def test_applications_of_patstat(tmp_path):
    _, left_out = read("patstat", test_patstat.world(tmp_path))
    assert left_out == {"kind A": 1}
    _, left_out = read("patstat", test_patstat.world(tmp_path), kinds=[], authorities=["IB"])
    assert left_out == {"office DE": 1, "office US": 1}


def test_applications_of_regpat_without_inventors(tmp_path):
    people = test_regpat.put(
        tmp_path, "202401_PCT_Inv_reg.txt", test_regpat.PCT_2016, test_regpat.PCT
    )
    rows = ["WO2010123456|1999|2000|A01B", "WO2010777777|1999|2000|A01B"]
    header = "PCT_Nbr|Prio_Year|App_year|IPC"
    classes = test_regpat.put(tmp_path, "202401_PCT_IPC.txt", header, rows)
    assert read("regpat", [people, classes])[1] == {"without an inventor": 1}


def test_sources_of_geocoded_patents(tmp_path):
    _, left_out = read("geopat", [test_geopat.put(tmp_path)])
    assert left_out == {"rows of source 4": 1}


def unpacked(file):
    raw = file.read_bytes()
    return (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode("utf-8-sig")


def test_a_run_tells_it(tmp_path):
    kinds = ["Article"] * 4 + ["Review"] * 3
    records = [{**test_wos.RECORD, "UT": f"WOS:{k}", "DT": t} for k, t in enumerate(kinds)]
    (tmp_path / "savedrecs.txt").write_text(test_wos.tagged(records), encoding="utf-8")
    text = 'name = "w"\n[method]\nmin_density = 0.5\n[[source]]\nmetric = "m"\nformat = "wos"\n'
    (tmp_path / "study.toml").write_text(f'{text}path = "savedrecs.txt"\n')
    [row] = audit(read_study(tmp_path / "study.toml"))
    assert row["left_out"] == {"type Review": 3}


def wos_types():
    found = []
    for file in sorted((REAL / "bibliographic_exports").glob("wos_tagged*")):
        lines = unpacked(file).splitlines()
        record = {}
        for line in lines:
            if line[:3] == "DT ":
                record["type"] = line[3:].strip()
            elif line.strip() == "ER":
                found.append(record.get("type"))
                record = {}
    return found


def csv_types(pattern, column, lines_before=0):
    found = []
    for file in sorted((REAL / "bibliographic_exports").glob(pattern)):
        text = io.StringIO(unpacked(file), newline="")
        for _ in range(lines_before):
            text.readline()
        found += [row[column] for row in csv.DictReader(text)]
    return found


@with_real
@pytest.mark.parametrize(
    ("name", "pattern", "types"),
    [
        ("wos", "wos_tagged*", wos_types),
        ("scopus", "scopus*", lambda: csv_types("scopus*", "Document Type")),
        ("dimensions", "dim*", lambda: csv_types("dim*", "Publication Type", 1)),
        ("lens", "lens*", lambda: csv_types("lens*", "Publication Type")),
    ],
)
def test_samples_of_bibliographic_exports(name, pattern, types):
    files = sorted((REAL / "bibliographic_exports").glob(pattern))
    _, left_out = read(name, files)
    wanted = "journal article" if name == "lens" else "article"
    others = [t for t in types() if wanted not in (t or "").lower().split("; ")]
    assert left_out == Counter(f"type {' '.join(t.split()) or 'not stated'}" for t in others)
    assert others


@with_real
def test_samples_of_openalex():
    folder = REAL / "openalex"
    works = [
        json.loads(line) for line in unpacked(folder / "works_sample.jsonl.gz").strip().split("\n")
    ]
    files = [folder / "works_sample.jsonl.gz", folder / "institutions_sample.jsonl.gz"]
    documents, left_out = read("openalex", files)
    reasons = [reason_of(work, ["article"]) for work in works]
    assert left_out == Counter(r for r in reasons if r)
    assert len(documents) == reasons.count(None)


@with_real
def test_samples_of_crunchbase():
    folder = REAL / "crunchbase"
    rounds = folder / "crunchbase_2013_rounds.csv.gz"
    rows = list(csv.DictReader(io.StringIO(unpacked(rounds), newline="")))
    keys = ("company_permalink", "funded_at", "funding_round_type", "raised_amount_usd")
    distinct = {tuple(row[k] for k in keys): row["funding_round_type"] for row in rows}
    venture = ("seed", "angel", "venture", "series")
    others = [t for t in distinct.values() if not t.startswith(venture)]
    _, left_out = read("crunchbase", [rounds, folder / "crunchbase_2013_companies.csv.gz"])
    assert left_out == Counter(f"type {t.replace('-', '_')}" for t in others)
