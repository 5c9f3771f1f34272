"""A strict reader of .npz archives that streams each member to a .npy file."""

from __future__ import annotations

import hashlib
import io
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
    """Check that labels or masks are class numbers, and convert the file to uint8 if it has another dtype.

    Parameters
    ----------
    file : Path
        An .npy file of integers or bool.
    stored : StoredArray
        Its entry in the manifest.
    highest : int
        The highest class number, at most 255.
    binarise : bool
        Whether to replace every value except 0 with 1.

    Returns
    -------
    StoredArray
        The new entry of the file. A rewritten file has its own checksums, not those from the archive.

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
    """Yield the values of an .npy file in blocks of a few MB, to limit memory use.

    Blocks are copies. After the last one the file is no longer mapped and can be replaced.
    """
    values = np.load(file, mmap_mode="r", allow_pickle=False)
    step = max(1, _BLOCK_BYTES // max(1, values[:1].nbytes))
    for start in range(0, len(values), step):
        yield np.array(values[start : start + step])


_QUEUED_CHUNKS = 4

# Our .npy headers have 128 bytes. This is the limit that NumPy itself applies to untrusted files.
_HEADER_LIMIT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Extent):
    """One member of the archive and its position."""

    member: Member


def unpack(
    stream: BinaryIO, archive: Archive, folder: Path, advance: Callable[[int], object] = lambda _: None
) -> dict[str, StoredArray]:
    """Unpack all members of an open archive into a folder as .npy files.

    Parameters
    ----------
    stream : binary file
        The archive. It is not opened again, so the bytes read are the bytes that were verified.
    archive : Archive
        The record, which the content must match.
    folder : Path
        An existing folder that only the caller uses. Files in it are synced to disk.
    advance : callable
        Called repeatedly with the number of bytes written since the last call.

    Returns
    -------
    dict of str to StoredArray
        The files by member name.

    Raises
    ------
    ArchiveError
        If anything differs from the record. The caller must remove the files written so far.
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
    """Unpack one member. See :func:`unpack`, and :func:`read_directory` for ``within``."""
    with refusing(archive, within, f"{entry.member.name}.npy: "):
        stored = _unpack_member(stream, entry, folder / f"{entry.member.name}.npy", advance)
        if entry.member.highest is None:
            return stored
        return class_numbers(folder / stored.file, stored, entry.member.highest, binarise=entry.member.binarised)


def read_directory(
    stream: BinaryIO, archive: Archive, only: Collection[str] | None = None, *, within: str = ""
) -> list[Entry]:
    """Read the directory of an archive and check it against the record without inflating anything.

    Parameters
    ----------
    stream : binary file
        The archive. It must support ``seek``, ``tell`` and ``read``.
    archive : Archive
        The record, which the content must match.
    only : collection of str, optional
        Names of members. The local headers of others are not read.
    within : str
        Prefix of the reason in errors: for an .npz inside the archive, its name and a colon.

    Returns
    -------
    list of Entry
        The members in file order.

    Raises
    ------
    ArchiveError
        If a member is missing, unexpected, duplicated, overlapping, encrypted, too large or compressed with an
        unsupported method, or if there are bytes before or after the zip.
    """
    with refusing(archive, within):
        return _read_directory(stream, archive, only)


def _read_directory(stream: BinaryIO, archive: Archive, only: Collection[str] | None) -> list[Entry]:
    files = list_files(stream)
    wanted = {f"{member.name}.npy": member for member in archive.members}
    names = sorted(info.orig_filename for info, _ in files)  # ZipInfo cuts filename at a NUL
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
        _files.sync(target.fileno())
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
    # A 2D table in column order can be mapped. Images in column order cannot: each item would need scattered reads.
    if fortran_order and len(shape) > 2:
        raise ArchiveError("its values are in Fortran order")
    if head.tell() + member.n_values * dtype.itemsize != entry.inflated_bytes:
        raise ArchiveError(f"it has {entry.inflated_bytes} bytes, and not what its header and shape add up to")
    return dtype, "F" if fortran_order else "C", head.tell()


class _Writer:
    """Write and hash in a separate thread, in parallel with inflating. All three release the GIL.

    Once finished, ``crc32`` and ``sha256`` are the checksums of all bytes passed to ``put``.
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
        """Wait until everything is written, and raise the error of the thread if there was one."""
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
    """Convert any error from a malformed archive to :class:`ArchiveError`, naming the archive and the place in it."""
    try:
        yield
    except (*MALFORMED, zips.fast_zlib.error) as error:
        raise ArchiveError(
            f"{archive.file_name} is damaged or not what its record says: {''.join(where)}{error}. Nothing of it was "
            f"kept. Get it again, or compare its checksum with {archive.digest}."
        ) from error


_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_members(stream: BinaryIO) -> tuple[Member, ...]:
    """Return the name, shape and dtype of each array from its header. Nothing else is inflated or trusted.

    With these, :func:`~medmnist_np.cache.npz.read_directory` and
    :func:`~medmnist_np.cache.npz.unpack_entry` check an archive without a record for consistency.

    Raises
    ------
    ArchiveError
        If it is not an .npz archive.
    """
    files = list_files(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            return tuple(_member(archive, info.filename) for info, _ in files)
    except (*MALFORMED, RuntimeError, OSError) as error:
        raise ArchiveError(f"it is not a readable archive of arrays ({error})") from error


def _member(archive: zipfile.ZipFile, name: str) -> Member:
    if not name.endswith(".npy"):
        raise ValueError(f"{name} is not an array")
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"the .npy format of {name} is version {version}")
        shape, _, dtype = _HEADERS[version](stream)
    return Member(name.removesuffix(".npy"), shape, (dtype.name,))
