"""How sure a rank is: margins of the bootstrap, and the ranks under other parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import pandas as pd

from geoclusters.errors import GeoclustersError
from geoclusters.figures import style
from geoclusters.wording import window

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geoclusters.figures import Options
    from geoclusters.results import Result

WIDTH_MM: Final = 140.0
LISTED: Final = 40
ROW_MM: Final = 3.5
NAMES_MM: Final = 46.0
NEEDED: Final = ("rank", "name", "rank_low", "rank_high", "grid_rank_best", "grid_rank_worst")
GRID: Final = "#9fc6dd"
MARGIN: Final = "#14507e"
RANK: Final = "#d55e00"


def draw(result: Result, options: Options) -> Figure:
    """Draw a row a cluster: its rank, the margin of it, and its range over the grid."""
    table = _table(result, options).head(options.most if options.most is not None else LISTED)
    width, height = options.width_mm or WIDTH_MM, ROW_MM * len(table) + 14
    sheet = style.Sheet(
        width,
        height,
        title=f"How sure the ranks are, {window(result.run)}",
        subtitle="Point: rank by score. Dark bar: the middle 95 % of the ranks when documents are drawn again at "
        "random. Pale bar: best and worst rank over other radii and densities.",
        caption=style.caption(
            result, "Bootstrap over documents within the clusters as they are (Efron 1979)."
        ),
        warning=style.warning(result),
    )
    axes = sheet.axes(
        style.MARGIN_MM + NAMES_MM, 8, width - 2 * style.MARGIN_MM - NAMES_MM, ROW_MM * len(table)
    )
    for row, one in enumerate(cast("Any", table.itertuples())):
        if pd.notna(one.grid_rank_best):
            axes.plot(
                [one.grid_rank_best - 0.3, one.grid_rank_worst + 0.3],
                [row, row],
                color=GRID,
                linewidth=4.2,
                solid_capstyle="butt",
            )
        axes.plot(
            [one.rank_low - 0.15, one.rank_high + 0.15],
            [row, row],
            color=MARGIN,
            linewidth=1.5,
            solid_capstyle="butt",
        )
        axes.plot(
            [one.rank],
            [row],
            "o",
            color=RANK,
            markersize=3.2,
            markeredgecolor="white",
            markeredgewidth=0.4,
        )
    farthest = table[["rank", "rank_high", "grid_rank_worst"]].astype("float64").max().max()
    axes.set(ylim=(len(table) - 0.4, -0.6), xlim=(0, farthest + 1.5))
    axes.set_xlabel("rank")
    names = [
        style.fitted(f"{r} {style.drawable(n, 50)}", NAMES_MM - 2, style.SMALL_PT)
        for r, n in zip(table["rank"], table["name"], strict=True)
    ]
    axes.set_yticks(range(len(table)), names, size=style.SMALL_PT)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True)
    axes.spines["left"].set_visible(False)
    return sheet.figure


def _table(result: Result, options: Options) -> pd.DataFrame:
    """Take the table that was given and say what is wrong with it."""
    if options.table is None:
        raise GeoclustersError(
            f"{result.folder}: the figure of margins needs the table of 'geoclusters sensitivity {result.folder}', "
            "which writes sensitivity.csv there; run that first"
        )
    missing = [c for c in NEEDED if c not in options.table.columns]
    if missing:
        raise GeoclustersError(
            f"the table of sensitivity has no column {', '.join(missing)}; "
            f"seen: {', '.join(map(str, options.table.columns[:12]))}"
        )
    return options.table.sort_values("rank", kind="stable")
