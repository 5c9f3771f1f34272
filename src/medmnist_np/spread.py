"""Work in pieces, on any :class:`concurrent.futures.Executor`, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
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
