"""Several files at once, the folder that is a mirror, and where data comes from."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import medmnist_np as mm
from medmnist_np.cli import jobs, main as program
from medmnist_np.registry import DatasetInfo, registered
from medmnist_np.testing import make_archive, make_arrays, serve
from tests.fault_server import Drop, FaultServer, Pause, Piece, Serve, ServedFile, Stall, Status

NAMES = ("breastmnist", "pathmnist", "chestmnist", "adrenalmnist3d", "retinamnist", "bloodmnist")
FEW = {"train": 12, "val": 4, "test": 6}


class Gauge:
    """Counts the downloads that are open at the same time."""

    def __init__(self) -> None:
        self.open, self.most = 0, 0
        self.lock = threading.Lock()

    def __enter__(self) -> None:
        with self.lock:
            self.open += 1
            self.most = max(self.most, self.open)

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.open -= 1


@dataclass(frozen=True, kw_only=True)
class Measured(Serve):
    """Serve once two downloads have been open, and then in a little while, counted."""

    gauge: Gauge

    def pieces(self, body: bytes) -> Iterator[Piece]:
        with self.gauge:
            yield body[:1000]
            end = time.monotonic() + 60
            while self.gauge.most < 2 and time.monotonic() < end:
                yield Pause(0.01)
            yield Pause(0.15)
            yield body[1000:]


@dataclass(frozen=True, kw_only=True)
class Once(Serve):
    """Send the second half of the body once something has come true."""

    true: Callable[[], bool]

    def pieces(self, body: bytes) -> Iterator[Piece]:
        yield body[: len(body) // 2]
        end = time.monotonic() + 60
        while not self.true() and time.monotonic() < end:
            yield Pause(0.01)
        yield body[len(body) // 2 :]


@dataclass
class Shop:
    """Data sets on one server, and the cache that they go to."""

    records: Mapping[str, DatasetInfo]
    files: Mapping[str, ServedFile]
    server: FaultServer
    folder: Path
    cache: Path

    def is_ready(self, name: str, cache: Path | None = None) -> bool:
        return ((cache or self.cache) / "arrays" / self.records[name].storage_key(28)).is_dir()

    @property
    def ready(self) -> list[str]:
        return [name for name in NAMES if self.is_ready(name)]

    def is_right(self, name: str) -> bool:
        images, labels = mm.load(name, "test", download=False)
        expected = make_arrays(self.records[name])
        return np.array_equal(expected["test_images"], images) and np.array_equal(expected["test_labels"], labels)


@pytest.fixture
def shop(tmp_path: Path, sandbox: Path) -> Iterator[Shop]:
    folder = tmp_path / "archives"
    folder.mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(FaultServer())
        records = {name: make_archive(folder, name, n_samples=FEW, base_url=server.url) for name in NAMES}
        files = {name: server.file(f"{name}.npz", (folder / f"{name}.npz").read_bytes()) for name in NAMES}
        stack.enter_context(registered(*records.values()))
        yield Shop(records, files, server, folder, sandbox / "cache")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program, [str(argument) for argument in arguments])


# Several at once


def test_at_most_two_downloads_are_open_at_any_time(shop: Shop) -> None:
    gauge = Gauge()
    for file in shop.files.values():
        file.plan(then=Measured(gauge=gauge))
    done = run("fetch", *NAMES)
    assert done.exit_code == 0
    assert gauge.most == 2
    assert all(shop.is_right(name) for name in NAMES)


def test_one_is_unpacked_while_the_next_is_downloaded(shop: Shop) -> None:
    was_ready = []

    def is_ready() -> bool:
        was_ready.append(shop.is_ready("breastmnist"))
        return was_ready[-1]

    shop.files["pathmnist"].plan(Once(true=is_ready))
    assert run("fetch", "pathmnist", "breastmnist").exit_code == 0
    assert was_ready[-1]


def test_the_same_set_named_twice_is_fetched_once(shop: Shop) -> None:
    assert run("fetch", "breastmnist", "BreastMNIST", "breastmnist_28").exit_code == 0
    assert len(shop.files["breastmnist"].requests) == 1


def test_a_failure_does_not_stop_the_others_and_is_listed_at_the_end(shop: Shop) -> None:
    shop.files["pathmnist"].plan(then=Status(404))
    shop.files["bloodmnist"].plan(then=Status(410))
    done = run("fetch", *NAMES)
    assert done.exit_code == 1
    assert shop.ready == [name for name in NAMES if name not in {"pathmnist", "bloodmnist"}]
    assert "pathmnist 28: failed\nCould not download pathmnist.npz." in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last == "Error: 2 of 6 failed: pathmnist 28, bloodmnist 28. Run the same command again to resume."
    shop.files["pathmnist"].plan()
    shop.files["bloodmnist"].plan()
    done = run("fetch", *NAMES)
    assert done.exit_code == 0
    assert "4 of 6 are already on this machine." in done.stdout
    assert [len(shop.files[name].requests) for name in NAMES] == [1, 2, 1, 1, 1, 2]


def test_an_unexpected_error_is_raised(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("medmnist_np.cli.fetch.bring", broken)
    done = run("fetch", *NAMES)
    assert type(done.exception) is RuntimeError
    assert str(done.exception) == "a bug"


# What is shown


def test_quiet_prints_nothing(shop: Shop) -> None:
    done = run("fetch", "--quiet", *NAMES)
    assert done.exit_code == 0
    assert done.stdout == ""
    assert done.stderr == ""


def test_quiet_prints_what_failed(shop: Shop) -> None:
    shop.files["pathmnist"].plan(then=Status(404))
    done = run("fetch", "-q", "breastmnist", "pathmnist")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "HTTP 404" in done.stderr


def test_only_json_is_written_to_stdout(shop: Shop) -> None:
    shop.files["pathmnist"].plan(then=Status(404))
    done = run("fetch", "--json", "breastmnist", "pathmnist")
    table = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [row["name"] for row in table] == ["breastmnist", "pathmnist"]
    assert table[0]["error"] is None
    assert table[1]["folder"] is None
    assert Path(table[0]["folder"]).is_dir()
    assert "HTTP 404" in table[1]["error"]


def test_the_plan_and_each_set_that_is_ready_are_reported(shop: Shop) -> None:
    done = run("fetch", "breastmnist", "pathmnist")
    plan, *rest = done.stdout.partition(" unpacked, into ")
    assert [line.split()[0] for line in plan.splitlines()[:3]] == ["name", "breastmnist", "pathmnist"]
    ready = [line for line in "".join(rest).splitlines() if "ready in" in line]
    assert sorted(line.partition(":")[0] for line in ready) == ["breastmnist 28", "pathmnist 28"]
    assert done.stderr == ""


def test_without_a_terminal_progress_is_printed_as_lines(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_LINES_EVERY_S", 0.05)
    for name in ("breastmnist", "pathmnist"):
        half = len(shop.files[name].data) // 2
        shop.files[name].plan(Stall(after=half, seconds=0.3))
    done = run("fetch", "breastmnist", "pathmnist")
    assert done.exit_code == 0
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stderr
    pattern = r"(\w+\.npz): [\d.]+ (bytes|kB) of [\d.]+ kB, [\d.]+ (bytes|kB)/s, \d+ s left"
    told = {found[1] for line in done.stderr.splitlines() if (found := re.fullmatch(pattern, line))}
    assert told == {"breastmnist.npz", "pathmnist.npz"}


def test_the_speed_of_a_resumed_file_counts_only_new_bytes(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(jobs, "_LINES_EVERY_S", 0.0)
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(jobs, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with jobs.Lines(threading.Event()).progress("x.npz", 1_000_000_000, 999_000_000) as bar:
        bar.update(1000)
    assert "of 1.0 GB, 100 bytes/s" in capsys.readouterr().err


# Ctrl-C


def start(shop: Shop, *arguments: str) -> subprocess.Popen[str]:
    child = Path(__file__).parents[1] / "faults" / "child.py"
    records = shop.folder.parent / "records"
    records.write_bytes(pickle.dumps(list(shop.records.values())))
    command = [sys.executable, str(child), str(records), "program", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603


def part_bytes(shop: Shop, name: str) -> int:
    part = shop.cache / "downloads" / f"{name}.npz.part"
    return part.stat().st_size if part.exists() else 0


@pytest.mark.skipif(os.name != "posix", reason="a signal to one process is POSIX")
def test_an_interruption_loses_nothing(shop: Shop) -> None:
    half = {name: len(file.data) // 2 for name, file in shop.files.items()}
    for name in NAMES[1:3]:
        shop.files[name].plan(Stall(after=half[name], seconds=600))
    child = start(shop, "fetch", *NAMES[:4])
    end = time.monotonic() + 60
    while [part_bytes(shop, name) for name in NAMES[1:3]] != [half[name] for name in NAMES[1:3]]:
        assert time.monotonic() < end
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert err.splitlines()[-1] == "Interrupted. Downloaded data is kept. Run the same command again to resume."
    assert "Traceback" not in out + err
    assert shop.ready == ["breastmnist"]
    assert shop.files[NAMES[3]].requests == []

    again = start(shop, "fetch", *NAMES[:4])
    assert again.communicate(timeout=60)[1] == ""
    assert again.returncode == 0
    assert all(shop.is_right(name) for name in NAMES[:4])
    asked = {name: [request.range for request in shop.files[name].requests] for name in NAMES[:4]}
    resumed = {name: [None, f"bytes={half[name]}-"] for name in NAMES[1:3]}
    assert asked == {"breastmnist": [None], **resumed, NAMES[3]: [None]}


@pytest.mark.skipif(os.name != "posix", reason="a signal to one process is POSIX")
def test_a_second_interruption_ends_in_the_same_way(shop: Shop) -> None:
    shop.files["breastmnist"].plan(Stall(after=1000, seconds=600))
    child = start(shop, "fetch", "breastmnist")
    end = time.monotonic() + 60
    while part_bytes(shop, "breastmnist") != 1000:
        assert time.monotonic() < end
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    time.sleep(0.5)  # nothing shows that the first signal has arrived, and two at once would count as one
    child.send_signal(signal.SIGINT)
    err = child.communicate(timeout=60)[1]
    # The second may come when Python is at its end already, and has given the signal back to the system.
    assert child.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "Interrupted. Downloaded data is kept. Run the same command again to resume."


def test_a_server_without_range_is_named_where_a_split_was_requested(shop: Shop) -> None:
    shop.files["breastmnist"].plan(then=Serve(honour_range=False))
    child = start(shop, "fetch", "breastmnist", "--split", "test")
    err = child.communicate(timeout=60)[1]
    assert child.returncode == 0
    assert "it sends the whole file, although a part of it was asked for" in err
    assert shop.is_right("breastmnist")


# A mirror of one's own


def test_mirror_writes_a_folder_that_a_web_server_can_serve(shop: Shop, tmp_path: Path) -> None:
    folder, second = tmp_path / "mirror", tmp_path / "second"
    done = run("mirror", folder, *NAMES)
    assert done.exit_code == 0
    assert f"6 archive(s) in {folder}. Serve it, and set MEDMNIST_NP_MIRRORS to its URL." in done.stdout
    assert sorted(f"{name}.npz" for name in NAMES) == sorted(names(folder))
    assert not shop.ready
    asked = len(shop.server.requests)
    with serve(folder) as address:
        done = run("fetch", "--mirror", address, "--root", second, *NAMES)
    assert done.exit_code == 0, done.stderr
    assert all(shop.is_ready(name, second) for name in NAMES)
    assert asked == len(shop.server.requests)


@pytest.mark.parametrize("by", ["option", "variable"])
def test_mirror_downloads_nothing_offline(shop: Shop, tmp_path: Path, monkeypatch, by: str) -> None:
    if by == "variable":
        monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    done = run("mirror", tmp_path / "mirror", "pathmnist", *(["--offline"] if by == "option" else []))
    assert done.exit_code == 1
    assert shop.server.requests == []
    assert ("--offline" if by == "option" else "MEDMNIST_NP_OFFLINE") in done.stderr


def test_single_splits_are_downloaded_from_your_own_mirror(shop: Shop, tmp_path: Path) -> None:
    run("mirror", tmp_path / "mirror", "pathmnist")
    asked = len(shop.server.requests)
    with serve(tmp_path / "mirror") as address:
        done = run("fetch", "--mirror", address, "--split", "test", "pathmnist")
    assert done.exit_code == 0
    assert len(shop.server.requests) == asked
    assert mm.load("pathmnist", "test", download=False, partial=True).images.shape == (6, 28, 28, 3)


def test_archives_on_this_machine_are_copied_to_a_mirror(shop: Shop, tmp_path: Path, sandbox: Path) -> None:
    official = sandbox / "home" / ".medmnist"
    official.mkdir()
    shutil.copy(shop.folder / "pathmnist.npz", official)
    run("fetch", "--keep-archive", "breastmnist")
    shop.server.requests.clear()
    done = run("mirror", tmp_path / "mirror", "breastmnist", "pathmnist", "bloodmnist")
    assert done.exit_code == 0
    assert [request.path for request in shop.server.requests] == ["/bloodmnist.npz"]
    for name in ("breastmnist", "pathmnist"):
        assert (shop.folder / f"{name}.npz").read_bytes() == (tmp_path / "mirror" / f"{name}.npz").read_bytes()
    assert names(tmp_path / "mirror") == ["bloodmnist.npz", "breastmnist.npz", "pathmnist.npz"]


def test_mirror_with_a_root_copies_its_archives_and_creates_no_cache(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "root"
    run("fetch", "--keep-archive", "--root", root, "breastmnist")
    shop.server.requests.clear()
    done = run("mirror", tmp_path / "mirror", "breastmnist", "--root", root)
    assert done.exit_code == 0
    assert shop.server.requests == []
    assert names(tmp_path / "mirror") == ["breastmnist.npz"]
    assert not shop.cache.exists()


def test_a_complete_mirror_is_not_changed(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "mirror" / "breastmnist.npz"
    assert run("mirror", file.parent, "breastmnist").exit_code == 0
    before = file.stat()
    assert run("mirror", file.parent, "breastmnist").exit_code == 0
    assert before.st_ino == file.stat().st_ino
    assert before.st_mtime_ns == file.stat().st_mtime_ns
    assert len(shop.files["breastmnist"].requests) == 1


def test_a_damaged_file_of_a_mirror_is_replaced(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "mirror" / "breastmnist.npz"
    file.parent.mkdir()
    file.write_bytes(b"damaged")
    assert run("mirror", file.parent, "breastmnist").exit_code == 0
    assert shop.files["breastmnist"].data == file.read_bytes()


def test_an_interrupted_mirror_resumes(shop: Shop, tmp_path: Path) -> None:
    file = shop.files["breastmnist"].plan(Drop(after=1000), then=Status(404))
    done = run("mirror", tmp_path / "mirror", "breastmnist", "pathmnist")
    assert done.exit_code == 1
    assert "1 of 2 failed: breastmnist 28" in done.stderr
    assert "pathmnist.npz" in names(tmp_path / "mirror")
    file.plan()
    assert run("mirror", "--quiet", tmp_path / "mirror", "breastmnist").stdout == ""
    assert file.requests[-1].range == "bytes=1000-"


def test_the_files_of_a_mirror_can_be_read_by_others(shop: Shop, tmp_path: Path, sandbox: Path) -> None:
    before = os.umask(0o022)
    try:
        run("fetch", "--keep-archive", "breastmnist")
        run("mirror", tmp_path / "mirror", "breastmnist", "pathmnist")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "mirror").iterdir()}
    assert modes == {"breastmnist.npz": 0o644, "pathmnist.npz": 0o644}


# Where data goes and comes from


@pytest.fixture
def configured() -> Iterator[Callable[..., None]]:
    yield mm.configure
    mm.configure()


def test_configure_names_a_cache(shop: Shop, tmp_path: Path, configured) -> None:
    configured(cache=tmp_path / "own")
    assert mm.fetch("breastmnist").is_relative_to(tmp_path / "own")
    configured()
    assert mm.fetch("breastmnist").is_relative_to(shop.cache)


def test_configure_names_shared_caches_that_are_looked_in_and_not_written_to(
    shop: Shop, tmp_path: Path, configured, audit
) -> None:
    configured(cache=tmp_path / "shared")
    mm.fetch("breastmnist")
    configured(shared=[tmp_path / "absent", tmp_path / "shared"])
    with audit() as seen:
        arrays = mm.load("breastmnist")
    assert seen.writes == []
    assert seen.network == []
    assert Path(arrays.images.filename).is_relative_to(tmp_path / "shared")
    assert mm.fetch("pathmnist").is_relative_to(shop.cache)


def test_configure_names_mirrors_in_their_order(shop: Shop, configured) -> None:
    data = shop.files["breastmnist"].data
    first = shop.server.file("first/breastmnist.npz", data).plan(then=Status(404))
    second = shop.server.file("second/breastmnist.npz", data)
    configured(mirrors=[f"{shop.server.url}/first/", f"{shop.server.url}/second"])
    mm.fetch("breastmnist")
    asked = [len(file.requests) for file in (first, second, shop.files["breastmnist"])]
    assert asked == [1, 1, 0]


def test_configure_turns_the_network_off_and_on(shop: Shop, configured, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(offline=True)
    with pytest.raises(mm.MedMNISTError, match="nothing was downloaded"):
        mm.fetch("breastmnist")
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    configured(offline=False)
    mm.fetch("breastmnist")


def test_offline_no_plan_of_downloads_is_printed(shop: Shop) -> None:
    done = run("fetch", "breastmnist", "--offline")
    assert done.exit_code == 1
    assert "to download" not in done.stdout
    assert "--offline" in done.stderr


@pytest.mark.parametrize("split", [[], ["--split", "test"]], ids=["whole", "split"])
def test_a_busy_server_is_not_waited_for_without_patience(shop: Shop, split: list[str]) -> None:
    shop.files["breastmnist"].plan(then=Status(429))
    done = run("fetch", "breastmnist", *split, "--patience", "0")
    assert done.exit_code == 1
    assert "HTTP 429: the server is busy" in done.stderr
    assert "MEDMNIST_NP_PATIENCE" not in done.stderr, "it was set to 0"


@pytest.mark.parametrize("mirror", ["ftp://data.example", "data.example/medmnist", ""])
def test_a_mirror_that_is_not_a_url_is_refused(mirror: str, configured) -> None:
    with pytest.raises(ValueError, match=r"A mirror must be a URL that starts with https:// or http://"):
        configured(mirrors=[mirror])
    done = run("fetch", "--mirror", mirror, "breastmnist")
    assert done.exit_code == 2
    assert "starts with https:// or http://" in done.stderr


def test_the_options_of_fetch_override_the_environment(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDMNIST_NP_MIRRORS", "http://127.0.0.1:9/never")
    mirror = shop.server.file("own/breastmnist.npz", shop.files["breastmnist"].data)
    done = run("fetch", "--root", tmp_path / "own", "--mirror", f"{shop.server.url}/own", "breastmnist")
    assert done.exit_code == 0
    assert len(mirror.requests) == 1
    assert shop.ready == []
    assert shop.is_ready("breastmnist", tmp_path / "own")
    done = run("fetch", "--shared", tmp_path / "own", "--offline", "breastmnist")
    assert done.exit_code == 0
    assert shop.ready == []
    assert "1 of 1 are already on this machine." in done.stdout
    done = run("fetch", "--offline", "pathmnist")
    assert done.exit_code == 1
    assert "nothing was downloaded" in done.stderr


def test_options_apply_to_one_call_only(shop: Shop, tmp_path: Path) -> None:
    run("fetch", "--shared", tmp_path / "own", "--offline", "breastmnist")
    assert mm.fetch("breastmnist").is_relative_to(shop.cache)


def test_a_root_replaces_the_cache(shop: Shop, tmp_path: Path) -> None:
    assert run("fetch", "--root", tmp_path / "root", "breastmnist").exit_code == 0
    assert shop.is_ready("breastmnist", tmp_path / "root") is True
    assert shop.ready == []


def test_too_little_space_for_all_is_reported_before_the_first(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    usage: Any = shutil.disk_usage(shop.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_100_000))
    done = run("fetch", *NAMES)
    assert done.exit_code == 1
    assert "Not enough space to fetch 6 archive(s)" in done.stderr
    assert shop.server.requests == []


def test_a_dry_run_sends_no_request(shop: Shop, audit) -> None:
    with audit() as seen:
        done = run("fetch", "--dry-run", *NAMES)
    assert done.exit_code == 0
    assert seen.network == []
    assert seen.writes == []
    assert all(name in done.stdout for name in NAMES)
