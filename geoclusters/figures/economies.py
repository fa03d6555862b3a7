"""Economies by the score of their clusters: one bar each, parted by metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import FuncFormatter

from geoclusters.colours import KINDS
from geoclusters.errors import GeoclustersError
from geoclusters.figures import style
from geoclusters.wording import label, percent, window

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geoclusters.figures import Options
    from geoclusters.results import Result

WIDTH_MM: Final = 140.0
LISTED: Final = 25
BAR_MM: Final = 3.9
NAMES_MM: Final = 32.0
COUNTS_MM: Final = 27.0


def draw(result: Result, options: Options) -> Figure:
    """Draw the bars, with the number of clusters beside them."""
    table = result.economies.head(options.most if options.most is not None else LISTED)
    if not len(table):
        raise GeoclustersError(f"{result.folder}: the run has no cluster, so no economy to draw")
    width, height = options.width_mm or WIDTH_MM, BAR_MM * len(table) + 14
    top = result.run["settings"]["top"]
    more = len(result.economies) - len(table)
    sheet = style.Sheet(
        width,
        height,
        title=f"Economies by the score of their clusters, {window(result.run)}",
        subtitle=f"Score: {style.score_text(result)}; a cluster across a border counts for each by its part.",
        caption=style.caption(
            result,
            f"Clusters: of which the economy holds the largest part; in brackets those of the top {top}."
            + (f" {more} more economies have clusters." if more > 0 else ""),
        ),
        warning=style.warning(result),
    )
    bars = width - 2 * style.MARGIN_MM - NAMES_MM - COUNTS_MM
    axes = sheet.axes(style.MARGIN_MM + NAMES_MM, 10, bars, BAR_MM * len(table))
    place = np.arange(len(table))
    begin = np.zeros(len(table))
    for number, metric in enumerate(result.metrics):
        part = table[f"share_{metric}"].to_numpy(dtype=np.float64) * result.run["weights"].get(
            metric, 1.0
        )
        axes.barh(
            place,
            part,
            0.68,
            left=begin,
            color=KINDS[number % len(KINDS)],
            label=style.drawable(label(metric), 24),
            edgecolor="white",
            linewidth=0.3,
        )
        begin += part
    axes.set(ylim=(len(table) - 0.5, -0.5), xlim=(0, 1.02 * float(begin.max()) or 1.0))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}"))
    axes.set_xlabel("score, %")
    names = [
        style.fitted(style.drawable(n, 40), NAMES_MM - 2, style.TEXT_PT) for n in table["name"]
    ]
    axes.set_yticks(place, names, size=style.TEXT_PT)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    axes.spines["left"].set_visible(False)
    _write_columns(axes, table, bars)
    if len(result.metrics) > 1:
        axes.legend(
            loc="lower right", frameon=False, fontsize=style.TEXT_PT, handlelength=1, handleheight=1
        )
    return sheet.figure


def _write_columns(axes: Axes, table: pd.DataFrame, bars_mm: float) -> None:
    """Write score and number of clusters in columns right of the bars."""
    columns = (
        (11.0, "score", [percent(score) for score in table["score"]]),
        (
            COUNTS_MM - 1.0,
            "clusters",
            [f"{c} ({t})" for c, t in zip(table["clusters"], table["clusters_top"], strict=True)],
        ),
    )
    for right_mm, title, texts in columns:
        x = 1 + right_mm / bars_mm
        for row, text in enumerate([title, *texts], start=-1):
            axes.text(
                x,
                row,
                text,
                transform=axes.get_yaxis_transform(),
                size=style.SMALL_PT,
                color=style.GREY if row < 0 else style.INK,
                ha="right",
                va="center",
            )
