"""Documents that are numbers and rise are believed to stand together only as long as their rows say so."""

from __future__ import annotations

from itertools import chain, pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import geoclusters as gc
from geoclusters.addresses import OWN_COLUMNS, OrderError, Part, RiseCheck, stated_spans
from geoclusters.engine import local

COLUMNS = {"document": "document", "lat": "lat", "lon": "lon"}
GROUP = 1000


def part_of(path, metric=0):
    return Part(str(path), {"document": "document"}, 0, metric, path.name, dated=False)


def study_of(folder):
    source = {"metric": "patents", "path": "*.parquet", "columns": COLUMNS}
    method = {"resolution": 7, "min_density": 0.001, "check_country": False}
    return gc.make_study({"name": "order", "method": method, "source": [source]}, folder=folder)


def places(n):
    rng = np.random.default_rng(3)
    lat, lon = 48 + rng.normal(0, 0.1, n), 11 + rng.normal(0, 0.1, n)
    return {"lat": lat, "lon": lon}


def swapped(document, a, b):
    """Put one row elsewhere."""
    document[[a, b]] = document[[b, a]]
    return document


def write(folder, name, document):
    table = pa.table({"document": document} | places(len(document)))
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / name, row_group_size=GROUP)


RISING = np.repeat(np.arange(2000), 3)


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(
    ("parts", "looks"),
    [
        pytest.param([RISING], 0, id="rises"),
        pytest.param([swapped(RISING.copy(), 5, 400)], 1, id="scattered within a row group"),
        pytest.param([swapped(RISING.copy(), 0, 5999)], 0, id="scattered over row groups"),
        pytest.param([RISING[:3001], RISING[3001:]], 0, id="one document in two files"),
        pytest.param([RISING[3000:], RISING[:3000]], 0, id="files in another order"),
        pytest.param([RISING.astype(np.uint64)], 0, id="no sign"),
        pytest.param([RISING[::-1]], 0, id="falls"),
    ],
)
def test_results_are_those_of_documents_that_are_no_numbers(parts, looks, tmp_path, monkeypatch):
    looked = []
    find = local.scattered_documents
    monkeypatch.setattr(local, "scattered_documents", lambda p: looked.append(len(p)) or find(p))
    for number, document in enumerate(parts):
        write(tmp_path / "numbers", f"{number}.parquet", document)
        write(tmp_path / "texts", f"{number}.parquet", document.astype(str))
    found = gc.run(study_of(tmp_path / "numbers"), tmp_path / "of-numbers")
    assert len(looked) == 1 + looks
    expected = gc.run(study_of(tmp_path / "texts"), tmp_path / "of-texts")
    assert found.run["documents"] == expected.run["documents"]
    for table in ("cells", "clusters", "links"):
        pd.testing.assert_frame_equal(getattr(found, table), getattr(expected, table))
    assert found.run["documents"]["patents"]["window"] == pytest.approx(2000)


numbers = st.lists(st.integers(-3, 9), max_size=8)


@given(st.lists(st.lists(numbers, max_size=3), min_size=1, max_size=3))
def test_what_passes_rises_and_has_no_scattered_document(parts):
    check, passed = RiseCheck([0]), True
    try:
        for number, batches in enumerate(parts):
            part = Part(str(number), OWN_COLUMNS, 0, 0, "", dated=False)
            for batch in batches:
                check.see(part, pa.record_batch({"document": pa.array(batch, pa.int64())}))
    except OrderError:
        passed = False
    rows_of_parts = [list(chain.from_iterable(batches)) for batches in parts]
    spans = sorted((rows[0], rows[-1]) for rows in rows_of_parts if rows)
    assert passed == (
        all(rows == sorted(rows) for rows in rows_of_parts)
        and all(before[1] < after[0] for before, after in pairwise(spans))
    )
    if passed:
        runs = list(chain.from_iterable(map(runs_of, rows_of_parts)))
        assert len(runs) == len(set(runs))


def test_other_metrics_are_not_looked_at():
    part = Part("", OWN_COLUMNS, 0, 1, "", dated=False)
    RiseCheck([0]).see(part, pa.record_batch({"document": pa.array([2, 1])}))


def runs_of(rows):
    return [v for v, before in zip(rows, [None, *rows], strict=False) if v != before]


@given(st.lists(st.integers(-5, 5) | st.none(), max_size=12), st.integers(1, 5))
def test_what_a_file_says_of_itself(tmp_path_factory, rows, group):
    path = tmp_path_factory.mktemp("stated") / "rows.parquet"
    pq.write_table(pa.table({"document": pa.array(rows, pa.int64())}), path, row_group_size=group)
    groups = [rows[at : at + group] for at in range(0, len(rows), group)]
    expected = [None if None in values else [min(values), max(values)] for values in groups]
    assert stated_spans(part_of(path), "document") == expected


def test_nothing_is_said_of_texts_of_columns_in_columns_and_without_statistics(tmp_path):
    path = tmp_path / "rows.parquet"
    inner = pa.StructArray.from_arrays([pa.array([9, 1]), pa.array([1, 2])], ["a", "b"])
    tables = {
        "texts": (pa.table({"document": ["1", "2"]}), {}),
        "struct": (pa.table({"other": inner, "document": [1, 2]}), {}),
        "silent": (pa.table({"document": [1, 2]}), {"write_statistics": False}),
    }
    for table, options in tables.values():
        pq.write_table(table, path, **options)
        assert stated_spans(part_of(path), "document") == [None]
