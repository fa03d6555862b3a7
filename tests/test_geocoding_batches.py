"""Addresses filled in batch by batch, and the external geocoder with its cache."""

import sqlite3
import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.errors import StudyError
from geoclusters.geocoding import (
    AMBIGUOUS_PLACE,
    UNKNOWN_PLACE,
    GeocodingRules,
    GeocodingTally,
    KeptGeocoder,
    batches,
    geocode,
    geocoded,
    open_geocoder,
)
from geoclusters.geocoding.external import MOST_FAILURES
from geoclusters.study import make_study

ROWS = [
    # lat, lon, place, region, country, accuracy
    (48.1, 11.6, "Berlin", None, "DE", "street"),
    (None, None, "Berlin", None, "DE", None),
    (None, None, "Springfield", None, "US", "city"),
    (None, None, "Xqzvwk", None, "DE", None),
    (None, None, None, "Bavaria", "DE", None),
    (None, None, None, None, "DE", None),
    (None, None, "  ", "", "DE", "unclear"),
    (float("nan"), float("nan"), "Tokyo", None, "JP", None),
    (1.0, None, "Bostn", "MA", "US", None),
]


def batch_of(rows):
    names = ["lat", "lon", "place", "region", "country", "accuracy"]
    given_ = dict(zip(names, zip(*rows, strict=True), strict=True))
    fields = {f.name: f.type for f in schema.READ.arrow()}
    columns = {name: given_.get(name, [None] * len(rows)) for name in fields}
    columns["document"] = [str(i) for i in range(len(rows))]
    arrays = [pa.array(columns[n], fields[n]) for n in fields]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.READ.arrow())


def test_rows_without_a_point_get_one_and_the_others_stay_as_they_are():
    batch, tally = batch_of(ROWS), GeocodingTally()
    [found] = geocoded([batch], tally=tally)
    assert found.schema.equals(batch.schema, check_metadata=True)
    assert found.column("accuracy").to_pylist() == [
        "street", "place", AMBIGUOUS_PLACE, UNKNOWN_PLACE, None, None, "unclear", "place", "place",
    ]  # fmt: skip
    filled = [x is not None for x in found.column("lat").to_pylist()]
    assert filled == [True, True, False, False, False, False, False, True, True]
    assert found.column("lon").null_count == found.column("lat").null_count
    for row in (0, 5, 6):
        assert found.slice(row, 1).equals(batch.slice(row, 1))
    untouched = [n for n in batch.schema.names if n not in {"lat", "lon", "accuracy"}]
    assert found.select(untouched).equals(batch.select(untouched))
    assert tally.asked == 6
    assert tally.filled == Counter(place=3)
    assert tally.reasons.total() == 6
    assert tally.reasons["ambiguous"] == tally.reasons["unknown place"] == 1


def test_the_country_is_that_of_the_point_where_it_is_another():
    rows = [
        (None, None, "Hong Kong", None, "P.R. China", None),
        (None, None, "Taipei", None, "CN", None),
        (None, None, "Munich", None, "Deutschland", None),
        (None, None, "Munich", None, None, None),
        (None, None, "Cambridge", None, "US", None),
        (22.3, 114.2, "Hong Kong", None, "CN", None),
    ]
    [found] = geocoded([batch_of(rows)])
    told = ["HK", "TW", "Deutschland", "DE", "US", "CN"]
    assert found.column("country").to_pylist() == told


def test_points_are_those_of_geocode():
    [found] = geocoded([batch_of(ROWS)])
    answer = geocode(["Berlin", "Tokyo", "Bostn"], [None, None, "MA"], ["DE", "JP", "US"])
    for column in ("lat", "lon"):
        assert (
            np.take(found.column(column).to_pylist(), [1, 7, 8]).tolist() == answer[column].tolist()
        )


def test_coarser_points_are_filled_in_where_the_study_wants_them():
    rules = GeocodingRules(coarsest="region", ambiguous="largest")
    [found] = geocoded([batch_of(ROWS)], rules=rules)
    levels = found.column("accuracy").to_pylist()
    assert levels[2:5] == ["place", UNKNOWN_PLACE, "region"]
    [coarse] = geocoded([batch_of(ROWS)], rules=GeocodingRules(coarsest="country"))
    assert coarse.column("accuracy").to_pylist()[3] == "country"
    assert coarse.column("lat").is_null().to_pylist()[5]


