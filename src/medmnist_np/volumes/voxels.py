"""The voxels of a file, streamed into their place in a flat file.

They are inflated, converted and written piece by piece, so that a case of any size takes a few MB of memory.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np._files import open_without_following
from medmnist_np.errors import ArchiveError
from medmnist_np.volumes.nifti import Header, content
from medmnist_np.volumes.stored_files import StoredFile

# How far a scaled label may be from a whole number: more than float32 loses of one up to 255.
_SCALE_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Copy:
    """The voxels of a file, to be written into a flat file; small enough to be sent to a worker.

    ``target`` is the flat file, ``position`` where in it to start (bytes) and ``dtype`` what it holds. ``labels`` are
    the values that a mask may have; None for an image.
    """

    file: StoredFile
    header: Header
    target: str
    position: int
    dtype: str
    labels: tuple[int, ...] | None = None


def copy_voxels(copy: Copy) -> None:
    """Write the voxels of a file into the flat file, in the dtype of that.

    Raises
    ------
    ArchiveError
        If the file is damaged, ends early, or is a mask with a value that no label has. What was written stays.
    """
    exact = not copy.header.is_scaled and np.dtype(copy.header.dtype) == np.dtype(copy.dtype)
    as_stored = exact and copy.labels is None
    with open(copy.target, "r+b", buffering=0, opener=open_without_following) as target:
        target.seek(copy.position)
        for piece in _voxels(copy.file, copy.header):
            _write(target, piece if as_stored else _converted(piece, copy).data.cast("B"))


def _write(target: io.FileIO, data: memoryview) -> None:
    while data:
        data = data[target.write(data) :]


def _converted(piece: memoryview, copy: Copy) -> NDArray[Any]:
    values: NDArray[Any] = np.frombuffer(piece, copy.header.dtype)
    # What overflows or is no number is so in the file too.
    with np.errstate(over="ignore", invalid="ignore"):
        if copy.header.is_scaled:
            values = values.astype(np.float64)
            values *= copy.header.slope
            values += copy.header.inter
            if copy.labels is not None:
                # The scale is in float32, so that a label of 1 may come out as 0.9999999.
                nearest = np.rint(values)
                np.copyto(values, nearest, where=np.abs(values - nearest) <= _SCALE_TOLERANCE)
        converted = values.astype(copy.dtype)
    if copy.labels is not None and not _are_labels(converted, values, copy.labels):
        found = np.unique(values[~np.isin(values, copy.labels)])
        shown = ", ".join(f"{value:g}" for value in found[:5].tolist())
        raise ArchiveError(
            f"{copy.file.name} has {'values' if len(found) > 1 else 'the value'} {shown}{', ...' * (len(found) > 5)}, "
            f"and the labels of a mask are {', '.join(map(str, copy.labels))}"
        )
    return converted


def _are_labels(converted: NDArray[np.uint8], values: NDArray[Any], labels: tuple[int, ...]) -> bool:
    if values.dtype != converted.dtype and (converted != values).any():
        return False
    # Comparing with the few numbers in between that are no labels takes a tenth of the time of looking each voxel up.
    between = set(range(max(labels))).difference(labels)
    return converted.max() <= max(labels) and not any((converted == number).any() for number in between)


def _voxels(file: StoredFile, header: Header) -> Iterator[memoryview]:
    """Yield the bytes of the voxels, in pieces of whole voxels; then read on to where the file proves itself right."""
    item_bytes = np.dtype(header.dtype).itemsize
    to_skip, left, rest = header.offset, header.n_bytes, b""
    for chunk in content(file):
        piece = memoryview(chunk)[min(to_skip, len(chunk)) :]
        to_skip -= len(chunk) - len(piece)
        piece = piece[:left]
        left -= len(piece)
        if rest:
            piece = memoryview(rest + bytes(piece))
        whole = len(piece) - len(piece) % item_bytes
        rest = bytes(piece[whole:])
        if whole:
            yield piece[:whole]
    if left:
        raise ArchiveError(f"{file.name} ends {left} bytes before its last voxel: it is cut short")
