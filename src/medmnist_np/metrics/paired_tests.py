"""Compare two models on the same samples: paired bootstrap, DeLong and McNemar tests; Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, permutations, product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.metrics import all_metrics, decisions, intervals, ranking
from medmnist_np.metrics.bootstrap import N_RESAMPLES, Values, method_name, percentile_interval, replicates
from medmnist_np.metrics.delong import delong_areas, standard_error
from medmnist_np.metrics.estimates import check_level, normal_quantile, p_in_words, two_sided_p
from medmnist_np.metrics.metric import Undefined, average, averages, check_choice
from medmnist_np.metrics.predictions import Predictions, as_array, check_same


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between two models, with its confidence interval and p-value.

    Attributes
    ----------
    first, second : float
        The metric of each model.
    low, high : float
        The ends of the confidence interval of ``second - first``; NaN if it is not available.
    level : float
        The confidence level.
    p_value : float
        The two-sided p-value of the null hypothesis that the models do not differ; NaN if the method gives none.
    method : str
        ``"delong"``, ``"permutation"``, ``"bootstrap"``, ``"stratified bootstrap"`` or ``"grouped bootstrap"``.
    n_resamples, n_undefined : int
        Number of resamples, and of those left out because the metric is not defined in them.
    note : str
        Why there is no interval, or why another method than the requested one was used; otherwise empty.

    Examples
    --------
    >>> print(Difference(0.846, 0.885, 0.002, 0.076, 0.95, 0.04, "delong"))
    +0.039 (95 % interval +0.002 to +0.076, p = 0.04, delong)
    """

    first: float
    second: float
    low: float
    high: float
    level: float
    p_value: float
    method: str
    n_resamples: int = 0
    n_undefined: int = 0
    note: str = ""

    @property
    def difference(self) -> float:
        """``second - first``."""
        return self.second - self.first

    def __str__(self) -> str:
        ends = f"{100 * self.level:g} % interval {self.low:+.3f} to {self.high:+.3f}"
        if math.isnan(self.low):
            ends = f"no interval{': ' + self.note if self.note else ''}"
        return f"{self.difference:+.3f} ({ends}, {p_in_words(self.p_value)}, {self.method})"


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
        If the labels are not the same, or a class has fewer than two positive or negative samples.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson 1988 (doi:10.2307/2531595), equation 5, with a normal approximation that
    is cut off at -1 and 1. The mean over classes has the same influence function as its parts.

    If every AUC of a model is 0 or 1, or the difference has no variance, DeLong's test and the bootstrap would ignore
    chance. The p-value then comes from a permutation test, which swaps the ranks that the two models give a sample
    (Bandos, Rockette and Gur 2005, doi:10.1002/sim.2149) or, if a model gives all samples the same score, the labels.
    It is exact for a few samples and uses 999 permutations otherwise. The interval combines Newcombe's intervals for
    the two AUCs as if they were independent (Zou and Donner 2008, doi:10.1002/sim.3095), so it is conservative (too
    wide). ``method`` is then ``"permutation"``. If two models rank all samples in the same order, the difference is 0
    and the interval is 0 to 0.

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
    check_choice(undefined)
    check_level(level)
    values = ranking.areas(first), ranking.areas(second)
    areas = [average(column, first, "AUC", undefined) for column in values]
    if math.isnan(areas[0]):
        return Difference(areas[0], areas[1], math.nan, math.nan, level, math.nan, "delong")
    defined = np.flatnonzero(~np.isnan(values[0]))
    n_columns = len(values[0]) if undefined == "zero" else len(defined)
    influence = delong_areas(second, defined).influence - delong_areas(first, defined).influence
    error = standard_error(influence.sum(axis=1) / n_columns)
    if _is_certain(error, values[0][defined], values[1][defined]):
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
        a, b = before.values[place], after.values[place]
        error = standard_error(after.influence[:, place] - before.influence[:, place])
        if _is_certain(error, a, b):
            found.append(_permuted(first, second, np.array([column]), 1, level))
        else:
            found.append(_normal_difference(float(a), float(b), error, level))
    return tuple(found)


