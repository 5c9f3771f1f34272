"""A lock between processes: a courtesy that saves double work, never what correctness rests on."""

from __future__ import annotations

import errno
import logging
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

# A holder whose work does not move for so long has died and left the lock to a child, or hangs. Longer than the
# longest time that a server may ask it to wait.
PATIENCE_S = 420.0

# Who waits longer is told why: many GB may be downloaded or decoded meanwhile.
TELL_AFTER_S = 10.0

_POLL_S = 0.1

_log = logging.getLogger(__name__)


@contextmanager
def held(path: Path, watched: Sequence[tuple[Path, str]] = (), patience: float | None = None) -> Iterator[bool]:
    """Hold the lock file for the block, waiting for another holder first.

    Parameters
    ----------
    path : Path
        The lock file.
    watched : sequence of (Path, str)
        Folders and patterns of files that grow while another holder works: its signs of life.
    patience : float, optional
        Seconds to wait without such a change; ``PATIENCE_S`` if not given.

    Yields
    ------
    bool
        False where no lock can be had (a folder that cannot be written to, a file system without locks, a link in
        place of the lock file, a holder that shows no life): go on, but in files of your own.
    """
    from filelock import FileLock

    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        require_plain(path)
        acquired = _acquire(lock, path, watched, PATIENCE_S if patience is None else patience)
    except (OSError, NotImplementedError) as error:
        _log.info("No lock for %s (%s): going on without.", path.stem, error)
        acquired = False
    try:
        yield acquired
    finally:
        if acquired:
            lock.release()


def require_plain(path: Path) -> None:
    """Raise :class:`OSError` if a lock file is there and is not a plain file: opening a link would empty its target."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.ELOOP, "not a plain file", str(path))


def _acquire(lock: BaseFileLock, path: Path, watched: Sequence[tuple[Path, str]], patience: float) -> bool:
    from filelock import Timeout

    seen, since, told = _sizes(watched), time.monotonic(), False
    started = since
    while True:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            pass
        else:
            return True
        if not told and time.monotonic() - started >= TELL_AFTER_S:
            _log.warning("Waiting for another process that prepares %s.", path.stem)
            told = True
        time.sleep(_POLL_S)
        if (now := _sizes(watched)) != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > patience:
            _log.warning("The holder of %s shows no sign of life for %.0f s: going on without it.", path, patience)
            return False


def _sizes(watched: Sequence[tuple[Path, str]]) -> dict[Path, int]:
    sizes = {}
    for folder, pattern in watched:
        with suppress(OSError):  # a folder that the holder removes while it is listed
            for path in folder.glob(pattern):
                with suppress(OSError):
                    sizes[path] = path.stat().st_size
    return sizes
