"""New boundaries from the cells of a finished run, at once: what one looks at before one decides on a setting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoclusters import stages
from geoclusters.assembly import Cells, find_clusters
from geoclusters.errors import RunError
from geoclusters.folders import CELLS, STAGES, read_columns, read_run_file
from geoclusters.study import make_method

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    from geoclusters.engine import AddressStore
    from geoclusters.settings import Method

FILE = "boundaries.geojson"
ADDRESSES = "addresses"


def boundaries(
    source: str | Path,
    *,
    out: str | Path | None = None,
    radius_km: float | None = None,
    min_density: float | None = None,
    merge_gap_km: float | None = None,
) -> gpd.GeoDataFrame:
    """
    Name, draw, count and rank clusters with other settings; the run stays as it is.

    What needs the addresses (economies, years, fields, organisations, links) and the population are left out, and no
    page is drawn: `workflow.recluster` gives all of that.

    Parameters
    ----------
    source : str or Path
        Folder of a finished run.
    out : str or Path, optional
        Folder for `boundaries.geojson` (RFC 7946); left out, nothing is written.
    radius_km, min_density, merge_gap_km : float, optional
        Settings; what is not given stays as it was.

    Returns
    -------
    geopandas.GeoDataFrame
        In order of rank, WGS 84: `cluster_id`, `rank`, `name`, the metrics and their shares, `score`, `area_km2`,
        `n_cells`, `n_core_cells`, `n_parts`, `lat`, `lon`, `geometry`.

    Raises
    ------
    RunError
        If there is no finished run in the folder, or its addresses are gone.
    """
    changes = {"radius_km": radius_km, "min_density": min_density, "merge_gap_km": merge_gap_km}
    table = draw_boundaries(Path(source), None if out is None else Path(out), changes)
    import geopandas as gpd  # noqa: PLC0415 - slow
    import pandas as pd  # noqa: PLC0415

    return gpd.GeoDataFrame(pd.DataFrame(table), geometry="geometry", crs="EPSG:4326")


def draw_boundaries(
    source: Path, out: Path | None, changes: dict[str, float | None]
) -> dict[str, npt.NDArray[Any]]:
    """Do what `boundaries` does, for those who have no use for a table; what is None stays as it was."""
    run = read_run_file(source)
    state = stages.Stages(source)
    facts = state.facts(ADDRESSES)
    if facts is None:
        raise RunError(
            f"{source}: its folder {STAGES!r} with the sums of the cells is gone; run the study again"
        )
    given = {name: value for name, value in changes.items() if value is not None}
    method = make_method(run["settings"] | given)
    # First, since two threads that load hold each other up.
    import geoclusters.clusters.density  # noqa: F401, PLC0415

    columns = read_columns(state.path(ADDRESSES) / CELLS)
    cells = Cells.from_columns(columns, metrics=run["metrics"], method=method, facts=facts)
    with ThreadPoolExecutor(1) as beside:
        options: dict[str, Any] = {"method": method, "store": _store(state, method)}
        asked = beside.submit(find_clusters, cells, **options, doubting=False)
        # Meanwhile, since it takes nearly as long to load what draws and names them.
        from geoclusters.describing import bounded_table, load_ahead  # noqa: PLC0415
        from geoclusters.geojson import write_features  # noqa: PLC0415

        load_ahead()
        found = asked.result()
    clusters = bounded_table(cells, found, method=method, weights=run["weights"])
    if out is not None:
        write_features(out / FILE, as_rows(clusters), clusters["geometry"])
    return clusters


def as_rows(clusters: dict[str, npt.NDArray[Any]]) -> list[dict[str, Any]]:
    """Properties of each cluster."""
    names = [name for name in clusters if name != "geometry"]
    columns = (clusters[name].tolist() for name in names)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _store(state: stages.Stages, method: Method) -> AddressStore | None:
    """Open the store of the addresses where clusters merge by their links: nothing else here asks for it."""
    if method.merge_rule != "gap+links":
        return None
    from geoclusters.engine import AddressStore  # noqa: PLC0415 - slow

    return AddressStore(state.path(ADDRESSES))
