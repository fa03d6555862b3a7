"""Compiled loops over the addresses: sums by what they state and by what their cells tell, and pairs of places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geoclusters import schema
from geoclusters.compiling import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.int32]
    Kinds = npt.NDArray[np.uint8]
    Economies = npt.NDArray[np.int16]
    Levels = npt.NDArray[np.int8]
    Integers = npt.NDArray[np.integer[Any]]
    FiveSizes = tuple[int, int, int, int, int]
    FiveSums = tuple[Ints, Ints, Ints, Ints, Ints]

_BLOCK = 1024
_STARTS, _METRIC, _COUNTED = schema.STARTS, schema.METRIC_BITS, schema.COUNTED


@compiled
def take_in(
    columns: tuple[Codes, Kinds, Ints, Economies, Economies, Levels, Codes, Codes],
    asked: tuple[Integers, Codes, Economies],
    n_metrics: int,
    sizes: FiveSizes,
    sums: FiveSums,
    unstated: tuple[Ints, Ints],
    found: tuple[Integers, Codes, Codes, Codes],
) -> None:
    """
    Add rows to those sums that are plain arrays; find the place of each and, if it states anything, group and economy.

    Places are -1 not placed, 0 outside every cluster, and 1 more than the label; a group is a place, the first two in
    one, with a metric. All of it is one call, since threads that come back to the interpreter often wait for it often;
    and one loop after the other, which the processor does sooner.
    """
    entry, kind, weight, economy_stated, year, accuracy, field, organisation = columns
    (holders, places, economies), (held, place, group, economy) = asked, found
    last = len(holders) - 1
    for row in range(len(entry)):
        held[row] = holders[np.uint64(entry[row] if entry[row] >= 0 else last)]
    for row in range(len(entry)):
        place[row] = places[held[row]]
    if sizes[0] > 0:
        told = (_tells(economy_stated), _tells(accuracy))
        if not (told[0] and told[1]):
            _add_held(held, kind, n_metrics, weight, told, unstated)
    else:
        told = (False, False)
    if not (told[0] or told[1] or _tells(year) or _tells(field) or _tells(organisation)):
        return
    for row in range(len(entry)):
        group[row] = max(place[row], 0) * n_metrics + (kind[row] & _METRIC)
    if told[0]:
        for row in range(len(entry)):
            stated = economy_stated[row]
            economy[row] = stated if stated >= 0 else economies[held[row]]
        _add(group, economy, 0, sizes[0], weight, sums[0])
    if told[1]:
        _add(group, accuracy, 1, sizes[2], weight, sums[2])
    _add(group, year, 0, sizes[1], weight, sums[1])
    _add(group, field, 0, sizes[3], weight, sums[3])
    _add(group, organisation, 0, sizes[4], weight, sums[4])


@compiled
def _tells(code: Integers) -> bool:
    """Tell whether there is a code at all; a block at once, so that the processor compares many in one step."""
    for begin in range(0, len(code), _BLOCK):
        told = False
        for row in range(begin, min(begin + _BLOCK, len(code))):
            told |= code[row] >= 0
        if told:
            return True
    return False


@compiled
def _add_held(
    held: Integers,
    kind: Kinds,
    n_metrics: int,
    weight: Ints,
    told: tuple[bool, bool],
    unstated: tuple[Ints, Ints],
) -> None:
    """Add weights to the sums of their holder and metric, of the columns that these rows do not tell."""
    added = np.zeros(len(unstated[0]), dtype=np.int64)
    for row in range(len(held)):
        added[np.uint64(held[row]) * np.uint64(n_metrics) + np.uint64(kind[row] & _METRIC)] += (
            weight[row]
        )
    for column in range(2):
        if not told[column]:
            for place in range(len(added)):
                unstated[column][place] += added[place]


@compiled
def _add(group: Codes, code: Integers, shift: int, n_codes: int, weight: Ints, sums: Ints) -> None:
    """Add weights to the sums of a group and a code, if they are a plain array and there is a code at all."""
    if len(sums) == 0 or not _tells(code):
        return
    for row in range(len(code)):
        if code[row] + shift >= 0:
            sums[np.uint64(group[row] * n_codes + code[row] + shift)] += weight[row]


@compiled
def count_pairs(
    begin: int,
    kind: Kinds,
    place: Codes,
    room: Codes,
    n_places: int,
    n_metrics: int,
    sums: Ints,
    keys: Ints,
) -> tuple[int, int]:
    """
    Count each pair of places of each document from row `begin` on: in `sums` if they are a plain array, else by keys.

    Stops at the first document whose keys have no room; gives its first row, and how many keys there are.
    """
    n = before = known = 0
    document, metric = begin, np.int64(0)
    for row in range(begin, len(place)):
        where = place[row]
        if kind[row] & _STARTS:
            document, before, known, metric = row, n, 0, np.int64(kind[row] & _METRIC)
        elif known > 0 and room[known - 1] == where:
            continue
        new = (where >= 0) & ((kind[row] & _COUNTED) == 0)
        for i in range(known):
            new &= room[i] != where
        if not new:
            continue
        if len(sums) == 0 and n + known > len(keys):
            return document, before
        for i in range(known):
            a, b = min(room[i], where), max(room[i], where)
            key = (np.int64(a) * n_places + b) * n_metrics + metric
            if len(sums) > 0:
                sums[np.uint64(key)] += 1
            else:
                keys[n] = key
                n += 1
        room[known] = where
        known += 1
    return len(place), n
