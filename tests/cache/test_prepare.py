"""From an address and a digest to published arrays: every way in, and what stays when it fails."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import http.client
import io
import os
import resource
import socket
import ssl
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import requests
import urllib3

from medmnist_np._progress import silent
from medmnist_np.cache import store
from medmnist_np.cache.http import Patience
from medmnist_np.cache.members import fetch_members
from medmnist_np.cache.prepare import prepare
from medmnist_np.cache.settings import Settings
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import (
    ArchiveError,
    CacheError,
    DigestError,
    DownloadError,
    MedMNISTError,
    NoSpaceError,
    NotCachedError,
    OfflineError,
)
from medmnist_np.registry import Archive, Superseded
from tests.audit import Recording
from tests.cache.mutants import archive_of, npy, zipped
from tests.fault_server import Drop, FaultServer, Serve, ServedFile, Status, etag_of, redirect
from tests.test_files import in_child, posix

Audit = Callable[[], AbstractContextManager[Recording]]

KEY = "medmnist/fakemnist_28-01234567"
NAME = "fakemnist.npz"
ARRAYS = {
    "test_images": np.random.default_rng(0).integers(0, 256, (400, 28, 28), np.uint8),
    "test_labels": np.zeros((400, 1), np.uint8),
}
DATA = zipped({name: npy(array) for name, array in ARRAYS.items()})
WRONG = DATA[:1000] + bytes([DATA[1000] ^ 1]) + DATA[1001:]
# Inflates ten times, so that a limit can let the archive through and not the arrays.
SMOOTH = {"test_images": np.zeros((4000, 28, 28), np.uint8), "test_labels": np.zeros((4000, 1), np.uint8)}
SMOOTH["test_images"][::10] = np.random.default_rng(0).integers(0, 256, (400, 28, 28), np.uint8)


def digest(data: bytes) -> str:
    return f"md5:{hashlib.md5(data, usedforsecurity=False).hexdigest()}"


@dataclass
class Case:
    """An archive on a server, and an empty cache."""

    archive: Archive
    file: ServedFile
    cache: Path
    arrays: dict[str, Any]

    def prepare(self, **options: Any) -> ArrayFolder:
        settings = Settings(self.cache, (self.cache,), **options.pop("settings", {}))
        patience = Patience(tries=2, connect=5, read=5, first_wait=0.01)
        options.setdefault("progress", silent)
        return prepare(self.archive, KEY, settings, patience=patience, **options)

    def check_right(self, folder: ArrayFolder | None) -> None:
        assert folder is not None
        for name, array in self.arrays.items():
            np.testing.assert_array_equal(array, folder.open(name))

    @property
    def ranges(self) -> list[str | None]:
        return [request.range for request in self.file.requests]

    @property
    def published(self) -> ArrayFolder | None:
        return store.find(KEY, [self.cache])

    @property
    def downloads(self) -> list[str]:
        folder = self.cache / "downloads"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def put(self, name: str, data: bytes) -> Path:
        path = self.cache / "downloads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


def case_of(server: FaultServer, cache: Path, arrays: dict[str, Any]) -> Case:
    data = zipped({name: npy(array) for name, array in arrays.items()})
    file = server.file(NAME, data)
    archive = replace(archive_of(arrays), url=file.url, digest=digest(data), bytes=len(data))
    return Case(archive, file, cache, arrays)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def case(server: FaultServer, tmp_path: Path) -> Case:
    return case_of(server, tmp_path / "cache", ARRAYS)


def test_an_archive_is_downloaded_once_and_removed_after_it_was_published(case: Case) -> None:
    folder = case.prepare()
    case.check_right(folder)
    case.check_right(case.prepare())
    assert case.ranges == [None]
    assert case.downloads == []
    assert folder.manifest.archive == NAME
    assert case.archive.digest == folder.manifest.digest
    assert folder.manifest.checked == "digest"


def test_an_archive_can_be_kept_and_serves_again(case: Case) -> None:
    folder = case.prepare(keep_archive=True)
    assert case.downloads == [NAME]
    assert (case.cache / "downloads" / NAME).read_bytes() == DATA
    store.remove(folder.path)
    case.check_right(case.prepare())
    assert case.ranges == [None]
    assert case.downloads == [NAME]


def test_a_kept_archive_is_not_replaced_by_one_that_was_found_damaged(case: Case) -> None:
    case.put(f"{NAME}.part", WRONG)
    kept = case.put(NAME, DATA)
    case.check_right(case.prepare(keep_archive=True))
    assert case.ranges == []
    assert case.downloads == [NAME]
    assert kept.read_bytes() == DATA


def test_a_file_that_was_published_is_readable_by_others(case: Case) -> None:
    before = os.umask(0o022)
    try:
        folder = case.prepare(keep_archive=True).path
    finally:
        os.umask(before)
    paths = [*folder.iterdir(), case.cache / "downloads" / NAME]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o644}


# The digest


def test_wrong_bytes_of_the_right_size_cause_one_clean_restart_and_then_an_error(case: Case) -> None:
    """Row 16."""
    case.file.plan(then=Serve(data=WRONG))
    with pytest.raises(DigestError) as caught:
        case.prepare()
    assert case.archive.digest == caught.value.expected
    assert digest(WRONG) == caught.value.found
    expected = (
        f"{NAME} was downloaded twice and has the wrong checksum: it should be {digest(DATA)} and is "
        f"{digest(WRONG)}. Nothing was kept. A proxy may change files, or a mirror may have a different file. "
        f"Download {case.file.url} in another way and run `medmnist-np import` on it."
    )
    assert expected == str(caught.value)
    assert case.ranges == [None, None]
    assert case.published is None
    assert case.downloads == []


def test_wrong_bytes_and_then_right_ones_are_no_error(case: Case) -> None:
    case.file.plan(Serve(data=WRONG))
    case.check_right(case.prepare())
    assert case.ranges == [None, None]
    assert case.downloads == []


def test_a_restart_that_breaks_off_keeps_what_arrived(case: Case) -> None:
    case.file.plan(Serve(data=WRONG), Drop(after=100_000), then=Status(404))
    with pytest.raises(DownloadError, match="100000 bytes are kept"):
        case.prepare()
    assert DATA[:100_000] == (case.cache / "downloads" / f"{NAME}.part").read_bytes()


@pytest.mark.parametrize("length", [1, 100_000, len(DATA) - 1])
def test_a_part_that_is_damaged_is_found_by_its_digest(case: Case, length: int) -> None:
    """Row 23."""
    case.put(f"{NAME}.part", bytes(length))
    case.check_right(case.prepare())
    assert [f"bytes={length}-", None] == case.ranges
    assert case.downloads == []


def test_a_complete_part_that_is_damaged_is_found_by_its_digest(case: Case) -> None:
    case.put(f"{NAME}.part", WRONG)
    case.check_right(case.prepare())
    assert case.ranges == [None]
    assert case.downloads == []


def test_a_complete_part_needs_no_request(case: Case) -> None:
    case.put(f"{NAME}.part", DATA)
    case.check_right(case.prepare())
    assert case.ranges == []
    assert case.downloads == []


def test_a_complete_part_needs_no_download(case: Case) -> None:
    case.put(f"{NAME}.part", DATA)
    case.check_right(case.prepare(download=False))
    assert case.downloads == []


def test_a_complete_part_is_kept_as_the_archive(case: Case) -> None:
    case.put(f"{NAME}.part", DATA)
    case.prepare(download=False, keep_archive=True)
    assert case.downloads == [NAME]
    assert (case.cache / "downloads" / NAME).read_bytes() == DATA


def test_a_part_that_is_too_long_is_begun_anew(case: Case) -> None:
    case.put(f"{NAME}.part", DATA + b"more")
    case.check_right(case.prepare())
    assert case.ranges == [None]


def test_a_download_that_fails_goes_on_in_the_next_call(case: Case) -> None:
    case.file.plan(Drop(after=100_000), then=Status(404))
    with pytest.raises(DownloadError):
        case.prepare()
    assert case.published is None
    case.file.plan()
    case.check_right(case.prepare())
    assert case.ranges == [None, "bytes=100000-", "bytes=100000-"]
    assert case.file.body_bytes < 1.02 * len(DATA) + 1000
    assert case.downloads == []


def interrupted_when_complete(archive: Archive, cache: Path) -> str:
    """Press Ctrl-C, as it were, when the complete download is opened."""

    def interrupt(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and arguments[1] == "r":
            path = Path(arguments[0])
            if cache / "downloads" in path.parents and path.exists() and path.stat().st_size == archive.bytes:
                raise KeyboardInterrupt

    sys.addaudithook(interrupt)
    try:
        prepare(archive, KEY, Settings(cache, (cache,)), progress=silent)
    except KeyboardInterrupt:
        return "interrupted"
    return "finished"


@posix
def test_an_interruption_after_the_last_byte_keeps_what_arrived(case: Case) -> None:
    """Row 26."""
    assert in_child(interrupted_when_complete, case.archive, case.cache) == "interrupted"
    case.check_right(case.prepare())
    assert case.ranges == [None]
    assert case.downloads == []


class Interrupted:
    """A bar that is interrupted by Ctrl-C."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: int) -> None:
        raise KeyboardInterrupt


