"""Read files in place from a tar, a zip or a folder: each file is a range of bytes, and nothing is extracted.

Archives are not trusted. Each header is checked against what a regular archive of volumes contains before it is used;
names are only compared, and never become paths to write to.
"""

from __future__ import annotations

import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from medmnist_np import _files
from medmnist_np.cache import zips
from medmnist_np.cache.archives import Verified
from medmnist_np.errors import ArchiveError

_BLOCK_BYTES = 512

# The largest set, BraTS 2021, has about 9,000 entries; a folder may have others.
_MOST_FILES = 50_000

# What a name behind a header of its own may take, or attributes that macOS adds.
_HEADER_LIMIT = 1 << 20

# The directory of a zip of 10,000 files has about 1 MB.
_DIRECTORY_LIMIT = 32 << 20

_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)

# Of what a pax header can say, this changes what is read. The other keys are times, owners and comments.
_PAX_CHANGES = re.compile("path|size|linkpath|hdrcharset|GNU.sparse.*")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a set: a range of bytes of a file on disk, small to pickle for workers.

    Attributes
    ----------
    name : str
        Path within the archive or folder, with ``/`` as separator.
    path : str
        The file on disk: the archive, or the file itself in a folder.
    start, stored_bytes : int
        Position in the file on disk and stored length, in bytes.
    n_bytes : int
        Uncompressed size in bytes; differs from ``stored_bytes`` if the file is deflated.
    crc32 : int or None
        CRC-32 of the content, if the archive has it.
    deflated : bool
        Whether the file is deflated, as members of a zip may be.
    version : tuple of int
        Inode, size and modification time (ns) of the file on disk when listed, to detect later changes.
    """

    name: str
    path: str
    start: int
    stored_bytes: int
    n_bytes: int
    version: tuple[int, int, int]
    deflated: bool = False
    crc32: int | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the content in pieces of at most 1 MiB.

        Raises
        ------
        ArchiveError
            If the file was changed since it was listed, ends early, or does not match its CRC-32.
        """
        method = zipfile.ZIP_DEFLATED if self.deflated else zipfile.ZIP_STORED
        extent = zips.Extent(self.start, self.stored_bytes, self.n_bytes, method, self.crc32 or 0)
        with Path(self.path).open("rb", buffering=0) as stream:
            if _version(os.fstat(stream.fileno())) != self.version:
                raise ArchiveError(f"{self.path} changed while it was read. Try again")
            crc32 = 0
            try:
                for chunk in zips.inflate(stream, extent):
                    if self.crc32 is not None:
                        crc32 = zlib.crc32(chunk, crc32)
                    yield chunk
            except (EOFError, zlib.error, zips.fast_zlib.error) as error:
                raise ArchiveError(f"{self.name} is damaged: {error}") from error
            if self.crc32 not in (None, crc32):
                raise ArchiveError(f"{self.name} is damaged: its CRC-32 is {crc32:08x}, not {self.crc32:08x}")


def archive_files(archive: Verified, kind: str) -> dict[str, StoredFile]:
    """List the files of a verified archive of kind ``"tar"`` or ``"zip"``.

    Companion files of macOS (``._*``, ``.DS_Store``, ``__MACOSX``) are left out.

    Raises
    ------
    ArchiveError
        If an entry is not a regular file or folder, has an unsafe or repeated name, or is cut short.
    """
    try:
        listed = _zip_files(archive) if kind == "zip" else _tar_files(archive)
        return {file.name: file for file in _checked(listed)}
    except (*zips.MALFORMED, tarfile.TarError) as error:
        raise ArchiveError(
            f"{archive.path} is damaged or hostile: {error}. Nothing was kept. Download it again from its "
            "official address."
        ) from error


def stored_file(file: Path) -> StoredFile:
    """Return a single file on disk.

    Raises
    ------
    OSError
        If the file does not exist or is not a regular file.
    """
    with open(file, "rb", opener=_files.regular_only) as stream:
        state = os.fstat(stream.fileno())
    return StoredFile(file.name, str(file), 0, state.st_size, state.st_size, _version(state))


def folder_files(folder: Path) -> dict[str, StoredFile]:
    """List the files in a folder recursively, following links; companion files of macOS are left out.

    Raises
    ------
    ArchiveError
        If there are far too many files, or a link is broken.
    """
    try:
        return {file.name: file for file in _checked(_walk(folder))}
    except ArchiveError as error:
        raise ArchiveError(f"{folder} cannot be used: {error}. Name the folder of the data set itself.") from error


def _checked(files: Iterator[StoredFile | None]) -> Iterator[StoredFile]:
    """Yield the files of the set; None is an entry of another kind, which is only counted."""
    seen: set[str] = set()
    for number, file in enumerate(files):
        if number >= _MOST_FILES:
            raise ArchiveError(f"it has more than {_MOST_FILES} entries")
        if file is None:
            continue
        if file.name in seen:
            raise ArchiveError(f"it holds {file.name!r} twice")
        seen.add(file.name)
        if not any(part.startswith("._") or part in (".DS_Store", "__MACOSX") for part in file.name.split("/")):
            yield file


