"""The published archives of corrupted images: fetched from a real server, proven, and never taken for our own."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np.cache import store
from medmnist_np.cache.manifest import Manifest
from medmnist_np.cli.clean import cache, clean
from medmnist_np.cli.corrupt import corrupt
from medmnist_np.cli.fetch import import_
from medmnist_np.cli.verify import verify
from medmnist_np.corruptions import RunName, measure_robustness, published
from medmnist_np.corruptions.published import (
    PublishedCorruption,
    adopt_own,
    adopt_published,
    fetch_published,
    published_archive,
)
from medmnist_np.data.verification import verify_published
from medmnist_np.errors import ArchiveError, DigestError, DownloadError, NotCachedError, OfflineError
from medmnist_np.registry.corruption_facts import corrupted_set, corrupted_sets
from medmnist_np.testing import fake_datasets
from tests.corruptions.made_archives import publish, published_arrays
from tests.fault_server import Drop, FaultServer, Status

N = 3
PROVEN, UNPROVEN = "breastmnist", "chestmnist"
Stated = Callable[..., None]


@pytest.fixture
def stated(monkeypatch: pytest.MonkeyPatch) -> Stated:
    """Let the registry state another digest or address of the archive of a set."""
    facts: dict[str, dict[str, Any]] = {}

    def facts_of(name: Any) -> Any:
        found = corrupted_set(name)
        return replace(found, **facts.get(found.name, {}))

    monkeypatch.setattr(published, "corrupted_set", facts_of)

    def state(name: str, **values: Any) -> None:
        facts.setdefault(name, {}).update(values)

    return state


@pytest.fixture
def home(tmp_path: Path, stated: Stated) -> Iterator[Path]:
    """A folder with a cache, and with archives that are served: of one set with a digest, and of one without."""
    with fake_datasets(tmp_path, PROVEN, UNPROVEN, size=224, n_samples={"test": N}) as records:
        for record in records:
            address = record.archive(224).url.rpartition("/")[0]
            digest = publish(tmp_path / "archives" / f"{record.name}.zip", record.name, arrays_of(record.name))
            stated(record.name, url=f"{address}/{record.name}.zip")
            if record.name == PROVEN:
                stated(record.name, digest=digest)
        yield tmp_path


def arrays_of(name: str) -> dict[str, dict[str, np.ndarray]]:
    labels = mm.testing.make_arrays(mm.testing.fake_record(name, size=224, n_samples={"test": N}))["test_labels"]
    return published_arrays(mm.testing.fake_record(name, size=224, n_samples={"test": N}), labels)


def republish(home: Path, stated: Stated, arrays: Any, name: str = PROVEN, **options: Any) -> None:
    """Serve another archive, with the digest that it has."""
    digest = publish(home / "archives" / f"{name}.zip", name, arrays, **options)
    if name == PROVEN:
        stated(name, digest=digest)


# fetching


def test_all_arrays_are_stored_in_one_folder_with_a_manifest(home: Path) -> None:
    folder = fetch_published(PROVEN)
    manifest = Manifest.read(folder)
    assert manifest is not None
    assert manifest.archive == "breastmnist.zip"
    assert manifest.checked == "digest"
    assert f"breastmnist_224-{manifest.digest[4:12]}" == folder.name
    assert home / "cache" / "arrays" / "medmnist-c" == folder.parent
    for name, arrays in arrays_of(PROVEN).items():
        for array, expected in arrays.items():
            stored = manifest.arrays[f"breastmnist/{name}.npz/{array}"]
            assert f"{name}-{array}.npy" == stored.file
            assert np.array_equal(expected, np.load(folder / stored.file))
    assert list((home / "cache" / "downloads").iterdir()) == []


def test_a_complete_folder_is_not_downloaded_again(home: Path, audit: Any) -> None:
    folder = fetch_published(PROVEN)
    with audit() as seen:
        assert folder == fetch_published(PROVEN)
    assert seen.writes == []
    assert seen.locks == []
    assert seen.network == []


def test_every_data_set_has_a_record_of_its_archive() -> None:
    described = {name: published_archive(mm.info(name)) for name in corrupted_sets() if name != "tissuemnist"}
    assert len(described) == 11
    derma = described["dermamnist"]
    assert derma.url == "https://zenodo.org/records/11471504/files/dermamnist.zip"
    assert 2 * len(corrupted_set("dermamnist").corruptions) == len(derma.members)
    shapes = {member.name: member.shape for member in derma.members}
    assert (5 * 2005, 224, 224, 3) == shapes["dermamnist/motion_blur.npz/test_images"]
    assert (5 * 2005, 1) == shapes["dermamnist/motion_blur.npz/test_labels"]


def test_the_error_for_an_unpublished_set_says_how_to_compute_it() -> None:
    with pytest.raises(ValueError, match=r"never published .* tissuemnist\. .*`medmnist-np corrupt tissuemnist --all"):
        fetch_published("tissuemnist")


def test_a_set_without_corruptions_is_refused() -> None:
    with pytest.raises(ValueError, match="MedMNIST-C has no corruptions for organmnist3d"):
        fetch_published("organmnist3d")


def test_a_wrong_checksum_stores_nothing(home: Path, stated: Stated) -> None:
    stated(PROVEN, digest=f"md5:{0:032}")
    with pytest.raises(DigestError, match=r"breastmnist\.zip was downloaded twice and has the wrong checksum"):
        fetch_published(PROVEN)
    assert not (home / "cache" / "arrays" / "medmnist-c").exists()


def test_an_interrupted_download_resumes(home: Path, stated: Stated) -> None:
    data = (home / "archives" / "breastmnist.zip").read_bytes()
    os.environ["MEDMNIST_NP_MIRRORS"] = ""  # `home` sets it back
    with FaultServer() as server:
        file = server.file("breastmnist.zip", data).plan(Drop(after=1_000_000), then=Status(404))
        stated(PROVEN, url=file.url)
        with pytest.raises(DownloadError, match="1000000 bytes are kept"):
            fetch_published(PROVEN)
        file.plan()
        fetch_published(PROVEN)
        assert file.requests[-1].range == "bytes=1000000-"


@pytest.mark.parametrize("name", [PROVEN, UNPROVEN])
def test_an_archive_that_differs_from_its_record_stores_nothing(home: Path, stated: Stated, name: str) -> None:
    arrays = arrays_of(name)
    del arrays["pixelate"]
    republish(home, stated, arrays, name)
    with pytest.raises(ArchiveError, match=f"{name}.zip is damaged .* it lacks {name}/pixelate.npz"):
        fetch_published(name, no_digest=True)
    assert list((home / "cache" / "arrays" / "medmnist-c").iterdir()) == []
    republish(home, stated, arrays_of(name), name)
    fetch_published(name, no_digest=True)


def test_a_wrong_number_of_images_is_refused(home: Path, stated: Stated) -> None:
    arrays = arrays_of(PROVEN)
    arrays["pixelate"]["test_images"] = arrays["pixelate"]["test_images"][:-1]
    republish(home, stated, arrays)
    with pytest.raises(
        ArchiveError, match=r"pixelate.npz: test_images.npy: .* which no array of shape \(15, 224, 224\)"
    ):
        fetch_published(PROVEN)


# without a digest


def test_an_archive_without_a_known_checksum_needs_consent(home: Path) -> None:
    with pytest.raises(ValueError, match=r"No checksum is known for chestmnist\.zip.* --published --no-digest`"):
        fetch_published(UNPROVEN)
    with pytest.raises(ValueError, match="No checksum is known"):
        PublishedCorruption(UNPROVEN, "pixelate", 1)
    with pytest.raises(NotCachedError, match="corrupt chestmnist --published --no-digest"):
        PublishedCorruption(UNPROVEN, "pixelate", 1, download=False)
    assert not (home / "cache").exists()


def test_an_archive_without_a_known_checksum_is_marked(home: Path, audit: Any) -> None:
    folder = fetch_published(UNPROVEN, no_digest=True)
    manifest = Manifest.read(folder)
    assert manifest is not None
    assert manifest.checked == "crc32"
    assert folder.name == "chestmnist_224-crc32"
    data = (home / "archives" / "chestmnist.zip").read_bytes()
    assert f"sha256:{sha256(data).hexdigest()}" == manifest.digest
    assert list((home / "cache" / "downloads").iterdir()) == []
    with audit() as seen:
        assert folder == fetch_published(UNPROVEN)  # nothing is downloaded, so nothing needs to be asked for
    assert seen.network == []
    assert (N, 14) == PublishedCorruption(UNPROVEN, "pixelate", 1).labels.shape


def test_a_known_checksum_is_always_verified(home: Path, stated: Stated) -> None:
    stated(PROVEN, digest=f"md5:{0:032}")
    with pytest.raises(DigestError):
        fetch_published(PROVEN, no_digest=True)


def test_a_download_without_a_checksum_resumes(home: Path, stated: Stated) -> None:
    data = (home / "archives" / "chestmnist.zip").read_bytes()
    os.environ["MEDMNIST_NP_MIRRORS"] = ""  # `home` sets it back
    with FaultServer() as server:
        file = server.file("chestmnist.zip", data).plan(Drop(after=1_000_000), then=Status(404))
        stated(UNPROVEN, url=file.url)
        with pytest.raises(DownloadError, match="1000000 bytes are kept"):
            fetch_published(UNPROVEN, no_digest=True)
        file.plan()
        fetch_published(UNPROVEN, no_digest=True)
        assert file.requests[-1].range == "bytes=1000000-"


def test_damaged_bytes_without_a_checksum_are_not_resumed(home: Path, stated: Stated) -> None:
    path = home / "archives" / "chestmnist.zip"
    right = path.read_bytes()
    path.write_bytes(right[:2_000_000] + b"\xff\x00\xff" + right[2_000_003:])
    with pytest.raises(ArchiveError, match="its CRC-32 is"):
        fetch_published(UNPROVEN, no_digest=True)
    assert list((home / "cache" / "downloads").iterdir()) == []
    path.write_bytes(right)
    fetch_published(UNPROVEN, no_digest=True)


# what is on this machine


@pytest.mark.parametrize("name", [PROVEN, UNPROVEN])
def test_an_archive_in_the_root_is_used_and_not_changed(home: Path, tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    source = home / "archives" / f"{name}.zip"
    data = source.read_bytes()
    shutil.move(source, root)
    folder = fetch_published(name, root=root, no_digest=True)
    assert root / "arrays" / "medmnist-c" == folder.parent
    assert data == (root / source.name).read_bytes()


def test_an_archive_is_identified_by_its_checksum(home: Path, tmp_path: Path) -> None:
    path = shutil.move(home / "archives" / "breastmnist.zip", tmp_path / "whatever.zip")
    record, folder = adopt_published(path, progress=silent)
    assert record.name == PROVEN
    assert folder == fetch_published(PROVEN)
    assert Path(path).exists()


def test_an_unknown_file_is_not_imported(home: Path) -> None:
    with pytest.raises(
        DigestError, match=r"chestmnist\.zip is not a published archive of MedMNIST-C with a known checksum"
    ):
        adopt_published(home / "archives" / "chestmnist.zip", progress=silent)


@pytest.mark.parametrize("name", [PROVEN, UNPROVEN])
def test_offline_mode_prevents_the_download(home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    with pytest.raises(OfflineError):
        fetch_published(name, no_digest=True)


def test_nothing_is_downloaded_without_permission(home: Path) -> None:
    with pytest.raises(NotCachedError, match="`medmnist-np corrupt breastmnist --published`"):
        PublishedCorruption(PROVEN, "pixelate", 1, download=False)


# loading


@pytest.mark.parametrize("deflated", [False, True])
def test_each_severity_is_a_separate_data_set(home: Path, stated: Stated, deflated: bool) -> None:
    arrays = arrays_of(PROVEN)
    republish(home, stated, arrays, deflated=deflated)
    for name in ("pixelate", "motion_blur"):
        for severity in range(1, 6):
            ds = PublishedCorruption(PROVEN, name, severity)
            rows = slice((severity - 1) * N, severity * N)
            assert (name, severity, None) == ds.corruption
            assert np.array_equal(arrays[name]["test_images"][rows], ds.images)
            assert np.array_equal(arrays[name]["test_labels"][rows], ds.labels)
            assert np.array_equal(ds.images[2], ds[2][0])
            assert N == len(ds)


@pytest.fixture
def ds(home: Path) -> PublishedCorruption:
    return PublishedCorruption(PROVEN, "motion_blur", 3)


EXPECTED = slice(2 * N, 3 * N)


def test_images_are_not_copied(ds: PublishedCorruption) -> None:
    assert isinstance(ds.images, np.memmap)
    assert np.shares_memory(ds.images, ds[1:].images)
    assert not ds.images.flags.writeable


def test_batches_contain_the_published_images(ds: PublishedCorruption) -> None:
    expected = arrays_of(PROVEN)["motion_blur"]["test_images"][EXPECTED]
    for shuffle in (True, "blocks"):
        for batch in ds.batches(2, shuffle=shuffle, seed=1):
            assert np.array_equal(expected[batch.indices], batch.images)
            assert np.array_equal(ds.labels[batch.indices], batch.labels)


def test_a_small_pickle_opens_the_same_images(ds: PublishedCorruption) -> None:
    data = pickle.dumps(ds[1:])
    assert len(data) < len(pickle.dumps(mm.Dataset(PROVEN, "test", size=224))) + 300
    again = pickle.loads(data)
    assert PublishedCorruption is type(again)
    assert ds.corruption == again.corruption
    assert np.array_equal(ds[1:].images, again.images)


def test_warming_reads_only_its_own_rows(ds: PublishedCorruption, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("medmnist_np.data.warm._read", lambda _, start, n: seen.append((start, n)) or n)
    assert ds.warm(progress=silent)
    start = 128 + 2 * N * 224 * 224
    assert start == min(first for first, _ in seen)
    assert start + N * 224 * 224 == max(first + n for first, n in seen)


def test_statistics_are_separate_for_each_severity(home: Path) -> None:
    images = arrays_of(PROVEN)["pixelate"]["test_images"]
    for severity in (1, 2, 1):
        expected = np.bincount(images[(severity - 1) * N : severity * N].ravel(), minlength=256)
        found = PublishedCorruption(PROVEN, "pixelate", severity).statistics(progress=silent)
        assert np.array_equal(expected, found.histogram[0])


def test_montages_and_saved_files_show_the_published_images(ds: PublishedCorruption, tmp_path: Path) -> None:
    assert "Corruption: motion_blur 3, as published" in repr(ds)
    assert "breastmnist" in ds._repr_html_().lower()
    assert ds.montage(1, 3).array.any()
    folder = ds.save(tmp_path / "files", "csv", "npy", progress=silent)
    assert np.array_equal(ds.images[1], np.load(folder / "test" / "test1.npy"))


def test_it_cannot_be_joined_with_computed_images_or_another_severity(ds: PublishedCorruption) -> None:
    ours = mm.Dataset(PROVEN, "test", size=224).corrupt("motion_blur", 3)
    others = (ours, PublishedCorruption(PROVEN, "motion_blur", 2), mm.Dataset(PROVEN, "test", size=224))
    for other in others:
        with pytest.raises(ValueError, match="the same corruption, severity and seed can be joined"):
            ds + other
        with pytest.raises(ValueError, match="The state is from other batches"):
            ds.batches(2).load_state_dict(other.batches(2).state_dict())
    assert np.array_equal(ds.images[[2, 0]], (ds[2:] + ds[:1]).images)
    with pytest.raises(ValueError, match="The images are already corrupted with motion_blur"):
        ds.corrupt("pixelate", 1)


def test_labels_of_any_integer_dtype_are_accepted(home: Path, stated: Stated) -> None:
    arrays = arrays_of(PROVEN)
    for each in arrays.values():
        each["test_labels"] = each["test_labels"].astype(np.int64)
    republish(home, stated, arrays)
    mm.fetch(PROVEN, size=224)
    found = PublishedCorruption(PROVEN, "pixelate", 2)
    assert np.array_equal(mm.load(PROVEN, "test", size=224).labels, found.labels)
    assert verify_published(PROVEN, progress=silent).ok


def test_labels_that_differ_from_the_clean_split_are_refused(home: Path, stated: Stated) -> None:
    arrays = arrays_of(PROVEN)
    arrays["pixelate"]["test_labels"][N] ^= 1  # the first of severity 2
    republish(home, stated, arrays)
    PublishedCorruption(PROVEN, "pixelate", 2)  # nothing here to compare with
    mm.fetch(PROVEN, size=224)
    PublishedCorruption(PROVEN, "pixelate", 1)
    with pytest.raises(
        ArchiveError, match=r"The labels of breastmnist with pixelate 2, as published, .* differ from the labels"
    ):
        PublishedCorruption(PROVEN, "pixelate", 2)


@pytest.mark.parametrize("severity", [0, 6, True, "3"])
def test_an_invalid_severity_is_refused_before_any_download(home: Path, severity: Any) -> None:
    with pytest.raises(ValueError, match=r"^Invalid severity: .* from 1 \(weakest\) to 5 \(strongest\)"):
        PublishedCorruption(PROVEN, "pixelate", severity)
    assert not (home / "cache").exists()


def test_an_unknown_corruption_or_size_is_refused(home: Path) -> None:
    with pytest.raises(ValueError, match=r"does not have 'bubble' for breastmnist\..* Available: pixelate, jpeg"):
        PublishedCorruption(PROVEN, "bubble", 1)
    with pytest.raises(ValueError, match="28"):
        PublishedCorruption("breastmnist_28", "pixelate", 1)


def test_robustness_reads_results_on_published_images(home: Path, tmp_path: Path) -> None:
    evaluator = mm.Evaluator(PROVEN, "test", size=224)
    clean = mm.Dataset(PROVEN, "test", size=224)
    datasets = [clean, *(PublishedCorruption(PROVEN, "pixelate", severity) for severity in range(1, 6))]
    for ds in datasets:
        done = () if ds.corruption is None else (ds.corruption.name, ds.corruption.severity)
        scores = ds.images.mean(axis=(1, 2)) / 255
        evaluator.evaluate(scores, tmp_path / "results", run=RunName("mean", *done))
    (found,) = measure_robustness(sorted((tmp_path / "results").glob("*.csv")), progress=silent, n_resamples=5)
    (pixelate,) = found.corruptions
    assert pixelate.corruption == "pixelate"
    assert sorted(pixelate.errors) == [1, 2, 3, 4, 5]


# verifying


def test_published_images_are_verified(home: Path) -> None:
    with pytest.raises(NotCachedError, match="`medmnist-np corrupt breastmnist --published` downloads them"):
        verify_published(PROVEN)
    folder = fetch_published(PROVEN)
    report = verify_published(PROVEN, progress=silent)
    assert report.ok is True
    assert report.checked == "digest"
    assert folder == report.folder
    assert report.published_corruptions is True
    assert verify_published(fetched(UNPROVEN), progress=silent).checked == "crc32"
    path = folder / "pixelate-test_images.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    (problem,) = verify_published(PROVEN, progress=silent).damage
    assert problem.startswith("pixelate-test_images.npy has changed")


def fetched(name: str) -> str:
    fetch_published(name, no_digest=True)
    return name


def test_verify_finds_labels_out_of_range(home: Path, stated: Stated) -> None:
    arrays = arrays_of(PROVEN)
    arrays["pixelate"]["test_labels"][4] = 7
    republish(home, stated, arrays)
    fetch_published(PROVEN)
    (problem,) = verify_published(PROVEN, progress=silent).damage
    assert problem == "breastmnist/pixelate.npz/test_labels: 1 labels are not in 0 to 1; the first is at index 4"


def test_a_damaged_folder_is_downloaded_again(home: Path) -> None:
    folder = fetch_published(PROVEN)
    (folder / "pixelate-test_images.npy").unlink()
    assert folder == fetch_published(PROVEN)
    assert store.at(folder) is not None


# at the command line


def run(command: click.Command, *arguments: object) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)))


def test_the_corrupt_command_downloads_published_images(home: Path) -> None:
    result = run(corrupt, PROVEN, "--published")
    assert result.exit_code == 0
    assert f"{fetch_published(PROVEN)}\n" == result.stdout


def test_the_corrupt_command_reports_a_missing_checksum(home: Path) -> None:
    result = run(corrupt, UNPROVEN, "--published")
    assert result.exit_code == 2
    assert "`medmnist-np corrupt chestmnist --published --no-digest`" in " ".join(result.stderr.split())
    result = run(corrupt, UNPROVEN, "--published", "--no-digest")
    assert "note: verified by CRC-32 only, since no checksum is published. This archive has sha256:" in result.stdout
    result = run(corrupt, UNPROVEN, "--published", "--no-digest", "--json")
    assert json.loads(result.stdout)["name"] == "chestmnist"
    assert json.loads(result.stdout)["checked"] == "crc32"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--published", "--all"], "--published downloads all images, at 224 px. Leave out other choices."),
        (["--published", "--kind", "pixelate"], "--published downloads all"),
        (["--published", "--size", "64"], "--published downloads all"),
        (["--all", "--no-digest"], "Use --no-digest only with --published."),
    ],
)
def test_the_corrupt_command_refuses_conflicting_options(arguments: list[str], message: str) -> None:
    result = run(corrupt, PROVEN, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_the_corrupt_command_reports_an_unpublished_set() -> None:
    result = run(corrupt, "tissuemnist", "--published")
    assert result.exit_code == 2
    assert "`medmnist-np corrupt tissuemnist --all" in " ".join(result.stderr.split())


def test_import_accepts_a_published_archive(home: Path) -> None:
    result = run(import_, home / "archives" / "breastmnist.zip")
    expected = f"breastmnist.zip is breastmnist corrupted, as published: ready, {fetch_published(PROVEN)}"
    assert expected in result.stdout
    result = run(import_, home / "archives" / "chestmnist.zip")
    assert result.exit_code == 1
    assert "is not a published archive of MedMNIST-C" in " ".join(result.stderr.split())


def test_verify_and_cache_list_published_images(home: Path) -> None:
    folders = [fetch_published(PROVEN), fetch_published(UNPROVEN, no_digest=True)]
    result = run(verify, UNPROVEN)
    assert [
        f"chestmnist 224 corrupted, as published: ok, {folders[1]}",
        "    note: parts verified by CRC-32, not by the checksum of the whole archive",
        "    note: not searched for blank images",
    ] == result.stdout.splitlines()
    mm.fetch(PROVEN, size=224)
    result = run(verify, "--json")
    assert sorted(one["published_corruptions"] for one in json.loads(result.stdout)) == [False, True, True]
    assert "medmnist-c/chestmnist_224-crc32" in run(cache).stdout
    (folders[0] / "pixelate-test_labels.npy").unlink()
    result = run(verify, PROVEN)
    assert result.exit_code == 1
    assert "medmnist-np corrupt NAME --published" in result.stderr
    assert 1 == run(verify, PROVEN, "--size", 28).exit_code  # nothing of that size


def test_clean_removes_the_published_images_of_a_set(home: Path) -> None:
    folders = [fetch_published(PROVEN), fetch_published(UNPROVEN, no_digest=True)]
    assert run(clean, UNPROVEN, "--yes").exit_code == 0
    assert [folder.exists() for folder in folders] == [True, False]
    assert run(clean, f"{PROVEN}_224", "--yes").exit_code == 0
    assert not folders[0].exists()


# killed

# Run in a process of its own, which is killed as soon as it unpacks so many bytes.
KILLED = """
import os, signal, sys
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from medmnist_np import registry, testing
from medmnist_np.corruptions import published
from medmnist_np.registry.corruption_facts import corrupted_set

