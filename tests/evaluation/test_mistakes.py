from __future__ import annotations

import numpy as np
import pytest

from medmnist_np.evaluation.result import Mistake, worst_mistakes
from medmnist_np.metrics import Predictions, accuracy
from medmnist_np.registry.records import LABEL_TASKS


def test_the_worst_binary_mistake_is_farthest_from_the_threshold() -> None:
    predictions = Predictions([0, 1, 1, 0], [0.6, 0.1, 0.9, 0.2], "binary-class")
    assert [Mistake(1, (1,), (0,), 1, 0.1), Mistake(0, (0,), (1,), 1, 0.6)] == worst_mistakes(predictions, 9)


def test_the_distance_is_measured_from_the_threshold() -> None:
    predictions = Predictions([0, 1, 1, 0], [0.6, 0.1, 0.9, 0.2], "binary-class", threshold=0.1)
    assert [one.index for one in worst_mistakes(predictions, 9)] == [0, 3, 1]


def test_the_worst_multi_class_mistake_is_farthest_above_the_true_class() -> None:
    scores = [[0.5, 0.4, 0.1], [0.0, 0.2, 0.8], [0.9, 0.05, 0.05]]
    predictions = Predictions([1, 1, 2], scores, "multi-class")
    expected = [Mistake(2, (2,), (0,), 0, 0.9), Mistake(1, (1,), (2,), 2, 0.8), Mistake(0, (1,), (0,), 0, 0.5)]
    assert expected == worst_mistakes(predictions, 3)


def test_a_multi_label_sample_counts_by_its_worst_label_and_names_all() -> None:
    labels = [[0, 1, 1], [0, 0, 0], [1, 1, 1]]
    scores = [[0.7, 0.4, 0.9], [0.1, 0.95, 0.8], [0.9, 0.8, 0.7]]
    predictions = Predictions(labels, scores, "multi-label, binary-class")
    expected = [Mistake(1, (), (1, 2), 1, 0.95), Mistake(0, (1, 2), (0, 2), 0, 0.7)]
    assert expected == worst_mistakes(predictions, 9)


def test_equally_bad_mistakes_are_in_the_order_of_the_split() -> None:
    predictions = Predictions([0, 0, 0], [0.75, 0.75, 0.75], "binary-class")
    assert [one.index for one in worst_mistakes(predictions, 2)] == [0, 1]


@pytest.mark.parametrize("task", LABEL_TASKS)
def test_every_wrong_decision_is_one_mistake_and_no_other_is(task: str) -> None:
    random = np.random.default_rng(0)
    columns = 1 if task == "binary-class" else 3
    several = task.startswith("multi-label")
    labels = random.integers(0, 2 if columns == 1 or several else 3, (50, 3 if several else 1))
    predictions = Predictions(labels, random.random((50, columns)), task)
    found = worst_mistakes(predictions, 50)
    wrong = (predictions.decisions != predictions.labels).reshape(50, -1).any(axis=1)
    assert np.flatnonzero(wrong).tolist() == sorted(one.index for one in found)
    assert all(one.truth != one.decision for one in found)


def test_perfect_scores_have_no_mistakes() -> None:
    scores = [[0.9, 0.1], [0.2, 0.8]]
    assert accuracy([0, 1], scores, "multi-class") == 1
    assert worst_mistakes(Predictions([0, 1], scores, "multi-class"), 9) == []
