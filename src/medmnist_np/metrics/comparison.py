"""By how much two models differ in a metric, asked on the same samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.metrics import catalogue, ranking
from medmnist_np.metrics.averaging import Undefined, average, averages, check_choice
from medmnist_np.metrics.bootstrap import N_RESAMPLES, Values, method_name, percentile_interval, replicates
from medmnist_np.metrics.delong import delong_areas, standard_error
from medmnist_np.metrics.distributions import normal_quantile, two_sided_p
from medmnist_np.metrics.inputs import Predictions, check_same
from medmnist_np.metrics.records import check_level


@dataclass(frozen=True, slots=True)
class Difference:
    """How much the second model is above the first, and how sure that is.

    Attributes
    ----------
    first, second : float
        The metric of either model.
    low, high : float
        The ends of the interval of ``second - first``.
    level : float
        The share of such intervals that are meant to hold the true difference.
    p_value : float
        Two-sided: how often a difference of this size or more comes up by chance if there is none.
    method : str
        ``"delong"``, ``"bootstrap"``, ``"stratified bootstrap"`` or ``"grouped bootstrap"``.
    n_resamples, n_undefined : int
        Number of resamples, and of those that were left out, as the metric was not defined in them.

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

    @property
    def difference(self) -> float:
        """``second - first``."""
        return self.second - self.first

    def __str__(self) -> str:
        return (
            f"{self.difference:+.3f} ({100 * self.level:g} % interval {self.low:+.3f} to {self.high:+.3f}, "
            f"p = {self.p_value:.2g}, {self.method})"
        )


def paired_delong(
    first: Predictions, second: Predictions, *, level: float = 0.95, undefined: Undefined = "raise"
) -> Difference:
    """Compare the AUCs of two models on the same samples.

    Parameters
    ----------
    first, second : Predictions
        Of the same samples in the same order.
    level : float
        Between 0 and 1.
    undefined : {"raise", "skip", "nan", "zero"}
        What to do about classes whose AUC is not defined, as for :func:`measure`.

    Returns
    -------
    Difference
        Of the AUC, which is the mean over classes or labels if there are several.

    Raises
    ------
    ValueError
        If the labels are not the same, or a class has fewer than two positive or negative samples.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson 1988 (doi:10.2307/2531595), equation 5, with a normal approximation that
    is cut off at -1 and 1: with a dozen positive samples or fewer, or an AUC of 1, take :func:`paired_bootstrap` too.
    The mean over classes has the same influence function as its parts.

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
    return _normal_difference(areas[0], areas[1], standard_error(influence.sum(axis=1) / n_columns), level)


def paired_delong_per_class(
    first: Predictions, second: Predictions, *, level: float = 0.95, columns: NDArray[np.intp] | None = None
) -> tuple[Difference, ...]:
    """Compare the AUCs of two models for each class against the rest, or each label.

    Parameters
    ----------
    first, second, level
        As for :func:`paired_delong`.
    columns : (c,) intp, optional
        Which classes or labels; by default all.

    Returns
    -------
    tuple of Difference
        One for each class or label. Neither p-values nor intervals are adjusted for there being several: give the
        p-values to :func:`holm`.

    Raises
    ------
    ValueError
        As for :func:`paired_delong`.

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
    errors = map(standard_error, (after.influence - before.influence).T)
    return tuple(
        _normal_difference(float(a), float(b), error, level)
        for a, b, error in zip(before.values, after.values, errors, strict=True)
    )


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
        Of the same samples in the same order.
    metric : str
        A name in :data:`METRICS`.
    level, n_resamples, seed, stratified, undefined, groups
        As for :func:`interval`.

    Returns
    -------
    Difference
        With the percentile interval, and the p-value at which the interval would just touch 0: at least
        ``2 / (n_resamples + 1)``.

    Raises
    ------
    ValueError
        If the labels are not the same, or as for :func:`interval`.

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
    values = []
    for predictions in (first, second):
        found = replicates(
            predictions, [metric], n_resamples=n_resamples, seed=seed, stratified=stratified, groups=groups
        )
        values.append(averages(found[metric], undefined))
    differences = values[1] - values[0]
    a, b = (catalogue.measure(predictions, metric, undefined=undefined) for predictions in (first, second))
    return bootstrap_difference(a, b, differences, level, method_name("bootstrap", stratified, groups))


def bootstrap_difference(first: float, second: float, differences: Values, level: float, method: str) -> Difference:
    """Return the difference with what resamples ``(n_resamples,)`` say of it; NaN are left out."""
    ends = percentile_interval(second - first, differences, level, method)
    defined = differences[~np.isnan(differences)]
    p_value = math.nan
    if not math.isnan(ends.low):
        fewer = min(np.count_nonzero(defined <= 0), np.count_nonzero(defined >= 0))
        p_value = min(1.0, 2 * (fewer + 1) / (defined.size + 1))
    return Difference(first, second, ends.low, ends.high, level, p_value, method, ends.n_resamples, ends.n_undefined)


def _normal_difference(first: float, second: float, error: float, level: float) -> Difference:
    off = second - first
    half = normal_quantile((1 + level) / 2) * error
    # Without any spread: the same order of all samples, or both orders without a fault on some side.
    certain = 1.0 if off == 0 else 0.0
    p_value = two_sided_p(off / error) if error > 0 else certain
    return Difference(first, second, max(-1.0, off - half), min(1.0, off + half), level, p_value, "delong")
