from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays

import medmnist_np as mm
from medmnist_np.images import class_colors, draw, overlay
from medmnist_np.images.encoders import GRAY, VOLUME
from medmnist_np.images.overlays import foremost_slice, value_range

SQUARE = np.zeros((6, 6), np.uint8)
SQUARE[1:5, 1:5] = 1


@given(
    arrays.arrays(np.uint8, (3, 5, 6)),
    arrays.arrays(np.uint8, (3, 5, 6), elements=st.integers(0, 3)),
    st.floats(0, 1),
    st.booleans(),
)
def test_where_masks_are_0_the_image_shows_through(images: Any, masks: Any, opacity: float, contours: bool) -> None:
    drawn = overlay(images, masks, opacity=opacity, contours=contours)
    assert drawn.shape == (3, 5, 6, 3)
    assert np.uint8 == drawn.dtype
    assert np.array_equal(np.repeat(images[..., None], 3, axis=-1)[masks == 0], drawn[masks == 0])


@given(arrays.arrays(np.uint8, (4, 5, 3)), arrays.arrays(np.uint8, (4, 5), elements=st.integers(0, 9)))
def test_a_full_opacity_gives_the_colours_of_the_classes(image: Any, mask: Any) -> None:
    drawn = overlay(image, mask, opacity=1, contours=False)
    assert np.array_equal(class_colors(10)[mask][mask != 0], drawn[mask != 0])
    assert np.array_equal(image, overlay(image, mask, opacity=0, contours=False))


def test_contours_are_the_outermost_pixels_of_an_area() -> None:
    drawn = overlay(np.zeros((6, 6), np.uint8), SQUARE, opacity=0)
    inner = np.zeros((6, 6), bool)
    inner[2:4, 2:4] = True
    assert np.array_equal((SQUARE == 1) & ~inner, drawn.any(axis=-1))


def test_neighbouring_classes_both_have_a_contour_and_the_edge_of_the_image_is_none() -> None:
    mask = np.repeat([[1, 1, 1, 2, 2, 2]], 3, axis=0)
    drawn = overlay(np.zeros((3, 6), np.uint8), mask, opacity=0)
    assert drawn[1].any(axis=-1).tolist() == [False, False, True, True, False, False]


def test_contours_of_one_image_do_not_depend_on_the_next() -> None:
    masks = np.stack([SQUARE, SQUARE * 0, SQUARE * 2])
    images = np.full((3, 6, 6), 9, np.uint8)
    together = overlay(images, masks)
    assert all(
        np.array_equal(overlay(image, mask), one) for image, mask, one in zip(images, masks, together, strict=True)
    )


def test_a_window_shows_any_numbers() -> None:
    image = np.array([[-1000.0, 40.0, 3000.0]])
    drawn = overlay(image, np.zeros((1, 3), int), window=(-160, 240))
    assert drawn[0, :, 0].tolist() == [0, 128, 255]


def test_neither_image_nor_mask_is_changed() -> None:
    image, mask = np.zeros((6, 6, 3), np.uint8), SQUARE.copy()
    overlay(image, mask)
    assert bool(image.any()) is False
    assert np.array_equal(SQUARE, mask)


