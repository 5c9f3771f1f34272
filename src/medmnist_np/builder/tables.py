"""Read tables as rows: files that list images, or patients, with their labels, groups and splits."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from medmnist_np import _files
from medmnist_np._optional import require
from medmnist_np.builder.folders import files_below, from_folder, may_be_image
from medmnist_np.builder.image_files import is_series, listed
from medmnist_np.builder.labels import (
    Ambiguous,
    Classes,
    Labels,
    Row,
    Source,
    given_splits,
    of_table,
    split_folders,
    text_of,
    unseen,
)
from medmnist_np.registry.records import standard_split

# Usual names of columns, in lower case without spaces, hyphens and underscores. The first that occurs is used.
_USUAL = {
    "image": (
        *("image", "filename", "imagefilename", "file", "path", "filepath", "imagepath", "imagefile", "imagename"),
        *("imageid", "imageindex", "isicid", "img", "imgname", "imgpath", "imgid", "idcode", "id"),
    ),
    "label": (
        *("label", "labels", "class", "classname", "dx", "diagnosis", "diagnostic", "target", "category"),
        *("findinglabels", "finding", "findings"),
    ),
    "group": ("patientid", "patient", "subjectid", "subject", "lesionid"),
    "split": ("split", "set", "subset", "partition", "phase", "fold"),
}
_INDEX = ("", "index", "unnamed:0")  # columns that pandas writes
_MASK = "mask"
_DELIMITERS = ",;\t|"
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_NAMED = 3  # examples in a message
NOT_FOUND = "there is no such file"


class _Line(NamedTuple):
    """A line of a table: its location, the folder of its paths, the name of that folder, and the values."""

    where: str
    folder: Path
    called: Path
    values: dict[str, str]


class _Columns(NamedTuple):
    """Columns with the images, the labels, the group and the split. ``chosen`` says which were recognised."""

    image: str | None
    labels: tuple[str, ...]
    group: str | None
    split: str | None
    masks: bool
    chosen: str


def tables_of_splits(folder: Path) -> list[Path]:
    """Find the tables ``<split>/metadata.csv`` of an exported set. If a split has subfolders, return none."""
    tables = [table for split in split_folders(folder).values() if (table := split / "metadata.csv").is_file()]
    return [] if any(path.is_dir() for table in tables for path in listed(table.parent)) else tables


def lists_images(table: Path) -> bool:
    """Return whether a table has columns of images and labels."""
    try:
        columns = _cells(table)[0]
    except (ValueError, ImportError):  # the folder has something else, or the user names the table
        return False
    return bool(_usual(columns, "label") and _usual(columns, "image"))


def from_tables(
    tables: Sequence[Path],
    folder: Path | None,
    *,
    image: str | None,
    label: Sequence[str],
    group_by: str | None,
    split_column: str | None,
    classes: Classes,
) -> Source:
    """Read the images listed in tables, one per line, in the order of the lines.

    A table that lists patients instead of images is joined to the images below the folder.

    Parameters
    ----------
    tables : sequence of Path
        CSV, TSV, Excel or Parquet files with the same columns and a header line.
    folder : Path, optional
        Folder that paths of images are relative to. None means the folder of each table, whose name is the split unless
        there is a column for it.
    image, label, group_by, split_column
        Columns, as given to :func:`~medmnist_np.builder.build`. None, or an empty ``label``, selects columns with usual
        names. An empty ``group_by`` means no groups.
    classes : Classes
        What the user states about the classes.
    """
    columns, lines, notes = _read(tables, folder)
    given = [name for name in (image, *label, group_by, split_column) if name]
    _files.require_columns(tables[0], given, columns)
    if columns and not lines:
        raise ValueError(f"{tables[0]} lists no images.")
    places = {place: _Folder(place) for place in dict.fromkeys(line.folder for line in lines)}
    used = _chosen(tables[0], lines, columns, places, image, label, group_by, split_column)
    if used.chosen:
        notes.append(used.chosen)
    if used.image is None:
        (place,) = places.values()
        return _joined(tables[0], lines, used, place, classes, notes)
    rows, kept, alone = [], [], []
    for line in lines:
        found: dict[str, Path] = {}
        for column in (used.image, _MASK) if used.masks else (used.image,):
            value = line.values[column]
            if not value:
                raise ValueError(f"{line.where} has no value in the column {column!r}.")
            if (file := places[line.folder].find(value, line.where)) is None:
                alone.append((f"{line.where} ({value})", NOT_FOUND))
                break
            found[column] = file
        else:
            value = line.values[used.image]
            mask = (found[_MASK], None) if used.masks else None
            rows.append(Row(found[used.image], None, f"{line.where} ({value})", (line.called / value).as_posix(), mask))
            kept.append(line)
    if not kept:
        names = ", ".join(line.values[used.image] for line in lines[:_NAMED])
        raise ValueError(
            f"None of the {len(lines)} images in the column {used.image!r} of {tables[0]} were found below "
            f"{lines[0].folder}: {names}. Name the column with image=, or the folder of the images as source with "
            f"labels={str(tables[0])!r}."
        )
    if used.masks:
        labels = unseen(len(kept), classes.task)
    elif used.labels:
        labels = _labels(kept, rows, used, classes, notes)
    else:
        labels = _labels_of_folders(rows, lines[0].folder, classes)
        notes.append("The labels are the names of the class folders.")
    return _source(kept, rows, labels, used, notes, alone, sum(place.n_others(rows) for place in places.values()))


def _source(
    lines: Sequence[_Line],
    rows: Sequence[Row],
    labels: Labels,
    used: _Columns,
    notes: Sequence[str],
    alone: Sequence[tuple[str, str]] = (),
    n_unlisted: int = 0,
) -> Source:
    splits, renamed = given_splits(line.values[used.split] for line in lines if used.split)
    if n_unlisted:
        notes = [*notes, f"Left out, since the table does not list them: {n_unlisted} of the images in the folder."]
    source = Source(
        tuple(rows),
        labels,
        splits=splits or None,
        alone=tuple(alone),
        renamed=renamed,
        notes=tuple(notes),
        n_unlisted=n_unlisted,
        layout="a table of images",
    )
    if used.group is None:
        return source
    try:
        return replace(source, groups=tuple(line.values[used.group] for line in lines), group=used.group)
    except ValueError as error:
        raise ValueError(f"{error} To ignore the column {used.group!r}, use group_by=''.") from error


def _labels(lines: Sequence[_Line], rows: Sequence[Row], used: _Columns, classes: Classes, notes: list[str]) -> Labels:
    values = [[line.values[name] for name in used.labels] for line in lines]
    labels, note = of_table(values, [row.where for row in rows], used.labels, classes)
    notes += [note] if note else []
    return labels


# Columns


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _usual(columns: Sequence[str], role: str) -> list[str]:
    return [name for usual in _USUAL[role] for name in columns if _folded(name) == usual]


def _chosen(
    table: Path,
    lines: Sequence[_Line],
    columns: Sequence[str],
    places: Mapping[Path, _Folder],
    image: str | None,
    label: Sequence[str],
    group_by: str | None,
    split: str | None,
) -> _Columns:
    """Choose the columns that the user names, else those with usual names."""

    def are_images(name: str) -> bool:
        found = (places[line.folder].find(line.values[name], line.where) for line in lines if line.values[name])
        return any(path is not None and (name != group or path.is_file() or is_series(path)) for path in found)

    group = next(iter(_usual(columns, "group")), None) if group_by is None else group_by or None
    if image is None:
        # Each patient may have one image. A table without labels lists patients.
        labelled = bool(label or _usual(columns, "label"))
        usual = [name for name in _usual(columns, "image") if labelled or name != group]
        named = (name for name in usual if group is None or _folded(name) != "id")
        image = next(filter(are_images, [*usual, *([group] if group and labelled else [])]), next(named, None))
    if split is None and lines and "split" in lines[0].values:
        split = "split"
    elif split is None:
        texts = (name for name in _usual(columns, "split") if all(standard_split(line.values[name]) for line in lines))
        split = next(texts, None)
    labels, masks = tuple(label), False
    if image is None and group is None:
        raise ValueError(
            f"{table} has no column 'image'. Name the column of the image files with image=. Available: "
            f"{', '.join(columns) or 'none'}."
        )
    if not labels:
        labels = tuple(_usual(columns, "label"))
        masks = not labels and image is not None and _MASK in columns
        if not (labels or masks or image is None):
            others = (image, group, split, *_usual(columns, "image"), *_usual(columns, "group"))
            labels = tuple(name for name in columns if name not in others and _folded(name) not in _INDEX)
            if len(labels) > 1 and all(_is_binary(line.values[name]) for line in lines for name in labels):
                return _Columns(image, labels, group, split, masks, _choice(image, labels, group, split))
        if len(labels) > 1 and _folded(labels[0]) != "label":
            raise Ambiguous(
                f"{table} has several columns that may hold the label: {', '.join(labels)}. Choose with "
                f"label={labels[0]!r}.",
                *({"label": name} for name in labels),
            )
        if not (labels or masks or image is None or group):
            raise ValueError(f"{table} has no column with labels. Available: {', '.join(columns)}.")
        labels = labels[:1]
    return _Columns(image, labels, group, split, masks, _choice(image, labels, group, split))


def _choice(image: str | None, labels: Sequence[str], group: str | None, split: str | None) -> str:
    """State which columns were read, unless all have the names in the documentation."""
    several = (
        f"{len(labels)} columns ({', '.join(labels[:_NAMED])}, ...)" if len(labels) > _NAMED else ", ".join(labels)
    )
    read = {"images": image, "labels": several, "groups": group, "splits": split}
    plain = {"image", "file_name", "label", "split", "", None}
    if set(read.values()) <= plain:
        return ""
    return f"Columns: {'; '.join(f'{what} from {name}' for what, name in read.items() if name)}."


def _is_binary(value: str) -> bool:
    return value.lower() in ("0", "1", "0.0", "1.0", "true", "false")


# Files


class _Folder:
    """All files below a folder, to find those that a table names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = list(files_below(folder))
        self.named: dict[str, list[Path]] = {}
        self.stems: dict[str, list[Path]] = {}
        for path in self.files:
            name = path.name.casefold()
            self.named.setdefault(name, []).append(path)
            stem = name.removesuffix(".gz").rpartition(".")[0]
            self.stems.setdefault(stem, []).append(path)

    def find(self, value: str, where: str) -> Path | None:
        """Find a file by its path, by the last parts of its path, or by its name with or without the extension."""
        for text in (value, value.replace("\\", "/")):
            with suppress(OSError):  # a text that is too long for a path
                if (path := self.folder / text).exists():
                    return path
        parts = [part.casefold() for part in re.split(r"[\\/]+", value) if part not in ("", ".", "..")]
        best, found = 0, list[Path]()
        name = parts[-1] if parts else ""
        for path in self.named.get(name) or self.stems.get(name) or []:
            own = [part.casefold() for part in path.relative_to(self.folder).parts]
            n_same = 1  # the file names are equal
            while n_same < min(len(parts), len(own)) and parts[-1 - n_same] == own[-1 - n_same]:
                n_same += 1
            # The same file name in a different folder of the same depth is a different image.
            if n_same == min(len(parts), len(own)) and n_same >= best:
                best, found = n_same, [*(found if n_same == best else ()), path]
        if len(found) > 1:
            raise ValueError(f"{where} ({value}) may be {found[0]} or {found[1]}. Write the folder too in the table.")
        return found[0] if found else None

    def n_others(self, rows: Sequence[Row]) -> int:
        """Count the images that are not in any row."""
        used = {file.absolute() for row in rows for file in (row.file, *(row.mask or ())[:1])}
        folders = {path for path in used if path.is_dir()}
        others = (path for path in self.files if path.absolute() not in used)
        if folders:
            others = (path for path in others if folders.isdisjoint(path.absolute().parents))
        return sum(map(may_be_image, others))


