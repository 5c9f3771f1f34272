"""Write cases as folders of NIfTI files, as other programs read them."""

from __future__ import annotations

import filecmp
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np._progress import Progress
from medmnist_np.errors import CacheError, unknown
from medmnist_np.registry import VolumeInfo
from medmnist_np.volumes.cases import Cases
from medmnist_np.volumes.layouts import place_of
from medmnist_np.volumes.nifti import write_nifti

FolderLayout: TypeAlias = Literal["plain", "decathlon", "nnunet"]

_SUFFIXES = {"train": "Tr", "val": "Va", "test": "Ts"}
_KEYS = {"train": "training", "val": "validation", "test": "test"}

# Number for nnU-Net of a data set that is not a task of the Decathlon; their numbers are 1 to 10.
_OTHER_NUMBER = 900


def save_cases(cases: Cases, parent: Path, layout: FolderLayout, progress: Progress) -> Path:
    """Write every case into a folder below ``parent``, and ``dataset.json`` if the layout has one; return the folder.

    Existing files with the same content are kept, and missing files are written. Other content is an error.

    Raises
    ------
    ValueError
        If the layout is unknown.
    CacheError
        If a file exists with other content, or cannot be written.
    """
    if layout not in get_args(FolderLayout):
        raise ValueError(unknown("layout", layout, get_args(FolderLayout)))
    record, folder = cases.record, parent / _folder_name(cases.record, layout)
    names, affines, spacings = cases.cases.tolist(), cases.affines, cases.spacing_mm.tolist()
    images = cases.images
    n_bytes = images.dtype.itemsize * int(images.shapes.prod(axis=1).sum())
    with progress(f"saving {folder.name}", n_bytes) as bar:
        for number, name in enumerate(names):
            mask = None if cases.masks is None else _renumbered(cases.masks[number], record, layout)
            for file, volume in _files_of(layout, cases.split, name, images[number], mask):
                with _files.errors_named(folder, "save volumes", in_cache=False):
                    (folder / file).parent.mkdir(parents=True, exist_ok=True)
                _write_once(folder / file, volume, affines[number], spacings[number])
            bar.update(images[number].nbytes)
    if layout != "plain":
        table = json.dumps(_table(record, folder, layout), indent=1, ensure_ascii=False)
        with (
            _files.errors_named(folder, "write dataset.json", in_cache=False),
            _files.in_one_step(folder / "dataset.json") as fresh,
        ):
            fresh.write_text(f"{table}\n", "utf-8", newline="\n")
    return folder


def _folder_name(record: VolumeInfo, layout: FolderLayout) -> str:
    folder = str(record.layout_facts.get("folder", record.name))
    if layout == "plain":
        return record.name
    if layout == "decathlon":
        return folder
    if task := re.fullmatch(r"Task(\d\d)_(.+)", folder):
        return f"Dataset{int(task[1]):03}_{task[2]}"
    return f"Dataset{_OTHER_NUMBER}_{record.python_class}"


def _files_of(
    layout: FolderLayout, split: str, case: str, image: NDArray[Any], mask: NDArray[Any] | None
) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the files of a case, each with what to write. Masks come first: an image alone may be a test case."""
    images, masks = (
        (f"{split}/images", f"{split}/masks")
        if layout == "plain"
        else (f"images{_SUFFIXES[split]}", f"labels{_SUFFIXES[split]}")
    )
    if mask is not None:
        yield f"{masks}/{case}.nii.gz", mask
    if layout != "nnunet":
        yield f"{images}/{case}.nii.gz", image
        return
    channels = [image] if image.ndim == 3 else [image[..., channel] for channel in range(image.shape[3])]
    for number, channel in enumerate(channels):
        yield f"{images}/{case}_{number:04}.nii.gz", channel


def _renumbered(mask: NDArray[np.uint8], record: VolumeInfo, layout: FolderLayout) -> NDArray[np.uint8]:
    """Return a mask with the values 0, 1, 2, ... for nnU-Net, which requires them."""
    values = record.label_values
    if layout != "nnunet" or values == tuple(range(len(values))):
        return mask
    numbers = np.zeros(256, np.uint8)
    numbers[list(values)] = np.arange(len(values))
    renumbered: NDArray[np.uint8] = numbers[mask]
    return renumbered


def _table(record: VolumeInfo, folder: Path, layout: FolderLayout) -> dict[str, Any]:
    """Return ``dataset.json`` for all files in the folder, whichever call wrote them."""
    channels = {str(number): name for number, name in enumerate(record.modalities)}
    stored: dict[str, list[str]] = {}
    for file in sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.nii.gz")):
        if place := place_of(file):
            stored.setdefault(f"{place[1]} {place[2]}", []).append(f"./{file}")
    about = {"name": record.name, "description": record.description, "licence": record.license}
    n_train = len(stored.get("labels train", ()))
    if layout == "nnunet":
        return {
            **about,
            "channel_names": channels,
            "labels": {"background": 0, **{name: n for n, name in enumerate(record.class_names) if n}},
            "numTraining": n_train,
            "file_ending": ".nii.gz",
        }
    lists: dict[str, list[Any]] = {}
    for split in record.splits:
        masks = stored.get(f"labels {split}", ())
        pairs = [(image, image.replace("/images", "/labels", 1)) for image in stored.get(f"images {split}", ())]
        lists[_KEYS[split]] = [{"image": image, "label": mask} if mask in masks else image for image, mask in pairs]
    return {
        **about,
        "reference": record.collection.homepage,
        "release": record.collection.version,
        "tensorImageSize": "4D" if len(channels) > 1 else "3D",
        "modality": channels,
        "labels": {str(v): name for v, name in zip(record.label_values, record.class_names, strict=True)},
        "numTraining": n_train,
        "numTest": len(stored.get("images test", ())),
        "training": [],
        "test": [],
        **lists,
    }


def _write_once(target: Path, volume: NDArray[Any], affine: NDArray[Any], spacing: list[float]) -> None:
    if not target.exists():
        write_nifti(target, volume, affine, spacing)
        return
    with (
        _files.errors_named(target, f"write {target.name}", in_cache=False),
        _files.temporary_folder(target.parent) as folder,
    ):
        fresh = write_nifti(folder / target.name, volume, affine, spacing)
        if not filecmp.cmp(fresh, target, shallow=False):
            raise CacheError(f"{target} exists with other content. It was left unchanged.", path=target)
