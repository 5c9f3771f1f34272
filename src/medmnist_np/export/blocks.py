"""Calls spread over threads, a block at a time, that end soon after a failure or Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

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
