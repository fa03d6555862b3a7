"""Rows of a document come together however they are scattered, and none is lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from geoclusters.addresses import documents
from geoclusters.addresses.documents import ScatterFinder, document_keys, whole_documents

batches_of_documents = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "d", None]), max_size=6), max_size=8
)


def as_batches(names):
    batches, row = [], 0
    for part in names:
        table = pa.table(
            {
                "metric": pa.array(["m"] * len(part), pa.string()),
                "document": pa.array(part, pa.string()),
                "row": pa.array(range(row, row + len(part)), pa.int64()),
            }
        )
        row += len(part)
        batches += table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
    return batches


def gathered(names, folder):
    batches = as_batches(names)
    finder = ScatterFinder()
    for batch in batches:
        finder.see(document_keys(batch))
    tables = whole_documents(iter(batches), scattered=finder.scattered(), spill=folder)
    return [t.to_pandas() for t in tables]


@given(batches_of_documents)
def test_every_row_once_and_documents_whole(tmp_path, names):
    tables = gathered(names, tmp_path)
    found = pd.concat(tables) if tables else pd.DataFrame({"row": []})
    assert sorted(found["row"]) == list(range(sum(map(len, names))))
    homes = {}
    for number, table in enumerate(tables):
        for name in {d for d in table["document"] if isinstance(d, str)}:
            assert homes.setdefault(name, number) == number
            at = np.flatnonzero(table["document"] == name)
            assert at[-1] - at[0] == len(at) - 1
    assert not list(tmp_path.iterdir())


def test_large_scatter_is_spilled_to_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "BUCKET_ROWS", 50)
    random = np.random.default_rng(0)
    names = [[f"d{n}" for n in random.integers(0, 40, 30)] for _ in range(20)]
    tables = gathered(names, tmp_path)
    assert sum(map(len, tables)) == 600
    assert len(tables) > 5
    everything = pd.concat([t.assign(home=i) for i, t in enumerate(tables)])
    assert (everything.groupby("document")["home"].nunique() == 1).all()
    assert not list(tmp_path.iterdir())


def test_equal_documents_of_two_metrics_are_two_documents():
    table = pa.table({"metric": ["m", "n"], "document": ["a", "a"]})
    keys = document_keys(table.to_batches()[0])
    assert keys[0] != keys[1]


def test_contiguous_documents_over_batches_are_not_scattered():
    finder = ScatterFinder()
    for part in ([1, 1, 2], [2, 2], [3]):
        finder.see(np.array(part, dtype=np.uint64))
    assert not len(finder.scattered())