def test_an_interruption_while_unpacking_keeps_what_arrived(case: Case) -> None:
    """Row 26."""
    with pytest.raises(KeyboardInterrupt):
        case.prepare(progress=lambda task, *rest: Interrupted() if task.startswith("unpack") else silent(task, *rest))
    assert case.published is None
    case.check_right(case.prepare())
    assert case.ranges == [None]
    assert case.downloads == []


def test_an_archive_of_the_right_digest_and_other_contents_is_not_published(case: Case) -> None:
    other = zipped({"test_images": npy(ARRAYS["test_images"])})
    case.archive = replace(case.archive, digest=digest(other), bytes=len(other))
    case.file.plan(then=Serve(data=other))
    with pytest.raises(ArchiveError, match=r"it holds test_images\.npy, not test_images\.npy, test_labels\.npy"):
        case.prepare()
    assert case.published is None
    assert list((case.cache / "arrays" / "medmnist").iterdir()) == []


# The disk


def test_too_little_space_is_said_before_a_byte_of_the_file_is_brought(case: Case) -> None:
    """Row 18."""
    member = replace(case.archive.members[0], shape=(1 << 50, 28, 28))
    case.archive = replace(case.archive, members=(member,))
    needed = len(DATA) + member.n_values
    with pytest.raises(NoSpaceError, match=rf"Not enough space to download and unpack {NAME}: .*\({needed} bytes\)"):
        case.prepare()
    assert case.published is None
    assert f"{NAME}.part" not in case.downloads


