"""The cells on the map of one cluster: by activity, or by density against the threshold.

The cluster's own cells are hexagons. Those outside, of neighbours and of none, are dots at their
mean position, so that one sees where the density falls below the threshold.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from geoclusters.densities import density_text, kind_of
from geoclusters.geometry import cell_corners
from geoclusters.hierarchy import EXACT
from geoclusters.pages.cellids import joined, parents, resolution_of
from geoclusters.pages.packing import Rings, closed_rings, pack_bytes, pack_points, pack_rings
from geoclusters.pages.shapes import unrolled_lon
from geoclusters.pages.wording import CLASSES, class_breaks, label, number, significant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoclusters.pages.cellids import Columns
    from geoclusters.pages.cells import Cells
    from geoclusters.results import Result

MOST_CELLS: Final = 2000
"""A cluster with more cells is drawn in their coarser parents; likewise the cells outside."""

CLUSTERS_AT_ONCE: Final = 16
"""Outlines of cells are found for so many clusters together."""

CELL_DECIMALS: Final = 5
DOT_DECIMALS: Final = 4
RATIOS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Limits of the classes of density, in thresholds."""
_MOST_CLASSES_ABOVE: Final = 5
_DENSITY: Final = "Density around the cell"
_RES_0_AREA_KM2: Final = 4_357_449.4
_DOT_SIZE: Final = 0.85
"""Of a dot, as part of the circle that has its cell's area."""


class CellMap:
    """The cells of a run, prepared once for all pages."""

    def __init__(self, result: Result, cells: Cells) -> None:
        settings = result.run["settings"]
        self._metrics = result.metrics
        self._kind = kind_of(settings)
        self._threshold = settings.get("min_density") or None
        self._settings = settings
        self._cells = cells
        self._place = {str(i): at for at, i in enumerate(result.clusters["cluster_id"])}
        self._exact = settings.get("resolution") == EXACT
        how = {"core": "max", **dict.fromkeys(self._metrics, "sum")}
        own = cells.of_clusters()
        if self._exact:
            own = [joined(points, {"weight": "sum", "density": "max", **how}) for points in own]
        self._counted = [len(cells["cell"]) for cells in own]
        self._own = [_drawn(cells, how) for cells in own]
        self._rings: dict[int, list[Rings]] = {}

    def note(self, identifier: str) -> str:
        """Say what the hexagons on the map are, where they are not the cells of the run."""
        place = self._place[identifier]
        drawn, counted = len(self._own[place]["cell"]), self._counted[place]
        notes = []
        if self._exact:
            notes.append(
                "The run is one of points: a hexagon adds up those of the cluster in it, and the dots are points."
            )
        if drawn != counted:
            notes.append(f"The {number(counted)} cells are drawn as {number(drawn)} larger ones.")
        return " ".join(notes)

    def hexagons(self, identifier: str) -> Rings:
        """Give the outlines of a cluster's cells as they are drawn; those of the next clusters are found with them."""
        group, place = divmod(self._place[identifier], CLUSTERS_AT_ONCE)
        if group not in self._rings:
            own = self._own[group * CLUSTERS_AT_ONCE :][:CLUSTERS_AT_ONCE]
            self._rings = {group: rings_of_each([cells["cell"] for cells in own])}
        return self._rings[group][place]

    def data(self, identifier: str, hexagons: Rings, box: Any) -> dict[str, Any]:  # noqa: ANN401
        """Gather what the script draws: cells, dots within `box`, classes of both."""
        own = self._own[self._place[identifier]]
        outside = self._outside(identifier, box)
        scales = [self._activity(own), self._density(own, outside)]
        return {
            "metrics": [label(m) for m in self._metrics],
            "cells": pack_rings(hexagons, decimals=CELL_DECIMALS),
            "core": pack_bytes(own["core"]),
            "counts": [significant(own[m], 3) for m in self._metrics],
            "scales": [_told(scale, own, outside) for scale in scales],
            "dots": {
                **pack_points(outside["lon"], outside["lat"], decimals=DOT_DECIMALS),
                "radius": dot_radius_m(outside["cell"]),
            },
        }

    def _outside(self, identifier: str, box: Any) -> Columns:  # noqa: ANN401
        """Give the cells within a box that are not the cluster's own, joined if they are many."""
        cells = self._cells
        rows = cells.within(*box.bounds)
        rows = rows[cells.owner[rows] != self._place[identifier]]
        if len(rows) <= MOST_CELLS:
            rows = rows[np.argsort(cells.lat[rows], kind="stable")]
        names = ("cell", "lat", "lon", "weight", "density")
        near = {n: getattr(cells, n)[rows] for n in names}
        return _drawn(near, {"lat": "mean", "lon": "mean"})

    def _activity(self, own: Columns) -> dict[str, Any]:
        breaks = class_breaks(own["weight"], classes=CLASSES)
        return {
            "key": "activity",
            "label": "Activity of the cell",
            **self._kind.legend(breaks[0] if breaks else math.inf),
            "column": "weight",
            "divisor": 1.0,
            "breaks": breaks,
            "under": 0,
        }

    def _density(self, own: Columns, outside: Columns) -> dict[str, Any]:
        if self._threshold is None:
            breaks = class_breaks(own["density"], classes=CLASSES)
            return {
                **self._activity(own),
                **self._kind.legend(breaks[0] if breaks else math.inf),
                "key": "density",
                "label": _DENSITY,
                "column": "density",
                "breaks": breaks,
            }
        highest = max(float(c["density"].max(initial=0.0)) for c in (own, outside))
        breaks = ratio_breaks(highest / self._threshold)
        return {
            "key": "density",
            "label": _DENSITY,
            "unit": f"times the threshold, {density_text(self._threshold, self._settings)}",
            "factor": 1,
            "column": "density",
            "divisor": self._threshold,
            "breaks": breaks,
            "under": sum(b <= 1 for b in breaks),
        }


