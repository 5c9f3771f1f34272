from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from medmnist_np.images import hashes as module
from medmnist_np.images.hashes import (
    CHANGES,
    bits_counted,
    changed_hashes,
    changed_image,
    distance,
    near_between,
    near_pairs,
    perceptual_hashes,
)

hashes = st.integers(0, 2**64 - 1)


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(list(shape)).integers(0, 256, shape, dtype=np.uint8)


def smooth(n: int, size: int = 64) -> NDArray[np.uint8]:
    """Return images of soft spots, levels 30 to 220."""
    random = np.random.default_rng(n)
    coarse = random.integers(30, 221, (n, 16, 16), dtype=np.uint8)
    return np.stack([Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR) for image in coarse])


# Hashes.


@pytest.mark.parametrize("shape", [(28, 28), (30, 45), (224, 224), (28, 28, 28), (9, 10, 11), (28, 28, 3)])
def test_bits_say_which_low_frequencies_of_the_dct_are_above_their_median(shape: tuple[int, ...]) -> None:
    images = noise(20, *shape)
    rgb = shape[-1] == 3
    gray = images @ np.array([0.299, 0.587, 0.114]) if rgb else images.astype(float)

    for image, found in zip(gray, perceptual_hashes(images).tolist(), strict=True):
        low = dctn(image, norm="ortho")[(slice(8),) * 2 if image.ndim == 2 else (slice(4),) * 3].reshape(-1)
        low[0] = 0
        sure = np.abs(low - np.median(low)) > 1e-3 * np.abs(low).max()
        bits = np.array([bit == "1" for bit in f"{found:064b}"])
        assert sure.sum() > 50
        assert np.array_equal((low > np.median(low))[sure], bits[sure])


@given(level=st.integers(0, 255), shape=st.sampled_from([(28, 28), (28, 28, 3), (9, 9, 9)]))
def test_the_hash_of_a_blank_image_is_zero(level: int, shape: tuple[int, ...]) -> None:
    assert perceptual_hashes(np.full((2, *shape), level, dtype=np.uint8)).tolist() == [0, 0]


def test_the_hash_of_an_image_of_one_colour_is_zero() -> None:
    colour = np.broadcast_to(np.array([10, 200, 30], dtype=np.uint8), (1, 28, 28, 3))

    assert perceptual_hashes(colour).tolist() == [0]


def test_gray_images_and_the_same_in_rgb_have_near_hashes() -> None:
    images = smooth(40)
    rgb = np.repeat(images[..., None], 3, axis=3)

    assert distance(perceptual_hashes(images), perceptual_hashes(rgb)).max() <= 2


def test_brightness_contrast_size_and_compression_change_few_bits_and_other_images_many() -> None:
    images = smooth(60)
    original = perceptual_hashes(images)
    larger = np.stack([Image.fromarray(image).resize((128, 128), Image.Resampling.BICUBIC) for image in images])
    changed = {
        "brighter": images + 30,
        "flatter": images // 2 + 20,
        "larger": larger,
        "compressed": np.stack([through_jpeg(image) for image in images]),
    }

    for name, others in changed.items():
        assert distance(original, perceptual_hashes(others)).max() <= 6, name
    assert 20 < np.median(distance(original[:, None], original)) < 44


def through_jpeg(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=70)
    return np.asarray(Image.open(stream))


def test_a_hash_depends_on_its_image_alone() -> None:
    images = noise(30, 400, 500)

    assert np.array_equal(perceptual_hashes(images)[10:], perceptual_hashes(images[10:]))
    assert perceptual_hashes(images[:0]).shape == (0,)


@pytest.mark.parametrize("shape", [(2, 7, 28), (2, 28, 7, 3), (2, 28, 28, 7), (2, 64), (1, 8, 8, 8, 8)])
def test_images_that_are_too_small_or_of_other_axes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="2 or 3 axes of at least 8 pixels are needed"):
        perceptual_hashes(np.zeros(shape, dtype=np.uint8))


# Distances.


