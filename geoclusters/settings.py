"""The settings of a study, table by table.

The defaults of every setting stand here and nowhere else. Settings are frozen: stages receive single values from them
and cannot change them.
"""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter
from collections.abc import Sequence  # noqa: TC003 - pydantic reads annotations at run time
from pathlib import Path  # noqa: TC003
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from geoclusters import schema
from geoclusters.densities import KINDS
from geoclusters.errors import StudyError
from geoclusters.hierarchy import EXACT, FINEST_RESOLUTION

if TYPE_CHECKING:
    from geoclusters.addresses.sources import Request

Density = Literal["shares", "addresses"]
MergeRule = Literal["gap", "gap+links"]

PROFILES: Final[dict[str, dict[str, Any]]] = {
    "gii-2024": {
        "metrics": ["patents", "publications"],
        "density": "addresses",
        "min_density": 4500,
        "radius_km": 15,
        "merge_gap_km": 5,
    },
    "gii-2025": {
        "metrics": ["patents", "publications", "vc_deals"],
        "density": "addresses",
        "min_density": 4500,
        "radius_km": 15,
        "merge_gap_km": 5,
    },
}
"""Settings that a profile sets at once; what the study says itself goes before them."""

_METRIC_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED: Final = frozenset(
    {c.name for t in schema.RESULTS for c in t.columns}
    | {"geometry", "region", "documents", "fid", "geom", "name_a", "name_b"}
)


def _metric_name(name: str) -> str:
    if not _METRIC_NAME.fullmatch(name):
        message = "use small letters, digits and underscores, for example 'patents' or 'vc_deals'"
        raise ValueError(message)
    if name in _RESERVED or name.startswith(("share_", "distinct_")):
        message = "this name is a column of the results; choose another"
        raise ValueError(message)
    return name


MetricName = Annotated[str, AfterValidator(_metric_name)]


def _resolution(given: Any) -> Any:  # noqa: ANN401
    whole = isinstance(given, int) and not isinstance(given, bool)
    if given != EXACT and not (whole and 0 <= given <= FINEST_RESOLUTION):
        message = (
            f"use an H3 resolution, a whole number from 0 to {FINEST_RESOLUTION}, or {EXACT!r} to cluster the points "
            "as they are (default: 8)"
        )
        raise ValueError(message)
    return given


Resolution = Annotated[int | Literal["exact"], BeforeValidator(_resolution)]


class Frozen(BaseModel):
    """Settings that neither change nor take in what they do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _OfFiles(Frozen):
    """What lies in files, given by paths and patterns."""

    path: Annotated[str, Field(min_length=1)] | Annotated[list[str], Field(min_length=1)]

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths and patterns of its files, as the study gives them."""
        return (self.path,) if isinstance(self.path, str) else tuple(self.path)

    def files(self, folder: Path) -> list[Path]:
        """
        Files that are meant; relative paths start at `folder`.

        Raises
        ------
        SourceError
            If one of the paths matches no file.
        """
        from geoclusters.addresses.sources import matching_files  # noqa: PLC0415 - slow

        found = [f for path in self.paths for f in matching_files(expanded(path), folder)]
        return list(dict.fromkeys(found))


class Window(Frozen):
    """The years whose documents count; without years everything counts."""

    first_year: int | None = Field(None, ge=1000, le=9999)
    last_year: int | None = Field(None, ge=1000, le=9999)

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.first_year and self.last_year and self.first_year > self.last_year:
            message = f"first_year {self.first_year} is after last_year {self.last_year}"
            raise ValueError(message)
        return self


