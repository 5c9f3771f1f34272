"""Read folders as rows: class folders, or folders of images and masks, with or without splits."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medmnist_np.builder import signatures
from medmnist_np.builder.image_files import is_series, junk_kind, listed
from medmnist_np.builder.labels import Ambiguous, Classes, Row, Source, given_splits, one_each, split_folders, unseen
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
        Sorted by split, then by path. A mask and its image have the same name, apart from the extension. None if there
        are no such folders.
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


def unwrapped(folder: Path) -> Path:
    """Return the folder that holds the data. Skip outer folders that contain only one folder.

    The inner folder must contain folders or tables, and must not be named after a split.
    """
    while len(inside := listed(folder)) == 1 and inside[0].is_dir() and not tables_in(folder):
        (inner,) = inside
        if standard_split(inner.name) is not None or not (tables_in(inner) or any(map(Path.is_dir, listed(inner)))):
            break
        folder = inner
    return folder


def tables_in(folder: Path) -> list[Path]:
    """List the tables that are directly in a folder."""
    return sorted(path for path in folder.iterdir() if junk_kind(path.name) == "tables" and path.is_file())


def chosen_table(folder: Path, *, wanted: bool, lists_images: Callable[[Path], bool]) -> Path | None:
    """Return the table in a folder of images without class folders, or None if there is no table to read.

    Parameters
    ----------
    folder : Path
        The folder of images.
    wanted : bool
        Whether other arguments, such as a column, need a table.
    lists_images : callable
        Whether a table has columns of images and labels.

    Raises
    ------
    Ambiguous
        If there are several tables, or a table of images beside class folders.
    """
    tables = tables_in(folder)
    classes = not wanted and len(_entries(folder).classes) > 1
    if classes:
        tables = [table for table in tables if lists_images(table)]
    if len(tables) > (0 if classes else 1):
        every = [*(str(table) for table in tables), *(["folders"] if classes else [])]
        kinds = "class folders and a table of images" if classes else "several tables"
        names = ", ".join(table.name for table in tables)
        also = ", or labels='folders' to use the names of the folders as classes" if classes else ""
        raise Ambiguous(
            f"{folder} has {kinds} ({names}). Give the table to read with labels={str(tables[0])!r}{also}.",
            *({"labels": one} for one in every),
        )
    return tables[0] if tables else None


def split_by_folders(source: Source, folder: Path) -> Source:
    """Take the splits from the folders of the images, if the table has no splits and all are in such folders."""
    if source.splits is not None or len(named := split_folders(folder)) < 2:
        return source
    split_of = {path: split for split, path in named.items()}
    splits = [next((split_of[place] for place in row.file.parents if place in split_of), "") for row in source.rows]
    if "" in splits or len(set(splits)) < 2:
        return source
    used = ", ".join(path.name for path in split_of)
    return replace(source, splits=tuple(splits), notes=(*source.notes, f"The splits are those of the folders {used}."))


def notes_of(folder: Path, source: Source, table: Path | None = None) -> tuple[str, ...]:
    """Describe what else is in the folder of a source: ignored files by kind, and links to places outside it."""
    counts: dict[str, list[str]] = {}
    for place, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            if (kind := junk_kind(name)) and Path(place, name) != table:
                counts.setdefault(kind, []).append(name)
        folders[:] = [name for name in folders if not junk_kind(name)]
    root, notes = folder.resolve(), []
    if counts:
        notes.append(f"Ignored: {', '.join(_counted(kind, names) for kind, names in sorted(counts.items()))}.")
    places = {place: place.resolve() for place in {row.file.parent for row in source.rows}}
    n_outside = sum(
        not (row.file.resolve() if row.file.is_symlink() else places[row.file.parent]).is_relative_to(root)
        for row in source.rows
    )
    if n_outside:
        notes.append(f"{n_outside} images are outside {folder}, where links or the table lead.")
    return tuple(notes)


def _counted(kind: str, names: Sequence[str]) -> str:
    """Return how many files of a kind there are, with some of their names."""
    if kind == names[0]:
        return f"{len(names)} {kind}"
    distinct = sorted(set(names))
    more = ", ..." if len(distinct) > 3 else ""
    return f"{len(names)} {kind if len(names) > 1 else kind[:-1]} ({', '.join(distinct[:3])}{more})"


@dataclass(frozen=True, slots=True)
class _Entries:
    """What is in class folders: the split (or an empty string), the class and the path of each file or folder.

    ``loose`` are files above class folders.
    """

    layout: str
    found: tuple[tuple[str, str, Path], ...]
    loose: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> list[str]:
        return sorted({label for _, label, _ in self.found})


def _entries(folder: Path) -> _Entries:
    """List ``<class>/<file>``, ``<split>/<class>/<file>`` or ``<class>/<split>/<file>``."""
    inside, notes = _without_copy(folder, [path for path in listed(folder) if path.is_dir()])
    empty = [path for path in inside if standard_split(path.name) is None and not any(files_below(path))]
    if empty:
        notes.append(f"Ignored: folders without images ({', '.join(path.name for path in empty)}).")
        inside = [path for path in inside if path not in empty]
    splits = split_folders(folder)
    given = 0 < len(splits) == len(inside)
    # A folder name of two letters may be a class.
    divided = [path for path in splits.values() if len(path.name) > 2 and any(map(Path.is_dir, listed(path)))]
    if divided and not given:
        others = ", ".join(path.name for path in inside if path not in splits.values())
        raise ValueError(
            f"{folder} has folders of splits ({', '.join(path.name for path in divided)}) and other folders "
            f"({others}). Move the other folders away, or list the images in a table and give it with labels=."
        )
    lower = {path: [part for part in listed(path) if part.is_dir()] for path in inside}
    crossed = not splits and len(inside) > 1 and all(map(_are_splits, lower.values()))
    every = [
        (part.name, path.name, file) if crossed else (path.name, part.name, file)
        for path, parts in lower.items()
        for part in parts
        for file in listed(part)
    ]
    if not (given or crossed):
        every = [("", path.name, file) for path in inside for file in listed(path)]
    above = [folder, *(inside if given or crossed else [])]
    layout = "<class>/<split>" if crossed else "<split>/<class>" if given else "<class>"
    return _Entries(
        layout, tuple(every), tuple(p for place in above for p in listed(place) if p.is_file()), tuple(notes)
    )


def _are_splits(folders: Sequence[Path]) -> bool:
    return bool(folders) and all(standard_split(path.name) and len(path.name) > 2 for path in folders)


def _without_copy(folder: Path, inside: list[Path]) -> tuple[list[Path], list[str]]:
    """Leave out a folder that repeats all folders beside it, as in a well-known data set on Kaggle."""
    names = {path.name for path in inside}
    for path in inside:
        others = [other for other in inside if other != path]
        if others and {part.name for part in listed(path) if part.is_dir()} == names - {path.name}:
            copy = _files_below(path)
            if copy and copy == {item for other in others for item in _files_below(other, folder)}:
                same = f"the same {len(copy)} files (by name and size) as the folders beside it"
                return others, [f"Ignored: {path}, which has {same}."]
    return inside, []


def _files_below(folder: Path, root: Path | None = None) -> set[tuple[str, int]]:
    return {(file.relative_to(root or folder).as_posix(), file.lstat().st_size) for file in files_below(folder)}


def files_below(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield all files below a folder that :func:`listed` lists. Do not follow links to a parent folder.

    ``above`` are the resolved paths of the parent folders.
    """
    real = folder.resolve()
    if real in above or (folder.is_symlink() and folder.parent.resolve().is_relative_to(real)):
        return
    for path in listed(folder):
        if path.is_dir():
            yield from files_below(path, above | {real})
        else:
            yield path


