"""Arrays that follow one another, read as one array would be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np._sequences import Joined, divided


@st.composite
def parts(draw: st.DrawFn) -> list[np.ndarray]:
    lengths = draw(st.lists(st.integers(0, 6), min_size=1, max_size=4))
    values = np.arange(sum(lengths) * 6, dtype=np.uint8).reshape(-1, 2, 3)
    return np.split(values, np.cumsum(lengths)[:-1])


@given(parts(), st.data())
def test_rows_and_slices_are_those_of_the_concatenated_arrays(arrays: list[np.ndarray], data: st.DataObject) -> None:
    joined, whole = Joined(arrays), np.concatenate(arrays)
    assert whole.shape == joined.shape
    assert whole.dtype == joined.dtype
    assert len(whole) == len(joined)
    assert all(np.array_equal(whole[index], joined[index]) for index in range(len(whole)))
    part = data.draw(st.slices(len(whole)))
    if part.step is None or part.step > 0:
        found = joined[part]
        assert whole[part].shape == found.shape
        assert np.array_equal(whole[part], found)


def test_a_step_may_be_longer_than_numpy_counts() -> None:
    joined = Joined([np.arange(3), np.arange(2)])
    assert joined[:: 2**63].tolist() == [0]
    assert joined[5 :: 2**63].tolist() == []


@given(parts(), st.data(), st.booleans())
def test_rows_are_taken_in_any_order(arrays: list[np.ndarray], data: st.DataObject, with_out: bool) -> None:
    joined, whole = Joined(arrays), np.concatenate(arrays)
    choice = st.integers(0, len(whole) - 1) if len(whole) else st.nothing()
    rows = np.array(data.draw(st.lists(choice, max_size=20)) if len(whole) else [], dtype=np.intp)
    out = np.full((len(rows), 2, 3), 255, np.uint8) if with_out else None
    found = joined.take(rows, axis=0, out=out, mode="clip")
    assert np.array_equal(whole[rows], found)
    assert out is None or found is out
    assert found.flags.writeable
    assert not any(np.shares_memory(array, found) for array in arrays)


@given(parts(), st.data())
def test_rows_divided_by_array_are_the_same_rows(arrays: list[np.ndarray], data: st.DataObject) -> None:
    joined, whole = Joined(arrays), np.concatenate(arrays)
    choice = st.integers(0, max(0, len(whole) - 1))
    rows = np.array(data.draw(st.lists(choice, max_size=20)) if len(whole) else [], dtype=np.intp)
    found = [array[chosen] for array, chosen in divided(joined, rows)]
    owner = np.searchsorted(joined.starts, rows, side="right") - 1
    assert np.array_equal(whole[rows[np.argsort(owner, kind="stable")]], np.concatenate(found))


def test_an_array_alone_is_not_divided() -> None:
    rows = np.array([1, 0])
    ((array, chosen),) = divided(whole := np.zeros((3, 2)), rows)
    assert array is whole
    assert chosen is rows


def test_a_slice_inside_one_array_is_a_view() -> None:
    arrays = [np.zeros((3, 2)), np.ones((4, 2))]
    joined = Joined(arrays)
    for start, stop, shared in ((0, 3, 0), (3, 7, 1), (4, 6, 1), (1, 2, 0)):
        assert np.shares_memory(joined[start:stop], arrays[shared])
    assert not any(np.shares_memory(joined[2:4], array) for array in arrays)


@pytest.mark.parametrize("empty", [slice(3, 3), slice(5, 2), slice(7, 7), slice(9, 20), slice(6, 1)])
def test_an_empty_slice_is_empty_wherever_it_lies(empty: slice) -> None:
    assert Joined([np.zeros((3, 2)), np.ones((4, 2))])[empty].shape == (0, 2)