@given(hashes, hashes, hashes)
def test_the_distance_is_a_metric(a: int, b: int, c: int) -> None:
    ab, ba, bc, ac = (int(distance(*map(np.uint64, pair))) for pair in ((a, b), (b, a), (b, c), (a, c)))

    assert (a ^ b).bit_count() == ab == ba
    assert (ab == 0) == (a == b)
    assert ac <= ab + bc


@given(st.lists(hashes))
def test_bits_are_counted_without_numpy_2_too(values: list[int]) -> None:
    counted = bits_counted(np.array(values, dtype=np.uint64))

    assert [value.bit_count() for value in values] == counted.tolist()
    assert counted.dtype == np.uint8


def test_distances_are_counted_without_numpy_2_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(np, "bitwise_count", raising=False)

    assert distance(np.uint64(0), np.uint64(2**64 - 1)) == 64
    assert distance(np.array([[0], [3]], np.uint64), np.array([0, 1], np.uint64)).tolist() == [[0, 1], [2, 1]]


# Near pairs.


def brute_force(values: NDArray[np.uint64], max_distance: int) -> list[tuple[int, int, int]]:
    return [
        (first, second, near)
        for first in range(len(values))
        for second in range(first + 1, len(values))
        if (near := (int(values[first]) ^ int(values[second])).bit_count()) <= max_distance
    ]


@given(
    st.lists(hashes, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.lists(st.integers(0, 63), max_size=9)), max_size=20),
    st.integers(0, 16),
)
def test_all_near_pairs_are_found_once(
    centres: list[int], others: list[tuple[int, list[int]]], max_distance: int
) -> None:
    values = list(centres)
    for number, flipped in others:
        if number < len(centres):
            values.append(centres[number] ^ sum(1 << bit for bit in set(flipped)))
    table = np.array(values, dtype=np.uint64)

    places, distances = near_pairs(table, max_distance)

    assert brute_force(table, max_distance) == [
        (*pair, near) for pair, near in zip(places.tolist(), distances, strict=True)
    ]


@pytest.mark.parametrize("at_once", [1, 50, 1 << 17])
def test_near_pairs_do_not_depend_on_how_many_are_compared_at_once(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMPARED_AT_ONCE", at_once)
    values = np.random.default_rng(0).integers(0, 1 << 12, 200).astype(np.uint64) << np.uint64(30)

    places, distances = near_pairs(values, 2)

    assert brute_force(values, 2) == [(*pair, near) for pair, near in zip(places.tolist(), distances, strict=True)]


def test_a_hundred_thousand_hashes_are_searched_without_a_table_of_all_pairs() -> None:
    values = np.random.default_rng(0).integers(0, 2**64, 100_000, dtype=np.uint64)
    values[70_000:70_050] = values[:50] ^ np.uint64((1 << 63) | (1 << 31) | (1 << 11) | 1)

    places, distances = near_pairs(values, 4)

    assert [[number, 70_000 + number] for number in range(50)] == places.tolist()
    assert [4] * 50 == distances.tolist()


def test_too_many_pairs_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(ValueError, match=r"More than 1,000 pairs .* at most 4 bits\. Leave out blank"):
        near_pairs(np.zeros(20_000, dtype=np.uint64), max_pairs=1000)


@pytest.mark.parametrize("max_distance", [-1, 17, 2.5, None])
def test_an_invalid_distance_is_refused(max_distance: Any) -> None:
    with pytest.raises(ValueError, match="It must be between 0 and 16 bits"):
        near_pairs(np.zeros(3, dtype=np.uint64), max_distance)


def test_invalid_hashes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"int64 of shape \(3,\), but uint64 of shape \(n,\) is needed"):
        near_pairs(np.zeros(3, dtype=np.int64))


def test_near_duplicates_of_the_published_breastmnist_are_found(real_archives: Path) -> None:
    with np.load(real_archives / "breastmnist.npz") as archive:
        images = np.concatenate([archive[f"{split}_images"] for split in ("train", "val", "test")])

    places, _ = near_pairs(perceptual_hashes(images), 0)

    assert [115, 546 + 78 + 76] in places.tolist()
    assert 40 <= len(places) <= 50  # coefficients that are near the median may fall either way on another machine


