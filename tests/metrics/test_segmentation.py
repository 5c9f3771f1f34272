from __future__ import annotations

import json
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import ArrayLike

from medmnist_np.metrics import Predictions, SegmentationTable, compare_segmentations, interval

NAN, INF = math.nan, math.inf


def table_of(values: ArrayLike, metric: str = "dice") -> SegmentationTable:
    """A table of one metric, from values (cases, labels)."""
    array = np.array(values, dtype=float)
    n_cases, n_labels = array.shape
    return SegmentationTable(array[..., None], tuple(map(str, range(n_cases))), tuple("abcdef"[:n_labels]), (metric,))


def scores(n: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).beta(8, 2, (n, 2))


def test_each_label_counts_the_same_in_the_mean_over_labels() -> None:
    table = table_of([[0.5, NAN], [0.7, NAN], [0.9, 0.1]])

    assert pytest.approx(table.means[:, 0].tolist()) == [0.7, 0.1]
    assert pytest.approx(table.mean("dice")) == 0.4
    assert table.mean("dice", "b") == 0.1


def test_a_label_that_no_case_has_is_left_out_of_the_mean() -> None:
    table = table_of([[0.5, NAN], [0.7, NAN]])

    assert math.isnan(table.mean("dice", "b"))
    assert pytest.approx(table.mean("dice")) == 0.6
    assert pytest.approx(table.interval("dice").estimate) == 0.6
    assert math.isnan(table.interval("dice", "b").low)
    assert math.isnan(table.interval("dice", "b", method="bca").low)


def test_a_label_may_be_named_by_its_number() -> None:
    table = SegmentationTable(np.array([[[0.5]]]), ("x",), ("1",), ("dice",))
    assert table.mean("dice", 1) == 0.5


def test_the_interval_of_zeros_and_ones_is_that_of_an_accuracy() -> None:
    right = np.random.default_rng(0).random(40) < 0.7
    predictions = Predictions(np.ones(40, int), right.astype(float), "binary-class")
    table = table_of(right[:, None])

    for method in ("percentile", "bca"):
        expected = interval(predictions, "accuracy", method=method)  # type: ignore[arg-type]
        found = table.interval("dice", "a", method=method)  # type: ignore[arg-type]
        assert [expected.estimate, expected.low, expected.high] == pytest.approx(
            [found.estimate, found.low, found.high]
        )
        assert method == found.method
        assert found.n_resamples == 1000
        assert found.n_undefined == 0


def test_an_interval_is_the_same_from_the_same_seed_and_narrower_with_more_cases() -> None:
    few, many = table_of(scores(10)), table_of(scores(300))

    assert few.interval("dice", seed=3) == few.interval("dice", seed=3)
    assert few.interval("dice", seed=3) != few.interval("dice", seed=4)
    widths = [found.high - found.low for found in (few.interval("dice"), many.interval("dice"))]
    assert widths[0] > 2 * widths[1]


def test_a_resample_without_a_case_of_a_label_is_left_out_and_counted() -> None:
    found = table_of([[0.5, 0.3], [0.7, NAN], [0.9, NAN]]).interval("dice")
    assert 0 < found.n_undefined < found.n_resamples
    assert found.low <= found.estimate <= found.high


def test_bca_needs_two_cases_of_each_label() -> None:
    with pytest.raises(ValueError, match="a label occurs in only one case"):
        table_of([[0.5, 0.3], [0.7, NAN], [0.9, NAN]]).interval("dice", method="bca")


def test_infinite_values_are_shown_and_have_no_interval() -> None:
    table = table_of([[2.5], [INF], [INF]], "hausdorff")

    assert table.mean("hausdorff") == INF
    assert "a is infinite in 2 of 3 cases: hausdorff" in repr(table)
    with pytest.raises(ValueError, match="hausdorff is infinite in 2 of 3 cases"):
        table.interval("hausdorff")
    with pytest.raises(ValueError, match='one_empty="diagonal"'):
        compare_segmentations(table, table, "hausdorff")


def test_a_table_reads_as_a_table() -> None:
    assert repr(table_of([[0.5, 0.4], [0.7, NAN]])).splitlines() == [
        "SegmentationTable: mean over 2 cases",
        "             dice",
        "a           0.600",
        "b           0.400",
        "all labels  0.500",
        "b is not defined in 1 of 2 cases: dice",
    ]


def test_a_table_can_be_written_as_json() -> None:
    found = json.loads(json.dumps(table_of([[2.5, NAN], [INF, 1]], "hausdorff").to_dict(), allow_nan=False))

    assert found["values"] == [[[2.5], [None]], [["inf"], [1.0]]]
    assert found["means"] == [["inf"], [1.0]]
    assert found["labels"] == ["a", "b"]
    assert found["one_empty"] == "infinite"


def test_a_table_cannot_be_changed_and_pickles() -> None:
    values = np.array([[[0.5]]])
    table = SegmentationTable(values, ("x",), ("1",), ("dice",))
    values[:] = 0

    with pytest.raises(ValueError, match="read-only"):
        table.values[:] = 0
    assert pickle.loads(pickle.dumps(table)).mean("dice") == 0.5


def test_values_that_do_not_fit_the_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 1, 1\)\. It must be \(2, 1, 1\): cases, labels"):
        SegmentationTable(np.zeros((1, 1, 1)), ("x", "y"), ("1",), ("dice",))


