"""The default run, as `make` does it: the generated world comes out as it was put in."""

from __future__ import annotations

import json
import re

import pytest

import geoclusters as gc
from geoclusters.clusters.plausibility import cluster_widths_km
from geoclusters.locating import locate
from geoclusters.pages.numbers import FILES
from geoclusters.pages.tables import addresses_table


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("default") / "sample"
    return gc.run(out=folder)


@pytest.mark.parametrize(
    ("lat", "lon", "economies"),
    [
        (47.56, 7.59, {"CH", "DE", "FR"}),
        (1.30, 103.85, {"SG", "MY"}),
        (55.68, 12.57, {"DK", "SE"}),
        (22.54, 114.06, {"CN", "HK"}),
        (46.20, 6.15, {"CH", "FR"}),
        (42.33, -83.05, {"US", "CA"}),
        (32.72, -117.16, {"US", "MX"}),
        (51.44, 5.48, {"NL", "BE"}),
    ],
    ids=[
        "Basel",
        "Singapore",
        "Copenhagen",
        "Shenzhen",
        "Geneva",
        "Detroit",
        "San Diego",
        "Eindhoven",
    ],
)
def test_clusters_cross_the_borders_they_were_made_to_cross(sample, lat, lon, economies):
    place = locate(sample, lat, lon)
    cluster = sample.clusters.set_index("cluster_id").loc[
        place.cluster_id or place.nearest_cluster_id
    ]
    assert place.nearest_km < 5
    assert cluster["cross_border"]
    assert economies <= set(cluster["economies"].split("/"))
    shares = json.loads(cluster["economy_shares"])
    assert all(shares[e] >= 0.01 for e in economies)


def test_every_page_links_to_every_file(sample):
    for name, *_ in FILES:
        assert (sample.folder / name).is_file()
    pages = [*sample.folder.glob("*.html"), *sample.folder.glob("clusters/*.html")]
    assert len(pages) > 100
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert all(f'{name}"' in text for name, *_ in FILES), page.name


def test_the_world_is_plausible(sample):
    assert sample.run["warnings"] == []
    assert 100 <= len(sample.clusters) <= 250
    codes = sample.cells["cluster_id"].astype("category").cat.codes.to_numpy("int64")
    cells = sample.cells
    assert cluster_widths_km(cells["lat"].to_numpy(), cells["lon"].to_numpy(), codes).max() < 300
    new_york, philadelphia = (
        locate(sample, *p).cluster_id for p in ((40.71, -74.0), (39.95, -75.16))
    )
    assert new_york != philadelphia
    assert sample.clusters["cross_border"].sum() >= 8
    assert sample.map_file.stat().st_size < 3_000_000


def test_the_dirt_that_was_put_in_is_found(sample):
    truth = json.loads(
        (sample.folder / "stages" / "sample" / "truth.json").read_text(encoding="utf-8")
    )
    for rows in sample.run["rows"]:
        told = truth["sources"][rows["metric"]]
        assert rows["read"] == told["rows"]
        assert rows["without_year"] == told["rows_without_year"]
        assert sample.run["documents"][rows["metric"]]["window"] == told["documents_in_window"]
        put_in = {kind: fault["rows_in_window"] for kind, fault in told["faults"].items()}
        found = rows["rejected"]
        # A row may have two faults, and natural scatter near a border looks like a wrong country.
        assert found["no_coordinates"] == pytest.approx(put_in["missing_coordinates"], abs=3)
        assert found["placeholder"] == pytest.approx(put_in["zero_coordinates"], abs=3)
        assert found["outside_range"] == pytest.approx(put_in["out_of_range"], abs=5)
        assert rows["repaired"] == pytest.approx(put_in["swapped_coordinates"], abs=5)
        assert (
            put_in["wrong_country"] <= found["outside_country"] <= 1.2 * put_in["wrong_country"] + 5
        )
        if rows["metric"] != "vc_deals":  # deals name no person, so equal rows are no duplicates
            assert found["duplicate"] == pytest.approx(put_in["duplicate_row"], abs=5)


def test_the_addresses_that_pages_tell_add_up(sample):
    table = addresses_table(sample)
    digits = lambda values: [int(re.sub(r"\D", "", v)) for v in values]  # noqa: E731
    counted = {c["label"]: digits(c["values"]) for c in table["counts"] + table["reasons"]}
    read = counted.pop("read")
    del counted["of these repaired"]
    assert [sum(of_source) for of_source in zip(*counted.values(), strict=True)] == read
    text = re.sub(r"<[^>]+>|\s+", " ", sample.map_file.read_text(encoding="utf-8"))
    for rows in sample.run["rows"]:
        parts = (rows["outside_window"], rows["without_year"], sum(rows["rejected"].values()))
        told = "{:,} outside the years, {:,} without a year, {:,} rejected".format(*parts)
        assert told in text


def test_documents_are_conserved(sample):
    for told in sample.run["documents"].values():
        parts = told["in_clusters"] + told["noise"] + told["unplaced"]
        assert parts == pytest.approx(told["window"], rel=1e-6)
