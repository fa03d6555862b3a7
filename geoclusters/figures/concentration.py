"""How much of the world the largest clusters hold: one rising curve a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import PercentFormatter

from geoclusters.colours import KINDS
from geoclusters.figures import style
from geoclusters.wording import label, percent, window

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geoclusters.figures import Options
    from geoclusters.results import Result

WIDTH_MM: Final = 120.0
HEIGHT_MM: Final = 68.0
TOPS: Final = (10, 100)
LEAST_STEP_MM: Final = 3.2


def draw(result: Result, options: Options) -> Figure:
    """Draw the curves, with the values of the top 10 and of the printed top."""
    clusters, width = result.clusters, options.width_mm or WIDTH_MM
    tops = [t for t in TOPS if t < len(clusters)]
    held = {m: np.cumsum(clusters[f"share_{m}"].to_numpy(dtype=np.float64)) for m in result.metrics}
    first = f"The top {tops[0]} of" if tops else "How much"
    sheet = style.Sheet(
        width,
        HEIGHT_MM,
        title=f"{first} {len(clusters)} clusters: their part of the world, {window(result.run)}"
        if tops
        else f"The clusters' part of the world, {window(result.run)}",
        subtitle="Share of the world's documents held by the clusters up to each rank by score.",
        caption=style.caption(result),
        warning=style.warning(result),
    )
    room = 30.0
    axes = sheet.axes(style.MARGIN_MM + 10, 9, width - 2 * style.MARGIN_MM - 10 - room, HEIGHT_MM - 12)
    highest = max([float(v[-1]) for v in held.values() if len(v)], default=1.0)
    axes.set(xlim=(0, max(len(clusters), 1)), ylim=(0, min(1.0, 1.08 * highest)))
    axes.set_xlabel("clusters, by rank")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.grid(visible=True, axis="y")
    for top in tops:
        axes.axvline(top, color=style.FAINT, linewidth=0.7, linestyle=(0, (3, 2)))
        axes.text(top, axes.get_ylim()[1], f" top {top}", size=style.SMALL_PT, color=style.GREY, va="bottom", ha="center")
    for number, (metric, share) in enumerate(held.items()):
        _draw_curve(axes, share, KINDS[number % len(KINDS)], tops, last=number == len(held) - 1)
        del metric
    _name_curves(axes, held)
    return sheet.figure


def _draw_curve(
    axes: Axes, share: npt.NDArray[np.float64], colour: str, tops: list[int], *, last: bool
) -> None:
    del last
    axes.plot(np.arange(len(share) + 1), np.concatenate([[0.0], share]), color=colour, linewidth=1.3)
    for top in tops:
        axes.plot([top], [share[top - 1]], "o", color=colour, markersize=3.2, markeredgecolor="white", markeredgewidth=0.4)


def _name_curves(axes: Axes, held: dict[str, npt.NDArray[np.float64]]) -> None:
    """Write each metric's name and values beside the end of its curve, apart from each other."""
    ends = sorted((float(v[-1]) if len(v) else 0.0, number, m) for number, (m, v) in enumerate(held.items()))
    del ends, axes
