"""Caches that are damaged, and caches that cannot be written to."""

from __future__ import annotations

import ctypes
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from medmnist_np.data.arrays import Arrays, fetch, load
from medmnist_np.data.verification import verify
from medmnist_np.errors import CacheError, NotCachedError
from medmnist_np.registry import DatasetInfo
from medmnist_np.testing import fake_datasets, make_arrays

FEW = {"train": 12, "val": 4, "test": 6}


@pytest.fixture
def record(tmp_path: Path) -> Iterator[DatasetInfo]:
    with fake_datasets(tmp_path, "breastmnist", n_samples=FEW) as (fake,):
        yield fake


def equals_the_fake(arrays: Arrays, record: DatasetInfo) -> bool:
    expected = make_arrays(record)
    return all(np.array_equal(expected[f"train_{role}"], getattr(arrays, role)) for role in ("images", "labels"))


# Damage


def truncated(folder: Path) -> None:
    os.truncate(folder / "train_images.npy", 1000)


def grown(folder: Path) -> None:
    with (folder / "val_labels.npy").open("ab") as stream:
        stream.write(b"x")


def emptied(folder: Path) -> None:
    os.truncate(folder / "test_labels.npy", 0)


def missing(folder: Path) -> None:
    (folder / "test_images.npy").unlink()


def linked(folder: Path) -> None:
    (folder / "train_images.npy").rename(folder.parent / "elsewhere.npy")
    (folder / "train_images.npy").symlink_to(folder.parent / "elsewhere.npy")


def without_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def garbage_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff{not json")


def empty_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"")


def manifest_of_a_list(folder: Path) -> None:
    (folder / "manifest.json").write_text("[1, 2]")


