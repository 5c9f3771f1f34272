"""Noise has the moments and the spectrum of its definition; the other corruptions agree with Pillow and torchvision."""

from __future__ import annotations

import colorsys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from scipy import stats

from medmnist_np.corruptions import corrupt
from medmnist_np.registry.corruption_facts import corrupted_sets
from tests.corruptions.pictures import Images, enlarged, farthest, textured

NOISE = ("gaussian_noise", "speckle_noise", "impulse_noise", "shot_noise")
WEIGHTS = np.array([0.299, 0.587, 0.114])
N = 20


def plain(level: int, *shape: int) -> Images:
    return np.full((N, *shape), level, dtype=np.uint8)


def noise(name: str, level: int, strength: float, *shape: int) -> NDArray[np.float64]:
    """Return what noise adds to images of one level."""
    return corrupt(plain(level, *shape), name, strength, range(N)).astype(np.float64) - level


def of_definition(name: str, level: int, strength: float, n: int = 400_000) -> Images:
    """Return draws in double precision, by the words of the definition."""
    rng = np.random.default_rng(12)
    share = np.full(n, level / 255)
    if name == "gaussian_noise":
        share += rng.normal(0, strength, n)
    elif name == "speckle_noise":
        share += share * rng.normal(0, strength, n)
    elif name == "shot_noise":
        share = rng.poisson(share * strength) / strength
    else:
        share = np.where(rng.random(n) < strength, rng.integers(0, 2, n), share)
    return (np.clip(share, 0, 1) * 255).astype(np.uint8)


CASES = [
    *[("gaussian_noise", level, strength) for level in (0, 40, 128, 250) for strength in (0.04, 0.26)],
    *[("speckle_noise", level, strength) for level in (0, 128, 250) for strength in (0.05, 0.6)],
    *[("impulse_noise", level, strength) for level in (0, 128, 255) for strength in (0.005, 0.17)],
    *[("shot_noise", level, strength) for level in (0, 40, 128, 255) for strength in (5, 60, 300)],
]


@pytest.mark.parametrize(("name", "level", "strength"), CASES)
def test_values_are_distributed_as_defined(name: str, level: int, strength: float) -> None:
    expected = np.bincount(of_definition(name, level, strength), minlength=256)

    found = np.bincount(corrupt(plain(level, 64, 64, 3), name, strength, range(N)).ravel(), minlength=256)

    distance = np.abs(np.cumsum(expected) / expected.sum() - np.cumsum(found) / found.sum()).max()
    # Kolmogorov and Smirnov: beyond this by chance once in a million.
    assert distance < stats.kstwobign.isf(1e-6) * np.sqrt(1 / expected.sum() + 1 / found.sum())


@pytest.mark.parametrize("name", NOISE)
def test_gray_noise_is_the_luminance_of_three_noisy_channels(name: str) -> None:
    strength = {"gaussian_noise": 0.05, "speckle_noise": 0.1, "impulse_noise": 0.05, "shot_noise": 60}[name]
    rgb = noise(name, 128, strength, 96, 96, 3)

    gray = noise(name, 128, strength, 96, 96)

    mixed = np.rint(rgb @ WEIGHTS)
    assert mixed.mean() == pytest.approx(gray.mean(), abs=0.1)
    assert mixed.std() == pytest.approx(gray.std(), rel=0.02)
    assert gray.std() == pytest.approx(np.sqrt((WEIGHTS**2).sum()) * rgb.std(), rel=0.03)


@pytest.mark.parametrize("name", NOISE)
def test_noise_is_white_and_independent_between_channels(name: str) -> None:
    strength = {"gaussian_noise": 0.1, "speckle_noise": 0.2, "impulse_noise": 0.1, "shot_noise": 25}[name]
    added = noise(name, 128, strength, 128, 128, 3)
    added -= added.mean()

    power = (np.abs(np.fft.rfft2(added, axes=(1, 2))) ** 2).mean(axis=(0, 3)) / (128 * 128 * added.var())

    # Mean power of each of 16 bands of frequencies, each of more than 500 waves of 60 images.
    frequency = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.rfftfreq(128))
    bands = np.digitize(frequency, np.quantile(frequency, np.linspace(0, 1, 17)[1:-1]))
    assert [power[bands == band].mean() for band in range(16)] == pytest.approx(np.ones(16), abs=0.05)
    assert np.corrcoef(added.reshape(-1, 3).T) == pytest.approx(np.eye(3), abs=0.02)


def test_half_of_the_impulses_are_white() -> None:
    struck = corrupt(plain(100, 128, 128, 3), "impulse_noise", 0.1, range(N))
    white, black = (struck == 255).mean(), (struck == 0).mean()
    assert white == pytest.approx(0.05, abs=0.001)
    assert black == pytest.approx(0.05, abs=0.001)


@pytest.mark.parametrize("name", NOISE)
def test_volumes_have_noise_in_every_voxel(name: str) -> None:
    added = noise(name, 128, 0.3 if name != "shot_noise" else 10, 20, 21, 22)
    assert (added.std(axis=0) > 0).mean() > 0.99
    assert np.abs(np.corrcoef(added[:, 0].ravel(), added[:, 1].ravel())[0, 1]) < 0.05


@pytest.mark.parametrize(("name", "strength"), [("gaussian_noise", 0), ("speckle_noise", 0), ("impulse_noise", 0)])
def test_zero_noise_changes_nothing(name: str, strength: float) -> None:
    for shape in ((12, 12), (12, 12, 3)):
        images = np.random.default_rng(0).integers(0, 256, (N, *shape), dtype=np.uint8)
        assert np.array_equal(images, corrupt(images, name, strength, range(N)))


