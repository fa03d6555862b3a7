"""Fractional counting against the definition, written down plainly."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geoclusters.addresses import counting
from geoclusters.addresses.counting import Weighed, weigh
from geoclusters.schema import WEIGHT_ONE

rows = st.lists(
    st.tuples(
        st.integers(0, 4),  # document
        st.integers(-1, 3),  # person, -1 = none
        st.integers(-1, 3),  # place, -1 = no point
        st.sampled_from([None, None, None, 0.0, 2.5, 40.0]),  # count
    ),
    max_size=40,
)


def weighed(table):
    """Weigh rows in any order: those of a document are brought together, and the answers put back."""
    count = np.array([np.nan if r[3] is None else r[3] for r in table], float)
    columns = [np.array([r[i] + 1 for r in table], np.uint64) for i in range(3)]
    columns[0][~np.isnan(count)] = 0
    order = np.argsort(columns[0], kind="stable")
    document, person, place = (c[order] for c in columns)
    ties = np.stack([np.zeros(len(table)), order], axis=1).astype(np.uint64)
    found = weigh(document=document, person=person, place=place, tie_break=ties, count=count[order])
    weight, duplicate = np.empty(len(table), np.int64), np.empty(len(table), bool)
    weight[order], duplicate[order] = found.weight, found.duplicate
    return Weighed(weight, duplicate)


def by_definition(table):
    """1/n to each person, 1/m of that to each of the person's distinct addresses."""
    seen, kept = set(), []
    for row, (document, person, place, count) in enumerate(table):
        same = (document, person, place)
        if count is None and person >= 0 and place >= 0:
            if same in seen:
                continue
            seen.add(same)
        if count is None:
            kept.append((row, document, person if person >= 0 else f"row {row}"))
    addresses = defaultdict(list)
    for row, document, person in kept:
        addresses[document, person].append(row)
    persons = defaultdict(set)
    for document, person in addresses:
        persons[document].add(person)
    return {
        row: Fraction(1, len(persons[document]) * len(found))
        for (document, person), found in addresses.items()
        for row in found
    }


@given(rows)
def test_weights_are_the_definition(table):
    found = weighed(table)
    expected = by_definition(table)
    for row, (_, _, _, count) in enumerate(table):
        if count is not None:
            assert found.weight[row] == round(count * WEIGHT_ONE)
            assert not found.duplicate[row]
        else:
            assert found.duplicate[row] == (row not in expected)
            assert abs(found.weight[row] - expected.get(row, 0) * WEIGHT_ONE) <= Fraction(1, 2)


@given(rows)
def test_large_documents_are_shared_as_small_ones(table):
    ordinary = sorted((r for r in table if r[3] is None), key=lambda r: r[0])
    n = len(ordinary)
    document, person, place = (np.array([r[i] + 1 for r in ordinary], np.uint64) for i in range(3))
    ties = np.stack([np.zeros(n), np.arange(n)], axis=1).astype(np.uint64)
    few = weighed(ordinary)
    weight, duplicate = np.zeros(n, np.int64), np.zeros(n, bool)
    for key in np.unique(document):
        at = np.flatnonzero(document == key)
        counting._share_many(at[0], at[-1] + 1, person, place, ties, weight, duplicate)
    assert weight.tolist() == few.weight.tolist()
    assert duplicate.tolist() == few.duplicate.tolist()


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table, random):
    order = list(range(len(table)))
    random.shuffle(order)
    one, other = weighed(table), weighed([table[i] for i in order])

    def described(found, which):
        return sorted((which[i][:3], str(which[i][3]), int(w)) for i, w in enumerate(found.weight))

    assert described(one, table) == described(other, [table[i] for i in order])


def test_the_equator_has_one_side():
    """0.0 and -0.0 are one place, so that an address there is not counted twice."""
    from geoclusters.addresses.weighing import _identify

    n = 4
    lat, lon = np.array([0.0, -0.0, 0.0, 1.0]), np.array([-0.0, 0.0, 0.0, 0.0])
    place, tie = np.zeros(n, np.uint64), np.zeros((n, 2), np.uint64)
    short = np.zeros(n, np.int16)
    _identify(
        *(lat, lon, np.zeros(n, np.int8), np.zeros(n, np.int32), short, short),
        *(np.zeros(n, np.uint64), short, np.arange(n), place, tie),
    )
    assert len(set(place[:3].tolist())) == 1
    assert place[3] != place[0]


@given(rows)
def test_each_document_is_worth_one(table):
    found = weighed(table)
    for document in {r[0] for r in table}:
        mine = [i for i, r in enumerate(table) if r[0] == document and r[3] is None]
        if mine:
            assert abs(int(found.weight[mine].sum()) - WEIGHT_ONE) <= len(mine)


@given(st.lists(st.integers(0, 90), max_size=12), st.integers(0, 2**32 - 1))
def test_without_persons_the_rows_of_a_document_share_alike(sizes, seed):
    keys = np.random.default_rng(seed).permutation(len(sizes))  # one of them is 0: no document
    document = np.repeat(keys, sizes).astype(np.uint64)
    n = len(document)
    count = np.where(document == 0, 2.5, np.nan)
    found = weigh(document=document, count=count)
    nobody = np.zeros(n, np.uint64)
    ties = np.zeros((n, 2), np.uint64)
    other = weigh(document=document, count=count, person=nobody, place=nobody, tie_break=ties)
    assert found.weight.tolist() == other.weight.tolist()
    assert not found.duplicate.any()
    of_row = dict(zip(keys.tolist(), sizes, strict=True))
    shares = [
        round(2.5 * WEIGHT_ONE) if d == 0 else WEIGHT_ONE / of_row[d] for d in document.tolist()
    ]
    assert np.allclose(found.weight, shares, rtol=0, atol=0.5)
