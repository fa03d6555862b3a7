"""Places that an address may mean, with how each of them came up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from geoclusters.geocoding.distance import Letters, nearest_names
from geoclusters.geocoding.gazetteer import ANYWHERE
from geoclusters.geocoding.romanisation import fold_all
from geoclusters.geocoding.statements import (
    ASIDE,
    BARE,
    LONG,
    PART,
    REGION,
    TAIL,
    WHOLE,
    Variant,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from geoclusters.geocoding.gazetteer import Block, Gazetteer
    from geoclusters.geocoding.statements import Reader, Reading, Statement

    Ints = npt.NDArray[np.int64]

KINDS: Final = (WHOLE, LONG, BARE, TAIL, PART, ASIDE, REGION)
MIN_BEGINNING: Final = 8
"""Letters from which a name that was cut off is looked up by its beginning."""
MOST_BEGINNINGS: Final = 12


_COLUMNS: Final = (
    "statement", "place", "kind", "dropped", "length", "distance", "folded", "cut", "other", "wrong_region",
)  # fmt: skip


def candidates_of(statements: list[Statement], reader: Reader) -> pd.DataFrame:
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
    gazetteer = reader.gazetteer
    whole = [(i, Variant(s.whole, WHOLE)) for i, s in enumerate(statements) if s.whole]
    wards = [(i, Variant(c, WHOLE)) for i, s in enumerate(statements) for c in s.cities_of_ward]
    first = pd.concat(
        [
            _exact(whole, statements, gazetteer),
            _exact(wards, statements, gazetteer).assign(other=True),
        ],
        ignore_index=True,
    )
    settled = set(first["statement"][~first["wrong_region"]].tolist())
    others = [
        (i, variant)
        for i, s in enumerate(statements)
        if s.whole and i not in settled
        for variant in reader.other_variants(s)
    ]
    second = _exact(others, statements, gazetteer)
    good = second[~second["wrong_region"] & (second["kind"] <= KINDS.index(TAIL))]
    settled |= set(good["statement"].tolist())
    # The name of a region or country is no misspelt place.
    settled |= {
        i for i, s in enumerate(statements) if s.named_regions or s.named_country != ANYWHERE
    }
    open_ones = [(i, v) for i, v in [*whole, *others] if i not in settled]
    similar = _similar(open_ones, statements, gazetteer)
    regions = _named_regions(statements, gazetteer)
    found = [t for t in (first, second, regions, *similar) if len(t)]
    if not found:
        return first
    return pd.concat(found).sort_values("statement", kind="stable", ignore_index=True)


def _exact(
    asked: list[tuple[int, Variant]], statements: list[Statement], gazetteer: Gazetteer
) -> pd.DataFrame:
    """Places with these very keys, where their addresses say."""
    which, entry = gazetteer.entries_of([v.key for _, v in asked])
    found = _asked_rows(asked).iloc[which].reset_index(drop=True)
    found["place"] = gazetteer.entry_place[entry]
    found["other"] = gazetteer.entry_is_other[entry]
    found = found.assign(distance=0.0, folded=False, cut=0)
    return _where_stated(found, statements, gazetteer)


def _asked_rows(asked: list[tuple[int, Variant]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "statement": np.array([i for i, _ in asked], dtype=np.int64),
            "kind": np.array([KINDS.index(v.kind) for _, v in asked], dtype=np.int64),
            "dropped": np.array([v.dropped for _, v in asked], dtype=np.int64),
            "length": np.array([len(v.key) for _, v in asked], dtype=np.int64),
            "behind": np.array([v.region for _, v in asked], dtype=np.int64),
        }
    )


def _named_regions(statements: list[Statement], gazetteer: Gazetteer) -> pd.DataFrame:
    """Regions after which addresses name their place."""
    first = len(gazetteer.places)
    rows = [(i, first + r, len(s.whole)) for i, s in enumerate(statements) for r in s.named_regions]
    found = pd.DataFrame(rows, columns=["statement", "place", "length"], dtype=np.int64)
    found = found.assign(kind=KINDS.index(REGION), dropped=0, distance=0.0, folded=False, cut=0)
    return found.assign(other=False, wrong_region=False)[list(_COLUMNS)]


def _where_stated(
    found: pd.DataFrame, statements: list[Statement], gazetteer: Gazetteer
) -> pd.DataFrame:
    """Keep the places that lie where one of the readings of their address says."""
    rows = [
        (i, r.country, r.region, r.wrong_region)
        for i in found["statement"].unique()
        for r in statements[i].readings
    ]
    columns = ["statement", "in_country", "in_region", "wrong_region"]
    readings = pd.DataFrame(rows, columns=columns).astype(
        {**dict.fromkeys(columns, np.int64), "wrong_region": bool}
    )
    joined = found.merge(readings, on="statement")
    place = joined["place"].to_numpy()
    country, region = joined["in_country"].to_numpy(), joined["in_region"].to_numpy()
    fits = (country == ANYWHERE) | gazetteer.allowed[country, gazetteer.country[place]]
    behind = joined["behind"].to_numpy()
    for stated in (region, behind):
        fits &= (stated == ANYWHERE) | (gazetteer.region[place] == stated)
    kept: pd.DataFrame = joined.loc[fits, list(_COLUMNS)]
    return kept.sort_values(["statement", "wrong_region"], kind="stable", ignore_index=True)


def _similar(
    open_ones: list[tuple[int, Variant]], statements: list[Statement], gazetteer: Gazetteer
) -> list[pd.DataFrame]:
    """Compare the names that were not found with those of their country or region."""
    blocks: dict[tuple[int, int], list[tuple[int, Variant]]] = {}
    for i, variant in open_ones:
        for reading in statements[i].readings:
            twice = ANYWHERE not in {variant.region, reading.region}
            if variant.key.isascii() and not reading.wrong_region and not twice:
                where = _block_of(reading, variant, gazetteer)
                blocks.setdefault(where, []).append((i, variant))
    return [_similar_in(asked, *where, gazetteer) for where, asked in blocks.items()]


def _block_of(reading: Reading, variant: Variant, gazetteer: Gazetteer) -> tuple[int, int]:
    if variant.region == ANYWHERE:
        return reading.country, reading.region
    return int(gazetteer.region_country[variant.region]), variant.region


def _similar_in(
    asked: list[tuple[int, Variant]], country: int, region: int, gazetteer: Gazetteer
) -> pd.DataFrame:
    block = gazetteer.block(country, region)
    if not len(block.entry):
        return pd.DataFrame(columns=list(_COLUMNS))
    keys = [v.key for _, v in asked]
    folded = fold_all(keys, block.code)
    table = _asked_rows(asked).assign(
        key=np.array(keys, dtype=object), length=np.array([len(f) for f in folded], dtype=np.int64)
    )
    which, row, distance = nearest_names(Letters.of(folded), block.letters)
    near = _rows(table, which, block.entry[row], gazetteer).assign(distance=distance, cut=0)
    which, row, cut = _beginnings(folded, block)
    short = _rows(table, which, block.entry[row], gazetteer).assign(distance=0.0, cut=cut)
    return pd.concat([near, short])[list(_COLUMNS)]


def _rows(table: pd.DataFrame, which: Ints, entry: Ints, gazetteer: Gazetteer) -> pd.DataFrame:
    found = table.iloc[which].reset_index(drop=True)
    same = gazetteer.entry_key[entry] == found["key"].to_numpy(object)
    return found.assign(
        place=gazetteer.entry_place[entry],
        other=gazetteer.entry_is_other[entry],
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
