from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from medmnist_np.metrics import average_surface_distance, hausdorff, segmentation_table, surface_dice, surface_distances

Mask = NDArray[np.bool_]


def box(shape: tuple[int, ...], start: tuple[int, ...], stop: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(map(slice, start, stop))] = True
    return mask


def sphere(radius: float, n: int = 41) -> Mask:
    off = np.arange(n) - n // 2
    return np.asarray(sum(one**2 for one in np.meshgrid(off, off, off, indexing="ij")) <= radius**2)


def test_a_plane_that_is_shifted_is_as_far_as_it_was_shifted() -> None:
    reference = box((8, 5, 6), (2, 0, 0), (3, 5, 6))
    shifted = np.roll(reference, 2, axis=0)

    assert hausdorff(reference, shifted, spacing_mm=(2.5, 1, 1)).tolist() == [5.0]
    assert average_surface_distance(reference, shifted, spacing_mm=(2.5, 1, 1)).tolist() == [5.0]
    assert surface_dice(reference, shifted, spacing_mm=(2.5, 1, 1), tolerance_mm=4.9).tolist() == [0.0]
    assert surface_dice(reference, shifted, spacing_mm=(2.5, 1, 1), tolerance_mm=5).tolist() == [1.0]


def test_spheres_around_one_centre_are_as_far_as_their_radii_differ() -> None:
    found = hausdorff(sphere(18), sphere(12), spacing_mm=0.5)[0]
    mean = average_surface_distance(sphere(18), sphere(12), spacing_mm=0.5)[0]

    assert found == pytest.approx(3, abs=0.5)
    assert mean == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize(("axis", "expected"), [(0, 0.5), (1, 1.0), (2, 4.0)])
def test_a_box_that_is_longer_by_one_voxel_is_farther_by_the_spacing_of_that_axis(axis: int, expected: float) -> None:
    reference = box((9, 9, 9), (2, 2, 2), (6, 6, 6))
    stop = [6, 6, 6]
    stop[axis] = 7
    longer = box((9, 9, 9), (2, 2, 2), tuple(stop))

    assert [expected] == hausdorff(reference, longer, spacing_mm=(0.5, 1, 4)).tolist()


def test_a_box_has_its_outermost_voxels_as_surface() -> None:
    (found,) = surface_distances(
        box((9, 9, 9), (2, 2, 2), (7, 7, 7)), box((9, 9, 9), (4, 4, 4), (5, 5, 5)), spacing_mm=1
    )
    assert 5**3 - 3**3 == len(found.from_reference)
    assert len(found.from_prediction) == 1
    assert found.from_prediction.tolist() == [2.0]


def test_the_edge_of_the_image_is_a_surface() -> None:
    (found,) = surface_distances(np.ones((4, 5)), np.ones((4, 5)), spacing_mm=1)
    assert 4 * 5 - 2 * 3 == len(found.from_reference)


def test_one_voxel_far_away_counts_for_the_maximum_and_not_for_the_percentile() -> None:
    reference = box((40, 40), (10, 10), (30, 30))
    prediction = reference.copy()
    prediction[0, 0] = True

    assert hausdorff(reference, prediction, spacing_mm=1)[0] == pytest.approx(math.hypot(10, 10))
    assert hausdorff(reference, prediction, spacing_mm=1, percentile=95).tolist() == [0.0]


def test_the_hausdorff_distance_is_the_farthest_one_wherever_it_is_asked_for() -> None:
    # A cube of 10 voxels and one stray voxel: MedPy, MONAI and SimpleITK give 24.25.
    reference = box((40, 40, 40), (5, 5, 5), (15, 15, 15))
    prediction = reference.copy()
    prediction[28, 28, 28] = True
    (distances,) = surface_distances(reference, prediction, spacing_mm=1)
    table = segmentation_table([reference], [prediction], spacing_mm=1)

    expected = math.sqrt(3 * 14**2)
    assert expected == pytest.approx(24.25, abs=0.005)
    assert hausdorff(reference, prediction, spacing_mm=1).tolist() == pytest.approx([expected])
    assert distances.hausdorff() == pytest.approx(expected)
    assert table.mean("hausdorff") == pytest.approx(expected)
    assert hausdorff(reference, prediction, spacing_mm=1, percentile=95)[0] == table.mean("hausdorff_95")