def test_what_is_not_there_is_refused() -> None:
    table = table_of(scores())
    with pytest.raises(ValueError, match=r"Unknown metric 'dise'\. Did you mean 'dice'"):
        table["dise"]
    with pytest.raises(ValueError, match="Unknown label 'z'"):
        table.mean("dice", "z")
    with pytest.raises(ValueError, match="Unknown method 'wilson'"):
        table.interval("dice", method="wilson")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Unknown test 't'"):
        compare_segmentations(table, table, test="t")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="level is 95"):
        table.interval("dice", level=95)
    with pytest.raises(ValueError, match="A bootstrap needs at least 2 cases, and there is 1"):
        table_of([[0.5]]).interval("dice")
    with pytest.raises(ValueError, match="n_resamples is 1"):
        table.interval("dice", n_resamples=1)


def test_a_method_that_is_better_in_each_case_differs() -> None:
    first = scores()
    better = first + 0.01 + np.random.default_rng(1).random(first.shape) / 100

    for test in ("bootstrap", "wilcoxon"):
        found = compare_segmentations(table_of(first), table_of(better), test=test)  # type: ignore[arg-type]
        assert found.difference == pytest.approx((better - first).mean())
        assert 0.01 < found.low < found.difference < found.high < 0.02
        assert found.p_value < 0.005
    assert found.method == "wilcoxon, bootstrap interval"


def test_a_method_does_not_differ_from_itself() -> None:
    table = table_of(scores())
    for test in ("bootstrap", "wilcoxon"):
        found = compare_segmentations(table, table, "dice", "a", test=test)  # type: ignore[arg-type]
        assert found.difference == 0
        assert found.low == 0
        assert found.high == 0
        assert found.p_value == 1


def test_pairing_sees_what_two_intervals_do_not() -> None:
    first = scores()
    table, better = table_of(first), table_of(first + 0.02 + np.arange(len(first))[:, None] % 2 / 1000)

    assert table.interval("dice").high > better.interval("dice").low
    assert compare_segmentations(table, better).low == pytest.approx(0.02, abs=0.001)


def test_a_difference_that_all_cases_share_has_no_bootstrap_interval() -> None:
    first = scores()
    found = compare_segmentations(table_of(first), table_of(first + 0.02))
    assert np.isnan([found.low, found.high, found.p_value]).all()
    assert found.note
    assert compare_segmentations(table_of(first), table_of(first + 0.02), test="wilcoxon").p_value < 0.01


def test_cases_count_where_both_are_defined() -> None:
    first, second = scores(20), scores(20, seed=1)
    first[3, 0] = second[7, 0] = NAN
    both = np.delete(np.arange(20), [3, 7])

    found = compare_segmentations(table_of(first), table_of(second), "dice", "a")
    assert (first[both, 0].mean(), second[both, 0].mean()) == pytest.approx((found.first, found.second))


def test_wilcoxon_is_that_of_scipy_on_the_means_of_cases() -> None:
    from scipy.stats import wilcoxon

    first, second = scores(20), scores(20, seed=1)
    found = compare_segmentations(table_of(first), table_of(second), test="wilcoxon")
    assert wilcoxon((second - first).mean(axis=1)).pvalue == found.p_value


def test_a_tolerance_matters_to_surface_dice_alone() -> None:
    table, tolerant = table_of(scores()), replace(table_of(scores()), tolerance_mm=(1.0, 1.0))
    assert compare_segmentations(table, tolerant).difference == 0
    near, nearer = (replace(table_of(scores(), "surface_dice"), tolerance_mm=(mm, mm)) for mm in (2.0, 1.0))
    with pytest.raises(ValueError, match=r"The two tables differ in tolerance_mm: \(2\.0, 2\.0\) and \(1\.0, 1\.0\)"):
        compare_segmentations(near, nearer, "surface_dice")


def test_tables_that_were_made_in_other_ways_are_not_compared() -> None:
    with pytest.raises(ValueError, match=r"The two tables differ in cases: \('0', '1'"):
        compare_segmentations(table_of(scores(4)), table_of(scores(5)))
    with pytest.raises(ValueError, match="Unknown metric 'iou'"):
        compare_segmentations(table_of(scores()), table_of(scores()), "iou")


def test_differences_that_are_equal_but_for_rounding_have_the_same_rank() -> None:
    from scipy.stats import wilcoxon

    first = np.array([[0.8], [0.7], [0.4], [0.3], [0.6], [0.2], [0.5]])
    second = np.array([[0.9], [0.8], [0.5], [0.2], [0.5], [0.3], [0.7]])
    assert len(np.unique(np.abs(second - first))) > 2
    found = compare_segmentations(table_of(first), table_of(second), test="wilcoxon")
    assert wilcoxon([1, 1, 1, -1, -1, 1, 2]).pvalue == found.p_value


def test_differences_that_cancel_out_but_for_rounding_are_none() -> None:
    first, second = np.array([[0.2, 0.6]] * 6), np.array([[0.1 + 0.2, 0.5]] * 6)
    assert (second - first).sum(axis=1).all()
    assert compare_segmentations(table_of(first), table_of(second), test="wilcoxon").p_value == 1.0
