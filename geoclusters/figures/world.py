"""The world: every cluster as a circle, its area the score, its colour the intensity or a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from matplotlib.collections import EllipseCollection
from matplotlib.patches import Circle, Rectangle
from matplotlib.patheffects import withStroke

from geoclusters.colours import spread
from geoclusters.errors import GeoclustersError
from geoclusters.figures import labels, projection, style
from geoclusters.figures.labels import Box, Mark
from geoclusters.wording import class_breaks, label, percent, window

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geoclusters.figures import Options
    from geoclusters.results import Result

WIDTH_MM: Final = 180.0
NAMED: Final = 30
LARGEST_RADIUS_MM: Final = 4.4
SMALLEST_RADIUS_MM: Final = 0.45
NAME_PT: Final = 5.6
LONGEST_NAME: Final = 30


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
    """Draw the map of the world."""
    clusters = result.clusters
    shading = _shading(result, options.colour)
    width = options.width_mm or WIDTH_MM
    frame = projection.world_frame().bounds
    inner = width - 2 * style.MARGIN_MM
    scale = inner / (frame[2] - frame[0])
    height = scale * (frame[3] - frame[1])
    sheet = style.Sheet(
        width,
        height,
        title=f"{len(clusters)} innovation clusters, {window(result.run)}",
        subtitle=f"Area of a circle: score, the {style.score_text(result)}. Colour: {shading.title}.",
        caption=style.caption(result, "Numbers are ranks by score. Equal Earth projection; outlines: Natural Earth."),
        warning=style.warning(result),
    )
    axes = sheet.axes(style.MARGIN_MM, 0, inner, height)
    _draw_land(axes, inner, height)
    x, y = projection.project_world(clusters["lon"], clusters["lat"])
    x, y = (x - frame[0]) * scale, (y - frame[1]) * scale
    radius = _radii(clusters["score"].to_numpy(), inner / WIDTH_MM)
    _draw_circles(axes, x, y, radius, shading.colours())
    legend = _draw_legend(axes, clusters, shading, inner / WIDTH_MM)
    most = min(options.most if options.most is not None else NAMED, len(clusters))
    _draw_names(axes, clusters, (x, y, radius), most, Box(0, 0, inner, height), legend)
    return sheet.figure


def _shading(result: Result, colour: str) -> Shading:
    clusters = result.clusters
    known = {"intensity": "intensity", "score": "score", **{m: f"share_{m}" for m in result.metrics}}
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
        titles.get(colour, f"share of the world's {label(colour)}"),
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


def _draw_circles(
    axes: Axes,
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    radius: npt.NDArray[Any],
    colours: list[str],
) -> None:
    order = np.argsort(-radius, kind="stable")
    axes.add_collection(
        EllipseCollection(
            2 * radius[order],
            2 * radius[order],
            np.zeros(len(order)),
            units="xy",
            offsets=np.column_stack([x, y])[order],
            offset_transform=axes.transData,
            facecolors=[colours[i] for i in order],
            edgecolors="white",
            linewidths=0.35,
        ),
        autolim=False,
    )


def _draw_names(
    axes: Axes,
    clusters: pd.DataFrame,
    circles: tuple[npt.NDArray[Any], ...],
    most: int,
    page: Box,
    legend: Box,
) -> None:
    texts = [
        f"{rank} {style.drawable(name, LONGEST_NAME)}"
        for rank, name in zip(clusters["rank"][:most], clusters["name"][:most], strict=True)
    ]
    marks = [
        Mark(*(float(c[i]) for c in circles), *_name_size(texts[i]))
        for i in range(most)
    ]
    others = [Mark(*(float(c[i]) for c in circles), 0, 0) for i in range(most, len(clusters))]
    found = labels.place_labels(marks, page=page, others=others, taken=[legend])
    for text, place in zip(texts, found, strict=True):
        if place is not None:
            draw_name(axes, text, place, size_pt=NAME_PT)


def _name_size(text: str) -> tuple[float, float]:
    width, height = style.text_size_mm(text, NAME_PT)
    return width + 0.3, height


def draw_name(axes: Axes, text: str, place: labels.Place, *, size_pt: float, **more: Any) -> None:  # noqa: ANN401
    """Write a name with a pale rim, and the line that leads to it."""
    if place.leader:
        axes.plot(*zip(*place.leader, strict=True), color=style.GREY, linewidth=0.35, zorder=3)
    axes.text(
        place.x,
        place.y + 0.25,
        text,
        size=size_pt,
        va="bottom",
        zorder=4,
        path_effects=[withStroke(linewidth=1.2, foreground="white", alpha=0.8)],
        **more,
    )


def _draw_legend(axes: Axes, clusters: pd.DataFrame, shading: Shading, size: float) -> Box:
    """Explain area and colour in the empty south-east of the Pacific; give the room it takes."""
    left, bottom, step = 1.0, 1.5, 5.6
    shades = spread(len(shading.breaks) + 1)
    for number, shade in enumerate(shades):
        axes.add_patch(Rectangle((left + number * step, bottom + 3.0), step, 2.2, facecolor=shade, linewidth=0))
    for number, value in enumerate(shading.breaks):
        axes.text(
            left + (number + 1) * step,
            bottom + 2.3,
            f"{shading.factor * value:g}",
            size=style.SMALL_PT,
            ha="center",
            va="top",
        )
    unit = "" if shading.factor == 1 else ", %"
    axes.text(left, bottom + 6.0, f"{shading.title.split(',')[0].capitalize()}{unit}", size=style.SMALL_PT, weight="bold")
    largest = float(clusters["score"].max()) if len(clusters) else 1.0
    shown = _round_scores(largest)
    radii = _radii(np.array([*shown, largest]), size)[: len(shown)]
    base, x = bottom + 10.0, left + float(radii[0])
    for value, radius in zip(shown, radii, strict=True):
        axes.add_patch(Circle((x, base + radius), radius, facecolor="none", edgecolor=style.INK, linewidth=0.5))
        axes.plot([x, x + radii[0] + 1.5], [base + 2 * radius] * 2, color=style.GREY, linewidth=0.35)
        axes.text(x + radii[0] + 2.0, base + 2 * radius, percent(value), size=style.SMALL_PT, va="center")
    top = base + 2 * float(radii[0])
    axes.text(left, top + 1.6, "Score", size=style.SMALL_PT, weight="bold")
    return Box(0, 0, left + (len(shades)) * step + 2, top + 5)


def _round_scores(largest: float) -> list[float]:
    """Choose scores for the legend: a round one near the largest, a third and a tenth of it."""
    breaks = [s * 10.0**d for d in range(-8, 3) for s in (1, 2, 5)]
    first = max([b for b in breaks if b <= largest], default=largest)
    return [float(f"{first * part:.1g}") for part in (1.0, 0.3, 0.05)]
