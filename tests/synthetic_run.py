"""A small finished run, made up, for tests of whatever reads one.

Clusters at the hard places (both sides of the date line, Svalbard, a border), with names that try
to be markup, template code, formulas or endless; noise around them; every table of the contract.
"""
# ruff: noqa: RUF001 - names of clusters are joined by en dashes

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely

from geoclusters import results, schema

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "<script>alert(1)</script>"
TEMPLATE = "{{ 7 * 7 }}{% raw %}</script><img src=x onerror=alert(2)>"
FORMULA = '=HYPERLINK("http://evil.invalid","x")'
RIGHT_TO_LEFT = "\u202eتل أبيب–رحوفوت"
ENDLESS = "Llanfair" + "pwll" * 2500


@dataclass(frozen=True)
class Centre:
    """Where a cluster is to be, how large, and what it is called."""

    name: str
    economies: str
    lat: float
    lon: float
    size: float


CENTRES = (
    Centre("Tokyo–Yokohama", "JP", 35.68, 139.69, 100),
    Centre("Shenzhen–Hong Kong–Guangzhou", "CN/HK", 22.54, 114.05, 82),
    Centre("San Jose–San Francisco", "US", 37.45, -122.1, 74),
    Centre("Beijing", "CN", 39.95, 116.38, 66),
    Centre("Seoul", "KR", 37.53, 127.0, 60),
    Centre("Shanghai–Suzhou", "CN", 31.22, 121.4, 52),
    Centre("New York", "US", 40.73, -73.98, 40),
    Centre("London", "GB", 51.51, -0.12, 36),
    Centre("Boston–Cambridge", "US", 42.36, -71.08, 34),
    Centre("Paris", "FR", 48.85, 2.33, 32),
    Centre("Basel", "CH/DE/FR", 47.57, 7.6, 18),
    Centre("Zürich", "CH", 47.38, 8.54, 17),
    Centre("München", "DE", 48.14, 11.57, 22),
    Centre("København–Malmö", "DK/SE", 55.67, 12.6, 14),
    Centre("Tel Aviv", "IL", 32.08, 34.8, 20),
    Centre(RIGHT_TO_LEFT, "IL", 31.9, 34.81, 6),
    Centre("Bengaluru", "IN", 12.97, 77.6, 16),
    Centre("Singapore–Johor Bahru", "SG/MY", 1.3, 103.8, 19),
    Centre("Sydney", "AU", -33.87, 151.2, 13),
    Centre("São Paulo", "BR", -23.55, -46.63, 12),
    Centre("Montréal", "CA", 45.5, -73.57, 11),
    Centre("Cape Town", "ZA", -33.93, 18.42, 5),
    Centre("Windhoek", "NA", -22.56, 17.08, 1.2),
    Centre("Taveuni", "FJ", -16.85, 179.98, 1.6),
    Centre("Longyearbyen", "NO", 78.22, 15.65, 1.1),
    Centre("Honolulu", "US", 21.31, -157.85, 2.2),
    Centre("Apia", "WS", -13.83, -171.77, 0.9),
    Centre(HOSTILE, HOSTILE, 19.43, -99.13, 8),
    Centre(TEMPLATE, "PE", -12.05, -77.04, 3),
    Centre(FORMULA, "EG", 30.04, 31.24, 4),
    Centre(ENDLESS, "GB", 53.22, -4.2, 0.8),
)
NAMES = {
    "JP": "Japan",
    "CN": "China",
    "HK": "Hong Kong, China",
    "US": "United States of America",
    "CH": "Switzerland",
    "NA": "Namibia",
    "DE": "Germany",
    "FR": "France",
}
METRICS = ("patents", "publications", "vc_deals")
FIRST_YEAR, LAST_YEAR = 2019, 2023


def write_run(
    folder: Path,
    *,
    centres: tuple[Centre, ...] = CENTRES,
    metrics: tuple[str, ...] = METRICS,
    noise_cells: int = 2000,
    seed: int = 0,
) -> results.Result:
    """Write a made-up finished run into `folder` and open it."""
    random = np.random.default_rng(seed)
    cells = _cells(centres, metrics, noise_cells, random)
    clusters = _clusters(centres, metrics, cells)
    folder.mkdir(parents=True, exist_ok=True)
    results.write_clusters(folder, clusters, metrics=metrics, made_by="{}")
    results.write_outlines(folder, clusters, metrics=metrics)
    _write(folder, schema.CELLS, cells.drop(columns="centre"), metrics)
    results.write_csv(folder / schema.ECONOMIES.name, _economies(clusters, metrics))
    _write(folder, schema.LINKS, _links(clusters, metrics, random), ())
    for by, layout in schema.BREAKDOWNS.items():
        _write(folder, layout, _breakdown(by, clusters, metrics, random), ())
    pq.write_table(schema.REJECTED.arrow().empty_table(), folder / schema.REJECTED.name)
    results.write_json(folder / results.RUN_FILE, _run(clusters, cells, metrics))
    return results.read_run(folder)


