"""Run tasks on an executor or on threads: results come in order, and only a few tasks run ahead."""

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

# Enough tasks to keep a cluster busy, and few enough that their results fit in memory.
_IN_FLIGHT = 64


class MappedFile(NamedTuple):
    """The location of a memory-mapped array, which a task can carry instead of the values.

    The header of the file is not read again: NumPy parses it with :mod:`ast`, which in Python 3.11 sometimes fails if
    several threads use it at the same time.
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
    """Yield a pool of ``n`` threads. If the block fails, for example by Ctrl-C, no further task starts."""
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
        For an executor of processes or a cluster, it must be defined in a module, so that it can be pickled.
    tasks : iterable
        Small objects that can be pickled: paths, numbers, and :class:`MappedFile` instead of arrays. Only a few tasks
        are taken ahead of the results.
    executor : concurrent.futures.Executor or None
        Threads, processes or a cluster (a Dask client's ``get_executor()``). None calls the function in this thread.
    """
    if executor is None:
        yield from map(function, tasks)
    else:
        yield from _in_order(executor, function, tasks, _IN_FLIGHT, lambda _, future: future.result())


def made_ahead(make: Callable[[int], Result], numbers: range, n_threads: int) -> Generator[tuple[int, Result]]:
    """Yield ``(number, make(number))`` for each number in order, while threads already make the next ones.

    If no thread has started on a number when it is needed, this thread makes the result: waking up a thread takes
    longer.

    Parameters
    ----------
    make : callable
        Called from several threads. An error is raised when its number is reached, and ends the work.
    numbers : range
        The arguments of ``make``.
    n_threads : int
        Number of threads, and the maximum number of finished results that wait.
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
    """Submit up to ``n_ahead`` tasks in advance, and yield ``result_of(task, future)`` in order."""
    # No variable refers to a result or its future while the caller uses it, so that large buffers can be reused early.
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
    """Yield results, while a thread reads the pieces of a file that will be needed soon.

    Parameters
    ----------
    made : generator
        Yields tuples ``(number, result)``.
    read : callable
        ``read(piece)`` reads one piece.
    piece_of : callable
        ``piece_of(number)`` is the last piece that should have been requested when this number is yielded.
    start : int
        The first number that ``made`` yields.
    first_piece : int
        The first piece to read.
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


# Items per task of a thread, and per step of the progress bar.
_AT_ONCE = 16


def in_blocks(write: Callable[[int], bool], positions: Sequence[int], workers: int) -> Generator[list[bool]]:
    """Call ``write`` for all positions, and yield its results block by block, in order.

    After an error or Ctrl-C, each thread finishes its current item and starts no other.
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
