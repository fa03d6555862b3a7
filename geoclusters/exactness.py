"""How much binning would change: an exact run beside the run that has its points in cells."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from geoclusters.assembly import Cells, find_clusters
from geoclusters.earth import unit_vectors
from geoclusters.hierarchy import DISPLAY_RESOLUTION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from geoclusters import indicators
    from geoclusters.assembly import Findings
    from geoclusters.engine import AddressStore
    from geoclusters.settings import Method

    Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BinnedCells(Cells):
    """
    Cells that the points of an exact run were binned into; its addresses still know their points.

    Attributes
    ----------
    row_of_point : numpy.ndarray of int64
        Cell of each point, by its row.
    """

    row_of_point: Ints

    @classmethod
    def of_points(
        cls,
        points: Cells,
        *,
        method: Method,
        facts: Mapping[str, Mapping[str, int]],
    ) -> Self:
        """Bin points as a run at `hierarchy.DISPLAY_RESOLUTION` would."""
        frame, row = binned(points.frame, points.metrics)
        cells = Cells.from_frame(frame, metrics=points.metrics, method=method, facts=facts)
        return cls(**{f.name: getattr(cells, f.name) for f in fields(Cells)}, row_of_point=row)

    def members(
        self, labels: Ints, economy: npt.NDArray[np.int16] | None = None
    ) -> indicators.Members:
        """Say what the addresses are asked with, by their points."""
        return super().members(
            labels[self.row_of_point], None if economy is None else economy[self.row_of_point]
        )


def binned(points: pd.DataFrame, metrics: Sequence[str]) -> tuple[pd.DataFrame, Ints]:
    """
    Add points up by cell.

    Parameters
    ----------
    points : pandas.DataFrame
        `cell`, `lat`, `lon`, `weight_<metric>`, `addresses`, in order of the cells.

    Returns
    -------
    frame : pandas.DataFrame
        The same columns, one row a cell; positions are means on the sphere, weighted by documents.
    row : numpy.ndarray of int64
        Row of the frame of each point.
    """
    first = np.diff(points["cell"].to_numpy(np.uint64), prepend=np.uint64(0)) != 0
    starts = np.flatnonzero(first)
    weight = sum(points[f"weight_{m}"].to_numpy(np.float64) for m in metrics)
    vectors = unit_vectors(points["lat"].to_numpy(), points["lon"].to_numpy())
    x, y, z = (np.add.reduceat(vectors[:, axis] * weight, starts) for axis in range(3))
    columns = {
        "cell": points["cell"].to_numpy(np.uint64)[starts],
        "lat": np.degrees(np.arctan2(z, np.hypot(x, y))),
        "lon": np.degrees(np.arctan2(y, x)),
    }
    for name in (*(f"weight_{m}" for m in metrics), "addresses"):
        columns[name] = np.add.reduceat(points[name].to_numpy(np.int64), starts)
    return pd.DataFrame(columns, copy=False), np.cumsum(first) - 1


def exactness(
    points: Cells,
    found: Findings,
    *,
    method: Method,
    store: AddressStore,
    facts: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """
    Cluster the cells of the points with the same settings, and say how much weight changes sides.

    Returns
    -------
    dict
        `points`, `cells` and their `resolution`, `clusters`, `clusters_binned`, and as shares of the density weight
        `in_exact_only` and `in_binned_only` (in a cluster of the one run, in none of the other), `in_another` (in
        clusters that are not each other's counterpart) and `changed`, their sum.
    """
    cells = BinnedCells.of_points(points, method=method, facts=facts)
    labels = find_clusters(cells, method=method, store=store, doubting=False).labels
    return {
        "points": len(points.frame),
        "cells": len(cells.frame),
        "resolution": DISPLAY_RESOLUTION,
        "clusters": int(found.labels.max(initial=-1)) + 1,
        "clusters_binned": int(labels.max(initial=-1)) + 1,
        **changed_weight(found.labels, labels[cells.row_of_point], points.weight),
    }


def changed_weight(exact: Ints, other: Ints, weight: Ints) -> dict[str, float]:
    """
    Compare two labellings of the same points by weight.

    Clusters are matched one to one, pairs with most common weight first (ties: the smaller labels), so that of a
    cluster that falls apart only the largest part counts as unchanged.

    Parameters
    ----------
    exact, other : numpy.ndarray of int64, shape (n,)
        Label of each point, -1 = in no cluster.
    weight : numpy.ndarray of int64, shape (n,)

    Returns
    -------
    dict
        Shares of the weight, see `exactness`.

    Examples
    --------
    >>> changed_weight(np.array([0, 0, 1, -1]), np.array([5, -1, 5, 5]), np.array([5, 2, 1, 2]))
    {'in_exact_only': 0.2, 'in_binned_only': 0.2, 'in_another': 0.1, 'changed': 0.5}
    """
    pairs = (
        pd.DataFrame({"a": exact, "b": other, "weight": weight}, copy=False)
        .groupby(["a", "b"], as_index=False)["weight"]
        .sum()
    )
    a, b, heft = (pairs[name].to_numpy(np.int64) for name in ("a", "b", "weight"))
    total = max(int(heft.sum()), 1)
    apart = (a >= 0) & (b >= 0) & ~_counterparts(a, b, heft)
    sides = {
        "in_exact_only": int(heft[(a >= 0) & (b < 0)].sum()),
        "in_binned_only": int(heft[(a < 0) & (b >= 0)].sum()),
        "in_another": int(heft[apart].sum()),
    }
    shares = {name: part / total for name, part in sides.items()}
    return {**shares, "changed": sum(sides.values()) / total}


def _counterparts(a: Ints, b: Ints, heft: Ints) -> npt.NDArray[np.bool_]:
    """Mark the pairs of clusters that are each other's counterpart."""
    matched = np.zeros(len(a), dtype=bool)
    taken: tuple[set[int], set[int]] = (set(), set())
    for row in np.lexsort((b, a, -heft)).tolist():
        one, other = int(a[row]), int(b[row])
        if min(one, other) >= 0 and one not in taken[0] and other not in taken[1]:
            matched[row] = True
            taken[0].add(one)
            taken[1].add(other)
    return matched
