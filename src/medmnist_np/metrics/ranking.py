"""Metrics of the ranking: AUC, average precision, and the ROC and precision-recall curves."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.metrics.metric import Metric, Undefined
from medmnist_np.metrics.predictions import Array, Counts, Predictions, RankedColumn, ratio, twice_the_wins


def auc(y_true: ArrayLike, y_score: ArrayLike, task: str, *, undefined: Undefined = "raise") -> float:
    """Return the area under the ROC curve, as the MedMNIST benchmark defines it.

    ===============================  ================================================
    task                             value
    ===============================  ================================================
    ``"binary-class"``               AUC of the last column
    ``"multi-label, binary-class"``  mean over the labels
    ``"multi-class"``                mean over the classes, each against the rest
    ``"ordinal-regression"``         the same
    ===============================  ================================================

    Parameters
    ----------
    y_true : (n,) or (n, l) array of integers
        Labels; ``l`` is 1, or the number of labels of a multi-label task.
    y_score : (n,) or (n, columns) array of real numbers
        Scores; only their order within a column matters.
    task : str
        Task of the data set: ``info(name).task``.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle a class without positive or without negative samples: raise an error that names it, average the
        others, return NaN, or count it as 0. :func:`auc_per_class` shows which classes these are.

    Returns
    -------
    float
        From 0 to 1; 0.5 for scores that are unrelated to the labels.

    Raises
    ------
    ValueError
        If the arrays do not match each other or the task, a score is not finite, or a class has no positive or no
        negative sample and `undefined` is ``"raise"``.

    Notes
    -----
    The AUC is the share of pairs of a positive and a negative sample in which the positive one scores higher,
    and a tie counts one half (the Mann-Whitney statistic with midranks; Hanley and McNeil 1982,
    doi:10.1148/radiology.143.1.7063747). Pairs are counted in integers and divided once.

    Examples
    --------
    >>> from medmnist_np.metrics import auc
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8], "binary-class")
    0.875
    """
    return AUC.value(Predictions(y_true, y_score, task), undefined)


def auc_per_class(y_true: ArrayLike, y_score: ArrayLike, task: str) -> NDArray[np.float64]:
    """Return the area under the ROC curve of each class against the rest, or of each label.

    Parameters
    ----------
    y_true, y_score, task
        See :func:`auc`.

    Returns
    -------
    (columns,) float
        NaN where a class has no positive or no negative sample. A binary task has one column, class 1.

    Raises
    ------
    ValueError
        If the arrays do not match each other or the task, or a score is not finite.

    Examples
    --------
    >>> from medmnist_np.metrics import auc_per_class
    >>> auc_per_class([0, 1, 1], [[0.8, 0.2, 0.0], [0.3, 0.7, 0.0], [0.4, 0.6, 0.0]], "multi-class").tolist()
    [1.0, 1.0, nan]
    """
    return areas(Predictions(y_true, y_score, task))


def average_precision(y_true: ArrayLike, y_score: ArrayLike, task: str, *, undefined: Undefined = "raise") -> float:
    """Return the average precision: the area under the steps of the precision-recall curve.

    Parameters
    ----------
    y_true, y_score, task, undefined
        See :func:`auc`. Values are averaged over classes or labels in the same way.

    Returns
    -------
    float
        From 0 to 1; for scores that are unrelated to the labels, the share of positive samples.

    Raises
    ------
    ValueError
        If the arrays do not match each other or the task, a score is not finite, or a class has no positive sample and
        `undefined` is ``"raise"``.

    Notes
    -----
    ``sum((R[i] - R[i-1]) * P[i])`` over the distinct thresholds, with recall ``R`` and precision ``P`` (Manning,
    Raghavan and Schuetze 2008, *Introduction to Information Retrieval*, section 8.4), without interpolation.

    Examples
    --------
    >>> from medmnist_np.metrics import average_precision
    >>> average_precision([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8], "binary-class")
    0.8333333333333333
    """
    return AVERAGE_PRECISION.value(Predictions(y_true, y_score, task), undefined)


def areas(predictions: Predictions) -> NDArray[np.float64]:
    """Return the AUC of each column, ``(columns,)``; NaN where it is not defined."""
    # Values sort twice as fast as the indices that `rank` finds, so the plain AUC has its own function.
    return np.array(list(map(area, predictions.columns, predictions.positive)))


def area(scores: Array, positive: NDArray[np.bool_]) -> float:
    """Return the AUC of one column of scores, ``(n,)``; NaN if a class is absent."""
    above: NDArray[Any] = np.sort(scores[positive])
    below: NDArray[Any] = np.sort(scores[~positive])
    if not above.size or not below.size:
        return float("nan")
    # Negatives below each positive, and those below or equal to it: in their mean a tie counts one half.
    won = int(np.searchsorted(below, above, side="left").sum())
    held = int(np.searchsorted(below, above, side="right").sum())
    return (won + held) / (2 * above.size * below.size)


def resampled_areas(predictions: Predictions, counts: Counts) -> NDArray[np.float64]:
    """Return the AUC of each resample and column, ``(b, columns)``; ``counts`` is ``(b, n)``."""
    return np.stack([_weighted_area(column, counts) for column in predictions.ranked], axis=1)


def _weighted_area(column: RankedColumn, counts: Counts) -> NDArray[np.float64]:
    lower = _running_total(counts.take(column.negatives, axis=1))
    positives = counts.take(column.positives, axis=1)
    twice = lower.take(column.below, axis=1)
    twice += lower.take(column.not_above, axis=1)
    return ratio(np.einsum("bp,bp->b", positives, twice), 2 * positives.sum(axis=1) * lower[:, -1])


def resampled_average_precisions(predictions: Predictions, counts: Counts) -> NDArray[np.float64]:
    """Return the average precision of each resample and column, ``(b, columns)``; ``counts`` is ``(b, n)``."""
    return np.stack([_weighted_precision(column, counts) for column in predictions.ranked], axis=1)


def _weighted_precision(column: RankedColumn, counts: Counts) -> NDArray[np.float64]:
    positives = counts.take(column.positives, axis=1)
    lower_positives = _running_total(positives)
    lower_negatives = _running_total(counts.take(column.negatives, axis=1))
    found = lower_positives[:, -1:] - lower_positives.take(column.first_equal, axis=1)
    wrong = lower_negatives[:, -1:] - lower_negatives.take(column.below, axis=1)
    # A positive sample that is not in the resample has weight 0, so its precision does not matter.
    precision = found / np.maximum(found + wrong, 1)
    return ratio(np.einsum("bp,bp->b", positives, precision), lower_positives[:, -1])


def _running_total(values: Counts) -> Counts:
    """Return sums of the first 0, 1, ... values of each row."""
    totals = np.zeros((len(values), values.shape[1] + 1), dtype=np.int64)
    np.cumsum(values, axis=1, out=totals[:, 1:])
    return totals


def areas_without_one(predictions: Predictions) -> NDArray[np.float64]:
    """Return the AUC of each column without each sample in turn, ``(n, columns)``: the exact jackknife."""
    result = np.empty((predictions.n_samples, len(predictions.columns)))
    for k, column in enumerate(predictions.ranked):
        p, q = len(column.positives), len(column.negatives)
        won, lost = twice_the_wins(column)
        total = won.sum()
        result[column.positives, k] = (total - won) / (2 * (p - 1) * q) if p > 1 and q else np.nan
        result[column.negatives, k] = (total - lost) / (2 * p * (q - 1)) if q > 1 and p else np.nan
    return result


AUC = Metric("auc", "AUC", resampled_areas, methods=("bca", "delong", "logit-delong", "newcombe"), plain=areas)
AVERAGE_PRECISION = Metric("average_precision", "average precision", resampled_average_precisions)


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
    """Return the ROC curve of each class against the rest, or of each label.

    Parameters
    ----------
    y_true, y_score, task
        See :func:`auc`.

    Returns
    -------
    tuple of RocCurve
        One for each column of scores; a binary task has one. A sample is predicted positive if its score is at least
        the threshold. Rates are NaN if a class is absent.

    Raises
    ------
    ValueError
        If the arrays do not match each other or the task, or a score is not finite.

    Notes
    -----
    Fawcett 2006, *An introduction to ROC analysis*, algorithm 1 (doi:10.1016/j.patrec.2005.10.010). The curve has
    every point; the trapezoids below it add up to :func:`auc`.

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
    """Return the precision-recall curve of each class against the rest, or of each label.

    Parameters
    ----------
    y_true, y_score, task
        See :func:`auc`.

    Returns
    -------
    tuple of PrCurve
        One for each column of scores; a binary task has one. Recall is NaN where a class is absent.

    Raises
    ------
    ValueError
        If the arrays do not match each other or the task, or a score is not finite.

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
    """Return the number of positive and of negative samples at or above each threshold, and the thresholds."""
    order = np.argsort(scores)[::-1]
    scores, positive = scores[order], positive[order]
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    found = np.append(0, np.cumsum(positive)[last])
    return found, np.append(0, last + 1) - found, np.append(np.inf, scores[last].astype(np.float64))


def _share(reached: NDArray[np.intp]) -> NDArray[np.float64]:
    return ratio(reached, np.full_like(reached, reached[-1]))
