"""Labels and masks of an archive: checked against the classes of the record, and stored as uint8."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.cache.digests import stored_array
from medmnist_np.cache.manifest import StoredArray
from medmnist_np.errors import ArchiveError

_BLOCK_BYTES = 4 << 20


def class_numbers(file: Path, stored: StoredArray, highest: int, *, binarise: bool) -> StoredArray:
    """Check that labels or masks are class numbers, and replace the file by one of uint8 if it is of another dtype.

    Parameters
    ----------
    file : Path
        An .npy file of integers or bool.
    stored : StoredArray
        What it is.
    highest : int
        The highest class number, at most 255.
    binarise : bool
        Whether every value but 0 means class 1; the file is rewritten so.

    Returns
    -------
    StoredArray
        What the file is now. The checksums of a rewritten file are its own, not those in the archive.

    Raises
    ------
    ArchiveError
        If there are values below 0 or above ``highest``.
    """
    if not binarise:
        _check_values(file, highest)
        if stored.dtype == "|u1":
            return stored
    fresh = file.with_name(f".{file.name}.uint8")
    with fresh.open("xb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": stored.shape})
        offset = stream.tell()
        for block in _blocks(file):
            stream.write((block != 0 if binarise else block).astype(np.uint8, order="C").data)
    os.replace(fresh, file)
    return stored_array(file, stored.shape, "|u1", offset)


def _check_values(file: Path, highest: int) -> None:
    extremes = [(int(block.min()), int(block.max())) for block in _blocks(file)]
    lowest_found = min((low for low, _ in extremes), default=0)
    highest_found = max((high for _, high in extremes), default=0)
    if lowest_found < 0 or highest_found > highest:
        raise ArchiveError(
            f"its values go from {lowest_found} to {highest_found}, and the classes of the record are 0 to {highest}"
        )


def _blocks(file: Path) -> Iterator[NDArray[Any]]:
    """Yield the values of an .npy file in blocks of some MB, so that memory stays flat."""
    values = np.load(file, mmap_mode="r", allow_pickle=False)
    step = max(1, _BLOCK_BYTES // max(1, values[:1].nbytes))
    for start in range(0, len(values), step):
        yield values[start : start + step]
