"""What an .npz archive holds that no record describes, by the headers of its arrays."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

import numpy as np

from medmnist_np.cache.zips import MALFORMED, list_files
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
    files = list_files(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            return tuple(_member(archive, info.filename) for info, _ in files)
    except (*MALFORMED, RuntimeError, OSError) as error:
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
