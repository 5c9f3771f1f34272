"""Numbers for groups and strata that do not depend on how these are called, so that chance does not either."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def by_first_appearance(values: NDArray[Any]) -> NDArray[np.intp]:
    """Return a number for each value or row, counted in the order in which they first appear.

    Parameters
    ----------
    values : (n,) or (n, c) array
        Of any dtype; objects of one dimension must be hashable, and need no order.

    Returns
    -------
    (n,) intp
        Equal values have equal numbers, from 0.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np._groups import by_first_appearance
    >>> by_first_appearance(np.array([10, 9, 10, 2])).tolist()
    [0, 1, 0, 2]
    """
    if values.dtype.kind == "O" and values.ndim == 1:
        number_of: dict[Any, int] = {}
        return np.array([number_of.setdefault(value, len(number_of)) for value in values.tolist()], dtype=np.intp)
    _, first, which = np.unique(values, axis=0, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.intp)
    number[np.argsort(first)] = np.arange(len(first))
    return number[which.reshape(-1)]
