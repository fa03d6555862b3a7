"""Fields of technology: one field a symbol however it is written, and those that PatentsView gives the same patents."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoclusters.addresses.sources.technology import FIELDS, technology_of

SAMPLES = Path(__file__).parents[2] / "shared" / "formats" / "patentsview" / "api_rebuilt"
SYMBOLS = [(symbol, field) for field, text in FIELDS.items() for symbol in text.split()]


def test_there_are_35_fields_and_no_symbol_is_in_two():
    assert len(FIELDS) == 35
    assert len({symbol for symbol, _ in SYMBOLS}) == len(SYMBOLS)


@pytest.mark.parametrize(("symbol", "field"), SYMBOLS)
def test_each_symbol_has_the_field_that_lists_it(symbol, field):
    assert technology_of(symbol if len(symbol) <= 4 else f"{symbol}/00") == field


@given(
    subclass=st.sampled_from([s for s, _ in SYMBOLS if len(s) == 4]),
    group=st.integers(1, 999),
    rest=st.integers(0, 9999),
)
def test_ways_to_write_a_symbol_have_one_field(subclass, group, rest):
    written = [
        f"{subclass}{group}/{rest:02}",
        f"{subclass} {group}/{rest:02}",
        f" {subclass}{group:03}/{rest:02}".lower(),
        f"{subclass}-{group:03}/{rest:02}",
        f"{subclass}{group:04}",
        f"{subclass}{group:04}{rest:06}",
    ]
    assert len({technology_of(symbol) for symbol in written}) == 1
    assert technology_of(written[0]) in FIELDS


def test_what_is_no_symbol_has_no_field():
    assert [technology_of(text) for text in ("", "Y02E 10/50", "D1", "61K", "?")] == [None] * 5


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real samples are not here")
def test_patents_have_the_field_that_patentsview_gives_them():
    def rows(name):
        text = gzip.decompress((SAMPLES / f"{name}.tsv.gz").read_bytes()).decode()
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))

    order = list(FIELDS)
    counted = defaultdict(Counter)
    for row in rows("g_cpc_current"):
        counted[row["patent_id"]][technology_of(row["cpc_group"])] += 1
    first = {
        row["patent_id"]: order[int(row["wipo_field_id"]) - 1]
        for row in rows("g_wipo_technology")
        if row["wipo_field_sequence"] == "0"
    }
    ours = {
        patent: max((n, -order.index(field), field) for field, n in fields.items() if field)[2]
        for patent, fields in counted.items()
        if set(fields) - {None}
    }
    both = first.keys() & ours.keys()
    assert len(both) > 2000
    assert sum(first[patent] == ours[patent] for patent in both) > 0.93 * len(both)
