"""Measures geocoding on labelled names: how many are answered, and how many of the answers are right.

    python benchmarks/evaluate_geocoding.py --data ../shared/data

Three sets, if they are in the folder: misspelt place names of patents with their corrections, cities of
research organisations with their coordinates, affiliations as authors write them. The misspelt names are
divided by a hash of the true name; the weights of `geoclusters.geocoding.choosing` were chosen on one half, and
`held_out` is the other one.

A label of the misspelt names is a name and no point. An answer is right if it lies within `RIGHT_KM` of a place
of the label's name in the label's country (and state). Where GeoNames has no such place, it is right if the label
is the answer's own name but for one letter or for words that stand before or behind it; other answers to such
labels cannot be judged, and `right_at_least` counts them as wrong.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from geoclusters.earth import chord_of, distance_km, unit_vectors
from geoclusters.geocoding import geocode
from geoclusters.geocoding.distance import Letters, nearest_names
from geoclusters.geocoding.gazetteer import load_gazetteer
from geoclusters.geocoding.romanisation import fold
from geoclusters.geocoding.spelling import key_of
from geoclusters.places import read_gazetteer

RIGHT_KM: Final = 25.0
ONE_LETTER: Final = 1.0
SPEED_STRINGS: Final = 100_000
CONFUSIONS: Final = 12

FLOORS: Final[dict[str, float]] = {
    "typos_answered": 0.75,
    "typos_right": 0.90,
    "cities_right": 0.98,
    "names_right": 0.98,
}


def evaluate(data: Path) -> dict[str, Any]:
    """
    Measure geocoding on the tables of a folder.

    Parameters
    ----------
    data : Path
        Folder with `geocoding_patent_city_typos`, `institutions_ror` and `validation_affiliation_to_ror`; what is
        not there is left out.

    Returns
    -------
    dict
        `typos_*` (held out), `typos_tuning_*`, `cities_*` (city and country), `cities_in_region_*`,
        `names_*` (names of GeoNames themselves, with region and country), `affiliations_*`, each with `answered` and
        `right` as fractions of 1;
        `seconds_per_100000`; `confusions` (list of dict); `under_floor` (list of names of figures).
    """
    found: dict[str, Any] = {**_names(), **_speed()}
    if (data / "geocoding_patent_city_typos").exists():
        found |= _typos(data / "geocoding_patent_city_typos" / "city_typos.csv.gz")
    if (data / "institutions_ror").exists():
        records = pd.read_parquet(data / "institutions_ror" / "ror_records.parquet")
        records = records.dropna(subset=["city", "lat", "lon"])
        found |= _cities(records)
        gold = data / "validation_affiliation_to_ror" / "gold_affiliation_annotations.csv"
        if gold.exists():
            found |= _affiliations(gold, records)
    found["under_floor"] = [k for k, floor in FLOORS.items() if found.get(k, 1.0) < floor]
    return found


def read_typos(path: Path) -> pd.DataFrame:
    """Misspelt names and their labels: commas of the first field are not quoted in the file."""
    rows = []
    with gzip.open(path, "rt", encoding="latin-1") as lines:
        for line in lines:
            cells = [c.strip() for c in next(csv.reader([line.rstrip("\n")]))]
            rows.append((", ".join(cells[:-5]), *cells[-5:]))
    columns = ["place", "region", "country", "true_place", "true_region", "true_country"]
    table = pd.DataFrame(rows, columns=columns)
    table["held_out"] = [
        hashlib.sha256(name.encode()).digest()[0] % 2 == 1 for name in table["true_place"]
    ]
    return table


def _typos(path: Path) -> dict[str, Any]:
    table = read_typos(path)
    answers = geocode(table["place"], table["region"], table["country"])
    near, locatable = _near_label(table, answers)
    right = near | (~locatable & _same_name(table, answers))
    judged = locatable | right
    given = (answers["level"] == "place") & answers["reason"].ne("ambiguous")
    by_region = (answers["level"] == "region") & (answers["score"] > 0)
    given |= by_region
    found: dict[str, Any] = {}
    for name, part in (("typos", table["held_out"]), ("typos_tuning", ~table["held_out"])):
        a = part & given
        found |= {
            f"{name}_pairs": int(part.sum()),
            f"{name}_answered": float(given[part].mean()),
            f"{name}_right": float(right[a & judged].mean()),
            f"{name}_right_at_least": float(right[a].mean()),
            f"{name}_judged": float(judged[a].mean()),
            f"{name}_by_region": float(by_region[part].mean()),
        }
    found["confusions"] = _confusions(table, answers, given & judged & ~right & table["held_out"])
    return found


def _near_label(table: pd.DataFrame, answers: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Tell which answers lie near a place of the label's name, and which labels name any place."""
    gazetteer = load_gazetteer()
    which, entry = gazetteer.entries_of([key_of(name) for name in table["true_place"]])
    place = gazetteer.entry_place[entry]
    country = np.array(gazetteer.countries, dtype=object)[gazetteer.country[place]]
    state = gazetteer.places["region_code"].to_numpy(object)[place]
    stated = table["true_region"].to_numpy(object)[which]
    fits = country == table["true_country"].to_numpy(object)[which]
    fits &= (stated == "") | (stated == state) | (country != "US")
    which, place = which[fits], place[fits]
    here = unit_vectors(answers["lat"], answers["lon"])[which]
    near = np.linalg.norm(here - gazetteer.vectors[place], axis=1) <= chord_of(RIGHT_KM)
    flags = np.zeros((2, len(table)), dtype=bool)
    flags[0, which[near]] = flags[1, which] = True
    return pd.Series(flags[0]), pd.Series(flags[1])


