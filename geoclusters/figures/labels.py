"""Places names beside symbols so that they do not cover each other, the most important first."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from geoclusters.figures import style

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

Line: TypeAlias = tuple[tuple[float, float], tuple[float, float]]

_NEAR: Final = (0.0, 180.0, 90.0, 270.0, 35.0, 145.0, 325.0, 215.0)
"""Directions in which a name may touch its symbol, in degrees, the most readable first."""
_FAR_STEPS: Final = (1.5, 2.5, 4.0, 6.0, 8.5, 12.0, 16.0)
_FAR_DIRECTIONS: Final = 36
GAP_MM: Final = 0.5
CLOSE_MM: Final = 0.7
MOST_COVERED: Final = 0.75
"""A name that would hide more than a quarter of another symbol is left out."""
LEADING: Final = 6
MOST_COVERED_BY_LEADING: Final = 2.0
"""The most important names are missed more than what they hide."""


class Box(NamedTuple):
    """A rectangle, in millimetres."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Say whether the two overlap."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def within(self, other: Box) -> bool:
        """Say whether it lies inside the other."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.bottom >= other.bottom
            and self.top <= other.top
        )


@dataclass(frozen=True)
class Mark:
    """A symbol to be named: its middle and radius, and the size of its name, in millimetres."""

    x: float
    y: float
    radius: float
    width: float
    height: float


@dataclass(frozen=True)
class Place:
    """Where a name goes: its lower left corner, and the line that leads to it if it is not near."""

    x: float
    y: float
    leader: Line | None


def place_labels(
    marks: Sequence[Mark], *, page: Box, others: Sequence[Mark] = (), taken: Sequence[Box] = ()
) -> list[Place | None]:
    """
    Find a place for each name.

    Parameters
    ----------
    marks : sequence of Mark
        In order of importance: a name never gives way to one after it.
    page : Box
        Names stay inside.
    others : sequence of Mark
        Symbols without a name; names keep off them where they can.
    taken : sequence of Box
        Where no name may be, as a legend.

    Returns
    -------
    list of Place or None
        For each mark; None where there is no room.

    Examples
    --------
    >>> one = Mark(x=5, y=5, radius=1, width=3, height=1)
    >>> place, = place_labels([one], page=Box(0, 0, 20, 10))
    >>> place.x, place.y, place.leader
    (6.5, 4.5, None)
    """
    room = _Room(page, [*marks, *others], list(taken))
    found: list[Place | None] = []
    for number, mark in enumerate(marks):
        most = MOST_COVERED_BY_LEADING if number < LEADING else MOST_COVERED
        place = room.best(mark, most)
        found.append(place)
        if place is not None:
            room.take(mark, place)
    return found


@dataclass
class _Room:
    """What is taken already: boxes of names, lines that lead to them; and the symbols."""

    page: Box
    symbols: list[Mark]
    boxes: list[Box]
    leaders: list[Line] = field(default_factory=list)

    def take(self, mark: Mark, place: Place) -> None:
        self.boxes.append(Box(place.x, place.y, place.x + mark.width, place.y + mark.height))
        if place.leader is not None:
            self.leaders.append(place.leader)

    def best(self, mark: Mark, most_hidden: float) -> Place | None:
        """Give the cheapest free place; none where each is taken or hides too much."""
        cheapest, found = math.inf, None
        for cost, box, leader in sorted(_places(mark), key=lambda p: p[0]):
            if cost >= cheapest:
                break
            if not self._free(box, leader):
                continue
            hidden = self._hidden(mark, box, leader)
            if hidden <= most_hidden and cost + 5.0 * hidden < cheapest:
                cheapest, found = cost + 5.0 * hidden, Place(box.left, box.bottom, leader)
        return found

    def _free(self, box: Box, leader: Line | None) -> bool:
        if not box.within(self.page) or any(box.meets(other) for other in self.boxes):
            return False
        if any(_line_meets(line, box) for line in self.leaders):
            return False
        return leader is None or not (
            any(_line_meets(leader, other) for other in self.boxes)
            or any(_lines_cross(leader, other) for other in self.leaders)
        )

    def _hidden(self, mark: Mark, box: Box, leader: Line | None) -> float:
        """Say how much of other symbols a name and its line would hide."""
        others = [s for s in self.symbols if s is not mark]
        hidden = sum(_covered(box, s) for s in others)
        if leader is not None:
            hidden += 0.3 * sum(_distance(leader, s.x, s.y) < s.radius for s in others)
        return hidden


def _distance(line: Line, x: float, y: float) -> float:
    """Give the distance of a point from a line."""
    (x0, y0), (x1, y1) = line
    across, up = x1 - x0, y1 - y0
    length = across * across + up * up
    part = ((x - x0) * across + (y - y0) * up) / length if length else 0.0
    part = min(max(part, 0.0), 1.0)
    return math.hypot(x - x0 - part * across, y - y0 - part * up)


def _side(line: Line, x: float, y: float) -> float:
    (x0, y0), (x1, y1) = line
    return (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)


def _lines_cross(a: Line, b: Line) -> bool:
    apart = _side(a, *b[0]) * _side(a, *b[1]) > 0 or _side(b, *a[0]) * _side(b, *a[1]) > 0
    return not apart


def _line_meets(line: Line, box: Box) -> bool:
    """Say whether a line touches a box; only lines near it are looked at closely."""
    (x0, y0), (x1, y1) = line
    around = Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    if (
        around.left > box.right
        or around.right < box.left
        or around.bottom > box.top
        or around.top < box.bottom
    ):
        return False
    corners = (
        (box.left, box.bottom),
        (box.left, box.top),
        (box.right, box.bottom),
        (box.right, box.top),
    )
    sides = [_side(line, *c) for c in corners]
    return min(sides) <= 0 <= max(sides)


def _covered(box: Box, symbol: Mark) -> float:
    """Give the part of a symbol that a name would cover."""
    wide = min(box.right, symbol.x + symbol.radius) - max(box.left, symbol.x - symbol.radius)
    high = min(box.top, symbol.y + symbol.radius) - max(box.bottom, symbol.y - symbol.radius)
    if wide <= 0 or high <= 0:
        # So near to another symbol it would seem to be the name of that one.
        return 0.12 if wide > -CLOSE_MM and high > -CLOSE_MM else 0.0
    return 0.5 + wide * high / (4 * symbol.radius**2)


def _places(mark: Mark) -> Iterator[tuple[float, Box, Line | None]]:
    """Give every place that a name may have, with what it costs by itself."""
    for order, degrees in enumerate(_NEAR):
        yield 0.05 * order, _beside(mark, degrees, mark.radius + GAP_MM), None
    for step in _FAR_STEPS:
        for turn in range(_FAR_DIRECTIONS):
            degrees = 360.0 * turn / _FAR_DIRECTIONS
            box = _beside(mark, degrees, mark.radius + step)
            cost = 0.8 + step / 8 + 0.1 * abs(math.sin(math.radians(degrees)))
            yield cost, box, _leader(mark, box)


def _beside(mark: Mark, degrees: float, distance: float) -> Box:
    """Put the name's nearest point at a distance from the middle of the symbol."""
    across, up = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y = mark.x + distance * across, mark.y + distance * up
    left = x - mark.width * (1 - _part(across))
    bottom = y - mark.height * (1 - _part(up))
    return Box(left, bottom, left + mark.width, bottom + mark.height)


