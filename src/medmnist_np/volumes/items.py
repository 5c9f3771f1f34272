"""What volumes and windows have in common: pairs of arrays, counted and selected like a list, and never compared."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, Self, overload

import numpy as np
from numpy.typing import NDArray


class Items(Sequence[tuple[Any, Any]]):
    """A selection of ``(image, mask)``; an int gives one, and a slice, an array of numbers or a mask gives a part."""

    # Of all that there is in the files: a range takes no room in a pickle.
    _selection: range | NDArray[np.intp]

    @abstractmethod
    def _item(self, number: int) -> tuple[Any, Any]:
        """Return one pair, by its number in the selection."""

    @abstractmethod
    def _part(self, selection: range | NDArray[np.intp]) -> Self:
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
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            number = int(index)
            if not -len(self) <= number < len(self):
                raise IndexError(f"There is no item {number} among {len(self)}.")
            return self._item(number % len(self))
        if isinstance(index, slice):
            return self._part(self._selection[index])
        return self._part(self._positions()[self._chosen(index)])

    def _chosen(self, index: Any) -> NDArray[Any]:
        chosen = np.asarray(index)
        if chosen.size == 0 and chosen.dtype != bool:
            chosen = chosen.astype(np.intp)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
            raise TypeError(
                f"Items are chosen by an int, a slice, a 1D array of ints or a boolean mask, not by {index!r}."
            )
        if chosen.dtype == bool and len(chosen) != len(self):
            raise IndexError(f"The mask has {len(chosen)} values, and there are {len(self)} items.")
        return chosen

    def _positions(self) -> NDArray[np.intp]:
        return np.array(self._selection, dtype=np.intp)

    def __contains__(self, item: object) -> NoReturn:
        raise TypeError("Items are arrays, which `in` cannot compare.")

    def index(self, *_: object) -> NoReturn:
        """Refuse: items are arrays."""
        raise TypeError("Items are arrays, which .index() cannot compare.")

    def count(self, *_: object) -> NoReturn:
        """Refuse: items are arrays."""
        raise TypeError("Items are arrays, which .count() cannot compare.")