# Tables of patients


def _joined(
    table: Path, lines: Sequence[_Line], used: _Columns, place: _Folder, classes: Classes, notes: list[str]
) -> Source:
    """Join a table of patients to the images below a folder. Without labels in the table, use class folders."""
    group = used.group or ""
    line_of: dict[str, _Line] = {}
    needed = (*used.labels, *([used.split] if used.split else []))
    for line in lines:
        other = line_of.setdefault(line.values[group], line)
        if any(other.values[name] != line.values[name] for name in needed):
            raise ValueError(f"{line.where} and {other.where} state different values for the same {group}.")
    if used.labels:
        rows = [Row.below(place.folder, path) for path in place.files if may_be_image(path)]
        source = Source(tuple(rows), unseen(len(rows), None))
    else:
        source = _class_folders(place.folder, classes)
        rows = list(source.rows)
    how, keys = _keys_of(table, rows, place.folder, line_of, group)
    joined = [line_of[key] for key in keys]
    notes = [*source.notes, *notes, f"Images were joined to the table by {group}, which is {how}."]
    if without := len(line_of.keys() - set(keys)):
        notes.append(f"Values of {group} without images: {without}.")
    labels = _labels(joined, rows, used, classes, notes) if used.labels else source.labels
    found = _source(joined, rows, labels, used, notes, source.alone)
    return found if used.split else replace(found, splits=source.splits, renamed=source.renamed)


