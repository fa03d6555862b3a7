"""Places that an address may mean, with how each of them came up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from geoclusters.geocoding.distance import Letters, nearest_names
from geoclusters.geocoding.gazetteer import ANYWHERE, Block, Gazetteer
from geoclusters.geocoding.romanisation import fold
from geoclusters.geocoding.statements import ASIDE, BARE, LONG, PART, REGION, TAIL, WHOLE, Reading, Statement, Variant

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

KINDS: Final = (WHOLE, LONG, BARE, TAIL, PART, ASIDE, REGION)
MIN_BEGINNING: Final = 8
"""Letters from which a name that was cut off is looked up by its beginning."""
MOST_BEGINNINGS: Final = 12


_COLUMNS: Final = (
    "statement", "place", "kind", "dropped", "length", "distance", "folded", "cut", "other", "wrong_region",
)  # fmt: skip


def candidates_of(statements: list[Statement], gazetteer: Gazetteer) -> pd.DataFrame:
    """
    Look up every address: by its very names, and where that finds nothing by similar ones.

    Returns
    -------
    pandas.DataFrame
        One row for each place that each address may mean, ordered by `statement`: `statement` (position of the
        address), `place` (row of `Gazetteer.points`), `kind` (position in `KINDS`), `dropped` (words left out),
        `length` (letters compared), `distance` (of spelling; 0 = the very key, or the same when folded), `folded`
        (not the very key), `cut` (letters cut off at the end), `other` (found by another name than the first),
        `wrong_region` (not in the stated region).
    """
    exact = _exact(statements, gazetteer)
    good = exact[~exact["wrong_region"] & (exact["kind"] <= KINDS.index(TAIL))]
    settled = set(good["statement"].tolist())
    open_ones = [i for i, s in enumerate(statements) if s.variants and i not in settled]
    similar = _similar(statements, open_ones, gazetteer)
    regions = _named_regions(statements, gazetteer)
    found = [t for t in (exact, regions, *similar) if len(t)]
    if not found:
        return exact
    return pd.concat(found).sort_values("statement", kind="stable", ignore_index=True)


def _exact(statements: list[Statement], gazetteer: Gazetteer) -> pd.DataFrame:
    rows = [
        (i, v.key, KINDS.index(v.kind), v.dropped, len(v.key), v.region)
        for i, s in enumerate(statements)
        for v in s.variants
    ]
    asked = pd.DataFrame(rows, columns=["statement", "key", "kind", "dropped", "length", "behind"])
    which, entry = gazetteer.entries_of(asked["key"].tolist())
    found = asked.iloc[which].drop(columns="key").reset_index(drop=True)
    found["place"] = gazetteer.entry_place[entry]
    found["other"] = gazetteer.entry_is_other[entry]
    found = found.assign(distance=0.0, folded=False, cut=0)
    return _where_stated(found, statements, gazetteer)


def _named_regions(statements: list[Statement], gazetteer: Gazetteer) -> pd.DataFrame:
    """Regions after which addresses name their place."""
    first = len(gazetteer.places)
    rows = [
        (i, first + r, len(s.variants[0].key))
        for i, s in enumerate(statements)
        if s.variants
        for r in s.named_regions
    ]
    found = pd.DataFrame(rows, columns=["statement", "place", "length"], dtype=np.int64)
    found = found.assign(kind=KINDS.index(REGION), dropped=0, distance=0.0, folded=False, cut=0)
    return found.assign(other=False, wrong_region=False)[list(_COLUMNS)]


def _where_stated(
    found: pd.DataFrame, statements: list[Statement], gazetteer: Gazetteer
) -> pd.DataFrame:
    """Keep the places that lie where one of the readings of their address says."""
    readings = pd.DataFrame(
        [
            (i, r.country, r.region, r.wrong_region)
            for i, s in enumerate(statements)
            for r in s.readings
        ],
        columns=["statement", "in_country", "in_region", "wrong_region"],
    )
    joined = found.merge(readings, on="statement")
    place = joined["place"].to_numpy()
    country, region = joined["in_country"].to_numpy(), joined["in_region"].to_numpy()
    fits = (country == ANYWHERE) | gazetteer.allowed[country, gazetteer.country[place]]
    behind = joined["behind"].to_numpy()
    for stated in (region, behind):
        fits &= (stated == ANYWHERE) | (gazetteer.region[place] == stated)
    kept = joined[fits].sort_values(["statement", "wrong_region"], kind="stable")
    return kept[list(_COLUMNS)].reset_index(drop=True)


def _similar(
    statements: list[Statement], open_ones: list[int], gazetteer: Gazetteer
) -> list[pd.DataFrame]:
    """Compare the names that were not found with those of their country or region."""
    blocks: dict[tuple[int, int], list[tuple[int, str, int, int]]] = {}
    for i in open_ones:
        for reading in statements[i].readings:
            if reading.wrong_region:
                continue
            for v in statements[i].variants:
                if v.key.isascii() and (v.region == ANYWHERE or reading.region == ANYWHERE):
                    where = _block_of(reading, v, gazetteer)
                    row = (i, v.key, KINDS.index(v.kind), v.dropped)
                    blocks.setdefault(where, []).append(row)
    return [
        _similar_in(asked, country, region, gazetteer)
        for (country, region), asked in blocks.items()
    ]


def _block_of(reading: Reading, variant: Variant, gazetteer: Gazetteer) -> tuple[int, int]:
    if variant.region == ANYWHERE:
        return reading.country, reading.region
    return int(gazetteer.regions["country"].to_numpy()[variant.region]), variant.region


def _similar_in(
    asked: list[tuple[int, str, int, int]], country: int, region: int, gazetteer: Gazetteer
) -> pd.DataFrame:
    block = gazetteer.block(country, region)
    table = pd.DataFrame(asked, columns=["statement", "key", "kind", "dropped"])
    if table.empty or not len(block.entry):
        return pd.DataFrame(columns=list(_COLUMNS))
    folded = [fold(key, block.code) for key in table["key"]]
    which, row, distance = nearest_names(Letters.of(folded), block.letters)
    near = _rows(table, folded, which, block.entry[row], gazetteer).assign(distance=distance, cut=0)
    which, row, cut = _beginnings(folded, block)
    short = _rows(table, folded, which, block.entry[row], gazetteer).assign(distance=0.0, cut=cut)
    return pd.concat([near, short])[list(_COLUMNS)]


def _rows(
    table: pd.DataFrame, folded: list[str], which: Ints, entry: Ints, gazetteer: Gazetteer
) -> pd.DataFrame:
    found = table.iloc[which].reset_index(drop=True)
    same = gazetteer.entry_key[entry] == found["key"].to_numpy(object)
    return found.assign(
        place=gazetteer.entry_place[entry],
        other=gazetteer.entry_is_other[entry],
        length=np.array([len(f) for f in folded], dtype=np.int64)[which],
        folded=~same.astype(bool),
        wrong_region=False,
    )


def _beginnings(folded: list[str], block: Block) -> tuple[Ints, Ints, Ints]:
    """Names that begin with an asked one: sources cut long names off."""
    names, by_name = block.folded, block.by_name
    which, rows, cut = [], [], []
    for i, name in enumerate(folded):
        if len(name) < MIN_BEGINNING:
            continue
        first = int(np.searchsorted(names, name, side="right"))
        last = int(np.searchsorted(names, name + "~", side="left"))
        for at in range(first, min(last, first + MOST_BEGINNINGS)):
            which.append(i)
            rows.append(int(by_name[at]))
            cut.append(len(names[at]) - len(name))
    return tuple(np.array(x, dtype=np.int64) for x in (which, rows, cut))  # type: ignore[return-value]
