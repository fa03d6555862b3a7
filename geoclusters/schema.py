"""Every table's columns: name, type, unit and meaning, in one place.

What passes between the wings, what lies on disk and what the README explains are the same lists. A name with
``{metric}`` in it stands once for each metric of the study.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WEIGHT_ONE: Final = math.lcm(*range(1, 25))
"""The integer that stands for one whole document.

A fraction 1/(n·m) of a document is kept as the nearest integer part of it: exact wherever n·m divides this
number, as it does for every n·m up to 24, and within 1e-10 of a document otherwise. Sums of integers do not
depend on their order.
"""

DENSITY_ONE: Final = 1 << 52
"""The integer that stands for the whole world, where density is a share of it."""

MISSING: Final = ""


@dataclass(frozen=True)
class Column:
    """One column: what it is called, how it is kept, in which unit, and what it means."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str

    def named(self, metric: str) -> Column:
        """Give the same column for one metric."""
        return replace(
            self,
            name=self.name.format(metric=metric),
            meaning=self.meaning.format(metric=metric),
        )


@dataclass(frozen=True)
class Table:
    """One table: its file in the folder of a run (if it is a result) and its columns in order."""

    name: str
    meaning: str
    columns: tuple[Column, ...]

    def resolved(self, metrics: Sequence[str]) -> tuple[Column, ...]:
        """
        Columns with each ``{metric}`` column repeated for every metric.

        Examples
        --------
        >>> [c.name for c in CELLS.resolved(["patents", "deals"])][:5]
        ['cell', 'lat', 'lon', 'patents', 'deals']
        """
        return tuple(_resolve(self.columns, metrics))

    def arrow(self, metrics: Sequence[str] = ()) -> pa.Schema:
        """Give the Arrow schema, units and meanings in the field metadata."""
        return _layout(self.resolved(metrics))


@cache
def _layout(columns: tuple[Column, ...]) -> pa.Schema:
    return pa.schema(
        [pa.field(c.name, c.type, metadata={"unit": c.unit, "meaning": c.meaning}) for c in columns]
    )


def _resolve(columns: Iterable[Column], metrics: Sequence[str]) -> Iterable[Column]:
    for column in columns:
        if "{metric}" in column.name:
            yield from (column.named(metric) for metric in metrics)
        else:
            yield column


_TEXT: Final = pa.string()
_FLOAT: Final = pa.float64()
_INT: Final = pa.int64()
_BOOL: Final = pa.bool_()

# --------------------------------------------------------------------------- addresses

METRIC = Column("metric", _TEXT, "", "kind of document")
DOCUMENT = Column("document", _TEXT, "", "identifier of the document within its metric")
PERSON = Column(
    "person", _TEXT, "", "identifier of the inventor or author; null where none is given"
)
LAT = Column("lat", _FLOAT, "degrees", "latitude, WGS 84")
LON = Column("lon", _FLOAT, "degrees", "longitude, WGS 84")
COUNTRY = Column("country", _TEXT, "ISO 3166-1 alpha-2", "economy stated with the address")
PLACE = Column("place", _TEXT, "", "city, town or village of the address")
REGION = Column("region", _TEXT, "", "state, province or other part of the country, name or code")
YEAR = Column("year", pa.int16(), "year", "year of the document")
ORGANISATION = Column("organisation", _TEXT, "", "applicant, institution or company")
FIELD = Column("field", _TEXT, "", "field of technology, science or business")
ACCURACY = Column("accuracy", _TEXT, "", "how finely the address was geocoded")
COUNT = Column(
    "count", _FLOAT, "documents", "documents that the row stands for; null = one address"
)
FILE = Column("file", _TEXT, "", "name of the file that the row stands in")
ROW = Column("row", _INT, "", "row of the file, the first data row is 1")
MOST_DOCUMENTS: Final = 1_500_000_000
"""Of one metric: so many, in integer parts, fit into 64 bits."""
TOO_MANY_DOCUMENTS: Final = (
    f"a metric can have {MOST_DOCUMENTS:,} at most; "
    "is 'count' the right column? If so, count in thousands"
)

WEIGHT = Column("weight", _INT, f"1/{WEIGHT_ONE} document", "fraction of its document")

MAPPED: Final = (
    DOCUMENT,
    PERSON,
    LAT,
    LON,
    COUNTRY,
    REGION,
    PLACE,
    YEAR,
    ORGANISATION,
    FIELD,
    ACCURACY,
    COUNT,
)
"""What a study may map to the columns of a source."""

