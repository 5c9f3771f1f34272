"""What every metric asks of its labels and scores, checked in one place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.errors import nearest
from medmnist_np.registry.records import TASKS

Labels = NDArray[np.integer[Any]]
Scores = NDArray[Any]


def check_inputs(y_true: ArrayLike, y_score: ArrayLike, task: str) -> tuple[Labels, Scores]:
    """Return labels and scores in the one form that each task has.

    Returns
    -------
    labels : (n,) integer, or (n, l) integer for a multi-label task
    scores : (n,) for a binary task, (n, l) for a multi-label one, else (n, classes)
        In the dtype in which they came, so that comparisons are exact.

    Raises
    ------
    ValueError
        If they do not fit each other or the task.
    """
    if task not in TASKS:
        hint = nearest(task, TASKS) if isinstance(task, str) else ""
        raise ValueError(f"There is no task {task!r}.{hint} The tasks are: {', '.join(map(repr, TASKS))}.")
    labels = _table(y_true, "y_true", kinds="iub", content="integers")
    scores = _table(y_score, "y_score", kinds="iubf", content="real numbers")
    if len(labels) != len(scores):
        raise ValueError(f"y_true has {len(labels)} samples and y_score has {len(scores)}: they must be as many.")
    if len(labels) == 0:
        raise ValueError("There are no samples: y_true and y_score are empty.")
    if (unusable := ~np.isfinite(scores)).any():
        row, column = np.argwhere(unusable)[0]
        raise ValueError(
            f"{np.count_nonzero(unusable)} of the {scores.size} values of y_score are not finite, "
            f"the first in row {row}, column {column}: {scores[row, column]}."
        )
    if task == "multi-label, binary-class":
        return _multi_label(labels, scores)
    if labels.shape[1] != 1:
        raise ValueError(f"y_true has {labels.shape[1]} columns; a {task} task has one label per sample.")
    if task == "binary-class":
        if scores.shape[1] > 2:
            raise ValueError(
                f"y_score has {scores.shape[1]} columns; a binary-class task has one (the score of class 1) "
                "or two (the scores of classes 0 and 1)."
            )
        _check_range(labels, 2)
        return labels[:, 0], scores[:, -1]
    if scores.shape[1] < 2:
        raise ValueError(f"y_score has one column; a {task} task has one for each class.")
    _check_range(labels, scores.shape[1])
    return labels[:, 0], scores


def _table(values: ArrayLike, name: str, *, kinds: str, content: str) -> NDArray[Any]:
    """Return an array of one or two dimensions as a table with one row per sample."""
    table = np.asarray(values)
    if table.size and table.dtype.kind not in kinds:
        raise ValueError(f"{name} has dtype {table.dtype}; {content} are needed.")
    if table.ndim not in (1, 2) or 0 in table.shape[1:]:
        raise ValueError(f"{name} has shape {table.shape}; (n,) or (n, columns) is needed.")
    return table.reshape(len(table), -1) if table.size else table.reshape(0, 1)


def _multi_label(labels: Labels, scores: Scores) -> tuple[Labels, Scores]:
    if labels.shape[1] != scores.shape[1]:
        raise ValueError(
            f"y_true has {labels.shape[1]} columns and y_score has {scores.shape[1]}; "
            "a multi-label task has one for each label in both."
        )
    _check_range(labels, 2)
    return labels, scores


def _check_range(labels: Labels, n_classes: int) -> None:
    low, high = labels.min(), labels.max()
    if low < 0 or high >= n_classes:
        raise ValueError(
            f"y_true holds labels from {low} to {high}; with these scores they must lie in 0 to {n_classes - 1}."
        )
