"""How every figure looks: page, type, colours, caption, and how it is saved with the same bytes each time."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from geoclusters.densities import density_text
from geoclusters.hierarchy import EXACT
from geoclusters.results import written_aside
from geoclusters.wording import joined, label, notice, number, printable, window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from geoclusters.results import Result

MM: Final = 1 / 25.4
"""Inches."""
POINT_MM: Final = 25.4 / 72

INK: Final = "#14181d"
GREY: Final = "#5d6670"
FAINT: Final = "#c9cdd2"
LAND: Final = "#e9e7e2"
BORDER: Final = "#ffffff"
WATER: Final = "#f4f7f9"
UNKNOWN: Final = "#b9b7b1"
WARNING: Final = "#9a3412"

TITLE_PT: Final = 10.0
TEXT_PT: Final = 7.0
SMALL_PT: Final = 6.0
MARGIN_MM: Final = 4.0
LEADING: Final = 1.32

_FAMILY: Final = "DejaVu Sans"
"""Comes with matplotlib, so that a figure is the same on every machine."""

_SETTINGS: Final[dict[str, Any]] = {
    "font.family": [_FAMILY],
    "font.size": TEXT_PT,
    "text.color": INK,
    "text.parse_math": False,
    # Hinted letters are wider where dots are few, and lines would run over the edge that they were broken for.
    "text.hinting": "none",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT_PT,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,
    "axes.axisbelow": True,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "grid.color": "#e4e6e9",
    "grid.linewidth": 0.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "geoclusters",
    "pdf.fonttype": 42,
    "savefig.facecolor": "white",
}
_METADATA: Final[dict[str, dict[str, None]]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


@contextmanager
def themed() -> Iterator[None]:
    """Draw and save with these settings alone, whatever the user's own are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast("Any", _SETTINGS))
        yield


def save(figure: Figure, out: Path, *, formats: Sequence[str], dpi: int) -> list[Path]:
    """Write a figure in each format beside each other; the same figure gives the same bytes."""
    stem = out.with_suffix("") if out.suffix.lower().removeprefix(".") in _METADATA else out
    files = []
    for name in formats:
        file = stem.with_name(f"{stem.name}.{name}")
        with written_aside(file) as part:
            figure.savefig(part, format=name, dpi=dpi, metadata=_METADATA[name])
        files.append(file)
    return files


# --------------------------------------------------------------------------- text


def drawable(text: Any, longest: int = 80) -> str:  # noqa: ANN401
    """Make one line of a text that the font can draw; what it lacks becomes an empty box."""
    known = _characters()
    return "".join(c if ord(c) in known else "\u25a1" for c in printable(text, longest))


@cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=_FAMILY))).get_charmap())