READ = Table("read", "addresses as a source gives them", (*MAPPED, FILE, ROW))

KEPT = Table(
    "kept",
    "every address that counts, as codes and numbers; rows of a document stand together",
    (
        Column(
            "entry", pa.int32(), "", "entry of its cell and metric in the sums; -1 = not placed"
        ),
        WEIGHT,
        Column("kind", pa.uint8(), "", "metric in the lower six bits, `COUNTED`, `STARTS`"),
        Column("economy", pa.int16(), "", "stated country (`countries.country_codes`), -1 = none"),
        Column("year", pa.int16(), "", "year of the document, -1 = none"),
        Column(
            "accuracy", pa.int8(), "", "level of geocoding, from fine to coarse, -1 = not stated"
        ),
        Column("field", pa.int32(), "", "code of the field, -1 = none"),
        Column("organisation", pa.int32(), "", "code of the organisation, -1 = none"),
    ),
)
METRIC_BITS: Final = 0x3F
MOST_METRICS: Final = METRIC_BITS + 1
COUNTED: Final = 0x40
"""Mark of a row that stands for a count of documents."""
STARTS: Final = 0x80
"""Mark of the first row of a document."""

LEVELS: Final = ("point", "street", "postcode", "place", "region", "country")
"""Levels of geocoding, from the finest to the coarsest."""

REASONS: Final[tuple[tuple[str, str], ...]] = (
    ("placed", "the address was placed"),
    ("no_coordinates", "latitude or longitude is missing"),
    ("outside_range", "latitude outside -90..90 or longitude outside -180..180"),
    ("placeholder", "the point is a placeholder, as (0, 0)"),
    ("swapped", "latitude and longitude look swapped, and the study does not repair them"),
    ("outside_country", "the point lies outside the stated country"),
    ("too_coarse", "geocoded more coarsely than the study allows"),
    ("duplicate", "the same document, person, place and organisation stand in another row"),
    ("no_document", "the row does not say which document it belongs to; it is not counted"),
    ("place_unknown", "no coordinates, and the place that is named is not known"),
    ("place_ambiguous", "no coordinates, and several places bear the name"),
)
"""Why an address is not placed: code (its position), name, meaning."""

REASON_CODE: Final = {name: code for code, (name, _) in enumerate(REASONS)}

REJECTED = Table(
    "rejected.parquet",
    "every address that was not placed, with its values as the source gave them",
    (
        Column("source", _TEXT, "", "path of the source as the study gives it"),
        FILE,
        ROW,
        Column("reason", _TEXT, "", "why the address was not placed"),
        METRIC,
        *MAPPED,
    ),
)

# --------------------------------------------------------------------------- cells

CELLS = Table(
    "cells.parquet",
    "one row a cell, or a distinct point in an exact run, with at least one address, ordered by H3 index",
    (
        Column(
            "cell",
            pa.uint64(),
            "H3 index",
            "the cell; in an exact run that of resolution 8, of many rows",
        ),
        Column("lat", _FLOAT, "degrees", "weighted mean latitude of its addresses, WGS 84"),
        Column("lon", _FLOAT, "degrees", "weighted mean longitude of its addresses, WGS 84"),
        Column("{metric}", _FLOAT, "documents", "{metric}, counted fractionally"),
        Column("distinct_{metric}", _INT, "documents", "{metric} with an address in the cell"),
        Column("addresses", _INT, "addresses", "addresses of all metrics"),
        Column("weight", _FLOAT, "as min_density", "density weight of the cell itself"),
        Column("density", _FLOAT, "as min_density", "density weight within radius_km of the cell"),
        Column("core", _BOOL, "", "density reaches min_density"),
        Column("cluster_id", _TEXT, "H3 index", "cluster of the cell; null = noise"),
    ),
)

# --------------------------------------------------------------------------- clusters

