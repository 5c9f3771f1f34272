"""The two metrics under the names and signatures of the official package."""

from __future__ import annotations

from numpy.typing import ArrayLike

from medmnist_np.metrics.decisions import accuracy
from medmnist_np.metrics.ranking import auc


def getAUC(y_true: ArrayLike, y_score: ArrayLike, task: str) -> float:  # noqa: N802 - the official name
    """Return the area under the ROC curve; see :func:`auc`.

    Parameters
    ----------
    y_true, y_score, task
        As for :func:`auc`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As for :func:`auc`. In these cases the official function returns NaN, raises another error or continues.

    Notes
    -----
    Yang et al. 2023, *MedMNIST v2* (doi:10.1038/s41597-022-01721-8) and its evaluation code.

    Examples
    --------
    >>> from medmnist_np.metrics import getAUC
    >>> getAUC([[0], [0], [1], [1]], [[0.1], [0.4], [0.4], [0.8]], "binary-class")
    0.875
    """
    return auc(y_true, y_score, task)


def getACC(y_true: ArrayLike, y_score: ArrayLike, task: str, threshold: float = 0.5) -> float:  # noqa: N802 - the official name
    """Return the share of correct decisions; see :func:`accuracy`.

    Parameters
    ----------
    y_true, y_score, task, threshold
        As for :func:`accuracy`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As for :func:`accuracy`.

    Notes
    -----
    Yang et al. 2023, *MedMNIST v2* (doi:10.1038/s41597-022-01721-8) and its evaluation code.

    Examples
    --------
    >>> from medmnist_np.metrics import getACC
    >>> getACC([[0], [1]], [[0.2], [0.4]], "binary-class", threshold=0.3)
    1.0
    """
    return accuracy(y_true, y_score, task, threshold)
