"""The result of an evaluation: AUC, ACC, and on request confidence intervals, other metrics and the worst mistakes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np._html import card
from medmnist_np._progress import Progress, silent
from medmnist_np._version import __version__
from medmnist_np.metrics import METRICS, Interval, Predictions, Undefined, bootstrap_intervals, measure
from medmnist_np.metrics.predictions import MULTI_LABEL, frozen_copy
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.records import class_titles

#: With fewer positive or negative samples, a confidence interval of an AUC is too narrow: see docs on statistics.
FEW = 30

_THRESHOLDED = ("binary-class", MULTI_LABEL)

_NOTES_ON_SPLITS = {
    "train": "Measured on the training split, so the results do not apply to new images. Evaluate on test.",
    "val": (
        "Measured on the validation split. If you used it to choose the model or to stop training, the results are "
        "too good for new images. Report results on test."
    ),
}

# The effect of each choice on classes without an AUC.
_EFFECTS = {
    "skip": "The AUC is the mean of the other classes",
    "zero": "It counts as 0",
    "nan": "So the mean AUC is not defined either",
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True, repr=False)
class Evaluation(Sequence[float]):
    """The result of :class:`Evaluator`: AUC and ACC, and on request confidence intervals and other metrics.

    It unpacks as a pair, ``auc, acc = result``. Two results are equal if their AUC and ACC are equal.

    Attributes
    ----------
    AUC, ACC : float
        By the definitions of the benchmark: :func:`~medmnist_np.metrics.auc` and
        :func:`~medmnist_np.metrics.accuracy`. They are computed from the predictions and cannot be set.
    record : DatasetInfo
        The data set.
    split : str
        Its split.
    size : int
        Size of the images that the scores were computed from. It does not affect AUC and ACC.
    run : str
        Name of the run; empty if none was given.
    predictions : Predictions
        The checked labels and scores: the argument of the functions of :mod:`medmnist_np.metrics` for intervals,
        comparisons and other metrics.
    y_true : (n, l) integer array
        Labels as in the archive, a read-only copy.
    y_score : (n, columns) array
        Scores in the dtype in which they were given, a read-only copy.
    undefined : {"raise", "skip", "nan", "zero"}
        How classes without a defined AUC are treated; :attr:`undefined_classes` names them.
    """

    AUC: float = field(init=False)
    ACC: float = field(init=False)
    record: DatasetInfo = field(compare=False)
    split: str = field(compare=False)
    size: int = field(compare=False)
    run: str = field(compare=False)
    predictions: Predictions = field(compare=False)
    y_true: NDArray[np.integer[Any]] = field(compare=False)
    y_score: NDArray[Any] = field(compare=False)
    undefined: Undefined = field(compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "AUC", measure(self.predictions, "auc", undefined=self.undefined))
        object.__setattr__(self, "ACC", measure(self.predictions, "accuracy"))
        object.__setattr__(self, "y_true", frozen_copy(self.y_true))
        object.__setattr__(self, "y_score", frozen_copy(self.y_score))

    def __len__(self) -> int:
        return 2

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[float, ...]: ...
    def __getitem__(self, index: int | slice) -> float | tuple[float, ...]:
        return (self.AUC, self.ACC)[index]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, (Evaluation, tuple)) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.AUC, self.ACC))

    @property
    def figures(self) -> dict[str, float]:
        """AUC and ACC by name."""
        return {"AUC": self.AUC, "ACC": self.ACC}

    @property
    def task(self) -> str:
        """The task of the data set."""
        return self.predictions.task

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.predictions.n_samples

    @property
    def threshold(self) -> float | None:
        """The score above which the decision is 1; None where the highest score decides."""
        return self.predictions.threshold if self.task in _THRESHOLDED else None

    @property
    def undefined_classes(self) -> tuple[str, ...]:
        """Classes or labels whose AUC is not defined, because no sample or every sample belongs to them."""
        n_positive = self.predictions.positive.sum(axis=1).tolist()
        names = self.record.class_names[-len(n_positive) :]  # a binary set has one column, of its last class
        return tuple(name for name, n in zip(names, n_positive, strict=True) if n in (0, self.n_samples))

    @property
    def column_titles(self) -> tuple[str, ...]:
        """Titles of the columns of the scores: classes with their number, or labels; the last class of a binary set."""
        titles = class_titles(self.record)
        return titles[1:] if self.task == "binary-class" else titles

    @property
    def few_samples(self) -> tuple[bool, ...]:
        """For each column, whether it has too few positive or negative samples for a confidence interval of its AUC."""
        n_positive = self.predictions.positive.sum(axis=1).tolist()
        return tuple(min(n, self.n_samples - n) < FEW for n in n_positive)

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings about the split and the scores, for readers of the results; may be empty."""
        return (*split_notes(self.split), *self.predictions.notes)

    def undefined_in_words(self) -> str:
        """Return a sentence on the classes without an AUC and how they were treated; empty if all have one."""
        if not self.undefined_classes:
            return ""
        named = ", ".join(map(repr, self.undefined_classes))
        return f"The AUC of {named} is not defined on these samples. {_EFFECTS[self.undefined]}."

    def intervals(
        self,
        metrics: Iterable[str] = ("auc", "accuracy"),
        *,
        level: float = 0.95,
        n_resamples: int = 1000,
        seed: int = 0,
        stratified: bool = False,
        groups: ArrayLike | None = None,
    ) -> dict[str, Interval]:
        """Return percentile bootstrap intervals of metrics.

        Parameters
        ----------
        metrics : iterable of str
            Names in :data:`~medmnist_np.metrics.METRICS`.
        level, n_resamples, seed, stratified, groups
            See :func:`~medmnist_np.metrics.bootstrap_intervals`.

        Returns
        -------
        dict of str to Interval
            By the name of the metric. For other kinds of intervals, pass ``predictions`` to
            :func:`~medmnist_np.metrics.interval`. Intervals on the training split do not apply to new images, see
            :attr:`notes`.

        Raises
        ------
        ValueError
            If there is no such metric, or it is not defined for these scores.
        """
        return bootstrap_intervals(
            self.predictions,
            metrics,
            level=level,
            n_resamples=n_resamples,
            seed=seed,
            stratified=stratified,
            undefined=self.undefined,
            groups=groups,
        )

    def applicable_intervals(
        self, *, n_resamples: int = 1000, seed: int = 0, progress: Progress = silent
    ) -> tuple[dict[str, Interval], dict[str, str]]:
        """Return percentile bootstrap intervals of all metrics that are informative for the task.

        Parameters
        ----------
        n_resamples, seed : int
            Number of resamples and their random seed.
        progress : Progress
            Shows the progress, in bytes of scores.

        Returns
        -------
        intervals : dict of str to Interval
            By the name of the metric.
        undefined : dict of str to str
            The reason for each metric that is not defined for these scores.

        Raises
        ------
        ValueError
            If AUC or accuracy is not defined.
        """
        metrics = [metric.name for metric in METRICS.values() if self.task in metric.tasks]
        intervals: dict[str, Interval] = {}
        undefined: dict[str, str] = {}
        # One metric at a time, to show progress. The seed gives each of them the same resamples.
        with progress("intervals", total=len(metrics) * self.y_score.nbytes) as bar:
            for metric in metrics:
                try:
                    intervals |= self.intervals([metric], n_resamples=n_resamples, seed=seed)
                except ValueError as error:
                    if metric in ("auc", "accuracy"):
                        raise
                    undefined[metric] = f"{str(error).partition('. ')[0].rstrip('.')}."  # without advice to programmers
                bar.update(self.y_score.nbytes)
        return intervals, undefined

    def to_dict(self, *, intervals: bool = False) -> dict[str, Any]:
        """Return all values and notes, ready for JSON. A value that is not defined is None.

        Parameters
        ----------
        intervals : bool
            Whether to add all metrics that are defined for these scores, with confidence intervals.
        """
        described: dict[str, Any] = {
            "dataset": self.record.name,
            "split": self.split,
            "size": self.size,
            "run": self.run,
            "task": self.task,
            "n_samples": self.n_samples,
            **self.figures,
            "threshold": self.threshold,
            "undefined": self.undefined,
            "undefined_classes": list(self.undefined_classes),
            "notes": list(self.notes),
            "labels_sha256": sha256(self.y_true.tobytes()).hexdigest(),
            "medmnist_np": __version__,
        }
        if intervals:
            found = self.intervals(filter(self._is_defined, METRICS))
            described["intervals"] = {name: asdict(interval) for name, interval in found.items()}
        return {key: for_json(value) for key, value in described.items()}

    def _is_defined(self, metric: str) -> bool:
        try:
            return not math.isnan(measure(self.predictions, metric, undefined=self.undefined))
        except ValueError:
            return False

    def __repr__(self) -> str:
        run = f" @{self.run}" if self.run else ""
        return (
            f"Evaluation(AUC={self.AUC:.5f}, ACC={self.ACC:.5f}: "
            f"{self.n_samples} samples of {self.record.name} {self.split}{run})"
        )

    def _repr_html_(self) -> str:
        facts = {"Run": self.run, "AUC": f"{self.AUC:.5f}", "ACC": f"{self.ACC:.5f}"}
        notes = filter(None, (self.undefined_in_words(), *self.notes))
        return card(f"{self.record.name} {self.split}, {self.n_samples:,} samples", facts, notes)


