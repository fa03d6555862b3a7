"""The world: every cluster as a circle, its area the score, its colour the intensity or a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from matplotlib.collections import EllipseCollection
from matplotlib.patches import Circle, Rectangle

from geoclusters.colours import spread
from geoclusters.errors import GeoclustersError
from geoclusters.figures import labels, projection, style
from geoclusters.figures.labels import Box, Mark
from geoclusters.wording import class_breaks, label, window

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geoclusters.figures import Options
    from geoclusters.results import Result

WIDTH_MM: Final = 180.0
NAMED: Final = 60
LARGEST_RADIUS_MM: Final = 3.6
SMALLEST_RADIUS_MM: Final = 0.45
LINE_MM: Final = 2.3
NAME_PT: Final = 5.6
LONGEST_NAME: Final = 30


@dataclass(frozen=True)
class Inset:
    """A part of the world that is drawn again from near: its middle and its width."""

    title: str
    lat: float
    lon: float
    width_km: float

    @property
    def plane(self) -> projection.Plane:
        """The plane on which it is drawn."""
        return projection.Plane(self.lat, self.lon)

    def holds(self, clusters: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Say which clusters lie in it."""
        x, y = self.plane.points(clusters["lon"], clusters["lat"])
        half = self.width_km / 2
        return np.asarray((np.abs(x) < half) & (np.abs(y) < half * INSET_ASPECT))

    def rim(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Give its edge as longitudes and latitudes."""
        part = np.linspace(-1, 1, 30)
        one = np.ones_like(part)
        half = self.width_km / 2
        x = half * np.concatenate([part, one, -part, -one])
        y = half * INSET_ASPECT * np.concatenate([-one, part, one, -part])
        return self.plane.degrees(x, y)

    def draw(
        self, axes: Axes, clusters: pd.DataFrame, width_mm: float
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Draw sea and land; give where the clusters are on the page, in millimetres."""
        scale, half = width_mm / self.width_km, self.width_km / 2
        origin = (-half, -half * INSET_ASPECT)
        axes.set(xlim=(0, width_mm), ylim=(0, width_mm * INSET_ASPECT), xticks=[], yticks=[])
        axes.set_facecolor(style.WATER)
        for spine in axes.spines.values():
            spine.set(visible=True, color=style.FAINT, linewidth=0.5)
        land = shapely.transform(
            self.plane.land(self.width_km * 0.75), lambda xy: (xy - origin) * scale
        )
        land = shapely.clip_by_rect(land, -1, -1, width_mm + 1, width_mm * INSET_ASPECT + 1)
        projection.paint(axes, land, facecolor=style.LAND, edgecolor=style.BORDER, linewidth=0.35)
        x, y = self.plane.points(clusters["lon"], clusters["lat"])
        return (x - origin[0]) * scale, (y - origin[1]) * scale


INSET_ASPECT: Final = 0.9
FEWEST_IN_INSET: Final = 4
GAP_MM: Final = 2.0
INSETS: Final = (
    Inset("North America", 38.5, -97.5, 5300.0),
    Inset("Europe", 49.0, 8.0, 2800.0),
    Inset("East Asia", 31.0, 122.0, 3900.0),
)


@dataclass(frozen=True)
class Circles:
    """The clusters as they are drawn on each of the maps."""

    clusters: pd.DataFrame
    colours: list[str]
    radius: npt.NDArray[np.float64]

    def draw(
        self,
        axes: Axes,
        x: npt.NDArray[Any],
        y: npt.NDArray[Any],
        named: npt.NDArray[np.bool_],
        page: Box,
        *taken: Box,
    ) -> None:
        """Draw circles, the smaller on top, and the names of some of them."""
        inside = (x > page.left) & (x < page.right) & (y > page.bottom) & (y < page.top)
        order = [i for i in np.argsort(-self.radius, kind="stable") if inside[i]]
        axes.add_collection(
            EllipseCollection(
                2 * self.radius[order],
                2 * self.radius[order],
                np.zeros(len(order)),
                units="xy",
                offsets=np.column_stack([x, y])[order],
                offset_transform=axes.transData,
                facecolors=[self.colours[i] for i in order],
                edgecolors="white",
                linewidths=0.35,
                zorder=2,
            ),
            autolim=False,
        )
        rows = np.flatnonzero(named & inside)
        texts = [self._text(int(i)) for i in rows]
        marks = [
            Mark(float(x[i]), float(y[i]), float(self.radius[i]), *_name_size(text))
            for i, text in zip(rows, texts, strict=True)
        ]
        others = [
            Mark(float(x[i]), float(y[i]), float(self.radius[i]), 0, 0)
            for i in np.flatnonzero(~named & inside)
        ]
        found = labels.place_labels(marks, page=page, others=others, taken=taken)
        for text, place in zip(texts, found, strict=True):
            if place is not None:
                labels.write(axes, text, place, size_pt=NAME_PT)

    def _text(self, row: int) -> str:
        one = self.clusters.iloc[row]
        return f"{one['rank']} {style.drawable(one['name'], LONGEST_NAME)}"


@dataclass(frozen=True)
class Shading:
    """What the colour says: values, their classes, and how they are written."""

    values: npt.NDArray[np.float64]
    breaks: list[float]
    title: str
    factor: float

    def colours(self) -> list[str]:
        """Give each cluster the colour of its class; grey where there is no value."""
        shades = spread(len(self.breaks) + 1)
        classes = np.searchsorted(self.breaks, np.nan_to_num(self.values), side="right")
        known = np.isfinite(self.values)
        return [shades[c] if k else style.UNKNOWN for c, k in zip(classes, known, strict=True)]


def draw(result: Result, options: Options) -> Figure:
    """Draw the map of the world, and below it the dense parts of it from near."""
    clusters = result.clusters
    shading = _shading(result, options.colour)
    inner = (options.width_mm or WIDTH_MM) - 2 * style.MARGIN_MM
    size = inner / WIDTH_MM
    insets = [i for i in INSETS if i.holds(clusters).sum() >= FEWEST_IN_INSET]
    left, low, right, high = projection.world_frame().bounds
    scale = inner / (right - left)
    world_mm = scale * (high - low)
    wide = (inner - GAP_MM * (len(INSETS) - 1)) / len(INSETS)
    row_mm = wide * INSET_ASPECT + GAP_MM if insets else 0.0
    sheet = style.Sheet(
        inner + 2 * style.MARGIN_MM,
        world_mm + row_mm,
        title=f"{style.counted_clusters(len(clusters), 'innovation ')}, {window(result.run)}",
        subtitle=f"Area of a circle: score, the {style.score_text(result)}. Colour: {shading.title}.",
        caption=style.caption(
            result, "Numbers are ranks by score. Equal-area projections; outlines: Natural Earth."
        ),
        warning=style.warning(result),
    )
    circles = Circles(
        clusters, shading.colours(), _radii(clusters["score"].to_numpy(dtype=np.float64), size)
    )
    named = np.arange(len(clusters)) < (NAMED if options.most is None else options.most)
    axes = sheet.axes(style.MARGIN_MM, row_mm, inner, world_mm)
    x, y = projection.project_world(clusters["lon"], clusters["lat"])
    _draw_land(axes, inner, world_mm)
    away = np.logical_not(np.any([i.holds(clusters) for i in insets] or [named & False], axis=0))
    legend = _draw_legend(axes, clusters, shading, size)
    _draw_boxes(axes, insets, scale)
    page = Box(0, 0, inner, world_mm)
    circles.draw(axes, (x - left) * scale, (y - low) * scale, named & away, page, legend)
    for number, inset in enumerate(insets):
        axes = sheet.axes(style.MARGIN_MM + number * (wide + GAP_MM), 0, wide, wide * INSET_ASPECT)
        x, y = inset.draw(axes, clusters, wide)
        circles.draw(
            axes, x, y, named & inset.holds(clusters), Box(0, 0, wide, wide * INSET_ASPECT)
        )
    return sheet.figure


def _shading(result: Result, colour: str) -> Shading:
    clusters = result.clusters
    known = {
        "intensity": "intensity",
        "score": "score",
        **{m: f"share_{m}" for m in result.metrics},
    }
    if colour not in known:
        raise GeoclustersError(
            f"{colour!r} is nothing that a map can be coloured by; known are {', '.join(known)}"
        )
    values = clusters[known[colour]].to_numpy(dtype=np.float64, na_value=np.nan)
    titles = {
        "intensity": "intensity, score in percentage points per million inhabitants (estimated)",
        "score": "score",
    }
    return Shading(
        values,
        class_breaks(values),
        titles.get(colour, f"share of the world's {style.inside(label(colour))}"),
        1.0 if colour == "intensity" else 100.0,
    )


def _radii(score: npt.NDArray[np.float64], size: float) -> npt.NDArray[np.float64]:
    largest = max(float(np.nanmax(score, initial=0.0)), 1e-12)
    return np.asarray(
        size * np.maximum(LARGEST_RADIUS_MM * np.sqrt(score / largest), SMALLEST_RADIUS_MM)
    )


def _draw_land(axes: Axes, width: float, height: float) -> None:
    """Draw sea, land and borders; the axes are in millimetres from here on."""
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(0, height))
    left, bottom, right, _ = projection.world_frame().bounds
    scale = width / (right - left)

    def on_page(shapes: Any) -> Any:  # noqa: ANN401
        return shapely.transform(shapes, lambda xy: (xy - (left, bottom)) * scale)

    projection.paint(axes, [on_page(projection.world_frame())], facecolor=style.WATER, linewidth=0)
    projection.paint(
        axes,
        on_page(projection.world_land()),
        facecolor=style.LAND,
        edgecolor=style.BORDER,
        linewidth=0.25,
    )


