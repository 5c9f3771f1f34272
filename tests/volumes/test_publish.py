"""From a record to arrays: downloaded, found, or made of what a user has; and out again."""

from __future__ import annotations

import gzip
import json
import logging
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import nibabel
import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np.cache.settings import current
from medmnist_np.cache.store import ArrayFolder
from medmnist_np.errors import ArchiveError, CacheError, DigestError, NoSpaceError, NotCachedError, OfflineError
from medmnist_np.registry import VolumeInfo
from medmnist_np.testing import make_volume_archive, make_volumes
from medmnist_np.volumes.layouts import read_report
from medmnist_np.volumes.publish import adopt, find_here, locate
from medmnist_np.volumes.ragged import Ragged
from tests.audit import Recording
from tests.fault_server import FaultServer
from tests.test_files import posix
from tests.volumes.making import archived, cache, decathlon, tar_of

Audit = Callable[[], AbstractContextManager[Recording]]


def info(name: str) -> VolumeInfo:
    record = mm.info(name)
    assert isinstance(record, VolumeInfo)
    return record


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def record(tmp_path: Path) -> VolumeInfo:
    """The record of an archive that lies in ``tmp_path/there``."""
    (tmp_path / "there").mkdir()
    return make_volume_archive(tmp_path / "there", "msd/hippocampus", n_samples={"train": 6, "test": 2})


def served(record: VolumeInfo, server: FaultServer, tmp_path: Path) -> VolumeInfo:
    archive = record.archive_file
    assert archive is not None
    file = server.file(archive.file_name, (tmp_path / "there" / archive.file_name).read_bytes())
    return replace(record, archive_file=replace(archive, url=file.url))


def names(folder: ArrayFolder, split: str = "train") -> list[str]:
    return [bytes(row).rstrip(b"\0").decode() for row in folder.open(f"{split}_cases")]


# Archives


def test_an_archive_is_downloaded_once_and_removed_after_it_was_decoded(
    record: VolumeInfo, server: FaultServer, tmp_path: Path, audit: Audit
) -> None:
    record = served(record, server, tmp_path)
    folder = locate(record, progress=silent)
    assert list((cache() / "downloads").iterdir()) == []
    with audit() as seen:
        assert folder == locate(record, progress=silent) == find_here(record, current())
    assert seen.writes == []
    assert seen.network == []
    assert seen.locks == []


def test_an_archive_can_be_kept(record: VolumeInfo, server: FaultServer, tmp_path: Path) -> None:
    locate(served(record, server, tmp_path), keep_archive=True, progress=silent)
    assert [path.name for path in (cache() / "downloads").iterdir()] == ["Task04_Hippocampus.tar"]


def test_the_other_address_is_tried_after_the_official_one(
    record: VolumeInfo, server: FaultServer, tmp_path: Path
) -> None:
    record = served(record, server, tmp_path)
    archive = record.archive_file
    assert archive is not None
    gone = replace(archive, url=archive.url.replace("Task04", "Gone"))
    folder = locate(replace(record, archive_file=gone, other_addresses=(archive.url,)), progress=silent)
    assert len(names(folder)) == 6


def test_an_archive_in_the_root_is_used_and_stays(record: VolumeInfo, tmp_path: Path) -> None:
    archive = record.archive_file
    assert archive is not None
    away = replace(record, archive_file=replace(archive, url="http://127.0.0.1:9/Task04_Hippocampus.tar"))
    folder = locate(away, root=tmp_path / "there", download=False, progress=silent)
    assert tmp_path / "there" in folder.path.parents
    assert (tmp_path / "there" / archive.file_name).is_file()