def manifest_of_another_format(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 0'))


DAMAGE = [truncated, grown, emptied, missing, linked, without_manifest, garbage_manifest, empty_manifest]
DAMAGE += [manifest_of_a_list, manifest_of_another_format]


def of_a_newer_version(folder: Path) -> dict[Path, bytes]:
    """Make the manifest of a folder that of a newer version, and return what the folder holds."""
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    return {file: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize(
    "use", [load, partial(load, download=False), fetch, verify], ids=["load", "here", "fetch", "verify"]
)
def test_arrays_of_a_newer_version_are_left_alone_and_named(record, use: Callable[[str], object]) -> None:
    folder = fetch("breastmnist")
    before = of_a_newer_version(folder)
    with pytest.raises(CacheError, match=f"{folder} was written by a newer version"):
        use("breastmnist")
    assert before == {file: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("use", [partial(load, partial=True), partial(fetch, splits=["test"]), verify])
def test_members_of_a_newer_version_are_left_alone_and_named(record, use: Callable[[str], object]) -> None:
    folder = fetch("breastmnist", splits=["val"])
    before = of_a_newer_version(folder)
    with pytest.raises(CacheError, match=f"{folder} was written by a newer version"):
        use("breastmnist")
    assert before == {file: file.read_bytes() for file in folder.iterdir()}


def test_members_of_a_newer_version_are_left_alone_by_a_whole_download(record) -> None:
    folder = fetch("breastmnist", splits=["val"])
    before = of_a_newer_version(folder)
    load("breastmnist")
    assert before == {file: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_damage_is_noticed_and_mended(record, damage: Callable[[Path], None]) -> None:
    folder = fetch("breastmnist")
    damage(folder)
    assert equals_the_fake(load("breastmnist"), record)
    assert folder == fetch("breastmnist")
    assert [folder] == [path for path in folder.parent.iterdir() if path.is_dir()]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_damage_is_not_mended_without_leave_to_download(record, damage: Callable[[Path], None]) -> None:
    damage(fetch("breastmnist"))
    with pytest.raises(NotCachedError, match="medmnist-np fetch breastmnist --size 28"):
        load("breastmnist", download=False)


def test_the_log_says_what_was_damaged(record, caplog: pytest.LogCaptureFixture) -> None:
    truncated(fetch("breastmnist"))
    with caplog.at_level(logging.WARNING, "medmnist_np"):
        load("breastmnist")
    assert "train_images.npy has 1000 bytes" in caplog.text


# Not writable: in a child, since as root the tests could write anywhere

LOADS = """
import pickle, sys
from pathlib import Path
from medmnist_np.data.arrays import load
arrays = load(pickle.loads(Path(sys.argv[1]).read_bytes()), root=sys.argv[2] if len(sys.argv) > 2 else None)
print(arrays.images.filename, int(arrays.images.sum()))
"""


def give_up_privileges() -> None:
    """Let file modes bind root as they bind everybody, from the next exec on."""
    if os.geteuid() == 0:
        drop_from_bounding_set = 24
        for capability in range(64):
            ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


@pytest.fixture
def loads_elsewhere(tmp_path: Path, record: DatasetInfo) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Load the train split in a process without privileges, while the folders named cannot be written to."""
    closed: list[Path] = []
    (tmp_path / "record").write_bytes(pickle.dumps(record))

    def run(*folders: Path, root: Path | None = None) -> subprocess.CompletedProcess[str]:
        for folder in folders:
            for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
                path.chmod(0o555)
                closed.append(path)
        command = [sys.executable, "-c", LOADS, str(tmp_path / "record"), *([str(root)] if root else [])]
        return subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, text=True, preexec_fn=give_up_privileges
        )

    yield run
    for path in closed:
        path.chmod(0o755)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="gives up privileges as Linux has them")
class TestNotWritable:
    def test_a_complete_cache_is_loaded(self, record, tmp_path: Path, loads_elsewhere) -> None:
        folder, total = fetch("breastmnist"), int(load("breastmnist").images.sum())
        done = loads_elsewhere(tmp_path / "cache")
        assert f"{folder}/train_images.npy {total}\n" == done.stdout
        assert done.stderr == ""

    @pytest.mark.parametrize("damage", [truncated, missing, garbage_manifest], ids=lambda damage: damage.__name__)
    def test_a_damaged_one_is_an_error_that_names_the_folder(self, record, tmp_path, loads_elsewhere, damage) -> None:
        damage(fetch("breastmnist"))
        done = loads_elsewhere(tmp_path / "cache")
        assert done.returncode == 1
        assert done.stdout == ""
        last = done.stderr.strip().splitlines()[-1]
        assert f"CacheError: Could not download breastmnist.npz in {tmp_path}/cache/" in last
        assert "Permission denied" in last
        assert last.endswith("Fix this, or set MEDMNIST_NP_CACHE to another folder.")

    def test_an_empty_one_is_an_error_that_names_the_folder(self, record, tmp_path: Path, loads_elsewhere) -> None:
        (tmp_path / "cache").mkdir()
        done = loads_elsewhere(tmp_path / "cache")
        last = done.stderr.strip().splitlines()[-1]
        assert "CacheError: Could not download and unpack" in last
        assert str(tmp_path / "cache") in last

    def test_a_complete_root_is_loaded(self, record, tmp_path: Path, loads_elsewhere) -> None:
        folder = fetch("breastmnist", root=tmp_path / "root")
        done = loads_elsewhere(tmp_path / "root", root=tmp_path / "root")
        assert f"{folder}/train_images.npy" == done.stdout.split(" ")[0]
        assert not (tmp_path / "cache").exists()

    def test_arrays_of_an_archive_in_such_a_root_go_to_the_cache(self, record, tmp_path, loads_elsewhere) -> None:
        done = loads_elsewhere(tmp_path / "archives", root=tmp_path / "archives")
        assert Path(done.stdout.split(" ")[0]).is_relative_to(tmp_path / "cache" / "arrays")
        assert [path.name for path in (tmp_path / "archives").iterdir()] == ["breastmnist.npz"]
