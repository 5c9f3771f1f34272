"""What the table of labels against decisions says: precision, recall, F1, MCC, kappa and their kin."""

from __future__ import annotations

from numpy.typing import ArrayLike

from medmnist_np.metrics.averaging import Undefined, average
from medmnist_np.metrics.predictions import MULTI_LABEL, Predictions, decided, each_once
from medmnist_np.metrics.tables import (
    ALL_ALIKE,
    NEVER_DECIDED,
    Table,
    Weights,
    resampled_balanced_accuracies,
    resampled_f1,
    resampled_kappa,
    resampled_mcc,
    resampled_precisions,
    resampled_recalls,
    resampled_specificities,
    resampled_tables,
)


def confusion_matrix(y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5) -> Table:
    """Count the samples by label and decision.

    Parameters
    ----------
    y_true, y_score, task, threshold
        As for :func:`accuracy`.

    Returns
    -------
    (k, k) int64, or (l, 2, 2) int64 for a multi-label task
        Row: the label. Column: the decision. A binary task has two classes.

    Raises
    ------
    ValueError
        As for :func:`accuracy`.

    Notes
    -----
    Rows and columns as in Stehman 1997, *Selecting and interpreting measures of thematic classification accuracy*
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
    """Share of the positive decisions that are right (positive predictive value).

    Parameters
    ----------
    y_true, y_score, task, threshold
        As for :func:`accuracy`. A binary task gives the value of class 1, the others the mean over classes or labels.
    undefined : {"raise", "skip", "nan", "zero"}
        What to do about a class that no sample was given: refuse and name it, take the mean of the others, let the
        result be NaN, or count it as 0, as scikit-learn does.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As for :func:`accuracy`; and if a class was never decided for and `undefined` is ``"raise"``.

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
    predictions = decided(y_true, y_score, task, threshold)
    values = resampled_precisions(predictions, each_once(predictions))[0]
    return average(values, predictions, "precision", undefined, NEVER_DECIDED)


def recall(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Share of the positive samples that are found (sensitivity).

    Parameters
    ----------
    y_true, y_score, task, threshold
        As for :func:`precision`.
    undefined : {"raise", "skip", "nan", "zero"}
        What to do about an absent class, as for :func:`precision`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As for :func:`accuracy`; and if a class is absent and `undefined` is ``"raise"``.

    Notes
    -----
    ``TP / (TP + FN)``, macro-averaged; Sokolova and Lapalme 2009 (doi:10.1016/j.ipm.2009.03.002).

    Examples
    --------
    >>> from medmnist_np.metrics import recall
    >>> recall([0, 1, 1, 1], [0.1, 0.6, 0.4, 0.3], "binary-class")
    0.3333333333333333
    """
    predictions = decided(y_true, y_score, task, threshold)
    return average(resampled_recalls(predictions, each_once(predictions))[0], predictions, "recall", undefined)


def specificity(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Share of the negative samples that are decided for as negative.

    Parameters
    ----------
    y_true, y_score, task, threshold
        As for :func:`precision`.
    undefined : {"raise", "skip", "nan", "zero"}
        What to do where all samples are of one class, as for :func:`precision`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As for :func:`accuracy`; and if a class has no negative sample and `undefined` is ``"raise"``.

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
    predictions = decided(y_true, y_score, task, threshold)
    values = resampled_specificities(predictions, each_once(predictions))[0]
    return average(values, predictions, "specificity", undefined)


def f1(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Harmonic mean of precision and recall.

    Parameters
    ----------
    y_true, y_score, task, threshold
        As for :func:`precision`.
    undefined : {"raise", "skip", "nan", "zero"}
        What to do about a class that is absent and was never decided for, as for :func:`precision`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As for :func:`accuracy`; and if it is not defined for a class and `undefined` is ``"raise"``.

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
    predictions = decided(y_true, y_score, task, threshold)
    return average(resampled_f1(predictions, each_once(predictions))[0], predictions, "F1", undefined)


def balanced_accuracy(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Mean of the recalls of all classes.

    Parameters
    ----------
    y_true, y_score, task, threshold
        As for :func:`accuracy`. A multi-label task gives the mean over its labels, each with its two classes.
    undefined : {"raise", "skip", "nan", "zero"}
        What to do about an absent class, as for :func:`precision`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As for :func:`accuracy`; and if a class is absent and `undefined` is ``"raise"``.

    Notes
    -----
    Brodersen et al. 2010, *The balanced accuracy and its posterior distribution* (doi:10.1109/ICPR.2010.764).

    Examples
    --------
    >>> from medmnist_np.metrics import balanced_accuracy
    >>> balanced_accuracy([0, 1, 1, 1], [0.1, 0.6, 0.7, 0.8], "binary-class")
    1.0
    """
    predictions = decided(y_true, y_score, task, threshold)
    values = resampled_balanced_accuracies(predictions, each_once(predictions))[0]
    return average(values, predictions, "balanced accuracy", undefined)


def mcc(
    y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5, *, undefined: Undefined = "raise"
) -> float:
    """Matthews correlation coefficient of labels and decisions.

    Parameters
    ----------
    y_true, y_score, task, threshold
        As for :func:`accuracy`. A multi-label task gives the mean over its labels.
    undefined : {"raise", "skip", "nan", "zero"}
        What to do where all labels or all decisions are the same; ``"zero"`` is what scikit-learn does.

    Returns
    -------
    float
        From -1 to 1; 0 for decisions that say nothing.

    Raises
    ------
    ValueError
        As for :func:`accuracy`; and if it is not defined and `undefined` is ``"raise"``.

    Notes
    -----
    Matthews 1975 (doi:10.1016/0005-2795(75)90109-9); for more than two classes the R_K of Gorodkin 2004
    (doi:10.1016/j.compbiolchem.2004.09.006), equation 8.

    Examples
    --------
    >>> from medmnist_np.metrics import mcc
    >>> mcc([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8], "binary-class")
    0.5773502691896258
    """
    predictions = decided(y_true, y_score, task, threshold)
    values = resampled_mcc(predictions, each_once(predictions))[0]
    return average(values, predictions, "MCC", undefined, ALL_ALIKE)


def cohen_kappa(
    y_true: ArrayLike,
    y_score: ArrayLike,
    task: str,
    threshold: float = 0.5,
    *,
    weights: Weights = "none",
    undefined: Undefined = "raise",
) -> float:
    """Agreement of labels and decisions beyond chance.

    Parameters
    ----------
    y_true, y_score, task, threshold
        As for :func:`accuracy`. A multi-label task gives the mean over its labels.
    weights : {"none", "linear", "quadratic"}
        How bad a decision that is ``d`` classes off is: all equally, ``d``, or ``d ** 2``. Graded classes, as those of
        RetinaMNIST, are usually reported with ``"quadratic"``.
    undefined : {"raise", "skip", "nan", "zero"}
        What to do where all labels and all decisions are the same one class.

    Returns
    -------
    float
        At most 1; 0 for agreement by chance.

    Raises
    ------
    ValueError
        As for :func:`accuracy`; if there are no such weights; and if it is not defined and `undefined` is ``"raise"``.

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
    if weights not in ("none", "linear", "quadratic"):
        raise ValueError(f"weights is {weights!r}; 'none', 'linear' or 'quadratic' is needed.")
    predictions = decided(y_true, y_score, task, threshold)
    values = resampled_kappa(predictions, each_once(predictions), weights)[0]
    return average(values, predictions, "kappa", undefined, ALL_ALIKE)