def from_folder(folder: Path, classes: Classes, *, group_by_folder: bool = False, slices: bool = False) -> Source:
    """Read ``<class>/<image>``, ``<split>/<class>/<image>`` or ``<class>/<split>/<image>``.

    Rows are sorted by path, character by character: class after class, and ``10.png`` before ``9.png``. A folder with
    a DICOM series in place of an image is a volume. With ``slices``, any other folder is one too. With
    ``group_by_folder``, a folder in a class folder is a group, such as a patient, and may contain further folders.
    """
    entries = _entries(folder)
    every, groups = _images_of(entries.found, folder, group_by_folder=group_by_folder, slices=slices)
    kept = [number for number, entry in enumerate(every) if may_be_image(entry[2])]
    found = [every[number] for number in kept]
    splits = split_folders(folder) if found and found[0][0] else {}
    if not found:
        raise _no_classes(folder)
    names = sorted({label for _, label, _ in found})
    _check_splits(splits, {standard_split(split) for split, _, _ in found}, "class folder with images")
    if len(names) > 1 and IMAGES in map(str.lower, names):
        raise ValueError(
            f"{folder} has the folders {', '.join(names)}. For images and their masks, name them {IMAGES} and {MASKS}. "
            "For classes, list the files in a table and give it with labels=."
        )
    if len(names) == 1 and classes.names is None:
        raise ValueError(
            f"{folder} has only one class folder with images, {names[0]}. Add a folder for each other class, or list "
            "the images with their labels in a table and give it with labels=."
        )
    rows = tuple(Row.below(folder, image) for _, _, image in found)
    parts, renamed = given_splits(split for split, _, _ in found)
    misplaced = ((str(file), "it is not in a class folder") for file in entries.loose if _has_image_name(file))
    others = [file.name for file in entries.loose if not _has_image_name(file)]
    notes = [*entries.notes, *([f"Ignored: {_counted('other files', others)}."] if others else [])]
    alone = (*misplaced, *((str(file), NOT_AN_IMAGE) for _, _, file in every if not may_be_image(file)))
    return Source(
        rows,
        one_each([label for _, label, _ in found], [row.where for row in rows], classes),
        groups=tuple(groups[number] for number in kept) if groups else None,
        splits=parts if any(parts) else None,
        alone=alone,
        renamed=renamed,
        notes=tuple(notes),
        layout=f"{entries.layout}/{'<group>/' if groups else ''}<image>",
    )


