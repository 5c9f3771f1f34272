"""Arrays that follow one another, read as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray


class Rows(Protocol):
    """What batches are made of: rows of one shape that can be taken by number. An array is one.

    A promise to implementers: ``take`` may be called from several threads at once, and gives the same bytes for the
    same row whatever comes before and beside it. Callers keep to the range of rows.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, ...)``."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the rows."""

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, index: int, /) -> Any: ...
    @overload
    def __getitem__(self, index: slice, /) -> Any: ...

    def take(self, indices: Any, /, axis: int, out: Any = None, mode: Any = "raise") -> Any:
        """Return the rows of these numbers, ``(k, ...)``, new or in ``out``, as :meth:`numpy.ndarray.take` does."""


class Joined:
    """Arrays of equal rows, one after another, without a copy.

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
            # A step beyond the end takes one row, however long it is: longer ones than NumPy counts are steps too.
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
    """Return each array that rows are made of, with the numbers of those of its rows that are meant, in their order."""
    if not isinstance(rows, Joined):
        return [(rows, indices)]
    bounds = zip(rows.parts, rows.starts, rows.starts[1:], strict=False)
    return [(part, indices[(start <= indices) & (indices < stop)] - start) for part, start, stop in bounds]
