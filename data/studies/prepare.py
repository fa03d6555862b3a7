"""Prepares the tables of the *world* study: years become rows, names become coordinates.

    python data/studies/prepare.py --data ../shared/data --out out/evaluation/prepared

Writes three Parquet tables and `prepared.json`, which tells how much of each source found a point.
The *record* study reads its sources as they are.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import deals
import metros
import universities

from geoclusters.places import read_places

if TYPE_CHECKING:
    import pandas as pd


def prepare(data: Path, out: Path) -> dict[str, Any]:
    """Write the tables to a folder and give what `prepared.json` says."""
    out.mkdir(parents=True, exist_ok=True)
    places = read_places()
    placed_metros = metros.place_metros(metros.read_metros(data), places)
    patents = metros.yearly_counts(placed_metros)
    publications = universities.place_universities(*universities.read_universities(data), places)
    rounds = deals.place_deals(*deals.read_deals(data), places)
    patents.to_parquet(out / "patents.parquet", index=False)
    publications.to_parquet(out / "publications.parquet", index=False)
    rounds.to_parquet(out / "deals.parquet", index=False)
    told = {
        "patents": {
            **_placed(patents, "patents"),
            "mended_by_rule": _tally(placed_metros["rule"]),
        },
        "publications": {
            **_placed(publications, "publications"),
            "found_on_rung": _tally(publications["rung"].fillna("none")),
        },
        "deals": _placed(rounds, "rounds"),
    }
    text = json.dumps(told, indent=1, ensure_ascii=False)
    (out / "prepared.json").write_text(text + "\n", encoding="utf-8")
    return told


def _placed(table: pd.DataFrame, amount: str) -> dict[str, float]:
    found = table["lat"].notna()
    return {
        "rows": len(table),
        "rows_placed": int(found.sum()),
        "amount": float(table[amount].sum()),
        "amount_placed": float(table.loc[found, amount].sum()),
    }


def _tally(values: pd.Series) -> dict[str, int]:
    return {str(key): int(n) for key, n in values.value_counts().sort_index().items()}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation data")
    parser.add_argument("--out", type=Path, required=True, help="folder for the prepared tables")
    given = parser.parse_args()
    print(json.dumps(prepare(given.data, given.out), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
