"""What a run is made from: the study, its files with their hashes, and the keys of the steps that read them."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from geoclusters import __version__, stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from geoclusters.settings import Population, Source
    from geoclusters.study import Study

POPULATION: Final = "population"
HASHED_AT_ONCE: Final = 2
log = logging.getLogger("geoclusters")


class Plan:
    """
    A study with the files that it is made from.

    Attributes
    ----------
    study : Study
    inputs : list of dict
        Each file with source, metric, name, size, SHA-256, licence and attribution, as in `run.json`. They may be
        still at work: whoever asks waits for them.
    """

    def __init__(self, study: Study, inputs: Callable[[], list[dict[str, Any]]]) -> None:
        self.study = study
        self._inputs = inputs

    @cached_property
    def inputs(self) -> list[dict[str, Any]]:
        """Files with their hashes."""
        return self._inputs()

    @property
    def made_by(self) -> str:
        """How a result was made, for its metadata; no word of files: shuffled input says the same."""
        return json.dumps(
            {
                "geoclusters": __version__,
                "study": self.study.name,
                "window": self.study.window.model_dump(),
                "settings": self.study.method.told(),
                "weights": self.study.weights,
            },
            ensure_ascii=False,
            sort_keys=True,
        )

    def read_key(self) -> str:
        """Key of reading the sources: what their addresses depend on."""
        return stages.key_of(self._read)

    def key(self) -> str:
        """Key of adding up the addresses."""
        study, method = self.study, self.study.method
        checks = [method.accuracy, method.repair_swapped, method.check_country]
        spread = [method.spread, method.spread_seed] if method.spread != "none" else []
        window = study.window.model_dump()
        return stages.key_of([self._read, window, checks, method.resolution, *spread])

    @property
    def _read(self) -> dict[str, Any]:
        return {
            "code": stages.code_hash(*stages.ADDRESS_CODE),
            "sources": [s.model_dump() for s in self.study.sources],
            "geocoding": self.study.geocoding.told(),
            "inputs": [
                [i["source"], i["file"], i["bytes"], i["sha256"]]
                for i in self.inputs
                if i["metric"] != POPULATION
            ],
        }


@contextmanager
def planned(study: Study, files: Sequence[Sequence[Path]]) -> Iterator[Plan]:
    """
    Plan a study; its files are hashed beside what is done within the block, and are all hashed when it ends well.

    Parameters
    ----------
    files : sequence of sequence of Path
        Files of each source.

    Raises
    ------
    SourceError
        If the files of the population are missing.
    """
    people = study.population
    told: list[tuple[Path, dict[str, str], Source | Population]] = [
        (file, {"source": source.label, "metric": source.metric}, source)
        for source, paths in zip(study.sources, files, strict=True)
        for file in paths
    ]
    if people is not None:
        whose = {"source": ", ".join(people.paths), "metric": POPULATION}
        told += [(file, whose, people) for file in people.files(study.folder)]
    log.info("hashing the input")
    stopped = Event()
    with ThreadPoolExecutor(HASHED_AT_ONCE) as beside:
        hashes = [beside.submit(stages.file_hash, file, stopped=stopped) for file, *_ in told]
        plan = Plan(
            study,
            lambda: [
                whose | _input(file, found.result(), given)
                for (file, whose, given), found in zip(told, hashes, strict=True)
            ],
        )
        try:
            yield plan
            _ = plan.inputs
        finally:
            stopped.set()


def _input(file: Path, sha256: str, given: Source | Population) -> dict[str, Any]:
    return {
        "file": file.name,
        "bytes": file.stat().st_size,
        "sha256": sha256,
        "licence": given.licence,
        "attribution": given.attribution,
    }
