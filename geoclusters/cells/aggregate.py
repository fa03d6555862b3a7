"""Adds addresses up to one row a cell, in integers, so that the order of the addresses leaves no trace.

`partial` turns a batch into sums, `merge` adds sums up; both are exact, so batches may come in any
order, from any number of threads or machines. `finish` turns the sums into the cells' table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h3
import numpy as np
import pandas as pd

from geoclusters import schema
from geoclusters.cells.kernel import cell_centers
from geoclusters.earth import EARTH_RADIUS_KM, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

POSITION_UNIT: Final = schema.WEIGHT_ONE >> 16
OFFSETS_PER_RADIUS: Final = 1 << 15
SUMS: Final = [c.name for c in schema.CELL_SUMS.columns]
KEYS: Final = ["cell", "metric"]


def partial(
    *,
    cell: npt.NDArray[np.uint64],
    metric: npt.NDArray[np.object_] | pd.Categorical,
    document: Ints,
    weight: Ints,
    count: Floats,
    lat: Floats,
    lon: Floats,
    resolution: int,
) -> pd.DataFrame:
    """
    Sum whole documents' placed addresses by cell and metric (`schema.CELL_SUMS`).

    Parameters
    ----------
    cell : numpy.ndarray of uint64, shape (n,)
        H3 cell of each address.
    metric : array of str, shape (n,)
        Its metric.
    document : numpy.ndarray of int64, shape (n,)
        Code of its document; the documents must be whole, so that distinct ones can be counted here.
    weight : numpy.ndarray of int64, shape (n,)
        Fraction of the document, in 1/`schema.WEIGHT_ONE`.
    count : numpy.ndarray of float64, shape (n,)
        Documents that the row stands for; NaN for an ordinary address.
    lat, lon : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees.
    resolution : int
        H3 resolution of the cells.
    """
    several = np.where(np.isnan(count), 1, np.rint(np.nan_to_num(count))).astype(np.int64)
    frame = pd.DataFrame({"cell": cell, "metric": metric, "weight": weight, "addresses": several})
    east, north = _offsets(cell, lat, lon, resolution)
    frame["position_weight"] = np.maximum(weight // POSITION_UNIT, 1)
    frame["east"] = frame["position_weight"] * east
    frame["north"] = frame["position_weight"] * north
    named = frame[KEYS].assign(document=document)
    repeated = named.duplicated().to_numpy() & np.isnan(count)
    frame["documents"] = np.where(repeated, 0, several)
    return _summed(frame)


def merge(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Add sums up; associative and exact."""
    return _summed(pd.concat(list(parts), ignore_index=True))


def _summed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.groupby(KEYS, sort=True, observed=True)[SUMS[2:]].sum().reset_index()[SUMS]


def _offsets(
    cell: npt.NDArray[np.uint64], lat: Floats, lon: Floats, resolution: int
) -> tuple[Ints, Ints]:
    """Offsets from the cell's centre in its tangent plane, in whole parts of the cell's radius."""
    cells, back = np.unique(cell, return_inverse=True)
    east, north = (axis[back] for axis in _tangent_axes(*cell_centers(cells)))
    points = unit_vectors(lat, lon)
    unit = OFFSETS_PER_RADIUS / _radius(resolution)
    return (
        np.rint(np.einsum("ij,ij->i", points, east) * unit).astype(np.int64),
        np.rint(np.einsum("ij,ij->i", points, north) * unit).astype(np.int64),
    )


def _radius(resolution: int) -> float:
    """Average distance of a hexagon's corners from its centre, in radians."""
    return float(h3.average_hexagon_edge_length(resolution, unit="km")) / EARTH_RADIUS_KM


def _tangent_axes(lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
    phi, lam = np.radians(lat), np.radians(lon)
    zero = np.zeros_like(phi)
    east = np.stack([-np.sin(lam), np.cos(lam), zero], axis=-1)
    north = np.stack([-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)], axis=-1)
    return east, north


def finish(sums: pd.DataFrame, *, metrics: Sequence[str], resolution: int) -> pd.DataFrame:
    """
    One row a cell in order of H3 index, from the sums of all addresses.

    Returns
    -------
    pandas.DataFrame
        `cell`, `lat`, `lon` (weighted mean position on the sphere, WGS 84 degrees), per metric `weight_<metric>` and
        `distinct_<metric>`, and `addresses`.
    """
    cells = np.unique(sums["cell"].to_numpy())
    at = np.searchsorted(cells, sums["cell"].to_numpy())
    frame = pd.DataFrame({"cell": cells})
    frame["lat"], frame["lon"] = _mean_positions(cells, sums, at, resolution)
    for name, column in (("weight", "weight"), ("distinct", "documents")):
        for metric in metrics:
            of_metric = (sums["metric"] == metric).to_numpy()
            values = np.zeros(len(cells), dtype=np.int64)
            values[at[of_metric]] = sums[column].to_numpy()[of_metric]
            frame[f"{name}_{metric}"] = values
    frame["addresses"] = _added(at, sums["addresses"], len(cells))
    return frame


def _added(at: Ints, values: pd.Series[int], size: int) -> Ints:
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, at, values.to_numpy())
    return total


def _mean_positions(
    cells: npt.NDArray[np.uint64], sums: pd.DataFrame, at: Ints, resolution: int
) -> tuple[Floats, Floats]:
    lat, lon = cell_centers(cells)
    axes = _tangent_axes(lat, lon)
    total = _added(at, sums["position_weight"], len(cells)).astype(np.float64)
    unit = _radius(resolution) / OFFSETS_PER_RADIUS
    east, north = (_added(at, sums[n], len(cells)) / total * unit for n in ("east", "north"))
    up = np.sqrt(1.0 - np.minimum(east**2 + north**2, 1.0))
    mean = unit_vectors(lat, lon) * up[:, None] + axes[0] * east[:, None] + axes[1] * north[:, None]
    return (
        np.degrees(np.arcsin(np.clip(mean[:, 2], -1.0, 1.0))),
        np.degrees(np.arctan2(mean[:, 1], mean[:, 0])),
    )
