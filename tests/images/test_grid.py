from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np.images import choose
from medmnist_np.images.grid import EMPTY, arrange, needed_columns


@given(n=st.integers(1, 60), rows=st.integers(1, 6), columns=st.integers(1, 6), seed=st.integers(0, 9))
def test_each_sample_is_chosen_at_most_once(n: int, rows: int, columns: int, seed: int) -> None:
    places = choose(range(n), rows, columns, seed=seed)
    shown = places[places != EMPTY]
    assert min(n, rows * columns) == len(shown) == len(set(shown.tolist()))
    assert set(shown.tolist()) <= set(range(n))
    assert (-(-len(shown) // columns), columns) == places.shape


def test_a_seed_always_chooses_the_same_and_another_one_others() -> None:
    first, again, other = (choose(range(1000), 3, 3, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_state_of_numpy_is_left_alone() -> None:
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    choose(range(100), 2, 2)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_a_selection_is_chosen_from_by_its_elements() -> None:
    assert set(choose(range(10, 19, 3), 1, 3).flat) == {10, 13, 16}
    assert set(choose(np.array([7, 3]), 1, 2).flat) == {7, 3}


def test_small_sets_fill_what_they_have() -> None:
    places = choose(range(5), 20, 3)
    assert (*places.shape, np.count_nonzero(places == EMPTY)) == (2, 3, 1)
    assert places[1, 2] == EMPTY


def test_with_replacement_every_place_is_filled() -> None:
    places = choose(range(5), 20, 20, replace=True)
    assert places.shape == (20, 20)
    assert set(places.flat) == {0, 1, 2, 3, 4}


def test_by_class_the_rows_are_shared_out() -> None:
    labels = np.array([0] * 10 + [2] * 3)[:, None]
    places = choose(range(100, 113), 5, 4, labels=labels)
    assert (3, 4) == places.shape  # two rows for each of two classes, of which the second fills only one
    assert set(places[:2].flat) <= set(range(100, 110))
    assert set(places[2:].flat) == {110, 111, 112, EMPTY}


def test_by_finding_a_sample_may_come_again() -> None:
    labels = np.array([[1, 1], [0, 0], [0, 1]])
    places = choose(range(3), 2, 2, labels=labels)
    assert [set(row) for row in places.tolist()] == [{0, EMPTY}, {0, 2}]


@pytest.mark.parametrize(
    ("arguments", "labels", "message"),
    [
        ((range(3), 0, 2), None, r"rows is 0 and columns is 2\. Both must be integers of at least 1"),
        ((range(3), 2.5, 2), None, r"rows is 2.5 and columns is 2\. Both must be integers of at least 1"),
        ((range(0), 2, 2), None, "the selection is empty"),
        ((range(2), 2, 2), np.zeros((2, 3), int), "no selected sample has a finding"),
    ],
)
def test_invalid_arguments_are_refused(arguments: tuple, labels: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose(*arguments, labels=labels)


@pytest.mark.parametrize("seed", [-1, 2.5])
def test_an_invalid_seed_is_refused(seed: object) -> None:
    with pytest.raises(ValueError, match=f"Invalid seed: {seed}"):
        choose(range(3), 1, 1, seed=seed)


@given(n=st.integers(1, 10_000), rows=st.integers(1, 10_000), columns=st.integers(1, 10_000))
def test_the_columns_that_are_needed_hold_what_all_would_hold(n: int, rows: int, columns: int) -> None:
    needed = needed_columns(n, rows, columns)
    assert 1 <= needed <= columns
    assert min(n, rows * columns) == min(n, rows * needed)
    assert needed == columns or (needed - 1) ** 2 < n or (needed - 1) * rows < n < columns


def test_lines_are_put_side_by_side_with_gaps_and_empty_places() -> None:
    lines = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], dtype=np.uint8)
    tops = np.array([[0, 2], [2, -1]])
    assert arrange(lines, tops, 2).tolist() == [[1, 2, 5, 6], [3, 4, 7, 8], [5, 6, 0, 0], [7, 8, 0, 0]]
    assert arrange(lines, tops[1:, :1], 2, right=1, below=1).tolist() == [[5, 6, 0], [7, 8, 0], [0, 0, 0]]