CLUSTER_ID = Column(
    "cluster_id", _TEXT, "H3 index", "the cluster's cell with the largest density weight"
)
CLUSTERS = Table(
    "clusters.parquet",
    "one row a cluster in order of rank; GeoParquet 1.1, WGS 84 longitude/latitude",
    (
        CLUSTER_ID,
        Column("rank", _INT, "", "place by score, 1 = highest"),
        Column("name", _TEXT, "", "one to three places that carry most of its activity"),
        Column(
            "economies", _TEXT, "ISO 3166-1 alpha-2", "economies by falling share, joined by '/'"
        ),
        Column(
            "economy_shares", _TEXT, "fractions of 1", "share of the score of each economy, as JSON"
        ),
        Column("cross_border", _BOOL, "", "a second economy holds at least 1 % of the score"),
        Column("{metric}", _FLOAT, "documents", "{metric}, counted fractionally"),
        Column("share_{metric}", _FLOAT, "fraction of 1", "share of the world's {metric}"),
        Column("score", _FLOAT, "fraction of 1", "sum of the shares, times the metric weights"),
        Column(
            "population",
            _FLOAT,
            "inhabitants",
            "population of the cluster: of a grid that within `region`, else of the places within 3 km of its cells",
        ),
        Column("population_source", _TEXT, "", "where the population comes from"),
        Column("{metric}_per_million", _FLOAT, "documents", "{metric} per million inhabitants"),
        Column("intensity", _FLOAT, "percentage points", "score per million inhabitants"),
        Column("intensity_rank", pa.int64(), "", "place by intensity; null without population"),
        Column("area_km2", _FLOAT, "km²", "area of the outline on the WGS 84 ellipsoid"),
        Column("n_cells", _INT, "cells", "number of cells"),
        Column("n_core_cells", _INT, "cells", "number of core cells"),
        Column("n_parts", _INT, "parts", "dense parts that were merged into it"),
        Column("lat", _FLOAT, "degrees", "weighted mean latitude of its activity, WGS 84"),
        Column("lon", _FLOAT, "degrees", "weighted mean longitude of its activity, WGS 84"),
    ),
)
"""Columns without the geometries: `geometry` (dissolved cells) and, in Parquet, `region` (gaps closed)."""

RANKING_NAMES: Final = (
    "rank",
    "name",
    "economies",
    "cross_border",
    "{metric}",
    "share_{metric}",
    "score",
    "population",
    "intensity",
    "intensity_rank",
    "cluster_id",
    "population_source",
)
RANKING = Table(
    "ranking.csv",
    "the ranking without geometry, ordered by rank, UTF-8",
    tuple({c.name: c for c in CLUSTERS.columns}[name] for name in RANKING_NAMES),
)

ECONOMIES = Table(
    "economies.csv",
    "league table of economies, by falling score",
    (
        Column("economy", _TEXT, "ISO 3166-1 alpha-2", "economy"),
        Column("name", _TEXT, "", "its short name in English"),
        Column("clusters", _INT, "clusters", "clusters of which it holds the largest part"),
        Column("clusters_top", _INT, "clusters", "of these, clusters within the printed top"),
        Column(
            "clusters_shared", _INT, "clusters", "clusters in which it holds a part of at least 1 %"
        ),
        Column(
            "share_{metric}",
            _FLOAT,
            "fraction of 1",
            "its part of the world's {metric}, in clusters",
        ),
        Column("score", _FLOAT, "fraction of 1", "sum of the shares, times the metric weights"),
    ),
)

LINKS = Table(
    "links.parquet",
    "documents that join two clusters, or a cluster and the world outside every cluster",
    (
        Column("cluster_a", _TEXT, "H3 index", "one cluster"),
        Column("cluster_b", _TEXT, "H3 index", "the other (a < b); null = outside every cluster"),
        METRIC,
        Column("documents", _INT, "documents", "distinct documents with an address in both"),
    ),
)


def _breakdown(by: str, column: Column) -> Table:
    return Table(
        f"{by}.parquet",
        f"documents of each cluster by {column.name}",
        (
            CLUSTER_ID,
            METRIC,
            column,
            Column("documents", _FLOAT, "documents", "documents, counted fractionally"),
        ),
    )


BREAKDOWNS: Final = {
    "years": _breakdown("years", YEAR),
    "fields": _breakdown("fields", FIELD),
    "organisations": _breakdown("organisations", ORGANISATION),
    "accuracy": _breakdown(
        "accuracy",
        Column(
            "accuracy", _TEXT, "", f"level of geocoding: {', '.join(LEVELS)}; null = not stated"
        ),
    ),
}
"""Measures of each cluster by year, field, organisation and accuracy (cluster_id null = outside every cluster)."""

NEIGHBOURS = Table(
    "neighbours.parquet",
    "clusters that are near each other",
    (
        Column("cluster_a", _TEXT, "H3 index", "one cluster"),
        Column("cluster_b", _TEXT, "H3 index", "the other (a < b)"),
        Column("gap_km", _FLOAT, "km", "great-circle distance of their closest cells' positions"),
    ),
)

RESULTS: Final = (
    CLUSTERS,
    RANKING,
    ECONOMIES,
    CELLS,
    LINKS,
    NEIGHBOURS,
    *BREAKDOWNS.values(),
    REJECTED,
)