def ratio_breaks(highest: float) -> list[float]:
    """
    Choose limits of classes of density in thresholds; 1 is always one of them.

    Examples
    --------
    >>> ratio_breaks(3.0), ratio_breaks(0.4), ratio_breaks(1000.0)
    ([0.5, 1.0, 2.0], [0.5, 1.0], [0.5, 1.0, 2.0, 5.0, 10.0, 20.0])
    """
    above = [r for r in RATIOS if 1 < r <= highest]
    return [r for r in RATIOS if r <= 1] + above[: _MOST_CLASSES_ABOVE - 1]


def _told(scale: dict[str, Any], own: Columns, outside: Columns) -> dict[str, Any]:
    """Give a scale with the values of the cells, and the classes of the dots."""
    told = {k: v for k, v in scale.items() if k not in ("column", "divisor")}
    values = own[scale["column"]] / scale["divisor"]
    dots = outside[scale["column"]] / scale["divisor"]
    classes = np.searchsorted(scale["breaks"], dots, side="right")
    return {**told, "values": significant(values, 3), "dots": pack_bytes(classes)}


def _drawn(cells: Columns, how: dict[str, str]) -> Columns:
    """Join cells until there are few enough: weights add up, the highest density stays."""
    while len(cells["cell"]) > MOST_CELLS:
        coarser = resolution_of(int(cells["cell"][0])) - 1
        moved = {**cells, "cell": parents(cells["cell"], coarser)}
        cells = joined(moved, {"weight": "sum", "density": "max", **how})
    return cells


def dot_radius_m(cells: npt.NDArray[np.uint64]) -> int:
    """Give a radius on the ground for dots of cells, by their resolution, in metres."""
    if not len(cells):
        return 0
    area_km2 = _RES_0_AREA_KM2 / 7 ** resolution_of(int(cells[0]))
    return round(1000 * _DOT_SIZE * math.sqrt(area_km2 / math.pi))


def cell_rings(cells: npt.NDArray[np.uint64]) -> Rings:
    """
    Outlines of H3 cells, whole on either side of the date line.

    Parameters
    ----------
    cells : ndarray of uint64
        H3 indices; pentagons and cells with more corners are drawn as they are.
    """
    corners, sizes = cell_corners(cells)
    corners[:, 0] = unrolled_lon(corners[:, 0])
    return closed_rings(corners, sizes)


def rings_of_each(groups: Sequence[npt.NDArray[np.uint64]]) -> list[Rings]:
    """
    Outlines of the cells of each group, as `cell_rings` gives them one by one.

    Examples
    --------
    >>> cells = np.array([0x88283082B9FFFFF, 0x88283082BBFFFFF], dtype=np.uint64)
    >>> [rings.ring_of.tolist() for rings in rings_of_each([cells[:1], cells[1:]])]
    [[0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]]
    """
    points, ring_of, _ = cell_rings(np.concatenate(groups))
    ends = np.cumsum([len(cells) for cells in groups])
    found = []
    for cells, end in zip(groups, ends.tolist(), strict=True):
        first = end - len(cells)
        own = slice(*np.searchsorted(ring_of, [first, end]))
        found.append(Rings(points[own], ring_of[own] - first, len(cells)))
    return found
