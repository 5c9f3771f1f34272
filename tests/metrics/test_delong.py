from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from medmnist_np.metrics import Predictions, auc_per_class, delong_areas


def by_definition(positive: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The covariance of AUCs as DeLong et al. write it; ``columns`` is (models, n)."""
    above, below = columns[:, positive, None], columns[:, None, ~positive]
    kernel = (above > below) + 0.5 * (above == below)
    of_positive, of_negative = kernel.mean(axis=2), kernel.mean(axis=1)
    n_positive, n_negative = np.count_nonzero(positive), np.count_nonzero(~positive)
    return np.atleast_2d(np.cov(of_positive)) / n_positive + np.atleast_2d(np.cov(of_negative)) / n_negative


columns_of_scores = st.integers(0, 8).map(lambda eighths: eighths / 8)


@given(st.data(), st.integers(4, 25))
def test_variances_are_those_of_the_definition(data: st.DataObject, n: int) -> None:
    scores = data.draw(arrays(np.float64, n, elements=columns_of_scores))
    labels = np.array(data.draw(st.permutations([0, 0, 1, 1] + [k % 2 for k in range(n - 4)])))
    areas = delong_areas(Predictions(labels, scores, "binary-class"))

    np.testing.assert_allclose(
        areas.influence.T @ areas.influence, by_definition(labels == 1, scores[None]), rtol=0, atol=1e-12
    )


@given(st.data(), st.integers(4, 25))
def test_covariances_of_two_models_are_those_of_the_definition(data: st.DataObject, n: int) -> None:
    scores = data.draw(arrays(np.float64, (2, n), elements=columns_of_scores))
    labels = np.array(data.draw(st.permutations([0, 0, 1, 1] + [k % 2 for k in range(n - 4)])))
    influence = np.hstack([delong_areas(Predictions(labels, row, "binary-class")).influence for row in scores])

    np.testing.assert_allclose(influence.T @ influence, by_definition(labels == 1, scores), rtol=0, atol=1e-12)


def test_values_are_the_areas() -> None:
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 3, 80), random.random((80, 3)).round(1)
    areas = delong_areas(Predictions(labels, scores, "multi-class"))

    np.testing.assert_allclose(areas.values, auc_per_class(labels, scores, "multi-class"), rtol=0, atol=1e-12)
    np.testing.assert_allclose(areas.influence.sum(axis=0), 0, rtol=0, atol=1e-12)


def test_some_classes_can_be_chosen() -> None:
    random = np.random.default_rng(0)
    predictions = Predictions(random.integers(0, 3, 80), random.random((80, 3)), "multi-class")
    some, every = delong_areas(predictions, np.array([2, 0])), delong_areas(predictions)

    assert np.array_equal(every.values[[2, 0]], some.values)
    assert np.array_equal(every.influence[:, [2, 0]], some.influence)


@pytest.mark.parametrize("labels", [[0, 0, 0, 1], [0, 1, 1, 1]])
def test_two_samples_of_each_class_are_needed(labels: list[int]) -> None:
    with pytest.raises(
        ValueError, match=r"AUC of class 1 .* needs at least 2 positive and 2 negative samples, and there are \d and \d"
    ):
        delong_areas(Predictions(labels, [0.1, 0.2, 0.3, 0.4], "binary-class"))


def test_the_covariance_of_classes_is_the_one_that_other_samples_show() -> None:
    random = np.random.default_rng(7)
    found, predicted = [], []
    for _ in range(400):
        labels = random.choice(3, 150, p=[0.5, 0.3, 0.2])
        scores = random.normal(size=(150, 3)) + random.normal(size=(150, 1)) + (labels[:, None] == np.arange(3))
        areas = delong_areas(Predictions(labels, scores, "multi-class"))
        found.append(areas.values)
        predicted.append(areas.influence.T @ areas.influence)

    spread = np.cov(np.array(found).T)
    np.testing.assert_allclose(np.mean(predicted, axis=0), spread, rtol=0, atol=0.15 * spread.max())
