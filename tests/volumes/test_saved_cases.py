"""Cases written as folders for other programs, and imported again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np.cli import main
from medmnist_np.registry import VolumeInfo, registered
from medmnist_np.testing import make_volumes
from medmnist_np.volumes.publish import adopt, adopt_own

pytest.importorskip("nibabel")

LAYOUTS = ("plain", "decathlon", "nnunet")


def published(name: str, folder: Path, **n_samples: int) -> VolumeInfo:
    """Import a made-up folder of a known set, and return its record with so many cases."""
    record = mm.info(name)
    assert isinstance(record, VolumeInfo)
    record = replace(record, n_samples=n_samples)
    root = make_volumes(folder, record, n_samples=n_samples, shape=(6, 7, 5))
    adopt(root.parent if record.layout == "brats" else root, record, progress=silent)
    return record


def opened(record: VolumeInfo | str, split: str = "train") -> mm.VolumeDataset:
    return mm.VolumeDataset(record, split, download=False)


def assert_same(actual: mm.VolumeDataset, expected: mm.VolumeDataset) -> None:
    assert actual.cases.tolist() == expected.cases.tolist()
    assert all((a == e).all() for a, e in zip(actual.images, expected.images, strict=True))
    assert actual.has_masks == expected.has_masks
    if expected.masks is not None and actual.masks is not None:
        assert all((a == e).all() for a, e in zip(actual.masks, expected.masks, strict=True))
    assert (actual.affines == expected.affines).all()
    assert (actual.spacing_mm == expected.spacing_mm).all()
    assert actual.images.dtype == expected.images.dtype


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["msd/hippocampus", "msd/prostate"])
def test_a_saved_folder_is_imported_again_as_the_set_and_as_your_own(name: str, layout: str, tmp_path: Path) -> None:
    record = published(name, tmp_path / "made", train=3, test=2)
    for split in ("train", "test"):
        saved = opened(record, split).save(tmp_path / "out", layout=layout, progress=silent)
    (tmp_path / "again").mkdir()
    adopt(saved, record, root=tmp_path / "again", progress=silent)
    adopt_own(saved, "mine", progress=silent)
    for split in ("train", "test"):
        assert_same(mm.VolumeDataset(record, split, root=tmp_path / "again"), opened(record, split))
        assert_same(opened("mine", split), opened(record, split))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_real_pairs_are_saved_and_imported_again(layout: str, real_pairs: Path, tmp_path: Path) -> None:
    adopt_own(real_pairs, "original", progress=silent)
    saved = opened("original").save(tmp_path, layout=layout, progress=silent)
    adopt_own(saved, "copy", progress=silent)
    assert_same(opened("copy"), opened("original"))


def test_nnunet_gets_the_names_and_the_table_that_it_reads(tmp_path: Path) -> None:
    record = published("msd/prostate", tmp_path / "made", train=1, test=1)
    for split in ("train", "test"):
        saved = opened(record, split).save(tmp_path / "out", layout="nnunet", progress=silent)
    assert saved.name == "Dataset005_Prostate"
    assert sorted(path.relative_to(saved).as_posix() for path in saved.glob("*/*")) == [
        "imagesTr/prostate_001_0000.nii.gz",
        "imagesTr/prostate_001_0001.nii.gz",
        "imagesTs/prostate_002_0000.nii.gz",
        "imagesTs/prostate_002_0001.nii.gz",
        "labelsTr/prostate_001.nii.gz",
    ]
    table = json.loads((saved / "dataset.json").read_text())
    assert table["channel_names"] == {str(n): name for n, name in enumerate(record.modalities)}
    assert table["labels"] == {name: n for n, name in enumerate(record.class_names)}
    assert (table["numTraining"], table["file_ending"]) == (1, ".nii.gz")


def test_labels_of_brats_are_renumbered_for_nnunet(tmp_path: Path) -> None:
    record = published("brats2021", tmp_path / "made", train=2)
    saved = opened(record).save(tmp_path / "out", layout="nnunet", progress=silent)
    assert saved.name == "Dataset900_BraTS2021"
    adopt_own(saved, "mine", progress=silent)
    original, renumbered = opened(record)[0][1], opened("mine")[0][1]
    assert (renumbered == np.array([0, 1, 2, 0, 3])[original]).all()
    assert opened("mine").label_values == (0, 1, 2, 3)
    assert opened("mine").class_names == record.class_names


def test_the_decathlon_table_lists_the_splits_saved_before(tmp_path: Path) -> None:
    record = published("msd/hippocampus", tmp_path / "made", train=2, test=1)
    for split in ("test", "train"):
        saved = opened(record, split).save(tmp_path / "out", layout="decathlon", progress=silent)
    assert saved.name == "Task04_Hippocampus"
    table = json.loads((saved / "dataset.json").read_text())
    assert table["training"] == [
        {"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz"}
        for case in ("hippocampus_001", "hippocampus_002")
    ]
    assert table["test"] == ["./imagesTs/hippocampus_003.nii.gz"]
    assert (table["numTraining"], table["numTest"], table["tensorImageSize"]) == (2, 1, "3D")


def test_an_unknown_layout_is_refused(tmp_path: Path) -> None:
    record = published("msd/hippocampus", tmp_path / "made", train=1)
    with pytest.raises(ValueError, match="nnunet"):
        opened(record).save(tmp_path / "out", layout="nnunet1")  # type: ignore[arg-type]


def test_the_command_saves_for_nnunet(tmp_path: Path) -> None:
    record = published("msd/hippocampus", tmp_path / "made", train=1, test=1)
    with registered(record):
        arguments = ["save", "msd/hippocampus", str(tmp_path / "out"), "--layout", "nnunet", "--download", "false"]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        refused = CliRunner().invoke(main, [*arguments[:3], "--layout", "csv"])
    assert json.loads((tmp_path / "out/Dataset004_Hippocampus/dataset.json").read_text())["numTraining"] == 1
    assert "use --layout decathlon or nnunet or none" in refused.output
    images = CliRunner().invoke(main, ["save", "breastmnist", str(tmp_path), "--layout", "nnunet"])
    assert "--layout nnunet is for volumes that differ in size" in images.output


@pytest.mark.framework
def test_monai_reads_the_table_that_was_saved(tmp_path: Path) -> None:
    decathlon = pytest.importorskip("monai.data")
    record = published("msd/prostate", tmp_path / "made", train=2, test=1)
    for split in ("train", "test"):
        saved = opened(record, split).save(tmp_path / "out", layout="decathlon", progress=silent)
    training = decathlon.load_decathlon_datalist(saved / "dataset.json", data_list_key="training")
    assert [Path(one["label"]).exists() for one in training] == [True, True]
    assert len(decathlon.load_decathlon_datalist(saved / "dataset.json", data_list_key="test")) == 1


@pytest.mark.framework
def test_the_checker_of_nnunet_accepts_what_was_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(variable, str(tmp_path))
    checker = pytest.importorskip("nnunetv2.experiment_planning.verify_dataset_integrity")
    saved = opened(published("brats2021", tmp_path / "made", train=2)).save(tmp_path, layout="nnunet", progress=silent)
    checker.verify_dataset_integrity(str(saved), num_processes=1)
