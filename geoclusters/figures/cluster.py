"""One cluster: its cells shaded by density, its outline, neighbours, borders and towns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
import shapely
from matplotlib.patches import Rectangle

from geoclusters.colours import spread
from geoclusters.densities import kind_of
from geoclusters.errors import GeoclustersError
from geoclusters.figures import labels, projection, style
from geoclusters.figures.labels import Box, Mark
from geoclusters.geometry import hexagons
from geoclusters.places import read_places
from geoclusters.wording import class_breaks, label, number, percent, window

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geoclusters.figures import Options
    from geoclusters.results import Result

WIDTH_MM: Final = 180.0
PANEL_MM: Final = 44.0
LEAST_PANEL_MM: Final = 34.0
FACT_MM: Final = 4.6
LINE_MM: Final = 3.3
VALUE_PT: Final = style.TEXT_PT + 0.5
MOST_LINES: Final = 3
LEAST_REACH_KM: Final = 15.0
MOST_TOWNS: Final = 18
MOST_ECONOMIES: Final = 3
TOWN_PT: Final = 5.8
LEAST_TOWN: Final = 20_000
NEIGHBOUR: Final = "#d8d3e0"
OUTLINE: Final = "#b3261e"
NEIGHBOUR_NAME: Final = "#54407a"
NOISE: Final = "#b9b7b1"


@dataclass(frozen=True)
class View:
    """A plane around the cluster, and how it lies on the page."""

    plane: projection.Plane
    centre: tuple[float, float]
    wide_km: float
    high_km: float
    scale: float

    @property
    def page(self) -> Box:
        """The map on the page, in millimetres."""
        return Box(0, 0, self.wide_km * self.scale, self.high_km * self.scale)

    @property
    def reach_km(self) -> float:
        """Farthest corner from the middle of the plane."""
        return float(np.hypot(self.wide_km, self.high_km) / 2 + np.hypot(*self.centre))

    def points(self, lon: Any, lat: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:  # noqa: ANN401
        """Place points on the page."""
        x, y = self.plane.points(lon, lat)
        left, bottom = self._origin()
        return (x - left) * self.scale, (y - bottom) * self.scale

    def shapes(self, planar: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Place shapes of the plane on the page, cut at its edge."""
        moved = shapely.transform(planar, lambda xy: (xy - self._origin()) * self.scale)
        page = self.page
        return np.asarray(
            shapely.clip_by_rect(
                moved, page.left - 1, page.bottom - 1, page.right + 1, page.top + 1
            )
        )

    def _origin(self) -> tuple[float, float]:
        return self.centre[0] - self.wide_km / 2, self.centre[1] - self.high_km / 2


def draw(result: Result, options: Options) -> Figure:
    """Draw the map of one cluster with its figures beside it."""
    row = find(result, options.cluster)
    width = options.width_mm or WIDTH_MM
    panel = max(PANEL_MM * min(1.0, width / WIDTH_MM), LEAST_PANEL_MM)
    facts = _facts(result, row, panel)
    view = _view(row, width - 2 * style.MARGIN_MM - panel - 3.0, _panel_height(facts))
    page, body = view.page, view.page.top
    sheet = style.Sheet(
        width,
        body,
        title=f"{row['rank']}  {style.drawable(row['name'], 60)}",
        subtitle="Cells shaded by the density around them; red: outline of the cluster; "
        "violet: other clusters; grey: activity outside clusters.",
        caption=style.caption(
            result, "Equal-area projection. Outlines: Natural Earth; places: GeoNames (CC BY 4.0)."
        ),
        warning=style.warning(result),
    )
    axes = sheet.axes(style.MARGIN_MM, 0, page.right, page.top)
    breaks = _draw_map(axes, result, row, view)
    side = sheet.axes(width - style.MARGIN_MM - panel, 0, panel, body)
    _draw_panel(side, result, facts, breaks, (panel, body))
    return sheet.figure


