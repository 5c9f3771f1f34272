"""Folders of unpacked arrays: find a folder, memory-map its arrays, check it, or publish a new one.

Opening is cheap and writes nothing, so a read-only cache works. It needs only the manifest and the size of each file.
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
from medmnist_np.errors import CacheError, CorruptCacheError, short

ARRAYS = "arrays"

MmapMode: TypeAlias = Literal["r", "c"] | None
"""See :func:`numpy.load`. Modes that would change files are not supported."""

# How often to try to replace a damaged folder, if other processes put one there again and again.
_TRIES = 20

# When a staging folder is abandoned, if nobody can tell whether its process still runs.
_ABANDONED_S = 2 * 24 * 3600

# Python 3.13 and later define this constant.
_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)


@dataclass(frozen=True, slots=True)
class ArrayFolder:
    """A complete folder of unpacked arrays, and its manifest."""

    path: Path
    manifest: Manifest

    def open(
        self, member: str, rows: range | None = None, *, mode: Literal["r", "c"] = "r"
    ) -> np.memmap[Any, np.dtype[Any]]:
        """Memory-map an array by its name in the archive. The header comes from the manifest, so nothing is read.

        Parameters
        ----------
        member : str
            Name of the array.
        rows : range, optional
            Map only these consecutive rows (arrays in C order only).
        mode : {"r", "c"}
            Read-only, or copy-on-write: changes stay in this process.

        Raises
        ------
        CorruptCacheError
            If the size of the file differs from the manifest, or it is not a regular file.
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
                        f"{path} is not {array.bytes} bytes long any more. Run `medmnist-np verify`."
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
        """Raise :class:`CorruptCacheError` unless each file in the manifest exists and has the right size."""
        for array in self.manifest.arrays.values():
            path = os.path.join(self.path, array.file)
            try:
                found = os.lstat(path)
            except FileNotFoundError:
                raise CorruptCacheError(f"{path} is missing.", path=path) from None
            except OSError as error:
                message = f"{path} cannot be read: {error.strerror}."
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
    """Map a file as :class:`numpy.memmap` does, but no write can crash the process.

    Some libraries write to arrays even if they are read-only: ``torch.from_numpy(images)[0] = 7``. With a read-only
    mapping, this is a segmentation fault. Files are therefore mapped copy-on-write in both modes, and "r" only sets
    NumPy's read-only flag. No memory is reserved for copies, because a file may be larger than all memory.
    """
    start = offset - offset % mmap.ALLOCATIONGRANULARITY
    n_bytes = offset - start + dtype.itemsize * math.prod(shape)
    try:
        if sys.platform != "win32":
            flags, access = mmap.MAP_PRIVATE | _NO_RESERVE, mmap.PROT_READ | mmap.PROT_WRITE
            memory = mmap.mmap(file, n_bytes, flags=flags, prot=access, offset=start)
        else:
            memory = mmap.mmap(file, n_bytes, access=mmap.ACCESS_COPY, offset=start)
    except OSError:  # the system reserves memory for copies, and there is too little
        memory, mode = mmap.mmap(file, n_bytes, access=mmap.ACCESS_READ, offset=start), "r"
    array = np.ndarray.__new__(np.memmap, shape, dtype, memory, offset - start, order=cast("Any", order))
    array.flags.writeable = mode == "c"
    array._mmap, array.offset, array.mode = memory, offset, mode  # type: ignore[attr-defined]
    return array


def checked_mode(mode: object) -> MmapMode:
    """Return a ``mmap_mode``, or raise :class:`ValueError` with the supported modes."""
    if mode not in ("r", "c", None):
        raise ValueError(
            f"mmap_mode must be 'r', 'c' or None, not {short(mode)}. Files in the cache are never changed."
        )
    return mode


