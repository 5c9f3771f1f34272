"""How much of two masks is the same: Dice and intersection over union."""

from __future__ import annotations

import math

import numpy as np

from medmnist_np.metrics.masks import BothEmpty, Labels, MaskPair, Values, check_empty, pairs_of


def dice(
    reference: object, prediction: object, *, labels: Labels | None = None, both_empty: BothEmpty = "nan"
) -> Values:
    """Return the Dice coefficient of each label: twice the overlap, over the sum of both.

    Parameters
    ----------
    reference, prediction : (h, w) or (x, y, z) array_like of integers or bool
        Masks of one case on one grid. Whole numbers in a float dtype will do; scores are refused.
    labels : sequence or mapping, optional
        What is measured: ``[1, 2]``, or by name ``{"anterior": 1, "posterior": 2}``. Several values make one structure,
        ``{"whole tumour": (1, 2, 4)}``. By default everything that is not 0 is one structure.
    both_empty : {"nan", "perfect"}
        What it is where neither mask holds the label: not defined, or 1. Where only one does, it is 0.

    Returns
    -------
    (k,) float
        From 0 to 1, one for each label, in their order.

    Raises
    ------
    ValueError
        If a mask holds something else than whole numbers, or the shapes differ.

    Notes
    -----
    Dice 1945 (doi:10.2307/1932409). It is the F1 of the voxels.

    Examples
    --------
    >>> from medmnist_np.metrics import dice
    >>> dice([[0, 1, 1], [2, 2, 0]], [[0, 1, 0], [2, 2, 0]], labels=[1, 2, 3]).round(3).tolist()
    [0.667, 1.0, nan]
    """
    check_empty(both_empty)
    return np.array([dice_of(pair, both_empty) for pair in pairs_of(reference, prediction, labels)])


def iou(
    reference: object, prediction: object, *, labels: Labels | None = None, both_empty: BothEmpty = "nan"
) -> Values:
    """Return the intersection over union of each label, the Jaccard index.

    Parameters
    ----------
    reference, prediction, labels, both_empty
        As for :func:`dice`.

    Returns
    -------
    (k,) float
        From 0 to 1. With Dice ``d`` it is ``d / (2 - d)``: both rank any two predictions of a case alike.

    Raises
    ------
    ValueError
        As for :func:`dice`.

    Notes
    -----
    Jaccard 1912 (doi:10.1111/j.1469-8137.1912.tb05611.x).

    Examples
    --------
    >>> from medmnist_np.metrics import iou
    >>> iou([[0, 1, 1], [2, 2, 0]], [[0, 1, 0], [2, 2, 0]], labels=[1, 2]).tolist()
    [0.5, 1.0]
    """
    check_empty(both_empty)
    return np.array([iou_of(pair, both_empty) for pair in pairs_of(reference, prediction, labels)])


def dice_of(pair: MaskPair, both_empty: BothEmpty) -> float:
    """Return the Dice coefficient of one structure."""
    total = np.count_nonzero(pair.reference) + np.count_nonzero(pair.prediction)
    if total == 0:
        return 1.0 if both_empty == "perfect" else math.nan
    return 2 * np.count_nonzero(pair.reference & pair.prediction) / total


def iou_of(pair: MaskPair, both_empty: BothEmpty) -> float:
    """Return the intersection over union of one structure."""
    union = np.count_nonzero(pair.reference | pair.prediction)
    if union == 0:
        return 1.0 if both_empty == "perfect" else math.nan
    return np.count_nonzero(pair.reference & pair.prediction) / union
