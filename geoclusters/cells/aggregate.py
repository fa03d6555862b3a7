"""From the sums of the addresses to the table of the cells: documents of each metric, mean positions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from geoclusters.cells.kernel import cell_centers
from geoclusters.cells.kernel_forward import sine_cosine
from geoclusters.cells.kernel_lattice import frame
from geoclusters.cells.sums import SUMS, position_scale
from geoclusters.compiling import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from geoclusters.cells.sums import CellSums

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_HEFT: Final = SUMS.index("position_weight")


def finish(sums: CellSums, *, metrics: Sequence[str], resolution: int) -> pd.DataFrame:
    """
    One row a cell in order of H3 index, from the sums of all addresses.

    Parameters
    ----------
    metrics : sequence of str
        Names of the metrics in the order of their numbers.

    Returns
    -------
    pandas.DataFrame
        `cell`, `lat`, `lon` (weighted mean position on the sphere, WGS 84 degrees), per metric `weight_<metric>` and
        `distinct_<metric>`, and `addresses`.
    """
    starts = np.flatnonzero(np.diff(sums.cell, prepend=np.uint64(0)))
    at = cell_rows(sums)
    cells = sums.cell[starts]
    lat, lon = _mean_positions(cells, sums, starts, resolution)
    columns = {"cell": cells, "lat": lat, "lon": lon}
    for name, column in (("weight", "weight"), ("distinct", "documents")):
        for number, metric in enumerate(metrics):
            of_metric = sums.metric == number
            values = np.zeros(len(cells), dtype=np.int64)
            values[at[of_metric]] = sums.column(column)[of_metric]
            columns[f"{name}_{metric}"] = values
    columns["addresses"] = _added(sums.column("addresses"), starts)
    return pd.DataFrame(columns, copy=False)


def cell_rows(sums: CellSums) -> Ints:
    """Give the row in the table of the cells of each row of the sums."""
    return np.cumsum(np.diff(sums.cell, prepend=np.uint64(0)) != 0) - 1


def _added(values: Ints, starts: Ints) -> Ints:
    return np.add.reduceat(values, starts) if len(starts) else np.zeros(0, dtype=np.int64)


def _mean_positions(
    cells: npt.NDArray[np.uint64], sums: CellSums, starts: Ints, resolution: int
) -> tuple[Floats, Floats]:
    lat, lon = cell_centers(cells)
    ends = np.append(starts[1:], len(sums.cell))
    _move_to_means(lat, lon, starts, ends, sums.sums, frame(), position_scale(resolution))
    return lat, lon


@compiled
def _move_to_means(
    lat: Floats,
    lon: Floats,
    starts: Ints,
    ends: Ints,
    sums: Ints,
    rotation: Floats,
    scale: float,
) -> None:
    """
    Replace the centre of each cell by the mean position of its addresses.

    The centre's part is taken off the sums, which is what brings them back from modulo 2^64.
    """
    centre, mean = np.empty(3, dtype=np.int64), np.empty(3)
    for cell in range(len(lat)):
        sin_lat, cos_lat = sine_cosine(lat[cell])
        sin_lon, cos_lon = sine_cosine(lon[cell])
        x, y = cos_lat * cos_lon, cos_lat * sin_lon
        heft = np.int64(0)
        for row in range(starts[cell], ends[cell]):
            heft += sums[row, _HEFT]
        for axis in range(3):
            turned = rotation[axis, 0] * x + rotation[axis, 1] * y + rotation[axis, 2] * sin_lat
            centre[axis] = np.int64(np.rint(turned * scale))
            offset = np.int64(0)
            for row in range(starts[cell], ends[cell]):
                offset += sums[row, _HEFT + 1 + axis] - sums[row, _HEFT] * centre[axis]
            mean[axis] = centre[axis] + offset / heft
        x, y, z = 0.0, 0.0, 0.0
        for axis in range(3):
            x += rotation[axis, 0] * mean[axis]
            y += rotation[axis, 1] * mean[axis]
            z += rotation[axis, 2] * mean[axis]
        lat[cell] = math.degrees(math.atan2(z, math.hypot(x, y)))
        lon[cell] = math.degrees(math.atan2(y, x))
