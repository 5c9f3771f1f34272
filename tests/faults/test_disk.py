"""Rows 18, 19, 20 and 27: disks that are full, folders that are not one's own, links that were planted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import medmnist_np as mm
from medmnist_np import _files
from medmnist_np._progress import UNPACKING, silent
from medmnist_np.data.arrays import locate
from medmnist_np.errors import CacheError, NoSpaceError, NotCachedError
from tests.faults.lab import K, Lab, Meanwhile, closed, names

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the rights and limits of POSIX are needed")

SOMEBODY = 65534


@contextmanager
def small_disk(folder: Path, n_bytes: int) -> Iterator[Path]:
    """Mount a disk of that size, or skip the test."""
    folder.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or unmount is None:
        pytest.skip("a small disk needs root and mount")
    command = [mount, "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:  # noqa: S603
        pytest.skip("a small disk could not be mounted")
    try:
        yield folder
    finally:
        subprocess.run([unmount, "--lazy", str(folder)], check=True)  # noqa: S603


def fill(folder: Path) -> None:
    """Take all the space of a disk, as somebody else's file."""
    with (folder / "filler").open("wb", buffering=0) as stream:
        for block in (1 << 20, 1 << 12, 1):
            try:
                while stream.write(bytes(block)) == block:
                    pass
            except OSError:
                continue


def full_before(lab: Lab, folder: Path) -> None:
    needed = lab.size + lab.archive.array_bytes
    for left in (200_000, 0):
        fill(folder)
        os.truncate(folder / "filler", (folder / "filler").stat().st_size - left)
        free_at_most = _files.free_bytes(folder)
        message = lab.fails(
            NoSpaceError,
            f"Not enough space to download and unpack breastmnist.npz: {_files.readable(needed)} ({needed} bytes)",
            "are needed and",
            "Free some space (`medmnist-np clean`), or set MEDMNIST_NP_CACHE to a folder on a larger disk",
            "and try again",
        )
        free = re.search(r"\((\d+) bytes\) are free", message)
        assert free is not None
        assert int(free[1]) <= free_at_most
        assert lab.part_bytes == 0


def full_while_downloading(lab: Lab, folder: Path) -> None:

    def fill_once_they_arrived() -> None:
        end = time.monotonic() + 20
        while lab.part_bytes < K and time.monotonic() < end:
            time.sleep(0.01)
        fill(folder)

    lab.file.plan(Meanwhile(after=K, action=fill_once_they_arrived))
    message = lab.fails(
        NoSpaceError,
        "The disk is full: could not download",
        "0 bytes (0 bytes) are free and",
        "Received data is kept",
        "clean",
    )
    assert "needed" in message
    assert lab.part_bytes >= K
    assert lab.fake.data.startswith(lab.part.read_bytes())


def full_while_unpacking(lab: Lab, folder: Path) -> None:
    def progress(task: str, total: int | None, done: int = 0):
        if task.startswith(UNPACKING):
            fill(folder)
        return silent(task, total, done)

    with pytest.raises(NoSpaceError) as caught:
        locate(lab.record, 28, progress=progress)
    message = str(caught.value)
    assert "The disk is full: could not unpack breastmnist.npz. 0 bytes (0 bytes) are free and" in message
    assert "needed" in message
    assert not lab.published.exists()
    assert names(lab.cache / "arrays" / "medmnist") == []


