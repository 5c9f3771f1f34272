"""The ROC and the precision-recall curve, with every distinct score as a threshold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.metrics.predictions import Array, Predictions, ratio


class RocCurve(NamedTuple):
    """Rates at falling thresholds, ``(thresholds + 1,)`` float each; the first threshold is infinite."""

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class PrCurve(NamedTuple):
    """Precision and recall at falling thresholds, ``(thresholds + 1,)`` float each; they begin at 1 and 0."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def roc_curves(y_true: ArrayLike, y_score: ArrayLike, task: str) -> tuple[RocCurve, ...]:
    """ROC curve of each class against the rest, or of each label.

    Parameters
    ----------
    y_true, y_score, task
        As for :func:`auc`.

    Returns
    -------
    tuple of RocCurve
        One for each column of scores; a binary task has one. A sample is decided for where its score is at least the
        threshold. Rates that are not defined, as a class is absent, are NaN.

    Raises
    ------
    ValueError
        If the arrays do not fit each other or the task, or a score is not finite.

    Notes
    -----
    Fawcett 2006, *An introduction to ROC analysis*, algorithm 1 (doi:10.1016/j.patrec.2005.10.010). No point is left
    out; the trapezoids below it add up to :func:`auc`.

    Examples
    --------
    >>> from medmnist_np.metrics import roc_curves
    >>> (curve,) = roc_curves([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8], "binary-class")
    >>> curve.false_positive_rate.tolist(), curve.true_positive_rate.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    predictions = Predictions(y_true, y_score, task)
    curves = []
    for scores, positive in zip(predictions.columns, predictions.positive, strict=True):
        found, wrong, thresholds = _counts_above(scores, positive)
        curves.append(RocCurve(_share(wrong), _share(found), thresholds))
    return tuple(curves)


def pr_curves(y_true: ArrayLike, y_score: ArrayLike, task: str) -> tuple[PrCurve, ...]:
    """Precision-recall curve of each class against the rest, or of each label.

    Parameters
    ----------
    y_true, y_score, task
        As for :func:`auc`.

    Returns
    -------
    tuple of PrCurve
        One for each column of scores; a binary task has one. Recall is NaN where a class is absent.

    Raises
    ------
    ValueError
        If the arrays do not fit each other or the task, or a score is not finite.

    Notes
    -----
    Davis and Goadrich 2006, *The relationship between precision-recall and ROC curves*
    (doi:10.1145/1143844.1143874). The area below the steps is :func:`average_precision`.

    Examples
    --------
    >>> from medmnist_np.metrics import pr_curves
    >>> (curve,) = pr_curves([0, 1, 1], [0.1, 0.4, 0.8], "binary-class")
    >>> curve.recall.tolist(), curve.precision.round(3).tolist()
    ([0.0, 0.5, 1.0, 1.0], [1.0, 1.0, 1.0, 0.667])
    """
    predictions = Predictions(y_true, y_score, task)
    curves = []
    for scores, positive in zip(predictions.columns, predictions.positive, strict=True):
        found, wrong, thresholds = _counts_above(scores, positive)
        precision = ratio(found, found + wrong)
        precision[0] = 1.0
        curves.append(PrCurve(precision, _share(found), thresholds))
    return tuple(curves)


def _counts_above(
    scores: Array, positive: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return how many positive and how many negative samples reach each threshold, and the thresholds, falling."""
    order = np.argsort(scores)[::-1]
    scores, positive = scores[order], positive[order]
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    found = np.append(0, np.cumsum(positive)[last])
    return found, np.append(0, last + 1) - found, np.append(np.inf, scores[last].astype(np.float64))


def _share(reached: NDArray[np.intp]) -> NDArray[np.float64]:
    return ratio(reached, np.full_like(reached, reached[-1]))
