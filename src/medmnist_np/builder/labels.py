"""Convert labels from text or masks to arrays, and describe the rows that a set is built from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from medmnist_np._groups import is_missing
from medmnist_np.builder.image_files import listed
from medmnist_np.errors import short
from medmnist_np.registry.records import TASKS, Task, standard_split

_MULTI_LABEL: Task = "multi-label, binary-class"
SEGMENTATION: Task = "segmentation"

# Labels are stored as uint8.
_MOST_CLASSES = 256

# Text forms of None and of the missing values of NumPy and pandas.
_MISSING = {"None", "nan", "NaT", "<NA>"}

# Zeros and ones as spreadsheets and pandas write them.
_FLAGS = {"0.0": "0", "1.0": "1", "false": "0", "true": "1"}

# The label of an image without findings in the tables of NIH.
_NO_FINDING = "no finding"


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of all samples.

    Attributes
    ----------
    table : (n, 1) or (n, l) uint8
        Class numbers, or zeros and ones for several findings.
    class_names : tuple of str
        Name of class 0, 1, ..., or of each column.
    task : str
        The task, as in a record.
    """

    table: NDArray[np.uint8]
    class_names: tuple[str, ...]
    task: Task

    def of_class(self, number: int) -> NDArray[np.bool_]:
        """Return whether each sample belongs to a class, or has a finding: ``(n,)`` bool."""
        member: NDArray[np.bool_]
        member = self.table[:, number] == 1 if self.table.shape[1] > 1 else self.table[:, 0] == number
        return member


@dataclass(frozen=True, slots=True)
class Classes:
    """What the user states about the classes.

    Attributes
    ----------
    names : sequence of str, optional
        Class names in the order of their numbers. None means the sorted names that occur, or the numbers.
    task : str, optional
        ``"binary-class"``, ``"multi-class"`` or ``"ordinal-regression"``. None chooses by the number of classes.
    first : int
        Number of the first class.
    """

    names: Sequence[str] | None = None
    task: str | None = None
    first: int = 0


def one_each(values: Sequence[str], where: Sequence[str], classes: Classes) -> Labels:
    """Convert labels of samples that have one label each.

    Parameters
    ----------
    values : (n,) sequence of str
        Class names, or class numbers from 0.
    where : (n,) sequence of str
        Location of each sample, for error messages.
    classes : Classes
        What the user states about them.

    Raises
    ------
    ValueError
        If a label is missing or is not one of the classes, there is only one class or there are more than 256, or the
        task does not fit.
    """
    occurring = set(values)
    if "" in occurring:
        raise ValueError(f"{where[list(values).index('')]} has no label.")
    numbered = all(value.isascii() and value.isdecimal() for value in occurring)
    if classes.names is not None:
        names = tuple(map(str, classes.names))
        by_name = occurring <= set(names) or not numbered
        number_of = {name if by_name else str(classes.first + number): number for number, name in enumerate(names)}
    elif numbered:
        if classes.first == 0 and "0" not in occurring and "1" in occurring:
            raise ValueError(
                f"No sample has the label 0, and {where[list(values).index('1')]} has 1. If the classes are numbered "
                "from 1, use first_label=1. Otherwise name all classes with class_names=."
            )
        names = tuple(map(str, range(classes.first, max(map(int, occurring)) + 1)))
        number_of = {name: number for number, name in enumerate(names)}
        if missing := [name for name in names if name not in occurring]:
            raise ValueError(
                f"The labels are numbers up to {names[-1]}, but no sample has {', '.join(missing[:10])}. If this is "
                "intended, name all classes with class_names=."
            )
    else:
        _check_not_negative(occurring, values, where)
        names = tuple(sorted(occurring))
        number_of = {name: number for number, name in enumerate(names)}
    for value, place in zip(values, where, strict=True):
        if value not in number_of:
            raise ValueError(
                f"{place} has the label {short(value)}, which is not one of {', '.join(map(repr, number_of))}."
            )
    _check_names(names)
    _check_n_classes(names)
    chosen = checked_task(classes.task, "binary-class" if len(names) == 2 else "multi-class")
    if chosen in (_MULTI_LABEL, SEGMENTATION) or (chosen == "binary-class" and len(names) != 2):
        raise ValueError(f"The task {short(chosen)} does not fit samples with one of {len(names)} classes each.")
    return Labels(np.array([[number_of[value]] for value in values], dtype=np.uint8), names, chosen)


