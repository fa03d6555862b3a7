"""The sample world: the same bytes each time, and in it what the truth says."""
# ruff: noqa: RUF001 -- clusters are named with an en dash

from __future__ import annotations

import json
import weakref
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.countries import iso2_of
from geoclusters.earth import distance_km, unit_vectors
from geoclusters.errors import RunError, StudyError
from geoclusters.places import read_places
from geoclusters.sample import dirt, documents, seats, truth, world, write_sample, writing
from geoclusters.study import read_study

CROSS_BORDER = {
    "Basel": {"CH", "DE", "FR"},
    "Singapore": {"SG", "MY"},
    "Copenhagen–Malmö": {"DK", "SE"},
    "Shenzhen–Hong Kong–Guangzhou": {"CN", "HK"},
    "Geneva–Lausanne": {"CH", "FR"},
    "Detroit–Ann Arbor": {"US", "CA"},
    "San Diego": {"US", "MX"},
    "Eindhoven": {"NL", "BE"},
}
BORDER_POINTS = {
    "Basel": (47.5584, 7.5733),
    "Singapore": (1.40, 103.77),
    "Copenhagen–Malmö": (55.65, 12.80),
    "Shenzhen–Hong Kong–Guangzhou": (22.45, 114.10),
    "Geneva–Lausanne": (46.2022, 6.1457),
    "Detroit–Ann Arbor": (42.3314, -83.0457),
    "San Diego": (32.60, -117.06),
    "Eindhoven": (51.32, 5.40),
}
NAMES = {
    "patents": ["patent_id", "inventor_id", "latitude", "longitude", "country", "year"],
    "publications": ["article_id", "author_id", "lat", "lon", "country_code", "pub_year"],
    "vc_deals": ["deal_id", None, "lat", "lon", "country", "year"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_sample(tmp_path_factory.mktemp("sample") / "world", documents=16_500, seed=7)


@pytest.fixture(scope="module")
def said(folder):
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sources(folder):
    deals = pd.read_csv(folder / "vc_deals/deals.csv.gz", keep_default_na=False, na_values=[""])
    frames = {m: pd.read_parquet(folder / m) for m in ("patents", "publications")}
    return {m: _renamed(m, f) for m, f in {**frames, "vc_deals": deals}.items()}


def _renamed(metric, frame):
    names = zip(NAMES[metric], ["document", "person", "lat", "lon", "country", "year"], strict=True)
    return frame.rename(columns={old: new for old, new in names if old})


def _bytes(folder):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def _placeable(frame):
    ok = frame["lat"].abs().le(90) & frame["lon"].abs().le(180)
    return frame[ok & ~(frame["lat"].eq(0) & frame["lon"].eq(0))]


# --------------------------------------------------------------------------- same bytes


def test_same_seed_and_size_give_the_same_bytes(tmp_path, folder):
    again = _bytes(write_sample(tmp_path / "again", documents=16_500, seed=7))
    assert again == _bytes(folder)


def test_another_seed_gives_other_documents(tmp_path, folder):
    other, first = (
        _bytes(write_sample(tmp_path / "other", documents=16_500, seed=8)),
        _bytes(folder),
    )
    assert other.keys() == first.keys()
    assert {name for name in first if other[name] == first[name]} == {"study.toml"}


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(documents, "BLOCK_DOCUMENTS", 64)
    monkeypatch.setattr(writing, "BLOCK_DOCUMENTS", 64)
    monkeypatch.setattr(writing, "BLOCKS_PER_FILE", 4)


def test_threads_do_not_matter(tmp_path, small_blocks, monkeypatch):
    results = []
    for threads in (1, 3):
        monkeypatch.setattr(writing, "THREADS", threads)
        results.append(_bytes(write_sample(tmp_path / str(threads), documents=1100)))
    assert results[0] == results[1]
    assert len([name for name in results[0] if name.startswith("patents/")]) == 2


def test_blocks_do_not_depend_on_each_other(small_blocks):
    def drawn(block, total):
        return documents.draw_block(
            world.make_world(), "publications", block=block, documents=total, seed=3
        ).table

    late_first = [drawn(2, 192), drawn(0, 192)]
    assert drawn(0, 192).equals(late_first[1])
    assert drawn(2, 192).equals(late_first[0])
    assert drawn(2, 640).equals(late_first[0])
    assert not drawn(1, 192).equals(late_first[0])


def test_few_blocks_are_held_at_once(tmp_path, small_blocks, monkeypatch):
    alive, most = weakref.WeakSet(), [0]
    draw = documents.draw_block

    def counted(*args, **options):
        block = draw(*args, **options)
        alive.add(block)
        most[0] = max(most[0], len(alive))
        return block

    monkeypatch.setattr(documents.Block, "__hash__", object.__hash__)
    monkeypatch.setattr(writing, "draw_block", counted)
    write_sample(tmp_path / "long", documents=2200)
    assert 0 < most[0] <= writing.AHEAD + 3


# --------------------------------------------------------------------------- layout


def test_layout_of_the_files(folder):
    text, whole, number = pa.string(), pa.int64(), pa.float64()
    assert pq.read_schema(next((folder / "patents").iterdir())).remove_metadata() == pa.schema(
        [
            ("patent_id", text), ("inventor_id", whole), ("latitude", number),
            ("longitude", number), ("country", text), ("year", pa.int16()),
            ("applicant", text), ("field", text),
        ]
    )  # fmt: skip
    assert pq.read_schema(next((folder / "publications").iterdir())).remove_metadata() == pa.schema(
        [
            ("article_id", whole), ("author_id", whole), ("lat", number), ("lon", number),
            ("country_code", text), ("pub_year", pa.int16()), ("institution", text),
            ("topic", text),
        ]
    )  # fmt: skip
    deals = pa_csv.read_csv(folder / "vc_deals/deals.csv.gz")
    assert deals.schema.names == [
        "deal_id", "city", "country", "lat", "lon", "year", "company", "sector",
    ]  # fmt: skip


def test_row_groups_and_files_follow_the_blocks(tmp_path, small_blocks):
    out = write_sample(tmp_path / "blocks", documents=1100)
    files = sorted((out / "publications").iterdir())
    groups = [pq.read_metadata(f).num_row_groups for f in files]
    assert groups == [4, 4, 3]


def test_study_reads_and_names_columns_that_exist(folder):
    study = read_study(folder / "study.toml")
    assert study.generated
    assert "generated" in study.notice.lower()
    assert study.metrics == seats.METRICS
    assert (study.window.first_year, study.window.last_year) == (2019, 2023)
    for source in study.source:
        file = next(folder.glob(source.path))
        names = (
            pa_csv.read_csv(file) if file.suffix == ".gz" else pq.read_table(file)
        ).schema.names
        assert set(source.columns.values()) <= set(names)


def test_progress_ends_at_the_whole(tmp_path):
    calls = []
    write_sample(tmp_path / "p", documents=330, progress=lambda done, of: calls.append((done, of)))
    assert calls[-1] == (330, 330)
    assert calls == sorted(calls)


# --------------------------------------------------------------------------- truth


def test_rows_and_documents_are_as_many_as_the_truth_says(sources, said):
    assert sum(s["documents"] for s in said["sources"].values()) == 16_500
    for metric, frame in sources.items():
        counts = said["sources"][metric]
        per_document = frame.groupby("document")["year"]
        year = per_document.first()
        assert per_document.nunique().max() == 1
        assert len(frame) == counts["rows"]
        assert frame["document"].nunique() == counts["documents"]
        assert year.isna().sum() == counts["documents_without_year"]
        assert frame["year"].isna().sum() == counts["rows_without_year"]
        assert year.between(2019, 2023).sum() == counts["documents_in_window"]
        assert frame["year"].between(2019, 2023).sum() == counts["rows_in_window"]
        if metric != "vc_deals":
            assert frame["person"].nunique() == counts["persons"]


def test_faults_are_as_many_as_the_truth_says(sources, said):
    names = set(read_places()["name"])
    for metric, frame in sources.items():
        faults = said["sources"][metric]["faults"]
        codes = world.make_world().iso3 if metric == "vc_deals" else world.make_world().economies
        lat, lon = frame["lat"], frame["lon"]
        found = {
            "missing_coordinates": lat.isna() | lon.isna(),
            "zero_coordinates": lat.eq(0) & lon.eq(0),
            "missing_country": frame["country"].isna(),
            "country_spelling": frame["country"].notna() & ~frame["country"].isin(codes),
            "duplicate_row": frame.duplicated() & (metric != "vc_deals"),
        }
        for fault, rows in found.items():
            assert rows.sum() == faults[fault]["rows"], (metric, fault)
            assert frame["document"][rows].nunique() == faults[fault]["documents"]
            assert frame["year"][rows].between(2019, 2023).sum() == faults[fault]["rows_in_window"]
        outside = (lat.abs() > 90) | (lon.abs() > 180)
        assert faults["out_of_range"]["rows"] <= outside.sum()
        assert (
            outside.sum() <= faults["out_of_range"]["rows"] + faults["swapped_coordinates"]["rows"]
        )
    strange = ~sources["vc_deals"]["city"].isin(names)
    said_strange = said["sources"]["vc_deals"]["faults"]["misspelt_city"]["rows"]
    assert said_strange * 0.98 <= strange.sum() <= said_strange


def test_swapped_and_misplaced_rows_are_the_far_ones(sources, said):
    """Everything else lies near a seat of the stated economy."""
    drawn = world.make_world()
    for metric, frame in sources.items():
        rows = _placeable(frame).dropna(subset="country").drop_duplicates()
        stated = iso2_of(rows["country"])
        far = 0
        for code in set(stated):
            here = drawn.seats["country"] == code
            points = rows[stated == code]
            far += (_nearest_km(points, drawn.seats[here]) > world.RURAL_KM + 1).sum()
        faults = said["sources"][metric]["faults"]
        most = faults["swapped_coordinates"]["rows"] + faults["wrong_country"]["rows"]
        assert faults["wrong_country"]["rows"] * 0.9 <= far <= most


def _nearest_km(points, places):
    from scipy.spatial import cKDTree

    tree = cKDTree(unit_vectors(places["lat"], places["lon"]))
    chord, _ = tree.query(unit_vectors(points["lat"], points["lon"]))
    return chord * 6371.0088


def test_about_six_rows_in_a_hundred_have_a_fault(said):
    rows = sum(s["rows"] for s in said["sources"].values())
    faulty = sum(f["rows"] for s in said["sources"].values() for f in s["faults"].values())
    assert 0.05 < faulty / rows < 0.07


def test_centres_of_the_truth(said):
    by_name = {c["name"]: c for c in said["centres"]}
    for name, economies in CROSS_BORDER.items():
        centre = by_name[name]
        assert centre["cross_border"], name
        assert {c for c, part in centre["economies"].items() if part >= 0.01} >= economies
    assert not by_name["Beijing"]["cross_border"]
    scores = [c["score"] for c in said["centres"]]
    assert scores == sorted(scores, reverse=True)
    for centre in said["centres"]:
        parts = sum(centre[f"share_{m}"] for m in seats.METRICS)
        assert parts == pytest.approx(centre["score"], abs=1e-8)


def test_published_shares_are_those_of_the_world(said):
    reference = seats.read_table("gii_reference.csv").query("edition == 2023").set_index("rank")
    ranked = [c for c in said["centres"] if c["gii_rank_2023"]]
    assert len(ranked) == 35
    for centre in ranked:
        row = reference.loc[centre["gii_rank_2023"]]
        for metric in ("patents", "publications"):
            published = row[f"share_{metric}_percent"]
            if not np.isnan(published):
                assert abs(100 * centre[f"share_{metric}"] - published) <= 0.0501, centre["name"]


# --------------------------------------------------------------------------- documents


@pytest.fixture(scope="module")
def block():
    """One block of patents and one of articles, as a study would see them."""
    drawn = {
        m: documents.draw_block(world.make_world(), m, block=0, documents=40_000, seed=1)
        for m in ("patents", "publications")
    }
    return {m: _renamed(m, b.table.to_pandas()) for m, b in drawn.items()}


def test_teams_and_affiliations(block):
    for metric, most in (("patents", 1), ("publications", 3)):
        frame = block[metric].drop_duplicates()
        team = frame.groupby("document")["person"].nunique()
        assert sorted(team.unique()) == list(range(1, 9))
        addresses = frame.groupby("person").size()
        assert sorted(addresses.unique()) == list(range(1, most + 1))
        assert len(frame[["document", "person"]].drop_duplicates()) == len(addresses)


def test_rows_of_a_document_stand_together(block):
    for frame in block.values():
        document = frame["document"].to_numpy()
        assert 1 + (document[1:] != document[:-1]).sum() == len(np.unique(document))


def test_border_centres_have_addresses_on_both_sides(block):
    rows = _placeable(pd.concat(block.values()))
    here = unit_vectors(rows["lat"], rows["lon"])
    for name, point in BORDER_POINTS.items():
        near = distance_km(here, unit_vectors(*[[x] for x in point])) <= 30.0
        seen = Counter(rows["country"][near])
        for economy in CROSS_BORDER[name]:
            assert seen[economy] >= 5, (name, seen)


def test_documents_span_borders_in_border_centres(block):
    """Teams of Basel have members in two economies more often than chance abroad would give."""
    rows = _placeable(block["publications"])
    here = unit_vectors(rows["lat"], rows["lon"])
    near = distance_km(here, unit_vectors([47.5584], [7.5733])) <= 30.0
    known = rows[near & rows["country"].isin(["CH", "DE", "FR"])]
    assert known.groupby("document")["country"].nunique().gt(1).sum() >= 10


def test_coordinates_are_rounded_and_often_repeated(block):
    rows = _placeable(block["patents"])
    assert np.allclose(rows["lat"], rows["lat"].round(5), atol=1e-12)
    coarse = np.isclose(rows["lat"], rows["lat"].round(2)) & np.isclose(
        rows["lon"], rows["lon"].round(2)
    )
    assert 0.08 < coarse.mean() < 0.25
    repeated = rows.duplicated(["lat", "lon"], keep=False).mean()
    assert 0.2 < repeated < 0.6
    assert _placeable(block["publications"]).duplicated(["lat", "lon"], keep=False).mean() > 0.7


def test_economies_grow_differently():
    table = documents.draw_block(
        world.make_world(), "publications", block=0, documents=32_768, seed=2
    ).table.to_pandas()
    first = table.drop_duplicates("article_id")
    grown = first.groupby(["country_code", "pub_year"]).size()
    ratio = grown.xs(2023, level=1) / grown.xs(2019, level=1)
    assert ratio["CN"] > 1.2 > 1.15 > ratio["DE"]
    assert set(first["pub_year"].dropna()) == set(range(2018, 2025))


def test_fields_are_specialised(block):
    rows = _placeable(block["patents"])
    tokyo = rows[(rows["country"] == "JP") & rows["lat"].between(35.5, 35.9)]["field"]
    seoul = rows[(rows["country"] == "KR") & rows["lat"].between(37.3, 37.7)]["field"]
    apart = tokyo.value_counts(normalize=True).sub(seoul.value_counts(normalize=True), fill_value=0)
    assert apart.abs().sum() > 0.3


def test_organisations_are_many_and_some_large(block):
    sizes = block["patents"].drop_duplicates("document")["applicant"].value_counts()
    assert len(sizes) > 3000
    assert sizes.iloc[0] > 20 * sizes.median()
    assert any(not name.isascii() for name in sizes.index)


# --------------------------------------------------------------------------- world


def test_seats_fill_the_world():
    table, listed = seats.make_seats()
    assert len(listed) >= 100
    for metric in seats.METRICS:
        assert table[metric].sum() == pytest.approx(seats.WORLD_TOTALS[metric], rel=1e-9)
        assert (table[metric] > 0).all()
    assert (np.diff(table["centre"]) >= 0).all()
    assert set(table["centre"]) == set(range(int(table["centre"].max()) + 1))


def test_seats_of_a_listed_centre_are_near_each_other():
    table, listed = seats.make_seats()
    for number, centre in enumerate(listed):
        assert sum(weight for _, _, weight in centre.seats) == 100, centre.name
        part = table[(table["centre"] == number) & table["named"]]
        assert len(part) == len(centre.seats), centre.name
        here = unit_vectors(part["lat"], part["lon"])
        assert distance_km(here[:, None], here).max() < 160, centre.name


def test_world_has_no_other_ends_of_running_sums():
    drawn = world.make_world()
    for metric in seats.METRICS:
        assert (np.diff(drawn.cumulative[metric]) >= 0).all()
        assert np.allclose(drawn.field_cumulative[metric][:, -1], 1)
        assert len(drawn.organisations[metric].name) == drawn.organisations[metric].first[-1]
    assert np.allclose(drawn.partner_cumulative[:, -1], 1)
    assert (drawn.partner != np.arange(len(drawn.partner))[:, None]).all()
    assert (np.abs(drawn.geometry.lat) <= 90).all()


def test_listed_centres_lead():
    top = truth.list_centres(world.make_world())[:10]
    assert {c["name"] for c in top} >= {"Tokyo–Yokohama", "Shenzhen–Hong Kong–Guangzhou", "Beijing"}
    assert top[0]["score"] < 0.25


# --------------------------------------------------------------------------- parts


@given(st.integers(100, 10**9))
@settings(max_examples=30, deadline=None)
def test_documents_are_divided_without_rest(total):
    parts = writing.documents_by_metric(total)
    assert sum(parts.values()) == total
    assert min(parts.values()) > 0


@given(st.lists(st.integers(0, 10**9 - 1), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_labels_are_fixed_width_numbers(numbers):
    texts = documents._labels("P", np.array(numbers), 9).to_pylist()
    assert texts == [f"P{n:09d}" for n in numbers]


@given(st.text(min_size=1, max_size=12, alphabet=st.characters(categories=["L"])))
@settings(max_examples=60, deadline=None)
def test_a_misspelt_name_differs(name):
    assert dirt.misspell(name) != name


@pytest.mark.parametrize("metric", seats.METRICS)
def test_kinds_come_at_their_rates(metric):
    kind = dirt.draw_kinds(metric, 400_000, np.random.default_rng(5))
    for name in dirt.KINDS:
        rate = dirt.RATES[metric].get(name, 0.0)
        found = len(dirt.rows_of(kind, name)) / len(kind)
        assert found == pytest.approx(rate, abs=6 * np.sqrt(rate / len(kind)))


def test_spellings_are_known_names():
    for code, spellings in dirt.SPELLINGS.items():
        assert iso2_of(list(spellings)).tolist() == [code] * dirt.N_SPELLINGS


# --------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(("options", "word"), [({"documents": 5}, "100"), ({"seed": -1}, "seed")])
def test_impossible_sizes_are_answered(tmp_path, options, word):
    with pytest.raises(StudyError, match=word):
        write_sample(tmp_path / "x", **options)
    assert not (tmp_path / "x").exists()


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="something else"):
        write_sample(tmp_path, documents=110)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(RunError, match="this is a file"):
        write_sample(tmp_path / "thesis.tex", documents=110)


def test_an_earlier_sample_is_replaced_without_remains(tmp_path, small_blocks):
    write_sample(tmp_path / "x", documents=1100)
    small = write_sample(tmp_path / "x", documents=330)
    assert _bytes(small) == _bytes(write_sample(tmp_path / "y", documents=330))


def test_a_broken_off_sample_leaves_nothing_that_looks_whole(tmp_path, monkeypatch):
    def fails(*args, **options):
        message = "stopped"
        raise KeyboardInterrupt(message)

    monkeypatch.setattr(writing, "draw_block", fails)
    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "x", documents=330)
    assert list((tmp_path / "x").iterdir()) == []
