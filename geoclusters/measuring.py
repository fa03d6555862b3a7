"""From clusters as labels of the cells to the tables of the results."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import pandas as pd

from geoclusters import clusters as cluster_wing
from geoclusters import indicators, schema
from geoclusters.countries import country_code_at
from geoclusters.describing import bounded, territories_of, world_totals
from geoclusters.places import read_places

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from geoclusters.assembly import Cells, Findings
    from geoclusters.engine import AddressStore
    from geoclusters.indicators import PopulationSource
    from geoclusters.settings import Method

    Ints = npt.NDArray[np.int64]

NEAR_KM: Final = 100.0
"""Clusters whose closest cells are not farther apart than this are neighbours."""


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
    own = territories_of(cells, found)
    with ThreadPoolExecutor(2) as beside:
        # The addresses are read by threads of their own while shapes are drawn and places named.
        asked = beside.submit(_documents_and_links, cells, found, store, stated=stated)
        near = beside.submit(_gaps, cells, found)
        if people is None:
            counted = beside.submit(_population_of_places, cells, found)
        table = pd.DataFrame(bounded(cells, found, own, method=method, weights=weights))
        ids = table["cluster_id"].to_numpy()
        table["region"] = _regions(own, len(table), gap_km=method.merge_gap_km)
        if people is not None:
            counted = beside.submit(_population_within, table["region"].to_numpy(), cells, people)
        rows_of_cells = _cells_table(cells, found, ids)
        neighbours = _neighbours_table(near.result(), ids)
        documents, links = asked.result()
        population = counted.result()
    scores = indicators.economy_scores(
        documents["economy"], totals=world_totals(cells), weights=weights
    )
    economies = indicators.economies_of_clusters(
        scores, n_clusters=len(table), cross_border_share=method.cross_border_share
    )
    table = pd.concat([table, economies, population], axis=1)
    ranked = indicators.ranked(indicators.with_rates(table, metrics=cells.metrics))
    return Measured(
        clusters=gpd.GeoDataFrame(ranked, geometry="geometry", crs="EPSG:4326").assign(
            region=lambda t: gpd.GeoSeries(t["region"], crs="EPSG:4326")
        ),
        cells=rows_of_cells,
        economies=indicators.league(scores, ranked, metrics=cells.metrics, top=method.top),
        links=_links_table(links, ids),
        neighbours=neighbours,
        breakdowns={
            by: _breakdown_table(documents[layout.columns[2].name], ids)
            for by, layout in schema.BREAKDOWNS.items()
        },
        concentration=indicators.concentration(ranked, metrics=cells.metrics),
        warnings=found.warnings,
    )


def _regions(own: cluster_wing.Territories, n: int, *, gap_km: float) -> npt.NDArray[np.object_]:
    """Give the shape of each cluster for maps."""
    regions = [cluster_wing.drawing_region(cells, gap_km=gap_km) for cells in own.of_clusters(n)]
    return np.array([*regions, None], dtype=object)[:-1]


def _economies(cells: Cells, labels: Ints) -> npt.NDArray[np.int16]:
    """Economy at the mean position of each cell of a cluster, by number; -1 elsewhere."""
    member = np.flatnonzero(labels >= 0)
    found = np.full(len(labels), -1, dtype=np.int16)
    found[member] = country_code_at(cells.lat[member], cells.lon[member])
    return found


def _documents_and_links(
    cells: Cells, found: Findings, store: AddressStore, *, stated: bool
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Ask the addresses; economies of cells matter only where addresses do not state them."""
    economy = None if stated else _economies(cells, found.labels)
    return indicators.documents_and_links(store.volumes, cells.members(found.labels, economy))


def _population_of_places(cells: Cells, found: Findings) -> pd.DataFrame:
    """Estimate how many people live in each cluster by the places in it."""
    population = indicators.population_of_places(
        lat=cells.lat,
        lon=cells.lon,
        labels=found.labels,
        places=read_places(),
        n_clusters=int(found.labels.max(initial=-1)) + 1,
    )
    return pd.DataFrame({"population": population, "population_source": indicators.PLACES_SOURCE})


def _population_within(
    regions: npt.NDArray[np.object_], cells: Cells, people: PopulationSource
) -> pd.DataFrame:
    """Count the people within the shapes of clusters."""
    resolution = h3.get_resolution(int(cells.cell[0])) if len(cells.cell) else 0
    population, label = indicators.population_of_clusters(regions, people, resolution=resolution)
    return pd.DataFrame({"population": population, "population_source": label})


def _cells_table(cells: Cells, found: Findings, ids: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Columns of `schema.CELLS`, without a text for each of millions of cells."""
    columns = {name: cells.frame[name].to_numpy() for name in cells.frame}
    for metric in cells.metrics:
        columns[metric] = indicators.as_documents(columns[f"weight_{metric}"])
    columns["weight"] = cells.weight / cells.kind.parts
    columns["density"] = found.density / cells.kind.parts
    columns["core"] = found.core
    owner = pd.Categorical.from_codes(found.labels.astype(np.int32), categories=pd.Index(ids))
    return pd.DataFrame({**columns, "cluster_id": owner}, copy=False)


def _links_table(links: pd.DataFrame, ids: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Links by cluster id, the smaller id first; null = outside every cluster."""
    a, b = (_ids(links[name].to_numpy(), ids) for name in ("label_a", "label_b"))
    swap = np.array([y is not None and y < x for x, y in zip(a, b, strict=True)], dtype=bool)
    table = links.assign(cluster_a=np.where(swap, b, a), cluster_b=np.where(swap, a, b))
    return table.sort_values(["cluster_a", "cluster_b", "metric"], na_position="last")


def _gaps(cells: Cells, found: Findings) -> pd.DataFrame:
    """Clusters near each other by label."""
    gaps = cluster_wing.cluster_gaps(cells.lat, cells.lon, found.labels, max_gap_km=NEAR_KM)
    return pd.DataFrame(gaps._asdict())


def _neighbours_table(gaps: pd.DataFrame, ids: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Clusters near each other by id, the smaller id first."""
    a, b = (_ids(gaps[name].to_numpy(), ids) for name in ("label_a", "label_b"))
    swap = np.array([y < x for x, y in zip(a, b, strict=True)], dtype=bool)
    table = gaps.assign(cluster_a=np.where(swap, b, a), cluster_b=np.where(swap, a, b))
    return table.sort_values(["cluster_a", "cluster_b"])


def _breakdown_table(documents: pd.DataFrame, ids: npt.NDArray[np.object_]) -> pd.DataFrame:
    return documents.assign(cluster_id=_ids(documents["label"].to_numpy(), ids))


def _ids(labels: Ints, ids: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    return np.array([*ids, None], dtype=object)[labels]
