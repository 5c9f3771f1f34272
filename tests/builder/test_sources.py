from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from medmnist_np.builder.labels import Classes
from medmnist_np.builder.sources import Source, read_source
from tests.builder.pictures import folder_per_class, noise, save, table

NOTHING = dict.fromkeys(("images", "labels", "masks", "groups", "splits", "group_by")) | {"classes": Classes()}


def source_of(tmp_path: Path, source: Path | None = None, **given: object) -> Source:
    return read_source(source, tmp_path / "workshop", **{**NOTHING, **given})  # type: ignore[arg-type]


# Folders


def test_a_folder_is_a_class(tmp_path: Path) -> None:
    found = source_of(tmp_path, folder_per_class(tmp_path / "images", n=2))
    assert [r.id for r in found.rows] == ["benign/000.png", "benign/001.png", "malignant/000.png", "malignant/001.png"]
    assert found.labels.table.tolist() == [[0], [0], [1], [1]]
    assert found.groups is None
    assert found.splits is None


def test_folders_named_after_splits_are_splits(tmp_path: Path) -> None:
    for split in ("test", "train"):
        folder_per_class(tmp_path / "images" / split, n=1)
    found = source_of(tmp_path, tmp_path / "images")
    assert found.splits == ("test", "test", "train", "train")
    assert found.labels.class_names == ("benign", "malignant")


@pytest.mark.parametrize(
    "names", [("Training", "Testing"), ("train", "valid", "test"), ("Train", "Val", "TEST"), ("tr", "dev", "ts")]
)
@pytest.mark.parametrize("kind", ["folders", "pairs", "tables", "column", "arrays"])
def test_usual_names_of_splits_are_understood(tmp_path: Path, names: tuple[str, ...], kind: str) -> None:
    splits = ("train", "test") if len(names) == 2 else ("train", "val", "test")
    for name in names:
        for label in ("a", "b"):
            folder = label if kind == "folders" else {"a": "images", "b": "masks"}[label] if kind == "pairs" else ""
            save(tmp_path / "in" / name / folder / f"{label if kind == 'tables' else 0}.png", noise(0))
        if kind == "tables":
            table(tmp_path / "in" / name / "metadata.csv", ["image", "label"], [["a.png", "a"], ["b.png", "b"]])
    rows = [[f"{name}{label}.png", label, name] for name in names for label in "ab"]
    column = listing(tmp_path / "labels.csv", ["image", "label", "split"], rows)
    given = {"images": [noise(n) for n in range(len(rows))], "labels": [label for _, label, _ in rows]}
    if kind == "arrays":
        found = source_of(tmp_path, **given, splits=[name for _, _, name in rows])
    else:
        found = source_of(tmp_path, column if kind == "column" else tmp_path / "in")
    assert set(splits) == set(found.splits or ())
    assert {pair for pair in zip(names, splits, strict=True) if pair[0] != pair[1]} == set(found.renamed)


def test_a_folder_of_a_split_without_anything_to_use_is_refused(tmp_path: Path) -> None:
    folder_per_class(tmp_path / "images" / "train", n=1)
    save(tmp_path / "images" / "Test" / "0.png", noise(0))  # of no class
    with pytest.raises(ValueError, match=r"Test has no class folder with images, so the test split would be empty"):
        source_of(tmp_path, tmp_path / "images")
    for part in ("train/images", "train/masks", "Test/images"):
        save(tmp_path / "pairs" / part / "0.png", noise(0))
    with pytest.raises(ValueError, match=r"Test has no image with a mask of the same name"):
        source_of(tmp_path, tmp_path / "pairs")


def test_two_folders_of_one_split_are_refused(tmp_path: Path) -> None:
    for split in ("val", "valid", "train"):
        folder_per_class(tmp_path / "images" / split, n=1)
    with pytest.raises(ValueError, match="has the folders val and valid, which both name the split val"):
        source_of(tmp_path, tmp_path / "images")


def test_a_folder_beside_those_of_splits_is_refused(tmp_path: Path) -> None:
    for split in ("Training", "Testing", "more"):
        folder_per_class(tmp_path / "images" / split, n=1)
    with pytest.raises(ValueError, match=r"folders of splits \(Training, Testing\) and other folders \(more\)"):
        source_of(tmp_path, tmp_path / "images")


