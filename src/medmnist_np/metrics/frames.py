"""Match the rows and columns of data frames to samples and classes by their labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.errors import short

Order = NDArray[np.intp]

_ADVICE = "If the values are already in order, pass them as an array: .to_numpy()."
_ENDS_IN_NUMBER = re.compile(r"(.*?)([0-9]+)")


def row_labels(values: Any) -> NDArray[Any] | None:
    """Return the index of a pandas frame or series, ``(n,)``; None for anything else."""
    return np.asarray(values.index) if hasattr(values, "iloc") else None


def column_labels(values: Any) -> list[Any] | None:
    """Return the column labels of a frame, or the name of a pandas series; None if they were not set."""
    found = getattr(values, "column_names", getattr(values, "columns", None))
    if found is None:
        return None if getattr(values, "name", None) is None or not hasattr(values, "iloc") else [values.name]
    labels = list(found)
    # The default index of pandas carries no information, which matters if there is only one column.
    made_by_pandas = type(found).__name__ == "RangeIndex" and labels == list(range(len(labels)))
    return None if made_by_pandas else labels


def class_order(labels: Sequence[Any], class_names: Sequence[str] = ()) -> Order | None:
    """Return the column of each class by the column labels; None if they do not identify the classes.

    Parameters
    ----------
    labels : sequence
        Column labels: class names, class numbers, or text that ends in class numbers, such as ``"p0"``, ``"p1"``.
    class_names : sequence of str
        Names of class 0, 1, ..., if known.

    Examples
    --------
    >>> class_order(["benign", "malignant"], ["malignant", "benign"]).tolist(), class_order([2, 0, 1]).tolist()
    ([1, 0], [1, 2, 0])
    >>> class_order(["a", "b"]) is None
    True
    """
    by_number = _order(_numbers(labels), range(len(labels)))
    by_name = _order(list(map(_plain, labels)), list(map(_plain, class_names)))
    as_text = any(isinstance(label, str) for label in labels)
    first, second = (by_name, by_number) if as_text else (by_number, by_name)
    return second if first is None else first


def order_of_scores(y_score: Any, class_names: Sequence[str], n_samples: int) -> tuple[Order | None, Order | None]:
    """Return the rows and columns of scores that belong to sample 0, 1, ... and class 0, 1, ... of a data set.

    Parameters
    ----------
    y_score : object
        Scores. Only frames and series have labels.
    class_names : sequence of str
        Class names of the data set.
    n_samples : int
        Number of samples in the split. Later checks refuse other numbers of rows and columns.

    Returns
    -------
    rows, columns : (n,) intp or None
        None if there are no labels.

    Raises
    ------
    ValueError
        If there are labels that do not identify the samples or the classes.
    """
    index, labels = row_labels(y_score), column_labels(y_score)
    rows = columns = None
    if index is not None and len(index) == n_samples:
        rows = _order(index.tolist(), range(n_samples))
        if rows is None:
            raise ValueError(
                f"The index of y_score starts with {_listed(index.tolist())}. It must have each of 0 to "
                f"{n_samples - 1} once. {_ADVICE}"
            )
    if labels is not None and len(labels) == 1 and len(class_names) == 2:
        refuse_class_0(labels, class_names)
    elif labels is not None and len(labels) == len(class_names):
        columns = class_order(labels, class_names)
        if columns is None:
            raise ValueError(
                f"The columns of y_score are {_listed(labels)}, and the classes are {_listed(class_names)}. Name each "
                f"column after its class or class number. {_ADVICE}"
            )
    return rows, columns


def order_of_predictions(
    y_true: Any, y_score: Any, task: str
) -> tuple[Order | None, tuple[Order | None, Order | None]]:
    """Return the columns of labels, and the rows and columns of scores, in matching order; None to keep the order.

    Raises
    ------
    ValueError
        If the labels of rows or columns contradict each other.
    """
    of_labels, of_scores = column_labels(y_true), column_labels(y_score)
    true_columns = score_columns = None
    names: list[str] = []
    if of_labels is not None and len(of_labels) > 1:
        true_columns = class_order(of_labels)
        names = [] if true_columns is not None else list(map(str, of_labels))
    if of_scores is not None and len(of_scores) == 1:
        if task == "binary-class":
            refuse_class_0(of_scores, ())
    elif of_scores is not None:
        score_columns = class_order(of_scores, names)
        numbered = all(isinstance(label, Integral) for label in of_scores)
        shared = {_plain(name) for name in names} & {_plain(label) for label in of_scores}
        if score_columns is None and (numbered or shared):
            expected = _listed(names) if names else f"the class numbers 0 to {len(of_scores) - 1}"
            raise ValueError(f"The columns of y_score are {_listed(of_scores)}, not {expected}. {_ADVICE}")
    return true_columns, (_rows_of_scores(row_labels(y_true), row_labels(y_score)), score_columns)


def refuse_class_0(labels: Sequence[Any], class_names: Sequence[str]) -> None:
    """Raise ValueError if a single column of scores is labelled as class 0."""
    (label,) = labels
    if _plain(label) in ("0", *map(_plain, class_names[:1])):
        raise ValueError(
            f"The only column of y_score is {short(label)}, which is class 0. A single column must have the scores of "
            "class 1. Pass these, or both columns. If they are the scores of class 1, pass an array: .to_numpy()."
        )


def _rows_of_scores(of_labels: NDArray[Any] | None, of_scores: NDArray[Any] | None) -> Order | None:
    """Return which rows of scores belong to the rows of labels."""
    if of_scores is None or (of_labels is not None and np.array_equal(of_labels, of_scores)):
        return None
    if of_labels is None:
        # It is ambiguous whether the rows should be sorted by the index or kept in order.
        rows = _order(of_scores.tolist(), range(len(of_scores)))
        if rows is not None and (np.diff(rows) != 1).any():
            raise ValueError(
                "The index of y_score is not in order, and y_true has no index to match it with. "
                "Pass y_true as a series with its index, or y_score as an array: .to_numpy()."
            )
        return None
    if len(of_labels) != len(of_scores):
        return None  # refused later, with both numbers in the message
    rows = _order(of_scores.tolist(), of_labels.tolist())
    if rows is None:
        raise ValueError(
            f"y_true and y_score have different indices: {_listed(of_labels.tolist())} and "
            f"{_listed(of_scores.tolist())}. {_ADVICE}"
        )
    return rows


def _order(found: Sequence[Any] | None, wanted: Sequence[Any]) -> Order | None:
    """Return the position of each wanted label; None unless each occurs exactly once and there are no others."""
    if found is None or len(found) != len(wanted) or not found:
        return None
    places = {label: place for place, label in enumerate(found)}
    if len(places) < len(found) or any(label not in places for label in wanted):
        return None
    return np.array([places[label] for label in wanted], dtype=np.intp)


def _numbers(labels: Sequence[Any]) -> list[int] | None:
    """Return the labels as numbers, or the numbers after a common prefix; None if they have none."""
    if all(isinstance(label, Integral) and not isinstance(label, bool) for label in labels):
        return list(map(int, labels))
    matches = [_ENDS_IN_NUMBER.fullmatch(label) if isinstance(label, str) else None for label in labels]
    prefixes = {None if match is None else match[1] for match in matches}
    if len(prefixes) != 1 or None in prefixes:
        return None
    return [int(match[2]) for match in matches if match is not None]


def _plain(label: object) -> str:
    return str(label).strip().casefold()


def _listed(labels: Sequence[Any]) -> str:
    """Return the first labels as text."""
    shown = ", ".join(map(repr, labels[:3]))
    return f"{shown}, ..." if len(labels) > 3 else shown
