"""Labels and scores, converted, checked and sorted once for all metrics."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.errors import check_choice
from medmnist_np.metrics.frames import Order, order_of_predictions
from medmnist_np.registry.records import LABEL_TASKS


@dataclass(frozen=True, slots=True)
class RankedColumn:
    """One column of scores, sorted once. Rank metrics of all resamples use it.

    Attributes
    ----------
    positives : (p,) intp
        The positive samples, from the lowest score to the highest.
    negatives : (q,) intp
        The negative samples in the same order.
    below, not_above : (p,) intp
        For each positive sample, the number of negative samples with a lower score, and with a lower or equal score.
    first_equal : (p,) intp
        For each positive sample, the index in `positives` of the first one with the same score.
    """

    positives: NDArray[np.intp]
    negatives: NDArray[np.intp]
    below: NDArray[np.intp]
    not_above: NDArray[np.intp]
    first_equal: NDArray[np.intp]


def rank(scores: NDArray[Any], positive: NDArray[np.bool_]) -> RankedColumn:
    """Sort one column: ``scores`` is ``(n,)``, ``positive`` is ``(n,)`` bool."""
    positives, negatives = np.flatnonzero(positive), np.flatnonzero(~positive)
    positives = positives[np.argsort(scores[positives])]
    negatives = negatives[np.argsort(scores[negatives])]
    above, below = scores[positives], scores[negatives]
    return RankedColumn(
        positives,
        negatives,
        np.searchsorted(below, above, side="left"),
        np.searchsorted(below, above, side="right"),
        np.searchsorted(above, above, side="left"),
    )


def twice_the_wins(column: RankedColumn) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the number of correctly ordered pairs that each sample is in. A tie counts 1, any other pair 2.

    Returns
    -------
    won : (p,) intp
        For each of ``column.positives``, the pairs with negative samples that score lower.
    lost : (q,) intp
        For each of ``column.negatives``, the pairs with positive samples that score higher.
    """
    p, q = len(column.positives), len(column.negatives)
    higher = p - np.cumsum(np.bincount(column.below, minlength=q + 1))[:q]
    not_lower = p - np.cumsum(np.bincount(column.not_above, minlength=q + 1))[:q]
    return column.below + column.not_above, higher + not_lower


Array = NDArray[Any]
Counts = NDArray[np.integer[Any]]

T = TypeVar("T")

MULTI_LABEL = "multi-label, binary-class"

# Scores below 0 or above 1 by no more than this still count as probabilities.
ROUNDING = 1e-6


def as_array(values: object, name: str) -> Array:
    """Convert an array of any framework, a list or a data frame to a NumPy array, without a copy if possible.

    Parameters
    ----------
    values : array_like
        Anything that ``np.asarray`` accepts, or a CPU array that supports DLPack.
    name : str
        Name of the argument for error messages.

    Raises
    ------
    ValueError
        If it cannot be converted, or some of its values are masked.

    Examples
    --------
    >>> as_array([[0.25, 0.75]], "y_score").shape
    (1, 2)
    """
    parts = values if isinstance(values, (list, tuple)) else [values]
    if any(isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part) for part in parts):
        raise ValueError(f"{name} is a masked array with masked values. Remove these samples, or fill the values.")
    problem: Exception | None = None
    if hasattr(values, "__array__") or not hasattr(values, "__dlpack__"):
        try:
            return np.asarray(values)
        except (TypeError, ValueError, RuntimeError, BufferError) as error:
            problem = error
    if hasattr(values, "__dlpack__"):
        try:
            return np.from_dlpack(values)
        except (TypeError, ValueError, RuntimeError, BufferError) as error:
            problem = problem or error
    raise ValueError(
        f"{name}, a {type(values).__name__}, cannot be converted to a NumPy array: {problem} "
        "It must be on the CPU, without gradients, in a dtype that NumPy supports, and with rows of equal length."
    ) from problem


