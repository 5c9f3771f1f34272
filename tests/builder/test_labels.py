from __future__ import annotations

import re

import numpy as np
import pytest

from medmnist_np.builder.labels import Classes, of_array, one_each, several_each


def named(values: list[str], class_names: list[str] | None = None, task: str | None = None):
    return one_each(values, [f"line {number}" for number in range(2, 2 + len(values))], Classes(class_names, task))


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
        (["a", "a"], None, "There is only one class (a). Use 2 to 256."),
        ([str(number) for number in range(300)], None, "There are 300 classes (0, 1, 2, ...). Use 2 to 256."),
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
    assert of_array(np.array([1, 0]), ["a", "b"], Classes()).table.tolist() == [[1], [0]]
    assert of_array(np.array([[True], [False]]), ["a", "b"], Classes()).table.tolist() == [[1], [0]]
    assert of_array(np.eye(3, dtype=int), ["a", "b", "c"], Classes()).class_names == ("0", "1", "2")


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
        of_array(labels, [f"images[{number}]" for number in range(3)], Classes())


def test_a_class_may_be_called_none() -> None:
    assert of_array(["None", "mass"], ["a", "b"], Classes()).class_names == ("None", "mass")


@pytest.mark.parametrize("labels", [np.array([0, -1, 1]), ["0", "-1", "1"], np.array([0, -1, 1], dtype=object)])
def test_numbers_below_0_are_refused_with_their_row(labels) -> None:
    places = [f"images[{number}]" for number in range(3)]
    with pytest.raises(ValueError, match=re.escape("images[1] has the label -1, but classes are numbered from 0")):
        of_array(labels, places, Classes())
    assert of_array(labels, places, Classes(["-1", "0", "1"])).table.tolist() == [[1], [0], [2]]


def test_names_of_classes_may_begin_with_a_minus() -> None:
    assert named(["0", "-", "-1 or less"]).class_names == ("-", "-1 or less", "0")


@pytest.mark.parametrize("labels", [np.full(3, 0.5), np.zeros((2, 1, 1), int), np.zeros(5, int)])
def test_other_arrays_are_refused(labels) -> None:
    with pytest.raises(ValueError, match="The labels have dtype"):
        of_array(labels, ["a", "b", "c"], Classes())


def test_whole_floats_are_class_numbers() -> None:
    assert of_array(np.array([0.0, 1.0, 0.0]), ["a", "b", "c"], Classes()).table.tolist() == [[0], [1], [0]]


def test_categories_of_pandas_keep_their_order() -> None:
    pandas = pytest.importorskip("pandas", reason="makes categories")
    labels = pandas.Categorical(["severe", "none", "mild"], categories=["none", "mild", "severe"])
    assert of_array(labels, ["a", "b", "c"], Classes()).table.tolist() == [[2], [0], [1]]


def test_a_series_of_categories_keeps_their_order() -> None:
    pandas = pytest.importorskip("pandas", reason="makes categories")
    labels = pandas.Series(["severe", "none"], dtype=pandas.CategoricalDtype(["none", "severe"]))
    assert of_array(labels, ["a", "b"], Classes()).class_names == ("none", "severe")


def test_labels_from_1_are_refused_and_the_error_names_the_option() -> None:
    with pytest.raises(ValueError, match=re.escape("No sample has the label 0, and a has 1.")):
        of_array([1, 2], ["a", "b"], Classes())


def test_classes_may_be_numbered_from_1() -> None:
    labels = of_array([1, 3, 2], ["a", "b", "c"], Classes(first=1))
    assert labels.table.tolist() == [[0], [2], [1]]


def test_class_names_belong_to_numbers_from_1_too() -> None:
    labels = of_array([1, 2], ["a", "b"], Classes(["benign", "malignant"], first=1))
    assert labels.table.tolist() == [[0], [1]]
