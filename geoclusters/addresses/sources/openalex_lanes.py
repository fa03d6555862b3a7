"""Reads several files side by side, in an order that does not depend on which of them is quicker."""

from __future__ import annotations

import queue
import threading
from itertools import chain
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

WAITING_ITEMS: Final = 2
"""Items that a lane may be ahead of whoever takes them; bounds the memory."""

_POLL_SECONDS: Final = 0.2


def side_by_side(readers: Sequence[Callable[[], Iterator[T]]], lanes: int) -> Iterator[T]:
    """
    Run readers in several threads and take their items in turn.

    Parameters
    ----------
    readers : sequence of callable
        Each gives an iterator; lane i takes readers i, i + lanes, i + 2 lanes, …
    lanes : int
        Threads; with one or with one reader everything happens in the thread of the caller.

    Yields
    ------
    object
        An item of each lane in turn, until all are at their end: the same order in every run.

    Raises
    ------
    Exception
        What a reader raises, when its turn comes.

    Examples
    --------
    >>> list(side_by_side([lambda: iter("abc"), lambda: iter("xy")], 2))
    ['a', 'x', 'b', 'y', 'c']
    """
    lanes = min(lanes, len(readers))
    if lanes <= 1:
        for reader in readers:
            yield from reader()
        return
    stop = threading.Event()
    running: list[_Lane[T]] = [_Lane(readers[i::lanes], stop) for i in range(lanes)]
    try:
        while running:
            for lane in list(running):
                item, more = lane.take()
                if more:
                    yield item
                else:
                    running.remove(lane)
    finally:
        stop.set()


class _Lane(Generic[T]):
    """One thread, and the queue of what it has read."""

    def __init__(self, readers: Sequence[Callable[[], Iterator[T]]], stop: threading.Event) -> None:
        self._queue: queue.Queue[tuple[T | None, bool, Exception | None]] = queue.Queue(
            WAITING_ITEMS
        )
        self._stop = stop
        threading.Thread(target=self._run, args=(readers,), daemon=True).start()

    def _run(self, readers: Sequence[Callable[[], Iterator[T]]]) -> None:
        try:
            for item in chain.from_iterable(reader() for reader in readers):
                if not self._put(item, True, None):
                    return
            self._put(None, False, None)
        except Exception as error:  # noqa: BLE001 - goes on to whoever takes the items
            self._put(None, False, error)

    def _put(self, item: T | None, more: bool, error: Exception | None) -> bool:  # noqa: FBT001
        while not self._stop.is_set():
            try:
                self._queue.put((item, more, error), timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def take(self) -> tuple[T, bool]:
        """Wait for the next item; False with it when there are no more."""
        item, more, error = self._queue.get()
        if error is not None:
            raise error
        return item, more  # type: ignore[return-value]
