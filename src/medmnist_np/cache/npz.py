"""A strict reader of .npz archives that streams each member to a .npy file.

An .npz member is a .npy file in a zip, so unpacking is inflating: memory stays flat whatever the size. Archives are
hostile until proven: before a member is inflated, its name, flags, method and extent are checked; before it is kept,
its .npy header, size and CRC-32. The bound on its size is the record's own shape, not a ratio (real archives
inflate more than 200 times).
"""

from __future__ import annotations

import hashlib
import io
import os
import queue
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from medmnist_np._files import open_without_following
from medmnist_np.cache import zips
from medmnist_np.cache.binarising import class_numbers
from medmnist_np.cache.manifest import StoredArray
from medmnist_np.cache.zips import MALFORMED, Extent, find_extent, inflate, list_files
from medmnist_np.errors import ArchiveError
from medmnist_np.registry import Archive, Member

_QUEUED_CHUNKS = 4

# A .npy header is 128 bytes for any array of ours; this is what NumPy itself accepts without being told to trust.
_HEADER_LIMIT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Extent):
    """One member as it lies in the archive."""

    member: Member


def unpack(
    stream: BinaryIO, archive: Archive, folder: Path, advance: Callable[[int], object] = lambda _: None
) -> dict[str, StoredArray]:
    """Unpack all members of an open archive into a folder as .npy files.

    Parameters
    ----------
    stream : binary file
        The archive. It is read through this very object, so a file that was verified stays the file that is read.
    archive : Archive
        What it must hold.
    folder : Path
        An existing folder, of the caller's own. Files in it are synced to disk.
    advance : callable
        Called with the number of bytes written, now and then.

    Returns
    -------
    dict of str to StoredArray
        By member name.

    Raises
    ------
    ArchiveError
        If anything is not as the record says. Files written so far are left to the caller.
    """
    entries = read_directory(stream, archive)
    return {entry.member.name: unpack_entry(stream, entry, archive, folder, advance) for entry in entries}


def unpack_entry(
    stream: BinaryIO,
    entry: Entry,
    archive: Archive,
    folder: Path,
    advance: Callable[[int], object] = lambda _: None,
    *,
    within: str = "",
) -> StoredArray:
    """Unpack one member, as :func:`unpack` does all; ``within`` as of :func:`read_directory`."""
    with refusing(archive, within, f"{entry.member.name}.npy: "):
        stored = _unpack_member(stream, entry, folder / f"{entry.member.name}.npy", advance)
        if entry.member.highest is None:
            return stored
        return class_numbers(folder / stored.file, stored, entry.member.highest, binarise=entry.member.binarised)


def read_directory(
    stream: BinaryIO, archive: Archive, only: Collection[str] | None = None, *, within: str = ""
) -> list[Entry]:
    """Read the directory of an archive and check it against the record, without inflating anything.

    Parameters
    ----------
    stream : binary file
        The archive; it must do ``seek``, ``tell`` and ``read``.
    archive : Archive
        What it must hold.
    only : collection of str, optional
        Names of members. The local headers of others are not read.
    within : str
        Put before the reason in errors; where the .npz is itself a file in the archive, its name and a colon.

    Returns
    -------
    list of Entry
        In the order in which they lie.

    Raises
    ------
    ArchiveError
        If a member is missing, foreign, doubled, overlapping, encrypted, oversized or oddly compressed, or if there
        are bytes before or behind the zip.
    """
    with refusing(archive, within):
        return _read_directory(stream, archive, only)


def _read_directory(stream: BinaryIO, archive: Archive, only: Collection[str] | None) -> list[Entry]:
    files = list_files(stream)
    wanted = {f"{member.name}.npy": member for member in archive.members}
    names = sorted(info.orig_filename for info, _ in files)  # filename ends at a NUL
    required = {f"{member.name}.npy" for member in archive.members if not member.optional}
    foreign = set(names) - set(wanted) if archive.exact else set()
    if not names or len(set(names)) < len(names) or not required <= set(names) or foreign:
        raise ArchiveError(f"it holds {', '.join(names) or 'nothing'}, not {', '.join(sorted(wanted))}")
    entries = []
    for info, limit in files:
        member = wanted.get(info.filename)
        if member is not None and (only is None or member.name in only):
            extent = find_extent(stream, info, limit)
            entries.append(Entry(member=member, **asdict(extent)))
            _check_size(entries[-1])
    return entries