def _class_folders(folder: Path, classes: Classes) -> Source:
    try:
        return from_folder(folder, classes)
    except Ambiguous:  # folders of patients in class folders
        return from_folder(folder, classes, group_by_folder=True)


def _labels_of_folders(rows: Sequence[Row], folder: Path, classes: Classes) -> Labels:
    """Return the names of the class folders as labels of the images that a table lists without labels."""
    source = _class_folders(folder, classes)
    number_of = {row.file.absolute(): number for number, row in enumerate(source.rows)}
    for row in rows:
        if row.file.absolute() not in number_of:
            raise ValueError(f"{row.where} is not in a class folder, and the table has no column with labels.")
    return replace(source.labels, table=source.labels.table[[number_of[row.file.absolute()] for row in rows]])


def _keys_of(
    table: Path, rows: Sequence[Row], folder: Path, line_of: Mapping[str, _Line], group: str
) -> tuple[str, list[str]]:
    """Return which part of the paths names the patient, and the patient of each image."""
    fewest: list[Row] | None = None
    for how, candidates in _PLACES.items():
        found = [[key for key in candidates(row.file.relative_to(folder)) if key in line_of] for row in rows]
        unfit = [row for row, keys in zip(rows, found, strict=True) if len(set(keys)) != 1]
        if rows and not unfit:
            return how, [keys[0] for keys in found]
        fewest = unfit if fewest is None or len(unfit) < len(fewest) else fewest
    names = ", ".join(row.id for row in (fewest or ())[:_NAMED])
    raise ValueError(
        f"{table} has no column with images, and {len(fewest or ())} of {len(rows)} images below {folder} do not "
        f"belong to exactly one value of {group}: {names}. Name their folders or files after it, or name the column of "
        "the images with image=."
    )


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rpartition(".")[0] or path.name