def _plain_name(name: str) -> str:
    """Return a name without leading ``./``; raise an error for a name that leads outside."""
    parts = name.removesuffix("/").split("/")
    while parts[0] == "." and len(parts) > 1:
        parts = parts[1:]
    if "\\" in name or "\0" in name or re.match("[A-Za-z]:", name) or not {"", ".", ".."}.isdisjoint(parts):
        raise ArchiveError(f"it holds {name!r}, a path outside the archive")
    return "/".join(parts)


def _version(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_ino, state.st_size, state.st_mtime_ns


# A tar


def _tar_files(archive: Verified) -> Iterator[StoredFile | None]:
    stream = archive.stream
    state = os.fstat(stream.fileno())
    position, changes = 0, dict[str, str]()
    while (block := _block(stream, position)).count(0) != _BLOCK_BYTES:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        start = position + _BLOCK_BYTES
        size = int(changes.get("size", info.size))
        position = start + -(-size // _BLOCK_BYTES) * _BLOCK_BYTES
        if not 0 <= size <= state.st_size - start:
            raise ArchiveError(f"{info.name!r} should have {size} bytes, but the archive ends earlier")
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE):
            # Headers that belong to the next one.
            changes |= _changes(info, _read(stream, start, size))
            yield None
            continue
        name = changes.get("path", info.name)
        changes = {}
        if info.isdir():
            yield None
        elif info.type in _REGULAR:
            yield StoredFile(_plain_name(name), str(archive.path), start, size, size, _version(state))
        else:
            raise ArchiveError(f"it holds {name!r}, which is a link, a device or the like (type {info.type!r})")


def _block(stream: BinaryIO, position: int) -> bytes:
    stream.seek(position)
    block = stream.read(_BLOCK_BYTES)
    if len(block) != _BLOCK_BYTES:
        raise ArchiveError("it is truncated: the end of its table is missing")
    return block


def _read(stream: BinaryIO, start: int, size: int) -> bytes:
    if size > _HEADER_LIMIT:
        raise ArchiveError(f"it has a header of {size} bytes")
    stream.seek(start)
    return stream.read(size)


def _changes(info: tarfile.TarInfo, data: bytes) -> dict[str, str]:
    """Return what a header sets for the next one: its name, or pax keys."""
    if info.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": data.partition(b"\0")[0].decode("utf-8", "surrogateescape")}
    found = {}
    while data.strip(b"\0"):
        # A line is its own length, a space, key=value and a line feed.
        length, _, _ = data.partition(b" ")
        line, data = data[: int(length)], data[int(length) :]
        key, is_one, value = line[len(length) + 1 : -1].partition(b"=")
        if not is_one or line[-1:] != b"\n":
            raise ArchiveError("it has an invalid pax header")
        if _PAX_CHANGES.fullmatch(name := key.decode()):
            found[name] = value.decode("utf-8", "surrogateescape")
    allowed = {"path", "size"} if info.type == tarfile.XHDTYPE else set()
    if not found.keys() <= allowed:
        raise ArchiveError(f"it has a pax header with {', '.join(sorted(found.keys() - allowed))}")
    return found


# A zip


def _zip_files(archive: Verified) -> Iterator[StoredFile | None]:
    state = os.fstat(archive.stream.fileno())
    for info, limit in zips.list_files(archive.stream, _DIRECTORY_LIMIT):
        extent = zips.find_extent(archive.stream, info, limit)
        if info.is_dir():
            yield None
            continue
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise ArchiveError(f"it holds {info.filename!r}, which is a link, a device or the like")
        deflated = extent.method == zipfile.ZIP_DEFLATED
        room = most_inflated(extent.compressed_bytes) if deflated else extent.compressed_bytes
        if extent.inflated_bytes > room:
            raise ArchiveError(f"{info.filename!r} claims {extent.inflated_bytes} bytes, more than it can hold")
        yield StoredFile(
            _plain_name(info.orig_filename),
            str(archive.path),
            extent.start,
            extent.compressed_bytes,
            extent.inflated_bytes,
            _version(state),
            deflated=deflated,
            crc32=extent.crc32,
        )


def most_inflated(n_bytes: int) -> int:
    """Return more than what so many deflated bytes can become: at best 258 bytes of two bits."""
    return (n_bytes + 1) * 1032


# A folder


def _walk(folder: Path) -> Iterator[StoredFile | None]:
    def refuse(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        above = Path(place).relative_to(folder)
        folders.sort()
        if len(above.parts) > 16:
            raise ArchiveError(f"{place} is nested too deeply: a link leads back to its own folder")
        yield from (None for _ in folders)
        for name in sorted(names):
            file = Path(place, name)
            try:
                state = file.stat()
            except FileNotFoundError:
                raise ArchiveError(f"{file} is a link to a missing file") from None
            if stat.S_ISREG(state.st_mode):
                size = state.st_size
                yield StoredFile((above / name).as_posix(), str(file), 0, size, size, _version(state))