def test_a_class_may_be_called_as_a_split_is_abbreviated(tmp_path: Path) -> None:
    found = source_of(tmp_path, folder_per_class(tmp_path / "images", n=1, classes=("AS", "MR", "TR")))
    assert found.labels.class_names == ("AS", "MR", "TR")
    assert found.splits is None


def test_what_systems_leave_beside_images_is_ignored(tmp_path: Path) -> None:
    folder = folder_per_class(tmp_path / "images", n=1)
    for litter in (".DS_Store", "benign/Thumbs.db", ".git/config", "__MACOSX/benign/._000.png", "@eaDir/000.png/a.jpg"):
        (folder / litter).parent.mkdir(parents=True, exist_ok=True)
        (folder / litter).write_text("")
    assert len(source_of(tmp_path, folder).rows) == 2


@pytest.mark.parametrize("place", ["", "Training"])
def test_an_image_in_no_class_folder_is_listed_as_alone(tmp_path: Path, place: str) -> None:
    for split in ("Training", "Testing"):
        for number, name in enumerate(("glioma", "none")):
            save(tmp_path / "in" / split / name / "0.png", noise(number))
    loose = save(tmp_path / "in" / place / "overview.PNG", noise(9))
    (tmp_path / "in" / place / "notes.txt").write_text("not an image")
    assert source_of(tmp_path, tmp_path / "in").alone == ((str(loose), "it is not in a class folder"),)


def test_a_folder_without_classes_states_how_images_should_lie(tmp_path: Path) -> None:
    save(tmp_path / "images" / "0.png", noise(0))
    with pytest.raises(ValueError, match="has no class folders with images"):
        source_of(tmp_path, tmp_path / "images")


# Tables


def listing(path: Path, columns: list[str], rows: list[list[object]]) -> Path:
    """Write a table, and an empty file for each of its images."""
    for image, *_ in rows:
        (path.parent / str(image)).parent.mkdir(exist_ok=True)
        (path.parent / str(image)).touch()
    return table(path, columns, rows)


def test_a_table_names_images_beside_it(tmp_path: Path) -> None:
    rows = [["größe/ä 1.png", "b", "7", "train"], ["2.png", "a", "8", "test"]]
    file = listing(tmp_path / "labels.csv", ["image", "label", "patient", "split"], rows)
    found = source_of(tmp_path, file, group_by="patient")
    assert [tmp_path / "größe" / "ä 1.png", tmp_path / "2.png"] == [row.file for row in found.rows]
    assert f"{file}, line 2 (größe/ä 1.png)" == found.rows[0].where
    assert found.labels.table.tolist() == [[1], [0]]
    assert found.groups == ("7", "8")
    assert found.splits == ("train", "test")


def test_a_table_may_name_the_images_of_a_folder(tmp_path: Path) -> None:
    file = table(tmp_path / "labels.csv", ["image", "label"], [["1.png", "b"], ["2.png", "a"]])
    (tmp_path / "images").mkdir()
    for name in ("1.png", "2.png"):
        (tmp_path / "images" / name).touch()
    assert tmp_path / "images" / "1.png" == source_of(tmp_path, tmp_path / "images", labels=file).rows[0].file


def test_several_columns_are_several_findings(tmp_path: Path) -> None:
    file = listing(tmp_path / "labels.csv", ["image", "mass", "edema", "age"], [["1", 0, 1, 50], ["2", 1, 1, 60]])
    found = source_of(tmp_path, file, label=("mass", "edema"))
    assert found.labels.table.tolist() == [[0, 1], [1, 1]]
    assert found.labels.class_names == ("mass", "edema")


