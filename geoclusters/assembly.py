"""From the sums of the cells to clusters as labels of the cells: dense places are joined and merged, and doubted."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters import clusters as cluster_wing
from geoclusters import schema
from geoclusters.densities import KINDS
from geoclusters.machine import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from geoclusters import indicators
    from geoclusters.densities import Kind
    from geoclusters.engine import AddressStore
    from geoclusters.settings import Method

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.intp]

UNPLACED_WARNING: Final = 0.25
ROUNDING: Final = 1e-7
_ROWS_AT_ONCE: Final = 1 << 14
"""Rows that lie in the processor's cache together."""
log = logging.getLogger("geoclusters")


@dataclass(frozen=True)
class Cells:
    """
    Cells of a run, or the points of an exact one, with what the density is cut from.

    Attributes
    ----------
    columns : mapping of str to numpy.ndarray
        `cell`, `lat`, `lon`, `weight_<metric>`, `distinct_<metric>`, `addresses`; in order of H3 index.
    totals : dict
        Documents of the world, per metric, as integers of 1/`schema.WEIGHT_ONE`.
    weight : numpy.ndarray of int64
        Density weight of each cell, in the whole numbers of `kind.parts`.
    kind : densities.Kind
        What the setting `min_density` is measured in.
    """

    columns: Mapping[str, npt.NDArray[Any]]
    metrics: list[str]
    totals: dict[str, int]
    unplaced: dict[str, float]
    weight: Ints
    kind: Kind

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        metrics: Sequence[str],
        method: Method,
        facts: Mapping[str, Mapping[str, int]],
    ) -> Cells:
        """Give each cell its density weight."""
        columns = {str(name): frame[name].to_numpy() for name in frame}
        return cls.from_columns(columns, metrics=metrics, method=method, facts=facts)

    @classmethod
    def from_columns(
        cls,
        columns: Mapping[str, npt.NDArray[Any]],
        *,
        metrics: Sequence[str],
        method: Method,
        facts: Mapping[str, Mapping[str, int]],
    ) -> Cells:
        """Give each cell its density weight."""
        lost = {m: facts["unplaced"].get(m, 0) for m in metrics}
        window = {m: facts["documents"].get(m, 0) for m in metrics}
        totals = {
            m: window[m] - (lost[m] if method.world_total == "placed" else 0) for m in metrics
        }
        weight = WEIGHTS[method.density](columns, totals)
        unplaced = {m: lost[m] / window[m] if window[m] else 0.0 for m in metrics}
        return cls(columns, list(metrics), totals, unplaced, weight, KINDS[method.density])

    def members(
        self, labels: Ints, economy: npt.NDArray[np.int16] | None = None
    ) -> indicators.Members:
        """Say what the addresses are asked with when the cells have these labels (and economies)."""
        from geoclusters import indicators  # noqa: PLC0415 - slow, and seldom asked for

        if economy is None:
            economy = np.full(len(labels), -1, dtype=np.int16)
        n_labels = int(labels.max(initial=-1)) + 1
        return indicators.Members(labels.astype(np.int32), n_labels, self.metrics, economy)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The columns as one table."""
        import pandas as pd  # noqa: PLC0415 - slow, and clusters are found without it

        return pd.DataFrame(self.columns, copy=False)

    def needed(self, min_density: float) -> int:
        """
        Density weight from which a place is dense.

        Shares are rounded in each cell, so that three tenths in three cells may be a little less than those in one. A
        ten-millionth less will do, which is more than is lost where the cells hold half a document each, of a hundred
        million. Beyond all that there is, one more is as good as any.
        """
        need = min_density * self.kind.parts
        asked = round(need if self.kind.exact else need * (1 - ROUNDING))
        return max(min(asked, int(self.weight.sum()) + 1), 1)

    @property
    def lat(self) -> Floats:
        """Mean latitude of each cell's addresses, WGS 84 degrees."""
        return self.columns["lat"]

    @property
    def lon(self) -> Floats:
        """Mean longitude of each cell's addresses, WGS 84 degrees."""
        return self.columns["lon"]

    @property
    def cell(self) -> npt.NDArray[np.uint64]:
        """H3 index of each cell."""
        return self.columns["cell"].astype(np.uint64, copy=False)

    def score(self, weights: Mapping[str, float], rows: Rows | None = None) -> Floats:
        """Part of the world score in each cell, or in those of some rows."""
        rows = np.arange(len(self.weight)) if rows is None else rows
        score = np.zeros(len(rows))
        for metric, total in self.totals.items():
            if total:
                score += self.columns[f"weight_{metric}"][rows] / total * weights[metric]
        return score


def _share_weights(columns: Mapping[str, npt.NDArray[Any]], totals: Mapping[str, int]) -> Ints:
    """Mean over the metrics of the cell's share of the world's documents, in 1/`DENSITY_ONE`."""
    counted = [(columns[f"weight_{m}"], total) for m, total in totals.items() if total]
    weight = np.empty(len(columns["lat"]), dtype=np.int64)
    for begin in range(0, len(weight), _ROWS_AT_ONCE):
        rows = slice(begin, begin + _ROWS_AT_ONCE)
        share = np.zeros(len(weight[rows]))
        for column, total in counted:
            share += column[rows] / total
        weight[rows] = np.rint(share / len(totals) * schema.DENSITY_ONE)
    return weight


