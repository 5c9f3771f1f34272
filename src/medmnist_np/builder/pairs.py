"""Images and masks that lie in folders under the same names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from medmnist_np.builder.image_files import listed

IMAGES, MASKS = "images", "masks"


@dataclass(frozen=True, slots=True)
class Pairs:
    """What was found.

    Attributes
    ----------
    found : tuple of (str, Path, Path)
        The split, or an empty text if there are none; the image; its mask.
    alone : tuple of (Path, str)
        Files that are in no pair, and why.
    """

    found: tuple[tuple[str, Path, Path], ...]
    alone: tuple[tuple[Path, str], ...]


def find_pairs(folder: Path, splits: Mapping[str, Path]) -> Pairs | None:
    """Look for ``images/1.png`` and ``masks/1.png``, or ``train/images/1.png`` and ``train/masks/1.png``.

    Parameters
    ----------
    folder : Path
        What holds these folders. Others beside ``images`` and ``masks`` are passed over.
    splits : Mapping of str to Path
        The folders in it that are named after splits.

    Returns
    -------
    Pairs or None
        In the order of the splits, and in each of the paths. Names are the same if they are so before the ending. None
        if there are no such folders.
    """
    # A split that has only one of the two folders is incomplete, and not to be overlooked.
    places = {"": folder} if _holds(folder) else splits if any(map(_holds, splits.values())) else {}
    if not places:
        return None
    found: list[tuple[str, Path, Path]] = []
    alone: list[tuple[Path, str]] = []
    for split, place in places.items():
        images, masks = (_by_name(place / part, alone) for part in (IMAGES, MASKS))
        found += [(split, image, masks[name]) for name, image in images.items() if name in masks]
        alone += [(image, "it has no mask") for name, image in images.items() if name not in masks]
        alone += [(mask, "it is the mask of no image") for name, mask in masks.items() if name not in images]
    return Pairs(tuple(found), tuple(alone))


def _holds(folder: Path) -> bool:
    return (folder / IMAGES).is_dir() and (folder / MASKS).is_dir()


def _by_name(folder: Path, alone: list[tuple[Path, str]]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in listed(folder) if folder.is_dir() else []:
        other = files.setdefault(path.stem, path)
        if other is not path:
            alone.append((path, f"{other.name} has the same name before the ending"))
    return files