@given(st.lists(st.sampled_from(ROWS), min_size=1, max_size=12), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_the_cut_into_batches_changes_nothing(rows, size):
    whole = batch_of(rows)
    parts = [whole.slice(i, size) for i in range(0, len(rows), size)]
    one, many = GeocodingTally(), GeocodingTally()
    expected = pa.Table.from_batches(geocoded([whole], tally=one))
    found = pa.Table.from_batches(geocoded(parts, tally=many))
    assert found.equals(expected)
    assert many == one


def test_each_address_is_looked_up_once_and_memory_is_bounded(monkeypatch):
    asked = []

    def counted(place, region, country, **options):
        asked.append(list(place))
        return geocode(place, region, country, **options)

    monkeypatch.setattr(batches, "geocode", counted)
    one = batch_of([(None, None, "Berlin", None, "DE", None)] * 3)
    two = batch_of([(None, None, "Paris", None, "FR", None)] * 2)
    list(geocoded([one, two, one]))
    assert asked == [["Berlin"], ["Paris"]]
    asked.clear()
    monkeypatch.setattr(batches, "MOST_REMEMBERED", 1)
    found = list(geocoded([one, two, one]))
    assert asked == [["Berlin"], ["Paris"], ["Berlin"]]
    assert found[0].equals(found[2])


class FakeGeocoder:
    """Knows one village; fails when told to."""

    def __init__(self, *, failing=False):
        self.asked = []
        self.failing = failing

    def geocode(self, query):
        self.asked.append(query)
        if self.failing:
            raise TimeoutError("no answer")
        known = query.startswith("Xqzvwk")
        return SimpleNamespace(latitude=50.5, longitude=8.5) if known else None


def kept(geocoder, tmp_path):
    return KeptGeocoder(geocoder, tmp_path / "kept.sqlite", min_delay_seconds=0.0)


def test_only_what_is_not_found_is_asked_elsewhere(tmp_path):
    fake = FakeGeocoder()
    tally = GeocodingTally()
    rules = GeocodingRules(external=kept(fake, tmp_path))
    [found] = geocoded([batch_of(ROWS)], rules=rules, tally=tally)
    rules.external.close()
    assert sorted(fake.asked) == ["Springfield, US", "Xqzvwk, DE"]
    assert found.column("lat").to_pylist()[3] == 50.5
    assert found.column("accuracy").to_pylist()[2:4] == [AMBIGUOUS_PLACE, "place"]
    assert tally.reasons["external"] == 1


def test_answers_are_kept_from_run_to_run_those_that_found_nothing_too(tmp_path):
    first, second = FakeGeocoder(), FakeGeocoder()
    for fake in (first, second):
        geocoder = kept(fake, tmp_path)
        assert geocoder.find(("Xqzvwk", "", "DE")) == (50.5, 8.5)
        assert geocoder.find(("Nowhere", "", "DE")) is None
        geocoder.close()
    assert first.asked == ["Xqzvwk, DE", "Nowhere, DE"]
    assert second.asked == []


def test_failures_are_not_kept_and_after_some_nobody_asks_any_more(tmp_path, caplog):
    fake = FakeGeocoder(failing=True)
    geocoder = kept(fake, tmp_path)
    for i in range(MOST_FAILURES + 3):
        assert geocoder.find((f"Place {i}", "", "")) is None
    geocoder.close()
    assert len(fake.asked) == MOST_FAILURES
    assert "no answer" in caplog.text
    with sqlite3.connect(tmp_path / "kept.sqlite") as database:
        assert database.execute("SELECT count(*) FROM answers").fetchone() == (0,)
    database.close()


def test_there_is_a_pause_between_two_questions(tmp_path):
    pauses = []
    geocoder = KeptGeocoder(
        FakeGeocoder(), tmp_path / "kept.sqlite", min_delay_seconds=30.0, sleep=pauses.append
    )
    for name in ("a", "b", "a"):
        geocoder.find((name, "", ""))
    geocoder.close()
    assert len(pauses) == 1
    assert 29.0 < pauses[0] <= 30.0


def test_without_geopy_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "geopy.geocoders", None)
    monkeypatch.setitem(sys.modules, "geopy.exc", None)
    with pytest.raises(StudyError, match=r"pip install 'geoclusters\[geocoder\]'"):
        open_geocoder("nominatim", tmp_path / "kept.sqlite")


def test_services_and_options_that_geopy_does_not_take_are_told(tmp_path):
    pytest.importorskip("geopy")
    with pytest.raises(StudyError, match="no such geocoder"):
        open_geocoder("atlas", tmp_path / "kept.sqlite")
    with pytest.raises(StudyError, match="external_options"):
        open_geocoder("nominatim", tmp_path / "kept.sqlite", options={"colour": "red"})
    geocoder = open_geocoder("nominatim", tmp_path / "kept.sqlite", options={"user_agent": "test"})
    geocoder.close()


def test_a_study_sets_geocoding_and_wrong_settings_are_told():
    source = {"metric": "patents", "path": "p.csv", "columns": {"document": "id", "place": "city"}}
    given_ = {"name": "x", "source": [source]}
    study = make_study({**given_, "geocoding": {"min_score": 0.9, "coarsest": "region"}})
    assert study.geocoding.min_score == 0.9
    assert make_study(given_).geocoding.enabled
    assert make_study(given_).geocoding.min_score == GeocodingRules().min_score
    for wrong, message in (
        ({"min_scor": 0.5}, "did you mean 'min_score'"),
        ({"coarsest": "street"}, "coarsest"),
        ({"min_score": 2.0}, "min_score"),
    ):
        with pytest.raises(StudyError, match=message):
            make_study({**given_, "geocoding": wrong})
