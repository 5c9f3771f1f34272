from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from medmnist_np.metrics import (
    METRICS,
    Interval,
    Predictions,
    accuracy,
    auc,
    bootstrap_intervals,
    class_intervals,
    interval,
    measure,
)

MULTI_LABEL = "multi-label, binary-class"


def predictions_of(task: str, n: int = 90) -> Predictions:
    random = np.random.default_rng(0)
    labels = np.append([0, 1, 2, 0, 1, 2], random.integers(0, 3, n - 6))
    scores = 0.7 * random.dirichlet([1, 1, 1], n) + 0.3 * np.eye(3)[labels]
    if task == "binary-class":
        return Predictions(labels == 1, scores[:, 1], task)
    return Predictions(np.eye(3, dtype=int)[labels] if task == MULTI_LABEL else labels, scores, task)


TASKS = ["binary-class", MULTI_LABEL, "multi-class", "ordinal-regression"]


@pytest.mark.parametrize(
    ("task", "stratified"),
    [*((task, False) for task in TASKS), *((task, True) for task in TASKS if task != MULTI_LABEL)],
)
def test_every_metric_of_every_task_has_a_bootstrap_interval(task: str, stratified: bool) -> None:
    predictions = predictions_of(task)
    found = bootstrap_intervals(predictions, METRICS, n_resamples=50, stratified=stratified, undefined="skip")

    assert list(METRICS) == list(found)
    for name, one in found.items():
        assert one.low <= one.estimate <= one.high or name == "expected_calibration_error"
        assert one.n_resamples == 50


def test_a_metric_has_the_same_interval_alone_and_together_with_others() -> None:
    predictions = predictions_of("multi-class")

    alone = interval(predictions, "f1", n_resamples=60, seed=3)
    assert alone == bootstrap_intervals(predictions, ["auc", "f1"], n_resamples=60, seed=3)["f1"]
    assert alone != interval(predictions, "f1", n_resamples=60, seed=4)


