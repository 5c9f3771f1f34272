"""Work done ahead of its turn by threads, with results in order. Knows neither batches nor files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

Made = TypeVar("Made")


def made_ahead(make: Callable[[int], Made], numbers: range, n_threads: int) -> Generator[tuple[int, Made]]:
    """Yield ``(number, make(number))`` for each number in turn, some of them made ahead.

    What no thread has begun when its turn comes is made here: waiting for a thread to wake up takes longer.

    Parameters
    ----------
    make : callable
        Called from several threads. What it raises is raised at its turn, and ends the work.
    numbers : range
        What to make.
    n_threads : int
        How many are made at a time.
    """
    waiting: deque[tuple[int, Future[Made]]] = deque()
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="medmnist-np-ahead")

    def next_in_turn() -> tuple[int, Made]:
        number, future = waiting.popleft()
        return number, make(number) if future.cancel() else future.result()

    try:
        for number in numbers:
            waiting.append((number, pool.submit(make, number)))
            if len(waiting) > n_threads:
                yield next_in_turn()
        while waiting:
            yield next_in_turn()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def read_ahead(
    made: Generator[tuple[int, Made]],
    read: Callable[[int], object],
    piece_of: Callable[[int], int],
    *,
    start: int,
    first_piece: int,
) -> Generator[tuple[int, Made]]:
    """Yield what is made, while a thread reads the pieces of the disk that are needed soon.

    Parameters
    ----------
    made : generator
        Of ``(number, what was made)``.
    read : callable
        ``read(piece)`` reads one piece.
    piece_of : callable
        ``piece_of(number)`` is the last piece that should be under way when this number is given.
    start : int
        The first number that is made.
    first_piece : int
        The first piece that is read.
    """
    reader = ThreadPoolExecutor(1, thread_name_prefix="medmnist-np-reader")
    begun = first_piece - 1
    with closing(made):
        try:
            begun = _begin(reader, read, begun, piece_of(start))
            for number, one in made:
                begun = _begin(reader, read, begun, piece_of(number))
                yield number, one
        finally:
            reader.shutdown(wait=False, cancel_futures=True)


def _begin(reader: ThreadPoolExecutor, read: Callable[[int], object], begun: int, last: int) -> int:
    for piece in range(begun + 1, last + 1):
        reader.submit(read, piece)
    return max(begun, last)
