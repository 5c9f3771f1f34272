from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np.metrics import (
    METRICS,
    Predictions,
    auc,
    holm,
    interval,
    mcnemar,
    mcnemar_per_label,
    paired_bootstrap,
    paired_delong,
    paired_delong_per_class,
)
from tests.metrics.test_delong import by_definition

MULTI_LABEL = "multi-label, binary-class"


def two_models(
    n: int = 120, task: str = "multi-class", shares: tuple[float, ...] = (0.3, 0.4)
) -> tuple[Predictions, Predictions]:
    random = np.random.default_rng(0)
    labels = np.append([0, 1, 2, 0, 1, 2], random.integers(0, 3, n - 6))
    common = random.dirichlet([1, 1, 1], n)
    good, better = (common * (1 - share) + share * np.eye(3)[labels] for share in shares)
    if task == MULTI_LABEL:
        labels = np.eye(3, dtype=int)[labels]
    return Predictions(labels, good, task), Predictions(labels, better, task)


def test_paired_delong_is_that_of_the_definition() -> None:
    random = np.random.default_rng(1)
    labels, scores = np.arange(60) % 2, random.normal(size=(2, 60))
    scores += np.outer([0.8, 1.2], labels)
    first, second = (Predictions(labels, row, "binary-class") for row in scores)
    covariance = by_definition(labels == 1, scores)
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    found = paired_delong(first, second)

    assert found.difference == auc(labels, scores[1], "binary-class") - auc(labels, scores[0], "binary-class")
    assert (found.high - found.low) / 2 == pytest.approx(1.959963984540054 * error, abs=1e-12)
    assert found.p_value == pytest.approx(math.erfc(abs(found.difference) / error / math.sqrt(2)), abs=1e-12)


def test_a_model_does_not_differ_from_itself() -> None:
    first, _ = two_models()

    assert paired_delong(first, first).difference == 0.0
    assert paired_delong(first, first).p_value == 1.0
    assert paired_bootstrap(first, first).difference == 0.0
    assert paired_bootstrap(first, first).p_value == 1.0
    assert mcnemar(first, first).p_value == 1.0


@pytest.mark.parametrize("compare", [paired_delong, paired_bootstrap])
def test_a_perfect_and_a_constant_score_of_four_samples_do_not_differ_for_certain(compare: Any) -> None:
    perfect, constant = (Predictions([0, 0, 1, 1], scores, "binary-class") for scores in ([1, 2, 3, 4], [5] * 4))
    found = compare(constant, perfect)

    # Two of the six orders of the labels are as far apart.
    assert found.difference == 0.5
    assert 1 / 3 == found.p_value
    assert found.method == "permutation"
    assert found.low < 0 < found.high <= 1
    assert found.note


def test_two_perfect_scores_have_an_interval_with_width() -> None:
    labels = [0] * 5 + [1] * 5
    first, second = (
        Predictions(labels, scores, "binary-class") for scores in (range(10), [4, 3, 2, 1, 0, *range(5, 10)])
    )
    found = paired_delong(first, second)

    assert found.difference == 0.0
    assert found.p_value == 1.0
    assert found.low < -0.1 < 0.1 < found.high


def test_a_permutation_test_keeps_its_level_where_an_auc_of_1_comes_by_chance() -> None:
    p_values, ends = [], []
    for seed in range(300):
        random = np.random.default_rng(seed)
        labels = np.repeat([0, 1], 8)
        first, second = (Predictions(labels, random.normal(size=16) + 2 * labels, "binary-class") for _ in range(2))
        if 1.0 in (auc(labels, first.scores, "binary-class"), auc(labels, second.scores, "binary-class")):
            found = paired_delong(first, second)
            p_values.append(found.p_value)
            ends.append((found.low, found.high))

    assert len(p_values) > 40
    assert np.mean(np.array(p_values) < 0.05) < 0.12
    assert np.mean([low <= 0 <= high for low, high in ends]) > 0.9


@pytest.mark.parametrize("metric", METRICS)
def test_no_difference_has_an_interval_without_width_unless_the_scores_are_the_same(metric: str) -> None:
    labels = [0, 1] * 6
    right, wrong = (Predictions(labels, scores, "binary-class") for scores in ([0.0, 1.0] * 6, [1.0, 0.0] * 6))
    found = paired_bootstrap(wrong, right, metric, n_resamples=50, undefined="skip")

    assert found.low < found.high or (math.isnan(found.low) and found.note)
    assert found.p_value != 0
    assert math.isnan(found.low) == ("no interval" in str(found))
    same = paired_bootstrap(right, right, metric, n_resamples=50, undefined="skip")
    assert same.low == 0.0
    assert same.high == 0.0
    assert same.p_value == 1.0


def test_p_values_are_never_written_as_0() -> None:
    first, second = two_models(3000, shares=(0.1, 0.2))

    assert "p < 0.001" in str(paired_delong(first, second))


def test_a_difference_of_areas_is_never_beyond_1() -> None:
    labels = [0, 0, 0, 1, 1, 1]
    first, second = (Predictions(labels, scores, "binary-class") for scores in ([4, 5, 6, 1, 2, 5], [1, 2, 3, 4, 6, 3]))

    assert paired_delong(first, second).high == 1.0
    assert paired_delong(second, first).low == -1.0