def test_what_may_not_or_cannot_be_downloaded_says_what_to_do(
    record: VolumeInfo, server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = served(record, server, tmp_path)
    with pytest.raises(NotCachedError, match="medmnist-np fetch msd/hippocampus"):
        locate(record, download=False)
    with pytest.raises(NotCachedError, match=r"Register at .*medmnist-np import --as brats2021"):
        locate(info("brats/brats2021"))
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    with pytest.raises(OfflineError):
        locate(record)


def test_room_for_archive_and_arrays_is_asked_for_before_the_download(
    record: VolumeInfo, server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = served(record, server, tmp_path)
    large = replace(record, size_voxels={"median": (512, 512, 432)}, n_samples={"train": 131, "test": 70})
    assert 512 * 512 * 432 * (201 * 2 + 131) == large.array_bytes()
    monkeypatch.setattr("medmnist_np._files.free_bytes", lambda _: 50 * 10**9)
    with pytest.raises(NoSpaceError, match=r"download and unpack Task04_Hippocampus\.tar: 60\.4 GB"):
        locate(large, progress=silent)
    assert [path for path in (cache() / "downloads").iterdir() if path.stat().st_size] == []


def test_nibabel_is_asked_for_before_the_download(
    record: VolumeInfo, server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    with pytest.raises(ModuleNotFoundError, match=r"medmnist-np\[nifti\]"):
        locate(served(record, server, tmp_path))
    assert not (cache() / "downloads").exists()


def test_an_archive_that_one_has_is_decoded_where_it_lies(record: VolumeInfo, tmp_path: Path) -> None:
    archive = record.archive_file
    assert archive is not None
    file = tmp_path / "there" / "renamed.tar"
    (tmp_path / "there" / archive.file_name).rename(file)
    assert len(names(adopt(file, record, progress=silent))) == 6
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DigestError):
        adopt(file, record, root=tmp_path, progress=silent)
    with pytest.raises(ArchiveError, match="is imported from a folder"):
        adopt(file, info("brats/brats2021"))


def _locate(record: VolumeInfo) -> str:
    return str(locate(record, progress=silent).manifest)


def test_two_processes_decode_once_or_the_same(record: VolumeInfo, server: FaultServer, tmp_path: Path) -> None:
    record = served(record, server, tmp_path)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        first, second = pool.map(_locate, [record, record])
    assert first == second == _locate(record)
    assert list(cache().glob("arrays/*/.*")) == []


@posix
def test_a_killed_run_leaves_nothing_that_the_next_does_not_collect(record: VolumeInfo, tmp_path: Path) -> None:
    reached, report = os.pipe()

    def wait(*_: object, **__: object) -> None:
        os.write(report, b"!")
        signal.pause()

    def child() -> None:
        import medmnist_np.volumes.decoder as module

        signal.alarm(240)  # ends the process if nobody kills it
        module.stored_array = wait  # after all voxels were written
        locate(record, progress=silent)

    process = os.fork()
    if not process:
        try:
            child()
        finally:
            os._exit(1)
    os.close(report)
    has_reached = os.read(reached, 1)  # empty if the process ends before
    os.close(reached)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert has_reached
    assert len(list(cache().glob("arrays/msd/.*.staging"))) == 1
    assert None is find_here(record, current())
    assert len(names(locate(record, progress=silent))) == 6
    assert list(cache().glob("arrays/msd/.*")) == []


# Folders


@pytest.mark.parametrize("name", ["msd/prostate", "amos/amos22", "brats/brats2018", "brats/brats2023-gli"])
def test_a_folder_that_one_has_is_decoded_apart_from_archives(name: str, tmp_path: Path) -> None:
    record = replace(info(name), n_samples=dict.fromkeys(info(name).splits, 2))
    root = make_volumes(tmp_path / "mine", record, n_samples=record.n_samples, companions=True)
    folder = adopt(tmp_path / "mine", record, progress=silent)
    assert record.folder_key == folder.path.relative_to(cache() / "arrays").as_posix()
    assert folder.manifest.checked == "folder"
    assert folder.manifest.digest.startswith("sha256:")
    for split in record.splits:
        assert len(names(folder, split)) == 2
    assert folder == locate(record, download=False, progress=silent)
    if name != "brats/brats2023-gli":  # whose splits lie in two folders
        (tmp_path / "r").mkdir()
        assert folder.manifest.arrays == adopt(root, record, root=tmp_path / "r", progress=silent).manifest.arrays


def test_a_half_extracted_folder_is_refused_or_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record = replace(info("msd/hippocampus"), n_samples={"train": 6, "test": 2})
    root = make_volumes(tmp_path, record, n_samples=record.n_samples)
    image, *_ = sorted((root / "imagesTr").iterdir())
    (root / "labelsTr" / image.name).unlink()
    with pytest.raises(ArchiveError, match="cannot be imported: hippocampus_001: it has an image and no mask"):
        adopt(root, record, progress=silent)
    image.unlink()
    with pytest.raises(ArchiveError, match=r"dataset\.json lists it, and it is not there"):
        adopt(root, record, progress=silent)
    (root / "dataset.json").unlink()
    with pytest.raises(ArchiveError, match="train split: only 5 of 6 cases are there"):
        adopt(root, record, progress=silent)
    with caplog.at_level(logging.WARNING):
        folder = adopt(root, record, progress=silent, skip=True)
    assert len(names(folder)) == 5
    assert [one.case for one in read_report(folder.path)] == ["train split"]
    assert "lacks the cases that are missing or damaged. train split: only 5 of 6" in caplog.text


def nothing(root: Path) -> None:
    for file in (root / "imagesTr").iterdir():
        file.unlink()
        (root / "labelsTr" / file.name).unlink()


def no_masks(root: Path) -> None:
    shutil.rmtree(root / "labelsTr")


def as_nnunet(root: Path) -> None:
    for file in (root / "imagesTr").iterdir():
        file.rename(file.with_name(file.name.replace(".nii", "_0000.nii")))


@pytest.mark.parametrize("change", [nothing, no_masks, as_nnunet])
def test_a_folder_without_a_usable_training_case_is_refused_with_skip_too(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    record = info("msd/hippocampus")
    root = make_volumes(tmp_path, record, n_samples={"train": 3, "test": 2})
    change(root)
    with pytest.raises(ArchiveError, match="No case of the train split of msd/hippocampus can be used"):
        adopt(root, record, progress=silent, skip=True)
    assert list(cache().glob("arrays/*/*")) == []


def test_masks_of_brats_that_are_all_damaged_are_refused_with_skip_too(tmp_path: Path) -> None:
    record = info("brats/brats2021")
    root = tmp_path / "brats"
    make_volumes(root, record, n_samples={"train": 2, "val": 2})
    for mask in root.rglob("*_seg.nii.gz"):
        mask.write_bytes(b"damaged")
    with pytest.raises(ArchiveError, match="No case of the train split of brats2021 can be used"):
        adopt(root, record, progress=silent, skip=True)


def test_a_folder_whose_files_were_changed_since_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record = replace(info("msd/hippocampus"), n_samples={"train": 3})
    source = make_volumes(tmp_path / "a", record, n_samples={"train": 3})
    folder = adopt(source, record, progress=silent)
    assert folder == adopt(source, record, progress=silent)
    assert "newer" not in caplog.text
    (mask,) = source.rglob("labelsTr/*_002.nii.gz")
    later = (folder.path / "manifest.json").stat().st_mtime_ns + 10**9
    os.utime(mask, ns=(later, later))
    assert folder == adopt(source, record, progress=silent)
    assert "1 of the files in" in caplog.text
    assert "Run `medmnist-np clean msd/hippocampus`" in caplog.text


def test_a_folder_with_other_cases_than_those_that_are_here_is_told(tmp_path: Path) -> None:
    record = replace(info("msd/hippocampus"), n_samples={"train": 4})
    adopt(make_volumes(tmp_path / "a", record, n_samples={"train": 3}), record, progress=silent, skip=True)
    more = make_volumes(tmp_path / "b", record, n_samples={"train": 4})
    with pytest.raises(
        CacheError, match=r"without 1 of the cases .*\(hippocampus_004\).* `medmnist-np clean msd/hippocampus`"
    ):
        adopt(more, record, progress=silent)


@pytest.mark.parametrize("skip", [False, True])
def test_the_folder_of_another_data_set_is_refused_and_leaves_no_arrays(tmp_path: Path, skip: bool) -> None:
    record = info("msd/spleen")
    root = make_volumes(tmp_path, record, n_samples={"train": 2})
    for file in root.rglob("spleen_*"):
        file.rename(file.with_name(file.name.replace("spleen_", "FLARE22_Tr_0")))
    with pytest.raises(ArchiveError, match=r"not msd/spleen as published\. 2 of 2 cases are not named spleen_<number>"):
        adopt(root, record, progress=silent, skip=skip)
    assert list(cache().glob("arrays/msd/*")) == []


# The real ones


def test_a_volume_with_masked_values_is_not_written(tmp_path: Path) -> None:
    from medmnist_np.volumes.nifti import write_nifti

    volume = np.ma.array(np.zeros((2, 2, 2), np.uint8), mask=np.ones((2, 2, 2), bool))
    with pytest.raises(ValueError, match="The volume has masked values"):
        write_nifti(tmp_path / "a.nii", volume, np.eye(4), (1, 1, 1))


def test_real_pairs_are_fetched_decoded_and_written_out_again(
    real_pairs: Path, server: FaultServer, tmp_path: Path
) -> None:
    from medmnist_np.volumes.nifti import write_nifti

    images = sorted((real_pairs / "imagesTr").iterdir())
    cases = {image.name.removesuffix(".nii.gz"): (image.read_bytes(), _mask_of(image).read_bytes()) for image in images}
    (tmp_path / "there").mkdir()
    data = tar_of(decathlon(info("msd/hippocampus"), cases))
    record = served(archived(info("msd/hippocampus"), data, tmp_path / "there", {"train": 14}), server, tmp_path)
    folder = locate(record, progress=silent)
    shapes = folder.open("train_shapes")
    assert list(cases) == names(folder)
    report = json.loads((folder.path / "decoding.json").read_text())
    assert report["dtypes_found"] == {"float32": 12, "uint8": 2}
    assert report["dtype"] == "float32"
    assert report["left_out"] == {}
    assert report["remarks"] == []
    volumes, masks = Ragged(folder.open("train_images"), shapes), Ragged(folder.open("train_masks"), shapes)
    assert (np.float32, np.uint8) == (volumes.dtype, masks.dtype)  # uint8 and float32 in the files
    for number, image in enumerate(images):
        affine, spacing = folder.open("train_affines")[number], folder.open("train_spacings")[number]
        for file, volume in ((image, volumes[number]), (_mask_of(image), masks[number])):
            original = nibabel.load(file)
            np.testing.assert_array_equal(np.asanyarray(original.dataobj), volume)
            again = nibabel.load(write_nifti(tmp_path / file.name, volume, affine, spacing.tolist()))
            np.testing.assert_array_equal(volume, np.asanyarray(again.dataobj))
            assert volume.dtype == again.get_data_dtype()
            np.testing.assert_array_equal(original.affine, again.affine)
            assert original.header.get_zooms() == again.header.get_zooms()


def _mask_of(image: Path) -> Path:
    return image.parent.parent / "labelsTr" / image.name


# Writing


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8", "i8"])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("shape", [(4, 5, 6), (4, 5, 6, 2)])
def test_a_volume_is_written_as_it_is(tmp_path: Path, dtype: str, name: str, shape: tuple[int, ...]) -> None:
    from medmnist_np.volumes.nifti import write_nifti

    volume = np.random.default_rng(0).integers(0, 99, shape).astype(dtype)
    affine = np.array([[0.5, 0.1, 0, 3], [0, -0.75, 0, 4], [0, 0, 2.5, 5], [0, 0, 0, 1]])
    for array in (volume, np.asfortranarray(volume), volume[::-1]):
        read = nibabel.load(write_nifti(tmp_path / name, array, affine, (0.5, 0.75, 2.5)))
        np.testing.assert_array_equal(array, np.asanyarray(read.dataobj))
        assert np.dtype(dtype) == read.get_data_dtype()
        np.testing.assert_allclose(affine, read.affine, rtol=1e-7)
        assert read.header.get_zooms()[:3] == (0.5, 0.75, 2.5)
        assert read.header.get_xyzt_units()[0] == "mm"


def test_the_same_volume_gives_the_same_bytes_and_no_half_file(tmp_path: Path) -> None:
    from medmnist_np.volumes.nifti import write_nifti

    volume = np.zeros((4, 4, 4), np.uint8)
    first, second = (write_nifti(tmp_path / f"{n}.nii.gz", volume, np.eye(4), (1, 1, 1)) for n in range(2))
    assert first.read_bytes() == second.read_bytes()
    assert 352 + 64 == len(gzip.decompress(first.read_bytes()))
    for array, name, said in [
        (volume, "a.png", "must end in"),
        (volume[0], "a.nii", "shape"),
        (volume.astype(np.float16), "a.nii", r"A NIfTI-1 file cannot hold float16.*astype\(np\.float32\)"),
        (volume > 0, "a.nii", r"A NIfTI-1 file cannot hold bool.*astype\(np\.uint8\)"),
        (np.broadcast_to(np.uint8(0), (40_000, 1, 1)), "a.nii", "A NIfTI-1 file cannot hold"),
    ]:
        with pytest.raises(ValueError, match=said):
            write_nifti(tmp_path / name, array, np.eye(4), (1, 1, 1))
    for affine, spacing, said in [
        (np.eye(4), 1, r"spacing is 1\.0\. .*\(3,\)"),
        (np.eye(4), (1, 0, 1), "above 0"),
        (np.eye(4), (1, 1, np.nan), "finite"),
        (np.stack([np.eye(4)] * 14), (1, 1, 1), r"affine is .*\(4, 4\), for one volume"),
    ]:
        with pytest.raises(ValueError, match=said):
            write_nifti(tmp_path / "a.nii", volume, affine, spacing)  # type: ignore[arg-type]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.nii.gz", "1.nii.gz"]
    shutil.rmtree(tmp_path)
    with pytest.raises(CacheError, match="Could not write"):
        write_nifti(tmp_path / "a.nii", volume, np.eye(4), (1, 1, 1))
