"""Size against intensity: which clusters are large, and which are large for their population."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from geoclusters.colours import KINDS
from geoclusters.errors import GeoclustersError
from geoclusters.figures import labels, style
from geoclusters.figures.labels import Box, Mark
from geoclusters.wording import window

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geoclusters.figures import Options
    from geoclusters.results import Result

WIDTH_MM: Final = 180.0
HEIGHT_MM: Final = 116.0
NAMED: Final = 45
COLOURED: Final = 6
OTHERS: Final = "#b3b8bf"
NAME_PT: Final = 5.6
DOT_MM: Final = 0.75
SIDE_MM: Final = 12.0
FOOT_MM: Final = 14.0
MILLIONS: Final = (0.3, 1, 3, 10, 30, 100)


def draw(result: Result, options: Options) -> Figure:
    """Draw score (across) against intensity (up), both by powers of ten."""
    clusters = result.clusters
    known = clusters[
        clusters["intensity"].notna() & (clusters["intensity"] > 0) & (clusters["score"] > 0)
    ]
    if not len(known):
        raise GeoclustersError(
            f"{result.folder}: no cluster has a population, so there is no intensity to draw"
        )
    width = options.width_mm or WIDTH_MM
    sheet = style.Sheet(
        width,
        HEIGHT_MM,
        title=f"Size and intensity of {style.counted_clusters(len(known))}, {window(result.run)}",
        subtitle=f"Score: {style.score_text(result)}. Intensity: score in percentage points per million "
        "inhabitants (estimated). Lines: clusters of the same population.",
        caption=style.caption(result, "Both scales are logarithmic. Numbers are ranks by score."),
        warning=style.warning(result),
    )
    wide, high = width - 2 * style.MARGIN_MM - SIDE_MM, HEIGHT_MM - FOOT_MM - 5
    axes = sheet.axes(style.MARGIN_MM + SIDE_MM, FOOT_MM, wide, high)
    x, y = known["score"].to_numpy() * 100, known["intensity"].to_numpy(dtype=np.float64)
    limits = (*_limits(x), *_limits(y))
    _prepare(axes, limits)
    taken = _draw_populations(axes, limits, wide, high)
    colours = _colours(known)
    axes.scatter(
        x,
        y,
        s=(2 * DOT_MM / style.POINT_MM) ** 2,
        c=[colours.get(e, OTHERS) for e in _first(known)],
        edgecolors="white",
        linewidths=0.4,
        zorder=3,
    )
    across, up = _on_page(x, limits[:2], wide), _on_page(y, limits[2:], high)
    _draw_names(
        sheet,
        known,
        (across, up),
        options.most if options.most is not None else NAMED,
        (wide, high),
        taken,
    )
    _draw_legend(axes, result, colours)
    return sheet.figure


def _prepare(axes: Axes, limits: tuple[float, ...]) -> None:
    axes.set(xscale="log", yscale="log", xlim=limits[:2], ylim=limits[2:])
    axes.set_xlabel("score, %")
    axes.set_ylabel("intensity")
    for axis, (low, high) in ((axes.xaxis, limits[:2]), (axes.yaxis, limits[2:])):
        axis.set_ticks(_round_values(low, high))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())


def _limits(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    return float(values.min()) / 1.25, float(values.max()) * 1.35


def _round_values(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [v for d in decades for s in (1, 2, 5) if low <= (v := s * 10.0**d) <= high]


def _on_page(
    values: npt.NDArray[np.float64], limits: tuple[float, ...], size_mm: float
) -> npt.NDArray[np.float64]:
    low, high = np.log(limits)
    return np.asarray((np.log(values) - low) / (high - low) * size_mm)


def _draw_populations(axes: Axes, limits: tuple[float, ...], wide: float, high: float) -> list[Box]:
    """Draw lines of equal population: intensity is score by millions of people; give their names' room."""
    taken = []
    for million in MILLIONS:
        axes.plot(
            limits[:2], [v / million for v in limits[:2]], color="#dde0e4", linewidth=0.6, zorder=1
        )
        x = min(limits[1], limits[3] * million)
        y = x / million
        if not (limits[0] * 1.3 < x and limits[2] < y):
            continue
        at_top = y >= limits[3] * 0.999
        text = f"{million:g} million"
        size = style.text_size_mm(text, style.SMALL_PT)
        axes.annotate(
            text,
            (x, y),
            xytext=(0, 2) if at_top else (-2, 2),
            textcoords="offset points",
            size=style.SMALL_PT,
            color="#8d939b",
            ha="center" if at_top else "right",
            va="bottom",
        )
        left = _on_page(np.array([x]), limits[:2], wide)[0] - size[0] - 1
        bottom = _on_page(np.array([y]), limits[2:], high)[0]
        if not at_top:
            taken.append(Box(left, bottom, left + size[0] + 1, bottom + size[1] + 1))
    return taken


