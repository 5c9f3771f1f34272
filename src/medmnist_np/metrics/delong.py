"""DeLong's variance of AUCs, and their covariance on the same samples.

The test of two models, ``paired_delong``, is in ``paired_tests``; the confidence interval is in ``intervals``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np.metrics.metric import column_name
from medmnist_np.metrics.predictions import Predictions, RankedColumn, twice_the_wins


class Areas(NamedTuple):
    """AUCs and what each sample adds to them.

    Attributes
    ----------
    values : (columns,) float
        The AUC of each class or label.
    influence : (n, columns) float
        Scaled so that ``influence.T @ influence`` is the covariance of the AUCs, also of those of two models.
    """

    values: NDArray[np.float64]
    influence: NDArray[np.float64]


def delong_areas(predictions: Predictions, columns: NDArray[np.intp] | None = None) -> Areas:
    """Return the AUC of each class against the rest, or each label, and their DeLong components.

    Parameters
    ----------
    predictions : Predictions
        Labels and scores.
    columns : (c,) intp, optional
        Which classes or labels; by default all.

    Returns
    -------
    Areas
        Values and influences, from which variances and covariances follow.

    Raises
    ------
    ValueError
        If a class has fewer than two positive or two negative samples.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson 1988 (doi:10.2307/2531595), equations 4 to 6, with the placements found by
    sorting: Sun and Xu 2014 (doi:10.1109/LSP.2014.2337313). Between columns with different positive samples, as
    classes have, the covariance is that of the same influence functions; for one column, or the same column of two
    models, it is exactly DeLong's.

    Examples
    --------
    >>> from medmnist_np.metrics import Predictions, delong_areas
    >>> areas = delong_areas(Predictions([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.6, 0.5, 0.7, 0.9], "binary-class"))
    >>> covariance = areas.influence.T @ areas.influence
    >>> areas.values.round(4).tolist(), covariance.round(4).tolist()
    ([0.8889], [[0.0247]])
    """
    chosen = range(len(predictions.columns)) if columns is None else columns.tolist()
    values = np.empty(len(chosen))
    influence = np.empty((predictions.n_samples, len(chosen)))
    for place, k in enumerate(chosen):
        column = predictions.ranked[k]
        if min(len(column.positives), len(column.negatives)) < 2:
            of = column_name(k, len(predictions.columns), predictions.task)
            raise ValueError(
                f"The variance of the AUC of {of} is not defined: there are {len(column.positives)} positive and "
                f"{len(column.negatives)} negative samples, and two of each are needed."
            )
        values[place] = _fill(column, influence[:, place])
    return Areas(values, influence)


def standard_error(influence: NDArray[np.float64]) -> float:
    """Return the standard error of what has this influence, ``(n,)``."""
    # Not `norm`, whose BLAS threads wait for one another on a busy machine.
    return float(np.sqrt(np.square(influence).sum()))


def _fill(column: RankedColumn, influence: NDArray[np.float64]) -> float:
    p, q = len(column.positives), len(column.negatives)
    won, lost = twice_the_wins(column)
    area = float(won.sum() / (2 * p * q))
    influence[column.positives] = (won / (2 * q) - area) / np.sqrt(p * (p - 1))
    influence[column.negatives] = (lost / (2 * p) - area) / np.sqrt(q * (q - 1))
    return area
