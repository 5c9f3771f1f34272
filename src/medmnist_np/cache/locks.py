"""A lock between processes. It avoids doing work twice; correctness does not depend on it."""

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

# A holder that makes no progress for this long hangs, or has died and left the lock to a child process. This is longer
# than the longest wait that a server may ask for.
PATIENCE_S = 420.0

# Log the reason for waits longer than this: the other process may be downloading or decoding many GB.
TELL_AFTER_S = 10.0

_POLL_S = 0.1

_log = logging.getLogger(__name__)


@contextmanager
def held(path: Path, watched: Sequence[tuple[Path, str]] = (), patience: float | None = None) -> Iterator[bool]:
    """Hold a lock file during the block. Wait if another process holds it.

    Parameters
    ----------
    path : Path
        The lock file.
    watched : sequence of (Path, str)
        Folders and patterns of files that grow while the other process makes progress.
    patience : float, optional
        Seconds to wait without such growth (default: ``PATIENCE_S``).

    Yields
    ------
    bool
        True if the lock is held. False if the folder is not writable, the file system has no locks, the lock file is
        a link, or the other process makes no progress. If False, use only files that no other process uses.
    """
    from filelock import FileLock

    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        require_plain(path)
        acquired = _acquire(lock, path, watched, PATIENCE_S if patience is None else patience)
    except (OSError, NotImplementedError) as error:
        _log.info("No lock for %s (%s): continuing without it.", path.stem, error)
        acquired = False
    try:
        yield acquired
    finally:
        if acquired:
            lock.release()


def require_plain(path: Path) -> None:
    """Raise :class:`OSError` if a lock file is not a regular file: opening a link would truncate its target."""
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
            _log.warning("The holder of %s has not answered for %.0f s: continuing without it.", path, patience)
            return False


def _sizes(watched: Sequence[tuple[Path, str]]) -> dict[Path, int]:
    sizes = {}
    for folder, pattern in watched:
        with suppress(OSError):  # the holder may remove the folder while it is listed
            for path in folder.glob(pattern):
                with suppress(OSError):
                    sizes[path] = path.stat().st_size
    return sizes
