from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from medmnist_np.metrics import Predictions
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


def test_memory_is_bounded() -> None:
    tracemalloc.start()
    for _ in resamples(10_000, 300, 0):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8e6  # all at once: 24 MB, and as much again for what was drawn
