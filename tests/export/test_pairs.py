"""Images and masks as files, and back."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np.errors import CacheError
from medmnist_np.export import PairPlan, Plan, save_pairs
from medmnist_np.testing import fake_datasets, fake_record, make_arrays

N = {"train": 5, "val": 2, "test": 3}
KVASIR, ABDOMEN = "medsegbench/kvasir", "medsegbench/abdomenus"


def arrays(name: str, split: str = "train") -> tuple[Any, Any]:
    record = fake_record(name, n_samples=N, size=128)
    made = make_arrays(record, 128)
    return made[record.member_name(split, "images")], made[record.member_name(split, "masks")]


def export(name: str, folder: Path, split: str = "train", *, format: str | None = None, **options: Any) -> Any:  # noqa: A002
    plan = PairPlan(mm.info(name), 128, split, format)
    return save_pairs(plan, *arrays(name, split), folder, progress=silent, **options)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "format"), [(KVASIR, None), (KVASIR, "tiff"), (ABDOMEN, "png"), (ABDOMEN, "npy")])
def test_images_and_masks_read_back_as_they_were(name: str, format: str | None, tmp_path: Path) -> None:  # noqa: A002
    saved = export(name, tmp_path, format=format)
    images, masks = arrays(name)
    ending = format or "png"
    assert saved.n_files == 5
    assert saved.n_written == 5
    for part, expected in (("images", images), ("masks", masks)):
        for number in range(5):
            path = saved.folder / "train" / part / f"train{number}.{ending}"
            found = np.load(path) if ending == "npy" else np.asarray(Image.open(path))
            assert np.array_equal(expected[number], found)


def test_masks_are_gray_and_what_their_values_mean_is_written(tmp_path: Path) -> None:
    saved = export(ABDOMEN, tmp_path)
    with Image.open(saved.folder / "train" / "masks" / "train0.png") as picture:
        assert picture.mode == "L"
    with (saved.folder / "classes.csv").open(newline="", encoding="utf-8") as stream:
        head, *rows = csv.reader(stream)
    assert head == ["value", "class_name"]
    assert list(mm.info(ABDOMEN).class_names) == [name for _, name in rows]


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, ">u4"])
def test_masks_of_any_dtype_of_an_archive_are_written(dtype: Any, tmp_path: Path) -> None:
    images, masks = arrays(KVASIR)
    saved = save_pairs(PairPlan(mm.info(KVASIR), 128, "train"), images, masks.astype(dtype), tmp_path, progress=silent)
    for number, mask in enumerate(masks):
        assert np.array_equal(mask, np.asarray(Image.open(saved.folder / "train" / "masks" / f"train{number}.png")))


@pytest.mark.parametrize("format", ["jpg", "jpeg", "gif"])
def test_masks_are_lossless_where_images_are_not(format: str, tmp_path: Path) -> None:  # noqa: A002
    saved = export(KVASIR, tmp_path, format=format)
    assert not PairPlan(mm.info(KVASIR), 128, "train", format).is_lossless
    assert {f".{format}"} == {path.suffix for path in (saved.folder / "train" / "images").iterdir()}
    found = [np.asarray(Image.open(saved.folder / "train" / "masks" / f"train{number}.png")) for number in range(5)]
    assert np.array_equal(arrays(KVASIR)[1], found)


def test_a_second_run_writes_nothing_and_one_with_holes_is_filled(tmp_path: Path) -> None:
    for split in N:
        export(KVASIR, tmp_path, split, workers=2)
    whole = content(tmp_path)
    assert [export(KVASIR, tmp_path, split).n_written for split in N] == [0, 0, 0]
    (tmp_path / "kvasir_128" / "train" / "masks" / "train3.png").unlink()
    (tmp_path / "kvasir_128" / "val" / "images" / "val0.png").unlink()
    assert [export(KVASIR, tmp_path, split).n_written for split in N] == [1, 1, 0]
    assert whole == content(tmp_path)


def test_another_file_and_another_format_are_left_alone(tmp_path: Path) -> None:
    saved = export(KVASIR, tmp_path)
    with pytest.raises(CacheError, match=r"the format 'png'. An export in .* the format 'tiff'"):
        export(KVASIR, tmp_path, format="tiff")
    mine = saved.folder / "train" / "masks" / "train1.png"
    mine.write_bytes(b"corrected by hand")
    with pytest.raises(CacheError, match=r"train1\.png already exists"):
        export(KVASIR, tmp_path)
    assert mine.read_bytes() == b"corrected by hand"


def test_values_without_a_meaning_and_other_shapes_are_refused(tmp_path: Path) -> None:
    images, masks = arrays(KVASIR)
    plan = PairPlan(mm.info(KVASIR), 128, "train")
    with pytest.raises(
        ValueError, match=r"Mask 0 of train has values from 0 to 7\. Those of kvasir must be from 0 to 1"
    ):
        save_pairs(plan, images, masks * np.uint8(7), tmp_path, progress=silent)
    with pytest.raises(ValueError, match=r"The masks have shape \(5, 64, 128\)"):
        save_pairs(plan, images, masks[:, :64], tmp_path, progress=silent)


def test_labels_and_masks_are_not_taken_for_one_another() -> None:
    with pytest.raises(ValueError, match="medsegbench/kvasir has masks"):
        Plan(mm.info(KVASIR), 128, "train")
    with pytest.raises(ValueError, match="breastmnist has labels, not masks"):
        PairPlan(mm.info("breastmnist"), 28, "train")


def test_a_data_set_saves_what_is_selected(tmp_path: Path) -> None:
    with fake_datasets(tmp_path / "fakes", f"{KVASIR}_128", n_samples=N):
        train = mm.Dataset(KVASIR, "train+test", size=128)
        folder = train[[1, 6]].save(tmp_path / "out", write_csv=False, progress=silent)
        with pytest.raises(ValueError, match="'imagefolder' needs one label for each image"):
            train.save(tmp_path / "out", layout="imagefolder")
    expected = {f"{split}/{part}/{split}1.png" for split in ("train", "test") for part in ("images", "masks")}
    assert expected == set(content(folder))
