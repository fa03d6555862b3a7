"""The pages that people open: the world map, a page for each cluster, and the report.

Pages know a finished run through `geoclusters.results.Result` and nothing else, so that they can be
drawn again from any folder. Everything that comes from data is escaped where it is put into a page:
by the autoescaping templates, by `embedding.as_json` inside scripts, and by text nodes in the
browser. None of it ever reaches folium, whose elements are templates and would run what they get.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from geoclusters import results
from geoclusters.pages import cluster, report, world
from geoclusters.pages.cells import Cells
from geoclusters.pages.changes import Changes

if TYPE_CHECKING:
    from geoclusters.results import Result

__all__ = ["Changes", "draw_pages"]


def draw_pages(result: Result, *, changes: Changes | None = None, tiles: bool = False) -> None:
    """
    Write the world map, the pages of the clusters and the report into the folder of a run.

    Parameters
    ----------
    result : Result
        A finished run; its folder is written to, pages of an earlier run go away.
    changes : Changes, optional
        An earlier run and which of its clusters became which; the report then tells what changed.
    tiles : bool
        Offer OpenStreetMap as a layer of the world map. It is loaded from the network when a reader
        chooses it; without it no page knows of a network.

    Notes
    -----
    `map.html` and `report.html` hold all that they need and may be sent alone. The pages
    `clusters/<cluster_id>.html` share the files in `assets`. Clusters of the printed top have a
    page, and those after them up to `cluster.MAX_PAGES` in all.

    Raises
    ------
    RunError
        If the tables of the run do not fit together.
    """
    results.forget_pages(result.folder)
    pages = cluster.clusters_with_page(result)
    cells = Cells(result)
    with ThreadPoolExecutor(1) as beside:
        # Compiled loops and templates hardly wait for each other.
        layers = beside.submit(world.cell_layers, result, cells)
        cluster.draw_clusters(result, pages, cells=cells)
        del cells
        world.draw_world(result, pages, layers=layers.result(), tiles=tiles)
    report.draw_report(result, pages, changes)
