"""Work in pieces, on any :class:`concurrent.futures.Executor`, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# Enough for any cluster to be busy, and few enough that results which are waited for fit in memory.
_IN_FLIGHT = 64


def spread(function: Callable[[Task], Result], tasks: Iterable[Task], executor: Executor | None) -> Iterator[Result]:
    """Call a function on each task and yield the results in the order of the tasks.

    Parameters
    ----------
    function : callable
        Of a module, so that it pickles.
    tasks : iterable
        Small things that pickle: paths and numbers, not arrays.
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