def find(result: Result, wanted: str | None) -> Any:  # noqa: ANN401
    """
    Find a cluster by its identifier, its rank or its name.

    Raises
    ------
    GeoclustersError
        If there is none, or if a part of a name fits several.
    """
    clusters = result.clusters
    if not len(clusters):
        raise GeoclustersError(f"{result.folder}: the run has no cluster that could be drawn")
    if wanted is None:
        return clusters.iloc[0]
    name = clusters["name"].astype(str).str.casefold()
    for match in (
        clusters["cluster_id"] == wanted,
        clusters["rank"].astype(str) == wanted,
        name == wanted.casefold(),
        name.str.contains(wanted.casefold(), regex=False),
    ):
        if match.sum() == 1:
            return clusters[match].iloc[0]
        if match.sum() > 1:
            several = "; ".join(
                f"{r['rank']} {r['name'][:40]}" for _, r in clusters[match].head(6).iterrows()
            )
            raise GeoclustersError(
                f"{wanted!r} fits {match.sum()} clusters ({several}); give the rank"
            )
    raise GeoclustersError(
        f"no cluster is called {wanted[:80]!r}; give a rank from 1 to {len(clusters)}, a name or a cluster_id"
    )


def _view(row: pd.Series, width_mm: float, least_mm: float) -> View:
    """Choose what the map shows: the cluster with a margin, as high as the panel at the least."""
    plane = projection.Plane(float(row["lat"]), float(row["lon"]))
    left, bottom, right, top = shapely.bounds(plane.outline(_region(row)))
    reach = max(right - left, top - bottom, LEAST_REACH_KM)
    wide, high = (right - left) + 0.3 * reach, (top - bottom) + 0.3 * reach
    least = max(0.62, least_mm / width_mm)
    aspect = float(np.clip(high / wide, least, max(least, 1.05)))
    wide = max(wide, high / aspect)
    return View(
        plane, ((left + right) / 2, (bottom + top) / 2), wide, wide * aspect, width_mm / wide
    )


def _region(row: pd.Series) -> Any:  # noqa: ANN401
    return row["region"] if row["region"] is not None else row["geometry"]


def _draw_map(axes: Axes, result: Result, row: pd.Series, view: View) -> list[float]:
    """Draw the layers from the bottom up; give the classes of density."""
    page = view.page
    axes.set(xlim=(0, page.right), ylim=(0, page.top), xticks=[], yticks=[])
    axes.set_facecolor(style.WATER)
    for spine in axes.spines.values():
        spine.set(visible=True, color=style.FAINT, linewidth=0.5)
    land = view.shapes(view.plane.land(view.reach_km))
    projection.paint(axes, land, facecolor=style.LAND, linewidth=0)
    near = _near(result, row, view)
    projection.paint(
        axes,
        view.shapes(np.array([s for _, s in near], dtype=object)),
        facecolor=NEIGHBOUR,
        linewidth=0,
    )
    breaks = _draw_cells(axes, result, row, view)
    _draw_borders(axes, land)
    outline = view.shapes(np.array([view.plane.outline(_region(row))], dtype=object))
    projection.paint(axes, outline, facecolor="none", edgecolor=OUTLINE, linewidth=0.9)
    bar = _draw_scale(axes, view)
    _draw_names(axes, view, near, bar)
    return breaks


def _draw_borders(axes: Axes, land: npt.NDArray[Any]) -> None:
    """Draw the coast as a line and borders as dashes, each once."""
    whole = shapely.union_all(shapely.set_precision(land, 0.01))
    coast = shapely.boundary(whole)
    lines = shapely.union_all(shapely.boundary(shapely.set_precision(land, 0.01)))
    borders = shapely.line_merge(shapely.difference(lines, shapely.buffer(coast, 0.05)))
    looks = ((coast, "#b4bac1", 0.4, "-"), (borders, "#5d6670", 0.6, (0, (5, 2))))
    for shape, colour, width, dashes in looks:
        for line in shapely.get_parts(shape):
            if line.geom_type == "LineString" and not line.is_empty:
                x, y = np.asarray(line.coords).T
                axes.plot(x, y, zorder=2, color=colour, linewidth=width, linestyle=dashes)


def _near(result: Result, row: pd.Series, view: View) -> list[tuple[str, Any]]:
    """Give name and shape of the other clusters that the map shows."""
    found = []
    x, y = view.plane.points(result.clusters["lon"], result.clusters["lat"])
    maybe = np.hypot(x, y) < view.reach_km + 200
    for _, other in result.clusters[maybe].iterrows():
        if other["cluster_id"] != row["cluster_id"]:
            shape = view.plane.outline(_region(other))
            if not shapely.is_empty(view.shapes(np.array([shape], dtype=object))[0]):
                found.append((f"{other['rank']} {style.drawable(other['name'], 34)}", shape))
    return found


