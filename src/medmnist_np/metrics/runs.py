"""Summarise several runs of one model, such as runs with different seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medmnist_np.metrics.estimates import check_level, student_quantile
from medmnist_np.metrics.predictions import as_array


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
    level : float
        The confidence level: the share of such intervals that contain the mean of all possible runs.
    """

    n: int
    mean: float
    std: float
    low: float
    high: float
    level: float

    def __str__(self) -> str:
        if math.isnan(self.low):
            why = "one run" if self.n == 1 else f"{self.n} runs with the same value"
            return f"{self.mean:.3f} (no interval of the mean: {why})"
        return (
            f"{self.mean:.3f} +- {self.std:.3f} "
            f"({100 * self.level:g} % interval of the mean {self.low:.3f} to {self.high:.3f}, {self.n} runs)"
        )


def summarise_runs(values: ArrayLike, *, level: float = 0.95) -> Runs:
    """Return mean, standard deviation and the interval of the mean of one metric over several runs.

    The interval covers the variation between seeds on the same test samples. :func:`interval` covers the variation
    between test samples. Neither includes the other.

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
    0.862 +- 0.019 (95 % interval of the mean 0.816 to 0.908, 3 runs)
    """
    check_level(level)
    runs = as_array(values, "values").astype(np.float64)
    if runs.ndim != 1 or not runs.size or not np.isfinite(runs).all():
        raise ValueError(f"values must be a list of finite numbers, one for each run; they are {runs.tolist()}.")
    n, mean = runs.size, float(runs.mean())
    if n == 1:
        return Runs(1, mean, math.nan, math.nan, math.nan, level)
    std = float(runs.std(ddof=1))
    if (runs == runs[0]).all():  # a zero-width interval would suggest that the mean is certain
        return Runs(n, float(runs[0]), 0.0, math.nan, math.nan, level)
    half = student_quantile((1 + level) / 2, n - 1) * std / math.sqrt(n)
    return Runs(n, mean, std, mean - half, mean + half, level)
