"""Makes addresses of works: one row an author and institution, and one for whoever has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geoclusters import schema

if TYPE_CHECKING:
    import numpy.typing as npt

    from geoclusters.addresses.sources.openalex_institutions import Institutions

PREFIX: Final = "https://openalex.org/"
KNOWN: Final = ("organisation", "country", "region", "place", "lat", "lon", "accuracy")
"""Columns that the table of institutions fills."""

Ints = np.ndarray[Any, np.dtype[np.int64]]


def addresses_of(
    works: pa.RecordBatch, institutions: Institutions, *, file: str, drop_parents: bool = True
) -> pa.RecordBatch:
    """
    Addresses of works, in the order of works, authors and institutions.

    Parameters
    ----------
    works : pyarrow.RecordBatch
        As `openalex_works.read_works` gives them.
    institutions : Institutions
        Where they are.
    file : str
        Name that the rows carry with them.
    drop_parents : bool, default True
        Leave out an institution that is above another of the same author.

    Returns
    -------
    pyarrow.RecordBatch
        Columns of `schema.READ`. An author without an institution has one row without coordinates, and so has a
        work without authors: they keep their fraction. `person` is the author's id, or ``#`` and the position in
        the work where there is none.
    """
    authors, work_of_author = _flat(works.column("authorships"))
    affiliated, author_of = _flat(_child(authors, "institutions"))
    found = institutions.find(_child(affiliated, "id"), _child(affiliated, "ror"))
    kept = _kept(affiliated, author_of, found, institutions, drop_parents=drop_parents)

    author_rows, chosen = _left_join(len(authors), author_of[kept])
    affiliation = np.where(chosen >= 0, kept[chosen] if len(kept) else -1, -1)
    work_rows, chosen = _left_join(works.num_rows, work_of_author[author_rows])
    author = np.where(chosen >= 0, author_rows[chosen] if len(author_rows) else -1, -1)
    affiliation = np.where(chosen >= 0, affiliation[chosen] if len(affiliation) else -1, -1)

    position = np.where(affiliation >= 0, found[affiliation] if len(found) else -1, -1)
    columns = {
        "document": _short(works.column("id")).take(pa.array(work_rows)),
        "person": _take(_persons(authors, work_of_author), author),
        "year": works.column("year").take(pa.array(work_rows)),
        "field": works.column("field").take(pa.array(work_rows)),
        "row": works.column("row").take(pa.array(work_rows)),
        "file": pa.repeat(pa.scalar(file), len(work_rows)),
        **{name: _take(institutions.rows[name], position) for name in KNOWN},
    }
    stated = {"organisation": "display_name", "country": "country_code"}
    for ours, theirs in stated.items():
        columns[ours] = pc.coalesce(columns[ours], _take(_child(affiliated, theirs), affiliation))
    columns["country"] = pc.coalesce(columns["country"], _take(_sole_country(authors), author))
    n = len(work_rows)
    layout = schema.READ.arrow()
    arrays = [columns.get(f.name, pa.nulls(n, f.type)) for f in layout]
    return pa.RecordBatch.from_arrays(arrays, schema=layout)


def _flat(lists: pa.Array) -> tuple[pa.Array, Ints]:
    """Items of lists, those that are null left out, and the list that each stands in."""
    items = pc.list_flatten(lists)
    parents = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    if items.null_count:
        there = items.is_valid()
        return items.filter(there), parents[there.to_numpy(zero_copy_only=False)]
    return items, parents


def _child(structs: pa.Array, name: str) -> pa.Array:
    """One field of structs; nulls where the records of this generation do not have it."""
    if structs.type.get_field_index(name) < 0:
        kind = pa.list_(pa.string()) if name == "countries" else pa.string()
        return pa.nulls(len(structs), kind)
    return pc.struct_field(structs, name)


def _left_join(n: int, owners: Ints) -> tuple[Ints, Ints]:
    """
    Rows of a left join of 0..n-1 with things that are ordered by their owner.

    Returns
    -------
    rows, things : numpy.ndarray of int64
        Each of 0..n-1 with each of its things, or once with -1.
    """
    counts = np.bincount(owners, minlength=n)
    rows = np.repeat(np.arange(n), np.maximum(counts, 1))
    things = np.full(len(rows), -1, dtype=np.int64)
    things[counts[rows] > 0] = np.arange(len(owners))
    return rows, things


def _kept(
    affiliated: pa.Array,
    author_of: Ints,
    found: Ints,
    institutions: Institutions,
    *,
    drop_parents: bool,
) -> Ints:
    """Affiliations that count: each institution once an author, and none above another of the author."""
    several = np.flatnonzero(np.bincount(author_of)[author_of] > 1) if len(author_of) else author_of
    if not len(several):
        return np.arange(len(affiliated))
    dropped = np.zeros(len(affiliated), dtype=np.bool_)
    known = several[found[several] >= 0]
    size = len(institutions.first)
    pair = author_of[known] * size + found[known]
    order = np.argsort(pair, kind="stable")
    again = pair[order][1:] == pair[order][:-1]
    dropped[known[order][1:][again]] = True
    if drop_parents:
        dropped[
            known[np.isin(pair, _pairs_above(author_of[known], found[known], institutions))]
        ] = True
    return np.flatnonzero(~dropped)


def _pairs_above(author: Ints, found: Ints, institutions: Institutions) -> Ints:
    """Give author and institution above one of theirs, as one number each."""
    start = institutions.first[found]
    counts = institutions.first[found + 1] - start
    total = int(counts.sum())
    within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    above = institutions.above[np.repeat(start, counts) + within]
    pairs: Ints = np.repeat(author, counts) * len(institutions.first) + above
    return pairs


def _persons(authors: pa.Array, work_of_author: Ints) -> pa.Array:
    identifiers = _short(_child(_child_struct(authors, "author"), "id"))
    if not identifiers.null_count:
        return identifiers
    first = np.searchsorted(work_of_author, work_of_author)
    place = np.arange(len(authors)) - first + 1
    places = pc.binary_join_element_wise("#", pa.array(place).cast(pa.string()), "")
    return pc.coalesce(identifiers, places)


def _child_struct(structs: pa.Array, name: str) -> pa.Array:
    if structs.type.get_field_index(name) < 0:
        return pa.nulls(len(structs), pa.struct([("id", pa.string())]))
    return pc.struct_field(structs, name)


def _sole_country(authors: pa.Array) -> pa.Array:
    """Country that the affiliation text of an author names, where it names one only."""
    countries = _child(authors, "countries")
    sole = pc.fill_null(pc.equal(pc.list_value_length(countries), 1), fill_value=False)
    values = np.full(len(authors), -1, dtype=np.int64)
    flat, owners = _flat(pc.if_else(sole, countries, pa.scalar(None, countries.type)))
    values[owners] = np.arange(len(flat))
    return _take(flat, values)


def _short(identifiers: pa.Array) -> pa.Array:
    return pc.replace_substring(identifiers, PREFIX, "", max_replacements=1)


def _take(values: pa.Array, positions: npt.NDArray[np.int64]) -> pa.Array:
    return values.take(pa.array(positions, mask=positions < 0))
