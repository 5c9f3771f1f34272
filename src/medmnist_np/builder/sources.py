"""What a set is built from: a folder per class, a table, or arrays; all become rows with labels, groups and splits."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medmnist_np.builder.labels import Labels, of_array, one_each, several_each, text_of, values_of
from medmnist_np.errors import nearest

SPLITS = ("train", "val", "test")

# The column with the image: as people call it, and as tables of exported splits do.
_IMAGE_COLUMNS = ("image", "file_name")

# What systems leave in folders beside images.
_LITTER = {"Thumbs.db", "desktop.ini"}


@dataclass(frozen=True, slots=True)
class Row:
    """One image: its file (of volumes perhaps a folder), its place in it if it holds many, and how people name it.

    ``where`` says in errors where the row stands; ``id`` is what the user calls the image.
    """

    file: Path
    index: int | None
    where: str
    id: str


@dataclass(frozen=True, slots=True)
class Source:
    """All rows and what is known of them. ``groups`` and ``splits`` are None where they are not given."""

    rows: tuple[Row, ...]
    labels: Labels
    groups: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        first: dict[tuple[Path, int | None], Row] = {}
        for row in self.rows:
            if (other := first.setdefault((row.file, row.index), row)) is not row:
                raise ValueError(f"{row.where} is the same image as {other.where}: list each image once.")
        for row, split in zip(self.rows, self.splits or (), strict=self.splits is not None):
            if split not in SPLITS:
                raise ValueError(f"{row.where} has the split {split!r}; the splits are {', '.join(SPLITS)}.")
        if self.groups is not None:
            self._check_groups(self.groups)

    def only(self, kept: Sequence[int]) -> Source:
        """Return the source with some of its rows."""

        def some(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
            return None if values is None else tuple(values[number] for number in kept)

        labels = replace(self.labels, table=self.labels.table[kept])
        return Source(tuple(self.rows[number] for number in kept), labels, some(self.groups), some(self.splits))

    def _check_groups(self, groups: tuple[str, ...]) -> None:
        if "" in groups:
            raise ValueError(f"{self.rows[groups.index('')].where} has no group.")
        seen: dict[str, int] = {}
        for number, group in enumerate(groups) if self.splits is not None else ():
            other = seen.setdefault(group, number)
            if self.splits is not None and self.splits[other] != self.splits[number]:
                raise ValueError(
                    f"The group {group!r} is in two splits: in {self.splits[other]} by {self.rows[other].where}, in "
                    f"{self.splits[number]} by {self.rows[number].where}. Correct one of them, or leave the splits out."
                )


def read_source(  # noqa: PLR0913 -- as build()
    source: str | os.PathLike[str] | None,
    workshop: Path,
    *,
    images: Any,
    labels: Any,
    groups: npt.ArrayLike | None,
    splits: npt.ArrayLike | None,
    label: Sequence[str],
    group_by: str | None,
    class_names: Sequence[str] | None,
    task: str | None,
) -> Source:
    """Take what :func:`~medmnist_np.builder.build` is given; images in memory are put into files in ``workshop``."""
    if (source is None) == (images is None):
        raise ValueError("Give either a source, a folder or a CSV file, or images.")
    if source is None:
        if group_by is not None:
            raise ValueError("group_by names a column of a CSV file: give groups=(n,) with images.")
        return from_arrays(
            images, workshop, labels=labels, groups=groups, splits=splits, class_names=class_names, task=task
        )
    if groups is not None or splits is not None:
        raise ValueError("groups and splits go with images: of a source, they are columns of a CSV file.")
    path = Path(source)
    folder, table = (path, None if labels is None else Path(labels)) if path.is_dir() else (path.parent, path)
    if table is None:
        if group_by is not None:
            raise ValueError("group_by names a column of a CSV file: give that file too (labels=, --labels).")
        return from_folder(folder, class_names, task)
    if table is path and labels is not None:
        raise ValueError(f"{path} is no folder, so it is the table of labels: leave the other one out.")
    return from_table(table, folder, label=label, group_by=group_by, class_names=class_names, task=task)


def from_folder(folder: Path, class_names: Sequence[str] | None, task: str | None) -> Source:
    """Take ``folder/<class>/<image>``, or with given splits ``folder/<split>/<class>/<image>``.

    Rows are in the order of their paths, character by character: all of one class, then all of the next, and ``10.png``
    before ``9.png``. A folder in the place of an image is a volume. Names that begin with a dot are passed over.
    """
    inside = [path for path in _listed(folder) if path.is_dir()]
    given = {path.name for path in inside} <= set(SPLITS)
    found = [
        (path.name if given else "", one.name, image)
        for path in inside
        for one in (_listed(path) if given else [path])
        if one.is_dir()
        for image in _listed(one)
    ]
    if not found:
        raise ValueError(
            f"{folder} holds no folder per class with images in it. Is {folder}/<class>/<image> how they lie? If not, "
            "list them in a CSV file."
        )
    rows = tuple(Row(image, None, str(image), image.relative_to(folder).as_posix()) for _, _, image in found)
    labels = one_each([label for _, label, _ in found], [row.where for row in rows], class_names, task)
    return Source(rows, labels, splits=tuple(split for split, _, _ in found) if given else None)


def from_table(
    table: Path,
    folder: Path,
    *,
    label: Sequence[str],
    group_by: str | None,
    class_names: Sequence[str] | None,
    task: str | None,
) -> Source:
    """Take the images that a CSV file lists, one a line, in the order of the lines.

    Parameters
    ----------
    table : Path
        In UTF-8 with a line of column names: ``image`` or ``file_name``, the labels, perhaps ``split`` and a group.
    folder : Path
        What paths of images are relative to.
    label : sequence of str
        The column with the class; or several with 0 or 1 each.
    group_by : str, optional
        The column with the group, as of a patient.
    class_names, task
        As of :func:`~medmnist_np.builder.labels.one_each`.
    """
    image, columns, lines = _read_table(table, [*label, *([group_by] if group_by is not None else [])])
    if not lines:
        raise ValueError(f"{table} lists no images.")
    rows = []
    for number, line in lines:
        where = f"{table}, line {number}"
        if not line[image]:
            raise ValueError(f"{where} names no image.")
        rows.append(Row(folder / line[image], None, f"{where} ({line[image]})", Path(line[image]).as_posix()))
    values = [[line[name] for name in label] for _, line in lines]
    places = [row.where for row in rows]
    if len(label) == 1:
        labels = one_each([value for (value,) in values], places, class_names, task)
    elif class_names is None:
        labels = several_each(values, places, label, task)
    else:
        raise ValueError(
            "Several columns of labels are named by their columns: leave the names of classes out (class_names=, "
            "--classes)."
        )
    return Source(
        tuple(rows),
        labels,
        groups=None if group_by is None else tuple(line[group_by] for _, line in lines),
        splits=tuple(line["split"] for _, line in lines) if "split" in columns else None,
    )


def from_arrays(
    images: Any,
    workshop: Path,
    *,
    labels: Any,
    groups: npt.ArrayLike | None,
    splits: npt.ArrayLike | None,
    class_names: Sequence[str] | None,
    task: str | None,
) -> Source:
    """Take images from memory, or from files named one by one.

    Parameters
    ----------
    images : array ``(n, h, w)``, ``(n, h, w, 3)`` or ``(n, d, h, w)``, or sequence of paths or of arrays
        Arrays are put into files first, so that what works on them is handed paths and numbers.
    workshop : Path
        A folder for these files.
    labels, groups, splits : array_like
        One for each image; of several findings, a row of zeros and ones.
    class_names, task
        As of :func:`~medmnist_np.builder.labels.of_array`.
    """
    rows = tuple(_rows_of(images, workshop))
    where = [row.where for row in rows]
    if not rows:
        raise ValueError("There are no images.")
    if labels is None:
        raise ValueError("The images have no labels: labels=(n,) or (n, l) is needed.")
    return Source(
        rows,
        of_array(labels, where, class_names, task),
        groups=_texts(groups, "groups", len(rows)),
        splits=_texts(splits, "splits", len(rows)),
    )


def _rows_of(images: Any, workshop: Path) -> Iterator[Row]:
    workshop.mkdir(parents=True, exist_ok=True)
    if isinstance(images, np.ndarray):
        file = workshop / "images.npy"
        np.save(file, images, allow_pickle=False)
        yield from (Row(file, index, f"images[{index}]", str(index)) for index in range(len(images)))
        return
    for index, image in enumerate(images):
        if isinstance(image, (str, os.PathLike)):
            path = Path(image)
            yield Row(path, None, f"images[{index}] ({path})", path.as_posix())
        else:
            file = workshop / f"image-{index}.npy"
            np.save(file, np.asarray(image), allow_pickle=False)
            yield Row(file, None, f"images[{index}]", str(index))


def _texts(values: npt.ArrayLike | None, name: str, n: int) -> tuple[str, ...] | None:
    if values is None:
        return None
    array = np.asarray(values)
    if array.shape != (n,):
        raise ValueError(f"{name} has shape {array.shape}; one for each of the {n} images is needed.")
    return tuple(text_of(value) for value in values_of(values))


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.name not in _LITTER)


def _read_table(table: Path, needed: Sequence[str]) -> tuple[str, Sequence[str], list[tuple[int, dict[str, str]]]]:
    """Return which column is that of the images, all columns, and the lines with their numbers."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = reader.fieldnames or ()
            image = next((name for name in _IMAGE_COLUMNS if name in columns), _IMAGE_COLUMNS[0])
            for name in (image, *needed):
                if name not in columns:
                    other = f" or {_IMAGE_COLUMNS[1]!r}" if name == _IMAGE_COLUMNS[0] else ""
                    raise ValueError(
                        f"{table} has no column {name!r}{other}.{nearest(name, columns)} Its columns are: "
                        f"{', '.join(columns) or 'none'}."
                    )
            lines = []
            for line in reader:
                if None in line or None in line.values():
                    raise ValueError(f"{table}, line {reader.line_num} does not have {len(columns)} values.")
                lines.append((reader.line_num, {name: value.strip() for name, value in line.items()}))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{table} is no CSV file in UTF-8: {error}.") from error
    return image, columns, lines
