"""Keys of names, folding, and the distance between spellings against a plain calculation."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.geocoding import distance as d
from geoclusters.geocoding.gazetteer import load_gazetteer
from geoclusters.geocoding.romanisation import fold, fold_all
from geoclusters.geocoding.spelling import german_long_form, key_of, words_of
from geoclusters.places import read_gazetteer

COUNTRIES = ["DE", "TW", "KR", "JP", "IL", "RU", "FR", "US", None]
LATIN = st.text("abcdefghijklmnopqrstuvwxyz", max_size=14)
NEAR = st.text("abehostu", min_size=1, max_size=12)


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_a_key_has_neither_case_nor_spaces_nor_marks(text):
    key = key_of(text)
    assert key == key.casefold() or not key.isascii()
    assert all(c.isalnum() for c in key)
    assert key_of(f"  {text}, ") == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Saint-Étienne", "ST ETIENNE"),
        ("Mount Vernon", "Mt. Vernon"),
        ("Mountain View", "Mt View"),
        ("Санкт-Петербург", "sankt peterburg"),
        ("Θεσσαλονίκη", "thessaloniki"),
        ("København", "KOBENHAVN"),
        ("N. Haven", "North Haven"),
        ("\u0130zmir", "Izmir"),
        ("O\u2019Fallon", "OFALLON"),
        ("M\u00c3\u00bcnchen", "München"),
    ],
)
def test_spellings_of_one_name_have_one_key(one, other):
    assert key_of(one) == key_of(other)


def test_the_tables_hold_the_keys_that_the_functions_give():
    places = read_gazetteer().sample(3000, random_state=0)
    assert places["name"].map(key_of).tolist() == places["key"].tolist()
    assert len(places) == 3000
    others = places["others"].dropna().str.split("|").explode()
    assert (others.map(key_of) == others).mean() > 0.95


@given(st.lists(LATIN, min_size=1, max_size=6), st.sampled_from(COUNTRIES))
@settings(max_examples=60, deadline=None)
def test_many_keys_fold_as_each_does_alone(keys, country):
    folded = fold_all(keys, country)
    assert folded == [fold(key, country) for key in keys]
    assert all(a != b for key in folded for a, b in zip(key, key[1:], strict=False))


@pytest.mark.parametrize(
    ("one", "other", "country"),
    [
        ("Muenchen", "München", "DE"),
        ("Aarhus", "Arhus", "DK"),
        ("T'u-ch'eng Shih", "Tucheng shi", "TW"),
        ("Kyunggi", "Gyeonggi", "KR"),
        ("Pusan", "Busan", "KR"),
        ("Ohsaka", "Osaka", "JP"),
        ("Simbashi", "Shimbashi", "JP"),
        ("Petach Tikva", "Petah Tiqva", "IL"),
        ("Nizhniy", "Nizhnij", "RU"),
        ("Pittsburg", "Pittsburgh", "US"),
    ],
)
def test_ways_of_writing_a_sound_fold_to_one(one, other, country):
    assert fold(key_of(one), country) == fold(key_of(other), country)


def test_what_differs_stays_apart():
    folded = [fold(key_of(n), "DE") for n in ("Bonn", "Bohn", "Born", "Basel", "Kassel", "Essen")]
    assert len(set(folded)) == 6


def test_german_short_forms_are_written_out():
    assert german_long_form(words_of("Bad Neustadt a.d. Saale")) == [
        "bad",
        "neustadt",
        "an",
        "der",
        "saale",
    ]
    assert german_long_form(words_of("Neustadt b. Coburg")) == ["neustadt", "bei", "coburg"]
    assert german_long_form(["hamburg"]) == ["hamburg"]


def plain_distance(a, b):
    """The distance that the docstring of `nearest_names` describes, by plain recursion."""

    def gap(letter):
        return d.FAINT_GAP if letter in d.FAINT else d.GAP

    def change(x, y):
        at = d.LETTERS.index
        return d._CHANGE[at(x), at(y)]

    @cache
    def of(i, j):
        if i == 0 and j == 0:
            return 0.0
        ways = []
        if i:
            ways.append(of(i - 1, j) + gap(a[i - 1]) + d.FIRST_LETTER * (i == 1 and j == 0))
        if j:
            ways.append(of(i, j - 1) + gap(b[j - 1]) + d.FIRST_LETTER * (j == 1 and i == 0))
        if i and j:
            cost = change(a[i - 1], b[j - 1])
            ways.append(of(i - 1, j - 1) + cost + d.FIRST_LETTER * (i == j == 1 and cost > 0))
        if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
            ways.append(of(i - 2, j - 2) + d.SWAP + d.FIRST_LETTER * (i == j == 2))
        return min(ways)

    return of(len(a), len(b))


def marks(word):
    """Letters of a word, each at most twice."""
    return {(c, min(i, 1)) for k, c in enumerate(word) for i in [word[:k].count(c)]}


@given(st.lists(NEAR, min_size=1, max_size=4), st.lists(NEAR, min_size=1, max_size=25))
@settings(max_examples=80, deadline=None)
def test_nearest_names_are_those_of_plain_recursion(asked, known):
    rows, at, distance = d.nearest_names(d.Letters.of(asked), d.Letters.of(known))
    found = {
        (i, k): x for i, k, x in zip(rows.tolist(), at.tolist(), distance.tolist(), strict=True)
    }
    for i, a in enumerate(asked):
        allowed = d.edits_allowed(len(a))
        for k, b in enumerate(known):
            compared = abs(len(a) - len(b)) <= allowed
            compared &= len(marks(a) ^ marks(b)) <= 2 * allowed
            expected = plain_distance(a, b)
            if abs(expected - allowed) < 1e-9:
                continue  # on the very limit rounding may decide
            assert ((i, k) in found) == (compared and expected < allowed)
            if (i, k) in found:
                assert found[i, k] == pytest.approx(expected)


def test_only_the_nearest_names_are_kept_when_there_are_many():
    known = ["boston"] * 50 + ["bostom"] * 50 + ["baston"] * 50
    _, at, distance = d.nearest_names(d.Letters.of(["bostonn"]), d.Letters.of(known))
    assert len(at) == d.MOST_HITS
    assert (np.diff(distance) >= 0).all()
    assert set(range(50)) <= set(at.tolist())


def test_short_names_must_be_spelt_right():
    rows, _, _ = d.nearest_names(
        d.Letters.of(["ulm", "rom"]), d.Letters.of(["ulm", "ulme", "roma"])
    )
    assert rows.tolist() == [0]


@given(st.lists(st.sampled_from(["munich", "paris", "newyork", "zzzz", "", "東京"]), max_size=5))
@settings(max_examples=30, deadline=None)
def test_entries_are_those_of_a_plain_search(keys):
    gazetteer = load_gazetteer()
    which, entry = gazetteer.entries_of(keys)
    expected = [
        (i, e) for i, key in enumerate(keys) for e in np.flatnonzero(gazetteer.entry_key == key)
    ]
    assert list(zip(which.tolist(), entry.tolist(), strict=True)) == expected


def test_a_country_allows_what_is_written_under_it():
    gazetteer = load_gazetteer()
    at = gazetteer.position
    assert gazetteer.allowed[at["CN"], at["HK"]]
    assert gazetteer.allowed[at["FR"], at["GP"]]
    assert not gazetteer.allowed[at["HK"], at["SG"]]
    assert not gazetteer.allowed[at["DE"], at["AT"]]
    assert np.diag(gazetteer.allowed).all()
