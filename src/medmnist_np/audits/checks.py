"""Read all images once for checksums, blank images and hashes; find near duplicates and groups in several splits."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np._groups import is_missing
from medmnist_np._parallel import MappedFile, spread
from medmnist_np._progress import Progress
from medmnist_np.audits.findings import NearPair, Place, SharedGroup
from medmnist_np.audits.source import Images, Source
from medmnist_np.data.identifiers import identifiers, read_ids
from medmnist_np.errors import NotCachedError
from medmnist_np.images.hashes import (
    CHANGES,
    changed_hashes,
    changed_image,
    digests,
    near_between,
    near_pairs,
    one_colour,
    perceptual_hashes,
)


class Grouping(NamedTuple):
    """The comparison of groups or ids between splits.

    Attributes
    ----------
    by : "group", "image_id" or None
        What was compared: groups if every split has them, else image ids; None if neither is known.
    shared : tuple of SharedGroup, or None
        Groups or ids in several splits, in the order of their first samples; None if nothing was compared.
    n_unknown : int
        Number of samples without an id, which were left out.
    with_groups : tuple of str
        Splits with known groups.
    """

    by: Literal["group", "image_id"] | None
    shared: tuple[SharedGroup, ...] | None
    n_unknown: int
    with_groups: tuple[str, ...] = ()


def grouping(data: Source, file: str | os.PathLike[str] | None) -> Grouping:
    """Find groups in several splits; if a split has no known groups, find image ids in several splits.

    Parameters
    ----------
    data : Source
        The data set.
    file : path, optional
        Ids of all samples, see :func:`~medmnist_np.data.identifiers.attach_ids`. None means the attached ids.
    """
    columns = _attached(data) if file is None else _in_file(data, Path(file))
    if columns is None:
        return Grouping(None, None, 0)
    ids, groups = columns
    with_groups = tuple(split for split, one in groups.items() if not any(map(is_missing, one)))
    by: Literal["group", "image_id"] = "group" if len(with_groups) == len(groups) else "image_id"
    members: dict[str, list[Place]] = {}
    n_unknown = 0
    for split, names in (groups if by == "group" else ids).items():
        for position, name in enumerate(names):
            if is_missing(name):
                n_unknown += 1
            else:
                members.setdefault(name, []).append(Place(split, position))
    if not members:
        return Grouping(None, None, n_unknown, with_groups)
    shared = {name: places for name, places in members.items() if len({place.split for place in places}) > 1}
    found = tuple(SharedGroup(name, tuple(places)) for name, places in shared.items())
    return Grouping(by, found, n_unknown, with_groups)


_Columns = tuple[dict[str, list[str]], dict[str, list[str]]]


def _attached(data: Source) -> _Columns | None:
    if not data.record.archives:  # made up for a file
        return None
    try:
        known = {split: identifiers(data.record, split) for split in data.images}
    except NotCachedError:
        return None
    ids = {split: one.ids.tolist() for split, one in known.items()}
    groups = {split: [""] * len(one.ids) if one.groups is None else one.groups.tolist() for split, one in known.items()}
    return ids, groups


def _in_file(data: Source, file: Path) -> _Columns:
    rows = read_ids(file, data.record)
    ids, groups = ({split: [row[k] for row in of_samples] for split, of_samples in rows.items()} for k in (0, 1))
    return ids, groups


# The images of each pair are read, and people must look at them.
MOST_PAIRS = 20_000

_PAIRS_AT_ONCE = 64
_SAMPLED = 32  # images of a split, to see whether they have only two values
_LEAST_PIXELS = 8  # along each axis, for a perceptual hash


# Near hashes of changed images are common at larger distances.
_CHANGED_DISTANCE = 4


class _Candidate(NamedTuple):
    """Two images with near hashes; the second one after a change, if there is one."""

    first: Place
    second: Place
    bits: int
    change: str


class _Some(NamedTuple):
    """Some pairs of images, and the files of the splits. Its pickle is small."""

    files: Mapping[str, MappedFile]
    pairs: Sequence[_Candidate]


def why_not(data: Source) -> str | None:
    """Return why perceptual hashes cannot find near duplicates in these images; None if they can."""
    shape = data.image_shape
    if min(shape[:2] if shape[2:] == (3,) else shape) < _LEAST_PIXELS:
        return f"Near duplicates were not searched, which needs at least {_LEAST_PIXELS} pixels along each axis."
    if all(_has_two_values(array) for array in data.images.values()):
        return (
            "Near duplicates were not searched: all images have only two values, and shapes of one organ have similar "
            "hashes in thousands of pairs that are not duplicates."
        )
    return None


def look_alike(
    data: Source,
    scans: Mapping[str, Scan],
    left_out: Iterable[Place],
    max_distance: int,
    *,
    executor: Executor | None,
    progress: Progress,
) -> tuple[list[NearPair] | None, int]:
    """Find pairs of images with similar hashes, and images whose hashes are similar after a small change.

    Parameters
    ----------
    data : Source
        The data set.
    scans : Mapping of str to Scan
        Perceptual hashes of all images and of all changed images, by split.
    left_out : iterable of Place
        Images to leave out: blank images, and all but one of each group of exact duplicates.
    max_distance : int
        Maximum distance of two hashes in bits, for changed images at most 4. If there are too many pairs, a smaller
        distance is used.
    executor : Executor or None
        Compares the images of the pairs.
    progress : Progress
        Shows the progress.

    Returns
    -------
    list of NearPair or None
        Sorted by difference, smallest first. None if too many pairs have equal hashes.
    int
        The distance in bits that was used.
    """
    kept = {split: np.ones(len(scanned.hashes), dtype=np.bool_) for split, scanned in scans.items()}
    for split, position in left_out:
        kept[split][position] = False
    values = np.concatenate([scans[split].hashes[mask] for split, mask in kept.items()])

    def after(change: int) -> NDArray[np.uint64]:
        # One change at a time: all of them take 29 times as much memory.
        return np.concatenate([scans[split].changed[mask, change] for split, mask in kept.items()])

    n_changes = next(iter(scans.values())).changed.shape[1]
    places = [Place(split, position) for split, mask in kept.items() for position in np.flatnonzero(mask).tolist()]
    for distance in range(max_distance, -1, -2):
        try:
            near = _near_rows(values, after, n_changes, distance, progress)
        except ValueError:  # too many pairs
            continue
        found = [_Candidate(places[one], places[other], bits, change) for one, other, bits, change in near]
        differences = _differences(data.images, found, executor, progress)
        alike = []
        for (one, other, bits, change), difference in zip(near, differences, strict=True):
            pair = places[min(one, other)], places[max(one, other)]
            alike.append(NearPair(pair, data.labels_at(pair), bits, difference, change))
        return sorted(alike, key=lambda one: (one.difference, one.distance)), distance
    return None, 0


def _near_rows(
    values: NDArray[np.uint64],
    after: Callable[[int], NDArray[np.uint64]],
    n_changes: int,
    distance: int,
    progress: Progress,
) -> list[tuple[int, int, int, str]]:
    """Return pairs of rows with near hashes, their distance and the change of the second one; each pair once."""
    near = near_pairs(values, distance, max_pairs=MOST_PAIRS)
    found = {
        (one, other): (one, other, bits, "")
        for (one, other), bits in zip(near.places.tolist(), near.distances.tolist(), strict=True)
    }
    unchanged = set(found)
    with progress("comparing changed images", total=n_changes * values.nbytes) as bar:
        for number, change in enumerate(CHANGES[:n_changes]):  # images that are not square have fewer
            near = near_between(values, after(number), min(distance, _CHANGED_DISTANCE), max_pairs=MOST_PAIRS)
            for (one, other), bits in zip(near.places.tolist(), near.distances.tolist(), strict=True):
                pair = (min(one, other), max(one, other))
                if pair not in unchanged and (pair not in found or bits < found[pair][2]):
                    found[pair] = (one, other, bits, change)
            bar.update(values.nbytes)
    if len(found) > MOST_PAIRS:
        raise ValueError(f"{len(found)} pairs are too many.")
    return list(found.values())


def _differences(
    images: Mapping[str, Images], pairs: Sequence[_Candidate], executor: Executor | None, progress: Progress
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
    for first, second, _, change in task.pairs:
        one, other = (images[place.split][place.position].astype(np.int16) for place in (first, second))
        differences.append(float(np.abs(one - (changed_image(other, change) if change else other)).mean()))
    return differences


def _has_two_values(array: Images) -> bool:
    step = max(1, len(array) // _SAMPLED)
    return len(np.unique(array[::step][:_SAMPLED])) <= 2


# Each piece is read from disk once, and then from memory by each of the three checks.
_PIECE_BYTES = 32_000_000


class Scan(NamedTuple):
    """Digests of the images of a split, whether each is blank, and perceptual hashes if requested.

    ``changed`` ``(n, changes)`` are those of the changed images, in the order of ``CHANGES``.
    """

    digests: NDArray[np.uint64]
    blank: NDArray[np.bool_]
    hashes: NDArray[np.uint64]
    changed: NDArray[np.uint64]


class _Piece(NamedTuple):
    """Rows of an .npy file. Its pickle is small."""

    split: str
    file: MappedFile
    start: int
    stop: int
    hashed: bool


def scan(
    images: Mapping[str, Images], *, hashed: bool, executor: Executor | None, progress: Progress
) -> dict[str, Scan]:
    """Read all images once.

    Parameters
    ----------
    images : Mapping of str to (n, ...) uint8
        Whole maps of .npy files, by split.
    hashed : bool
        Whether to compute perceptual hashes too; otherwise ``hashes`` are empty.
    executor : Executor or None
        Runs the work.
    progress : Progress
        Shows the progress.
    """
    pieces = [piece for split, array in images.items() for piece in _pieces(split, array, hashed=hashed)]
    found: dict[str, list[Scan]] = {split: [] for split in images}
    with progress("scanning images", total=sum(array.nbytes for array in images.values())) as bar:
        for piece, scanned in zip(pieces, spread(_scan_piece, pieces, executor), strict=True):
            found[piece.split].append(scanned)
            bar.update((piece.stop - piece.start) * math.prod(images[piece.split].shape[1:]))
    return {split: Scan(*map(np.concatenate, zip(*parts, strict=True))) for split, parts in found.items()}


def _pieces(split: str, array: Images, *, hashed: bool) -> list[_Piece]:
    step = max(1, _PIECE_BYTES // math.prod(array.shape[1:]))
    file = MappedFile.of(array)
    # A split without images also has a piece, so that the arrays have the right types.
    starts = range(0, max(1, len(array)), step)
    return [_Piece(split, file, start, min(start + step, len(array)), hashed) for start in starts]


def _scan_piece(piece: _Piece) -> Scan:
    images = piece.file.open()[piece.start : piece.stop]
    blank = _blank(images)  # first, since it maps the pages that the digests need
    if not piece.hashed:
        return Scan(digests(images), blank, np.empty(0, np.uint64), np.empty((0, 0), np.uint64))
    return Scan(digests(images), blank, perceptual_hashes(images), changed_hashes(images))


def _blank(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which images are blank. Only images with a blank middle line are read whole; they are few."""
    middle = images.shape[1] // 2
    found = one_colour(images[:, middle : middle + 1])
    candidates = np.flatnonzero(found)
    found[candidates] = one_colour(images[candidates])
    return found
