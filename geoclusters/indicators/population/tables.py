"""Reads tables of population: CSV and Parquet with coordinates or H3 cells, and the GeoPackages of Kontur."""

from __future__ import annotations

import contextlib
import gzip
import logging
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from geoclusters.errors import SourceError
from geoclusters.indicators.population.hexagons import (
    HEXADECIMAL_LENGTH,
    ancestors_of,
    cells_of_text,
    is_cell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from geoclusters.indicators.population.hexagons import Cells
    from geoclusters.indicators.population.shapes import Floats

SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "h3": ("h3", "h3_index", "h3index", "h3_cell", "cell", "hex"),
    "lat": ("lat", "latitude", "y"),
    "lon": ("lon", "lng", "long", "longitude", "x"),
    "population": ("population", "pop", "persons", "people", "value"),
}
"""Names under which files keep our columns, the likeliest first; capitals do not matter."""

ROWS_AT_ONCE: Final = 1 << 18
PARTS_OF_A_PERSON: Final = 1024
"""Populations are rounded to this part of a person: sums of them are exact, whatever the order of the rows."""
PREFIX_RESOLUTION: Final = 3
PREFIX_LETTERS: Final = 4
"""Letters of an H3 index behind mode and resolution that say which cell of resolution 3 it belongs to."""
log = logging.getLogger("geoclusters")


def is_geopackage(file: Path) -> bool:
    """
    Tell by its name whether a file is a GeoPackage, packed or not.

    Examples
    --------
    >>> is_geopackage(Path("kontur_population_20231101.gpkg.gz"))
    True
    """
    return file.name.lower().endswith((".gpkg", ".gpkg.gz"))


def columns_of(file: Path, given: Mapping[str, str]) -> dict[str, str]:
    """
    Find the columns of a table: `population`, and either `h3` or `lat` and `lon`.

    Parameters
    ----------
    file : Path
        CSV (also .gz, .zst) or Parquet.
    given : mapping of str to str
        Our column to the file's column, where the study names it.

    Raises
    ------
    SourceError
        If one is missing; the message lists the columns of the file.
    """
    names = _header(file)
    for key, name in given.items():
        if name not in names:
            raise SourceError(
                f"{file}: [population] columns: {key} = {name!r} is not in the file; its columns: {', '.join(names)}"
            )
    likely = {key: given.get(key) or _spelled(key, names) for key in SPELLINGS}
    found = {key: name for key, name in likely.items() if name}
    if "population" not in found or not ("h3" in found or {"lat", "lon"} <= found.keys()):
        raise SourceError(
            f"{file}: population and either h3 or lat and lon are wanted; found {found or 'none of them'}; "
            f"name them in the study, for example columns = {{ population = {names[-1]!r} }}; "
            f"columns of the file: {', '.join(names)}"
        )
    return found


def _spelled(key: str, names: list[str]) -> str | None:
    """Column of a file that is called as one expects, or for population the only one that begins so: pop2020."""
    by_small = {name.lower(): name for name in reversed(names)}
    for spelling in SPELLINGS[key]:
        if spelling in by_small:
            return by_small[spelling]
    begins = [name for name in names if name.lower().startswith("pop")]
    return begins[0] if key == "population" and len(begins) == 1 else None


