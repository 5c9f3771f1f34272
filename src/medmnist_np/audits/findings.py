"""The findings of an audit as records, and their descriptions in text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.records import class_titles, things_of

Label = tuple[int, ...]

#: Findings of each kind with pictures, and images of one group in a picture.
MOST_SHOWN, MOST_OF_ONE = 24, 6


class Place(NamedTuple):
    """A sample: its split, and its index in the arrays of the split, from 0."""

    split: str
    position: int

    def __str__(self) -> str:
        return f"{self.split} {self.position}"


class _Alike:
    """A finding with places and labels."""

    __slots__ = ()

    places: tuple[Place, ...]
    labels: tuple[Label, ...]

    @property
    def crosses(self) -> bool:
        """Whether the images are in more than one split."""
        return len({place.split for place in self.places}) > 1

    @property
    def contradicts(self) -> bool:
        """Whether their labels differ."""
        return len(set(self.labels)) > 1

    def to_dict(self) -> dict[str, Any]:
        """Return places and labels as values for JSON."""
        return {"places": [list(place) for place in self.places], "labels": [list(label) for label in self.labels]}


@dataclass(frozen=True, slots=True)
class ExactDuplicates(_Alike):
    """A group of identical images: their places, and the label of each."""

    places: tuple[Place, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class NearPair(_Alike):
    """A pair of near duplicates: images with similar perceptual hashes.

    Attributes
    ----------
    places : tuple of two Place
        The two samples.
    labels : tuple of two tuple of int
        Their labels.
    distance : int
        Number of bits, of 64, in which their perceptual hashes differ.
    difference : float
        Mean absolute difference of their pixel values, 0 to 255, after the change.
    change : str
        The shift, crop, rotation or mirroring that makes one image look like the other; empty if none is needed.
    """

    places: tuple[Place, ...]
    labels: tuple[Label, ...]
    distance: int
    difference: float
    change: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return places, labels, distance, difference and change as values for JSON."""
        alike = _Alike.to_dict(self)
        return {**alike, "distance": self.distance, "difference": self.difference, "change": self.change}


@dataclass(frozen=True, slots=True)
class SharedGroup:
    """A group, such as a patient, with samples in several splits: its name and all its samples."""

    group: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """The labels of a split.

    Attributes
    ----------
    n_samples : int
        Number of samples.
    label_range : tuple of two int, or None
        Lowest and highest value; None without samples.
    class_counts : tuple of int
        Samples of each class; for a multi-label set, samples with each finding.
    """

    n_samples: int
    label_range: tuple[int, int] | None
    class_counts: tuple[int, ...]


# Samples named in a text; `to_dict` has all.
_FEW = 8


def shown_places(alike: Sequence[ExactDuplicates | NearPair]) -> list[Place]:
    """Return the images in the pictures of findings of one kind, each once."""
    return list(dict.fromkeys(place for images in alike[:MOST_SHOWN] for place in images.places[:MOST_OF_ONE]))


def number(n: int, noun: str) -> str:
    """Return ``"no pairs"``, ``"1 pair"``, ``"2 pairs"``."""
    return f"{n:,} {noun}" if n > 1 else f"1 {noun.removesuffix('s')}" if n else f"no {noun}"


def samples(splits: Mapping[str, SplitSummary], image_shape: Sequence[int], record: DatasetInfo) -> str:
    """Return the number of samples, their shape and the size of each split."""
    counts = ", ".join(f"{name} {split.n_samples:,}" for name, split in splits.items())
    total = sum(split.n_samples for split in splits.values())
    return f"{total:,} {things_of(record)} of {' x '.join(map(str, image_shape))} ({counts})"


def groups_of(by: str | None) -> tuple[str, str, str]:
    """Return a title and a plural noun for what was compared between splits, and a note if patients were not checked.

    ``by`` is :attr:`Audit.grouped_by`.
    """
    if by == "group":
        return "Groups", "groups", ""
    return "Image ids", "image ids", "not checked, since no groups are known"


