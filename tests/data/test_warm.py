"""Reading ahead: which bytes are read, in which order, and how much memory there is for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np.data import warm
from medmnist_np.data.warm import available_bytes, read_rows

ROW = 1000
GAP = 1 << 18


@pytest.fixture(scope="module")
def array(tmp_path_factory: pytest.TempPathFactory) -> np.memmap:
    path = tmp_path_factory.mktemp("rows") / "rows.npy"
    np.save(path, np.zeros((3000, ROW), np.uint8))
    return np.load(path, mmap_mode="r")


class Counted:
    """Adds up what a bar is told."""

    total: int | None = None

    def __init__(self) -> None:
        self.done = 0

    def update(self, n_bytes: int, /) -> None:
        self.done += n_bytes


def read(array: np.memmap, rows: list[int]) -> int:
    bar = Counted()
    n_bytes = read_rows(array, np.array(rows, dtype=np.intp), bar)
    assert n_bytes == bar.done
    return n_bytes


def test_a_whole_file_is_read_once(array: np.memmap) -> None:
    assert array.nbytes == read(array, list(range(len(array))))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], 0),
        ([0], 1),
        ([2999], 1),
        ([5, 6, 7], 3),
        ([5, 5, 5], 1),
        ([10, 20], 11),  # near enough to read on
        ([0, 2999], 2),
        ([0, 1, 1000, 1001, 2999], 5),
        ([0, GAP // ROW + 2], 2),
        ([0, GAP // ROW], GAP // ROW + 1),
    ],
)
def test_rows_are_read_and_what_lies_close_between_them(array: np.memmap, rows: list[int], expected: int) -> None:
    assert expected * ROW == read(array, rows)


@given(st.lists(st.integers(0, 2999), max_size=30))
def test_no_more_is_read_than_the_rows_and_small_gaps(array: np.memmap, rows: list[int]) -> None:
    ascending = sorted(rows)
    gaps = np.diff(ascending) - 1 if rows else np.array([0])
    between = sum(int(gap) for gap in gaps if 0 < gap * ROW <= GAP)
    assert (len(set(rows)) + between) * ROW == read(array, ascending)


@pytest.mark.parametrize("rows", [[3, 4, 2000], list(range(2500)), [0, 2999]], ids=len)
def test_the_bytes_are_those_of_the_rows(array: np.memmap, rows: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    read, seen = warm._read, []

    def noted(path: Path, position: int, length: int) -> int:
        seen.append((position, position + length))
        return read(path, position, length)

    monkeypatch.setattr(warm, "_read", noted)
    read_rows(array, np.array(rows))
    covered = np.zeros(array.offset + array.nbytes, int)
    for start, stop in seen:
        covered[start:stop] += 1
    expected = np.zeros_like(covered)
    for row in rows:
        expected[array.offset + row * ROW : array.offset + (row + 1) * ROW] = 1
    assert np.array_equal(expected, covered)


def test_an_empty_array_is_read_in_no_time(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros((1, 4), np.uint8))
    one = np.load(tmp_path / "one.npy", mmap_mode="r")
    assert read_rows(one[:0], np.array([], dtype=np.intp)) == 0


def test_a_file_that_has_become_short_ends_the_reading(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.zeros((100, ROW), np.uint8))
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    with (tmp_path / "rows.npy").open("rb+") as stream:
        stream.truncate(rows.offset + 10 * ROW)
    assert 10 * ROW == read_rows(rows, np.arange(100))


# Memory


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up machine with 1000 kB to fill, and a control group."""
    (tmp_path / "meminfo").write_text(
        "MemTotal: 4000 kB\nMemFree:  50 kB\nMemAvailable:    1000 kB\nHugePages_Total: 0\n"
    )
    monkeypatch.setattr(warm, "_MACHINE", tmp_path / "meminfo")
    monkeypatch.setattr(warm, "_CONTROL_GROUP", tmp_path)
    return tmp_path


def group(folder: Path, limit: str, current: int = 0, pages: int = 0) -> None:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{current}\n")
    (folder / "memory.stat").write_text(f"anon 17\ninactive_file {pages}\nactive_file 0\n")


def test_there_is_what_the_machine_has_left(machine: Path) -> None:
    assert available_bytes() == 1_024_000
    group(machine, "max", 999)
    assert available_bytes() == 1_024_000


def test_a_control_group_may_leave_less(machine: Path) -> None:
    group(machine, "800000", 300_000)
    assert available_bytes() == 500_000
    group(machine, "80000000", 300_000)
    assert available_bytes() == 1_024_000


def test_pages_of_files_in_memory_make_room(machine: Path) -> None:
    group(machine, "800000", 790_000, pages=700_000)
    assert available_bytes() == 710_000


@pytest.mark.parametrize("text", ["", "nonsense", "MemAvailable:\n", "MemAvailable: x kB\n"])
def test_tables_that_cannot_be_read_are_passed_over(machine: Path, text: str) -> None:
    (machine / "meminfo").write_text(text)
    found = available_bytes()
    assert found is None or found > 0


def test_this_machine_has_some() -> None:
    found = available_bytes()
    assert found is None or found > 0
