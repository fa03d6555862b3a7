"""Brings two tables of the *world* study into a shape that a study file can name. Nothing is placed here.

    python data/studies/prepare.py --data ../shared/data --out out/evaluation/prepared

- `patents.parquet`: a row for each metropolitan area and year, where the source has a column for each year.
- `universities.csv`: names and publications; letters that R wrote as ``<U+00E4>`` are letters again.
- `ror.json`: the records of research organisations as a dump of the registry holds them (its second schema).

Deals and people are read from their tables as they are, and so is all of the *record* study.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_YEAR: Final = 2008
LAST_YEAR: Final = 2012
METROS: Final = "patents_metro_world/metro_patent_code_counts_1980_2014.csv.gz"
UNIVERSITIES: Final = "universities_leiden_2020/leiden_ranking_2020_universities.csv.gz"
ORGANISATIONS: Final = "institutions_ror/ror_records.parquet"
ESCAPE: Final = re.compile(r"<U\+([0-9A-Fa-f]{4,6})>")


def prepare(data: Path, out: Path) -> None:
    """Write the tables to a folder."""
    out.mkdir(parents=True, exist_ok=True)
    metros = pd.read_csv(data / METROS, keep_default_na=False, na_values=[""])
    yearly_counts(metros).to_parquet(out / "patents.parquet", index=False)
    named_counts(pd.read_csv(data / UNIVERSITIES)).to_csv(out / "universities.csv", index=False)
    records = [record_of(row) for row in rows_of(pd.read_parquet(data / ORGANISATIONS))]
    (out / "ror.json").write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")


def yearly_counts(metros: pd.DataFrame) -> pd.DataFrame:
    """
    Turn the columns of the years that count into rows.

    Parameters
    ----------
    metros : pandas.DataFrame
        Columns `metro`, `country_code`, `lat`, `lon` and one a year.

    Returns
    -------
    pandas.DataFrame
        `metro, country, lat, lon, year, patents`; areas and years without patents have no row.
    """
    years = [c for c in metros.columns if c.isdigit() and FIRST_YEAR <= int(c) <= LAST_YEAR]
    rows = metros.rename(columns={"country_code": "country"}).melt(
        id_vars=["metro", "country", "lat", "lon"],
        value_vars=years,
        var_name="year",
        value_name="patents",
    )
    rows = rows[rows["patents"] > 0].astype({"year": "int16", "patents": "float64"})
    return rows.sort_values(
        ["country", "metro", "lat", "year", "patents"], ignore_index=True, kind="stable"
    )


def named_counts(ranking: pd.DataFrame) -> pd.DataFrame:
    """
    Give `university, publications` of the ranking.

    Examples
    --------
    >>> named_counts(pd.DataFrame({"university": ["<U+00C5>bo Akademi"], "P_derived": [3.0]})).values.tolist()
    [['Åbo Akademi', 3.0]]
    """
    names = [unescaped(name) for name in ranking["university"]]
    return pd.DataFrame({"university": names, "publications": ranking["P_derived"]})


def unescaped(name: str) -> str:
    """
    Turn the escapes that R writes for letters outside ASCII back into letters.

    Examples
    --------
    >>> unescaped("<U+00C5>bo Akademi University")
    'Åbo Akademi University'
    """
    return ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), name)


def rows_of(organisations: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Give the rows of the table of organisations by their id, None for what is missing."""
    ordered = organisations.sort_values("ror_id").astype(object)
    yield from ordered.where(ordered.notna(), None).to_dict("records")


def record_of(row: dict[str, Any]) -> dict[str, Any]:
    """
    Give an organisation as a dump holds it.

    The table has aliases and acronyms in one column; those of capitals without a blank are taken for acronyms.
    """
    others = [name for name in (row["aliases"] or "").split("|") if name]
    names = [{"value": row["name"], "types": ["ror_display", "label"]}]
    names += [{"value": name, "types": [_kind_of(name)]} for name in others]
    details = {
        "name": row["city"],
        "country_code": row["country_code"],
        "country_subdivision_name": row["admin1"],
        "lat": row["lat"],
        "lng": row["lon"],
    }
    return {
        "id": row["ror_id"],
        "names": names,
        "types": (row["types"] or "").split("|"),
        "status": row["status"],
        "locations": [{"geonames_id": row["geonames_id"], "geonames_details": details}],
        "relationships": [],
    }


def _kind_of(name: str) -> str:
    return "acronym" if name.isupper() and " " not in name else "alias"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation data")
    parser.add_argument("--out", type=Path, required=True, help="folder for the prepared tables")
    given = parser.parse_args()
    prepare(given.data, given.out)


if __name__ == "__main__":
    main()