def _draw_cells(axes: Axes, result: Result, row: pd.Series, view: View) -> list[float]:
    cells = result.cells
    x, y = view.points(cells["lon"], cells["lat"])
    page = view.page
    shown = cells[(x > -2) & (x < page.right + 2) & (y > -2) & (y < page.top + 2)]
    mine = _one_a_cell(shown[shown["cluster_id"] == row["cluster_id"]])
    noise = _one_a_cell(shown[shown["cluster_id"].isna()])
    breaks = class_breaks(mine["density"], classes=6)
    shades = spread(len(breaks) + 1)
    for group, colours in (
        (noise, [NOISE] * len(noise)),
        (mine, [shades[c] for c in np.searchsorted(breaks, mine["density"], side="right")]),
    ):
        shapes = view.plane.shapes(hexagons(group["cell"].to_numpy(np.uint64)))
        projection.paint(
            axes,
            view.shapes(shapes),
            facecolor=colours or "none",
            edgecolor="white",
            linewidth=0.1,
        )
    return breaks


def _one_a_cell(points: pd.DataFrame) -> pd.DataFrame:
    """Keep the densest point of each cell, which in an exact run has many."""
    densest = points["density"].groupby(points["cell"]).transform("max")
    return points[points["density"] == densest].drop_duplicates("cell")


def _draw_scale(axes: Axes, view: View) -> Box:
    """Draw a scale bar of a round length; give the room it takes."""
    most = view.wide_km / 4
    length = max(s * 10.0**d for d in range(-2, 5) for s in (1, 2, 5) if s * 10.0**d <= most)
    x, y, wide = 3.0, 3.0, length * view.scale
    axes.add_patch(
        Rectangle(
            (x - 1.5, y - 1.5), wide + 3, 6.2, facecolor="white", alpha=0.75, linewidth=0, zorder=5
        )
    )
    axes.plot(
        [x, x, x + wide, x + wide],
        [y + 0.9, y, y, y + 0.9],
        color=style.INK,
        linewidth=0.7,
        zorder=6,
    )
    axes.text(
        x + wide / 2,
        y + 1.0,
        f"{length:g} km",
        size=style.SMALL_PT,
        ha="center",
        va="bottom",
        zorder=6,
    )
    return Box(x - 1.5, y - 1.5, x + wide + 1.5, y + 4.7)


class Name(NamedTuple):
    """A name on the map: where, how large the dot it belongs to, and in which colour."""

    text: str
    x: float
    y: float
    radius: float
    colour: str

    @property
    def mark(self) -> Mark:
        """What the placing of names needs to know."""
        width, height = style.text_size_mm(self.text, TOWN_PT, bold=not self.radius)
        return Mark(self.x, self.y, self.radius, width + 0.4, height)


def _draw_names(axes: Axes, view: View, near: list[tuple[str, Any]], bar: Box) -> None:
    """Name the neighbouring clusters and the largest towns."""
    names = [*_neighbours(view, near), *_towns(view)]
    page = view.page
    found = labels.place_labels(
        [n.mark for n in names], page=Box(0.5, 0.5, page.right - 0.5, page.top - 0.5), taken=[bar]
    )
    for name, place in zip(names, found, strict=True):
        if place is None or place.leader:
            continue
        if name.radius:
            dot = {"markersize": 1.8, "markeredgecolor": "white", "markeredgewidth": 0.3}
            axes.plot([name.x], [name.y], "o", color=style.INK, zorder=4, **cast("Any", dot))
        labels.write(
            axes, name.text, place, size_pt=TOWN_PT, colour=name.colour, bold=not name.radius
        )


def _towns(view: View) -> list[Name]:
    """Give the largest towns on the map, the largest first."""
    places = read_places(min_population=LEAST_TOWN)
    x, y = view.points(places["lon"], places["lat"])
    page = view.page
    inside = np.flatnonzero((x > 2) & (x < page.right - 2) & (y > 2) & (y < page.top - 2))
    people = places["population"].to_numpy()[inside]
    order = inside[np.argsort(-people, kind="stable")][:MOST_TOWNS]
    return [
        Name(style.drawable(places["name"].iloc[i], 30), float(x[i]), float(y[i]), 0.5, style.INK)
        for i in order
    ]


