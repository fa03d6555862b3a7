"""Clusters that nearly touch: their gaps, which are partners, and the labels after merging."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from geoclusters.clusters.gaps import closest_members
from geoclusters.clusters.grid import Scale, build_grid, squared_chord_limit
from geoclusters.clusters.inputs import check_coordinates
from geoclusters.earth import EARTH_RADIUS_KM, chord_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

_SMALLEST_CUBE_KM = 0.1
_CUBES_PER_GAP = 1.5


class Gaps(NamedTuple):
    """
    Pairs of clusters that are near each other.

    Attributes
    ----------
    label_a, label_b : numpy.ndarray of int64, shape (k,)
        Labels of each pair.
    gap_km : numpy.ndarray of float64, shape (k,)
        Great-circle distance of their closest members.
    """

    label_a: npt.NDArray[np.int64]
    label_b: npt.NDArray[np.int64]
    gap_km: npt.NDArray[np.float64]


def cluster_gaps(
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    max_gap_km: float,
    threads: int = 1,
) -> Gaps:
    """
    Distance of the closest members of every two clusters that are near each other.

    Parameters
    ----------
    lat, lon : array_like of float, shape (n,)
        WGS 84 degrees.
    labels : array_like of int, shape (n,)
        Cluster of every point; negative is none.
    max_gap_km : float
        Great-circle distance up to which a pair is listed, 0 or more.
    threads : int
        How many threads may work; the result does not depend on it.

    Returns
    -------
    Gaps
        Sorted by both labels, of which the smaller comes first.

    Raises
    ------
    ValueError
        When coordinates are out of range, lengths differ, labels are no integers, or the gap is
        negative or no number.

    Examples
    --------
    >>> lat, lon = [0.0, 0.1, 0.14, 9.0], [0.0, 0.0, 0.0, 0.0]
    >>> gaps = cluster_gaps(lat, lon, [0, 0, 1, 2], max_gap_km=5)
    >>> gaps.label_a.tolist(), gaps.label_b.tolist(), gaps.gap_km.round(3).tolist()
    ([0], [1], [4.448])
    """
    lat, lon = check_coordinates(lat, lon)
    labels = _check_labels(labels, len(lat))
    if not (np.isfinite(max_gap_km) and max_gap_km >= 0):
        raise ValueError(f"`max_gap_km` must be 0 or more, not {max_gap_km!r}")
    member = labels >= 0
    a, b, square = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    if member.any():
        chord = chord_of(max(max_gap_km, _SMALLEST_CUBE_KM))
        side = chord / _CUBES_PER_GAP
        grid = build_grid(
            lat[member], lon[member], None, side=side, scale=Scale(0, 1), threads=threads
        )
        reach = math.ceil(chord / side)
        limit = squared_chord_limit(max_gap_km)
        a, b, square = closest_members(grid, labels[member][grid.row], limit, reach)
    gap_km = 2.0 * EARTH_RADIUS_KM * np.arcsin(np.minimum(np.sqrt(square) / 2.0, 1.0))
    order = np.lexsort((b, a))
    return Gaps(a[order], b[order], gap_km[order])


def merge_labels(labels: npt.ArrayLike, pairs: Gaps) -> npt.NDArray[np.int64]:
    """
    Make one cluster of those that are connected through pairs, in one step or in several.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Cluster of every point; negative is none.
    pairs : Gaps
        Every label in it must occur in `labels`.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        New labels 0, 1, 2, … in the order of the smallest old label of each new cluster; -1 is
        none.

    Raises
    ------
    ValueError
        When a pair names a label that no point has.

    Examples
    --------
    >>> pair = Gaps(np.array([3]), np.array([7]), np.array([4.0]))
    >>> merge_labels([3, 0, 7, -1, 2], pair).tolist()
    [2, 0, 2, -1, 1]
    """
    labels = _check_labels(labels, None)
    known, place = np.unique(labels[labels >= 0], return_inverse=True)
    ends = np.column_stack([pairs.label_a, pairs.label_b])
    unknown = ends[~np.isin(ends, known)]
    if len(unknown):
        raise ValueError(f"`pairs` names cluster {unknown[0]}, which no point belongs to")
    a, b = np.searchsorted(known, ends).T
    # The smallest of those that are connected stands for them, so that they keep their order.
    smallest = _smallest_connected(len(known), zip(a.tolist(), b.tolist(), strict=True))
    number = np.cumsum(smallest == np.arange(len(known))) - 1
    result = np.full(len(labels), -1, dtype=np.int64)
    result[labels >= 0] = number[smallest[place]]
    return result


def _smallest_connected(n: int, pairs: Iterable[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """Give the smallest of 0..n-1 that each of them is connected with through pairs."""
    parent = list(range(n))

    def root(of: int) -> int:
        while parent[of] != of:
            parent[of] = parent[parent[of]]
            of = parent[of]
        return of

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return np.array([root(i) for i in range(n)], dtype=np.int64)


def linked_pairs(gaps: Gaps, links: pd.DataFrame) -> Gaps:
    """
    Keep the near pairs in which one cluster is the other's strongest partner.

    Parameters
    ----------
    gaps : Gaps
        As `cluster_gaps` gives them.
    links : pandas.DataFrame
        Columns `label_a`, `label_b`, `documents`: work in common, in either direction; rows of one
        pair add up. A missing label (work with someone outside every cluster) and a cluster's
        links with itself do not count.

    Returns
    -------
    Gaps
        The pairs of `gaps` whose documents are the most that one of the two clusters has with any
        cluster; of several equally strong partners all count. No documents, no partner.

    Examples
    --------
    >>> import pandas as pd
    >>> gaps = Gaps(np.array([0, 1]), np.array([1, 2]), np.array([4.0, 3.0]))
    >>> links = pd.DataFrame({"label_a": [0, 2, 2], "label_b": [1, 1, 3]})
    >>> links["documents"] = [5.0, 1.0, 9.0]
    >>> linked_pairs(gaps, links).label_b.tolist()
    [1]
    """
    import pandas as pd  # noqa: PLC0415 - slow, and seldom asked for

    between = _summed_both_ways(links)
    strongest = between.groupby("label_a")["documents"].max()
    ends = pd.DataFrame({"label_a": gaps.label_a, "label_b": gaps.label_b})
    near = ends.merge(between, how="left", on=["label_a", "label_b"])
    documents = near["documents"].fillna(0.0).to_numpy()
    most_of_a = near["label_a"].map(strongest).fillna(0.0).to_numpy()
    most_of_b = near["label_b"].map(strongest).fillna(0.0).to_numpy()
    keep = (documents > 0) & ((documents == most_of_a) | (documents == most_of_b))
    return Gaps(*(column[keep] for column in gaps))


def _summed_both_ways(links: pd.DataFrame) -> pd.DataFrame:
    """Documents of every pair of different clusters, once as (a, b) and once as (b, a)."""
    import pandas as pd  # noqa: PLC0415

    inside = links.dropna(subset=["label_a", "label_b"])
    a = inside["label_a"].to_numpy(dtype=np.int64)
    b = inside["label_b"].to_numpy(dtype=np.int64)
    pairs = pd.DataFrame(
        {
            "label_a": np.minimum(a, b),
            "label_b": np.maximum(a, b),
            "documents": inside["documents"].to_numpy(),
        }
    )[a != b]
    summed = pairs.groupby(["label_a", "label_b"], as_index=False)["documents"].sum()
    back = summed.rename(columns={"label_a": "label_b", "label_b": "label_a"})
    both: pd.DataFrame = pd.concat([summed, back], ignore_index=True)
    return both


def _check_labels(labels: npt.ArrayLike, n_points: int | None) -> npt.NDArray[np.int64]:
    labels = np.asarray(labels)
    if labels.ndim != 1 or (n_points is not None and len(labels) != n_points):
        raise ValueError(
            f"labels must be 1-D, one for each of {n_points} points, not of shape {labels.shape}"
        )
    if labels.size and labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be integers, not {labels.dtype}")
    return labels.astype(np.int64, copy=False)
