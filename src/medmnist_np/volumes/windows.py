"""Positions of slices and patches in volumes, and access to them as rows of one array, read on demand."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from medmnist_np.batches.order import checked_seed, whole
from medmnist_np.errors import short, unknown
from medmnist_np.volumes.ragged import Ragged

# Volumes are in Fortran order and batches in C order, so a copy transposes. Copying in blocks of this many planes or
# columns keeps what was read in the processor's cache, and is 2 to 3 times as fast as copying everything at once.
_PLANES_AT_ONCE = 8
_COLUMNS_AT_ONCE = 32


class Places(NamedTuple):
    """Positions of windows in their volumes.

    Attributes
    ----------
    cases : (m,) intp
        Index of the volume.
    corners : (m, 3) intp
        First voxel; negative where a window begins before the volume.
    extents : (m, 3) intp
        Length along each axis, in voxels.
    """

    cases: NDArray[np.intp]
    corners: NDArray[np.intp]
    extents: NDArray[np.intp]

    def part(self, selection: slice | NDArray[np.intp]) -> Places:
        """Return the positions of a selection of windows."""
        return Places(*(values[selection] for values in self))


class Windows:
    """Windows of volumes as the rows of a virtual array: each is read on access.

    Implements :class:`~medmnist_np._sequences.Rows`, which :class:`~medmnist_np.batches.Batches` reads.

    Parameters
    ----------
    volumes : Ragged
        Volumes ``(x, y, z)`` or ``(x, y, z, c)``.
    places : Places
        Positions of the windows.
    axis : int, optional
        Axis to drop from the rows; every window is one voxel long along it.
    pad_value : number
        Value outside the volume.

    Attributes
    ----------
    row_shape : tuple of int or None
        Shape of each row; None if the shapes differ.
    pad_value : int or float
        As above.

    Raises
    ------
    ValueError
        If the dtype of the volumes cannot hold ``pad_value``, or the volumes have different numbers of channels.

    Notes
    -----
    A row ``windows[i]`` is a fresh, writable array ``(x, y, z)`` or, with ``axis`` dropped, for example ``(x, y)``. A
    channel axis, if any, is last. Rows are in Fortran order, like the volumes, which is the fastest to copy. Arrays
    from :meth:`take` are in C order.

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
            raise ValueError("Volumes with different numbers of channels cannot be cut into rows of one shape.")
        self._channels = () if volumes.n_channels is None else (volumes.n_channels,)
        self.row_shape = self._common_shape()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the voxels."""
        return self._volumes.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape ``(m, ...)`` of the virtual array.

        Raises
        ------
        ValueError
            If the rows differ in their shapes.
        """
        if self.row_shape is None:
            raise ValueError("These windows differ in size, so they cannot be rows of one array.")
        return (len(self), *self.row_shape)

    def __len__(self) -> int:
        return len(self._places.cases)

    def __getitem__(self, index: int | slice) -> NDArray[Any]:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"Index {number} is out of range for {len(self)} windows.")
        inside, voxels = self._voxels(number)
        if inside is None:
            window = np.array(voxels)
        else:
            shape = (*self._places.extents[number].tolist(), *self._channels)
            window = np.full(shape, self.pad_value, self.dtype, order="F")
            window[inside] = voxels
        return window if self._axis is None else window.squeeze(self._axis)

    def take(self, indices: Any, /, axis: int = 0, out: Any = None, mode: Any = "raise") -> NDArray[Any]:
        """Return the rows at the given indices, ``(k, ...)``, in a new array in C order or in ``out``.

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
        """Return where in a window its volume lies (None if it fills the window), and a view of these voxels."""
        cases, corners, extents = self._places
        volume = self._volumes[int(cases[number])]
        read, inside = _overlap(corners[number].tolist(), extents[number].tolist(), volume.shape[:3])
        voxels = volume[read]
        return (None if voxels.shape[:3] == tuple(extents[number]) else inside), voxels


def _overlap(
    corner: Sequence[int], extent: Sequence[int], shape: Sequence[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the common part of a window and a volume: as slices of the volume, and as slices of the window."""
    read, inside = [], []
    for start, size, length in zip(corner, extent, shape, strict=True):
        first = max(start, 0)
        last = max(first, min(start + size, length))
        read.append(slice(first, last))
        inside.append(slice(first - start, last - start))
    return tuple(read), tuple(inside)


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
        raise ValueError(f"pad_value is {short(value)}. It must be one finite number.")
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        if not (info.min <= value <= info.max and value == int(value)):
            raise ValueError(f"pad_value is {short(value)}, but volumes have dtype {dtype}, which cannot hold it.")
    elif abs(value) > float(np.finfo(dtype).max):
        raise ValueError(f"pad_value is {short(value)}, but volumes have dtype {dtype}, which cannot hold it.")
    plain: float = number.item()
    return plain


