"""What clusters are by their cells alone: documents, shares, names, places, sizes and outlines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters import clusters as cluster_wing
from geoclusters import indicators, schema
from geoclusters.cells.kernel import latlng_to_cells
from geoclusters.earth import unit_vectors
from geoclusters.errors import StudyError
from geoclusters.hierarchy import FINEST_RESOLUTION
from geoclusters.machine import processors
from geoclusters.places import place_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from geoclusters.assembly import Cells, Findings
    from geoclusters.settings import Method

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Columns = dict[str, npt.NDArray[Any]]

NAMING_MIN_POPULATION: Final = 15_000


def load_ahead() -> None:
    """Load what clusters are named and drawn with, which the first to ask for it would wait for."""
    place_columns(NAMING_MIN_POPULATION)
    for name in ("name_clusters", "outlines_and_areas"):
        getattr(cluster_wing, name)


def bounded_table(
    cells: Cells, found: Findings, *, method: Method, weights: Mapping[str, float]
) -> Columns:
    """
    Name, draw, count and rank the clusters from the cells alone, without what needs the addresses.

    Returns
    -------
    dict of str to numpy.ndarray, shape (n,)
        Columns of `schema.CLUSTERS` as far as the cells know them, and `geometry`, in order of rank, WGS 84.
    """
    own = territories_of(cells, found)
    return indicators.by_score(bounded(cells, found, own, method=method, weights=weights))


def territories_of(cells: Cells, found: Findings) -> cluster_wing.Territories:
    """Give the H3 cells of each cluster."""
    return cluster_wing.territories(
        cell=cells.cell, weight=cells.weight, core=found.core, labels=found.labels
    )


def bounded(
    cells: Cells,
    found: Findings,
    own: cluster_wing.Territories,
    *,
    method: Method,
    weights: Mapping[str, float],
) -> Columns:
    """Of each label: documents, shares, score, name, size, outline."""
    n = int(found.labels.max(initial=-1)) + 1
    counts = {
        m: indicators.as_documents(
            indicators.summed_by_label(cells.columns[f"weight_{m}"], found.labels, n)
        )
        for m in cells.metrics
    }
    table: Columns = indicators.scored(counts, totals=world_totals(cells), weights=weights)
    with ThreadPoolExecutor(1) as beside:
        described = beside.submit(_described, cells, found, own, weights, n)
        outlines, areas = cluster_wing.outlines_and_areas(
            own.of_clusters(n), holes=method.holes, threads=processors()
        )
        table |= described.result()
    table["cluster_id"] = _unique_ids(cells, found, own)
    table["geometry"] = np.array([*outlines, None], dtype=object)[:-1]
    table["area_km2"] = areas
    return table


def world_totals(cells: Cells) -> dict[str, float]:
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
    shared = _repeated(ids)
    if shared.any():
        rows = np.flatnonzero(shared[found.labels] & (found.labels >= 0))
        finest = latlng_to_cells(cells.lat[rows], cells.lon[rows], FINEST_RESOLUTION)
        ids[shared] = cluster_ids(finest, cells.weight[rows], found.labels[rows])
    if _repeated(ids).any():
        raise StudyError("clusters lie within a metre of each other; use a larger radius_km")
    return ids


def _repeated(ids: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    _, place, times = np.unique(ids, return_inverse=True, return_counts=True)
    return np.asarray(times[place] > 1)


def _described(
    cells: Cells,
    found: Findings,
    own: cluster_wing.Territories,
    weights: Mapping[str, float],
    n: int,
) -> Columns:
    """Name, centre and size of each cluster."""
    member = np.flatnonzero(found.labels >= 0)
    labels, activity = found.labels[member], cells.score(weights, member)
    cells_lat, cells_lon = cells.lat[member], cells.lon[member]
    named = cluster_wing.name_clusters(
        lat=cells_lat,
        lon=cells_lon,
        activity=activity,
        labels=labels,
        places=place_columns(NAMING_MIN_POPULATION),
    )
    lat, lon = _centres(cells_lat, cells_lon, activity, labels, n)
    return {
        "name": np.array(named.name, dtype=object),
        "lat": lat,
        "lon": lon,
        "n_cells": np.bincount(own.label, minlength=n).astype(np.int64),
        "n_core_cells": np.bincount(own.label[own.core], minlength=n).astype(np.int64),
        "n_parts": found.n_parts,
    }


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
