"""From the sums of the cells to measured clusters: the steps that fit into memory, in their order."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import pandas as pd

from geoclusters import clusters as cluster_wing
from geoclusters import indicators, schema
from geoclusters.cells.kernel import latlng_to_cells
from geoclusters.countries import country_code_at
from geoclusters.earth import unit_vectors
from geoclusters.errors import StudyError
from geoclusters.hierarchy import FINEST_RESOLUTION
from geoclusters.machine import processors
from geoclusters.places import read_places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from geoclusters.engine import AddressStore
    from geoclusters.indicators import PopulationSource
    from geoclusters.study import Method

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.intp]

NAMING_MIN_POPULATION: Final = 15_000
UNPLACED_WARNING: Final = 0.25
NEAR_KM: Final = 100.0
"""Clusters whose closest cells are not farther apart than this are neighbours."""
_ROWS_AT_ONCE: Final = 1 << 14
"""Rows that lie in the processor's cache together."""
log = logging.getLogger("geoclusters")


@dataclass(frozen=True)
class Cells:
    """
    Cells of a run, or the points of an exact one, with what the density is cut from.

    Attributes
    ----------
    frame : pandas.DataFrame
        `cell`, `lat`, `lon`, `weight_<metric>`, `distinct_<metric>`, `addresses`; in order of H3 index.
    totals : dict
        Documents of the world, per metric, as integers of 1/`schema.WEIGHT_ONE`.
    weight : numpy.ndarray of int64
        Density weight of each cell, in `unit`.
    unit : int
        What a weight of 1 of the setting `min_density` is in integers.
    """

    frame: pd.DataFrame
    metrics: list[str]
    totals: dict[str, int]
    unplaced: dict[str, float]
    weight: Ints
    unit: int

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
        lost = {m: facts["unplaced"].get(m, 0) for m in metrics}
        window = {m: facts["documents"].get(m, 0) for m in metrics}
        totals = {
            m: window[m] - (lost[m] if method.world_total == "placed" else 0) for m in metrics
        }
        if method.density == "addresses":
            weight, unit = frame["addresses"].to_numpy(np.int64), 1
        else:
            weight, unit = _share_weights(frame, totals), schema.DENSITY_ONE
        unplaced = {m: lost[m] / window[m] if window[m] else 0.0 for m in metrics}
        return cls(frame, list(metrics), totals, unplaced, weight, unit)

    def members(
        self, labels: Ints, economy: npt.NDArray[np.int16] | None = None
    ) -> indicators.Members:
        """Say what the addresses are asked with when the cells have these labels (and economies)."""
        if economy is None:
            economy = np.full(len(labels), -1, dtype=np.int16)
        n_labels = int(labels.max(initial=-1)) + 1
        return indicators.Members(labels.astype(np.int32), n_labels, self.metrics, economy)

    @property
    def lat(self) -> Floats:
        """Mean latitude of each cell's addresses, WGS 84 degrees."""
        return self.frame["lat"].to_numpy()

    @property
    def lon(self) -> Floats:
        """Mean longitude of each cell's addresses, WGS 84 degrees."""
        return self.frame["lon"].to_numpy()

    @property
    def cell(self) -> npt.NDArray[np.uint64]:
        """H3 index of each cell."""
        return self.frame["cell"].to_numpy(np.uint64)

    def score(self, weights: Mapping[str, float], rows: Rows | None = None) -> Floats:
        """Part of the world score in each cell, or in those of some rows."""
        rows = np.arange(len(self.frame)) if rows is None else rows
        score = np.zeros(len(rows))
        for metric, total in self.totals.items():
            if total:
                score += self.frame[f"weight_{metric}"].to_numpy()[rows] / total * weights[metric]
        return score


def _share_weights(frame: pd.DataFrame, totals: Mapping[str, int]) -> Ints:
    """Mean over the metrics of the cell's share of the world's documents, in 1/`DENSITY_ONE`."""
    columns = [(frame[f"weight_{m}"].to_numpy(), total) for m, total in totals.items() if total]
    weight = np.empty(len(frame), dtype=np.int64)
    for begin in range(0, len(weight), _ROWS_AT_ONCE):
        rows = slice(begin, begin + _ROWS_AT_ONCE)
        share = np.zeros(len(weight[rows]))
        for column, total in columns:
            share += column[rows] / total
        weight[rows] = np.rint(share / len(totals) * schema.DENSITY_ONE)
    return weight


