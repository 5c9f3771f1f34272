"""Digests of files, as ``"md5:<hex>"`` or ``"sha256:<hex>"`` in the way of Pooch, and of arrays for a manifest."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from medmnist_np.cache.manifest import StoredArray
from medmnist_np.cache.progress import CHECKING, Progress

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
