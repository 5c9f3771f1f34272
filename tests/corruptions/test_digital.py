from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medmnist_np.corruptions import corrupt
from tests.corruptions.pictures import Images, enlarged, textured

SHAPES = [(28, 28), (224, 224), (50, 31), (28, 28, 3), (224, 224, 3), (31, 50, 3)]


def pixelated(image: Images, factor: float) -> Images:
    picture = Image.fromarray(image)
    small = (max(1, int(picture.width * factor)), max(1, int(picture.height * factor)))
    return np.asarray(picture.resize(small, Image.Resampling.BOX).resize(picture.size, Image.Resampling.BOX))


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


@pytest.mark.parametrize("factor", [0.8, 0.35, 0.1, 0.001, 1])
@pytest.mark.parametrize("shape", SHAPES)
def test_pixelated_images_are_those_of_pillow(shape: tuple[int, ...], factor: float) -> None:
    images = textured(3, *shape)
    assert np.array_equal([pixelated(image, factor) for image in images], corrupt(images, "pixelate", factor))


def test_a_pixelated_volume_is_made_of_blocks() -> None:
    volumes = textured(2, 28, 24, 20)

    blocks = corrupt(volumes, "pixelate", 0.25).reshape(2, 7, 4, 6, 4, 5, 4)

    means = volumes.reshape(blocks.shape).mean(axis=(2, 4, 6), keepdims=True)
    assert np.abs(blocks - means).max() <= 1.5  # the slices are rounded before the depth is


@pytest.mark.parametrize("quality", [80, 30, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_jpeg_is_that_of_pillow(shape: tuple[int, ...], quality: int) -> None:
    images = textured(3, *shape)
    expected = [np.asarray(as_jpeg(Image.fromarray(image), quality)) for image in images]
    assert np.array_equal(expected, corrupt(images, "jpeg_compression", quality))


def test_a_gray_jpeg_is_the_gray_of_one_in_colour_as_the_reference_makes_it(real_archives: Path) -> None:
    images = enlarged(real_archives, "breastmnist", 4)
    expected = [np.asarray(as_jpeg(Image.fromarray(image).convert("RGB"), 15).convert("L")) for image in images]
    assert np.array_equal(expected, corrupt(images, "jpeg_compression", 15))
