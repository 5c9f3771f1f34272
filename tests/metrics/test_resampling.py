from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from medmnist_np.metrics import METRICS, Predictions, bootstrap_intervals
from medmnist_np.metrics.resampling import resamples, strata


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
    assert [0, 1, 0] == strata(Predictions([0, 1, 0], [0.1, 0.2, 0.3], "binary-class")).tolist()
    findings = [[0, 1], [1, 1], [0, 1], [0, 0]]
    assert [1, 2, 1, 0] == strata(Predictions(findings, np.ones((4, 2)), "multi-label, binary-class")).tolist()


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
    for metric, interval in expected.items():
        assert (interval.low, interval.high) == pytest.approx((grouped[metric].low, grouped[metric].high))
    assert "grouped percentile" == grouped["auc"].method
    assert naive.high - naive.low < 0.7 * (grouped["auc"].high - grouped["auc"].low)


@pytest.mark.parametrize(
    ("groups", "stratified", "message"),
    [([1, 2], False, "one for each of 4"), ([1] * 4, False, "there is one"), ([1, 1, 2, 2], True, "not both")],
)
def test_groups_that_cannot_be_drawn_are_refused(groups, stratified: bool, message: str) -> None:
    predictions = Predictions([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.5], "binary-class")
    with pytest.raises(ValueError, match=message):
        bootstrap_intervals(predictions, ["auc"], groups=groups, stratified=stratified)


def test_memory_is_bounded() -> None:
    tracemalloc.start()
    for _ in resamples(10_000, 300, 0):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8e6  # all at once: 24 MB, and as much again for what was drawn
