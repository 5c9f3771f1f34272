"""Scores with row and column labels: aligned where these identify samples and classes, refused where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from medmnist_np.metrics import (
    Predictions,
    accuracy,
    auc,
    bootstrap_intervals,
    dice,
    holm,
    measure,
    segmentation_table,
    summarise_runs,
)

pandas = pytest.importorskip("pandas")

MULTI_LABEL = "multi-label, binary-class"
LABELS = [0, 0, 1, 1, 0, 1]
SCORES = np.array([0.1, 0.3, 0.6, 0.9, 0.55, 0.8])
THREE = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])


# Columns


@pytest.mark.parametrize("names", [(0, 1), ("0", "1"), ("p0", "p1"), ("class 0", "class 1")])
def test_columns_named_by_class_number_are_put_in_order(names) -> None:
    frame = pandas.DataFrame({names[1]: SCORES, names[0]: 1 - SCORES})

    assert auc(LABELS, SCORES, "binary-class") == auc(LABELS, frame, "binary-class")


@pytest.mark.parametrize("columns", [[2, 0, 1], ["2", "0", "1"], [1, 2, 0]])
def test_columns_of_several_classes_are_put_in_order(columns) -> None:
    frame = pandas.DataFrame(THREE)[list(map(int, columns))].set_axis(columns, axis=1)

    assert THREE.tolist() == Predictions([0, 1, 2, 0], frame, "multi-class").scores.tolist()


@pytest.mark.parametrize("columns", [[1, 2, 3], [0, 2, 4], [0, 0, 1]])
def test_column_numbers_that_are_not_those_of_the_classes_are_refused(columns: list[int]) -> None:
    frame = pandas.DataFrame(THREE, columns=columns)

    with pytest.raises(ValueError, match=r"columns of y_score are .*, not the class numbers 0 to 2.*\.to_numpy\(\)"):
        Predictions([0, 1, 2, 0], frame, "multi-class")


def test_columns_without_names_are_in_the_order_of_the_classes() -> None:
    assert THREE.tolist() == Predictions([0, 1, 2, 0], pandas.DataFrame(THREE), "multi-class").scores.tolist()


def test_names_that_identify_no_class_leave_columns_as_they_are() -> None:
    frame = pandas.DataFrame(THREE, columns=["red", "green", "blue"])

    assert THREE.tolist() == Predictions([0, 1, 2, 0], frame, "multi-class").scores.tolist()


def test_labels_and_scores_of_a_multi_label_task_are_matched_by_name() -> None:
    labels = pandas.DataFrame({"mass": [0, 1, 1], "nodule": [1, 0, 1]})
    scores = pandas.DataFrame({"nodule": [0.9, 0.2, 0.8], "mass": [0.1, 0.7, 0.6]})

    assert auc(labels, scores, MULTI_LABEL) == 1.0


def test_labels_and_scores_of_a_multi_label_task_are_matched_by_number() -> None:
    labels = pandas.DataFrame({1: [1, 0, 1], 0: [0, 1, 1]})
    scores = pandas.DataFrame({0: [0.1, 0.7, 0.6], 1: [0.9, 0.2, 0.8]})

    assert auc(labels, scores, MULTI_LABEL) == 1.0


def test_names_of_which_only_some_are_the_same_are_refused() -> None:
    labels = pandas.DataFrame({"mass": [0, 1], "nodule": [1, 0]})
    scores = pandas.DataFrame({"nodule": [0.9, 0.2], "hernia": [0.1, 0.7]})

    with pytest.raises(ValueError, match="columns of y_score are 'nodule', 'hernia', not 'mass', 'nodule'"):
        Predictions(labels, scores, MULTI_LABEL)


@pytest.mark.parametrize("scores", [pandas.Series(SCORES, name=0), pandas.DataFrame({"0": SCORES})])
def test_a_single_column_of_class_0_is_refused(scores) -> None:
    with pytest.raises(ValueError, match=r"which is class 0\. A single column must have the scores of class 1"):
        auc(LABELS, scores, "binary-class")


@pytest.mark.parametrize(
    "scores",
    [
        pandas.Series(SCORES),
        pandas.Series(SCORES, name="score"),
        pandas.Series(SCORES, name=1),
        pandas.DataFrame(SCORES),
    ],
)
def test_a_single_column_of_another_name_is_that_of_class_1(scores) -> None:
    assert auc(LABELS, SCORES, "binary-class") == auc(LABELS, scores, "binary-class")


def test_a_single_label_may_be_label_0() -> None:
    assert auc([[0], [1]], pandas.DataFrame({"0": [0.1, 0.9]}), MULTI_LABEL) == 1.0


# Rows


@pytest.mark.parametrize("index", [range(6), list("abcdef"), range(10, 16)])
def test_rows_of_scores_are_matched_with_labels_by_index(index) -> None:
    labels = pandas.Series(LABELS, index=index)
    scores = pandas.Series(SCORES, index=index).sample(frac=1, random_state=1)

    assert accuracy(LABELS, SCORES, "binary-class") == accuracy(labels, scores, "binary-class")
    assert SCORES.tolist() == Predictions(labels, scores, "binary-class").scores[:, 0].tolist()


def test_labels_and_scores_of_one_index_need_not_be_unique() -> None:
    labels, scores = (pandas.Series(values, index=[0, 1, 2, 0, 1, 2]) for values in (LABELS, SCORES))

    assert SCORES.tolist() == Predictions(labels, scores, "binary-class").scores[:, 0].tolist()


def test_different_indices_are_refused() -> None:
    with pytest.raises(ValueError, match=r"different indices: 0, 1, 2, \.\.\. and 6, 7, 8, .*\.to_numpy\(\)"):
        auc(pandas.Series(LABELS), pandas.Series(SCORES, index=range(6, 12)), "binary-class")


def test_a_shuffled_index_of_scores_is_refused_if_labels_have_none() -> None:
    with pytest.raises(ValueError, match=r"index of y_score is not in order, and y_true has no index"):
        auc(LABELS, pandas.Series(SCORES).sample(frac=1, random_state=1), "binary-class")


def test_plain_scores_are_in_the_order_of_labels_with_an_index() -> None:
    labels = pandas.Series(LABELS, index=[5, 3, 1, 0, 2, 4])

    assert auc(LABELS, SCORES, "binary-class") == auc(labels, SCORES, "binary-class")


def test_groups_in_another_order_than_their_index_are_refused() -> None:
    predictions = Predictions(LABELS, SCORES, "binary-class")
    groups = pandas.Series(list("aabbcc")).sample(frac=1, random_state=1)

    with pytest.raises(ValueError, match="The index of groups is not in order"):
        bootstrap_intervals(predictions, ["auc"], groups=groups)


# Masked arrays


def masked(values) -> np.ma.MaskedArray:
    array = np.ma.masked_array(values)
    array[0] = np.ma.masked
    return array


REFUSED = "is a masked array with masked values. Remove these samples, or fill the values"


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda: auc(LABELS, masked(SCORES.copy()), "binary-class"), "y_score"),
        (lambda: auc(masked(LABELS), SCORES, "binary-class"), "y_true"),
        (lambda: auc([0, 1, 2, 0], list(map(masked, THREE.copy())), "multi-class"), "y_score"),
        (lambda: summarise_runs(masked([0.8, 0.9])), "values"),
        (lambda: holm(masked([0.8, 0.9])), "p_values"),
        (lambda: dice(masked([[0, 1]]), [[0, 1]]), "The mask reference"),
        (lambda: segmentation_table([[[0, 1]]], [masked([[0, 1]])], spacing_mm=1), "The mask prediction"),
        (
            lambda: bootstrap_intervals(
                Predictions(LABELS, SCORES, "binary-class"), ["auc"], groups=masked([0, 0, 1, 1, 2, 2])
            ),
            "groups",
        ),
    ],
)
def test_masked_values_are_refused(function, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} {REFUSED}"):
        function()


def test_a_masked_array_without_masked_values_is_taken() -> None:
    assert measure(Predictions([0, 1], np.ma.masked_array([0.2, 0.8]), "binary-class"), "auc") == 1.0