name, url, digest, least = *sys.argv[1:4], int(sys.argv[4])
facts = replace(corrupted_set(name), url=url, digest=digest or None)
published.corrupted_set = lambda _: facts
done = 0

@contextmanager
def killing(task, total, before=0):
    def update(n):
        global done
        done += n
        if task.startswith("unpacking") and done >= least:
            os.kill(os.getpid(), signal.SIGKILL)
    done = 0
    yield SimpleNamespace(total=total, update=update)

with registry.registered(testing.fake_record(name, size=224, n_samples={"test": 3})):
    published.fetch_published(name, no_digest=True, progress=killing)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("name", [PROVEN, UNPROVEN])
def test_a_run_killed_while_unpacking_leaves_nothing_and_the_next_run_completes(home: Path, name: str) -> None:
    known = published.corrupted_set(name)
    arguments = [sys.executable, "-c", KILLED, name, known.url, known.digest or "", "2000000"]
    assert -signal.SIGKILL == subprocess.run(arguments, check=False).returncode  # noqa: S603
    (left,) = (home / "cache" / "arrays" / "medmnist-c").iterdir()
    assert left.name.endswith(".staging")
    (home / "archives" / f"{name}.zip").unlink()  # what had arrived is enough
    folder = fetch_published(name, no_digest=True)
    assert [folder] == list(folder.parent.iterdir())
    assert list((home / "cache" / "downloads").iterdir()) == []


