from __future__ import annotations

import numpy as np
import pytest

from medmnist_np.evaluation import getACC
from medmnist_np.metrics import (
    accuracy,
    cohen_kappa,
    confusion_matrix,
    exact_match,
    f1,
    hamming_loss,
    mcc,
    precision,
    recall,
)


def test_a_binary_score_equal_to_the_threshold_decides_for_zero() -> None:
    assert accuracy([0, 1, 1, 0], [0.5, 0.51, 0.5, 0.1], "binary-class") == 0.75


def test_another_threshold_changes_decisions() -> None:
    assert accuracy([0, 1, 1, 0], [0.5, 0.51, 0.5, 0.1], "binary-class", threshold=0.4) == 0.75
    assert accuracy([1, 1, 1, 0], [0.5, 0.51, 0.5, 0.1], "binary-class", threshold=0.4) == 1.0


@pytest.mark.parametrize("threshold", [0.3, np.float64(0.3), np.array(0.3)])
def test_a_threshold_is_compared_in_the_precision_of_the_scores(threshold) -> None:
    assert accuracy([0], np.array([0.3], dtype=np.float32), "binary-class", threshold=threshold) == 1.0


def test_two_columns_of_a_binary_task_mean_the_last() -> None:
    assert accuracy([[1], [0]], [[0.9, 0.8], [0.9, 0.2]], "binary-class") == 1.0


def test_multi_label_accuracy_counts_every_label() -> None:
    labels = [[0, 1, 0], [1, 1, 0]]
    scores = [[0.1, 0.9, 0.6], [0.4, 0.7, 0.2]]

    assert accuracy(labels, scores, "multi-label, binary-class") == pytest.approx(4 / 6, abs=1e-12)


@pytest.mark.parametrize("task", ["multi-class", "ordinal-regression"])
def test_the_highest_score_decides_and_the_first_of_equals(task: str) -> None:
    scores = [[0.1, 0.7, 0.2], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2]]

    assert accuracy([[1], [0], [1]], scores, task) == pytest.approx(2 / 3, abs=1e-12)


def test_accuracy_is_defined_if_a_class_is_absent() -> None:
    assert accuracy([0, 1], np.eye(3)[:2], "multi-class") == 1.0


def test_one_sample_is_enough() -> None:
    assert accuracy([[1]], [[0.2, 0.8]], "multi-class") == 1.0


@pytest.mark.parametrize("task", ["multi-class", "multi-label, binary-class"])
def test_accuracy_agrees_with_scikit_learn(task: str) -> None:
    accuracy_score = pytest.importorskip("sklearn.metrics").accuracy_score
    random = np.random.default_rng(0)
    scores = random.random((500, 4)).round(1)
    classes, findings = random.integers(0, 4, (500, 1)), random.integers(0, 2, (500, 4))

    if task == "multi-class":
        labels, expected = classes, accuracy_score(classes[:, 0], scores.argmax(axis=1))
    else:
        labels = findings
        expected = np.mean([accuracy_score(findings[:, k], scores[:, k] > 0.5) for k in range(4)])

    assert accuracy(labels, scores, task) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("threshold", [np.nan, np.inf])
def test_a_threshold_must_be_finite(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        accuracy([0, 1], [0.1, 0.2], "binary-class", threshold=threshold)


def test_an_exact_match_has_all_labels_right() -> None:
    labels, scores = [[0, 1, 0], [1, 1, 0]], [[0.1, 0.9, 0.2], [0.4, 0.7, 0.2]]

    assert exact_match(labels, scores, "multi-label, binary-class") == 0.5
    assert 1 / 6 == hamming_loss(labels, scores, "multi-label, binary-class")
    assert exact_match(labels, scores, "multi-label, binary-class", threshold=0.3) == 1.0


# Scores that are not probabilities

LOGITS = [-2.0, 0.3, 0.4, 3.0]


@pytest.mark.parametrize(
    "metric", [accuracy, exact_match, hamming_loss, precision, recall, f1, mcc, cohen_kappa, confusion_matrix, getACC]
)
def test_decisions_on_logits_raise_a_warning(metric) -> None:
    said = r"Scores are from -2 to 3 instead of 0 to 1, but decisions are made at 0\.5\. Apply a sigmoid"
    with pytest.warns(UserWarning, match=said):
        metric([0, 1, 1, 1], LOGITS, "binary-class")


def test_the_accuracy_of_logits_is_the_official_one() -> None:
    with pytest.warns(UserWarning, match="instead of 0 to 1"):
        assert accuracy([0, 1, 1, 1], LOGITS, "binary-class") == 0.5


def test_the_warning_names_the_line_of_the_caller() -> None:
    with pytest.warns(UserWarning, match="instead of 0 to 1") as found:
        accuracy([0, 1, 1, 1], LOGITS, "binary-class")

    assert __file__ == found[0].filename


# Warnings are errors in these tests.
def test_logits_with_their_own_threshold_raise_no_warning() -> None:
    assert accuracy([0, 1, 1, 1], LOGITS, "binary-class", threshold=0) == 1.0


def test_multi_class_logits_raise_no_warning() -> None:
    assert accuracy([0, 1], [[2.0, -1.0], [-3.0, 4.0]], "multi-class") == 1.0


def test_rounded_probabilities_raise_no_warning() -> None:
    assert accuracy([0, 1], np.array([-1e-7, 1 + 1e-7]), "binary-class") == 1.0
