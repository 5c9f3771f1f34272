"""Search a data set for duplicates, leaks, contradictory labels and blank images: ``audit()`` and its result."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medmnist_np._progress import Progress, bars
from medmnist_np.audits import findings
from medmnist_np.audits.checks import MOST_PAIRS, Grouping, Scan, grouping, look_alike, scan, why_not
from medmnist_np.audits.findings import (
    ExactDuplicates,
    NearPair,
    Place,
    SharedGroup,
    SplitSummary,
    number,
    shown_places,
)
from medmnist_np.audits.source import Source, opened
from medmnist_np.data.scheme import Scheme
from medmnist_np.images.hashes import duplicates, near_pairs
from medmnist_np.registry import DatasetInfo, Record
from medmnist_np.registry.records import things_of

# Findings of each kind in the text; `to_dict` has all.
_MOST_LISTED = 5


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of :func:`audit`.

    Attributes
    ----------
    name : str
        Name of the data set, or of the file.
    image_shape : tuple of int
        Shape of one image.
    record : DatasetInfo
        The record of the data set, or for an unknown file a record made from its arrays.
    digest : str
        Checksum of the archive, ``"md5:<hex>"`` or ``"sha256:<hex>"``.
    splits : Mapping of str to SplitSummary
        Samples, label range and class balance by split.
    duplicates : tuple of ExactDuplicates
        Groups of identical images, those in several splits first. Blank images are left out.
    near : tuple of NearPair, or None
        Pairs of near duplicates, the smallest difference first. Of exact duplicates only the first is compared. None
        if near duplicates were not searched or are too many to list: ``remarks`` have the reason.
    near_distance : int or None
        Maximum number of bits in which hashes differ; None if near duplicates were not searched.
    blank : tuple of Place
        Images of a single gray level or colour.
    bad_labels : tuple of Place
        Samples with an invalid label.
    shared_groups : tuple of SharedGroup, or None
        Groups in several splits; if ``grouped_by`` is ``"image_id"``, image ids in several splits. None if neither is
        known.
    grouped_by : "group", "image_id" or None
        What was compared between splits: groups (such as patients) if every sample has one, else image ids.
    remarks : tuple of str
        Notes on the audit.
    pictures : Mapping of Place to ndarray
        Images of some exact and near duplicates, ``(h, w)`` or ``(h, w, 3)`` uint8; of volumes the middle slice.
    """

    name: str
    image_shape: tuple[int, ...]
    record: DatasetInfo = field(repr=False)
    digest: str
    splits: Mapping[str, SplitSummary]
    duplicates: tuple[ExactDuplicates, ...]
    near: tuple[NearPair, ...] | None
    near_distance: int | None
    blank: tuple[Place, ...]
    bad_labels: tuple[Place, ...]
    shared_groups: tuple[SharedGroup, ...] | None
    grouped_by: Literal["group", "image_id"] | None
    remarks: tuple[str, ...]
    pictures: Mapping[Place, NDArray[np.uint8]] = field(repr=False, compare=False, default_factory=dict)

    @property
    def conflicts(self) -> tuple[ExactDuplicates, ...]:
        """Exact duplicates with different labels."""
        return tuple(group for group in self.duplicates if group.contradicts)

    @property
    def leaks(self) -> dict[str, NDArray[np.intp]]:
        """Samples that also occur in a later split: their indices by split, ``(k,)`` intp, ascending.

        Remove them with ``ds.without(audit.leaks)``. If exact duplicates or a group are in several splits, the samples
        of the last split stay and the others are leaks: samples of train and val that also occur in test, and samples
        of train that also occur in val. So test stays as published. Usual names of splits, such as ``Training``,
        ``valid`` and ``test2``, are recognised. Near duplicates are not leaks: people must look at them.
        """
        order = {split: number for number, split in enumerate(self.splits)}
        leaks: dict[str, set[int]] = {split: set() for split in self.splits}
        for places in self._together():
            last = max(order[place.split] for place in places)
            for split, position in places:
                if order[split] < last:
                    leaks[split].add(position)
        return {split: np.array(sorted(positions), dtype=np.intp) for split, positions in leaks.items()}

    @property
    def scheme(self) -> Scheme:
        """The splits without the leaks, for ``Dataset(..., scheme=...)``; its ``write`` saves them as a file."""
        moves = {(split, index): "" for split, positions in self.leaks.items() for index in positions.tolist()}
        return Scheme(moves, dataset=self.record.name, digest=self.digest)

    def to_dict(self) -> dict[str, Any]:
        """Return all findings, without pictures, as values for JSON."""
        shared = self.shared_groups
        return {
            "name": self.name,
            "image_shape": list(self.image_shape),
            "digest": self.digest,
            "splits": {
                name: {
                    "n_samples": split.n_samples,
                    "label_range": None if split.label_range is None else list(split.label_range),
                    "class_counts": dict(zip(self.record.class_names, split.class_counts, strict=True)),
                }
                for name, split in self.splits.items()
            },
            "duplicates": [group.to_dict() for group in self.duplicates],
            "conflicts": [group.to_dict() for group in self.conflicts],
            "near": None if self.near is None else [pair.to_dict() for pair in self.near],
            "near_distance": self.near_distance,
            "blank": [list(place) for place in self.blank],
            "bad_labels": [list(place) for place in self.bad_labels],
            "shared_groups": None if shared is None else {one.group: list(map(list, one.places)) for one in shared},
            "grouped_by": self.grouped_by,
            "leaks": {split: positions.tolist() for split, positions in self.leaks.items()},
            "remarks": list(self.remarks),
        }

    def in_words(self) -> str:
        """Return a text with the first few findings of each kind."""
        record = self.record
        lines = [f"{self.name}: {findings.samples(self.splits, self.image_shape, record)}"]
        lines += _listed(
            "Exact duplicates",
            findings.all_exact(self.duplicates),
            [findings.alike(group, record) for group in self.duplicates],
        )
        if self.near is not None and self.near_distance is not None:
            counted = findings.all_near(self.near, self.near_distance)
            lines += _listed("Near duplicates", counted, [findings.alike(pair, record) for pair in self.near])
        else:
            lines += _listed("Near duplicates", "too many to list" if self.near_distance == 0 else "not searched")
        lines += _listed("Blank", findings.number(len(self.blank), things_of(record)), list(map(str, self.blank)))
        lines += _listed(
            "Wrong labels", findings.number(len(self.bad_labels), "samples"), list(map(str, self.bad_labels))
        )
        title, grouped_by, not_checked = findings.groups_of(self.grouped_by)
        if (shared := self.shared_groups) is not None:
            counted = f"{findings.number(len(shared), grouped_by)} in several splits"
            lines += _listed(title, counted, [f"{group.group}: {findings.where(group.places)}" for group in shared])
        if not_checked:
            lines += _listed("Patients", not_checked)
        if absent := findings.absent_classes(self.splits, record):
            lines += _listed("Absent", "", absent)
        leaks = [f"{split} {len(positions):,}" for split, positions in self.leaks.items() if len(positions)]
        after = "; they also occur in a later split."
        none = findings.no_leaks(self.grouped_by, len(self.splits))
        lines += _listed("Leaks", ", ".join(leaks) + after if leaks else none)
        return "\n".join([*lines, *self.remarks])

    def page(self) -> str:
        """Return a self-contained HTML page with pictures of the first exact and near duplicates."""
        from medmnist_np.reports.audit_page import audit_page

        return audit_page(self)

    def __repr__(self) -> str:
        return self.in_words()

    def _together(self) -> Iterator[tuple[Place, ...]]:
        """Yield the samples of each group that must not be in several splits."""
        yield from (duplicates.places for duplicates in self.duplicates)
        yield from (shared.places for shared in self.shared_groups or ())


