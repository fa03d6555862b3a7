"""From the sums of the addresses to the table of the cells, or of the points: documents of each metric, positions."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from geoclusters.cells.kernel import cell_centers
from geoclusters.cells.kernel_forward import sine_cosine
from geoclusters.cells.kernel_lattice import frame
from geoclusters.cells.sites import SiteSums, SiteTable
from geoclusters.cells.sums import SUMS, CellSums, SumTable, position_scale
from geoclusters.compiling import compiled
from geoclusters.hierarchy import EXACT
from geoclusters.machine import processors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Literal

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_HEFT: Final = SUMS.index("position_weight")
CELLS_AT_ONCE: Final = 1 << 18

Sums = CellSums | SiteSums


def new_table(resolution: int | Literal["exact"]) -> SumTable | SiteTable:
    """
    Begin to add up by cell, or in an exact run by point.

    Examples
    --------
    >>> type(new_table(8)).__name__, type(new_table("exact")).__name__
    ('SumTable', 'SiteTable')
    """
    return SiteTable() if resolution == EXACT else SumTable(int(resolution))


def added_up(parts: Iterable[Sums]) -> Sums:
    """
    Add sums up; associative and exact, so parts may come from any number of threads or machines.

    Parts are taken one after the other, and sums of as many parts are added to each other, so that few are held.
    """
    held: list[tuple[int, Sums]] = []
    for part in parts:
        held.append((1, part))
        while len(held) > 1 and held[-1][0] >= held[-2][0]:
            _add_last(held)
    while len(held) > 1:
        _add_last(held)
    return held[0][1]


def _add_last(held: list[tuple[int, Sums]]) -> None:
    (n, last), (m, before) = held.pop(), held.pop()
    held.append((n + m, type(last).added([before, last])))  # type: ignore[list-item]


def rows_in(whole: Sums, part: Sums) -> Ints:
    """Give the row of the whole of each row of a part that was added into it."""
    return whole.rows_of(part)  # type: ignore[arg-type]


def finish(
    sums: Sums, *, metrics: Sequence[str], resolution: int | Literal["exact"]
) -> pd.DataFrame:
    """
    One row a cell in order of H3 index, or in an exact run one a point, from the sums of all addresses.

    Parameters
    ----------
    metrics : sequence of str
        Names of the metrics in the order of their numbers.

    Returns
    -------
    pandas.DataFrame
        `cell`, `lat`, `lon` (weighted mean position on the sphere, or the point; WGS 84 degrees), per metric
        `weight_<metric>` and `distinct_<metric>`, and `addresses`.
    """
    starts = np.flatnonzero(sums.begins())
    at = cell_rows(sums)
    cells = sums.cell[starts]
    if isinstance(sums, SiteSums):
        lat, lon = sums.lat[starts], sums.lon[starts]
    else:
        lat, lon = _mean_positions(cells, sums, starts, int(resolution))
    columns = {"cell": cells, "lat": lat, "lon": lon}
    for name, column in (("weight", "weight"), ("distinct", "documents")):
        for number, metric in enumerate(metrics):
            of_metric = sums.metric == number
            rows = slice(None) if of_metric.all() else of_metric
            values = np.zeros(len(cells), dtype=np.int64)
            values[at[rows]] = sums.column(column)[rows]
            columns[f"{name}_{metric}"] = values
    columns["addresses"] = _added(sums.column("addresses"), starts)
    return pd.DataFrame(columns, copy=False)


def cell_rows(sums: Sums) -> Ints:
    """Give the row in the table of the cells, or of the points, of each row of the sums."""
    return np.cumsum(sums.begins()) - 1


def _added(values: Ints, starts: Ints) -> Ints:
    return np.add.reduceat(values, starts) if len(starts) else np.zeros(0, dtype=np.int64)


def _mean_positions(
    cells: npt.NDArray[np.uint64], sums: CellSums, starts: Ints, resolution: int
) -> tuple[Floats, Floats]:
    lat, lon = np.empty(len(cells)), np.empty(len(cells))
    ends = np.append(starts[1:], len(sums.cell))

    def work(at: slice) -> None:
        lat[at], lon[at] = cell_centers(cells[at])
        _move_to_means(
            lat[at], lon[at], starts[at], ends[at], sums.sums, frame(), position_scale(resolution)
        )

    parts = [slice(at, at + CELLS_AT_ONCE) for at in range(0, len(cells), CELLS_AT_ONCE)]
    with ThreadPoolExecutor(processors()) as pool:
        list(pool.map(work, parts))
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
