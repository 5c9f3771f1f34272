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
import struct
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from medmnist_np.cache.binarising import binarised
from medmnist_np.cache.disk import open_without_following
from medmnist_np.cache.manifest import StoredArray
from medmnist_np.errors import ArchiveError
from medmnist_np.registry import Archive, Member

_READ_BYTES = 128 << 10
_WRITE_BYTES = 1 << 20
_QUEUED_CHUNKS = 4

# A .npy header is 128 bytes for any array of ours; this is what NumPy itself accepts without being told to trust.
_HEADER_LIMIT = 10_000

# Deflate level (bits 1 and 2), sizes behind the data (3) and UTF-8 names (11); anything else means encryption,
# patches or hidden headers.
_ALLOWED_FLAGS = 0b1000_0000_1110

_LOCAL_HEADER_BYTES = 30
_END_RECORD_BYTES = 22
_ZIP64_LOCATOR_BYTES = 20

# The directory of an official archive has less than 1 kB.
_DIRECTORY_LIMIT = 64 << 10

_MALFORMED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    SyntaxError,
    TypeError,
    UnicodeError,
    ValueError,
    Warning,
    struct.error,
    tokenize.TokenError,
)


@dataclass(frozen=True, slots=True)
class Extent:
    """A file as it lies in a zip: offset and sizes in bytes."""

    start: int
    compressed_bytes: int
    inflated_bytes: int
    method: int
    crc32: int


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
    return binarised(folder / stored.file) if entry.member.binarised else stored


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


def list_files(stream: BinaryIO, directory_limit: int = _DIRECTORY_LIMIT) -> list[tuple[zipfile.ZipInfo, int]]:
    """Read the directory of a zip; return its files in the order in which they lie, and where what follows each begins.

    A directory of more than ``directory_limit`` bytes is not read.

    Raises
    ------
    ArchiveError
        With a bare reason, for :func:`refusing`.
    """
    total = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, total - _END_RECORD_BYTES))
    end = stream.read(_END_RECORD_BYTES)
    if not end.startswith(b"PK\x05\x06") or end[-2:] != b"\0\0":
        raise ArchiveError("it does not end as a zip does: it is cut short, or something follows it")
    if (directory_bytes := _directory_bytes(stream, total, end)) > directory_limit:
        raise ArchiveError(f"it says that its directory has {directory_bytes} bytes")
    try:
        with zipfile.ZipFile(stream) as directory:
            infos = sorted(directory.infolist(), key=lambda info: info.header_offset)
            directory_start = directory.start_dir
    except (*_MALFORMED, OSError) as error:
        raise ArchiveError(f"it is no readable zip ({error})") from error
    if infos and infos[0].header_offset != 0:
        raise ArchiveError(f"{infos[0].header_offset} bytes stand before the zip")
    limits = [*(info.header_offset for info in infos[1:]), directory_start]
    return list(zip(infos, limits, strict=False))  # of no files, there is one limit


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


def _directory_bytes(stream: BinaryIO, total: int, end: bytes) -> int:
    """Return the size that the end of a zip states for its directory, before :mod:`zipfile` reads so much."""
    size = int.from_bytes(end[12:16], "little")
    if size != 0xFFFF_FFFF:
        return size
    stream.seek(max(0, total - _END_RECORD_BYTES - _ZIP64_LOCATOR_BYTES))
    stream.seek(min(total, int.from_bytes(stream.read(_ZIP64_LOCATOR_BYTES)[8:16], "little")))
    return int.from_bytes(stream.read(48)[40:48], "little")


def find_extent(stream: BinaryIO, info: zipfile.ZipInfo, limit: int) -> Extent:
    """Return where a file of a zip lies; what follows it begins at ``limit``.

    Raises
    ------
    ArchiveError
        With a bare reason, for :func:`refusing`.
    """
    start = _data_start(stream, info)
    if start + info.compress_size > limit:
        raise ArchiveError(f"{info.filename}: it reaches into what follows it")
    return Extent(start, info.compress_size, info.file_size, info.compress_type, info.CRC)


def _data_start(stream: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Return where a file's data starts, after holding its local header against the directory."""
    stream.seek(info.header_offset)
    header = stream.read(_LOCAL_HEADER_BYTES)
    flags, method = int.from_bytes(header[6:8], "little"), int.from_bytes(header[8:10], "little")
    name_bytes, extra_bytes = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
    name = stream.read(name_bytes)
    if not header.startswith(b"PK\x03\x04") or name != info.orig_filename.encode():
        raise ArchiveError(f"{info.filename}: its own header is not the one in the directory")
    if (flags | info.flag_bits) & ~_ALLOWED_FLAGS:
        raise ArchiveError(f"{info.filename}: it is encrypted, or uses features that no .npz has (flags {flags:#x})")
    if method != info.compress_type or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveError(f"{info.filename}: it is compressed by method {method}, neither stored nor deflated")
    return info.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes


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


def inflate(stream: BinaryIO, entry: Extent) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces of at most 1 MiB, and exactly as many as it states."""
    stream.seek(entry.start)
    left_in, left_out = entry.compressed_bytes, entry.inflated_bytes
    inflater = _zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == zipfile.ZIP_DEFLATED else None
    pending = b""
    while left_out or (inflater is not None and not inflater.eof):
        if not pending:
            pending = stream.read(min(_READ_BYTES, left_in))
            left_in -= len(pending)
            if not pending:
                raise EOFError(f"its data ends {left_out} bytes too soon")
        if inflater is None:
            piece, pending = pending, b""
        else:
            # One byte more than is left, so that a member which holds more than it states is noticed.
            piece = inflater.decompress(pending, min(_WRITE_BYTES, left_out + 1))
            pending = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if inflater.eof and len(piece) < left_out:
                raise EOFError(f"its data ends {left_out - len(piece)} bytes too soon")
        left_out -= len(piece)
        if left_out < 0:
            raise EOFError("it holds more bytes than it states")
        if piece:
            yield piece
    if pending or left_in:
        raise EOFError("it holds more bytes than it states")


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
                self.crc32 = _zlib.crc32(chunk, self.crc32)
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
    except (*_MALFORMED, _zlib.error) as error:
        raise ArchiveError(
            f"{archive.file_name} is damaged or not what its record says: {''.join(where)}{error}. Nothing of it was "
            f"kept. Get it again, or compare its digest with {archive.digest}."
        ) from error


def _fastest_zlib() -> Any:
    """Return ``isal.isal_zlib`` where it is installed, else :mod:`zlib`: the same interface."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


_zlib = _fastest_zlib()
