"""The store of the addresses: what a volume takes in it gives back, whatever the batches hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.engine.store import OPTIONAL, Volume, VolumeWriter
from geoclusters.schema import WEIGHT_ONE

KEPT = schema.KEPT.arrow()
NO_NAMES = {name: pa.array([], pa.string()) for name in ("organisation", "field")}


def batch_of(random, n):
    """Addresses of one to three rows a document, of every kind of weight, with the keys of the documents."""
    weights = np.array([WEIGHT_ONE, WEIGHT_ONE // 3, WEIGHT_ONE // 300, 41 * WEIGHT_ONE])
    starts = random.random(n) < 0.5
    starts[:1] = True
    columns = {f.name: random.integers(-1, 7, n).astype(f.type.to_pandas_dtype()) for f in KEPT}
    columns |= {"weight": random.choice(weights, n), "entry": random.integers(0, 9, n, np.int32)}
    columns["kind"] = np.where(starts, schema.STARTS, 0).astype(np.uint8)
    batch = pa.RecordBatch.from_arrays([pa.array(columns[f.name]) for f in KEPT], schema=KEPT)
    return batch, random.integers(1, 2**63, starts.sum()).astype(np.uint64)


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(0, 2**32 - 1))
@example([], 0)
@example([0, 5, 0], 1)
def test_what_a_volume_takes_in_it_gives_back(sizes, seed):
    random = np.random.default_rng(seed)
    given_batches = [batch_of(random, n) for n in sizes]
    moved = [random.integers(0, 9, n).astype(np.int32) for n in sizes]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume-0000"
        writer = VolumeWriter(path, stated=frozenset(OPTIONAL), unspread=True)
        for (batch, keys), before in zip(given_batches, moved, strict=True):
            writer.write(batch, keys, before)
        writer.close(NO_NAMES)
        found = list(Volume(path, np.arange(10, dtype=np.int32)).batches_with_documents())
        unspread = list(Volume(path, np.arange(10, dtype=np.int32), unspread=True).batches())
    assert len(found) == len(unspread) == len(sizes)
    for (batch, keys), (same, same_keys) in zip(given_batches, found, strict=True):
        assert same.equals(batch)
        assert np.array_equal(keys, same_keys)
    for (batch, _), before, other in zip(given_batches, moved, unspread, strict=True):
        assert other.equals(batch.set_column(0, KEPT.field(0), pa.array(before)))


@pytest.mark.parametrize("stated", [frozenset(), frozenset(["year", "organisation"])])
def test_columns_that_no_source_states_are_not_kept_and_say_nothing(stated, tmp_path):
    batch, keys = batch_of(np.random.default_rng(3), 30)
    own = batch.select([f.name for f in KEPT if f.name in stated or f.name not in OPTIONAL])
    path = tmp_path / "volume-0000"
    writer = VolumeWriter(path, stated=stated)
    writer.write(own, keys)
    writer.close(NO_NAMES)
    (found,) = Volume(path, np.arange(10, dtype=np.int32)).batches()
    for name in KEPT.names:
        wanted = (
            batch[name] if name in own.schema.names else pa.array(np.full(30, -1), batch[name].type)
        )
        assert found[name].equals(wanted), name