@pytest.mark.parametrize(
    ("image", "mask", "options", "reason"),
    [
        (np.zeros((6, 5), np.uint8), SQUARE, {}, r"shape \(6, 5\) and the masks \(6, 6\)"),
        (np.zeros((6, 6, 4), np.uint8), SQUARE, {}, "images the same shape"),
        (np.zeros((6, 6)), SQUARE, {}, r"need window=\(low, high\)"),
        (np.zeros((6, 6), np.uint8), SQUARE * 0.5, {}, "float64 values, 0.0 to 0.5"),
        (np.zeros((6, 6), np.uint8), SQUARE.astype(int) - 1, {}, "int64 values, -1 to 0"),
        (np.zeros((6, 6), np.uint8), SQUARE, {"opacity": 2}, "opacity is 2"),
        (np.zeros((6, 6), np.uint8), SQUARE, {"window": (5, 5)}, "Invalid window: 5 to 5"),
    ],
)
def test_arguments_that_do_not_match_are_refused(image: Any, mask: Any, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        overlay(image, mask, **options)


def test_twenty_one_classes_have_colours_of_their_own_and_0_is_black() -> None:
    colors = class_colors(256)
    assert colors.shape == (256, 3)
    assert len(np.unique(colors[:22], axis=0)) == 22
    assert colors[0].tolist() == [0, 0, 0]
    assert np.array_equal(colors[1:22], colors[22:43])
    assert np.array_equal(colors[:5], class_colors(5))
    assert class_colors(0).shape == (0, 3)


def test_the_slice_to_look_at_is_the_one_with_most_of_the_mask() -> None:
    mask = np.zeros((4, 5, 9), np.uint8)
    assert foremost_slice(mask, 0) == 2
    assert foremost_slice(mask, 2) == 4
    mask[1, 1:3, 7] = mask[3, 1, 2] = 1
    assert tuple(foremost_slice(mask, axis) for axis in range(3)) == (1, 1, 7)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([5, 5, 5], (5, 6)), ([0] * 500 + [3], (0, 3)), ([np.nan, 1.0, 1.0, np.inf], (1, 2)), ([np.nan], (0, 1))],
)
def test_a_window_of_an_image_is_never_empty(values: list[float], expected: tuple[float, float]) -> None:
    assert expected == value_range(np.array(values))


# In a montage


def test_a_montage_puts_overlays_side_by_side_with_a_legend_below() -> None:
    images = np.random.default_rng(0).integers(256, size=(4, 6, 6), dtype=np.uint8)
    masks = np.stack([SQUARE * number for number in range(4)])
    places = np.array([[2, 0], [3, -1]])
    plain = draw(images, places, GRAY, masks=masks).array
    assert plain.shape == (12, 12, 3)
    for place, number in (((0, 0), 2), ((0, 6), 0), ((6, 0), 3)):
        found = plain[place[0] : place[0] + 6, place[1] : place[1] + 6]
        assert np.array_equal(overlay(images[number], masks[number]), found)
    assert not plain[6:, 6:].any()
    with_legend = draw(images, places, GRAY, masks=masks, class_names=["background", "a", "b", "c"], legend=True).array
    assert np.array_equal(plain, with_legend[:12, :12])
    shown = {tuple(color) for color in with_legend[12:].reshape(-1, 3).tolist()}
    assert {tuple(color) for color in class_colors(4).tolist()} <= shown


def test_masks_are_not_drawn_over_volumes() -> None:
    with pytest.raises(ValueError, match="Take slices of these volumes first"):
        draw(np.zeros((2, 4, 6, 6), np.uint8), np.array([[0]]), VOLUME, masks=np.zeros((2, 4, 6, 6), np.uint8))


def test_a_segmentation_set_shows_its_masks_unless_they_are_switched_off(tmp_path: Any) -> None:
    from medmnist_np.testing import fake_datasets

    with fake_datasets(tmp_path, "medsegbench/pandental_128", n_samples={"train": 3, "val": 2}):
        train = mm.Dataset("medsegbench/pandental", "train+val", size=128)
        picture, plain = train.montage(1, 5), train.montage(1, 5, masks=False)
        assert picture.array.shape == (128, 640, 3)
        assert plain.array.shape == (128, 640)
        assert train.montage(1, 5, labels=True).array.shape[0] > 128
        with pytest.raises(ValueError, match="so it needs masks=True"):
            train.montage(1, 5, labels=True, masks=False)
        with pytest.raises(ValueError, match="by_class needs one label for each image"):
            train.montage(by_class=True)
        markup = train._repr_html_()
        pixels = train.class_counts()
    assert "Pixels of each class" in markup
    assert f"{pixels['background']:,}" in markup
