from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from medmnist_np.metrics import dice, hausdorff, iou

REFERENCE = np.array([[0, 1, 1, 2], [0, 0, 1, 2]])
PREDICTION = np.array([[0, 1, 2, 2], [0, 1, 0, 2]])


def test_each_label_has_its_dice_and_its_iou() -> None:
    assert [2 * 1 / 5, 2 * 2 / 5] == dice(REFERENCE, PREDICTION, labels=[1, 2]).tolist()
    assert [1 / 4, 2 / 3] == iou(REFERENCE, PREDICTION, labels=[1, 2]).tolist()


def test_by_default_all_that_is_not_background_is_one_structure() -> None:
    assert dice(REFERENCE > 0, PREDICTION > 0).tolist() == dice(REFERENCE, PREDICTION).tolist()
    assert [2 * 4 / 10] == dice(REFERENCE, PREDICTION).tolist()


def test_several_values_make_one_structure() -> None:
    found = dice(REFERENCE, PREDICTION, labels={"both": (1, 2), "second": 2})
    assert [*dice(REFERENCE, PREDICTION), *dice(REFERENCE, PREDICTION, labels=[2])] == found.tolist()


def test_the_background_can_be_measured() -> None:
    assert [2 * 2 / 6] == dice(REFERENCE, PREDICTION, labels=[0]).tolist()


@pytest.mark.parametrize(("both_empty", "expected"), [("nan", math.nan), ("perfect", 1.0)])
def test_a_label_that_is_in_neither_mask_has_the_chosen_value(both_empty: str, expected: float) -> None:
    for metric in (dice, iou):
        found = metric(REFERENCE, PREDICTION, labels=[7], both_empty=both_empty)  # type: ignore[operator]
        np.testing.assert_equal(found, [expected])


@pytest.mark.parametrize("both_empty", ["nan", "perfect"])
def test_a_label_that_is_in_one_mask_only_has_no_overlap(both_empty: str) -> None:
    empty = np.zeros_like(REFERENCE)
    for metric in (dice, iou):
        assert [0.0] == metric(REFERENCE, empty, both_empty=both_empty).tolist()  # type: ignore[operator]
        assert [0.0] == metric(empty, PREDICTION, both_empty=both_empty).tolist()  # type: ignore[operator]


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32, np.float64, np.uint64])
def test_whole_numbers_of_any_dtype_and_order_give_the_same(kind: type) -> None:
    expected = dice(REFERENCE, PREDICTION, labels=[1, 2]).tolist()
    assert expected == dice(REFERENCE.astype(kind), PREDICTION, labels=[1, 2]).tolist()
    assert expected == dice(np.asfortranarray(REFERENCE.astype(kind)), PREDICTION, labels=[1, 2]).tolist()


masks = array_shapes(min_dims=2, max_dims=3, max_side=6).flatmap(
    lambda shape: st.tuples(*[arrays(np.uint8, shape, elements=st.integers(0, 2))] * 2)
)


@given(masks)
def test_dice_and_iou_follow_from_each_other_and_from_counting(pair: tuple[np.ndarray, np.ndarray]) -> None:
    reference, prediction = pair
    for label, d, i in zip((1, 2), dice(*pair, labels=[1, 2]), iou(*pair, labels=[1, 2]), strict=True):
        a, b = reference == label, prediction == label
        if not (a | b).any():
            assert np.isnan([d, i]).all()
            continue
        assert i == (a & b).sum() / (a | b).sum()
        assert d == pytest.approx(2 * i / (1 + i), abs=1e-15)
    np.testing.assert_equal(dice(*pair, labels=[1, 2]), dice(*pair[::-1], labels=[1, 2]))