def limited(case_parts: tuple[Archive, Path], largest: int) -> None:
    """Prepare in a process that may not write longer files, which looks like a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    archive, cache = case_parts
    prepare(archive, KEY, Settings(cache, (cache,)), progress=silent)


@posix
def test_a_disk_that_fills_while_downloading_keeps_the_part(case: Case) -> None:
    """Row 18."""
    with pytest.raises(NoSpaceError, match=r"The disk is full: could not .*download.* are free and .* are needed"):
        in_child(limited, (case.archive, case.cache), 100_000)
    assert DATA[:100_000] == (case.cache / "downloads" / f"{NAME}.part").read_bytes()
    case.check_right(case.prepare())
    assert case.ranges == [None, "bytes=100000-"]
    assert case.downloads == []


@posix
def test_a_disk_that_fills_while_unpacking_keeps_the_archive(server: FaultServer, tmp_path: Path) -> None:
    """Row 18."""
    case = case_of(server, tmp_path / "cache", SMOOTH)
    assert len(case.file.data) < 600_000 < case.archive.array_bytes
    with pytest.raises(NoSpaceError, match=f"The disk is full: could not unpack {NAME}.* are free and .* are needed"):
        in_child(limited, (case.archive, case.cache), 600_000)
    assert case.published is None
    assert list((case.cache / "arrays" / "medmnist").iterdir()) == []
    case.check_right(case.prepare())
    assert case.ranges == [None]
    assert case.downloads == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A memory file system of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "umount2") or libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"size=8m"):
        pytest.skip("this user may not mount a small disk")
    yield folder
    libc.umount2(os.fsencode(folder), 2)


class Filling:
    """A bar that fills a disk when work has begun, but for some bytes."""

    def __init__(self, disk: Path, left: int) -> None:
        self.ballast, self.left = disk / "ballast", left

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: int) -> None:
        if not self.ballast.exists():
            free = os.statvfs(self.ballast.parent)
            self.ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - self.left))


@pytest.mark.parametrize(("work", "task"), [("download", NAME), ("unpack", f"unpacking {NAME}")])
def test_a_full_disk_loses_nothing_and_the_work_goes_on_when_there_is_space(
    server: FaultServer, small_disk: Path, work: str, task: str
) -> None:
    """Row 18, on a disk that is really full."""
    arrays = SMOOTH if work == "unpack" else ARRAYS
    case = case_of(server, small_disk / "cache", arrays)
    bar = Filling(small_disk, 50_000)
    with pytest.raises(NoSpaceError, match=f"The disk is full: could not .*{work}"):
        case.prepare(progress=lambda t, *rest: bar if t == task else silent(t, *rest))
    assert case.published is None
    bar.ballast.unlink()
    case.check_right(case.prepare())
    assert case.downloads == []
    assert None not in case.ranges[1:]


def test_a_disk_that_is_too_small_is_said_in_bytes(server: FaultServer, small_disk: Path) -> None:
    case = case_of(server, small_disk / "cache", ARRAYS)
    (small_disk / "ballast").write_bytes(bytes((8 << 20) - (1 << 20)))
    with pytest.raises(NoSpaceError, match=r"Not enough space .* bytes\) are needed and .* bytes\) are free"):
        case.prepare()
    (small_disk / "ballast").unlink()
    case.check_right(case.prepare())


def test_a_cache_that_is_a_file_is_named(case: Case) -> None:
    """Row 19."""
    case.cache.write_bytes(b"")
    with pytest.raises(CacheError, match=rf"{case.cache}.*MEDMNIST_NP_CACHE"):
        case.prepare()
    assert case.ranges == []


def plainly(archive: Archive, cache: Path) -> None:
    prepare(archive, KEY, Settings(cache, (cache,)), progress=silent)


@posix
@pytest.mark.parametrize("below", [".", "downloads", "arrays"])
def test_a_cache_that_cannot_be_written_to_is_named(case: Case, below: str) -> None:
    """Row 19."""
    folder = case.cache / below
    folder.mkdir(parents=True)
    folder.chmod(0o555)
    try:
        with pytest.raises(CacheError, match=f"{case.cache}.*Permission denied.*MEDMNIST_NP_CACHE"):
            in_child(plainly, case.archive, case.cache, rights=False)
    finally:
        folder.chmod(0o755)
    assert case.published is None
    case.check_right(case.prepare())


def with_root(archive: Archive, cache: Path, root: Path, download: bool) -> None:
    prepare(archive, KEY, Settings(cache, (cache,), root), download=download, progress=silent)


@posix
def test_an_archive_in_a_named_root_that_may_not_be_read_is_an_error(case: Case, tmp_path: Path) -> None:
    """Other programs leave archives that only their owner may read."""
    case.cache.mkdir(mode=0o777)
    theirs = tmp_path / "theirs" / NAME
    theirs.parent.mkdir()
    theirs.touch(0o000)
    for download in (False, True):
        with pytest.raises(CacheError, match=f"Could not read {NAME} in {theirs}: Permission denied"):
            in_child(with_root, case.archive, case.cache, theirs.parent, download, rights=False)
    assert case.published is None


@pytest.mark.parametrize("name", [f"{NAME}.part", f"{NAME}.part.json"])
def test_a_link_in_the_place_of_a_part_is_not_followed(case: Case, tmp_path: Path, name: str) -> None:
    """Row 27."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    case.put(name, b"").unlink()
    (case.cache / "downloads" / name).symlink_to(outside)
    if name.endswith(".part"):
        with pytest.raises(CacheError, match="a link or folder is where the unfinished download should be"):
            case.prepare()
    else:
        case.check_right(case.prepare())
    assert outside.read_bytes() == b"mine"


