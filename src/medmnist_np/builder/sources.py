"""Read the source of a data set as rows: class folders, a table, image and mask folders, or arrays."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from medmnist_np import _files
from medmnist_np.builder import signatures
from medmnist_np.builder.image_files import listed
from medmnist_np.builder.labels import (
    SEGMENTATION,
    Labels,
    Row,
    Source,
    given_splits,
    of_array,
    one_each,
    several_each,
    split_folders,
    text_of,
    unseen,
    values_of,
)
from medmnist_np.registry.records import standard_split

IMAGES, MASKS = "images", "masks"


# Files with these extensions are images, even if they cannot be read or are in the wrong place.
_IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2", ".pgm", ".ppm", ".dcm", ".nii", ".mha"}
)

NOT_AN_IMAGE = "it is not an image"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Images and masks that belong together.

    Attributes
    ----------
    found : tuple of (str, Path, Path)
        The split (an empty string without splits), the image and its mask.
    alone : tuple of (Path, str)
        Files without a partner, with the reason.
    """

    found: tuple[tuple[str, Path, Path], ...]
    alone: tuple[tuple[Path, str], ...]


def find_pairs(folder: Path, splits: Mapping[str, Path]) -> Pairs | None:
    """Look for ``images/1.png`` and ``masks/1.png``, or ``train/images/1.png`` and ``train/masks/1.png``.

    Parameters
    ----------
    folder : Path
        The folder that contains them. Folders other than ``images`` and ``masks`` are ignored.
    splits : Mapping of str to Path
        Its subfolders that are named after splits.

    Returns
    -------
    Pairs or None
        Sorted by split, then by path. A mask belongs to the image with the same name without the extension. None if
        there are no such folders.
    """
    # A split with only one of the two folders is incomplete and is reported as an error.
    places = {"": folder} if _holds(folder) else splits if any(map(_holds, splits.values())) else {}
    if not places:
        return None
    found: list[tuple[str, Path, Path]] = []
    alone: list[tuple[Path, str]] = []
    for split, place in places.items():
        images, masks = (_by_name(place / part, alone) for part in (IMAGES, MASKS))
        found += [(split, image, masks[name]) for name, image in images.items() if name in masks]
        alone += [(image, "it has no mask") for name, image in images.items() if name not in masks]
        alone += [(mask, "it is a mask without an image") for name, mask in masks.items() if name not in images]
    return Pairs(tuple(found), tuple(alone))


def _holds(folder: Path) -> bool:
    return (folder / IMAGES).is_dir() and (folder / MASKS).is_dir()


