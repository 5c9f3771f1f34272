"""Layouts of folders as people have them."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

import medmnist_np as mm
from medmnist_np.builder.labels import Ambiguous
from tests.builder.pictures import folder_per_class, noise, save, table
from tests.builder.test_sources import source_of


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")


def classes_of_splits(folder: Path, *splits: str) -> Path:
    for number, split in enumerate(splits):
        for part, name in enumerate(("a", "b")):
            save(folder / split / name / "0.png", noise(10 * number + part))
    return folder


@pytest.mark.parametrize("splits", [("train", "TEST"), ("Training", "validation"), ("tr", "ts"), ("Train", "Dev")])
def test_splits_may_be_folders_in_class_folders(tmp_path: Path, splits: tuple[str, str]) -> None:
    for label in ("benign", "malignant"):
        for number, split in enumerate(splits):
            save(tmp_path / "in" / label / split / "0.png", noise(number))
    if len(splits[0]) == 2:  # names of two letters may be classes or patients
        with pytest.raises(Ambiguous, match="is a folder in a class folder"):
            source_of(tmp_path, tmp_path / "in")
        return
    found = source_of(tmp_path, tmp_path / "in")
    assert found.labels.class_names == ("benign", "malignant")
    assert len(set(found.splits or ())) == 2


@pytest.mark.parametrize("wrapper", ["archive", "archive/chest_xray", "archive/chest_xray/chest_xray"])
def test_folders_that_hold_only_one_folder_are_descended_into(tmp_path: Path, wrapper: str) -> None:
    inner = classes_of_splits(tmp_path / wrapper / "inner", "train", "test")
    touch(tmp_path / "archive", "README.md", "__MACOSX/._inner")
    found = source_of(tmp_path, tmp_path / "archive")
    assert found.splits == ("test", "test", "train", "train")
    assert found.notes[0] == f"Read the folder {inner}."


def test_a_copy_of_the_folders_is_ignored(tmp_path: Path) -> None:
    folder = classes_of_splits(tmp_path / "chest_xray", "train", "val", "test")
    shutil.copytree(folder, folder / "chest_xray")
    touch(folder, "__MACOSX/._chest_xray", "chest_xray/.DS_Store")
    found = source_of(tmp_path, folder)
    assert len(found.rows) == 6
    assert found.notes == (
        f"Ignored: {folder / 'chest_xray'}, which has the same 6 files (by name and size) as the folders beside it.",
        "Ignored: 1 .DS_Store, 1 __MACOSX.",
    )


def test_a_copy_that_differs_is_not_ignored(tmp_path: Path) -> None:
    folder = classes_of_splits(tmp_path / "chest_xray", "train", "val", "test")
    shutil.copytree(folder, folder / "chest_xray")
    save(folder / "chest_xray" / "train" / "a" / "1.png", noise(99))
    with pytest.raises(ValueError, match=r"folders of splits \(train, val, test\) and other folders \(chest_xray\)"):
        source_of(tmp_path, folder)


def test_files_that_are_not_part_of_the_data_are_counted_by_kind(tmp_path: Path) -> None:
    folder = classes_of_splits(tmp_path / "in", "train", "valid", "test")
    touch(folder, "README.dataset.txt", "README.roboflow.txt", "train/a/Thumbs.db", "train/a/.ipynb_checkpoints/0.png")
    touch(folder, "train/b/7.png.part", "train/b/~$table.xlsx", "test/a/0.json", "train/a/.DS_Store", "weights.bin")
    found = source_of(tmp_path, folder)
    assert len(found.rows) == 6
    assert not found.alone
    assert "Ignored: 1 other file (weights.bin)." in found.notes
    assert found.notes[-1].startswith(
        "Ignored: 1 .DS_Store, 1 .ipynb_checkpoints, 1 Thumbs.db, 2 temporary files (7.png"
    )
    assert found.notes[-1].endswith("3 text files (0.json, README.dataset.txt, README.roboflow.txt).")


def test_a_folder_without_images_is_reported(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "in", n=1)
    touch(folder, "logs/run.log")
    assert source_of(tmp_path, folder).notes[0] == "Ignored: folders without images (logs)."


def patients(folder: Path) -> Path:
    for number, label in enumerate(("benign", "malignant")):
        for patient in range(3):
            for image in range(2):
                place = folder / label / f"p{3 * number + patient}" / ("study" if image else "") / f"{image}.png"
                save(place, noise(100 * number + 10 * patient + image))
    return folder


def test_folders_in_class_folders_are_refused_with_the_options_that_decide(tmp_path: Path) -> None:
    with pytest.raises(Ambiguous, match=r"benign/p0 is a folder in a class folder.*group_by_folder=True") as error:
        source_of(tmp_path, patients(tmp_path / "in"))
    assert error.value.readings == ({"group_by_folder": True}, {"slices": True})


def test_folders_in_class_folders_may_be_groups(tmp_path: Path) -> None:
    found = source_of(tmp_path, patients(tmp_path / "in"), group_by_folder=True)
    assert len(found.rows) == 12
    assert Counter(found.groups) == {f"p{patient}": 2 for patient in range(6)}
    assert found.rows[1].id == "benign/p0/study/1.png"


def test_groups_by_folder_are_never_split(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for patient in range(40):
        for image in range(3):
            save(folder / "ab"[patient % 2] / f"p{patient}" / f"{image}.png", noise(3 * patient + image))
    built = mm.build(folder, name="patients", group_by_folder=True, sizes=8)
    assert "no group is in two splits" in built.record.notes[0]
    splits = [set(mm.Dataset("patients", split, size=8).groups) for split in ("train", "val", "test")]
    assert sum(map(len, splits)) == len(set.union(*splits)) == 40


def test_an_image_outside_the_folders_of_groups_is_refused(tmp_path: Path) -> None:
    save(patients(tmp_path / "in") / "benign" / "loose.png", noise(0))
    with pytest.raises(ValueError, match=r"benign/loose.png is not in the folder of a group"):
        source_of(tmp_path, tmp_path / "in", group_by_folder=True)


def test_a_patient_in_two_given_splits_is_refused(tmp_path: Path) -> None:
    for split in ("train", "test"):
        patients(tmp_path / "in" / split)
    with pytest.raises(ValueError, match="The group 'p0' is in two splits"):
        source_of(tmp_path, tmp_path / "in", group_by_folder=True)


@pytest.mark.parametrize("place", ["", "images", "archive/images"])
def test_one_table_beside_or_above_the_images_is_read(tmp_path: Path, place: str) -> None:
    rows = [[f"{place and 'images/'}{n}.png", "ab"[n % 2]] for n in range(4)]
    top = tmp_path / "in" / ("archive" if "/" in place else "")
    for n in range(4):
        save(tmp_path / "in" / place / f"{n}.png", noise(n))
    labels = table(top / "labels.csv", ["image", "label"], rows)
    found = source_of(tmp_path, tmp_path / "in")
    assert found.labels.table.tolist() == [[0], [1], [0], [1]]
    assert f"The images and labels are those of {labels}." in found.notes


def test_several_tables_are_named_with_the_argument_that_decides(tmp_path: Path) -> None:
    save(tmp_path / "in" / "0.png", noise(0))
    tables = [table(tmp_path / "in" / f"{n}.csv", ["image", "label"], [["0.png", "a"]]) for n in (1, 2)]
    with pytest.raises(Ambiguous, match=r"several tables \(1.csv, 2.csv\).*labels='.*1.csv'") as error:
        source_of(tmp_path, tmp_path / "in")
    assert error.value.readings == tuple({"labels": str(path)} for path in tables)


def test_a_table_of_images_beside_class_folders_needs_a_choice(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "in", n=2, classes=("part_1", "part_2"))
    rows = [[f"part_{part}/00{n}.png", "nv" if n else "mel"] for part in (1, 2) for n in range(2)]
    labels = table(folder / "metadata.csv", ["image", "label"], rows)
    with pytest.raises(Ambiguous, match="class folders and a table of images") as error:
        source_of(tmp_path, folder)
    assert error.value.readings == ({"labels": str(labels)}, {"labels": "folders"})
    assert source_of(tmp_path, folder, labels=str(labels)).labels.class_names == ("mel", "nv")
    assert source_of(tmp_path, folder, labels="folders").labels.class_names == ("part_1", "part_2")


def test_a_table_of_something_else_beside_class_folders_is_ignored(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "in", n=1)
    table(folder / "scanners.csv", ["scanner", "year"], [["A", 2020]])
    found = source_of(tmp_path, folder)
    assert found.labels.class_names == ("benign", "malignant")
    assert found.notes == ("Ignored: 1 table (scanners.csv).",)


def test_images_that_a_table_lists_have_the_splits_of_their_folders(tmp_path: Path) -> None:
    rows = [[f"{split}/{n}.png", "ab"[n]] for split in ("train", "Testing") for n in range(2)]
    for number, (place, _) in enumerate(rows):
        save(tmp_path / "in" / place, noise(number))
    table(tmp_path / "in" / "labels.csv", ["image", "label"], rows)
    found = source_of(tmp_path, tmp_path / "in")
    assert found.splits == ("train", "train", "test", "test")
    assert "The splits are those of the folders train, Testing." in found.notes


def test_split_folders_without_classes_are_refused_with_a_remedy(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "test")):
        save(tmp_path / "in" / split / "0.png", noise(number))
    with pytest.raises(ValueError, match=r"no class folders with images \(only images in train, test\).*labels="):
        source_of(tmp_path, tmp_path / "in")


def test_a_table_above_the_folder_is_not_read_but_named(tmp_path: Path) -> None:
    save(tmp_path / "images" / "0.png", noise(0))
    table(tmp_path / "labels.csv", ["image", "label"], [["0.png", "a"]])
    with pytest.raises(ValueError, match=r"such as labels='.*labels.csv'"):
        source_of(tmp_path, tmp_path / "images")


def test_a_single_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has only one class folder with images, benign"):
        source_of(tmp_path, folder_per_class(tmp_path / "in", classes=("benign",), n=2))


def test_links_that_lead_out_of_the_folder_are_reported(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "in", n=2)
    elsewhere = save(tmp_path / "elsewhere" / "0.png", noise(9))
    (folder / "benign" / "link.png").symlink_to(elsewhere)
    (folder / "unclear").symlink_to(elsewhere.parent)
    found = source_of(tmp_path, folder)
    assert len(found.rows) == 6
    assert found.notes == (f"2 images are outside {folder}, where links or the table lead.",)


def test_a_link_to_a_folder_around_it_is_not_followed(tmp_path: Path) -> None:
    folder = patients(tmp_path / "in")
    (folder / "benign" / "p0" / "loop").symlink_to(folder)
    assert len(source_of(tmp_path, folder, group_by_folder=True).rows) == 12
