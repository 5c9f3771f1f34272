"""What a set is built from: rows with labels or masks, groups and splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medmnist_np.builder.labels import Labels

SPLITS = ("train", "val", "test")


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

    ``groups`` and ``splits`` are None where they are not given. ``alone`` are images without a mask and masks without
    an image, each with the reason why it is no row.
    """

    rows: tuple[Row, ...]
    labels: Labels
    groups: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None
    alone: tuple[tuple[str, str], ...] = ()

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
        return Source(rows, labels, some(self.groups), some(self.splits), self.alone)

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
