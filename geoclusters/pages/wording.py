"""Words and numbers for the pages, beside those that all who show a run share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters.wording import EN_DASH, class_breaks, label, notice, number, percent, window

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "CLASSES",
    "EN_DASH",
    "UNKNOWN",
    "class_breaks",
    "label",
    "measured",
    "notice",
    "number",
    "percent",
    "shortened",
    "significant",
    "source_name",
    "window",
]

UNKNOWN: Final = EN_DASH
CLASSES: Final = 7
"""Of a legend, at the most."""

LONGEST_NAME: Final = 160
"""Names from data are cut here: no place needs more, and an endless one would hide the page."""

_LEAST_PLAIN, _MOST_PLAIN = 1e-15, 1e15
"""Between these, powers of ten and whole numbers of few digits are exact as floats."""
_TENS: Final = 10.0 ** np.arange(23)


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


def significant(values: npt.ArrayLike, digits: int) -> npt.NDArray[np.float64]:
    """
    Keep as many significant digits of finite numbers as a page shows.

    Examples
    --------
    >>> significant([0.012345, 98765.0, 0.0, -2.5e-30], 2).tolist()
    [0.012, 99000.0, 0.0, -2.5e-30]
    """
    given = np.asarray(values, dtype=np.float64)
    size = np.abs(given)
    plain = (size > _LEAST_PLAIN) & (size < _MOST_PLAIN)
    safe = np.where(plain, given, 1.0)
    decimals = digits - 1 - np.floor(np.log10(np.abs(safe))).astype(np.int64)
    up, down = _TENS[np.maximum(decimals, 0)], _TENS[np.maximum(-decimals, 0)]
    scaled = safe * up / down
    whole = np.rint(scaled)
    # A half may be one by rounding only, and 999.6 has a digit less than it seems: print those.
    unsure = ~plain | (np.abs(np.abs(scaled - whole) - 0.5) < 1e-6) | (np.abs(whole) >= 10**digits)
    found: npt.NDArray[np.float64] = whole / up * down
    for place in np.flatnonzero(unsure).tolist():
        found[place] = float(f"{given[place]:.{digits}g}")
    return found
