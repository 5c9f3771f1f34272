"""What goes wrong on a disk, and what the messages say."""

from __future__ import annotations

import ctypes
import errno
import multiprocessing
import os
import pickle
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medmnist_np import _files
from medmnist_np.errors import CacheError, CorruptCacheError, DigestError, NoSpaceError
from tests.cache import kills

Function = Callable[..., Any]


def drop_rights() -> None:
    """Give up what root may do beyond the modes of files, in this process."""
    if sys.platform == "linux":
        version = 0x2008_0522
        ctypes.CDLL(None).capset(struct.pack("Ii", version, 0), bytes(24))


def _report(sender: Any, environment: dict[str, str], rights: bool, function: Function, arguments: Any) -> None:
    os.environ.clear()
    os.environ.update(environment)
    if not rights:
        drop_rights()
    try:
        sender.send((function(*arguments), None))
    except Exception as error:  # noqa: BLE001  (it is for the test to judge)
        sender.send((None, error))


def in_child(function: Function, *arguments: Any, rights: bool = True) -> Any:
    """Run a function of a module in a process of its own; raise what it raises."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(kills.PRELOADED)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, dict(os.environ), rights, function, arguments))
    process.start()
    sender.close()
    try:
        result, error = receiver.recv()
    except EOFError:
        raise ChildProcessError(f"the child ended with {process.exitcode}") from None
    finally:
        process.join()
        receiver.close()
        process.close()
    if error is not None:
        raise error
    return result


posix = pytest.mark.skipif(os.name != "posix", reason="needs the modes of POSIX files")


@posix
def test_a_child_without_rights_obeys_the_modes_of_files(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError):
        in_child(os.mkdir, str(tmp_path / "x"), rights=False)
    tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    ("n_bytes", "expected"),
    [
        (0, "0 bytes"),
        (1, "1 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (12_345, "12.3 kB"),
        (123_456, "123 kB"),
        (12_345_678, "12.3 MB"),
        (13_500_000_000, "13.5 GB"),
        (2_000_000_000_000, "2.0 TB"),
        (-5_000, "-5.0 kB"),
    ],
)
def test_bytes_are_written_as_people_write_them(n_bytes: int, expected: str) -> None:
    assert expected == _files.readable(n_bytes)


def test_the_space_of_a_path_that_is_not_there_is_that_of_its_disk(tmp_path: Path) -> None:
    free = _files.free_bytes(tmp_path / "not" / "there" / "yet")
    assert abs(free - _files.free_bytes(tmp_path)) < 1 << 30


def test_enough_space_passes(tmp_path: Path) -> None:
    _files.require_space(tmp_path, 0, "do nothing")


def test_too_little_space_is_said_in_bytes_before_anything_is_done(tmp_path: Path) -> None:
    needed = 1 << 60
    with pytest.raises(NoSpaceError) as caught:
        _files.require_space(tmp_path / "cache", needed, "unpack x.npz")
    message = str(caught.value)
    assert message.startswith(f"Not enough space to unpack x.npz: 1152921.5 TB ({needed} bytes) are needed and ")
    assert "are free. Nothing was lost. Free some space (`medmnist-np clean`), or set MEDMNIST_NP_CACHE" in message
    assert errno.ENOSPC == caught.value.errno
    assert str(tmp_path / "cache") == caught.value.filename


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_has_an_error_of_its_own(tmp_path: Path, number: int) -> None:
    expected = r"The disk is full: could not unpack x\.npz\. .* are free\."
    with pytest.raises(NoSpaceError, match=expected) as caught, _files.errors_named(tmp_path, "unpack x.npz"):
        raise OSError(number, os.strerror(number))
    assert "Received data is kept. Free some space (`medmnist-np clean`)" in str(caught.value)
    assert number == caught.value.errno
    assert str(tmp_path) == caught.value.filename


def test_another_failure_names_the_path_and_the_variable(tmp_path: Path) -> None:
    with pytest.raises(CacheError) as caught, _files.errors_named(tmp_path, "create a folder of the cache"):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "x"))
    expected = (
        f"Could not create a folder of the cache in {tmp_path / 'x'}: Permission denied. Fix this, or set "
        "MEDMNIST_NP_CACHE to another folder."
    )
    assert expected == str(caught.value)
    assert errno.EACCES == caught.value.errno
    assert isinstance(caught.value.__cause__, PermissionError)


@pytest.mark.parametrize("kind", [CacheError, NoSpaceError, CorruptCacheError])
def test_an_error_says_the_same_after_it_came_from_another_process(kind: type[CacheError]) -> None:
    error = kind("The disk is full.", errno=errno.ENOSPC, path="/cache")
    found = pickle.loads(pickle.dumps(error))
    assert kind is type(found)
    assert str(found) == "The disk is full."
    assert errno.ENOSPC == found.errno
    assert found.filename == "/cache"


def test_errors_of_our_own_pass_unchanged(tmp_path: Path) -> None:
    ours = DigestError("no", expected="md5:0", found="md5:1")
    with pytest.raises(DigestError) as caught, _files.errors_named(tmp_path, "read"):
        raise ours
    assert ours is caught.value


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    assert _files.make_folder(tmp_path / "a" / "b") == _files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("below", ["", "downloads"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(CacheError, match=f"Could not create a folder of the cache in {tmp_path / 'cache'}"):
        _files.make_folder(tmp_path / "cache" / below)


@posix
def test_a_folder_that_may_not_be_made_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(CacheError, match=f"{tmp_path}.*: Permission denied.*MEDMNIST_NP_CACHE"):
        in_child(_files.make_folder, tmp_path / "cache" / "downloads", rights=False)
    tmp_path.chmod(0o755)


@posix
@pytest.mark.parametrize("mode", ["rb", "ab", "xb"])
def test_a_link_is_not_opened(tmp_path: Path, mode: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="link"):
        open(tmp_path / "link", mode, opener=_files.open_without_following).close()
    assert (tmp_path / "secret").read_bytes() == b"secret"


def test_a_folder_can_be_synced(tmp_path: Path) -> None:
    _files.sync_folder(tmp_path)


class InUse(PermissionError):
    """What Windows raises while another program has a file open."""

    winerror = 32


def _refused(times: int, change: Callable[..., object], error: type[OSError] = InUse) -> Callable[..., object]:
    """Return a function that fails some times before it makes a change."""
    errors = [error(errno.EACCES, "in use")] * times

    def refusing(*paths: object, **others: object) -> object:
        if errors:
            raise errors.pop()
        return change(*paths, **others)

    return refusing


@pytest.mark.parametrize("name", ["replace", "rename"])
def test_a_file_that_a_virus_scanner_has_open_is_moved_later(tmp_path: Path, monkeypatch, name: str) -> None:
    waits: list[float] = []
    monkeypatch.setattr(_files.time, "sleep", waits.append)
    monkeypatch.setattr(os, name, _refused(3, getattr(os, name)))
    (tmp_path / "x").touch()
    {"replace": _files.move, "rename": _files.move_folder}[name](tmp_path / "x", tmp_path / "y")
    assert ["y"] == [path.name for path in tmp_path.iterdir()]
    assert len(waits) == 3


def test_a_file_that_stays_open_is_an_error_after_three_seconds(tmp_path: Path, monkeypatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(_files.time, "sleep", waits.append)
    monkeypatch.setattr(os, "replace", _refused(99, os.replace))
    with pytest.raises(InUse):
        _files.move(tmp_path / "x", tmp_path / "y")
    assert 2.5 < sum(waits) < 4


def test_a_missing_right_is_an_error_at_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(_files.time, "sleep", lambda _: pytest.fail("it waited"))
    monkeypatch.setattr(os, "replace", _refused(1, os.replace, PermissionError))
    with pytest.raises(PermissionError):
        _files.move(tmp_path / "x", tmp_path / "y")


def test_a_folder_is_removed_when_its_files_are_gone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(_files.time, "sleep", lambda _: None)
    monkeypatch.setattr(os, "rmdir", _refused(2, os.rmdir))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    _files.remove_tree(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []
