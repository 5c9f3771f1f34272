"""Metrics of the confusion matrix: precision, recall, specificity, F1, balanced accuracy, MCC and kappa.

The ``resampled_*`` functions compute them for any number of resamples at once.
"""

from __future__ import annotations

from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.errors import check_choice
from medmnist_np.metrics.metric import Metric, Undefined, Values
from medmnist_np.metrics.predictions import MULTI_LABEL, Counts, Predictions, decided, each_once, ratio

Table = NDArray[np.int64]
Weights = Literal["none", "linear", "quadratic"]

_NEVER_POSITIVE = "no sample was predicted as positive"
_ALL_ALIKE = "all labels or all decisions are the same"


def resampled_tables(predictions: Predictions, counts: Counts) -> Table:
    """Return the confusion matrix of each resample, ``(b, tables, k, k)``: one table, or a 2 x 2 table per label."""
    cells = predictions.once(_cells)
    n_tables, k = cells.shape
    tables = np.zeros((len(counts), n_tables * k * k), dtype=np.int64)
    tables[:, cells.filled] = np.add.reduceat(counts.take(cells.samples, axis=1), cells.first, axis=1)
    return tables.reshape(len(counts), n_tables, k, k)


class _Cells(NamedTuple):
    """The samples sorted by cell; the cells with samples, and where each begins; and (tables, k)."""

    samples: NDArray[np.intp]
    filled: NDArray[np.intp]
    first: NDArray[np.intp]
    shape: tuple[int, int]