@dataclass(frozen=True, eq=False)
class Predictions:
    """Labels and scores, checked against each other and the task: the input of metrics, intervals and tests.

    Parameters
    ----------
    y_true : (n,) or (n, l) array_like of integers
        Labels; ``l`` is 1, or the number of labels of a multi-label task. Whole numbers of a float dtype are accepted.
    y_score : (n,) or (n, columns) array_like of real numbers
        Scores, one column for each class or label. A binary task may have one column, the score of class 1, or two, of
        which the last is used. Columns of a data frame that are named by class numbers (``0``, ``"0"``, ``"p0"``)
        are put in their order. If `y_true` is a series or frame too, rows are matched by the index, and the columns
        of a multi-label task by their names.
    task : str
        ``"binary-class"``, ``"multi-label, binary-class"``, ``"multi-class"`` or ``"ordinal-regression"``:
        ``info(name).task``.
    n_classes : int, optional
        Number of classes, or of labels of a multi-label task (default: the number of columns of `y_score`). Pass it to
        detect a wrong number of columns.
    threshold : float
        A binary or multi-label score above it decides for 1; one equal to it decides for 0. Ignored if the highest
        score decides.

    Attributes
    ----------
    labels : (n,) integer, or (n, l) integer for a multi-label task
        A read-only copy.
    scores : (n, columns), of real numbers
        A read-only copy in the dtype of `y_score`, so that comparisons are exact. A binary task has one column.

    Raises
    ------
    ValueError
        If labels, scores and task do not match, a score or the threshold is not finite, there are no samples, a value
        is masked, or names of columns or indices contradict each other.

    Examples
    --------
    >>> predictions = Predictions([0, 1, 1], [[0.8, 0.2], [0.4, 0.6], [0.7, 0.3]], "binary-class")
    >>> predictions.scores.shape
    (3, 1)
    """

    y_true: InitVar[object]
    y_score: InitVar[object]
    task: str
    n_classes: int | None = None
    threshold: float = 0.5
    labels: Counts = field(init=False, repr=False)
    scores: Array = field(init=False, repr=False)
    _kept: dict[Callable[..., Any], Any] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self, y_true: object, y_score: object) -> None:
        check_choice("task", self.task, LABEL_TASKS)
        if not np.isfinite(self.threshold):
            raise ValueError(f"threshold is {self.threshold}. It must be a finite number.")
        # A Python float is compared in the dtype of the scores: 0.3 in float32 is not above a threshold of 0.3.
        object.__setattr__(self, "threshold", float(self.threshold))
        label_columns, score_order = order_of_predictions(y_true, y_score, self.task)
        labels = _whole(_table(y_true, "y_true", kinds="iubf", content="integers"))
        labels = in_order(labels, None, label_columns)
        scores = in_order(_table(y_score, "y_score", kinds="iubf", content="real numbers"), *score_order)
        if len(labels) != len(scores):
            raise ValueError(
                f"y_true has {len(labels)} samples and y_score has {len(scores)}. The numbers must be equal."
            )
        if len(labels) == 0:
            raise ValueError("y_true and y_score are empty.")
        _check_finite(scores)
        _check_columns(labels.shape[1], scores.shape[1], self.task, self.n_classes)
        n_values = 2 if self.task in ("binary-class", MULTI_LABEL) else scores.shape[1]
        low, high = labels.min(), labels.max()
        if low < 0 or high >= n_values:
            raise ValueError(
                f"y_true has labels from {low} to {high}. With these scores they must be from 0 to {n_values - 1}."
            )
        object.__setattr__(self, "labels", frozen_copy(labels if self.task == MULTI_LABEL else labels[:, 0]))
        object.__setattr__(self, "scores", frozen_copy(scores[:, -1:] if self.task == "binary-class" else scores))

    def once(self, function: Callable[[Predictions], T]) -> T:
        """Return ``function(self)``, computed at the first call and kept: every block of resamples asks for it."""
        if function not in self._kept:
            self._kept[function] = function(self)
        kept: T = self._kept[function]
        return kept

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.labels)

    @cached_property
    def decision_note(self) -> str:
        """A warning if scores outside 0 to 1 do not suit the threshold; otherwise empty."""
        if self.task not in ("binary-class", MULTI_LABEL) or not 0 < self.threshold < 1:
            return ""
        outside = _outside_0_to_1(self.scores)
        return outside and (
            f"{outside}, but decisions are made at {self.threshold:g}. Apply a sigmoid to logits (a softmax if there "
            "are two columns), or choose a threshold."
        )

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Warnings, one sentence or more each, if the scores do not look like probabilities; may be empty."""
        notes = [self.decision_note]
        if self.task not in ("binary-class", MULTI_LABEL) and (outside := _outside_0_to_1(self.scores)):
            notes.append(f"{outside}. Logits change the AUC of each class against the rest: apply a softmax.")
        if ((self.scores == 0) | (self.scores == 1)).all():
            notes.append(
                "All scores are 0 or 1, as if they were decisions. The AUC of decisions is usually lower than that of "
                "the probabilities: pass the probabilities."
            )
        return tuple(filter(None, notes))

    @cached_property
    def columns(self) -> Array:
        """The scores with one row for each class or label, ``(columns, n)``: sorting a row is then fast."""
        return np.ascontiguousarray(self.scores.T)

    @cached_property
    def positive(self) -> NDArray[np.bool_]:
        """Whether each sample is positive for each row of `columns`, ``(columns, n)``; a class against the rest."""
        if self.task == "binary-class":
            return np.equal(self.labels[None], 1)
        if self.task == MULTI_LABEL:
            return np.equal(np.ascontiguousarray(self.labels.T), 1)
        return np.equal(self.labels[None], np.arange(self.scores.shape[1])[:, None])

    @cached_property
    def ranked(self) -> tuple[RankedColumn, ...]:
        """Each row of `columns`, sorted."""
        return tuple(map(rank, self.columns, self.positive))

    @cached_property
    def decisions(self) -> Counts:
        """The class that the scores decide for, ``(n,)``, or 0 or 1 for each label, ``(n, l)``."""
        if self.task == MULTI_LABEL:
            return np.greater(self.scores, self.threshold).astype(np.intp)
        if self.task == "binary-class":
            return np.greater(self.scores[:, 0], self.threshold).astype(np.intp)
        highest: Counts = np.argmax(self.scores, axis=1)
        return highest


def in_order(table: Array, rows: Order | None, columns: Order | None) -> Array:
    """Return a table with its rows and columns in another order; None leaves them as they are."""
    if rows is not None:
        table = table[rows]
    return table if columns is None else table[:, columns]


def frozen_copy(array: Array) -> Array:
    """Return a read-only copy. Results compute most values on demand, so later changes of the array must not matter."""
    copy = np.array(array, order="C")
    copy.setflags(write=False)
    return copy


def decided(y_true: object, y_score: object, task: str, threshold: float) -> Predictions:
    """Return predictions for a metric of decisions; warn its caller if the scores do not suit the threshold."""
    predictions = Predictions(y_true, y_score, task, threshold=threshold)
    if predictions.decision_note:
        warnings.warn(predictions.decision_note, stacklevel=3)
    return predictions


def _outside_0_to_1(scores: Array) -> str:
    """Return the range of the scores as text if it exceeds 0 to 1 by more than rounding, else an empty string."""
    low, high = float(scores.min()), float(scores.max())
    if low >= -ROUNDING and high <= 1 + ROUNDING:
        return ""
    return f"Scores are from {low:.4g} to {high:.4g} instead of 0 to 1"


def _table(values: object, name: str, *, kinds: str, content: str) -> Array:
    """Return an array of one or two dimensions as a table with one row per sample."""
    table = as_array(values, name)
    if table.size and table.dtype.kind not in kinds:
        raise ValueError(f"{name} has dtype {table.dtype}. It must hold {content}.")
    if table.ndim not in (1, 2) or 0 in table.shape[1:]:
        raise ValueError(f"{name} has shape {table.shape}. It must be (n,) or (n, columns).")
    return table.reshape(len(table), -1) if table.size else table.reshape(0, 1)


def _whole(labels: Array) -> Counts:
    """Return labels as integers. Training loops often pass zeros and ones as ``float32``."""
    if labels.dtype.kind != "f":
        return labels
    whole = np.isfinite(labels) & (labels == np.floor(labels))
    if not whole.all():
        row, column = np.argwhere(~whole)[0]
        raise ValueError(f"y_true must hold integers, and row {row}, column {column} is {labels[row, column]}.")
    return labels.astype(np.intp)


def _check_finite(scores: Array) -> None:
    finite = np.isfinite(scores)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ValueError(
            f"{np.count_nonzero(~finite)} of {scores.size} values of y_score are not finite. The first is in row "
            f"{row}, column {column}: {scores[row, column]}."
        )


def _check_columns(of_labels: int, of_scores: int, task: str, n_classes: int | None) -> None:
    if task == MULTI_LABEL:
        if of_labels != of_scores:
            raise ValueError(
                f"y_true has {of_labels} columns and y_score has {of_scores}. "
                "A multi-label task needs one column for each label in both."
            )
    elif of_labels != 1:
        raise ValueError(f"y_true has {of_labels} columns. A {task} task has one label per sample.")
    if task == "binary-class":
        if of_scores > 2:
            raise ValueError(
                f"y_score has {of_scores} columns. A binary-class task needs one (the score of class 1) "
                "or two (the scores of classes 0 and 1)."
            )
        n_classes = None
    elif task != MULTI_LABEL and of_scores < 2:
        raise ValueError(f"y_score has one column. A {task} task needs one for each class.")
    if n_classes is not None and of_scores != n_classes:
        raise ValueError(f"y_score has {of_scores} columns. It needs {n_classes}, one for each class or label.")


def each_once(predictions: Predictions) -> Counts:
    """Return counts of 1 for each sample, ``(1, n)``: the sample itself as a resample."""
    return np.ones((1, predictions.n_samples), dtype=np.intp)


def ratio(dividend: ArrayLike, divisor: Array) -> NDArray[np.float64]:
    """Divide; the result is NaN (not defined) where the divisor is 0."""
    result: NDArray[np.float64] = np.full(np.shape(divisor), np.nan)
    np.divide(dividend, divisor, out=result, where=np.not_equal(divisor, 0))
    return result


def check_same(first: Predictions, second: Predictions) -> None:
    """Raise :class:`ValueError` unless two models predict the same samples and classes."""
    if first.task != second.task:
        raise ValueError(f"The tasks differ: {first.task!r} and {second.task!r}.")
    for name, what in (("labels", "samples"), ("scores", "classes")):
        a, b = getattr(first, name).shape, getattr(second, name).shape
        if a != b:
            raise ValueError(f"The {name} have shapes {a} and {b}. Both models must predict the same {what}.")
    differing = np.argwhere(first.labels != second.labels)
    if differing.size:
        raise ValueError(
            f"The labels differ, first at sample {differing[0, 0]}. Both models must predict the same samples in the "
            "same order."
        )
