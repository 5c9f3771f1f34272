"""What is drawn: where it may lie, how large and how many it may be, and what it does to the levels below."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from medmnist_np.corruptions import corrupt, image_seeds
from tests.corruptions.pictures import Images, textured

N = 60


def gray(level: int, *shape: int) -> Images:
    return np.full((N, *shape), level, dtype=np.uint8)


def drawn(name: str, parameters: tuple[float, ...], images: Images) -> Images:
    return corrupt(images, name, parameters, image_seeds(0, name, 1, range(len(images))))


def parts(image: Images, level: int) -> int:
    """Return the number of connected parts that differ from a level."""
    return int(ndimage.label(image != level, np.ones((3, 3)))[1])


@pytest.mark.parametrize("factor", [1.1, 1, 0.95, 0.5, 0])
@pytest.mark.parametrize("shape", [(28, 28), (224, 224), (225, 225, 3), (60, 41), (41, 60, 3)])
def test_pixels_outside_the_circle_are_black_and_inside_unchanged(shape: tuple[int, ...], factor: float) -> None:
    images = np.maximum(textured(2, *shape), 1)
    radius = int(min(shape[0] // 2, shape[1] // 2) * factor)

    found = corrupt(images, "black_corner", factor)

    for row in range(shape[0]):
        for column in range(shape[1]):
            inside = (row - shape[0] // 2) ** 2 + (column - shape[1] // 2) ** 2 <= radius**2
            assert np.array_equal(images[:, row, column] * inside, found[:, row, column])


@pytest.mark.parametrize("shape", [(224, 224), (224, 300, 3)])
def test_stains_are_black_away_from_the_border_and_limited_in_number(shape: tuple[int, ...]) -> None:
    found = drawn("stain_deposit", (3, 24), gray(200, *shape))

    assert set(np.unique(found).tolist()) == {0, 200}
    stained = (found == 0).reshape(N, *shape[:2], -1).any(axis=-1)
    assert not stained[:, :10].any()
    assert not stained[:, -10:].any()
    assert not stained[:, :, :10].any()
    assert not stained[:, :, -10:].any()
    counts = [parts(image.astype(np.uint8), 0) for image in stained]
    assert set(counts) == {1, 2, 3}


def test_a_stain_fills_its_square_as_in_the_reference() -> None:
    for side in (24, 32):
        covered = (drawn("stain_deposit", (1, side), gray(9, 224, 224)) == 0).sum(axis=(1, 2)) / side**2
        # Those of the reference cover 0.46 to 0.78 of their squares, 0.59 in the mean.
        assert covered.mean() == pytest.approx(0.59, abs=0.06)
        assert (covered < 0.9).all()
        assert (covered > 0.3).all()


def test_bubbles_have_two_opacities() -> None:
    for level, inside, rim in ((0, 100, 130), (255, 255, 255), (100, 161, 179)):
        for shape in ((224, 224), (224, 224, 3)):
            assert {level, inside, rim} == set(np.unique(drawn("bubble", (7, 15), gray(level, *shape))).tolist())


def test_there_are_at_least_seven_bubbles_with_a_radius_of_at_least_three() -> None:
    opacity = drawn("bubble", (5, 10), gray(0, 224, 224))

    counts = [parts(image, 0) for image in opacity]  # some touch
    assert max(counts) == 10
    assert min(counts) >= 5
    areas = [(image > 0).sum() for image in opacity]
    assert min(areas) > 5 * np.pi * 5**2
    assert max(areas) < 10 * np.pi * 8**2


@pytest.mark.parametrize(("name", "parameters"), [("bubble", (17, 25)), ("stain_deposit", (5, 32))])
def test_the_covered_share_does_not_depend_on_the_size(name: str, parameters: tuple[float, ...]) -> None:
    shares = []
    for size in (28, 64, 224, 448):
        images = (
            np.zeros((200, size, size), dtype=np.uint8)
            if name == "bubble"
            else np.full((200, size, size), 255, np.uint8)
        )
        shares.append(np.abs(drawn(name, parameters, images).astype(float) - images).mean() / 255)
    assert shares == pytest.approx([shares[2]] * 4, rel=0.12)


def test_characters_are_words_of_one_colour_each() -> None:
    found = drawn("characters", (1, 6, 0.14), gray(128, 224, 224, 3))

    for image in found:
        changed = (image != 128).any(axis=-1)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        assert 4 <= rows[-1] - rows[0] + 1 <= 8
        assert 5 <= columns[-1] - columns[0] + 1 <= 6 * 4
        # What is covered in part lies on a line between gray and the colour.
        shift = image[changed].astype(float) - 128
        assert np.linalg.svd(shift, compute_uv=False)[1] < 0.5 * len(shift) ** 0.5


def test_characters_change_less_than_one_percent_of_the_image() -> None:
    changed = (drawn("characters", (6, 10, 0.18), gray(128, 224, 224, 3)) != 128).any(axis=-1).mean(axis=(1, 2))
    # That of the reference is 0.0069 in the mean.
    assert 0.005 < changed.mean() < 0.008


def test_characters_on_gray_images_have_the_luminance_of_their_colour() -> None:
    found = drawn("characters", (6, 10, 0.18), gray(128, 224, 224))
    assert (found != 128).any(axis=(1, 2)).all()
    assert len(np.unique(found)) > 100


@pytest.mark.parametrize("shape", [(8, 8), (9, 30, 3), (1, 1), (500, 40)])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("bubble", (100, 30)), ("stain_deposit", (9, 200)), ("characters", (9, 20, 10)), ("black_corner", (0.9,))],
)
def test_any_image_size_is_accepted(name: str, parameters: tuple[float, ...], shape: tuple[int, ...]) -> None:
    images = textured(5, *shape)
    assert images.shape == drawn(name, parameters, images).shape