class Method(Frozen):
    """
    Every choice of the method as a setting.

    Examples
    --------
    >>> Method(density="addresses").min_density_value
    4500.0
    """

    profile: Literal["gii-2024", "gii-2025"] | None = Field(
        None, description="sets several settings at once"
    )
    metrics: tuple[MetricName, ...] | None = Field(
        None,
        strict=False,
        min_length=1,
        description="metrics that count; default: all of the sources",
    )
    resolution: Resolution = Field(
        8, description="H3 resolution of the cells, or 'exact': points as they are, without binning"
    )
    radius_km: float = Field(15.0, ge=1e-4, le=1000, description="radius of a neighbourhood")
    density: Density = Field(
        "shares",
        description="what is dense: shares of the world's documents, or number of addresses",
    )
    min_density: float | None = Field(
        None, gt=0, description="density within the radius from which a cell is core"
    )
    merge_gap_km: float = Field(
        5.0, ge=0, le=1000, description="clusters whose closest members are this near become one"
    )
    merge_rule: MergeRule = Field(
        "gap", description="'gap+links' also asks that one is the other's strongest partner"
    )
    world_total: Literal["all", "placed"] = Field(
        "all", description="documents of the world total: all in the window, or the placed part"
    )
    weights: dict[MetricName, Annotated[float, Field(ge=0, le=1e6)]] = Field(
        default_factory=dict, description="weight of each metric in the score; default 1"
    )
    top: int = Field(100, ge=1, description="clusters that count as the printed top")
    holes: Literal["keep", "fill"] = Field("keep", description="holes of the outlines")
    cross_border_share: float = Field(
        0.01, gt=0, lt=1, description="part of the score that makes a second economy count"
    )
    accuracy: Literal["point", "street", "postcode", "place", "region", "country"] = Field(
        "country", description="coarsest geocoding that may be placed"
    )
    repair_swapped: bool = Field(
        default=True,
        description="repair swapped latitude and longitude where the country proves it",
    )
    check_country: bool = Field(
        default=True, description="reject addresses that lie outside their stated country"
    )
    spread: Literal["none", "places"] = Field(
        "none",
        description="'places' spreads addresses that are known to a city only over that city",
    )
    spread_seed: int = Field(
        0, ge=0, le=1 << 30, description="another seed puts spread addresses elsewhere"
    )

    @model_validator(mode="before")
    @classmethod
    def _with_profile(cls, given: Any) -> Any:  # noqa: ANN401
        if isinstance(given, dict) and given.get("profile") in PROFILES:
            settings = dict(PROFILES[given["profile"]])
            if given.get("density", settings["density"]) != settings["density"]:
                del settings["min_density"]
            return {**settings, **given}
        return given

    @model_validator(mode="after")
    def _metrics_are_different(self) -> Method:
        twice = [m for m, n in Counter(self.metrics or ()).items() if n > 1]
        if twice:
            raise ValueError(f"metrics names {twice[0]!r} more than once; each metric counts once")
        return self

    @model_validator(mode="after")
    def _threshold_fits(self) -> Method:
        kind = KINDS[self.density]
        if self.min_density is not None and self.min_density > kind.most:
            others = " or ".join(f"density = {name!r}" for name in KINDS if name != self.density)
            message = (
                f"min_density {self.min_density:g} is above {kind.most:g}, the most that there can be with density = "
                f"{self.density!r}: use one such as {kind.default:g}, or {others}"
            )
            raise ValueError(message)
        return self

    def told(self) -> dict[str, Any]:
        """Give the settings for the files of a run, with the threshold that holds in place of one that is not given."""
        return self.model_dump(mode="json") | {"min_density": self.min_density_value}

    @property
    def min_density_value(self) -> float:
        """The threshold in force: the one given, or the default of the density."""
        return self.min_density or KINDS[self.density].default


class Source(_OfFiles):
    """Addresses of one metric in files of one format, and for tables what their columns mean."""

    metric: MetricName
    format: str = "table"
    columns: dict[str, str] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    encoding: str = "utf-8"
    licence: str | None = None
    attribution: str | None = None

    @model_validator(mode="after")
    def _columns_fit(self) -> Source:
        from geoclusters.addresses.sources import find_format  # noqa: PLC0415 - slow

        if not find_format(self.format).maps_columns:
            if self.columns:
                message = f"columns: format = {self.format!r} knows its columns; leave them out"
                raise ValueError(message)
            return self
        known = [c.name for c in schema.MAPPED]
        for key in self.columns:
            if key not in known:
                raise ValueError(f"columns: {unknown_key(key, known)}")
        if "document" not in self.columns and "count" not in self.columns:
            message = (
                "columns: 'document' is missing (or 'count', where a row stands for many documents)"
            )
            raise ValueError(message)
        if ("lat" in self.columns) != ("lon" in self.columns):
            message = "columns: 'lat' and 'lon' go together; give both"
            raise ValueError(message)
        return self

    @property
    def label(self) -> str:
        """Its paths as one text, by which messages and tables call the source."""
        return ", ".join(self.paths)

    @property
    def names_places(self) -> bool:
        """Whether rows may name a place instead of giving coordinates."""
        return self.format != "table" or bool({"place", "region"} & set(self.columns))

    def request(self, files: Sequence[Path], *, head_only: bool = False) -> Request:
        """Say what the reader of its format is asked for."""
        from geoclusters.addresses.sources import Request  # noqa: PLC0415 - slow

        return Request(
            files=files,
            columns=self.columns,
            delimiter=self.delimiter,
            encoding=self.encoding,
            options=self.options,
            head_only=head_only,
        )