def paired_bootstrap(  # noqa: PLR0913 -- two models, what to compare, and how to draw
    first: Predictions,
    second: Predictions,
    metric: str = "auc",
    *,
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    stratified: bool = False,
    undefined: Undefined = "raise",
    groups: ArrayLike | None = None,
) -> Difference:
    """Compare any metric of two models on the same resamples of the same samples.

    Parameters
    ----------
    first, second : Predictions
        Predictions for the same samples in the same order.
    metric : str
        A name in :data:`METRICS`.
    level, n_resamples, seed, stratified, undefined, groups
        See :func:`interval`.

    Returns
    -------
    Difference
        The difference with its percentile interval and the p-value at which the interval would just touch 0 (at least
        ``2 / (n_resamples + 1)``). If every resample gives the same difference, the interval is NaN, and so is the
        p-value unless the difference is 0; for the AUC, both then come from :func:`paired_delong`. The same applies if
        every AUC of a model is 0 or 1, because its resamples do not vary, unless `groups` is given.

    Raises
    ------
    ValueError
        If the labels differ, and in the cases listed for :func:`interval`.

    Notes
    -----
    Efron and Tibshirani 1993, *An Introduction to the Bootstrap*, sections 13.3 and 15.4, with one added to both counts
    (Davison and Hinkley 1997, section 4.2).

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, paired_bootstrap
    >>> labels = [0, 0, 0, 1, 1, 1]
    >>> first = Predictions(labels, [0.1, 0.4, 0.6, 0.5, 0.3, 0.9], "binary-class")
    >>> second = Predictions(labels, [0.1, 0.4, 0.6, 0.5, 0.7, 0.9], "binary-class")
    >>> found = paired_bootstrap(first, second, "accuracy", stratified=True)
    >>> round(found.difference, 3), found.low, found.method
    (0.167, 0.0, 'stratified bootstrap')
    """
    check_same(first, second)
    check_choice(undefined)
    check_level(level)
    a, b = (all_metrics.measure(predictions, metric, undefined=undefined) for predictions in (first, second))
    if metric == "auc" and groups is None and _has_extreme_areas(first, second):
        return paired_delong(first, second, level=level, undefined=undefined)
    values = []
    for predictions in (first, second):
        found = replicates(
            predictions, [metric], n_resamples=n_resamples, seed=seed, stratified=stratified, groups=groups
        )
        values.append(averages(found[metric], undefined))
    method = method_name("bootstrap", stratified, groups)
    difference = bootstrap_difference(a, b, values[1] - values[0], level, method)
    if difference.note and first.threshold == second.threshold and np.array_equal(first.scores, second.scores):
        return replace(difference, low=0.0, high=0.0, note="")  # the same scores differ by 0 on any samples
    return difference


def bootstrap_difference(first: float, second: float, differences: Values, level: float, method: str) -> Difference:
    """Return the difference with interval and p-value from resamples ``(n_resamples,)``, ignoring NaN."""
    ends = percentile_interval(second - first, differences, level, method)
    defined = differences[~np.isnan(differences)]
    p_value = 1.0 if ends.note and second == first else math.nan
    if not math.isnan(ends.low):
        fewer = min(np.count_nonzero(defined <= 0), np.count_nonzero(defined >= 0))
        p_value = min(1.0, 2 * (fewer + 1) / (defined.size + 1))
    return Difference(
        first, second, ends.low, ends.high, level, p_value, method, ends.n_resamples, ends.n_undefined, ends.note
    )


def _normal_difference(first: float, second: float, error: float, level: float) -> Difference:
    off = second - first
    half = normal_quantile((1 + level) / 2) * error
    p_value = two_sided_p(off / error)
    return Difference(first, second, max(-1.0, off - half), min(1.0, off + half), level, p_value, "delong")


def _is_certain(error: float, first: ArrayLike, second: ArrayLike) -> bool:
    """Return whether DeLong's variance is 0 for the difference, or for a model as all its areas are 0 or 1."""
    return error < intervals.NO_VARIANCE or any(np.isin(areas, (0, 1)).all() for areas in (first, second))


def _has_extreme_areas(first: Predictions, second: Predictions) -> bool:
    """Return whether every area of a model that is defined is 0 or 1."""
    return any(np.isin(values[~np.isnan(values)], (0, 1)).all() for values in map(ranking.areas, (first, second)))


