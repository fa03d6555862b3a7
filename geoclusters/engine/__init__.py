"""Engines: how the steps that touch every address are carried out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from geoclusters.loading import loaded_when_asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from geoclusters.engine.adding import REJECTED_FILE
    from geoclusters.engine.distributed import DistributedEngine
    from geoclusters.engine.local import LocalEngine
    from geoclusters.engine.reading import geocoding_facts, left_out_facts
    from geoclusters.engine.store import AddressStore
    from geoclusters.settings import Engine as EngineSettings
    from geoclusters.study import Study

_HOMES: Final = {
    "REJECTED_FILE": ".adding",
    "AddressStore": ".store",
    "LocalEngine": ".local",
    "DistributedEngine": ".distributed",
    "geocoding_facts": ".reading",
    "left_out_facts": ".reading",
}

__all__ = [
    "REJECTED_FILE",
    "AddressStore",
    "DistributedEngine",
    "Engine",
    "LocalEngine",
    "chosen",
    "geocoding_facts",
    "left_out_facts",
]

__getattr__ = loaded_when_asked(__name__, _HOMES)


class Engine(Protocol):
    """Carries out the steps that touch every address; whichever does, the results are the same."""

    @property
    def layout(self) -> Mapping[str, Any]:
        """What the files of `read_sources` depend on, beside the study."""
        ...

    def read_sources(
        self, study: Study, files: Sequence[Sequence[Path]], target: Path
    ) -> dict[str, Any]:
        """Have the sources as Parquet in `target`, or where they are."""
        ...

    def add_up_addresses(self, read: Path, target: Path, *, study: Study) -> dict[str, Any]:
        """Add up what `read_sources` left in `read`, into the store `target`."""
        ...


@contextmanager
def chosen(settings: EngineSettings) -> Iterator[Engine]:
    """
    Give the engine that a study asks for; what it needs of other machines is let go at the end.

    Raises
    ------
    EngineError
        If what it needs is not installed or not to be reached.
    """
    if settings.kind == "local":
        from geoclusters.engine.local import LocalEngine  # noqa: PLC0415 - slow

        yield LocalEngine(threads=settings.threads)
        return
    from geoclusters.engine.dask import DaskEngine  # noqa: PLC0415 - an extra, and slow to import

    with DaskEngine(settings) as engine:
        yield engine
