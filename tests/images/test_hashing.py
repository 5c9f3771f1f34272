from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from medmnist_np.images import hashes
from medmnist_np.images.hashes import constant, digests, duplicates

SHAPES = [(28, 28), (28, 28, 3), (5, 6, 7), (3, 3), (1, 1)]
any_shape = st.sampled_from(SHAPES)


def noise(*shape: int, levels: int = 256) -> NDArray[np.uint8]:
    return np.random.default_rng(list(shape)).integers(0, levels, shape, dtype=np.uint8)


# Digests.


@given(shape=any_shape, data=st.data())
def test_a_changed_pixel_changes_the_digest(shape: tuple[int, ...], data: st.DataObject) -> None:
    image = noise(*shape)
    place = data.draw(st.integers(0, image.size - 1))
    by = data.draw(st.integers(1, 255))
    changed = image.copy()
    changed.reshape(-1)[place] = (int(image.reshape(-1)[place]) + by) % 256

    first, second = digests(np.stack([image, changed]))

    assert first != second


@given(shape=any_shape, n=st.integers(0, 30), start=st.integers(0, 30))
def test_a_digest_depends_on_its_image_alone(shape: tuple[int, ...], n: int, start: int) -> None:
    images = noise(n, *shape)

    assert np.array_equal(digests(images)[start:], digests(images[start:]))
    assert np.array_equal(digests(images)[::-1], digests(images[::-1]))
    assert np.array_equal(digests(images), digests(np.asfortranarray(images)))


def test_digests_are_the_same_everywhere() -> None:
    images = np.arange(2 * 5 * 5, dtype=np.uint8).reshape(2, 5, 5)

    assert digests(images).tolist() == [0x7ADF2B0079E49280, 0x7F4156FFAD07B14C]


def test_digests_of_many_images_differ() -> None:
    assert len(set(digests(noise(20_000, 12, 12)).tolist())) == 20_000


def test_digests_and_blanks_report_how_many_bytes_are_done() -> None:
    images = noise(9, 1000, 1000)
    for function in (digests, constant):
        done: list[int] = []
        function(images, advance=done.append)
        assert 1 < len(done)
        assert images.nbytes == sum(done)


# Duplicates.


def brute_force(arrays: list[NDArray[np.uint8]]) -> list[list[list[int]]]:
    groups: dict[bytes, list[list[int]]] = {}
    for number, array in enumerate(arrays):
        for place, image in enumerate(array):
            groups.setdefault(image.tobytes(), []).append([number, place])
    return [group for group in groups.values() if len(group) > 1]


@given(lengths=st.lists(st.integers(0, 12), max_size=3), levels=st.integers(1, 3))
def test_all_exact_copies_are_found_and_nothing_else(lengths: list[int], levels: int) -> None:
    arrays = [noise(n, 2, 2, levels=levels) for n in lengths]

    assert brute_force(arrays) == [group.tolist() for group in duplicates(arrays)]


def test_copies_within_and_between_splits_are_found_in_order() -> None:
    train, test = noise(50, 28, 28), noise(20, 28, 28)
    train[40], test[3], test[7] = train[2], train[2], test[5]

    assert [group.tolist() for group in duplicates([train, test])] == [[[0, 2], [0, 40], [1, 3]], [[1, 5], [1, 7]]]
    known = [digests(train), digests(test)]
    assert [group.tolist() for group in duplicates([train, test], known)] == [
        [[0, 2], [0, 40], [1, 3]],
        [[1, 5], [1, 7]],
    ]


def test_different_images_with_the_same_digest_are_told_apart() -> None:
    # The last bytes of two words can outweigh each other: 256 values, and the sums are taken modulo 2 to the 64.
    first, second = (int(factor) % 256 for factor in hashes._odd_numbers(98)[:2])
    images = np.zeros((4, 28, 28), dtype=np.uint8)
    images[[1, 3], 0, 7] = 1
    images[[1, 3], 0, 15] = -first * pow(second, -1, 256) % 256

    assert len(set(digests(images).tolist())) == 1
    assert [group.tolist() for group in duplicates([images])] == [[[0, 0], [0, 2]], [[0, 1], [0, 3]]]


def test_arrays_whose_images_differ_in_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"different shapes: \(28, 28\), \(64, 64\)"):
        duplicates([noise(2, 28, 28), noise(2, 64, 64)])


def test_digests_that_do_not_fit_are_refused() -> None:
    images = noise(3, 28, 28)
    with pytest.raises(ValueError, match="one digest per image is needed"):
        duplicates([images], [digests(images[:2])])


def test_an_image_of_the_published_breastmnist_is_in_train_and_in_test(real_archives: Path) -> None:
    with np.load(real_archives / "breastmnist.npz") as archive:
        arrays = [archive[f"{split}_images"] for split in ("train", "val", "test")]

    assert [group.tolist() for group in duplicates(arrays)] == [[[0, 115], [2, 76]]]


def test_the_published_retinamnist_and_adrenalmnist3d_hold_no_image_twice(real_archives: Path) -> None:
    for name in ("retinamnist", "adrenalmnist3d"):
        with np.load(real_archives / f"{name}.npz") as archive:
            arrays = [archive[f"{split}_images"] for split in ("train", "val", "test")]
        assert duplicates(arrays) == []
        assert not any(constant(array).any() for array in arrays)


# Blank images.


@given(shape=any_shape, level=st.integers(0, 255), data=st.data())
def test_blank_images_are_found_and_one_pixel_makes_the_difference(
    shape: tuple[int, ...], level: int, data: st.DataObject
) -> None:
    images = np.full((3, *shape), level, dtype=np.uint8)
    place = data.draw(st.integers(0, images[0].size - 1))
    images[1].reshape(-1)[place] = (level + data.draw(st.integers(1, 255))) % 256

    assert [True, images[0].size == 1, True] == constant(images).tolist()


def test_an_image_of_one_colour_is_blank_and_a_volume_of_differing_slices_is_not() -> None:
    colour = np.broadcast_to(np.array([10, 20, 30], dtype=np.uint8), (1, 28, 28, 3))

    assert constant(colour).tolist() == [True]
    assert constant(np.repeat(np.moveaxis(colour, 3, 1), 2, axis=1)).tolist() == [False]


@pytest.mark.parametrize("function", [digests, constant, lambda images: duplicates([images])])
def test_what_are_no_images_is_refused(function: Any) -> None:
    with pytest.raises(ValueError, match="The images must be an array"):
        function(np.zeros((3, 28, 28)))
    with pytest.raises(ValueError, match="The images must be an array"):
        function([[[1, 2]]])
