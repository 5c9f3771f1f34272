from __future__ import annotations

import math

import numpy as np
import pytest

from medmnist_np.metrics import summarise_runs


def test_mean_deviation_and_interval_of_three_runs() -> None:
    from scipy.stats import t

    values = [0.883, 0.848, 0.855]
    runs = summarise_runs(values, level=0.9)
    low, high = t.interval(0.9, 2, np.mean(values), np.std(values, ddof=1) / math.sqrt(3))

    assert runs.n == 3
    assert runs.level == 0.9
    assert (runs.mean, runs.std) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert (runs.low, runs.high) == pytest.approx((low, high))


def test_the_interval_of_one_more_run_is_that_of_a_prediction() -> None:
    from scipy.stats import t

    values = [0.883, 0.848, 0.855]
    runs = summarise_runs(values, level=0.9)
    expected = t.interval(0.9, 2, np.mean(values), np.std(values, ddof=1) * math.sqrt(1 + 1 / 3))
    assert (runs.next_low, runs.next_high) == pytest.approx(expected)


def test_one_run_has_a_mean_only() -> None:
    runs = summarise_runs([0.9])

    assert runs.n == 1
    assert runs.mean == 0.9
    assert all(math.isnan(value) for value in (runs.std, runs.low, runs.high, runs.next_low, runs.next_high))


def test_equal_runs_have_no_interval() -> None:
    runs = summarise_runs([0.1, 0.1, 0.1])

    assert runs.mean == 0.1
    assert runs.std == 0.0
    assert np.isnan([runs.low, runs.high]).all()
    assert str(runs) == "0.100 (no interval of the mean: 3 runs with the same value)"


@pytest.mark.parametrize("values", [[], [0.5, np.nan], [[0.5, 0.6]]])
def test_what_is_no_list_of_numbers_is_refused(values) -> None:
    with pytest.raises(ValueError, match="It must be a list of finite numbers, one for each run"):
        summarise_runs(values)


def test_a_level_is_a_share() -> None:
    with pytest.raises(ValueError, match="level is 95"):
        summarise_runs([0.5, 0.6], level=95)
