"""Columns of scores, sorted once for all the rank metrics of all resamples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RankedColumn:
    """One column of scores, sorted once: all that the rank metrics of any resample need.

    Attributes
    ----------
    positives : (p,) intp
        The positive samples, from the lowest score to the highest.
    negatives : (q,) intp
        The negative ones likewise.
    below, not_above : (p,) intp
        For each positive sample, how many negative ones score lower, and how many lower or the same.
    first_equal : (p,) intp
        Where among the positive samples the first with the same score stands.
    """

    positives: NDArray[np.intp]
    negatives: NDArray[np.intp]
    below: NDArray[np.intp]
    not_above: NDArray[np.intp]
    first_equal: NDArray[np.intp]


def rank(scores: NDArray[Any], positive: NDArray[np.bool_]) -> RankedColumn:
    """Sort one column: ``scores`` is ``(n,)``, ``positive`` is ``(n,)`` bool."""
    positives, negatives = np.flatnonzero(positive), np.flatnonzero(~positive)
    positives = positives[np.argsort(scores[positives])]
    negatives = negatives[np.argsort(scores[negatives])]
    above, below = scores[positives], scores[negatives]
    return RankedColumn(
        positives,
        negatives,
        np.searchsorted(below, above, side="left"),
        np.searchsorted(below, above, side="right"),
        np.searchsorted(above, above, side="left"),
    )


def twice_the_wins(column: RankedColumn) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return in how many pairs each sample takes part that are in order; a tie counts 1 and a pair in order 2.

    Returns
    -------
    won : (p,) intp
        For each of ``column.positives``: the negative samples below it.
    lost : (q,) intp
        For each of ``column.negatives``: the positive samples above it.
    """
    p, q = len(column.positives), len(column.negatives)
    higher = p - np.cumsum(np.bincount(column.below, minlength=q + 1))[:q]
    not_lower = p - np.cumsum(np.bincount(column.not_above, minlength=q + 1))[:q]
    return column.below + column.not_above, higher + not_lower
