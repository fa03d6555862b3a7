"""Draws `map.html`, the map of the whole world."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from geoclusters.densities import density_text
from geoclusters.hierarchy import EXACT
from geoclusters.pages import embedding, highlights
from geoclusters.pages.about import about
from geoclusters.pages.cellids import centres, parents, resolution_of
from geoclusters.pages.cells import Cells
from geoclusters.pages.numbers import files_of
from geoclusters.pages.packing import pack_bytes, pack_points, pack_shapes
from geoclusters.pages.relief import relief
from geoclusters.pages.shapes import packed_coast, packed_land, packed_towns, unrolled, unrolled_lon
from geoclusters.pages.wording import CLASSES, class_breaks, label, number, shortened
from geoclusters.results import written_aside

if TYPE_CHECKING:
    from collections.abc import Collection

    from geoclusters.results import Result

MOST_DOTS: Final = 60_000
"""More cells outside the clusters than this are drawn as their coarser parents."""

SHAPE_DECIMALS: Final = 4
DOT_DECIMALS: Final = 3
_DOT_QUANTILES: Final = (0.5, 0.8, 0.95)
_SCRIPTS: Final = (
    "core.js",
    "layers.js",
    "relief.js",
    "arcs.js",
    "address.js",
    "ranking.js",
    "card.js",
    "marks.js",
    "sheet.js",
    "world.js",
)
STYLES: Final = ("base.css", "charts.css", "world.css")
TILES: Final = {
    "url": "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
    "attribution": '© <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a> contributors',
    "zoom": 19,
}
"""Where the layer that needs a network comes from, if a run is drawn with it."""


def draw_world(
    result: Result,
    pages: Collection[str],
    *,
    layers: dict[str, Any] | None = None,
    tiles: bool = False,
) -> None:
    """
    Write the world map of a run, all in one file.

    Parameters
    ----------
    pages : collection of str
        Identifiers of the clusters that have a page of their own.
    layers : dict, optional
        What `cell_layers` gives, where that has been asked already.
    tiles : bool
        Offer OpenStreetMap as a layer; it is loaded from the network once it is chosen, not before.
    """
    data = world_data(result, pages, layers)
    page = embedding.document(
        "world.html",
        about=about(result),
        files=files_of(result),
        clusters=len(result.clusters),
        top=result.run["settings"]["top"],
        style=embedding.trusted(
            embedding.leaflet_style() + "".join(embedding.asset(name) for name in STYLES)
        ),
        leaflet=embedding.trusted(embedding.leaflet_script()),
        scripts=embedding.trusted("\n".join(embedding.asset(name) for name in _SCRIPTS)),
        density=_density_hint(result.run["settings"]) if data["relief"] else None,
        data=embedding.as_json({**data, "tiles": TILES if tiles else None}),
    )
    with written_aside(result.map_file) as part:
        part.write_text(page, encoding="utf-8")


def world_data(
    result: Result, pages: Collection[str], layers: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Gather what the scripts of the map draw, columns instead of records, shapes packed."""
    clusters = result.clusters
    regions = clusters["region"].where(clusters["region"].notna(), clusters.geometry)
    return {
        "metrics": [{"key": m, "label": label(m)} for m in result.metrics],
        "top": result.run["settings"]["top"],
        "economies": dict(zip(result.economies["economy"], result.economies["name"], strict=True)),
        "clusters": _columns(result, pages),
        "breaks": _breaks(clusters, result.metrics),
        "regions": pack_shapes(unrolled(regions.to_numpy()), decimals=SHAPE_DECIMALS),
        "outlines": pack_shapes(unrolled(clusters.geometry.to_numpy()), decimals=SHAPE_DECIMALS),
        **(layers if layers is not None else cell_layers(result, Cells(result))),
        "links": highlights.links(result),
        "organisations": highlights.names(result, "organisations", "organisation"),
        "fields": highlights.names(result, "fields", "field"),
        "land": packed_land(),
        "coast": packed_coast(),
        "towns": packed_towns(),
    }


def cell_layers(result: Result, cells: Cells) -> dict[str, Any]:
    """Draw the layers of the map that show cells: those outside the clusters, and the density surface."""
    return {
        "noise": {
            **noise_dots(cells.outside()),
            "kind": "points" if result.run["settings"].get("resolution") == EXACT else "cells",
        },
        "relief": _relief(result, cells),
    }


