"""Read the source of a data set as rows: a folder, a table, or arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medmnist_np import _files
from medmnist_np.builder.folders import find_pairs, from_folder, from_pairs
from medmnist_np.builder.labels import (
    SEGMENTATION,
    Row,
    Source,
    given_splits,
    of_array,
    split_folders,
    text_of,
    unseen,
    values_of,
)
from medmnist_np.builder.tables import from_tables, tables_of_splits


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
