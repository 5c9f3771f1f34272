"""A strict reader of zips: read the directory, locate a file, and inflate it as a stream.

Archives are not trusted: flags, compression method, position and size are checked before anything is inflated. Errors
raised here hold only a reason; the caller adds the name of the archive.
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

# Deflate level (bits 1 and 2), sizes after the data (3) and UTF-8 names (11). Any other flag means encryption, patches
# or hidden headers.
_ALLOWED_FLAGS = 0b1000_0000_1110

_LOCAL_HEADER_BYTES = 30
_END_RECORD_BYTES = 22
_ZIP64_LOCATOR_BYTES = 20

# The directory of an official archive is smaller than 1 kB.
_DIRECTORY_LIMIT = 64 << 10

#: Errors that Python's and NumPy's readers raise for damaged archives and arrays.
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
    """Return ``isal.isal_zlib`` if it is installed, else :mod:`zlib`, which has the same interface."""
    try:
        from isal import __version__, isal_zlib
    except ImportError:
        return zlib
    # Older versions do not detect bytes after the end of a stream.
    return isal_zlib if tuple(map(int, __version__.split(".")[:2])) >= (1, 9) else zlib


#: The module that inflates. It may be replaced by another one with the same interface.
fast_zlib = _fastest_zlib()


@dataclass(frozen=True, slots=True)
class Extent:
    """The position of a file in a zip. Offset and sizes are in bytes."""

    start: int
    compressed_bytes: int
    inflated_bytes: int
    method: int
    crc32: int


def list_files(stream: BinaryIO, directory_limit: int = _DIRECTORY_LIMIT) -> list[tuple[zipfile.ZipInfo, int]]:
    """Read the directory of a zip. Return its files in order of offset, each with the offset of what follows it.

    Refuse a directory of more than ``directory_limit`` bytes.

    Raises
    ------
    ArchiveError
        If the zip is malformed. The error has only a reason; see :func:`~medmnist_np.cache.npz.refusing`.
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
        raise ArchiveError(f"it is not a readable zip file ({error})") from error
    if infos and infos[0].header_offset != 0:
        raise ArchiveError(f"{infos[0].header_offset} bytes stand before the zip")
    limits = [*(info.header_offset for info in infos[1:]), directory_start]
    return list(zip(infos, limits, strict=False))  # without files, there is one limit


def _directory_bytes(stream: BinaryIO, total: int, end: bytes) -> int:
    """Return the size of the directory from the end of a zip, to check it before :mod:`zipfile` reads it."""
    size = int.from_bytes(end[12:16], "little")
    if size != 0xFFFF_FFFF:
        return size
    stream.seek(max(0, total - _END_RECORD_BYTES - _ZIP64_LOCATOR_BYTES))
    stream.seek(min(total, int.from_bytes(stream.read(_ZIP64_LOCATOR_BYTES)[8:16], "little")))
    return int.from_bytes(stream.read(48)[40:48], "little")


def find_extent(stream: BinaryIO, info: zipfile.ZipInfo, limit: int) -> Extent:
    """Return the position of a file in a zip. ``limit`` is the start of the next entry.

    Raises
    ------
    ArchiveError
        If the zip is malformed. The error has only a reason; see :func:`~medmnist_np.cache.npz.refusing`.
    """
    start = _data_start(stream, info)
    if start + info.compress_size > limit:
        raise ArchiveError(f"{info.filename}: it reaches into what follows it")
    return Extent(start, info.compress_size, info.file_size, info.compress_type, info.CRC)


def _data_start(stream: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Return the offset of a file's data, after comparing its local header with the directory."""
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
    """Yield the bytes of a file in pieces of at most 1 MiB, exactly as many as the directory states."""
    stream.seek(entry.start)
    left_in, left_out = entry.compressed_bytes, entry.inflated_bytes
    inflater = fast_zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == zipfile.ZIP_DEFLATED else None
    pending, full = b"", False
    while left_out or (inflater is not None and not inflater.eof):
        # After a full piece, the inflater may hold more output from input that it has already consumed.
        if not pending and not full:
            pending = stream.read(min(_READ_BYTES, left_in))
            left_in -= len(pending)
            if not pending:
                raise EOFError(f"its data ends {left_out} bytes too soon")
        if inflater is None:
            piece, pending = pending, b""
        else:
            # Ask for one byte more than is left, to detect a member that is larger than stated.
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
