"""The colours of whatever is shaded by classes: the ramp of the pages, for figures and styles."""

from __future__ import annotations

from typing import Final

SHADES: Final = ("#a8dcc0", "#76c7bd", "#48aabb", "#2e86b3", "#2d62a0", "#2f3f86", "#231757")
"""From light to dark, each darker than the one before: told apart without hue too."""

KINDS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""For kinds without an order: told apart with every common colour blindness (Okabe and Ito 2008)."""


def spread(classes: int) -> list[str]:
    """
    Take as many shades as there are classes, both ends among them.

    Examples
    --------
    >>> spread(2)
    ['#a8dcc0', '#231757']
    >>> len(spread(7))
    7
    """
    last = len(SHADES) - 1
    if classes == 1:
        return [SHADES[last // 2]]
    return [SHADES[round(i * last / (classes - 1))] for i in range(classes)]
