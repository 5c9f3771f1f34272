"""The page of an audit: duplicates, leaks and contradictory labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medmnist_np._html import Html, element
from medmnist_np._version import __version__
from medmnist_np.audits import findings
from medmnist_np.audits.audit_result import Audit
from medmnist_np.audits.findings import MOST_OF_ONE, MOST_SHOWN, Copies, NearPair, Place
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.records import class_titles, things_of
from medmnist_np.reports.page import (
    aside,
    code,
    facts,
    figure,
    figures,
    gallery,
    note,
    number,
    page,
    picture,
    share_cell,
    table,
)


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


_LEAST_PX = 260  # width of two images side by side
_MOST_GROUPS = 50
_GAP = 128  # gray level between two images


def audit_page(audit: Audit) -> str:
    """Return the page of an audit.

    Parameters
    ----------
    audit : Audit
        The result of :func:`~medmnist_np.audit`.

    Returns
    -------
    str
        An HTML document that needs nothing else. The same data gives the same document.
    """
    return _page(_data_of(audit))


def _data_of(audit: Audit) -> AuditData:
    """Return what the page shows of an audit."""
    record, near, shared, leaks = audit.record, audit.near, audit.shared_groups, audit.leaks
    hashes = f"perceptual hashes of 64 bits, by a discrete cosine transform, up to {audit.near_distance} bits apart"
    said = "" if near is None else findings.all_near(near, audit.near_distance or 0)
    return AuditData(
        record=record,
        name=audit.name,
        samples=findings.samples(audit.splits, audit.image_shape, record),
        splits={
            split: SplitFacts(one.n_samples, one.class_counts, findings.span(one), len(leaks[split]))
            for split, one in audit.splits.items()
        },
        copies=_findings(audit.duplicates, findings.all_copies(audit.duplicates), audit.pictures, record),
        near=None if near is None else _findings(near, said, audit.pictures, record),
        blank=findings.by_split(audit.blank),
        bad_labels=findings.by_split(audit.bad_labels),
        absent=findings.absent_classes(audit.splits, record),
        groups=None if shared is None else {one.group: findings.where(one.places) for one in shared},
        grouped_by=findings.groups_of(audit.grouped_by, record)[1],
        not_checked=findings.groups_of(audit.grouped_by, record)[2],
        remarks=audit.remarks,
        origin={
            "Archive": audit.digest,
            "Copies": "all images, compared by 64-bit digests, and those of one digest by BLAKE2b of 128 bits",
            "Near copies": "" if near is None else hashes,
            "Order of near copies": "" if near is None else "mean absolute difference of the values",
            "Groups": {"group": "by the groups of all samples", "image_id": "by image ids", None: "not checked"}[
                audit.grouped_by
            ],
            "Program": f"medmnist-np {__version__}",
        },
    )


def _findings(
    found: Sequence[Copies | NearPair], said: str, pictures: Mapping[Place, NDArray[np.uint8]], record: DatasetInfo
) -> Findings:
    """Return findings of one kind as plain data, the first of them with pictures."""
    return Findings(
        n=len(found),
        n_crossing=sum(one.crosses for one in found),
        n_contradicting=sum(one.contradicts for one in found),
        said=said,
        shown=[_shown(one, pictures, record) for one in found[:MOST_SHOWN]],
    )


def _shown(found: Copies | NearPair, pictures: Mapping[Place, NDArray[np.uint8]], record: DatasetInfo) -> Shown:
    lines = findings.by_label(found, record)
    if isinstance(found, NearPair):
        lines.append(findings.nearness(found))
    return Shown(findings.where(found.places), lines, [pictures[place] for place in found.places[:MOST_OF_ONE]])


def _page(data: AuditData) -> str:
    sections = {
        "Summary": _summary(data),
        "Exact copies": _copies(data),
        "Near copies": _near(data),
        "Leaks": _leaks(data),
        "Labels": _labels(data),
        f"Blank {things_of(data.record)}": _blank(data),
    }
    if data.groups is not None:
        sections[f"{data.grouped_by.capitalize()} in several splits"] = _groups(data.groups, data.grouped_by)
    if data.not_checked:
        sections["Patients in several splits"] = [note(f"Patients: {data.not_checked}.")]
    sections["How this was found"] = [facts(data.origin)]
    return page(f"Audit of {data.name}", data.samples, sections)


def _summary(data: AuditData) -> list[Html]:
    things, copies, near = things_of(data.record), data.copies, data.near
    n_leaks = sum(split.n_leaks for split in data.splits.values())
    leaks = f"{things} that also occur in a later split"
    if len(data.splits) < 2:
        leaks = "not checked: there is only one split"
    elif data.not_checked:
        leaks += "; patients were not checked"
    shown = {
        "Exact copies": (number(copies.n), f"groups of {things} that are the same"),
        "Contradictions": (number(copies.n_contradicting), "of these groups have labels that differ"),
        "Leaks": (number(n_leaks), leaks),
    }
    if near is not None:
        shown["Near copies"] = (number(near.n), f"pairs to look at, {near.n_crossing:,} of them in two splits")
    return [figures(shown), *map(note, data.remarks)]


def _copies(data: AuditData) -> list[Html]:
    things = things_of(data.record)
    return [
        element("p", f"{things.capitalize()} that are the same to the byte: {data.copies.said}."),
        *_pictures(data, data.copies),
    ]


def _near(data: AuditData) -> list[Html]:
    things = things_of(data.record)
    if data.near is None:
        return [element("p", "Not searched, or too many to list; the summary says why.")]
    return [
        element("p", f"{things.capitalize()} that look alike: {data.near.said}."),
        element(
            "p",
            "Look at them before calling one a copy. Where the organ, the position and the device are the same, images "
            "of different people look alike too. The least difference comes first.",
        ),
        *_pictures(data, data.near),
    ]


def _pictures(data: AuditData, found: Findings) -> list[Html]:
    if not found.shown:
        return []
    shown = [
        figure(picture(_side_by_side(one.images), f"{one.title}: {'; '.join(one.lines)}"), one.title, *one.lines)
        for one in found.shown
    ]
    remarks = [f"The first {len(shown)} of {found.n:,}."] if len(shown) < found.n else []
    remarks += ["Of each volume the middle slice is shown."] if data.record.ndim == 3 else []
    return [*([aside(" ".join(remarks))] if remarks else []), gallery(shown, width_px=_LEAST_PX)]


def _leaks(data: AuditData) -> list[Html]:
    things = things_of(data.record)
    rows = [
        [split, number(one.n_samples), number(one.n_leaks), number(one.n_samples - one.n_leaks)]
        for split, one in data.splits.items()
    ]
    lines = f'audit = mm.audit("{data.name}")\nds = mm.Dataset("{data.record.name}", "train").without(audit.leaks)'
    return [
        element(
            "p",
            f"{things.capitalize()} that also occur in a later split, as exact copies"
            + (f" or by their {data.grouped_by}" if data.groups is not None else "")
            + ". The later split keeps its own, so that test stays as it is published. Near copies are not counted.",
        ),
        table(f"{things.capitalize()} of each split", ["split", things, "leaks", "without leaks"], rows),
        *([code(lines, "Code that leaves the leaks out")] if data.record.archives else []),
    ]


def _labels(data: AuditData) -> list[Html]:
    titles = class_titles(data.record)
    rows = [
        [title, *(share_cell(one.class_counts[k], one.n_samples) for one in data.splits.values())]
        for k, title in enumerate(titles)
    ]
    head = ["finding" if data.record.multi_label else "class", *data.splits]
    ranges = ", ".join(f"{split} {one.label_range}" for split, one in data.splits.items())
    return [
        table("Samples by label and split", head, rows),
        aside(f"Values of the labels: {ranges}."),
        *(note(f"{one}.") for one in data.absent),
        *(note(f"Labels that are none: {places}.") for places in data.bad_labels),
    ]


def _blank(data: AuditData) -> list[Html]:
    things = things_of(data.record)
    if not data.blank:
        return [element("p", f"No {things} are blank.")]
    return [
        element("p", f"{things.capitalize()} of one gray level, or one colour. They are not among the copies."),
        element("ul", *(element("li", places) for places in data.blank)),
    ]


def _groups(groups: Mapping[str, str], things: str) -> list[Html]:
    if not groups:
        return [element("p", f"No {things} have samples in more than one split.")]
    rows = [list(row) for row in groups.items()][:_MOST_GROUPS]
    rest = f"; the first {_MOST_GROUPS} of {len(groups):,}" if len(groups) > _MOST_GROUPS else ""
    return [table(f"{things.capitalize()} in several splits{rest}", [things[:-1], "samples"], rows, text={1})]


def _side_by_side(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return images in a row with gaps between them."""
    first = images[0]
    gap = np.full((len(first), max(1, first.shape[1] // 28), *first.shape[2:]), _GAP, dtype=np.uint8)
    parts = [part for image in images for part in (gap, image)][1:]
    return np.concatenate(parts, axis=1)
