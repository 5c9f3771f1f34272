"""Overlap of two masks: Dice coefficient and intersection over union."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np.metrics.masks import (
    BothEmpty,
    Labels,
    Values,
    check_empty,
    on_one_grid,
    pair_of,
    structures,
    without_background,
)

_BLOCK = 2**16  # voxels per block, so that intermediate arrays stay in the processor's cache
_WORTH_CROPPING = 2**20  # voxels to count, above which cropping first is faster


class Overlap(NamedTuple):
    """Number of voxels of a structure in both masks, and in at least one of them."""

    both: int
    either: int

    def dice(self, both_empty: BothEmpty) -> float:
        """Return the Dice coefficient: twice the overlap, divided by the sum of both sizes."""
        return _share(2 * self.both, self.either + self.both, both_empty)

    def iou(self, both_empty: BothEmpty) -> float:
        """Return the intersection over union."""
        return _share(self.both, self.either, both_empty)


def dice(
    reference: object, prediction: object, *, labels: Labels | None = None, both_empty: BothEmpty = "nan"
) -> Values:
    """Return the Dice coefficient of each label: twice the overlap, divided by the sum of both sizes.

    Parameters
    ----------
    reference, prediction : (h, w) or (x, y, z) array_like of integers or bool
        Masks of one case on the same grid. Whole numbers of a float dtype are accepted, scores are not.
    labels : sequence or mapping, optional
        Labels to use: ``[1, 2]``, or by name ``{"anterior": 1, "posterior": 2}``. Several values make one structure,
        ``{"whole tumour": (1, 2, 4)}``. By default everything that is not 0 is one structure.
    both_empty : {"nan", "perfect"}
        Result if neither mask contains the label: NaN or 1. If only one mask contains it, the result is 0.

    Returns
    -------
    (k,) float
        From 0 to 1, one for each label, in their order.

    Raises
    ------
    ValueError
        If a mask does not contain whole numbers only, or the shapes differ.

    Notes
    -----
    Dice 1945 (doi:10.2307/1932409). It equals the F1 score of the voxels.

    Examples
    --------
    >>> from medmnist_np.metrics import dice
    >>> dice([[0, 1, 1], [2, 2, 0]], [[0, 1, 0], [2, 2, 0]], labels=[1, 2, 3]).round(3).tolist()
    [0.667, 1.0, nan]
    """
    check_empty(both_empty)
    return np.array([found.dice(both_empty) for found in _overlaps(reference, prediction, labels)])


def iou(
    reference: object, prediction: object, *, labels: Labels | None = None, both_empty: BothEmpty = "nan"
) -> Values:
    """Return the intersection over union of each label, the Jaccard index.

    Parameters
    ----------
    reference, prediction, labels, both_empty
        See :func:`dice`.

    Returns
    -------
    (k,) float
        From 0 to 1. It is ``d / (2 - d)`` for a Dice coefficient ``d``, so both rank predictions of a case equally.

    Raises
    ------
    ValueError
        See :func:`dice`.

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
    return np.array([found.iou(both_empty) for found in _overlaps(reference, prediction, labels)])


def overlap_of(reference: NDArray[Any], prediction: NDArray[Any], values: Sequence[int]) -> Overlap:
    """Count the voxels of one structure in two masks of the same shape."""
    n_rows = max(1, _BLOCK // max(1, math.prod(reference.shape[1:])))
    both = either = 0
    for start in range(0, len(reference), n_rows):
        rows = slice(start, start + n_rows)
        here, there = pair_of(reference[rows], prediction[rows], values)
        both += int(np.count_nonzero(here & there))
        either += int(np.count_nonzero(here | there))
    return Overlap(both, either)


def _overlaps(reference: object, prediction: object, labels: Labels | None) -> Iterator[Overlap]:
    wanted = structures(labels)
    masks = on_one_grid(reference, prediction)
    if masks[0].flags.fnc:
        masks = masks[0].T, masks[1].T
    if masks[0].size * len(wanted) > _WORTH_CROPPING:
        masks = without_background(masks, wanted)
    for values in wanted.values():
        yield overlap_of(*masks, values)


def _share(part: int, whole: int, both_empty: BothEmpty) -> float:
    if whole:
        return part / whole
    return 1.0 if both_empty == "perfect" else math.nan
