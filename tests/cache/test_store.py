"""Publishing folders of arrays: nothing or everything, whatever was in the way and whoever was faster."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medmnist_np.cache import npz, store
from medmnist_np.cache.manifest import Manifest
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import CacheError, CorruptCacheError
from tests.audit import Recording
from tests.cache.mutants import archive_of, npy, zipped

KEY = "medmnist/fakemnist_28-00000000"
ARRAYS = {
    "test_images": np.random.default_rng(0).integers(0, 256, (50, 28, 28), np.uint8),
    "test_labels": np.zeros((50, 1), np.uint8),
}
ARCHIVE = archive_of(ARRAYS)
DATA = zipped({name: npy(array) for name, array in ARRAYS.items()})


def publish(cache: Path, meanwhile: Callable[[], object] = lambda: None) -> ArrayFolder:
    """Unpack and publish the archive; do something else before the rename."""
    with store.staging(cache, KEY) as folder:
        arrays = npz.unpack(io.BytesIO(DATA), ARCHIVE, folder)
        meanwhile()
        return store.publish(folder, cache, KEY, Manifest("x.npz", ARCHIVE.digest, "digest", "1", arrays))


def check_right(folder: ArrayFolder | None) -> None:
    assert folder is not None
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(array, folder.open(name))


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "arrays" / "medmnist").iterdir())


def test_what_was_published_is_found_and_mapped(tmp_path: Path) -> None:
    published = publish(tmp_path)
    assert published == store.find(KEY, [tmp_path])
    check_right(published)
    assert names(tmp_path) == ["fakemnist_28-00000000"]
    assert ["manifest.json", "test_images.npy", "test_labels.npy"] == sorted(os.listdir(published.path))  # noqa: PTH208


def test_a_published_array_is_a_read_only_map(tmp_path: Path) -> None:
    array = publish(tmp_path).open("test_images")
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


def test_opening_writes_and_locks_nothing(
    tmp_path: Path, audit: Callable[[], AbstractContextManager[Recording]]
) -> None:
    publish(tmp_path)
    with audit() as seen:
        check_right(store.find(KEY, [tmp_path]))
    assert seen.writes == []
    assert seen.locks == []
    assert seen.network == []


def test_the_manifest_is_the_last_file_and_the_rename_the_last_step(
    tmp_path: Path, audit: Callable[[], AbstractContextManager[Recording]]
) -> None:
    with audit() as seen:
        publish(tmp_path)
    steps = [write.replace(str(tmp_path), "") for write in seen.writes]
    images, labels, manifest = (
        next(number for number, step in enumerate(steps) if name in step)
        for name in ("test_images.npy", "test_labels.npy", "manifest.json")
    )
    assert max(images, labels) < manifest < len(steps) - 1
    assert steps[-1].startswith("os.rename /arrays/medmnist/.fakemnist_28-00000000.")


def test_the_second_of_two_publishers_gets_what_the_first_published(tmp_path: Path) -> None:
    first: list[ArrayFolder] = []
    second = publish(tmp_path, meanwhile=lambda: first.append(publish(tmp_path)))
    assert first == [second]
    check_right(second)
    assert names(tmp_path) == ["fakemnist_28-00000000"]


def test_many_publishers_at_once_agree(tmp_path: Path) -> None:
    together = threading.Barrier(6)
    found: list[ArrayFolder] = []
    threads = [threading.Thread(target=lambda: found.append(publish(tmp_path, together.wait))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    for folder in found:
        check_right(folder)
    assert names(tmp_path) == ["fakemnist_28-00000000"]


def test_a_reader_sees_nothing_or_everything_while_a_damaged_folder_is_replaced(tmp_path: Path) -> None:
    """The damaged folder goes as one, and the new one comes as one."""
    seen: list[bool] = []
    done = threading.Event()
    wrong: list[BaseException] = []

    def read() -> None:
        while not done.is_set():
            try:
                folder = store.find(KEY, [tmp_path])
                if folder is not None:
                    check_right(folder)
                seen.append(folder is not None)
            except CorruptCacheError:
                pass  # it was set aside between finding and opening it
            except BaseException as error:  # noqa: BLE001  (handed to the test)
                wrong.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(15):
            published = publish(tmp_path)
            (published.path / "manifest.json").write_bytes(b"{}")
    finally:
        publish(tmp_path)
        done.set()
        reader.join()
    assert wrong == []
    assert seen


# In the way


def test_an_empty_folder_in_the_way_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "arrays" / KEY).mkdir(parents=True)
    check_right(publish(tmp_path))


def test_a_folder_without_a_manifest_in_the_way_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "arrays" / KEY
    target.mkdir(parents=True)
    (target / "test_images.npy").write_bytes(b"half")
    check_right(publish(tmp_path))
    assert names(tmp_path) == ["fakemnist_28-00000000"]


def test_a_file_in_the_way_is_replaced_and_nothing_stays_behind(tmp_path: Path) -> None:
    target = tmp_path / "arrays" / KEY
    target.parent.mkdir(parents=True)
    target.write_bytes(b"a file")
    check_right(publish(tmp_path))
    assert names(tmp_path) == ["fakemnist_28-00000000"]


def test_a_link_in_the_way_is_replaced_and_its_goal_is_left_alone(tmp_path: Path) -> None:
    goal = tmp_path / "elsewhere"
    goal.mkdir()
    (goal / "mine").write_bytes(b"mine")
    target = tmp_path / "arrays" / KEY
    target.parent.mkdir(parents=True)
    target.symlink_to(goal)
    check_right(publish(tmp_path))
    assert [path.read_bytes() for path in goal.iterdir()] == [b"mine"]
    assert names(tmp_path) == ["fakemnist_28-00000000"]
    assert not target.is_symlink()


def test_a_link_that_leads_nowhere_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "arrays" / KEY
    target.parent.mkdir(parents=True)
    target.symlink_to(tmp_path / "nowhere")
    check_right(publish(tmp_path))
    assert names(tmp_path) == ["fakemnist_28-00000000"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: os.truncate(folder / "test_images.npy", 1000),
        lambda folder: os.truncate(folder / "test_images.npy", 1 << 20),
        lambda folder: (folder / "test_labels.npy").unlink(),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "manifest.json").write_bytes(b""),
        lambda folder: (folder / "manifest.json").write_bytes(b"\xff\xfe garbage"),
        lambda folder: (folder / "manifest.json").write_text('{"format": 1, "arrays": 3}'),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        lambda folder: (folder / "manifest.json").write_text(
            json.dumps({**json.loads((folder / "manifest.json").read_text()), "format": 0})
        ),
    ],
    ids=["cut", "grown", "missing", "no manifest", "empty", "garbage", "other types", "a list", "another format"],
)
def test_a_damaged_folder_is_passed_over_and_replaced(tmp_path: Path, damage: Callable[[Path], Any]) -> None:
    damage(publish(tmp_path).path)
    assert store.find(KEY, [tmp_path]) is None
    check_right(publish(tmp_path))
    check_right(store.find(KEY, [tmp_path]))
    assert names(tmp_path) == ["fakemnist_28-00000000"]


def newer(folder: Path) -> bytes:
    """Make the manifest of a folder that of a newer version, and return it."""
    path = folder / "manifest.json"
    path.write_text(json.dumps({"format": 2, "tables": ["new"]}))
    return path.read_bytes()


def test_a_folder_of_a_newer_version_is_left_alone_and_named(tmp_path: Path) -> None:
    folder = publish(tmp_path).path
    before = newer(folder)
    with pytest.raises(CacheError, match=f"{folder} was written by a newer version.*update medmnist-np") as caught:
        publish(tmp_path)
    assert not isinstance(caught.value, CorruptCacheError)
    assert before == (folder / "manifest.json").read_bytes()
    assert names(tmp_path) == ["fakemnist_28-00000000"]


def test_a_folder_of_a_newer_version_is_passed_over_where_another_cache_has_one(tmp_path: Path, caplog) -> None:
    newer(publish(tmp_path / "shared").path)
    publish(tmp_path / "own")
    check_right(store.find(KEY, [tmp_path / "shared", tmp_path / "own"]))
    assert "newer version" in caplog.text


def test_an_array_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """Row 27."""
    folder = publish(tmp_path)
    outside = tmp_path / "outside.npy"
    (folder.path / "test_images.npy").rename(outside)
    (folder.path / "test_images.npy").symlink_to(outside)
    with pytest.raises(CorruptCacheError, match=r"test_images\.npy is not a plain file"):
        store.at(folder.path)
    with pytest.raises(CorruptCacheError, match=r"test_images\.npy could not be opened"):
        folder.open("test_images")
    assert store.find(KEY, [tmp_path]) is None
    check_right(publish(tmp_path))
    assert outside.exists()


@pytest.mark.parametrize("file", ["/etc/passwd", "../outside.npy"])
def test_a_manifest_that_leads_out_of_its_folder_is_refused(tmp_path: Path, file: str) -> None:
    folder = publish(tmp_path)
    outside = folder.path.parent / "outside.npy"
    outside.write_bytes((folder.path / "test_images.npy").read_bytes())
    table = json.loads((folder.path / "manifest.json").read_text())
    size = Path(file).stat().st_size if file.startswith("/") else outside.stat().st_size
    table["arrays"]["test_images"].update(file=file, bytes=size, shape=[size], offset=0)
    (folder.path / "manifest.json").write_text(json.dumps(table))
    assert store.find(KEY, [tmp_path]) is None


@pytest.mark.parametrize(
    "nonsense",
    [
        {"dtype": "nope"},
        {"dtype": "|O"},
        {"dtype": 3},
        {"shape": [-50, 28, 28]},
        {"shape": ["x"]},
        {"shape": [1 << 40]},
        {"offset": -1},
        {"offset": 1 << 40},
        {"order": "X"},
        {"file": "a\0b"},
        {"file": 7},
    ],
    ids=str,
)
def test_nonsense_in_a_manifest_is_a_damaged_cache(tmp_path: Path, nonsense: dict[str, Any]) -> None:
    """Row 30."""
    folder = publish(tmp_path)
    table = json.loads((folder.path / "manifest.json").read_text())
    table["arrays"]["test_images"].update(nonsense)
    (folder.path / "manifest.json").write_text(json.dumps(table))
    with pytest.raises(CorruptCacheError):
        store.at(folder.path).open("test_images")


def test_an_array_that_shrinks_after_it_was_found_is_refused(tmp_path: Path) -> None:
    folder = publish(tmp_path)
    os.truncate(folder.path / "test_images.npy", 1000)
    with pytest.raises(CorruptCacheError, match=r"is not 39328 bytes long any more\. Run `medmnist-np verify`"):
        folder.open("test_images")


def test_the_first_of_several_caches_that_is_whole_is_taken(tmp_path: Path) -> None:
    first, second = publish(tmp_path / "first"), publish(tmp_path / "second")
    caches = [tmp_path / "none", tmp_path / "first", tmp_path / "second"]
    assert first == store.find(KEY, caches)
    (first.path / "test_images.npy").unlink()
    assert second == store.find(KEY, caches)


# Staging


def staging_of(cache: Path, machine: str, process: object) -> Path:
    folder = cache / "arrays" / "medmnist" / f".fakemnist_28-00000000.{machine}~{process}~0123abcd.staging"
    folder.mkdir(parents=True)
    (folder / "test_images.npy").write_bytes(b"half")
    return folder


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_what_a_process_left_that_is_gone_is_collected(tmp_path: Path) -> None:
    abandoned = staging_of(tmp_path, store._machine(), ended_process())
    publish(tmp_path)
    assert not abandoned.exists()


@pytest.mark.parametrize("machine", [store._machine(), "another-machine"])
def test_what_a_living_process_or_another_machine_works_in_is_kept(tmp_path: Path, machine: str) -> None:
    theirs = staging_of(tmp_path, machine, os.getppid() if machine == store._machine() else ended_process())
    publish(tmp_path)
    assert (theirs / "test_images.npy").read_bytes() == b"half"


@pytest.mark.parametrize("process", ["", "x", "-1", "9" * 30, "0"])
def test_a_staging_folder_of_nobody_does_no_harm(tmp_path: Path, process: str) -> None:
    staging_of(tmp_path, store._machine(), process)
    check_right(publish(tmp_path))


def test_what_another_data_set_works_in_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "arrays" / "medmnist" / f".other_28-00000000.{store._machine()}~{ended_process()}~01.staging"
    folder.mkdir(parents=True)
    publish(tmp_path)
    assert folder.exists()


def test_a_block_that_fails_leaves_no_staging_folder(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path, meanwhile=interrupt)
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_replaced_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "arrays" / KEY

    def put_in_the_way() -> None:
        target.mkdir()
        (target / "x").write_bytes(b"")

    put_back = store._set_aside

    def set_aside(folder: Path) -> None:
        put_back(folder)
        put_in_the_way()  # another program insists

    monkeypatch.setattr(store, "_set_aside", set_aside)
    with pytest.raises(
        CacheError, match=r"is in the way: it holds no complete arrays .* Close programs that use it, and remove it\."
    ):
        publish(tmp_path, put_in_the_way)


def test_a_removed_folder_loses_its_manifest_first(
    tmp_path: Path, audit: Callable[[], AbstractContextManager[Recording]]
) -> None:
    folder = publish(tmp_path).path
    with audit() as seen:
        store.remove(folder)
    assert f"os.remove {folder / 'manifest.json'}" == seen.writes[0]
    assert not folder.exists()


@pytest.mark.parametrize("machine", [pytest.param(store._machine(), id="this"), pytest.param("other-0", id="another")])
@pytest.mark.parametrize("age_h", [1, 47, 49])
def test_a_staging_folder_that_nobody_can_ask_about_goes_after_two_days(
    tmp_path: Path, monkeypatch, machine: str, age_h: int
) -> None:
    monkeypatch.setattr(store.os, "name", "another system" if machine == store._machine() else os.name)
    target = tmp_path / "arrays" / "fakemnist_28-00000000"
    folder = target.parent / f".{target.name}.{machine}~1~0123abcd.staging"
    folder.mkdir(parents=True)
    os.utime(folder, (time.time() - age_h * 3600,) * 2)
    store.collect_abandoned(target)
    assert folder.exists() == (age_h < 48)
