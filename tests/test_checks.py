"""Checks: every address that cannot be placed has the one reason that fits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.addresses.checks import check_addresses
from geoclusters.cells.kernel import latlng_to_cells
from geoclusters.countries import COUNTRY_RESOLUTION, code_of, outside_country


def outside(lat, lon, country):
    return outside_country(latlng_to_cells(lat, lon, COUNTRY_RESOLUTION), country)


def check_one(lat, lon, country=None, *, coarse=False, document=True, repair=True):
    found = check_addresses(
        lat=np.array([lat], float),
        lon=np.array([lon], float),
        country=code_of([country]),
        too_coarse=np.array([coarse]),
        has_document=np.array([document]),
        outside=outside,
        repair_swapped=repair,
    )
    return schema.REASONS[found.reason[0]][0], found.lat[0], found.lon[0]


@pytest.mark.parametrize(
    ("lat", "lon", "country", "reason"),
    [
        (48.1, 11.6, "DE", "placed"),
        (48.1, 11.6, None, "placed"),
        (np.nan, 11.6, "DE", "no_coordinates"),
        (48.1, np.nan, None, "no_coordinates"),
        (91.0, 11.6, "DE", "outside_range"),
        (48.1, 181.0, "DE", "outside_range"),
        (0.0, 0.0, "DE", "placeholder"),
        (0.0, 0.0, None, "placeholder"),
        (0.1, 0.1, None, "placeholder"),
        (48.85, 2.35, "JP", "outside_country"),
        (22.3, 114.17, "HK", "placed"),
        (22.3, 114.17, "CN", "placed"),
        (47.59, 7.6, "CH", "placed"),
        (-16.5, 179.9, "FJ", "placed"),
        (-16.5, -179.9, "FJ", "placed"),
        (78.22, 15.65, "NO", "placed"),
    ],
)
def test_reasons(lat, lon, country, reason):
    assert check_one(lat, lon, country)[0] == reason


@given(
    st.lists(st.sampled_from([(48.1, 11.6), (0.0, 0.0), (np.nan, 1.0), (5.0, 181.0)]), max_size=9)
)
def test_many_addresses_have_the_reasons_that_each_has_alone(few):
    points = np.array([*[(48.1, 11.6)] * 250, *few, *[(-3.0, 7.0)] * 270])
    none = np.zeros(len(points), dtype=bool)
    found = check_addresses(
        lat=points[:, 0].copy(),
        lon=points[:, 1].copy(),
        country=code_of([None] * len(points)),
        too_coarse=none,
        has_document=~none,
        outside=None,
    )
    alone = [check_one(lat, lon)[0] for lat, lon in few]
    assert [schema.REASONS[code][0] for code in found.reason[250 : 250 + len(few)]] == alone
    assert not found.reason[:250].any()
    assert not found.reason[250 + len(few) :].any()


def test_swapped_coordinates_are_repaired_where_the_country_proves_it():
    assert check_one(139.7, 35.7, "JP") == ("placed", 35.7, 139.7)
    assert check_one(11.6, 48.1, "DE") == ("placed", 48.1, 11.6)
    assert check_one(11.6, 48.1, "DE", repair=False)[0] == "swapped"
    assert check_one(139.7, 35.7)[0] == "outside_range"
    assert check_one(139.7, 35.7, "DE")[0] == "outside_range"


def test_a_country_without_an_outline_proves_nothing():
    assert check_one(139.7, 35.7, "ZZ")[0] == "outside_range"
    assert check_one(35.7, 139.7, "ZZ")[0] == "placed"


def test_coarse_and_documentless_addresses():
    assert check_one(48.1, 11.6, "DE", coarse=True)[0] == "too_coarse"
    assert check_one(11.6, 48.1, "DE", coarse=True)[0] == "too_coarse"
    assert check_one(48.1, 11.6, "DE", document=False)[0] == "no_document"


@given(
    st.lists(
        st.tuples(
            st.floats(-400, 400) | st.just(float("nan")),
            st.floats(-400, 400) | st.just(float("nan")),
            st.sampled_from([None, "DE", "JP", "US", "FJ", "ZZ"]),
        ),
        max_size=30,
    )
)
def test_whatever_is_placed_is_on_the_earth_and_not_outside_its_country(rows):
    lat, lon, country = (
        np.array([r[i] for r in rows], t) for i, t in enumerate((float, float, object))
    )
    country = code_of(list(country))
    yes = np.ones(len(rows), bool)
    found = check_addresses(
        lat=lat, lon=lon, country=country, too_coarse=~yes, has_document=yes, outside=outside
    )
    placed = found.reason == 0
    assert (np.abs(found.lat[placed]) <= 90).all()
    assert (np.abs(found.lon[placed]) <= 180).all()
    assert not outside(found.lat[placed], found.lon[placed], country[placed]).any()
    unmoved = ~found.repaired
    np.testing.assert_array_equal(found.lat[unmoved], lat[unmoved])
    np.testing.assert_array_equal(found.lon[unmoved], lon[unmoved])
