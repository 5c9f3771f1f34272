"""Work in pieces: in order, not all at once, and on any executor."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from medmnist_np.spread import spread


def square(number: int) -> int:
    return number**2


def test_without_an_executor_it_happens_here_and_when_it_is_asked_for() -> None:
    threads: list[int] = []
    results = spread(lambda _: threads.append(threading.get_ident()), range(3), None)
    assert [] == threads
    next(results)
    assert [threading.get_ident()] == threads


def test_results_come_in_the_order_of_the_tasks() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.01 if number < 2 else 0)
        return number

    with ThreadPoolExecutor(4) as executor:
        assert list(range(200)) == list(spread(slow_first, range(200), executor))


def test_processes_that_are_spawned_do_it_too() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        assert [square(number) for number in range(5)] == list(spread(square, range(5), executor))


def test_tasks_are_drawn_only_a_little_ahead() -> None:
    drawn = 0

    def tasks() -> Iterator[int]:
        nonlocal drawn
        while drawn < 10_000:
            drawn += 1
            yield drawn

    with ThreadPoolExecutor(2) as executor:
        results = spread(square, tasks(), executor)
        for _ in range(10):
            next(results)
        assert 10 <= drawn < 200
        results.close()  # type: ignore[attr-defined]


def test_an_error_comes_in_its_turn_and_what_waits_is_cancelled() -> None:
    done = []

    def third_fails(number: int) -> int:
        if number == 3:
            raise ZeroDivisionError("the third")
        time.sleep(0.005)
        done.append(number)
        return number

    found: list[int] = []
    with ThreadPoolExecutor(1) as executor, pytest.raises(ZeroDivisionError, match="the third"):
        found.extend(spread(third_fails, range(60), executor))
    assert [0, 1, 2] == found
    assert len(done) < 30


def test_no_tasks_give_no_results() -> None:
    with ThreadPoolExecutor(1) as executor:
        assert [] == list(spread(square, [], executor))
    assert [] == list(spread(square, [], None))
