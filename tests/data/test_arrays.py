"""``load`` and its relatives: from a name to arrays, on empty and complete caches and from files that are here."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.data.arrays import Arrays, adopt, fetch, load, load_labels
from medmnist_np.errors import DigestError, NotCachedError, OfflineError, SupersededError
from medmnist_np.registry import DatasetInfo, Superseded, registered
from medmnist_np.testing import fake_datasets, make_archive, make_arrays
from tests.fault_server import FaultServer

FEW = {"train": 12, "val": 4, "test": 6}
NAMES = ("breastmnist", "pathmnist", "chestmnist", "adrenalmnist3d")


@pytest.fixture
def fakes(tmp_path: Path) -> Iterator[tuple[DatasetInfo, ...]]:
    with fake_datasets(tmp_path, *NAMES, n_samples=FEW) as records:
        yield records


@pytest.fixture
def breast(tmp_path: Path) -> DatasetInfo:
    """A record whose archive lies in ``tmp_path`` and nowhere else: its address is refused by the tests' guard."""
    record = make_archive(tmp_path, "breastmnist", n_samples=FEW)
    archive = replace(record.archive(28), url="https://fake.invalid/breastmnist.npz")
    return replace(record, archives={28: archive})


def equals_the_fake(arrays: Arrays, record: DatasetInfo, split: str = "train") -> bool:
    expected = make_arrays(record)
    return all(np.array_equal(expected[f"{split}_{role}"], getattr(arrays, role)) for role in ("images", "labels"))


