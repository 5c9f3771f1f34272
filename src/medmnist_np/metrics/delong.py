"""DeLong's variance of AUCs, the confidence intervals and the test that follow from it, and what replaces them.

A perfect or constant score has no variance. Then intervals are Newcombe's, and the test is a permutation test.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, permutations, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np.metrics import ranking
from medmnist_np.metrics.estimates import Difference, Interval, check_level, normal_quantile, two_sided_p
from medmnist_np.metrics.metric import Undefined, Values, check_undefined, column_name
from medmnist_np.metrics.predictions import Predictions, check_same, twice_the_wins

# Standard errors below this are rounding errors.
_NO_VARIANCE = 1e-12

_NOTE_ON_INTERVAL = "DeLong's variance is 0 (a perfect or constant score), so this is Newcombe's interval"
_NOTE_ON_TEST = (
    "DeLong's variance is 0 (a perfect or constant score), so the p-value is that of a permutation test, and the "
    "interval combines Newcombe's intervals of both models"
)

_N_PERMUTATIONS = 999

# Up to this many samples, all permutations are used.
_MOST_SWAPPED, _MOST_SHUFFLED = 10, 6


class Areas(NamedTuple):
    """AUCs and what each sample adds to them.

    Attributes
    ----------
    values : (columns,) float
        The AUC of each class or label.
    influence : (n, columns) float
        Scaled so that ``influence.T @ influence`` is the covariance of the AUCs. The influences of two models on the
        same samples give their covariance.
    """

    values: Values
    influence: Values


def delong_areas(predictions: Predictions, columns: NDArray[np.intp] | None = None) -> Areas:
    """Return the AUC of each class against the rest, or each label, and their DeLong components.

    Parameters
    ----------
    predictions : Predictions
        Labels and scores.
    columns : (c,) intp, optional
        Classes or labels (default: all).

    Returns
    -------
    Areas
        Values and influences, from which variances and covariances follow.

    Raises
    ------
    ValueError
        If a class has fewer than two positive or two negative samples.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson 1988 (doi:10.2307/2531595), equations 4 to 6, with placements found by sorting
    (Sun and Xu 2014, doi:10.1109/LSP.2014.2337313). For one column, or the same column of two models, the covariance is
    exactly DeLong's. Classes have different positive samples; their covariance uses the same influence functions.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, delong_areas
    >>> areas = delong_areas(Predictions([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.6, 0.5, 0.7, 0.9], "binary-class"))
    >>> covariance = areas.influence.T @ areas.influence
    >>> areas.values.round(4).tolist(), covariance.round(4).tolist()
    ([0.8889], [[0.0247]])
    """
    chosen = range(len(predictions.columns)) if columns is None else columns.tolist()
    values = np.empty(len(chosen))
    influence = np.empty((predictions.n_samples, len(chosen)))
    for place, k in enumerate(chosen):
        column = predictions.ranked[k]
        p, q = len(column.positives), len(column.negatives)
        if min(p, q) < 2:
            of = column_name(k, len(predictions.columns), predictions.task)
            raise ValueError(
                f"The variance of the AUC of {of} is not defined: it needs at least 2 positive and 2 negative samples, "
                f"and there are {p} and {q}."
            )
        won, lost = twice_the_wins(column)
        area = values[place] = won.sum() / (2 * p * q)
        influence[column.positives, place] = (won / (2 * q) - area) / np.sqrt(p * (p - 1))
        influence[column.negatives, place] = (lost / (2 * p) - area) / np.sqrt(q * (q - 1))
    return Areas(values, influence)


def standard_error(influence: Values) -> float:
    """Return the standard error of an estimate with this influence of each sample, ``(n,)``."""
    # Not `norm`: its BLAS threads wait for one another on a busy machine.
    return float(np.sqrt(np.square(influence).sum()))


def newcombe_per_class(predictions: Predictions, level: float) -> tuple[Interval, ...]:
    """Return Newcombe's interval of the AUC of each class or label; NaN where the AUC is not defined."""
    return tuple(
        _newcombe(float(area), len(column.positives), len(column.negatives), level)
        for area, column in zip(ranking.areas(predictions), predictions.ranked, strict=True)
    )