def _starts(path: Path) -> list[str]:
    stem = _stem(path)
    return [stem[:end] for end in range(1, len(stem)) if not stem[end].isalnum()]


_PLACES: dict[str, Any] = {
    "the name of a folder": lambda path: path.parts[:-1],
    "the name of the file": lambda path: [_stem(path)],
    "the start of the file name": _starts,
}


# Reading


def _read(tables: Sequence[Path], folder: Path | None) -> tuple[list[str], list[_Line], list[str]]:
    """Return the columns, the lines of all tables, and notes."""
    columns: list[str] = []
    lines: list[_Line] = []
    notes: list[str] = []
    for table in tables:
        names, cells, more = _cells(table)
        if table != tables[0] and names != columns:
            raise ValueError(f"{table} has the columns {', '.join(names)}, but {tables[0]} has {', '.join(columns)}.")
        columns, notes = names, [*notes, *more]
        if twice := next((name for name in names if name and names.count(name) > 1), None):
            raise ValueError(f"{table} has two columns {twice!r}. Rename one of them.")
        split = table.parent.name
        place, called, given = (table.parent, Path(split), {"split": split}) if folder is None else (folder, Path(), {})
        for number, row in cells:
            where = f"{table}, line {number}"
            values = [value.strip() for value in row]
            if not any(values):
                continue  # spreadsheets write empty rows as lines of delimiters
            if len(values) < len(names) or any(values[len(names) :]):
                raise ValueError(f"{where} must have {len(names)} values.")
            lines.append(_Line(where, place, called, {**given, **dict(zip(names, values, strict=False))}))
    return columns, lines, notes