def state_of(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Return all about the files of a folder that a change would change."""
    files = {str(path): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: ((found := path.stat()).st_ino, found.st_mtime_ns, found.st_mode, path.read_bytes())
        for name, path in files.items()
    }


# What comes back


@pytest.mark.parametrize(
    ("name", "shape", "width"),
    [
        ("breastmnist", (28, 28), 1),
        ("pathmnist", (28, 28, 3), 1),
        ("chestmnist", (28, 28), 14),
        ("adrenalmnist3d", (28, 28, 28), 1),
    ],
)
@pytest.mark.parametrize("split", FEW)
def test_a_split_is_a_read_only_map_of_images_and_labels_in_memory(
    fakes, name: str, shape: tuple[int, ...], width: int, split: str
) -> None:
    arrays = load(name, split)
    assert [np.memmap, np.ndarray] == [type(array) for array in arrays]
    assert [(FEW[split], *shape), (FEW[split], width)] == [array.shape for array in arrays]
    assert [str(array.dtype) for array in arrays] == ["uint8", "uint8"]
    assert arrays.images.flags.writeable is False
    assert arrays.images.mode == "r"
    assert arrays.labels.flags.writeable is True
    assert arrays.labels.flags.owndata is True
    assert equals_the_fake(arrays, fakes[NAMES.index(name)], split)


def test_images_that_are_mapped_copy_on_write_are_changed_in_memory_alone(fakes) -> None:
    images, _ = load("breastmnist", mmap_mode="c")
    assert np.memmap is type(images)
    assert images.mode == "c"
    assert images.flags.writeable is True
    images[0] = 7
    assert (7 == images[0]).all()
    assert equals_the_fake(load("breastmnist"), fakes[NAMES.index("breastmnist")], "train")


@pytest.mark.parametrize("name", NAMES)
def test_without_a_map_everything_is_read_into_memory(fakes, name: str) -> None:
    arrays = load(name, mmap_mode=None)
    assert [(np.ndarray, True, True)] * 2 == [(type(a), a.flags.writeable, a.flags.owndata) for a in arrays]
    assert equals_the_fake(arrays, fakes[NAMES.index(name)], "train")


@pytest.mark.parametrize("mode", ["r+", "w+", "x", True])
def test_a_mode_that_would_change_files_is_refused_before_anything_is_looked_for(mode: Any) -> None:
    with pytest.raises(ValueError, match="mmap_mode must be 'r', 'c' or None"):
        load("breastmnist", mmap_mode=mode, download=False)
    with pytest.raises(ValueError, match="mmap_mode must be 'r', 'c' or None"):
        mm.Dataset("breastmnist", mmap_mode=mode, download=False)


# What other libraries do with arrays, whether NumPy may write to them or not.
WRITES = """
import ctypes, pickle, sys
import numpy as np
import medmnist_np as mm

name, mode = pickle.loads(bytes.fromhex(sys.argv[1]))
images, labels = mm.load(name, mmap_mode=mode)
ds = mm.Dataset(name, mmap_mode=mode)
for array in images, labels, ds.images, ds.labels:
    ctypes.memset(array.ctypes.data, 7, array.nbytes)
    assert (array == 7).all()
"""


@pytest.mark.parametrize("name", ["breastmnist", "medsegbench/kvasir_128"])
@pytest.mark.parametrize("mode", ["r", "c", None])
def test_a_write_into_memory_does_not_end_the_process_and_never_reaches_the_file(
    tmp_path: Path, name: str, mode: str | None
) -> None:
    with fake_datasets(tmp_path, name, n_samples={"train": 3, "test": 2}) as (record,):
        before = [array.copy() for array in load(name)]
        argument = pickle.dumps((record, mode)).hex()
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", WRITES, argument], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0
        assert done.stderr == ""
        assert all(np.array_equal(one, other) for one, other in zip(before, load(name), strict=True))


def test_the_train_split_is_meant_where_none_is_named(fakes) -> None:
    images, labels = load("breastmnist")
    assert len(images) == 12
    assert len(labels) == 12


@pytest.mark.parametrize("name", ["BreastMNIST", "breastmnist_28"])
def test_all_names_of_a_set_lead_to_the_same_files(fakes, name: str) -> None:
    assert load("breastmnist").images.filename == load(name).images.filename


def test_an_empty_split_is_an_empty_array(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 3, "val": 0}):
        images, labels = load("breastmnist", "val")
    assert images.shape == (0, 28, 28)
    assert labels.shape == (0, 1)


def test_fetch_returns_a_folder_that_numpy_reads(fakes) -> None:
    folder = fetch("pathmnist")
    assert sorted(make_arrays(fakes[1])) == sorted(path.stem for path in folder.glob("*.npy"))
    assert equals_the_fake(Arrays(*(np.load(folder / f"train_{role}.npy") for role in Arrays._fields)), fakes[1])


@pytest.mark.parametrize("keep", [True, False])
def test_an_archive_is_kept_only_on_demand(fakes, tmp_path: Path, keep: bool) -> None:
    fetch("breastmnist", keep_archive=keep)
    assert (["breastmnist.npz"] if keep else []) == [path.name for path in (tmp_path / "cache" / "downloads").iterdir()]


# A complete cache


def test_a_complete_cache_is_opened_without_network_lock_or_write(fakes, audit) -> None:
    load("breastmnist", "test")
    with audit() as seen:
        images, labels = load("breastmnist", "test")
        assert len(np.array(images)) == 6
        assert len(np.array(labels)) == 6
    assert seen.network == []
    assert seen.writes == []
    assert seen.locks == []
    opened = {Path(path).name for path in seen.opened}
    assert opened == {"manifest.json", "test_images.npy", "test_labels.npy"}


def test_a_complete_cache_is_opened_without_hashing(fakes) -> None:
    load("breastmnist")
    called = set()

    def watch(_frame: object, event: str, function: Any) -> None:
        if event == "c_call":
            called.add(function.__module__ or type(function.__self__).__module__)

    sys.setprofile(watch)
    try:
        load("breastmnist")
        opening = set(called)
        hashlib.new("md5", b"the watch sees hashing", usedforsecurity=False)
    finally:
        sys.setprofile(None)
    hashing = {"_blake2", "_hashlib", "_md5", "_sha1", "_sha2", "_sha256", "binascii", "zlib"}
    assert opening & hashing == set()
    assert bool(called & hashing) is True


def test_a_complete_cache_serves_while_offline(fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    load("breastmnist")
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    assert equals_the_fake(load("breastmnist", download=False), fakes[0])


def test_shared_caches_are_looked_in_too(fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audit) -> None:
    load("breastmnist")
    monkeypatch.setenv("MEDMNIST_NP_SHARED", os.pathsep.join([str(tmp_path / "none"), str(tmp_path / "cache")]))
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(tmp_path / "own"))
    with audit() as seen:
        assert equals_the_fake(load("breastmnist"), fakes[0])
    assert seen.writes == []
    assert not (tmp_path / "own").exists()


# Not here


def test_without_leave_to_download_it_says_where_it_looked_and_what_to_do(sandbox: Path, audit) -> None:
    with audit() as seen, pytest.raises(NotCachedError) as caught:
        load("pathmnist_64", download=False)
    places = [sandbox / "cache" / "arrays", sandbox / "cache" / "downloads", sandbox / "home" / ".medmnist"]
    assert [place for place in places if f"\n  {place}\n" not in str(caught.value)] == []
    assert "`medmnist-np fetch pathmnist --size 64`" in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)
    assert errno.ENOENT == caught.value.errno
    assert seen.network == []


@pytest.mark.parametrize("value", ["1", "true", "YES"])
def test_offline_opens_no_socket(value: str, monkeypatch: pytest.MonkeyPatch, audit) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", value)
    with audit() as seen, pytest.raises(OfflineError, match="MEDMNIST_NP_OFFLINE is set"):
        load("pathmnist")
    assert seen.network == []


def test_it_says_who_switched_downloads_off(sandbox: Path) -> None:
    mm.configure(offline=True)
    try:
        with pytest.raises(OfflineError, match=r"configure\(offline=True\) was given, so nothing was downloaded"):
            load("pathmnist")
    finally:
        mm.configure()


@pytest.mark.parametrize("value", ["", "0", "false", "No", "off"])
def test_offline_may_be_switched_off(fakes, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", value)
    assert equals_the_fake(load("breastmnist"), fakes[0])


# Archives that are here already


def placed(archive: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return archive.rename(folder / archive.name)


def test_an_archive_of_the_official_package_is_used_and_left_as_it_is(breast, tmp_path, sandbox, audit) -> None:
    official = placed(tmp_path / "breastmnist.npz", sandbox / "home" / ".medmnist").parent
    before = state_of(official)
    with audit() as seen:
        arrays = load(breast, download=False)
    assert equals_the_fake(arrays, breast)
    assert seen.network == []
    assert before == state_of(official)
    assert Path(arrays.images.filename).is_relative_to(sandbox / "cache" / "arrays")
    assert not list((sandbox / "cache").rglob("*.npz"))


def test_a_damaged_archive_is_not_used_and_left_as_it_is(fakes, sandbox: Path, caplog) -> None:
    official = sandbox / "home" / ".medmnist"
    official.mkdir()
    (official / "breastmnist.npz").write_bytes(b"half an archive")
    before = state_of(official)
    with pytest.raises(NotCachedError, match=f"{official}/breastmnist.npz is not the archive breastmnist.npz of the"):
        load("breastmnist", download=False)
    assert equals_the_fake(load("breastmnist"), fakes[0])
    assert before == state_of(official)
    assert "Not using an existing file" in caplog.text


def test_an_older_release_is_named_as_such(breast, tmp_path: Path, sandbox: Path) -> None:
    path = placed(tmp_path / "breastmnist.npz", sandbox / "home" / ".medmnist")
    old = Superseded(breast.archive(28).digest, "2.2.3", {"train": 1})
    present = replace(breast.archive(28), digest=f"md5:{'a' * 32}", superseded=(old,))
    record = replace(breast, archives={28: present})
    said = rf"{path} is breastmnist.npz of an older release \(as of medmnist 2.2.3; train 1\)"
    with pytest.raises(NotCachedError, match=said):
        load(record, download=False)
    with registered(record), pytest.raises(SupersededError, match=said):
        adopt(path)
    assert path.exists()
    assert not (sandbox / "cache" / "arrays").exists()


def test_a_file_is_adopted_by_what_it_is_not_by_its_name(breast, tmp_path: Path, sandbox: Path) -> None:
    file = (tmp_path / "breastmnist.npz").rename(tmp_path / "copy of something")
    with registered(breast):
        record, size, folder = adopt(file)
        assert equals_the_fake(load("breastmnist", download=False), breast)
    assert breast == record
    assert size == 28
    assert fetch(breast) == folder
    assert file.exists()


def test_a_foreign_file_is_not_adopted(tmp_path: Path, sandbox: Path) -> None:
    np.savez(tmp_path / "breastmnist.npz", x=np.arange(3))
    with pytest.raises(
        DigestError, match=r"is not an official archive: its checksum is md5:.* It was left unchanged"
    ) as caught:
        adopt(tmp_path / "breastmnist.npz")
    assert caught.value.expected == "md5:750601b1f35ba3300ea97c75c52ff8f6"
    assert not (sandbox / "cache" / "arrays").exists()


# root=


def test_root_takes_the_place_of_the_cache(fakes, tmp_path: Path) -> None:
    arrays = load("breastmnist", root=tmp_path / "mine", download=True)
    assert Path(arrays.images.filename).is_relative_to(tmp_path / "mine" / "arrays")
    assert not (tmp_path / "cache").exists()


def test_root_may_begin_at_home_and_be_relative(fakes, sandbox: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fetch("breastmnist", root="~/mine").is_relative_to(sandbox / "home" / "mine")
    assert fetch("breastmnist", root="mine").is_relative_to(tmp_path / "mine")


def test_an_archive_that_lies_in_root_is_used_and_left_as_it_is(breast, tmp_path: Path, sandbox: Path) -> None:
    before = state_of(tmp_path)
    arrays = load(breast, root=tmp_path, download=False)
    assert Path(arrays.images.filename).is_relative_to(tmp_path / "arrays")
    assert before.items() <= state_of(tmp_path).items()
    assert not (sandbox / "cache").exists()


# Many at once


def _waits_for_the_others(barrier: Any) -> None:
    barrier.wait(60)


def _loads(record: DatasetInfo) -> tuple[type, str]:
    images, labels = load(record, "test")
    return type(images), hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


def test_eight_processes_on_an_empty_cache_cause_one_download(tmp_path: Path, sandbox: Path) -> None:
    with FaultServer() as server:
        record = make_archive(tmp_path, "breastmnist", n_samples=FEW, base_url=server.url)
        served = server.file("breastmnist.npz", (tmp_path / "breastmnist.npz").read_bytes())
        context = multiprocessing.get_context("spawn")
        start = (context.Barrier(8),)
        with ProcessPoolExecutor(8, context, _waits_for_the_others, start) as processes:
            found = list(processes.map(_loads, [record] * 8))
    expected = make_arrays(record)
    digest = hashlib.sha256(expected["test_images"].tobytes() + expected["test_labels"].tobytes()).hexdigest()
    assert [(np.memmap, digest)] * 8 == found
    assert [(request.method, request.range) for request in served.requests] == [("GET", None)]
    assert list((sandbox / "cache" / "downloads").iterdir()) == []


def test_labels_come_from_whichever_size_is_here(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist_64") as (at_64,):
        expected = np.array(mm.load("breastmnist_64", "test").labels)
    whole = replace(mm.info("breastmnist"), n_samples=at_64.n_samples)
    both = replace(whole, archives={**whole.archives, 64: at_64.archive(64)})
    assert np.array_equal(expected, load_labels(both, "test", root=tmp_path / "cache", download=False))


def test_labels_that_were_fetched_alone_will_do(fakes, sandbox: Path, audit) -> None:
    folder = fetch("chestmnist", labels_only=True)
    with audit() as seen:
        labels = load_labels("chestmnist", "val", download=False)
    assert seen.network == []
    assert seen.writes == []
    assert [path.name for path in folder.glob("val*.npy")] == ["val_labels.npy"]
    assert np.array_equal(make_arrays(fakes[2])["val_labels"], labels)


def test_labels_of_a_whole_set_go_before_those_that_were_fetched_alone(tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "64", "breastmnist_64") as (at_64,):
        whole = fetch("breastmnist_64", root=tmp_path / "both")
    with fake_datasets(tmp_path / "28", "breastmnist") as (at_28,):
        alone = fetch("breastmnist", labels_only=True, root=tmp_path / "both")
    both = replace(at_28, archives={28: at_28.archive(28), 64: at_64.archive(64)})
    labels = np.load(whole / "test_labels.npy")
    np.save(alone / "test_labels.npy", 1 - labels)
    assert labels.tolist() == load_labels(both, "test", root=tmp_path / "both", download=False).tolist()


def test_masks_are_those_of_the_size_that_is_named(tmp_path: Path) -> None:
    root, archives, expected = tmp_path / "both", {}, {}
    for size in (128, 256):
        name = f"medsegbench/kvasir_{size}"
        with fake_datasets(tmp_path / str(size), name, n_samples={"test": 2}) as (record,):
            fetch(name, labels_only=size == 256, root=root)
        archives[size], expected[size] = record.archive(size), make_arrays(record, size)["test_label"]
    with registered(replace(record, archives=archives)):
        for size, masks in expected.items():
            assert np.array_equal(masks, load_labels(f"medsegbench/kvasir_{size}", "test", root=root, download=False))
        with pytest.raises(NotCachedError):
            load_labels("medsegbench/kvasir", "test", root=tmp_path / "nothing", download=False)


def test_labels_of_another_split_will_not_do(fakes) -> None:
    fetch("breastmnist", splits=["val"], labels_only=True)
    with pytest.raises(NotCachedError):
        load_labels("breastmnist", "test", download=False)
