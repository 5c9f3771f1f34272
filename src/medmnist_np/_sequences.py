"""What all data sets have in common: pairs of arrays, counted and selected like a list, and never compared."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, Self, overload

import numpy as np
from numpy.typing import NDArray


class Items(Sequence[tuple[Any, Any]]):
    """A selection of samples; an int gives one, and a slice, an array of numbers or a mask gives a part."""

    # Of all that there is in the files: a range takes no room in a pickle.
    _selection: range | NDArray[np.intp]

    @abstractmethod
    def _item(self, number: int) -> tuple[Any, Any]:
        """Return one sample, by its number in the selection, from 0."""

    @abstractmethod
    def _subset(self, selection: range | NDArray[np.intp]) -> Self:
        """Return the same with another selection."""

    def __len__(self) -> int:
        return len(self._selection)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        # Sequence would take an IndexError of a transform for the end.
        return (self[number] for number in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> tuple[Any, Any]: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> Self: ...
    def __getitem__(self, index: int | slice | Sequence[int] | NDArray[Any]) -> tuple[Any, Any] | Self:
        if isinstance(index, slice):
            return self._subset(self._selection[index])
        if not isinstance(index, (int, np.integer)) and np.ndim(index) == 0:
            index = np.asarray(index)[()]  # arrays and tensors without an axis hold one number
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            n = len(self)
            if not -n <= index < n:
                raise IndexError(f"There is no sample {index} in a data set of {n}.")
            return self._item(int(index) % n)
        return self._part(index)

    def __contains__(self, item: object) -> NoReturn:
        raise TypeError("Samples are arrays, which `in` cannot compare: compare the arrays themselves.")

    def index(self, *_: object) -> NoReturn:
        """Refuse: samples are arrays."""
        raise TypeError("Samples are arrays, which .index() cannot compare: compare the arrays themselves.")

    def count(self, *_: object) -> NoReturn:
        """Refuse: samples are arrays."""
        raise TypeError("Samples are arrays, which .count() cannot compare: compare the arrays themselves.")

    def _positions(self) -> NDArray[np.intp]:
        """Return where the selected samples lie in the files, ``(n,)`` intp, in a new array."""
        chosen = self._selection
        if isinstance(chosen, range):
            # From the range itself, NumPy would take number after number.
            return np.arange(chosen.start, chosen.stop, chosen.step, dtype=np.intp)
        return chosen.copy()

    def _part(self, index: Any) -> Self:
        """Return the samples of these numbers or this mask, also where a subclass has items of its own."""
        return self._subset(self._chosen(index))

    def _chosen(self, index: Any) -> NDArray[np.intp]:
        """Return the positions of samples that a user names by number or by a mask."""
        chosen = np.asarray(index)
        if chosen.size == 0 and chosen.dtype != bool:
            chosen = chosen.astype(np.intp)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
            raise TypeError(
                f"A data set is indexed by an int, a slice, a 1D array of ints or a boolean mask, not by {index!r}."
            )
        if chosen.dtype == bool and len(chosen) != len(self):
            raise IndexError(f"The mask has {len(chosen)} values and the data set {len(self)} samples.")
        if not isinstance(self._selection, range):
            positions: NDArray[np.intp] = self._selection[chosen]
            return positions
        # A range is not written out for each batch: that would take longer than reading it.
        numbers = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.intp)
        n = len(self)
        if ((numbers < -n) | (numbers >= n)).any():
            raise IndexError(f"The data set has {n} samples, and some of these are not in it: {index!r}.")
        from_start: NDArray[np.intp] = np.where(numbers < 0, numbers + n, numbers)
        return self._selection.start + self._selection.step * from_start
