"""Figures for papers and slides: a finished run as SVG, PNG or PDF.

A kind of figure is a module with a function ``draw(result, options)`` that gives a matplotlib figure, and a line in
`KINDS`. Modules are imported when their figure is asked for, since matplotlib is an extra.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pandas import read_csv

from geoclusters.comparison import check_comparable, compare
from geoclusters.errors import GeoclustersError
from geoclusters.results import read_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from geoclusters.results import Result

__all__ = ["FORMATS", "KINDS", "Options", "read_table", "write_figure"]

SMALLEST_MM: Final = 80
LARGEST_MM: Final = 600
SENSITIVITY_FILE: Final = "sensitivity.csv"
"""Where `geoclusters sensitivity` leaves its table."""

FORMATS: Final = ("svg", "png", "pdf")
DEFAULT_FORMATS: Final = ("svg", "png")

KINDS: Final = {
    "world": "clusters of the world by size and intensity",
    "cluster": "one cluster: its cells, outline and neighbours",
    "concentration": "share of the world that the largest clusters hold",
    "scatter": "size against intensity",
    "economies": "economies by the score of their clusters",
    "margins": "error margins of the ranks, and ranks under other parameters",
    "changes": "ranks of this run against those of an earlier one",
}
"""Every kind: its module's name, and what it shows."""


@dataclass(frozen=True)
class Options:
    """
    What a figure may be told besides its run.

    Attributes
    ----------
    width_mm : float, optional
        Width of the figure; left out: what suits the kind.
    cluster : str, optional
        For kind cluster: identifier, rank or name of the cluster; left out: the first.
    colour : str
        For kind world: 'intensity', 'score' or a metric.
    most : int, optional
        How many clusters or economies are named or listed.
    table : pandas.DataFrame, optional
        For kind margins: what `geoclusters.sensitivity.sensitivity` gives; for kind changes: what
        `geoclusters.comparison.compare` gives.
    """

    width_mm: float | None = None
    cluster: str | None = None
    colour: str = "intensity"
    most: int | None = None
    table: pd.DataFrame | None = None


def write_figure(
    result: Result,
    kind: str,
    out: Path,
    *,
    options: Options | None = None,
    formats: Sequence[str] | None = None,
    dpi: int = 300,
) -> list[Path]:
    """
    Draw a figure of a finished run and write it in each format.

    Parameters
    ----------
    result : Result
        A finished run.
    kind : str
        One of `KINDS`.
    out : Path
        The file; its ending, if it is that of a format, gives the format, or is replaced where `formats` are given.
    options : Options, optional
        Width, cluster, colour, table.
    formats : sequence of {"svg", "png", "pdf"}, optional
        Left out: the one that the file ends with, or SVG and PNG.
    dpi : int
        Dots per inch of PNG.

    Returns
    -------
    list of Path
        The files, in the order of `formats`. The same run gives the same bytes with the same matplotlib.

    Raises
    ------
    GeoclustersError
        If matplotlib is missing, or a kind, format, cluster, colour or table is not known.

    Examples
    --------
    >>> from pathlib import Path
    >>> from geoclusters import read_run
    >>> write_figure(read_run("out/sample"), "world", Path("world"))  # doctest: +SKIP
    [PosixPath('world.svg'), PosixPath('world.png')]
    """
    chosen = options or Options()
    ending = out.suffix.lower().removeprefix(".")
    asked = formats or ((ending,) if ending in FORMATS else DEFAULT_FORMATS)
    wanted = tuple(dict.fromkeys(f.lower() for f in asked))
    _check(kind, KINDS, what="kind of figure")
    for given in wanted:
        _check(given, FORMATS, what="format")
    if chosen.width_mm is not None and not SMALLEST_MM <= chosen.width_mm <= LARGEST_MM:
        raise GeoclustersError(
            f"a figure of {chosen.width_mm:g} mm: give --width-mm from {SMALLEST_MM} to {LARGEST_MM}"
        )
    style = _drawing("style")
    with style.themed():
        figure = _drawing(kind).draw(result, chosen)
        files: list[Path] = style.save(figure, out, formats=wanted, dpi=dpi)
    return files


def read_table(result: Result, kind: str, *, against: Path | None = None) -> pd.DataFrame | None:
    """
    Read or make the table that a kind of figure needs besides the run; None where it needs none.

    Parameters
    ----------
    result : Result
        A finished run; for kind margins its folder holds `sensitivity.csv`.
    kind : str
        One of `KINDS`.
    against : Path, optional
        For kind changes: the folder of an earlier run.

    Raises
    ------
    RunError
        If `against` is no finished run, or has no metric in common with this one.
    """
    if kind == "margins" and (file := result.folder / SENSITIVITY_FILE).is_file():
        return read_csv(file, keep_default_na=False, na_values=[""])
    if kind == "changes" and against is not None:
        old = read_run(against)
        check_comparable(old, result)
        return compare(old, result)
    return None


def _check(given: str, known: Any, *, what: str) -> None:  # noqa: ANN401
    if given not in known:
        raise GeoclustersError(f"{given!r} is no {what}; known are {', '.join(known)}")


def _drawing(name: str) -> Any:  # noqa: ANN401
    """Import a module of this folder; say what to install where matplotlib is missing."""
    try:
        return import_module(f"geoclusters.figures.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "matplotlib":
            raise
        raise GeoclustersError(
            "figures need matplotlib, which is not installed: pip install 'geoclusters[figures]'"
        ) from None