# Changed images.


def changed_copies(images: NDArray[np.uint8], change: str) -> NDArray[np.uint8]:
    changed = np.stack([changed_image(image, change) for image in images])
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 3), (56, 40), (64, 64)])
@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_changed_hashes_are_those_of_changed_images(shape: tuple[int, ...], number: int) -> None:
    images = noise(10, *shape)
    hashes = changed_hashes(images)
    if number >= hashes.shape[1]:
        assert shape[0] != shape[1]  # no quarter turns
        return
    away = distance(perceptual_hashes(changed_copies(images, CHANGES[number])), hashes[:, number])
    # What a crop interpolates is rounded in the image, and not in the hash.
    assert away.max() <= (2 if "cropped" in CHANGES[number] else 0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("shifted down", [[1, 2, 3], [1, 2, 3], [4, 5, 6]]),
        ("shifted left", [[2, 3, 3], [5, 6, 6], [8, 9, 9]]),
        ("shifted up and right", [[4, 4, 5], [7, 7, 8], [7, 7, 8]]),
        ("mirrored left to right", [[3, 2, 1], [6, 5, 4], [9, 8, 7]]),
        ("mirrored top to bottom", [[7, 8, 9], [4, 5, 6], [1, 2, 3]]),
        ("mirrored along a diagonal", [[1, 4, 7], [2, 5, 8], [3, 6, 9]]),
        ("mirrored along the other diagonal", [[9, 6, 3], [8, 5, 2], [7, 4, 1]]),
        ("rotated by 180 degrees", [[9, 8, 7], [6, 5, 4], [3, 2, 1]]),
        ("rotated clockwise", [[7, 4, 1], [8, 5, 2], [9, 6, 3]]),
        ("rotated counterclockwise", [[3, 6, 9], [2, 5, 8], [1, 4, 7]]),
    ],
)
def test_changes_do_what_their_names_say(change: str, expected: list[list[int]]) -> None:
    assert changed_image(np.arange(1, 10).reshape(3, 3), change).tolist() == expected


def test_a_crop_enlarges_what_remains() -> None:
    ramp = np.tile(np.arange(28.0), (28, 1))
    assert changed_image(ramp, "cropped")[0, [0, 27]] == pytest.approx([1, 26], abs=0.1)
    assert changed_image(ramp, "cropped at the left")[0, [0, 27]] == pytest.approx([1, 27], abs=0.1)


def test_steps_are_a_twenty_eighth_of_an_axis() -> None:
    ramp = np.tile(np.arange(224.0), (224, 1))
    assert changed_image(ramp, "shifted left by two")[0, 0] == 16


def test_volumes_have_no_changed_hashes() -> None:
    assert changed_hashes(noise(3, 9, 9, 9)).shape == (3, 0)


@given(st.lists(st.integers(0, 255), max_size=40), st.randoms(use_true_random=False), st.integers(0, 5))
def test_pairs_between_two_arrays_are_those_of_all_comparisons(values: list[int], random: Any, most: int) -> None:
    first = np.array(values, np.uint64) << np.uint64(random.randrange(56))
    second = first[random.sample(range(len(values)), len(values))] ^ np.uint64(random.randrange(8))
    found = near_between(first, second, most)
    expected = np.argwhere(distance(first[:, None], second) <= most) if values else np.empty((0, 2), int)
    assert found.places.tolist() == [pair for pair in expected.tolist() if pair[0] != pair[1]]
    assert found.distances.tolist() == [distance(first[one], second[other]) for one, other in found.places.tolist()]


def test_too_many_pairs_between_two_arrays_are_refused() -> None:
    hashes = np.zeros(100, np.uint64)
    with pytest.raises(ValueError, match="More than 50 pairs of hashes differ in at most 0 bits"):
        near_between(hashes, hashes, 0, max_pairs=50)