def read_points(file: Path, columns: Mapping[str, str]) -> tuple[Floats, Floats, Floats]:
    """
    Read a table of coordinates.

    Returns
    -------
    lat, lon, population : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees, longitudes from -180 to 180; persons. Rows without people or without coordinates are left out.

    Raises
    ------
    SourceError
        If a latitude is outside -90..90, a longitude outside -180..360, or a value is not a number.
    """
    parts: list[Floats] = []
    for batch in _batches(file, [columns["lat"], columns["lon"], columns["population"]]):
        lat, lon, persons = (_numbers(batch, i, file) for i in range(3))
        people = _whole_parts(persons)
        kept = (people > 0) & np.isfinite(lat) & np.isfinite(lon)
        parts.append(np.stack([lat[kept], lon[kept], people[kept]]))
    lat, lon, people = np.concatenate([np.zeros((3, 0)), *parts], axis=1)
    for name, values, low, high in (("lat", lat, -90.0, 90.0), ("lon", lon, -180.01, 360.01)):
        wrong = values[(values < low) | (values > high)]
        if len(wrong):
            raise SourceError(
                f"{file}: {columns[name]} ({name}) = {wrong[0]:g} is no angle in degrees; name the columns in "
                "[population] columns = { lat = …, lon = … }"
            )
    return lat, np.where(lon >= 180.0, lon - 360.0, lon), people


def read_hexagons(
    file: Path, columns: Mapping[str, str], *, cover: Cells
) -> Iterator[tuple[Cells, Floats]]:
    """
    Read a table of H3 cells part by part.

    Parameters
    ----------
    cover : numpy.ndarray of uint64
        Cells that matter, as `cover_of` gives them; of a GeoPackage the others are hardly read.

    Yields
    ------
    cells, population : numpy.ndarray of uint64 and of float64
        H3 cells, and persons.

    Raises
    ------
    SourceError
        If a value is no H3 cell.
    """
    batches = (
        _geopackage_rows(file, columns, cover)
        if is_geopackage(file)
        else _batches(file, [columns["h3"], columns["population"]])
    )
    for batch in batches:
        cells = _as_cells(batch.column(0), file)
        people = _whole_parts(_numbers(batch, 1, file))
        yield cells[people > 0], people[people > 0]


def _whole_parts(persons: Floats) -> Floats:
    """Persons, and none where the file says so with a null or a number below zero."""
    known = np.where(np.isfinite(persons) & (persons > 0), persons, 0.0)
    return np.asarray(np.rint(known * PARTS_OF_A_PERSON) / PARTS_OF_A_PERSON)


def _as_cells(column: pa.Array, file: Path) -> Cells:
    if pa.types.is_integer(column.type):
        cells = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.uint64)
    else:
        text = pc.fill_null(column.cast(pa.string()), "")
        fits = pc.equal(pc.binary_length(text), HEXADECIMAL_LENGTH)
        if not pc.all(fits).as_py():
            raise _no_cell(file, column.filter(pc.invert(fits))[0].as_py())
        cells = cells_of_text(_letters(text))
    if not is_cell(cells).all():
        raise _no_cell(file, column.filter(pa.array(~is_cell(cells)))[0].as_py())
    return cells


def _letters(text: pa.StringArray) -> npt.NDArray[np.bytes_]:
    """Give texts of `HEXADECIMAL_LENGTH` letters as they lie in memory, one behind the other."""
    starts = np.frombuffer(text.buffers()[1], dtype=np.int32)
    return np.frombuffer(
        text.buffers()[2] or b"",
        dtype=f"S{HEXADECIMAL_LENGTH}",
        count=len(text),
        offset=int(starts[text.offset]),
    )


def _no_cell(file: Path, seen: object) -> SourceError:
    return SourceError(
        f"{file}: {seen!r} is no H3 cell; 15 hexadecimal digits as '8809abcf67fffff' are wanted, or whole numbers"
    )


def _numbers(batch: pa.RecordBatch, column: int, file: Path) -> Floats:
    values = batch.column(column)
    try:
        return np.asarray(
            values.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64
        )
    except pa.ArrowInvalid as error:
        name = batch.schema.names[column]
        raise SourceError(f"{file}: {name} is not a number: {error}; mend the file") from None


# ------------------------------------------------------------------ CSV and Parquet


def _header(file: Path) -> list[str]:
    try:
        if _is_parquet(file):
            return list(pq.read_schema(file).names)
        with _csv(file) as reader:
            return list(reader.schema.names)
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(
            f"{file}: not readable as a table: {error}; CSV or Parquet is wanted"
        ) from None


