"""No file is renamed, replaced or removed while this process has it open or mapped: Windows refuses that.

An audit hook compares the files of every such call with what the process has open or mapped at that moment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import medmnist_np as mm
from medmnist_np import _files
from medmnist_np.cache.manifest import StoredArray
from medmnist_np.cache.npz import class_numbers
from medmnist_np.cli import main as program
from medmnist_np.errors import DigestError
from medmnist_np.registry import registered
from medmnist_np.testing import make_archive, serve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

File = tuple[int, int]  # device and inode

_watching: list[list[str]] = []


def used_files() -> dict[File, str]:
    """Return what this process does with files: it has them open or mapped."""
    used = {}
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            status = descriptor.stat()
        except FileNotFoundError:  # the one that listed the folder
            continue
        used[status.st_dev, status.st_ino] = "open"
    for line in Path("/proc/self/maps").read_text("utf-8").splitlines():
        _, _, _, device, inode, *_ = line.split(maxsplit=5)
        if inode != "0":
            major, minor = (int(number, 16) for number in device.split(":"))
            used[os.makedev(major, minor), int(inode)] = "mapped"
    return used


def files_of(path: str, folder: int) -> Iterator[Path]:
    """Yield the file at a path, or all files below it."""
    start = Path(f"/proc/self/fd/{folder}", path) if folder >= 0 else Path(path)
    yield from start.rglob("*") if start.is_dir() and not start.is_symlink() else [start]


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event not in ("os.rename", "os.remove"):
        return
    n_paths = len(arguments) // 2
    used = used_files()
    for path, folder in zip(arguments[:n_paths], arguments[n_paths:], strict=True):
        for file in files_of(os.fsdecode(path), folder):
            if file.is_file() and not file.is_symlink():
                status = file.stat()
                if reason := used.get((status.st_dev, status.st_ino)):
                    _watching[-1].append(f"{event}: {file.name} is {reason}")


sys.addaudithook(_watch)  # a hook stays as long as the process


@contextmanager
def refused_by_windows() -> Iterator[list[str]]:
    refused: list[str] = []
    _watching.append(refused)
    try:
        yield refused
    finally:
        _watching.remove(refused)


@pytest.fixture
def archives(tmp_path: Path, sandbox: Path) -> Iterator[Path]:
    """A folder with the archive of BreastMNIST, which the registry says is on a server."""
    folder = tmp_path / "archives"
    folder.mkdir()
    with serve(folder) as url, registered(make_archive(folder, "breastmnist", base_url=url)):
        yield folder


@pytest.mark.parametrize(
    "change", [Path.unlink, lambda file: file.rename(file.with_name("y")), lambda file: file.parent.rename("moved")]
)
def test_what_windows_refuses_is_seen(tmp_path: Path, change: Callable[[Path], object], monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "folder" / "x"
    file.parent.mkdir()
    with file.open("wb"), refused_by_windows() as refused:
        change(file)
    assert len(refused) == 1


def test_a_file_that_is_mapped_is_seen(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(10))
    array = np.load(tmp_path / "x.npy", mmap_mode="r")
    with refused_by_windows() as refused:
        (tmp_path / "x.npy").unlink()
    assert refused == ["os.remove: x.npy is mapped"]
    del array


def test_a_file_that_is_closed_may_be_removed(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with refused_by_windows() as refused:
        (tmp_path / "x").unlink()
    assert refused == []


@pytest.mark.parametrize("options", [{}, {"keep_archive": True}, {"splits": ["test"]}, {"labels_only": True}], ids=str)
def test_fetch_leaves_open_files_in_place(archives: Path, options: dict[str, Any]) -> None:
    with refused_by_windows() as refused:
        mm.fetch("breastmnist", **options)
        assert len(mm.load("breastmnist", "test", partial=True).labels)
    assert refused == []


def test_a_download_that_is_resumed_leaves_open_files_in_place(archives: Path, sandbox: Path) -> None:
    archive = mm.info("breastmnist").archive(28)
    downloads = sandbox / "cache" / "downloads"
    downloads.mkdir(parents=True)
    whole = (archives / archive.file_name).read_bytes()
    (downloads / f"{archive.file_name}.part").write_bytes(whole[:1000])
    (downloads / f"{archive.file_name}.0123abcd.part").write_bytes(whole[:2000])
    os.utime(downloads / f"{archive.file_name}.0123abcd.part", (0, 0))
    with refused_by_windows() as refused:
        mm.fetch("breastmnist")
    assert refused == []


def test_a_finished_download_that_is_damaged_leaves_open_files_in_place(archives: Path, sandbox: Path) -> None:
    archive = mm.info("breastmnist").archive(28)
    downloads = sandbox / "cache" / "downloads"
    downloads.mkdir(parents=True)
    (downloads / f"{archive.file_name}.part").write_bytes(bytes(archive.bytes or 0))
    with refused_by_windows() as refused:
        mm.fetch("breastmnist")
    assert refused == []


def test_a_wrong_checksum_leaves_open_files_in_place(archives: Path) -> None:
    file = archives / mm.info("breastmnist").archive(28).file_name
    file.write_bytes(bytes(file.stat().st_size))
    with refused_by_windows() as refused, pytest.raises(DigestError):
        mm.fetch("breastmnist")
    assert refused == []


@pytest.mark.parametrize("command", ["import", "verify", "clean"])
def test_commands_leave_open_files_in_place(archives: Path, command: str) -> None:
    file = archives / mm.info("breastmnist").archive(28).file_name
    if command != "import":
        mm.fetch("breastmnist")
    arguments = {"import": ["import", str(file)], "verify": ["verify", "breastmnist"], "clean": ["clean", "--yes"]}
    with refused_by_windows() as refused:
        result = CliRunner().invoke(program, arguments[command])
    assert result.exit_code == 0
    assert refused == []


def test_an_audit_of_a_file_unmaps_its_copy_before_it_is_removed(archives: Path) -> None:
    with refused_by_windows() as refused:
        mm.audit(archives / "breastmnist.npz")
    assert refused == []


def test_damaged_arrays_are_replaced_while_no_file_is_open(archives: Path) -> None:
    folder = mm.fetch("breastmnist")
    (folder / "test_labels.npy").write_bytes(b"")
    with refused_by_windows() as refused:
        assert len(mm.load("breastmnist", "test", download=True).labels)
    assert refused == []


@pytest.mark.parametrize("order", ["C", "F"])
def test_masks_are_replaced_after_they_are_read(tmp_path: Path, order: Any) -> None:
    masks = np.ones((50, 3), "<i8", order=order)
    np.save(tmp_path / "masks.npy", masks)
    stored = StoredArray("masks.npy", masks.shape, "<i8", order, 128, 128 + masks.nbytes, "", "")
    with refused_by_windows() as refused:
        class_numbers(tmp_path / "masks.npy", stored, 1, binarise=False)
    assert refused == []


def test_a_file_is_closed_before_it_takes_its_place(tmp_path: Path) -> None:
    with refused_by_windows() as refused:
        for text in ("old", "new"):
            with _files.in_one_step(tmp_path / "x") as fresh:
                fresh.write_text(text)
            _files.write_small(str(tmp_path / "y"), text.encode())
    assert refused == []
