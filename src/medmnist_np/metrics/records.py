"""A value with the interval around it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and the interval around it.

    Attributes
    ----------
    estimate : float
        The value.
    low, high : float
        The ends of the interval.
    level : float
        The share of such intervals that are meant to hold the true value, as 0.95.
    method : str
        How it was found, as ``"percentile"`` or ``"stratified percentile"``.
    n_resamples : int
        Number of resamples, 0 where none were drawn.
    n_undefined : int
        In how many of them the metric was not defined, as a class was absent; these were left out.

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

    def __str__(self) -> str:
        return f"{self.estimate:.3f} ({100 * self.level:g} % interval {self.low:.3f} to {self.high:.3f}, {self.method})"


def check_level(level: float) -> None:
    """Refuse what is no level."""
    if not 0 < level < 1:
        raise ValueError(f"The level is {level}; a number between 0 and 1 is needed, as 0.95.")
