from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medmnist_np.metrics import auc


def area_by_pairs(positive: np.ndarray, scores: np.ndarray) -> float:
    """The definition: over all pairs, 1 for a win of the positive sample and 1/2 for a tie."""
    above, below = scores[positive][:, None], scores[~positive][None, :]
    return float(np.mean((above > below) + 0.5 * (above == below)))


# Few distinct values, so that ties are common.
columns_of_scores = st.integers(0, 8).map(lambda eighths: eighths / 8)


@given(st.data(), st.integers(2, 30))
def test_binary_auc_is_the_share_of_pairs_in_order(data: st.DataObject, n: int) -> None:
    scores = data.draw(arrays(np.float32, n, elements=columns_of_scores))
    labels = data.draw(arrays(np.uint8, n, elements=st.integers(0, 1)).filter(lambda a: len(set(a)) == 2))

    assert auc(labels, scores, "binary-class") == pytest.approx(area_by_pairs(labels == 1, scores), abs=1e-12)


@given(st.data(), st.integers(4, 20), st.sampled_from(["multi-class", "ordinal-regression"]))
def test_auc_of_many_classes_is_the_mean_of_each_against_the_rest(data: st.DataObject, n: int, task: str) -> None:
    scores = data.draw(arrays(np.float64, (n, 3), elements=columns_of_scores))
    labels = np.array(data.draw(st.permutations([0, 1, 2] + [k % 3 for k in range(n - 3)])))

    expected = np.mean([area_by_pairs(labels == k, scores[:, k]) for k in range(3)])

    assert auc(labels[:, None], scores, task) == pytest.approx(expected, abs=1e-12)


@given(arrays(np.int64, 12, elements=st.integers(-5, 5)))
def test_turning_the_scores_round_turns_the_area_round(scores: np.ndarray) -> None:
    labels = np.arange(12) % 2

    assert auc(labels, -scores, "binary-class") == pytest.approx(1 - auc(labels, scores, "binary-class"), abs=1e-12)


def test_multi_label_auc_is_the_mean_over_labels() -> None:
    labels = [[0, 1], [1, 0], [1, 1]]
    scores = [[0.2, 0.5], [0.9, 0.6], [0.7, 0.8]]

    assert auc(labels, scores, "multi-label, binary-class") == (1.0 + 0.5) / 2


def test_two_columns_of_a_binary_task_mean_the_last() -> None:
    assert auc([[0], [1]], [[0.9, 0.1], [0.2, 0.8]], "binary-class") == 1.0


def test_one_column_and_a_flat_score_are_the_same() -> None:
    labels, scores = np.array([0, 1, 1, 0]), np.array([0.3, 0.2, 0.9, 0.1])

    assert auc(labels, scores[:, None], "binary-class") == auc(labels, scores, "binary-class") == 0.75


def test_scores_that_are_all_equal_say_nothing() -> None:
    assert auc([0, 1, 1], [0.3, 0.3, 0.3], "binary-class") == 0.5


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8, np.int64, np.uint64])
def test_labels_may_have_any_integer_dtype(dtype: type) -> None:
    assert auc(np.array([0, 1, 1], dtype=dtype), [0.1, 0.2, 0.3], "binary-class") == 1.0


def test_it_agrees_with_scikit_learn_on_every_task() -> None:
    roc_auc_score = pytest.importorskip("sklearn.metrics").roc_auc_score
    random = np.random.default_rng(0)
    scores = random.random((2000, 5)).round(2)
    classes, findings = random.integers(0, 5, 2000), random.integers(0, 2, (2000, 5))

    assert auc(findings[:, 0], scores[:, 0], "binary-class") == pytest.approx(
        roc_auc_score(findings[:, 0], scores[:, 0]), abs=1e-12
    )
    assert auc(findings, scores, "multi-label, binary-class") == pytest.approx(
        roc_auc_score(findings, scores, average="macro"), abs=1e-12
    )
    assert auc(classes, scores, "multi-class") == pytest.approx(
        np.mean([roc_auc_score(classes == k, scores[:, k]) for k in range(5)]), abs=1e-12
    )


@pytest.mark.parametrize(
    ("labels", "scores", "task", "message"),
    [
        ([0, 0], [0.1, 0.2], "binary-class", "class 1 is not defined: none of the 2 samples is positive"),
        ([1, 1], [0.1, 0.2], "binary-class", "class 1 is not defined: none of the 2 samples is negative"),
        ([0, 1], np.eye(3)[:2], "multi-class", "class 2 is not defined"),
        ([[0, 1], [1, 1]], np.eye(2), "multi-label, binary-class", "label 1 is not defined"),
    ],
)
def test_an_absent_class_is_refused(labels, scores, task: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        auc(labels, scores, task)
