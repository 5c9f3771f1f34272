from __future__ import annotations

import inspect

import numpy as np

from medmnist_np.evaluation import getACC, getAUC
from medmnist_np.metrics import accuracy, auc


def test_names_and_signatures_are_the_official_ones() -> None:
    assert list(inspect.signature(getAUC).parameters) == ["y_true", "y_score", "task"]
    parameters = inspect.signature(getACC).parameters
    assert list(parameters) == ["y_true", "y_score", "task", "threshold"]
    assert parameters["threshold"].default == 0.5


def test_get_auc_and_get_acc_return_our_metrics() -> None:
    labels, scores = np.array([[0], [1], [1]]), np.array([[0.2], [0.1], [0.6]])

    assert auc(labels, scores, "binary-class") == getAUC(labels, scores, "binary-class")
    assert accuracy(labels, scores, "binary-class", 0.05) == getACC(labels, scores, "binary-class", 0.05)
