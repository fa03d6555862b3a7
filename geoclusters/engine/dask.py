"""The engine of many machines, or many processes of one: tasks are carried out by workers of dask.distributed.

A worker that is lost costs the time of its tasks, which others do again. What its tasks had finished stands on the file
system that all workers share.
"""

from __future__ import annotations

import logging
import multiprocessing
import time
import warnings
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.metadata import version
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

from geoclusters import __version__
from geoclusters.engine import tasks
from geoclusters.engine.distributed import DistributedEngine
from geoclusters.errors import EngineError, GeoclustersError
from geoclusters.machine import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from geoclusters.engine.tasks import Facts
    from geoclusters.settings import Engine as EngineSettings

REACH_SECONDS: Final = 15
WORKERS_SECONDS: Final = 600
LOOK_SECONDS: Final = 5
POLL_SECONDS: Final = 0.02
RETRIES: Final = 2
"""Times that a task is tried again after a failure that is not the user's mistake: a file system has its moments."""
GOES_ON: Final = "started again, the run goes on after its last finished step"
LOST: Final = f"the scheduler was lost, or dropped the tasks; {GOES_ON}"
log = logging.getLogger("geoclusters")


class DaskEngine(DistributedEngine):
    """
    Spreads the addresses over workers of dask; use it as a context. Nothing is started before there is work.

    Parameters
    ----------
    settings : EngineSettings
        `scheduler` names a cluster that runs; otherwise `workers` processes of this machine are started.

    Raises
    ------
    EngineError
        If dask is not installed.
    """

    def __init__(self, settings: EngineSettings) -> None:
        _distributed()
        threads = settings.threads or 1
        super().__init__(self._spread, partitions=settings.partitions, threads=threads)
        self._settings = settings
        self._resources = ExitStack()
        self._client: Any = None

    def __enter__(self) -> Self:
        """Give the engine itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the cluster; end the processes that were started for it."""
        self._resources.close()

    def slots(self) -> int:
        """Count the threads of all workers."""
        return sum(self._connected().nthreads().values())

    def _connected(self) -> Any:  # noqa: ANN401
        if self._client is None:
            given = self._settings
            way = _reached(given.scheduler) if given.scheduler else _started(given.workers)
            self._client = self._resources.enter_context(way)
            _check_workers(self._client)
        return self._client

    def _spread(
        self, work: Callable[..., Facts], given: Sequence[tuple[Any, ...]], /
    ) -> list[Facts]:
        if not given:
            return []
        client = self._connected()
        run = uuid4().hex
        name = work.__name__.replace("_", " ")
        log.info("%s: %d tasks", name, len(given))
        futures = client.map(
            tasks.attempted,
            [work] * len(given),
            given,
            code=tasks.code_of_tasks(),
            key=[f"{work.__name__}-{run}-{number:05}" for number in range(len(given))],
            pure=True,
            retries=RETRIES,
        )
        try:
            return _gathered(client, futures, name)
        except BaseException:
            client.cancel(futures)
            raise


def _gathered(client: Any, futures: list[Any], name: str) -> list[Facts]:  # noqa: ANN401
    """Wait for all tasks; the first mistake ends the waiting."""
    distributed = _distributed()
    found: dict[str, Facts] = {}
    answers = distributed.as_completed(futures, with_results=True, loop=client.loop)
    watch = _Watch(client)
    try:
        while not answers.is_empty():
            for future, outcome in answers.next_batch(block=False):
                if future.status in ("error", "cancelled"):
                    future.result()
                if isinstance(outcome, GeoclustersError):
                    raise outcome
                found[future.key] = outcome
                if len(found) * 10 // len(futures) > (len(found) - 1) * 10 // len(futures):
                    log.info("%s: %d of %d", name, len(found), len(futures))
            watch.look()
            time.sleep(POLL_SECONDS)
    except distributed.KilledWorker as error:
        raise EngineError(
            f"{name}: {error.task} was begun by {error.allowed_failures + 1} workers and each of them ended on it, as "
            "a rule for want of memory; give the workers more, or set more partitions under [engine]"
        ) from error
    except distributed.client.FutureCancelledError as error:
        raise EngineError(f"{name}: {LOST}") from error
    return [found[future.key] for future in futures]


class _Watch:
    """Sees to it that nobody waits for workers that will not come."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401
        self._client = client
        self._looked = self._seen = time.monotonic()

    def look(self) -> None:
        """Look for workers now and then."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        try:
            workers = self._client.nthreads()
        except OSError as error:
            raise EngineError(LOST) from error
        if workers:
            self._seen = now
        elif now - self._seen > WORKERS_SECONDS:
            raise EngineError(
                f"all workers were lost, and no other came for {WORKERS_SECONDS} s; {GOES_ON}"
            )


def _distributed() -> Any:  # noqa: ANN401
    """Give the package, which is an extra, and slow to import."""
    try:
        return import_module("distributed")
    except ModuleNotFoundError as error:
        raise EngineError(
            f"[engine] kind = 'dask' needs a package that is not installed ({error.name}): "
            "pip install 'geoclusters[dask]'"
        ) from None


@contextmanager
def _reached(scheduler: str) -> Iterator[Any]:
    """Connect to a cluster that runs."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            client = _distributed().Client(scheduler, timeout=REACH_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
            raise EngineError(
                f"[engine] scheduler = {scheduler!r} was not reached within {REACH_SECONDS} s ({_line(error)}); does "
                "it run, and is this its address as seen from here? 'dask scheduler' says it when it starts"
            ) from None
    for warning in told:
        log.warning("%s", warning.message)
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError:
            raise EngineError(
                f"[engine] scheduler = {scheduler!r} had no worker for {WORKERS_SECONDS} s; start some: dask worker "
                f"{scheduler} --nthreads 1 --nworkers 4"
            ) from None
        yield client


@contextmanager
def _started(workers: int | None) -> Iterator[Any]:
    """Start workers as processes of this machine, which only it can reach; they end with the context."""
    unguarded = (
        "a script that runs a study on local workers needs the line \"if __name__ == '__main__':\" "
        "before it, since each worker imports the script anew"
    )
    if multiprocessing.parent_process() is not None:
        raise EngineError(f"[engine] workers = {workers}: this is a worker itself; {unguarded}")
    distributed = _distributed()
    # A worker that dies twice within this time would else be given up for good.
    patience = import_module("dask").config.set({"distributed.deploy.lost-worker-timeout": "1d"})
    with patience, TemporaryDirectory(prefix="geoclusters-") as scratch:
        try:
            cluster = distributed.LocalCluster(
                n_workers=workers or processors(),
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                local_directory=scratch,
                silence_logs=logging.CRITICAL,
            )
        except (OSError, RuntimeError, TimeoutError) as error:
            raise EngineError(
                f"[engine] workers = {workers}: the processes could not be started ({_line(error)}); {unguarded}"
            ) from error
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            yield client


def _check_workers(client: Any) -> None:  # noqa: ANN401
    """Look whether the workers that are there have the same version of this package."""
    answers = client.run(version, "geoclusters", on_error="return")
    found = {
        worker: "none" if isinstance(answer, ModuleNotFoundError) else answer
        for worker, answer in answers.items()
        if isinstance(answer, str | ModuleNotFoundError)  # others were lost since
    }
    other = sorted(f"{worker}: {seen}" for worker, seen in found.items() if seen != __version__)
    if other:
        raise EngineError(
            f"geoclusters is {__version__} here, but elsewhere on workers ({'; '.join(other[:5])}); "
            "install the same version for all and start them again"
        )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
