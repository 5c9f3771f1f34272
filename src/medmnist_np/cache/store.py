"""Folders of unpacked arrays: find one, map its arrays, publish a new one, prove an old one.

Opening is cheap and touches nothing: a manifest and the size of each file are enough. So a read-only cache works.
"""

from __future__ import annotations

import math
import mmap
import os
import platform
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from medmnist_np import _files
from medmnist_np.cache.manifest import FILE_NAME, Manifest, NewerFormatError
from medmnist_np.errors import CacheError, CorruptCacheError

ARRAYS = "arrays"

MmapMode: TypeAlias = Literal["r", "c"] | None
"""See :func:`numpy.load`; modes that would change files are left out."""

# Python names it from 3.13 on.
_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)


@dataclass(frozen=True, slots=True)
class ArrayFolder:
    """A complete folder of unpacked arrays, and its manifest."""

    path: Path
    manifest: Manifest

    def open(
        self, member: str, rows: range | None = None, *, mode: Literal["r", "c"] = "r"
    ) -> np.memmap[Any, np.dtype[Any]]:
        """Map one array by its name in the archive. Nothing is read: the manifest has the header.

        Parameters
        ----------
        member : str
            Its name.
        rows : range, optional
            Of an array in C order only these, which follow one another.
        mode : {"r", "c"}
            Read-only, or copy on write: what is written stays in this process.

        Raises
        ------
        CorruptCacheError
            If the file is not as long as the manifest says, or is not a plain file.
        """
        array = self.manifest.arrays[member]
        path = os.path.join(self.path, array.file)
        shape, offset = array.shape, array.offset
        if rows is not None:
            offset += rows.start * (array.bytes - array.offset) // max(1, array.shape[0])
            shape = (len(rows), *array.shape[1:])
        try:
            with open(path, "rb", buffering=0, opener=_files.open_without_following) as stream:
                if os.fstat(stream.fileno()).st_size != array.bytes:
                    raise CorruptCacheError(
                        f"{path} is not {array.bytes} bytes long any more: `medmnist-np verify` it."
                    )
                mapped = _mapped_privately(stream.fileno(), np.dtype(array.dtype), shape, offset, array.order, mode)
                mapped.filename = os.path.abspath(path)
                return mapped
        except CacheError:
            raise
        except OSError as error:
            raise CorruptCacheError(
                f"{path} could not be opened: {error.strerror}.", errno=error.errno, path=path
            ) from error

    def check_sizes(self) -> None:
        """Raise :class:`CorruptCacheError` unless each file of the manifest is there and has its size."""
        for array in self.manifest.arrays.values():
            path = os.path.join(self.path, array.file)
            try:
                found = os.lstat(path)
            except FileNotFoundError:
                raise CorruptCacheError(f"{path} is missing.", path=path) from None
            except OSError as error:
                message = f"{path} cannot be looked at: {error.strerror}."
                raise CorruptCacheError(message, errno=error.errno, path=path) from error
            if not stat.S_ISREG(found.st_mode):
                raise CorruptCacheError(f"{path} is not a plain file.", path=path)
            if found.st_size != array.bytes:
                raise CorruptCacheError(
                    f"{path} has {found.st_size} bytes, and the manifest says {array.bytes}.", path=path
                )


def _mapped_privately(
    file: int, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int, order: str, mode: Literal["r", "c"]
) -> np.memmap[Any, np.dtype[Any]]:
    """Do what :class:`numpy.memmap` does, but so that no write can end the process.

    Other libraries write into arrays without asking whether they may: ``torch.from_numpy(images)[0] = 7``. In memory
    that the system holds read-only, that is a segmentation fault. So files are mapped copy on write in both modes, and
    "r" is read-only for NumPy. No memory is set aside for copies, since a file may be larger than all memory.
    """
    start = offset - offset % mmap.ALLOCATIONGRANULARITY
    n_bytes = offset - start + dtype.itemsize * math.prod(shape)
    try:
        if sys.platform != "win32":
            flags, access = mmap.MAP_PRIVATE | _NO_RESERVE, mmap.PROT_READ | mmap.PROT_WRITE
            memory = mmap.mmap(file, n_bytes, flags=flags, prot=access, offset=start)
        else:
            memory = mmap.mmap(file, n_bytes, access=mmap.ACCESS_COPY, offset=start)
    except OSError:  # a system that does set memory aside has too little
        memory, mode = mmap.mmap(file, n_bytes, access=mmap.ACCESS_READ, offset=start), "r"
    array = np.ndarray.__new__(np.memmap, shape, dtype, memory, offset - start, order=cast("Any", order))
    array.flags.writeable = mode == "c"
    array._mmap, array.offset, array.mode = memory, offset, mode  # type: ignore[attr-defined]
    return array


def checked_mode(mode: object) -> MmapMode:
    """Return a ``mmap_mode``, or raise :class:`ValueError` that says which there are."""
    if mode not in ("r", "c", None):
        raise ValueError(f"mmap_mode is {mode!r}; it is 'r', 'c' or None. The files of the cache are never changed.")
    return mode


