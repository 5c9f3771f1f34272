"""Volumes of different sizes in one flat array, and counts of labelled voxels per slice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from medmnist_np._progress import Progress


class Ragged:
    """Volumes of different sizes as read-only views of one flat array, without a copy.

    Parameters
    ----------
    flat : (voxels,) array
        All voxels of the first volume, then of the second, and so on; may be memory-mapped. Within a volume, x varies
        fastest, then y, then z, and the channel slowest, as in a NIfTI file.
    shapes : (n, 3) or (n, 4) integer array
        Shape of each volume: x, y, z, or x, y, z, channels.

    Attributes
    ----------
    shapes : (n, 3) or (n, 4) int64
        As above.
    offsets : (n,) int64
        Start of each volume in ``flat``, in voxels.
    dtype : dtype
        Dtype of the voxels.

    Raises
    ------
    ValueError
        If the shapes do not add up to the flat array.

    Notes
    -----
    Indexing with an int returns a volume ``(x, y, z)`` or ``(x, y, z, c)``: a read-only :class:`numpy.ndarray` in
    Fortran order. Indexing with a slice or an array of indices returns a :class:`Ragged` over the same memory.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.volumes.ragged import Ragged
    >>> volumes = Ragged(np.arange(20), np.array([[2, 3, 2], [2, 2, 2]]))
    >>> volumes[1].shape, volumes[1][:, :, 0].tolist()
    ((2, 2, 2), [[12, 14], [13, 15]])
    """

    def __init__(self, flat: NDArray[Any], shapes: NDArray[np.integer[Any]]) -> None:
        # Indexing a plain view costs a fraction of indexing a memmap itself.
        self._flat = np.asarray(flat).view()
        self._flat.flags.writeable = False
        self.shapes = np.array(shapes, dtype=np.int64)
        if self._flat.ndim != 1 or self.shapes.ndim != 2 or self.shapes.shape[1] not in (3, 4):
            raise ValueError(
                f"The voxels have shape {self._flat.shape} and the shapes {self.shapes.shape}. These must be a flat "
                "array and an array (n, 3) or (n, 4)."
            )
        # Python's integers do not wrap around, whatever a damaged file says.
        lengths = np.array([_n_voxels(shape) for shape in self.shapes.tolist()], dtype=object)
        if len(self._flat) != sum(lengths):
            raise ValueError(f"The shapes of the volumes add up to {sum(lengths)} voxels; there are {len(self._flat)}.")
        self.offsets = np.cumsum([0, *lengths], dtype=np.int64)[:-1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the voxels."""
        return self._flat.dtype

    @property
    def n_channels(self) -> int | None:
        """Length of the channel axis; None if there is none or the volumes differ."""
        channels = np.unique(self.shapes[:, 3:])
        return int(channels[0]) if len(channels) == 1 else None

    def __len__(self) -> int:
        return len(self.shapes)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[number] for number in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice | NDArray[np.intp]) -> Self: ...
    def __getitem__(self, index: int | slice | NDArray[np.intp]) -> NDArray[Any] | Self:
        if isinstance(index, (slice, np.ndarray)):
            part = self.__class__.__new__(self.__class__)
            part._flat, part.shapes, part.offsets = self._flat, self.shapes[index], self.offsets[index]
            return part
        start, shape = self.offsets[index], self.shapes[index]
        volume: NDArray[Any] = self._flat[start : start + math.prod(shape.tolist())].reshape(shape, order="F")
        return volume

    def __repr__(self) -> str:
        axes = "x, y, z, c" if self.shapes.shape[1] == 4 else "x, y, z"
        return f"Ragged({len(self)} volumes ({axes}), {self.dtype})"


def _n_voxels(shape: list[int]) -> int:
    if min(shape) < 0:
        raise ValueError(f"A volume has the impossible shape {tuple(shape)}.")
    return math.prod(shape)


def count_labelled(masks: Ragged, axis: int, progress: Progress) -> list[NDArray[np.int64]]:
    """Count the voxels of each slice that are not background (0).

    Every mask is read once, sequentially, with one plane in memory at a time.

    Parameters
    ----------
    masks : Ragged
        Masks ``(x, y, z)``.
    axis : int
        Axis along which to slice: 0, 1 or 2.
    progress : Progress
        How to show progress.

    Returns
    -------
    list of (slices,) int64
        Counts for each mask.
    """
    counts = [np.zeros(shape[axis], np.int64) for shape in masks.shapes]
    voxels = int(masks.shapes.prod(axis=1).sum())
    with progress("looking for labels", total=voxels * masks.dtype.itemsize) as bar:
        for number, mask in enumerate(masks):
            for z in range(mask.shape[2]):
                plane = mask[:, :, z]
                if (n := np.count_nonzero(plane)) and axis == 2:
                    counts[number][z] = n
                elif n:
                    counts[number] += np.count_nonzero(plane, axis=1 - axis)
                bar.update(plane.nbytes)
    return counts


def labelled_voxel(mask: NDArray[np.integer], per_plane: NDArray[np.int64], number: int) -> tuple[int, int, int]:
    """Return the position of one labelled voxel, reading only its plane.

    Parameters
    ----------
    mask : (x, y, z) integer array
        A mask in Fortran order.
    per_plane : (z,) int64
        Labelled voxels in each plane, from :func:`count_labelled` along axis 2.
    number : int
        Index of the voxel among the labelled ones, in the order of the file, from 0 to ``per_plane.sum() - 1``.
    """
    up_to = np.cumsum(per_plane)
    z = int(np.searchsorted(up_to, number, side="right"))
    in_plane = np.flatnonzero(mask[:, :, z].reshape(-1, order="F"))
    y, x = divmod(int(in_plane[number - (up_to[z] - per_plane[z])]), mask.shape[0])
    return x, y, z
