"""Corrupted images that are made once and stored: by whomever, the same; and nothing half-made."""

from __future__ import annotations

import errno
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np.cache import store
from medmnist_np.corruptions import stored
from medmnist_np.corruptions.computed import corrupted, find_stored
from medmnist_np.corruptions.stored import make_corrupted
from medmnist_np.errors import NoSpaceError, NotCachedError
from medmnist_np.registry.corruption_facts import corrupted_set
from medmnist_np.testing import fake_datasets

KINDS = ("speckle_noise", "pixelate")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The cache of a small BreastMNIST; its images are made in pieces of seven."""
    monkeypatch.setattr(stored, "_PIECE_BYTES", 7 * 28 * 28)
    with fake_datasets(tmp_path, "breastmnist", n_samples={"test": 40}):
        yield tmp_path / "cache"


def made(**options: Any) -> list[stored.StoredCorruption]:
    return make_corrupted("breastmnist", KINDS, (2, 5), **{"progress": silent, **options})


def digests(**options: Any) -> list[str]:
    return [one.sha256 for one in made(**options)]


def test_stored_images_equal_computed_images() -> None:
    images = mm.load("breastmnist", "test").images
    for one in made(seed=3):
        expected = corrupted(images, mm.info("breastmnist"), one.corruption, one.severity, 3)[:]
        assert np.array_equal(expected, np.load(one.folder / "test_images.npy"))
    assert [(kind, severity) for kind in KINDS for severity in (2, 5)] == [
        (o.corruption, o.severity) for o in made(seed=3)
    ]


def test_any_number_and_kind_of_workers_gives_the_same_files(tmp_path: Path) -> None:
    expected = digests()
    pools: list[Executor] = [
        ThreadPoolExecutor(1),
        ThreadPoolExecutor(3),
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")),
    ]
    for number, pool in enumerate(pools):
        with pool:
            assert expected == digests(executor=pool, root=tmp_path / f"root {number}", download=True)


class Interrupting(Executor):
    """Is interrupted amid the second of four."""

    n_pieces = 0

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        self.n_pieces += 1
        if self.n_pieces == 9:
            raise KeyboardInterrupt
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **options))
        return future


def test_an_interrupted_run_resumes_with_the_same_result(home: Path, tmp_path: Path) -> None:
    expected = digests(root=tmp_path / "uninterrupted", download=True)
    with pytest.raises(KeyboardInterrupt):
        made(executor=Interrupting())
    folder = home / store.ARRAYS / "corrupted"
    (complete,) = folder.iterdir()  # of four, and nothing of the one that was begun
    before = (complete / "test_images.npy").stat()
    assert expected == digests()
    assert len(list(folder.iterdir())) == 4
    assert before.st_mtime_ns == (complete / "test_images.npy").stat().st_mtime_ns


def test_stored_images_are_not_computed_again(audit: Any) -> None:
    expected = made()
    with audit() as seen:
        assert expected == made()
    assert [path for path in seen.writes if "corrupted" in str(path)] == []


def test_each_seed_has_its_own_folder() -> None:
    first, second = made(), made(seed=1)
    assert {one.folder for one in first}.isdisjoint(one.folder for one in second)
    assert first[0].sha256 != second[0].sha256  # speckle noise
    assert first[2].sha256 == second[2].sha256  # pixelation has no chance in it


def test_numpy_integers_name_the_same_images_as_python_integers() -> None:
    expected = made(seed=1)
    found = make_corrupted("breastmnist", KINDS, np.array([2, 5]), seed=np.int64(1), progress=silent)
    assert list(map(repr, expected)) == list(map(repr, found))


def test_all_corruptions_of_a_set_are_computed_by_default() -> None:
    found = make_corrupted("breastmnist", severities=[1], progress=silent)
    assert list(corrupted_set("breastmnist").corruptions) == [one.corruption for one in found]


def test_stored_images_are_found_and_others_are_not() -> None:
    made()
    folder = store.at(mm.Dataset("breastmnist", "test").folder)
    assert folder is not None
    record = mm.info("breastmnist")
    found = find_stored(folder, record, 28, "test", "pixelate", 2, 0)
    assert found is not None
    assert found.shape == (40, 28, 28)
    assert not found.flags.writeable
    assert find_stored(folder, record, 28, "test", "pixelate", 3, 0) is None
    assert find_stored(folder, record, 28, "test", "pixelate", 2, 1) is None
    assert find_stored(folder, record, 28, "val", "pixelate", 2, 0) is None


def test_the_manifest_describes_the_images() -> None:
    folder = store.at(made()[0].folder)
    assert folder is not None
    assert folder.manifest.archive == "breastmnist test, speckle_noise 2, seed 0"
    assert folder.manifest.checked == "made here"


def test_a_full_disk_keeps_only_complete_folders(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = stored._write_piece, []

    def fails_at_the_ninth(piece: Any) -> int:
        calls.append(piece)
        if len(calls) == 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(piece)

    monkeypatch.setattr(stored, "_write_piece", fails_at_the_ninth)
    with pytest.raises(NoSpaceError, match="The disk is full: could not store corrupted images of breastmnist"):
        made()
    (complete,) = (home / store.ARRAYS / "corrupted").iterdir()
    assert store.at(complete) is not None


def test_too_little_space_is_reported_before_any_work(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mm.load("breastmnist", "test")
    monkeypatch.setattr("medmnist_np._files.free_bytes", lambda _: 1 << 20)
    with pytest.raises(NoSpaceError, match="Not enough space to store corrupted images of breastmnist: 126 kB"):
        made()
    assert not (home / store.ARRAYS / "corrupted").exists()


@pytest.mark.parametrize("severity", [0, 6, 3.0])
def test_an_invalid_severity_is_refused_before_any_download(severity: int, home: Path) -> None:
    with pytest.raises(ValueError, match=f"Invalid severity: {severity}"):
        make_corrupted("breastmnist", "pixelate", [severity])
    assert not home.exists()


def test_an_unavailable_corruption_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"does not have 'bubble' for breastmnist\..* Available: pixelate, jpeg_compression"
    ):
        make_corrupted("breastmnist", ["pixelate", "bubble"])


def test_an_empty_request_is_refused() -> None:
    with pytest.raises(ValueError, match="Nothing to compute"):
        make_corrupted("breastmnist", [])


def test_nothing_is_downloaded_if_download_is_false() -> None:
    with pytest.raises(NotCachedError):
        made(download=False)
