"""A value with the interval around it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and the interval around it.

    Attributes
    ----------
    estimate : float
        The value.
    low, high : float
        The ends of the interval; NaN if there is none.
    level : float
        The share of such intervals that are meant to hold the true value, as 0.95.
    method : str
        How it was found, as ``"percentile"`` or ``"stratified percentile"``.
    n_resamples : int
        Number of resamples, 0 where none were drawn.
    n_undefined : int
        In how many of them the metric was not defined, as a class was absent; these were left out.
    note : str
        Why there is no interval, or why it is by another method than was asked for; mostly empty.

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
    """Refuse what is no level."""
    if not 0 < level < 1:
        raise ValueError(f"The level is {level}; a number between 0 and 1 is needed, as 0.95.")
