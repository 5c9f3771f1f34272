"""What the card of a data set is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np.registry import Baselines, DatasetInfo


class Values(NamedTuple):
    """What the pixels (voxels) of a split are like.

    Attributes
    ----------
    mean, std : (channels,) float64
        0 to 255.
    histogram : (channels, 256) int64
        How often each value occurs.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    histogram: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Examples:
    """Some samples of one class, or with one finding.

    Attributes
    ----------
    title : str
        What they have in common.
    numbers : sequence of int
        Their places in the split.
    picture : (h, w), (h, w, 3) or (d, h, w) uint8, 0-255
        The samples side by side; of volumes one picture for each slice. None if the split has no such sample.
    """

    title: str
    numbers: Sequence[int] = ()
    picture: NDArray[np.uint8] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class CardData:
    """A data set as plain data. What is not on this machine is empty.

    Attributes
    ----------
    record : DatasetInfo
        The data set.
    size : int
        Of the images that are shown and measured, in pixels or voxels.
    default_size : int
        The size that is meant where none is named.
    preparation : sequence of str
        What is known, and what is not, about how the images were made of those of the source.
    labels : Mapping of str to (n, l) integers
        By split.
    examples : sequence of Examples
        Of the first split.
    values : Mapping of str to Values
        By split.
    baselines : Baselines
        Published figures.
    masks : Mapping of str to (n, classes) int64
        By split: the pixels of each class in each mask of a segmentation set.
    citations : str
        BibTeX.
    origin : Mapping of str to str
        Where all this comes from, by name.
    """

    record: DatasetInfo
    size: int
    default_size: int
    preparation: Sequence[str]
    labels: Mapping[str, NDArray[np.integer]]
    examples: Sequence[Examples]
    values: Mapping[str, Values]
    baselines: Baselines
    citations: str
    origin: Mapping[str, str]
    masks: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