def _images_of(
    entries: Sequence[tuple[str, str, Path]], folder: Path, *, group_by_folder: bool, slices: bool
) -> tuple[list[tuple[str, str, Path]], list[str]]:
    """Replace folders that are not volumes with their images. Also return the name of the folder of each."""
    nested = [path for _, _, path in entries if path.is_dir() and not slices and not is_series(path)]
    if not group_by_folder:
        if nested:
            raise Ambiguous(
                f"{nested[0]} is a folder in a class folder. If each such folder is a patient, use "
                "group_by_folder=True. If its files are the slices of one volume, use slices=True.",
                {"group_by_folder": True},
                {"slices": True},
            )
        return list(entries), []
    every: list[tuple[str, str, Path]] = []
    groups: list[str] = []
    for split, label, path in entries:
        if not path.is_dir():
            raise ValueError(f"{path} is not in the folder of a group. Move it to one, or leave out group_by_folder=.")
        for file in listed(path):
            inner = [file] if not file.is_dir() or slices or is_series(file) else files_below(file)
            every += [(split, label, image) for image in inner]
        groups += [path.name] * (len(every) - len(groups))
    return every, groups


def _no_classes(folder: Path) -> ValueError:
    splits = ", ".join(path.name for path in split_folders(folder).values())
    beside = [*tables_in(folder), *tables_in(folder.absolute().parent)]
    table = f", such as labels={str(beside[0])!r}" if beside else " with labels="
    only, below = (f" (only images in {splits})", "<split>/<class>") if splits else ("", "<class>")
    return ValueError(
        f"{folder} has no class folders with images{only}. Move them to {folder}/{below}/<image>, or give a table of "
        f"the images and their labels{table}."
    )


def _has_image_name(file: Path) -> bool:
    return file.suffix.lower() in _IMAGE_SUFFIXES or file.name.lower().endswith((".nii.gz", ".mhd"))


def may_be_image(file: Path) -> bool:
    """Return whether a file has the name or the first bytes of an image. A folder may be a volume."""
    if _has_image_name(file) or not file.is_file():
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
    rows = tuple(Row.below(folder, image, mask) for _, image, mask in pairs.found)
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
        layout=f"{'<split>/' if given else ''}images/<name> and {'<split>/' if given else ''}masks/<name>",
    )


def _check_splits(
    folders: Mapping[str, Path], found: Collection[str | None], needed: str, alone: Sequence[tuple[Path, str]] = ()
) -> None:
    """Raise an error if nothing was found in the folder of a split. ``alone`` may hold the reason."""
    for split, folder in folders.items():
        if split not in found:
            reasons = [f" {file}: {reason}." for file, reason in alone if folder in file.parents]
            raise ValueError(
                f"{folder} has no {needed}, so the {split} split would be empty.{''.join(reasons[:1])} Complete the "
                "folder, or move it away."
            )