_CERTAIN = (
    "DeLong's variance is 0, as of a perfect score, so p is that of a permutation test, and the interval is made of "
    "Newcombe's for either model"
)

_N_PERMUTATIONS = 999

# Up to this many samples, all permutations are used.
_MOST_SWAPPED, _MOST_SHUFFLED = 10, 6


def _permuted(
    first: Predictions, second: Predictions, columns: NDArray[np.intp], n_columns: int, level: float
) -> Difference:
    """Compare the sums of some areas over ``n_columns`` by a permutation test, with Newcombe's intervals of either."""
    ranks = np.array([[_midranks(p.columns[column]) for column in columns] for p in (first, second)])
    positive = first.positive[columns]
    a, b = (_sum_of_areas(of_model, positive) / n_columns for of_model in ranks)
    if np.array_equal(*ranks):
        return Difference(a, b, 0.0, 0.0, level, 1.0, "delong")
    as_large = [abs(one) >= abs(b - a) - 1e-9 for one in _permutations(ranks, positive, n_columns)]
    ends = [[0.0, 0.0], [0.0, 0.0]]
    for model, predictions in zip(ends, (first, second), strict=True):
        for column in columns:
            one = predictions.ranked[column]
            area = float(ranking.areas(predictions)[column])
            found = intervals.newcombe_interval(area, len(one.positives), len(one.negatives), level)
            model[0] += (area - found.low) / n_columns
            model[1] += (found.high - area) / n_columns
    low = b - a - math.hypot(ends[1][0], ends[0][1])
    high = b - a + math.hypot(ends[1][1], ends[0][0])
    return Difference(
        a, b, max(-1.0, low), min(1.0, high), level, sum(as_large) / len(as_large), "permutation", note=_CERTAIN
    )


def _permutations(ranks: Values, positive: NDArray[np.bool_], n_columns: int) -> Iterator[float]:
    """Yield the difference for permutations of ranks ``(2, columns, n)`` that chance could have given, this one too."""
    n = ranks.shape[2]
    random = np.random.default_rng(0)
    if (np.ptp(ranks, axis=2) == 0).all(axis=1).any():
        # A model that gives one score to all samples has an AUC of 0.5, and so has the other if labels are at random.
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


def _midranks(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rank of each score, of equal ones the mean of theirs."""
    in_order = np.sort(scores)
    below = np.searchsorted(in_order, scores, side="left")
    not_above = np.searchsorted(in_order, scores, side="right")
    ranks: NDArray[np.float64] = (below + not_above + 1) / 2
    return ranks


def _sum_of_areas(ranks: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the sum of the areas of columns of scores ``(columns, n)``."""
    total = 0.0
    for scores, of_class in zip(ranks, positive, strict=True):
        below, above = np.sort(scores[~of_class]), scores[of_class]
        won = np.searchsorted(below, above, side="left").sum() + np.searchsorted(below, above, side="right").sum()
        total += float(won) / (2 * len(below) * len(above))
    return total


@dataclass(frozen=True, slots=True)
class McNemar:
    """The number of decisions that only one of two models gets right, and McNemar's p-value.

    Attributes
    ----------
    only_first, only_second : int
        Number of decisions on which only that model is right.
    p_value : float
        Two-sided p-value of the null hypothesis that both models are right equally often.
    """

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first: Predictions, second: Predictions) -> McNemar:
    """Compare how often the decisions of two models are right, with the exact McNemar test.

    Parameters
    ----------
    first, second : Predictions
        Predictions for the same samples in the same order. Each has its own threshold.

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
    """Compare the decisions of two models on each label of a multi-label task, with the exact McNemar test.

    Parameters
    ----------
    first, second
        See :func:`mcnemar`.

    Returns
    -------
    tuple of McNemar
        One per label. The p-values are not adjusted for multiple comparisons: pass them to :func:`holm`.

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
    """Adjust p-values for multiple comparisons by Holm's method.

    Parameters
    ----------
    p_values : (m,) array_like of float
        From 0 to 1.

    Returns
    -------
    (m,) float
        Adjusted p-values in the same order. If you call those below 0.05 significant, the probability of one or more
        false positives is at most 5 %.

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1, or `p_values` is not one-dimensional.

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
