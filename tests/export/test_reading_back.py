"""Every layout and format of the real archives, read as another tool would."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np.export import Plan, save

FORMATS = {2: ("png", "tiff", "npy"), 3: ("gif", "tiff", "npy", "nii")}
CASES = [
    (name, layout, format_)
    for name, ndim in (("breastmnist", 2), ("retinamnist", 2), ("adrenalmnist3d", 3), ("adrenalmnist3d_64", 3))
    for layout in ("automl", "imagefolder", "csv")
    for format_ in (*FORMATS[ndim], *(("nii",) if name == "breastmnist" else ()))
]


def read(path: Path, ndim: int) -> Any:
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".nii":
        nibabel = pytest.importorskip("nibabel", reason="the extra nifti is not installed")
        return np.asarray(nibabel.load(path).dataobj)
    with Image.open(path) as image:
        frames = [np.asarray(frame.convert("L") if ndim == 3 else frame) for frame in ImageSequence.Iterator(image)]
    return np.stack(frames) if ndim == 3 else frames[0]


def label_of(folder: Path, layout: str, split: str, number: int) -> tuple[Path, int]:
    """Return the file of a sample and its label, from what was written alone."""
    if layout == "imagefolder":
        (path,) = folder.glob(f"{split}/*/{split}{number}.*")
        return path, int(path.parent.name.split("_")[0])
    if layout == "csv":
        with (folder / split / "metadata.csv").open(newline="", encoding="utf-8") as stream:
            row = list(csv.DictReader(stream))[number]
        return folder / split / row["file_name"], int(row["label"])
    row = folder.with_suffix(".csv").read_text().splitlines()[number].split(",")
    assert row[0] == "TEST"
    return folder / row[1], int(row[2])


@pytest.mark.parametrize(("name", "layout", "format_"), CASES)
def test_what_was_saved_is_read_back_the_same(
    name: str, layout: Any, format_: str, real_root: Path, tmp_path: Path
) -> None:
    if format_ == "nii":
        pytest.importorskip("nibabel", reason="the extra nifti is not installed")
    record, size = mm.info(name), 64 if name.endswith("_64") else 28
    images, labels = mm.load(record, "test", size=size, root=real_root, download=False)
    n = len(images) if record.ndim == 2 else 40
    plan = Plan(record, size, "test", layout, format_)
    saved = save(plan, images, labels, tmp_path, positions=range(n), progress=silent)
    assert plan.name == saved.folder.name
    assert plan.is_lossless is True
    assert n == saved.n_written
    assert n == sum(path.suffix == f".{format_}" for path in saved.folder.rglob("*"))
    for number in range(0, n, 7):
        path, label = label_of(saved.folder, layout, "test", number)
        assert label == labels[number, 0]
        assert np.array_equal(images[number], read(path, record.ndim))
