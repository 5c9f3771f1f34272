"""Locks save double work. Data is right with them, without them, and after their holder was killed."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import filelock
import pytest

from medmnist_np.cache import locks, store
from medmnist_np.testing import fake_record, make_archive, make_arrays
from tests.cache import kills
from tests.cache.kills import Site
from tests.fault_server import Drip, FaultServer, ServedFile, Stall
from tests.test_files import in_child, posix

PROCESSES = 8


@contextmanager
def served(folder: Path) -> Iterator[tuple[Site, ServedFile]]:
    """A made-up archive on a server that counts requests."""
    folder.mkdir()
    record = make_archive(folder, fake_record("pathmnist", n_samples={"train": 60, "test": 20}))
    archive = record.archive(28)
    with FaultServer() as server:
        file = server.file(archive.file_name, (folder / archive.file_name).read_bytes())
        record = replace(record, archives={28: replace(archive, url=file.url)})
        yield Site(record, make_arrays(record)), file


def test_the_lock_is_held_for_the_block_and_then_free(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "x.lock"
    for _ in range(2):
        with locks.held(path) as locked:
            assert locked
            with pytest.raises(filelock.Timeout):
                filelock.FileLock(path, is_singleton=False).acquire(timeout=0)


def test_the_lock_is_free_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locks.held(tmp_path / "x.lock"):
        raise KeyError
    with locks.held(tmp_path / "x.lock", patience=0) as locked:
        assert locked


@posix
@pytest.mark.parametrize("emptied", [False, True], ids=["as it is", "with a lock that opens and empties what it finds"])
def test_a_link_planted_as_a_lock_does_not_empty_its_target(tmp_path: Path, monkeypatch, emptied: bool) -> None:
    """Releases of filelock before 3.20.1 truncated what they opened, through a link."""

    def emptying(lock: Any) -> None:
        lock._context.lock_file_fd = os.open(lock.lock_file, os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    if emptied:
        monkeypatch.setattr(filelock.FileLock, "_acquire", emptying)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "x.lock").symlink_to(victim)
    with locks.held(tmp_path / "x.lock", patience=0) as locked:
        assert not locked
    assert victim.read_text() == "precious"


def hold(path: Path, held: Any, free: Any) -> None:
    with locks.held(path):
        held.set()
        free.wait()


@contextmanager
def holder(path: Path) -> Iterator[tuple[multiprocessing.process.BaseProcess, Any]]:
    """Another process that holds the lock until it is told to let go, or is killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(kills.PRELOADED)
    held, free = context.Event(), context.Event()
    process = context.Process(target=hold, args=(path, held, free))
    process.start()
    try:
        assert held.wait(240)
        yield process, free
    finally:
        process.kill()
        process.join()


def test_the_second_process_waits_for_the_first_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "TELL_AFTER_S", 0.2)
    caplog.set_level(logging.WARNING, "medmnist_np")
    with holder(tmp_path / "x.lock") as (_, free):

        def let_go_when_it_says_so() -> None:
            while "Waiting for another process that prepares x." not in caplog.text:
                time.sleep(0.01)
            let_go.append(True)
            free.set()

        let_go: list[bool] = []
        watcher = threading.Thread(target=let_go_when_it_says_so, daemon=True)
        watcher.start()
        with locks.held(tmp_path / "x.lock") as locked:
            assert locked is True
            assert let_go == [True]
        watcher.join()


def test_a_lock_whose_holder_is_killed_is_free(tmp_path: Path) -> None:
    """Row 25."""
    with holder(tmp_path / "x.lock") as (process, _):
        timer = threading.Timer(0.3, process.kill)
        timer.start()
        with locks.held(tmp_path / "x.lock") as locked:
            assert locked
        timer.join()


def test_a_holder_that_shows_no_sign_of_life_is_not_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with holder(tmp_path / "x.lock"), locks.held(tmp_path / "x.lock", patience=0.3) as locked:
        assert not locked
    assert "has not answered for" in caplog.text


def test_a_holder_whose_files_grow_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / "x.npz.part"
    with holder(tmp_path / "x.lock") as (process, free):
        clock = Clock()

        def work_while_the_other_sleeps() -> None:
            part.write_bytes(bytes(int(clock.now)))
            if clock.now >= 100:
                free.set()
                process.join(240)

        clock.at_each_sleep = work_while_the_other_sleeps
        monkeypatch.setattr(locks, "time", clock)
        with locks.held(tmp_path / "x.lock", [(tmp_path, "x.npz*")], patience=3.0) as locked:
            assert locked is True
            assert clock.now >= 100


