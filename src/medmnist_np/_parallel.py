"""Run tasks on any executor or on threads, with results in order and only some tasks ahead of their turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from typing import Any, NamedTuple, Self, TypeVar, cast

import numpy as np

Task = TypeVar("Task")
Made = TypeVar("Made")
Result = TypeVar("Result")

# Enough to keep any cluster busy, and few enough that results which wait for their turn fit in memory.
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


@contextmanager
def threads(n: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of ``n`` threads. If the block fails, as by Ctrl-C, tasks that have not begun never do."""
    pool = ThreadPoolExecutor(n)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def spread(function: Callable[[Task], Result], tasks: Iterable[Task], executor: Executor | None) -> Iterator[Result]:
    """Call a function on each task and yield the results in the order of the tasks.

    Parameters
    ----------
    function : callable
        For an executor of processes or a cluster, a function of a module, so that it can be pickled.
    tasks : iterable
        Small things that can be pickled: paths and numbers, and :class:`MappedFile` in place of arrays. They are
        drawn only a little ahead of the results.
    executor : concurrent.futures.Executor or None
        Threads, processes or a cluster (a Dask client's ``get_executor()``). None calls the function in this thread.
    """
    if executor is None:
        yield from map(function, tasks)
    else:
        yield from _in_order(executor, function, tasks, _IN_FLIGHT, lambda _, future: future.result())


def made_ahead(make: Callable[[int], Result], numbers: range, n_threads: int) -> Generator[tuple[int, Result]]:
    """Yield ``(number, make(number))`` for each number in turn, with the next ones already being made.

    A result that no thread has begun when its turn comes is made in this thread: waking up a thread takes longer.

    Parameters
    ----------
    make : callable
        Called from several threads. An error is raised at the turn of its number, and ends the work.
    numbers : range
        What to make.
    n_threads : int
        How many are made at a time, and how many are ready at most.
    """

    def made(number: int, future: Future[Result]) -> tuple[int, Result]:
        return number, make(number) if future.cancel() else future.result()

    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="medmnist-np-ahead")
    try:
        yield from _in_order(pool, make, numbers, n_threads, made)
    finally:
        pool.shutdown(wait=False)


def _in_order(
    executor: Executor,
    function: Callable[[Task], Made],
    tasks: Iterable[Task],
    n_ahead: int,
    result_of: Callable[[Task, Future[Made]], Result],
) -> Generator[Result]:
    """Submit tasks ``n_ahead`` of their turn and yield what ``result_of(task, future)`` returns at their turn."""
    # No name holds a result or its future while the caller works with it: large buffers are used again once free.
    waiting: deque[tuple[Task, Future[Made]]] = deque()
    try:
        for task in tasks:
            waiting.append((task, executor.submit(function, task)))
            if len(waiting) > n_ahead:
                yield result_of(*waiting.popleft())
        while waiting:
            yield result_of(*waiting.popleft())
    finally:
        for _, future in waiting:
            future.cancel()


def read_ahead(
    made: Generator[tuple[int, Made]],
    read: Callable[[int], object],
    piece_of: Callable[[int], int],
    *,
    start: int,
    first_piece: int,
) -> Generator[tuple[int, Made]]:
    """Yield what is made, while a thread reads the pieces of a file that are needed soon.

    Parameters
    ----------
    made : generator
        Yields tuples ``(number, result)``.
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


# Items that are one task of a thread and one step of the progress.
_AT_ONCE = 16


def in_blocks(write: Callable[[int], bool], positions: Sequence[int], workers: int) -> Generator[list[bool]]:
    """Yield what ``write`` returns for the positions of each block, in order.

    After an error or Ctrl-C, each thread finishes the item it is at and begins no other.
    """
    blocks = (positions[start : start + _AT_ONCE] for start in range(0, len(positions), _AT_ONCE))
    stopped = False

    def write_block(block: Sequence[int]) -> list[bool]:
        return [write(position) for position in block if not stopped]

    with nullcontext() if workers == 1 else threads(workers) as pool:
        try:
            yield from spread(write_block, blocks, pool)
        finally:
            stopped = True
