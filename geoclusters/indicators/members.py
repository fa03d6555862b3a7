"""Measures that need the addresses themselves: by economy, year, field and organisation, and links.

Sums are taken over integers by duckdb, out of core where they are large; the addresses may be an Arrow table or
a dataset on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa

from geoclusters.indicators.counts import as_documents

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow.dataset as pa_dataset

    Addresses: TypeAlias = pa.Table | pa_dataset.Dataset

OUTSIDE: Final = -1
"""Label of what lies in no cluster, or could not be placed."""


def membership(cells: npt.NDArray[np.uint64], labels: npt.NDArray[np.int64]) -> pa.Table:
    """Table of `cell` and `label`, for the functions of this module."""
    return pa.table({"cell": pa.array(cells), "label": pa.array(labels, pa.int32())})


def documents_by(addresses: Addresses, members: pa.Table, *, by: str) -> pd.DataFrame:
    """
    Documents of each cluster by one column of the addresses.

    Parameters
    ----------
    addresses : pyarrow.Table or pyarrow.dataset.Dataset
        Columns of `schema.ADDRESSES`.
    members : pyarrow.Table
        Cluster of each cell (`membership`).
    by : str
        Column: 'economy', 'year', 'field' or 'organisation'; rows where it is null are left out.

    Returns
    -------
    pandas.DataFrame
        `label` (-1 = outside every cluster or not placed), `metric`, the column, `documents` (fractional), ordered.
    """
    frame = _query(
        f"""
        SELECT coalesce(m.label, {OUTSIDE})::BIGINT AS label, a.metric, a.{by},
               sum(a.weight)::BIGINT AS weight
        FROM addresses a LEFT JOIN members m USING (cell)
        WHERE a.{by} IS NOT NULL
        GROUP BY ALL ORDER BY ALL
        """,
        addresses=addresses,
        members=members,
    )
    frame["documents"] = as_documents(frame.pop("weight").to_numpy())
    return frame


def links(addresses: Addresses, members: pa.Table) -> pd.DataFrame:
    """
    Documents that join two clusters, or a cluster and the world outside every cluster.

    Rows that stand for many documents join nothing; addresses that could not be placed are nowhere.

    Returns
    -------
    pandas.DataFrame
        `label_a`, `label_b` (-1 = outside every cluster, else label_a < label_b), `metric`, `documents`: distinct
        documents with an address in both.
    """
    return _query(
        f"""
        WITH places AS (
            SELECT DISTINCT a.metric, a.document, coalesce(m.label, {OUTSIDE})::BIGINT AS label
            FROM addresses a LEFT JOIN members m USING (cell)
            WHERE a.cell != 0 AND a.count IS NULL AND a.document IS NOT NULL AND a.weight > 0
        )
        SELECT CASE WHEN a.label = {OUTSIDE} THEN b.label ELSE a.label END AS label_a,
               CASE WHEN a.label = {OUTSIDE} THEN {OUTSIDE} ELSE b.label END AS label_b,
               metric, count(*)::BIGINT AS documents
        FROM places a JOIN places b USING (metric, document)
        WHERE a.label < b.label
        GROUP BY ALL ORDER BY ALL
        """,
        addresses=addresses,
        members=members,
    )


def _query(sql: str, *, addresses: Addresses, members: pa.Table) -> pd.DataFrame:
    with duckdb.connect() as connection:
        connection.register("addresses", addresses)
        connection.register("members", members)
        found: pd.DataFrame = connection.execute(sql).df()
    return found
