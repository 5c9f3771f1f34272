"""Building blocks of data sets: select samples as in a list, read several arrays as one, read arrays in blocks."""

from __future__ import annotations

import math
import mmap
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol, Self, overload

import numpy as np
from numpy.typing import NDArray

from medmnist_np._optional import TorchDataset
from medmnist_np.errors import short

if TYPE_CHECKING:
    _Base = Sequence[tuple[Any, Any]]
else:
    _Base = ABC


class Items(TorchDataset, _Base):
    """A selection of samples. An int returns one sample; a slice, an array of ints or a mask returns a subset."""

    _is_sequence: ClassVar[bool] = True

    # The positions in the files. A range needs almost no space in a pickle.
    _selection: range | NDArray[np.intp]

    @abstractmethod
    def _item(self, number: int) -> tuple[Any, Any]:
        """Return one sample, by its number in the selection, from 0."""

    @abstractmethod
    def _subset(self, selection: range | NDArray[np.intp]) -> Self:
        """Return a copy with another selection."""

    def __len__(self) -> int:
        return len(self._selection)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        # Sequence.__iter__ would mistake an IndexError in a transform for the end.
        return (self[number] for number in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> tuple[Any, Any]: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> Self: ...
    def __getitem__(self, index: int | slice | Sequence[int] | NDArray[Any]) -> tuple[Any, Any] | Self:
        if isinstance(index, slice):
            part = self._selection[index]
            if isinstance(part, range) and len(part) < 2:  # its step may be larger than NumPy's integers
                part = range(part.start, part.start + len(part))
            return self._subset(part)
        if not isinstance(index, (int, np.integer)) and np.ndim(index) == 0:
            index = np.asarray(index)[()]  # an array or tensor without an axis contains one number
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            n = len(self)
            if not -n <= index < n:
                raise IndexError(f"Index {index} is out of range for a data set of {n} samples.")
            return self._item(int(index) % n)
        return self._part(index)

    def __contains__(self, item: object) -> NoReturn:
        raise TypeError("`in` cannot compare samples, because they are arrays. Compare the arrays themselves.")

    def index(self, *_: object) -> NoReturn:
        """Refuse: samples are arrays."""
        raise TypeError(".index() cannot compare samples, because they are arrays. Compare the arrays themselves.")

    def count(self, *_: object) -> NoReturn:
        """Refuse: samples are arrays."""
        raise TypeError(".count() cannot compare samples, because they are arrays. Compare the arrays themselves.")

    def _positions(self) -> NDArray[np.intp]:
        """Return the positions of the selected samples in the files, ``(n,)`` intp, in a new array."""
        chosen = self._selection
        if isinstance(chosen, range):
            # np.array(range) would be slow: it reads one number after another.
            return np.arange(chosen.start, chosen.stop, chosen.step, dtype=np.intp)
        return chosen.copy()

    def _part(self, index: Any) -> Self:
        """Return the samples of these numbers or this mask, also if a subclass has items of its own."""
        return self._subset(self._chosen(index))

    def _chosen(self, index: Any) -> NDArray[np.intp]:
        """Return the positions of samples given by numbers or by a mask."""
        chosen = np.asarray(index)
        if chosen.size == 0 and chosen.dtype != bool:
            chosen = chosen.astype(np.intp)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
            raise TypeError(
                f"The index of a data set must be an int, a slice, a 1D array of ints or a mask, not {short(index)}."
            )
        if chosen.dtype == bool and len(chosen) != len(self):
            raise IndexError(f"The mask has {len(chosen)} values, but the data set has {len(self)} samples.")
        if not isinstance(self._selection, range):
            positions: NDArray[np.intp] = self._selection[chosen]
            return positions
        # Converting the range to an array for each batch would take longer than reading the batch.
        numbers = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.intp)
        n = len(self)
        if ((numbers < -n) | (numbers >= n)).any():
            raise IndexError(f"The data set has {n} samples, but some indices are out of range: {short(index)}.")
        from_start: NDArray[np.intp] = np.where(numbers < 0, numbers + n, numbers)
        return self._selection.start + self._selection.step * from_start


class _ListLike(type):
    """The type of :class:`_Sequences`, which defines what its subclasses are."""

    def __subclasscheck__(cls, subclass: type) -> bool:
        return Items in subclass.__mro__ and bool(subclass._is_sequence)  # type: ignore[attr-defined]


@Sequence.register
class _Sequences(metaclass=_ListLike):
    """The classes of items that are a :class:`collections.abc.Sequence`.

    The official classes must not be sequences: some libraries, such as Lightning 1, treat a sequence as several data
    sets. They are subclasses of a class that is a sequence, so Sequence cannot be a base class of it.
    """


