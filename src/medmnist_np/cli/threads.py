"""How many processors a command may use, the threads that it works with, and the option that says how many."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import click

workers_option = click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="Threads. Default: one for each processor."
)


def n_processors() -> int:
    """Return how many processors this process may use; where they are allotted, fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def threads(workers: int | None) -> Iterator[ThreadPoolExecutor]:
    """Yield an executor; what is not begun when the block fails, as by Ctrl-C, is not begun any more."""
    pool = ThreadPoolExecutor(workers or n_processors())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
