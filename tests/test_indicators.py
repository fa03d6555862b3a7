"""Measures of clusters: exact sums, shares that add up, links and parts as their definitions say."""

from __future__ import annotations

from importlib.resources import files
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoclusters import countries, indicators, schema
from geoclusters.indicators.population import is_district
from geoclusters.indicators.tables import KeySums
from geoclusters.schema import WEIGHT_ONE

rows = st.lists(
    st.tuples(
        st.sampled_from("mn"),
        st.sampled_from("abcd"),
        st.integers(0, 5),
        st.sampled_from(["DE", "FR", None]),
        st.sampled_from([2019, 2020, None]),
    ),
    min_size=1,
    max_size=40,
)
LABELS = np.array([0, 0, 1, 2, -1], np.int32)
MEMBERS = indicators.Members(LABELS, 3, ["m", "n"], np.full(5, -1, np.int16))
ECONOMIES = {name: countries.code_of([name])[0] for name in ("DE", "FR", None)}
FIELDS = ["chips", "cheese"]


class Volume:
    """Addresses (metric, document, entry + 1, economy, year) as a volume gives them."""

    cells = np.array([0, 1, 2, 3, 4, -1], np.int32)

    def __init__(self, table):
        self.table = sorted(table, key=lambda r: r[:2])

    def level(self, row):
        """No level is stated."""
        return -1

    def names(self, name):
        return pa.array(FIELDS if name == "field" else [])

    def batches(self):
        return (batch for batch, _ in self.batches_with_documents())

    def batches_with_documents(self):
        starts = [i == 0 or r[:2] != self.table[i - 1][:2] for i, r in enumerate(self.table)]
        cut = next((i for i in range(len(starts) // 2, len(starts)) if starts[i]), len(starts))
        for part in (slice(0, cut), slice(cut, None)):
            table, first = self.table[part], starts[part]
            columns = {
                "entry": [r[2] - 1 for r in table],
                "weight": [WEIGHT_ONE // 3] * len(table),
                "kind": ["mn".index(r[0]) + 0x80 * s for r, s in zip(table, first, strict=True)],
                "economy": [ECONOMIES[r[3]] for r in table],
                "year": [r[4] or -1 for r in table],
                "accuracy": [self.level(r) for r in table],
                "field": [r[2] % 3 - 1 for r in table],
                "organisation": [-1] * len(table),
            }
            layout = schema.KEPT.arrow()
            arrays = [pa.array(columns[f.name], f.type) for f in layout]
            keys = np.array(
                [hash(r[:2]) % 2**63 for r, s in zip(table, first, strict=True) if s], np.uint64
            )
            yield pa.RecordBatch.from_arrays(arrays, schema=layout), keys


class Levelled(Volume):
    """Addresses of which most state a level."""

    def level(self, row):
        return (row[2] + row[4] if row[4] else 0) % (len(schema.LEVELS) + 1) - 1


def label_of(cell):
    return int(LABELS[cell - 1]) if cell else -1


@given(rows)
def test_documents_by_a_column_are_sums_over_the_rows(table):
    found = indicators.documents_by([Volume(table), Volume(table[:5])], MEMBERS)
    values = {
        "year": lambda r: r[4],
        "economy": lambda r: r[3],
        "field": lambda r: FIELDS[r[2] % 3 - 1] if r[2] % 3 else None,
    }
    for column, value in values.items():
        expected = {}
        for row in [*table, *table[:5]]:
            if value(row) is not None:
                key = (label_of(row[2]), row[0], value(row))
                expected[key] = expected.get(key, 0) + WEIGHT_ONE // 3
        got = {
            (r.label, r.metric, getattr(r, column)): r.documents for r in found[column].itertuples()
        }
        assert got == {k: v / WEIGHT_ONE for k, v in expected.items()}
    assert found["accuracy"]["documents"].sum() == pytest.approx(len([*table, *table[:5]]) / 3)
    assert found["accuracy"]["accuracy"].isna().all()
    assert found["organisation"].empty


@given(rows)
def test_levels_are_told_apart_from_none_at_all(table):
    volumes = [Levelled(table), Volume(table[:5])]
    found = indicators.documents_by(volumes, MEMBERS)["accuracy"]
    expected = {}
    for volume in volumes:
        for row in volume.table:
            level = (*schema.LEVELS, None)[volume.level(row)]
            key = (label_of(row[2]), row[0], level)
            expected[key] = expected.get(key, 0) + WEIGHT_ONE // 3 / WEIGHT_ONE
    got = {
        (r.label, r.metric, None if pd.isna(r.accuracy) else r.accuracy): r.documents
        for r in found.itertuples()
    }
    assert got == pytest.approx(expected)


def test_economies_that_are_not_stated_are_those_of_the_cells():
    economy = countries.code_of(["CH", "DE", "FR", "FR", "FR"])
    members = indicators.Members(LABELS, 3, ["m", "n"], economy)
    table = [("m", "a", 1, None, 2020), ("m", "a", 2, None, 2020), ("m", "b", 2, "FR", 2020)]
    found = indicators.documents_by([Volume(table)], members)["economy"]
    assert found["economy"].tolist() == ["CH", "DE", "FR"]


@given(rows)
def test_links_are_documents_with_an_address_in_both(table):
    found = indicators.links([Volume(table)], MEMBERS)
    expected = {}
    for metric, document in {(r[0], r[1]) for r in table}:
        labels = {label_of(r[2]) for r in table if r[:2] == (metric, document) and r[2]}
        for pair in combinations(labels, 2):
            a, b = sorted(pair)
            key = (b, -1, metric) if a == -1 else (a, b, metric)
            expected[key] = expected.get(key, 0) + 1
    assert {(r.label_a, r.label_b, r.metric): r.documents for r in found.itertuples()} == expected


@given(rows)
def test_documents_and_links_at_once_are_those_one_by_one(table):
    volumes = [Volume(table), Volume(table[:7])]
    documents, links = indicators.documents_and_links(volumes, MEMBERS)
    for name, expected in indicators.documents_by(volumes, MEMBERS).items():
        pd.testing.assert_frame_equal(documents[name], expected)
    pd.testing.assert_frame_equal(links, indicators.links(volumes, MEMBERS))


def test_documents_in_very_many_clusters_link_each_two_of_them():
    n = 400
    members = indicators.Members(np.arange(n, dtype=np.int32), n, ["m"], np.full(n, -1, np.int16))
    table = [("m", d, place + 1, None, 2020) for d in "ab" for place in range(n)]
    volume = Volume(table)
    volume.cells = np.append(np.arange(n), -1).astype(np.int32)
    found = indicators.links([volume], members)
    assert len(found) == n * (n - 1) // 2
    assert set(found["documents"]) == {2}


@given(rows)
def test_parts_of_documents_add_up_to_them(table):
    parts = indicators.document_parts([Volume(table)], MEMBERS, metric=0)
    mine = [r for r in table if r[0] == "m"]
    assert parts.weight.sum() == len(mine) * (WEIGHT_ONE // 3)
    assert len(np.unique(parts.document)) == len({r[1] for r in mine})
    by_label = {k: int(parts.weight[parts.label == k].sum()) for k in (-1, 0, 1, 2)}
    for label, weight in by_label.items():
        assert weight == sum(WEIGHT_ONE // 3 for r in mine if label_of(r[2]) == label)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 9)), max_size=60), st.booleans())
def test_sums_by_key_in_an_array_and_in_a_table(pairs, many):
    n_keys = 10**9 + 1 if many else 1000
    sums = KeySums(n_keys)
    pairs = [(k if many else k % 1000, w) for k, w in pairs]
    for at in range(0, len(pairs), 7):
        keys, weights = (np.array([p[i] for p in pairs[at : at + 7]], np.int64) for i in (0, 1))
        sums.add(keys, weights)
    expected = {}
    for key, weight in pairs:
        expected[key] = expected.get(key, 0) + weight
    keys, totals = sums.result()
    assert dict(zip(keys.tolist(), totals.tolist(), strict=True)) == expected
    assert keys.tolist() == sorted(expected)


@given(st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(-1, 3)), max_size=50))
def test_integer_sums_by_label(pairs):
    values, labels = (np.array([p[i] for p in pairs], np.int64) for i in (0, 1))
    found = indicators.summed_by_label(values, labels, 4)
    assert found.tolist() == [sum(v for v, k in pairs if k == label) for label in range(4)]


def test_the_published_table_comes_out_of_its_counts():
    """
    GII 2023, ranks 1 to 34 (WIPO): the counts give every printed share, every total and the order.

    World totals are not printed. Those used here lie in the narrow band, 1.2553 to 1.2564 million patents and 7.453 to
    7.472 million articles, outside of which some printed share could not have come from its printed count.
    """
    with (files("geoclusters") / "tables" / "gii_reference.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, comment="#")
    table = table[(table["edition"] == 2023) & table["score_percent"].notna()].reset_index(
        drop=True
    )
    assert len(table) == 34
    scored = pd.DataFrame(
        indicators.scored(
            {metric: table[metric].to_numpy() for metric in ("patents", "publications")},
            totals={"patents": 1_255_475, "publications": 7_456_471},
            weights={"patents": 1.0, "publications": 1.0},
        )
    )
    for column, printed in (
        ("share_patents", "share_patents_percent"),
        ("share_publications", "share_publications_percent"),
        ("score", "score_percent"),
    ):
        np.testing.assert_allclose((scored[column] * 100).round(1), table[printed], atol=1e-9)
    shuffled = scored.assign(cluster_id=table["rank"].astype(str), intensity=0.0).sample(
        frac=1, random_state=1
    )
    ranked = indicators.ranked(shuffled)
    assert ranked["cluster_id"].tolist() == [str(n) for n in range(1, 35)]
    assert ranked["rank"].tolist() == list(range(1, 35))


def test_the_score_is_the_sum_of_the_shares():
    random = np.random.default_rng(0)
    counts = dict(zip("abc", random.uniform(0, 9, (3, 30)), strict=True))
    table = indicators.scored(
        counts, totals={"a": 300, "b": 70, "c": 0}, weights={"a": 1, "b": 2.5, "c": 1}
    )
    expected = table["share_a"] + 2.5 * table["share_b"] + table["share_c"]
    np.testing.assert_allclose(table["score"], expected, rtol=1e-15)
    assert (table["share_c"] == 0).all()


def test_economies_in_falling_order_and_cross_border_from_one_per_cent():
    by_economy = pd.DataFrame(
        {
            "label": [0, 0, 0, 1, 1],
            "metric": ["p"] * 5,
            "economy": ["FR", "CH", "DE", "US", "CA"],
            "documents": [10.0, 85.0, 5.0, 99.5, 0.5],
        }
    )
    scores = indicators.economy_scores(by_economy, totals={"p": 200.0}, weights={"p": 1.0})
    found = indicators.economies_of_clusters(scores, n_clusters=3, cross_border_share=0.01)
    assert found["economies"].tolist() == ["CH/FR/DE", "US", ""]
    assert found["cross_border"].tolist() == [True, False, False]
    clusters = pd.DataFrame({"economies": found["economies"][:2], "rank": [1, 2]})
    league = indicators.league(scores, clusters, metrics=["p"], top=1).set_index("economy")
    assert league.loc["CH", ["clusters", "clusters_top"]].tolist() == [1, 1]
    assert league.loc["US", ["clusters", "clusters_top"]].tolist() == [1, 0]
    assert league.loc["FR", ["clusters", "clusters_shared"]].tolist() == [0, 1]
    assert league["share_p"].sum() == pytest.approx(1.0)


def test_concentration_of_the_first():
    table = pd.DataFrame({"rank": range(1, 151), "share_p": [1 / 200] * 150})
    assert indicators.concentration(table, metrics=["p"]) == {
        "top_10": {"p": pytest.approx(0.05)},
        "top_100": {"p": pytest.approx(0.5)},
    }


def test_rates_are_missing_without_a_population():
    table = pd.DataFrame({"p": [10.0, 10.0], "score": [0.02, 0.02], "population": [2e6, np.nan]})
    rates = indicators.with_rates(table, metrics=["p"])
    assert rates["p_per_million"].tolist()[0] == 5.0
    assert rates["intensity"].tolist()[0] == 1.0
    assert rates["intensity"].isna().tolist() == [False, True]


def test_population_counts_a_place_once_and_districts_not_at_all():
    places = pd.DataFrame(
        {
            "lat": [50.0, 50.02, 50.2, 60.0],
            "lon": [8.0, 8.02, 8.3, 8.0],
            "population": [1_000_000, 200_000, 100_000, 50_000],
            "country": ["DE"] * 4,
        }
    )
    assert is_district(places).tolist() == [False, True, False, False]
    found = indicators.population_of_places(
        lat=np.array([50.0, 50.21, 0.0]),
        lon=np.array([8.01, 8.31, 0.0]),
        labels=np.array([0, 0, 1]),
        places=places,
        n_clusters=2,
    )
    assert found[0] == 1_100_000
    assert np.isnan(found[1])
