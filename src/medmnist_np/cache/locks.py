"""A lock between processes: a courtesy that saves double work, never what correctness rests on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_log = logging.getLogger(__name__)


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold the lock file for the block, waiting for another holder first.

    Yields
    ------
    bool
        False where no lock can be had (a folder that cannot be written to, a file system without locks): go on,
        but in files of your own.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _log.info("Waiting for another process that prepares %s.", path.stem)
            lock.acquire(poll_interval=0.1)
    except (OSError, NotImplementedError) as error:
        _log.info("No lock for %s (%s): going on without.", path.stem, error)
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