FindLabelled: TypeAlias = Callable[[int, np.random.Generator], tuple[int, int, int] | None]


@dataclass(frozen=True, slots=True)
class Slices:
    """Every slice of every volume along one axis, in order.

    Attributes
    ----------
    axis : int
        Axis along which to slice: 0, 1 or 2.
    shape : (int, int) or None
        Size to crop or pad slices to, around the centre; None keeps the original sizes.
    """

    axis: int
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", whole("axis", self.axis, least=0, most=2))
        if self.shape is not None:
            object.__setattr__(self, "shape", checked_shape(self.shape, 2))

    def places(self, shapes: NDArray[np.int64]) -> Places:
        """Return the position of every slice.

        Parameters
        ----------
        shapes : (n, 3) int64
            Shapes of the volumes.
        """
        counts = shapes[:, self.axis]
        cases = np.repeat(np.arange(len(shapes)), counts)
        extents = shapes[cases]
        corners = np.zeros_like(extents)
        if self.shape is not None:
            others = [axis for axis in range(3) if axis != self.axis]
            corners[:, others] = (extents[:, others] - self.shape) // 2
            extents[:, others] = self.shape
        extents[:, self.axis] = 1
        corners[:, self.axis] = np.arange(len(cases)) - np.repeat(np.cumsum(counts) - counts, counts)
        return Places(cases, corners.astype(np.intp), extents.astype(np.intp))

    def facts(self) -> dict[str, Any]:
        """Return what tells these windows from others, as JSON can hold it."""
        return {"slices": self.axis, "shape": None if self.shape is None else list(self.shape)}

    def __str__(self) -> str:
        to = "" if self.shape is None else f" of {self.shape[0]} x {self.shape[1]}"
        return f"slices{to} along axis {self.axis}"


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """Random patches, the same number from each volume; made by :func:`draw_patches`.

    Attributes
    ----------
    shape : (int, int, int)
        Size of a patch in voxels.
    per_volume : int
        Number of patches per volume; those of the first volume come first.
    seed : int
        Random seed.
    foreground : float or None
        Probability of centring a patch on a labelled voxel.
    corners : (m, 3) int32
        First voxel of each patch.
    """

    shape: tuple[int, int, int]
    per_volume: int
    seed: int
    foreground: float | None
    corners: NDArray[np.int32]

    # Patches keep all axes, unlike slices.
    axis = None

    def places(self, shapes: NDArray[np.int64]) -> Places:
        """Return the position of every patch; ``shapes`` must be the shapes given to :func:`draw_patches`."""
        cases = np.repeat(np.arange(len(shapes)), self.per_volume)
        extents = np.broadcast_to(np.array(self.shape, dtype=np.intp), self.corners.shape)
        return Places(cases, self.corners.astype(np.intp), extents)

    def facts(self) -> dict[str, Any]:
        """Return what tells these windows from others, as JSON can hold it."""
        return {
            "patches": list(self.shape),
            "per_volume": self.per_volume,
            "seed": self.seed,
            "foreground": self.foreground,
        }

    def __str__(self) -> str:
        return f"patches of {' x '.join(map(str, self.shape))}"