def _same_name(table: pd.DataFrame, answers: pd.DataFrame) -> pd.Series:
    """Tell which answers bear the label's name, but for one letter or words before or behind it."""
    same = np.zeros(len(table), dtype=bool)
    rows = zip(table["true_place"], table["true_country"], answers["name"], strict=True)
    for i, (label, country, name) in enumerate(rows):
        if isinstance(name, str):
            a, b = fold(key_of(label), country), fold(key_of(name), country)
            same[i] = a == b or (min(len(a), len(b)) >= 6 and _is_alike(a, b))
    return pd.Series(same)


def _is_alike(a: str, b: str) -> bool:
    if a in b or b in a:
        return True
    if not (a.isascii() and b.isascii()):
        return False
    distance = nearest_names(Letters.of([a]), Letters.of([b]))[2]
    return bool(len(distance) and distance[0] <= ONE_LETTER)


def _confusions(
    table: pd.DataFrame, answers: pd.DataFrame, wrong: pd.Series
) -> list[dict[str, Any]]:
    """Pairs of label and answer that are mixed up most often."""
    shown = table[wrong][["place", "true_place", "true_country"]].assign(
        answer=answers["name"][wrong], score=answers["score"][wrong]
    )
    grouped = shown.groupby(["true_place", "true_country", "answer"]).agg(
        pairs=("place", "size"), written=("place", "first"), score=("score", "mean")
    )
    worst = grouped.sort_values(["pairs", "score"], ascending=False).head(CONFUSIONS)
    return worst.reset_index().to_dict(orient="records")


def _cities(records: pd.DataFrame) -> dict[str, Any]:
    """Cities of research organisations; each counts as often as organisations are in it."""
    found = {}
    region = records["admin1"].fillna("").str.replace(r"\(.*", "", regex=True)
    for name, regions in (("cities", None), ("cities_in_region", region)):
        answers = geocode(records["city"], regions, records["country_code"])
        found |= _share_right(name, answers, records["lat"], records["lon"])
    return found


def _names() -> dict[str, Any]:
    """Names of the gazetteer with their region and country: how many are not taken for another place."""
    places = read_gazetteer().query("population > 0").dropna(subset=["region_code"])
    names = places.sample(20_000, random_state=0, ignore_index=True)
    gazetteer = load_gazetteer()
    regions = gazetteer.regions.assign(iso2=gazetteer.country_code[gazetteer.region_country])
    merged = names.merge(
        regions[["iso2", "region_code", "name"]],
        left_on=["country", "region_code"],
        right_on=["iso2", "region_code"],
        suffixes=("", "_of_region"),
    )
    answers = geocode(merged["name"], merged["name_of_region"], merged["country"])
    return _share_right("names", answers, merged["lat"], merged["lon"])


