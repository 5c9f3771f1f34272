"""Folders of a user's own volumes, in the layouts of nnU-Net and the Decathlon and in plain folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import medmnist_np as mm
from medmnist_np.cli import main
from medmnist_np.errors import ArchiveError, CacheError, RecordError, UnknownDatasetError
from medmnist_np.volumes.publish import adopt_own
from tests.volumes.making import nifti, packed

pytest.importorskip("nibabel")

IMAGES = {f"case_{n}": np.random.default_rng(n).integers(0, 900, (5, 4, 3 + n, 2), np.int16) for n in range(3)}
MASKS = {name: (image[..., 0] % 3).astype(np.uint8) for name, image in IMAGES.items()}
V1 = {"labels": {"0": "background", "1": "cyst", "2": "stone"}, "modality": {"0": "T1", "1": "T2"}, "licence": "CC0"}
V2 = {"labels": {"background": 0, "cyst": 1, "stone": 2}, "channel_names": {"0": "T1", "1": "T2"}, "numTraining": 3}


def write(folder: Path, files: dict[str, np.ndarray], table: dict[str, Any] | None = None) -> Path:
    for name, array in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(packed(nifti(array)))
    if table is not None:
        (folder / "dataset.json").write_text(json.dumps(table))
    return folder


def channels(kind: str = "Tr") -> dict[str, np.ndarray]:
    return {f"images{kind}/{case}_{k:04}.nii.gz": image[..., k] for case, image in IMAGES.items() for k in range(2)}


def masks(folder: str) -> dict[str, np.ndarray]:
    return {f"{folder}/{case}.nii.gz": mask for case, mask in MASKS.items()}


def whole(folder: str) -> dict[str, np.ndarray]:
    return {f"{folder}/{case}.nii.gz": image for case, image in IMAGES.items()}


LAYOUTS = {
    "nnU-Net 1": (channels() | masks("labelsTr"), V1),
    "nnU-Net 2": (channels() | masks("labelsTr"), V2),
    "Decathlon": (whole("imagesTr") | masks("labelsTr"), V1),
    "plain": (whole("images") | masks("labels"), None),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_of_your_own_opens_by_its_name(layout: str, tmp_path: Path) -> None:
    files, table = LAYOUTS[layout]
    record, _ = adopt_own(write(tmp_path / "mine", files, table), "mine")
    ds = mm.VolumeDataset("mine")
    assert ds.record == record == mm.info("local/mine")
    assert ds.cases.tolist() == list(IMAGES)
    assert all((ds[n][0] == image).all() for n, image in enumerate(IMAGES.values()))
    assert all((ds[n][1] == mask).all() for n, mask in enumerate(MASKS.values()))
    assert ds.label_values == (0, 1, 2)
    assert ds.class_names == (
        ("background", "label 1", "label 2") if table is None else ("background", "cyst", "stone")
    )
    assert ds.modalities == (("channel 0", "channel 1") if table is None else ("T1", "T2"))
    assert dict(record.n_samples) == {"train": 3}


def test_a_test_split_without_masks_is_a_split(tmp_path: Path) -> None:
    folder = write(tmp_path / "Task05_Prostate", channels() | masks("labelsTr") | channels("Ts"), V2)
    adopt_own(folder, "mine")
    assert mm.VolumeDataset("mine", "test")[2][1] is None
    assert dict(mm.info("mine").n_samples) == {"train": 3, "test": 3}


def test_regions_of_nnunet_name_the_values_that_masks_have(tmp_path: Path) -> None:
    labels = {"background": 0, "all": [1, 2], "core": 2}
    adopt_own(write(tmp_path / "mine", channels() | masks("labelsTr"), V2 | {"labels": labels}), "mine")
    assert mm.info("mine").class_names == ("background", "label 1", "core")


def test_a_mask_with_a_value_that_dataset_json_does_not_name_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", channels() | masks("labelsTr"), V2 | {"labels": {"background": 0, "cyst": 1}})
    with pytest.raises(ArchiveError, match="has the value 2, but a mask may only have 0, 1"):
        adopt_own(folder, "mine")
    with pytest.raises(UnknownDatasetError):
        mm.info("mine")


@pytest.mark.parametrize("table", ["[]", "{", '{"labels": 3}', '{"labels": {"a": "b"}}'])
def test_a_dataset_json_of_another_kind_is_refused(tmp_path: Path, table: str) -> None:
    folder = write(tmp_path / "mine", channels() | masks("labelsTr"))
    (folder / "dataset.json").write_text(table)
    with pytest.raises(ArchiveError, match=r"is not a valid dataset\.json"):
        adopt_own(folder, "mine")


def test_a_folder_without_a_known_layout_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="There are no images"):
        adopt_own(write(tmp_path / "mine", whole("scans")), "mine")
    with pytest.raises(ArchiveError, match="Several folders have volumes: both/a/, both/b/"):
        adopt_own(write(tmp_path / "both", whole("a/images") | whole("b/images")), "mine")
    with pytest.raises(ArchiveError, match="is not a folder"):
        adopt_own(tmp_path / "missing", "mine")


def test_the_name_of_a_published_set_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", *LAYOUTS["plain"])
    with pytest.raises(RecordError, match="'brats2021' is the name of a published data set"):
        adopt_own(folder, "brats2021")
    with pytest.raises(RecordError, match="cannot name a data set"):
        adopt_own(folder, "My_Set")


def test_the_command_imports_lists_verifies_and_cleans_your_own_set(tmp_path: Path) -> None:
    folder = write(tmp_path / "Dataset501_Mine", *LAYOUTS["nnU-Net 2"])

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    assert "mine: ready" in run("import", "--as", "local/mine", str(folder))
    assert "mine" in run("list", "--collection", "local")
    assert "cyst" in run("info", "mine")
    assert "ok" in run("verify", "mine")
    run("clean", "mine", "--built", "--yes")
    assert CliRunner().invoke(main, ["info", "mine"]).exit_code == 2


def test_a_set_can_be_imported_again_after_its_folder_changed(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", *LAYOUTS["plain"])
    adopt_own(folder, "mine")
    adopt_own(folder, "mine")
    assert len(mm.VolumeDataset("mine")) == 3
    write(folder, {"images/more.nii.gz": IMAGES["case_0"], "labels/more.nii.gz": MASKS["case_0"] * 4})
    with pytest.raises(CacheError, match="holds another selection of mine"):
        adopt_own(folder, "mine")
    assert CliRunner().invoke(main, ["clean", "mine", "--yes"]).exit_code == 0
    adopt_own(folder, "mine")
    assert mm.VolumeDataset("mine").label_values == (0, 1, 2, 4, 8)