# Without the network


def test_offline_opens_no_socket_and_says_what_is_missing(case: Case, audit: Audit) -> None:
    """Row 32."""
    with audit() as seen, pytest.raises(OfflineError) as caught:
        case.prepare(settings={"offline": True})
    message = str(caught.value)
    assert message.startswith(f"{NAME} is not on this machine. Looked for its arrays or the file in:")
    for place in (case.cache / "arrays", case.cache / "downloads", Path.home() / ".medmnist"):
        assert f"\n  {place}\n" in message
    assert "MEDMNIST_NP_OFFLINE is set, so nothing was downloaded. Allow downloads, or copy the archive" in message
    assert seen.network == []
    assert case.ranges == []


def test_without_permission_to_download_the_command_is_named(case: Case, audit: Audit) -> None:
    with audit() as seen, pytest.raises(NotCachedError, match="Get it with `medmnist-np fetch fakemnist`") as caught:
        case.prepare(download=False, command="medmnist-np fetch fakemnist")
    assert errno.ENOENT == caught.value.errno
    assert seen.network == []


@pytest.fixture
def official() -> Path:
    """The folder of the official package."""
    folder = Path.home() / ".medmnist"
    folder.mkdir()
    return folder


def test_an_archive_of_the_official_package_is_used_and_left_as_it_is(case: Case, official: Path, audit: Audit) -> None:
    (official / NAME).write_bytes(DATA)
    before = (official / NAME).stat()
    with audit() as seen:
        case.check_right(case.prepare(settings={"offline": True}))
    assert seen.network == []
    assert [write for write in seen.writes if str(official) in write] == []
    assert before.st_mtime_ns == (official / NAME).stat().st_mtime_ns
    assert (official / NAME).read_bytes() == DATA
    assert case.downloads == []


