"""Confidence intervals of metrics: bootstrap, BCa, Wilson, Newcombe and DeLong."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, get_args

from numpy.typing import ArrayLike

from medmnist_np.errors import check_choice, short
from medmnist_np.metrics import all_metrics, decisions
from medmnist_np.metrics.bootstrap import (
    N_RESAMPLES,
    bca_interval,
    method_name,
    metric_without_one,
    percentile_interval,
    replicates,
)
from medmnist_np.metrics.delong import delong, delong_per_class, newcombe, newcombe_per_class
from medmnist_np.metrics.estimates import Interval, check_level, normal_quantile
from medmnist_np.metrics.metric import Undefined, Values, averages, check_undefined
from medmnist_np.metrics.predictions import Predictions


def wilson(predictions: Predictions, level: float) -> Interval:
    """Return Wilson's interval of the accuracy."""
    if decisions.n_decisions(predictions) > 1:
        raise ValueError(
            "Wilson's interval needs independent decisions, and those on the labels of one sample are not. "
            'Use method="bca" or "percentile".'
        )
    n, n_right = predictions.n_samples, int(decisions.right(predictions).sum())
    z = normal_quantile((1 + level) / 2)
    centre = (n_right + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(n_right * (n - n_right) / n + z * z / 4)
    return Interval(n_right / n, max(0.0, centre - half), min(1.0, centre + half), level, "wilson")


def with_width(predictions: Predictions, metric: str, found: Interval, undefined: Undefined) -> Interval:
    """Return a bootstrap interval; one without width is replaced by the interval of a formula if there is one."""
    if not found.note:
        return found
    if metric == "auc":
        formula = newcombe(predictions, found.level, undefined)
    elif metric == "accuracy" and decisions.n_decisions(predictions) == 1:
        formula = wilson(predictions, found.level)
    else:
        return found
    return replace(formula, n_resamples=found.n_resamples, n_undefined=found.n_undefined, note=found.note)


Method = Literal["percentile", "bca", "wilson", "delong", "logit-delong", "newcombe"]


def interval(  # noqa: PLR0913 -- what to measure, by which method, and how to draw
    predictions: Predictions,
    metric: str = "auc",
    *,
    method: Method = "percentile",
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    stratified: bool = False,
    undefined: Undefined = "raise",
    groups: ArrayLike | None = None,
) -> Interval:
    """Return the confidence interval of one metric.

    Parameters
    ----------
    predictions : Predictions
        Labels and scores.
    metric : str
        A name in :data:`METRICS`.
    method : {"percentile", "bca", "wilson", "delong", "logit-delong", "newcombe"}
        ``"percentile"`` supports every metric; ``"bca"`` the AUC, the accuracy, the exact match and the Hamming loss;
        ``"wilson"`` the accuracy with one decision per sample; ``"delong"`` and ``"logit-delong"`` the AUC;
        ``"newcombe"`` the AUC of a binary task. The page on statistics explains which to use.
    level : float
        Confidence level, between 0 and 1.
    n_resamples : int
        Number of resamples. Like the next two parameters, only for the bootstrap (``"percentile"`` and ``"bca"``).
    seed : int
        Random seed. The same seed gives the same interval, whichever metrics are computed together.
    stratified : bool
        Draw from each class as many samples as it has. Then no class is ever absent, but the interval ignores random
        variation in the class sizes. Not available for multi-label tasks, for which it is much too narrow.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle classes for which the metric is not defined. See :func:`measure`. A resample in which it is
        not defined is left out and counted, unless this is ``"skip"`` or ``"zero"``.
    groups : (n,) array_like, optional
        Group of each sample, e.g. the patient. Whole groups are drawn. If samples of a patient are similar, intervals
        that assume independent samples are too narrow. Only for ``"percentile"`` without `stratified`.

    Returns
    -------
    Interval
        The estimate and the interval. For a perfect score, many methods give an interval of zero width. It is replaced:
        for the AUC by Newcombe's (averaged over classes if there are several), for the accuracy of one decision per
        sample by Wilson's, else by NaN. The expected calibration error has no interval. ``note`` states the reason.

    Raises
    ------
    ValueError
        If the metric is not defined, a metric or method is unknown, the method does not support the metric, the level
        is not between 0 and 1, or there are too few samples. Also if `groups` is given and the method assumes
        independent samples, its length is not the number of samples, there is only one group, or a group is missing.

    Notes
    -----
    Percentile and BCa: Efron 1987, *Better bootstrap confidence intervals* (doi:10.1080/01621459.1987.10478410),
    BCa with the jackknife's acceleration, which for the AUC is computed exactly. Wilson 1927
    (doi:10.1080/01621459.1927.10502953). DeLong et al. 1988 (doi:10.2307/2531595), clipped to 0 to 1; on the logit
    scale Pepe 2003, *The Statistical Evaluation of Medical Tests*, section 5.2. Newcombe 2006, method 5
    (doi:10.1002/sim.2324). The bootstrap of groups: Davison and Hinkley 1997, *Bootstrap Methods and their
    Application*, section 3.8.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, interval
    >>> predictions = Predictions([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.6, 0.5, 0.7, 0.9], "binary-class")
    >>> print(interval(predictions, "accuracy", method="wilson"))
    0.667 (95 % interval 0.300 to 0.903, wilson)
    """
    _check_method(method, metric)
    check_undefined(undefined)
    check_level(level)
    _check_groupable(method, groups)
    if method == "wilson":
        return wilson(predictions, level)
    if method == "newcombe":
        if len(predictions.columns) > 1:
            raise ValueError(
                "Newcombe's interval is for a single AUC, not for a mean of several. Use class_intervals, or "
                'method="bca" or "logit-delong".'
            )
        return newcombe(predictions, level, undefined)
    if method in ("delong", "logit-delong"):
        return delong(predictions, level, method, undefined)
    if method == "percentile":
        return bootstrap_intervals(
            predictions,
            [metric],
            level=level,
            n_resamples=n_resamples,
            seed=seed,
            stratified=stratified,
            undefined=undefined,
            groups=groups,
        )[metric]
    estimate = all_metrics.measure(predictions, metric, undefined=undefined)
    values = replicates(predictions, [metric], n_resamples=n_resamples, seed=seed, stratified=stratified)[metric]
    without_one = metric_without_one(predictions, metric, undefined)
    how = method_name("bca", stratified)
    found = bca_interval(estimate, averages(values, undefined), without_one, level, how)
    return with_width(predictions, metric, found, undefined)


def bootstrap_intervals(
    predictions: Predictions,
    metrics: Iterable[str],
    *,
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    stratified: bool = False,
    undefined: Undefined = "raise",
    groups: ArrayLike | None = None,
) -> dict[str, Interval]:
    """Return the percentile intervals of several metrics, from the same resamples.

    Parameters
    ----------
    predictions : Predictions
        Labels and scores.
    metrics : iterable of str
        Names in :data:`METRICS`, or a single name.
    level, n_resamples, seed, stratified, undefined, groups
        See :func:`interval`.

    Returns
    -------
    dict of str to Interval
        The same intervals as from :func:`interval`, by metric. Drawing the resamples once is faster.

    Raises
    ------
    ValueError
        See :func:`interval`.

    Notes
    -----
    Efron 1979, *Bootstrap methods: another look at the jackknife* (doi:10.1214/aos/1176344552). For groups: Davison and
    Hinkley 1997, *Bootstrap Methods and their Application*, section 3.8.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, bootstrap_intervals
    >>> predictions = Predictions([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.6, 0.5, 0.7, 0.9], "binary-class")
    >>> found = bootstrap_intervals(predictions, ["auc", "f1"], stratified=True)
    >>> {metric: round(one.estimate, 3) for metric, one in found.items()}
    {'auc': 0.889, 'f1': 0.667}
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    check_level(level)
    estimates = {name: all_metrics.measure(predictions, name, undefined=undefined) for name in names}
    values = replicates(predictions, names, n_resamples=n_resamples, seed=seed, stratified=stratified, groups=groups)
    method = method_name("percentile", stratified, groups)
    found = {}
    for name in names:
        found[name] = _percentile(name, estimates[name], averages(values[name], undefined), level, method)
        if groups is None:  # formulas assume independent samples
            found[name] = with_width(predictions, name, found[name], undefined)
    return found


def _percentile(metric: str, estimate: float, values: Values, level: float, method: str) -> Interval:
    """Return the percentile interval of a metric from its value in each resample, ``(n_resamples,)``."""
    if biased := all_metrics.METRICS[metric].biased:
        return Interval(estimate, math.nan, math.nan, level, method, len(values), note=biased)
    return percentile_interval(estimate, values, level, method)


def class_intervals(
    predictions: Predictions,
    metric: str = "auc",
    *,
    method: Literal["percentile", "delong", "logit-delong", "newcombe"] = "percentile",
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    stratified: bool = False,
    groups: ArrayLike | None = None,
) -> tuple[Interval, ...]:
    """Return the interval of each class against the rest, or of each label.

    Parameters
    ----------
    predictions : Predictions
        Labels and scores.
    metric : str
        A name in :data:`METRICS`.
    method : {"percentile", "delong", "logit-delong", "newcombe"}
        All but ``"percentile"`` are much faster, and support only the AUC.
    level, n_resamples, seed, stratified, groups
        See :func:`interval`.

    Returns
    -------
    tuple of Interval
        One per value of :func:`measure_per_class`. If that is NaN, so are the ends. The intervals are not adjusted for
        multiple comparisons.

    Raises
    ------
    ValueError
        See :func:`interval`. Undefined metrics raise no error.

    Notes
    -----
    See :func:`interval` for the sources.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, class_intervals
    >>> scores = [[0.8, 0.2], [0.6, 0.4], [0.7, 0.3], [0.3, 0.7]]
    >>> [one.estimate for one in class_intervals(Predictions([0, 0, 1, 1], scores, "multi-class"), "recall")]
    [1.0, 0.5]
    """
    check_level(level)
    if method in ("bca", "wilson"):
        raise ValueError(f'The method {short(method)} does not support single classes. Use method="percentile".')
    _check_method(method, metric)
    _check_groupable(method, groups)
    by_newcombe = newcombe_per_class(predictions, level) if metric == "auc" else ()
    if method == "newcombe":
        return by_newcombe
    if method != "percentile":
        return delong_per_class(predictions, level, method)
    estimates = all_metrics.measure_per_class(predictions, metric).tolist()
    values = replicates(
        predictions, [metric], n_resamples=n_resamples, seed=seed, stratified=stratified, groups=groups
    )[metric]
    how = method_name("percentile", stratified, groups)
    found = tuple(_percentile(metric, *column, level, how) for column in zip(estimates, values.T, strict=True))
    if metric != "auc" or groups is not None:
        return found
    return tuple(
        replace(other, note=one.note) if one.note else one for one, other in zip(found, by_newcombe, strict=True)
    )


def _check_method(method: str, metric: str) -> None:
    methods = all_metrics.metric_named(metric).methods
    check_choice("method", method, get_args(Method))
    if method not in ("percentile", *methods):
        supported = ", ".join(other.name for other in all_metrics.METRICS.values() if method in other.methods)
        raise ValueError(
            f"The method {short(method)} supports {supported}, not {metric}. "
            'Use method="percentile", which supports every metric.'
        )


def _check_groupable(method: str, groups: ArrayLike | None) -> None:
    if groups is not None and method != "percentile":
        raise ValueError(
            f"The method {short(method)} assumes independent samples and does not support groups. "
            'Use method="percentile", which draws whole groups.'
        )
