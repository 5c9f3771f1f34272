"""Write files safely: temporary name, then rename; free-space checks; opening without following links."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from medmnist_np.errors import CacheError, MedMNISTError, NoSpaceError, nearest

if TYPE_CHECKING:
    import csv

CACHE_VARIABLE = "MEDMNIST_NP_CACHE"
"""The environment variable that names the cache folder."""

# Kept free beyond what is counted: manifests, folders, rounding up to blocks.
_MARGIN_BYTES = 1 << 20

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def readable(n_bytes: float) -> str:
    """Return bytes as people write them: ``"12.3 MB"`` (powers of 1000)."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(n_bytes) < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "bytes" or n_bytes >= 100 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def _counted(n_bytes: int) -> str:
    return f"{readable(n_bytes)} ({n_bytes} bytes)"


def free_bytes(path: Path) -> int:
    """Free bytes on the disk that holds a path, which need not exist yet."""
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
            f"free. Nothing was lost: free some space (`medmnist-np clean`), or set "
            f"{CACHE_VARIABLE} to a folder on a larger disk, and run the same again.",
            errno=errno.ENOSPC,
            path=path,
        )


@contextmanager
def errors_named(
    path: Path, purpose: str, needed: Callable[[], int | None] = lambda: None, *, in_cache: bool = True
) -> Iterator[None]:
    """Turn an ``OSError`` of the block into one of ours that names the path and what to do.

    ``needed`` returns the bytes that the rest of the work takes, or None if that is not known. ``in_cache`` says that
    the path is one of the cache, which can be moved, and not one that the user named.
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
                    f"What had arrived is kept: free some space (`medmnist-np clean`), or set {CACHE_VARIABLE} to a "
                    "folder on a larger disk, and run the same again."
                    if in_cache
                    else "What was complete is kept: free some space and run the same again, or choose a larger disk."
                ),
                errno=error.errno,
                path=path,
            ) from error
        reason = str(error.strerror or error).rstrip(".")
        where = (error.filename or path) if in_cache else path
        instead = f"set {CACHE_VARIABLE} to another folder" if in_cache else "name another place"
        raise CacheError(
            f"Could not {purpose} in {where}: {reason}. Make that possible, or {instead}.",
            errno=error.errno,
            path=where,
        ) from error


def make_folder(path: Path, *, in_cache: bool = True) -> Path:
    """Make a folder and its parents, and return it."""
    with errors_named(path, "make a folder of the cache" if in_cache else "make a folder", in_cache=in_cache):
        path.mkdir(parents=True, exist_ok=True)
    return path


def open_without_following(path: str, flags: int) -> int:
    """Open as an ``opener`` of :func:`open` that refuses a link at the last step, which could lead anywhere."""
    if not hasattr(os, "O_NOFOLLOW") and os.path.islink(path):  # Windows
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0), 0o666)


def regular_only(path: str, flags: int) -> int:
    """Open as an ``opener`` of :func:`open` that refuses pipes, sockets and devices without opening them."""

    def check(mode: int) -> None:
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OSError(errno.EINVAL, "Not a file but a pipe, a socket or a device", path)

    check(os.stat(path).st_mode)
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    try:
        check(os.fstat(descriptor).st_mode)  # it may have been replaced meanwhile
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def move(source: Path, target: Path) -> None:
    """Rename a file, replacing one at the target. This process must have neither open: Windows refuses that."""
    os.replace(source, target)


@contextmanager
def in_one_step(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; if the block succeeds, that file is renamed to the path.

    The block closes the file. Readers see the old file or the new one, complete.
    """
    import secrets  # loads hashlib, which opening does not need

    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield fresh
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def copy(stream: BinaryIO, target: Path) -> None:
    """Write the rest of an open file to a path, in one step."""
    import shutil

    with in_one_step(target) as fresh, open(fresh, "xb") as written:
        shutil.copyfileobj(stream, written, 1 << 20)


def write_small(path: str, data: bytes) -> None:
    """Write a small file in one step, as :func:`in_one_step` does, in a fraction of its time.

    The temporary name is always the same, so that the next run overwrites what a killed one left. Only one process at
    a time may write the file.
    """
    folder, name = os.path.split(path)
    fresh = os.path.join(folder, f".{name}.00000000")
    try:
        # Without Python's file objects, which take as long as the rest.
        file = os.open(fresh, _NEW_FILE, 0o666)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
        finally:
            os.close(file)
        os.replace(fresh, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(fresh)
        raise


def remove_abandoned(path: Path) -> None:
    """Remove temporary files that killed processes left beside a file; no other process may be writing it."""
    import glob

    for fresh in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}"):
        fresh.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Make renames inside a folder last through a power cut, where the platform can."""
    if os.name == "posix":
        folder = os.open(path, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems refuse to sync a folder
                os.fsync(folder)
        finally:
            os.close(folder)


def remove_tree(folder: Path, *, ignore_errors: bool = False) -> None:
    """Remove a folder and all in it."""
    import shutil  # here, not above: opening does not need it

    shutil.rmtree(folder, ignore_errors=ignore_errors)


@contextmanager
def csv_reader(file: Path, needed: Sequence[str] = (), skip: int = 0) -> Iterator[csv.DictReader[str]]:
    """Open a CSV file in UTF-8, with a header after ``skip`` lines; raise ValueError if it is not one."""
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
