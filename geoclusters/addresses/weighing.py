"""Whole documents in, the same addresses with their fraction out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geoclusters import schema
from geoclusters.addresses.counting import weigh

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

DUPLICATE = schema.REASON_CODE["duplicate"]
NO_DOCUMENT = schema.REASON_CODE["no_document"]


def weighed_addresses(table: pa.Table) -> pa.Table:
    """
    Add `weight` to addresses of whole documents and mark duplicates in `reason`.

    Parameters
    ----------
    table : pyarrow.Table
        Columns of `schema.CHECKED`; every document with all its rows (`documents.whole_documents`).

    Returns
    -------
    pyarrow.Table
        The same rows with `weight` (`schema.WEIGHT`); duplicates and rows without a document weigh 0.
    """
    reason = table["reason"].to_numpy()
    found = weigh(
        document=_codes(table, ["metric", "document"]),
        person=_person(table),
        place=_place(table),
        tie_break=_content_order(table),
        count=_floats(table, "count"),
    )
    nobody = reason == NO_DOCUMENT
    marked = np.where(found.duplicate & ~nobody, DUPLICATE, reason).astype(np.int8)
    table = table.set_column(table.schema.get_field_index("reason"), "reason", pa.array(marked))
    return table.append_column("weight", pa.array(np.where(nobody, 0, found.weight)))


def _codes(table: pa.Table, names: Sequence[str]) -> Ints:
    """One code for each distinct combination of the columns; a null is a value like others."""
    total = np.zeros(table.num_rows, dtype=np.int64)
    for name in names:
        encoded = table[name].combine_chunks().dictionary_encode()
        codes = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(
            zero_copy_only=False
        )
        total = _dense(total * (len(encoded.dictionary) + 1) + codes.astype(np.int64))
    return total


def _dense(codes: Ints) -> Ints:
    return np.asarray(pd.factorize(codes)[0], dtype=np.int64)


def _person(table: pa.Table) -> Ints:
    missing = table["person"].is_null().to_numpy()
    return np.where(missing, -1, _codes(table, ["person"]))


def _place(table: pa.Table) -> Ints:
    """Point and organisation as one code: two institutions on one point are two addresses."""
    missing = np.isnan(_floats(table, "placed_lat")) | np.isnan(_floats(table, "placed_lon"))
    return np.where(missing, -1, _codes(table, ["placed_lat", "placed_lon", "organisation"]))


def _floats(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _content_order(table: pa.Table) -> Ints:
    """
    Rank of the rows by what they say, so that of duplicates the same one is kept in any order of rows.

    The place in the files decides only between rows that agree in everything that is counted.
    """
    keys = ["reason", "economy", "year", "field"]
    frame = table.select([*keys, "source", "row"]).to_pandas()
    order = frame.sort_values([*keys, "source", "row"], kind="stable", na_position="last").index
    rank = np.empty(len(frame), dtype=np.int64)
    rank[order] = np.arange(len(frame))
    return rank