TONE_SHAPES = [(28, 28), (224, 224, 3), (31, 50, 3)]
ENHANCERS = {"brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast}


def published(corruption: str) -> list[float]:
    """Return all factors that any set has for a corruption."""
    found = [each.corruptions[corruption] for each in corrupted_sets().values() if corruption in each.corruptions]
    return sorted({numbers[0] for strengths in found for numbers in strengths.severities})


@pytest.mark.parametrize("shape", TONE_SHAPES)
@pytest.mark.parametrize("name", ["brightness_up", "brightness_down", "contrast_up", "contrast_down"])
def test_brightness_and_contrast_equal_pillow(name: str, shape: tuple[int, ...]) -> None:
    images = textured(4, *shape)
    for factor in (*published(name), 0, 1):
        enhanced = [
            ENHANCERS[name.split("_", maxsplit=1)[0]](Image.fromarray(image)).enhance(factor) for image in images
        ]
        assert np.array_equal([np.asarray(image) for image in enhanced], corrupt(images, name, factor))


def test_contrast_of_real_images_equals_pillow(real_archives: Path) -> None:
    for name in ("retinamnist", "breastmnist"):
        images = enlarged(real_archives, name, 4)
        expected = [np.asarray(ImageEnhance.Contrast(Image.fromarray(image)).enhance(1.3)) for image in images]
        assert np.array_equal(expected, corrupt(images, "contrast_up", 1.3))


def test_contrast_of_a_volume_keeps_its_mean() -> None:
    volumes = textured(3, 12, 13, 14)

    changed = corrupt(volumes, "contrast_down", 0)

    means = [int(volume.mean() + 0.5) for volume in volumes]
    assert means == [int(volume[0, 0, 0]) for volume in changed]
    assert [len(np.unique(volume)) for volume in changed] == [1, 1, 1]


@pytest.mark.parametrize("gamma", [*published("gamma_corr_up"), *published("gamma_corr_down")])
def test_gamma_maps_each_level_as_torchvision_does(gamma: float) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    expected = [int((255 + 1 - 1e-3) * (level / 255.0) ** gamma) for level in range(256)]
    assert expected == corrupt(levels, "gamma_corr_up", gamma).ravel().tolist()


@pytest.mark.parametrize("offset", [0, *published("saturate"), 1])
def test_saturation_equals_hsv(offset: float) -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (1, 30, 40, 3), dtype=np.uint8)
    colours[0, 0, :, 1:] = colours[0, 0, :, :1]  # grays
    colours[0, 1] = 0

    expected = []
    for colour in colours.reshape(-1, 3) / 255:
        hue, saturation, value = colorsys.rgb_to_hsv(*colour)
        expected.append(np.multiply(colorsys.hsv_to_rgb(hue, min(1, saturation + offset), value), 255).tolist())
    found = corrupt(colours, "saturate", offset).reshape(-1, 3)

    # Cut to whole levels, with room for rounding in both.
    assert (found <= np.array(expected) + 0.01).all()
    assert (found > np.array(expected) - 1.01).all()


def test_saturation_of_gray_images_is_refused() -> None:
    with pytest.raises(ValueError, match=r"saturate changes colours and needs RGB images .* shape \(2, 28, 28\)"):
        corrupt(textured(2, 28, 28), "saturate", 0.1)


def test_neutral_parameters_change_nothing() -> None:
    images = textured(2, 40, 30, 3)
    for name, number in (("brightness_up", 1), ("contrast_up", 1), ("gamma_corr_up", 1), ("saturate", 0)):
        assert farthest(images, corrupt(images, name, number)) == 0


STORAGE_SHAPES = [(28, 28), (224, 224), (50, 31), (28, 28, 3), (224, 224, 3), (31, 50, 3)]


def pixelated(image: Images, factor: float) -> Images:
    picture = Image.fromarray(image)
    small = (max(1, int(picture.width * factor)), max(1, int(picture.height * factor)))
    return np.asarray(picture.resize(small, Image.Resampling.BOX).resize(picture.size, Image.Resampling.BOX))


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


@pytest.mark.parametrize("factor", [0.8, 0.35, 0.1, 0.001, 1])
@pytest.mark.parametrize("shape", STORAGE_SHAPES)
def test_pixelated_images_equal_pillow(shape: tuple[int, ...], factor: float) -> None:
    images = textured(3, *shape)
    assert np.array_equal([pixelated(image, factor) for image in images], corrupt(images, "pixelate", factor))


def test_a_pixelated_volume_consists_of_block_means() -> None:
    volumes = textured(2, 28, 24, 20)

    blocks = corrupt(volumes, "pixelate", 0.25).reshape(2, 7, 4, 6, 4, 5, 4)

    means = volumes.reshape(blocks.shape).mean(axis=(2, 4, 6), keepdims=True)
    assert np.abs(blocks - means).max() <= 1.5  # the slices are rounded before the depth is


@pytest.mark.parametrize("quality", [80, 30, 5])
@pytest.mark.parametrize("shape", STORAGE_SHAPES)
def test_jpeg_equals_pillow(shape: tuple[int, ...], quality: int) -> None:
    images = textured(3, *shape)
    expected = [np.asarray(as_jpeg(Image.fromarray(image), quality)) for image in images]
    assert np.array_equal(expected, corrupt(images, "jpeg_compression", quality))


def test_a_gray_jpeg_equals_the_gray_of_an_rgb_jpeg_as_in_the_reference(real_archives: Path) -> None:
    images = enlarged(real_archives, "breastmnist", 4)
    expected = [np.asarray(as_jpeg(Image.fromarray(image).convert("RGB"), 15).convert("L")) for image in images]
    assert np.array_equal(expected, corrupt(images, "jpeg_compression", 15))
