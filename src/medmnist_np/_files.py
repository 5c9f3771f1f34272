"""Write files safely: temporary name, then rename; free-space checks; opening without following links."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from medmnist_np.errors import CacheError, MedMNISTError, NoSpaceError, nearest

if TYPE_CHECKING:
    import csv

CACHE_VARIABLE = "MEDMNIST_NP_CACHE"
"""The environment variable that names the cache folder."""

# Free space for what is not counted: manifests, folders, and rounding up to blocks.
_MARGIN_BYTES = 1 << 20

# What Windows answers while another program has a file open: access denied, in use, locked, folder not empty.
_IN_USE = {5, 32, 33, 145}

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


NOT_RESERVED = r"(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z))"
"""The start of a pattern for names of files and folders: Windows reserves these, with any ending."""


def readable(n_bytes: float) -> str:
    """Return a number of bytes as text with a unit: ``"12.3 MB"`` (powers of 1000)."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(n_bytes) < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "bytes" or n_bytes >= 100 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def _counted(n_bytes: int) -> str:
    return f"{readable(n_bytes)} ({n_bytes} bytes)"


def free_bytes(path: Path) -> int:
    """Return the free bytes on the disk of a path. The path need not exist yet."""
    import shutil

    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


def require_space(path: Path, needed: int, purpose: str) -> None:
    """Raise :class:`NoSpaceError` if fewer than ``needed`` bytes are free at a path."""
    free = free_bytes(path)
    if free < needed + _MARGIN_BYTES:
        raise NoSpaceError(
            f"Not enough space to {purpose}: {_counted(needed)} are needed and {_counted(free)} are "
            f"free. Nothing was lost. Free some space (`medmnist-np clean`), or set "
            f"{CACHE_VARIABLE} to a folder on a larger disk, and try again.",
            errno=errno.ENOSPC,
            path=path,
        )


@contextmanager
def errors_named(
    path: Path, purpose: str, needed: Callable[[], int | None] = lambda: None, *, in_cache: bool = True
) -> Iterator[None]:
    """Convert an ``OSError`` of the block into an error of this package that names the path and a remedy.

    ``needed`` returns the bytes that the rest of the work needs, or None if unknown. ``in_cache`` is true for a path in
    the cache, which can be moved, and false for a path that the user named.
    """
    try:
        yield
    except MedMNISTError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            rest = needed()
            also_needed = "" if rest is None else f" and {_counted(rest)} are needed"
            raise NoSpaceError(
                f"The disk is full: could not {purpose}. {_counted(free_bytes(path))} are free{also_needed}. "
                + (
                    f"Received data is kept. Free some space (`medmnist-np clean`), or set {CACHE_VARIABLE} to a "
                    "folder on a larger disk, and try again."
                    if in_cache
                    else "Complete files are kept. Free some space and try again, or choose a folder on a larger disk."
                ),
                errno=error.errno,
                path=path,
            ) from error
        reason = str(error.strerror or error).rstrip(".")
        where = (error.filename or path) if in_cache else path
        instead = f"set {CACHE_VARIABLE} to another folder" if in_cache else "choose another path"
        raise CacheError(
            f"Could not {purpose} in {where}: {reason}. Fix this, or {instead}.", errno=error.errno, path=where
        ) from error


def make_folder(path: Path, *, in_cache: bool = True) -> Path:
    """Create a folder and its parents, and return it."""
    with errors_named(path, "create a folder of the cache" if in_cache else "create a folder", in_cache=in_cache):
        path.mkdir(parents=True, exist_ok=True)
    return path


def open_without_following(path: str, flags: int) -> int:
    """Open a path, as an ``opener`` of :func:`open`; refuse a symbolic link, which could lead anywhere."""
    if not hasattr(os, "O_NOFOLLOW") and os.path.islink(path):  # Windows
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0), 0o666)


