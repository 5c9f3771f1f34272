"""Memory for arrays that come and go: what nobody holds any more is used again.

Memory that one thread allocates and another frees goes back to the system, and each of its pages has to be given anew:
that took longer than filling it.
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Other libraries take arrays as they are, without a copy, only if they start at such an address.
_ALIGNMENT = 64


class Buffers:
    """Gives out arrays, and takes their memory back when the last view of it is gone. For any number of threads.

    Parameters
    ----------
    most : int
        As many arrays of one size are kept for the next ones. What comes back beyond that, or after this object is
        gone, is freed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._free: dict[int, deque[_Memory]] = {}

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return a writable array with any content, as :func:`numpy.empty`."""
        n_bytes = math.prod(shape) * dtype.itemsize
        free = self._free.setdefault(n_bytes, deque(maxlen=self._most))
        try:
            memory = free.pop()
        except IndexError:
            memory = _Memory(n_bytes)
        return np.asarray(_Loan(memory, free)).view(dtype).reshape(shape)


class _Memory:
    """Bytes at an aligned address."""

    __slots__ = ("interface", "owner")

    def __init__(self, n_bytes: int) -> None:
        self.owner = np.empty(n_bytes + _ALIGNMENT, np.uint8)
        address = self.owner.ctypes.data
        address += -address % _ALIGNMENT
        self.interface = {"version": 3, "data": (address, False), "shape": (n_bytes,), "typestr": "|u1"}


class _Loan:
    """Stands between memory and the arrays that show it: they hold it, and it returns the memory when it goes."""

    __slots__ = ("__array_interface__", "_free", "_memory")

    def __init__(self, memory: _Memory, free: deque[_Memory]) -> None:
        self.__array_interface__ = memory.interface
        # Weakly: one array that is kept must not keep what all the others left.
        self._memory, self._free = memory, weakref.ref(free)

    def __del__(self) -> None:
        free = self._free()
        if free is not None:
            free.append(self._memory)
