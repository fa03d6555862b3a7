"""A study whose every text tries to be something else: markup, code, a formula, a terminal command, endless."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = "<script>window.__hacked=1</script>"
IMAGE = '"><img src=x onerror="window.__hacked=1">'
ENDLESS = "Llanfair" + "pwll" * 2500
RIGHT_TO_LEFT = "\u202eتل أبيب\u2066 <b>"
EMOJI = "\U0001f9ea\U0001f468\u200d\U0001f469\u200d\U0001f467 Labs"
CONTROLS = "a\x01\x07\x08\x0b\x1b[31mred\x1b]0;title\x07\x7f\x85\u2028\u2029\ufeffz"
FORMULAS = (
    '=HYPERLINK("http://evil.invalid","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
)
STRINGS = (
    SCRIPT,
    IMAGE,
    "</script><script>window.__hacked=1</script>",
    "</style><svg onload=window.__hacked=1>",
    "';window.__hacked=1;//",
    "${window.__hacked=1}`",
    "{{ 7 * 7 }}{% raw %}{# {{ config }}",
    "javascript:window.__hacked=1",
    "<!--",
    "]]>",
    "&lt;b&gt; &amp; %3Cscript%3E \\u003cscript\\u003e",
    "[bold red]markup of the terminal[/bold red]",
    "$x^2$ \\input{/etc/passwd} %s {0}",
    "__proto__",
    "constructor",
    RIGHT_TO_LEFT,
    EMOJI,
    CONTROLS,
    ENDLESS,
    "null",
    " ",
    *FORMULAS,
)
PLACES = {
    "Munich": (48.137, 11.575, "DE"),
    "Basel": (47.56, 7.59, "CH"),
    "Tokyo": (35.68, 139.69, "JP"),
}
PATENTS_FILE = "<img src=x onerror=window.__hacked=1> '&;$(x).parquet"
DEALS_FILE = "=1+1 \u202e {{7*7}} `x`.csv"
NAME = f"{SCRIPT}{{{{7*7}}}} [bold]{IMAGE} \x1b[31m study"
NOTICE = f"{IMAGE}{SCRIPT} [red]notice[/red] \x1b]0;x\x07 {RIGHT_TO_LEFT}"
ATTRIBUTION = f"{SCRIPT} =1+1 {IMAGE}"
LICENCE = f"{IMAGE} {EMOJI}"


def write_study(folder: Path, *, documents: int = 3 * len(STRINGS), seed: int = 3) -> Path:
    """Write two sources and the study file that reads them."""
    patents, deals = make_rows(documents, seed), make_rows(documents, seed + 1)
    patents.to_parquet(folder / PATENTS_FILE, index=False)
    deals.drop(columns="person").to_csv(
        folder / DEALS_FILE, index=False, quoting=csv.QUOTE_NONNUMERIC
    )
    columns = {c: c for c in patents.columns}
    sources = [
        {
            "metric": "patents",
            "path": "*.parquet",
            "columns": columns,
            "attribution": ATTRIBUTION,
            "licence": LICENCE,
        },
        {
            "metric": "vc_deals",
            "path": "*.csv",
            "columns": {c: c for c in columns if c != "person"},
            "attribution": FORMULAS[0],
        },
    ]
    file = folder / "hostile.toml"
    file.write_text(_toml(sources), encoding="utf-8")
    return file


def make_rows(documents: int, seed: int) -> pd.DataFrame:
    """Give addresses around three cities; some of them cannot be placed."""
    random = np.random.default_rng(seed)
    rows = []
    for city, (lat, lon, country) in PLACES.items():
        for number in range(documents):
            text = STRINGS[number % len(STRINGS)]
            for person in range(2):
                rows.append(
                    {
                        "document": f"{text} {city} {number}",
                        "person": f"{text} {number} {person}",
                        "lat": lat + random.normal(0, 0.03),
                        "lon": lon + random.normal(0, 0.03),
                        "country": text if number % 7 == 0 else country,
                        "year": 2019 + number % 5,
                        "organisation": text,
                        "field": STRINGS[(number + 5) % len(STRINGS)],
                    }
                )
    frame = pd.DataFrame(rows)
    frame.loc[frame.index % 31 == 3, ["lat", "lon"]] = np.nan
    frame.loc[frame.index % 37 == 5, ["lat", "lon"]] = 0.0
    frame.loc[frame.index % 41 == 7, "country"] = "BR"
    return frame


def _toml(sources: list[dict[str, object]]) -> str:
    """Write the study; JSON's strings are TOML's, but for one control character."""

    def quoted(value: object) -> str:
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

    lines = [
        f"name = {quoted(NAME)}",
        f"notice = {quoted(NOTICE)}",
        "[window]",
        "first_year = 2019",
        "last_year = 2023",
        "[method]",
        "min_density = 0.02",
    ]
    for source in sources:
        lines.append("[[source]]")
        for key, value in source.items():
            if isinstance(value, dict):
                pairs = ", ".join(f"{k} = {quoted(v)}" for k, v in value.items())
                lines.append(f"{key} = {{ {pairs} }}")
            else:
                lines.append(f"{key} = {quoted(value)}")
    return "\n".join(lines) + "\n"
