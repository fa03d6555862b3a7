"""The fallback: population estimated from the places table, where no population grid is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.earth import chord_of, unit_vectors
from geoclusters.places import DENSITY_PER_KM2

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]

PLACES_SOURCE: Final = "estimate: places of GeoNames inside the cluster"
REACH_KM: Final = 3.0
"""A place belongs to the cluster of its nearest member cell when that is not farther than this."""


def population_of_places(
    *, lat: Floats, lon: Floats, labels: Labels, places: pd.DataFrame, n_clusters: int
) -> Floats:
    """
    Estimate the population of each cluster as that of the places in it.

    GeoNames lists districts of large cities beside the city. A place that lies inside the circle which a larger place
    of the same economy would fill at 8,000 inhabitants per km² counts as its district, and not a second time.

    Parameters
    ----------
    lat, lon, labels : numpy.ndarray, shape (n,)
        Cells, WGS 84 degrees, and their cluster (-1 = none).
    places : pandas.DataFrame
        `lat`, `lon`, `population`, `country`.

    Returns
    -------
    numpy.ndarray of float64, shape (n_clusters,)
        Inhabitants; NaN where no place lies in the cluster.
    """
    from scipy.spatial import cKDTree  # noqa: PLC0415 - slow

    member = labels >= 0
    if not member.any():
        return np.full(n_clusters, np.nan)
    places = places[~is_district(places)]
    # A tree that is not balanced takes half the time to grow, and these cells are asked for little.
    tree = cKDTree(unit_vectors(lat[member], lon[member]), balanced_tree=False, compact_nodes=False)
    chord, nearest = tree.query(
        unit_vectors(places["lat"], places["lon"]), distance_upper_bound=chord_of(REACH_KM)
    )
    inside = np.isfinite(chord)
    total = np.zeros(n_clusters)
    np.add.at(total, labels[member][nearest[inside]], places["population"].to_numpy()[inside])
    return np.where(total > 0, total, np.nan)


def is_district(places: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which places lie within a larger place of their economy."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - slow

    points = unit_vectors(places["lat"], places["lon"])
    population = places["population"].to_numpy()
    country = places["country"].to_numpy()
    found = np.zeros(len(places), dtype=bool)
    tree = cKDTree(points)
    large = np.flatnonzero(population >= 500_000)
    for city in large[np.argsort(-population[large], kind="stable")]:
        if found[city]:
            continue
        radius_km = float(np.sqrt(population[city] / DENSITY_PER_KM2 / np.pi))
        near = np.array(tree.query_ball_point(points[city], chord_of(radius_km)))
        found[near[(population[near] < population[city]) & (country[near] == country[city])]] = True
    return found
