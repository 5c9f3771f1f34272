from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from medmnist_np.metrics import METRICS, Predictions, bootstrap_intervals, class_intervals, interval, paired_bootstrap
from medmnist_np.metrics.bootstrap import resamples, strata


@pytest.mark.parametrize("of", [None, np.array([0, 1, 1, 2, 0, 1, 0])])
@pytest.mark.parametrize("block", [1, 7, 15, 70, 10_000])
def test_resamples_do_not_depend_on_the_size_of_a_block(of, block: int) -> None:
    expected = np.concatenate(list(resamples(7, 20, 5, strata=of)))

    assert np.array_equal(expected, np.concatenate(list(resamples(7, 20, 5, strata=of, block=block))))


def test_a_seed_is_a_seed() -> None:
    first, again, other = (np.concatenate(list(resamples(50, 4, seed))) for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_resample_has_as_many_samples() -> None:
    for counts in resamples(30, 10, 0):
        assert [30] * 10 == counts.sum(axis=1).tolist()


def test_a_stratified_one_has_as_many_of_each_stratum() -> None:
    of = np.array([2, 0, 0, 1, 2, 2, 0, 2])
    for counts in resamples(8, 10, 0, strata=of):
        for stratum in range(3):
            assert {np.count_nonzero(of == stratum)} == set(counts[:, of == stratum].sum(axis=1).tolist())


@pytest.mark.parametrize("of", [None, np.repeat([0, 1], [3, 7])])
def test_every_sample_is_drawn_equally_often(of) -> None:
    total = sum(counts.sum(axis=0) for counts in resamples(10, 20_000, 0, strata=of))

    # The standard deviation of each is about 140.
    assert abs(total - 20_000).max() < 700


def test_strata_are_classes_or_combinations_of_labels() -> None:
    assert strata(Predictions([0, 1, 0], [0.1, 0.2, 0.3], "binary-class")).tolist() == [0, 1, 0]
    findings = [[0, 1], [1, 1], [0, 1], [0, 0]]
    assert strata(Predictions(findings, np.ones((4, 2)), "multi-label, binary-class")).tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(
    "name",
    [
        str,
        float,
        lambda number: f"patient {9 - number % 10}{number}",
        lambda number: (number, "of two parts"),
        lambda n: -n,
    ],
    ids=["text", "float", "sorted otherwise", "objects", "negative"],
)
def test_the_names_of_groups_do_not_matter(name) -> None:
    random = np.random.default_rng(0)
    numbers = random.permutation(np.repeat(np.arange(8, 28), 3)).tolist()  # 8 to 27: "10" is before "8"
    labels = random.integers(2, size=60)
    predictions = Predictions(labels, random.random(60) + labels / 2, "binary-class")
    renamed = np.empty(60, dtype=object)
    renamed[:] = [name(number) for number in numbers]
    kinds = [renamed] if isinstance(renamed[0], tuple) else [renamed, np.array(renamed.tolist())]
    for groups in kinds:
        assert interval(predictions, groups=numbers) == interval(predictions, groups=groups)
        first = paired_bootstrap(predictions, predictions, "f1", groups=numbers)
        assert first == paired_bootstrap(predictions, predictions, "f1", groups=groups)


def test_the_numbers_of_classes_do_not_matter_for_a_stratified_bootstrap() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(3, size=90)
    scores = random.random((90, 3)) + np.eye(3)[labels]
    renumber = np.array([2, 0, 1])
    first = interval(Predictions(labels, scores, "multi-class"), "accuracy", stratified=True)
    other = interval(
        Predictions(renumber[labels], scores[:, np.argsort(renumber)], "multi-class"), "accuracy", stratified=True
    )
    assert first == other


def test_whole_groups_are_drawn() -> None:
    groups = np.array(["b", "a", "b", "c", "b"])
    for counts in resamples(5, 50, 0, groups=groups, block=15):
        assert (counts[:, groups == "b"] == counts[:, [0]]).all()
        assert [3] * len(counts) == counts[:, [0, 1, 3]].sum(axis=1).tolist()  # of three groups, one sample each


def test_groups_of_one_sample_are_samples() -> None:
    expected = np.concatenate(list(resamples(7, 20, 5)))
    assert np.array_equal(expected, np.concatenate(list(resamples(7, 20, 5, groups=np.arange(7)))))


@pytest.mark.parametrize("metric", METRICS)
def test_in_a_resample_of_groups_metrics_are_those_of_its_samples(metric: str) -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(3, size=40), rng.dirichlet(np.ones(3), size=40)
    counts = np.concatenate(list(resamples(40, 5, 0, groups=np.arange(40) // 3)))
    assert len(set(counts.sum(axis=1).tolist())) > 1
    found = METRICS[metric].resampled(Predictions(labels, scores, "multi-class"), counts)
    for row, values in zip(counts, found, strict=True):
        drawn = Predictions(np.repeat(labels, row), np.repeat(scores, row, axis=0), "multi-class")
        np.testing.assert_allclose(METRICS[metric].per_class(drawn), values, rtol=1e-9)


def test_intervals_of_samples_that_are_copies_are_those_of_the_samples() -> None:
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(2, size=60), rng.random(60)
    once = Predictions(labels, scores, "binary-class")
    thrice = Predictions(np.repeat(labels, 3), np.repeat(scores, 3), "binary-class")
    expected = bootstrap_intervals(once, ["auc", "accuracy"])
    grouped = bootstrap_intervals(thrice, ["auc", "accuracy"], groups=np.repeat(np.arange(60), 3))
    naive = bootstrap_intervals(thrice, ["auc"])["auc"]
    for metric, one in expected.items():
        assert (one.low, one.high) == pytest.approx((grouped[metric].low, grouped[metric].high))
    assert grouped["auc"].method == "grouped percentile"
    assert naive.high - naive.low < 0.7 * (grouped["auc"].high - grouped["auc"].low)


def test_every_interval_of_groups_is_that_of_several_metrics_at_once() -> None:
    rng = np.random.default_rng(2)
    labels, groups = rng.integers(3, size=60), np.repeat(np.arange(20), 3).astype(str)
    predictions = Predictions(labels, rng.dirichlet(np.ones(3), size=60), "multi-class")
    expected = bootstrap_intervals(predictions, ["recall"], groups=groups)["recall"]
    assert expected == interval(predictions, "recall", groups=groups)
    of_classes = class_intervals(predictions, "recall", groups=groups)
    assert {one.method for one in of_classes} == {"grouped percentile"}
    assert expected.estimate == pytest.approx(sum(one.estimate for one in of_classes) / 3)


def test_a_difference_on_samples_that_are_copies_is_that_on_the_samples() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(2, size=50)
    scores = [rng.normal(size=50) + labels, rng.normal(size=50) + 1.5 * labels]
    expected = paired_bootstrap(*(Predictions(labels, one, "binary-class") for one in scores))
    copies = [Predictions(np.repeat(labels, 4), np.repeat(one, 4), "binary-class") for one in scores]
    found = paired_bootstrap(*copies, groups=np.repeat(np.arange(50), 4))
    assert found.method == "grouped bootstrap"
    assert (expected.low, expected.high, expected.p_value) == pytest.approx((found.low, found.high, found.p_value))
    assert paired_bootstrap(*copies).p_value < found.p_value


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2], "one group for each of 4 samples"),
        ([1] * 4, "at least 2 groups, and there is 1"),
        (["a", "a", None, "b"], "Sample 2 has no group: groups.2. is None"),
        (["a", "a", "", "b"], "Sample 2 has no group"),
        (["a", "a", " ", "b"], "Sample 2 has no group"),
        (["a", "a", "NA", "b"], "Sample 2 has no group"),
        ([1.0, float("nan"), float("nan"), 2.0], "Sample 1 has no group"),
        (["a", float("nan"), "b", "b"], "Sample 1 has no group"),
    ],
)
def test_groups_that_cannot_be_drawn_are_refused(groups, message: str) -> None:
    predictions = Predictions([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.5], "binary-class")
    with pytest.raises(ValueError, match=message):
        bootstrap_intervals(predictions, ["auc"], groups=groups)