def _write(folder, layout, frame, metrics):
    table = results.as_table(frame, layout, metrics)
    results.write_parquet(folder / layout.name, table, made_by="{}")


def _cells(centres, metrics, noise_cells, random):
    rows: dict[int, tuple[int, float]] = {}
    for position, centre in enumerate(centres):
        middle = h3.str_to_int(h3.latlng_to_cell(centre.lat, centre.lon, 8))
        reach = round(2 + 1.4 * centre.size**0.5)
        for ring in range(reach):
            weight = centre.size * np.exp(-ring / 3)
            for cell in h3.grid_ring(h3.int_to_str(middle), ring):
                if ring < 2 or random.random() < 0.75 - 0.4 * ring / reach:
                    rows.setdefault(h3.str_to_int(cell), (position, weight))
    weights = np.array([c.size for c in centres]) if centres else np.ones(1)
    for _ in range(noise_cells):
        near = centres[random.choice(len(centres), p=weights / weights.sum())] if centres else None
        lat, lon = (near.lat, near.lon) if near else (0.0, 0.0)
        lat = float(np.clip(lat + random.normal(0, 3), -85, 85))
        cell = h3.latlng_to_cell(lat, (lon + random.normal(0, 4) + 180) % 360 - 180, 8)
        rows.setdefault(h3.str_to_int(cell), (-1, 0.02))
    ids = np.array(sorted(rows), dtype=np.uint64)
    if not len(ids):
        ids = np.zeros(0, dtype=np.uint64)
    where = np.array([rows[int(i)][0] for i in ids], dtype=int)
    size = np.array([rows[int(i)][1] for i in ids])
    spots = np.array([h3.cell_to_latlng(h3.int_to_str(int(i))) for i in ids]).reshape(-1, 2)
    frame = pd.DataFrame({"cell": ids, "lat": spots[:, 0], "lon": spots[:, 1]})
    for metric in metrics:
        frame[metric] = size * random.uniform(0.5, 1.5, len(ids)) * 10
        frame[f"distinct_{metric}"] = np.ceil(frame[metric]).astype("int64")
    frame["addresses"] = sum((frame[f"distinct_{m}"] for m in metrics), pd.Series(0, frame.index))
    frame["weight"] = size / max(size.sum(), 1e-9)
    frame["density"] = frame["weight"] * 20
    frame["core"] = where >= 0
    frame["cluster_id"] = None
    frame["centre"] = where
    for position in range(len(centres)):
        own = frame.index[frame["centre"] == position]
        if len(own):
            heaviest = int(frame.loc[own, "weight"].idxmax())
            frame.loc[own, "cluster_id"] = h3.int_to_str(int(frame.loc[heaviest, "cell"]))
    return frame