def test_swapping_the_models_changes_the_sign_of_the_difference() -> None:
    first, second = two_models()
    there, back = paired_delong(first, second), paired_delong(second, first)

    assert (there.difference, there.low, there.p_value) == pytest.approx((-back.difference, -back.high, back.p_value))


def test_bootstrap_and_delong_agree_on_many_samples() -> None:
    first, second = two_models(3000)
    delong, bootstrap = paired_delong(first, second), paired_bootstrap(first, second)

    assert (bootstrap.first, bootstrap.second) == pytest.approx((delong.first, delong.second), abs=1e-12)
    assert (bootstrap.low, bootstrap.high) == pytest.approx((delong.low, delong.high), abs=0.002)
    assert bootstrap.p_value == 2 / 1001


def test_a_paired_test_finds_differences_that_separate_intervals_miss() -> None:
    first, second = two_models(shares=(0.3, 0.33))
    found = paired_delong(first, second)
    separate = interval(first, method="delong"), interval(second, method="delong")

    assert separate[0].high > separate[1].low
    assert found.low > 0


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_be_compared(metric: str) -> None:
    first, second = two_models()
    found = paired_bootstrap(first, second, metric, n_resamples=40, stratified=True)

    assert found.low <= found.high
    assert found.method == "stratified bootstrap"
    assert 0 < found.p_value <= 1


def test_a_class_has_a_difference_of_its_own() -> None:
    first, second = two_models()
    found = paired_delong_per_class(first, second)

    assert len(found) == 3
    assert np.mean([one.difference for one in found]) == pytest.approx(paired_delong(first, second).difference)


def test_an_absent_class_is_refused_skipped_or_nan() -> None:
    random = np.random.default_rng(0)
    first, second = (Predictions(np.arange(40) % 2, random.random((40, 3)), "multi-class") for _ in range(2))

    with pytest.raises(ValueError, match="class 2 is not defined"):
        paired_delong(first, second)
    assert 0 < paired_delong(first, second, undefined="skip").p_value < 1
    assert math.isnan(paired_delong(first, second, undefined="nan").p_value)
    assert math.isnan(paired_bootstrap(first, second, undefined="nan").p_value)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_mcnemar_agrees_with_scipy(hits: list[tuple[bool, bool]]) -> None:
    from scipy.stats import binomtest

    first, second = (Predictions(np.ones(len(hits), int), np.array(row), "binary-class") for row in zip(*hits))  # noqa: B905
    found = mcnemar(first, second)
    n = found.only_first + found.only_second

    assert sum(a and not b for a, b in hits) == found.only_first
    assert found.p_value == pytest.approx(binomtest(found.only_first, n).pvalue if n else 1.0, abs=1e-12)


def test_mcnemar_is_exact_on_many_decisions() -> None:
    n = 40_000
    first = Predictions(np.ones(n, int), np.arange(n) < 20_300, "binary-class")
    second = Predictions(np.ones(n, int), np.arange(n) >= 20_300, "binary-class")

    # Three standard deviations off: the normal approximation, with its correction, gives 0.002744.
    assert mcnemar(first, second).p_value == pytest.approx(0.00274, abs=1e-5)


def test_mcnemar_of_labels_is_made_for_each() -> None:
    first, second = two_models(task=MULTI_LABEL)

    with pytest.raises(ValueError, match="Use mcnemar_per_label and holm"):
        mcnemar(first, second)
    found = mcnemar_per_label(first, second)
    assert len(found) == 3
    assert all(test.only_second > test.only_first for test in found)
    assert len(mcnemar_per_label(*two_models())) == 1


def test_holm_adjusts_as_its_author_does() -> None:
    assert pytest.approx(holm([0.02, 0.03, 0.04, 0.005]).tolist()) == [0.06, 0.06, 0.06, 0.02]


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_makes_nothing_smaller(p_values: list[float]) -> None:
    adjusted = holm(p_values)

    assert (adjusted >= p_values).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p_values)]) >= 0).all()


@pytest.mark.parametrize("p_values", [[0.1, np.nan], [1.1], 0.5, [[0.1]]])
def test_holm_refuses_anything_but_a_list_of_p_values(p_values) -> None:
    with pytest.raises(ValueError, match="It must be a list of numbers from 0 to 1"):
        holm(p_values)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Predictions([0, 1], [0.1, 0.2], "binary-class"), "The tasks differ"),
        (Predictions([0, 1, 2], np.eye(3), "multi-class"), r"The labels have shapes \(4,\) and \(3,\)"),
        (Predictions([0, 1, 1, 0], np.ones((4, 2)), "multi-class"), "The scores have shapes"),
        (Predictions([0, 1, 1, 0], np.ones((4, 3)), "multi-class"), "The labels differ, first at sample 2"),
    ],
)
@pytest.mark.parametrize("compare", [paired_delong, paired_delong_per_class, paired_bootstrap, mcnemar])
def test_other_samples_are_refused(compare, other: Predictions, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare(Predictions([0, 1, 0, 1], np.ones((4, 3)), "multi-class"), other)


def test_a_difference_reads_as_a_sentence() -> None:
    first, second = two_models()

    assert str(paired_delong(first, second)).startswith("+0.0")
    assert "% interval +0.0" in str(paired_delong(first, second))
