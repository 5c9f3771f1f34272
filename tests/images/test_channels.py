from __future__ import annotations

import numpy as np
import pytest

from medmnist_np.images import CropToShortEdge, draw, montage
from medmnist_np.images.channels import channel_axis, usual_axes
from medmnist_np.images.encoders import RGB
from medmnist_np.images.hashes import constant, perceptual_hashes

COLOUR = np.random.default_rng(0).integers(0, 256, (4, 20, 28, 3), dtype=np.uint8)
COLOUR_FIRST = np.moveaxis(COLOUR, -1, 1)
GRAY = COLOUR[..., 0]


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((28, 28, 1), 2),
        ((28, 28, 3), 2),
        ((1, 28, 28), 0),
        ((3, 28, 28), 0),
        ((28, 28, 28), None),
        ((2, 28, 28), None),
        ((5, 28, 28), None),
        ((28, 3, 28), None),
        ((3, 4, 5), None),
        ((3, 7, 28), None),
        ((4, 4, 3), 2),
        ((4, 7, 3), 2),
    ],
)
def test_an_axis_of_1_or_3_at_either_end_holds_channels(shape: tuple[int, ...], axis: int | None) -> None:
    assert axis == channel_axis(shape)


@pytest.mark.parametrize("shape", [(3, 28, 3), (1, 28, 1), (1, 28, 3), (4, 28, 3)])
def test_two_axes_that_may_hold_channels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="is ambiguous"):
        channel_axis(shape)


@pytest.mark.parametrize("shape", [(4, 28, 28), (28, 28, 4)])
def test_four_channels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="has 4 channels; only gray and RGB images are supported"):
        channel_axis(shape)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (COLOUR_FIRST, COLOUR),
        (COLOUR, COLOUR),
        (GRAY[..., None], GRAY),
        (GRAY[:, None], GRAY),
        (GRAY, GRAY),
        (np.zeros((2, 1, 8, 9, 10)), np.zeros((2, 8, 9, 10))),
        (np.zeros((2, 8, 9, 10, 1)), np.zeros((2, 8, 9, 10))),
    ],
    ids=lambda array: "x".join(map(str, array.shape)),
)
def test_channels_come_last_and_an_axis_of_one_goes(images: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(usual_axes(images), expected)


@pytest.mark.parametrize(
    ("other", "usual"), [(COLOUR_FIRST, COLOUR), (GRAY[..., None], GRAY), (GRAY[:, None], GRAY)], ids=str
)
@pytest.mark.parametrize("function", [montage, perceptual_hashes, constant])
def test_functions_of_images_take_channels_at_either_end(function, other, usual) -> None:  # type: ignore[no-untyped-def]
    np.testing.assert_array_equal(function(other), function(usual))


def test_one_colour_is_blank_with_channels_first_too() -> None:
    images = np.broadcast_to(np.array([10, 20, 30], np.uint8)[:, None, None], (1, 3, 28, 28))

    assert constant(images).tolist() == [True]


@pytest.mark.parametrize("function", [montage, perceptual_hashes, constant])
@pytest.mark.parametrize("channels", [3, 4])
def test_one_colour_image_is_not_treated_as_many_gray_images(function, channels) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"looks like one colour image .* Pass image\[None\]"):
        function(np.zeros((20, 28, channels), np.uint8))


def test_images_with_channels_first_are_drawn_in_colour() -> None:
    places = np.array([[0, 2]])

    np.testing.assert_array_equal(draw(COLOUR_FIRST, places, RGB).array, draw(COLOUR, places, RGB).array)


@pytest.mark.parametrize("image", [COLOUR_FIRST[0], GRAY[0][None], GRAY[0][..., None]])
def test_no_cube_is_cut_out_of_an_image_with_a_channel_axis(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="one axis seems to have channels"):
        CropToShortEdge()(image, 28)
