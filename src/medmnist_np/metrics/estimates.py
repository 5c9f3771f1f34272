"""Quantiles and tails of the normal and Student distributions, and the record of a confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass


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


def student_quantile(probability: float, freedom: int) -> float:
    """Return the quantile, at least 0, of Student's t distribution; ``probability`` is at least 1/2.

    The distribution function of whole degrees of freedom is a finite sum (Abramowitz and Stegun 1964, 26.7.3 and
    26.7.4), which bisection inverts.

    Examples
    --------
    >>> round(student_quantile(0.975, 2), 4)
    4.3027
    """
    low, high = 0.0, math.pi / 2
    for _ in range(100):
        middle = (low + high) / 2
        if _inside(middle, freedom) < 2 * probability - 1:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(low)


def _inside(angle: float, freedom: int) -> float:
    """Return the probability that ``|t| <= sqrt(freedom) * tan(angle)``."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = total = cosine if odd else 1.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    if not odd:
        return sine * total
    return 2 / math.pi * (angle + (sine * total if freedom > 1 else 0.0))


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


def p_in_words(p_value: float) -> str:
    """Return a p-value as people write it: none is 0.

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
        raise ValueError(f"The level is {level}; a number between 0 and 1 is needed, as 0.95.")
