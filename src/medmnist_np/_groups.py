"""Ids, groups and weights of samples: check one value per sample, find missing values, number groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# None and NaN in Python, NaT and <NA> in pandas, NA in R, NULL in databases.
_UNKNOWN = frozenset({"", "none", "nan", "nat", "<na>", "na", "n/a", "null"})


def is_missing(value: object) -> bool:
    """Return whether an id or a group is unknown.

    Examples
    --------
    >>> from medmnist_np._groups import is_missing
    >>> [is_missing(value) for value in (None, float("nan"), " ", "NA", "patient 7", 0)]
    [True, True, True, True, False, False]
    """
    return str(value).strip().lower() in _UNKNOWN


def by_first_appearance(values: NDArray[Any]) -> NDArray[np.intp]:
    """Return numbers for the different values or rows in the order in which they first appear.

    Parameters
    ----------
    values : (n,) or (n, c) array
        Values of any dtype. Objects in a one-dimensional array must be hashable, but need not be sortable.

    Returns
    -------
    (n,) intp
        The number of each value, starting with 0. Equal values have equal numbers.

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


def per_sample(values: Any, name: str) -> NDArray[Any]:
    """Return values given for each sample as an array.

    Raises
    ------
    ValueError
        If some are masked, or they are a pandas series whose index is 0 to n - 1 in another order.
    """
    refuse_other_order(values, name)
    if np.ma.is_masked(values):
        raise ValueError(f"{name} is a masked array with masked values. Remove these samples, or fill the values.")
    return np.asarray(values)


def refuse_other_order(values: Any, name: str) -> None:
    """Raise ValueError for a pandas series whose index is 0 to n - 1 in another order, because it may be shuffled."""
    index = values.index.tolist() if hasattr(values, "iloc") else []
    in_order = list(range(len(index)))
    if index != in_order and set(index) == set(in_order):
        raise ValueError(
            f"The index of {name} is not in order. If the index has the numbers of the samples, pass .sort_index(). "
            "If the rows are in the right order, pass .to_numpy()."
        )