@dataclass(frozen=True)
class Findings:
    """Clusters as labels of the cells, before they are measured."""

    labels: Ints
    core: npt.NDArray[np.bool_]
    density: Ints
    n_parts: Ints
    warnings: list[str]


def find_clusters(
    cells: Cells, *, method: Method, store: AddressStore, doubting: bool = True
) -> Findings:
    """
    Join dense cells into clusters and merge near ones.

    Unless `doubting`, neither the density of each cell is given nor is anybody warned of what is implausible.
    """

    def merged(dense: cluster_wing.DenseClusters) -> Ints:
        gaps = cluster_wing.cluster_gaps(
            cells.lat, cells.lon, dense.labels, max_gap_km=method.merge_gap_km
        )
        if method.merge_rule == "gap+links" and len(gaps):
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
        "min_weight": max(round(min_density * cells.unit), 1),
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
        top = found.density.max(initial=0) / cells.unit
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


@dataclass(frozen=True)
class Measured:
    """Tables of the results, before they are written."""

    clusters: gpd.GeoDataFrame
    cells: pd.DataFrame
    economies: pd.DataFrame
    links: pd.DataFrame
    neighbours: pd.DataFrame
    breakdowns: dict[str, pd.DataFrame]
    concentration: dict[str, dict[str, float]]
    warnings: list[str]


def measure_clusters(
    cells: Cells,
    found: Findings,
    *,
    method: Method,
    weights: Mapping[str, float],
    store: AddressStore,
    stated: bool = False,
    people: PopulationSource | None = None,
) -> Measured:
    """
    Name, draw, count and rank the clusters.

    Parameters
    ----------
    stated : bool
        Every placed address states its country, so that no economy need be looked up by position.
    people : PopulationSource, optional
        Where the people are; by default population is estimated from the places table.
    """
    own = _territories(cells, found)
    table = _bounded(cells, found, own, method=method, weights=weights)
    ids = table["cluster_id"].to_numpy()
    members = cells.members(found.labels, None if stated else _economies(cells, found.labels))
    documents, links = indicators.documents_and_links(store.volumes, members)
    scores = indicators.economy_scores(documents["economy"], totals=_world(cells), weights=weights)
    economies = indicators.economies_of_clusters(
        scores, n_clusters=len(table), cross_border_share=method.cross_border_share
    )
    regions = [
        cluster_wing.drawing_region(m, gap_km=method.merge_gap_km)
        for m in own.of_clusters(len(table))
    ]
    table["region"] = np.array([*regions, None], dtype=object)[:-1]
    table = _with_population(pd.concat([table, economies], axis=1), cells, found, people)
    ranked = indicators.ranked(indicators.with_rates(table, metrics=cells.metrics))
    return Measured(
        clusters=gpd.GeoDataFrame(ranked, geometry="geometry", crs="EPSG:4326").assign(
            region=lambda t: gpd.GeoSeries(t["region"], crs="EPSG:4326")
        ),
        cells=_cells_table(cells, found, ids),
        economies=indicators.league(scores, ranked, metrics=cells.metrics, top=method.top),
        links=_links_table(links, ids),
        neighbours=_neighbours_table(cells, found, ids),
        breakdowns={
            by: _breakdown_table(documents[layout.columns[2].name], ids)
            for by, layout in schema.BREAKDOWNS.items()
        },
        concentration=indicators.concentration(ranked, metrics=cells.metrics),
        warnings=found.warnings,
    )


def bounded_clusters(
    cells: Cells, found: Findings, *, method: Method, weights: Mapping[str, float]
) -> gpd.GeoDataFrame:
    """
    Name, draw, count and rank the clusters from the cells alone, without what needs the addresses.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns of `schema.CLUSTERS` as far as the cells know them, in order of rank, WGS 84.
    """
    own = _territories(cells, found)
    table = indicators.by_score(_bounded(cells, found, own, method=method, weights=weights))
    return gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:4326")


