"""What a set is built from: rows with labels or masks, groups and splits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medmnist_np.builder.image_files import listed
from medmnist_np.builder.labels import Labels
from medmnist_np.missing import is_missing

SPLITS = ("train", "val", "test")

# What people call them, in lower case.
_CALLED = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "ts"), "test"),
}


def split_called(name: str) -> str | None:
    """Return the split that a name means, as ``"train"`` of ``"Training"``; None if it means none."""
    return _CALLED.get(name.lower())


def split_folders(folder: Path) -> dict[str, Path]:
    """Return the folders in a folder that are named after splits, in the order of the splits.

    Raises
    ------
    ValueError
        If two names mean the same split.
    """
    found: dict[str, Path] = {}
    for path in listed(folder):
        split = split_called(path.name)
        if split is not None and path.is_dir() and (other := found.setdefault(split, path)) is not path:
            raise ValueError(
                f"{folder} holds {other.name} and {path.name}, which both mean the split {split}. Put them into one "
                "folder, or list the images in a CSV file."
            )
    return {split: found[split] for split in SPLITS if split in found}


def given_splits(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the split that each name means, and which other names were read so; unknown names stay as they are."""
    names = tuple(names)
    splits = tuple(split_called(name) or name for name in names)
    return splits, tuple(sorted({(name, split) for name, split in zip(names, splits, strict=True) if name != split}))


@dataclass(frozen=True, slots=True)
class Row:
    """One image: its file (of volumes perhaps a folder), its place in it if it holds many, and how people name it.

    ``where`` says in errors where the row stands; ``id`` is what the user calls the image; ``mask`` is the file of its
    mask, if it has one, and the place in it.
    """

    file: Path
    index: int | None
    where: str
    id: str
    mask: tuple[Path, int | None] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """All rows and what is known of them.

    ``groups`` and ``splits`` are None where they are not given; ``renamed`` are other names that the source has for
    splits, each with the split. ``alone`` are images without a mask and masks without
    an image, each with the reason why it is no row.
    """

    rows: tuple[Row, ...]
    labels: Labels
    groups: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None
    alone: tuple[tuple[str, str], ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()

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
        rows = tuple(self.rows[number] for number in kept)
        return Source(rows, labels, some(self.groups), some(self.splits), self.alone, self.renamed)

    def _check_groups(self, groups: tuple[str, ...]) -> None:
        for row, group in zip(self.rows, groups, strict=True):
            if is_missing(group):
                value = f" (the value is {group!r})" if group else ""
                raise ValueError(f"{row.where} has no group{value}. Give it a group, or leave it out.")
        seen: dict[str, int] = {}
        for number, group in enumerate(groups) if self.splits is not None else ():
            other = seen.setdefault(group, number)
            if self.splits is not None and self.splits[other] != self.splits[number]:
                raise ValueError(
                    f"The group {group!r} is in two splits: in {self.splits[other]} by {self.rows[other].where}, in "
                    f"{self.splits[number]} by {self.rows[number].where}. Correct one of them, or leave the splits out."
                )