def test_a_table_that_a_spreadsheet_wrote_is_read(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("\ufeffimage,label\r\n1.png,a\r\n2.png,b\r\n".encode())
    for name in ("1.png", "2.png"):
        (tmp_path / name).touch()
    assert len(source_of(tmp_path, tmp_path / "labels.csv").rows) == 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("image,grade,age\n1,a,7\n2,b,8\n", "has several columns that may hold the label: grade, age. Choose with"),
        ("image\n1\n", "has no column with labels. Available: image."),
        ("", "has no column 'image'. Name the column of the image files with image=. Available: none"),
        ("image,label\n1,a\n,b\n", "labels.csv, line 3 has no value in the column 'image'"),
        ("image,label\n1,a\n2\n", "labels.csv, line 3 must have 2 values"),
        ("image,label\n1,a\n2,b,c\n", "labels.csv, line 3 must have 2 values"),
        ("image,label\n1,a\n2,\n", "labels.csv, line 3 (2) has no label"),
        ("image,label\n1,a\n2,b\n1,a\n", "labels.csv, line 4 (1) is the same image as "),
        ("image,label,split\n1,a,train\n2,b,holdout\n", "line 3 (2) has the unknown split 'holdout'. Available: train"),
        ("image,label\n", "labels.csv lists no images"),
        ('image,label\n1,"a\n', "labels.csv is not a CSV file: "),
        ("image,label,label\n1,a,b\n", "labels.csv has two columns 'label'. Rename one of them."),
    ],
)
def test_a_faulty_table_is_refused_with_its_line(tmp_path: Path, lines: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(lines)
    for name in ("1", "2"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=re.escape(message)):
        source_of(tmp_path, tmp_path / "labels.csv")


def test_a_group_in_two_given_splits_is_refused(tmp_path: Path) -> None:
    rows = [["1", "a", "p1", "train"], ["2", "b", "p2", "train"], ["3", "a", "p1", "test"]]
    file = listing(tmp_path / "labels.csv", ["image", "label", "patient", "split"], rows)
    with pytest.raises(ValueError, match=r"The group 'p1' is in two splits: train .*line 2 \(1\)\) and test .*line 4"):
        source_of(tmp_path, file, group_by="patient")


@pytest.mark.parametrize("empty", [" ", "nan", "None", "NA"])
def test_an_image_without_group_is_refused(tmp_path: Path, empty: str) -> None:
    file = listing(tmp_path / "labels.csv", ["image", "label", "patient"], [["1", "a", "p1"], ["2", "b", empty]])
    with pytest.raises(ValueError, match=r"line 3 \(2\) has no group"):
        source_of(tmp_path, file, group_by="patient")


# Arrays


def test_images_in_memory_are_put_into_a_file(tmp_path: Path) -> None:
    images = np.stack([noise(0), noise(1)])
    found = source_of(tmp_path, images=images, labels=["a", "b"], groups=[7, 8], splits=["train", "test"])
    assert [row.index for row in found.rows] == [0, 1]
    assert np.array_equal(images, np.load(found.rows[0].file))
    assert found.groups == ("7", "8")
    assert found.splits == ("train", "test")


def test_images_may_be_of_several_sizes_or_paths(tmp_path: Path) -> None:
    path = save(tmp_path / "2.png", noise(2))
    found = source_of(tmp_path, images=[noise(0), noise(1, (20, 20)), path], labels=[0, 1, 0])
    assert ["images[0]", "images[1]", f"images[2] ({path})"] == [row.where for row in found.rows]
    assert np.load(found.rows[1].file).shape == (20, 20)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Give either source"),
        ({"images": [], "labels": []}, "images is empty"),
        ({"images": [noise(0)]}, "With images, give either labels"),
        ({"images": [noise(0), noise(1)], "labels": [0]}, "The labels have dtype int64 and shape (1,)"),
        ({"images": [noise(0), noise(1)], "labels": [0, 1], "groups": [1]}, "groups has shape (1,)"),
        ({"images": [noise(0), noise(1)], "labels": [0, 1], "group_by": "patient"}, "group_by names a column"),
    ],
)
def test_conflicting_arguments_are_rejected(tmp_path: Path, given, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        source_of(tmp_path, **given)


@pytest.mark.parametrize("missing", [None, np.nan, "", " ", "nan", "NA"])
def test_a_missing_group_is_not_a_group(tmp_path: Path, missing: object) -> None:
    with pytest.raises(ValueError, match=re.escape("images[1] has no group")):
        source_of(tmp_path, images=[noise(0), noise(1)], labels=[0, 1], groups=["p", missing])


def test_files_of_folders_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b/1.png", "a/9.png", "a/10.png"):
        save(tmp_path / "images" / name, noise(0))
    assert [row.id for row in source_of(tmp_path, tmp_path / "images").rows] == ["a/10.png", "a/9.png", "b/1.png"]


@pytest.mark.parametrize("given", [{"groups": [1]}, {"splits": ["train"]}, {"group_by": "patient"}])
def test_a_folder_has_no_columns(tmp_path: Path, given) -> None:
    with pytest.raises(ValueError, match="column"):
        source_of(tmp_path, folder_per_class(tmp_path / "images", n=1), **given)