def _address_weights(columns: Mapping[str, npt.NDArray[Any]], _totals: Mapping[str, int]) -> Ints:
    """Count the addresses of the cell."""
    return columns["addresses"].astype(np.int64, copy=False)


WEIGHTS: Final = {"shares": _share_weights, "addresses": _address_weights}
"""How the cells of each kind of density are weighed, in the whole numbers of its `densities.Kind.parts`."""


@dataclass(frozen=True)
class Findings:
    """Clusters as labels of the cells, before they are measured."""

    labels: Ints
    core: npt.NDArray[np.bool_]
    density: Ints
    n_parts: Ints
    warnings: list[str]


def find_clusters(
    cells: Cells, *, method: Method, store: AddressStore | None, doubting: bool = True
) -> Findings:
    """
    Join dense cells into clusters and merge near ones; that asks the store where links have a say in it.

    Unless `doubting`, neither the density of each cell is given nor is anybody warned of what is implausible.
    """

    def merged(dense: cluster_wing.DenseClusters) -> Ints:
        gaps = cluster_wing.cluster_gaps(
            *(cells.lat, cells.lon, dense.labels),
            max_gap_km=method.merge_gap_km,
            threads=processors(),
        )
        if method.merge_rule == "gap+links" and len(gaps.gap_km):
            if store is None:
                raise ValueError("merge_rule 'gap+links' needs the store of the addresses")
            from geoclusters import indicators  # noqa: PLC0415 - slow, and seldom asked for

            between = indicators.links(store.volumes, cells.members(dense.labels))
            gaps = cluster_wing.linked_pairs(gaps, _all_metrics(between))
        labels: Ints = cluster_wing.merge_labels(dense.labels, gaps)
        return labels

    find = partial(_dense, cells, method=method)
    dense, density = find(method.min_density_value, weighing=doubting)
    labels = merged(dense)
    found = Findings(labels, dense.core, density, _n_parts(dense.labels, labels), [])
    if not doubting:
        return found
    warnings = _doubts(cells, found, method, lambda other: merged(find(other, weighing=False)[0]))
    for text in warnings:
        log.warning(text)
    return replace(found, warnings=warnings)


def _dense(
    cells: Cells, min_density: float, *, method: Method, weighing: bool
) -> tuple[cluster_wing.DenseClusters, Ints]:
    """Find dense places and, if `weighing`, the density of each cell."""
    points = cells.lat, cells.lon, cells.weight
    options: Any = {
        "radius_km": method.radius_km,
        "min_weight": cells.needed(min_density),
        "threads": processors(),
    }
    if weighing:
        return cluster_wing.dense_clusters_and_weights(*points, **options)
    return cluster_wing.dense_clusters(*points, **options), np.zeros(0, dtype=np.int64)


def _n_parts(before: Ints, after: Ints) -> Ints:
    """Count the labels before merging of each label after it."""
    member = after >= 0
    became = np.full(int(before.max(initial=-1)) + 1, -1, dtype=np.int64)
    became[before[member]] = after[member]
    return np.bincount(became[became >= 0], minlength=int(after.max(initial=-1)) + 1)


def _all_metrics(links: pd.DataFrame) -> pd.DataFrame:
    inside = links[links["label_b"] >= 0]
    return inside.groupby(["label_a", "label_b"])["documents"].sum().reset_index()


def _doubts(
    cells: Cells, found: Findings, method: Method, relabelled: Callable[[float], Ints]
) -> list[str]:
    """Warn of a threshold that finds nothing or chains everything together, and of much that is not placed."""
    doubts = [
        f"{lost:.0%} of the {metric} could not be placed; see rejected.parquet for the reasons"
        for metric, lost in cells.unplaced.items()
        if lost > UNPLACED_WARNING
    ]
    threshold = method.min_density_value
    if found.labels.max(initial=-1) < 0:
        top = found.density.max(initial=0) / cells.kind.parts
        return [
            *doubts,
            (
                f"no place reaches min_density = {threshold:g}: the densest has {top:.3g} within "
                f"{method.radius_km:g} km; try min_density = {top / 10:.2g}"
            ),
        ]
    finding = _implausible(cells, found.labels)
    if finding is None:
        return doubts
    better = cluster_wing.proposed_threshold(
        threshold, lambda other: _implausible(cells, relabelled(other)) is None
    )
    proposal = f"try min_density = {better:g}" if better else "try a smaller radius_km"
    return [
        *doubts,
        (
            f"a cluster {finding.width_km:.0f} km wide holds {finding.share:.0%} of everything: with "
            f"min_density = {threshold:g} dense places chain together; {proposal}"
        ),
    ]


def _implausible(cells: Cells, labels: Ints) -> cluster_wing.Finding | None:
    rows = np.flatnonzero(labels >= 0)
    return cluster_wing.implausible(
        lat=cells.lat[rows],
        lon=cells.lon[rows],
        share=cells.score(dict.fromkeys(cells.metrics, 1 / len(cells.metrics)), rows),
        labels=labels[rows],
    )
