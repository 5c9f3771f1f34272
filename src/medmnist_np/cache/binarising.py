"""Masks whose archive has other values than 0 and 1, rewritten once so that 1 is the foreground."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from medmnist_np.cache.digests import stored_array
from medmnist_np.cache.manifest import StoredArray

_BLOCK_BYTES = 4 << 20


def binarised(file: Path) -> StoredArray:
    """Replace an .npy file by one of uint8 that has 1 wherever it is not 0, and describe the new one.

    Its digests are those of the new file, not of the archive's member.
    """
    values = np.load(file, mmap_mode="r", allow_pickle=False)
    fresh = file.with_name(f".{file.name}.binarised")
    with fresh.open("xb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": values.shape})
        offset = stream.tell()
        step = max(1, _BLOCK_BYTES // max(1, values[:1].nbytes))
        for start in range(0, len(values), step):
            stream.write((values[start : start + step] != 0).astype(np.uint8).data)
    os.replace(fresh, file)
    return stored_array(file, values.shape, "|u1", offset)
