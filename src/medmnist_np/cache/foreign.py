"""What an .npz archive holds that no record describes, by the headers of its arrays."""

from __future__ import annotations

import os
import zipfile
from typing import BinaryIO

import numpy as np

from medmnist_np.cache.npz import _DIRECTORY_LIMIT, _END_RECORD_BYTES, _MALFORMED, _directory_bytes
from medmnist_np.errors import ArchiveError
from medmnist_np.registry import Member

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_members(stream: BinaryIO) -> tuple[Member, ...]:
    """Return name, shape and dtype of each array, as its header has them. Nothing more is inflated or believed.

    With these, :func:`~medmnist_np.cache.npz.read_directory` and
    :func:`~medmnist_np.cache.npz.unpack_entry` hold such an archive to what it says itself.

    Raises
    ------
    ArchiveError
        If it is no .npz archive.
    """
    total = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, total - _END_RECORD_BYTES))
    end = stream.read(_END_RECORD_BYTES)
    # Before `zipfile` reads a directory of any length.
    if not end.startswith(b"PK\x05\x06") or _directory_bytes(stream, total, end) > _DIRECTORY_LIMIT:
        raise ArchiveError("it does not end as a zip with a few arrays does")
    try:
        with zipfile.ZipFile(stream) as archive:
            return tuple(_member(archive, name) for name in archive.namelist())
    except (*_MALFORMED, RuntimeError, OSError) as error:
        raise ArchiveError(f"it is no readable archive of arrays ({error})") from error


def _member(archive: zipfile.ZipFile, name: str) -> Member:
    if not name.endswith(".npy"):
        raise ValueError(f"{name} is no array")
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"the .npy format of {name} is version {version}")
        shape, _, dtype = _HEADERS[version](stream)
    return Member(name.removesuffix(".npy"), shape, (dtype.name,))
