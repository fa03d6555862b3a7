"""What the page of a cluster lets people take away: its outline and its numbers.

The page builds the files itself from what it holds, so that they can be had without a server. The
browser's half is `assets/takeaway.js`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from geoclusters.pages.packing import pack_shapes
from geoclusters.pages.wording import shortened

if TYPE_CHECKING:
    from geoclusters.pages.details import Details
    from geoclusters.pages.neighbourhood import Neighbourhood
    from geoclusters.pages.quality import Quality
    from geoclusters.pages.specialisation import Specialisation
    from geoclusters.results import Result

OUTLINE_DECIMALS: Final = 5
"""1.1 m, as in the GeoJSON of the run."""

FILES: Final = (
    ("ranking.csv", "CSV", "ranking of all clusters"),
    ("clusters.geojson", "GeoJSON", "all outlines"),
    ("clusters.gpkg", "GeoPackage", "all outlines, for GIS"),
    ("clusters.parquet", "GeoParquet", "all outlines and indicators"),
    ("cells.parquet", "Parquet", "all cells with their density"),
    ("links.parquet", "Parquet", "links between clusters"),
)
"""Files of a run that pages offer, where they are: name, format, content."""

COLUMNS: Final = ("table", "metric", "item", "quantity", "value")


def files_of(result: Result) -> list[dict[str, str]]:
    """List the result files of a run that are there to be linked to."""
    return [
        {"name": name, "format": kind, "content": content}
        for name, kind, content in FILES
        if result.holds(name)
    ]


def takeaway(
    row: dict[str, Any],
    outline: Any,  # noqa: ANN401
    details: Details,
    specialisation: Specialisation,
    neighbourhood: Neighbourhood,
    quality: Quality,
) -> dict[str, Any]:
    """
    Gather a cluster's outline, properties and numbers for the files that its page builds.

    Parameters
    ----------
    row : dict
        The cluster's row of `schema.CLUSTERS`.
    outline : shapely.Polygon or shapely.MultiPolygon
        Its cells, dissolved, WGS 84, as in the files of the run.
    """
    identifier = row["cluster_id"]
    properties = {name: _plain(value) for name, value in row.items()}
    rows: list[tuple[Any, ...]] = [
        ("indicators", "", "", name, value)
        for name, value in properties.items()
        if name != "economy_shares"
    ]
    shares = json.loads(row.get("economy_shares") or "{}")
    rows += [("economies", "", code, "share", share) for code, share in shares.items()]
    rows += [("years", m, year, "documents", d) for m, year, d in details.year_rows(identifier)]
    for metric, field, documents, quotient in specialisation.rows(identifier):
        rows.append(("fields", metric, field, "documents", documents))
        rows.append(("fields", metric, field, "location quotient", _short(quotient)))
    rows += [
        ("accuracy", m, level, "documents", documents)
        for m, level, documents in quality.rows(identifier)
    ]
    rows += [
        ("neighbours", "", other, "gap_km", _short(gap))
        for gap, other in neighbourhood.gaps_of(identifier)
    ]
    return {
        "name": f"cluster-{identifier}",
        "outline": pack_shapes([outline], decimals=OUTLINE_DECIMALS),
        "properties": properties,
        "columns": COLUMNS,
        "rows": [
            (table, metric, _tidy(item), quantity, _tidy(value))
            for table, metric, item, quantity, value in rows
        ],
    }


def _tidy(value: Any) -> Any:  # noqa: ANN401
    """Cut endless texts and endless digits; null stays null."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    return shortened(value, 500) if isinstance(value, str) and len(value) > 500 else value


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Give a value as JSON has it."""
    if isinstance(value, str):
        return _tidy(value)
    if value is None or pd.isna(value):
        return None
    return _tidy(value.item() if hasattr(value, "item") else value)