def several_each(
    rows: Sequence[Sequence[str]], where: Sequence[str], class_names: Sequence[str], task: str | None
) -> Labels:
    """Convert labels of samples that may have several findings, or none.

    Parameters
    ----------
    rows : (n,) sequence of (l,) sequences of str
        ``"0"`` or ``"1"`` for each finding.
    where : (n,) sequence of str
        Location of each sample, for error messages.
    class_names : (l,) sequence of str
        Names of the findings.
    task : str, optional
        Only ``"multi-label, binary-class"`` fits.

    Raises
    ------
    ValueError
        If a value is neither 0 nor 1, or the task does not fit.
    """
    if checked_task(task, _MULTI_LABEL) != _MULTI_LABEL:
        raise ValueError(f"The task {short(task)} does not fit several columns of labels. Use {_MULTI_LABEL!r}.")
    _check_names(class_names)
    for row, place in zip(rows, where, strict=True):
        for value, name in zip(row, class_names, strict=True):
            if value not in ("0", "1"):
                raise ValueError(
                    f"{place} has {short(value)} for {name!r}. With several label columns, each value must be 0 or 1."
                )
    return Labels(np.array(rows, dtype=np.uint8).reshape(len(rows), -1), tuple(class_names), _MULTI_LABEL)


def of_table(
    rows: Sequence[Sequence[str]], where: Sequence[str], columns: Sequence[str], classes: Classes
) -> tuple[Labels, str]:
    """Convert the label columns of a table. Also return a note on how they were read, or an empty string.

    Parameters
    ----------
    rows : (n,) sequence of (l,) sequences of str
        Values of the columns. A single column has the class, or findings such as ``Edema|Mass``. Several columns have
        0 or 1, also written ``0.0`` or ``False``. If each row has exactly one 1, the columns are classes.
    where : (n,) sequence of str
        Location of each sample, for error messages.
    columns : (l,) sequence of str
        Names of the columns.
    classes : Classes
        What the user states about the classes.

    Raises
    ------
    ValueError
        As in :func:`one_each` and :func:`several_each`.
    """
    task = None if classes.task is None else checked_task(classes.task, _MULTI_LABEL)
    if len(columns) == 1:
        texts = _whole([value for (value,) in rows])
        if any("|" in text for text in texts) and task in (None, _MULTI_LABEL):
            return _of_findings(texts, where, classes)
        return one_each(texts, where, classes), ""
    if classes.names is not None:
        raise ValueError("With several columns of labels, the columns name the classes. Leave out class_names=.")
    flags = [[_FLAGS.get(value.lower(), value) for value in row] for row in rows]
    if task == _MULTI_LABEL or any(sorted(row) != ["0"] * (len(columns) - 1) + ["1"] for row in flags):
        return several_each(flags, where, columns, classes.task), ""
    note = f"Each image has a 1 in exactly one of the columns {', '.join(columns)}, so these are the classes."
    return one_each([columns[row.index("1")] for row in flags], where, replace(classes, names=columns)), note


def _whole(values: list[str]) -> list[str]:
    """Return numbers such as ``1.0`` as ``1``, if all values are such numbers."""
    if all(re.fullmatch(r"-?[0-9]+(\.0*)?", value) for value in values):
        return [value.partition(".")[0] for value in values]
    return values