def _newcombe(area: float, n_positive: int, n_negative: int, level: float) -> Interval:
    """Return the AUCs that are within so many of their own standard errors of this one, as Wilson does for a share."""
    if math.isnan(area):
        return Interval(area, math.nan, math.nan, level, "newcombe")
    z = normal_quantile((1 + level) / 2)
    n = (n_positive + n_negative) / 2 - 1

    def contains(value: float) -> bool:
        shape = 1 + n * (1 - value) / (2 - value) + n * value / (1 + value)
        return (value - area) ** 2 <= z * z * value * (1 - value) * shape / (n_positive * n_negative)

    def end(outside: float) -> float:
        inside = area
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if contains(middle) else (inside, middle)
        return inside

    return Interval(area, end(0.0), end(1.0), level, "newcombe")


def newcombe(predictions: Predictions, level: float, undefined: Undefined) -> Interval:
    """Return Newcombe's interval of the AUC.

    Over several columns, the ends are averaged. That is wide enough even if all AUCs rise and fall together.
    """
    estimate = ranking.AUC.value(predictions, undefined)
    defined = [one for one in newcombe_per_class(predictions, level) if not math.isnan(one.estimate)]
    if math.isnan(estimate) or not defined:
        return Interval(estimate, math.nan, math.nan, level, "newcombe")
    n_columns = len(predictions.columns) if undefined == "zero" else len(defined)
    low, high = (sum(getattr(one, end) for one in defined) / n_columns for end in ("low", "high"))
    return Interval(estimate, low, high, level, "newcombe")


def delong(predictions: Predictions, level: float, method: str, undefined: Undefined) -> Interval:
    """Return DeLong's interval of the AUC, or of its mean over columns; ``method`` names the scale."""
    values = ranking.areas(predictions)
    estimate = ranking.AUC.average(values, predictions, undefined)
    defined = np.flatnonzero(~np.isnan(values))
    if math.isnan(estimate) or not defined.size:
        return Interval(estimate, math.nan, math.nan, level, method)
    n_columns = len(values) if undefined == "zero" else len(defined)
    error = standard_error(delong_areas(predictions, defined).influence.sum(axis=1) / n_columns)
    if error < _NO_VARIANCE:
        return replace(newcombe(predictions, level, undefined), note=_NOTE_ON_INTERVAL)
    return _normal_interval(estimate, error, level, method)


def delong_per_class(predictions: Predictions, level: float, method: str) -> tuple[Interval, ...]:
    """Return DeLong's interval of each column; NaN if it has fewer than two positive or two negative samples."""
    found = []
    for k, by_newcombe in enumerate(newcombe_per_class(predictions, level)):
        column, area = predictions.ranked[k], by_newcombe.estimate
        if min(len(column.positives), len(column.negatives)) < 2:
            found.append(Interval(area, math.nan, math.nan, level, method))
            continue
        error = standard_error(delong_areas(predictions, np.array([k])).influence[:, 0])
        if error < _NO_VARIANCE:
            found.append(replace(by_newcombe, note=_NOTE_ON_INTERVAL))
        else:
            found.append(_normal_interval(area, error, level, method))
    return tuple(found)


def _normal_interval(area: float, error: float, level: float, method: str) -> Interval:
    """Return the interval of an AUC from its standard error, on its own scale or, ``"logit-delong"``, the logit's."""
    z = normal_quantile((1 + level) / 2)
    if method == "delong":
        return Interval(area, max(0.0, area - z * error), min(1.0, area + z * error), level, method)
    logit, half = math.log(area / (1 - area)), z * error / (area * (1 - area))
    low, high = (1 / (1 + math.exp(-(logit + side * half))) for side in (-1, 1))
    return Interval(area, low, high, level, method)


