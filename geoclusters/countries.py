"""The countries: their codes and spellings, their outlines, and which of them a point lies in.

A country is what ISO 3166-1 gives a code, so Taiwan, Hong Kong, Macao and the overseas parts of
France, the United States and others are economies of their own; Kosovo is XK. The outlines are
those of Natural Earth (public domain); ``data/README.md`` says how the tables were made.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geoclusters.places import nearest_place, read_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

COUNTRY_RESOLUTION = 5
"""Resolution of the H3 cells that `outside_country` takes: some 17 km across."""

_SLOT_BITS = 7 + 3 * COUNTRY_RESOLUTION
_SLOT_SHIFT = 45 - 3 * COUNTRY_RESOLUTION
_ROWS_AT_ONCE = 1 << 22
_BOX_DEGREES = 0.0625
"""Side of the boxes that are asked for their country as a whole; a power of two, so that their sides are exact."""
_HAIR_DEGREES = 1e-9
_SILENT_MARKS = "[.'`\N{RIGHT SINGLE QUOTATION MARK}]"


def read_countries() -> pd.DataFrame:
    """
    Countries and their codes.

    Returns
    -------
    pandas.DataFrame
        One row a country, ordered by `iso2`, all columns str: `iso2`, `iso3`, `numeric` (three
        digits of ISO 3166-1, empty for Kosovo), `name` (short English name), `alternates` (other
        spellings, separated by ``|``), `stated_as` (other codes under which sources write its
        addresses, separated by a space: ``FR`` for French Guiana).

    Examples
    --------
    >>> read_countries().set_index("iso2").loc["KR", ["iso3", "name"]].to_list()
    ['KOR', 'South Korea']
    """
    return _countries().copy()


def read_outlines() -> gpd.GeoDataFrame:
    """
    Outlines of the countries, for maps and for asking where a point lies.

    Returns
    -------
    geopandas.GeoDataFrame
        `iso2`, `name`, `geometry` (valid polygons in WGS 84 longitude and latitude, cut at the
        antimeridian), ordered by `iso2`. They are those of Natural Earth at 1:10 million, thinned
        so that a border is off by some 2 km at the most.

    Examples
    --------
    >>> bool(read_outlines().set_index("iso2").loc["CH"].geometry.is_valid)
    True
    """
    import geopandas as gpd  # noqa: PLC0415 - slow

    with as_file(files("geoclusters") / "tables" / "outlines.parquet") as path:
        return gpd.read_parquet(path)


def read_world() -> dict[str, Any]:
    """
    Light outlines of the countries for web maps.

    Returns
    -------
    dict
        A GeoJSON FeatureCollection (RFC 7946, two decimals) with the properties `iso2` and `name`;
        the Antarctic is left out.

    Examples
    --------
    >>> read_world()["features"][0]["properties"]
    {'iso2': 'AD', 'name': 'Andorra'}
    """
    text = (files("geoclusters") / "tables" / "world.geojson").read_text(encoding="utf-8")
    world: dict[str, Any] = json.loads(text)
    return world


def normalised_name(name: str) -> str:
    """
    Bring a country's name to the form in which spellings are compared.

    Case, accents, dots and other marks go, ``&`` becomes "and", a leading "the" goes.

    Examples
    --------
    >>> normalised_name("The U.S.A."), normalised_name("CÔTE D'IVOIRE")
    ('usa', 'cote divoire')
    """
    letters = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.sub(r"[\W_]+", " ", re.sub(_SILENT_MARKS, "", letters)).strip()
    return words.removeprefix("the ")


def iso2_of(values: npt.ArrayLike | pd.Series) -> npt.NDArray[np.object_]:
    """
    Codes of countries, from codes and names as sources write them.

    Parameters
    ----------
    values : array_like of str, shape (n,)
        ISO 3166-1 alpha-2 or alpha-3 codes or names, in any case; nulls are allowed.

    Returns
    -------
    numpy.ndarray of object, shape (n,)
        The alpha-2 code, or None where the value is null or not known.

    Examples
    --------
    >>> iso2_of(["us", "DEU", "Viet Nam", "Korea, Republic of", "Atlantis", None]).tolist()
    ['US', 'DE', 'VN', 'KR', None, None]
    """
    codes, distinct = pd.factorize(pd.Series(values).astype(object))
    known = _spellings()
    found = [known.get(normalised_name(str(value))) for value in distinct]
    return np.array([*found, None], dtype=object)[codes]


def country_codes() -> list[str]:
    """ISO 3166-1 alpha-2 codes in the order that numbers them: that of the alphabet."""
    return _countries()["iso2"].tolist()


def code_of(values: Sequence[str | None] | npt.NDArray[np.object_]) -> npt.NDArray[np.int16]:
    """
    Numbers of countries (places in `country_codes`), from codes and names as sources write them; -1 = not known.

    Examples
    --------
    >>> country_codes()[code_of(["Viet Nam"])[0]], int(code_of(["Atlantis"])[0])
    ('VN', -1)
    """
    number = {iso2: i for i, iso2 in enumerate(country_codes())}
    found = [number.get(iso2, -1) for iso2 in iso2_of(np.array(values, dtype=object))]
    return np.array(found, dtype=np.int16)


def country_at(lat: npt.ArrayLike, lon: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """
    Country in which each point lies.

    Parameters
    ----------
    lat, lon : array_like of float, shape (n,)
        WGS 84 degrees.

    Returns
    -------
    numpy.ndarray of object, shape (n,)
        ISO 3166-1 alpha-2. A point in no outline, at sea as a rule, gets the country of the nearest
        place; None where a coordinate is not finite. Borders are right to some 2 km.

    Examples
    --------
    >>> country_at([47.5596, 22.5455, 21.3], [7.5886, 114.0683, -157.5]).tolist()
    ['CH', 'CN', 'US']
    """
    codes = np.array([*country_codes(), None], dtype=object)
    return np.asarray(codes[country_code_at(lat, lon)])


def country_code_at(lat: npt.ArrayLike, lon: npt.ArrayLike) -> npt.NDArray[np.int16]:
    """
    Give the same as `country_at` by numbers (places in `country_codes`), -1 where it has None.

    Examples
    --------
    >>> [country_codes()[code] for code in country_code_at([47.5596, 22.5455], [7.5886, 114.0683])]
    ['CH', 'CN']
    """
    y = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    x = np.atleast_1d(np.asarray(lon, dtype=np.float64))
    found = np.full(len(y), -1, dtype=np.int16)
    rows = np.flatnonzero(np.isfinite(y) & np.isfinite(x))
    if not len(rows):
        return found
    polygons, owners, tree = _outline_parts()
    box, sides = _boxes(x[rows], y[rows])
    at, part = tree.query(sides)
    meets = shapely.intersects(polygons[part], sides[at])
    at, part = at[meets], part[meets]
    alone = np.bincount(at, minlength=len(sides))[at] == 1
    whole = alone.copy()
    whole[alone] = shapely.covers(polygons[part[alone]], sides[at[alone]])
    country_of_box = np.full(len(sides), -1, dtype=np.int16)
    country_of_box[at[whole]] = owners[part[whole]]
    found[rows] = country_of_box[box]
    _ask_one_by_one(found, rows, box, x, y, at=at[~whole], part=part[~whole])
    lost = rows[found[rows] < 0]
    if len(lost):
        found[lost] = _place_codes()[nearest_place(y[lost], x[lost])[0]]
    return found


def _boxes(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]]:
    """Give the box of each point, and the boxes that hold points, as polygons."""
    column, line = (np.floor(v / _BOX_DEGREES).astype(np.int64) for v in (x, y))
    keys, box = np.unique(column * (1 << 32) + line, return_inverse=True)
    line = (keys + (1 << 31)) % (1 << 32) - (1 << 31)
    column = (keys - line) >> 32
    west, south = column * _BOX_DEGREES - _HAIR_DEGREES, line * _BOX_DEGREES - _HAIR_DEGREES
    side = _BOX_DEGREES + 2 * _HAIR_DEGREES
    return box, np.asarray(shapely.box(west, south, west + side, south + side))


def _ask_one_by_one(
    found: npt.NDArray[np.int16],
    rows: npt.NDArray[np.intp],
    box: npt.NDArray[np.int64],
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    *,
    at: npt.NDArray[np.intp],
    part: npt.NDArray[np.intp],
) -> None:
    """Find the countries of the points in boxes that several outlines meet, or one in part."""
    polygons, owners, _ = _outline_parts()
    open_box = np.zeros(int(box.max()) + 1, dtype=np.bool_)
    open_box[at] = True
    points = np.flatnonzero(open_box[box])
    points = points[np.argsort(box[points], kind="stable")]
    bounds = np.searchsorted(box[points], [at, at + 1])
    count = bounds[1] - bounds[0]
    begins = np.repeat(bounds[0] - np.cumsum(count) + count, count)
    point = rows[points[begins + np.arange(len(begins))]]
    part = np.repeat(part, count)
    inside = shapely.intersects_xy(polygons[part], x[point], y[point])
    # Parts are ordered by code: on a border, where two match, the first code of the alphabet stays.
    order = np.argsort(-part[inside], kind="stable")
    found[point[inside][order]] = owners[part[inside][order]]


def outside_country(
    cells: npt.NDArray[np.uint64], country: npt.NDArray[np.int16]
) -> npt.NDArray[np.bool_]:
    """
    Tell which points certainly lie outside the country that is stated for them.

    The outline of each country (Natural Earth, 1:10 million) and its places were turned into H3
    cells with one cell of margin. A point nearer than 8 km to the outline never counts as outside,
    one farther than 40 km from it and from every place of the country always does; between, it
    depends on where the cells lie.

    Parameters
    ----------
    cells : numpy.ndarray of uint64, shape (n,)
        H3 cells of the points at `COUNTRY_RESOLUTION`; 0 for a point without a position.
    country : numpy.ndarray of int16, shape (n,)
        Numbers of the stated countries (`code_of`), -1 where none is known.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        False wherever there is doubt: a country that is not known or has no outline, a
        point without a position. Overseas parts and other lands that sources write under two
        codes count as inside for both (French Guiana as GF and as FR; Hong Kong as HK and as CN).

    Raises
    ------
    ValueError
        If the two differ in length or a cell is not one of `COUNTRY_RESOLUTION`.

    Examples
    --------
    >>> import h3.api.basic_int as h3
    >>> paris = h3.latlng_to_cell(48.8566, 2.3522, COUNTRY_RESOLUTION)
    >>> outside_country(np.full(3, paris, dtype=np.uint64), code_of(["FR", "JP", "Atlantis"])).tolist()
    [False, True, False]
    """
    if len(country) != len(cells):
        raise ValueError(
            f"{len(cells)} cells, but {len(country)} countries: one for each is needed"
        )
    set_of_slot, members, _ = _membership()
    # The last column is that of "not known", inside everywhere: -1 leads there.
    outside = np.empty(len(cells), dtype=np.bool_)
    for start in range(0, len(cells), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        outside[rows] = ~members[set_of_slot[_slots(cells[rows])], country[rows]]
    return np.asarray(outside & (cells != 0))


def _slots(cells: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Give cells numbers: their base cell and digits, which H3 keeps side by side in the index."""
    kind = cells >> np.uint64(52)
    # 0x080 is the mode "cell"; the resolution stands in the four bits below it.
    wrong = (kind != np.uint64(0x080 | COUNTRY_RESOLUTION)) & (cells != 0)
    if wrong.any():
        seen = int(cells[wrong][0])
        raise ValueError(
            f"{seen:#x} is not an H3 cell of resolution {COUNTRY_RESOLUTION}: "
            "give cells at COUNTRY_RESOLUTION, and 0 where there is no position",
        )
    mask = np.uint64((1 << _SLOT_BITS) - 1)
    return ((cells >> np.uint64(_SLOT_SHIFT)) & mask).astype(np.int64)


