"""A small world: patents around four cities, one of them on the date line, some addresses dirty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

CITIES = {
    "Munich": (48.137, 11.575, "DE", 900),
    "Basel": (47.56, 7.59, "CH", 500),
    "Tokyo": (35.68, 139.69, "JP", 1500),
    "Suva": (-18.0, 179.98, "FJ", 400),
}


def make_addresses(seed: int = 7) -> pd.DataFrame:
    """Addresses of patents with teams around four cities, some of them dirty."""
    random = np.random.default_rng(seed)
    rows = []
    for city, (lat, lon, country, n) in CITIES.items():
        for number in range(n):
            for person in range(random.integers(1, 5)):
                east = lon + random.normal(0, 0.06)
                rows.append(
                    {
                        "patent": f"{city}-{number}",
                        "inventor": f"{city}-{number}-{person}",
                        "lat": lat + random.normal(0, 0.05),
                        "lon": east - 360 if east > 180 else east,
                        "country": country,
                        "year": int(random.integers(2019, 2024)),
                        "applicant": f"{city} Works {number % 7}",
                        "field": ["chemistry", "machines"][number % 2],
                    }
                )
    frame = pd.DataFrame(rows)
    frame.loc[frame.index % 50 == 3, ["lat", "lon"]] = np.nan
    frame.loc[frame.index % 50 == 9, ["lat", "lon"]] = 0.0
    frame.loc[frame.index % 90 == 11, "year"] = 2011
    repeated = frame[frame.index % 40 == 5]
    return pd.concat([frame, repeated], ignore_index=True)


COLUMNS = {
    "document": "patent",
    "person": "inventor",
    "lat": "lat",
    "lon": "lon",
    "country": "country",
    "year": "year",
    "organisation": "applicant",
    "field": "field",
}


def make_settings(**changes: Any) -> dict[str, Any]:
    """Settings of a study on `addresses.parquet`; keywords change [method]."""
    return {
        "name": "four cities",
        "window": {"first_year": 2019, "last_year": 2023},
        "method": {"min_density": 0.02, **changes},
        "source": [{"metric": "patents", "path": "addresses*.parquet", "columns": COLUMNS}],
    }
