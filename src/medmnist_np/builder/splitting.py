"""Dividing samples into splits: classes have about the same shares in each, and a group is never divided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.batches.order import checked_seed
from medmnist_np.builder.labels import SEGMENTATION, Labels
from medmnist_np.builder.rows import SPLITS, Source

_RATIO = (7, 1, 2)

# Of so many parts.
_NAMES = {2: ("train", "test"), 3: SPLITS}


@dataclass(frozen=True, slots=True)
class Division:
    """Which sample is in which split.

    Attributes
    ----------
    splits : tuple of str
        Names, in order.
    part_of : (n,) intp
        The number of the split of each sample.
    how : str
        How it was done, in a sentence.
    """

    splits: tuple[str, ...]
    part_of: NDArray[np.intp]
    how: str

    @property
    def n_samples(self) -> dict[str, int]:
        """Samples of each split."""
        return {split: len(self.rows(split)) for split in self.splits}

    def rows(self, split: str) -> NDArray[np.intp]:
        """Return which samples are in a split, ascending."""
        return np.flatnonzero(self.part_of == self.splits.index(split))

    def absent(self, labels: Labels) -> list[str]:
        """Say which classes are not in which split: there their AUC is not defined."""
        notes = []
        for number, name in enumerate(labels.class_names):
            present = set(self.part_of[labels.of_class(number)].tolist())
            absent = [split for part, split in enumerate(self.splits) if part not in present]
            if absent:
                notes.append(f"No sample of {' and '.join(absent)} is of {name!r}.")
        return notes

    def identifiers(self, source: Source) -> tuple[dict[str, list[str]], dict[str, list[str]] | None]:
        """Return the ids of the samples by split, and their groups if there are any."""
        ids = {split: [source.rows[row].id for row in self.rows(split)] for split in self.splits}
        if source.groups is None:
            return ids, None
        return ids, {split: [source.groups[row] for row in self.rows(split)] for split in self.splits}


def division_of(source: Source, ratio: Sequence[float] | None, seed: int, group: str) -> Division:
    """Keep the given splits, or divide by a ratio.

    Parameters
    ----------
    source : Source
        All usable samples.
    ratio : sequence of float, optional
        Of train, val and test, or of train and test. None means the given splits, else 7:1:2.
    seed : int
        As of :func:`divide`.
    group : str
        What groups are called.

    Raises
    ------
    ValueError
        If there are both splits and a ratio, or a class has too few samples or groups to be in each split.
    """
    if source.splits is not None:
        if ratio is not None:
            raise ValueError(
                "The splits are given, so there is nothing to divide: leave the ratio out (ratio=, --split)."
            )
        given = tuple(split for split in SPLITS if split in source.splits)
        numbers = {split: number for number, split in enumerate(given)}
        return Division(given, np.array([numbers[split] for split in source.splits], np.intp), "The splits were given.")
    ratio = checked_ratio(_RATIO if ratio is None else ratio)
    names = _NAMES[len(ratio)]
    if source.labels.table.shape[1] == 1:
        _check_enough(source, len(names), group)
    part_of = divide(source.labels.table, ratio, seed, source.groups)
    missing = [name for part, name in enumerate(names) if not (part_of == part).any()]
    if missing:
        raise ValueError(f"{len(part_of)} samples are too few: divided by this ratio, none is in {', '.join(missing)}.")
    by = "the classes in masks" if source.labels.task == SEGMENTATION else "label"
    how = f"Divided {':'.join(f'{part:g}' for part in ratio)} at random (seed {seed}), stratified by {by}"
    return Division(names, part_of, f"{how}." if source.groups is None else f"{how}; no {group} is in two splits.")


def checked_ratio(ratio: Sequence[float]) -> tuple[float, ...]:
    """Return a ratio of train, val and test, or of train and test; raise ValueError for any other."""
    parts = tuple(ratio)
    _shares(parts)
    if len(parts) not in _NAMES:
        raise ValueError(
            f"A ratio (ratio=, --split) has two numbers, train and test, or three with val between them, not {parts!r}."
        )
    return parts


def _shares(ratio: Sequence[float]) -> NDArray[np.float64]:
    shares = np.asarray(ratio, dtype=np.float64)
    if shares.ndim != 1 or len(shares) < 2 or not np.isfinite(shares).all() or (shares <= 0).any():
        raise ValueError(f"Samples are divided by two or more positive numbers, as 7:1:2, not by {ratio!r}.")
    of_all: NDArray[np.float64] = shares / shares.sum()
    return of_all


def _check_enough(source: Source, n_splits: int, group: str) -> None:
    for number, name in enumerate(source.labels.class_names):
        members = np.flatnonzero(source.labels.of_class(number))
        what = "samples"
        n_found = len(members)
        if source.groups is not None:
            what = f"samples of another {group} each"
            n_found = len({source.groups[row] for row in members})
        if 0 < n_found < n_splits:
            raise ValueError(
                f"The class {name!r} has only {n_found} of {n_splits} {what} that are needed for as many splits; the "
                f"first is {source.rows[members[0]].where}. Merge it with another, take it out, or give the splits."
            )


def divide(
    labels: NDArray[np.integer[Any]], ratio: Sequence[float], seed: int, groups: Sequence[str] | None = None
) -> NDArray[np.intp]:
    """Assign each sample to a part.

    Parameters
    ----------
    labels : (n, l) integer array
        Class numbers ``(n, 1)``, or zeros and ones of several findings; then each combination counts as a class.
    ratio : sequence of float
        Sizes of the parts in relation to one another, as ``(7, 1, 2)``.
    seed : int
        Of the division, 0 to 2**32 - 1.
    groups : (n,) sequence of str, optional
        Samples of one group, as of one patient, come into the same part.

    Returns
    -------
    (n,) intp
        The part of each sample. Without groups, each class that has as many samples as there are parts is in all of
        them, and else the number of samples of a class in a part is at most 2 off its share (with four parts, each of
        which needs one, 3). Groups are assigned one by one, the largest first, so shares are as close as their sizes
        allow.

    Raises
    ------
    ValueError
        If a ratio is not positive, or there are not as many samples or groups as parts.
    """
    shares = _shares(ratio)
    rng = np.random.default_rng(checked_seed(seed))
    _, strata = np.unique(labels, axis=0, return_inverse=True)
    strata = strata.reshape(-1)
    if groups is None:
        return _by_sample(strata, shares, rng)
    return _by_group(strata, np.asarray(groups), shares, rng)


def _by_sample(strata: NDArray[np.intp], shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    if len(strata) < len(shares):
        raise ValueError(f"{len(strata)} samples cannot be divided into {len(shares)} parts.")
    mixed = rng.permutation(len(strata))
    in_turn = mixed[np.argsort(strata[mixed], kind="stable")]
    part_of = np.empty(len(strata), dtype=np.intp)
    # What a part got too little of one stratum, it gets of the next: many small strata do not add up to a bias.
    owed = np.zeros(len(shares))
    start = 0
    for n in np.bincount(strata).tolist():
        owed += n * shares
        counts = _whole(owed, n)
        owed -= counts
        parts = np.repeat(np.arange(len(shares)), counts)
        part_of[in_turn[start : start + n]] = parts
        start += n
    return part_of


def _whole(owed: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """Return whole numbers that sum to ``n``, close to what is owed; if that is possible, none is 0."""
    counts = np.maximum(np.floor(owed), 1 if n >= len(owed) else 0).astype(np.intp)
    while counts.sum() > n:
        over = np.where(counts > (1 if n >= len(owed) else 0), counts - owed, -np.inf)
        counts[int(np.argmax(over))] -= 1
    while counts.sum() < n:
        counts[int(np.argmax(owed - counts))] += 1
    return counts


def _by_group(
    strata: NDArray[np.intp], groups: NDArray[Any], shares: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Give groups, the largest first, each to the part that lacks most of what is in it."""
    names, group_of = np.unique(groups, return_inverse=True)
    if len(names) < len(shares):
        raise ValueError(f"{len(names)} groups cannot be divided into {len(shares)} parts.")
    counts = np.zeros((len(names), int(strata.max()) + 1))
    np.add.at(counts, (group_of, strata), 1)
    # A rare class weighs as much as a common one.
    contents = counts / counts.sum(axis=0)
    mixed = rng.permutation(len(names))
    largest_first = mixed[np.argsort(-counts[mixed].sum(axis=1), kind="stable")]
    lacking = np.repeat(shares[:, None], contents.shape[1], axis=1)
    part_of = np.empty(len(names), dtype=np.intp)
    n_groups = np.zeros(len(shares), dtype=np.intp)
    for position, group in enumerate(largest_first):
        # With as many groups left as empty parts, each of these gets one.
        empty = np.flatnonzero(n_groups == 0)
        possible = empty if len(names) - position <= len(empty) else np.arange(len(shares))
        best = possible[int(np.argmax(lacking[possible] @ contents[group]))]
        lacking[best] -= contents[group]
        n_groups[best] += 1
        part_of[group] = best
    return part_of[group_of]