def _check_size(entry: Entry) -> None:
    widest = max(np.dtype(dtype).itemsize for dtype in entry.member.dtypes)
    if not entry.member.n_values <= entry.inflated_bytes <= entry.member.n_values * widest + _HEADER_LIMIT:
        raise ArchiveError(
            f"{entry.member.name}.npy: it says to inflate to {entry.inflated_bytes} bytes, "
            f"which no array of shape {entry.member.shape} does"
        )


def _unpack_member(stream: BinaryIO, entry: Entry, path: Path, advance: Callable[[int], object]) -> StoredArray:
    chunks = inflate(stream, entry)
    first = next(chunks, b"")
    dtype, order, offset = _check_header(first, entry)
    with open(path, "xb", buffering=0, opener=open_without_following) as target, _Writer(target) as writer:
        while first:
            writer.put(first)
            advance(len(first))
            first = next(chunks, b"")
        writer.finish()
        os.fsync(target.fileno())
    if writer.crc32 != entry.crc32:
        raise ArchiveError(f"its CRC-32 is {writer.crc32:08x}, and {entry.crc32:08x} is what the zip states")
    return StoredArray(
        file=path.name,
        shape=entry.member.shape,
        dtype=dtype.str,
        order=order,
        offset=offset,
        bytes=entry.inflated_bytes,
        crc32=f"{writer.crc32:08x}",
        sha256=writer.sha256.hexdigest(),
    )


def _check_header(first: bytes, entry: Entry) -> tuple[np.dtype[Any], str, int]:
    """Return dtype, memory order and data offset of the .npy file that starts with these bytes."""
    head = io.BytesIO(first[: _HEADER_LIMIT + 12])
    version = np.lib.format.read_magic(head)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ArchiveError(f"its .npy format is version {version}; 1.0 and 2.0 are known")
    shape, fortran_order, dtype = readers[version](head)
    member = entry.member
    if shape != member.shape or dtype.name not in member.dtypes:
        raise ArchiveError(
            f"it is an array {shape} of {dtype}, and the record says {member.shape} of {' or '.join(member.dtypes)}"
        )
    # A 2D table in column order is mapped as such; column order for images would make every item a scattered read.
    if fortran_order and len(shape) > 2:
        raise ArchiveError("its values are in Fortran order")
    if head.tell() + member.n_values * dtype.itemsize != entry.inflated_bytes:
        raise ArchiveError(f"it has {entry.inflated_bytes} bytes, and not what its header and shape add up to")
    return dtype, "F" if fortran_order else "C", head.tell()


class _Writer:
    """Writes and hashes in a thread of its own, so that inflating need not wait. All three release the GIL.

    ``crc32`` and ``sha256`` are those of all that was put, once it is finished.
    """

    def __init__(self, target: io.RawIOBase) -> None:
        self.crc32, self.sha256 = 0, hashlib.sha256()
        self._target = target
        self._queue: queue.Queue[bytes | None] = queue.Queue(_QUEUED_CHUNKS)
        self._error: OSError | MemoryError | None = None
        self._thread = threading.Thread(target=self._run, name="medmnist-np-writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def put(self, chunk: bytes) -> None:
        if self._error is not None:
            raise self._error
        self._queue.put(chunk)

    def finish(self) -> None:
        """Wait until all is written, and raise what went wrong on the way."""
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (chunk := self._queue.get()) is not None:
            if self._error is not None:
                continue
            try:
                self.crc32 = zips.fast_zlib.crc32(chunk, self.crc32)
                self.sha256.update(chunk)
                view = memoryview(chunk)
                while view:
                    view = view[self._target.write(view) :]
            except (OSError, MemoryError) as error:
                self._error = error


@contextmanager
def refusing(archive: Archive, *where: str) -> Iterator[None]:
    """Turn whatever a malformed archive brings about into :class:`ArchiveError` that names it, and where in it."""
    try:
        yield
    except (*MALFORMED, zips.fast_zlib.error) as error:
        raise ArchiveError(
            f"{archive.file_name} is damaged or not what its record says: {''.join(where)}{error}. Nothing of it was "
            f"kept. Get it again, or compare its digest with {archive.digest}."
        ) from error