@pytest.mark.fault(18)
@pytest.mark.parametrize("full", [full_before, full_while_downloading, full_while_unpacking], ids=lambda f: f.__name__)
def test_a_full_disk(lab: Lab, tmp_path: Path, full: Callable[[Lab, Path], None]) -> None:
    """disk full before the start, while downloading, while unpacking:
    error with needed and free bytes; part kept; no SIGBUS; continues after space is freed
    """
    limit = {"full_while_downloading": 3 * K, "full_while_unpacking": lab.size}.get(full.__name__)
    if limit is not None:  # any system has limits; what a full disk says is told by the small one
        child = lab.run("load with limit", str(limit))
        assert child.returncode == 1, child.stderr
        assert "NoSpaceError: The disk is full" in child.stderr
        assert lab.part_bytes in {0, limit}
        assert not lab.published.exists()
        asked = [None, f"bytes={limit}-"] if 0 < lab.part_bytes < lab.size else [None]
        assert lab.run("load").stdout.split() == [lab.fake.digests["test"]]
        assert asked == lab.ranges
    with small_disk(tmp_path / "disk", lab.size + lab.archive.array_bytes + (3 << 20)) as folder:
        lab.cache = folder / "cache"
        lab.monkeypatch.setenv("MEDMNIST_NP_CACHE", str(lab.cache))
        full(lab, folder)
        (folder / "filler").unlink()
        lab.file.plan()
        lab.file.requests.clear()
        asked = [] if full == full_while_unpacking else [f"bytes={lab.part_bytes}-" if lab.part_bytes else None]
        assert lab.loads_what_is_right()
        assert asked == lab.ranges
        assert names(lab.cache / "downloads") == []


@pytest.mark.fault(19)
def test_a_cache_that_cannot_be_used(lab: Lab) -> None:
    """cache folder not writable, is a file, belongs to another user:
    error that names path and variable
    """
    children = []
    lab.cache.mkdir()
    with closed(lab.cache):
        children.append(lab.run("load", without_rights=True))
        children.append(lab.program("fetch", "breastmnist", without_rights=True))
    lab.cache.rmdir()
    lab.cache.write_text("a file")
    children.append(lab.run("load"))
    lab.cache.unlink()
    if os.geteuid() == 0:
        lab.cache.mkdir(mode=0o700)
        os.chown(lab.cache, SOMEBODY, SOMEBODY)
        children.append(lab.run("load", without_rights=True))
        os.chown(lab.cache, 0, 0)
    for child in children:
        assert child.returncode == 1
        told = [line for line in child.stderr.splitlines() if "Could not" in line]
        assert len(told) == 1, child.stderr
        assert f"{lab.cache}" in told[0]
        assert "or set MEDMNIST_NP_CACHE to another folder" in told[0]
    assert lab.file.requests == []


@pytest.mark.fault(20)
def test_a_complete_cache_that_is_read_only(lab: Lab, audit) -> None:
    """complete cache, read-only:
    `load` works and writes nothing
    """
    mm.fetch("breastmnist")
    before = sorted(lab.cache.rglob("*"))
    with closed(lab.cache):
        child = lab.run("load", without_rights=True)
        with audit() as seen:
            assert lab.loads_what_is_right()
    assert child.stdout.split() == [lab.fake.digests["test"]]
    assert child.stderr == ""
    assert seen.writes == []
    assert seen.locks == []
    assert seen.network == []
    assert before == sorted(lab.cache.rglob("*"))

    lab.monkeypatch.setenv("MEDMNIST_NP_SHARED", str(lab.cache))
    lab.monkeypatch.setenv("MEDMNIST_NP_CACHE", str(lab.folder / "own"))
    with closed(lab.cache):
        child = lab.run("load", without_rights=True)
    assert child.stdout.split() == [lab.fake.digests["test"]]
    assert not (lab.folder / "own").exists()
    assert len(lab.file.requests) == 1


@pytest.mark.fault(27)
def test_links_that_were_planted(lab: Lab, tmp_path: Path) -> None:
    """a symlink planted as a part or as an .npy:
    refused
    """
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    lab.part.parent.mkdir(parents=True)
    for target in (victim, tmp_path / "absent", tmp_path):
        lab.part.symlink_to(target)
        lab.fails(CacheError, str(lab.part), "a link or folder is where the unfinished download should be", "CACHE")
        lab.part.unlink()
    assert lab.file.requests == []

    folder = mm.fetch("breastmnist")
    array = folder / "test_images.npy"
    elsewhere = tmp_path / "elsewhere.npy"
    array.rename(elsewhere)
    before = elsewhere.read_bytes()
    array.symlink_to(elsewhere)
    with pytest.raises(NotCachedError):
        mm.load("breastmnist", "test", download=False)
    assert lab.loads_what_is_right()
    assert not array.is_symlink()
    assert victim.read_bytes() == b"precious"
    assert elsewhere.read_bytes() == before
    assert not (tmp_path / "absent").exists()
