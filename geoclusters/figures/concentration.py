"""How much of the world the largest clusters hold: one rising curve a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator

from geoclusters.colours import KINDS
from geoclusters.figures import style
from geoclusters.wording import label, percent, window

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from geoclusters.figures import Options
    from geoclusters.results import Result

WIDTH_MM: Final = 120.0
HEIGHT_MM: Final = 72.0
TOPS: Final = (10, 100)
TICKS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
LEFT_MM: Final = 10.0
NAMES_MM: Final = 24.0
_GROUND: Final = {
    "boxstyle": "square,pad=0.05",
    "facecolor": "white",
    "alpha": 0.75,
    "linewidth": 0,
}


def _title(count: int, years: str) -> str:
    if not count:
        return f"No cluster holds a part of the world, {years}"
    holds = "holds" if count == 1 else "hold"
    return f"How much of the world {style.counted_clusters(count)} {holds}, {years}"


def draw(result: Result, options: Options) -> Figure:
    """Draw the curves, with the values of the top 10 and the top 100."""
    clusters, width = result.clusters, options.width_mm or WIDTH_MM
    held = {m: _risen(clusters[f"share_{m}"].to_numpy(dtype=np.float64)) for m in result.metrics}
    sheet = style.Sheet(
        width,
        HEIGHT_MM,
        title=_title(len(clusters), window(result.run)),
        subtitle="Share of the world's documents in the clusters up to each rank by score.",
        caption=style.caption(result),
        warning=style.warning(result),
    )
    wide = width - 2 * style.MARGIN_MM - LEFT_MM - NAMES_MM
    axes = sheet.axes(style.MARGIN_MM + LEFT_MM, 10, wide, HEIGHT_MM - 15)
    highest = max([float(v[-1]) for v in held.values()], default=1.0) or 1.0
    last = max(len(clusters), 2)
    axes.set(xscale="log", xlim=(1, last), ylim=(0, 1.06 * highest))
    axes.set_xlabel("clusters by rank, from the first to the last (logarithmic)")
    axes.set_xticks([t for t in TICKS if t <= last], [str(t) for t in TICKS if t <= last])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.grid(visible=True, axis="y")
    tops = [t for t in TOPS if t <= len(clusters)]
    for top in tops:
        axes.axvline(top, color=style.FAINT, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
        axes.annotate(
            f"top {top}",
            (top, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            size=style.SMALL_PT,
            color=style.GREY,
            ha="center",
        )
    for number, share in enumerate(held.values()):
        _draw_curve(axes, share, KINDS[number % len(KINDS)])
    _write_values(axes, list(held.values()), tops, HEIGHT_MM - 15)
    _name_curves(axes, held, HEIGHT_MM - 15)
    return sheet.figure


def _risen(share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Add up from the first rank; the curve begins at nothing."""
    return np.concatenate([[0.0], np.cumsum(share)])


def _draw_curve(axes: Axes, share: npt.NDArray[np.float64], colour: str) -> None:
    axes.plot(
        np.arange(1, len(share)), share[1:], color=colour, linewidth=1.3, solid_capstyle="round"
    )


def _write_values(
    axes: Axes, held: Sequence[npt.NDArray[np.float64]], tops: Sequence[int], height_mm: float
) -> None:
    """Mark where each curve stands at the top 10 and the top 100, values apart from each other."""
    for top in tops:
        values = [float(share[top]) for share in held]
        for number, (value, at) in enumerate(
            zip(values, _apart(axes, values, height_mm), strict=True)
        ):
            colour = KINDS[number % len(KINDS)]
            axes.plot(
                [top],
                [value],
                "o",
                color=colour,
                markersize=3.4,
                markeredgecolor="white",
                markeredgewidth=0.5,
                clip_on=False,
                zorder=4,
            )
            # The highest curve leaves room above it, the others below.
            highest = value == max(values)
            axes.annotate(
                percent(value),
                (top, value if highest else at),
                xytext=(-3, 5) if highest else (4, -4),
                textcoords="offset points",
                size=style.SMALL_PT,
                color=colour,
                ha="right" if highest else "left",
                va="center",
                zorder=5,
                bbox=_GROUND,
            )


def _name_curves(axes: Axes, held: dict[str, npt.NDArray[np.float64]], height_mm: float) -> None:
    ends = [float(share[-1]) for share in held.values()]
    for number, (metric, at) in enumerate(
        zip(held, _apart(axes, ends, height_mm, lines=2), strict=True)
    ):
        axes.annotate(
            f"{style.fitted(label(metric), NAMES_MM - 3, style.TEXT_PT, bold=True)}\n{percent(ends[number])} in all",
            (axes.get_xlim()[1], at),
            xytext=(5, 0),
            textcoords="offset points",
            size=style.TEXT_PT,
            color=KINDS[number % len(KINDS)],
            weight="bold",
            va="center",
            annotation_clip=False,
        )


def _apart(axes: Axes, values: Sequence[float], height_mm: float, *, lines: int = 1) -> list[float]:
    """Move heights so that texts at them do not touch; their order stays."""
    per_mm = (axes.get_ylim()[1] - axes.get_ylim()[0]) / height_mm
    step = lines * 3.1 * per_mm
    order = sorted(range(len(values)), key=lambda i: values[i])
    placed = dict.fromkeys(order, 0.0)
    before = -np.inf
    for i in order:
        placed[i] = before = max(values[i], before + step)
    # What was pushed up as a whole comes down again by half of it.
    down = (sum(placed.values()) - sum(values)) / max(len(values), 1)
    return [placed[i] - down for i in range(len(values))]
