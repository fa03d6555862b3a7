"""From the sums of the addresses to the table of the cells: documents of each metric, mean positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geoclusters.cells.kernel import cell_centers, in_frame, out_of_frame
from geoclusters.cells.sums import position_scale
from geoclusters.earth import unit_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from geoclusters.cells.sums import CellSums

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]


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
    """Take the centre's part off the sums, which is what brings them back from modulo 2^64."""
    scale = position_scale(resolution)
    centres = np.rint(in_frame(unit_vectors(*cell_centers(cells))) * scale).astype(np.int64)
    heft = _added(sums.column("position_weight"), starts)
    mean = np.empty((len(cells), 3))
    for axis, name in enumerate("xyz"):
        offset = _added(sums.column(name), starts) - heft * centres[:, axis]
        mean[:, axis] = centres[:, axis] + offset / heft
    mean = out_of_frame(mean)
    return (
        np.degrees(np.arctan2(mean[:, 2], np.hypot(mean[:, 0], mean[:, 1]))),
        np.degrees(np.arctan2(mean[:, 1], mean[:, 0])),
    )