def _share_right(
    name: str, answers: pd.DataFrame, lat: pd.Series, lon: pd.Series
) -> dict[str, Any]:
    given = (answers["level"] == "place").to_numpy()
    here = unit_vectors(answers["lat"][given], answers["lon"][given])
    there = unit_vectors(lat.to_numpy()[given], lon.to_numpy()[given])
    right = distance_km(here, there) <= RIGHT_KM
    return {
        f"{name}_rows": len(answers),
        f"{name}_answered": float(given.mean()),
        f"{name}_right": float(right.mean()),
    }


def _affiliations(path: Path, records: pd.DataFrame) -> dict[str, Any]:
    """Affiliations that end with a country; the parts before it are read as places, the last one first."""
    table = pd.read_csv(path)
    parts = table["original_affiliation"].str.strip(" .;").str.split(r"\s*[,;]\s*")
    country = parts.map(lambda p: p[-1] if len(p) > 1 else None)
    place = parts.map(lambda p: ", ".join(reversed(p[-4:-1])) if len(p) > 1 else None)
    answers = geocode(place, None, country)
    given = ((answers["level"] == "place") & place.notna()).to_numpy()
    at = records.drop_duplicates("ror_id", keep="last").set_index("ror_id")[["lat", "lon"]]
    labels = table["labels"].str.findall(r"https://ror\.org/\w+").explode()
    truth = labels[labels.isin(at.index)]
    there = unit_vectors(at["lat"][truth], at["lon"][truth])
    here = unit_vectors(answers["lat"], answers["lon"])[truth.index]
    near = pd.Series(distance_km(here, there) <= RIGHT_KM, index=truth.index)
    right = near.groupby(level=0).any()
    with_country = np.array([c in right.index for c in table.index]) & place.notna().to_numpy()
    return {
        "affiliations_rows": int(with_country.sum()),
        "affiliations_answered": float(given[with_country].mean()),
        "affiliations_right": float(right[right.index.isin(np.flatnonzero(given))].mean()),
    }


def _speed() -> dict[str, Any]:
    """Seconds of one processor for distinct names of all kinds: one in ten misspelt, without a region."""
    places = read_gazetteer().drop_duplicates(["name", "country"])
    names = places.sample(SPEED_STRINGS, random_state=1, ignore_index=True)
    spelt = names["name"].to_numpy(object).copy()
    for i in range(0, len(spelt), 10):
        spelt[i] = spelt[i][:2] + spelt[i][3:]
    geocode(["Munich"], None, ["DE"])
    start = time.process_time()
    geocode(spelt, None, names["country"])
    return {"seconds_per_100000": time.process_time() - start}


def lines_of(found: dict[str, Any]) -> list[str]:
    """Give the figures as a few lines of text."""
    kinds = [key.removesuffix("_right") for key in found if key.endswith("_right")]
    return [
        *(_line(kind, found) for kind in kinds),
        f"{SPEED_STRINGS:,} distinct names take {found['seconds_per_100000']:.1f} s of one processor",
        *(
            f"  {c['true_place']} ({c['true_country']}) written {c['written']!r} was taken for {c['answer']}: "
            f"{c['pairs']} pairs, score {c['score']:.2f}"
            for c in found.get("confusions", [])
        ),
    ]


def _line(kind: str, found: dict[str, Any]) -> str:
    rows = found.get(f"{kind}_rows", found.get(f"{kind}_pairs"))
    answered, right = found[f"{kind}_answered"], found[f"{kind}_right"]
    line = f"{kind:16} {rows:6} rows, {answered:6.1%} answered, {right:6.1%} of these right"
    if f"{kind}_judged" not in found:
        return line
    judged, least = found[f"{kind}_judged"], found[f"{kind}_right_at_least"]
    return f"{line} (of the {judged:.1%} that can be judged; at least {least:.1%} of all)"


def main() -> None:
    """Print the figures; exit status 1 when one is under its floor."""
    parser = argparse.ArgumentParser(description="Measure geocoding on labelled names.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = evaluate(options.data)
    print(json.dumps(found, indent=1) if options.json else "\n".join(lines_of(found)))
    if found["under_floor"]:
        raise SystemExit(f"under their floor: {', '.join(found['under_floor'])}")


if __name__ == "__main__":
    main()
