"""Axes of charts: round values for ticks, places along them, labels that do not cover each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LOG_FROM = 20.0
"""An axis is logarithmic if its largest value is so many times the smallest."""
_CORE = 0.75
"""Of a circle that no label may cover: its rim shows through between letters."""
_LETTER = 0.56
"""Width of a letter, in heights of the type; a little more than most fonts need."""


_Box: TypeAlias = "tuple[float, float, float, float]"


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high` that lies from `start` to `end` on the page."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def place(self, value: float) -> float:
        """Give the place of a value on the page."""
        low, high, at = (
            (math.log(self.low), math.log(self.high), math.log(value))
            if self.log
            else (self.low, self.high, value)
        )
        return round(self.start + (self.end - self.start) * (at - low) / (high - low), 1)

    def ticks(self, words: Callable[[float], str]) -> list[dict[str, Any]]:
        """Give place and words of the round values within the axis."""
        values = log_ticks(self.low, self.high) if self.log else even_ticks(self.low, self.high)
        return [{"at": self.place(v), "text": words(v)} for v in values]


def axis_of(values: Sequence[float], *, start: float, end: float) -> Axis:
    """
    Make an axis that holds the values with a little room, logarithmic where they are far apart.

    Parameters
    ----------
    values : sequence of float
        At least one, all above zero.

    Examples
    --------
    >>> axis_of([1.0, 2.0], start=0, end=100).log, axis_of([1.0, 500.0], start=0, end=100).log
    (False, True)
    """
    low, high = min(values), max(values)
    if high / low >= LOG_FROM:
        room = (high / low) ** 0.04
        return Axis(low / room, high * room, start, end, log=True)
    return Axis(0.0, 1.06 * high, start, end, log=False)


def log_ticks(low: float, high: float) -> list[float]:
    """
    Round values of a logarithmic axis: 1, 2, 5 or, over many decades, 1 only.

    Examples
    --------
    >>> log_ticks(1, 60), log_ticks(0.002, 300)
    ([1.0, 2.0, 5.0, 10.0, 20.0, 50.0], [0.01, 0.1, 1.0, 10.0, 100.0])
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 3000 else (1,)
    values = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return [v for v in values if low <= v <= high]


def even_ticks(low: float, high: float) -> list[float]:
    """
    Round values of an axis, four to eight of them.

    Examples
    --------
    >>> even_ticks(0, 0.7)
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    """
    span = high - low
    unit = 10.0 ** math.floor(math.log10(span))
    step = next(s * unit for s in (0.1, 0.2, 0.5, 1.0, 2.0) if span / (s * unit) <= 8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


def spread(places: Sequence[float], *, least: float, low: float, high: float) -> list[float]:
    """
    Move places apart until they are `least` from each other, in their order, within limits.

    Examples
    --------
    >>> spread([10.0, 12.0, 50.0], least=8, low=0, high=100)
    [10.0, 18.0, 50.0]
    >>> spread([99.0, 98.0], least=8.0, low=0.0, high=100.0)
    [100.0, 92.0]
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [0.0] * len(places)
    floor = low
    for i in order:
        moved[i] = max(places[i], floor)
        floor = moved[i] + least
    ceiling = high
    for i in reversed(order):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - least
    return moved


def labelled(
    points: Sequence[dict[str, Any]],
    *,
    beside: Sequence[dict[str, Any]],
    type_size: float,
    width: float,
    height: float,
) -> list[dict[str, Any]]:
    """
    Find room for the labels of points, in their order; those without room are left out.

    Parameters
    ----------
    points : sequence of dict
        `x`, `y`, `r` and `name`.
    beside : sequence of dict
        Every point of the chart, these and others, whose circles are to stay free.

    Returns
    -------
    list of dict
        `x`, `y`, `anchor` and `text` of each label that found room.
    """
    taken = [_box(p["x"], p["y"], _CORE * p["r"]) for p in beside]
    labels = []
    for point in points:
        for label, box in _choices(point, type_size):
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height
            if inside and all(_apart(box, other) for other in taken):
                taken.append(box)
                labels.append(label)
                break
    return labels


def _box(x: float, y: float, half: float) -> _Box:
    return (x - half, y - half, x + half, y + half)


def _choices(point: dict[str, Any], type_size: float) -> Iterable[tuple[dict[str, Any], _Box]]:
    text, r = point["name"], point["r"]
    long, half = _LETTER * type_size * len(text), type_size / 2
    for anchor, x, y in (
        ("start", point["x"] + r + 3, point["y"]),
        ("end", point["x"] - r - 3, point["y"]),
        ("middle", point["x"], point["y"] - r - half - 2),
        ("middle", point["x"], point["y"] + r + half + 2),
    ):
        left = x - {"start": 0.0, "middle": long / 2, "end": long}[anchor]
        label = {"x": round(x, 1), "y": round(y + 0.35 * type_size, 1), "anchor": anchor}
        yield {**label, "text": text}, (left, y - half, left + long, y + half)


def _apart(one: _Box, other: _Box) -> bool:
    return one[2] < other[0] or one[0] > other[2] or one[3] < other[1] or one[1] > other[3]