def _cells(predictions: Predictions) -> _Cells:
    labels, decisions = predictions.labels.astype(np.intp), predictions.decisions
    k = 2 if predictions.task in ("binary-class", MULTI_LABEL) else predictions.scores.shape[1]
    n_tables = labels.shape[1] if predictions.task == MULTI_LABEL else 1
    cells = ((labels * k + decisions).reshape(len(labels), n_tables) + np.arange(n_tables) * k * k).ravel()
    order = np.argsort(cells, kind="stable")
    filled, first = np.unique(cells[order], return_index=True)
    return _Cells(order // n_tables, filled, first, (n_tables, k))


def resampled_precisions(predictions: Predictions, counts: Counts) -> Values:
    """Return the precision of each resample and class or label, ``(b, columns)``; NaN where it is not defined."""
    found, decided, _, _ = _against_the_rest(predictions, counts)
    return ratio(found, decided)


def resampled_recalls(predictions: Predictions, counts: Counts) -> Values:
    """Return the recall, ``(b, columns)``; NaN where it is not defined."""
    found, _, positive, _ = _against_the_rest(predictions, counts)
    return ratio(found, positive)


def resampled_specificities(predictions: Predictions, counts: Counts) -> Values:
    """Return the specificity, ``(b, columns)``; NaN where it is not defined."""
    found, decided, positive, total = _against_the_rest(predictions, counts)
    return ratio(total - positive - (decided - found), total - positive)


def resampled_f1(predictions: Predictions, counts: Counts) -> Values:
    """Return the F1 score, ``(b, columns)``; NaN where it is not defined."""
    found, decided, positive, _ = _against_the_rest(predictions, counts)
    return ratio(2 * found, decided + positive)


def resampled_balanced_accuracies(predictions: Predictions, counts: Counts) -> Values:
    """Return the recalls whose mean is the balanced accuracy, ``(b, classes)``, or the value per label."""
    tables = resampled_tables(predictions, counts)
    recalls = ratio(np.diagonal(tables, axis1=2, axis2=3), tables.sum(axis=3))
    return recalls.mean(axis=2) if predictions.task == MULTI_LABEL else recalls[:, 0]


def resampled_mcc(predictions: Predictions, counts: Counts) -> Values:
    """Return the MCC of each resample and table, ``(b, tables)``."""
    tables = resampled_tables(predictions, counts).astype(np.float64)
    total, labels, decisions = tables.sum(axis=(2, 3)), tables.sum(axis=3), tables.sum(axis=2)
    covariance = np.trace(tables, axis1=2, axis2=3) * total - (labels * decisions).sum(axis=2)
    variances = (total**2 - (labels**2).sum(axis=2)) * (total**2 - (decisions**2).sum(axis=2))
    return ratio(covariance, np.sqrt(variances))


def resampled_kappa(predictions: Predictions, counts: Counts, weights: Weights = "none") -> Values:
    """Return Cohen's kappa of each resample and table, ``(b, tables)``."""
    tables = resampled_tables(predictions, counts).astype(np.float64)
    k = tables.shape[-1]
    off = np.abs(np.arange(k)[:, None] - np.arange(k)).astype(np.float64)
    cost = {"none": (off > 0).astype(np.float64), "linear": off, "quadratic": off**2}[weights]
    by_chance = np.einsum("bti,ij,btj->bt", tables.sum(axis=3), cost, tables.sum(axis=2))
    return 1 - ratio((tables * cost).sum(axis=(2, 3)) * tables.sum(axis=(2, 3)), by_chance)


def _against_the_rest(predictions: Predictions, counts: Counts) -> tuple[Table, Table, Table, Table]:
    """Return true positives, predicted positives, positives and samples of each class, ``(b, columns)`` each."""
    tables = resampled_tables(predictions, counts)
    found = np.diagonal(tables, axis1=2, axis2=3)
    decided, positive = tables.sum(axis=2), tables.sum(axis=3)
    total = np.broadcast_to(tables.sum(axis=(2, 3))[..., None], found.shape)
    if predictions.task in ("binary-class", MULTI_LABEL):
        return found[..., 1], decided[..., 1], positive[..., 1], total[..., 1]
    return found[:, 0], decided[:, 0], positive[:, 0], total[:, 0]


PRECISION = Metric("precision", "precision", resampled_precisions, _NEVER_POSITIVE)
RECALL = Metric("recall", "recall", resampled_recalls)
SPECIFICITY = Metric("specificity", "specificity", resampled_specificities)
F1 = Metric("f1", "F1", resampled_f1)
MCC = Metric("mcc", "MCC", resampled_mcc, _ALL_ALIKE)
BALANCED_ACCURACY = Metric("balanced_accuracy", "balanced accuracy", resampled_balanced_accuracies)

KAPPA = Metric("kappa", "Cohen's kappa", resampled_kappa, _ALL_ALIKE)
LINEAR_KAPPA, QUADRATIC_KAPPA = (
    Metric(
        f"{weights}_kappa",
        f"Cohen's kappa, {weights} weights",
        partial(resampled_kappa, weights=weights),
        _ALL_ALIKE,
        tasks=("ordinal-regression",),
    )
    for weights in ("linear", "quadratic")
)
KAPPAS: dict[str, Metric] = {"none": KAPPA, "linear": LINEAR_KAPPA, "quadratic": QUADRATIC_KAPPA}


def confusion_matrix(y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5) -> Table:
    """Count the samples by label and decision.

    Parameters
    ----------
    y_true, y_score, task, threshold
        See :func:`accuracy`.

    Returns
    -------
    (k, k) int64, or (l, 2, 2) int64 for a multi-label task
        Rows are labels, columns are decisions. A binary task has two classes.

    Raises
    ------
    ValueError
        See :func:`accuracy`.

    Notes
    -----
    Layout as in Stehman 1997, *Selecting and interpreting measures of thematic classification accuracy*
    (doi:10.1016/S0034-4257(97)00083-7), and scikit-learn.

    Examples
    --------
    >>> from medmnist_np.metrics import confusion_matrix
    >>> confusion_matrix([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8], "binary-class").tolist()
    [[1, 1], [0, 2]]
    """
    return table_of(decided(y_true, y_score, task, threshold))


def table_of(predictions: Predictions) -> Table:
    """Return the confusion matrix, ``(k, k)``, or one for each label, ``(l, 2, 2)``."""
    tables: Table = resampled_tables(predictions, each_once(predictions))[0]
    return tables if predictions.task == MULTI_LABEL else tables.reshape(tables.shape[1:])


def precision(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Return the precision: the share of positive decisions that are right (positive predictive value).

    Parameters
    ----------
    y_true, y_score, task, threshold
        See :func:`accuracy`. A binary task gives the value of class 1, other tasks the mean over classes or labels.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle a class that is never predicted: raise an error that names it, average the others, return NaN, or
        count it as 0 (as scikit-learn does).

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        See :func:`accuracy`; also if a class is never predicted and `undefined` is ``"raise"``.

    Notes
    -----
    ``TP / (TP + FP)``, macro-averaged; Sokolova and Lapalme 2009, *A systematic analysis of performance measures for
    classification tasks* (doi:10.1016/j.ipm.2009.03.002).

    Examples
    --------
    >>> from medmnist_np.metrics import precision
    >>> precision([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8], "binary-class")
    0.6666666666666666
    """
    return PRECISION.value(decided(y_true, y_score, task, threshold), undefined)


def recall(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Return the recall: the share of positive samples that are found (sensitivity).

    Parameters
    ----------
    y_true, y_score, task, threshold
        See :func:`precision`.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle an absent class. See :func:`precision`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        See :func:`accuracy`; also if a class is absent and `undefined` is ``"raise"``.

    Notes
    -----
    ``TP / (TP + FN)``, macro-averaged; Sokolova and Lapalme 2009 (doi:10.1016/j.ipm.2009.03.002).

    Examples
    --------
    >>> from medmnist_np.metrics import recall
    >>> recall([0, 1, 1, 1], [0.1, 0.6, 0.4, 0.3], "binary-class")
    0.3333333333333333
    """
    return RECALL.value(decided(y_true, y_score, task, threshold), undefined)


def specificity(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Return the specificity: the share of negative samples that are classified as negative.

    Parameters
    ----------
    y_true, y_score, task, threshold
        See :func:`precision`.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle samples that are all of one class. See :func:`precision`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        See :func:`accuracy`; also if a class has no negative sample and `undefined` is ``"raise"``.

    Notes
    -----
    ``TN / (TN + FP)``, macro-averaged, each class against the rest; Sokolova and Lapalme 2009
    (doi:10.1016/j.ipm.2009.03.002).

    Examples
    --------
    >>> from medmnist_np.metrics import specificity
    >>> specificity([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8], "binary-class")
    0.5
    """
    return SPECIFICITY.value(decided(y_true, y_score, task, threshold), undefined)


def f1(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Return the F1 score: the harmonic mean of precision and recall.

    Parameters
    ----------
    y_true, y_score, task, threshold
        See :func:`precision`.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle a class that is absent and never predicted. See :func:`precision`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        See :func:`accuracy`; also if it is not defined for a class and `undefined` is ``"raise"``.

    Notes
    -----
    ``2 TP / (2 TP + FP + FN)`` of each class, then the mean (not the harmonic mean of the averages); Sokolova and
    Lapalme 2009 (doi:10.1016/j.ipm.2009.03.002), Opitz and Burst 2019 (arXiv:1911.03347).

    Examples
    --------
    >>> from medmnist_np.metrics import f1
    >>> f1([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8], "binary-class")
    0.8
    """
    return F1.value(decided(y_true, y_score, task, threshold), undefined)


def balanced_accuracy(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Return the balanced accuracy: the mean recall over all classes.

    Parameters
    ----------
    y_true, y_score, task, threshold
        See :func:`accuracy`. A multi-label task gives the mean over its labels, each with its two classes.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle an absent class. See :func:`precision`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        See :func:`accuracy`; also if a class is absent and `undefined` is ``"raise"``.

    Notes
    -----
    Brodersen et al. 2010, *The balanced accuracy and its posterior distribution* (doi:10.1109/ICPR.2010.764).

    Examples
    --------
    >>> from medmnist_np.metrics import balanced_accuracy
    >>> balanced_accuracy([0, 1, 1, 1], [0.1, 0.6, 0.7, 0.8], "binary-class")
    1.0
    """
    return BALANCED_ACCURACY.value(decided(y_true, y_score, task, threshold), undefined)


def mcc(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Return the Matthews correlation coefficient of labels and decisions.

    Parameters
    ----------
    y_true, y_score, task, threshold
        See :func:`accuracy`. A multi-label task gives the mean over its labels.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle labels or decisions of a single class. scikit-learn returns 0, like ``"zero"``.

    Returns
    -------
    float
        From -1 to 1; 0 for decisions that are unrelated to the labels.

    Raises
    ------
    ValueError
        See :func:`accuracy`; also if it is not defined and `undefined` is ``"raise"``.

    Notes
    -----
    Matthews 1975 (doi:10.1016/0005-2795(75)90109-9); for more than two classes, R_K of Gorodkin 2004
    (doi:10.1016/j.compbiolchem.2004.09.006), equation 8.

    Examples
    --------
    >>> from medmnist_np.metrics import mcc
    >>> mcc([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8], "binary-class")
    0.5773502691896258
    """
    return MCC.value(decided(y_true, y_score, task, threshold), undefined)


def cohen_kappa(
    y_true: ArrayLike,
    y_score: ArrayLike,
    task: str,
    threshold: float = 0.5,
    *,
    weights: Weights = "none",
    undefined: Undefined = "raise",
) -> float:
    """Return Cohen's kappa: the agreement of labels and decisions beyond chance.

    Parameters
    ----------
    y_true, y_score, task, threshold
        See :func:`accuracy`. A multi-label task gives the mean over its labels.
    weights : {"none", "linear", "quadratic"}
        Cost of a decision that is ``d`` classes off: 1, ``d`` or ``d ** 2``. For grades, such as those of RetinaMNIST,
        ``"quadratic"`` is common.
    undefined : {"raise", "skip", "nan", "zero"}
        How to handle labels and decisions of a single class. See :func:`precision`.

    Returns
    -------
    float
        At most 1; 0 for agreement by chance.

    Raises
    ------
    ValueError
        See :func:`accuracy`; also if the weights are unknown, or it is not defined and `undefined` is ``"raise"``.

    Notes
    -----
    Cohen 1960 (doi:10.1177/001316446002000104); with weights Cohen 1968 (doi:10.1037/h0026256).

    Examples
    --------
    >>> from medmnist_np.metrics import cohen_kappa
    >>> scores = [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.1, 0.1, 0.8]]
    >>> cohen_kappa([0, 1, 2, 2], scores, "ordinal-regression", weights="quadratic")
    0.8571428571428572
    """
    check_choice("weights", weights, KAPPAS)
    return KAPPAS[weights].value(decided(y_true, y_score, task, threshold), undefined)