def _of_findings(texts: Sequence[str], where: Sequence[str], classes: Classes) -> tuple[Labels, str]:
    found = []
    for text, place in zip(texts, where, strict=True):
        parts = [part.strip() for part in text.split("|")]
        if "" in parts:
            raise ValueError(f"{place} has {'an empty finding' if text else 'no label'}.")
        none = [part for part in parts if part.lower() == _NO_FINDING]
        if none and len(parts) > 1:
            raise ValueError(f"{place} has the label {short(text)}, which states findings and {none[0]!r}.")
        found.append([] if none else parts)
    occurring = sorted({part for parts in found for part in parts})
    names = tuple(map(str, occurring if classes.names is None else classes.names))
    for parts, place in zip(found, where, strict=True):
        if unknown := [part for part in parts if part not in names]:
            raise ValueError(f"{place} has the finding {short(unknown[0])}, which is not one of {', '.join(names)}.")
    note = f"Labels such as {next(text for text in texts if '|' in text)} are {len(names)} findings."
    table = [["1" if name in parts else "0" for name in names] for parts in found]
    return several_each(table, where, names, classes.task), note


def of_array(labels: npt.ArrayLike, where: Sequence[str], classes: Classes) -> Labels:
    """Convert labels ``(n,)`` or ``(n, l)``: integers, whole floats, booleans or strings, without missing values.

    The categories of pandas are the class names, in their order.
    """
    array = np.asarray(labels)
    if (
        classes.names is None
        and (categories := getattr(getattr(labels, "dtype", None), "categories", None)) is not None
    ):
        classes = replace(classes, names=list(map(str, categories)))
    if array.ndim not in (1, 2) or len(array) != len(where):
        raise _unfit(array, len(where))
    rows = [row if array.ndim == 2 else [row] for row in values_of(labels)]
    texts = [[text_of(value) for value in row] for row in rows]
    for row, place in zip(texts, where, strict=True):
        if "" in row:
            raise ValueError(f"{place} has no label.")
    if array.dtype.kind not in "biufUOS" or (array.dtype.kind == "f" and (array % 1).any()):
        raise _unfit(array, len(where))
    if array.dtype.kind in "bf":
        texts = [[str(int(value)) for value in row] for row in rows]
    width = array.shape[1] if array.ndim == 2 else 1
    if width == 1:
        return one_each([text for (text,) in texts], where, classes)
    names = tuple(map(str, range(width) if classes.names is None else classes.names))
    if len(names) != width:
        raise ValueError(f"class_names= has {len(names)} names, but the labels have {width} columns.")
    return several_each(texts, where, names, classes.task)


def unseen(n: int, task: str | None) -> Labels:
    """Return placeholder labels for masks that have not been read yet.

    Raises
    ------
    ValueError
        If the task does not fit masks.
    """
    if checked_task(task, SEGMENTATION) != SEGMENTATION:
        raise ValueError(f"The task {short(task)} does not fit masks. Use {SEGMENTATION!r}.")
    return Labels(np.zeros((n, 1), dtype=np.uint8), (), SEGMENTATION)


def of_masks(
    present: Sequence[Sequence[int]], where: Sequence[str], class_names: Sequence[str] | None
) -> tuple[Labels, bool]:
    """Assign classes to the values of masks.

    Parameters
    ----------
    present : (n,) sequence of sequences of int
        Values that occur in each mask.
    where : (n,) sequence of str
        Location of each image, for error messages.
    class_names : sequence of str, optional
        Class names in the order of their numbers, the background first. None means background and foreground, or
        background and the numbers if there are more than two classes.

    Returns
    -------
    (Labels, bool)
        Which classes occur in each mask, ``(n, classes)`` zeros and ones. Then whether 255 means class 1: this is so
        if 0 and 255 are the only values.

    Raises
    ------
    ValueError
        If a value has no class name. Without class names: if a number below the highest does not occur.
    """
    first: dict[int, str] = {}
    for values, place in zip(present, where, strict=True):
        for value in values:
            first.setdefault(value, place)
    two_names = class_names is None or len(class_names) == 2
    scaled = two_names and 255 in first and set(first) <= {0, 255}
    numbers = {0, 1} if scaled else set(first)
    names = _names_of(numbers, class_names)
    for number in sorted(numbers - set(range(len(names)))):
        raise ValueError(
            f"The mask of {first[number]} has the value {number}, but the {len(names)} classes are numbered 0 to "
            f"{len(names) - 1}. Name all classes with class_names=, or change the value."
        )
    _check_names(names)
    _check_n_classes(names)
    table = np.zeros((len(present), len(names)), dtype=np.uint8)
    for row, values in zip(table, present, strict=True):
        row[[min(value, 1) if scaled else value for value in values]] = 1
    return Labels(table, names, SEGMENTATION), scaled