def _part(direction: float) -> float:
    """Say which part of the name lies on the far side: all of it to the right, half of it above."""
    return 1.0 if direction > 0.3 else 0.0 if direction < -0.3 else 0.5


def _leader(mark: Mark, box: Box) -> Line:
    """Draw from the rim of the symbol to the nearest point of the name's box."""
    x, y = min(max(mark.x, box.left), box.right), min(max(mark.y, box.bottom), box.top)
    distance = math.hypot(x - mark.x, y - mark.y) or 1.0
    part = mark.radius / distance
    return (mark.x + part * (x - mark.x), mark.y + part * (y - mark.y)), (x, y)


def write(
    axes: Axes,
    text: str,
    place: Place,
    *,
    size_pt: float,
    colour: str = style.INK,
    bold: bool = False,
) -> None:
    """
    Write a name at its place on a pale ground, and the line that leads to it.

    It is not rimmed: a rim would turn the text into shapes in SVG and PDF.
    """
    if place.leader:
        axes.plot(*zip(*place.leader, strict=True), color=style.GREY, linewidth=0.35, zorder=3)
    axes.text(
        place.x,
        place.y + 0.25,
        text,
        size=size_pt,
        color=colour,
        weight="bold" if bold else "normal",
        va="bottom",
        zorder=4,
        bbox={"boxstyle": "square,pad=0.08", "facecolor": "white", "alpha": 0.6, "linewidth": 0},
    )
