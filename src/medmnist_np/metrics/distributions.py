"""The few quantiles and tails that intervals and tests need, from the standard library alone."""

from __future__ import annotations

import math


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