def _names_of(numbers: set[int], class_names: Sequence[str] | None) -> tuple[str, ...]:
    if class_names is not None:
        return tuple(map(str, class_names))
    highest = max(numbers)
    if highest == 0:
        raise ValueError(
            "No mask has a labelled pixel: all values are 0. If this is intended, name all classes with class_names=."
        )
    if missing := [str(number) for number in range(1, highest) if number not in numbers]:
        raise ValueError(
            f"The masks have the values {', '.join(map(str, sorted(numbers)))}, but no mask has "
            f"{', '.join(missing[:10])}{', ...' if len(missing) > 10 else ''}. Name all classes with class_names=, or "
            "change the values. The value 255 often marks ignored pixels, which are not supported."
        )
    return ("background", "foreground") if highest == 1 else ("background", *map(str, range(1, highest + 1)))


def values_of(values: npt.ArrayLike) -> list[Any]:
    """Return the elements unchanged, but masked ones as None. NumPy would convert None and NaN beside text to text."""
    if not isinstance(values, np.ma.MaskedArray):
        values = np.asarray(values, dtype=object)
    elements: list[Any] = values.tolist()
    return elements


def text_of(value: Any) -> str:
    """Return a value as text, empty if it is missing: None, NaN, or a missing value of pandas. Bytes are UTF-8."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    # NumPy turns a NaN among strings into "nan". "None" as a string may be the name of a class.
    missing = text == "nan" if isinstance(value, str) else text in _MISSING
    return "" if missing else text


def _unfit(labels: NDArray[Any], n: int) -> ValueError:
    return ValueError(
        f"The labels have dtype {labels.dtype} and shape {labels.shape}. Expected integers or strings of shape "
        f"({n},) or ({n}, l)."
    )


def _check_not_negative(occurring: set[str], values: Sequence[str], where: Sequence[str]) -> None:
    """Refuse negative numbers. Otherwise they would become class names."""
    digits = [value.removeprefix("-") for value in occurring]
    if all(text.isascii() and text.isdecimal() for text in digits):
        first = next(number for number, value in enumerate(values) if value.startswith("-"))
        raise ValueError(
            f"{where[first]} has the label {values[first]}, but classes are numbered from 0. Change the labels, or "
            "name all classes with class_names=."
        )


def _check_n_classes(names: Sequence[str]) -> None:
    if not 2 <= len(names) <= _MOST_CLASSES:
        found = f"There are {len(names)} classes ({', '.join(names[:3])}, ...)"
        if len(names) < 2:
            found = f"There is only one class ({', '.join(names)})"
        raise ValueError(f"{found}. Use 2 to {_MOST_CLASSES}.")


def _check_names(names: Sequence[str]) -> None:
    if "" in names or len(set(names)) < len(names):
        raise ValueError(f"Class names must be unique and not empty: {', '.join(map(repr, names))}.")
    for name in names:
        if not name.isprintable():  # such as the bytes of a file name that is not UTF-8
            raise ValueError(f"The class name {name!r} has characters that cannot be printed.")


def checked_task(task: str | None, otherwise: Task) -> Task:
    """Return the full name of a task, or ``otherwise`` if it is None."""
    for known in TASKS:
        if task in (known, known.partition(",")[0]):
            return known
    if task is not None:
        raise ValueError(f"Unknown task {short(task)}. Available: {', '.join(map(repr, TASKS))}.")
    return otherwise


SPLITS = ("train", "val", "test")


def split_folders(folder: Path) -> dict[str, Path]:
    """Find the subfolders that are named after splits, in the order of the splits.

    Raises
    ------
    ValueError
        If two subfolders name the same split.
    """
    found: dict[str, Path] = {}
    for path in listed(folder):
        split = standard_split(path.name)
        if split is not None and path.is_dir() and (other := found.setdefault(split, path)) is not path:
            raise ValueError(
                f"{folder} has the folders {other.name} and {path.name}, which both name the split {split}. Merge "
                "them, or list the images in a CSV file."
            )
    return {split: found[split] for split in SPLITS if split in found}


def given_splits(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the standard split of each name, and the names that were replaced. Keep unknown names unchanged."""
    names = tuple(names)
    splits = tuple(standard_split(name) or name for name in names)
    return splits, tuple(sorted({(name, split) for name, split in zip(names, splits, strict=True) if name != split}))


