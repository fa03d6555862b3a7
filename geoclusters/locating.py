"""Where a point stands: in which cluster, or how far from one and how much density is missing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import h3.api.basic_int as h3
import numpy as np

from geoclusters.earth import distance_km, unit_vectors
from geoclusters.errors import StudyError
from geoclusters.hierarchy import cell_resolution

if TYPE_CHECKING:
    import pandas as pd

    from geoclusters.results import Result

NORTHMOST, EASTMOST = 90.0, 180.0


@dataclass(frozen=True)
class Place:
    """
    What is known of a point.

    Attributes
    ----------
    density : float
        Density weight within the radius of the point, in the unit of `min_density`.
    missing_density : float
        What is missing to `min_density`; 0 where the point is dense.
    nearest_km : float
        Distance to the nearest member of the nearest cluster; 0 inside one.
    """

    lat: float
    lon: float
    cell: str
    cluster_id: str | None
    name: str | None
    rank: int | None
    nearest_cluster_id: str | None
    nearest_name: str | None
    nearest_km: float | None
    density: float
    min_density: float
    missing_density: float
    radius_km: float

    def as_dict(self) -> dict[str, Any]:
        """Give the same as a dictionary."""
        return asdict(self)


def locate(result: Result, lat: float, lon: float) -> Place:
    """
    Say in which cluster a point lies, or how far it is from one and how much density is missing.

    Parameters
    ----------
    lat, lon : float
        WGS 84 degrees.

    Raises
    ------
    StudyError
        If the point is not on the Earth.
    """
    if not (abs(lat) <= NORTHMOST and abs(lon) <= EASTMOST):
        raise StudyError(
            f"the point {lat:g}, {lon:g} is not on the Earth: latitude first, -90..90, then longitude, -180..180"
        )
    settings = result.run["settings"]
    cell = h3.latlng_to_cell(lat, lon, cell_resolution(settings["resolution"]))
    cells = result.cells
    away = distance_km(unit_vectors(cells["lat"], cells["lon"]), unit_vectors(lat, lon))
    density = float(cells["weight"].to_numpy()[away <= settings["radius_km"]].sum())
    # In an exact run a cell has many rows; it is the cluster's that weighs most in it.
    here = cells[cells["cell"] == np.uint64(cell)].groupby("cluster_id")["weight"].sum()
    inside = _row(result, str(here.idxmax())) if len(here) else None
    near_id, near_km = _nearest(cells["cluster_id"], away)
    near = inside if inside is not None else (_row(result, near_id) if near_id else None)
    return Place(
        lat=lat,
        lon=lon,
        cell=f"{cell:x}",
        cluster_id=None if inside is None else str(inside["cluster_id"]),
        name=None if inside is None else str(inside["name"]),
        rank=None if inside is None else int(inside["rank"]),
        nearest_cluster_id=None if near is None else str(near["cluster_id"]),
        nearest_name=None if near is None else str(near["name"]),
        nearest_km=0.0 if inside is not None else near_km,
        density=density,
        min_density=settings["min_density"],
        missing_density=max(settings["min_density"] - density, 0.0),
        radius_km=settings["radius_km"],
    )


def _nearest(
    cluster_id: pd.Series[str], away: np.ndarray[Any, np.dtype[np.float64]]
) -> tuple[str | None, float | None]:
    member = cluster_id.notna().to_numpy()
    if not member.any():
        return None, None
    at = int(np.flatnonzero(member)[np.argmin(away[member])])
    return str(cluster_id.iloc[at]), float(away[at])


def _row(result: Result, cluster_id: str) -> pd.Series[Any]:
    clusters = result.clusters
    found: pd.Series[Any] = clusters[clusters["cluster_id"] == cluster_id].iloc[0]
    return found


def sentence(place: Place) -> str:
    """
    Put it into words.

    The density of a point is that of the circle around it; a cell is judged by its mean position.
    """
    where = f"{place.lat:g}, {place.lon:g}"
    dense = f"{place.density:.4g} within {place.radius_km:g} km of it (a core needs {place.min_density:.4g})"
    if place.name is not None:
        return f"{where} lies in {place.name}, rank {place.rank}; density {dense}"
    if place.nearest_name is None:
        return f"{where} lies in no cluster, and the run has none; density {dense}"
    return (
        f"{where} lies in no cluster; the nearest is {place.nearest_name}, {place.nearest_km:.1f} km away; "
        f"density {dense}: {place.missing_density:.4g} is missing"
    )