def test_an_archive_that_is_damaged_is_passed_over_and_left_as_it_is(case: Case, official: Path) -> None:
    (official / NAME).write_bytes(WRONG)
    case.check_right(case.prepare())
    assert case.ranges == [None]
    assert (official / NAME).read_bytes() == WRONG


def test_an_archive_of_an_older_release_is_named_as_such(
    case: Case, official: Path, caplog: pytest.LogCaptureFixture
) -> None:
    older = zipped({"test_images": npy(ARRAYS["test_images"][:9])})
    (official / NAME).write_bytes(older)
    case.archive = replace(case.archive, superseded=(Superseded(digest(older), "1.0", {"test": 9}),))
    reason = (
        f"{official / NAME} is {NAME} of an older release (as of medmnist 1.0; test 9): its samples are not those of "
        "the present one, so results would not compare. It was left unchanged; `medmnist-np fetch` gets the present "
        "file."
    )
    with pytest.raises(OfflineError) as caught:
        case.prepare(settings={"offline": True})
    assert reason in str(caught.value)
    case.check_right(case.prepare())
    assert reason in caplog.text
    assert older == (official / NAME).read_bytes()


def test_a_shared_cache_that_has_it_is_used(case: Case, tmp_path: Path) -> None:
    folder = case.prepare()
    mine = Settings(tmp_path / "mine", (tmp_path / "mine", case.cache), offline=True)
    assert folder == prepare(case.archive, KEY, mine)
    assert not (tmp_path / "mine").exists()


def test_a_mirror_is_asked_first(case: Case, server: FaultServer) -> None:
    mirrored = server.file(f"mirror/{NAME}", DATA)
    case.check_right(case.prepare(settings={"mirrors": (f"{server.url}/mirror/",)}))
    assert [request.range for request in mirrored.requests] == [None]
    assert case.ranges == []


def test_a_dead_server_is_an_error_that_keeps_the_part(case: Case) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        case.archive = replace(case.archive, url=f"http://127.0.0.1:{taken.getsockname()[1]}/{NAME}")
        part = case.put(f"{NAME}.part", DATA[:1000])
        with pytest.raises(DownloadError, match=f"1000 bytes are kept in {part}"):
            case.prepare()
    assert DATA[:1000] == part.read_bytes()


def test_a_mirror_with_another_file_is_not_asked_again(case: Case, tmp_path: Path) -> None:
    with FaultServer() as other:
        wrong = other.file(NAME, DATA[:-1] + b"?")
        good = replace(Settings(case.cache, (case.cache,)), mirrors=(wrong.url.removesuffix(f"/{NAME}"),))
        folder = prepare(case.archive, KEY, good, progress=silent)
    case.check_right(folder)
    assert len(wrong.requests) == 1
    assert case.ranges == [None]