# Images that medmnistc made


def made_folder(home: Path, name: str) -> Path:
    """Return a folder as DatasetManager writes it."""
    folder = home / "medmnistc" / name
    folder.mkdir(parents=True)
    for corruption, arrays in arrays_of(name).items():
        np.savez_compressed(folder / f"{corruption}.npz", **arrays)
    return folder


@pytest.mark.parametrize("level", ["folder", "folder above", "zip"])
def test_images_that_medmnistc_made_are_imported(home: Path, level: str) -> None:
    folder = made_folder(home, PROVEN)
    sources = {"folder": folder, "folder above": folder.parent, "zip": home / "archives" / f"{PROVEN}.zip"}
    result = CliRunner().invoke(corrupt, [PROVEN, "--from", str(sources[level])])
    assert result.exit_code == 0, result.output
    shutil.rmtree(folder)
    ds = PublishedCorruption(PROVEN, "pixelate", 2, download=False)
    expected = arrays_of(PROVEN)["pixelate"]["test_images"][N : 2 * N]
    assert np.array_equal(ds.images, expected)
    manifest = Manifest.read(ds.folder)
    assert manifest is not None
    assert manifest.checked == "crc32"


def test_a_folder_that_lacks_a_corruption_is_refused(home: Path) -> None:
    folder = made_folder(home, PROVEN)
    (folder / "pixelate.npz").unlink()
    with pytest.raises(ArchiveError, match="it lacks breastmnist/pixelate"):
        adopt_own(PROVEN, folder)


