"""Flat .npy files of known length: made empty, written in any order, closed up where something was left out."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_CHUNK_BYTES = 1 << 20

# Of any flat array: NumPy pads headers to multiples of 64 bytes, and leaves room for the number to grow.
DATA_START = 128


def make(file: Path, dtype: np.dtype[Any], n_values: int) -> None:
    """Write the header of a flat array and give the file its length; the values are zeros that take no room yet."""
    with file.open("xb") as stream:
        stream.write(_header(dtype, n_values))
        stream.truncate(DATA_START + n_values * dtype.itemsize)


def close_up(file: Path, dtype: np.dtype[Any], kept: Sequence[tuple[int, int]]) -> None:
    """Keep some ranges of values, given as (start, stop) in ascending order, and make the file as short as they are."""
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
    """Write a small array as a .npy file; return its shape, its dtype and where its values start."""
    array = np.ascontiguousarray(values)
    np.save(file, array, allow_pickle=False)
    return array.shape, array.dtype.str, file.stat().st_size - array.nbytes