def regular_only(path: str, flags: int) -> int:
    """Open a path, as an ``opener`` of :func:`open`; refuse pipes, sockets and devices without opening them."""

    def check(mode: int) -> None:
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OSError(errno.EINVAL, "It is a pipe, a socket or a device instead of a file", path)

    check(os.stat(path).st_mode)
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    try:
        check(os.fstat(descriptor).st_mode)  # it may have been replaced meanwhile
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _patiently(change: Callable[..., object], *paths: str | Path) -> None:
    """Change files. On Windows, try again for three seconds while a virus scanner or an indexer has a file open."""
    for wait_s in (*(0.01 * 2**n for n in range(8)), 0.5):
        try:
            change(*paths)
        except OSError as error:
            if getattr(error, "winerror", None) not in _IN_USE:
                raise
            time.sleep(wait_s)
        else:
            return
    change(*paths)


def move(source: str | Path, target: str | Path) -> None:
    """Rename a file and replace the target. Close both files before: Windows does not rename open files."""
    _patiently(os.replace, source, target)


def move_folder(source: Path, target: Path) -> None:
    """Rename a folder. Raise an error if there is one at the target, unless it is empty."""
    _patiently(os.rename, source, target)


@contextmanager
def in_one_step(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; if the block succeeds, that file is renamed to the path.

    The block closes the file. Readers see the old file or the new one, complete.
    """
    import secrets  # here, because it loads hashlib, which opening a data set does not need

    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield fresh
        move(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def copy(stream: BinaryIO, target: Path) -> None:
    """Write the rest of an open file to a path, in one step."""
    import shutil

    with in_one_step(target) as fresh, open(fresh, "xb") as written:
        shutil.copyfileobj(stream, written, 1 << 20)


def write_small(path: str, data: bytes) -> None:
    """Write a small file in one step, like :func:`in_one_step` but much faster.

    The temporary name is always the same, so that the next run overwrites the file that a killed run left behind. Only
    one process at a time may write the file.
    """
    folder, name = os.path.split(path)
    fresh = os.path.join(folder, f".{name}.00000000")
    try:
        # Without Python's file objects, which would double the time.
        file = os.open(fresh, _NEW_FILE, 0o666)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
        finally:
            os.close(file)
        move(fresh, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(fresh)
        raise


def remove_abandoned(path: Path) -> None:
    """Remove temporary files that killed processes left beside a file. No other process may be writing the file."""
    import glob

    for fresh in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}"):
        fresh.unlink(missing_ok=True)


def sync(descriptor: int) -> None:
    """Write an open file through to the disk. On macOS, :func:`os.fsync` leaves it in the memory of the drive."""
    if sys.platform == "darwin":
        import fcntl

        with suppress(OSError):  # not every file system supports it
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(path: Path) -> None:
    """Make renames in a folder survive a power failure, if the platform supports it."""
    if os.name == "posix":
        folder = os.open(path, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems cannot sync a folder
                sync(folder)
        finally:
            os.close(folder)


def remove_tree(folder: Path, *, ignore_errors: bool = False) -> None:
    """Remove a folder and its content."""
    import shutil  # here, because opening a data set does not need it

    try:
        _patiently(shutil.rmtree, folder)
    except OSError:
        if not ignore_errors:
            raise
        shutil.rmtree(folder, ignore_errors=True)  # the rest


def remove_empty(folder: Path) -> None:
    """Remove an empty folder."""
    _patiently(os.rmdir, folder)


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield a new, hidden folder, and remove it and its content after the block."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix=".", dir=parent))
    try:
        yield folder
    finally:
        remove_tree(folder, ignore_errors=True)


@contextmanager
def csv_reader(file: Path, needed: Sequence[str] = (), skip: int = 0) -> Iterator[csv.DictReader[str]]:
    """Open a CSV file in UTF-8 with a header after ``skip`` lines; raise ValueError if it is not valid."""
    import csv

    try:
        with open(file, newline="", encoding="utf-8-sig", opener=regular_only) as stream:
            for _ in range(skip):
                stream.readline()
            reader = csv.DictReader(stream, strict=True)
            require_columns(file, needed, reader.fieldnames or ())
            yield reader
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not a CSV file in UTF-8: {error}.") from error


def require_columns(file: Path, needed: Iterable[str], columns: Sequence[str]) -> None:
    """Raise ValueError if a table lacks a column."""
    for name in needed:
        if name not in columns:
            raise ValueError(
                f"{file} has no column {name!r}.{nearest(name, columns)} Available: {', '.join(columns) or 'none'}."
            )
