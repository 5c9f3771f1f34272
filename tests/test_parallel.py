"""Work in pieces: in order, not all at once, and on any executor."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays_of

from medmnist_np._parallel import MappedFile, in_blocks, spread, threads


def square(number: int) -> int:
    return number**2


def test_without_an_executor_it_happens_here_and_when_it_is_asked_for() -> None:
    threads: list[int] = []
    results = spread(lambda _: threads.append(threading.get_ident()), range(3), None)
    assert threads == []
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
    failed = threading.Event()

    def third_fails(number: int) -> int:
        if number == 3:
            raise ZeroDivisionError("the third")
        if number > 3:
            failed.wait(60)
        done.append(number)
        return number

    found: list[int] = []
    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(ZeroDivisionError, match="the third"):
            found.extend(spread(third_fails, range(60), executor))
        failed.set()
    assert found == [0, 1, 2]
    assert done in ([0, 1, 2], [0, 1, 2, 4])  # the thread may have begun the fourth


def test_no_tasks_give_no_results() -> None:
    with ThreadPoolExecutor(1) as executor:
        assert list(spread(square, [], executor)) == []
    assert list(spread(square, [], None)) == []


# Threads


def test_tasks_that_have_not_begun_never_do_once_the_block_fails() -> None:
    release = threading.Event()
    futures: list[Future[bool]] = []

    def fail() -> None:
        with threads(1) as pool:
            futures.extend(pool.submit(release.wait, 60) for _ in range(20))
            futures[-1].add_done_callback(lambda _: release.set())  # leaves the first only now
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert all(future.cancelled() for future in futures[1:])


# Blocks


@pytest.mark.parametrize("workers", [1, 3])
def test_blocks_cover_all_positions_in_order(workers: int) -> None:
    found = [one for block in in_blocks(lambda position: position % 2 == 0, range(100), workers) for one in block]
    assert found == [True, False] * 50


def test_nothing_to_write_gives_no_block() -> None:
    assert list(in_blocks(bool, [], 2)) == []


def test_after_an_error_no_further_block_is_begun() -> None:
    begun: list[int] = []

    def write(position: int) -> bool:
        begun.append(position)
        raise ZeroDivisionError(position)

    with pytest.raises(ZeroDivisionError):
        list(in_blocks(write, range(100_000), 2))
    assert len(begun) < 1000


def test_blocks_that_are_given_up_are_not_written() -> None:
    begun: list[int] = []
    before = set(threading.enumerate())  # other tests may have left a pool
    blocks = in_blocks(lambda position: bool(begun.append(position)), range(1_000_000), 2)
    next(blocks)
    blocks.close()
    n_begun = len(begun)
    assert n_begun < 10_000
    assert set(threading.enumerate()) <= before


def total(file: MappedFile) -> int:
    return int(file.open().sum())


@given(arrays_of.arrays(st.sampled_from(["|u1", "<i2"]), arrays_of.array_shapes(max_dims=4, max_side=5)), st.booleans())
def test_a_mapped_file_holds_the_same_values(
    tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, in_fortran_order: bool
) -> None:
    file = tmp_path_factory.mktemp("mapped") / "x.npy"
    np.save(file, np.asfortranarray(values) if in_fortran_order else values)
    opened = MappedFile.of(np.load(file, mmap_mode="r")).open()
    assert values.dtype == opened.dtype
    assert values.tolist() == opened.tolist()
    assert opened.flags.writeable is False


def test_a_mapped_file_goes_to_another_process_without_its_values(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones(100_000, np.uint8))
    file = MappedFile.of(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert len(pickle.dumps(file)) < 1000
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        assert list(spread(total, [file], executor)) == [100_000]
