"""Work done ahead of its turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from medmnist_np._parallel import made_ahead, read_ahead


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_results_come_in_order(n_threads: int) -> None:
    def squared(number: int) -> int:
        time.sleep(0.001 * (number % 3))
        return number**2

    expected = [(number, number**2) for number in range(4, 40)]
    assert expected == list(made_ahead(squared, range(4, 40), n_threads))


def test_an_error_comes_at_its_turn_and_ends_the_work() -> None:
    def fail_at_seven(number: int) -> int:
        if number == 7:
            raise KeyError(number)
        return number

    made = made_ahead(fail_at_seven, range(100), 3)
    assert list(range(7)) == [next(made)[0] for _ in range(7)]
    with pytest.raises(KeyError):
        next(made)
    assert list(made) == []


def test_what_is_given_up_is_not_made() -> None:
    made_numbers = []

    def noted(number: int) -> int:
        made_numbers.append(number)
        return number

    made = made_ahead(noted, range(10_000), 2)
    next(made)
    threads = [thread for thread in threading.enumerate() if "medmnist-np-ahead" in thread.name]
    made.close()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert len(made_numbers) < 6


def test_pieces_are_read_once_each_and_in_order_before_they_are_needed() -> None:
    read: list[int] = []

    def numbers() -> Iterator[tuple[int, str]]:
        yield from ((number, "made") for number in range(5, 20))

    made = read_ahead((one for one in numbers()), read.append, lambda number: number // 4 + 1, start=5, first_piece=1)
    assert list(range(5, 20)) == [next(made)[0] for _ in range(15)]
    give_up = time.monotonic() + 60
    while len(read) < 5 and time.monotonic() < give_up:
        time.sleep(0.001)
    assert list(made) == []
    assert read == [1, 2, 3, 4, 5]
