"""The cells of a run as columns, read once for all pages, and found by cluster and by place."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from geoclusters import schema
from geoclusters.hierarchy import parents, resolution_of
from geoclusters.pages.shapes import unrolled_lon

if TYPE_CHECKING:
    from geoclusters.pages.cellids import Columns
    from geoclusters.results import Result

_Floats = npt.NDArray[np.float64]
_Rows = npt.NDArray[np.intp]

BLOCK_RESOLUTION: Final = 3
"""Cells are looked up by their parents of this resolution, some 120 km across."""
NO_CLUSTER: Final = -1


class Cells:
    """
    Where the cells of a run are, what they weigh and whose they are, in order of H3 index.

    Attributes
    ----------
    cell : numpy.ndarray of uint64, shape (n,)
        H3 indices.
    lat, lon : numpy.ndarray of float64, shape (n,)
        Mean position, WGS 84 degrees; longitudes as maps draw them (`unrolled_lon`).
    weight, density : numpy.ndarray of float64, shape (n,)
        As in `schema.CELLS`.
    owner : numpy.ndarray of int32, shape (n,)
        Position of the cell's cluster in the ranking; `NO_CLUSTER` outside every cluster.
    """

    def __init__(self, result: Result) -> None:
        self._result = result
        self.metrics = result.metrics
        self.cell = _column(result, "cell").astype(np.uint64, copy=False)
        self.lat: _Floats = _column(result, "lat")
        self.lon: _Floats = unrolled_lon(_column(result, "lon"))
        self.weight: _Floats = _column(result, "weight")
        self.density: _Floats = _column(result, "density")
        self.owner = _owners(result)

    def outside(self) -> pd.DataFrame:
        """Give the cells outside every cluster: `cell`, `lat`, `lon`, `weight`."""
        noise = self.owner == NO_CLUSTER
        names = ("cell", "lat", "lon", "weight")
        return pd.DataFrame({n: getattr(self, n)[noise] for n in names}, copy=False)

    def of_clusters(self) -> list[Columns]:
        """Give the cells of each cluster in order of rank: `cell`, `weight`, `density`, `core` and the metrics."""
        rows = np.flatnonzero(self.owner != NO_CLUSTER)
        rows = rows[np.argsort(self.owner[rows], kind="stable")]
        columns = {n: getattr(self, n)[rows] for n in ("cell", "weight", "density")}
        columns |= {n: _column(self._result, n)[rows] for n in ("core", *self.metrics)}
        bounds = np.searchsorted(self.owner[rows], np.arange(len(self._result.clusters) + 1))
        return [{n: values[a:b] for n, values in columns.items()} for a, b in pairwise(bounds)]

    @cached_property
    def _blocks(self) -> tuple[_Rows, npt.NDArray[np.float64]]:
        """First row of each block of cells, and the least and greatest latitude and longitude in it."""
        block = parents(self.cell, min(BLOCK_RESOLUTION, resolution_of(int(self.cell[0]))))
        starts = np.flatnonzero(np.diff(block, prepend=np.uint64(0)))
        limits = [
            extreme.reduceat(values, starts)
            for values in (self.lat, self.lon)
            for extreme in (np.minimum, np.maximum)
        ]
        return starts, np.stack(limits)

    def within(self, west: float, south: float, east: float, north: float) -> _Rows:
        """Give the rows of the cells within a box of drawn longitudes, in their order."""
        if not len(self.cell):
            return np.zeros(0, dtype=np.intp)
        starts, (least_lat, most_lat, least_lon, most_lon) = self._blocks
        near = (most_lat >= south) & (least_lat <= north) & (most_lon >= west) & (least_lon <= east)
        ends = np.append(starts[1:], len(self.cell))
        sizes = (ends - starts)[near]
        first = np.repeat(starts[near] - (np.cumsum(sizes) - sizes), sizes)
        rows = first + np.arange(len(first))
        lat, lon = self.lat[rows], self.lon[rows]
        inside: _Rows = rows[(lat >= south) & (lat < north) & (lon >= west) & (lon <= east)]
        return inside


def _column(result: Result, name: str) -> npt.NDArray[Any]:
    """Read one column at a time: a table of millions of rows need not lie in memory twice."""
    return np.asarray(result.columns(schema.CELLS, [name])[name].to_numpy())


def _owners(result: Result) -> npt.NDArray[np.int32]:
    """Place of each cell's cluster in the ranking."""
    place = {str(i): at for at, i in enumerate(result.clusters["cluster_id"])}
    column = result.columns(schema.CELLS, ["cluster_id"])["cluster_id"]
    codes = [np.zeros(0, dtype=np.int32)]
    for chunk in column.dictionary_encode().chunks:
        names = chunk.dictionary.to_pylist()
        places = [*(place.get(n, NO_CLUSTER) for n in names), NO_CLUSTER]
        code = pc.fill_null(chunk.indices, len(names)).to_numpy()
        codes.append(np.array(places, dtype=np.int32)[code])
    return np.concatenate(codes)
