"""Has the sources of a study as Parquet: tables where they are, everything else read once by its format."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from geoclusters import addresses
from geoclusters.addresses.sources.table import check_parquet, is_parquet
from geoclusters.errors import SourceError
from geoclusters.folders import write_json
from geoclusters.geocoding import GeocodingRules, GeocodingTally, geocoded, open_geocoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from geoclusters.addresses import Part
    from geoclusters.settings import Geocoding, Source
    from geoclusters.study import Study

GEOCODING_SUFFIX: Final = ".geocoding.json"
LEFT_OUT_SUFFIX: Final = ".left_out.json"


@dataclass(frozen=True)
class Reading:
    """
    A group of files of one source, which can be read apart from all others.

    Attributes
    ----------
    number, metric : int
        Position of the source and of its metric in the study.
    name : str
        Name of the file that is made, if one is.
    folder : Path
        Where the study's relative paths start.
    """

    source: Source
    number: int
    metric: int
    files: tuple[Path, ...]
    name: str
    geocoding: Geocoding
    folder: Path

    @property
    def in_place(self) -> bool:
        """Whether the group is a Parquet table that is read where it is."""
        form = addresses.find_format(self.source.format)
        return form.name == "table" and is_parquet(self.files[0]) and not self.source.names_places

    @property
    def asks_a_service(self) -> bool:
        """Whether an outside geocoder is asked, which has one file of answers and one pace for the whole run."""
        return self.geocoding.external is not None

    def part(self, folder: Path) -> Part:
        """Have the group as Parquet; what is made lies in `folder`."""
        form = addresses.find_format(self.source.format)
        columns, target = self.source.columns, folder / self.name
        dated = "year" in columns or not form.maps_columns
        where = self.number, self.metric
        if self.in_place:
            file = self.files[0]
            check_parquet(file, columns.values())
            return addresses.Part(str(file.resolve()), columns, *where, file.name, dated)
        writer = addresses.PartWriter(target)
        try:
            for batch in self._batches(target):
                writer.write(batch)
        finally:
            writer.close()
        return addresses.Part(str(target), addresses.OWN_COLUMNS, *where, target.name, dated)

    def _batches(self, target: Path) -> Iterator[pa.RecordBatch]:
        """Read the group; addresses that name a place and have no coordinates get those of the place."""
        request = self.source.request(self.files)
        batches = addresses.find_format(self.source.format).read(request)
        if self.geocoding.enabled and self.source.names_places:
            batches = self._geocoded(batches, target)
        yield from batches
        left_out = {"source": self.number, "documents": request.left_out.told()}
        write_json(target.with_suffix(LEFT_OUT_SUFFIX), left_out)

    def _geocoded(
        self, batches: Iterator[pa.RecordBatch], target: Path
    ) -> Iterator[pa.RecordBatch]:
        tally = GeocodingTally()
        yield from geocoded(batches, rules=self._rules(), tally=tally)
        told: dict[str, Any] = {"source": self.number, "asked": tally.asked}
        told |= {"filled": dict(tally.filled), "reasons": dict(tally.reasons)}
        write_json(target.with_suffix(GEOCODING_SUFFIX), told)

    def _rules(self) -> GeocodingRules:
        given = self.geocoding
        external = given.external and open_geocoder(
            given.external,
            self.folder / given.cache,
            min_delay_seconds=given.min_delay_seconds,
            options=given.external_options,
        )
        return GeocodingRules(
            min_score=given.min_score,
            ambiguous=given.ambiguous,
            coarsest=given.coarsest,
            external=external or None,
        )


def geocoding_facts(folder: Path, n_sources: int) -> list[dict[str, Any]]:
    """
    Say what geocoding found for each source, from what reading left in a folder.

    Returns
    -------
    list of dict
        Per source `asked` (rows without coordinates that name a place), `filled` (by level) and `reasons`.
    """
    asked = [0] * n_sources
    filled: list[Counter[str]] = [Counter() for _ in range(n_sources)]
    reasons: list[Counter[str]] = [Counter() for _ in range(n_sources)]
    for file in sorted(folder.rglob(f"*{GEOCODING_SUFFIX}")):
        told = json.loads(file.read_text(encoding="utf-8"))
        asked[told["source"]] += told["asked"]
        filled[told["source"]].update(told["filled"])
        reasons[told["source"]].update(told["reasons"])
    return [
        {"asked": n, "filled": dict(sorted(f.items())), "reasons": dict(sorted(r.items()))}
        for n, f, r in zip(asked, filled, reasons, strict=True)
    ]


def left_out_facts(folder: Path, n_sources: int) -> list[dict[str, int]]:
    """Say which documents the readers of each source left out, by reason, from what reading left in a folder."""
    counted: list[Counter[str]] = [Counter() for _ in range(n_sources)]
    for file in sorted(folder.rglob(f"*{LEFT_OUT_SUFFIX}")):
        told = json.loads(file.read_text(encoding="utf-8"))
        counted[told["source"]].update(told["documents"])
    return [dict(sorted(documents.items())) for documents in counted]


def readings(study: Study, files: Sequence[Sequence[Path]]) -> list[Reading]:
    """Part the files of each source into groups that can be read apart."""
    found = []
    for number, (source, paths) in enumerate(zip(study.sources, files, strict=True)):
        metric = study.metrics.index(source.metric)
        groups = addresses.find_format(source.format).groups(list(paths))
        found += [
            Reading(
                source,
                number,
                metric,
                tuple(group),
                f"source-{number:02}-{at:05}.parquet",
                study.geocoding,
                study.folder,
            )
            for at, group in enumerate(groups)
        ]
    return found


def rows_of(part: Part) -> int:
    """Count the rows of a part."""
    return sum(addresses.group_rows(part).values())


def check_sources(study: Study, parts: Sequence[Part]) -> None:
    """
    Look whether every source has rows.

    Raises
    ------
    SourceError
        Names the source that has none.
    """
    for number, source in enumerate(study.sources):
        if not any(rows_of(part) for part in parts if part.source == number):
            raise SourceError(
                f"{source.label}: the source is empty, it has a header and no row; give a file with data"
            )


def runs_of(part: Part) -> npt.NDArray[np.uint64]:
    """Give the key of each run of rows of one document."""
    finder, row = addresses.ScatterFinder(), part.first_row
    for batch in part.batches(("document", "count")):
        finder.see(addresses.document_keys(batch, part, row))
        row += batch.num_rows
    return finder.runs()


def span_of(part: Part) -> list[int] | None:
    """Give the first and last document of a part whose documents are numbers that rise (`rising_span`)."""
    if not _numbers_documents(part):
        return None
    return addresses.rising_span(batch.column(0) for batch in part.batches(("document",)))


def stated_span_of(part: Part) -> list[int] | None:
    """Give the same by what the file says of its row groups; their rows are not looked at."""
    if not _numbers_documents(part):
        return None
    return addresses.joined_span(addresses.stated_spans(part, part.columns["document"]))


def _numbers_documents(part: Part) -> bool:
    """Whether a part names documents and no row stands for a count of them."""
    return "document" in part.columns and "count" not in part.columns
