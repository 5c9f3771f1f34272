"""The main job on real archives, which ``MEDMNIST_NP_TEST_DATA`` names; without it these tests are skipped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.errors import DownloadError
from medmnist_np.registry import DatasetInfo
from medmnist_np.testing import serve
from tests.fault_server import Drop, FaultServer, ServedFile, Status

SPLITS = ("train", "val", "test")
NAMES = ["breastmnist", "retinamnist", "adrenalmnist3d", "adrenalmnist3d_64"]


@pytest.fixture
def mirror(real_archives: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The archives on loopback, tried before the official address. The environment of children has it too."""
    with serve(real_archives) as url:
        monkeypatch.setenv("MEDMNIST_NP_MIRRORS", url)
        yield url


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "medmnist_np", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603


def assert_equal_to_numpy(name: str, archive: Path, *splits: str, download: bool) -> None:
    """Compare each array that ``load`` gives with the one that ``np.load`` reads from the archive."""
    with np.load(archive) as expected:
        for split in splits:
            for role, array in mm.load(name, split, download=download)._asdict().items():
                wanted = expected[f"{split}_{role}"]
                mapped = role == "images"
                assert type(array) is (np.memmap if mapped else np.ndarray)
                assert array.flags.writeable == (not mapped)
                assert wanted.shape == array.shape
                assert wanted.dtype == array.dtype
                assert np.array_equal(wanted, array)


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize("name", NAMES)
def test_an_archive_is_fetched_verified_and_loaded_by_the_public_api(real_archives: Path, name: str) -> None:
    assert_equal_to_numpy(name, real_archives / f"{name}.npz", *SPLITS, download=True)
    report = mm.verify(name)
    assert report.ok is True
    assert report.checked == "digest"
    assert set(SPLITS) == set(report.blank_images)


@pytest.mark.usefixtures("mirror")
def test_archives_are_fetched_and_verified_by_the_program(real_archives: Path, sandbox: Path) -> None:
    fetched = run("fetch", *NAMES, "--json")
    verified = run("verify", "--json")
    assert fetched.returncode == 0
    assert verified.returncode == 0
    assert fetched.stderr == ""
    assert verified.stderr == ""
    for result in (fetched, verified):
        found = {(entry["name"], entry["size"]) for entry in json.loads(result.stdout)}
        assert {(mm.info(name).name, 64 if name.endswith("_64") else 28) for name in NAMES} == found
    for name in NAMES:
        # Reading all of the largest archive again with NumPy would take as long as the rest.
        splits = ("val", "test") if name.endswith("_64") else SPLITS
        assert_equal_to_numpy(name, real_archives / f"{name}.npz", *splits, download=False)
    assert [path for path in sandbox.rglob("*") if ".part" in path.name or path.suffix == ".npz"] == []


def test_archives_are_imported_by_the_program(real_archives: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(real_archives / "retinamnist.npz", tmp_path / "download (1)"))
    imported = run("import", str(copy), str(real_archives / "breastmnist.npz"))
    assert imported.returncode == 0
    assert imported.stdout.count(": ready, ") == 2
    for name in ("retinamnist", "breastmnist"):
        assert_equal_to_numpy(name, real_archives / f"{name}.npz", *SPLITS, download=False)


def test_what_the_official_package_left_is_used(real_archives: Path, sandbox: Path, audit) -> None:
    (sandbox / "home" / ".medmnist").mkdir()
    shutil.copyfile(real_archives / "breastmnist.npz", sandbox / "home" / ".medmnist" / "breastmnist.npz")
    with audit() as seen:
        dataset = mm.BreastMNIST("test")
    assert seen.network == []
    assert dataset.imgs.shape == (156, 28, 28)
    assert dataset.class_counts() == {"malignant": 42, "normal, benign": 114}


# A download that stops


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def served(server: FaultServer, archives: Path, name: str) -> tuple[DatasetInfo, ServedFile]:
    """Serve a real archive at the only address that its record then has."""
    file = server.file(f"{name}.npz", (archives / f"{name}.npz").read_bytes())
    record = mm.info(name)
    archive = replace(record.archive(28), url=file.url)
    return replace(record, archives={28: archive}, enlarged_sizes=()), file


def ranges(file: ServedFile) -> list[str | None]:
    return [request.range for request in file.requests]


def test_a_download_that_breaks_off_goes_on_where_it_stopped(server, real_archives: Path) -> None:
    record, file = served(server, real_archives, "retinamnist")
    stops = [1_000_000, 2_000_000, 3_000_000]
    file.plan(*[Drop(after=1_000_000)] * 3)
    assert mm.load(record, "test").images.shape == (400, 28, 28, 3)
    assert [None, *(f"bytes={stop}-" for stop in stops)] == ranges(file)
    assert len(file.data) == file.body_bytes


def test_the_next_call_goes_on_where_the_last_one_stopped(server, real_archives: Path, sandbox: Path) -> None:
    record, file = served(server, real_archives, "breastmnist")
    file.plan(Drop(after=300_000), then=Status(404))
    with pytest.raises(DownloadError, match="300000"):
        mm.load(record)
    downloads = sandbox / "cache" / "downloads"
    assert (downloads / "breastmnist.npz.part").stat().st_size == 300_000
    file.plan()
    with np.load(real_archives / "breastmnist.npz") as expected:
        assert np.array_equal(expected["train_images"], mm.load(record).images)
    assert ranges(file) == [None, "bytes=300000-", "bytes=300000-"]
    wasted = sum(request.body_bytes for request in file.requests if request.status == 404)
    assert len(file.data) == file.body_bytes - wasted
    assert list(downloads.iterdir()) == []
