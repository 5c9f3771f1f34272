"""The threads that a command works with, and the option that says how many."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import click

workers_option = click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="Threads. Default: one for each processor."
)


@contextmanager
def threads(workers: int | None) -> Iterator[ThreadPoolExecutor]:
    """Yield an executor; what is not begun when the block fails, as by Ctrl-C, is not begun any more."""
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