def test_published_images_are_not_replaced_by_an_import(home: Path) -> None:
    fetch_published(PROVEN)
    with pytest.raises(ValueError, match="The published corrupted images of breastmnist are already on this machine"):
        adopt_own(PROVEN, made_folder(home, PROVEN))


def test_imported_images_are_called_your_own(home: Path) -> None:
    adopt_own(PROVEN, made_folder(home, PROVEN))
    ds = PublishedCorruption(PROVEN, "pixelate", 2)
    assert "Corruption: pixelate 2, imported from your own files" in repr(ds)
    assert repr(pickle.loads(pickle.dumps(ds))) == repr(ds)


@pytest.mark.parametrize("name", [PROVEN, "chestmnist"])
def test_imported_images_are_not_replaced_by_published_ones(home: Path, name: str) -> None:
    folder = adopt_own(name, made_folder(home, name))
    with pytest.raises(ValueError, match=r"that you imported are in .* the published ones do not replace them"):
        fetch_published(name, no_digest=True)
    assert PublishedCorruption(name, "pixelate", 1).folder == folder
    assert CliRunner().invoke(clean, [f"{name}_224", "--yes"]).exit_code == 0
    assert fetch_published(name, no_digest=True) != folder


def test_imported_images_are_not_replaced_by_a_published_archive(home: Path) -> None:
    adopt_own(PROVEN, made_folder(home, PROVEN))
    with pytest.raises(ValueError, match=r"first run `medmnist-np clean breastmnist_224`"):
        adopt_published(home / "archives" / f"{PROVEN}.zip")