def _batches(file: Path, names: list[str]) -> Iterator[pa.RecordBatch]:
    if _is_parquet(file):
        with pq.ParquetFile(file) as table:
            for batch in table.iter_batches(batch_size=ROWS_AT_ONCE, columns=names):
                yield batch.select(names)
        return
    try:
        with _csv(file, names) as reader:
            yield from reader
    except pa.ArrowInvalid as error:
        raise SourceError(f"{file}: {error}; mend the file") from None


def _is_parquet(file: Path) -> bool:
    return file.suffix.lower() in {".parquet", ".pq"}


def _csv(file: Path, names: list[str] | None = None) -> pa_csv.CSVStreamingReader:
    convert = pa_csv.ConvertOptions(include_columns=names)
    return pa_csv.open_csv(pa.input_stream(str(file)), convert_options=convert)


# ------------------------------------------------------------------ GeoPackage


def _geopackage_rows(
    file: Path, columns: Mapping[str, str], cover: Cells
) -> Iterator[pa.RecordBatch]:
    """Read a GeoPackage as the SQLite database that it is; geometries are not looked at."""
    coarse = np.unique(ancestors_of(cover, PREFIX_RESOLUTION))
    prefixes = sorted({f"{int(c):x}"[2 : 2 + PREFIX_LETTERS] for c in coarse})
    h3, population = (_quoted(columns.get(key, key)) for key in ("h3", "population"))
    with _unpacked(file) as path, contextlib.closing(_connected(path)) as base:
        table = _quoted(_layer(base, file))
        base.execute("CREATE TEMP TABLE wanted (prefix TEXT PRIMARY KEY) WITHOUT ROWID")
        base.executemany("INSERT INTO wanted VALUES (?)", [(p,) for p in prefixes])
        # Cells coarser than the prefix do not bear it whole: they are all read, there are few.
        query = (
            f"SELECT {h3}, CAST({population} AS REAL) FROM {table} WHERE substr({h3}, 3, {PREFIX_LETTERS}) IN "
            f"(SELECT prefix FROM wanted) OR substr({h3}, 2, 1) < '{PREFIX_RESOLUTION}'"
        )
        try:
            cursor = base.execute(query)
        except sqlite3.Error as error:
            raise SourceError(
                f"{file}: layer {table}: {error}; a GeoPackage with the columns h3 and population is wanted"
            ) from None
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            cells, people = zip(*rows, strict=True)
            yield pa.record_batch(
                [pa.array(cells, pa.string()), pa.array(people, pa.float64())],
                names=["h3", "population"],
            )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextlib.contextmanager
def _unpacked(file: Path) -> Iterator[Path]:
    """Give a database that can be read at any place: a packed one is unpacked aside."""
    if file.suffix.lower() != ".gz":
        yield file
        return
    log.info("unpacking %s; unpack it once yourself to save the time", file.name)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / file.stem
        try:
            with gzip.open(file, "rb") as packed, plain.open("wb") as target:
                shutil.copyfileobj(packed, target, 1 << 20)
        except (OSError, EOFError) as error:
            raise SourceError(f"{file}: not readable as gzip: {error}; fetch it again") from None
        yield plain


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _layer(base: sqlite3.Connection, file: Path) -> str:
    """Name of the layer: `population`, or the only one."""
    try:
        rows = base.execute("SELECT table_name FROM gpkg_contents WHERE data_type != 'tiles'")
        layers = [str(name) for (name,) in rows]
    except sqlite3.Error as error:
        raise SourceError(f"{file}: not readable as a GeoPackage: {error}") from None
    if "population" in layers or len(layers) == 1:
        return "population" if "population" in layers else layers[0]
    raise SourceError(
        f"{file}: a layer 'population' is wanted; layers of the file: {', '.join(layers)}"
    )
