"""Run tasks on any executor or on threads, with results in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, NamedTuple, Self, TypeVar, cast

import numpy as np

Task = TypeVar("Task")
Result = TypeVar("Result")

# Enough for any cluster to be busy, and few enough that results which are waited for fit in memory.
_IN_FLIGHT = 64


class MappedFile(NamedTuple):
    """A mapped array as a task carries it: where its values lie, not the values.

    The header of the file is not read again: NumPy does that with :mod:`ast`, which in Python 3.11 fails now and then
    where several threads do it at the same time.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    order: str

    @classmethod
    def of(cls, array: np.memmap[Any, Any]) -> Self:
        """Describe a map of all values of an .npy file."""
        order = "C" if array.flags.c_contiguous else "F"
        return cls(str(array.filename), array.dtype.str, array.shape, array.offset, order)

    def open(self) -> np.memmap[Any, np.dtype[Any]]:
        """Map the values, read-only."""
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape, cast("Any", self.order))


def spread(function: Callable[[Task], Result], tasks: Iterable[Task], executor: Executor | None) -> Iterator[Result]:
    """Call a function on each task and yield the results in the order of the tasks.

    Parameters
    ----------
    function : callable
        Of a module, so that it pickles.
    tasks : iterable
        Small things that pickle: paths and numbers, and :class:`MappedFile` in place of arrays.
    executor : concurrent.futures.Executor or None
        Of threads, processes or a cluster (a Dask client's ``get_executor()``). None means here, one after another.
    """
    if executor is None:
        yield from map(function, tasks)
        return
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            waiting.append(executor.submit(function, task))
            if len(waiting) >= _IN_FLIGHT:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


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


# Images that are one task of a thread and one step of the progress.
_AT_ONCE = 16


def in_blocks(write: Callable[[int], bool], positions: Any, workers: int) -> Generator[list[bool]]:
    """Yield what the calls of each block return, in order."""
    blocks = [positions[start : start + _AT_ONCE] for start in range(0, len(positions), _AT_ONCE)]
    if workers == 1:
        for block in blocks:
            yield [write(position) for position in block]
        return
    stop = threading.Event()

    def write_block(block: Any) -> list[bool]:
        return [write(position) for position in block if not stop.is_set()]

    with _stopping(ThreadPoolExecutor(workers), stop) as pool:
        yield from pool.map(write_block, blocks)


@contextmanager
def _stopping(pool: ThreadPoolExecutor, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """Leave at once, but for the image that each thread is at, where the block fails or Ctrl-C is pressed."""
    try:
        yield pool
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
