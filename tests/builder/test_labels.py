from __future__ import annotations

import re

import numpy as np
import pytest

from medmnist_np.builder.labels import of_array, one_each, several_each


def named(values: list[str], class_names: list[str] | None = None, task: str | None = None):
    return one_each(values, [f"line {number}" for number in range(2, 2 + len(values))], class_names, task)


def test_names_of_classes_are_sorted() -> None:
    labels = named(["cyst", "benign", "cyst"])
    assert labels.class_names == ("benign", "cyst")
    assert labels.task == "binary-class"
    assert labels.table.tolist() == [[1], [0], [1]]
    assert np.uint8 == labels.table.dtype


def test_names_keep_an_order_that_is_given() -> None:
    labels = named(["mild", "none"], ["none", "mild", "severe"], "ordinal-regression")
    assert labels.table.tolist() == [[1], [0]]
    assert labels.task == "ordinal-regression"


def test_numbers_are_the_numbers_of_classes() -> None:
    assert named(["2", "0", "1"]).table.tolist() == [[2], [0], [1]]
    assert named(["2", "0"], ["a", "b", "c"]).table.tolist() == [[2], [0]]
    assert [[number] for number in range(11)] == named([str(number) for number in range(11)]).table.tolist()


def test_numbers_may_be_the_names_of_classes() -> None:
    assert named(["1", "5"], ["1", "2", "3", "4", "5"]).table.tolist() == [[0], [4]]


def test_a_number_that_is_left_out_is_asked_about() -> None:
    with pytest.raises(
        ValueError, match=re.escape("numbers up to 3, but no sample has 2. If this is intended, name all classes")
    ):
        named(["0", "1", "3"])


@pytest.mark.parametrize(
    ("values", "class_names", "message"),
    [
        (["a", ""], None, "line 3 has no label"),
        (["a", "b"], ["a", "c"], "line 3 has the label 'b', which is not one of 'a', 'c'"),
        (["0", "2"], ["a", "b"], "line 3 has the label '2', which is not one of '0', '1'"),
        (["a", "b"], ["a", "b", "b"], "Class names must be unique"),
        (["a", "\udcff"], None, "cannot be printed"),
        (["a", "a"], None, "There are 1 classes (a)"),
        ([str(number) for number in range(300)], None, "There are 300 classes"),
    ],
)
def test_labels_that_are_none_are_refused(values, class_names, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        named(values, class_names)


@pytest.mark.parametrize("task", ["multi-label", "binary-class", "segmentation"])
def test_a_task_that_does_not_fit_is_refused(task: str) -> None:
    with pytest.raises(ValueError, match=task):
        named(["a", "b", "c"], task=task)


def test_several_findings_are_zeros_and_ones() -> None:
    labels = several_each([["0", "1"], ["0", "0"]], ["line 2", "line 3"], ["mass", "edema"], None)
    assert labels.table.tolist() == [[0, 1], [0, 0]]
    assert labels.class_names == ("mass", "edema")
    assert labels.task == "multi-label, binary-class"
    with pytest.raises(ValueError, match="line 3 has '2' for 'edema'"):
        several_each([["0", "1"], ["0", "2"]], ["line 2", "line 3"], ["mass", "edema"], None)


def test_arrays_are_taken_as_they_are() -> None:
    assert of_array(np.array([1, 0]), ["a", "b"], None, None).table.tolist() == [[1], [0]]
    assert of_array(np.array([[True], [False]]), ["a", "b"], None, None).table.tolist() == [[1], [0]]
    assert of_array(np.eye(3, dtype=int), ["a", "b", "c"], None, None).class_names == ("0", "1", "2")


class OfPandas:
    """As pandas.NA: it prints itself so, and a comparison with it has no truth."""

    def __str__(self) -> str:
        return "<NA>"

    def __eq__(self, other: object) -> bool:
        raise TypeError

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    "labels",
    [
        ["a", np.nan, "b"],
        ["a", None, "b"],
        [0, OfPandas(), 1],
        np.array(["a", np.nan, "b"]),
        np.array(["a", np.nan, "b"], dtype=object),
        np.array([0.0, np.nan, 1.0]),
        np.array([np.datetime64("2020-01-01"), np.datetime64("NaT"), np.datetime64("2020-01-01")]).astype(object),
        np.ma.array([0, 1, 1], mask=[False, True, False]),
        [[0, 1], [None, 1], [1, 1]],
    ],
)
def test_a_missing_label_is_refused_with_its_row(labels) -> None:
    with pytest.raises(ValueError, match=re.escape("images[1] has no label")):
        of_array(labels, [f"images[{number}]" for number in range(3)], None, None)


def test_a_class_may_be_called_none() -> None:
    assert of_array(["None", "mass"], ["a", "b"], None, None).class_names == ("None", "mass")


@pytest.mark.parametrize("labels", [np.array([0, -1, 1]), ["0", "-1", "1"], np.array([0, -1, 1], dtype=object)])
def test_numbers_below_0_are_refused_with_their_row(labels) -> None:
    places = [f"images[{number}]" for number in range(3)]
    with pytest.raises(ValueError, match=re.escape("images[1] has the label -1, but classes are numbered from 0")):
        of_array(labels, places, None, None)
    assert of_array(labels, places, ["-1", "0", "1"], None).table.tolist() == [[1], [0], [2]]


def test_names_of_classes_may_begin_with_a_minus() -> None:
    assert named(["0", "-", "-1 or less"]).class_names == ("-", "-1 or less", "0")


@pytest.mark.parametrize("labels", [np.zeros(3), np.zeros((2, 1, 1), int), np.zeros(5, int)])
def test_other_arrays_are_refused(labels) -> None:
    with pytest.raises(ValueError, match="The labels have dtype"):
        of_array(labels, ["a", "b", "c"], None, None)