class Clock:
    """Stands for the module ``time``: a second takes as long as the test needs for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.at_each_sleep: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.at_each_sleep()


def held_in(path: Path) -> bool:
    with locks.held(path) as locked:
        return locked


@posix
def test_a_lock_folder_that_is_read_only_gives_no_lock(tmp_path: Path) -> None:
    """Row 25."""
    folder = tmp_path / "locks"
    folder.mkdir()
    folder.chmod(0o555)
    try:
        assert not in_child(held_in, folder / "x.lock", rights=False)
    finally:
        folder.chmod(0o755)


def test_a_file_in_the_place_of_the_lock_folder_gives_no_lock(tmp_path: Path) -> None:
    (tmp_path / "locks").write_bytes(b"")
    with locks.held(tmp_path / "locks" / "x.lock") as locked:
        assert not locked


def test_a_folder_that_goes_while_it_is_watched_does_not_end_the_waiting(tmp_path: Path) -> None:
    class Vanishing(type(tmp_path)):  # type: ignore[misc]  # the class of paths of this platform
        def glob(self, *_: object, **__: object) -> Iterator[Path]:
            holder.release()
            raise FileNotFoundError(2, "No such file or directory", str(self))

    (holder := filelock.FileLock(tmp_path / "x.lock")).acquire()
    with locks.held(tmp_path / "x.lock", [(Vanishing(tmp_path), "*")]) as locked:
        assert locked


def test_no_support_for_locks_gives_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(filelock.FileLock, "_acquire", refuse)
    with locks.held(tmp_path / "x.lock") as locked:
        assert not locked


@posix
def test_without_a_lock_a_process_works_in_a_part_of_its_own(tmp_path: Path) -> None:
    with served(tmp_path / "site") as (site, file):
        cache = tmp_path / "cache"
        (cache / "locks").mkdir(parents=True)
        (cache / "downloads").mkdir()
        theirs = cache / "downloads" / f"{site.record.archive(28).file_name}.part"
        theirs.write_bytes(b"another process is at work on this")
        (cache / "locks").chmod(0o555)
        try:
            in_child(prepared, site, cache, rights=False)
        finally:
            (cache / "locks").chmod(0o755)
        assert [request.range for request in file.requests] == [None]
        assert theirs.read_bytes() == b"another process is at work on this"
        assert {theirs.relative_to(cache).as_posix()} == kills.leftovers(site, cache)
        assert site.is_right(site.prepare(cache))


def prepared(site: Site, cache: Path) -> bool:
    return site.is_right(site.prepare(cache))


def unlocked(site: Site, cache: Path, told: bool) -> bool:
    """Prepare with a lock that does nothing, and says so (told) or not."""

    class NoLock:
        def __init__(self, *_: object) -> None:
            pass

        def acquire(self, *_: object, **__: object) -> None:
            if told:
                raise NotImplementedError("no locks here")

        def release(self, *_: object) -> None:
            pass

    filelock.FileLock = NoLock
    return prepared(site, cache)


def together(function: Any, *arguments: Any) -> list[Any]:
    """Run a function in eight processes at once and return their results or failures."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(in_child(function, *arguments))
        except Exception as error:  # noqa: BLE001  (for the test to judge)
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_eight_processes_on_an_empty_cache_cause_one_download(tmp_path: Path) -> None:
    """Row 24."""
    with served(tmp_path / "site") as (site, file):
        file.plan(then=Drip(size=40_000, seconds=0.05))
        assert [True] * PROCESSES == together(prepared, site, tmp_path / "cache")
        assert len(file.requests) == 1
        assert kills.leftovers(site, tmp_path / "cache") == set()


@pytest.mark.windows_refuses  # there, some processes end with an error: a part or folder that others have open stays
@pytest.mark.parametrize("told", [True, False], ids=["no lock can be had", "the lock does nothing"])
def test_eight_processes_without_a_lock_get_the_right_data(tmp_path: Path, told: bool) -> None:
    """Row 24."""
    with served(tmp_path / "site") as (site, file):
        file.plan(then=Drip(size=40_000, seconds=0.05))
        cache = tmp_path / "cache"
        results = together(unlocked, site, cache, told)
        found = store.find(site.key, [cache])
        assert found is None or site.is_right(found)
        assert [True] * PROCESSES == results


def test_a_holder_that_is_killed_in_the_middle_of_a_download_is_followed_by_the_next(tmp_path: Path) -> None:
    with served(tmp_path / "site") as (site, file):
        file.plan(Stall(after=40_000, seconds=60))
        cache = tmp_path / "cache"
        first = kills.start(site, cache, None)
        part = cache / "downloads" / f"{site.record.archive(28).file_name}.part"
        while not part.exists() or part.stat().st_size < 40_000:
            time.sleep(0.01)
        timer = threading.Timer(0.15, first.kill)
        timer.start()
        assert site.is_right(site.prepare(cache))
        timer.join()
        first.join()
        assert [request.range for request in file.requests] == [None, "bytes=40000-"]