class Ambiguous(ValueError):
    """A source that can be read in several ways.

    Each of ``readings`` has arguments of :func:`~medmnist_np.builder.build` that select one of them.
    """

    def __init__(self, message: str, *readings: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.readings = readings


@dataclass(frozen=True, slots=True)
class Row:
    """One image: its file (a volume may be a folder) and, if the file holds several images, its index.

    ``where`` is the location of the row for error messages. ``id`` is the user's name for the image. ``mask`` is the
    file of its mask and the index in this file, if it has a mask.
    """

    file: Path
    index: int | None
    where: str
    id: str
    mask: tuple[Path, int | None] | None = None

    @classmethod
    def below(cls, folder: Path, file: Path, mask: Path | None = None) -> Row:
        """Return the row of a file in a folder. Its id is the relative path."""
        return cls(file, None, str(file), file.relative_to(folder).as_posix(), None if mask is None else (mask, None))


@dataclass(frozen=True, slots=True)
class Source:
    """All rows, with their labels, groups and splits.

    ``groups`` and ``splits`` are None if they are not given. ``renamed`` lists other names that the source uses for
    splits, each with the standard name. ``alone`` lists files that belong to no sample, each with the reason: for
    example images without a mask or outside the class folders. ``notes`` are sentences about what was recognised or
    ignored. ``n_unlisted`` counts the images of the folder that the table does not list. ``group`` is the word for a
    group in messages. ``layout`` describes the folder structure.
    """

    rows: tuple[Row, ...]
    labels: Labels
    groups: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None
    alone: tuple[tuple[str, str], ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    n_unlisted: int = 0
    group: str = "group"
    layout: str = ""

    def __post_init__(self) -> None:
        first: dict[tuple[Path, int | None], Row] = {}
        for row in self.rows:
            if (other := first.setdefault((row.file, row.index), row)) is not row:
                raise ValueError(f"{row.where} is the same image as {other.where}. List each image once.")
        for row, split in zip(self.rows, self.splits or (), strict=self.splits is not None):
            if split not in SPLITS:
                raise ValueError(f"{row.where} has the unknown split {split!r}. Available: {', '.join(SPLITS)}.")
        if self.groups is not None:
            self._check_groups(self.groups)

    def only(self, kept: Sequence[int]) -> Source:
        """Return the source with only some of its rows."""

        def some(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
            return None if values is None else tuple(values[number] for number in kept)

        return replace(
            self,
            rows=tuple(self.rows[number] for number in kept),
            labels=replace(self.labels, table=self.labels.table[kept]),
            groups=some(self.groups),
            splits=some(self.splits),
        )

    def _check_groups(self, groups: tuple[str, ...]) -> None:
        for row, group in zip(self.rows, groups, strict=True):
            if is_missing(group):
                value = f" (the value is {short(group)})" if group else ""
                raise ValueError(f"{row.where} has no group{value}. Give it a group, or remove it.")
        seen: dict[str, int] = {}
        for number, group in enumerate(groups) if self.splits is not None else ():
            other = seen.setdefault(group, number)
            if self.splits is not None and self.splits[other] != self.splits[number]:
                raise ValueError(
                    f"The group {short(group)} is in two splits: {self.splits[other]} ({self.rows[other].where}) and "
                    f"{self.splits[number]} ({self.rows[number].where}). Correct one of them, or remove the splits."
                )
