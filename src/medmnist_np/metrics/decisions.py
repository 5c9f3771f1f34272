"""How often the decision that follows from the scores is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from medmnist_np.metrics.inputs import check_inputs


def accuracy(y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5) -> float:
    """Share of right decisions, as the MedMNIST benchmark defines it.

    ===============================  ==================================================================
    task                             decision
    ===============================  ==================================================================
    ``"binary-class"``               1 where the last column is above the threshold
    ``"multi-label, binary-class"``  the same for each label; the value is the mean over the labels
    ``"multi-class"``                the class with the highest score, the first of them where they tie
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
        A score equal to it decides for 0. It has no meaning where the highest score decides.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If the arrays do not fit each other or the task, a score or the threshold is not finite.

    Examples
    --------
    >>> from medmnist_np.metrics import accuracy
    >>> accuracy([0, 1, 2, 2], [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.4, 0.3, 0.3]], "multi-class")
    0.75
    """
    if not np.isfinite(threshold):
        raise ValueError(f"The threshold is {threshold}; a finite number is needed.")
    labels, scores = check_inputs(y_true, y_score, task)
    if task in ("binary-class", "multi-label, binary-class"):
        decisions = scores > threshold
    else:
        decisions = np.argmax(scores, axis=1)
    return float(np.mean(decisions == labels))
