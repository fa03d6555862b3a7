"""Work on a range of numbers in pieces, which threads share."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PIECES_PER_THREAD: Final = 16
"""So many that a thread which is given less by the machine holds up the others little."""


def in_pieces(
    threads: int,
    n: int,
    work: Callable[..., Any],
    *arguments: object,
    pieces_per_thread: int = PIECES_PER_THREAD,
) -> list[Any]:
    """
    Call `work(begin, end, *arguments)` for pieces of 0..n, with as many threads as asked for.

    Parameters
    ----------
    threads : int
        With 1, the whole is one piece.
    n : int
        Length of the whole.
    work : callable
        Lets go of the interpreter's lock where threads are to help.

    Returns
    -------
    list
        What the calls gave, in order of the pieces.

    Raises
    ------
    ValueError
        When there are no threads.

    Examples
    --------
    >>> in_pieces(2, 10, lambda begin, end: end - begin, pieces_per_thread=2)
    [2, 3, 2, 3]
    """
    if threads < 1:
        raise ValueError(f"`threads` must be at least 1, not {threads!r}")
    if threads == 1:
        return [work(0, n, *arguments)]
    n_pieces = pieces_per_thread * threads
    edges = [n * place // n_pieces for place in range(n_pieces + 1)]
    with ThreadPoolExecutor(threads) as pool:
        pieces = [pool.submit(work, a, b, *arguments) for a, b in itertools.pairwise(edges)]
        return [piece.result() for piece in pieces]
