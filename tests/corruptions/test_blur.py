"""Blurs against SciPy, in double precision and by the definition; of the values a level is cut off or rounded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from medmnist_np.corruptions import corrupt, image_seeds
from medmnist_np.corruptions.blur import moved
from medmnist_np.registry.corruption_facts import corrupted_set
from tests.corruptions.pictures import Images, enlarged, farthest, textured

Levels = NDArray[np.float64]


def channels(image: Images) -> Levels:
    """Return an image as (h, w, channels)."""
    return image.reshape(*image.shape[:2], -1).astype(np.float64)


def smoothed(image: Images, size: int) -> Levels:
    """Return an image after a normal kernel of `size` pixels along rows and columns."""
    deviation = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    weights = np.exp(-0.5 * (np.arange(size) - (size - 1) / 2) ** 2 / deviation**2)
    levels = image.astype(np.float64)
    for axis in (0, 1):
        levels = ndimage.correlate1d(levels, weights / weights.sum(), axis, mode="mirror")
    return levels


def out_of_focus(image: Images, radius: float, smoothing: float) -> Levels:
    reach, tail = (8, 1) if radius <= 8 else (int(np.ceil(radius)), 2)
    steps = np.arange(-reach, reach + 1)
    disk = (steps**2 + steps[:, None] ** 2 <= radius**2).astype(np.float64)
    weights = np.exp(-0.5 * (np.arange(-tail, tail + 1) / smoothing) ** 2)
    for axis in (0, 1):
        disk = ndimage.correlate1d(disk, weights / weights.sum(), axis, mode="mirror")
    disk /= (steps**2 + steps[:, None] ** 2 <= radius**2).sum()
    return ndimage.correlate(channels(image), disk[..., None], mode="mirror").reshape(image.shape)


def dragged(image: Images, radius: float, sigma: float, angle: float) -> Levels:
    """Sum pixels one by one, as ImageMagick's documentation of the kernel has it."""
    steps = np.arange(2 * int(np.ceil(radius)) + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    total = np.zeros(image.shape)
    for step, weight in zip(steps, weights / weights.sum(), strict=True):
        down, right = (np.ceil(step * part(np.radians(angle)) - 0.5) for part in (np.sin, np.cos))
        places = [np.clip(rows + down, 0, image.shape[0] - 1), np.clip(columns + right, 0, image.shape[1] - 1)]
        total += weight * image[tuple(place.astype(int) for place in places)]
    return total


def zoomed_in(image: Images, first: float, end: float, step: float) -> Levels:
    factors = np.arange(first, end, step)
    total = channels(image)
    for factor in factors:
        lengths = [int(np.ceil(length / factor)) for length in image.shape[:2]]
        starts = [(whole - length) // 2 for whole, length in zip(image.shape[:2], lengths, strict=True)]
        centre = channels(image)[tuple(slice(a, a + b) for a, b in zip(starts, lengths, strict=True))]
        large = ndimage.zoom(centre, (factor, factor, 1), order=1, mode="nearest")
        trims = [(a - b) // 2 for a, b in zip(large.shape[:2], image.shape[:2], strict=True)]
        total += large[trims[0] :, trims[1] :][: image.shape[0], : image.shape[1]]
    return (total / (len(factors) + 1)).reshape(image.shape)


def of_all(name: str, *sets: str) -> list[tuple[float, ...]]:
    """Return the numbers of every severity of some sets, and where their augmentation ends."""
    found = [corrupted_set(each).strengths(name) for each in sets]
    return sorted({numbers for each in found for numbers in (*each.severities, each.strongest)})


SHAPES = [(224, 224), (224, 224, 3), (224, 260, 3), (250, 224)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 3, 13, 25])
def test_gaussian_blur_is_a_normal_kernel_rounded(size: int, shape: tuple[int, ...]) -> None:
    images = textured(1, *shape)
    expected = smoothed(images[0], size)
    found = corrupt(images, "gaussian_blur", size)[0]
    assert np.abs(expected - found).max() < 0.5001


def test_gaussian_blur_of_volumes_is_along_all_axes() -> None:
    volumes = textured(2, 56, 60, 64)

    found = corrupt(volumes, "gaussian_blur", 25)

    deviation, reach = (0.3 * 11 + 0.8) / 4, 3  # a quarter of those at 224
    for volume, blurred in zip(volumes, found, strict=True):
        expected = ndimage.gaussian_filter(volume.astype(float), deviation, radius=reach, mode="mirror")
        assert np.abs(expected - blurred).max() < 1


@pytest.mark.parametrize("shape", SHAPES)
def test_defocus_is_a_convolution_with_a_disk(shape: tuple[int, ...]) -> None:
    images = textured(1, *shape)
    for radius, smoothing in of_all("defocus_blur", "retinamnist", "octmnist")[:: 1 if len(shape) == 2 else 4]:
        expected = np.clip(out_of_focus(images[0], radius, smoothing), 0, 255)
        found = corrupt(images, "defocus_blur", (radius, smoothing))[0]
        assert (found <= expected + 0.01).all()
        assert (found > expected - 1.01).all()


@pytest.mark.parametrize("angle", [-45, -20.5, 0, 7, 44.9])
def test_motion_blur_is_the_kernel_of_imagemagick(angle: float) -> None:
    for shape in SHAPES[1:]:
        image = textured(1, *shape)[0]
        expected = dragged(image, 9, 7, angle)
        found = moved(image, 9, 7, angle)
        assert (found <= expected + 0.01).all()
        assert (found > expected - 1.01).all()


def test_directions_of_motion_are_uniform_from_minus_45_to_45_degrees() -> None:
    dots = np.zeros((400, 224, 224), dtype=np.uint8)
    dots[:, 112, 112] = 255
    blurred = corrupt(dots, "motion_blur", (20, 15), image_seeds(0, "motion_blur", 5, range(400)))

    rows, columns = np.mgrid[:224, :224] - 112
    weights = blurred.sum(axis=(1, 2), dtype=float)
    angles = np.degrees(np.arctan2((blurred * rows).sum(axis=(1, 2)), (blurred * -columns).sum(axis=(1, 2))))

    assert (weights > 150).all()
    assert (np.abs(angles) < 47).all()
    assert pytest.approx(np.histogram(angles, [-50, -22.5, 0, 22.5, 50])[0], abs=40) == [100, 100, 100, 100]


@pytest.mark.parametrize("shape", SHAPES)
def test_zoom_blur_is_the_mean_of_zooms_of_scipy(shape: tuple[int, ...]) -> None:
    images = textured(1, *shape)
    for numbers in of_all("zoom_blur", "dermamnist")[:: 1 if len(shape) == 2 else 4]:
        expected = zoomed_in(images[0], *numbers)
        found = corrupt(images, "zoom_blur", numbers)[0]
        assert (found <= expected + 0.01).all()
        assert (found > expected - 1.01).all()


BLURS = {"gaussian_blur": (25,), "defocus_blur": (7, 0.3), "motion_blur": (15, 8), "zoom_blur": (1, 1.16, 0.01)}


@pytest.mark.parametrize("name", BLURS)
@pytest.mark.parametrize("size", [28, 64, 128, 448])
def test_blurs_scale_with_the_image(name: str, size: int) -> None:
    large = textured(1, 448, 448)
    if name == "motion_blur":
        large = np.ascontiguousarray(np.broadcast_to(large[:, :, :1], large.shape))  # no angle shows
    seeds = image_seeds(0, name, 1, [0])

    def reduced(images: Images) -> Levels:
        return ndimage.zoom(images[0].astype(float), size / len(images[0]), order=1, grid_mode=True, mode="nearest")

    before = ndimage.gaussian_filter(large[0], 8)[None]
    small = np.rint(reduced(before)).astype(np.uint8)[None]

    expected, found = reduced(corrupt(before, name, BLURS[name], seeds)), corrupt(small, name, BLURS[name], seeds)[0]

    inner = (slice(size // 5, -(size // 5)),) * 2
    assert np.abs(expected[inner] - found[inner]).mean() < 2.5


@pytest.mark.parametrize("name", BLURS)
@pytest.mark.parametrize("level", [0, 1, 100, 254, 255])
def test_an_image_of_one_level_does_not_change(name: str, level: int) -> None:
    for shape in ((1, 5, 9), (1, 64, 64), (1, 224, 224, 3), (1, 1, 1)):
        images = np.full(shape, level, dtype=np.uint8)
        assert np.array_equal(images, corrupt(images, name, BLURS[name], image_seeds(0, name, 1, [0])))


def test_blurs_of_real_images_are_close_to_the_definitions(real_archives: Path) -> None:
    images = enlarged(real_archives, "retinamnist", 2)
    definitions = {
        "gaussian_blur": smoothed(images[0], 25) + 0.5,
        "defocus_blur": out_of_focus(images[0], 7, 0.3),
        "zoom_blur": zoomed_in(images[0], 1, 1.16, 0.01),
    }
    for name, expected in definitions.items():
        found = corrupt(images, name, BLURS[name])[0]
        assert farthest(np.floor(expected).clip(0, 255), found) <= 1
        assert (np.floor(expected).clip(0, 255) == found).mean() > 0.97