def split_notes(split: str) -> tuple[str, ...]:
    """Return notes on the limits of results on a split; none for test."""
    return (_NOTES_ON_SPLITS[split],) if split in _NOTES_ON_SPLITS else ()


def for_json(value: Any) -> Any:
    """Return a value, which may hold others, with None in place of NaN."""
    if isinstance(value, dict):
        return {key: for_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [for_json(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


@dataclass(frozen=True, slots=True)
class Mistake:
    """A sample with a wrong decision.

    Attributes
    ----------
    index : int
        Index of the sample in the split.
    truth, decision : tuple of int
        The true and the decided class; of a multi-label set, all true and all decided labels.
    column : int
        The class or label with the wrong score.
    score : float
        That score.
    """

    index: int
    truth: tuple[int, ...]
    decision: tuple[int, ...]
    column: int
    score: float


def worst_mistakes(predictions: Predictions, n: int) -> list[Mistake]:
    """Return the samples with the most confident wrong decisions, the worst first.

    Mistakes are ordered by the distance of the score from the threshold; if the highest score decides, by the
    difference between it and the score of the true class. A sample with several labels counts by the worst of them.

    Parameters
    ----------
    predictions : Predictions
        Labels and scores.
    n : int
        Maximum number of mistakes.

    Returns
    -------
    list of Mistake
        Equally bad samples are in the order of the split.

    Examples
    --------
    >>> predictions = Predictions([0, 1, 0], [[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]], "multi-class")
    >>> [(mistake.index, mistake.score) for mistake in worst_mistakes(predictions, 5)]
    [(0, 0.8), (1, 0.6)]
    """
    scores = predictions.scores.astype(np.float64)
    wrong = (predictions.decisions != predictions.labels).reshape(len(scores), -1)
    if predictions.task in ("binary-class", MULTI_LABEL):
        far = np.where(wrong, np.abs(scores - predictions.threshold), -1.0)
        columns = far.argmax(axis=1)
        if predictions.task == "binary-class":
            columns = np.ones_like(columns)
        far = far.max(axis=1)
    else:
        columns = predictions.decisions
        far = np.where(wrong[:, 0], _taken(scores, columns) - _taken(scores, predictions.labels), -1.0)
    worst = np.argsort(-far, kind="stable")[: min(n, np.count_nonzero(far >= 0))]
    decided = _taken(scores, columns) if scores.shape[1] > 1 else scores[:, 0]
    return [
        Mistake(
            int(index),
            _classes(predictions.labels[index]),
            _classes(predictions.decisions[index]),
            int(columns[index]),
            float(decided[index]),
        )
        for index in worst
    ]


def _taken(scores: NDArray[np.float64], columns: NDArray[np.integer]) -> NDArray[np.float64]:
    taken: NDArray[np.float64] = np.take_along_axis(scores, columns[:, None].astype(np.intp), axis=1)[:, 0]
    return taken


def _classes(labels: NDArray[np.integer] | np.integer) -> tuple[int, ...]:
    return tuple(np.flatnonzero(labels).tolist()) if isinstance(labels, np.ndarray) else (int(labels),)