def _outline(cells):
    import antimeridian

    boundaries = [h3.cell_to_boundary(h3.int_to_str(int(c))) for c in cells]
    hexagons = [shapely.Polygon([(x, y) for y, x in boundary]) for boundary in boundaries]
    # Cutting takes longer than all else here, and few of them lie on the date line.
    whole = [
        antimeridian.fix_polygon(h) if h.bounds[2] - h.bounds[0] > 180 else h for h in hexagons
    ]
    shape = shapely.union_all(whole, grid_size=1e-7)
    return shapely.multipolygons([p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"])


def _clusters(centres, metrics, cells):
    rows = []
    totals = {m: cells[m].sum() for m in metrics}
    for cluster_id, own in cells.groupby("cluster_id"):
        centre = centres[int(own["centre"].iloc[0])]
        economies = [centre.economies] if "<" in centre.economies else centre.economies.split("/")
        parts = np.array([0.5**k for k in range(len(economies))])
        shape = _outline(own["cell"])
        row: dict[str, Any] = {
            "cluster_id": cluster_id,
            "name": centre.name,
            "economies": "/".join(economies),
            "economy_shares": json.dumps(dict(zip(economies, parts / parts.sum(), strict=True))),
            "cross_border": len(economies) > 1,
            "score": 0.0,
            "population": centre.size * 3e5 if centre.size > 1 else None,
            "population_source": "estimate from the places table (GeoNames)",
            "area_km2": 0.737 * len(own),
            "n_cells": len(own),
            "n_core_cells": len(own),
            "lat": centre.lat,
            "lon": centre.lon,
            "geometry": shape,
            "region": _region(shape),
        }
        for metric in metrics:
            row[metric] = own[metric].sum()
            row[f"share_{metric}"] = own[metric].sum() / totals[metric]
            row["score"] += row[f"share_{metric}"]
        rows.append(row)
    columns = [c.name for c in schema.CLUSTERS.resolved(metrics)]
    frame = pd.DataFrame(rows, columns=[*columns, "geometry", "region"])
    return gpd.GeoDataFrame(_ranked(frame, metrics), geometry="geometry", crs="EPSG:4326").assign(
        region=lambda f: gpd.GeoSeries(f["region"], crs="EPSG:4326")
    )


def _region(shape):
    parts = list(shapely.get_parts(shape))
    sides = [[p for p in parts if p.bounds[0] < 0], [p for p in parts if p.bounds[0] >= 0]]
    hulls = [shapely.union_all(side).convex_hull for side in sides if side]
    return shapely.multipolygons([h for h in hulls if h.geom_type == "Polygon"])


def _ranked(frame, metrics):
    frame = frame.sort_values(["score", "cluster_id"], ascending=[False, True], ignore_index=True)
    frame["rank"] = np.arange(1, len(frame) + 1)
    millions = frame["population"].astype(float) / 1e6
    for metric in metrics:
        frame[f"{metric}_per_million"] = frame[metric].astype(float) / millions
    frame["intensity"] = 100 * frame["score"].astype(float) / millions
    order = frame["intensity"].rank(ascending=False, method="first")
    frame["intensity_rank"] = order.astype("Int64")
    return frame


def _economies(clusters, metrics):
    first = clusters["economies"].str.split("/").str[0] if len(clusters) else pd.Series(dtype=str)
    columns = [c.name for c in schema.ECONOMIES.resolved(metrics)]
    rows = [
        {
            "economy": economy,
            "name": NAMES.get(economy, economy),
            "clusters": int((first == economy).sum()),
            "clusters_top": int((first == economy).sum()),
            "clusters_shared": int((first == economy).sum()),
            **{f"share_{m}": clusters.loc[first == economy, f"share_{m}"].sum() for m in metrics},
            "score": clusters.loc[first == economy, "score"].sum(),
        }
        for economy in sorted(set(first) | (set(NAMES) if len(clusters) else set()))
    ]
    return pd.DataFrame(rows, columns=columns)


def _links(clusters, metrics, random):
    ids = sorted(clusters["cluster_id"])
    rows = [(a, None, m, int(random.integers(1, 90))) for a in ids for m in metrics]
    for a in ids:
        for b in ids:
            if a < b and random.random() < 0.3:
                rows.append((a, b, metrics[0], int(random.integers(1, 400))))
    return pd.DataFrame(rows, columns=["cluster_a", "cluster_b", "metric", "documents"])


def _breakdown(by, clusters, metrics, random):
    keys = {
        "years": list(range(FIRST_YEAR, LAST_YEAR + 1)),
        "fields": ["Pharmaceuticals", "Computer technology", "Batteries & <b>cells</b>"],
        "organisations": ["University of the Place", "Örsted A/S", HOSTILE],
        "accuracy": ["point", "place", None],
    }[by]
    column = {"years": "year", "fields": "field", "organisations": "organisation"}.get(by, by)
    rows = []
    for row in clusters.to_dict("records"):
        for metric in metrics:
            parts = random.dirichlet(np.ones(len(keys)))
            rows += [
                (row["cluster_id"], metric, key, row[metric] * part)
                for key, part in zip(keys, parts, strict=True)
            ]
    rows += [(None, metric, key, 12.5) for metric in metrics for key in keys]
    return pd.DataFrame(rows, columns=["cluster_id", "metric", column, "documents"])


def _run(clusters, cells, metrics):
    share = {
        f"top_{n}": {m: float(clusters[f"share_{m}"].head(n).sum()) for m in metrics}
        for n in (10, 100)
    }
    documents = {
        m: {
            "window": float(cells[m].sum()) + 10.0,
            "in_clusters": float(cells.loc[cells["cluster_id"].notna(), m].sum()),
            "noise": float(cells.loc[cells["cluster_id"].isna(), m].sum()),
            "unplaced": 10.0,
        }
        for m in metrics
    }
    return {
        "geoclusters": "0.1.0",
        "finished": "2024-05-06T07:08:09+00:00",
        "study": {
            "name": "Made-up world & friends",
            "notice": "Generated data: no figure here says anything about a real place.",
            "generated": True,
        },
        "window": {"first_year": FIRST_YEAR, "last_year": LAST_YEAR},
        "settings": {
            "profile": None,
            "metrics": list(metrics),
            "resolution": 8,
            "radius_km": 15.0,
            "density": "shares",
            "min_density": 5e-4,
            "merge_gap_km": 5.0,
            "merge_rule": "gap",
            "world_total": "all",
            "weights": dict.fromkeys(metrics, 1.0),
            "top": 25,
            "holes": "keep",
        },
        "metrics": list(metrics),
        "weights": dict.fromkeys(metrics, 1.0),
        "inputs": [
            {
                "source": i,
                "metric": m,
                "path": f"data/{m}.parquet",
                "file": f"{m}.parquet",
                "bytes": 12_345_678,
                "sha256": "ab" * 32,
                "licence": "CC BY 4.0",
                "attribution": f"Office of {m} <office@example.invalid>",
            }
            for i, m in enumerate(metrics)
        ],
        "rows": [
            {
                "source": f"data/{m}.parquet",
                "metric": m,
                "read": 1_234_567,
                "outside_window": 1000,
                "placed": 1_233_000,
                "repaired": 17,
                "rejected": {"no coordinates": 400, "outside the stated country": 150},
                "geocoded": {
                    "asked": 900 * i,
                    "filled": {"place": 500 * i},
                    "reasons": {"exact": 500 * i, "ambiguous": 400 * i},
                },
            }
            for i, m in enumerate(metrics)
        ],
        "quality": [_quality(f"data/{m}.parquet", i) for i, m in enumerate(metrics)],
        "documents": documents,
        "concentration": share,
        "warnings": ["Cluster 1 holds 11 % of the world: is min_density too low?"],
        "stages": [{"stage": "read", "seconds": 1.0}],
        "clusters": len(clusters),
    }


def _quality(source, number):
    """Make up the quality of a source as `quality.quality_report` tells it; the second one drifts."""
    kinds = ("placeholder", "country", "place", "other")
    points = [
        {
            "lat": 0.1 if kind == "placeholder" else -16.85,
            "lon": 0.1 if kind == "placeholder" else -179.98,
            "kind": kind,
            "place": HOSTILE if kind == "place" else "Taveuni",
            "country": "FJ",
            "documents": 4000 - 100 * number - place,
            "organisations": None if kind == "country" else 31.5,
            "ratio": None if kind == "placeholder" else 45.0,
        }
        for place, kind in enumerate(kinds)
    ]
    years = {
        str(year): {
            "rows": 40 if year == LAST_YEAR else 200_000,
            "placed": 0.95 - 0.1 * number * (year - FIRST_YEAR) / 4,
            "outside_country": 0.01,
            "coarse": None if number == 0 else 0.5,
            "piled": 0.2,
        }
        for year in range(FIRST_YEAR, LAST_YEAR + 1)
    }
    return {
        "source": source,
        "rows": 1_233_567,
        "placed": 0.95,
        "rejected": {"no_coordinates": 400, "outside_country": 150},
        "accuracy": {"not stated": 9}
        if number == 0
        else {"point": 60, "place": 30, "not stated": 10},
        "outside_country": {
            "rows": 1_000_000,
            "share": 0.06,
            "countries": [
                {"country": code, "rows": 1000, "outside": 100 + number - n, "share": 0.1}
                for n, code in enumerate(("NA", "DE", "FR", "JP"))
            ],
        },
        "piles": {
            "sampled": 0.5,
            "share": 0.21,
            "by_kind": dict.fromkeys(kinds, 0.0525),
            "points": points,
        },
        "years": {"without": {**years[str(FIRST_YEAR)], "rows": 500}, **years},
        "doubts": [f"6% of the points lie outside their stated country, most often {HOSTILE}"],
    }
