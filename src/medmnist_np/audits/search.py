"""Search a data set for duplicates, leaks, contradictory labels and blank images: ``audit()``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from medmnist_np._progress import Progress, bars
from medmnist_np.audits.audit_result import Audit
from medmnist_np.audits.findings import Copies, NearPair, Place, SplitSummary, number, shown_places
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
    """Look for copies, near copies, contradicting labels, blank images and leaks between the splits of a data set.

    All images are looked at, in pieces of a few MB: memory is flat, whatever their number and size.

    Parameters
    ----------
    source : str, path or DatasetInfo
        Name of a data set, as of :func:`~medmnist_np.load`, or an .npz file with the arrays ``train_images`` and
        ``train_labels``, and so for each split. A channel axis of the images may come first or last. What has a ``.``
        or a slash in it is a file. It is unpacked into the cache for the time of the audit and nothing in it is
        believed.
    size : int, optional
        As of :func:`~medmnist_np.load`; of names only.
    ids : path, optional
        A CSV file with the columns ``split``, ``index``, ``image_id`` and perhaps ``group``, and a line for each
        sample. None means the ids that are attached to the data set, if there are any. Samples of one group, or
        without groups of one id, should not be in several splits.
    max_distance : int, optional
        Bits, of 64, in which the perceptual hashes of two images that look alike may differ, 0 to 16. None leaves the
        search out.
    root : path, optional
        As of :func:`~medmnist_np.load`.
    download : bool
        Whether to fetch the data set if it is not on this machine.
    executor : concurrent.futures.Executor, optional
        Who looks at the images: threads, processes, or a cluster (a Dask client's ``get_executor()``) whose machines
        see the same path. None means this thread.
    progress : Progress
        What to show; a bar, by default.

    Returns
    -------
    Audit
        Prints in some lines; ``leaks``, ``scheme``, ``to_dict()``, ``page()``.

    Raises
    ------
    NotCachedError
        If the data set is not here and ``download=False``.
    ArchiveError
        If the file is no sound archive of images and labels.
    ValueError
        If ids or the distance make no sense.
    MedMNISTError
        As :func:`~medmnist_np.load`.

    Notes
    -----
    Copies are exact: images of one 64-bit digest are compared by one of 128 bits. Near copies are those whose
    perceptual hashes are near [1]_. Where images of a set look alike, most of them are no copies: they come in the
    order of their mean absolute difference, for people to look at. A copy that was turned, mirrored or shifted is not
    found.

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
        near_pairs(np.empty(0, dtype=np.uint64), max_distance)  # raises if it is none
    with opened(source, size=size, root=root, download=download, progress=progress) as data:
        groups = grouping(data, ids)
        reason = "Near copies were not searched, as asked." if max_distance is None else why_not(data)
        scans = scan(data.images, hashed=reason is None, executor=executor, progress=progress)
        blank = _places({split: one.blank for split, one in scans.items()})
        copies = _copies(data, scans)
        near, kept_to = None, None
        if max_distance is not None and reason is None:
            hashes = {split: one.hashes for split, one in scans.items()}
            left_out = [*blank, *(place for one in copies for place in one.places[1:])]
            near, kept_to = look_alike(data, hashes, left_out, max_distance, executor=executor, progress=progress)
            reason = _kept_to(near, kept_to, max_distance)
        return Audit(
            name=data.name,
            image_shape=data.image_shape,
            record=data.record,
            digest=data.digest,
            splits={split: _summary(table, data.record) for split, table in data.labels.items()},
            duplicates=tuple(copies),
            near=None if near is None else tuple(near),
            near_distance=kept_to,
            blank=blank,
            bad_labels=_places({split: _is_bad(table, data.record) for split, table in data.labels.items()}),
            shared_groups=groups.shared,
            grouped_by=groups.by,
            remarks=tuple(filter(None, (*data.remarks, *_left_out(groups, data), reason))),
            pictures=_pictures(data, [*shown_places(copies), *shown_places(near or [])]),
        )


def _copies(data: Source, scans: Mapping[str, Scan]) -> list[Copies]:
    """Return images that are the same and not blank, those in several splits first."""
    splits = list(scans)
    found = []
    for group in duplicates(list(data.images.values()), [one.digests for one in scans.values()]):
        places = tuple(Place(splits[number], position) for number, position in group.tolist())
        if not scans[places[0].split].blank[places[0].position]:
            found.append(Copies(places, data.labels_at(places)))
    return sorted(found, key=lambda copies: not copies.crosses)


def _left_out(groups: Grouping, data: Source) -> Iterator[str]:
    """Say which samples were not compared by their groups or ids, as these are unknown."""
    if groups.with_groups and groups.by != "group":
        without = [split for split in data.images if split not in groups.with_groups]
        yield f"No groups are known for {', '.join(without)}, so groups were not compared between the splits."
    if groups.n_unknown:
        without_id = number(groups.n_unknown, "samples")
        yield f"{without_id} without an image_id: not compared with those of other splits."


def _kept_to(near: list[NearPair] | None, kept_to: int, max_distance: int) -> str | None:
    """Return a remark if there were too many near pairs."""
    if near is None:
        return f"Near copies are not listed: more than {MOST_PAIRS:,} pairs have the very same perceptual hash."
    if kept_to < max_distance:
        return (
            f"More than {MOST_PAIRS:,} pairs have hashes that differ in at most {max_distance} bits: only those up to "
            f"{kept_to} were taken."
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
    return tuple(Place(split, one) for split, mask in masks.items() for one in np.flatnonzero(mask).tolist())


def _pictures(data: Source, places: Sequence[Place]) -> dict[Place, NDArray[np.uint8]]:
    pictures = {}
    for place in places:
        image = data.images[place.split][place.position]
        pictures[place] = np.array(image if data.record.ndim == 2 else image[len(image) // 2])
    return pictures
