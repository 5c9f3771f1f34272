"""Which images look alike: near perceptual hashes, and how much the images themselves differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np._progress import Progress
from medmnist_np.auditing.findings import NearPair, Place
from medmnist_np.audits.source import Images, Source
from medmnist_np.images.hashes import near_pairs
from medmnist_np.spread import MappedFile, spread

# The images of each are read, and people are to look at them.
MOST_PAIRS = 20_000

_PAIRS_AT_ONCE = 64
_LOOKED_AT = 32  # images of a split, for whether there are two values only
_LEAST_PIXELS = 8  # along each axis, for a perceptual hash


class _Some(NamedTuple):
    """Some pairs of images, and the files of the splits: pickles small."""

    files: Mapping[str, MappedFile]
    pairs: Sequence[tuple[Place, Place]]


def why_not(data: Source) -> str | None:
    """Return why perceptual hashes would say nothing about these images; None if they may."""
    shape = data.image_shape
    if min(shape[:2] if shape[2:] == (3,) else shape) < _LEAST_PIXELS:
        return f"Near copies were not searched: at least {_LEAST_PIXELS} pixels along each axis are needed."
    if all(_has_two_values(array) for array in data.images.values()):
        return (
            "Near copies were not searched: the images are shapes of two values, and shapes of one organ have near "
            "hashes in thousands of pairs that are no copies."
        )
    return None


def look_alike(
    data: Source,
    hashes: Mapping[str, NDArray[np.uint64]],
    left_out: Iterable[Place],
    max_distance: int,
    *,
    executor: Executor | None,
    progress: Progress,
) -> tuple[list[NearPair] | None, int]:
    """Find pairs of images with near hashes.

    Parameters
    ----------
    data : Source
        What is audited.
    hashes : Mapping of str to (n,) uint64
        Of all images, by split.
    left_out : iterable of Place
        Images to leave out: blank ones, and all but one of those that are the same.
    max_distance : int
        Bits. Where there are more pairs than people can look at, only nearer ones are taken.
    executor : Executor or None
        Who compares the images of the pairs.
    progress : Progress
        What to show.

    Returns
    -------
    list of NearPair or None
        The least difference first. None if there are too many pairs with the very same hash.
    int
        The distance in bits that was kept to.
    """
    kept = {split: np.ones(len(values), dtype=np.bool_) for split, values in hashes.items()}
    for split, position in left_out:
        kept[split][position] = False
    values = np.concatenate([hashes[split][mask] for split, mask in kept.items()])
    splits = np.repeat(list(kept), [np.count_nonzero(mask) for mask in kept.values()])
    positions = np.concatenate([np.flatnonzero(mask) for mask in kept.values()])

    def place(row: int) -> Place:
        return Place(str(splits[row]), int(positions[row]))

    for distance in range(max_distance, -1, -1):
        try:
            near = near_pairs(values, distance, max_pairs=MOST_PAIRS)
        except ValueError:  # more than these
            continue
        pairs = [(place(first), place(second)) for first, second in near.places.tolist()]
        differences = _differences(data.images, pairs, executor, progress)
        alike = [
            NearPair(pair, data.labels_at(pair), bits, difference)
            for pair, bits, difference in zip(pairs, near.distances.tolist(), differences, strict=True)
        ]
        return sorted(alike, key=lambda one: (one.difference, one.distance)), distance
    return None, 0


def _differences(
    images: Mapping[str, Images], pairs: Sequence[tuple[Place, Place]], executor: Executor | None, progress: Progress
) -> list[float]:
    files = {split: MappedFile.of(array) for split, array in images.items()}
    tasks = [_Some(files, pairs[start : start + _PAIRS_AT_ONCE]) for start in range(0, len(pairs), _PAIRS_AT_ONCE)]
    pair_bytes = 2 * next(iter(images.values()))[:1].nbytes
    found: list[float] = []
    with progress("comparing images", total=len(pairs) * pair_bytes) as bar:
        for task, some in zip(tasks, spread(_compare, tasks, executor), strict=True):
            found += some
            bar.update(len(task.pairs) * pair_bytes)
    return found


def _compare(task: _Some) -> list[float]:
    images = {split: file.open() for split, file in task.files.items()}
    differences = []
    for first, second in task.pairs:
        one, other = (images[place.split][place.position].astype(np.int16) for place in (first, second))
        differences.append(float(np.abs(one - other).mean()))
    return differences


def _has_two_values(array: Images) -> bool:
    step = max(1, len(array) // _LOOKED_AT)
    return len(np.unique(array[::step][:_LOOKED_AT])) <= 2