def test_a_file_address_is_read_where_it_lies(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "here" / NAME
    file.parent.mkdir()
    file.write_bytes(DATA)
    case.archive = replace(case.archive, url=file.as_uri())
    case.check_right(case.prepare())
    assert file.read_bytes() == DATA


def test_what_a_process_without_the_lock_left_is_gone_on_from(case: Case) -> None:
    downloads = case.cache / "downloads"
    downloads.mkdir(parents=True)
    left = downloads / f"{NAME}.0123abcd.part"
    left.write_bytes(DATA[:100_000])
    os.utime(left, (0, 0))
    case.check_right(case.prepare())
    assert case.ranges == ["bytes=100000-"]
    assert case.downloads == []


def test_a_look_up_writes_nothing(case: Case, audit: Callable[[], AbstractContextManager[Any]]) -> None:
    with audit() as seen, pytest.raises(NotCachedError):
        case.prepare(download=False)
    assert seen.writes == []


# What is no wrong digest


def classes_below(*bases: type[Exception]) -> list[type[Exception]]:
    """Return these classes and all that are derived from them now, each once."""
    found = dict.fromkeys(bases)
    for base in bases:
        found |= dict.fromkeys(classes_below(*base.__subclasses__()))
    return list(found)


def of_http() -> list[type[Exception]]:
    """Return the exception classes of the modules that speak HTTP, and those of sockets and codecs."""
    layers = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, ssl.SSLError)
    return sorted(
        {
            *classes_below(*layers),
            *classes_below(UnicodeError),
            OSError,
            TimeoutError,
            ConnectionResetError,
            ValueError,
        },
        key=lambda kind: f"{kind.__module__}.{kind.__qualname__}",
    )


def raises(kind: type[Exception]) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        error = kind.__new__(kind)
        error.args = ("of a test",)
        partial = b"" if kind is http.client.IncompleteRead else 0
        for name, value in {"partial": partial, "expected": 1, "length": b"x", "response": io.BytesIO()}.items():
            with suppress(AttributeError, TypeError):
                setattr(error, name, value)  # what some of them say of themselves
        raise error

    return function