def test_a_direction_counts_one_surface_only() -> None:
    reference, prediction = box((1, 9), (0, 2), (1, 4)), box((1, 9), (0, 2), (1, 8))

    def mean(direction: str) -> float:
        return float(average_surface_distance(reference, prediction, spacing_mm=1, direction=direction)[0])  # type: ignore[arg-type]

    assert [0, 10 / 6, 10 / 8] == pytest.approx([mean("from_reference"), mean("from_prediction"), mean("both")])


def test_each_label_has_a_tolerance_of_its_own() -> None:
    reference, prediction = [[1, 0, 0, 2, 0, 0]], [[0, 1, 0, 0, 2, 0]]
    found = surface_dice(reference, prediction, spacing_mm=1, tolerance_mm=[0.5, 1], labels=[1, 2])
    assert found.tolist() == [0.0, 1.0]


def test_a_distance_that_is_the_tolerance_but_for_rounding_counts_as_within() -> None:
    assert 3 * 0.1 > 0.3
    assert surface_dice([[1, 0, 0, 0]], [[0, 0, 0, 1]], spacing_mm=0.1, tolerance_mm=0.3).tolist() == [1.0]


@pytest.mark.parametrize("spacing_mm", [0.1, 0.3, 0.7])
def test_a_spacing_in_float32_as_in_nifti_files_gives_the_same_surface_dice(spacing_mm: float) -> None:
    masks = [[1, 0, 0, 0]], [[0, 0, 0, 1]]

    found = surface_dice(*masks, spacing_mm=np.float32(spacing_mm), tolerance_mm=3 * spacing_mm)

    assert found.tolist() == [1.0]


EMPTY, FULL = np.zeros((3, 4), dtype=bool), np.ones((3, 4), dtype=bool)


@pytest.mark.parametrize("metric", [hausdorff, average_surface_distance])
@pytest.mark.parametrize(
    ("choices", "both", "one"),
    [
        ({}, math.nan, math.inf),
        ({"both_empty": "perfect", "one_empty": "nan"}, 0.0, math.nan),
        ({"one_empty": "diagonal"}, math.nan, math.hypot(3 * 2, 4 * 0.5)),
    ],
)
def test_empty_masks_have_the_chosen_value(
    metric: Callable[..., NDArray[np.float64]], choices: dict[str, str], both: float, one: float
) -> None:
    found = [
        metric(reference, prediction, spacing_mm=(2, 0.5), **choices)[0]
        for reference, prediction in ((EMPTY, EMPTY), (FULL, EMPTY), (EMPTY, FULL))
    ]
    np.testing.assert_allclose(found, [both, one, one])


def test_surface_dice_of_empty_masks_is_that_of_overlaps() -> None:
    def share(reference: Mask, prediction: Mask, choice: str) -> float:
        found = surface_dice(reference, prediction, spacing_mm=1, tolerance_mm=99, both_empty=choice)  # type: ignore[arg-type]
        return float(found[0])

    assert math.isnan(share(EMPTY, EMPTY, "nan"))
    assert [share(EMPTY, EMPTY, "perfect"), share(FULL, EMPTY, "nan"), share(EMPTY, FULL, "perfect")] == [1.0, 0.0, 0.0]


def test_invalid_input_is_refused() -> None:
    for spacing in (0, -1, math.nan, (1, 1, 1), (1, 0), [[1, 1]]):
        with pytest.raises(ValueError, match="It must be a positive number, or one for each of 2 axes"):
            hausdorff(FULL, FULL, spacing_mm=spacing)
    for percentile in (0, -5, 101, math.nan):
        with pytest.raises(ValueError, match="above 0 and at most 100"):
            hausdorff(FULL, FULL, spacing_mm=1, percentile=percentile)
    for tolerance in (-1, math.nan, math.inf, [1, 2]):
        with pytest.raises(ValueError, match="or 1, one per label"):
            surface_dice(FULL, FULL, spacing_mm=1, tolerance_mm=tolerance)
    with pytest.raises(ValueError, match="Unknown direction 'here'"):
        average_surface_distance(FULL, FULL, spacing_mm=1, direction="here")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Unknown value of one_empty: 'inf'"):
        hausdorff(FULL, FULL, spacing_mm=1, one_empty="inf")  # type: ignore[arg-type]


# Laws, on any masks with any spacing.

spacings = st.lists(st.sampled_from([0.3, 0.5, 1.0, 1.7, 3.0]), min_size=3, max_size=3)
pairs = array_shapes(min_dims=2, max_dims=3, max_side=6).flatmap(
    lambda shape: st.tuples(*[arrays(bool, shape).filter(np.any)] * 2)
)