def at(path: Path) -> ArrayFolder | None:
    """Return the complete folder of arrays at a path; None if there is no manifest.

    Raises
    ------
    CorruptCacheError
        If there is one, and it or a file does not hold together.
    NewerFormatError
        If a newer version of the package wrote it.
    """
    manifest = Manifest.read(path)
    if manifest is None:
        return None
    folder = ArrayFolder(path, manifest)
    folder.check_sizes()
    return folder


def partial_key(key: str) -> str:
    """Return where members that were taken one by one go: ``"medmnist/pathmnist_224-2c51a510-partial"``."""
    return f"{key}-partial"


def find(key: str, caches: Iterable[Path]) -> ArrayFolder | None:
    """Return the first complete folder of arrays under a key, e.g. ``"medmnist/pathmnist_28-a8b06965"``.

    A damaged one is passed over and reported to the log, for the caller to make anew; so is one of a newer version.
    """
    for cache in caches:
        try:
            if (folder := at(cache / ARRAYS / key)) is not None:
                return folder
        except (CorruptCacheError, NewerFormatError) as error:
            import logging  # only now: the opening path does without

            what = "damaged arrays" if isinstance(error, CorruptCacheError) else "arrays of a newer version"
            logging.getLogger(__name__).warning("Passing over %s: %s", what, error)
    return None


def refuse_newer(folder: Path) -> None:
    """Raise :class:`NewerFormatError` if a newer version of the package wrote a folder of arrays."""
    with suppress(CorruptCacheError):
        Manifest.read(folder)


@contextmanager
def staging(cache: Path, key: str) -> Iterator[Path]:
    """Make a folder beside the one that will be published; it is removed if the block fails or leaves it there."""
    with workshop(cache / ARRAYS / key) as folder:
        yield folder


@contextmanager
def workshop(target: Path) -> Iterator[Path]:
    """Make a folder for the block beside what it is to become; those of processes that are gone are collected."""
    target.parent.mkdir(parents=True, exist_ok=True)
    collect_abandoned(target)
    folder = _own_folder(target)
    folder.mkdir()
    try:
        yield folder
    finally:
        _files.remove_tree(folder, ignore_errors=True)


def remove_partial(cache: Path, key: str) -> None:
    """Remove members that were taken one by one, after the whole archive was unpacked."""
    folder = cache / ARRAYS / partial_key(key)
    with suppress(NewerFormatError):
        refuse_newer(folder)
        if folder.is_dir():
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder of arrays. The manifest goes first, so that no reader takes the rest for complete."""
    (folder / FILE_NAME).unlink(missing_ok=True)
    _files.remove_tree(folder)


def publish(folder: Path, cache: Path, key: str, manifest: Manifest) -> ArrayFolder:
    """Write the manifest into a staging folder and rename the folder into place; return where it is.

    If another process published the same first, theirs is returned: both were proven by the same digest.
    """
    target = cache / ARRAYS / key
    manifest.write(folder)
    _files.sync_folder(folder)
    for last_try in (False, False, True):
        try:
            os.rename(folder, target)
        except OSError:
            if not os.path.lexists(target):
                raise
            if (theirs := find(key, [cache])) is not None:
                return theirs
            refuse_newer(target)
            try:
                _set_aside(target)
            except PermissionError:  # on Windows, while another process reads a file of it
                if last_try:
                    raise
                time.sleep(0.1)
        else:
            _files.sync_folder(target.parent)
            return ArrayFolder(target, manifest)
    raise CacheError(f"{target} is in the way: it holds no complete arrays and cannot be replaced. Remove it.")


def _set_aside(target: Path) -> None:
    aside = _own_folder(target)
    try:
        os.rename(target, aside)
    except FileNotFoundError:
        return
    if aside.is_dir() and not aside.is_symlink():
        _files.remove_tree(aside, ignore_errors=True)
    else:
        aside.unlink()


def _own_folder(target: Path) -> Path:
    import secrets  # loads hashlib, which opening does not need

    # The owner is in the name, so that what a killed process left can be told from what a living one works in.
    return target.parent / f".{target.name}.{_machine()}~{os.getpid()}~{secrets.token_hex(4)}.staging"


def collect_abandoned(target: Path) -> None:
    """Remove staging folders of processes of this machine that are gone."""
    for folder in target.parent.glob(f".{target.name}.*.staging"):
        machine, _, rest = folder.name.removeprefix(f".{target.name}.").partition("~")
        process = rest.partition("~")[0]
        if machine == _machine() and process.isdecimal() and not _is_running(int(process)):
            _files.remove_tree(folder, ignore_errors=True)


def _machine() -> str:
    """Return what tells machines apart, and containers whose process numbers mean other processes."""
    try:
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        space = 0
    return f"{platform.node()}-{space:x}"


def _is_running(process: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True
