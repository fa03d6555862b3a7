"""Quality of addresses: counts that add up in any order, piles that are found and works that are none."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.quality import PILE_KINDS, QualityTally, find_piles, quality_report
from geoclusters.quality.drawing import DocumentSample
from geoclusters.quality.mixing import mixed, unit_interval
from geoclusters.quality.piles import _points, _standing_out, kinds_of
from geoclusters.schema import LEVELS, REASON_CODE

SOURCES, COUNTRIES = ["a.csv", "b.csv", "c.csv"], ["DE", "FR", "JP"]

row = st.tuples(
    st.integers(0, 2),
    st.integers(0, len(REASON_CODE) - 1),
    st.integers(-1, len(LEVELS) - 1),
    st.sampled_from([-1, 2019, 2020, 2021]),
    st.integers(-1, 2),
    st.sampled_from([(48.1, 11.6), (48.2, 11.7), (np.nan, 11.6), (95.0, 0.0)]),
    st.integers(0, 5),
    st.integers(-1, 3),
)
rows = st.lists(row, max_size=40)


def columns_of(table):
    source, reason, accuracy, year, country, point, document, organisation = (
        zip(*table, strict=True) if table else [()] * 8
    )
    return {
        "source": np.array(source, dtype=np.int64),
        "reason": np.array(reason, dtype=np.int8),
        "accuracy": np.array(accuracy, dtype=np.int8),
        "year": np.array(year, dtype=np.int16),
        "country": np.array(country, dtype=np.int16),
        "lat": np.array([p[0] for p in point], dtype=np.float64),
        "lon": np.array([p[1] for p in point], dtype=np.float64),
        "document": np.array(document, dtype=np.uint64),
        "organisation": np.array(organisation, dtype=np.int64),
    }


def tallied(*tables):
    tally = QualityTally()
    for table in tables:
        tally.add(**columns_of(table))
    return tally


def report(tally):
    return quality_report(tally, sources=SOURCES, countries=COUNTRIES)


# ------------------------------------------------------------ keys and samples


def test_keys_are_mixed_as_the_published_generator_does():
    def plain(x):
        mask = (1 << 64) - 1
        z = (x + 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    keys = [0, 1, 2, 1 << 63, (1 << 64) - 1]
    assert mixed(np.array(keys, dtype=np.uint64)).tolist() == [plain(k) for k in keys]


@given(st.integers(0, 1000))
def test_numbers_from_keys_lie_from_0_to_1(seed):
    many = unit_interval(mixed(np.arange(2000, dtype=np.uint64), seed=seed))
    assert many.min() >= 0
    assert many.max() < 1
    assert abs(many.mean() - 0.5) < 0.05


@given(
    st.lists(st.integers(0, 60), max_size=200),
    st.integers(1, 4),
    st.integers(10, 80),
    st.randoms(use_true_random=False),
)
def test_a_sample_is_the_same_in_any_order_and_holds_whole_documents(keys, parts, most, random):
    def drawn(order, n_parts):
        samples = []
        for piece in np.array_split(np.array(order, dtype=np.uint64), n_parts):
            sample = DocumentSample(max_rows=most)
            for some in np.array_split(piece, 3):
                sample.add(some, {"twice": some.astype(np.int64) * 2})
            samples.append(sample)
        for other in samples[1:]:
            samples[0].merge(other)
        return samples[0]

    def content(sample):
        found = sample.columns()
        return Counter(zip(found["document"].tolist(), found["twice"].tolist(), strict=True))

    one = drawn(keys, 1)
    shuffled = random.sample(keys, len(keys))
    other = drawn(shuffled, parts)
    assert content(one) == content(other)
    assert one.fraction == other.fraction
    whole = Counter(k for k in keys if k)
    assert all(n == whole[k] and twice == 2 * k for (k, twice), n in content(one).items())
    assert content(one).total() <= most
    if whole.total() <= most:
        assert content(one).total() == whole.total()


@given(st.lists(st.integers(0, 400), max_size=300), st.integers(0, 8))
@settings(deadline=None)
def test_what_is_drawn_is_what_a_sample_keeps(keys, halvings):
    keys = np.array(keys, dtype=np.uint64)
    drawn = DocumentSample(max_rows=1000, halvings=halvings).draws(keys)
    kept = [
        row
        for row, key in enumerate(keys)
        if key and mixed(keys, seed=6)[row] < 2 ** (64 - halvings)
    ]
    assert drawn.tolist() == kept


# ------------------------------------------------------------ counts


@given(rows, rows)
@settings(max_examples=15)
def test_counts_are_those_of_plain_python_and_merge(first, second):
    tally = tallied(first)
    tally.merge(tallied(second))
    every = [*first, *second]
    assert tally.rows() == Counter((r[0], r[3], r[2], r[1]) for r in every)
    asked = [
        r
        for r in every
        if r[5][0] < 90 and r[4] >= 0 and r[1] in (0, REASON_CODE["outside_country"])
    ]
    assert tally.stated() == Counter((r[0], r[4], r[1]) for r in asked)
    assert report(tally) == report(tallied(every[::-1]))


@given(rows)
@settings(max_examples=15)
def test_a_report_adds_up(table):
    for told in report(tallied(table)):
        rejected = sum(told["rejected"].values())
        assert told["placed"] * told["rows"] + rejected == pytest.approx(told["rows"])
        assert sum(told["accuracy"].values()) == told["rows"]
        assert sum(year["rows"] for year in told["years"].values()) == told["rows"]
        assert set(told["piles"]["by_kind"]) <= set(PILE_KINDS)


def drifting(placed_first, placed_last, n=400):
    table = []
    for year, placed in ((2019, placed_first), (2020, placed_first), (2021, placed_last)):
        for i in range(n):
            reason = 0 if i < placed * n else REASON_CODE["no_coordinates"]
            table.append((0, reason, 0, year, 0, (48 + i / 100, 11 + year / 500), i + 1, i))
    return tallied(table)


def test_drift_over_years_is_told():
    (told,) = report(drifting(0.9, 0.6))
    assert told["years"]["2021"]["placed"] == pytest.approx(0.6)
    assert any(
        "90% of the rows of 2019, but 60% of those of 2021 could be placed" in doubt
        for doubt in told["doubts"]
    )
    (steady,) = report(drifting(0.9, 0.85))
    assert steady["doubts"] == []


def test_points_abroad_are_told_by_country():
    outside = REASON_CODE["outside_country"]
    table = [(0, 0, 0, 2020, 0, (48 + i / 100, 11.0), i + 1, i) for i in range(80)]
    table += [(0, outside, 0, 2020, 1, (10 + i / 100, 11.0), i + 100, i) for i in range(20)]
    (told,) = report(tallied(table))
    abroad = told["outside_country"]
    assert (abroad["rows"], abroad["share"]) == (100, pytest.approx(0.2))
    assert abroad["countries"] == [{"country": "FR", "rows": 20, "outside": 20, "share": 1.0}]
    assert "20% of the points lie outside their stated country, most often FR" in told["doubts"][0]


# ------------------------------------------------------------ piles


class Region:
    """A region with works strewn about, to which points may be added."""

    def __init__(self, seed=1, n=600, lat=48.1374, lon=11.5755):
        random = np.random.default_rng(seed)
        self.lat = list(np.round(lat + random.normal(0, 0.04, n), 5))
        self.lon = list(np.round(lon + random.normal(0, 0.06, n), 5))
        self.organisation = list(random.integers(0, 60, n))

    def put(self, lat, lon, organisations):
        self.lat += [lat] * len(organisations)
        self.lon += [lon] * len(organisations)
        self.organisation += list(organisations)
        return self

    def piles(self, order=None, *, named=True):
        n = len(self.lat)
        order = np.arange(n) if order is None else order
        organisation = np.array(self.organisation, dtype=np.int64) if named else np.full(n, -1)
        return find_piles(
            document=mixed(np.arange(n, dtype=np.uint64))[order],
            lat=np.array(self.lat)[order],
            lon=np.array(self.lon)[order],
            organisation=organisation[order],
        )


def test_the_centroid_of_a_city_is_a_pile_and_a_large_institute_is_none():
    region = Region().put(48.13743, 11.57549, np.arange(200) % 50)
    region.put(48.15012, 11.56811, np.repeat([70, 71], [180, 20]))
    table, pile = region.piles()
    assert table[["lat", "lon", "kind", "place", "country"]].to_numpy().tolist() == [
        [48.13743, 11.57549, "place", "Munich", "DE"]
    ]
    assert table["documents"].tolist() == [200]
    assert table["organisations"].iloc[0] == pytest.approx(50)
    assert np.flatnonzero(pile == 0).tolist() == list(range(600, 800))


def test_sound_addresses_hold_no_pile():
    table, pile = Region().piles()
    assert table.empty
    assert (pile == -1).all()


def test_a_busy_place_among_busy_places_is_no_pile():
    region = Region(n=0)
    for i in range(40):
        region.put(round(48.1 + i / 1000, 5), 11.6, np.arange(60))
    assert region.piles()[0].empty


def test_without_organisations_only_known_points_count():
    region = Region(n=0).put(47.8803, 10.6222, range(100))  # Kaufbeuren, and nothing else there
    region.put(48.2301, 11.4333, range(200)).put(0.1, 0.1, range(50)).put(51.0, 10.0, range(90))
    for i in range(30):
        region.put(round(48.2301 + i / 3000, 5), 11.45, range(5))
    table, _ = region.piles(named=False)
    found = dict(zip(table["lat"], table["kind"], strict=True))
    assert found == {47.8803: "place", 0.1: "placeholder", 51.0: "country"}


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_the_order_of_rows_changes_no_pile(random):
    region = Region(seed=3).put(48.13743, 11.57549, np.arange(150) % 40).put(0.0, 0.0, range(40))
    order = np.array(random.sample(range(len(region.lat)), len(region.lat)))
    table, pile = region.piles()
    shuffled, moved = region.piles(order)
    assert table.equals(shuffled)
    assert pile[order].tolist() == moved.tolist()


def test_what_is_round_about_is_what_lies_in_nine_squares():
    region = Region(seed=5, n=300).put(48.1, 11.6, range(30))
    n = len(region.lat)
    table, _ = _points(np.arange(n, dtype=np.uint64), np.array(region.lat), np.array(region.lon))
    asked = np.arange(0, len(table), 17)
    step = 0.1
    for at, ratio in zip(asked, _standing_out(table, asked)[0], strict=True):
        y, x, own = table.loc[at, ["lat", "lon", "documents"]]
        near = []
        for lat, lon, documents in table[["lat", "lon", "documents"]].itertuples(index=False):
            row, here = int(np.floor(lat / step)), int(np.floor(y / step))
            width = step / np.cos(np.radians((row + 0.5) * step))
            if abs(row - here) <= 1 and abs(np.floor(lon / width) - np.floor(x / width)) <= 1:
                near.append(documents)
        others = (sum(near) - own) / (len(near) - 1) if len(near) > 1 else 0
        assert ratio == (pytest.approx(own / others) if others else np.inf)


@pytest.mark.parametrize(
    ("lat", "lon", "kind"),
    [
        (0.0, 0.0, "placeholder"),
        (0.1, 0.1, "placeholder"),
        (37.3, 37.3, "placeholder"),
        (-40.0, -110.0, "placeholder"),
        (38.0, -97.0, "country"),
        (46.5, 2.5, "country"),
        (48.8534, 2.3488, "place"),
        (1.2897, 103.8501, "place"),
        (69.3, 33.4, "other"),
    ],
)
def test_what_a_pile_is(lat, lon, kind):
    assert kinds_of(np.array([lat]), np.array([lon])).tolist() == [kind]


def test_piles_are_told_in_the_report():
    region = Region(seed=7).put(48.13743, 11.57549, np.arange(200) % 50)
    table = [
        (0, 0, 3, 2019 + (i >= 600), 0, point, i + 1, organisation)
        for i, (*point, organisation) in enumerate(
            zip(region.lat, region.lon, region.organisation, strict=True)
        )
    ]
    (told,) = report(tallied(table))
    assert told["piles"]["share"] == pytest.approx(0.25)
    assert told["piles"]["by_kind"]["place"] == pytest.approx(0.25)
    assert told["piles"]["points"][0]["place"] == "Munich"
    assert told["piles"]["sampled"] == 1.0
    assert told["years"]["2020"]["piled"] == 1.0
    assert (
        "25% of the rows with a point lie on points where unrelated documents pile up"
        in told["doubts"][0]
    )
    assert any(
        "0% of the rows of 2019, but 100% of those of 2020 lie on piles" in d
        for d in told["doubts"]
    )
