from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from medmnist_np.images.interpolation import RESAMPLERS, resize, resize_each, zoom

Pixels = NDArray[np.uint8]
SIZES = (224, 128, 64, 28)


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(list(shape)).integers(0, 256, shape, dtype=np.uint8)


def by_pillow(image: Pixels, size: int, resampler: str) -> Pixels:
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling[resampler.upper()]))


@pytest.mark.parametrize("resampler", RESAMPLERS)
@pytest.mark.parametrize(
    "shape",
    [
        (1024, 1024),
        (1024, 1024, 3),
        (1023, 700),
        (363, 450),
        (5, 40_000),
        (40_000, 5),
        (512, 300),
        (300, 512),
        (40, 50),
        (3, 2),
    ],
)
def test_pixels_are_those_of_separate_calls_of_pillow(shape: tuple[int, ...], resampler: Any) -> None:
    image = noise(*shape)

    resized = resize_each(image, SIZES, resampler=resampler)

    assert list(SIZES) == list(resized)
    for size, result in resized.items():
        assert np.array_equal(by_pillow(image, size, resampler), result)
        assert np.array_equal(result, resize(image, size, resampler=resampler))


@pytest.mark.parametrize("approximate", [False, True])
@pytest.mark.parametrize("resampler", RESAMPLERS)
@pytest.mark.parametrize("shape", [(512, 300), (300, 512), (2000, 400), (1024, 1024)])
def test_gray_and_colour_give_the_same_pixels(shape: tuple[int, int], resampler: Any, approximate: bool) -> None:
    image = noise(*shape)
    options: Any = {"resampler": resampler, "approximate": approximate}

    colour = resize_each(np.repeat(image[..., None], 3, axis=-1), SIZES, **options)

    for size, gray in resize_each(image, SIZES, **options).items():
        assert np.array_equal(np.repeat(gray[..., None], 3, axis=-1), colour[size])


@given(height=st.integers(1, 90), width=st.integers(1, 90), size=st.integers(1, 70), rgb=st.booleans())
def test_any_shape_becomes_any_size(height: int, width: int, size: int, rgb: bool) -> None:
    image = noise(*(height, width, 3)[: 3 if rgb else 2])

    assert np.array_equal(by_pillow(image, size, "bicubic"), resize(image, size))


@given(size=st.integers(1, 90), resampler=st.sampled_from(RESAMPLERS), approximate=st.booleans())
def test_an_image_of_that_size_stays_as_it_is_and_is_copied(size: int, resampler: Any, approximate: bool) -> None:
    image = noise(size, size)

    result = resize(image, size, resampler=resampler, approximate=approximate)

    assert np.array_equal(image, result)
    assert not np.shares_memory(image, result)
    assert result.flags.writeable


@given(level=st.integers(0, 255), side=st.integers(1, 600), size=st.integers(1, 64), approximate=st.booleans())
def test_a_flat_image_stays_flat(level: int, side: int, size: int, approximate: bool) -> None:
    flat = np.full((side, side + 3), level, dtype=np.uint8)

    assert [level] == np.unique(resize(flat, size, approximate=approximate)).tolist()


@pytest.mark.parametrize("shape", [(1024, 1024), (1024, 1024, 3), (1000, 777)])
def test_approximate_pixels_of_textures_are_at_most_five_levels_off(shape: tuple[int, ...]) -> None:
    assert 5 >= largest_difference(texture(*shape))


def test_approximate_pixels_of_noise_are_at_most_five_levels_off_at_the_usual_size() -> None:
    assert 5 >= largest_difference(noise(1024, 1024))


def largest_difference(image: Pixels) -> int:
    exact, approximate = resize_each(image, SIZES), resize_each(image, SIZES, approximate=True)
    return max(int(np.abs(exact[size].astype(int) - approximate[size]).max()) for size in SIZES)


def texture(*shape: int) -> Pixels:
    y, x = np.indices(shape)[:2]
    waves = 60 * np.sin(x / 37) * np.cos(y / 53) + 30 * np.sin((x + y) / 5)
    return (128 + waves).astype(np.uint8)


def test_an_image_need_not_be_contiguous_or_writable() -> None:
    image = noise(400, 500)
    turned = image.T
    turned.flags.writeable = False

    assert np.array_equal(resize(np.ascontiguousarray(turned), 64), resize(turned, 64))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((9, 9)), "dtype float64, but uint8 is needed"),
        (np.zeros((9, 9, 4), np.uint8), r"shape \(9, 9, 4\), but \(h, w\) or \(h, w, 3\) is needed"),
        (np.zeros((9,), np.uint8), r"shape \(9,\)"),
        (np.zeros((0, 9), np.uint8), r"shape \(0, 9\)"),
    ],
)
def test_an_invalid_image_is_refused(image: Pixels, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resize(image, 28)


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "28", None])
def test_an_invalid_size_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match="It must be an integer of at least 1 pixel"):
        resize(noise(9, 9), size)
    with pytest.raises(ValueError, match="It must be an integer of at least 1 pixel"):
        zoom(noise(9, 9, 9), size)


def test_an_unknown_resampler_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"Unknown resampler 'bicubik'. Did you mean 'bicubic'\? Available: nearest"):
        resize(noise(9, 9), 28, resampler="bicubik")  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(64, 64, 64), (15, 30, 45), (50, 60)])
def test_floats_are_zoomed_as_scipy_does(shape: tuple[int, ...]) -> None:
    volume = np.random.default_rng(0).random(shape)

    expected = ndimage.zoom(volume, [28 / length for length in shape], order=3, mode="constant")

    assert np.array_equal(expected, zoom(volume, 28))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16])
def test_integers_are_rounded_and_cut_to_their_range(dtype: Any) -> None:
    limits = np.iinfo(dtype)
    volume = np.where(np.indices((20, 20, 20)).sum(axis=0) % 7 < 3, limits.min, limits.max).astype(dtype)

    zoomed = zoom(volume, 28)

    exact = ndimage.zoom(volume.astype(float), 28 / 20, order=3, mode="constant")
    assert exact.min() < limits.min
    assert exact.max() > limits.max
    assert zoomed.dtype == dtype
    assert np.array_equal(np.clip(np.rint(exact), limits.min, limits.max), zoomed)


@given(size=st.integers(1, 12), dtype=st.sampled_from([np.uint8, np.float32, np.bool_]))
def test_a_volume_of_that_size_stays_as_it_is_and_is_copied(size: int, dtype: Any) -> None:
    volume = noise(size, size, size).astype(dtype)

    zoomed = zoom(volume, size)

    assert np.array_equal(volume, zoomed)
    assert not np.shares_memory(volume, zoomed)
    assert zoomed.dtype == (np.uint8 if dtype is np.uint8 else np.float64)


def test_constant_leaves_the_last_plane_empty_for_some_lengths_and_mirror_does_not() -> None:
    volume = np.full((64, 64, 64), 200, dtype=np.uint8)

    constant, mirrored = zoom(volume, 28), zoom(volume, 28, mode="mirror")

    assert (mirrored == 200).all()
    assert (constant[:27, :27, :27] == 200).all()
    assert not constant[27].any()


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        (np.zeros((3, 3, 3, 3)), r"shape \(3, 3, 3, 3\), but \(d, h, w\) with at least one voxel is needed"),
        (np.zeros((3, 0, 3)), r"shape \(3, 0, 3\)"),
        (np.zeros((3, 3, 3), complex), "dtype complex128, but integers or floats are needed"),
    ],
)
def test_an_invalid_volume_is_refused(volume: NDArray[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        zoom(volume, 28)
