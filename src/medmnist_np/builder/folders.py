"""Read folders as rows: class folders, or folders of images and masks, with or without splits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medmnist_np.builder import signatures
from medmnist_np.builder.image_files import listed
from medmnist_np.builder.labels import Classes, Row, Source, given_splits, one_each, split_folders, unseen
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


def from_folder(folder: Path, classes: Classes) -> Source:
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
    labels = one_each([label for _, label, _ in found], [row.where for row in rows], classes)
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
