"""Search a data set for duplicates, leaks, contradictory labels and blank images: ``audit()``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from medmnist_np._progress import Progress, bars
from medmnist_np.audits.audit_result import Audit
from medmnist_np.audits.findings import ExactDuplicates, NearPair, Place, SplitSummary, number, shown_places
from medmnist_np.audits.scan import MOST_PAIRS, Grouping, Scan, grouping, look_alike, scan, why_not
from medmnist_np.audits.source import Source, opened
from medmnist_np.images.hashes import duplicates, near_pairs
from medmnist_np.registry import DatasetInfo, Record


def audit(
    source: str | os.PathLike[str] | Record,
    *,
    size: int | None = None,
    ids: str | os.PathLike[str] | None = None,
    max_distance: int | None = 4,
    root: str | os.PathLike[str] | None = None,
    download: bool = False,
    executor: Executor | None = None,
    progress: Progress = bars,
) -> Audit:
    """Search a data set for duplicates, near duplicates, contradictory labels, blank images and leaks between splits.

    All images are read, in pieces of a few MB, so memory does not grow with their number and size.

    Parameters
    ----------
    source : str, path or DatasetInfo
        Name of a data set, see :func:`~medmnist_np.load`, or path of an .npz file with the arrays ``train_images``
        and ``train_labels``, and the same for each split. The channel axis of the images may be first or last. A text
        with a ``.`` or a slash is a path. The file is checked strictly and unpacked into the cache during the audit.
    size : int, optional
        See :func:`~medmnist_np.load`; for names only.
    ids : path, optional
        A CSV file with the columns ``split``, ``index``, ``image_id`` and optionally ``group``, and a line for each
        sample. None means the ids attached to the data set, if any. Samples of one group (without groups, of one id)
        should not be in several splits.
    max_distance : int, optional
        Maximum number of bits, of 64, in which the perceptual hashes of near duplicates differ, 0 to 16. None skips
        the search for near duplicates.
    root : path, optional
        See :func:`~medmnist_np.load`.
    download : bool
        Whether to download the data set if it is not on this machine.
    executor : concurrent.futures.Executor, optional
        Runs the work: threads, processes, or a cluster (a Dask client's ``get_executor()``) whose machines see the
        same path. None means this thread.
    progress : Progress
        Shows the progress: a bar by default.

    Returns
    -------
    Audit
        The findings. It prints as text, and has ``leaks``, ``scheme``, ``to_dict()`` and ``page()``.

    Raises
    ------
    NotCachedError
        If the data set is not on this machine and ``download=False``.
    ArchiveError
        If the file is not a valid archive of images and labels.
    ValueError
        If the ids do not fit the data set, or the distance is not 0 to 16.
    MedMNISTError
        If the download fails, see :func:`~medmnist_np.load`.

    Notes
    -----
    Exact duplicates have equal 64-bit and 128-bit digests. Near duplicates have similar perceptual hashes [1]_. If all
    images of a set look alike, most of these pairs are not duplicates: they are sorted by mean absolute difference, for
    people to look at. A duplicate that was rotated, mirrored or shifted is not found.

    References
    ----------
    .. [1] Zauner C. Implementation and benchmarking of perceptual image hash functions. Hagenberg, 2010.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> found = mm.audit("breastmnist", download=True)
    >>> len(found.duplicates), len(found.conflicts), len(found.blank)
    (0, 0, 0)
    >>> clean = mm.Dataset("breastmnist", "train").without(found.leaks)
    """
    if max_distance is not None:
        near_pairs(np.empty(0, dtype=np.uint64), max_distance)  # raises if the distance is not valid
    with opened(source, size=size, root=root, download=download, progress=progress) as data:
        groups = grouping(data, ids)
        reason = "Near duplicates were not searched, as requested." if max_distance is None else why_not(data)
        scans = scan(data.images, hashed=reason is None, executor=executor, progress=progress)
        blank = _places({split: scanned.blank for split, scanned in scans.items()})
        exact = _exact_duplicates(data, scans)
        near, kept_to = None, None
        if max_distance is not None and reason is None:
            hashes = {split: scanned.hashes for split, scanned in scans.items()}
            left_out = [*blank, *(place for group in exact for place in group.places[1:])]
            near, kept_to = look_alike(data, hashes, left_out, max_distance, executor=executor, progress=progress)
            reason = _kept_to(near, kept_to, max_distance)
        return Audit(
            name=data.name,
            image_shape=data.image_shape,
            record=data.record,
            digest=data.digest,
            splits={split: _summary(table, data.record) for split, table in data.labels.items()},
            duplicates=tuple(exact),
            near=None if near is None else tuple(near),
            near_distance=kept_to,
            blank=blank,
            bad_labels=_places({split: _is_bad(table, data.record) for split, table in data.labels.items()}),
            shared_groups=groups.shared,
            grouped_by=groups.by,
            remarks=tuple(filter(None, (*data.remarks, *_left_out(groups, data), reason))),
            pictures=_pictures(data, [*shown_places(exact), *shown_places(near or [])]),
        )


def _exact_duplicates(data: Source, scans: Mapping[str, Scan]) -> list[ExactDuplicates]:
    """Return the groups of identical images that are not blank, those in several splits first."""
    splits = list(scans)
    groups = []
    for group in duplicates(list(data.images.values()), [scanned.digests for scanned in scans.values()]):
        places = tuple(Place(splits[number], position) for number, position in group.tolist())
        if not scans[places[0].split].blank[places[0].position]:
            groups.append(ExactDuplicates(places, data.labels_at(places)))
    return sorted(groups, key=lambda group: not group.crosses)


def _left_out(groups: Grouping, data: Source) -> Iterator[str]:
    """Yield a remark for each kind of samples that were not compared, because their groups or ids are unknown."""
    if groups.with_groups and groups.by != "group":
        without = [split for split in data.images if split not in groups.with_groups]
        yield f"No groups are known for {', '.join(without)}, so groups were not compared between splits."
    if groups.n_unknown:
        without_id = number(groups.n_unknown, "samples")
        yield f"{without_id} without an image_id were not compared between splits."


def _kept_to(near: list[NearPair] | None, kept_to: int, max_distance: int) -> str | None:
    """Return a remark if there were too many near pairs."""
    if near is None:
        return f"Near duplicates are not listed: more than {MOST_PAIRS:,} pairs have equal perceptual hashes."
    if kept_to < max_distance:
        return (
            f"More than {MOST_PAIRS:,} pairs have hashes that differ in at most {max_distance} bits. Only those "
            f"that differ in at most {kept_to} are listed."
        )
    return None


def _summary(table: NDArray[np.integer], record: DatasetInfo) -> SplitSummary:
    label_range = (int(table.min()), int(table.max())) if table.size else None
    good = table[~_is_bad(table, record)]
    counts = (
        good.sum(axis=0) if record.multi_label else np.bincount(good[:, 0].astype(np.intp), minlength=record.n_classes)
    )
    return SplitSummary(len(table), label_range, tuple(counts.tolist()))


def _is_bad(table: NDArray[np.integer], record: DatasetInfo) -> NDArray[np.bool_]:
    highest = 1 if record.multi_label else record.n_classes - 1
    return np.asarray(((table < 0) | (table > highest)).any(axis=1))


def _places(masks: Mapping[str, NDArray[np.bool_]]) -> tuple[Place, ...]:
    return tuple(Place(split, index) for split, mask in masks.items() for index in np.flatnonzero(mask).tolist())


def _pictures(data: Source, places: Sequence[Place]) -> dict[Place, NDArray[np.uint8]]:
    pictures = {}
    for place in places:
        image = data.images[place.split][place.position]
        pictures[place] = np.array(image if data.record.ndim == 2 else image[len(image) // 2])
    return pictures
