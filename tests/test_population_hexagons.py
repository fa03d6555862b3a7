"""Population of H3 tables: as fine as the outlines, finer and coarser, in every file they come in."""

from __future__ import annotations

import csv
import gzip
import os
import sqlite3
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.clusters import cell_outline
from geoclusters.indicators import PopulationSource, population_of_clusters
from geoclusters.indicators.population.hexagons import (
    ancestors_of,
    cells_of_text,
    cover_of,
    prefix_filter,
    resolutions_of,
)

ROOT = Path(__file__).resolve().parent.parent
FORMATS = Path(os.environ.get("GEOCLUSTERS_FORMATS", ROOT.parent / "shared" / "formats"))
KONTUR = FORMATS / "population_grids" / "kontur_20231101_h3r8_sample.csv.gz"

points = st.tuples(st.floats(-80, 80), st.floats(-180, 179.9))


def clusters_about(lat, lon, seed, resolution=8):
    """Three clusters of strewn cells near a point: cells, and outlines as a run draws them."""
    random = np.random.default_rng(seed)
    disk = sorted(h3.grid_disk(h3.latlng_to_cell(lat, lon, resolution), 9))
    label = random.integers(-1, 3, len(disk))
    cells = [np.array(disk, dtype=np.uint64)[label == i] for i in range(3)]
    return cells, np.array([cell_outline(c) for c in cells], dtype=object)


def write(path, cells, people):
    """Write a table in the form that its name says."""
    text = [f"{int(c):x}" for c in cells]
    frame = pd.DataFrame({"h3": text, "population": people})
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif ".csv" in path.name:
        frame.to_csv(path, index=False)
    else:
        plain = path.with_name("plain.gpkg")
        plain.unlink(missing_ok=True)
        with sqlite3.connect(plain) as base:
            base.execute("CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT)")
            base.execute("INSERT INTO gpkg_contents VALUES ('population', 'features')")
            base.execute(
                "CREATE TABLE population (fid INTEGER PRIMARY KEY, geom BLOB, h3 TEXT, population REAL)"
            )
            rows = zip(text, map(float, people), strict=True)
            base.executemany("INSERT INTO population (h3, population) VALUES (?, ?)", rows)
        base.close()
        content = plain.read_bytes()
        path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)
    return path


def counted(outlines, file, **options):
    return population_of_clusters(outlines, PopulationSource((file,)), **options)[0]


# ------------------------------------------------------------ arithmetic of the index


@given(points, st.integers(0, 15), st.integers(0, 15))
def test_the_index_is_read_as_the_library_reads_it(point, resolution, coarser):
    cell = h3.latlng_to_cell(*point, resolution)
    assert (
        cells_of_text(np.array([f"{cell:x}".encode(), f"{cell:X}".encode()])).tolist() == [cell] * 2
    )
    assert resolutions_of(np.array([cell], dtype=np.uint64)).tolist() == [resolution]
    expected = h3.cell_to_parent(cell, min(coarser, resolution))
    assert ancestors_of(np.array([cell], dtype=np.uint64), coarser).tolist() == [expected]


@given(points, st.integers(0, 10_000), st.integers(0, 11))
@settings(max_examples=25)
def test_the_cover_holds_every_cell_with_its_centre_inside(point, seed, resolution):
    _, outlines = clusters_about(*point, seed)
    random = np.random.default_rng(seed)
    inside = [
        h3.latlng_to_cell(y, x, resolution)
        for o in outlines
        for x, y in shapely.get_coordinates(o)[
            random.integers(0, len(shapely.get_coordinates(o)), 20)
        ]
    ]
    assert prefix_filter(cover_of(outlines))(np.array(inside, dtype=np.uint64)).all()


# ------------------------------------------------------------ against plain sums


@pytest.mark.parametrize("where", [(48.1, 11.6), (-18.0, 179.98), (0.01, 0.01), (66.0, -45.0)])
def test_cells_as_fine_as_the_outlines_are_in_or_out(tmp_path, where):
    cells, outlines = clusters_about(*where, 1)
    everywhere = sorted(h3.grid_disk(h3.latlng_to_cell(*where, 8), 12))
    people = np.random.default_rng(2).integers(0, 900, len(everywhere))
    table = dict(zip(everywhere, people.tolist(), strict=True))
    found = counted(outlines, write(tmp_path / "p.csv", everywhere, people))
    assert found.tolist() == [sum(table[int(c)] for c in some) for some in cells]