def draw_patches(
    shapes: NDArray[np.int64],
    shape: tuple[int, int, int],
    per_volume: int,
    seed: int,
    foreground: float | None = None,
    find: FindLabelled | None = None,
) -> Patches:
    """Draw random patches. The position of patch k depends only on the seed, k and its volume.

    Parameters
    ----------
    shapes : (n, 3) int64
        Shapes of the volumes.
    shape : (int, int, int)
        Size of a patch in voxels. A volume that is shorter along an axis is centred in the patch.
    per_volume, seed
        See :class:`Patches`.
    foreground : float, optional
        Probability, from 0 to 1, of centring a patch on the voxel that ``find`` returns; the patch is then shifted to
        stay inside the volume. All other patches are uniformly distributed inside the volume.
    find : callable, optional
        ``find(case, rng)`` returns a labelled voxel of a volume, or None if it has none.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    shape = checked_shape(shape, 3)
    per_volume, seed = whole("per_volume", per_volume, least=1), checked_seed(seed)
    number = isinstance(foreground, (int, float, np.number)) and not isinstance(foreground, bool)
    if foreground is not None and not (number and 0 <= foreground <= 1):
        raise ValueError(f"foreground is {short(foreground)}. It must be a share from 0 to 1, or None.")
    extent = np.array(shape)
    corners = np.empty((len(shapes) * per_volume, 3), np.int32)
    for k in range(len(corners)):
        rng = np.random.default_rng([seed, k])
        case = k // per_volume
        room = shapes[case] - extent
        lowest, highest = np.minimum(room // 2, 0), np.where(room < 0, room // 2, room)
        centre = find(case, rng) if find is not None and foreground and rng.random() < foreground else None
        wanted = rng.integers(lowest, highest + 1) if centre is None else np.array(centre) - extent // 2
        corners[k] = np.clip(wanted, lowest, highest)
    return Patches(shape, per_volume, seed, None if foreground is None else float(foreground), corners)


def checked_shape(shape: Any, n_axes: int) -> Any:
    """Return ``n_axes`` lengths as a tuple of ints, or raise :class:`ValueError`."""
    if not isinstance(shape, (tuple, list)) or len(shape) != n_axes:
        raise ValueError(f"shape is {short(shape)}. It must be {n_axes} lengths in voxels, such as {(96,) * n_axes}.")
    return tuple(whole("shape", length, least=1) for length in shape)


Weights: TypeAlias = Literal["average", "gaussian"]

# Standard deviation of the Gaussian weights as a share of the patch, and the least weight, as in MONAI.
_SIGMA = 0.125
_LEAST_WEIGHT = 1e-3


@dataclass(frozen=True, slots=True)
class Grid:
    """Patches that cover every volume, at the positions of MONAI's ``sliding_window_inference``.

    Attributes
    ----------
    shape : (int, int, int)
        Size of a patch in voxels. A volume that is shorter along an axis is centred in the patch.
    overlap : float
        Least share of a patch that the next one covers again, from 0 to less than 1.
    """

    shape: tuple[int, int, int]
    overlap: float

    # Patches keep all axes, unlike slices.
    axis = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", checked_shape(self.shape, 3))
        number = isinstance(self.overlap, (int, float, np.number)) and not isinstance(self.overlap, bool)
        if not (number and 0 <= self.overlap < 1):
            raise ValueError(f"overlap is {short(self.overlap)}. It must be a number from 0 to less than 1.")
        object.__setattr__(self, "overlap", float(self.overlap))

    def places(self, shapes: NDArray[np.int64]) -> Places:
        """Return the position of every patch, volume by volume."""
        corners = [list(itertools.product(*map(self._starts, self.shape, shape))) for shape in shapes.tolist()]
        cases = np.repeat(np.arange(len(shapes)), [len(of_case) for of_case in corners])
        joined = np.array([corner for of_case in corners for corner in of_case], np.intp).reshape(-1, 3)
        return Places(cases, joined, np.broadcast_to(np.array(self.shape, np.intp), joined.shape))

    def _starts(self, size: int, length: int) -> list[int]:
        """Return the first voxel of each patch along an axis; the last patch ends with the volume."""
        if length <= size:
            return [-((size - length) // 2)]
        step = max(int(size * (1 - self.overlap)), 1)
        return [*range(0, length - size, step), length - size]

    def weights(self, kind: Weights) -> NDArray[np.float32]:
        """Return the weight of each voxel of a patch."""
        if kind == "average":
            return np.ones(self.shape, np.float32)
        axes = [np.arange(size) - (size - 1) / 2 for size in self.shape]
        bells = [np.exp(axis**2 / (-2 * (_SIGMA * len(axis)) ** 2)).astype(np.float32) for axis in axes]
        weights: NDArray[np.float32] = bells[0][:, None, None] * bells[1][:, None] * bells[2]
        np.maximum(weights, max(float(weights.min()), _LEAST_WEIGHT), out=weights)
        return weights

    def facts(self) -> dict[str, Any]:
        """Return what tells these windows from others, as JSON can hold it."""
        return {"grid": list(self.shape), "overlap": self.overlap}

    def __str__(self) -> str:
        return f"grid patches of {' x '.join(map(str, self.shape))}"


def assembled(
    grid: Grid, shapes: NDArray[np.int64], predictions: Iterable[Any], weights: Weights, channels: str
) -> Iterator[NDArray[np.float32]]:
    """Yield the weighted mean of the predictions for each volume; see :meth:`WindowDataset.assemble`."""
    if weights not in get_args(Weights):
        raise ValueError(unknown("weights", weights, get_args(Weights)))
    if channels not in ("first", "last"):
        raise ValueError(unknown("channels", channels, ("first", "last")))
    return _assembled(grid, shapes, predictions, weights, channels)


def _assembled(
    grid: Grid, shapes: NDArray[np.int64], predictions: Iterable[Any], weights: Weights, channels: str
) -> Iterator[NDArray[np.float32]]:
    of_patch = grid.weights(weights)
    places = grid.places(shapes)
    n_patches = len(places.cases)
    rows: Iterator[Any] = (_scores(row, grid, channels) for batch in predictions for row in np.asarray(batch))
    corners = iter(places.corners.tolist())
    for shape, n in zip(shapes.tolist(), np.bincount(places.cases, minlength=len(shapes)).tolist(), strict=True):
        total: Any = None
        covered = np.zeros(shape, np.float32)
        for corner in itertools.islice(corners, n):
            if (row := next(rows, None)) is None:
                raise ValueError(f"There are fewer predictions than the {n_patches} patches.")
            if total is None:
                total = np.zeros((*row.shape[:-3], *shape), np.float32)
            if row.shape[:-3] != total.shape[:-3]:
                raise ValueError("The predictions have different numbers of channels.")
            read, inside = _overlap(corner, grid.shape, shape)
            total[..., *read] += row[..., *inside] * of_patch[inside]
            covered[read] += of_patch[inside]
        if total is not None:
            total /= covered
            yield total if channels == "first" or total.ndim == 3 else np.moveaxis(total, 0, -1)
    if next(rows, None) is not None:
        raise ValueError(f'There are more predictions than the {n_patches} patches. Do not use last="pad".')


def _scores(row: NDArray[Any], grid: Grid, channels: str) -> NDArray[Any]:
    """Return the prediction for one patch with its channels, if any, first."""
    if row.dtype.kind != "f":
        raise ValueError(f"Predictions have dtype {row.dtype}. Pass scores or probabilities, not class numbers.")
    turned = np.moveaxis(row, -1, 0) if channels == "last" and row.ndim == 4 else row
    if turned.ndim not in (3, 4) or turned.shape[-3:] != grid.shape:
        raise ValueError(
            f"A prediction has the shape {row.shape}. With channels={channels!r}, it must be {grid.shape}, with or "
            "without an axis of channels, in batches of patches."
        )
    return turned