def _by_name(folder: Path, alone: list[tuple[Path, str]]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in listed(folder) if folder.is_dir() else []:
        other = files.setdefault(path.stem, path)
        if other is not path:
            alone.append((path, f"{other.name} has the same name without the extension"))
    return files


def read_source(  # noqa: PLR0913 -- the arguments of build()
    source: str | os.PathLike[str] | None,
    workshop: Path,
    *,
    images: Any,
    labels: Any,
    masks: Any,
    groups: npt.ArrayLike | None,
    splits: npt.ArrayLike | None,
    label: Sequence[str],
    group_by: str | None,
    class_names: Sequence[str] | None,
    task: str | None,
) -> Source:
    """Read the source given to :func:`~medmnist_np.builder.build`; images in memory are saved to ``workshop``."""
    if (source is None) == (images is None):
        raise ValueError("Give either source (a folder or a CSV file) or images.")
    if source is None:
        if group_by is not None:
            raise ValueError("group_by names a column of a CSV file. With images, use groups.")
        return from_arrays(
            images,
            workshop,
            labels=labels,
            masks=masks,
            groups=groups,
            splits=splits,
            class_names=class_names,
            task=task,
        )
    if groups is not None or splits is not None or masks is not None:
        raise ValueError("groups, splits and masks belong to images. With source, use columns of a CSV file.")
    path = Path(source)
    folder, table = (path, None if labels is None else Path(labels)) if path.is_dir() else (path.parent, path)
    tables = tables_of_splits(folder) if table is None else [table]
    if not tables:
        if group_by is not None:
            raise ValueError("group_by names a column of a CSV file. Give that file with labels=.")
        pairs = find_pairs(folder, split_folders(folder))
        if pairs is not None:
            return from_pairs(folder, pairs, task)
        if task == SEGMENTATION:
            raise ValueError(
                f"{folder} must have the folders images and masks, or train, val and test with both. An image and its "
                "mask have the same name."
            )
        return from_folder(folder, class_names, task)
    if table is path and labels is not None:
        raise ValueError(f"{path} is the table of labels, since it is not a folder. Leave out labels=.")
    return from_tables(
        tables,
        None if table is None else folder,
        label=label,
        group_by=group_by,
        class_names=class_names,
        task=task,
    )


def from_folder(folder: Path, class_names: Sequence[str] | None, task: str | None) -> Source:
    """Read ``folder/<class>/<image>``, or ``folder/<split>/<class>/<image>``.

    Rows are sorted by path, character by character: class after class, and ``10.png`` before ``9.png``. A folder in
    place of an image is a volume. Names that begin with a dot are ignored.
    """
    inside = [path for path in listed(folder) if path.is_dir()]
    splits = split_folders(folder)
    given = len(splits) == len(inside)
    # A folder name of two letters may be a class.
    divided = [path for path in splits.values() if len(path.name) > 2 and any(part.is_dir() for part in listed(path))]
    if divided and not given:
        others = ", ".join(path.name for path in inside if path not in splits.values())
        raise ValueError(
            f"{folder} has folders of splits ({', '.join(path.name for path in divided)}) and other folders "
            f"({others}). Move the other folders away, or list the images in a CSV file."
        )
    every = [
        (path.name if given else "", class_folder.name, file)
        for path in inside
        for class_folder in (listed(path) if given else [path])
        if class_folder.is_dir()
        for file in listed(class_folder)
    ]
    found = [entry for entry in every if _may_be_image(entry[2])]
    if not found:
        raise ValueError(
            f"{folder} has no class folders with images. Expected {folder}/<class>/<image>, or a CSV file that lists "
            "the images."
        )
    _check_splits(splits if given else {}, {standard_split(split) for split, _, _ in found}, "class folder with images")
    names = sorted({label for _, label, _ in found})
    if len(names) > 1 and IMAGES in map(str.lower, names):
        raise ValueError(
            f"{folder} has the folders {', '.join(names)}. For images and their masks, name them {IMAGES} and {MASKS}. "
            "For classes, list the files in a CSV file."
        )
    rows = tuple(Row(image, None, str(image), image.relative_to(folder).as_posix()) for _, _, image in found)
    labels = one_each([label for _, label, _ in found], [row.where for row in rows], class_names, task)
    misplaced = [
        (str(file), "it is not in a class folder")
        for place in (folder, *(inside if given else ()))
        for file in listed(place)
        if file.suffix.lower() in _IMAGE_SUFFIXES and file.is_file()
    ]
    alone = (*misplaced, *((str(file), NOT_AN_IMAGE) for _, _, file in every if not _may_be_image(file)))
    if not given:
        return Source(rows, labels, alone=alone)
    parts, renamed = given_splits(split for split, _, _ in found)
    return Source(rows, labels, splits=parts, alone=alone, renamed=renamed)


def _may_be_image(file: Path) -> bool:
    """Return whether a file has the name or the first bytes of an image. A folder may be a volume."""
    if file.suffix.lower() in _IMAGE_SUFFIXES or file.name.lower().endswith((".nii.gz", ".mhd")) or not file.is_file():
        return True
    try:
        return bool(signatures.format_of(file))
    except ValueError:
        return False
    except OSError:  # the error is reported when the file is read
        return True


def from_pairs(folder: Path, pairs: Pairs, task: str | None) -> Source:
    """Read pairs of images and masks, sorted by path."""
    if not pairs.found:
        alone = [file.relative_to(folder).as_posix() for file, _ in pairs.alone]
        seen = f" (found {alone[0]} and {alone[-1]})" if len(alone) > 1 else ""
        raise ValueError(
            f"{folder} has no image with a mask of the same name{seen}. To pair other names, list them in a CSV file "
            "with the columns image and mask."
        )
    rows = tuple(
        Row(image, None, str(image), image.relative_to(folder).as_posix(), (mask, None))
        for _, image, mask in pairs.found
    )
    splits = tuple(split for split, _, _ in pairs.found)
    unpaired = tuple((str(file), reason) for file, reason in pairs.alone)
    given = any(splits)
    _check_splits(
        split_folders(folder) if given else {}, set(splits), "image with a mask of the same name", pairs.alone
    )
    return Source(
        rows,
        unseen(len(rows), task),
        splits=splits if given else None,
        alone=unpaired,
        renamed=given_splits(image.parents[1].name for _, image, _ in pairs.found)[1] if given else (),
    )


def _check_splits(
    folders: Mapping[str, Path],
    found: Collection[str | None],
    needed: str,
    alone: Sequence[tuple[Path, str]] = (),
) -> None:
    """Refuse the folder of a split in which nothing was found; ``alone`` may hold the reason."""
    for split, folder in folders.items():
        if split not in found:
            reasons = [f" {file}: {reason}." for file, reason in alone if folder in file.parents]
            raise ValueError(
                f"{folder} has no {needed}, so the {split} split would be empty.{''.join(reasons[:1])} Complete the "
                "folder, or move it away."
            )


# Names of the image column: the usual one, and that in the tables of exported splits.
_IMAGE_COLUMNS = ("image", "file_name")
_MASK_COLUMN = "mask"


class _Line(NamedTuple):
    """A line of a table: its location, the folder of its paths, the name of that folder, and the values."""

    where: str
    folder: Path
    called: Path
    values: dict[str, str]


def tables_of_splits(folder: Path) -> list[Path]:
    """Find the tables ``<split>/metadata.csv`` of an exported set; none if the folder of a split has subfolders."""
    tables = [table for split in split_folders(folder).values() if (table := split / "metadata.csv").is_file()]
    return [] if any(path.is_dir() for table in tables for path in listed(table.parent)) else tables


def from_tables(
    tables: Sequence[Path],
    folder: Path | None,
    *,
    label: Sequence[str],
    group_by: str | None,
    class_names: Sequence[str] | None,
    task: str | None,
) -> Source:
    """Read the images listed in CSV files, one per line, in the order of the lines.

    Parameters
    ----------
    tables : sequence of Path
        CSV files in UTF-8 with the same columns and a header line: ``image`` or ``file_name``, the labels or ``mask``
        (the file of a mask), and optionally ``split`` and a group.
    folder : Path, optional
        Folder that paths of images are relative to. None means the folder of each table, whose name is the split unless
        there is a column for it.
    label : sequence of str
        Column with the class, or several columns with 0 or 1 each.
    group_by : str, optional
        Column with the group, such as the patient.
    class_names, task
        See :func:`~medmnist_np.builder.labels.one_each`.
    """
    columns, lines = _read_table(tables[0], folder)
    for table in tables[1:]:
        others, more = _read_table(table, folder)
        if others != columns:
            raise ValueError(f"{table} has the columns {', '.join(others)}, but {tables[0]} has {', '.join(columns)}.")
        lines += more
    image = next((name for name in _IMAGE_COLUMNS if name in columns), _IMAGE_COLUMNS[0])
    segmented = _MASK_COLUMN in columns and not set(label) <= set(columns)
    needed = [image, *([_MASK_COLUMN] if segmented else label), *([group_by] if group_by is not None else [])]
    _files.require_columns(tables[0], needed, columns)
    if not lines:
        raise ValueError(f"{tables[0]} lists no images.")
    rows = []
    for where, beside, called, line in lines:
        for column in (image, _MASK_COLUMN) if segmented else (image,):
            if not line[column]:
                raise ValueError(f"{where} has no value in the column {column!r}.")
        mask = (beside / line[_MASK_COLUMN], None) if segmented else None
        name = (called / line[image]).as_posix()
        rows.append(Row(beside / line[image], None, f"{where} ({line[image]})", name, mask))
    values = [[] if segmented else [line.values[name] for name in label] for line in lines]
    splits, renamed = given_splits(line.values["split"] for line in lines if "split" in line.values)
    return Source(
        tuple(rows),
        unseen(len(rows), task)
        if segmented
        else _labels_of_table(values, [row.where for row in rows], label, class_names, task),
        groups=None if group_by is None else tuple(line.values[group_by] for line in lines),
        splits=splits or None,
        renamed=renamed,
    )


def _labels_of_table(
    values: list[list[str]],
    places: list[str],
    label: Sequence[str],
    class_names: Sequence[str] | None,
    task: str | None,
) -> Labels:
    if len(label) == 1:
        return one_each([value for (value,) in values], places, class_names, task)
    if class_names is None:
        return several_each(values, places, label, task)
    raise ValueError("With several columns of labels, the columns name the classes. Leave out class_names=.")


def _read_table(table: Path, folder: Path | None) -> tuple[Sequence[str], list[_Line]]:
    """Return the columns and the lines."""
    split = table.parent.name
    beside, called, given = (table.parent, Path(split), {"split": split}) if folder is None else (folder, Path(), {})
    lines = []
    with _files.csv_reader(table) as reader:
        columns = reader.fieldnames or ()
        for line in reader:
            if None in line or None in line.values():
                raise ValueError(f"{table}, line {reader.line_num} must have {len(columns)} values.")
            values = {name: value.strip() for name, value in line.items()}
            lines.append(_Line(f"{table}, line {reader.line_num}", beside, called, {**given, **values}))
    return columns, lines


def from_arrays(
    images: Any,
    workshop: Path,
    *,
    labels: Any,
    masks: Any,
    groups: npt.ArrayLike | None,
    splits: npt.ArrayLike | None,
    class_names: Sequence[str] | None,
    task: str | None,
) -> Source:
    """Read images from memory, or from a list of files.

    Parameters
    ----------
    images : array ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)``, or sequence of paths or of arrays
        A channel axis of 1 or 3 may also come first: ``(n, 3, h, w)``. Arrays are saved to files, so that workers
        receive paths and indices instead of pixels.
    workshop : Path
        Folder for these files.
    labels, groups, splits : array_like
        One per image. For several findings, labels are a row of zeros and ones per image.
    masks : array ``(n, h, w)``, or sequence of paths or of arrays
        Masks, in place of labels.
    class_names, task
        See :func:`~medmnist_np.builder.labels.of_array`.
    """
    if masks is not None and len(masks) != len(images):
        raise ValueError(f"images has {len(images)} items, but masks has {len(masks)}.")
    with _files.errors_named(workshop, "put the images into files", in_cache=False):
        rows = tuple(_rows_of(images, workshop, masks))
    where = [row.where for row in rows]
    if not rows:
        raise ValueError("images is empty.")
    if (labels is None) == (masks is None):
        raise ValueError("With images, give either labels, (n,) or (n, l), or masks, (n, h, w).")
    parts, renamed = given_splits(_texts(splits, "splits", len(rows)) or ())
    return Source(
        rows,
        unseen(len(rows), task) if labels is None else of_array(labels, where, class_names, task),
        groups=_texts(groups, "groups", len(rows)),
        splits=parts or None,
        renamed=renamed,
    )


def _rows_of(images: Any, workshop: Path, masks: Any) -> Iterator[Row]:
    workshop.mkdir(parents=True, exist_ok=True)
    of_masks = [None] * len(images) if masks is None else list(_files_of(masks, "mask", workshop))
    for index, ((file, place), mask) in enumerate(zip(_files_of(images, "image", workshop), of_masks, strict=True)):
        named = isinstance(images[index], (str, os.PathLike))
        where = f"images[{index}] ({file})" if named else f"images[{index}]"
        yield Row(file, place, where, file.as_posix() if named else str(index), mask)


def _files_of(arrays: Any, what: str, workshop: Path) -> Iterator[tuple[Path, int | None]]:
    """Save arrays to files and yield the file and index of each; yield paths unchanged."""
    if isinstance(arrays, np.ndarray):
        file = workshop / f"{what}s.npy"
        np.save(file, arrays, allow_pickle=False)
        yield from ((file, index) for index in range(len(arrays)))
        return
    for index, array in enumerate(arrays):
        if isinstance(array, (str, os.PathLike)):
            yield Path(array), None
        else:
            file = workshop / f"{what}-{index}.npy"
            np.save(file, np.asarray(array), allow_pickle=False)
            yield file, None


def _texts(values: npt.ArrayLike | None, name: str, n: int) -> tuple[str, ...] | None:
    if values is None:
        return None
    array = np.asarray(values)
    if array.shape != (n,):
        raise ValueError(f"{name} has shape {array.shape}. Give one value for each of the {n} images.")
    return tuple(text_of(value).strip() for value in values_of(values))