def _draw_boxes(axes: Axes, insets: Sequence[Inset], scale: float) -> None:
    """Show on the map of the world what the insets hold."""
    left, low, *_ = projection.world_frame().bounds
    for inset in insets:
        lon, lat = inset.rim()
        x, y = projection.project_world(lon, lat)
        axes.plot((x - left) * scale, (y - low) * scale, color=style.GREY, linewidth=0.5, zorder=1)


def _name_size(text: str) -> tuple[float, float]:
    width, height = style.text_size_mm(text, NAME_PT)
    return width + 0.3, height


def _draw_legend(axes: Axes, clusters: pd.DataFrame, shading: Shading, size: float) -> Box:
    """Explain area and colour in the empty south-east of the Pacific; give the room it takes."""
    left, bottom, step = 1.0, 1.5, 5.6
    if not len(clusters):
        return Box(0, 0, 0, 0)
    shades = spread(len(shading.breaks) + 1)
    for number, shade in enumerate(shades):
        axes.add_patch(
            Rectangle((left + number * step, bottom + 3.0), step, 2.2, facecolor=shade, linewidth=0)
        )
    for number, value in enumerate(shading.breaks):
        axes.text(
            left + (number + 1) * step,
            bottom + 2.3,
            f"{shading.factor * value:g}",
            size=style.SMALL_PT,
            ha="center",
            va="top",
        )
    if not shading.breaks:
        axes.text(left + step + 1.0, bottom + 4.1, "all", size=style.SMALL_PT, va="center")
    unit = "" if shading.factor == 1 else ", %"
    axes.text(
        left,
        bottom + 6.0,
        f"{shading.title.split(',')[0].capitalize()}{unit}",
        size=style.SMALL_PT,
        weight="bold",
    )
    largest = float(clusters["score"].max()) if len(clusters) else 1.0
    shown = _round_scores(largest)
    radii = _radii(np.array([*shown, largest]), size)[: len(shown)]
    base, x = bottom + 10.0, left + float(radii[0])
    written = np.inf
    for value, radius in zip(shown, radii, strict=True):
        axes.add_patch(
            Circle((x, base + radius), radius, facecolor="none", edgecolor=style.INK, linewidth=0.5)
        )
        at = min(base + 2 * radius, written - LINE_MM)
        written = at
        ends = ([x, x + radii[0] + 0.5, x + radii[0] + 1.7], [base + 2 * radius] * 2 + [at])
        axes.plot(*ends, color=style.GREY, linewidth=0.35)
        axes.text(x + radii[0] + 2.0, at, f"{100 * value:g} %", size=style.SMALL_PT, va="center")
    top = base + 2 * float(radii[0])
    axes.text(left, top + 1.6, "Score", size=style.SMALL_PT, weight="bold")
    return Box(0, 0, left + (len(shades)) * step + 2, top + 5)


def _round_scores(largest: float) -> list[float]:
    """Choose scores for the legend: a round one near the largest, a third and a tenth of it."""
    breaks = [s * 10.0**d for d in range(-8, 3) for s in (1, 2, 5)]
    first = max([b for b in breaks if b <= largest], default=largest)
    return [float(f"{first * part:.1g}") for part in (1.0, 0.3, 0.05)]
