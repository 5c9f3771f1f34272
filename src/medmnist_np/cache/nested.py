"""Unpack a zip or folder of .npz archives to one .npy file per array, with the same strict checks as for a single .npz.

The name of a member is its path in the zip: ``"dermamnist/motion_blur.npz/test_images"``. A stored .npz is read
directly from the zip. A deflated .npz is first inflated to a temporary file next to the arrays, one at a time.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
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

# The directory of a zip may list many other files besides the archives. They are ignored.
_DIRECTORY_LIMIT = 4 << 20


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
    source: BinaryIO | Path, archive: Archive, folder: Path, advance: Callable[[int], object] = lambda _: None
) -> dict[str, StoredArray]:
    """Unpack all arrays of the .npz archives in an open zip or a folder.

    Parameters
    ----------
    source : binary file or Path
        The zip or folder. An .npz may have additional parent folders, or be at the top level without its folder. Other
        files are ignored.
    archive, folder, advance
        See :func:`medmnist_np.cache.npz.unpack`. File names combine the .npz and the array:
        ``motion_blur-test_images.npy``.

    Returns
    -------
    dict of str to StoredArray
        The files by member name.

    Raises
    ------
    ArchiveError
        If an archive is missing, several archives have the same name, or an array differs from the record. The caller
        must remove the files written so far.
    NoSpaceError
        If the disk has too little space for the arrays and the temporary file of a deflated .npz.
    """
    wanted: dict[str, list[Member]] = {}
    for member in archive.members:
        file, _, name = member.name.rpartition("/")
        wanted.setdefault(file, []).append(replace(member, name=name))
    left = archive.array_bytes
    stored = {}
    for file, opening in _located(source, wanted, archive, folder, advance):
        inner = replace(archive, members=tuple(wanted[file]))
        within = f"{file}: "
        with opening(left) as opened:
            for entry in npz.read_directory(opened, inner, within=within):
                array = npz.unpack_entry(opened, entry, inner, folder, advance, within=within)
                path = folder / f"{PurePosixPath(file).stem}-{array.file}"
                _files.move(folder / array.file, path)
                stored[f"{file}/{entry.member.name}"] = replace(array, file=path.name)
                left -= array.bytes
    return stored


_Opening = Callable[[int], AbstractContextManager[BinaryIO]]


def _located(
    source: BinaryIO | Path,
    wanted: Mapping[str, list[Member]],
    archive: Archive,
    folder: Path,
    advance: Callable[[int], object],
) -> list[tuple[str, _Opening]]:
    """Return each .npz with a function that opens it, in their order in the zip.

    The argument of the function is the number of bytes still to be written.
    """
    with npz.refusing(archive):
        if isinstance(source, Path):
            paths = {path.relative_to(source).as_posix(): path for path in sorted(source.rglob("*.npz"))}
            return [(file, partial(_in_folder, paths[name])) for file, name in _chosen(paths, wanted).items()]
        listed = zips.list_files(source, _DIRECTORY_LIMIT)
        names = [info.orig_filename for info, _ in listed]  # ZipInfo cuts filename at a NUL
        chosen = {name: file for file, name in _chosen(names, wanted).items()}
        found: list[tuple[str, _Opening]] = []
        for info, limit in listed:
            if (file := chosen.get(info.orig_filename)) is not None:
                extent = zips.find_extent(source, info, limit)
                _check_size(extent, file, wanted[file])
                found.append((file, partial(_opened, source, extent, archive, file, folder, advance)))
        return found


def _chosen(names: Iterable[str], wanted: Iterable[str]) -> dict[str, str]:
    """Find each .npz in a zip or folder: at its own path, in additional parent folders, or without its folder."""
    names = list(names)
    chosen, missing = {}, []
    for file in wanted:
        places = ([file], [name for name in names if name.endswith(f"/{file}")], [PurePosixPath(file).name])
        found = next((same for place in places if (same := [name for name in names if name in place])), [])
        if len(found) > 1:
            raise ArchiveError(f"it holds {file} {len(found)} times: {', '.join(map(repr, found))}")
        if found:
            chosen[file] = found[0]
        else:
            missing.append(file)
    if missing:
        raise ArchiveError(f"it lacks {', '.join(missing)}")
    return chosen


def _check_size(extent: Extent, file: str, members: Iterable[Member]) -> None:
    most = sum(member.n_values * max(np.dtype(one).itemsize for one in member.dtypes) for member in members)
    if extent.inflated_bytes > most + most // _SWELLING + _FRAME_BYTES:
        raise ArchiveError(
            f"{file}: it says to inflate to {extent.inflated_bytes} bytes, and its arrays have {most} at most"
        )


@contextmanager
def _in_folder(path: Path, _: int) -> Iterator[BinaryIO]:
    with _files.errors_named(path, f"read {path.name}"), open(path, "rb", opener=_files.regular_only) as stream:
        yield stream


@contextmanager
def _opened(
    stream: BinaryIO,
    extent: Extent,
    archive: Archive,
    file: str,
    folder: Path,
    advance: Callable[[int], object],
    array_bytes: int,
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
