"""Compute the exact histogram, mean and standard deviation of images."""

from __future__ import annotations

import json
import math
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np._parallel import MappedFile, spread
from medmnist_np._progress import Progress
from medmnist_np._sequences import Rows

# Size of one task: large compared with the cost of sending it.
_TASK_BYTES = 64_000_000
# Counting casts to 8 bytes per value; a block of this size stays in the processor's cache.
_BLOCK_BYTES = 64_000


@dataclass(frozen=True, eq=False)
class Statistics:
    """Histogram of the values of images.

    Attributes
    ----------
    histogram : (channels, 256) int64
        Number of pixels (voxels) with value 0, 1, ..., 255; one row for gray images, three for RGB. Read-only.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> statistics = mm.Dataset("breastmnist").statistics()
    >>> statistics.mean.shape, statistics.n_pixels == 546 * 28 * 28
    ((1,), True)
    """

    histogram: NDArray[np.int64]

    def __post_init__(self) -> None:
        histogram = self.histogram.copy()
        histogram.setflags(write=False)
        object.__setattr__(self, "histogram", histogram)

    @property
    def n_pixels(self) -> int:
        """Number of pixels or voxels of one channel."""
        return int(self.histogram[0].sum())

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean of each channel, ``(channels,)``, 0 to 255, exact up to one rounding."""
        return np.array([float(_moments(row)[0]) for row in self.histogram])

    @property
    def std(self) -> NDArray[np.float64]:
        """Population standard deviation (divided by n) of each channel, ``(channels,)``, 0 to 255."""
        return np.array([_square_root(_moments(row)[1]) for row in self.histogram])

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(self.histogram + other.histogram)

    def __repr__(self) -> str:
        mean, std = (", ".join(f"{value:.4f}" for value in values) for values in (self.mean, self.std))
        return f"Statistics(mean=[{mean}], std=[{std}], n_pixels={self.n_pixels})"


class _Piece(NamedTuple):
    """Rows of an .npy file, as a task that is small to pickle."""

    file: MappedFile
    rows: range | NDArray[np.intp]
    channels: int


def of_mapped(
    array: np.memmap[Any, np.dtype[np.uint8]],
    rows: NDArray[np.intp],
    channels: int,
    *,
    sha256: str,
    executor: Executor | None,
    progress: Progress,
) -> Statistics:
    """Count the values of rows of a mapped .npy file.

    Parameters
    ----------
    array : np.memmap
        A map of a whole file of uint8 images.
    rows : (k,) intp
        Indices of the rows. For all rows in order, the counts are stored beside the file.
    channels : int
        1, or 3 if the last axis has RGB channels.
    sha256 : str
        Checksum of the file. Stored counts of another file are ignored.
    executor : Executor or None
        Runs the tasks; None means this thread.
    progress : Progress
        Shows the progress.
    """
    file = Path(str(array.filename))
    kept = file.with_name(f"{file.stem}.statistics.json")
    whole = len(rows) == len(array) and bool((np.diff(rows) == 1).all())
    if whole and (known := _read(kept, sha256, channels, array.size)) is not None:
        return known
    image_bytes = math.prod(array.shape[1:])
    at_once = max(1, _TASK_BYTES // max(image_bytes, 1))
    chosen: range | NDArray[np.intp] = range(len(array)) if whole else rows
    mapped = MappedFile.of(array)
    pieces = [_Piece(mapped, chosen[start : start + at_once], channels) for start in range(0, len(rows), at_once)]
    histogram = np.zeros((channels, 256), np.int64)
    with progress(f"counting {file.stem}", total=len(rows) * image_bytes) as bar:
        for piece, counted in zip(pieces, spread(_count_piece, pieces, executor), strict=True):
            histogram += counted
            bar.update(len(piece.rows) * image_bytes)
    statistics = Statistics(histogram)
    if whole:
        _keep(kept, sha256, statistics)
    return statistics


def of_rows(images: Rows, rows: NDArray[np.intp], channels: int) -> Statistics:
    """Count the values of some rows of images in memory or computed images, block by block."""
    if images.dtype != np.uint8:
        raise TypeError(f"The images must be uint8, not {images.dtype}.")
    return Statistics(_count(images, rows, channels))


def value_counts(rows: Rows, positions: NDArray[np.intp], n_values: int) -> NDArray[np.int64]:
    """Count how often each of the values 0, 1, ... occurs in some rows of integers, block by block."""
    counts = np.zeros(n_values, np.int64)
    at_once = max(1, _BLOCK_BYTES // max(math.prod(rows.shape[1:]) * rows.dtype.itemsize, 1))
    for start in range(0, len(positions), at_once):
        block = rows.take(positions[start : start + at_once], axis=0)
        found = np.bincount(block.reshape(-1).astype(np.intp, copy=False), minlength=n_values)
        if len(found) > n_values:
            raise ValueError(f"The values must be 0 to {n_values - 1}, but {len(found) - 1} occurs.")
        counts += found
    return counts


def _count_piece(piece: _Piece) -> NDArray[np.int64]:
    return _count(np.asarray(piece.file.open()), piece.rows, piece.channels)


def _count(images: Rows, rows: range | NDArray[np.intp], channels: int) -> NDArray[np.int64]:
    histogram = np.zeros((channels, 256), np.int64)
    at_once = max(1, _BLOCK_BYTES // max(math.prod(images.shape[1:]), 1))
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        block = images[some[0] : some[-1] + 1] if isinstance(some, range) else images.take(some, axis=0)
        for channel, values in enumerate(block.reshape(-1, channels).T):
            histogram[channel] += np.bincount(values, minlength=256)
    return histogram


def _moments(counts: NDArray[np.int64]) -> tuple[Fraction, Fraction]:
    """Return mean and variance of the values 0, 1, ... with these counts, in exact arithmetic."""
    n, total, squares = 0, 0, 0
    for value, count in enumerate(counts.tolist()):
        n, total, squares = n + count, total + count * value, squares + count * value**2
    if not n:
        raise ValueError("The selection has no images.")
    mean = Fraction(total, n)
    return mean, Fraction(squares, n) - mean**2


def _square_root(value: Fraction) -> float:
    """Return the square root, exact to the last bit, from that of a sufficiently large integer."""
    shift = 2**128
    return float(Fraction(math.isqrt(value.numerator * shift**2 // value.denominator), shift))


def _read(path: Path, sha256: str, channels: int, n_values: int) -> Statistics | None:
    try:
        table = json.loads(path.read_bytes())
        histogram = np.array(table["histogram"], dtype=np.int64)
        if table["array_sha256"] != sha256 or histogram.shape != (channels, 256) or histogram.sum() != n_values:
            return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return Statistics(histogram)


def _keep(path: Path, sha256: str, statistics: Statistics) -> None:
    """Write the counts beside the arrays, unless the cache is read-only or the disk is full."""
    text = json.dumps({"array_sha256": sha256, "histogram": statistics.histogram.tolist()})
    with suppress(OSError), _files.in_one_step(path) as fresh:
        fresh.write_text(text, "ascii", newline="\n")