def test_imported_images_are_verified(home: Path) -> None:
    folder = adopt_own(PROVEN, made_folder(home, PROVEN))
    result = CliRunner().invoke(verify, [PROVEN])
    assert f"breastmnist 224 corrupted, imported from your own files: ok, {folder}" in result.output


def test_other_arrays_in_an_npz_are_ignored(home: Path) -> None:
    folder = made_folder(home, PROVEN)
    arrays = dict(np.load(folder / "pixelate.npz"))
    np.savez(folder / "pixelate.npz", severities=np.arange(5), **arrays)
    adopt_own(PROVEN, folder)
    assert PublishedCorruption(PROVEN, "pixelate", 1).images.tolist() == arrays["test_images"][:N].tolist()


def test_a_set_without_published_images_can_be_imported(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "tissuemnist", size=224, n_samples={"test": N}):
        adopt_own("tissuemnist", made_folder(tmp_path, "tissuemnist"))
        assert len(PublishedCorruption("tissuemnist", "pixelate", 5)) == N


def test_a_second_import_does_not_return_the_images_of_the_first(home: Path) -> None:
    folder = made_folder(home, PROVEN)
    stored = adopt_own(PROVEN, folder)
    assert adopt_own(PROVEN, folder) == stored
    arrays = dict(np.load(folder / "pixelate.npz"))
    np.savez(folder / "pixelate.npz", **{**arrays, "test_images": 255 - arrays["test_images"]})
    with pytest.raises(ValueError, match=r"from another source are in .*`medmnist-np clean breastmnist_224`"):
        adopt_own(PROVEN, folder)
    assert CliRunner().invoke(clean, ["breastmnist_224", "--yes"]).exit_code == 0
    adopt_own(PROVEN, folder)
