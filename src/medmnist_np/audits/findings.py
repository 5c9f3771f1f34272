"""Findings of an audit as plain records, and how they are put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.records import class_titles, things_of
from medmnist_np.registry.user_records import LOCAL

Label = tuple[int, ...]

#: Of copies and of near pairs, and of the images of one group of copies, that pictures are kept of.
MOST_SHOWN, MOST_OF_ONE = 24, 6


class Place(NamedTuple):
    """A sample: its split, and its position in the arrays of that, from 0."""

    split: str
    position: int

    def __str__(self) -> str:
        return f"{self.split} {self.position}"


class _Alike:
    """What has places and labels."""

    __slots__ = ()

    places: tuple[Place, ...]
    labels: tuple[Label, ...]

    @property
    def crosses(self) -> bool:
        """Whether they are in more than one split."""
        return len({place.split for place in self.places}) > 1

    @property
    def contradicts(self) -> bool:
        """Whether their labels differ."""
        return len(set(self.labels)) > 1

    def to_dict(self) -> dict[str, Any]:
        """Return places and labels as what JSON can hold."""
        return {"places": [list(place) for place in self.places], "labels": [list(label) for label in self.labels]}


@dataclass(frozen=True, slots=True)
class Copies(_Alike):
    """Images that are the same to the byte: where they are, and the label of each."""

    places: tuple[Place, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class NearPair(_Alike):
    """Two images that look alike.

    Attributes
    ----------
    places : tuple of two Place
        Where they are.
    labels : tuple of two tuple of int
        Their labels.
    distance : int
        Bits in which their perceptual hashes differ, of 64.
    difference : float
        Mean absolute difference of their values, 0 to 255.
    """

    places: tuple[Place, ...]
    labels: tuple[Label, ...]
    distance: int
    difference: float

    def to_dict(self) -> dict[str, Any]:
        """Return places, labels, distance and difference as what JSON can hold."""
        alike = _Alike.to_dict(self)
        return {**alike, "distance": self.distance, "difference": self.difference}


@dataclass(frozen=True, slots=True)
class SharedGroup:
    """A group, as a patient, with samples in several splits: its name and where all of them are."""

    group: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """The labels of a split.

    Attributes
    ----------
    n_samples : int
        How many samples it has.
    label_range : tuple of two int, or None
        Lowest and highest value; None if there are no samples.
    class_counts : tuple of int
        Samples of each class; of a multi-label set, those with each finding.
    """

    n_samples: int
    label_range: tuple[int, int] | None
    class_counts: tuple[int, ...]


# Places that are named; `to_dict` has all.
_FEW = 8


def shown_places(found: Sequence[Copies | NearPair]) -> list[Place]:
    """Return the images that are shown of findings of one kind, each once."""
    return list(dict.fromkeys(place for one in found[:MOST_SHOWN] for place in one.places[:MOST_OF_ONE]))


def number(n: int, things: str) -> str:
    """Return ``"no pairs"``, ``"1 pair"``, ``"2 pairs"``."""
    return f"{n:,} {things}" if n > 1 else f"1 {things.removesuffix('s')}" if n else f"no {things}"


def samples(splits: Mapping[str, SplitSummary], image_shape: Sequence[int], record: DatasetInfo) -> str:
    """Return how many samples there are, of which shape."""
    counts = ", ".join(f"{split} {one.n_samples:,}" for split, one in splits.items())
    total = sum(one.n_samples for one in splits.values())
    return f"{total:,} {things_of(record)} of {' x '.join(map(str, image_shape))} ({counts})"


def groups_of(by: str | None, record: DatasetInfo) -> tuple[str, str, str]:
    """Return what was compared between the splits: the title, the things, and what was not checked, empty if all was.

    Parameters
    ----------
    by : "group", "image_id" or None
        As ``Audit.grouped_by``.
    record : DatasetInfo
        For what to do.
    """
    if by == "group":
        return "Groups", "groups", ""
    how = "build with --group-by" if record.collection == LOCAL and record.archives else "give them with --ids"
    return "Image ids", "image ids", f"not checked (no groups are known; {how})"


def no_leaks(by: str | None, n_splits: int) -> str:
    """Say that there are no leaks, and among what they were looked for."""
    if n_splits < 2:
        return "not checked (there is only one split)"
    among = {"group": "exact copies and groups", "image_id": "exact copies and image ids", None: "exact copies"}[by]
    return f"none among {among}"


def all_copies(found: Sequence[Copies]) -> str:
    """Return how many groups of copies there are."""
    if not found:
        return "none"
    n_images = sum(len(one.places) for one in found)
    return f"{number(len(found), 'groups')} with {n_images:,} images; {_crossing(found)}"


def all_near(found: Sequence[NearPair], distance: int) -> str:
    """Return how many near pairs there are, of hashes up to a distance."""
    said = f"{number(len(found), 'pairs')} up to {distance} bits apart"
    return f"{said}; {_crossing(found)}" if found else said


def absent_classes(splits: Mapping[str, SplitSummary], record: DatasetInfo) -> list[str]:
    """Return each class that a split has no sample of."""
    return [
        f"{split} has no sample of {title}"
        for split, one in splits.items()
        for title, n in zip(class_titles(record), one.class_counts, strict=True)
        if not n
    ]


def where(places: Sequence[Place]) -> str:
    """Return where samples are, the first few of each split: ``"train 3, 8; test 5"``."""
    return "; ".join(by_split(places))


def by_split(places: Sequence[Place]) -> list[str]:
    """Return the same as :func:`where`, one text for each split."""
    return [
        f"{split} {_few(', ', [place.position for place in of_split])}"
        for split, of_split in groupby(places, key=lambda place: place.split)
    ]


def span(split: SplitSummary) -> str:
    """Return the range of the labels of a split."""
    return "no samples" if split.label_range is None else f"{split.label_range[0]} to {split.label_range[1]}"


def nearness(pair: NearPair) -> str:
    """Return how near two images are."""
    bits = "1 bit" if pair.distance == 1 else f"{pair.distance} bits"
    return f"{bits}, mean difference {pair.difference:.2f} of 255"


def meaning(label: Label, record: DatasetInfo) -> str:
    """Return the class of a sample, or its findings; of a label that is none, its value."""
    titles = class_titles(record)
    if record.multi_label:
        named = (t if value == 1 else f"{t} = {value}" for t, value in zip(titles, label, strict=True) if value)
        return ", ".join(named) or "no finding"
    return titles[label[0]] if 0 <= label[0] < len(titles) else f"label {label[0]}"


def alike(found: Copies | NearPair, record: DatasetInfo) -> str:
    """Return where images are that are the same, or look alike, and what their labels say."""
    labels = dict.fromkeys(meaning(label, record) for label in found.labels)
    sign = " ~ " if isinstance(found, NearPair) else " = "
    said = f"{_few(sign, found.places)}: {' against '.join(labels)}"
    return f"{said}; {nearness(found)}" if isinstance(found, NearPair) else said


def by_label(found: Copies | NearPair, record: DatasetInfo) -> list[str]:
    """Return what the labels of images say; if they differ, also which image has which."""
    members: dict[str, list[Place]] = {}
    for place, label in zip(found.places, found.labels, strict=True):
        members.setdefault(meaning(label, record), []).append(place)
    return [f"{said}: {where(places)}" for said, places in members.items()] if found.contradicts else list(members)


def _few(separator: str, values: Sequence[object]) -> str:
    rest = f" and {len(values) - _FEW:,} more" if len(values) > _FEW else ""
    return f"{separator.join(map(str, values[:_FEW]))}{rest}"


def _crossing(found: Sequence[Copies | NearPair]) -> str:
    n_crossing, n_contradicting = sum(one.crosses for one in found), sum(one.contradicts for one in found)
    return f"{n_crossing:,} in several splits, {n_contradicting:,} with labels that differ"