def at(path: Path) -> ArrayFolder | None:
    """Return the complete folder of arrays at a path. Return None if there is no manifest.

    Raises
    ------
    CorruptCacheError
        If the manifest is invalid, or a file does not match it.
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
    """Return the key for members downloaded one by one: ``"medmnist/pathmnist_224-2c51a510-partial"``."""
    return f"{key}-partial"


def find(key: str, caches: Iterable[Path]) -> ArrayFolder | None:
    """Return the first complete folder of arrays under a key, e.g. ``"medmnist/pathmnist_28-a8b06965"``.

    Damaged folders and folders of a newer version are skipped and logged. The caller may create the folder again.
    """
    for cache in caches:
        try:
            if (folder := at(cache / ARRAYS / key)) is not None:
                return folder
        except (CorruptCacheError, NewerFormatError) as error:
            import logging  # imported late: opening does not need it

            what = "damaged arrays" if isinstance(error, CorruptCacheError) else "arrays of a newer version"
            logging.getLogger(__name__).warning("Skipping %s: %s", what, error)
    return None


def refuse_newer(folder: Path) -> None:
    """Raise :class:`NewerFormatError` if a newer version of the package wrote a folder of arrays."""
    with suppress(CorruptCacheError):
        Manifest.read(folder)


@contextmanager
def staging(cache: Path, key: str) -> Iterator[Path]:
    """Create a folder next to the folder to publish. Remove it after the block, unless the block has renamed it."""
    with workshop(cache / ARRAYS / key) as folder:
        yield folder


@contextmanager
def workshop(target: Path) -> Iterator[Path]:
    """Create a temporary folder next to the target, and remove the folders of processes that no longer run."""
    target.parent.mkdir(parents=True, exist_ok=True)
    collect_abandoned(target)
    folder = _own_folder(target)
    folder.mkdir()
    try:
        yield folder
    finally:
        if folder.exists():  # not renamed
            _files.remove_tree(folder, ignore_errors=True)


def remove_partial(cache: Path, key: str) -> None:
    """Remove members downloaded one by one, after the whole archive was unpacked."""
    folder = cache / ARRAYS / partial_key(key)
    with suppress(NewerFormatError):
        refuse_newer(folder)
        if folder.is_dir():
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder of arrays. Remove the manifest first, so that readers see the folder as incomplete."""
    (folder / FILE_NAME).unlink(missing_ok=True)
    _files.remove_tree(folder)


def publish(folder: Path, cache: Path, key: str, manifest: Manifest) -> ArrayFolder:
    """Write the manifest to a staging folder, rename the folder into place, and return it.

    If another process has published the same arrays first, return its folder. Both have the same checksum.
    """
    target = cache / ARRAYS / key
    manifest.write(folder)
    _files.sync_folder(folder)
    for _ in range(_TRIES):
        try:
            _files.move_folder(folder, target)
        except OSError:
            if not os.path.lexists(target):
                raise
            if (theirs := find(key, [cache])) is not None:
                return theirs
            refuse_newer(target)
            try:
                _set_aside(target)
            except PermissionError:  # on Windows, while another process has a file in the folder open
                break
        else:
            _files.sync_folder(target.parent)
            return ArrayFolder(target, manifest)
    raise CacheError(
        f"{target} is in the way: it holds no complete arrays and cannot be replaced. Close programs that "
        "use it, and remove it."
    )


def _set_aside(target: Path) -> None:
    aside = _own_folder(target)
    try:
        _files.move_folder(target, aside)
    except FileNotFoundError:
        return
    if aside.is_dir() and not aside.is_symlink():
        _files.remove_tree(aside, ignore_errors=True)
    else:
        aside.unlink()


def _own_folder(target: Path) -> Path:
    import secrets  # loads hashlib, which opening does not need

    # The name contains the process, to distinguish folders of killed processes from folders in use.
    return target.parent / f".{target.name}.{_machine()}~{os.getpid()}~{secrets.token_hex(4)}.staging"


def collect_abandoned(target: Path) -> None:
    """Remove staging folders of processes on this machine that no longer run, and those that are two days old.

    The age decides about other machines, about this one under an earlier name, and on Windows.
    """
    for folder in target.parent.glob(f".{target.name}.*.staging"):
        machine, _, rest = folder.name.removeprefix(f".{target.name}.").partition("~")
        process = rest.partition("~")[0]
        is_abandoned = False
        if machine == _machine() and process.isdecimal() and os.name == "posix":
            is_abandoned = not _is_running(int(process))
        else:
            with suppress(FileNotFoundError):  # it was published or removed meanwhile
                is_abandoned = time.time() - folder.stat().st_mtime > _ABANDONED_S
        if is_abandoned:
            _files.remove_tree(folder, ignore_errors=True)


def _machine() -> str:
    """Return a name that identifies this machine or container, within which process ids are unique."""
    try:
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        space = 0
    return f"{platform.node()}-{space:x}"


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True