def test_classes_are_not_drawn_together_with_groups() -> None:
    predictions = Predictions([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.5], "binary-class")
    with pytest.raises(ValueError, match="cannot be combined"):
        bootstrap_intervals(predictions, ["auc"], groups=[1, 1, 2, 2], stratified=True)


def test_groups_may_be_named_by_texts_and_numbers_together() -> None:
    predictions = Predictions([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.5], "binary-class")
    expected = bootstrap_intervals(predictions, ["accuracy"], groups=["7", "7", "b", "c"])
    assert expected == bootstrap_intervals(predictions, ["accuracy"], groups=np.array([7, 7, "b", "c"], dtype=object))


@pytest.mark.parametrize("method", ["bca", "delong", "logit-delong", "newcombe", "wilson"])
def test_methods_that_take_samples_for_independent_refuse_groups(method) -> None:
    predictions = Predictions([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.5], "binary-class")
    metric = "accuracy" if method == "wilson" else "auc"
    with pytest.raises(ValueError, match="does not support groups"):
        interval(predictions, metric, method=method, groups=[1, 1, 2, 2])
    if method not in ("bca", "wilson"):
        with pytest.raises(ValueError, match="does not support groups"):
            class_intervals(predictions, metric, method=method, groups=[1, 1, 2, 2])


def test_memory_is_bounded() -> None:
    tracemalloc.start()
    for _ in resamples(10_000, 300, 0):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8e6  # all at once: 24 MB, and as much again for what was drawn
