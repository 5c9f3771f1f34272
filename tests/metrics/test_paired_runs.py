"""Several runs of two methods on the same samples: a test that accounts for samples and runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medmnist_np.metrics import Predictions, paired_delong, paired_runs

LABELS = np.arange(156) % 2


def runs(random: np.random.Generator, n: int, *, shift: float = 2.0, between: float = 0.15) -> list[Predictions]:
    """Runs of one method, whose strength varies from run to run."""
    images = np.random.default_rng(7).normal(size=len(LABELS))  # what makes an image hard for every run
    strengths = shift + between * random.normal(size=n)
    return [
        Predictions(LABELS, sigmoid(strength * LABELS + 0.8 * images + 0.6 * random.normal(size=len(LABELS))), TASK)
        for strength in strengths
    ]


TASK = "binary-class"


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(1 - values))


def test_one_run_of_each_method_gives_the_test_of_delong() -> None:
    random = np.random.default_rng(0)
    (a,), (b,) = runs(random, 1), runs(random, 1)
    found, expected = paired_runs([a], [b]), paired_delong(a, b)
    assert (found.low, found.high, found.p_value) == pytest.approx((expected.low, expected.high, expected.p_value))


def test_the_difference_is_that_of_the_means() -> None:
    random = np.random.default_rng(0)
    a, b = runs(random, 3), runs(random, 4)
    areas = [paired_delong(run, run).first for run in (*a, *b)]
    assert paired_runs(a, b).difference == pytest.approx(np.mean(areas[3:]) - np.mean(areas[:3]))


def test_exchanged_methods_change_the_sign_only() -> None:
    random = np.random.default_rng(0)
    a, b = runs(random, 3), runs(random, 4)
    found, exchanged = paired_runs(a, b), paired_runs(b, a)
    assert (found.low, found.p_value) == pytest.approx((-exchanged.high, exchanged.p_value))


def test_the_variance_for_accuracy_is_that_of_obuchowski_and_rockette() -> None:
    random = np.random.default_rng(1)
    a, b = runs(random, 3), runs(random, 4)
    right = [[run.decisions.ravel() == LABELS for run in method] for method in (a, b)]
    n = len(LABELS)
    covariance = np.cov(np.array([*right[0], *right[1]], float)) / n
    values = [np.mean(method, axis=1) for method in right]

    def within(block: np.ndarray) -> float:  # mean covariance of two different runs
        return float(block[~np.eye(len(block), dtype=bool)].mean())

    of_samples = within(covariance[:3, :3]) + within(covariance[3:, 3:]) - 2 * covariance[:3, 3:].mean()
    of_runs = [value.var(ddof=1) / len(value) for value in values]
    variance = sum(of_runs) + max(of_samples, 0)
    freedom = variance**2 / (of_runs[0] ** 2 / 2 + of_runs[1] ** 2 / 3)
    from scipy.stats import t

    half = t.ppf(0.975, freedom) * math.sqrt(variance)
    found = paired_runs(a, b, "accuracy")
    assert (found.high - found.low) / 2 == pytest.approx(half)


def test_the_same_runs_do_not_differ() -> None:
    of_method = runs(np.random.default_rng(0), 3)
    assert paired_runs(of_method, of_method).p_value == 1.0


def test_equal_methods_are_called_different_in_about_5_percent_of_cases() -> None:
    random = np.random.default_rng(0)
    p_values = [paired_runs(runs(random, 3), runs(random, 3)).p_value for _ in range(300)]
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.09


def test_single_runs_of_equal_methods_are_called_different_too_often() -> None:
    random = np.random.default_rng(0)
    p_values = [paired_runs(runs(random, 1), runs(random, 1)).p_value for _ in range(300)]
    assert np.mean(np.array(p_values) < 0.05) > 0.1


def test_a_better_method_is_found() -> None:
    random = np.random.default_rng(0)
    assert paired_runs(runs(random, 5), runs(random, 5, shift=3.0)).p_value < 0.001


def test_runs_on_other_labels_are_refused() -> None:
    a = runs(np.random.default_rng(0), 2)
    other = Predictions(1 - LABELS, a[0].scores, TASK)
    with pytest.raises(ValueError, match="labels"):
        paired_runs(a, [other])


def test_no_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="Both methods need at least one run"):
        paired_runs([], runs(np.random.default_rng(0), 2))


def test_another_metric_is_refused() -> None:
    a = runs(np.random.default_rng(0), 2)
    with pytest.raises(ValueError, match="metric must be 'auc' or 'accuracy', not 'mcc'"):
        paired_runs(a, a, "mcc")  # type: ignore[arg-type]