def _relief(result: Result, cells: Cells) -> dict[str, Any] | None:
    settings = result.run["settings"]
    columns = {"lat": cells.lat, "lon": cells.lon, "weight": cells.weight}
    drawn = relief(pd.DataFrame(columns, copy=False), settings)
    if drawn is None:
        return None
    return {
        **drawn,
        "words": f"within {number(settings['radius_km'])} km",
        "threshold": density_text(settings["min_density"], settings),
    }


def _density_hint(settings: dict[str, Any]) -> str:
    return (
        f"Density is what lies within {number(settings['radius_km'])} km of a point. Where it reaches "
        f"{density_text(settings['min_density'], settings)}, a cell with activity is the core of a cluster; "
        "cells within the radius of a core belong to it too, so outlines lie outside that line."
    )


def _columns(result: Result, pages: Collection[str]) -> dict[str, Any]:
    clusters, metrics = result.clusters, result.metrics
    sources = clusters["population_source"].fillna("").map(lambda text: shortened(text, 120))
    known = list(dict.fromkeys(sources))
    return {
        "id": clusters["cluster_id"].tolist(),
        "rank": clusters["rank"].tolist(),
        "name": [shortened(name) for name in clusters["name"]],
        "economies": [_economies(shares) for shares in clusters["economy_shares"]],
        "counts": [[round(v) for v in clusters[m].fillna(0).tolist()] for m in metrics],
        "shares": [_rounded(clusters[f"share_{m}"], 4) for m in metrics],
        "score": _rounded(clusters["score"], 5),
        "population": _rounded(clusters["population"], 4),
        "intensity": _rounded(clusters["intensity"], 4),
        "intensityRank": [None if pd.isna(r) else int(r) for r in clusters["intensity_rank"]],
        "area": _rounded(clusters["area_km2"], 4),
        "source": [known.index(text) for text in sources],
        "sources": known,
        "cells": clusters["n_cells"].tolist(),
        "core": clusters["n_core_cells"].tolist(),
        "lat": clusters["lat"].round(4).tolist(),
        "lon": unrolled_lon(clusters["lon"]).round(4).tolist(),
        "page": [int(i in pages) for i in clusters["cluster_id"]],
    }


def _economies(shares: str) -> list[tuple[str, float]]:
    """Give the economies of a cluster with their shares, the largest first."""
    given = json.loads(shares) if shares else {}
    return [
        (shortened(e, 40), float(f"{s:.3g}")) for e, s in sorted(given.items(), key=lambda p: -p[1])
    ]


def _rounded(values: pd.Series, digits: int) -> list[float | None]:
    """Keep as many significant digits as a page shows."""
    return [None if pd.isna(v) else float(f"{v:.{digits}g}") for v in values]


def _breaks(clusters: pd.DataFrame, metrics: list[str]) -> dict[str, list[float]]:
    """Part the values of each quantity that may shade the map into classes."""
    columns = {"score": "score", "intensity": "intensity", **{m: f"share_{m}" for m in metrics}}
    return {
        key: class_breaks(clusters[column].astype(float), classes=CLASSES)
        for key, column in columns.items()
    }


def noise_dots(cells: pd.DataFrame, *, most: int = MOST_DOTS) -> dict[str, Any]:
    """
    Pack the cells outside every cluster as dots of four sizes.

    Parameters
    ----------
    cells : pandas.DataFrame
        `cell`, `lat`, `lon` and `weight` of these cells.
    most : int
        If there are more cells, they are joined into coarser parents, which keep their weight and
        its mean position.
    """
    noise = cells.assign(lon=unrolled_lon(cells["lon"]))
    counted = len(noise)
    while len(noise) > most:
        noise = _coarser(noise)
    steps = noise["weight"].quantile(list(_DOT_QUANTILES)).to_numpy()
    return {
        **pack_points(noise["lon"], noise["lat"], decimals=DOT_DECIMALS),
        "size": pack_bytes(np.searchsorted(steps, noise["weight"].to_numpy(), side="left")),
        "cells": counted,
        "dots": len(noise),
    }


def _coarser(dots: pd.DataFrame) -> pd.DataFrame:
    """Join cells into their parents: weights add up, the position is the mean by weight."""
    cells = dots["cell"].to_numpy(np.uint64)
    parent = parents(cells, resolution_of(int(cells[0])) - 1)
    weight = dots["weight"].clip(lower=np.finfo(np.float64).tiny).to_numpy()
    cell, *columns = centres(
        parent.view(np.int64), dots["lat"].to_numpy(), dots["lon"].to_numpy(), weight
    )
    joined = dict(zip(("lat", "lon", "weight"), columns, strict=True))
    return pd.DataFrame({"cell": cell.view(np.uint64), **joined}, copy=False)