@pytest.mark.parametrize("name", METRICS)
def test_intervals_do_not_depend_on_the_size_of_a_block(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    predictions = predictions_of("multi-class")
    expected = interval(predictions, name, n_resamples=30, undefined="skip")
    monkeypatch.setattr("medmnist_np.metrics.bootstrap.resamples.__kwdefaults__", {"strata": None, "block": 200})

    assert expected == interval(predictions, name, n_resamples=30, undefined="skip")


def test_a_single_metric_can_be_a_string() -> None:
    predictions = predictions_of("binary-class")
    expected = bootstrap_intervals(predictions, ["auc"], n_resamples=20)

    assert expected == bootstrap_intervals(predictions, "auc", n_resamples=20)


def test_a_bootstrap_is_what_a_loop_over_drawn_samples_gives() -> None:
    random = np.random.default_rng(11)
    labels, scores = random.integers(0, 2, 40), random.random(40).round(1)
    drawn = np.random.default_rng(0).integers(40, size=(200, 40))
    looped = [auc(labels[row], scores[row], "binary-class") for row in drawn]
    one = interval(Predictions(labels, scores, "binary-class"), n_resamples=200, seed=0)

    assert (one.low, one.high) == pytest.approx(tuple(np.quantile(looped, [0.025, 0.975])), abs=1e-12)


def test_a_higher_level_is_wider() -> None:
    predictions = predictions_of("binary-class")
    for method in ("percentile", "bca", "delong", "logit-delong"):
        narrow, wide = (interval(predictions, method=method, level=level) for level in (0.8, 0.99))
        assert wide.low < narrow.low < narrow.high < wide.high


def test_methods_agree_on_many_samples() -> None:
    predictions = predictions_of("multi-class", 3000)
    expected = interval(predictions, method="delong")

    for method in ("percentile", "bca", "logit-delong"):
        one = interval(predictions, method=method)
        assert (one.low, one.high) == pytest.approx((expected.low, expected.high), abs=0.003)


def test_bca_agrees_with_scipy() -> None:
    from scipy.stats import bootstrap

    random = np.random.default_rng(5)
    labels = np.ones(60, dtype=int)
    scores = (random.random(60) < 0.85).astype(float)
    theirs = bootstrap((scores,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(0))
    one = interval(Predictions(labels, scores, "binary-class"), "accuracy", method="bca", n_resamples=20_000)

    # Means of 60 zeros and ones are 1/60 apart.
    assert (one.low, one.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.02)


def test_bca_of_areas_agrees_with_scipy() -> None:
    from scipy.stats import bootstrap

    random = np.random.default_rng(6)
    labels = np.arange(50) % 2
    scores = random.normal(size=50) + 1.5 * labels
    predictions = Predictions(labels, scores, "binary-class")

    def area(rows: np.ndarray) -> float:
        rows = rows.astype(int)
        return auc(labels[rows], scores[rows], "binary-class")

    theirs = bootstrap(
        (np.arange(50),), area, n_resamples=4000, method="BCa", vectorized=False, rng=np.random.default_rng(0)
    )
    one = interval(predictions, method="bca", n_resamples=20_000)
    assert (one.low, one.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)


@pytest.mark.parametrize("metric", ["exact_match", "hamming_loss"])
def test_bca_of_a_complement_is_the_complement(metric: str) -> None:
    predictions = predictions_of("multi-class")
    of_accuracy, one = (interval(predictions, name, method="bca") for name in ("accuracy", metric))
    expected = (of_accuracy.low, of_accuracy.high)

    mirrored = (1 - one.high, 1 - one.low) if metric == "hamming_loss" else (one.low, one.high)
    assert mirrored == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("n_right", "n"), [(0, 10), (7, 10), (132, 156), (156, 156)])
def test_wilson_agrees_with_scipy(n_right: int, n: int) -> None:
    from scipy.stats import binomtest

    predictions = Predictions(np.ones(n, dtype=int), np.arange(n) < n_right, "binary-class")
    theirs = binomtest(n_right, n).proportion_ci(method="wilson")
    one = interval(predictions, "accuracy", method="wilson")

    assert (one.estimate, one.low, one.high) == pytest.approx((n_right / n, theirs.low, theirs.high), abs=1e-12)


def test_wilson_refuses_several_decisions_per_sample() -> None:
    with pytest.raises(ValueError, match="those on the labels of one sample are not"):
        interval(predictions_of(MULTI_LABEL), "accuracy", method="wilson")


@pytest.mark.parametrize("scores", [[0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [0.5] * 6], ids=["perfect", "constant"])
@pytest.mark.parametrize("method", ["delong", "logit-delong", "percentile", "bca"])
def test_newcombes_interval_replaces_an_auc_interval_without_width(method: Any, scores: list[float]) -> None:
    predictions = Predictions([0, 0, 0, 1, 1, 1], scores, "binary-class")
    found, expected = interval(predictions, method=method), interval(predictions, method="newcombe")

    assert expected.low == found.low
    assert expected.high == found.high
    assert found.method == "newcombe"
    assert found.high - found.low > 0.1
    assert found.note
    if method != "bca":
        (of_class,) = class_intervals(predictions, method=method)
        assert expected.low == of_class.low
        assert expected.high == of_class.high


def test_a_perfect_mean_over_classes_has_the_mean_of_newcombes_ends() -> None:
    labels = [0, 0, 0, 1, 1, 2, 2]
    predictions = Predictions(labels, np.eye(3)[labels], "multi-class")
    each = class_intervals(predictions, method="newcombe")
    for method in ("delong", "percentile"):
        found = interval(predictions, method=method, undefined="skip")
        assert found.low == pytest.approx(np.mean([one.low for one in each]))
        assert found.high == 1.0


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_wilsons_interval_replaces_an_accuracy_interval_without_width(method: Any) -> None:
    predictions = Predictions([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], "binary-class")
    found, expected = (interval(predictions, "accuracy", method=one) for one in (method, "wilson"))

    assert found.estimate == 1.0
    assert expected.low == found.low
    assert found.high == 1.0
    assert found.method == "wilson"


@pytest.mark.parametrize("groups", [None, [0, 0, 1, 1, 2, 2, 3, 3]], ids=["samples", "groups"])
@pytest.mark.parametrize("metric", METRICS)
def test_no_metric_of_a_perfect_result_has_an_interval_without_width(metric: str, groups: Any) -> None:
    predictions = Predictions([0, 1] * 4, [0.0, 1.0] * 4, "binary-class")
    found = interval(predictions, metric, groups=groups, n_resamples=50, undefined="skip")

    assert found.low < found.high or (math.isnan(found.low) and found.note)
    assert math.isnan(found.low) == ("no interval" in str(found))


def test_the_expected_calibration_error_has_no_bootstrap_interval() -> None:
    predictions = predictions_of("multi-class")
    found = interval(predictions, "expected_calibration_error")

    assert found.estimate == measure(predictions, "expected_calibration_error")
    assert math.isnan(found.low)
    assert "larger in every resample" in found.note
    assert all(math.isnan(one.low) for one in class_intervals(predictions, "expected_calibration_error"))


def test_a_stratified_bootstrap_of_a_multi_label_task_is_refused() -> None:
    with pytest.raises(ValueError, match="does not support multi-label tasks"):
        interval(predictions_of(MULTI_LABEL), stratified=True)


def test_newcombe_has_width_where_the_area_is_1() -> None:
    one = interval(Predictions([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], "binary-class"), method="newcombe")

    assert one.estimate == 1.0
    assert one.high == 1.0
    assert 0.2 < one.low < 0.6


def test_newcombe_solves_its_equation() -> None:
    predictions = predictions_of("binary-class")
    one = interval(predictions, method="newcombe")
    p = int(predictions.labels.sum())
    q, n = 90 - p, 90 / 2 - 1

    for end in (one.low, one.high):
        variance = end * (1 - end) * (1 + n * (1 - end) / (2 - end) + n * end / (1 + end)) / (p * q)
        assert abs(end - one.estimate) / variance**0.5 == pytest.approx(1.959963984540054)


@pytest.mark.parametrize("task", ["multi-class", MULTI_LABEL])
def test_newcombe_refuses_a_mean_of_several_aucs(task: str) -> None:
    with pytest.raises(ValueError, match="for a single AUC, not for a mean of several"):
        interval(predictions_of(task), method="newcombe")
    assert len(class_intervals(predictions_of(task), method="newcombe")) == 3


def test_delong_stays_within_0_and_1() -> None:
    labels, scores = [0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.6, 0.5, 0.8, 0.9]

    assert interval(Predictions(labels, scores, "binary-class"), method="delong").high == 1.0
    assert 1.0 > interval(Predictions(labels, scores, "binary-class"), method="logit-delong").high


@pytest.mark.parametrize("method", ["percentile", "delong", "logit-delong", "newcombe"])
def test_every_class_has_an_interval(method: str) -> None:
    predictions = predictions_of("multi-class")
    found = class_intervals(predictions, method=method)

    assert len(found) == 3
    assert np.mean([one.estimate for one in found]) == pytest.approx(interval(predictions).estimate)
    assert all(one.low < one.estimate < one.high for one in found)


@pytest.mark.parametrize("method", ["percentile", "delong", "newcombe"])
def test_an_absent_class_has_no_interval(method: str) -> None:
    scores = np.random.default_rng(0).random((30, 3))
    found = class_intervals(Predictions(np.arange(30) % 2, scores, "multi-class"), method=method)

    assert [math.isnan(one.low) for one in found] == [False, False, True]


# What is not defined


def test_resamples_without_a_class_are_left_out_and_counted() -> None:
    labels = np.append([1, 1], np.zeros(20, dtype=int))
    one = interval(Predictions(labels, np.arange(22)[::-1] / 22, "binary-class"))

    # A resample has neither positive sample with a chance of (20/22)^22, about 12 %.
    assert 80 < one.n_undefined < 170
    assert one.estimate == 1.0
    assert one.method == "newcombe"


def test_stratified_resamples_are_all_defined() -> None:
    labels = np.append([1, 1], np.zeros(20, dtype=int))

    assert interval(Predictions(labels, np.arange(22) / 22, "binary-class"), stratified=True).n_undefined == 0


@pytest.mark.parametrize("method", ["percentile", "bca", "delong", "logit-delong"])
def test_an_absent_class_is_refused_skipped_or_nan(method: str) -> None:
    scores = np.random.default_rng(0).random((30, 3))
    predictions = Predictions(np.arange(30) % 2, scores, "multi-class")

    with pytest.raises(ValueError, match="AUC of class 2 is not defined"):
        interval(predictions, method=method)
    skipped = interval(predictions, method=method, undefined="skip")
    assert skipped.low < skipped.estimate < skipped.high
    assert math.isnan(interval(predictions, method=method, undefined="nan").low)


@pytest.mark.parametrize("method", ["delong", "logit-delong", "newcombe"])
@pytest.mark.parametrize("undefined", ["skip", "nan", "zero"])
def test_a_metric_that_is_never_defined_has_no_interval(method: str, undefined: str) -> None:
    one = interval(Predictions([0, 0], [0.1, 0.2], "binary-class"), method=method, undefined=undefined)

    assert math.isnan(one.low)
    assert math.isnan(one.high)


def test_bca_needs_two_samples_of_each_class() -> None:
    predictions = Predictions([0, 0, 1], [0.1, 0.3, 0.2], "binary-class")
    with pytest.raises(ValueError, match="each class needs at least 2 samples"):
        interval(predictions, method="bca")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "aucc"}, r"Unknown metric 'aucc'\. Did you mean 'auc'"),
        ({"method": "wald"}, "Unknown method 'wald'"),
        ({"method": "wilson"}, "The method 'wilson' supports accuracy, not auc"),
        ({"metric": "f1", "method": "bca"}, "The method 'bca' supports auc, accuracy, .* not f1"),
        ({"metric": "accuracy", "method": "delong"}, "The method 'delong' supports auc, not accuracy"),
        ({"level": 95}, "level is 95"),
        ({"n_resamples": 1}, "n_resamples is 1. It must be at least 2"),
        ({"undefined": "drop"}, "Unknown value of undefined: 'drop'"),
    ],
)
def test_unknown_names_and_invalid_values_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        interval(predictions_of("binary-class"), **options)


