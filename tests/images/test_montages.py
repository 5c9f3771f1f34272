from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np.images import montage


def test_images_are_laid_out_row_by_row_with_black_between_and_in_the_places_left_over() -> None:
    images = np.array([[[1, 1]], [[2, 2]], [[3, 3]]], dtype=np.uint8)

    assert montage(images, columns=2).tolist() == [[1, 1, 0, 2, 2], [0, 0, 0, 0, 0], [3, 3, 0, 0, 0]]


def test_without_padding_images_touch() -> None:
    images = np.array([[[1]], [[2]]], dtype=np.uint8)

    assert montage(images, columns=2, padding=0).tolist() == [[1, 2]]


@pytest.mark.parametrize(("n", "shape"), [(1, (4, 4)), (2, (4, 9)), (5, (9, 14)), (9, (14, 14)), (10, (14, 19))])
def test_the_grid_is_as_square_as_can_be(n: int, shape: tuple[int, int]) -> None:
    assert montage(np.ones((n, 4, 4), dtype=np.uint8)).shape == shape


def test_four_axes_that_end_in_three_are_rgb() -> None:
    images = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)

    picture = montage(images, columns=1, padding=2)

    assert picture.shape == (10, 5, 3)
    assert np.array_equal(picture[6:], images[1])


@pytest.mark.parametrize("depth", [1, 2, 3, 28])
def test_other_four_axes_are_volumes_shown_by_their_middle_slice(depth: int) -> None:
    volumes = np.random.default_rng(0).integers(0, 256, (1, depth, 4, 5), dtype=np.uint8)

    assert np.array_equal(montage(volumes), volumes[0, depth // 2])


@given(n=st.integers(1, 12), columns=st.integers(1, 14), padding=st.integers(0, 3), color=st.booleans())
def test_every_image_can_be_cut_out_again(n: int, columns: int, padding: int, color: bool) -> None:
    shape = (n, 3, 2, 3) if color else (n, 3, 2)
    images = np.random.default_rng(n).integers(0, 256, shape, dtype=np.uint8)

    picture = montage(images, columns=columns, padding=padding)

    for number, image in enumerate(images):
        top, left = number // columns * (3 + padding), number % columns * (2 + padding)
        assert np.array_equal(picture[top : top + 3, left : left + 2], image)
    assert picture.sum() == images.sum()


def test_the_picture_is_a_new_array() -> None:
    image = np.ones((1, 2, 2), dtype=np.uint8)

    assert not np.shares_memory(montage(image), image)


def test_a_mapped_array_gives_a_plain_picture(tmp_path) -> None:
    np.save(tmp_path / "images.npy", np.ones((2, 2, 2), dtype=np.uint8))

    assert type(montage(np.load(tmp_path / "images.npy", mmap_mode="r"))) is np.ndarray


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.ones((1, 2, 2)), {}, "dtype float64, but uint8"),
        (np.ones((2, 2), dtype=np.uint8), {}, r"shape \(2, 2\)"),
        (np.ones((1, 2, 2, 2, 3), dtype=np.uint8), {}, r"shape \(1, 2, 2, 2, 3\)"),
        (np.ones((0, 2, 2), dtype=np.uint8), {}, "No images to show"),
        (np.ones((1, 2, 2), dtype=np.uint8), {"columns": 0}, "columns is 0"),
        (np.ones((1, 2, 2), dtype=np.uint8), {"padding": -1}, "padding is -1"),
    ],
)
def test_invalid_arguments_are_refused(images, options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        montage(images, **options)