def _territories(cells: Cells, found: Findings) -> cluster_wing.Territories:
    return cluster_wing.territories(
        cell=cells.cell, weight=cells.weight, core=found.core, labels=found.labels
    )


def _bounded(
    cells: Cells,
    found: Findings,
    own: cluster_wing.Territories,
    *,
    method: Method,
    weights: Mapping[str, float],
) -> pd.DataFrame:
    """One row a label: documents, shares, score, name, size, outlines."""
    n = int(found.labels.max(initial=-1)) + 1
    counts = pd.DataFrame(
        {
            m: indicators.as_documents(
                indicators.summed_by_label(cells.frame[f"weight_{m}"].to_numpy(), found.labels, n)
            )
            for m in cells.metrics
        }
    )
    table = indicators.scored(counts, totals=_world(cells), weights=weights)
    table = pd.concat([table, _described(cells, found, own, weights, n)], axis=1)
    table["cluster_id"] = _unique_ids(cells, found, own)
    outlines = [cluster_wing.cell_outline(m, holes=method.holes) for m in own.of_clusters(n)]
    table["geometry"] = np.array([*outlines, None], dtype=object)[:-1]
    table["area_km2"] = cluster_wing.area_km2(outlines)
    return table


def _world(cells: Cells) -> dict[str, float]:
    """Documents of the world, per metric."""
    return {m: total / schema.WEIGHT_ONE for m, total in cells.totals.items()}


def cluster_ids(
    cell: npt.NDArray[np.uint64], weight: Ints, labels: Ints
) -> npt.NDArray[np.object_]:
    """
    Name each cluster by its heaviest cell, so that it keeps its name while its rim moves.

    Examples
    --------
    >>> cluster_ids(np.array([16, 17, 18], np.uint64), np.array([1, 2, 2]), np.array([0, 0, 0])).tolist()
    ['11']
    """
    member = np.flatnonzero(labels >= 0)
    heaviest = np.full(int(labels.max(initial=-1)) + 1, -1, dtype=np.int64)
    np.maximum.at(heaviest, labels[member], weight[member])
    ties = member[weight[member] == heaviest[labels[member]]]
    ties = ties[np.lexsort((cell[ties], labels[ties]))]
    first = np.flatnonzero(np.diff(labels[ties], prepend=-1))
    return np.array([f"{int(c):x}" for c in cell[ties[first]]], dtype=object)


def _unique_ids(
    cells: Cells, found: Findings, own: cluster_wing.Territories
) -> npt.NDArray[np.object_]:
    """Name clusters that share their heaviest cell, as tiny ones of an exact run may, by a finest cell instead."""
    ids = cluster_ids(own.cell, own.weight, own.label)
    shared = pd.Series(ids).duplicated(keep=False).to_numpy()
    if shared.any():
        rows = np.flatnonzero(shared[found.labels] & (found.labels >= 0))
        finest = latlng_to_cells(cells.lat[rows], cells.lon[rows], FINEST_RESOLUTION)
        ids[shared] = cluster_ids(finest, cells.weight[rows], found.labels[rows])
    if pd.Series(ids).duplicated().any():
        raise StudyError("clusters lie within a metre of each other; use a larger radius_km")
    return ids


def _described(
    cells: Cells,
    found: Findings,
    own: cluster_wing.Territories,
    weights: Mapping[str, float],
    n: int,
) -> pd.DataFrame:
    """Name, centre and size of each cluster."""
    member = np.flatnonzero(found.labels >= 0)
    labels, activity = found.labels[member], cells.score(weights, member)
    cells_lat, cells_lon = cells.lat[member], cells.lon[member]
    places = read_places()
    names = cluster_wing.name_clusters(
        lat=cells_lat,
        lon=cells_lon,
        activity=activity,
        labels=labels,
        places=places[places["population"] >= NAMING_MIN_POPULATION].reset_index(drop=True),
    ).set_index("label")["name"]
    lat, lon = _centres(cells_lat, cells_lon, activity, labels, n)
    return pd.DataFrame(
        {
            "name": names.reindex(range(n)).to_numpy(),
            "lat": lat,
            "lon": lon,
            "n_cells": np.bincount(own.label, minlength=n).astype(np.int64),
            "n_core_cells": np.bincount(own.label[own.core], minlength=n).astype(np.int64),
            "n_parts": found.n_parts,
        }
    )


