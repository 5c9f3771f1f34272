"""Metrics of right and wrong decisions: accuracy, exact match and Hamming loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.metrics.metric import Metric
from medmnist_np.metrics.predictions import MULTI_LABEL, Counts, Predictions, decided, ratio


def accuracy(y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5) -> float:
    """Return the accuracy: the share of correct decisions, as defined by the MedMNIST benchmark.

    ===============================  ==================================================================
    task                             decision
    ===============================  ==================================================================
    ``"binary-class"``               1 where the last column is above the threshold
    ``"multi-label, binary-class"``  the same for each label; the value is the mean over the labels
    ``"multi-class"``                the class with the highest score; the first one if scores tie
    ``"ordinal-regression"``         the same
    ===============================  ==================================================================

    Parameters
    ----------
    y_true : (n,) or (n, l) array of integers
        Labels; ``l`` is 1, or the number of labels of a multi-label task.
    y_score : (n,) or (n, columns) array of real numbers
        Scores.
    task : str
        Task of the data set: ``info(name).task``.
    threshold : float
        A score above it decides for 1, one equal to it for 0. Ignored if the highest score decides.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If the arrays do not match each other or the task, or a score or the threshold is not finite.

    Notes
    -----
    Yang et al. 2023, *MedMNIST v2* (doi:10.1038/s41597-022-01721-8) and its evaluation code.

    Examples
    --------
    >>> from medmnist_np.metrics import accuracy
    >>> accuracy([0, 1, 2, 2], [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.4, 0.3, 0.3]], "multi-class")
    0.75
    """
    return ACCURACY.value(decided(y_true, y_score, task, threshold))


def exact_match(y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5) -> float:
    """Return the exact match: the share of samples whose labels are all predicted correctly.

    Parameters
    ----------
    y_true, y_score, task, threshold
        See :func:`accuracy`, which is the same if a sample has one label.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        See :func:`accuracy`.

    Notes
    -----
    The subset accuracy of Zhang and Zhou 2014, *A review on multi-label learning algorithms*, section 2.2.2
    (doi:10.1109/TKDE.2013.39).

    Examples
    --------
    >>> from medmnist_np.metrics import exact_match
    >>> exact_match([[0, 1], [1, 1]], [[0.1, 0.9], [0.2, 0.8]], "multi-label, binary-class")
    0.5
    """
    return EXACT_MATCH.value(decided(y_true, y_score, task, threshold))


def hamming_loss(y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5) -> float:
    """Return the Hamming loss: the share of wrong decisions over all samples and labels (1 minus the accuracy).

    Parameters
    ----------
    y_true, y_score, task, threshold
        See :func:`accuracy`.

    Returns
    -------
    float
        From 0 to 1; lower is better.

    Raises
    ------
    ValueError
        See :func:`accuracy`.

    Notes
    -----
    Zhang and Zhou 2014, *A review on multi-label learning algorithms*, section 2.2.2 (doi:10.1109/TKDE.2013.39).

    Examples
    --------
    >>> from medmnist_np.metrics import hamming_loss
    >>> hamming_loss([[0, 1], [1, 1]], [[0.1, 0.9], [0.2, 0.8]], "multi-label, binary-class")
    0.25
    """
    return HAMMING_LOSS.value(decided(y_true, y_score, task, threshold))


def right(predictions: Predictions) -> Counts:
    """Return how many decisions on each sample are right, ``(n,)``."""
    hits: NDArray[np.bool_] = predictions.decisions == predictions.labels
    n_right: Counts = hits.reshape(len(hits), -1).sum(axis=1)
    return n_right


def all_right(predictions: Predictions) -> Counts:
    """Return whether all decisions on each sample are right, ``(n,)``, as 0 or 1."""
    return np.equal(right(predictions), n_decisions(predictions)).astype(np.intp)


def n_decisions(predictions: Predictions) -> int:
    """Return how many decisions there are on each sample: one, or one for each label."""
    return predictions.labels.shape[1] if predictions.task == MULTI_LABEL else 1


def resampled_accuracies(predictions: Predictions, counts: Counts) -> NDArray[np.float64]:
    """Return the accuracy of each resample, ``(b, 1)``; ``counts`` is ``(b, n)``."""
    return means(predictions.once(right), counts, n_decisions(predictions))


def resampled_exact_matches(predictions: Predictions, counts: Counts) -> NDArray[np.float64]:
    """Return the exact match of each resample, ``(b, 1)``."""
    return means(predictions.once(all_right), counts)


def resampled_hamming_losses(predictions: Predictions, counts: Counts) -> NDArray[np.float64]:
    """Return the Hamming loss of each resample, ``(b, 1)``."""
    per_sample = n_decisions(predictions)
    return means(per_sample - predictions.once(right), counts, per_sample)


def means(values: NDArray[Any], counts: Counts, per_sample: int = 1) -> NDArray[np.float64]:
    """Return the mean of ``values`` ``(n,)``, each a sum over ``per_sample``, in each resample, ``(b, 1)``."""
    return ratio(np.einsum("bn,n->b", counts, values), counts.sum(axis=1) * per_sample)[:, None]


ACCURACY = Metric("accuracy", "accuracy", resampled_accuracies, methods=("bca", "wilson"))
EXACT_MATCH = Metric("exact_match", "exact match", resampled_exact_matches, methods=("bca",), tasks=(MULTI_LABEL,))
HAMMING_LOSS = Metric(
    "hamming_loss",
    "Hamming loss",
    resampled_hamming_losses,
    lower_is_better=True,
    methods=("bca",),
    tasks=(MULTI_LABEL,),
)
