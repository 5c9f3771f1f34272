"""Made-up sets of volumes: what is in the files, and that they take the true path."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.testing import fake_datasets, make_cases, make_volume_archive, make_volumes
from medmnist_np.volumes.publish import adopt
from medmnist_np.volumes.volume_dataset import VolumeDataset

nibabel = pytest.importorskip("nibabel", reason="the extra nifti")


def test_files_hold_the_cases(tmp_path: Path) -> None:
    root = make_volumes(tmp_path, "msd/hippocampus", companions=True)
    for case in make_cases("msd/hippocampus"):
        suffix = "Tr" if case.split == "train" else "Ts"
        image = nibabel.load(root / f"images{suffix}" / f"{case.name}.nii.gz")
        assert np.array_equal(case.image, np.asarray(image.dataobj))
        assert np.allclose(case.affine, image.affine, atol=1e-4)
        assert (root / f"images{suffix}" / f"._{case.name}.nii.gz").read_bytes().startswith(b"\0\5\x16\7")
        if case.mask is not None:
            mask = nibabel.load(root / "labelsTr" / f"{case.name}.nii.gz")
            assert np.array_equal(case.mask, np.asarray(mask.dataobj))
    table = json.loads((root / "dataset.json").read_text())
    assert table["relase"] == "1.0"
    assert table["numTraining"] == 10
    assert len(table["test"]) == 4
    assert table["labels"] == {"0": "background", "1": "Anterior", "2": "Posterior"}


@pytest.mark.parametrize("name", ["msd/brain", "amos22", "brats2021"])
def test_every_layout_is_read_back(name: str, tmp_path: Path) -> None:
    counts = {"train": 3, "val": 2} if name == "brats2021" else {"train": 3}
    root = make_volumes(tmp_path, name, n_samples=counts, shape=(8, 9, 7), companions=True)
    adopt(root if name != "brats2021" else tmp_path, mm.info(name), skip=True)
    for split in counts:
        ds = VolumeDataset(name, split, download=False)
        cases = [case for case in make_cases(name, n_samples=counts, shape=(8, 9, 7)) if case.split == split]
        assert [case.name for case in cases] == ds.cases.tolist()
        for case, (volume, mask) in zip(cases, ds, strict=True):
            assert np.array_equal(case.image, volume)
            assert (mask is None) if case.mask is None else np.array_equal(case.mask, mask)


def test_cases_differ_in_size_and_have_every_label() -> None:
    cases = list(make_cases("amos22", n_samples={"train": 5}))
    assert len({case.image.shape for case in cases}) == 5
    assert all(set(range(16)) == set(np.unique(case.mask).tolist()) for case in cases)
    assert [np.array_equal(cases[0].image, next(make_cases("amos22", seed=1)).image)] == [False]
    assert np.float32 == next(make_cases("msd/brain", dtype="float32")).image.dtype


def test_the_record_of_an_archive_tells_the_truth_and_its_bytes_are_the_same_again(tmp_path: Path) -> None:
    record = make_volume_archive(tmp_path, "msd/hippocampus", n_samples={"train": 2})
    file = tmp_path / "Task04_Hippocampus.tar"
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    assert f"md5:{digest}" == record.archive_file.digest
    assert file.stat().st_size == record.archive_file.bytes
    assert dict(record.n_samples) == {"train": 2, "test": 0}
    again = make_volume_archive(tmp_path, "msd/hippocampus", n_samples={"train": 2})
    assert record.archive_file.digest == again.archive_file.digest


@pytest.mark.parametrize("name", ["msd/hippocampus", "amos22"])
def test_a_fake_is_downloaded_decoded_and_opened(name: str, tmp_path: Path) -> None:
    with fake_datasets(tmp_path, name, "breastmnist", n_samples={"train": 4}, n_volumes={"train": 3}):
        assert [len(VolumeDataset(name)), len(mm.Dataset("breastmnist"))] == [3, 4]


def test_sets_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="all have the same shape"):
        make_volumes(tmp_path, "breastmnist")
    with pytest.raises(ValueError, match="has no archive"):
        make_volume_archive(tmp_path, "brats2021")
