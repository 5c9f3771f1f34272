"""Whether the decisions of two models differ, and what becomes of several p-values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.metrics import decisions
from medmnist_np.metrics.predictions import Predictions, as_array, check_same


@dataclass(frozen=True, slots=True)
class McNemar:
    """On how many decisions only one of two models is right.

    Attributes
    ----------
    only_first, only_second : int
        Number of decisions on which only that model is right.
    p_value : float
        Two-sided: how often they differ by as much or more if both models are right equally often.
    """

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first: Predictions, second: Predictions) -> McNemar:
    """Compare how often the decisions of two models are right, exactly.

    Parameters
    ----------
    first, second : Predictions
        Of the same samples in the same order; each with its own threshold.

    Returns
    -------
    McNemar
        The numbers and the p-value.

    Raises
    ------
    ValueError
        If the labels are not the same, or the task is multi-label: see :func:`mcnemar_per_label`.

    Notes
    -----
    McNemar 1947 (doi:10.1007/BF02295996), with the binomial distribution in place of its approximation.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, mcnemar
    >>> labels = [0, 0, 0, 1, 1, 1]
    >>> first = Predictions(labels, [0.1, 0.4, 0.6, 0.5, 0.3, 0.9], "binary-class")
    >>> second = Predictions(labels, [0.1, 0.4, 0.4, 0.6, 0.7, 0.9], "binary-class")
    >>> mcnemar(first, second)
    McNemar(only_first=0, only_second=3, p_value=0.25)
    """
    check_same(first, second)
    if decisions.n_decisions(first) > 1:
        raise ValueError(
            "McNemar's test takes decisions that are independent; those on the labels of one sample are not. "
            'Take mcnemar_per_label and holm, or paired_bootstrap(first, second, "accuracy").'
        )
    return _mcnemar(first.decisions == first.labels, second.decisions == second.labels)


def mcnemar_per_label(first: Predictions, second: Predictions) -> tuple[McNemar, ...]:
    """Compare the decisions of two models on each label of a multi-label task, exactly.

    Parameters
    ----------
    first, second
        As for :func:`mcnemar`.

    Returns
    -------
    tuple of McNemar
        One for each label. The p-values are not adjusted for there being several: give them to :func:`holm`.

    Raises
    ------
    ValueError
        If the labels are not the same.

    Notes
    -----
    McNemar 1947 (doi:10.1007/BF02295996), with the binomial distribution in place of its approximation.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, mcnemar_per_label
    >>> first = Predictions([[0, 1], [0, 0]], [[0.1, 0.9], [0.6, 0.2]], "multi-label, binary-class")
    >>> second = Predictions([[0, 1], [0, 0]], [[0.1, 0.9], [0.4, 0.2]], "multi-label, binary-class")
    >>> [test.only_second for test in mcnemar_per_label(first, second)]
    [1, 0]
    """
    check_same(first, second)
    hits = [(p.decisions == p.labels).reshape(p.n_samples, -1) for p in (first, second)]
    return tuple(_mcnemar(a, b) for a, b in zip(hits[0].T, hits[1].T, strict=True))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for there being several.

    Parameters
    ----------
    p_values : (m,) array_like of float
        From 0 to 1.

    Returns
    -------
    (m,) float
        In the same order. Those below 0.05 may be called significant with a chance of at most 5 % that even one of
        them is so wrongly.

    Raises
    ------
    ValueError
        If one is not between 0 and 1, or they are no list.

    Notes
    -----
    Holm 1979, *A simple sequentially rejective multiple test procedure*, Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> from medmnist_np.metrics import holm
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = as_array(p_values, "p_values").astype(np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"p_values must be a list of numbers from 0 to 1; they are {values.tolist()}.")
    order = np.argsort(values)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    return adjusted


def _mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    only_first, only_second = int(np.count_nonzero(first & ~second)), int(np.count_nonzero(second & ~first))
    n, fewer = only_first + only_second, min(only_first, only_second)
    term = total = 1
    for k in range(fewer):
        term = term * (n - k) // (k + 1)
        total += term
    return McNemar(only_first, only_second, min(1.0, 2 * total / 2**n))
