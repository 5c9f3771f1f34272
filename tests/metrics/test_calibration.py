from __future__ import annotations

import numpy as np
import pytest

from medmnist_np.metrics import (
    Predictions,
    brier_score,
    expected_calibration_error,
    log_loss,
    measure,
    reliability_curves,
)

MULTI_LABEL = "multi-label, binary-class"


@pytest.fixture
def reference():
    return pytest.importorskip("sklearn.metrics")


def classes() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return np.append([0, 1, 2], random.integers(0, 3, 97)), random.dirichlet([1, 1, 1], 100)


def test_log_loss_agrees_with_scikit_learn(reference) -> None:
    labels, scores = classes()
    binary = labels % 2

    assert log_loss(labels, scores, "multi-class") == pytest.approx(reference.log_loss(labels, scores), abs=1e-12)
    assert log_loss(binary, scores[:, 0], "binary-class") == pytest.approx(
        reference.log_loss(binary, scores[:, 0]), abs=1e-12
    )


def test_log_loss_of_labels_is_their_mean(reference) -> None:
    random = np.random.default_rng(1)
    labels, scores = random.integers(0, 2, (50, 3)), random.random((50, 3))
    expected = np.mean([reference.log_loss(labels[:, k], scores[:, k]) for k in range(3)])

    assert log_loss(labels, scores, MULTI_LABEL) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_a_probability_of_0_for_what_is_true_costs_the_same_whatever_the_dtype(dtype: type) -> None:
    loss = log_loss([1], np.array([0.0], dtype=dtype), "binary-class")

    assert loss == pytest.approx(52 * np.log(2))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("metric", ["log_loss", "brier_score", "expected_calibration_error"])
def test_saturated_scores_are_measured_as_the_file_that_is_written_from_them(metric: str, dtype: type) -> None:
    random = np.random.default_rng(5)
    scores = random.choice(np.array([0, 1, 0.2, 0.4, 0.6, 0.8]), 200).astype(dtype)
    labels = random.integers(0, 2, 200)
    as_read = np.array([float(str(one)) for one in scores])

    found = measure(Predictions(labels, scores, "binary-class"), metric)

    assert found == pytest.approx(measure(Predictions(labels, as_read, "binary-class"), metric), rel=1e-3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_score_on_a_border_is_in_the_lower_bin_whatever_the_dtype(dtype: type) -> None:
    borders = (np.arange(1, 16) / 15).astype(dtype)
    (curve,) = reliability_curves([0, 1] * 7 + [0], borders, "binary-class")

    assert [1] * 15 == curve.n_samples.tolist()


def test_brier_scores_agree_with_their_definitions(reference) -> None:
    labels, scores = classes()
    binary = labels % 2

    assert brier_score(labels, scores, "multi-class") == pytest.approx(
        np.mean(((scores - np.eye(3)[labels]) ** 2).sum(axis=1)), abs=1e-12
    )
    assert brier_score(binary, scores[:, 0], "binary-class") == pytest.approx(
        reference.brier_score_loss(binary, scores[:, 0]), abs=1e-12
    )


def test_the_calibration_error_is_the_mean_gap_of_the_reliability_curve() -> None:
    labels, scores = classes()
    (curve,) = reliability_curves(labels, scores, "multi-class")
    filled = curve.n_samples > 0
    gaps = np.abs(curve.confidence - curve.share_right)[filled]

    assert expected_calibration_error(labels, scores, "multi-class") == pytest.approx(
        float((gaps * curve.n_samples[filled]).sum() / 100), abs=1e-12
    )
    assert curve.n_samples.sum() == 100


def test_the_calibration_error_of_labels_is_their_mean() -> None:
    labels, scores = [[0, 1], [1, 1]], [[0.5, 0.9], [0.5, 0.9]]

    assert expected_calibration_error(labels, scores, MULTI_LABEL) == pytest.approx(0.05)
    assert len(reliability_curves(labels, scores, MULTI_LABEL)) == 2


def test_a_value_on_a_border_belongs_to_the_lower_bin() -> None:
    (curve,) = reliability_curves([0, 0, 1, 1], [0.0, 0.5, 0.75, 1.0], "binary-class", n_bins=2)

    assert curve.n_samples.tolist() == [2, 2]


@pytest.mark.parametrize("n_bins", [10, 15, 50, 100])
def test_every_border_belongs_to_the_lower_bin(n_bins: int) -> None:
    borders = np.arange(1, n_bins + 1) / n_bins
    (curve,) = reliability_curves(np.arange(n_bins) % 2, borders, "binary-class", n_bins=n_bins)

    assert [1] * n_bins == curve.n_samples.tolist()


def test_an_empty_bin_is_nan() -> None:
    (curve,) = reliability_curves([0, 1], [0.1, 0.2], "binary-class", n_bins=2)

    assert np.isnan(curve.share_right[1])


@pytest.mark.parametrize("metric", [log_loss, brier_score, expected_calibration_error, reliability_curves])
def test_logits_are_refused(metric) -> None:
    with pytest.raises(ValueError, match=r"y_score has values from -2 to 3\. .*probabilities.*softmax .* or a sigmoid"):
        metric([0, 1], [-2.0, 3.0], "binary-class")
    with pytest.raises(ValueError, match=r"those in row 1 of y_score add up to 1\.1"):
        metric([0, 1], [[0.5, 0.5], [0.5, 0.6]], "multi-class")


def test_sums_that_differ_from_1_by_rounding_are_accepted() -> None:
    assert brier_score([1], np.array([1 + 1e-7]), "binary-class") == 0.0
    assert log_loss([0], [[0.333, 0.333, 0.333]], "multi-class") == pytest.approx(-np.log(0.333))


def test_less_than_one_bin_is_refused() -> None:
    with pytest.raises(ValueError, match="n_bins is 0"):
        reliability_curves([0, 1], [0.1, 0.2], "binary-class", n_bins=0)
