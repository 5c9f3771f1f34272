"""The result of an audit, as text, JSON and an HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medmnist_np.audits import findings
from medmnist_np.audits.findings import ExactDuplicates, NearPair, Place, SharedGroup, SplitSummary
from medmnist_np.data.scheme import Scheme
from medmnist_np.registry import DatasetInfo
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
        The record of the data set; for an unknown file, a record made from its arrays.
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

        If exact duplicates or a group are in several splits, the samples of the last split stay and the others are
        leaks: samples of train and val that also occur in test, and samples of train that also occur in val. So test
        stays as published. Usual names of splits, such as ``Training``, ``valid`` and ``test2``, are recognised. Near
        duplicates are not leaks: people must look at them.
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
            lines += _listed("Near duplicates", "too many to list" if self.near_distance == 0 else "not searched", [])
        lines += _listed("Blank", findings.number(len(self.blank), things_of(record)), list(map(str, self.blank)))
        lines += _listed(
            "Wrong labels", findings.number(len(self.bad_labels), "samples"), list(map(str, self.bad_labels))
        )
        title, grouped_by, not_checked = findings.groups_of(self.grouped_by, record)
        if (shared := self.shared_groups) is not None:
            counted = f"{findings.number(len(shared), grouped_by)} in several splits"
            lines += _listed(title, counted, [f"{group.group}: {findings.where(group.places)}" for group in shared])
        if not_checked:
            lines += _listed("Patients", not_checked, [])
        if absent := findings.absent_classes(self.splits, record):
            lines += _listed("Absent", "", absent)
        leaks = [f"{split} {len(positions):,}" for split, positions in self.leaks.items() if len(positions)]
        after = "; they also occur in a later split. Remove them with ds.without(audit.leaks)."
        none = findings.no_leaks(self.grouped_by, len(self.splits))
        lines += _listed("Leaks", ", ".join(leaks) + after if leaks else none, [])
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


def _listed(title: str, summary: str, items: Sequence[str]) -> list[str]:
    rest = [f"    ... and {len(items) - _MOST_LISTED:,} more"] if len(items) > _MOST_LISTED else []
    return [f"{title + ':':<18}{summary}".rstrip(), *(f"    {item}" for item in items[:_MOST_LISTED]), *rest]