def border(mask: Mask) -> NDArray[np.float64]:
    """Voxels with a neighbour outside, found one by one."""
    steps = [step * sign for step in np.eye(mask.ndim, dtype=int) for sign in (1, -1)]

    def held(place: NDArray[np.int64]) -> bool:
        return bool((place >= 0).all() and (place < mask.shape).all() and mask[tuple(place)])

    return np.array([place for place in np.argwhere(mask) if not all(held(place + step) for step in steps)])


@given(pairs, spacings)
def test_distances_are_those_between_all_pairs_of_surface_voxels(pair: tuple[Mask, Mask], spacing: list[float]) -> None:
    spacing_mm = spacing[: pair[0].ndim]
    a, b = (border(mask) * spacing_mm for mask in pair)
    between = np.linalg.norm(a[:, None] - b[None], axis=-1)
    forth, back = between.min(axis=1), between.min(axis=0)

    (found,) = surface_distances(*pair, spacing_mm=spacing_mm)
    np.testing.assert_allclose(np.sort(found.from_reference), np.sort(forth), atol=1e-12)
    np.testing.assert_allclose(np.sort(found.from_prediction), np.sort(back), atol=1e-12)
    for percentile in (50, 95, 100):
        expected = max(np.percentile(forth, percentile), np.percentile(back, percentile))
        assert hausdorff(*pair, spacing_mm=spacing_mm, percentile=percentile)[0] == pytest.approx(expected)
    mean = np.append(forth, back).mean()
    assert average_surface_distance(*pair, spacing_mm=spacing_mm)[0] == pytest.approx(mean)
    near = np.mean(np.append(forth, back) <= 1.1)
    assert surface_dice(*pair, spacing_mm=spacing_mm, tolerance_mm=1.1)[0] == pytest.approx(near)


def measured(a: Mask, b: Mask, spacing_mm: list[float]) -> list[float]:
    return [
        hausdorff(a, b, spacing_mm=spacing_mm)[0],
        hausdorff(a, b, spacing_mm=spacing_mm, percentile=95)[0],
        average_surface_distance(a, b, spacing_mm=spacing_mm)[0],
        surface_dice(a, b, spacing_mm=spacing_mm, tolerance_mm=1.1)[0],
    ]


@given(pairs, spacings)
def test_distances_do_not_depend_on_the_roles_of_masks_or_the_order_of_axes(
    pair: tuple[Mask, Mask], spacing: list[float]
) -> None:
    a, b = pair
    expected = measured(a, b, spacing[: a.ndim])
    assert measured(b, a, spacing[: a.ndim]) == pytest.approx(expected)
    for order in permutations(range(a.ndim)):
        found = measured(a.transpose(order), b.transpose(order), [spacing[axis] for axis in order])
        assert found == pytest.approx(expected)
    assert measured(np.asfortranarray(a), b, spacing[: a.ndim]) == pytest.approx(expected)
    padded = measured(np.pad(a, 2), np.pad(b, 2), spacing[: a.ndim])
    assert padded == pytest.approx(expected)


@given(pairs, st.sampled_from([0.5, 2.0, 4.0]))
def test_distances_grow_with_the_spacing(pair: tuple[Mask, Mask], factor: float) -> None:
    expected = hausdorff(*pair, spacing_mm=1)[0] * factor
    assert hausdorff(*pair, spacing_mm=factor)[0] == pytest.approx(expected)


@pytest.mark.parametrize("argument", ["spacing_mm", "tolerance_mm"])
def test_masked_numbers_are_refused(argument: str) -> None:
    arguments: dict[str, Any] = {"spacing_mm": [1.0, 1.0], "tolerance_mm": 1.0, "labels": [1, 2]}
    arguments[argument] = np.ma.array([1.0, 7.0], mask=[False, True])
    with pytest.raises(ValueError, match=f"{argument} is a masked array with masked values"):
        surface_dice([[0, 1]], [[1, 0]], **arguments)


def test_a_masked_spacing_of_a_table_is_refused() -> None:
    spacing = np.ma.array([1.0, 7.0], mask=[False, True])
    with pytest.raises(ValueError, match="spacing_mm is a masked array with masked values"):
        segmentation_table([[[0, 1]]], [[[1, 0]]], spacing_mm=spacing)
