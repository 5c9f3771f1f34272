"""Calibration: log loss, Brier score, expected calibration error and reliability curves."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.metrics.decisions import means
from medmnist_np.metrics.metric import Metric, Values
from medmnist_np.metrics.predictions import MULTI_LABEL, ROUNDING, Counts, Predictions, ratio

N_BINS = 15  # Guo et al. 2017

# Probabilities that went through float16 or a file with three decimals still add up to 1 within this.
_SUM_TOLERANCE = 0.01

# The same for every dtype: float32 scores and the file written from them must give the same log loss.
_EPS = 2.0**-52


def log_loss(y_true: ArrayLike, y_score: ArrayLike, task: str) -> float:
    """Return the log loss: the mean negative logarithm of the probability of the true class (cross-entropy, in nats).

    Parameters
    ----------
    y_true, y_score, task
        See :func:`auc`. Scores must be probabilities; those of classes must add up to 1 within 0.01.

    Returns
    -------
    float
        At least 0; lower is better. A multi-label task gives the mean over its labels.

    Raises
    ------
    ValueError
        If the arrays do not fit each other or the task, or the scores are not probabilities.

    Notes
    -----
    Good 1952, *Rational decisions* (doi:10.1111/j.2517-6161.1952.tb00104.x). A probability of 0 for the true class
    would make it infinite, so probabilities are first clipped to between ``eps`` and ``1 - eps``, where ``eps`` is
    2**-52 for every dtype. scikit-learn uses the ``eps`` of the dtype, which is the same for float64.

    Examples
    --------
    >>> from medmnist_np.metrics import log_loss
    >>> round(log_loss([0, 1], [0.2, 0.8], "binary-class"), 6)
    0.223144
    """
    return LOG_LOSS.value(Predictions(y_true, y_score, task))


def brier_score(y_true: ArrayLike, y_score: ArrayLike, task: str) -> float:
    """Return the Brier score: the mean squared distance between probabilities and true labels.

    Parameters
    ----------
    y_true, y_score, task
        See :func:`log_loss`.

    Returns
    -------
    float
        Lower is better. From 0 to 1 for a binary task and for a multi-label task (mean over labels); from 0 to 2 for
        classes (sum over classes).

    Raises
    ------
    ValueError
        See :func:`log_loss`.

    Notes
    -----
    Brier 1950, *Verification of forecasts expressed in terms of probability*, equation 2
    (doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2). For two classes, half of his value, as is common.

    Examples
    --------
    >>> from medmnist_np.metrics import brier_score
    >>> brier_score([0, 1], [0.25, 0.5], "binary-class")
    0.15625
    """
    return BRIER_SCORE.value(Predictions(y_true, y_score, task))


def expected_calibration_error(y_true: ArrayLike, y_score: ArrayLike, task: str) -> float:
    """Return the expected calibration error: mean distance between confidence and accuracy in 15 equally wide bins.

    Parameters
    ----------
    y_true, y_score, task
        See :func:`log_loss`.

    Returns
    -------
    float
        From 0 to 1; lower is better. A multi-label task gives the mean over its labels. Chance in the bins adds to
        it, especially with few samples, so it is rarely 0.

    Raises
    ------
    ValueError
        See :func:`log_loss`.

    Notes
    -----
    For classes, confidence is the highest probability, and accuracy is how often that class is right: Guo et al. 2017,
    *On calibration of modern neural networks*, equation 3 (arXiv:1706.04599). For a binary task or a label, confidence
    is the probability of 1, and accuracy is how often the label is 1: Naeini et al. 2015
    (doi:10.1609/aaai.v29i1.9602). The two are not comparable.

    Examples
    --------
    >>> from medmnist_np.metrics import expected_calibration_error
    >>> expected_calibration_error([0, 1, 1, 1], [0.75, 0.75, 0.75, 0.75], "binary-class")
    0.0
    """
    return CALIBRATION_ERROR.value(Predictions(y_true, y_score, task))


class ReliabilityCurve(NamedTuple):
    """The values of a reliability diagram, ``(bins,)`` each. Empty bins are NaN."""

    confidence: NDArray[np.float64]
    share_right: NDArray[np.float64]
    n_samples: NDArray[np.intp]


def reliability_curves(
    y_true: ArrayLike, y_score: ArrayLike, task: str, *, n_bins: int = N_BINS
) -> tuple[ReliabilityCurve, ...]:
    """Return the mean confidence and the share of correct decisions in equally wide bins of confidence.

    Parameters
    ----------
    y_true, y_score, task
        See :func:`log_loss`.
    n_bins : int
        Number of bins between 0 and 1. A value on a border belongs to the lower bin.

    Returns
    -------
    tuple of ReliabilityCurve
        One, or one for each label of a multi-label task. See :func:`expected_calibration_error` for the meaning of
        confidence.

    Raises
    ------
    ValueError
        See :func:`log_loss`; also if there is less than one bin.

    Notes
    -----
    DeGroot and Fienberg 1983, *The comparison and evaluation of forecasters* (doi:10.2307/2987588); Guo et al. 2017
    (arXiv:1706.04599), section 2.

    Examples
    --------
    >>> from medmnist_np.metrics import reliability_curves
    >>> (curve,) = reliability_curves([0, 1, 1, 1], [0.1, 0.3, 0.9, 0.7], "binary-class", n_bins=2)
    >>> curve.share_right.tolist(), curve.n_samples.tolist()
    ([0.5, 1.0], [2, 2])
    """
    if n_bins < 1:
        raise ValueError(f"n_bins is {n_bins}. It must be at least 1.")
    curves = []
    predictions = Predictions(y_true, y_score, task)
    for confidence, hits in zip(*_confidence(predictions), strict=True):
        bins = _bins(confidence, n_bins, predictions.scores.dtype)
        count = np.bincount(bins, minlength=n_bins)
        means_, shares = (ratio(np.bincount(bins, values, n_bins), count) for values in (confidence, hits))
        curves.append(ReliabilityCurve(means_, shares, count))
    return tuple(curves)


def log_losses(predictions: Predictions) -> Values:
    """Return the loss of each sample, ``(n,)``."""
    probabilities = _probabilities(predictions)
    probabilities = np.clip(probabilities, _EPS, 1 - _EPS)
    if _is_one_of_many(predictions):
        return -np.log(np.take_along_axis(probabilities, predictions.labels[:, None].astype(np.intp), axis=1)[:, 0])
    losses: Values = -np.log(np.where(predictions.positive.T, probabilities, 1 - probabilities))
    mean: Values = losses.mean(axis=1)
    return mean


def squared_distances(predictions: Predictions) -> Values:
    """Return the Brier score of each sample, ``(n,)``."""
    squares: Values = (_probabilities(predictions) - predictions.positive.T) ** 2
    score: Values = squares.sum(axis=1) if _is_one_of_many(predictions) else squares.mean(axis=1)
    return score


def resampled_log_losses(predictions: Predictions, counts: Counts) -> Values:
    """Return the log loss of each resample, ``(b, 1)``; ``counts`` is ``(b, n)``."""
    return means(predictions.once(log_losses), counts)


def resampled_brier_scores(predictions: Predictions, counts: Counts) -> Values:
    """Return the Brier score of each resample, ``(b, 1)``."""
    return means(predictions.once(squared_distances), counts)


def resampled_calibration_errors(predictions: Predictions, counts: Counts) -> Values:
    """Return the expected calibration error of each resample, ``(b, 1)``, or of each label, ``(b, labels)``."""
    errors = []
    for bins, gaps in predictions.once(_gaps):
        sums = np.stack([np.bincount(bins, row * gaps, N_BINS) for row in counts])
        errors.append(np.abs(sums).sum(axis=1) / counts.sum(axis=1))
    return np.stack(errors, axis=1)


LOG_LOSS = Metric("log_loss", "log loss", resampled_log_losses, lower_is_better=True)
BRIER_SCORE = Metric("brier_score", "Brier score", resampled_brier_scores, lower_is_better=True)
CALIBRATION_ERROR = Metric(
    "expected_calibration_error",
    "expected calibration error",
    resampled_calibration_errors,
    lower_is_better=True,
    biased=(
        "chance in the bins makes this error larger in every resample, so a bootstrap interval may not even contain "
        "the estimate"
    ),
)


def _gaps(predictions: Predictions) -> list[tuple[NDArray[np.intp], Values]]:
    """Return for each curve the bin of each sample, and its confidence minus whether it is right."""
    pairs = zip(*_confidence(predictions), strict=True)
    return [(_bins(confidence, N_BINS, predictions.scores.dtype), confidence - hits) for confidence, hits in pairs]


def _is_one_of_many(predictions: Predictions) -> bool:
    return predictions.task not in ("binary-class", MULTI_LABEL)


def _probabilities(predictions: Predictions) -> Values:
    """Return the scores ``(n, columns)`` if they are probabilities."""
    scores = predictions.scores.astype(np.float64)
    low, high = scores.min(), scores.max()
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ValueError(
            f"y_score has values from {low:.6g} to {high:.6g}. It must hold probabilities from 0 to 1. "
            "Apply a softmax (classes) or a sigmoid (binary and multi-label) to logits first."
        )
    if _is_one_of_many(predictions):
        off = np.abs(scores.sum(axis=1) - 1)
        if off.max() > _SUM_TOLERANCE:
            row = int(off.argmax())
            raise ValueError(
                f"The probabilities of a sample must add up to 1 within {_SUM_TOLERANCE}; "
                f"those in row {row} of y_score add up to {scores[row].sum():.6g}. Apply a softmax first."
            )
    return np.clip(scores, 0, 1)


def _confidence(predictions: Predictions) -> tuple[Values, NDArray[np.bool_]]:
    """Return confidence and whether it is right, one row for each curve: ``(curves, n)`` each."""
    probabilities = _probabilities(predictions)
    if _is_one_of_many(predictions):
        return probabilities.max(axis=1)[None], (predictions.decisions == predictions.labels)[None]
    return probabilities.T, predictions.positive


def _bins(confidence: Values, n_bins: int, dtype: np.dtype[Any]) -> NDArray[np.intp]:
    """Return the bin of each value. Bins contain their upper border; the first also contains 0.

    ``dtype`` is that of the scores: a float32 0.2 is on the border 3/15 too, although it is above the float64 0.2.
    """
    # Not `confidence * n_bins`: of 50 bins, 0.14 is a border, and 0.14 * 50 is above 7.
    borders = np.arange(1, n_bins) / n_bins
    if dtype.kind == "f":
        borders = borders.astype(dtype).astype(np.float64)
    return np.searchsorted(borders, confidence, side="left")