def paired_delong(
    first: Predictions, second: Predictions, *, level: float = 0.95, undefined: Undefined = "raise"
) -> Difference:
    """Compare the AUCs of two models on the same samples.

    Parameters
    ----------
    first, second : Predictions
        Predictions for the same samples in the same order.
    level : float
        Confidence level, between 0 and 1.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle classes whose AUC is not defined. See :func:`measure`.

    Returns
    -------
    Difference
        The difference in AUC, averaged over classes or labels if there are several.

    Raises
    ------
    ValueError
        If the labels differ, or a class has fewer than two positive or negative samples.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson 1988 (doi:10.2307/2531595), equation 5, with a normal approximation that
    is cut off at -1 and 1. The mean over classes has the same influence function as its parts.

    If every AUC of a model is 0 or 1, or the difference has no variance, DeLong's test and the bootstrap would ignore
    chance. The p-value then comes from a permutation test, which swaps the ranks that the two models give a sample
    (Bandos, Rockette and Gur 2005, doi:10.1002/sim.2149) or, if a model gives all samples the same score, the labels.
    It is exact for a few samples and uses 999 permutations otherwise. The interval combines Newcombe's intervals for
    the two AUCs as if they were independent (Zou and Donner 2008, doi:10.1002/sim.3095), so it is conservative (too
    wide). ``method`` is then ``"permutation"``. If two models rank all samples in the same order, the difference is 0,
    with an interval from 0 to 0.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, paired_delong
    >>> labels = [0, 0, 0, 1, 1, 1]
    >>> first = Predictions(labels, [0.1, 0.4, 0.6, 0.5, 0.3, 0.9], "binary-class")
    >>> second = Predictions(labels, [0.1, 0.4, 0.6, 0.5, 0.7, 0.9], "binary-class")
    >>> print(paired_delong(first, second))
    +0.222 (95 % interval -0.265 to +0.709, p = 0.37, delong)
    """
    check_same(first, second)
    check_undefined(undefined)
    check_level(level)
    values = ranking.areas(first), ranking.areas(second)
    areas = [ranking.AUC.average(column, first, undefined) for column in values]
    if math.isnan(areas[0]):
        return Difference(areas[0], areas[1], math.nan, math.nan, level, math.nan, "delong")
    defined = np.flatnonzero(~np.isnan(values[0]))
    n_columns = len(values[0]) if undefined == "zero" else len(defined)
    influence = delong_areas(second, defined).influence - delong_areas(first, defined).influence
    error = standard_error(influence.sum(axis=1) / n_columns)
    if error < _NO_VARIANCE or has_extreme_areas(*values):
        return _permuted(first, second, defined, n_columns, level)
    return _normal_difference(areas[0], areas[1], error, level)


def paired_delong_per_class(
    first: Predictions, second: Predictions, *, level: float = 0.95, columns: NDArray[np.intp] | None = None
) -> tuple[Difference, ...]:
    """Compare the AUCs of two models for each class against the rest, or each label.

    Parameters
    ----------
    first, second, level
        See :func:`paired_delong`.
    columns : (c,) intp, optional
        Classes or labels to compare (default: all).

    Returns
    -------
    tuple of Difference
        One per class or label. Neither p-values nor intervals are adjusted for multiple comparisons: pass the p-values
        to :func:`holm`.

    Raises
    ------
    ValueError
        See :func:`paired_delong`.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson 1988 (doi:10.2307/2531595), equation 5.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, holm, paired_delong_per_class
    >>> labels = [[0, 1], [0, 0], [1, 1], [1, 0]]
    >>> first = Predictions(labels, [[0.1, 0.9], [0.6, 0.2], [0.3, 0.8], [0.7, 0.3]], "multi-label, binary-class")
    >>> found = paired_delong_per_class(first, first)
    >>> holm([one.p_value for one in found]).tolist()
    [1.0, 1.0]
    """
    check_same(first, second)
    check_level(level)
    before, after = delong_areas(first, columns), delong_areas(second, columns)
    chosen = np.arange(len(first.columns)) if columns is None else columns
    found = []
    for place, column in enumerate(chosen):
        a, b = before.values[[place]], after.values[[place]]
        error = standard_error(after.influence[:, place] - before.influence[:, place])
        if error < _NO_VARIANCE or has_extreme_areas(a, b):
            found.append(_permuted(first, second, np.array([column]), 1, level))
        else:
            found.append(_normal_difference(float(a[0]), float(b[0]), error, level))
    return tuple(found)