def test_finer_cells_are_added_up(tmp_path):
    cells, outlines = clusters_about(48.1, 11.6, 3)
    coarse = sorted(h3.grid_disk(h3.latlng_to_cell(48.1, 11.6, 8), 11))
    fine = [child for cell in coarse for child in h3.cell_to_children(cell, 9)]
    people = np.random.default_rng(4).integers(0, 200, len(fine))
    expected = [
        sum(
            p for c, p in zip(fine, people.tolist(), strict=True) if h3.cell_to_parent(c, 8) in some
        )
        for some in (set(s.tolist()) for s in cells)
    ]
    assert counted(outlines, write(tmp_path / "p.parquet", fine, people)).tolist() == expected


@pytest.mark.parametrize("resolution", [5, 6, 7])
def test_coarser_cells_are_divided_by_area(tmp_path, resolution):
    cells, outlines = clusters_about(-18.0, 179.98, 5)
    here = h3.latlng_to_cell(-18.0, 179.98, resolution)
    coarse = sorted(h3.grid_disk(here, 8))
    people = dict(zip(coarse, range(1000, 1000 + len(coarse)), strict=True))

    def share(cell):
        parent = h3.cell_to_parent(cell, resolution)
        areas = sum(h3.cell_area(c) for c in h3.cell_to_children(parent, 8))
        return people[parent] * h3.cell_area(cell) / areas

    expected = [sum(share(int(c)) for c in some) for some in cells]
    found = counted(outlines, write(tmp_path / "p.csv.gz", coarse, list(people.values())))
    assert found == pytest.approx(expected, rel=1e-9)


def test_resolutions_may_be_mixed_and_files_added_up(tmp_path):
    cells, outlines = clusters_about(48.1, 11.6, 6)
    parents = sorted({h3.cell_to_parent(int(c), 6) for some in cells for c in some})
    first = write(tmp_path / "a.csv", parents, [700] * len(parents))
    second = write(tmp_path / "b.csv", cells[0], [3] * len(cells[0]))
    both = population_of_clusters(outlines, PopulationSource((first, second)))[0]
    expected = counted(outlines, first) + np.array([3.0 * len(cells[0]), 0, 0])
    assert both == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("resolution", [8, 6])
def test_every_form_of_file_says_the_same(tmp_path, resolution):
    _, outlines = clusters_about(48.1, 11.6, 7)
    here = sorted(h3.grid_disk(h3.latlng_to_cell(48.1, 11.6, resolution), 12))
    people = np.random.default_rng(8).integers(0, 900, len(here))
    away = sorted(h3.grid_disk(h3.latlng_to_cell(-33.9, 151.2, resolution), 3))
    every = ([*here, *away], [*people.tolist(), *[50] * len(away)])
    found = [
        counted(outlines, write(tmp_path / name, *every))
        for name in ("p.csv", "p.csv.gz", "p.parquet", "p.gpkg", "p.gpkg.gz")
    ]
    integers = pd.DataFrame({"cell": np.array(every[0], dtype=np.uint64), "pop": every[1]})
    integers.to_parquet(tmp_path / "integers.parquet")
    found.append(counted(outlines, tmp_path / "integers.parquet"))
    assert {f.tobytes() for f in found} == {found[0].tobytes()}
    assert found[0].sum() > 0


@pytest.mark.skipif(not KONTUR.is_file(), reason="the sample is not here")
def test_the_real_sample_agrees_with_plain_sums():
    cities = [(47.37, 8.54), (52.37, 4.89), (1.30, 103.83), (22.30, 114.17)]
    cells = [h3.grid_disk(h3.latlng_to_cell(*city, 8), 10) for city in cities]
    with gzip.open(KONTUR, "rt", encoding="utf-8") as file:
        table = {row["h3"]: float(row["population"]) for row in csv.DictReader(file)}
    outlines = [cell_outline(np.array(sorted(c), dtype=np.uint64)) for c in cells]
    found, label = population_of_clusters(
        outlines, PopulationSource((KONTUR,), name="Kontur Population", year=2023)
    )
    assert label == "Kontur Population, 2023"
    assert found.tolist() == [sum(table.get(f"{c:x}", 0.0) for c in some) for some in cells]
    assert found.min() > 200_000
