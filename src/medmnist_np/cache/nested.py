"""Unpack a zip of .npz archives to one .npy file per array, with the same strict checks as for a single .npz.

The name of a member is its path in the zip: ``"dermamnist/motion_blur.npz/test_images"``. A stored .npz is read
directly from the zip. A deflated .npz is first inflated to a temporary file next to the arrays, one at a time.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import numpy as np

from medmnist_np import _files
from medmnist_np.cache import npz, zips
from medmnist_np.cache.manifest import StoredArray
from medmnist_np.cache.zips import Extent
from medmnist_np.errors import ArchiveError
from medmnist_np.registry import Archive, Member

KIND = "zip of npz"
"""Value of :attr:`~medmnist_np.registry.Archive.kind` for such archives."""

# Bytes that an .npz may have besides its values: headers, and the overhead of deflating incompressible values.
_FRAME_BYTES = 64 << 10
_SWELLING = 64  # an overhead of 1/64


class Window:
    """A range of bytes of an open file, with the methods of a seekable binary file."""

    def __init__(self, stream: BinaryIO, start: int, n_bytes: int) -> None:
        self._stream, self._start, self._n_bytes, self._position = stream, start, n_bytes, 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position relative to the start, the current position or the end, and return it."""
        position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._n_bytes}[whence]
        if position < 0:
            raise ValueError(f"there is no position {position}")
        self._position = position
        return position

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, or all that remain."""
        left = max(0, self._n_bytes - self._position)
        self._stream.seek(self._start + self._position)
        data = self._stream.read(left if size < 0 else min(size, left))
        self._position += len(data)
        return data


def unpack(
    stream: BinaryIO, archive: Archive, folder: Path, advance: Callable[[int], object] = lambda _: None
) -> dict[str, StoredArray]:
    """Unpack all members of an open zip of .npz archives into a folder.

    Parameters
    ----------
    stream, archive, folder, advance
        See :func:`medmnist_np.cache.npz.unpack`. File names combine the .npz and the array:
        ``motion_blur-test_images.npy``.

    Returns
    -------
    dict of str to StoredArray
        The files by member name.

    Raises
    ------
    ArchiveError
        If anything differs from the record. The caller must remove the files written so far.
    NoSpaceError
        If the disk has no space for a deflated .npz besides the arrays.
    """
    wanted: dict[str, list[Member]] = {}
    for member in archive.members:
        file, _, name = member.name.rpartition("/")
        wanted.setdefault(file, []).append(replace(member, name=name))
    with npz.refusing(archive):
        extents = _located(stream, wanted)
    left = archive.array_bytes
    stored = {}
    for file, extent in sorted(extents.items(), key=lambda item: item[1].start):
        inner = replace(archive, members=tuple(wanted[file]))
        within = f"{file}: "
        with _opened(stream, extent, archive, file, folder, left, advance) as opened:
            for entry in npz.read_directory(opened, inner, within=within):
                array = npz.unpack_entry(opened, entry, inner, folder, advance, within=within)
                path = folder / f"{PurePosixPath(file).stem}-{array.file}"
                _files.move(folder / array.file, path)
                stored[f"{file}/{entry.member.name}"] = replace(array, file=path.name)
                left -= array.bytes
    return stored


def _located(stream: BinaryIO, wanted: Mapping[str, list[Member]]) -> dict[str, Extent]:
    """Return the position of each .npz in the zip. Missing and unexpected files are refused."""
    files = [(info, limit) for info, limit in zips.list_files(stream) if not _is_litter(info)]
    names = [info.orig_filename for info, _ in files]  # filename ends at a NUL
    if sorted(names) != sorted(wanted):
        missing, foreign = sorted(set(wanted) - set(names)), sorted(set(names) - set(wanted))
        raise ArchiveError(
            "; ".join(
                [
                    *([f"it lacks {', '.join(missing)}"] if missing else []),
                    *([f"it holds {', '.join(map(repr, foreign))}, which should not be there"] if foreign else []),
                    *(["it holds a file twice"] if len(set(names)) < len(names) else []),
                ]
            )
        )
    extents = {info.filename: zips.find_extent(stream, info, limit) for info, limit in files}
    for file, extent in extents.items():
        most = sum(member.n_values * max(np.dtype(one).itemsize for one in member.dtypes) for member in wanted[file])
        if extent.inflated_bytes > most + most // _SWELLING + _FRAME_BYTES:
            raise ArchiveError(
                f"{file}: it says to inflate to {extent.inflated_bytes} bytes, and its arrays have {most} at most"
            )
    return extents


def _is_litter(info: zipfile.ZipInfo) -> bool:
    """Return whether a file can be ignored: folders and the metadata files that macOS adds to zips."""
    name = info.orig_filename
    return (name.endswith("/") and not info.file_size) or name.startswith("__MACOSX/") or name.endswith("/.DS_Store")


@contextmanager
def _opened(
    stream: BinaryIO,
    extent: Extent,
    archive: Archive,
    file: str,
    folder: Path,
    array_bytes: int,
    advance: Callable[[int], object],
) -> Iterator[BinaryIO]:
    """Yield an .npz of the zip as a separate binary file."""
    if extent.method == zipfile.ZIP_STORED:
        yield cast("BinaryIO", Window(stream, extent.start, extent.compressed_bytes))
        return
    _files.require_space(folder, array_bytes + extent.inflated_bytes, f"unpack {archive.file_name}")
    scratch = folder / "inflated.npz"
    try:
        with npz.refusing(archive, f"{file}: "):
            _inflate_to(scratch, stream, extent, advance)
        with open(scratch, "rb") as inflated:
            yield inflated
    finally:
        scratch.unlink(missing_ok=True)


def _inflate_to(scratch: Path, stream: BinaryIO, extent: Extent, advance: Callable[[int], object]) -> None:
    crc32 = 0
    with open(scratch, "xb", opener=_files.open_without_following) as target:
        for chunk in zips.inflate(stream, extent):
            target.write(chunk)
            crc32 = zlib.crc32(chunk, crc32)
            advance(0)  # only bytes of arrays count as progress; this keeps the display alive
    if crc32 != extent.crc32:
        raise ArchiveError(f"its CRC-32 is {crc32:08x}, and {extent.crc32:08x} is what the zip states")
