from __future__ import annotations

import numpy as np
import pytest

from medmnist_np.metrics import accuracy, auc

MULTI_LABEL = "multi-label, binary-class"


@pytest.mark.parametrize("metric", [auc, accuracy])
@pytest.mark.parametrize(
    ("labels", "scores", "task", "message"),
    [
        ([0, 1], [0.1, 0.2], "binary", "no task 'binary'. Did you mean 'binary-class'"),
        ([0, 1], [0.1, 0.2], None, "no task None"),
        ([0, 1], [0.1, 0.2, 0.3], "binary-class", "y_true has 2 samples and y_score has 3"),
        ([], [], "binary-class", "no samples"),
        (
            [0, 1],
            [0.1, np.nan],
            "binary-class",
            "1 of the 2 values .* are not finite, the first in row 1, column 0: nan",
        ),
        ([0, 1], [[0, 1], [np.inf, 1]], "multi-class", "row 1, column 0: inf"),
        ([0.0, 1.0], [0.1, 0.2], "binary-class", "y_true has dtype float64; integers"),
        ([0, 1], ["a", "b"], "binary-class", "y_score has dtype <U1; real numbers"),
        ([0, 1], [1j, 2j], "binary-class", "y_score has dtype complex128"),
        (1, [0.1], "binary-class", r"y_true has shape \(\)"),
        ([0, 1], np.ones((2, 2, 1)), "multi-class", r"y_score has shape \(2, 2, 1\)"),
        ([0, 1], np.ones((2, 0)), "multi-class", r"y_score has shape \(2, 0\)"),
        ([[0, 1], [1, 0]], [0.1, 0.2], "binary-class", "y_true has 2 columns; a binary-class task has one"),
        ([[0, 1], [1, 0]], np.eye(2), "multi-class", "y_true has 2 columns; a multi-class task has one"),
        ([0, 1], np.ones((2, 3)), "binary-class", "y_score has 3 columns; a binary-class task has one"),
        ([0, 1], [0.1, 0.2], "multi-class", "y_score has one column; a multi-class task"),
        ([[0, 1], [1, 0]], np.ones((2, 3)), MULTI_LABEL, "y_true has 2 columns and y_score has 3"),
        ([0, 2], [0.1, 0.2], "binary-class", "labels from 0 to 2; with these scores they must lie in 0 to 1"),
        ([-1, 1], [0.1, 0.2], "binary-class", "labels from -1 to 1"),
        ([0, 3], np.ones((2, 3)), "ordinal-regression", "labels from 0 to 3; .* they must lie in 0 to 2"),
        ([[0, 2], [1, 0]], np.eye(2), MULTI_LABEL, "labels from 0 to 2"),
    ],
)
def test_what_does_not_fit_is_refused(metric, labels, scores, task, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric(labels, scores, task)
