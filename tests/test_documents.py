"""Rows of a document come together however they are scattered, and none is lost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.addresses import (
    Aside,
    ScatterFinder,
    aside_table,
    joined_span,
    open_ends,
    repeated_keys,
    rising_span,
    run_numbers,
    touching_numbers,
)
from geoclusters.addresses import documents as module
from geoclusters.addresses.documents import is_member, of_metric

keys = st.lists(st.integers(0, 5), max_size=30).map(lambda k: np.array(k, np.uint64))


def rows_of(names, first_row=1):
    layout = schema.READ.arrow()
    n = len(names)
    columns = {
        "document": pa.array(names, pa.string()),
        "row": pa.array(range(first_row, first_row + n), pa.int64()),
    }
    return pa.RecordBatch.from_arrays(
        [columns.get(f.name, pa.nulls(n, f.type)) for f in layout], schema=layout
    )


@given(st.lists(keys, max_size=6))
def test_scattered_are_the_documents_with_more_than_one_run(batches):
    finder, runs, last = ScatterFinder(), [], 0
    for batch in batches:
        finder.see(batch)
        for key in batch.tolist():
            if key not in (0, last):
                runs.append(key)
            last = key
    assert finder.runs().tolist() == runs
    assert repeated_keys(finder.runs()).tolist() == sorted({k for k in runs if runs.count(k) > 1})


parts_of_numbers = st.lists(st.lists(st.integers(-3, 9), max_size=6), max_size=4)


@given(parts_of_numbers)
def test_numbers_that_rise_are_not_scattered(parts):
    spans = [rising_span(pa.array([v], pa.int32()) for v in part) for part in parts]
    assert spans == [
        None if part != sorted(part) else [part[0], part[-1]] if part else [] for part in parts
    ]
    runs = [v for p in parts for v, before in zip(p, [None, *p], strict=False) if v != before]
    touching = touching_numbers(spans)
    if touching is not None:
        assert touching == sorted({v for v in runs if runs.count(v) > 1})
    rows = [value for part in parts for value in part]
    if rows == sorted(rows):
        assert touching is not None


@given(parts_of_numbers)
def test_spans_of_pieces_make_the_span_of_the_whole(pieces):
    rows = [value for piece in pieces for value in piece]
    spans = [rising_span([pa.array(piece, pa.int64())]) for piece in pieces]
    assert joined_span(spans) == rising_span([pa.array(rows, pa.int64())])


def test_what_is_no_whole_number_or_missing_does_not_rise():
    assert rising_span([pa.array([1, None])]) is None
    assert rising_span([pa.array(["1", "2"])]) is None


@given(keys, st.integers(0, 5))
def test_open_ends_leave_whole_documents(batch, last):
    first, stop = open_ends(batch, np.uint64(last))
    inside = batch[first:stop].tolist()
    assert (last == 0) or not batch[:1].size or batch[0] != last or first > 0
    if len(batch) and batch[-1] != 0 and inside:
        # Nothing inside touches the open ends.
        assert inside[-1] != batch[-1]
        assert last == 0 or inside[0] != last
    gone = batch.tolist()[:first] + batch.tolist()[stop:]
    assert len(gone) + len(inside) == len(batch)
    assert set(gone) <= {last, int(batch[-1]) if len(batch) else 0}


@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=60), st.integers(1, 25))
def test_every_row_comes_back_once_with_its_document(tmp_path_factory, names, at_most):
    folder = tmp_path_factory.mktemp("aside")
    aside = Aside(folder)
    before, module.BUCKET_ROWS = module.BUCKET_ROWS, at_most
    try:
        for first in range(0, len(names), 7):
            batch = rows_of(names[first : first + 7], first + 1)
            aside.add(aside_table(batch, source=0, metric=1, dated=True))
        tables = list(aside.take())
    finally:
        module.BUCKET_ROWS = before
    homes = {}
    for number, table in enumerate(tables):
        documents = table["document"].to_pylist()
        numbers = run_numbers(table.combine_chunks().to_batches()[0]).tolist()
        assert len(set(zip(documents, numbers, strict=True))) == len(set(documents))
        for name in documents:
            assert homes.setdefault(name, number) == number
    found = sorted(row for t in tables for row in t["row"].to_pylist())
    assert found == list(range(1, len(names) + 1))
    assert not list(folder.iterdir())


def test_equal_documents_of_two_metrics_are_two_documents():
    key = np.array([7, 0], np.uint64)
    assert of_metric(key, 0)[0] != of_metric(key, 1)[0]
    assert of_metric(key, 1)[1] == 0


@given(keys, keys)
def test_membership(asked, among):
    among = np.unique(among)
    assert is_member(asked, among).tolist() == [k in among.tolist() for k in asked.tolist()]
