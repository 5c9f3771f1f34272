"""The result of an audit: what it found, as text, JSON and a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medmnist_np.audits import findings
from medmnist_np.audits.findings import Copies, NearPair, Place, SharedGroup, SplitSummary
from medmnist_np.data.scheme import Scheme
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.records import things_of

# Of each kind in words; `to_dict` has all.
_MOST_SAID = 5


@dataclass(frozen=True, slots=True)
class Audit:
    """What :func:`audit` found.

    Attributes
    ----------
    name : str
        Name of the data set, or of the file.
    image_shape : tuple of int
        Of one image.
    record : DatasetInfo
        That of the data set; of a file that is no known archive, one that was made up for it.
    digest : str
        Of the archive, ``"md5:<hex>"`` or ``"sha256:<hex>"``.
    splits : Mapping of str to SplitSummary
        Samples, label range and class balance; of leaks the sample in the earlier split is one too many.
    duplicates : tuple of Copies
        Images that are the same to the byte, those in several splits first. Blank images are left out.
    near : tuple of NearPair, or None
        Images that look alike, the least difference first; of copies the first one stands for all. None if they were
        not searched, or are too many to list: ``remarks`` say why.
    near_distance : int or None
        Bits up to which hashes count as near; None if they were not searched.
    blank : tuple of Place
        Images of one gray level, or one colour.
    bad_labels : tuple of Place
        Samples with a label that is none.
    shared_groups : tuple of SharedGroup, or None
        Groups that are in several splits; where ``grouped_by`` is ``"image_id"``, ids that are. None if that was not
        checked, as neither is known.
    grouped_by : "group", "image_id" or None
        What was compared between the splits: groups (as patients) where every sample has one, else ids of images.
    remarks : tuple of str
        What to know about all this.
    pictures : Mapping of Place to ndarray
        Some of the copies and near pairs, ``(h, w)`` or ``(h, w, 3)`` uint8; of volumes the middle slice.
    """

    name: str
    image_shape: tuple[int, ...]
    record: DatasetInfo = field(repr=False)
    digest: str
    splits: Mapping[str, SplitSummary]
    duplicates: tuple[Copies, ...]
    near: tuple[NearPair, ...] | None
    near_distance: int | None
    blank: tuple[Place, ...]
    bad_labels: tuple[Place, ...]
    shared_groups: tuple[SharedGroup, ...] | None
    grouped_by: Literal["group", "image_id"] | None
    remarks: tuple[str, ...]
    pictures: Mapping[Place, NDArray[np.uint8]] = field(repr=False, compare=False, default_factory=dict)

    @property
    def conflicts(self) -> tuple[Copies, ...]:
        """Those of the copies whose labels differ."""
        return tuple(copies for copies in self.duplicates if copies.contradicts)

    @property
    def leaks(self) -> dict[str, NDArray[np.intp]]:
        """Samples that should not be where they are, by split: their positions in its arrays, ``(k,)`` intp, ascending.

        Of copies that are in several splits, and of groups that are, all samples stay that are in the last of these
        splits, and the others are leaks: those of train and val that also occur in test, and those of train that also
        occur in val. So test stays as published. Other names of splits mean the same, as ``Training``, ``valid`` and
        ``test2``. Near copies are not among leaks: they are for people to look at.
        """
        order = {split: number for number, split in enumerate(self.splits)}
        found: dict[str, set[int]] = {split: set() for split in self.splits}
        for places in self._together():
            last = max(order[place.split] for place in places)
            for split, position in places:
                if order[split] < last:
                    found[split].add(position)
        return {split: np.array(sorted(positions), dtype=np.intp) for split, positions in found.items()}

    @property
    def scheme(self) -> Scheme:
        """The splits without the leaks, for ``Dataset(..., scheme=...)``; its ``write`` makes a file of them."""
        moves = {(split, one): "" for split, positions in self.leaks.items() for one in positions.tolist()}
        return Scheme(moves, dataset=self.record.name, digest=self.digest)

    def to_dict(self) -> dict[str, Any]:
        """Return all findings as what JSON can hold; pictures are left out."""
        shared = self.shared_groups
        return {
            "name": self.name,
            "image_shape": list(self.image_shape),
            "digest": self.digest,
            "splits": {
                split: {
                    "n_samples": one.n_samples,
                    "label_range": None if one.label_range is None else list(one.label_range),
                    "class_counts": dict(zip(self.record.class_names, one.class_counts, strict=True)),
                }
                for split, one in self.splits.items()
            },
            "duplicates": [copies.to_dict() for copies in self.duplicates],
            "conflicts": [copies.to_dict() for copies in self.conflicts],
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
        """Say it in some lines, with the first few of each kind."""
        record = self.record
        lines = [f"{self.name}: {findings.samples(self.splits, self.image_shape, record)}"]
        lines += _listed(
            "Exact copies",
            findings.all_copies(self.duplicates),
            [findings.alike(one, record) for one in self.duplicates],
        )
        if self.near is not None and self.near_distance is not None:
            said = findings.all_near(self.near, self.near_distance)
            lines += _listed("Near copies", said, [findings.alike(pair, record) for pair in self.near])
        else:
            lines += _listed("Near copies", "too many to list" if self.near_distance == 0 else "not searched", [])
        lines += _listed("Blank", findings.number(len(self.blank), things_of(record)), list(map(str, self.blank)))
        lines += _listed(
            "Wrong labels", findings.number(len(self.bad_labels), "samples"), list(map(str, self.bad_labels))
        )
        title, things, not_checked = findings.groups_of(self.grouped_by, record)
        if (shared := self.shared_groups) is not None:
            said = f"{findings.number(len(shared), things)} in several splits"
            lines += _listed(title, said, [f"{one.group}: {findings.where(one.places)}" for one in shared])
        if not_checked:
            lines += _listed("Patients", not_checked, [])
        if absent := findings.absent_classes(self.splits, record):
            lines += _listed("Absent", "", absent)
        leaks = [f"{split} {len(positions):,}" for split, positions in self.leaks.items() if len(positions)]
        after = "; they also occur in a later split, and ds.without(audit.leaks) leaves them out"
        none = findings.no_leaks(self.grouped_by, len(self.splits))
        lines += _listed("Leaks", ", ".join(leaks) + after if leaks else none, [])
        return "\n".join([*lines, *self.remarks])

    def page(self) -> str:
        """Return a page with pictures of the first copies and near pairs: an HTML document that needs nothing else."""
        from medmnist_np.reports.audit_page import audit_page

        return audit_page(self)

    def __repr__(self) -> str:
        return self.in_words()

    def _together(self) -> Iterator[tuple[Place, ...]]:
        """Yield samples that must not be in several splits."""
        yield from (copies.places for copies in self.duplicates)
        yield from (shared.places for shared in self.shared_groups or ())


def _listed(title: str, said: str, found: Sequence[str]) -> list[str]:
    rest = [f"    ... and {len(found) - _MOST_SAID:,} more"] if len(found) > _MOST_SAID else []
    return [f"{title + ':':<14}{said}".rstrip(), *(f"    {one}" for one in found[:_MOST_SAID]), *rest]