class Geocoding(Frozen):
    """
    How addresses that name a place and have no coordinates are given a point.

    Examples
    --------
    >>> Geocoding().min_score
    0.6
    """

    enabled: bool = Field(
        default=True, description="look up the places of addresses without coordinates"
    )
    min_score: float = Field(0.6, ge=0, le=1, description="chance below which no point is given")
    ambiguous: Literal["reject", "largest"] = Field(
        "reject", description="where several places fit: give no point, or that of the likeliest"
    )
    coarsest: Literal["place", "region", "country"] = Field(
        "place", description="coarsest level whose point is given"
    )
    external: str | None = Field(
        None, min_length=1, description="geopy's name of a geocoder that is asked for the rest"
    )
    external_options: dict[str, Any] = Field(
        default_factory=dict, description="settings of that geocoder, as user_agent or api_key"
    )
    cache: str = Field(
        "geocoding.sqlite",
        min_length=1,
        description="file that keeps its answers, beside the study",
    )
    min_delay_seconds: float = Field(
        1.0, ge=0, le=3600, description="time between two questions to that geocoder"
    )

    def told(self) -> dict[str, Any]:
        """Give the settings for `run.json`, without those of the external geocoder, which may hold a key."""
        return self.model_dump(exclude={"external_options"}, exclude_none=True)


class Population(_OfFiles):
    """
    Where the people are: files of one kind, which are added up; without this table the places are counted.

    Examples
    --------
    >>> Population(path="GHS_POP_E2020_GLOBE_R2023A_54009_1000_V1_0.zip").kind
    'auto'
    """

    kind: Literal["auto", "raster", "h3", "table"] = "auto"
    columns: dict[Literal["h3", "lat", "lon", "population"], str] = Field(default_factory=dict)
    name: str | None = Field(None, min_length=1)
    year: int | None = Field(None, ge=1000, le=9999)
    licence: str | None = None
    attribution: str | None = None


class Engine(Frozen):
    """
    What carries out the steps that touch every address; the results are the same.

    Examples
    --------
    >>> Engine(kind="dask", workers=4).partitions is None
    True
    """

    kind: Literal["local", "dask"] = "local"
    scheduler: str | None = Field(None, description="address of a running dask scheduler")
    workers: int | None = Field(None, ge=1, description="processes of this machine")
    partitions: int | None = Field(
        None, ge=1, description="shares that the addresses are parted into"
    )
    threads: int | None = Field(None, ge=1, description="threads that add up, in each task")

    @model_validator(mode="after")
    def _dask_has_one_place(self) -> Engine:
        given = [n for n in ("scheduler", "workers", "partitions") if getattr(self, n) is not None]
        if given and self.kind != "dask":
            raise ValueError(f"{given[0]} is of kind = 'dask'; add it, or leave {given[0]} out")
        if self.scheduler is not None and self.workers is not None:
            message = "scheduler and workers exclude each other: a cluster that runs, or processes of this machine"
            raise ValueError(message)
        if self.scheduler is not None and "://" not in self.scheduler:
            message = f"scheduler = {self.scheduler!r}: give its address, for example 'tcp://10.0.0.5:8786'"
            raise ValueError(message)
        return self


def expanded(text: str) -> str:
    """
    Replace ``${NAME}`` by the environment variable of that name.

    Raises
    ------
    StudyError
        If it is not set.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise StudyError(
                f"path = {text!r} needs the environment variable {name}, which is not set; "
                "set it to the folder that holds the data"
            )
        return os.environ[name]

    return re.sub(r"\$\{(\w+)\}", value, text)


def unknown_key(key: str, known: list[str]) -> str:
    """Say that a key is unknown, and which one may be meant."""
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown key {key!r}{hint}; known here: {', '.join(sorted(known))}"