@cache
def _countries() -> pd.DataFrame:
    with as_file(files("geoclusters") / "tables" / "countries.csv") as path:
        # Namibia's code is NA.
        return pd.read_csv(path, dtype=str, keep_default_na=False)


@cache
def _spellings() -> dict[str, str]:
    table = _countries()
    spellings = {}
    for column in ("alternates", "name", "iso3", "iso2"):
        for iso2, text in zip(table["iso2"], table[column], strict=True):
            spellings.update({normalised_name(name): iso2 for name in text.split("|") if name})
    return spellings


@cache
def _outline_parts() -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int16], shapely.STRtree]:
    outlines = read_outlines()
    polygons, row = shapely.get_parts(outlines.geometry.to_numpy(), return_index=True)
    shapely.prepare(polygons)
    return polygons, _numbers(outlines["iso2"])[row], shapely.STRtree(polygons)


@cache
def _place_codes() -> npt.NDArray[np.int16]:
    return _numbers(read_places()["country"])


def _numbers(codes: pd.Series) -> npt.NDArray[np.int16]:
    return pd.Categorical(codes, categories=country_codes()).codes.astype(np.int16)


@cache
def _membership() -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_], dict[str, int]]:
    """Give the number of the set of countries of each cell, and who belongs to which set."""
    with as_file(files("geoclusters") / "tables" / "country_cells.parquet") as path:
        table = pd.read_parquet(path)
    sets = pd.Categorical(table["countries"])
    names = ["", *sets.categories]  # set 0: the open sea
    set_of_slot = _spread(table["cell"].to_numpy(np.uint64), sets.codes.astype(np.int64) + 1)
    column_of = {iso2: i for i, iso2 in enumerate(_countries()["iso2"])}
    members = np.zeros((len(names), len(column_of) + 1), dtype=np.bool_)
    also = dict(zip(_countries()["iso2"], _countries()["stated_as"], strict=True))
    for row, text in enumerate(names):
        for iso2 in text.split():
            members[row, [column_of[code] for code in (iso2, *also[iso2].split())]] = True
    members[:, ~members.any(axis=0)] = True
    return set_of_slot, members, column_of


def _spread(
    cells: npt.NDArray[np.uint64],
    number: npt.NDArray[np.int64],
) -> npt.NDArray[np.uint16]:
    """Write each cell's number to all slots of its children, which follow each other."""
    resolution = ((cells >> np.uint64(52)) & np.uint64(15)).astype(np.int64)
    size = np.int64(1) << (3 * (COUNTRY_RESOLUTION - resolution))
    mask = np.uint64((1 << _SLOT_BITS) - 1)
    slot = ((cells >> np.uint64(_SLOT_SHIFT)) & mask).astype(np.int64) // size * size
    change = np.zeros((1 << _SLOT_BITS) + 1, dtype=np.int32)
    np.add.at(change, slot, number)
    np.add.at(change, slot + size, -number)
    return np.cumsum(change[:-1]).astype(np.uint16)
