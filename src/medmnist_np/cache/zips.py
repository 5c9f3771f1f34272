"""A strict reader of zips: its directory, where a file in it lies, and the bytes of one, inflated as a stream.

Archives are hostile until proven: before anything is inflated, flags, method and extent are checked. What is raised
here is a bare reason; the caller says of which archive.
"""

from __future__ import annotations

import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from medmnist_np.errors import ArchiveError

_READ_BYTES = 128 << 10
_WRITE_BYTES = 1 << 20

# Deflate level (bits 1 and 2), sizes behind the data (3) and UTF-8 names (11); anything else means encryption,
# patches or hidden headers.
_ALLOWED_FLAGS = 0b1000_0000_1110

_LOCAL_HEADER_BYTES = 30
_END_RECORD_BYTES = 22
_ZIP64_LOCATOR_BYTES = 20

# The directory of an official archive has less than 1 kB.
_DIRECTORY_LIMIT = 64 << 10

#: What Python's own readers raise of damaged archives and arrays.
MALFORMED = (
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


def _fastest_zlib() -> Any:
    """Return ``isal.isal_zlib`` where it is installed, else :mod:`zlib`: the same interface."""
    try:
        from isal import __version__, isal_zlib
    except ImportError:
        return zlib
    # Older ones do not see bytes behind the end of a stream.
    return isal_zlib if tuple(map(int, __version__.split(".")[:2])) >= (1, 9) else zlib


#: Inflates; may be replaced by another module of the same interface.
fast_zlib = _fastest_zlib()


@dataclass(frozen=True, slots=True)
class Extent:
    """A file as it lies in a zip: offset and sizes in bytes."""

    start: int
    compressed_bytes: int
    inflated_bytes: int
    method: int
    crc32: int


def list_files(stream: BinaryIO, directory_limit: int = _DIRECTORY_LIMIT) -> list[tuple[zipfile.ZipInfo, int]]:
    """Read the directory of a zip; return its files in the order in which they lie, and where what follows each begins.

    A directory of more than ``directory_limit`` bytes is not read.

    Raises
    ------
    ArchiveError
        With a bare reason, for :func:`~medmnist_np.cache.npz.refusing`.
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
    except (*MALFORMED, OSError) as error:
        raise ArchiveError(f"it is no readable zip ({error})") from error
    if infos and infos[0].header_offset != 0:
        raise ArchiveError(f"{infos[0].header_offset} bytes stand before the zip")
    limits = [*(info.header_offset for info in infos[1:]), directory_start]
    return list(zip(infos, limits, strict=False))  # of no files, there is one limit


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
        With a bare reason, for :func:`~medmnist_np.cache.npz.refusing`.
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


def inflate(stream: BinaryIO, entry: Extent) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces of at most 1 MiB, and exactly as many as it states."""
    stream.seek(entry.start)
    left_in, left_out = entry.compressed_bytes, entry.inflated_bytes
    inflater = fast_zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == zipfile.ZIP_DEFLATED else None
    pending, full = b"", False
    while left_out or (inflater is not None and not inflater.eof):
        # Behind a full piece the inflater may hold some more, of bytes that it has taken.
        if not pending and not full:
            pending = stream.read(min(_READ_BYTES, left_in))
            left_in -= len(pending)
            if not pending:
                raise EOFError(f"its data ends {left_out} bytes too soon")
        if inflater is None:
            piece, pending = pending, b""
        else:
            # One byte more than is left, so that a member which holds more than it states is noticed.
            most = min(_WRITE_BYTES, left_out + 1)
            piece = inflater.decompress(pending, most)
            full = len(piece) == most
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
