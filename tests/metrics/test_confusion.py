from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np.metrics import (
    METRICS,
    Predictions,
    balanced_accuracy,
    cohen_kappa,
    confusion_matrix,
    f1,
    measure,
    precision,
    recall,
    specificity,
)

MULTI_LABEL = "multi-label, binary-class"


def test_rows_are_labels_and_columns_decisions() -> None:
    scores = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.6, 0.2, 0.2]]

    assert confusion_matrix([0, 0, 2, 2], scores, "multi-class").tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 1]]


def test_a_binary_task_has_two_classes() -> None:
    assert confusion_matrix([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8], "binary-class").tolist() == [[1, 1], [0, 2]]
    assert confusion_matrix([0, 0, 1, 1], [0.1, 0.8, 0.7, 0.9], "binary-class", 0.75).tolist() == [[1, 1], [1, 1]]


def test_a_multi_label_task_has_a_table_for_each_label() -> None:
    tables = confusion_matrix([[0, 1], [1, 1]], [[0.1, 0.4], [0.9, 0.6]], MULTI_LABEL)

    assert tables.tolist() == [[[1, 0], [0, 1]], [[0, 0], [1, 1]]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64])
def test_many_classes_do_not_overflow_small_labels(dtype: type) -> None:
    labels = np.arange(100).astype(dtype)

    assert np.array_equal(np.eye(100), confusion_matrix(labels, np.eye(100), "multi-class"))


def test_binary_values_are_those_of_class_1() -> None:
    labels, scores = [0, 0, 0, 1, 1], [0.1, 0.2, 0.9, 0.8, 0.3]

    assert (0.5, 0.5, 2 / 3, 0.5) == tuple(
        metric(labels, scores, "binary-class") for metric in (precision, recall, specificity, f1)
    )


def test_balanced_accuracy_of_a_binary_task_is_the_mean_of_sensitivity_and_specificity() -> None:
    assert balanced_accuracy([0, 0, 0, 1, 1], [0.1, 0.2, 0.9, 0.8, 0.3], "binary-class") == pytest.approx(7 / 12)


def test_other_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="Unknown weights 'cubic'"):
        cohen_kappa([0, 1], np.eye(2), "multi-class", weights="cubic")


def test_quadratic_weights_penalise_distant_decisions_more() -> None:
    labels = [0, 0, 1, 1, 2, 2]
    near, far = np.eye(3)[[0, 1, 1, 1, 2, 2]], np.eye(3)[[0, 2, 1, 1, 2, 2]]

    assert cohen_kappa(labels, near, "ordinal-regression") == pytest.approx(
        cohen_kappa(labels, far, "ordinal-regression")
    )
    assert cohen_kappa(labels, near, "ordinal-regression", weights="quadratic") > cohen_kappa(
        labels, far, "ordinal-regression", weights="quadratic"
    )


DECIDED = ["accuracy", "precision", "recall", "f1", "mcc", "balanced_accuracy", "quadratic_kappa", "exact_match"]


@given(st.lists(st.integers(0, 2), min_size=2, max_size=20))
def test_no_metric_is_above_1_and_perfect_decisions_have_it(labels: list[int]) -> None:
    predictions = Predictions(labels, np.eye(3)[labels], "multi-class")

    for name in DECIDED:
        value = measure(predictions, name, undefined="skip")
        assert value == pytest.approx(1.0) or np.isnan(value)


@pytest.mark.parametrize("name", METRICS)
def test_a_doubled_sample_counts_twice(name: str) -> None:
    random = np.random.default_rng(0)
    labels = np.append([0, 1, 2], random.integers(0, 3, 30))
    scores = random.dirichlet([1, 1, 1], 33)
    scores[:3] = np.eye(3)
    counts = np.ones((2, 33), dtype=np.intp)
    counts[1, 7:12] = 2
    doubled = np.append(np.arange(33), np.arange(7, 12))

    resampled = METRICS[name].resampled(Predictions(labels, scores, "multi-class"), counts)
    expected = METRICS[name].per_class(Predictions(labels[doubled], scores[doubled], "multi-class"))
    np.testing.assert_allclose(resampled[1], expected, rtol=0, atol=1e-12)
