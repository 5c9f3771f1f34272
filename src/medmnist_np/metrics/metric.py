"""From one value for each class or label to one number, with an explicit choice for those that are not defined."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from medmnist_np.errors import nearest
from medmnist_np.metrics.predictions import MULTI_LABEL, Predictions, ratio

Undefined = Literal["raise", "skip", "nan", "zero"]


def average(
    values: NDArray[np.float64], predictions: Predictions, name: str, undefined: Undefined, otherwise: str = ""
) -> float:
    """Return the mean over classes or labels.

    Parameters
    ----------
    values : (columns,) float
        One for each class or label; NaN where it is not defined.
    predictions : Predictions
        What they were computed from, for the message.
    name : str
        What the value is called in the message.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle NaN: refuse and say which class it is, take the mean of the others, let the mean be NaN too,
        or count it as 0.
    otherwise : str
        Why a value is not defined although there are both positive and negative samples.

    Raises
    ------
    ValueError
        If a value is not defined and `undefined` is ``"raise"``, or `undefined` is no such choice.

    Examples
    --------
    >>> predictions = Predictions([0, 1, 1], [[0.6, 0.4, 0], [0.3, 0.7, 0], [0.2, 0.8, 0]], "multi-class")
    >>> average(np.array([1.0, 0.5, np.nan]), predictions, "AUC", "skip")
    0.75
    """
    missing = np.isnan(values)
    check_choice(undefined)
    if undefined == "raise" and missing.any():
        raise ValueError(_message(int(np.argmax(missing)), values, predictions, name, otherwise))
    return float(averages(values[None], undefined)[0])


def averages(values: NDArray[np.float64], undefined: Undefined) -> NDArray[np.float64]:
    """Return the means ``(b,)`` of values ``(b, columns)``; a resample is not refused, so ``"raise"`` gives NaN."""
    if undefined == "zero":
        values = np.nan_to_num(values)
    if undefined == "skip":
        defined = ~np.isnan(values)
        n_defined = defined.sum(axis=1)
        total = np.where(defined, values, 0.0).sum(axis=1)
        return ratio(total, n_defined)
    means: NDArray[np.float64] = np.mean(values, axis=1)
    return means


def check_choice(undefined: str) -> None:
    """Refuse what is not one of the choices."""
    choices = get_args(Undefined)
    if undefined not in choices:
        hint = nearest(undefined, choices) if isinstance(undefined, str) else ""
        raise ValueError(f"undefined is {undefined!r}.{hint} The choices are: {', '.join(map(repr, choices))}.")


def column_name(column: int, n_columns: int, task: str) -> str:
    """Return what one of the values is of: ``"label 3"``, ``"class 1"``, or nothing where there is only one."""
    if task == MULTI_LABEL:
        return f"label {column}"
    if n_columns == 1:
        return "class 1" if task == "binary-class" else ""
    return f"class {column}"


def _message(column: int, values: NDArray[np.float64], predictions: Predictions, name: str, otherwise: str) -> str:
    n, n_columns = predictions.n_samples, len(values)
    of = column_name(column, n_columns, predictions.task)
    reason = otherwise
    if n_columns == len(predictions.columns):
        n_positive = np.count_nonzero(predictions.positive[column])
        if n_positive in (0, n):
            reason = f"none of the {n} samples is {'negative' if n_positive else 'positive'}"
    more = np.count_nonzero(np.isnan(values)) - 1
    return (
        f"The {name}{of and f' of {of}'} is not defined: {reason or 'a class is absent'}."
        f"{f' Nor is that of {more} more.' if more else ''} Take samples in which each class occurs and is not the "
        'only one, or choose undefined="skip", the mean of the others, or "nan" or "zero".'
    )
