"""New boundaries from the cells of a finished run, at once: what one looks at before one decides on a setting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from geoclusters import results, stages
from geoclusters.assembly import Cells, find_clusters
from geoclusters.engine.store import AddressStore
from geoclusters.errors import RunError
from geoclusters.study import make_method

if TYPE_CHECKING:
    import geopandas as gpd

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
    run = results.read_run(source)
    state = stages.Stages(run.folder)
    facts = state.facts(ADDRESSES)
    if facts is None:
        raise RunError(
            f"{source}: its folder {results.STAGES!r} with the sums of the cells is gone; run the study again"
        )
    changes = {"radius_km": radius_km, "min_density": min_density, "merge_gap_km": merge_gap_km}
    given = {name: value for name, value in changes.items() if value is not None}
    method = make_method(run.run["settings"] | given)
    store = AddressStore(state.path(ADDRESSES))
    cells = Cells.from_frame(store.load_cells(), metrics=run.metrics, method=method, facts=facts)
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(find_clusters, cells, method=method, store=store, doubting=False)
        # Meanwhile, since it takes nearly as long to load what draws and names them.
        from geoclusters.describing import bounded_clusters  # noqa: PLC0415

        found = asked.result()
    clusters = bounded_clusters(cells, found, method=method, weights=run.run["weights"])
    if out is not None:
        results.write_geojson(Path(out) / FILE, clusters)
    return clusters
