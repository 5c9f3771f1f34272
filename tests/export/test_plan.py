from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import medmnist_np as mm
from medmnist_np.errors import UnknownSplitError
from medmnist_np.export import LAYOUTS, Plan


def plan(name: str, size: int = 28, split: str = "train", **options: Any) -> Plan:
    return Plan(mm.info(name), size, split, **options)


def test_the_official_names() -> None:
    assert plan("pathmnist").file_name(12, [3]) == "pathmnist/train12_3.png"
    assert plan("pathmnist", 64, "val", format="jpg").file_name(0, [8]) == "pathmnist_64/val0_8.jpg"
    assert plan("organmnist3d", split="test").file_name(7, [10]) == "organmnist3d/test7_10.gif"
    assert plan("chestmnist").file_name(1, [0, 1, *[0] * 11, 1]) == "chestmnist/train1_0_1_0_0_0_0_0_0_0_0_0_0_0_1.png"


def test_the_official_table() -> None:
    assert plan("pathmnist", 64).table == "pathmnist_64.csv"
    assert plan("pathmnist").head == []
    rows = [plan("pathmnist", split=split).row(5, [2]) for split in ("train", "val", "test")]
    assert [
        [name, f"{split}5_2.png", "2"]
        for name, split in zip(("TRAIN", "VALIDATION", "TEST"), ("train", "val", "test"), strict=True)
    ] == rows
    assert plan("chestmnist").row(0, [0, 1]) == ["TRAIN", "train0_0_1.png", "0", "1"]


def test_folders_of_classes_keep_their_order_and_are_safe() -> None:
    in_folders = plan("tissuemnist", layout="imagefolder")
    assert in_folders.file_name(4, [0]) == "tissuemnist/train/0_Collecting_Duct_Connecting_Tubule/train4.png"
    organs = plan("organamnist", layout="imagefolder")
    names = [organs.file_name(0, [number]).split("/")[2] for number in range(11)]
    assert sorted(names) == names
    assert names[0] == "00_bladder"
    assert names[-1] == "10_spleen"
    assert None is organs.table


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("a/b\\c: d", "0_a_b_c_d"),
        ("../..", "0"),
        ("+", "0"),
        ("x" * 300, "0_" + "x" * 60),
        ("Übelkeit", "0_Übelkeit"),
        (".", "0"),
    ],
)
def test_any_class_name_makes_a_folder_of_one_step(name: str, folder: str) -> None:
    record = replace(mm.info("breastmnist"), class_names=(name, "other"))
    assert f"breastmnist/train/{folder}/train0.png" == Plan(record, 28, "train", layout="imagefolder").file_name(0, [0])


def test_the_table_with_a_head() -> None:
    single = plan("breastmnist", 64, "test", layout="csv")
    assert single.table == "breastmnist_64/test/metadata.csv"
    assert single.file_name(3, [1]) == "breastmnist_64/test/test3.png"
    assert single.head == ["file_name", "split", "label", "class_name"]
    assert single.row(3, [1]) == ["test3.png", "test", "1", "normal, benign"]
    several = plan("chestmnist", layout="csv")
    assert several.head[:4] == ["file_name", "split", "atelectasis", "cardiomegaly"]
    assert ["train0.png", "train", *"01000000000000"] == several.row(0, [0, 1, *[0] * 12])


def test_findings_named_as_other_columns_get_other_names() -> None:
    record = replace(mm.info("chestmnist"), class_names=("split", "split_", "file_name", *map(str, range(11))))
    head = Plan(record, 28, "train", layout="csv").head
    assert head[:5] == ["file_name", "split", "split__", "split_", "file_name_"]


def test_formats_that_are_not_named_fit_the_images() -> None:
    assert tuple(plan(name).ending for name in ("breastmnist", "pathmnist", "organmnist3d")) == ("png", "png", "gif")


def test_it_knows_what_is_lossless() -> None:
    found = {
        (name, one): plan(name, format=one).is_lossless
        for name in ("pathmnist", "organmnist3d")
        for one in ("tiff", "gif")
    }
    assert {key for key, lossless in found.items() if not lossless} == {("pathmnist", "gif")}
    assert not plan("breastmnist", format="jpg").is_lossless


@pytest.mark.parametrize("name", ["breastmnist", "chestmnist", "adrenalmnist3d"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_recognises_its_own_lines(name: str, layout: Any) -> None:
    if layout == "imagefolder":
        return
    made = plan(name, layout=layout)
    row = made.row(3, [0] * made.record.label_width)
    assert made.is_row(row)
    assert not made.is_row(row[:-1])
    assert not made.is_row(["", *row[1:]] if layout == "automl" else [row[0], "somewhere", *row[2:]])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("breastmnist", {"layout": "folders"}, "Unknown layout 'folders'.* Available: automl, imagefolder, csv"),
        ("chestmnist", {"layout": "imagefolder"}, "may have several findings.* the layout 'csv'"),
        ("organmnist3d", {"format": "png"}, "'png' cannot hold volumes. Supported for volumes: tiff, gif, npy, nii"),
        ("pathmnist", {"format": "nii"}, "'nii' cannot hold RGB images"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(name: str, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(name, **options)


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(UnknownSplitError):
        plan("breastmnist", split="validation")
