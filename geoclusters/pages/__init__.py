"""The pages that people open: the world map, a page for each cluster, and the report.

Pages know a finished run through `geoclusters.results.Result` and nothing else, so that they can be
drawn again from any folder. Everything that comes from data is escaped where it is put into a page:
by the autoescaping templates, by `embedding.as_json` inside scripts, and by text nodes in the
browser. None of it ever reaches folium, whose elements are templates and would run what they get.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geoclusters import results
from geoclusters.pages import cluster, report, world
from geoclusters.pages.cells import Cells
from geoclusters.pages.changes import Changes

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from geoclusters.results import Result

__all__ = ["Begun", "Changes", "begin", "draw_pages"]


def draw_pages(
    result: Result,
    *,
    changes: Changes | None = None,
    tiles: bool = False,
    begun: Begun | None = None,
) -> None:
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
    begun : Begun, optional
        What `begin` gave, where it is at work already.

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
    with ThreadPoolExecutor(1) as beside:
        # Compiled loops and templates hardly wait for each other.
        begun = begun or begin(result, beside)
        cluster.draw_clusters(result, pages, cells=begun.cells)
        world.draw_world(result, pages, layers=begun.layers.result(), tiles=tiles)
    report.draw_report(result, pages, changes)


@dataclass(frozen=True)
class Begun:
    """Pages of which a part is at work: the cells of the run, and the layers of the map that show them."""

    cells: Cells
    layers: Future[dict[str, Any]]


def begin(result: Result, beside: Executor) -> Begun:
    """Have the layers of the map that show all cells drawn, which takes as long as all other pages together."""
    cells = Cells(result)
    return Begun(cells, beside.submit(world.cell_layers, result, cells))
