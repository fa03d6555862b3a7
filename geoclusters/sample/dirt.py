"""The faults of real address data, put into the sample at known rates and counted.

All rates stand here. A row has one fault at the most. A year is missing for a whole document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from geoclusters.sample.world import World

KINDS: Final = (
    "missing_coordinates",
    "swapped_coordinates",
    "zero_coordinates",
    "out_of_range",
    "wrong_country",
    "duplicate_row",
    "missing_country",
    "country_spelling",
    "misspelt_city",
)

_EVERYWHERE: Final = {
    "missing_coordinates": 0.030,
    "swapped_coordinates": 0.003,
    "zero_coordinates": 0.004,
    "out_of_range": 0.002,
    "wrong_country": 0.004,
    "missing_country": 0.005,
    "country_spelling": 0.006,
}
RATES: Final = {
    "patents": {**_EVERYWHERE, "duplicate_row": 0.005},
    "publications": {**_EVERYWHERE, "duplicate_row": 0.005},
    "vc_deals": {**_EVERYWHERE, "misspelt_city": 0.020},
}
"""Part of a source's rows that each kind of fault hits."""

MISSING_YEAR_RATE: Final = 0.001
"""Part of the documents without a year."""

HALF_MISSING: Final = 0.1
"""Part of the rows without coordinates that lack only the longitude."""

SWAP_MIN_DEGREES: Final = 10.0
"""Where latitude and longitude are nearer to each other than this, nobody could see a swap."""

WRONG_MIN_DEGREES: Final = 3.0
"""How far at the least a point in a wrong country lies from the right one."""

SPELLINGS: Final = {
    "AU": ("Australia", "AUS.", "au"),
    "BR": ("Brazil", "Brasil", "br"),
    "CA": ("Canada", "CAN.", "ca"),
    "CH": ("Switzerland", "Schweiz", "Suisse"),
    "CN": ("China", "P.R. China", "People's Republic of China"),
    "DE": ("Germany", "Deutschland", "GERMANY"),
    "ES": ("Spain", "España", "es"),
    "FR": ("France", "FRANCE", "fr"),
    "GB": ("UK", "United Kingdom", "England"),
    "IN": ("India", "INDIA", "in"),
    "IT": ("Italy", "Italia", "it"),
    "JP": ("Japan", "JAPAN", "jp"),
    "KR": ("South Korea", "Korea, Republic of", "Republic of Korea"),
    "NL": ("The Netherlands", "Netherlands", "Holland"),
    "SE": ("Sweden", "Sverige", "se"),
    "TW": ("Taiwan", "Taiwan, R.O.C.", "tw"),
    "US": ("United States", "U.S.A.", "usa"),
}
"""Other ways to write a country; elsewhere its code in small letters."""
N_SPELLINGS: Final = 3


def draw_kinds(metric: str, n: int, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """Draw the fault of each of n rows, as a position in `KINDS`; -1 for a sound row."""
    rates = RATES[metric]
    edges = np.cumsum([rates.get(kind, 0.0) for kind in KINDS])
    kind = np.searchsorted(edges, rng.random(n), side="right")
    return np.where(kind < len(KINDS), kind, -1).astype(np.int8)


def spoil_coordinates(
    kind: npt.NDArray[np.int8],
    lat: npt.NDArray[np.float64],
    lon: npt.NDArray[np.float64],
    economy: npt.NDArray[np.int64],
    *,
    world: World,
    rng: np.random.Generator,
) -> None:
    """
    Put the faults of coordinates in, in place; missing ones become NaN.

    Parameters
    ----------
    kind : numpy.ndarray of int8, shape (n,)
        From `draw_kinds`; set to -1 where a fault would not show.
    lat, lon : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees.
    economy : numpy.ndarray of int64, shape (n,)
        Position of the row's economy in ``world.economies``.
    """
    missing = rows_of(kind, "missing_coordinates")
    lon[missing] = np.nan
    lat[missing[rng.random(len(missing)) >= HALF_MISSING]] = np.nan
    swapped = rows_of(kind, "swapped_coordinates")
    hidden = np.abs(lat[swapped] - lon[swapped]) < SWAP_MIN_DEGREES
    kind[swapped[hidden]] = -1
    swapped = swapped[~hidden]
    lat[swapped], lon[swapped] = lon[swapped], lat[swapped]
    zero = rows_of(kind, "zero_coordinates")
    lat[zero] = lon[zero] = 0.0
    outside = rows_of(kind, "out_of_range")
    nines = rng.random(len(outside)) < 0.5
    lat[outside] = np.where(nines, 999.0, np.abs(lat[outside]) + 90.5)
    lon[outside] = np.where(nines, 999.0, lon[outside])
    _move_abroad(kind, lat, lon, economy, world=world, rng=rng)


def _move_abroad(
    kind: npt.NDArray[np.int8],
    lat: npt.NDArray[np.float64],
    lon: npt.NDArray[np.float64],
    economy: npt.NDArray[np.int64],
    *,
    world: World,
    rng: np.random.Generator,
) -> None:
    """Give rows the point of a namesake abroad, as geocoders do."""
    rows = rows_of(kind, "wrong_country")
    other = rng.integers(len(world.economy), size=len(rows))
    near = np.abs(world.geometry.lat[other] - lat[rows]) < WRONG_MIN_DEGREES
    hidden = near | (world.economy[other] == economy[rows])
    kind[rows[hidden]] = -1
    lat[rows[~hidden]] = world.geometry.lat[other[~hidden]]
    lon[rows[~hidden]] = world.geometry.lon[other[~hidden]]


def rows_of(kind: npt.NDArray[np.int8], name: str) -> npt.NDArray[np.intp]:
    """Rows that have the fault of this name."""
    return np.flatnonzero(kind == KINDS.index(name))


def spelling(code: str, number: int) -> str:
    """
    Give another spelling of a country.

    Examples
    --------
    >>> spelling("DE", 1), spelling("EE", 1)
    ('Deutschland', 'ee')
    """
    return SPELLINGS.get(code, (code.lower(),) * N_SPELLINGS)[number]


def misspell(name: str) -> str:
    """
    Misspell the name of a city: two letters inside it change places, or one is doubled or lost.

    Examples
    --------
    >>> misspell("Barcelona"), misspell("Ulm"), misspell("Boon")
    ('Bareclona', 'Ulmm', 'Bon')
    """
    middle = len(name) // 2
    if len(name) < 4:
        return name + name[-1:]
    if name[middle] == name[middle - 1]:
        return name[:middle] + name[middle + 1 :]
    return name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :]
