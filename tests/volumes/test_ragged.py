"""Volumes of differing size over one flat array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np.volumes.ragged import Ragged

lengths = st.integers(0, 5)


@st.composite
def volumes(draw: st.DrawFn) -> list[np.ndarray]:
    n_axes = draw(st.sampled_from([3, 4]))
    shapes = draw(st.lists(st.tuples(*[lengths] * n_axes), min_size=1, max_size=4))
    rng = np.random.default_rng(0)
    return [rng.integers(-99, 99, shape, dtype=np.int16) for shape in shapes]


def ragged(arrays: list[np.ndarray]) -> Ragged:
    flat = np.concatenate([array.ravel(order="F") for array in arrays])
    return Ragged(flat, np.array([array.shape for array in arrays]))


@given(volumes())
def test_volumes_are_those_that_were_put_in(arrays: list[np.ndarray]) -> None:
    found = ragged(arrays)
    assert len(arrays) == len(found)
    assert all(np.array_equal(array, volume) for array, volume in zip(arrays, found, strict=True))
    assert [array.shape for array in arrays] == [tuple(shape) for shape in found.shapes.tolist()]
    assert np.cumsum([0, *(array.size for array in arrays)])[:-1].tolist() == found.offsets.tolist()
    assert np.array_equal(arrays[-1], found[-1])


@given(volumes(), st.data())
def test_a_part_has_the_same_volumes_over_the_same_memory(arrays: list[np.ndarray], data: st.DataObject) -> None:
    found = ragged(arrays)
    numbers = np.array(data.draw(st.lists(st.integers(0, len(arrays) - 1), max_size=5)), dtype=np.intp)
    part = found[numbers]
    assert [arrays[number].tolist() for number in numbers] == [volume.tolist() for volume in part]
    assert all(
        np.shares_memory(volume, found[number]) or not volume.size for number, volume in zip(numbers, part, strict=True)
    )
    chosen = data.draw(st.slices(len(arrays)))
    assert [array.tolist() for array in arrays[chosen]] == [volume.tolist() for volume in found[chosen]]


def test_a_volume_of_a_map_is_a_plain_read_only_view_in_fortran_order(tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.arange(36, dtype=np.int16))
    flat = np.load(tmp_path / "flat.npy", mmap_mode="r")
    volume = Ragged(flat, np.array([[2, 3, 2], [4, 3, 2]]))[1]
    assert type(volume) is np.ndarray
    assert np.shares_memory(volume, flat)
    assert volume.flags.f_contiguous is True
    assert volume.flags.writeable is False
    assert np.array_equal(np.arange(12, 36).reshape(2, 3, 4), volume.T)


def test_an_array_that_may_be_written_stays_so_and_its_volumes_are_read_only() -> None:
    flat = np.zeros(8)
    assert not Ragged(flat, np.array([[2, 2, 2]]))[0].flags.writeable
    flat[0] = 1


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([[2, 2, 2], [1, 1, 1]], "add up to 9 voxels; there are 8"),
        ([[2**32, 2**32, 1], [2, 2, 2]], "add up to 18446744073709551624 voxels; there are 8"),
        ([[-2, -2, 2]], r"impossible shape \(-2, -2, 2\)"),
        ([[8]], r"an array \(n, 3\) or \(n, 4\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes: list[list[int]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Ragged(np.zeros(8), np.array(shapes))


def test_a_volume_that_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError):
        Ragged(np.zeros(8), np.array([[2, 2, 2]]))[1]


def test_it_says_what_it_is() -> None:
    assert repr(Ragged(np.zeros(8), np.array([[2, 2, 2]]))) == "Ragged(1 volumes (x, y, z), float64)"