@pytest.mark.parametrize("kind", of_http(), ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
@pytest.mark.parametrize("where", ["request", "body"])
def test_no_failure_of_http_removes_the_part(
    case: Case, monkeypatch: pytest.MonkeyPatch, kind: type[Exception], where: str
) -> None:
    case.put(f"{NAME}.part", DATA[:1000])
    target = (requests.Session, "get") if where == "request" else (urllib3.HTTPResponse, "read1")
    monkeypatch.setattr(*target, raises(kind))
    with pytest.raises(DownloadError, match="1000 bytes are kept"):
        case.prepare()
    assert DATA[:1000] == (case.cache / "downloads" / f"{NAME}.part").read_bytes()


BAD_HOST = "http://lab..example/"


@pytest.mark.parametrize(
    "step",
    [
        redirect(f"{BAD_HOST}{NAME}"),
        Serve(headers={"Content-Length": "9" * 5000}),
        Serve(headers={"Content-Length": "9" * 5000}, honour_range=False),
        Status(429, headers={"Retry-After": "9" * 5000}),
    ],
    ids=["redirect", "Content-Length of a part", "Content-Length", "Retry-After"],
)
def test_an_odd_answer_leaves_the_part_and_the_next_address_is_asked(
    server: FaultServer, case: Case, step: Any
) -> None:
    case.put(f"{NAME}.part", DATA[:1000])
    odd = server.file(f"odd/{NAME}", DATA).plan(then=step)
    case.check_right(case.prepare(settings={"mirrors": (odd.url.removesuffix(f"/{NAME}"),)}))
    assert case.ranges == ["bytes=1000-"]


@pytest.mark.parametrize(
    "step",
    [
        Status(416, headers={"Content-Range": f"bytes */{'9' * 5000}"}),
        Status(206, headers={"Content-Range": f"bytes {'9' * 5000}-{'9' * 5000}/{'9' * 5000}"}),
    ],
    ids=["416", "206"],
)
def test_a_content_range_that_is_no_number_is_survived(server: FaultServer, case: Case, step: Any) -> None:
    case.put(f"{NAME}.part", DATA[:1000])
    odd = server.file(f"odd/{NAME}", DATA).plan(then=step)
    case.check_right(case.prepare(settings={"mirrors": (odd.url.removesuffix(f"/{NAME}"),)}))


def test_a_mirror_that_is_no_host_is_passed_over(case: Case) -> None:
    case.put(f"{NAME}.part", DATA[:1000])
    case.check_right(case.prepare(settings={"mirrors": (BAD_HOST,)}))
    assert case.ranges == ["bytes=1000-"]


def test_a_mirror_that_is_no_host_is_named_and_not_the_file(case: Case) -> None:
    case.file.plan(then=Status(404))
    with pytest.raises(DownloadError, match=r"lab\.\.example") as caught:
        case.prepare(settings={"mirrors": (BAD_HOST,)})
    assert "digest" not in str(caught.value)


def test_a_failed_read_of_the_downloaded_file_is_not_a_wrong_checksum(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.put(f"{NAME}.part", DATA[:1000])
    monkeypatch.setattr("medmnist_np.cache.manifest.RunningHash.read", raises(OSError))
    with pytest.raises(CacheError, match="of a test"):
        case.prepare()
    assert (case.cache / "downloads" / f"{NAME}.part").read_bytes() == DATA[:1000]


# Passwords and tokens


SECRETS = ("hunter2", "s3cr3t")


def with_secrets(url: str) -> str:
    return f"{url.replace('//', f'//me:{SECRETS[0]}@')}?token={SECRETS[1]}"


def shown_of(error: BaseException | None) -> str:
    """Return what a traceback shows of an error and of all that it rests on."""
    return "" if error is None else "".join(traceback.format_exception(error))


ODD_ANSWERS = {
    "nothing there": Status(404),
    "breaks off": [Drop(after=5000), Status(404)],
    "another file": Serve(data=WRONG),
    "redirects in a loop": redirect("?token=s3cr3t"),
    "redirects to no host": redirect(f"http://me:{SECRETS[0]}@lab..example/x?token={SECRETS[1]}"),
    "redirects to no address": redirect(f"http://me:{SECRETS[0]}@[lab/x?token={SECRETS[1]}"),
    "redirects to a port that is none": redirect(f"http://me:{SECRETS[0]}@lab:x/x?token={SECRETS[1]}"),
    "redirects to a scheme that is none": redirect(f"gopher://me:{SECRETS[0]}@lab/x?token={SECRETS[1]}"),
    "redirects to nobody": redirect(f"http://me:{SECRETS[0]}@127.0.0.1:9/x?token={SECRETS[1]}"),
    "asks to come back later": Status(503, headers={"Retry-After": "9999"}),
}


@pytest.mark.parametrize("step", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_no_message_log_or_file_has_passwords_or_tokens(
    server: FaultServer, case: Case, step: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "medmnist_np")
    *first, last = step if isinstance(step, list) else [step]
    odd = server.file("odd", DATA).plan(*first, then=last)
    case.file.plan(then=Status(404))
    with pytest.raises(MedMNISTError) as caught:
        case.prepare(settings={"mirrors": (with_secrets(odd.url),)})
    told = shown_of(caught.value) + caplog.text
    told += "".join(path.read_text("utf-8", "replace") for path in case.cache.rglob("*.json"))
    assert [secret for secret in SECRETS if secret in told] == []
    assert odd.requests


def test_members_taken_alone_tell_no_passwords_or_tokens(server: FaultServer, case: Case, caplog) -> None:
    caplog.set_level("DEBUG", "medmnist_np")
    odd = server.file("odd", DATA).plan(then=Status(404))
    case.file.plan(then=Status(404))
    settings = Settings(case.cache, (case.cache,), mirrors=(with_secrets(odd.url),))
    with pytest.raises(DownloadError) as caught:
        fetch_members(case.archive, ["test_labels"], KEY, settings, silent)
    assert [secret for secret in SECRETS if secret in shown_of(caught.value) + caplog.text + repr(settings)] == []


def test_a_part_is_continued_at_an_address_with_a_password(server: FaultServer, case: Case) -> None:
    odd = server.file(f"odd/{NAME}", DATA).plan(Drop(after=5000), then=Status(404))
    mirror = odd.url.removesuffix(f"/{NAME}").replace("//", f"//me:{SECRETS[0]}@")
    case.file.plan(then=Status(404))
    with pytest.raises(DownloadError):
        case.prepare(settings={"mirrors": (mirror,)})
    odd.plan(then=Serve())
    case.check_right(case.prepare(settings={"mirrors": (mirror,)}))
    assert odd.requests[-1].range == "bytes=5000-"
    assert odd.requests[-1].if_range == etag_of(DATA)


def test_a_mirror_with_a_password_that_holds_another_file_is_not_asked_again(server: FaultServer, case: Case) -> None:
    odd = server.file(f"odd/{NAME}", DATA).plan(then=Serve(data=WRONG))
    mirror = odd.url.removesuffix(f"/{NAME}").replace("//", f"//me:{SECRETS[0]}@")
    case.check_right(case.prepare(settings={"mirrors": (mirror,)}))
    assert len(odd.requests) == 1
    assert case.ranges == [None]
