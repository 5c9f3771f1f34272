from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from medmnist_np.corruptions import corrupt
from medmnist_np.registry.corruption_facts import corrupted_sets
from tests.corruptions.pictures import enlarged, farthest, textured

SHAPES = [(28, 28), (224, 224, 3), (31, 50, 3)]
ENHANCERS = {"brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast}


def published(corruption: str) -> list[float]:
    """Return all factors that any set has for a corruption."""
    found = [each.corruptions[corruption] for each in corrupted_sets().values() if corruption in each.corruptions]
    return sorted({numbers[0] for strengths in found for numbers in strengths.severities})


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["brightness_up", "brightness_down", "contrast_up", "contrast_down"])
def test_brightness_and_contrast_are_those_of_pillow(name: str, shape: tuple[int, ...]) -> None:
    images = textured(4, *shape)
    for factor in (*published(name), 0, 1):
        enhanced = [
            ENHANCERS[name.split("_", maxsplit=1)[0]](Image.fromarray(image)).enhance(factor) for image in images
        ]
        assert np.array_equal([np.asarray(image) for image in enhanced], corrupt(images, name, factor))


def test_contrast_of_real_images_is_that_of_pillow(real_archives: Path) -> None:
    for name in ("retinamnist", "breastmnist"):
        images = enlarged(real_archives, name, 4)
        expected = [np.asarray(ImageEnhance.Contrast(Image.fromarray(image)).enhance(1.3)) for image in images]
        assert np.array_equal(expected, corrupt(images, "contrast_up", 1.3))


def test_the_contrast_of_a_volume_is_around_its_own_mean() -> None:
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
def test_saturation_is_that_of_hsv(offset: float) -> None:
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


def test_no_change_changes_nothing() -> None:
    images = textured(2, 40, 30, 3)
    for name, number in (("brightness_up", 1), ("contrast_up", 1), ("gamma_corr_up", 1), ("saturate", 0)):
        assert farthest(images, corrupt(images, name, number)) == 0