def _listed(title: str, summary: str, items: Sequence[str] = ()) -> list[str]:
    rest = [f"    ... and {len(items) - _MOST_LISTED:,} more"] if len(items) > _MOST_LISTED else []
    return [f"{title + ':':<18}{summary}".rstrip(), *(f"    {item}" for item in items[:_MOST_LISTED]), *rest]


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
        Maximum number of bits, of 64, in which the perceptual hashes of near duplicates differ: an even number, 0 to
        16, since hashes with equally many ones differ in an even number of bits. None skips the search for near
        duplicates.
    root : path, optional
        See :func:`~medmnist_np.load`.
    download : bool
        Whether to download the data set if it is not on this machine.
    executor : concurrent.futures.Executor, optional
        Runs the work: threads, processes, or a cluster (a Dask client's ``get_executor()``) whose machines see the
        same path. None means the calling thread.
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
        If the ids do not fit the data set, or the distance is not an even number from 0 to 16.
    MedMNISTError
        If the download fails, see :func:`~medmnist_np.load`.

    Notes
    -----
    Exact duplicates have equal 64-bit and 128-bit digests. Near duplicates have similar perceptual hashes [1]_. If all
    images of a set are similar, most of these pairs are not duplicates. They are sorted by mean absolute difference, so
    that people can look at the nearest first. Images are also compared with images that are shifted, cropped, mirrored
    or rotated by quarter turns; volumes are not.

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
        near_pairs(np.empty(0, dtype=np.uint64), max_distance)  # raises if the distance is invalid
        if max_distance % 2:
            raise ValueError(
                f"max_distance is {max_distance}, but hashes differ in an even number of bits. Use "
                f"{max_distance - 1} or {max_distance + 1}."
            )
    with opened(source, size=size, root=root, download=download, progress=progress) as data:
        groups = grouping(data, ids)
        reason = "Near duplicates were not searched, as requested." if max_distance is None else why_not(data)
        scans = scan(data.images, hashed=reason is None, executor=executor, progress=progress)
        blank = _places({split: scanned.blank for split, scanned in scans.items()})
        exact = _exact_duplicates(data, scans)
        near, kept_to = None, None
        if max_distance is not None and reason is None:
            left_out = [*blank, *(place for group in exact for place in group.places[1:])]
            near, kept_to = look_alike(data, scans, left_out, max_distance, executor=executor, progress=progress)
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
        return f"Near duplicates are not listed, since more than {MOST_PAIRS:,} pairs have equal perceptual hashes."
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
    return np.asarray(((table < 0) | (table > record.highest_label)).any(axis=1))


def _places(masks: Mapping[str, NDArray[np.bool_]]) -> tuple[Place, ...]:
    return tuple(Place(split, index) for split, mask in masks.items() for index in np.flatnonzero(mask).tolist())


def _pictures(data: Source, places: Sequence[Place]) -> dict[Place, NDArray[np.uint8]]:
    pictures = {}
    for place in places:
        image = data.images[place.split][place.position]
        pictures[place] = np.array(image if data.record.ndim == 2 else image[len(image) // 2])
    return pictures
