"""Digests of files, written ``"md5:<hex>"`` or ``"sha256:<hex>"`` as Pooch writes them."""

from __future__ import annotations

import hashlib
import os
from typing import BinaryIO

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
