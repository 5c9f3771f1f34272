"""The samples on which an evaluation is most wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medmnist_np.metrics import Predictions
from medmnist_np.metrics.predictions import MULTI_LABEL


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