def has_extreme_areas(*models: Values) -> bool:
    """Return whether a model has only AUCs of 0 or 1; NaN are ignored."""
    return any(np.isin(values[~np.isnan(values)], (0, 1)).all() for values in models)


def _normal_difference(first: float, second: float, error: float, level: float) -> Difference:
    off = second - first
    half = normal_quantile((1 + level) / 2) * error
    p_value = two_sided_p(off / error)
    return Difference(first, second, max(-1.0, off - half), min(1.0, off + half), level, p_value, "delong")


def _permuted(
    first: Predictions, second: Predictions, columns: NDArray[np.intp], n_columns: int, level: float
) -> Difference:
    """Compare the sums of AUCs over ``n_columns`` by a permutation test, with Newcombe's intervals of both models."""
    ranks = np.array([[_midranks(model.columns[column]) for column in columns] for model in (first, second)])
    positive = first.positive[columns]
    a, b = (_sum_of_areas(of_model, positive) / n_columns for of_model in ranks)
    if np.array_equal(*ranks):
        return Difference(a, b, 0.0, 0.0, level, 1.0, "delong")
    as_large = [abs(difference) >= abs(b - a) - 1e-9 for difference in _permutations(ranks, positive, n_columns)]
    below, above = [], []
    for model in (first, second):
        of_columns = [newcombe_per_class(model, level)[column] for column in columns]
        below.append(sum(one.estimate - one.low for one in of_columns) / n_columns)
        above.append(sum(one.high - one.estimate for one in of_columns) / n_columns)
    low = max(-1.0, b - a - math.hypot(below[1], above[0]))
    high = min(1.0, b - a + math.hypot(above[1], below[0]))
    return Difference(a, b, low, high, level, sum(as_large) / len(as_large), "permutation", note=_NOTE_ON_TEST)


def _permutations(ranks: Values, positive: NDArray[np.bool_], n_columns: int) -> Iterator[float]:
    """Yield the difference for permutations of ranks ``(2, columns, n)``, the observed one first."""
    n = ranks.shape[2]
    random = np.random.default_rng(0)
    if (np.ptp(ranks, axis=2) == 0).all(axis=1).any():
        # A model that gives all samples one score has an AUC of 0.5; so has the other model if labels are random.
        orders: Iterable[Any] = permutations(range(n))
        if n > _MOST_SHUFFLED:
            orders = chain([range(n)], (random.permutation(n) for _ in range(_N_PERMUTATIONS)))
        for order in orders:
            shuffled = positive[:, list(order)]
            yield (_sum_of_areas(ranks[1], shuffled) - _sum_of_areas(ranks[0], shuffled)) / n_columns
        return
    swaps: Iterable[Any] = product((False, True), repeat=n)
    if n > _MOST_SWAPPED:
        swaps = chain([[False] * n], (random.random(n) < 0.5 for _ in range(_N_PERMUTATIONS)))
    for swapped in swaps:
        first, second = np.where(swapped, ranks[::-1], ranks)
        yield (_sum_of_areas(second, positive) - _sum_of_areas(first, positive)) / n_columns


def _midranks(scores: NDArray[Any]) -> Values:
    """Return the rank of each score; equal scores share the mean of their ranks."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks: Values = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def _sum_of_areas(ranks: Values, positive: NDArray[np.bool_]) -> float:
    """Return the sum of the AUCs of columns of scores ``(columns, n)``."""
    return sum(map(ranking.area, ranks, positive))
