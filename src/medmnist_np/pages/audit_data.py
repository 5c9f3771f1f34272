"""What the page of an audit is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medmnist_np.registry import DatasetInfo


@dataclass(frozen=True, eq=False)
class Shown:
    """Images that are the same, or look alike.

    Attributes
    ----------
    title : str
        Where they are.
    lines : sequence of str
        Their labels, and how near they are.
    images : sequence of (h, w) or (h, w, 3) uint8, 0-255
        Of one shape.
    """

    title: str
    lines: Sequence[str]
    images: Sequence[NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Findings:
    """Groups or pairs of images.

    Attributes
    ----------
    n, n_crossing, n_contradicting : int
        How many there are, how many of them are in several splits, and how many have labels that differ.
    said : str
        The same in words.
    shown : sequence of Shown
        The first of them.
    """

    n: int
    n_crossing: int
    n_contradicting: int
    said: str
    shown: Sequence[Shown]


@dataclass(frozen=True)
class SplitFacts:
    """A split: its samples, those of each class, the range of its labels in words, and how many samples leak."""

    n_samples: int
    class_counts: tuple[int, ...]
    label_range: str
    n_leaks: int


@dataclass(frozen=True, kw_only=True, eq=False)
class AuditData:
    """An audit as plain data.

    Attributes
    ----------
    record : DatasetInfo
        The data set.
    name : str
        Of the data set, or of the file.
    samples : str
        How many images there are, and of which shape.
    splits : Mapping of str to SplitFacts
        In the order in which they are protected: what is in a later one is missing from no other.
    copies : Findings
        Images that are the same to the byte.
    near : Findings or None
        Images that look alike; None if they were not looked for.
    blank, bad_labels : sequence of str
        Where they are, by split.
    absent : sequence of str
        Classes that a split has no sample of, in words.
    groups : Mapping of str to str, or None
        Where the samples are of groups in several splits; None if that was not checked.
    grouped_by : str
        What these are: ``"groups"`` or ``"image ids"``.
    not_checked : str
        Why patients were not checked; empty if they were.
    remarks : sequence of str
        What must not be overlooked.
    origin : Mapping of str to str
        How all this was found, by name.
    """

    record: DatasetInfo
    name: str
    samples: str
    splits: Mapping[str, SplitFacts]
    copies: Findings
    near: Findings | None
    blank: Sequence[str]
    bad_labels: Sequence[str]
    absent: Sequence[str]
    groups: Mapping[str, str] | None
    grouped_by: str
    not_checked: str
    remarks: Sequence[str]
    origin: Mapping[str, str]
