from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from medmnist_np.metrics import Predictions, auc, auc_per_class, average_precision, measure_per_class
from medmnist_np.metrics.ranking import areas_without_one, resampled_areas, resampled_average_precisions


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


@pytest.mark.parametrize("ties", [1, 100])
def test_resampled_values_are_those_of_the_samples_that_were_drawn(ties: int) -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, 3, 60)
    scores = np.round(random.random((60, 3)) * ties) if ties > 1 else random.random((60, 3))
    drawn = random.integers(0, 60, (5, 60))
    counts = np.stack([np.bincount(row, minlength=60) for row in drawn])
    predictions = Predictions(labels, scores, "multi-class")

    for resampled, metric in ((resampled_areas, "auc"), (resampled_average_precisions, "average_precision")):
        expected = [measure_per_class(Predictions(labels[row], scores[row], "multi-class"), metric) for row in drawn]
        np.testing.assert_allclose(resampled(predictions, counts), expected, rtol=0, atol=1e-12)


def test_areas_without_one_sample_are_those_of_the_rest() -> None:
    random = np.random.default_rng(2)
    labels, scores = random.integers(0, 2, 25), random.integers(0, 9, 25) / 8
    expected = [auc(np.delete(labels, i), np.delete(scores, i), "binary-class") for i in range(25)]

    without_one = areas_without_one(Predictions(labels, scores, "binary-class"))
    np.testing.assert_allclose(without_one[:, 0], expected, rtol=0, atol=1e-12)


def test_an_area_without_its_only_positive_sample_is_not_defined() -> None:
    without_one = areas_without_one(Predictions([0, 0, 1], [0.1, 0.3, 0.2], "binary-class"))

    assert without_one[:2, 0].tolist() == [0.0, 1.0]
    assert np.isnan(without_one[2, 0])


def test_areas_of_single_classes_have_the_area_as_their_mean() -> None:
    labels, scores = [0, 1, 2, 2], [[0.5, 0.3, 0.2], [0.6, 0.2, 0.2], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]]

    assert auc(labels, scores, "multi-class") == pytest.approx(np.mean(auc_per_class(labels, scores, "multi-class")))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
def test_average_precision_agrees_with_scikit_learn(dtype: type) -> None:
    average_precision_score = pytest.importorskip("sklearn.metrics").average_precision_score
    random = np.random.default_rng(3)
    labels, scores = random.integers(0, 2, (400, 3)), (random.random((400, 3)) * 50).astype(dtype)

    assert average_precision(labels, scores, "multi-label, binary-class") == pytest.approx(
        average_precision_score(labels, scores.astype(np.float64)), abs=1e-12
    )
