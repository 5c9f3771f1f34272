"""Read tables as rows: CSV files that list images with their labels, groups and splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from medmnist_np import _files
from medmnist_np.builder.image_files import listed
from medmnist_np.builder.labels import (
    Classes,
    Labels,
    Row,
    Source,
    given_splits,
    one_each,
    several_each,
    split_folders,
    unseen,
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


def lists_images(table: Path) -> bool:
    """Return whether a table has columns of images and labels."""
    with _files.csv_reader(table) as reader:
        columns = set(reader.fieldnames or ())
    return "label" in columns and not columns.isdisjoint(_IMAGE_COLUMNS)


def from_tables(
    tables: Sequence[Path],
    folder: Path | None,
    *,
    label: Sequence[str],
    group_by: str | None,
    classes: Classes,
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
    classes : Classes
        What the user states about the classes.
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
        unseen(len(rows), classes.task)
        if segmented
        else _labels_of_table(values, [row.where for row in rows], label, classes),
        groups=None if group_by is None else tuple(line.values[group_by] for line in lines),
        splits=splits or None,
        renamed=renamed,
    )


def _labels_of_table(
    values: list[list[str]],
    places: list[str],
    label: Sequence[str],
    classes: Classes,
) -> Labels:
    if len(label) == 1:
        return one_each([value for (value,) in values], places, classes)
    if classes.names is None:
        return several_each(values, places, label, classes.task)
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
