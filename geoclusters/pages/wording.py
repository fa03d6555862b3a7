"""Words and numbers for people: percent, thousands, names of metrics, classes of a legend."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

EN_DASH: Final = "\u2013"
UNKNOWN: Final = EN_DASH

LONGEST_NAME: Final = 160
"""Names from data are cut here: no place needs more, and an endless one would hide the page."""

_CAPITALS: Final = frozenset({"vc", "pct", "ict", "ai", "rd", "sme", "ipc", "cpc", "eu", "us"})
_CLASSES: Final = 7
_LEAST_FINE: Final = 0.095
"""Percentages from here on have two digits after the point."""
_LEAST_PLAIN, _MOST_PLAIN = 1e-15, 1e15
"""Between these, powers of ten and whole numbers of few digits are exact as floats."""


def label(metric: str) -> str:
    """
    Turn the name of a metric or a setting into words.

    Examples
    --------
    >>> label("vc_deals"), label("patents"), label("merge_gap_km")
    ('VC deals', 'Patents', 'Merge gap km')
    """
    words = [w.upper() if w in _CAPITALS else w for w in metric.split("_") if w]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def shortened(name: Any, longest: int = LONGEST_NAME) -> str:  # noqa: ANN401
    """Cut a text that is too long to be read."""
    text = "" if name is None else str(name)
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def source_name(source: str) -> str:
    """
    Name the files of a source without the folders that mean something on one machine only.

    Examples
    --------
    >>> source_name("patents/*.parquet"), source_name("${DATA}/2014/deals.csv, /srv/ror.json")
    ('patents/*.parquet', 'deals.csv, ror.json')
    """
    parts = (part.strip() for part in source.split(","))
    own = (p.rsplit("/", 1)[-1] if p.startswith(("/", "~", "${")) else p for p in parts)
    return ", ".join(own)


def number(value: float | None) -> str:
    """
    Write a count with as many digits as say something.

    Examples
    --------
    >>> [number(v) for v in (12345.4, 23.44, 1.234, 0.0, None)]
    ['12,345', '23.4', '1.23', '0', '\u2013']
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def measured(value: float | None) -> str:
    """
    Write a measure with three digits, zeros among them, so that columns of it look alike.

    Examples
    --------
    >>> [measured(v) for v in (0.04, 5.5, 40.0, 123.4, 0.0, None)]
    ['0.0400', '5.50', '40.0', '123', '0', '\u2013']
    """
    if value is None or not math.isfinite(value) or value == 0 or abs(value) >= 99.95:
        return number(value)
    decimals = 2 - math.floor(math.log10(float(f"{abs(value):.3g}")))
    return f"{value:.{decimals}f}"


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
        return UNKNOWN
    value = 100 * share
    if value == 0 or 99.95 <= value < 100.05:
        return f"{value:.0f} %"
    if value >= _LEAST_FINE:
        return f"{value:.1f} %" if value >= 9.995 else f"{value:.2f} %"
    return f"{np.format_float_positional(value, precision=1, fractional=False, trim='-')} %"


def significant(values: npt.ArrayLike, digits: int) -> list[float]:
    """
    Keep as many significant digits of finite numbers as a page shows.

    Examples
    --------
    >>> significant([0.012345, 98765.0, 0.0, -2.5e-30], 2)
    [0.012, 99000.0, 0.0, -2.5e-30]
    """
    given = np.asarray(values, dtype=np.float64)
    size = np.abs(given)
    plain = (size > _LEAST_PLAIN) & (size < _MOST_PLAIN)
    safe = np.where(plain, given, 1.0)
    decimals = digits - 1 - np.floor(np.log10(np.abs(safe))).astype(np.int64)
    up, down = 10.0 ** np.maximum(decimals, 0), 10.0 ** np.maximum(-decimals, 0)
    scaled = safe * up / down
    whole = np.rint(scaled)
    # A half may be one by rounding only, and 999.6 has a digit less than it seems: print those.
    unsure = ~plain | (np.abs(np.abs(scaled - whole) - 0.5) < 1e-6) | (np.abs(whole) >= 10**digits)
    found: list[float] = (whole / up * down).tolist()
    for place in np.flatnonzero(unsure).tolist():
        found[place] = float(f"{given[place]:.{digits}g}")
    return found


def class_breaks(values: npt.ArrayLike, *, most: int = _CLASSES - 1) -> list[float]:
    """
    Choose round values (1, 2, 5, 10, …) that part a skewed quantity into classes.

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
        if len(breaks) <= most:
            break
    return breaks[-most:]
