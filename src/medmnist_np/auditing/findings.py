"""What an audit may find, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

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
