"""Whether an id or a group is unknown: empty, or what tables and arrays put where there is no value."""

from __future__ import annotations

# By None and NaN of Python, NaT and <NA> of pandas, NA of R, NULL of databases.
_UNKNOWN = frozenset({"", "none", "nan", "nat", "<na>", "na", "n/a", "null"})


def is_missing(value: object) -> bool:
    """Return whether an id or a group is unknown.

    Examples
    --------
    >>> from medmnist_np.missing import is_missing
    >>> [is_missing(value) for value in (None, float("nan"), " ", "NA", "patient 7", 0)]
    [True, True, True, True, False, False]
    """
    return str(value).strip().lower() in _UNKNOWN
