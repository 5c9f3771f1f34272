"""Parts of volumes as rows of one array: slices and patches, cut out as they are read."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np.volumes.ragged import Ragged

# Voxels lie x first and batches channel first, so a copy turns the axes around. In blocks of so many planes or columns,
# what is read together is still in the processor's cache when its neighbours are written: 2 to 3 x as fast as at once.
_PLANES_AT_ONCE = 8
_COLUMNS_AT_ONCE = 32


class Places(NamedTuple):
    """Where windows lie.

    Attributes
    ----------
    cases : (m,) intp
        In which volume.
    corners : (m, 3) intp
        Their first voxel; negative where a window begins before the volume.
    extents : (m, 3) intp
        Their lengths in voxels.
    """

    cases: NDArray[np.intp]
    corners: NDArray[np.intp]
    extents: NDArray[np.intp]

    def part(self, selection: slice | NDArray[np.intp]) -> Places:
        """Return some of them."""
        return Places(*(values[selection] for values in self))


class Windows:
    """Windows of volumes as the rows of an array that is never made: each is cut out when it is asked for.

    It is what :class:`~medmnist_np.batches.Batches` reads: :class:`~medmnist_np.joined.Rows`.

    Parameters
    ----------
    volumes : Ragged
        ``(x, y, z)`` or ``(x, y, z, c)``.
    places : Places
        Where to cut.
    axis : int, optional
        An axis along which every window is one voxel long, and which rows do not have.
    pad_value : number
        What a window has where it reaches beyond its volume.

    Attributes
    ----------
    row_shape : tuple of int or None
        Of each row; None if they differ.
    pad_value : int or float
        As above.

    Raises
    ------
    ValueError
        If the dtype of the volumes cannot hold ``pad_value``, or the volumes differ in their channels.

    Notes
    -----
    A row ``windows[i]`` is a fresh, writable array ``(x, y, z)`` or, with an axis left out, ``(x, y)``; the channel
    axis of volumes that have one is last. It is in Fortran order, as the volumes are, which is the fastest to copy.
    What :meth:`take` gives is in C order.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.volumes.ragged import Ragged
    >>> from medmnist_np.volumes.windows import Places, Windows
    >>> volumes = Ragged(np.arange(12), np.array([[2, 3, 2]]))
    >>> places = Places(np.array([0, 0]), np.array([[0, 0, 1], [-1, 1, 0]]), np.array([[2, 2, 1], [2, 2, 1]]))
    >>> windows = Windows(volumes, places, axis=2)
    >>> windows.shape, windows[0].tolist(), windows[1].tolist()
    ((2, 2, 2), [[6, 8], [7, 9]], [[0, 0], [2, 4]])
    """

    def __init__(self, volumes: Ragged, places: Places, *, axis: int | None = None, pad_value: float = 0) -> None:
        self._volumes = volumes
        self._places = places
        self._axis = axis
        self.pad_value = _checked_pad_value(pad_value, volumes.dtype)
        if volumes.shapes.shape[1] == 4 and len(volumes) and volumes.n_channels is None:
            raise ValueError("Volumes with differing numbers of channels cannot be cut into rows of one kind.")
        self._channels = () if volumes.n_channels is None else (volumes.n_channels,)
        self.row_shape = self._common_shape()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the voxels."""
        return self._volumes.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """``(m, ...)``.

        Raises
        ------
        ValueError
            If the rows differ in their shapes.
        """
        if self.row_shape is None:
            raise ValueError("These windows differ in size, so that they are no rows of one array.")
        return (len(self), *self.row_shape)

    def __len__(self) -> int:
        return len(self._places.cases)

    def __getitem__(self, index: int | slice) -> NDArray[Any]:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"There is no window {number} among {len(self)}.")
        inside, voxels = self._voxels(number)
        if inside is None:
            window = np.array(voxels)
        else:
            shape = (*self._places.extents[number].tolist(), *self._channels)
            window = np.full(shape, self.pad_value, self.dtype, order="F")
            window[inside] = voxels
        return window if self._axis is None else window.squeeze(self._axis)

    def take(self, indices: Any, /, axis: int = 0, out: Any = None, mode: Any = "raise") -> NDArray[Any]:
        """Return rows by number ``(k, ...)``, in a new array in C order or in ``out``.

        Raises
        ------
        ValueError
            If the rows differ in their shapes.
        """
        numbers = np.asarray(indices, dtype=np.intp)
        taken: NDArray[Any] = np.empty((len(numbers), *self.shape[1:]), self.dtype) if out is None else out
        for number, row in zip(numbers.tolist(), taken, strict=True):
            window = row if self._axis is None else np.expand_dims(row, self._axis)
            inside, voxels = self._voxels(number)
            if inside is not None:
                window.fill(self.pad_value)
                window = window[inside]
            _copy_turned(voxels, window, along=1 if self._axis == 2 else 2)
        return taken

    def _common_shape(self) -> tuple[int, ...] | None:
        extents = self._places.extents
        kept = [axis for axis in range(3) if axis != self._axis]
        first = extents[0] if len(extents) else np.zeros(3, np.intp)
        if (extents != first)[:, kept].any():
            return None
        return (*first[kept].tolist(), *self._channels)

    def _voxels(self, number: int) -> tuple[tuple[slice, ...] | None, NDArray[Any]]:
        """Return what of a volume lies in a window, as a view, and where in the window; None if it fills it."""
        cases, corners, extents = self._places
        volume = self._volumes[int(cases[number])]
        read, inside = [], []
        for corner, extent, length in zip(
            corners[number].tolist(), extents[number].tolist(), volume.shape[:3], strict=True
        ):
            first = max(corner, 0)
            last = max(first, min(corner + extent, length))
            read.append(slice(first, last))
            inside.append(slice(first - corner, last - corner))
        voxels = volume[tuple(read)]
        return (None if voxels.shape[:3] == tuple(extents[number]) else tuple(inside)), voxels


def _copy_turned(voxels: NDArray[Any], window: NDArray[Any], along: int) -> None:
    """Copy from Fortran to C order, in blocks along an axis."""
    if voxels.ndim == 4:
        for channel in range(voxels.shape[3]):
            _copy_turned(voxels[..., channel], window[..., channel], along)
        return
    step = _PLANES_AT_ONCE if 1 not in voxels.shape else _COLUMNS_AT_ONCE
    for start in range(0, voxels.shape[along], step):
        block = (*(slice(None),) * along, slice(start, start + step))
        window[block] = voxels[block]


def _checked_pad_value(value: float, dtype: np.dtype[Any]) -> float:
    number = np.asarray(value)
    if number.ndim or number.dtype.kind not in "iuf" or not np.isfinite(number):
        raise ValueError(f"pad_value is {value!r}; it is one finite number.")
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        if not (info.min <= value <= info.max and value == int(value)):
            raise ValueError(f"pad_value is {value!r}, which volumes of dtype {dtype} cannot hold.")
    elif abs(value) > float(np.finfo(dtype).max):
        raise ValueError(f"pad_value is {value!r}, which volumes of dtype {dtype} cannot hold.")
    plain: float = number.item()
    return plain