def _neighbours(view: View, near: list[tuple[str, Any]]) -> list[Name]:
    """Name the other clusters in the middle of what the map shows of them."""
    page, names = view.page, []
    for text, shape in near:
        (drawn,) = view.shapes(np.array([shape], dtype=object))
        visible = shapely.clip_by_rect(drawn, page.left, page.bottom, page.right, page.top)
        if not visible.is_empty:
            point = shapely.point_on_surface(visible)
            names.append(Name(text, float(point.x), float(point.y), 0.0, NEIGHBOUR_NAME))
    return names


# --------------------------------------------------------------------------- panel


def _panel_height(facts: list[tuple[str, list[str]]]) -> float:
    """Say how high the panel is with its legend."""
    return 2.5 + sum(FACT_MM + LINE_MM * len(lines) for _, lines in facts) + 14.0


def _draw_panel(
    axes: Axes,
    result: Result,
    facts: list[tuple[str, list[str]]],
    breaks: list[float],
    size_mm: tuple[float, float],
) -> None:
    """Write the figures of the cluster, and the legend of its cells."""
    width, height = size_mm
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(0, height))
    y = height - 2.5
    for name, lines in facts:
        axes.text(0, y, name, size=style.SMALL_PT, color=style.GREY, va="top")
        for line in lines:
            y -= LINE_MM
            axes.text(0, y, line, size=VALUE_PT, weight="bold", va="top")
        y -= FACT_MM
    _draw_classes(axes, result, breaks, width, y - 1.0)


def _facts(result: Result, row: pd.Series, width_mm: float) -> list[tuple[str, list[str]]]:
    """Give what the panel says, broken into lines that fit it."""
    counts = [
        (f"{label(m)}, share of the world", f"{number(row[m])}, {percent(row[f'share_{m}'])}")
        for m in result.metrics
    ]
    said = [
        (f"Rank by score, of {len(result.clusters)}", str(row["rank"])),
        (f"Score, {window(result.run)}", percent(row["score"])),
        *counts,
        ("Population (estimate)", _people(row["population"])),
        ("Intensity, per million people", number(row["intensity"])),
        ("Area", f"{number(row['area_km2'])} km²"),
        ("Economies", _economies(result, row)),
    ]
    return [
        (
            style.fitted(name, width_mm, style.SMALL_PT),
            style.wrapped(value, width_mm, VALUE_PT, bold=True)[:MOST_LINES],
        )
        for name, value in said
    ]


def _people(count: float) -> str:
    """Write an estimate without the digits that it does not have."""
    if not np.isfinite(count):
        return number(None)
    return f"{count / 1e6:.1f} million" if count >= 1e6 else number(float(f"{count:.2g}"))


def _economies(result: Result, row: pd.Series) -> str:
    shares = json.loads(row["economy_shares"] or "{}")
    names = dict(zip(result.economies["economy"], result.economies["name"], strict=True))
    largest = sorted(shares.items(), key=lambda p: -p[1])[:MOST_ECONOMIES]
    if len(largest) == 1:
        return style.drawable(names.get(largest[0][0], largest[0][0]), 40)
    return ", ".join(f"{style.drawable(names.get(e, e), 24)} {percent(s)}" for e, s in largest)


def _draw_classes(
    axes: Axes, result: Result, breaks: list[float], width: float, top: float
) -> None:
    kind = kind_of(result.run["settings"])
    radius = number(result.run["settings"]["radius_km"])
    axes.text(0, top, f"Density within {radius} km,", size=style.SMALL_PT, weight="bold", va="top")
    axes.text(0, top - 2.9, kind.unit, size=style.SMALL_PT, weight="bold", va="top")
    shades = spread(len(breaks) + 1)
    step = min(7.0, width / len(shades))
    for place, shade in enumerate(shades):
        axes.add_patch(
            Rectangle((place * step, top - 8.6), step, 2.4, facecolor=shade, linewidth=0)
        )
    if not breaks:
        axes.text(step + 1.2, top - 7.4, "all cells", size=style.SMALL_PT, va="center")
    for place, value in enumerate(breaks, start=1):
        axes.text(
            place * step,
            top - 9.2,
            f"{kind.factor * value:g}",
            size=style.SMALL_PT,
            ha="center",
            va="top",
        )
