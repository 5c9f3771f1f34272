"""Read the source of a data set as rows: a folder, a table, or arrays."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medmnist_np import _files
from medmnist_np.builder.folders import (
    chosen_table,
    files_below,
    find_pairs,
    from_folder,
    from_pairs,
    may_be_image,
    notes_of,
    split_by_folders,
    unwrapped,
)
from medmnist_np.builder.image_files import DICOM_TAGS, dicom_tag
from medmnist_np.builder.labels import (
    SEGMENTATION,
    Classes,
    Row,
    Source,
    given_splits,
    of_array,
    one_each,
    split_folders,
    text_of,
    unseen,
    values_of,
)
from medmnist_np.builder.tables import from_tables, lists_images, tables_of_splits
from medmnist_np.errors import short
from medmnist_np.registry.records import standard_split

#: The value of labels= to take the classes from the folder names, even if there is a table beside the folders.
FOLDERS = "folders"


def read_source(  # noqa: PLR0913 -- the arguments of build()
    source: str | os.PathLike[str] | None,
    workshop: Path,
    *,
    images: Any,
    labels: Any,
    masks: Any,
    groups: npt.ArrayLike | None,
    splits: npt.ArrayLike | None,
    classes: Classes,
    image: str | None = None,
    label: str | Sequence[str] | None = None,
    group_by: str | None = None,
    split_column: str | None = None,
    group_by_folder: bool = False,
    slices: bool = False,
) -> Source:
    """Read the source given to :func:`~medmnist_np.builder.build`. Save images in memory to ``workshop``."""
    if (source is None) == (images is None):
        raise ValueError("Give either source (a folder or a CSV file) or images.")
    if source is None:
        if group_by_folder:
            raise ValueError("group_by_folder=True needs a folder with class folders as source.")
        for argument, value, instead in (
            ("image", image, "images"),
            ("label", label, "labels"),
            ("group_by", group_by, "groups"),
            ("split_column", split_column, "splits"),
        ):
            if value:
                raise ValueError(f"{argument} names a column of a table. With images, use {instead}.")
        return from_arrays(images, workshop, labels=labels, masks=masks, groups=groups, splits=splits, classes=classes)
    if groups is not None or splits is not None or masks is not None:
        raise ValueError("groups, splits and masks belong to images. With source, use columns of a CSV file.")
    path = Path(source)
    columns: dict[str, Any] = {
        "image": image,
        "label": (label,) if isinstance(label, str) else tuple(label or ()),
        "group_by": group_by,
        "split_column": split_column,
        "classes": classes,
    }
    if path.is_dir():
        return _from_folder(path, labels, columns, group_by_folder=group_by_folder, slices=slices)
    if group_by_folder:
        raise ValueError("group_by_folder=True needs a folder with class folders as source.")
    if path.suffix.lower() in (".npz", ".npy"):
        return from_archive(path, workshop, labels, group_by, classes)
    if labels is not None:
        raise ValueError(f"{path} is the table of labels, since it is not a folder. Leave out labels=.")
    return from_tables([path], path.parent, **columns)


def _from_folder(path: Path, labels: Any, columns: dict[str, Any], *, group_by_folder: bool, slices: bool) -> Source:
    """Read a folder: with a table if there is one or ``labels`` names one, else with class folders or masks."""
    by_folders = isinstance(labels, str) and labels == FOLDERS
    table = None if labels is None or by_folders else Path(labels)
    if table is not None and table.suffix.lower() in (".npz", ".npy"):
        raise ValueError(f"{labels} is an array, not a table. Pass images= and labels= as arrays, without source.")
    folder = path if table is not None else unwrapped(path)
    group_by, classes = columns["group_by"], columns["classes"]
    tables = [] if labels is not None else tables_of_splits(folder)
    pairs = None if labels is not None or tables else find_pairs(folder, split_folders(folder))
    if labels is None and not tables and pairs is None and classes.task != SEGMENTATION:
        wanted = any(columns[name] for name in ("image", "label", "group_by", "split_column"))
        table = chosen_table(folder, wanted=wanted, lists_images=lists_images)
    if group_by_folder and (table is not None or tables or pairs is not None):
        raise ValueError("group_by_folder=True belongs to class folders. With a table, use group_by=.")
    if table is not None:
        found = split_by_folders(from_tables([table], folder, **columns), folder)
    elif tables:
        found = from_tables(tables, None, **columns)
    elif column := next((name for name in ("image", "label", "split_column") if columns[name]), None):
        tags = () if by_folders or column != "label" else columns["label"]
        found = split_by_folders(_labelled_by_tag(folder, column, tags, classes), folder)
    elif group_by and group_by not in DICOM_TAGS:
        raise ValueError(
            "group_by names a column of a table. Give that table with labels=. For DICOM files, it may also be "
            f"{', '.join(DICOM_TAGS)}."
        )
    elif pairs is not None:
        found = from_pairs(folder, pairs, classes.task)
    elif classes.task == SEGMENTATION:
        raise ValueError(
            f"{folder} must have the folders images and masks, or train, val and test with both. An image and its "
            "mask have the same name."
        )
    else:
        found = from_folder(folder, classes, group_by_folder=group_by_folder, slices=slices)
    if group_by and table is None and not tables:
        found = replace(found, groups=tuple(_tag_of(row, group_by) for row in found.rows))
    notes = [f"Read the folder {folder}."] if folder != path else []
    if table is not None and labels is None:
        notes.append(f"The images and labels are those of {table}.")
    return replace(found, notes=(*notes, *found.notes, *notes_of(folder, found, table)))


def _labelled_by_tag(folder: Path, argument: str, tags: Sequence[str], classes: Classes) -> Source:
    if len(tags) != 1 or tags[0] not in DICOM_TAGS:
        raise ValueError(f"{argument} names a column of a table. Give that table with labels=.")
    rows = [Row.below(folder, file) for file in files_below(folder) if may_be_image(file)]
    if not rows:
        raise ValueError(f"{folder} has no images.")
    labels = [_tag_of(row, tags[0], "label") for row in rows]
    return Source(tuple(rows), one_each(labels, [row.where for row in rows], classes))


def _tag_of(row: Row, keyword: str, argument: str = "group_by") -> str:
    try:
        return dicom_tag(row.file, keyword)
    except ValueError as error:
        raise ValueError(f"{row.where}: {error}. {argument}={keyword!r} needs DICOM files.") from error


def from_arrays(
    images: Any, workshop: Path, *, labels: Any, masks: Any, groups: Any, splits: Any, classes: Classes
) -> Source:
    """Read images from memory, or from a list of files.

    Parameters
    ----------
    images : array ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)``, or iterable of paths or of arrays
        A channel axis of 1 or 3 may also come first: ``(n, 3, h, w)``. Arrays are saved to files, so that workers
        receive paths and indices instead of pixels. A dict has the images of each split.
    workshop : Path
        Folder for these files.
    labels, groups, splits : array_like
        One per image. For several findings, labels are a row of zeros and ones per image.
    masks : array ``(n, h, w)``, or iterable of paths or of arrays
        Masks, in place of labels.
    classes : Classes
        What the user states about the classes.
    """
    if (labels is None) == (masks is None):
        raise ValueError("With images, give either labels, (n,) or (n, l), or masks, (n, h, w).")
    by_split = isinstance(images, Mapping)
    if by_split:
        if splits is not None:
            raise ValueError("images is a dict of splits. Leave out splits=.")
        others = {"labels": labels, "masks": masks, "groups": groups}
        for name, values in others.items():
            if values is not None and (not isinstance(values, Mapping) or set(values) != set(images)):
                raise ValueError(f"{name} must be a dict with the same splits as images: {', '.join(images)}.")
    rows: list[Row] = []
    named: list[str] = []
    with _files.errors_named(workshop, "put the images into files", in_cache=False):
        workshop.mkdir(parents=True, exist_ok=True)
        for split, part in images.items() if by_split else [("", images)]:
            of_part = _rows_of(part, workshop, masks[split] if by_split and masks is not None else masks, split)
            rows += of_part
            named += [split] * len(of_part)
    if not rows:
        raise ValueError("images is empty.")
    parts, renamed = given_splits(named if by_split else _texts(splits, "splits", len(rows)) or ())
    return Source(
        tuple(rows),
        unseen(len(rows), classes.task)
        if labels is None
        else of_array(_joined(labels), [row.where for row in rows], classes),
        groups=_texts(_joined(groups), "groups", len(rows)),
        splits=parts or None,
        renamed=renamed,
    )


def from_archive(path: Path, workshop: Path, labels: Any, group_by: str | None, classes: Classes) -> Source:
    """Read an ``.npz`` archive in the form of MedMNIST, array by array.

    The name of an array consists of a split and a kind, in any order: ``train_images`` or ``x_train``. ``images`` and
    ``labels`` without splits are divided later.
    """
    if path.suffix.lower() == ".npy":
        raise ValueError(f"{path} is one array. Load it, and pass it as images=, with labels=.")
    if labels is not None or group_by is not None:
        raise ValueError(f"{path} has its own labels and no groups. Leave out labels= and group_by=.")
    arrays: dict[str, dict[str, Path]] = {"images": {}, "labels": {}, "masks": {}}
    workshop.mkdir(parents=True, exist_ok=True)
    with _files.errors_named(workshop, f"unpack {path.name}", in_cache=False), _opened_archive(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            what, split = _meaning(name)
            if what is None or split in arrays[what]:
                found = ", ".join(one.removesuffix(".npy") for one in archive.namelist())
                raise ValueError(
                    f"{path} has the arrays {found}. Expected train_images and train_labels, the same for val and "
                    "test, or images and labels without splits."
                )
            arrays[what][split] = workshop / f"{what}-{split}.npy"
            with archive.open(info) as member, arrays[what][split].open("wb") as file:
                shutil.copyfileobj(member, file, 1 << 20)
            try:
                np.load(arrays[what][split], mmap_mode="r", allow_pickle=False)
            except ValueError as error:
                raise ValueError(f"{path}: {name} is not an array of numbers: {str(error).rstrip('.')}.") from error
    if not arrays["images"]:
        raise ValueError(f"{path} has no images. Expected train_images and train_labels, and so on.")
    given: dict[str, Any] = {what: {split: _Stack(file) for split, file in of.items()} for what, of in arrays.items()}
    if all(labels.array.ndim > 2 for labels in given["labels"].values()):
        given["masks"] |= given["labels"]  # as in MedSegBench
        given["labels"] = {}
    for what in ("labels", "masks"):
        if given[what] and set(given[what]) != set(given["images"]):
            have, lack = ", ".join(map(repr, given["images"])), ", ".join(map(repr, given[what]))
            raise ValueError(f"{path} has images of {have}, but {what} of {lack}. Each split needs both.")
    given["labels"] = {split: labels.array for split, labels in given["labels"].items()}
    if "" in given["images"]:
        given = {what: values.get("") for what, values in given.items()}
    given = {what: None if isinstance(values, dict) and not values else values for what, values in given.items()}
    return from_arrays(given.pop("images"), workshop, **given, groups=None, splits=None, classes=classes)


@dataclass(frozen=True, slots=True)
class _Stack:
    """A .npy file of several images."""

    file: Path

    @property
    def array(self) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = np.load(self.file, mmap_mode="r", allow_pickle=False)
        return array


_WORDS = {
    "images": {"images", "image", "imgs", "x", "data"},
    "labels": {"labels", "label", "y", "targets", "target"},
    "masks": {"masks", "mask"},
}


def _meaning(name: str) -> tuple[str | None, str]:
    """Return what an array of an archive holds, or None if its name is unknown; and its split."""
    words = name.lower().split("_")
    split = next((word for word in words if standard_split(word) is not None), "")
    rest = [word for word in words if word != split]
    what = next((what for what, known in _WORDS.items() if len(rest) == 1 and rest[0] in known), None)
    return what, split


@contextmanager
def _opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with open(path, "rb", opener=_files.regular_only) as stream, zipfile.ZipFile(stream) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is not an .npz archive: {error}.") from error


def _joined(values: Any) -> Any:
    """Join the values of all splits in order. Return those of an iterator as a list."""
    if isinstance(values, Mapping):
        return np.concatenate([np.asarray(part) for part in values.values()])
    return list(values) if isinstance(values, Iterator) else values


def _rows_of(images: Any, workshop: Path, masks: Any, split: str) -> list[Row]:
    within = f"[{split!r}]" if split else ""
    files = list(_files_of(images, f"{split}image", workshop))
    of_masks = [] if masks is None else [found[:2] for found in _files_of(masks, f"{split}mask", workshop)]
    if masks is not None and len(of_masks) != len(files):
        raise ValueError(f"images{within} has {len(files)} items, but masks{within} has {len(of_masks)}.")
    rows = []
    for index, (file, place, is_named) in enumerate(files):
        where = f"images{within}[{index}]" + (f" ({file})" if is_named else "")
        name = file.as_posix() if is_named else f"{split}/{index}".lstrip("/")
        rows.append(Row(file, place, where, name, of_masks[index] if of_masks else None))
    return rows


def _files_of(arrays: Any, what: str, workshop: Path) -> Iterator[tuple[Path, int | None, bool]]:
    """Save arrays to files. Yield the file and index of each, and whether the file belongs to the user."""
    if isinstance(arrays, (str, os.PathLike)):
        raise ValueError(  # noqa: TRY004 -- as for every other wrong argument of build()
            f"images must be arrays or a sequence of paths, not the path {short(os.fspath(arrays))}. Pass a folder, a "
            "table or an .npz archive as source: the first argument."
        )
    if isinstance(arrays, np.ndarray):
        file = workshop / f"{what}s.npy"
        np.save(file, arrays, allow_pickle=False)
        arrays = _Stack(file)
    if isinstance(arrays, _Stack):
        yield from ((arrays.file, index, False) for index in range(len(arrays.array)))
        return
    for index, array in enumerate(arrays):
        if isinstance(array, (str, os.PathLike)):
            yield Path(array), None, True
        else:
            file = workshop / f"{what}-{index}.npy"
            np.save(file, np.asarray(array), allow_pickle=False)
            yield file, None, False


def _texts(values: npt.ArrayLike | None, name: str, n: int) -> tuple[str, ...] | None:
    if values is None:
        return None
    array = np.asarray(values)
    if array.shape != (n,):
        raise ValueError(f"{name} has shape {array.shape}. Give one value for each of the {n} images.")
    return tuple(text_of(value).strip() for value in values_of(values))
