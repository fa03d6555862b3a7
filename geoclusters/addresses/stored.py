"""What a column says, in whatever type a file stores it."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_BEYOND: Final = float(1 << 63)
_OTHER_TEXTS: Final = (
    pa.types.is_string_view,
    pa.types.is_binary_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
)


def as_texts(values: pa.Array) -> pa.Array:
    """
    Give the texts of values; a whole number is written in its digits, also where it is stored as a float or a decimal.

    Parameters
    ----------
    values : pyarrow.Array
        Texts, numbers, or whatever else Arrow can write as text; not a number is null.

    Examples
    --------
    >>> as_texts(pa.array([7.0, 1.5, 12345678901.0, float("nan"), None])).to_pylist()
    ['7', '1.5', '12345678901', None, None]
    >>> as_texts(pa.array([7, 150]).cast(pa.decimal128(21, 2))).to_pylist()
    ['7', '150']
    """
    if pa.types.is_decimal(values.type):
        return pc.replace_substring_regex(values.cast(pa.string()), r"\.0+$", "")
    if not pa.types.is_floating(values.type):
        return values.cast(pa.string())
    values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    whole = pc.and_(pc.equal(values, pc.floor(values)), pc.less(pc.abs(values), _BEYOND))
    digits = pc.if_else(whole, values, pa.scalar(None, values.type)).cast(pa.int64())
    return pc.coalesce(digits.cast(pa.string()), values.cast(pa.string()))


def is_int64(values: pa.Array) -> bool:
    """Whether all values are whole numbers of 64 bits with a sign, as their type or they themselves say."""
    if not pa.types.is_uint64(values.type):
        return bool(pa.types.is_integer(values.type))
    largest = pc.max(values).as_py()
    return largest is None or largest < 1 << 63


def in_common_type(values: pa.Array) -> pa.Array:
    """
    Give texts that are stored as views, or as bytes, as every function of Arrow takes them.

    Raises
    ------
    pyarrow.ArrowInvalid
        If bytes are no text in UTF-8.
    """
    return values.cast(pa.string()) if any(test(values.type) for test in _OTHER_TEXTS) else values
