"""What spreading addresses over their cities changes: the run beside the same one with every address where it was."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from geoclusters import schema
from geoclusters.assembly import Cells, find_clusters
from geoclusters.engine.binning import CITY
from geoclusters.quality import changed_sides

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pyarrow as pa

    from geoclusters.assembly import Findings
    from geoclusters.engine import AddressStore
    from geoclusters.settings import Method

    Ints = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.int32]


def spread_effect(
    cells: Cells,
    found: Findings,
    *,
    method: Method,
    store: AddressStore,
    facts: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """
    Cluster the addresses where they were with the same settings, and say how much of them changed sides.

    Parameters
    ----------
    cells : Cells
        Of the addresses as they were spread, and `found` their clusters.

    Returns
    -------
    dict
        `addresses` that were spread, and the `documents` of each metric that they hold; `clusters` and
        `clusters_unspread`; and as shares of what was placed, by the mean over the metrics of the shares of their
        documents, `joined` (out of none into a cluster), `left` (out of a cluster into none), `moved` (into another
        cluster; clusters are matched as `quality.changed_sides` does), and `changed`, their sum.
    """
    before = store.unspread()
    were = Cells.from_frame(before.load_cells(), metrics=cells.metrics, method=method, facts=facts)
    labels = find_clusters(were, method=method, store=before, doubting=False).labels
    tally = _Sides(len(cells.metrics))
    for one, other in zip(before.volumes, store.volumes, strict=True):
        sides = (np.append(labels, -1)[one.cells], np.append(found.labels, -1)[other.cells])
        for was, now in zip(one.batches(), other.batches(), strict=True):
            tally.add(was, now, sides)
    told = tally.compared()
    return {
        "addresses": tally.addresses,
        "documents": {
            metric: tally.spread[number] / schema.WEIGHT_ONE
            for number, metric in enumerate(cells.metrics)
        },
        "clusters": int(found.labels.max(initial=-1)) + 1,
        "clusters_unspread": int(labels.max(initial=-1)) + 1,
        **{name: told[name] for name in ("joined", "left", "moved")},
        "changed": told["joined"] + told["left"] + told["moved"],
    }


class _Sides:
    """
    Weight by metric and by cluster before and after, in whole numbers, so that no order leaves a trace.

    Attributes
    ----------
    addresses : int
        Addresses that were spread.
    spread : numpy.ndarray of int64
        Their weight, per metric.
    """

    def __init__(self, n_metrics: int) -> None:
        self.addresses = 0
        self.spread = np.zeros(n_metrics, dtype=np.int64)
        self._weight: Counter[tuple[int, int, int]] = Counter()

    def add(self, was: pa.RecordBatch, now: pa.RecordBatch, sides: tuple[Ints, Ints]) -> None:
        """Take in the same addresses before and after; `sides` are the clusters of their entries."""
        kind = now.column("kind").to_numpy()
        metric, weight = kind & schema.METRIC_BITS, now.column("weight").to_numpy()
        entry = now.column("entry").to_numpy()
        moved = (entry >= 0) & (now.column("accuracy").to_numpy() == CITY)
        moved &= (kind & schema.COUNTED) == 0
        self.addresses += int(moved.sum())
        np.add.at(self.spread, metric[moved], weight[moved])
        placed = entry >= 0
        key = np.stack(
            [
                metric[placed].astype(np.int64),
                sides[0][was.column("entry").to_numpy()[placed]],
                sides[1][entry[placed]],
            ]
        )
        distinct, at = _distinct(key)
        summed = np.zeros(distinct.shape[1], dtype=np.int64)
        np.add.at(summed, at, weight[placed])
        for column, total in zip(distinct.T.tolist(), summed.tolist(), strict=True):
            self._weight[tuple(column)] += total

    def compared(self) -> dict[str, Any]:
        """Compare both sides by the mean over the metrics of the shares of their documents."""
        pairs = sorted(self._weight)
        total: Counter[int] = Counter()
        for metric, *_ in pairs:
            total[metric] = 0
        for pair in pairs:
            total[pair[0]] += self._weight[pair]
        shares = [self._weight[p] / max(total[p[0]], 1) / max(len(total), 1) for p in pairs]
        before, after = (np.array([p[i] for p in pairs], dtype=np.int64) for i in (1, 2))
        return changed_sides(before, after, np.array(shares, dtype=np.float64))


def _distinct(key: Ints) -> tuple[Ints, Ints]:
    """Give the distinct columns of three rows of small numbers, and which of them each column is."""
    low = key.min(axis=1, initial=-1)
    span = key.max(axis=1, initial=-1) - low + 1
    code = ((key[0] - low[0]) * span[1] + key[1] - low[1]) * span[2] + key[2] - low[2]
    codes, at = np.unique(code, return_inverse=True)
    rest, third = np.divmod(codes, span[2])
    first, second = np.divmod(rest, span[1])
    return np.stack([first + low[0], second + low[1], third + low[2]]), at