def text_size_mm(text: str, size_pt: float, *, bold: bool = False) -> tuple[float, float]:
    """Give width and height of a line of text."""
    font = FontProperties(family=_FAMILY, size=size_pt, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return width * POINT_MM, size_pt * POINT_MM


def wrapped(text: str, width_mm: float, size_pt: float, *, bold: bool = False) -> list[str]:
    """Break a text into lines of at most a width; a word that is wider is cut."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_size_mm(longer, size_pt, bold=bold)[0] <= width_mm:
            lines[-1] = longer
        else:
            lines.append(fitted(word, width_mm, size_pt, bold=bold))
    return lines


def fitted(text: str, width_mm: float, size_pt: float, *, bold: bool = False) -> str:
    """Shorten a text to a width."""
    shown = text
    while shown and text_size_mm(shown, size_pt, bold=bold)[0] > width_mm:
        shown = shown[:-2].rstrip("… ") + "…" if len(shown) > 2 else ""
    return shown


# --------------------------------------------------------------------------- page


class Sheet:
    """
    A page with a title above, a body for axes, and a caption below; lengths in millimetres.

    Parameters
    ----------
    width_mm, body_mm : float
        Width of the page, height of its body; title and caption add what they need.
    title, subtitle : str
        What is shown, and how to read it.
    caption : sequence of str
        Paragraphs below the body: source, window, settings.
    warning : str
        Shown below the title, in colour: generated data say so.
    """

    def __init__(
        self,
        width_mm: float,
        body_mm: float,
        *,
        title: str,
        subtitle: str = "",
        caption: Sequence[str] = (),
        warning: str = "",
    ) -> None:
        inner = width_mm - 2 * MARGIN_MM
        above = [
            *((line, TITLE_PT, INK, True) for line in wrapped(title, inner, TITLE_PT, bold=True)),
            *((line, TEXT_PT, GREY, False) for line in _lines(subtitle, inner, TEXT_PT)),
            *(
                (line, SMALL_PT, WARNING, True)
                for line in _lines(warning, inner, SMALL_PT, bold=True)
            ),
        ]
        below = [
            (line, SMALL_PT, GREY, False)
            for text in caption
            for line in _lines(text, inner, SMALL_PT)
        ]
        self.width_mm, self.body_mm = width_mm, body_mm
        self.bottom_mm = MARGIN_MM + sum(_height(b) for b in below) + (1.5 if below else 0)
        self.height_mm = MARGIN_MM + sum(_height(a) for a in above) + 1.5 + body_mm + self.bottom_mm
        self.figure = Figure(figsize=(width_mm * MM, self.height_mm * MM))
        FigureCanvasAgg(self.figure)
        self._write(above, self.height_mm - MARGIN_MM)
        self._write(below, self.bottom_mm - 1.5)

    def _write(self, lines: Sequence[tuple[str, float, str, bool]], top_mm: float) -> None:
        for line in lines:
            text, size, colour, bold = line
            self.figure.text(
                MARGIN_MM / self.width_mm,
                top_mm / self.height_mm,
                text,
                size=size,
                color=colour,
                weight="bold" if bold else "normal",
                va="top",
            )
            top_mm -= _height(line)

    def axes(self, left_mm: float, bottom_mm: float, width_mm: float, height_mm: float) -> Axes:
        """Add axes to the body, placed from its lower left corner."""
        return self.figure.add_axes(
            (
                left_mm / self.width_mm,
                (self.bottom_mm + bottom_mm) / self.height_mm,
                width_mm / self.width_mm,
                height_mm / self.height_mm,
            )
        )


def _lines(text: str, width_mm: float, size_pt: float, *, bold: bool = False) -> list[str]:
    return wrapped(text, width_mm, size_pt, bold=bold) if text else []


def _height(line: tuple[str, float, str, bool]) -> float:
    return line[1] * POINT_MM * LEADING


# --------------------------------------------------------------------------- what figures say


def caption(result: Result, *more: str) -> list[str]:
    """Say where a figure comes from: study, sources, years, settings, version."""
    run, settings = result.run, result.run["settings"]
    given = {
        f"{i['attribution']} ({i['licence']})" if i.get("licence") else str(i["attribution"])
        for i in run.get("inputs", [])
        if i.get("attribution")
    }
    sources = f" Data: {drawable('; '.join(sorted(given)), 300)}." if given else ""
    said = (
        f"Study: {drawable(run['study']['name'])}, {window(run)}.{sources} "
        f"Method: {_grain(settings['resolution'])}, radius {number(settings['radius_km'])} km, "
        f"core from {density_text(settings['min_density'], settings)}, {_merging(settings['merge_gap_km'])}. "
        f"geoclusters {drawable(run['geoclusters'], 20)}."
    )
    return [*more, said]


def _merging(gap_km: float) -> str:
    return f"gaps up to {number(gap_km)} km merged" if gap_km else "nothing merged"


def counted_clusters(count: int, kind: str = "") -> str:
    """
    Write how many clusters there are.

    Examples
    --------
    >>> counted_clusters(1, "innovation "), counted_clusters(2), counted_clusters(0)
    ('1 innovation cluster', '2 clusters', 'No clusters')
    """
    return f"{number(count) if count else 'No'} {kind}{'cluster' if count == 1 else 'clusters'}"


def _grain(resolution: int | str) -> str:
    return "points without binning" if resolution == EXACT else f"H3 resolution {resolution}"


def warning(result: Result) -> str:
    """Give the notice of the study, as far as a figure has room for it."""
    return drawable(notice(result.run), 320)


def score_text(result: Result) -> str:
    """Say what the score is the sum of."""
    words = joined(inside(label(m)) for m in result.metrics)
    return f"share of the world's {words}" + (", summed" if len(result.metrics) > 1 else "")


def inside(word: str) -> str:
    """Write a label as it stands inside a sentence."""
    return word if word[:2].isupper() else word[:1].lower() + word[1:]
