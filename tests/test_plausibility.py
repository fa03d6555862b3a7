"""A threshold that chains a country into one cluster is recognised, and a better one proposed."""

from __future__ import annotations

import numpy as np
from four_cities import COLUMNS
from undrawn import undrawn

import geoclusters as gc
from geoclusters.clusters.plausibility import cluster_widths_km, implausible, proposed_threshold


def test_widths_against_all_pairs():
    random = np.random.default_rng(0)
    lat, lon = random.uniform(40, 45, 80), random.uniform(170, 190, 80)
    lon = (lon + 180) % 360 - 180
    labels = random.integers(-1, 3, 80)
    from geoclusters.earth import distance_km, unit_vectors

    points = unit_vectors(lat, lon)
    found = cluster_widths_km(lat, lon, labels)
    for label in range(3):
        mine = points[labels == label]
        exact = distance_km(mine[:, None], mine[None]).max()
        assert 0.87 * exact <= found[label] <= exact + 1e-9


def test_wide_and_overwhelming_clusters_are_found():
    lat, lon = np.array([48.0, 48.0, 10.0]), np.array([8.0, 13.0, 0.0])
    share = np.array([0.2, 0.2, 0.6])
    wide = implausible(lat=lat, lon=lon, share=share, labels=np.array([0, 0, -1]))
    assert wide is not None
    assert 360 < wide.width_km < 390
    assert implausible(lat=lat, lon=lon, share=share, labels=np.array([-1, -1, 0])) is None
    near = implausible(lat=lat, lon=lon / 2, share=share * 2, labels=np.array([0, 0, -1]))
    assert near is not None
    assert near.share == 0.8


def test_the_proposal_is_the_first_that_helps():
    asked = []

    def plausible(threshold):
        asked.append(threshold)
        return threshold >= 3e-4

    assert proposed_threshold(1e-4, plausible) == 3.2e-4
    assert asked == sorted(asked)
    assert proposed_threshold(1e-4, lambda _: False) is None


def test_a_run_warns_and_the_proposed_threshold_mends_it(tmp_path):
    import pandas as pd

    random = np.random.default_rng(3)
    chain = pd.DataFrame(
        {"lat": 48 + random.normal(0, 0.03, 4000), "lon": random.uniform(5, 13, 4000)}
    )
    towns = pd.DataFrame(
        {
            "lat": 48 + random.normal(0, 0.03, 3000),
            "lon": random.choice([6.0, 9.0, 12.0], 3000) + random.normal(0, 0.03, 3000),
        }
    )
    frame = pd.concat([chain, towns], ignore_index=True)
    frame["patent"] = frame["inventor"] = np.arange(len(frame))
    frame.to_parquet(tmp_path / "a.parquet")
    columns = {k: COLUMNS[k] for k in ("document", "person", "lat", "lon")}

    def run(min_density):
        settings = {
            "name": "chain",
            "method": {"min_density": min_density},
            "source": [{"metric": "patents", "path": "a.parquet", "columns": columns}],
        }
        with undrawn():
            return gc.run(gc.make_study(settings, folder=tmp_path), tmp_path / "out")

    (warning,) = run(1e-3).run["warnings"]
    assert "km wide holds" in warning
    proposal = float(warning.rsplit(" ", 1)[1])
    mended = run(proposal)
    assert mended.run["warnings"] == []
    assert len(mended.clusters) >= 3


def test_a_threshold_that_finds_nothing_says_what_would(four_cities, tmp_path):
    from four_cities import make_settings

    result = gc.run(gc.make_study(make_settings(min_density=0.9), folder=four_cities), tmp_path)
    assert len(result.clusters) == 0
    (warning,) = result.run["warnings"]
    assert "no place reaches min_density = 0.9" in warning
    proposal = float(warning.rsplit(" ", 1)[1])
    study = gc.make_study(make_settings(min_density=proposal), folder=four_cities)
    assert len(gc.run(study, tmp_path).clusters) > 0