def no_leaks(by: str | None, n_splits: int) -> str:
    """Return what was compared, for an audit without leaks."""
    if n_splits < 2:
        return "not checked (there is only one split)"
    also = {"group": " and groups", "image_id": " and image ids", None: ""}[by]
    return f"none among exact duplicates{also}"


def all_exact(duplicates: Sequence[ExactDuplicates]) -> str:
    """Return the number of groups of exact duplicates."""
    if not duplicates:
        return "none"
    n_images = sum(len(group.places) for group in duplicates)
    return f"{number(len(duplicates), 'groups')} with {n_images:,} images; {_crossing(duplicates)}"


def all_near(pairs: Sequence[NearPair], distance: int) -> str:
    """Return the number of pairs of near duplicates up to a distance of their hashes."""
    counted = f"{number(len(pairs), 'pairs')} up to {distance} bits apart"
    return f"{counted}; {_crossing(pairs)}" if pairs else counted


def absent_classes(splits: Mapping[str, SplitSummary], record: DatasetInfo) -> list[str]:
    """Return a sentence for each class without a sample in a split."""
    return [
        f"{name} has no sample of {title}"
        for name, split in splits.items()
        for title, n in zip(class_titles(record), split.class_counts, strict=True)
        if not n
    ]


def where(places: Sequence[Place]) -> str:
    """Return the places of samples, the first few of each split: ``"train 3, 8; test 5"``."""
    return "; ".join(by_split(places))


def by_split(places: Sequence[Place]) -> list[str]:
    """Return the places of samples as in :func:`where`, one text for each split."""
    return [
        f"{split} {_few(', ', [place.position for place in of_split])}"
        for split, of_split in groupby(places, key=lambda place: place.split)
    ]


def span(split: SplitSummary) -> str:
    """Return the range of the labels of a split."""
    return "no samples" if split.label_range is None else f"{split.label_range[0]} to {split.label_range[1]}"


def nearness(pair: NearPair) -> str:
    """Return the change, the distance and the difference of two near duplicates."""
    bits = "1 bit" if pair.distance == 1 else f"{pair.distance} bits"
    change = f"{pair.change}, " if pair.change else ""
    return f"{change}{bits}, mean difference {pair.difference:.2f} of 255"


def meaning(label: Label, record: DatasetInfo) -> str:
    """Return the class of a sample, or its findings; for an invalid label, its value."""
    titles = class_titles(record)
    if record.multi_label:
        named = (t if value == 1 else f"{t} = {value}" for t, value in zip(titles, label, strict=True) if value)
        return ", ".join(named) or "no finding"
    return titles[label[0]] if 0 <= label[0] < len(titles) else f"label {label[0]}"


def alike(images: ExactDuplicates | NearPair, record: DatasetInfo) -> str:
    """Return the places and the classes of duplicates, as one line."""
    labels = dict.fromkeys(meaning(label, record) for label in images.labels)
    sign = " ~ " if isinstance(images, NearPair) else " = "
    line = f"{_few(sign, images.places)}: {' against '.join(labels)}"
    return f"{line}; {nearness(images)}" if isinstance(images, NearPair) else line


def by_label(images: ExactDuplicates | NearPair, record: DatasetInfo) -> list[str]:
    """Return the classes of duplicates; if they differ, with the images of each class."""
    members: dict[str, list[Place]] = {}
    for place, label in zip(images.places, images.labels, strict=True):
        members.setdefault(meaning(label, record), []).append(place)
    return [f"{title}: {where(places)}" for title, places in members.items()] if images.contradicts else list(members)


def _few(separator: str, values: Sequence[object]) -> str:
    rest = f" and {len(values) - _FEW:,} more" if len(values) > _FEW else ""
    return f"{separator.join(map(str, values[:_FEW]))}{rest}"


def _crossing(alike: Sequence[ExactDuplicates | NearPair]) -> str:
    n_crossing, n_contradicting = (sum(images.crosses for images in alike), sum(images.contradicts for images in alike))
    return f"{n_crossing:,} in several splits, {n_contradicting:,} with different labels"