@pytest.mark.parametrize("shape", [(300, 301), (2, 90_000), (90_000, 2), (3, 300, 301), (70, 40, 50), (90, 130, 99)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_large_masks_are_counted_to_the_last_voxel(shape: tuple[int, ...], order: Literal["C", "F"]) -> None:
    reference, prediction = np.random.default_rng(0).integers(0, 3, (2, *shape), dtype=np.uint8)
    reference[:1] = prediction[:1] = reference[..., -1:] = prediction[..., -1:] = 0
    overlap = {label: ((reference == label) & (prediction == label)).sum() for label in (1, 2)}
    union = {label: ((reference == label) | (prediction == label)).sum() for label in (1, 2)}
    masks = np.asarray(reference, order=order), np.asarray(prediction, order=order)
    assert [overlap[1] / union[1], overlap[2] / union[2]] == iou(*masks, labels=[1, 2]).tolist()
    assert [overlap[2] / union[2]] == iou(*masks, labels=[2]).tolist()


def test_bool_masks_are_not_changed() -> None:
    masks = REFERENCE > 0, PREDICTION > 0
    before = [mask.copy() for mask in masks]
    dice(*masks)
    hausdorff(*masks, spacing_mm=1)
    assert [mask.tolist() for mask in before] == [mask.tolist() for mask in masks]


@pytest.mark.parametrize(
    ("reference", "prediction", "message"),
    [
        (np.zeros((4, 4)), np.zeros((4, 5)), r"reference has shape \(4, 4\) and the prediction \(4, 5\)"),
        (np.zeros(4), np.zeros(4), r"reference has shape \(4,\)\. A mask must be"),
        (np.zeros((0, 4)), np.zeros((0, 4)), r"reference has shape \(0, 4\)"),
        (np.zeros((2, 2, 2, 2), int), np.zeros((2, 2, 2, 2), int), "one case at a time"),
        (np.zeros((4, 4)), np.full((4, 4), 0.3), "must hold whole numbers, but 16 of 16 values are fractions"),
        (np.full((4, 4), np.nan), np.zeros((4, 4)), "reference must hold whole numbers"),
        (np.full((4, 4), np.inf), np.zeros((4, 4)), "reference must hold whole numbers"),
        (np.full((4, 4), "a"), np.zeros((4, 4)), "reference has dtype <U1"),
        ([[1, 2], [3]], np.zeros((4, 4)), "reference, a list, cannot be converted to a NumPy array"),
    ],
)
def test_input_that_is_not_a_pair_of_masks_is_refused(reference: object, prediction: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dice(reference, prediction)


@pytest.mark.parametrize("labels", [[], {}, [()], {"tumour": ()}])
def test_labels_without_a_value_are_refused(labels: object) -> None:
    with pytest.raises(ValueError, match="It needs at least one label"):
        dice(REFERENCE, PREDICTION, labels=labels)  # type: ignore[arg-type]


def test_a_repeated_label_is_refused() -> None:
    with pytest.raises(ValueError, match=r"labels contains a label twice: \[1, 2, 1\]"):
        dice(REFERENCE, PREDICTION, labels=[1, 2, 1])


@pytest.mark.parametrize("label", [1.5, "tumour", [[1]]])
def test_a_label_that_is_not_an_integer_is_refused(label: object) -> None:
    with pytest.raises(TypeError, match=r'It must be an integer, or several for one structure\. .*{"liver": 1}'):
        dice(REFERENCE, PREDICTION, labels=[label])  # type: ignore[list-item]


def test_labels_that_are_not_a_list_are_refused() -> None:
    with pytest.raises(TypeError, match=r"labels is 1\. It must be a list or a mapping"):
        dice(REFERENCE, PREDICTION, labels=1)  # type: ignore[arg-type]


def test_an_unknown_value_of_both_empty_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown value of both_empty: 'perfekt'\. Did you mean 'perfect'"):
        dice(REFERENCE, PREDICTION, both_empty="perfekt")  # type: ignore[arg-type]


def test_two_labels_of_the_same_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"labels has two labels with the same name: \[1, '1'\]"):
        dice([[0, 1]], [[0, 1]], labels={1: 1, "1": 2})
