"""Ranks of this run against those of an earlier one: a line from left to right for each cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import pandas as pd

from geoclusters.errors import GeoclustersError
from geoclusters.figures import style
from geoclusters.wording import window

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geoclusters.figures import Options
    from geoclusters.results import Result

WIDTH_MM: Final = 140.0
LISTED: Final = 40
ROW_MM: Final = 3.5
NAMES_MM: Final = 46.0
NEEDED: Final = ("rank_old", "name_old", "rank_new", "name_new", "part_of_old", "fate")
UP: Final = "#0072b2"
DOWN: Final = "#d55e00"
HALF: Final = 0.5
"""A line is drawn whole where at least this part of the cluster's weight goes the same way."""
SAME: Final = "#a4a9b0"


def draw(result: Result, options: Options) -> Figure:
    """Draw the lines: blue for what rose, orange for what fell, grey for what stayed."""
    table = _table(options)
    most = options.most if options.most is not None else LISTED
    width, height = options.width_mm or WIDTH_MM, ROW_MM * most + 12
    sheet = style.Sheet(
        width,
        height,
        title=f"Ranks of the earlier run and of this one, {window(result.run)}",
        subtitle="A cluster is followed by the weight of the cells that both runs have in it. Blue: up; orange: "
        "down; grey: as before. Dashes: less than half of its weight.",
        caption=style.caption(result),
        warning=style.warning(result),
    )
    axes = sheet.axes(
        style.MARGIN_MM + NAMES_MM, 2, width - 2 * style.MARGIN_MM - 2 * NAMES_MM, ROW_MM * most + 5
    )
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(most + 0.6, -0.8))
    both = table.dropna(subset=["rank_old", "rank_new"])
    both = both.sort_values("part_of_old", kind="stable")
    listed = both[(both["rank_old"] <= most) & (both["rank_new"] <= most)]
    # Of a cluster that split or was merged, its largest part alone has a stub, if no other has a line.
    stubs = both.drop_duplicates("rank_old", keep="last").drop_duplicates("rank_new", keep="last")
    for side in ("rank_old", "rank_new"):
        stubs = stubs[~stubs[side].isin(listed[side])]
    for one in cast("Any", pd.concat([stubs, listed]).itertuples()):
        if min(one.rank_old, one.rank_new) <= most:
            _draw_line(axes, one, most)
    for side, at, turn in (("old", 0.0, "right"), ("new", 1.0, "left")):
        axes.text(
            at,
            -0.3,
            "earlier" if side == "old" else "this run",
            size=style.TEXT_PT,
            weight="bold",
            ha=turn,
        )
        named = table.dropna(subset=[f"rank_{side}"]).drop_duplicates(f"rank_{side}")
        for rank, name in zip(named[f"rank_{side}"], named[f"name_{side}"], strict=True):
            if rank <= most:
                _write_name(axes, int(rank), name, at, turn)
    return sheet.figure


def _draw_line(axes: Axes, one: Any, most: int) -> None:  # noqa: ANN401
    """Draw from rank to rank; where one of them is not listed, a stub that names it."""
    change = one.rank_old - one.rank_new
    look = {
        "color": UP if change > 0 else DOWN if change < 0 else SAME,
        "linewidth": 1.1 if one.part_of_old >= HALF else 0.5,
        "linestyle": "-" if one.part_of_old >= HALF else (0, (3, 2)),
    }
    ranks = (one.rank_old, one.rank_new)
    if max(ranks) <= most:
        across, up = [0.02, 0.3, 0.7, 0.98], [ranks[0], ranks[0], ranks[1], ranks[1]]
        axes.plot(across, up, **cast("Any", look))
        return
    left = ranks[0] <= most
    ends = [0.02, 0.1] if left else [0.9, 0.98]
    axes.plot(ends, [min(ranks)] * 2, **cast("Any", look))
    axes.text(
        0.12 if left else 0.88,
        min(ranks),
        f"to {ranks[1]}" if left else f"from {ranks[0]}",
        size=style.SMALL_PT - 0.8,
        color=look["color"],
        ha="left" if left else "right",
        va="center",
    )


def _write_name(axes: Axes, rank: int, name: str, at: float, turn: str) -> None:
    shown = style.fitted(style.drawable(name, 50), NAMES_MM - 7, style.SMALL_PT)
    text = f"{shown}  {rank}" if turn == "right" else f"{rank}  {shown}"
    axes.text(at, rank, text, size=style.SMALL_PT, ha=turn, va="center")


def _table(options: Options) -> pd.DataFrame:
    if options.table is None:
        raise GeoclustersError(
            "the figure of changes needs an earlier run to compare with: give --against DIR"
        )
    missing = [c for c in NEEDED if c not in options.table.columns]
    if missing:
        raise GeoclustersError(f"the table of the comparison has no column {', '.join(missing)}")
    return options.table