def _centres(
    lat: Floats, lon: Floats, activity: Floats, labels: Ints, n: int
) -> tuple[Floats, Floats]:
    """Weighted mean position on the sphere of each cluster."""
    points = unit_vectors(lat, lon) * activity[:, None]
    mean = np.stack(
        [np.bincount(labels, weights=points[:, i], minlength=n) for i in range(3)], axis=-1
    )
    return (
        np.degrees(np.arctan2(mean[:, 2], np.hypot(mean[:, 0], mean[:, 1]))),
        np.degrees(np.arctan2(mean[:, 1], mean[:, 0])),
    )


def _economies(cells: Cells, labels: Ints) -> npt.NDArray[np.int16]:
    """Economy at the mean position of each cell of a cluster, by number; -1 elsewhere."""
    member = np.flatnonzero(labels >= 0)
    found = np.full(len(labels), -1, dtype=np.int16)
    found[member] = country_code_at(cells.lat[member], cells.lon[member])
    return found


def _with_population(
    table: pd.DataFrame, cells: Cells, found: Findings, people: PopulationSource | None
) -> pd.DataFrame:
    if people is not None:
        resolution = h3.get_resolution(int(cells.cell[0])) if len(cells.cell) else 0
        population, label = indicators.population_of_clusters(
            table["region"].to_numpy(), people, resolution=resolution
        )
    else:
        label = indicators.PLACES_SOURCE
        population = indicators.population_of_places(
            lat=cells.lat,
            lon=cells.lon,
            labels=found.labels,
            places=read_places(),
            n_clusters=len(table),
        )
    return table.assign(population=population, population_source=label)


def _cells_table(cells: Cells, found: Findings, ids: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Columns of `schema.CELLS`, without a text for each of millions of cells."""
    columns = {name: cells.frame[name].to_numpy() for name in cells.frame}
    for metric in cells.metrics:
        columns[metric] = indicators.as_documents(columns[f"weight_{metric}"])
    columns["weight"] = cells.weight / cells.unit
    columns["density"] = found.density / cells.unit
    columns["core"] = found.core
    owner = pd.Categorical.from_codes(found.labels.astype(np.int32), categories=pd.Index(ids))
    return pd.DataFrame({**columns, "cluster_id": owner}, copy=False)


def _links_table(links: pd.DataFrame, ids: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Links by cluster id, the smaller id first; null = outside every cluster."""
    a, b = (_ids(links[name].to_numpy(), ids) for name in ("label_a", "label_b"))
    swap = np.array([y is not None and y < x for x, y in zip(a, b, strict=True)], dtype=bool)
    table = links.assign(cluster_a=np.where(swap, b, a), cluster_b=np.where(swap, a, b))
    return table.sort_values(["cluster_a", "cluster_b", "metric"], na_position="last")


def _neighbours_table(cells: Cells, found: Findings, ids: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Clusters near each other by id, the smaller id first."""
    gaps = cluster_wing.cluster_gaps(cells.lat, cells.lon, found.labels, max_gap_km=NEAR_KM)
    a, b = (_ids(gaps[name].to_numpy(), ids) for name in ("label_a", "label_b"))
    swap = np.array([y < x for x, y in zip(a, b, strict=True)], dtype=bool)
    table = gaps.assign(cluster_a=np.where(swap, b, a), cluster_b=np.where(swap, a, b))
    return table.sort_values(["cluster_a", "cluster_b"])


def _breakdown_table(documents: pd.DataFrame, ids: npt.NDArray[np.object_]) -> pd.DataFrame:
    return documents.assign(cluster_id=_ids(documents["label"].to_numpy(), ids))


def _ids(labels: Ints, ids: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    return np.array([*ids, None], dtype=object)[labels]