def _first(clusters: pd.DataFrame) -> list[str]:
    """Give the economy that holds the largest part of each cluster."""
    return [str(e).split("/")[0] for e in clusters["economies"]]


def _colours(clusters: pd.DataFrame) -> dict[str, str]:
    """Give colours to the economies with most clusters."""
    counted: dict[str, int] = {}
    for economy in _first(clusters):
        counted[economy] = counted.get(economy, 0) + 1
    most = sorted(counted, key=lambda e: (-counted[e], e))[:COLOURED]
    return dict(zip(most, KINDS, strict=False))


def _draw_names(
    sheet: style.Sheet,
    clusters: pd.DataFrame,
    points: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    most: int,
    size_mm: tuple[float, float],
    taken: list[Box],
) -> None:
    """Name the largest and the most intense; on axes in millimetres over the others."""
    wide, high = size_mm
    over = sheet.axes(style.MARGIN_MM + SIDE_MM, FOOT_MM, wide, high)
    over.set_axis_off()
    over.set(xlim=(0, wide), ylim=(0, high))
    rank = clusters["rank"].rank().to_numpy()
    best = np.minimum(rank, clusters["intensity"].rank(ascending=False).to_numpy() * 1.5)
    order = np.argsort(best, kind="stable")
    rows, rest = order[:most], order[most:]
    texts = [
        f"{clusters['rank'].iloc[i]} {style.drawable(clusters['name'].iloc[i], 30)}" for i in rows
    ]
    marks = [
        Mark(
            float(points[0][i]),
            float(points[1][i]),
            DOT_MM,
            style.text_size_mm(t, NAME_PT)[0] + 0.3,
            style.text_size_mm(t, NAME_PT)[1],
        )
        for i, t in zip(rows, texts, strict=True)
    ]
    others = [Mark(float(points[0][i]), float(points[1][i]), DOT_MM, 0, 0) for i in rest]
    found = labels.place_labels(marks, page=Box(0, 0, wide + 2, high), others=others, taken=taken)
    for text, place in zip(texts, found, strict=True):
        if place is not None:
            labels.write(over, text, place, size_pt=NAME_PT)


def _draw_legend(axes: Axes, result: Result, colours: dict[str, str]) -> None:
    names = dict(zip(result.economies["economy"], result.economies["name"], strict=True))
    shown = [
        *((style.drawable(names.get(e, e), 26), c) for e, c in colours.items()),
        ("other economies", OTHERS),
    ]
    handles = [
        axes.plot(
            [],
            [],
            "o",
            color=colour,
            markersize=3.6,
            markeredgecolor="white",
            markeredgewidth=0.4,
            label=name,
        )[0]
        for name, colour in shown
    ]
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.085),
        ncols=len(handles),
        frameon=False,
        fontsize=style.SMALL_PT,
        handletextpad=0.1,
        columnspacing=1.2,
        borderpad=0,
    )
