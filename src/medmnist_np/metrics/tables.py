"""Tables of labels against decisions, and what follows from them, of any number of resamples."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np.metrics.predictions import MULTI_LABEL, Counts, Predictions, ratio

Table = NDArray[np.int64]
Values = NDArray[np.float64]
Weights = Literal["none", "linear", "quadratic"]

NEVER_DECIDED = "no sample was decided for as positive"
ALL_ALIKE = "all labels or all decisions are the same"


def resampled_tables(predictions: Predictions, counts: Counts) -> Table:
    """Return labels against decisions, ``(b, tables, k, k)``: one table, or one of two classes for each label."""
    cells = predictions.once(_cells)
    n_tables, k = cells.shape
    tables = np.zeros((len(counts), n_tables * k * k), dtype=np.int64)
    tables[:, cells.filled] = np.add.reduceat(counts.take(cells.samples, axis=1), cells.first, axis=1)
    return tables.reshape(len(counts), n_tables, k, k)


class _Cells(NamedTuple):
    """The samples cell by cell; for each cell that is filled, where its first one stands; and (tables, k)."""

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
    """Return the recall likewise."""
    found, _, positive, _ = _against_the_rest(predictions, counts)
    return ratio(found, positive)


def resampled_specificities(predictions: Predictions, counts: Counts) -> Values:
    """Return the specificity likewise."""
    found, decided, positive, total = _against_the_rest(predictions, counts)
    return ratio(total - positive - (decided - found), total - positive)


def resampled_f1(predictions: Predictions, counts: Counts) -> Values:
    """Return the F1 likewise."""
    found, decided, positive, _ = _against_the_rest(predictions, counts)
    return ratio(2 * found, decided + positive)


def resampled_balanced_accuracies(predictions: Predictions, counts: Counts) -> Values:
    """Return the recalls whose mean is the balanced accuracy, ``(b, classes)``, or its values, ``(b, labels)``."""
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
    """Return found, decided for, positive and all samples of each class or label, ``(b, columns)`` each."""
    tables = resampled_tables(predictions, counts)
    found = np.diagonal(tables, axis1=2, axis2=3)
    decided, positive = tables.sum(axis=2), tables.sum(axis=3)
    total = np.broadcast_to(tables.sum(axis=(2, 3))[..., None], found.shape)
    if predictions.task in ("binary-class", MULTI_LABEL):
        return found[..., 1], decided[..., 1], positive[..., 1], total[..., 1]
    return found[:, 0], decided[:, 0], positive[:, 0], total[:, 0]
