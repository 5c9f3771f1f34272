"""Arrays, generators, dicts of splits and .npz archives as the source of a data set."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.builder import build
from tests.builder.pictures import noise


def stack(start: int, n: int) -> np.ndarray:
    return np.stack([noise(number) for number in range(start, start + n)])


def halves(n: int) -> np.ndarray:
    return np.arange(n) % 2


def archive(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def test_a_generator_gives_the_same_archive_as_the_array(tmp_path: Path) -> None:
    whole = build(name="whole", images=stack(0, 20), labels=halves(20), output=tmp_path / "whole")
    lazy = build(name="lazy", images=iter(stack(0, 20)), labels=halves(20), output=tmp_path / "lazy")
    assert [one.digest for one in lazy.record.archives.values()] == [
        one.digest for one in whole.record.archives.values()
    ]


def test_labels_may_be_a_generator_too() -> None:
    build(name="lazy", images=iter(stack(0, 20)), labels=(number % 2 for number in range(20)))
    assert sum(mm.info("lazy").n_samples.values()) == 20


def test_dicts_of_splits_keep_each_image_in_its_split() -> None:
    images = {"train": stack(0, 8), "test": stack(8, 4)}
    build(name="given", images=images, labels={"train": halves(8), "test": halves(4)}, recipe="squeeze", sizes=32)
    assert (mm.load("given", "test", size=32).images == images["test"]).all()


def test_other_names_of_splits_are_understood() -> None:
    images = {"Training": stack(0, 8), "valid": stack(8, 4)}
    built = build(name="given", images=images, labels={"Training": halves(8), "valid": halves(4)})
    assert dict(built.record.n_samples) == {"train": 8, "val": 4}


def test_labels_of_other_splits_than_the_images_are_refused() -> None:
    with pytest.raises(ValueError, match="labels must be a dict with the same splits as images: train, test"):
        build(name="given", images={"train": stack(0, 8), "test": stack(8, 4)}, labels={"train": halves(8)})


def test_a_dict_of_images_and_an_array_of_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="labels must be a dict"):
        build(name="given", images={"train": stack(0, 8)}, labels=halves(8))


def test_ids_of_a_dict_name_the_split() -> None:
    images = {"train": stack(0, 8), "test": stack(8, 4)}
    build(name="given", images=images, labels={"train": halves(8), "test": halves(4)})
    assert mm.Dataset("given", split="test").ids.tolist() == ["test/0", "test/1", "test/2", "test/3"]


def test_an_archive_keeps_each_image_in_its_split(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.npz",
        test_images=stack(8, 4),
        test_labels=halves(4),
        train_images=stack(0, 8),
        train_labels=halves(8),
    )
    build(path, name="given", recipe="squeeze", sizes=32)
    assert (mm.load("given", "train", size=32).images == stack(0, 8)).all()


def test_an_archive_in_the_form_of_keras(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", x_train=stack(0, 8), y_train=halves(8), x_test=stack(8, 4), y_test=halves(4))
    assert dict(build(path, name="given").record.n_samples) == {"train": 8, "test": 4}


def test_an_archive_without_splits_is_divided(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", images=stack(0, 20), labels=halves(20))
    assert dict(build(path, name="given").record.n_samples) == {"train": 14, "val": 2, "test": 4}


def test_masks_in_an_archive(tmp_path: Path) -> None:
    masks = (stack(0, 20) > 128).astype(np.uint8)
    path = archive(tmp_path / "a.npz", train_images=stack(0, 20), train_label=masks)
    build(path, name="given", recipe="squeeze", sizes=32)
    assert (mm.Dataset("given", split="train", size=32).masks == masks).all()


def test_an_archive_with_other_arrays_is_refused_and_they_are_named(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", arr_0=stack(0, 8), arr_1=halves(8))
    with pytest.raises(ValueError, match=re.escape("a.npz has the arrays arr_0, arr_1. Expected train_images and")):
        build(path, name="given")


def test_an_archive_without_the_labels_of_a_split_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", train_images=stack(0, 8), train_labels=halves(8), test_images=stack(8, 4))
    with pytest.raises(ValueError, match=re.escape("images of 'train', 'test', but labels of 'train'")):
        build(path, name="given")


def test_an_archive_of_python_objects_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", train_images=stack(0, 2), train_labels=np.array([{}, {}], dtype=object))
    with pytest.raises(ValueError, match=re.escape("a.npz: train_labels is not an array of numbers")):
        build(path, name="given")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("not a zip")
    with pytest.raises(ValueError, match=re.escape("a.npz is not an .npz archive")):
        build(tmp_path / "a.npz", name="given")


def test_an_archive_in_place_of_images_is_refused_and_the_error_says_where_it_belongs(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", train_images=stack(0, 8), train_labels=halves(8))
    with pytest.raises(ValueError, match=re.escape("Pass a folder, a table or an .npz archive as source")):
        build(name="given", images=path, labels=halves(8))


def test_an_archive_in_place_of_a_table_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", train_images=stack(0, 8), train_labels=halves(8))
    with pytest.raises(ValueError, match=re.escape("a.npz is an array, not a table")):
        build(tmp_path, name="given", labels=path)


def test_an_array_file_as_source_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", stack(0, 8))
    with pytest.raises(ValueError, match=re.escape("a.npy is one array")):
        build(tmp_path / "a.npy", name="given")


def test_a_failed_build_of_an_archive_leaves_nothing(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", arr_0=stack(0, 8))
    with pytest.raises(ValueError, match="has the arrays"):
        build(path, name="given", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("dtype", ["U", "S"])
def test_groups_of_arrays_are_decoded_and_stripped(dtype: str) -> None:
    groups = np.array([f" p{number // 2} " for number in range(20)]).astype(dtype)
    build(name="given", images=stack(0, 20), labels=halves(20), groups=groups, ratio=(1, 1))
    found = {group for split in ("train", "test") for group in mm.Dataset("given", split=split).groups}
    assert found == {f"p{number}" for number in range(10)}


def test_labels_of_bytes_are_class_names() -> None:
    build(name="given", images=stack(0, 20), labels=np.array([b"dull", b"fine"] * 10))
    assert mm.info("given").class_names == ("dull", "fine")