class Rows(Protocol):
    """Rows of one shape that can be taken by number, from which batches are made. Arrays have this interface.

    Requirements for implementers: several threads may call ``take`` at the same time, and it returns the same bytes
    for the same row in any order and combination. Callers pass only valid numbers of rows.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, ...)``."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the rows."""

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, index: int, /) -> Any: ...
    @overload
    def __getitem__(self, index: slice, /) -> Any: ...

    def take(self, indices: Any, /, axis: int, out: Any = None, mode: Any = "raise") -> Any:
        """Return the rows with these numbers, ``(k, ...)``, like :meth:`numpy.ndarray.take`, new or in ``out``."""


class Joined:
    """Several arrays with rows of the same shape, read as one array without a copy.

    Parameters
    ----------
    parts : sequence of arrays
        ``(n_1, ...)``, ``(n_2, ...)`` and so on, of one dtype.
    """

    def __init__(self, parts: Sequence[Rows]) -> None:
        self.parts = tuple(parts)
        self.starts = np.cumsum([0, *map(len, self.parts)])
        self.shape: tuple[int, ...] = (int(self.starts[-1]), *self.parts[0].shape[1:])
        self.dtype = self.parts[0].dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | slice) -> NDArray[Any]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            part = self._part(start) if start < stop else 0
            if step == 1 and stop <= self.starts[part + 1]:
                block: NDArray[Any] = self.parts[part][start - self.starts[part] : stop - self.starts[part]]
                return block
            # Steps may be larger than the integers of NumPy. Any step beyond the end takes one row.
            return self.take(np.arange(start, stop, min(step, len(self) + 1)), axis=0)
        part = self._part(index)
        row: NDArray[Any] = self.parts[part][index - self.starts[part]]
        return row

    def take(self, indices: NDArray[np.intp], axis: int = 0, out: Any = None, mode: Any = "raise") -> NDArray[Any]:
        """Return rows by number, in a new array or in ``out``."""
        taken: NDArray[Any] = np.empty((len(indices), *self.shape[1:]), self.dtype) if out is None else out
        for part, start, stop in zip(self.parts, self.starts, self.starts[1:], strict=False):
            where = np.flatnonzero((start <= indices) & (indices < stop))
            taken[where] = part.take(indices[where] - start, axis=0)
        return taken

    def _part(self, index: int) -> int:
        return int(np.searchsorted(self.starts, index, side="right")) - 1


def divided(rows: Rows, indices: NDArray[np.intp]) -> list[tuple[Any, NDArray[np.intp]]]:
    """Return each array that the rows consist of, with the indices that fall into it, in their order."""
    if not isinstance(rows, Joined):
        return [(rows, indices)]
    bounds = zip(rows.parts, rows.starts, rows.starts[1:], strict=False)
    return [(part, indices[(start <= indices) & (indices < stop)] - start) for part, start, stop in bounds]


_BLOCK_BYTES = 4 << 20  # larger blocks were not much faster

Images = NDArray[np.uint8]
Advance = Callable[[int], object]


def blocks(images: Images, advance: Advance | None = None) -> Iterator[tuple[slice, Images]]:
    """Yield consecutive parts of an array, each of a few MB, with their slices.

    Pages of a read-only memory map are released after use, so memory use does not grow with the array.

    Parameters
    ----------
    images : (n, ...) uint8
        Images or volumes, at least two axes.
    advance : callable, optional
        Called with the number of bytes after each part, for example the ``update`` of a progress bar.

    Raises
    ------
    ValueError
        If the array has another dtype or fewer axes, or its images have no pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np._sequences import blocks
    >>> [(where.start, len(part)) for where, part in blocks(np.zeros((7000, 28, 28), dtype=np.uint8))]
    [(0, 5349), (5349, 1651)]
    """
    view = checked_images(images)
    step = max(1, _BLOCK_BYTES // math.prod(view.shape[1:]))
    for start in range(0, len(view), step):
        part = view[start : start + step]
        yield slice(start, start + len(part)), part
        _let_go(part)
        if advance is not None:
            advance(part.nbytes)


def checked_images(images: Images) -> Images:
    """Return an array of images as a plain array, or raise ValueError if it is not an array of images."""
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim < 2 or 0 in images.shape[1:]:
        found = f"{images.dtype} of shape {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise ValueError(f"The images must be an array (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, not {found}.")
    return images.view(np.ndarray)


def _let_go(part: Images) -> None:
    """Release pages of a memory map from the process. The system may keep them in its file cache."""
    dont_need = getattr(mmap, "MADV_DONTNEED", None)  # Windows has none
    base: object = part
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    # A map of mode "c" would lose its changes, so only read-only maps are released.
    if dont_need is None or not isinstance(base, np.memmap) or base.mode != "r" or not part.flags.c_contiguous:
        return
    memory: mmap.mmap = base._mmap  # type: ignore[attr-defined]  # the stubs of NumPy leave it out
    advise = getattr(memory, "madvise", None)
    begin = part.ctypes.data - np.frombuffer(memory, np.uint8).ctypes.data
    first = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE
    length = (begin + part.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE - first
    if advise is not None and length > 0:
        advise(dont_need, first, length)
