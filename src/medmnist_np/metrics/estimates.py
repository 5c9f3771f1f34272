"""An estimate with its confidence interval, the difference between two models, and the summary of several runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medmnist_np.errors import short
from medmnist_np.metrics.predictions import as_array


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution; ``probability`` is between 0 and 1.

    Examples
    --------
    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)


def normal_cumulative(z: float) -> float:
    """Return the probability that a standard normal value is at most ``z``.

    Examples
    --------
    >>> normal_cumulative(0.0)
    0.5
    """
    return math.erfc(-z / math.sqrt(2)) / 2


def two_sided_p(z: float) -> float:
    """Return the probability that a standard normal value is at least as far from 0 as ``z``.

    Examples
    --------
    >>> round(two_sided_p(-1.959964), 4)
    0.05
    """
    return math.erfc(abs(z) / math.sqrt(2))


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval.

    Attributes
    ----------
    estimate : float
        The value.
    low, high : float
        The ends of the confidence interval; NaN if it is not available.
    level : float
        The confidence level, such as 0.95.
    method : str
        The method of the interval, such as ``"percentile"`` or ``"stratified percentile"``.
    n_resamples : int
        Number of resamples; 0 if the method does not resample.
    n_undefined : int
        Number of resamples that were left out because the metric is not defined, for example without any sample of a
        class.
    note : str
        Why there is no interval, or why another method than the requested one was used; otherwise empty.

    Examples
    --------
    >>> print(Interval(0.883, 0.8124, 0.9411, 0.95, "logit-delong"))
    0.883 (95 % interval 0.812 to 0.941, logit-delong)
    """

    estimate: float
    low: float
    high: float
    level: float
    method: str
    n_resamples: int = 0
    n_undefined: int = 0
    note: str = ""

    def __str__(self) -> str:
        if math.isnan(self.low):
            return f"{self.estimate:.3f} (no interval{': ' + self.note if self.note else ''})"
        return f"{self.estimate:.3f} ({100 * self.level:g} % interval {self.low:.3f} to {self.high:.3f}, {self.method})"


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


@dataclass(frozen=True, slots=True)
class Runs:
    """The mean and spread of a metric over several runs of one model.

    Attributes
    ----------
    n : int
        Number of runs.
    mean : float
        Mean of the runs.
    std : float
        Standard deviation of the runs, with ``n - 1``; NaN for one run.
    low, high : float
        The ends of the confidence interval of the mean; NaN for one run, or if all runs have the same value.
    next_low, next_high : float
        The ends of the prediction interval of one more run. The interval of the mean is too narrow for that: at a level
        of 95 %, it contains one more run in about 84, 68, 49 and 35 % of cases after 3, 5, 10 and 20 runs.
    level : float
        The level: the share of such intervals that contain the mean of all possible runs, or one more run.
    """

    n: int
    mean: float
    std: float
    low: float
    high: float
    next_low: float
    next_high: float
    level: float

    def __str__(self) -> str:
        if math.isnan(self.low):
            why = "one run" if self.n == 1 else f"{self.n} runs with the same value"
            return f"{self.mean:.3f} (no interval of the mean: {why})"
        return (
            f"{self.mean:.3f} +- {self.std:.3f} "
            f"({self.n} runs; {100 * self.level:g} % interval of the mean {self.low:.3f} to {self.high:.3f}, "
            f"of one more run {self.next_low:.3f} to {self.next_high:.3f})"
        )


def summarise_runs(values: ArrayLike, *, level: float = 0.95) -> Runs:
    """Return mean, standard deviation and the intervals of the mean and of one more run, of one metric over runs.

    Both intervals cover the variation between seeds on the same test samples. :func:`interval` covers the variation
    between test samples. Neither includes the other. :func:`paired_runs` compares two methods and includes both.

    Parameters
    ----------
    values : (n,) array_like of float
        The metric, once for each run. It is not cut off at 0 or 1.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Runs
        The summary.

    Raises
    ------
    ValueError
        If there are no values, one is not finite, or the level is not between 0 and 1.

    Notes
    -----
    Student 1908, *The probable error of a mean* (doi:10.1093/biomet/6.1.1).

    Examples
    --------
    >>> from medmnist_np.metrics import summarise_runs
    >>> print(summarise_runs([0.883, 0.848, 0.855]))
    0.862 +- 0.019 (3 runs; 95 % interval of the mean 0.816 to 0.908, of one more run 0.770 to 0.954)
    """
    from scipy.special import stdtrit

    check_level(level)
    runs = as_array(values, "values").astype(np.float64)
    if runs.ndim != 1 or not runs.size or not np.isfinite(runs).all():
        raise ValueError(f"values is {short(runs.tolist())}. It must be a list of finite numbers, one for each run.")
    n, mean = runs.size, float(runs.mean())
    if n == 1:
        return Runs(1, mean, math.nan, math.nan, math.nan, math.nan, math.nan, level)
    std = float(runs.std(ddof=1))
    if (runs == runs[0]).all():  # a zero-width interval would suggest that the mean is certain
        return Runs(n, float(runs[0]), 0.0, math.nan, math.nan, math.nan, math.nan, level)
    spread = float(stdtrit(n - 1, (1 + level) / 2)) * std
    of_mean, of_next = spread * math.sqrt(1 / n), spread * math.sqrt(1 + 1 / n)
    return Runs(n, mean, std, mean - of_mean, mean + of_mean, mean - of_next, mean + of_next, level)


def p_in_words(p_value: float) -> str:
    """Return a p-value as text; small ones are "p < 0.001".

    Examples
    --------
    >>> p_in_words(0.0412), p_in_words(1e-20), p_in_words(float("nan"))
    ('p = 0.041', 'p < 0.001', 'p is not defined')
    """
    if math.isnan(p_value):
        return "p is not defined"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def check_level(level: float) -> None:
    """Raise ValueError if a confidence level is not between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level is {short(level)}. It must be between 0 and 1, such as 0.95.")
