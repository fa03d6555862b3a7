"""Places names beside symbols so that they do not cover each other, the most important first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NEAR: Final = (0, 180, 90, 270, 35, 145, 325, 215)
"""Directions in which a name may touch its symbol, in degrees, the most readable first."""
_FAR_STEPS: Final = (2.5, 5.0, 8.0, 12.0, 17.0, 23.0, 30.0)
_FAR_DIRECTIONS: Final = 24
GAP_MM: Final = 0.5


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
    leader: tuple[tuple[float, float], tuple[float, float]] | None


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
    symbols = [*marks, *others]
    boxes: list[Box] = list(taken)
    leaders: list[shapely.LineString] = []
    found: list[Place | None] = []
    for mark in marks:
        best = min(
            _candidates(mark, page, boxes, leaders, symbols), key=lambda c: c[0], default=None
        )
        found.append(best[1] if best else None)
        if best:
            boxes.append(best[2])
            if best[1].leader:
                leaders.append(shapely.LineString(best[1].leader))
    return found


def _candidates(
    mark: Mark,
    page: Box,
    boxes: Sequence[Box],
    leaders: Sequence[shapely.LineString],
    symbols: Sequence[Mark],
) -> Iterator[tuple[float, Place, Box]]:
    """Give every place that is free, with what it costs."""
    for cost, box, leader in _places(mark):
        if not box.within(page) or any(box.meets(other) for other in boxes):
            continue
        if any(line.intersects(shapely.box(*box)) for line in leaders):
            continue
        covered = sum(_covered(box, symbol) for symbol in symbols if symbol is not mark)
        if leader is not None:
            line = shapely.LineString(leader)
            if any(line.intersects(shapely.box(*other)) for other in boxes):
                continue
            if any(line.intersects(other) for other in leaders):
                continue
            covered += 0.15 * sum(
                line.distance(shapely.Point(s.x, s.y)) < s.radius for s in symbols if s is not mark
            )
        yield cost + 3.0 * covered, Place(box.left, box.bottom, leader), box


def _covered(box: Box, symbol: Mark) -> float:
    """Give the part of a symbol that a name would cover."""
    wide = min(box.right, symbol.x + symbol.radius) - max(box.left, symbol.x - symbol.radius)
    high = min(box.top, symbol.y + symbol.radius) - max(box.bottom, symbol.y - symbol.radius)
    if wide <= 0 or high <= 0:
        return 0.0
    return 0.3 + wide * high / (4 * symbol.radius**2)


def _places(mark: Mark) -> Iterator[tuple[float, Box, tuple[tuple[float, float], ...] | None]]:  # type: ignore[misc]
    for order, degrees in enumerate(_NEAR):
        yield 0.05 * order, _beside(mark, degrees, mark.radius + GAP_MM), None
    for step in _FAR_STEPS:
        for turn in range(_FAR_DIRECTIONS):
            degrees = 360.0 * turn / _FAR_DIRECTIONS
            box = _beside(mark, degrees, mark.radius + step)
            cost = 0.8 + step / 10 + 0.1 * abs(math.sin(math.radians(degrees)))
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
    return 1.0 if direction > 0.3 else 0.0 if direction < -0.3 else 0.5  # noqa: PLR2004


def _leader(mark: Mark, box: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """Draw from the rim of the symbol to the nearest point of the name's box."""
    x, y = min(max(mark.x, box.left), box.right), min(max(mark.y, box.bottom), box.top)
    distance = math.hypot(x - mark.x, y - mark.y) or 1.0
    part = mark.radius / distance
    return (mark.x + part * (x - mark.x), mark.y + part * (y - mark.y)), (x, y)