def _cells(table: Path) -> tuple[list[str], list[tuple[int, list[str]]], list[str]]:
    """Return the columns of a table, its lines with their numbers, and notes."""
    suffix = table.suffix.lower()
    if suffix in (".xlsx", ".xls", ".parquet"):
        rows, notes = _read_pandas(table, suffix)
    else:
        text, notes = _text_of(table)
        try:
            rows = list(_lines(text, _delimiter(text)))
        except csv.Error as error:
            raise ValueError(f"{table} is not a CSV file: {error}.") from error
    if not rows:
        return [], [], notes
    return [name.strip() for name in rows[0][1]], rows[1:], notes


def _text_of(table: Path) -> tuple[str, list[str]]:
    with open(table, "rb", opener=_files.regular_only) as stream:
        data = stream.read()
    encoding = next((name for bom, name in _BOMS.items() if data.startswith(bom)), "utf-8")
    try:
        return data.decode(encoding), []
    except UnicodeDecodeError as error:
        if encoding == "utf-8" and b"\0" not in data:
            with suppress(UnicodeDecodeError):
                note = f"{table.name} is not in UTF-8 and was read as Windows-1252 (Latin-1). Check the class names."
                return data.decode("cp1252"), [note]
        raise ValueError(f"{table} is not a table in UTF-8 or Windows-1252: {error}. Save it as UTF-8.") from error


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    yield from ((reader.line_num, row) for row in reader if row)


def _delimiter(text: str) -> str:
    """Return the delimiter that gives each line as many values as the header, else the one with most columns."""

    def fit(delimiter: str) -> tuple[bool, int]:
        n_columns = 0
        try:
            for _, row in _lines(text, delimiter):
                n_columns = n_columns or len(row)
                if len(row) < n_columns or any(row[n_columns:]):
                    return False, n_columns
        except csv.Error:
            return False, n_columns
        return n_columns > 1, n_columns

    return max(_DELIMITERS, key=fit)  # of equal ones, the first


def _read_pandas(table: Path, suffix: str) -> tuple[list[tuple[int, list[str]]], list[str]]:
    pandas = require("pandas")
    notes = []
    try:
        if suffix == ".parquet":
            frame = pandas.read_parquet(table)
            rows = [list(map(str, frame.columns)), *frame.astype(object).to_numpy().tolist()]
        else:
            with pandas.ExcelFile(table) as book:
                if len(book.sheet_names) > 1:
                    notes.append(f"{table.name} has {len(book.sheet_names)} sheets, of which the first was read.")
                sheet = pandas.read_excel(book, sheet_name=0, header=None, dtype=object, na_filter=False)
                rows = sheet.to_numpy().tolist()
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{table}: {error} Install it with pip install 'medmnist-np[tables]', or save the table as CSV."
        ) from error
    return [(number, [text_of(value) for value in row]) for number, row in enumerate(rows, 1)], notes
