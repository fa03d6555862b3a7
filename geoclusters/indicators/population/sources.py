"""What a population can come from: files, their kind, and what they are called in the results."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from geoclusters.errors import SourceError
from geoclusters.indicators.population.rasters import RASTER_ENDINGS, raster_inside
from geoclusters.indicators.population.tables import columns_of, is_geopackage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Kind = Literal["raster", "h3", "table"]
TABLE_ENDINGS: Final = (".csv", ".csv.gz", ".csv.zst", ".parquet", ".pq")
KNOWN_FILES: Final[tuple[tuple[str, str], ...]] = (
    (r"^GHS_POP_E(?P<year>\d{4})_", "GHS-POP"),
    (r"^kontur_(?:population_)?(?:[A-Z]{2}_)?(?P<year>\d{4})\d{4}", "Kontur Population"),
    (r"(?:^|_)ppp_(?P<year>\d{4})", "WorldPop"),
    (r"^[a-z]{3}_pop_(?P<year>\d{4})_", "WorldPop"),
    (r"^worldpop_?(?P<year>\d{4})", "WorldPop"),
)
"""File names of known providers, which say the year."""


@dataclass(frozen=True)
class PopulationSource:
    """
    Files that say how many people live where.

    Attributes
    ----------
    files : tuple of Path
        Files of one kind, which are added up: a world file, or those of several countries or tiles.
    kind : {"auto", "raster", "h3", "table"}
        A GeoTIFF (also in a .zip); a table of H3 cells (GeoPackage, CSV, Parquet); a table of coordinates (CSV,
        Parquet). By default as the file's ending and columns say.
    columns : mapping of str to str
        Of tables: `h3`, or `lat` and `lon`, and `population`, where the file calls them otherwise than one expects.
    name, year : str and int, optional
        For the results; by default as the name of a known file says.

    Examples
    --------
    >>> from pathlib import Path
    >>> PopulationSource((Path("GHS_POP_E2020_GLOBE_R2023A_54009_1000_V1_0.zip"),)).label
    'GHS-POP, 2020'
    >>> PopulationSource((Path("census.csv"),), name="Census", year=2021).label
    'Census, 2021'
    """

    files: tuple[Path, ...]
    kind: Literal["auto", "raster", "h3", "table"] = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    year: int | None = None

    @property
    def label(self) -> str:
        """Name and year, as the results give them."""
        name, year = known_file(self.files[0].name)
        year = self.year or year
        return f"{self.name or name}, {year}" if year else self.name or name

    def kind_of(self, file: Path) -> Kind:
        """
        Kind of one of the files.

        Raises
        ------
        SourceError
            If neither the study nor the file says it.
        """
        if self.kind != "auto":
            return self.kind
        name = file.name.lower()
        if name.endswith(RASTER_ENDINGS) or (name.endswith(".zip") and raster_inside(file)):
            return "raster"
        if is_geopackage(file):
            return "h3"
        if name.endswith(TABLE_ENDINGS):
            return "h3" if "h3" in columns_of(file, self.columns) else "table"
        raise SourceError(
            f"{file}: what kind of population this is cannot be told from its name; known: "
            f"{', '.join([*RASTER_ENDINGS, '.zip with one of these', '.gpkg', '.gpkg.gz', *TABLE_ENDINGS])}; "
            "unpack or rename it, or give [population] kind = 'raster', 'h3' or 'table'"
        )


def known_file(name: str) -> tuple[str, int | None]:
    """
    Name and year of a population by its file name; the file name itself where the provider is not known.

    Examples
    --------
    >>> known_file("kontur_population_20231101.gpkg.gz")
    ('Kontur Population', 2023)
    >>> known_file("people.csv")
    ('people.csv', None)
    """
    for pattern, provider in KNOWN_FILES:
        if match := re.search(pattern, name):
            return provider, int(match["year"])
    return name, None
