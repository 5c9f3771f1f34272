"""Divide the samples of a built data set into train, val and test: as given, or by a stratified random split."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medmnist_np.builder.labels import SEGMENTATION, SPLITS, Labels, Source
from medmnist_np.data.subsets import divide
from medmnist_np.errors import short

_RATIO = (7, 1, 2)

# Names of the splits by their number.
_NAMES = {2: ("train", "test"), 3: SPLITS}


@dataclass(frozen=True, slots=True)
class Division:
    """The assignment of samples to splits.

    Attributes
    ----------
    splits : tuple of str
        Names of the splits, in order.
    part_of : (n,) intp
        Index into ``splits`` for each sample.
    how : str
        One sentence on how the samples were split.
    grouped : bool
        Whether groups, such as patients, are known. If so, no group is in two splits.
    """

    splits: tuple[str, ...]
    part_of: NDArray[np.intp]
    how: str
    grouped: bool

    @property
    def n_samples(self) -> dict[str, int]:
        """Number of samples per split."""
        return {split: len(self.rows(split)) for split in self.splits}

    def rows(self, split: str) -> NDArray[np.intp]:
        """Return the indices of the samples of a split, ascending."""
        return np.flatnonzero(self.part_of == self.splits.index(split))

    def absent(self, labels: Labels) -> list[str]:
        """Return a note for each class without samples in some split."""
        notes = []
        for number, name in enumerate(labels.class_names):
            present = set(self.part_of[labels.of_class(number)].tolist())
            absent = [split for part, split in enumerate(self.splits) if part not in present]
            if not present:
                notes.append(f"Class {name!r} has no samples.")
            elif absent:
                notes.append(f"Class {name!r} has no samples in {' and '.join(absent)}: it cannot be evaluated there.")
        return notes

    def identifiers(self, source: Source) -> tuple[dict[str, list[str]], dict[str, list[str]] | None]:
        """Return the ids of the samples by split, and their groups if there are any."""
        ids = {split: [source.rows[row].id for row in self.rows(split)] for split in self.splits}
        if source.groups is None:
            return ids, None
        return ids, {split: [source.groups[row] for row in self.rows(split)] for split in self.splits}


def division_of(source: Source, ratio: Sequence[float] | None, seed: int, group: str) -> Division:
    """Keep the given splits, or split at random by a ratio.

    Parameters
    ----------
    source : Source
        All usable samples.
    ratio : sequence of float, optional
        Ratio of train, val and test, or of train and test. None keeps the given splits, else uses 7:1:2.
    seed : int
        Random seed for the split.
    group : str
        The word for a group in messages, such as ``"patient"``.

    Raises
    ------
    ValueError
        If both splits and a ratio are given, or a class has too few samples or groups to be in each split.

    Warns
    -----
    UserWarning
        If a class has no samples in some split.
    """
    if source.splits is not None:
        if ratio is not None:
            raise ValueError("The source has its own splits. Leave out ratio=.")
        given = tuple(split for split in SPLITS if split in source.splits)
        numbers = {split: number for number, split in enumerate(given)}
        part_of = np.array([numbers[split] for split in source.splits], np.intp)
        return Division(given, part_of, "The splits were given.", grouped=source.groups is not None)
    ratio = checked_ratio(_RATIO if ratio is None else ratio)
    names = _NAMES[len(ratio)]
    if source.labels.table.shape[1] == 1:
        _check_enough(source, len(names), group)
    part_of = divide(source.labels.table, ratio, seed, source.groups)
    by = "the classes in masks" if source.labels.task == SEGMENTATION else "label"
    how = f"Divided {':'.join(f'{part:g}' for part in ratio)} at random (seed {seed}), stratified by {by}"
    how = f"{how}." if source.groups is None else f"{how}; no {group} is in two splits."
    division = Division(names, part_of, how, grouped=source.groups is not None)
    for note in division.absent(source.labels):
        warnings.warn(f"{note} Try another random seed.", stacklevel=3)  # the warning shows the line that calls build
    return division


def checked_ratio(ratio: Sequence[float]) -> tuple[float, ...]:
    """Return the ratio of train, val and test, or of train and test, or raise ValueError if it is invalid."""
    parts = tuple(ratio)
    shares = np.asarray(parts, dtype=np.float64)
    if shares.ndim != 1 or len(parts) not in _NAMES or not np.isfinite(shares).all() or (shares <= 0).any():
        raise ValueError(
            f"ratio must be 2 or 3 positive numbers (train and test, with val between), not {short(parts)}."
        )
    return parts


def _check_enough(source: Source, n_splits: int, group: str) -> None:
    for number, name in enumerate(source.labels.class_names):
        members = np.flatnonzero(source.labels.of_class(number))
        what = "samples"
        n_found = len(members)
        if source.groups is not None:
            what = f"values of {group}"
            n_found = len({source.groups[row] for row in members})
        if 0 < n_found < n_splits:
            raise ValueError(
                f"The class {name!r} has too few {what} for {n_splits} splits: {n_found}. The first sample is "
                f"{source.rows[members[0]].where}. Merge the class with another, remove it, or provide the splits."
            )
