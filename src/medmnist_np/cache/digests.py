"""Digests of files, as ``"md5:<hex>"`` or ``"sha256:<hex>"`` in the way of Pooch, and of arrays for a manifest."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from medmnist_np._progress import CHECKING, Progress
from medmnist_np.cache.manifest import StoredArray
from medmnist_np.errors import DigestError, SupersededError
from medmnist_np.registry import Archive, Superseded

_CHUNK_BYTES = 1 << 20


def digest_of(stream: BinaryIO, algorithm: str, progress: Progress, name: str) -> str:
    """Return the digest of a whole open file, reading from its start."""
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    stream.seek(0)
    with progress(f"{CHECKING}{name}", os.fstat(stream.fileno()).st_size) as bar:
        while chunk := stream.read(_CHUNK_BYTES):
            hasher.update(chunk)
            bar.update(len(chunk))
    stream.seek(0)
    return f"{algorithm}:{hasher.hexdigest()}"


def require_digest(path: object, found: str, archive: Archive) -> None:
    """Raise :class:`DigestError` or :class:`SupersededError` unless a digest is that of the archive."""
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
        "compare. It was left alone; `medmnist-np fetch` gets the present file."
    )


def stored_array(
    file: Path, shape: tuple[int, ...], dtype: str, offset: int, advance: Callable[[int], object] = lambda _: None
) -> StoredArray:
    """Bring a finished .npy file in C order to disk, hash it and describe it for the manifest.

    Parameters
    ----------
    file : Path
        The file.
    shape, dtype, offset
        What its header says, and where its values start, in bytes.
    advance : callable
        Called with the number of bytes hashed, now and then.
    """
    digest, crc32, n_bytes = hashlib.sha256(), 0, 0
    with file.open("r+b") as stream:
        os.fsync(stream.fileno())
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            crc32 = zlib.crc32(chunk, crc32)
            n_bytes += len(chunk)
            advance(len(chunk))
    return StoredArray(file.name, shape, dtype, "C", offset, n_bytes, f"{crc32:08x}", digest.hexdigest())
