"""Draws a page for each cluster, and the files in `assets` that these pages share."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from geoclusters.densities import density_text
from geoclusters.errors import RunError
from geoclusters.pages import embedding
from geoclusters.pages.about import about
from geoclusters.pages.cells import Cells
from geoclusters.pages.details import Details
from geoclusters.pages.neighbourhood import Neighbourhood
from geoclusters.pages.numbers import files_of, takeaway
from geoclusters.pages.quality import Quality
from geoclusters.pages.shares import economy_names, economy_parts
from geoclusters.pages.specialisation import Specialisation
from geoclusters.pages.surroundings import Surroundings
from geoclusters.pages.wording import label, measured, number, percent
from geoclusters.results import write_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from geoclusters.results import Result

MAX_PAGES: Final = 300
"""Clusters after the printed top have a page until there are so many in all."""

ASSETS: Final = "assets"
_SAFE_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
_STYLES: Final = ("base.css", "charts.css", "cluster.css")
_SCRIPTS: Final = ("core.js", "layers.js", "takeaway.js", "cluster.js")


def clusters_with_page(result: Result) -> list[str]:
    """
    Choose who gets a page: the printed top, and those after it up to `MAX_PAGES` in all.

    Raises
    ------
    RunError
        If an identifier could not be the name of a file: the run did not come from geoclusters.
    """
    most = max(MAX_PAGES, int(result.run["settings"]["top"]))
    chosen = [str(i) for i in result.clusters["cluster_id"].head(most)]
    for identifier in chosen:
        if not _SAFE_ID.fullmatch(identifier):
            raise RunError(
                f"{result.folder / 'clusters.parquet'}: cluster_id {identifier!r} "
                "is not an H3 index, so no page can be named after it; run the study again"
            )
    return chosen


def draw_clusters(result: Result, pages: Collection[str], *, cells: Cells | None = None) -> None:
    """Write the shared assets and the page of each cluster in `pages`; `cells` are read unless given."""
    writer = _Pages(result, pages, cells if cells is not None else Cells(result))
    write_texts(chain(_assets(result.folder / ASSETS), writer.all(result.folder / "clusters")))


class _Pages:
    """What the pages of a run share, read and grouped once."""

    def __init__(self, result: Result, pages: Collection[str], cells: Cells) -> None:
        self._result = result
        self._pages = pages
        self._about = about(result)
        self._details = Details(result)
        self._fields = Specialisation(result)
        self._neighbours = Neighbourhood(result)
        self._quality = Quality(result)
        self._surroundings = Surroundings(result, cells)
        self._outlines = dict(
            zip(result.clusters["cluster_id"], result.clusters.geometry, strict=True)
        )
        self._economies = economy_names(result)
        self._files = files_of(result)

    def all(self, folder: Path) -> Iterator[tuple[Path, str]]:
        """Give file and text of each page."""
        rows = self._result.clusters.drop(columns=["geometry", "region"]).to_dict("records")
        for place, row in enumerate(rows):
            if row["cluster_id"] in self._pages:
                beside = [rows[i] if 0 <= i < len(rows) else None for i in (place - 1, place + 1)]
                yield folder / f"{row['cluster_id']}.html", self.page(row, beside)

    def page(self, row: dict[str, Any], beside: list[dict[str, Any] | None]) -> str:
        """Write the page of one cluster; `beside` are the clusters one rank up and down."""
        identifier = row["cluster_id"]
        taken = takeaway(
            row,
            self._outlines[identifier],
            self._details,
            self._fields,
            self._neighbours,
            self._quality,
        )
        return embedding.document(
            "cluster.html",
            about=self._about,
            cluster=_facts(row, self._result, self._economies),
            beside=[
                other if other and other["cluster_id"] in self._pages else None for other in beside
            ],
            metrics=_measures(row, self._result.metrics),
            details=self._details.of(row, self._pages),
            fields=self._fields.of(identifier),
            neighbours=self._neighbours.of(row, self._pages),
            quality=self._quality.of(identifier),
            files=self._files,
            cells_note=self._surroundings.cells_note(identifier),
            data=embedding.as_json(
                {**self._surroundings.data(identifier, self._pages), "takeaway": taken}
            ),
        )


def _assets(folder: Path) -> Iterator[tuple[Path, str]]:
    yield folder / "leaflet.js", embedding.leaflet_script()
    yield folder / "leaflet.css", embedding.leaflet_style()
    yield folder / "cluster.css", "".join(embedding.asset(name) for name in _STYLES)
    yield folder / "cluster.js", "\n".join(embedding.asset(name) for name in _SCRIPTS)


def _facts(row: dict[str, Any], result: Result, names: dict[str, str]) -> dict[str, Any]:
    """Give what the head of the page says, in words."""
    settings = result.run["settings"]
    known = row["intensity_rank"] == row["intensity_rank"] and row["intensity_rank"] is not None
    facts = [
        ("Score", percent(row["score"])),
        ("Population", f"{number(_thousands(row['population']))}"),
        (
            "Intensity",
            measured(row["intensity"])
            + (f" (rank {number(row['intensity_rank'])})" if known else ""),
        ),
        ("Area", f"{number(row['area_km2'])} km²"),
        ("Cells", f"{number(row['n_cells'])}, of these {number(row['n_core_cells'])} core"),
        ("Centre", f"{row['lat']:.3f}, {row['lon']:.3f}"),
    ]
    return {
        "id": row["cluster_id"],
        "rank": row["rank"],
        "of": len(result.clusters),
        "name": row["name"],
        "economies": economy_parts(row["economy_shares"], names),
        "cross_border": bool(row["cross_border"]),
        "facts": facts,
        "population_source": row["population_source"],
        "threshold": density_text(settings.get("min_density"), settings)
        if settings.get("min_density") is not None
        else None,
        "radius_km": settings.get("radius_km"),
    }


def _thousands(population: float | None) -> float | None:
    """Round an estimate to what it can be trusted for: three digits."""
    known = population is not None and population == population  # noqa: PLR0124 - not a number
    return float(f"{population:.3g}") if known else None


def _measures(row: dict[str, Any], metrics: list[str]) -> list[dict[str, Any]]:
    largest = max((row[f"share_{m}"] for m in metrics), default=0) or 1
    return [
        {
            "label": label(metric),
            "documents": number(round(row[metric])),
            "share": percent(row[f"share_{metric}"]),
            "bar": 100 * row[f"share_{metric}"] / largest,
            "per_million": measured(row[f"{metric}_per_million"]),
        }
        for metric in metrics
    ]
