"""Recognises a threshold that chains a whole country into one cluster, and proposes a better one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.earth import distance_km, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]

WIDE_KM: Final = 300.0
"""Wider than any cluster of the Global Innovation Index; Shenzhen-Hong Kong-Guangzhou is about 150 km across."""
MOST_OF_THE_WORLD: Final = 0.5
MOST_NEEDS_KM: Final = 150.0
"""A cluster that holds most of a study of one city is no mistake; one that is as wide as this as well is."""
STEP: Final = 10.0**0.1
STEPS: Final = 30


@dataclass(frozen=True)
class Finding:
    """A cluster that is implausibly wide or holds most of everything."""

    label: int
    width_km: float
    share: float


def cluster_widths_km(lat: Floats, lon: Floats, labels: Labels) -> Floats:
    """
    Width of each cluster: the distance between two members that are farthest apart (to a few per cent).

    From any member the farthest one is sought, and from there the farthest again.

    Examples
    --------
    >>> cluster_widths_km(np.array([0.0, 0.0, 0.0]), np.array([0.0, 1.0, 2.0]), np.zeros(3, int)).round(1)
    array([222.4])
    """
    member = np.flatnonzero(labels >= 0)
    order = member[np.argsort(labels[member], kind="stable")]
    points = unit_vectors(lat[order], lon[order])
    widths = np.zeros(int(labels.max(initial=-1)) + 1)
    ends = np.cumsum(np.bincount(labels[member], minlength=len(widths)))
    for label, members in enumerate(np.split(points, ends)[: len(widths)]):
        far = members[np.argmax(distance_km(members, members[:1]))]
        widths[label] = distance_km(members, far).max()
    return widths


def implausible(*, lat: Floats, lon: Floats, share: Floats, labels: Labels) -> Finding | None:
    """
    Give the widest cluster that cannot be right, or None.

    Parameters
    ----------
    lat, lon : numpy.ndarray of float64, shape (n,)
        Positions of the cells, WGS 84 degrees.
    share : numpy.ndarray of float64, shape (n,)
        Part of all activity in each cell.
    labels : numpy.ndarray of int64, shape (n,)
        Cluster of each cell, -1 for none.
    """
    widths = cluster_widths_km(lat, lon, labels)
    if not len(widths):
        return None
    member = labels >= 0
    held = np.bincount(labels[member], weights=share[member], minlength=len(widths))
    wrong = (widths > WIDE_KM) | ((held > MOST_OF_THE_WORLD) & (widths > MOST_NEEDS_KM))
    if not wrong.any():
        return None
    label = int(np.argmax(np.where(wrong, widths, -1.0)))
    return Finding(label, float(widths[label]), float(held[label]))


def proposed_threshold(min_density: float, is_plausible: Callable[[float], bool]) -> float | None:
    """
    Smallest threshold above `min_density`, on a scale of ten steps a decade, that gives plausible clusters.

    Examples
    --------
    >>> proposed_threshold(1e-4, lambda threshold: threshold > 9e-4)
    0.001
    """
    for step in range(1, STEPS + 1):
        threshold = float(f"{min_density * STEP**step:.2g}")
        if is_plausible(threshold):
            return threshold
    return None
