"""Keys of texts: the same for the same text, however it is written down in a column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geoclusters.addresses.texts import Names, text_keys

whole_numbers = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 18).flatmap(lambda n: st.integers(10**n - 2, 10**n + 2)),
)


@given(st.lists(whole_numbers, min_size=1, max_size=20), st.integers(0, 5))
@example([0, 7, 10**7, 10**8 - 1, 10**8, 10**15, 10**16 - 1, 10**16, -1], 0)
def test_whole_numbers_have_the_keys_of_their_digits(numbers, seed):
    keys = text_keys(pa.array(numbers, pa.int64()), seed=seed)
    assert np.array_equal(keys, text_keys(pa.array([str(n) for n in numbers]), seed=seed))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
@example([2**64 - 1, 2**63, 2**63 - 1, 7])
def test_numbers_beyond_64_bits_with_a_sign_have_the_keys_of_their_digits(numbers):
    keys = text_keys(pa.array(numbers, pa.uint64()))
    assert np.array_equal(keys, text_keys(pa.array([str(n) for n in numbers])))


@pytest.mark.parametrize("kind", [pa.float64(), pa.decimal128(21, 2), pa.int64(), pa.uint64()])
def test_the_name_that_is_kept_does_not_depend_on_who_comes_first(kind):
    number, text = pa.array([20_000_000_000]).cast(kind), pa.array(["20000000000"])
    for order in ((number, text), (text, number)):
        names = Names()
        assert [int(names.codes(column)[0]) for column in order] == [0, 0]
        assert names.texts().to_pylist() == ["20000000000"]


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=20))
@example([10**10, 10**15, 123456789012345, 0, -1])
def test_whole_numbers_among_gaps_are_no_other_documents(numbers):
    # pandas keeps a column of integers with a gap in it as floats.
    given_floats = pa.array([*map(float, numbers), float("nan"), None])
    keys = text_keys(given_floats)
    assert np.array_equal(keys, text_keys(pa.array([*map(str, numbers), None, None])))


@given(st.lists(st.one_of(st.none(), st.integers(0, 2), whole_numbers), max_size=40))
def test_equal_neighbours_and_gaps_change_no_key(numbers):
    keys = text_keys(pa.array(numbers, pa.int64()))
    alone = [0 if n is None else int(text_keys(pa.array([n], pa.int64()))[0]) for n in numbers]
    assert keys.tolist() == alone


@given(st.lists(st.text(max_size=20), min_size=1, max_size=20))
def test_a_key_is_that_of_the_text_alone(texts):
    plain, padded = pa.array(texts), pa.array([f" {text}\t" for text in texts])
    keys = text_keys(plain)
    assert np.array_equal(keys, text_keys(padded))
    assert np.array_equal(keys, text_keys(plain.dictionary_encode()))
    assert np.array_equal(keys, [text_keys(pa.array([text]))[0] for text in texts])
    # What counts as blank around a text is all up to the space character.
    blank = "".join(map(chr, range(33)))
    meant = [text.strip(blank) for text in texts]
    assert [key == 0 for key in keys] == [not text for text in meant]
    assert len(set(keys.tolist())) == len(set(meant))
