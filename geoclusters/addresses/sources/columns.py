"""Brings the columns of a file into ours: names, types, empty values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geoclusters import schema
from geoclusters.addresses.constant import constant
from geoclusters.addresses.stored import as_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

NUMBER_NULLS: Final = pa.array(
    ["", "NA", "N/A", "NaN", "nan", "None", "none", "-", "\\N", "NULL", "null"]
)
YEAR_LENGTH: Final = 4


class ColumnError(ValueError):
    """A value cannot be what its column is mapped to; the message names row, column and value."""


def canonical(
    batch: pa.RecordBatch, columns: Mapping[str, str], *, file: str, first_row: int
) -> pa.RecordBatch:
    """
    Rows of a file in the columns of `schema.READ`; what the study does not map is null.

    Parameters
    ----------
    columns : mapping of str to str
        Our column to the file's column.
    file : str
        Name that the rows carry with them.
    first_row : int
        Number of the first row of the batch in its file, from 1.

    Raises
    ------
    ColumnError
        If a value is not a number where one is wanted.
    """
    n = batch.num_rows
    arrays = []
    for field in schema.READ.arrow():
        if field.name == "file":
            arrays.append(_repeated(file, n))
        elif field.name == "row":
            arrays.append(pa.array(np.arange(first_row, first_row + n, dtype=np.int64)))
        elif field.name in columns:
            values = batch.column(columns[field.name])
            arrays.append(_converted(values, field, columns[field.name], first_row))
        else:
            arrays.append(pa.nulls(n, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema.READ.arrow())


def numbers(
    values: pa.Array, field: schema.Column, first_row: int, *, name: str | None = None
) -> npt.NDArray[np.float64]:
    """
    Give the numbers of a column as float64, NaN where there is none.

    Parameters
    ----------
    field : schema.Column
        Our column, for messages.
    name : str, optional
        Its name in the file, for messages.

    Raises
    ------
    ColumnError
        If a value is not a number.
    """
    if pa.types.is_null(values.type):
        return constant(np.nan, len(values), np.float64)
    if not pa.types.is_float64(values.type):
        values = _number(
            _plain(values), pa.field(field.name, field.type), name or field.name, first_row
        )
    found = np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
    endless = np.isinf(found)
    found = np.where(endless, np.nan, found) if endless.any() else found
    if field is schema.COUNT:
        _check_counts(found, name or field.name, first_row)
    return found


def years(values: pa.Array, first_row: int, *, name: str = "year") -> npt.NDArray[np.int16]:
    """Give the years of a column, -1 where there is none; raise `ColumnError` if one is no year."""
    if pa.types.is_null(values.type):
        return constant(-1, len(values), np.int16)
    found = values if pa.types.is_int16(values.type) else _year(_plain(values), name, first_row)
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False))


def _plain(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _repeated(text: str, n: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), n)


def _converted(values: pa.Array, field: pa.Field, name: str, first_row: int) -> pa.Array:
    values = _plain(values)
    if pa.types.is_string(field.type):
        return _text(values)
    if field.name == "year":
        return _year(values, name, first_row)
    number = _number(values, field, name, first_row)
    if field.name == schema.COUNT.name:
        _check_counts(number.to_numpy(zero_copy_only=False), name, first_row)
    return number


def _text(values: pa.Array) -> pa.Array:
    """Text without blanks around it; empty text is null."""
    text = pc.utf8_trim_whitespace(as_texts(values))
    return pc.if_else(pc.equal(text, schema.MISSING), pa.scalar(None, pa.string()), text)


def _number(values: pa.Array, field: pa.Field, name: str, first_row: int) -> pa.Array:
    if _is_text(values):
        text = pc.utf8_trim_whitespace(values.cast(pa.string()))
        values = pc.if_else(
            pc.is_in(text, value_set=NUMBER_NULLS), pa.scalar(None, pa.string()), text
        )
    try:
        number = values.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise _first_wrong(values, field, name, first_row) from None
    return pc.if_else(pc.is_finite(number), number, pa.scalar(None, pa.float64()))


def _check_counts(count: npt.NDArray[np.float64], name: str, first_row: int) -> None:
    wrong = np.flatnonzero((count < 0) | (count > schema.MOST_DOCUMENTS))
    if len(wrong):
        row = int(wrong[0])
        raise ColumnError(
            f"row {first_row + row}: {_told(name)} = {count[row]:g} is no number of documents; give one from 0 to "
            f"{schema.MOST_DOCUMENTS:,}"
        )
    if np.nansum(count) > schema.MOST_DOCUMENTS:
        raise ColumnError(
            f"rows {first_row} to {first_row + len(count) - 1}: {_told(name)} adds up to {np.nansum(count):.6g} "
            f"documents; {schema.TOO_MANY_DOCUMENTS}"
        )


def _told(name: str) -> str:
    return name if name == schema.COUNT.name else f"{name} ({schema.COUNT.name})"


def _year(values: pa.Array, name: str, first_row: int) -> pa.Array:
    """Years from numbers, dates, or texts that begin with the year."""
    field = schema.YEAR
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        return pc.year(values).cast(pa.int16())
    if _is_text(values):
        values = pc.utf8_slice_codeunits(_text(values), 0, YEAR_LENGTH)
    number = _number(values, pa.field(field.name, pa.float64()), name, first_row)
    whole = pc.floor(number)
    wrong = pc.fill_null(pc.or_(pc.less(whole, 0), pc.greater(whole, 9999)), fill_value=False)
    if pc.any(wrong).as_py():
        row = int(np.flatnonzero(wrong.to_numpy(zero_copy_only=False))[0])
        raise ColumnError(
            f"row {first_row + row}: {name} (year) = {values[row].as_py()!r} is not a year; give four digits"
        )
    return whole.cast(pa.int16())


def _is_text(values: pa.Array) -> bool:
    return any(test(values.type) for test in (pa.types.is_string, pa.types.is_large_string))


def _first_wrong(values: pa.Array, field: pa.Field, name: str, first_row: int) -> ColumnError:
    for row, value in enumerate(values.to_pylist()):
        try:
            float(value if value is not None else 0)
        except (TypeError, ValueError):
            return ColumnError(
                f"row {first_row + row}: {name} ({field.name}) = {value!r} is not a number; "
                f"mend the row, or map {field.name!r} to another column"
            )
    return ColumnError(f"{name} ({field.name}) holds {values.type}, which is not a number")
