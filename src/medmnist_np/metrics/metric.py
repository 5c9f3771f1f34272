"""A metric: its value for each class or label, the average, and how to handle values that are not defined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from medmnist_np.errors import check_choice
from medmnist_np.metrics.predictions import MULTI_LABEL, Counts, Predictions, each_once, ratio
from medmnist_np.registry.records import LABEL_TASKS

Values = NDArray[np.float64]
Undefined = Literal["raise", "skip", "nan", "zero"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name, how it is computed, and what it is used for.

    Attributes
    ----------
    name : str
        Its key in :data:`METRICS`.
    title : str
        Its name in tables and messages.
    resampled : callable
        ``(predictions, counts) -> (b, columns)`` float: the value of each class or label (or a single value) in each
        resample, where ``counts`` ``(b, n)`` is how often each sample was drawn; NaN if it is not defined. The metric
        is the mean over the columns. A row of the result must not depend on other rows of ``counts``.
    otherwise : str
        Why a value may be undefined although there are both positive and negative samples.
    lower_is_better : bool
        Whether it is a loss.
    methods : tuple of str
        Methods of confidence intervals that it supports besides the percentile bootstrap.
    biased : str
        Why its value is biased in every resample, so that a bootstrap interval is misleading; empty if it is not.
    tasks : tuple of str
        The tasks for which reports show it. For others it equals another metric or has no meaning.
    plain : callable, optional
        ``predictions -> (columns,)`` float: a faster way to the values without resampling.

    Examples
    --------
    >>> from medmnist_np.metrics import METRICS
    >>> METRICS["f1"].title, METRICS["log_loss"].lower_is_better
    ('F1', True)
    """

    name: str
    title: str
    resampled: Callable[[Predictions, Counts], Values]
    otherwise: str = ""
    lower_is_better: bool = False
    methods: tuple[str, ...] = ()
    biased: str = ""
    tasks: tuple[str, ...] = LABEL_TASKS
    plain: Callable[[Predictions], Values] | None = None

    def per_class(self, predictions: Predictions) -> Values:
        """Return the value of each class or label, ``(columns,)``; NaN where it is not defined."""
        if self.plain is not None:
            return self.plain(predictions)
        return self.resampled(predictions, each_once(predictions)).reshape(-1)

    def value(self, predictions: Predictions, undefined: Undefined = "raise") -> float:
        """Return the mean over classes or labels. See :func:`measure` for `undefined`."""
        return self.average(self.per_class(predictions), predictions, undefined)

    def average(self, values: Values, predictions: Predictions, undefined: Undefined) -> float:
        """Return the mean of the values ``(columns,)`` of :meth:`per_class`, or raise ValueError."""
        check_undefined(undefined)
        if undefined == "raise" and np.isnan(values).any():
            raise ValueError(_message(self, values, predictions))
        return float(averages(values[None], undefined)[0])


def averages(values: Values, undefined: Undefined) -> Values:
    """Return the means ``(b,)`` of values ``(b, columns)``; for resamples, ``"raise"`` gives NaN."""
    if undefined == "zero":
        values = np.nan_to_num(values)
    if undefined == "skip":
        defined = ~np.isnan(values)
        return ratio(np.where(defined, values, 0.0).sum(axis=1), defined.sum(axis=1))
    means: Values = np.mean(values, axis=1)
    return means


def check_undefined(undefined: str) -> None:
    """Raise ValueError unless `undefined` is one of the choices."""
    check_choice("value of undefined:", undefined, get_args(Undefined))


def column_name(column: int, n_columns: int, task: str) -> str:
    """Return which class or label a value belongs to: ``"label 3"``, ``"class 1"``, or nothing for all together."""
    if task == MULTI_LABEL:
        return f"label {column}"
    if n_columns == 1:
        return "class 1" if task == "binary-class" else ""
    return f"class {column}"


def _message(metric: Metric, values: Values, predictions: Predictions) -> str:
    n, column = predictions.n_samples, int(np.argmax(np.isnan(values)))
    of = column_name(column, len(values), predictions.task)
    reason = metric.otherwise or "a class is absent"
    if len(values) == len(predictions.columns):
        n_positive = np.count_nonzero(predictions.positive[column])
        if n_positive in (0, n):
            reason = f"none of the {n} samples is {'negative' if n_positive else 'positive'}"
    n_others = np.count_nonzero(np.isnan(values)) - 1
    return (
        f"The {metric.title}{of and f' of {of}'} is not defined: {reason}."
        f"{f' The same applies to {n_others} more.' if n_others else ''} Use samples with every class, or set "
        'undefined="skip" (average over the others), "nan" or "zero".'
    )
