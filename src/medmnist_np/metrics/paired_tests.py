"""Compare two models on the same samples: paired bootstrap, McNemar's test, several runs, and Holm's correction.

DeLong's test is in ``delong``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.errors import short
from medmnist_np.metrics import all_metrics, decisions, ranking
from medmnist_np.metrics.bootstrap import N_RESAMPLES, method_name, percentile_interval, replicates
from medmnist_np.metrics.delong import delong_areas, has_extreme_areas, paired_delong
from medmnist_np.metrics.estimates import Difference, check_level
from medmnist_np.metrics.metric import Undefined, Values, averages, check_undefined
from medmnist_np.metrics.predictions import Predictions, as_array, check_same


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
    check_level(level)
    a, b = (all_metrics.measure(predictions, metric, undefined=undefined) for predictions in (first, second))
    if metric == "auc" and groups is None and has_extreme_areas(*map(ranking.areas, (first, second))):
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
        return replace(difference, low=0.0, high=0.0, note="")  # equal scores differ by 0 on every sample
    return difference


def bootstrap_difference(first: float, second: float, differences: Values, level: float, method: str) -> Difference:
    """Return the difference with its interval and p-value from resamples ``(n_resamples,)``; NaN are ignored."""
    ends = percentile_interval(second - first, differences, level, method)
    defined = differences[~np.isnan(differences)]
    p_value = 1.0 if ends.note and second == first else math.nan
    if not math.isnan(ends.low):
        fewer = min(np.count_nonzero(defined <= 0), np.count_nonzero(defined >= 0))
        p_value = min(1.0, 2 * (fewer + 1) / (defined.size + 1))
    return Difference(
        first, second, ends.low, ends.high, level, p_value, method, ends.n_resamples, ends.n_undefined, ends.note
    )


def paired_runs(
    first: Sequence[Predictions],
    second: Sequence[Predictions],
    metric: Literal["auc", "accuracy"] = "auc",
    *,
    level: float = 0.95,
    undefined: Undefined = "raise",
) -> Difference:
    """Compare several runs of two methods, such as five seeds of each, on the same samples.

    Parameters
    ----------
    first, second : sequence of Predictions
        One per run, all for the same samples in the same order. The runs of the two methods are not paired, and their
        numbers may differ.
    metric : {"auc", "accuracy"}
        What to compare.
    level : float
        Confidence level, between 0 and 1.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle classes whose AUC is not defined. See :func:`measure`.

    Returns
    -------
    Difference
        The mean of the second runs minus that of the first, for new samples and new runs. With one run of a method, the
        result is about that trained model.

    Raises
    ------
    ValueError
        If there are no runs, the labels differ, or the metric is another one. For the AUC also if a class has fewer
        than two positive or negative samples.

    Notes
    -----
    The method of Obuchowski and Rockette (1995, *Communications in Statistics - Simulation and Computation* 24,
    285-308) with runs in place of readers, of which each reads with one method only, and the degrees of freedom of
    Hillis (2014, *Statistics in Medicine* 33, 330-360). The variance is ``s1**2 / n1 + s2**2 / n2`` of the values of
    the runs, plus what the samples add to both means: covariances between runs, from DeLong's components for the AUC.
    docs/statistics.md has its error rates in simulations.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.metrics import Predictions, paired_runs
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(200) % 2
    >>> def runs(shift):
    ...     return [Predictions(labels, rng.normal(shift * labels), "binary-class") for _ in range(3)]
    >>> print(paired_runs(runs(1.0), runs(2.0)))
    +0.143 (95 % interval +0.099 to +0.187, p = 0.0015, runs)
    """
    from scipy.special import stdtr, stdtrit

    check_level(level)
    check_undefined(undefined)
    if metric not in ("auc", "accuracy"):
        raise ValueError(f"metric must be 'auc' or 'accuracy', not {short(metric)}.")
    if not first or not second:
        raise ValueError("Both methods need at least one run.")
    for other in (*first[1:], *second):
        check_same(first[0], other)
    values, parts = zip(*(_estimates(runs, metric, undefined) for runs in (first, second)), strict=True)
    means = [float(value.mean()) for value in values]
    if any(map(math.isnan, means)):
        return Difference(means[0], means[1], math.nan, math.nan, level, math.nan, "runs")
    between = [float(value.var(ddof=1)) / len(value) if len(value) > 1 else 0.0 for value in values]
    shared = _covariance(parts[0]) + _covariance(parts[1]) - 2 * float((parts[0].T @ parts[1]).mean())
    variance = sum(between) + max(shared, 0.0)
    weights = [share**2 / (len(value) - 1) for share, value in zip(between, values, strict=True) if share]
    off = means[1] - means[0]
    if variance < _NO_VARIANCE:
        equal = abs(off) < _NO_VARIANCE
        return Difference(means[0], means[1], math.nan, math.nan, level, 1.0 if equal else math.nan, "runs")
    freedom = variance**2 / sum(weights) if weights else math.inf
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(variance)
    p_value = 2 * float(stdtr(freedom, -abs(off) / math.sqrt(variance)))
    return Difference(means[0], means[1], max(-1.0, off - half), min(1.0, off + half), level, p_value, "runs")


# Variances below this are rounding errors.
_NO_VARIANCE = 1e-18


def _estimates(runs: Sequence[Predictions], metric: str, undefined: Undefined) -> tuple[Values, Values]:
    """Return the metric of each run, ``(runs,)``, and what each sample adds to it, ``(n, runs)`` as in `Areas`."""
    values = np.array([all_metrics.measure(run, metric, undefined=undefined) for run in runs])
    if metric == "accuracy":
        shares = np.array([decisions.right(run) / decisions.n_decisions(run) for run in runs]).T
        n = len(shares)
        return values, (shares - shares.mean(axis=0)) / math.sqrt(n * max(n - 1, 1))
    areas = ranking.areas(runs[0])
    defined = np.flatnonzero(~np.isnan(areas))
    n_columns = len(areas) if undefined == "zero" else max(len(defined), 1)
    parts = [delong_areas(run, defined).influence.sum(axis=1) / n_columns for run in runs]
    return values, np.array(parts).T


def _covariance(parts: Values) -> float:
    """Return the mean covariance between two runs of a method, or the variance of the only one."""
    covariances = parts.T @ parts
    n = len(covariances)
    return float(covariances.sum() - (n > 1) * np.trace(covariances)) / (n * (n - 1) or 1)


@dataclass(frozen=True, slots=True)
class McNemar:
    """The number of decisions that only one of two models gets right, and McNemar's p-value.

    Attributes
    ----------
    only_first, only_second : int
        Number of decisions that only this model gets right.
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
        If the labels differ, or the task is multi-label: use :func:`mcnemar_per_label`.

    Notes
    -----
    McNemar 1947 (doi:10.1007/BF02295996), with the exact binomial distribution.

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
            "McNemar's test needs independent decisions, and those on the labels of one sample are not. "
            'Use mcnemar_per_label and holm, or paired_bootstrap(first, second, "accuracy").'
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
        If the labels differ.

    Notes
    -----
    McNemar 1947 (doi:10.1007/BF02295996), with the exact binomial distribution.

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
        raise ValueError(f"p_values is {short(values.tolist())}. It must be a list of numbers from 0 to 1.")
    order = np.argsort(values)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    return adjusted


def _mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    from scipy.special import bdtr

    only_first, only_second = int(np.count_nonzero(first & ~second)), int(np.count_nonzero(second & ~first))
    p_value = 2 * float(bdtr(min(only_first, only_second), only_first + only_second, 0.5))
    return McNemar(only_first, only_second, min(1.0, p_value))
