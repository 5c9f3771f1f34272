"""How well scores put the positive samples above the negative ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.metrics.inputs import Scores, check_inputs


def auc(y_true: ArrayLike, y_score: ArrayLike, task: str) -> float:
    """Area under the ROC curve, as the MedMNIST benchmark defines it.

    ===============================  ================================================
    task                             value
    ===============================  ================================================
    ``"binary-class"``               AUC of the last column
    ``"multi-label, binary-class"``  mean over the labels
    ``"multi-class"``                mean over the classes, each against all the rest
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

    Returns
    -------
    float
        From 0 to 1; 0.5 for scores that say nothing.

    Raises
    ------
    ValueError
        If the arrays do not fit each other or the task, a score is not finite, or a class has no positive or no
        negative sample, for then its AUC is not defined.

    Notes
    -----
    The AUC is the share of pairs of a positive and a negative sample in which the positive one scores higher,
    where a tie counts one half (the Mann-Whitney statistic with midranks; Hanley and McNeil 1982,
    doi:10.1148/radiology.143.1.7063747). It is counted in integers and divided once.

    Examples
    --------
    >>> from medmnist_np.metrics import auc
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8], "binary-class")
    0.875
    """
    labels, scores = check_inputs(y_true, y_score, task)
    if task == "binary-class":
        return _area(labels == 1, scores, "class 1")
    if task == "multi-label, binary-class":
        areas = [_area(labels[:, k] == 1, scores[:, k], f"label {k}") for k in range(scores.shape[1])]
    else:
        areas = [_area(labels == k, scores[:, k], f"class {k}") for k in range(scores.shape[1])]
    return float(np.mean(areas))


def _area(positive: NDArray[np.bool_], scores: Scores, of: str) -> float:
    """Return the AUC of one column of scores ``(n,)``; ``positive`` is ``(n,)`` bool."""
    above: NDArray[Any] = np.sort(scores[positive])
    below: NDArray[Any] = np.sort(scores[~positive])
    if not above.size or not below.size:
        sign = "negative" if above.size else "positive"
        raise ValueError(
            f"The AUC of {of} is not defined: none of the {len(scores)} samples is {sign}. "
            "Take samples in which each class occurs and is not the only one."
        )
    # Negatives below each positive, and those below or level with it: their mean counts a tie one half.
    won = int(np.searchsorted(below, above, side="left").sum())
    held = int(np.searchsorted(below, above, side="right").sum())
    return (won + held) / (2 * above.size * below.size)