@pytest.mark.parametrize("method", ["bca", "wilson", "wald"])
def test_class_intervals_refuse_bca_and_wilson(method: str) -> None:
    with pytest.raises(ValueError, match=f"method '{method}'"):
        class_intervals(predictions_of("multi-class"), method=method)


def test_one_sample_has_no_bootstrap() -> None:
    with pytest.raises(ValueError, match="at least 2 samples"):
        interval(Predictions([1], [0.7], "binary-class"), "accuracy")
    assert interval(Predictions([1], [0.7], "binary-class"), "accuracy", method="wilson").high == 1.0


def test_the_estimate_is_the_metric() -> None:
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 2, (50, 4)), random.random((50, 4))
    predictions = Predictions(labels, scores, MULTI_LABEL)

    assert accuracy(labels, scores, MULTI_LABEL) == interval(predictions, "accuracy", method="bca").estimate
    assert auc(labels, scores, MULTI_LABEL) == interval(predictions).estimate


def test_an_interval_reads_as_a_sentence() -> None:
    assert str(Interval(0.9012, 0.85, 0.94, 0.9, "bca", 1000)) == "0.901 (90 % interval 0.850 to 0.940, bca)"


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.filterwarnings("ignore")
def test_an_auc_that_is_zero_because_no_class_defines_it_has_no_interval(method: str) -> None:
    one_class = Predictions(np.ones(20, dtype=int), np.linspace(0, 1, 20), "binary-class")
    found = interval(one_class, "auc", method=method, n_resamples=50, undefined="zero")
    assert found.estimate == 0
    assert math.isnan(found.low)
    assert math.isnan(found.high)
