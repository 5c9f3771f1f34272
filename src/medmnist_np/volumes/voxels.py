"""Stream the voxels of a file to their place in a flat .npy file of known length."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from medmnist_np._files import open_without_following
from medmnist_np.errors import ArchiveError
from medmnist_np.volumes.nifti import Header, content
from medmnist_np.volumes.stored_files import StoredFile

_CHUNK_BYTES = 1 << 20

# Start of the data of a flat array: NumPy pads headers to multiples of 64 bytes, with room for the length to grow.
DATA_START = 128


def make(file: Path, dtype: np.dtype[Any], n_values: int) -> None:
    """Create the file of a flat array with its header and full length; the values are zeros in a sparse file."""
    with file.open("xb") as stream:
        stream.write(_header(dtype, n_values))
        stream.truncate(DATA_START + n_values * dtype.itemsize)


def close_up(file: Path, dtype: np.dtype[Any], kept: Sequence[tuple[int, int]]) -> None:
    """Keep only the given ranges of values, (start, stop) in ascending order, and truncate the file."""
    with file.open("r+b") as stream:
        end = DATA_START
        for start, stop in kept:
            n_bytes = (stop - start) * dtype.itemsize
            _move(stream, DATA_START + start * dtype.itemsize, end, n_bytes)
            end += n_bytes
        stream.truncate(end)
        stream.seek(0)
        stream.write(_header(dtype, (end - DATA_START) // dtype.itemsize))


def _move(stream: BinaryIO, source: int, target: int, n_bytes: int) -> None:
    while source != target and n_bytes:
        stream.seek(source)
        chunk = stream.read(min(_CHUNK_BYTES, n_bytes))
        stream.seek(target)
        stream.write(chunk)
        source, target, n_bytes = source + len(chunk), target + len(chunk), n_bytes - len(chunk)


def _header(dtype: np.dtype[Any], n_values: int) -> bytes:
    buffer = io.BytesIO()
    table = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (n_values,)}
    np.lib.format.write_array_header_1_0(buffer, table)
    header = buffer.getvalue()
    if len(header) != DATA_START:
        raise ValueError(f"The header of {n_values} values of {dtype} has {len(header)} bytes, not {DATA_START}.")
    return header


def table(file: Path, values: Any) -> tuple[tuple[int, ...], str, int]:
    """Write a small array as a .npy file; return its shape, its dtype and the offset of its values."""
    array = np.ascontiguousarray(values)
    np.save(file, array, allow_pickle=False)
    return array.shape, array.dtype.str, file.stat().st_size - array.nbytes


# Largest distance of a scaled label from an integer; more than the float32 rounding error up to 255.
_SCALE_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the voxels of a file into a flat file, small enough to send to a worker.

    ``target`` is the flat file, ``position`` the first byte to write in it and ``dtype`` its dtype. ``labels`` are the
    values that a mask may have; None for an image.
    """

    file: StoredFile
    header: Header
    target: str
    position: int
    dtype: str
    labels: tuple[int, ...] | None = None


def copy_voxels(copy: Copy) -> None:
    """Write the voxels of a file to the flat file, in the dtype of the flat file.

    Raises
    ------
    ArchiveError
        If the file is damaged, ends early, or is a mask with an unknown label. Voxels written so far remain.
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
    # Overflows and NaN come from the file itself, so no warning is needed.
    with np.errstate(over="ignore", invalid="ignore"):
        if copy.header.is_scaled:
            values = values.astype(np.float64)
            values *= copy.header.slope
            values += copy.header.inter
            if copy.labels is not None:
                # The scale is float32, so a label of 1 may become 0.9999999.
                nearest = np.rint(values)
                np.copyto(values, nearest, where=np.abs(values - nearest) <= _SCALE_TOLERANCE)
        converted = values.astype(copy.dtype)
    if copy.labels is not None and not _are_labels(converted, values, copy.labels):
        found = np.unique(values[~np.isin(values, copy.labels)])
        shown = ", ".join(f"{value:g}" for value in found[:5].tolist())
        raise ArchiveError(
            f"{copy.file.name} has {'values' if len(found) > 1 else 'the value'} {shown}{', ...' * (len(found) > 5)}, "
            f"but a mask may only have {', '.join(map(str, copy.labels))}"
        )
    return converted


def _are_labels(converted: NDArray[np.uint8], values: NDArray[Any], labels: tuple[int, ...]) -> bool:
    if values.dtype != converted.dtype and (converted != values).any():
        return False
    # Comparing with the few values in between that are not labels takes a tenth of the time of a lookup per voxel.
    between = set(range(max(labels))).difference(labels)
    return converted.max() <= max(labels) and not any((converted == number).any() for number in between)


def _voxels(file: StoredFile, header: Header) -> Iterator[memoryview]:
    """Yield the bytes of the voxels in pieces of whole voxels; then read to the end to verify the file."""
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
        raise ArchiveError(f"{file.name} ends {left} bytes before its last voxel: it is truncated")
