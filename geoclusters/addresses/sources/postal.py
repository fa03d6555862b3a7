"""Finds the name of the place in an address that is written in one line, within a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE_PARTS: Final = (
    r" *\([A-Z]{2}\)$",  # Berlin (DE)
    r"^([A-Z]{1,3}-)?([0-9]{4} [A-Z]{2} |[0-9][0-9 -]*)",  # F-78000 Versailles, NL-5621 BA Eindhoven
    r" [A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}$",  # Cambridge CB2 1TN
    r" [A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]$",  # Ottawa K1A 0R6
    r" [0-9][0-9 -]*$",  # Tokyo 100-8310
)
"""What goes from a part of an address for the name of its place to remain, in this order."""


def place_macros() -> Iterator[str]:
    """
    Write the statements that teach duckdb ``place_in(address)``.

    It is the last part between commas without its postal code, or where that is but the two letters of a state, the
    part before it; null where nothing remains.

    Examples
    --------
    >>> import duckdb
    >>> connection = duckdb.connect()
    >>> for statement in place_macros():
    ...     _ = connection.execute(statement)
    >>> connection.execute("SELECT place_in('14, rue Royale,75008 Paris')").fetchall()
    [('Paris',)]
    """
    value = "trim(part)"
    for pattern in PLACE_PARTS:
        value = f"trim(regexp_replace({value}, '{pattern}', ''))"
    yield f"CREATE MACRO place_in_part(part) AS nullif({value}, '')"
    yield """
        CREATE MACRO place_in(address) AS CASE
            WHEN regexp_full_match(place_in_part(string_split(address, ',')[-1]), '[A-Z]{2}')
            THEN place_in_part(string_split(address, ',')[-2])
            ELSE place_in_part(string_split(address, ',')[-1]) END
    """
