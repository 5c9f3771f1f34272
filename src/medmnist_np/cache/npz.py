"""A strict reader of .npz archives that streams each member to a .npy file."""

from __future__ import annotations

import hashlib
import io
import os
import queue
import threading
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np._files import open_without_following
from medmnist_np.cache import zips
from medmnist_np.cache.manifest import StoredArray, stored_array
from medmnist_np.cache.zips import MALFORMED, Extent, find_extent, inflate, list_files
from medmnist_np.errors import ArchiveError
from medmnist_np.registry import Archive, Member

_BLOCK_BYTES = 4 << 20


def class_numbers(file: Path, stored: StoredArray, highest: int, *, binarise: bool) -> StoredArray:
    """Check that labels or masks are class numbers, and replace the file by one of uint8 if it is of another dtype.

    Parameters
    ----------
    file : Path
        An .npy file of integers or bool.
    stored : StoredArray
        What it is.
    highest : int
        The highest class number, at most 255.
    binarise : bool
        Whether every value but 0 means class 1; the file is rewritten so.

    Returns
    -------
    StoredArray
        What the file is now. The checksums of a rewritten file are its own, not those in the archive.

    Raises
    ------
    ArchiveError
        If there are values below 0 or above ``highest``.
    """
    if not binarise:
        _check_values(file, highest)
        if stored.dtype == "|u1":
            return stored
    with _files.in_one_step(file) as fresh, fresh.open("xb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": stored.shape})
        offset = stream.tell()
        for block in _blocks(file):
            stream.write((block != 0 if binarise else block).astype(np.uint8, order="C").data)
    return stored_array(file, stored.shape, "|u1", offset)


def _check_values(file: Path, highest: int) -> None:
    extremes = [(int(block.min()), int(block.max())) for block in _blocks(file)]
    lowest_found = min((low for low, _ in extremes), default=0)
    highest_found = max((high for _, high in extremes), default=0)
    if lowest_found < 0 or highest_found > highest:
        raise ArchiveError(
            f"its values go from {lowest_found} to {highest_found}, and the classes of the record are 0 to {highest}"
        )


def _blocks(file: Path) -> Iterator[NDArray[Any]]:
    """Yield the values of an .npy file in blocks of some MB, so that memory stays flat.

    Blocks are copies: the file is not mapped any more after the last one, and can be replaced.
    """
    values = np.load(file, mmap_mode="r", allow_pickle=False)
    step = max(1, _BLOCK_BYTES // max(1, values[:1].nbytes))
    for start in range(0, len(values), step):
        yield np.array(values[start : start + step])


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


_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_members(stream: BinaryIO) -> tuple[Member, ...]:
    """Return name, shape and dtype of each array, as its header has them. Nothing more is inflated or believed.

    With these, :func:`~medmnist_np.cache.npz.read_directory` and
    :func:`~medmnist_np.cache.npz.unpack_entry` hold such an archive to what it says itself.

    Raises
    ------
    ArchiveError
        If it is no .npz archive.
    """
    files = list_files(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            return tuple(_member(archive, info.filename) for info, _ in files)
    except (*MALFORMED, RuntimeError, OSError) as error:
        raise ArchiveError(f"it is no readable archive of arrays ({error})") from error


def _member(archive: zipfile.ZipFile, name: str) -> Member:
    if not name.endswith(".npy"):
        raise ValueError(f"{name} is no array")
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"the .npy format of {name} is version {version}")
        shape, _, dtype = _HEADERS[version](stream)
    return Member(name.removesuffix(".npy"), shape, (dtype.name,))
