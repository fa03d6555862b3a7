"""Words and numbers for people, for whatever shows a run: pages, figures, the command line."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

EN_DASH: Final = "\u2013"
_CAPITALS: Final = frozenset({"vc", "pct", "ict", "ai", "rd", "sme", "ipc", "cpc", "eu", "us"})
_DRAWN_BLANK: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LEAST_FINE: Final = 0.095
"""Percentages from here on have two digits after the point."""
_GENERATED: Final = "Generated data: no figure here says anything about a real place."


def label(name: str) -> str:
    """
    Turn the name of a metric or a setting into words.

    Examples
    --------
    >>> label("vc_deals"), label("patents"), label("merge_gap_km")
    ('VC deals', 'Patents', 'Merge gap km')
    """
    words = [w.upper() if w in _CAPITALS else w for w in name.split("_") if w]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def printable(text: Any, longest: int = 80) -> str:  # noqa: ANN401
    r"""
    Make one line of a text from data: no control or direction characters, not endless.

    Examples
    --------
    >>> printable("a\tb\u202ec\x00"), printable("Llanfair" * 3, 12)
    ('a b c', 'LlanfairLla…')
    """
    given = "" if text is None else str(text)[: 4 * longest]
    kept = (" " if unicodedata.category(c) in _DRAWN_BLANK else c for c in given)
    line = " ".join("".join(kept).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def number(value: float | None) -> str:
    """
    Write a count with as many digits as say something.

    Examples
    --------
    >>> [number(v) for v in (12345.4, 23.44, 1.234, 0.0, None)]
    ['12,345', '23.4', '1.23', '0', '\u2013']
    """
    if value is None or not math.isfinite(value):
        return EN_DASH
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def percent(share: float | None) -> str:
    """
    Write a fraction as a percentage.

    Examples
    --------
    >>> [percent(v) for v in (0.2512, 0.015349, 0.00097, 0.00007, 0.0, None)]
    ['25.1 %', '1.53 %', '0.10 %', '0.007 %', '0 %', '\u2013']
    >>> percent(1.0), percent(0.09996), percent(2e-8)
    ('100 %', '10.0 %', '0.000002 %')
    """
    if share is None or not math.isfinite(share):
        return EN_DASH
    value = 100 * share
    if value == 0 or 99.95 <= value < 100.05:
        return f"{value:.0f} %"
    if value >= _LEAST_FINE:
        return f"{value:.1f} %" if value >= 9.995 else f"{value:.2f} %"
    return f"{np.format_float_positional(value, precision=1, fractional=False, trim='-')} %"


def joined(words: Iterable[str]) -> str:
    """
    Join words as a sentence does.

    Examples
    --------
    >>> joined(["patents", "articles", "deals"]), joined(["patents"])
    ('patents, articles and deals', 'patents')
    """
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def changed_by_binning(exact: dict[str, Any]) -> str:
    """
    Tell how much weight changes sides when the points of an exact run are binned.

    Examples
    --------
    >>> changed_by_binning({"resolution": 8, "changed": 4e-4, "in_exact_only": 1e-4, "in_binned_only": 2e-4,
    ...                     "in_another": 1e-4, "clusters": 52, "clusters_binned": 53})[:83]
    'In H3 cells of resolution 8 instead of points, 0.04 % of the density weight changes'
    """
    only, binned, another = (
        percent(exact[name]) for name in ("in_exact_only", "in_binned_only", "in_another")
    )
    return (
        f"In H3 cells of resolution {exact['resolution']} instead of points, {percent(exact['changed'])} of the "
        f"density weight changes sides: {only} would leave its cluster, {binned} would join one, {another} would be in "
        f"another one; {number(exact['clusters'])} clusters become {number(exact['clusters_binned'])}"
    )


def changed_by_spreading(spread: dict[str, Any]) -> str:
    """
    Tell how much of the documents changes sides when addresses are spread over their cities.

    Examples
    --------
    >>> changed_by_spreading({"addresses": 1200, "changed": 0.02, "joined": 0.012, "left": 0.003, "moved": 0.005,
    ...                       "clusters": 52, "clusters_unspread": 53})[:80]
    '1,200 addresses known to a city only are spread over it: 2.00 % of what was plac'
    """
    joined_one, left, moved = (percent(spread[name]) for name in ("joined", "left", "moved"))
    return (
        f"{number(spread['addresses'])} addresses known to a city only are spread over it: "
        f"{percent(spread['changed'])} of what was placed changes sides by that: {joined_one} joined a cluster, {left} "
        f"left one, {moved} is in another one; {number(spread['clusters_unspread'])} clusters became "
        f"{number(spread['clusters'])}"
    )


def window(run: dict[str, Any]) -> str:
    """
    Write the years of a run.

    Examples
    --------
    >>> window({"window": {"first_year": 2019, "last_year": 2023}})
    '2019\u20132023'
    >>> window({"window": {"first_year": None, "last_year": None}})
    'all years'
    """
    given = run.get("window") or {}
    first, last = given.get("first_year"), given.get("last_year")
    if first is None and last is None:
        return "all years"
    if first is None or last is None:
        return f"since {first}" if last is None else f"until {last}"
    return str(first) if first == last else f"{first}{EN_DASH}{last}"


def notice(run: dict[str, Any]) -> str:
    """Give the study's own notice; a generated study has one in any case; empty where there is none."""
    study = run.get("study") or {}
    return study.get("notice") or (_GENERATED if study.get("generated") else "")


def class_breaks(values: npt.ArrayLike, *, classes: int = 6) -> list[float]:
    """
    Choose round values (1, 2, 5, 10, …) that part a skewed quantity into classes.

    Parameters
    ----------
    values : array_like of float
        What is not finite and positive is left out.
    classes : int
        The most classes; there is one break less.

    Examples
    --------
    >>> class_breaks([0.001, 0.002, 0.004, 0.008, 0.016, 0.03])
    [0.002, 0.005, 0.01, 0.02]
    >>> class_breaks([])
    []
    """
    given = np.asarray(values, dtype=np.float64)
    positive = given[np.isfinite(given) & (given > 0)]
    if not positive.size:
        return []
    low, high = np.quantile(positive, [0.1, 0.99])
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(positive.max())) + 1)
    breaks: list[float] = []
    for steps in ((1, 2, 5), (1, 3), (1,)):
        breaks = [float(f"{s}e{d}") for d in decades for s in steps]
        breaks = [b for b in breaks if low < b <= high]
        if len(breaks) < classes:
            break
    return breaks[-(classes - 1) :]
