"""The manifest of a folder of arrays: its files, their checksums and how they were verified. It is written last."""

from __future__ import annotations

import json
import math
import os
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from medmnist_np import _files
from medmnist_np._progress import CHECKING, Progress
from medmnist_np.errors import CacheError, CorruptCacheError, DigestError, SupersededError
from medmnist_np.registry import Archive, Superseded

FILE_NAME = "manifest.json"
FORMAT = 1


class NewerFormatError(CacheError):
    """A newer version of the package wrote the folder. It must not be replaced."""


@dataclass(frozen=True, slots=True)
class StoredArray:
    """One .npy file: the facts to memory-map it without reading its header, and to verify it.

    ``offset`` is where the values start and ``bytes`` is the size of the file, both in bytes. ``order`` is ``"C"`` or
    ``"F"``. ``crc32`` (of the whole file, as in the archive) and ``sha256`` are hexadecimal.
    """

    file: str
    shape: tuple[int, ...]
    dtype: str
    order: str
    offset: int
    bytes: int
    crc32: str
    sha256: str

    def __post_init__(self) -> None:
        """Refuse values that this package never writes. Other programs may write to a shared cache."""
        if not isinstance(self.file, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", self.file):
            raise ValueError(f"{self.file!r} is not a plain file name")
        dtype = np.dtype(self.dtype)
        if dtype.kind not in "biuf" or dtype.fields is not None or self.order not in ("C", "F"):
            raise ValueError(f"{self.file} is said to be an array of {self.dtype!r} in order {self.order!r}")
        numbers = (*self.shape, self.offset, self.bytes)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError(f"{self.file} has a shape, offset or size that is not a number")
        if self.offset + math.prod(self.shape) * dtype.itemsize != self.bytes:
            raise ValueError(f"{self.file} is said to have {self.bytes} bytes, which its shape does not add up to")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a folder of arrays.

    ``archive`` and ``digest`` are the name and checksum of the file that was unpacked. ``checked`` is what was
    verified: ``"digest"`` for the checksum of the whole archive, ``"crc32"`` for only the CRC-32 of each member.
    ``arrays`` maps member names to files.
    """

    archive: str
    digest: str
    checked: str
    version: str
    arrays: Mapping[str, StoredArray]

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """Read the manifest of a folder. Return None if the folder has no manifest.

        Raises
        ------
        CorruptCacheError
            If it is not a valid manifest.
        NewerFormatError
            If a newer version of the package wrote it.
        """
        path = os.path.join(folder, FILE_NAME)
        try:
            with open(path, "rb") as stream:
                table: Any = json.loads(stream.read())
            format_number = table.pop("format")
            if type(format_number) is int and format_number > FORMAT:
                raise NewerFormatError(
                    f"{folder} was written by a newer version of medmnist-np (format {format_number}; this version "
                    f"reads {FORMAT}). It was left unchanged: update medmnist-np, or use another cache folder.",
                    path=path,
                )
            if format_number != FORMAT:
                raise ValueError("another format")
            arrays = {
                name: StoredArray(**{**array, "shape": tuple(array["shape"])})
                for name, array in table.pop("arrays").items()
            }
            return cls(arrays=arrays, **table)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except NewerFormatError:
            raise
        except OSError as error:
            raise CorruptCacheError(
                f"{path} cannot be read: {error.strerror}.", errno=error.errno, path=path
            ) from error
        except (ValueError, TypeError, KeyError, AttributeError, SyntaxError, RecursionError) as error:
            raise CorruptCacheError(f"{path} is not a manifest of format {FORMAT}: {error}.") from error

    def write(self, folder: Path) -> None:
        """Write the manifest to a folder atomically and sync it to disk."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=1)
        with _files.in_one_step(folder / FILE_NAME) as fresh, open(fresh, "xb") as stream:
            stream.write(text.encode())
            stream.flush()
            _files.sync(stream.fileno())


_CHUNK_BYTES = 1 << 20


class RunningHash:
    """Compute the checksum of a file while its bytes arrive. Bytes that were hashed are not read again."""

    def __init__(self, algorithm: str) -> None:
        self._algorithm = algorithm
        self._start()

    def _start(self) -> None:
        import hashlib  # opening a data set does not need it

        self._hasher = hashlib.new(self._algorithm, usedforsecurity=False)
        self._covered = (0, 0)  # inode of the file, and number of its first bytes that were hashed

    @property
    def checksum(self) -> str:
        """The checksum of the bytes so far, such as ``"md5:<hex>"``."""
        return f"{self._algorithm}:{self._hasher.hexdigest()}"

    def update(self, inode: int, position: int, chunk: bytes) -> None:
        """Add bytes that were written to a file at a position."""
        if position == 0:
            self._start()
        elif self._covered != (inode, position):
            return  # read() will read the whole file
        self._hasher.update(chunk)
        self._covered = (inode, position + len(chunk))

    def read(self, stream: BinaryIO, progress: Progress, name: str) -> None:
        """Hash a whole open file, unless all of its bytes were hashed before. Seek back to its start."""
        state = os.fstat(stream.fileno())
        if self._covered == (state.st_ino, state.st_size):
            return
        self._start()
        stream.seek(0)
        with progress(f"{CHECKING}{name}", state.st_size) as bar:
            while chunk := stream.read(_CHUNK_BYTES):
                self._hasher.update(chunk)
                bar.update(len(chunk))
        self._covered = (state.st_ino, stream.tell())
        stream.seek(0)


def digest_of(stream: BinaryIO, algorithm: str, progress: Progress, name: str) -> str:
    """Return the checksum of a whole open file, ``"<algorithm>:<hex>"``. Seek back to its start."""
    running = RunningHash(algorithm)
    running.read(stream, progress, name)
    return running.checksum


def require_digest(path: object, found: str, archive: Archive) -> None:
    """Raise :class:`DigestError` or :class:`SupersededError` unless a checksum is that of the archive."""
    if found == archive.digest:
        return
    for old in archive.superseded:
        if found == old.digest:
            raise superseded(path, archive, old)
    raise DigestError(
        f"{path} is not the archive {archive.file_name} of the record: its checksum should be {archive.digest} and is "
        f"{found}. If the file is damaged, get it again. If the data is your own, make it a data set under another "
        "name with `medmnist_np.build` and load that.",
        expected=archive.digest,
        found=found,
    )


def superseded(path: object, archive: Archive, old: Superseded) -> SupersededError:
    """Return the error for an archive of an older release."""
    counts = ", ".join(f"{split} {count}" for split, count in old.n_samples.items())
    return SupersededError(
        f"{path} is {archive.file_name} of an older release (as of medmnist {old.seen_in_version}"
        f"{'; ' + counts if counts else ''}): its samples are not those of the present one, so results would not "
        "compare. It was left unchanged; `medmnist-np fetch` gets the present file."
    )


def stored_array(
    file: Path, shape: tuple[int, ...], dtype: str, offset: int, advance: Callable[[int], object] = lambda _: None
) -> StoredArray:
    """Sync a finished .npy file in C order to disk, hash it and describe it for the manifest.

    Parameters
    ----------
    file : Path
        The file.
    shape, dtype, offset
        Shape and dtype from its header, and where its values start, in bytes.
    advance : callable
        Called repeatedly with the number of bytes hashed since the last call.
    """
    import hashlib

    digest, crc32, n_bytes = hashlib.sha256(), 0, 0
    with file.open("r+b") as stream:
        _files.sync(stream.fileno())
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            crc32 = zlib.crc32(chunk, crc32)
            n_bytes += len(chunk)
            advance(len(chunk))
    return StoredArray(file.name, shape, dtype, "C", offset, n_bytes, f"{crc32:08x}", digest.hexdigest())
