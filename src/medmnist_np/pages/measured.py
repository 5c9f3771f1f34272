"""What the page of an evaluation is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medmnist_np.metrics import Interval, Predictions
from medmnist_np.pages.naming import class_titles, things_of
from medmnist_np.registry import DatasetInfo

# With fewer samples of a class, or beside it, an interval of its AUC is too narrow: see the page on statistics.
FEW = 30


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An evaluation as plain data.

    Attributes
    ----------
    record : DatasetInfo
        The data set.
    split : str
        Its split.
    size : int
        Size of the images that the scores are said to be from, in pixels or voxels.
    title : str
        What stands above the page.
    predictions : Predictions
        Labels and scores.
    intervals : Mapping of str to Interval
        By the name of the metric in :data:`~medmnist_np.metrics.METRICS`; it has ``auc`` and ``accuracy``.
    undefined : Mapping of str to str
        Metrics without a value, and why.
    class_aucs : sequence of Interval
        The AUC of each class against the rest, or of each label; one for a binary set.
    origin : Mapping of str to str
        Where all this comes from, by name: file, digests, seeds, versions.
    remarks : sequence of str
        What a reader must not overlook.
    images : array of uint8, optional
        Images or volumes of the split, in its order, of any size.
    n_mistakes : int
        How many of the worst mistakes to show.
    """

    record: DatasetInfo
    split: str
    size: int
    title: str
    predictions: Predictions
    intervals: Mapping[str, Interval]
    undefined: Mapping[str, str]
    class_aucs: Sequence[Interval]
    origin: Mapping[str, str]
    remarks: Sequence[str] = ()
    images: NDArray[np.uint8] | None = None
    n_mistakes: int = 12

    @property
    def things(self) -> str:
        """What a sample is, in the plural."""
        return things_of(self.record)

    @property
    def names(self) -> tuple[str, ...]:
        """Classes with their number, or labels."""
        return class_titles(self.record)

    @property
    def column_names(self) -> tuple[str, ...]:
        """What each column of the scores is of."""
        return self.names[1:] if self.predictions.task == "binary-class" else self.names

    @property
    def threshold(self) -> float | None:
        """The score above which the decision is 1; None where the highest score decides."""
        thresholded = self.predictions.task in ("binary-class", "multi-label, binary-class")
        return self.predictions.threshold if thresholded else None

    @property
    def few(self) -> NDArray[np.bool_]:
        """For each column whether it has too few positive or negative samples for an interval."""
        positive = self.predictions.positive.sum(axis=1)
        few: NDArray[np.bool_] = np.minimum(positive, self.predictions.n_samples - positive) < FEW
        return few
