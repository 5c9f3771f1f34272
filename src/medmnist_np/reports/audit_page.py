"""The page of an audit: duplicates, leaks and contradictory labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from medmnist_np._html import Html, element
from medmnist_np._version import __version__
from medmnist_np.audits import findings
from medmnist_np.audits._audit import Audit
from medmnist_np.audits.findings import MOST_OF_ONE, MOST_SHOWN, ExactDuplicates, NearPair
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

_LEAST_PX = 260  # width of two images side by side
_MOST_GROUPS = 50
_GAP = 128  # gray level between two images
_METHOD_OF_GROUPS: Mapping[str | None, str] = {
    "group": "compared by the group of each sample",
    "image_id": "compared by image id",
    None: "not checked",
}


def audit_page(audit: Audit) -> str:
    """Return the page of an audit.

    Parameters
    ----------
    audit : Audit
        The result of :func:`~medmnist_np.audit`.

    Returns
    -------
    str
        A self-contained HTML document without scripts. The same audit gives the same document.
    """
    subtitle = findings.samples(audit.splits, audit.image_shape, audit.record)
    return page(f"Audit of {audit.name}", subtitle, audit_sections(audit))


def audit_sections(audit: Audit) -> dict[str, list[Html]]:
    """Return the sections of the page of an audit, by their headings."""
    _, grouped_by, not_checked = findings.groups_of(audit.grouped_by)
    sections = {
        "Summary": _summary(audit, not_checked),
        "Exact duplicates": _exact(audit),
        "Near duplicates": _near(audit),
        "Leaks": _leaks(audit, grouped_by),
        "Labels": _labels(audit),
        f"Blank {things_of(audit.record)}": _blank(audit),
    }
    if audit.shared_groups is not None:
        sections[f"{grouped_by.capitalize()} in several splits"] = _groups(audit, grouped_by)
    if not_checked:
        sections["Patients in several splits"] = [note(f"Patients: {not_checked}.")]
    sections["Method"] = [_method(audit)]
    return sections


def _summary(audit: Audit, not_checked: str) -> list[Html]:
    things = things_of(audit.record)
    leaks = f"{things} that also occur in a later split"
    if len(audit.splits) < 2:
        leaks = "not checked: there is only one split"
    elif not_checked:
        leaks += "; patients were not checked"
    shown = {
        "Exact duplicates": (number(len(audit.duplicates)), f"groups of identical {things}"),
        "Contradictions": (number(len(audit.conflicts)), "of these groups have different labels"),
        "Leaks": (number(sum(map(len, audit.leaks.values()))), leaks),
    }
    if audit.near is not None:
        n_crossing = sum(pair.crosses for pair in audit.near)
        shown["Near duplicates"] = (number(len(audit.near)), f"pairs to look at, {n_crossing:,} of them in two splits")
    return [figures(shown), *map(note, audit.remarks)]


def _exact(audit: Audit) -> list[Html]:
    things, counted = things_of(audit.record), findings.all_exact(audit.duplicates)
    return [element("p", f"Identical {things}: {counted}."), *_pictures(audit, audit.duplicates)]


def _near(audit: Audit) -> list[Html]:
    if audit.near is None:
        return [element("p", "Near duplicates were not searched, or are too many to list. See the summary.")]
    things, counted = things_of(audit.record), findings.all_near(audit.near, audit.near_distance or 0)
    return [
        element("p", f"{things.capitalize()} that look similar: {counted}."),
        element(
            "p",
            "Look at each pair before you call it duplicates: images of different people also look similar if organ, "
            "position and device are the same. Pairs with the smallest difference come first.",
        ),
        *_pictures(audit, audit.near),
    ]


def _pictures(audit: Audit, alike: Sequence[ExactDuplicates | NearPair]) -> list[Html]:
    """Return the first groups or pairs of images, each as one picture."""
    if not alike:
        return []
    shown = [_picture(audit, images) for images in alike[:MOST_SHOWN]]
    remarks = [f"These are the first {len(shown)} of {len(alike):,}."] if len(shown) < len(alike) else []
    remarks += ["Volumes are shown as their middle slice."] if audit.record.ndim == 3 else []
    return [*([aside(" ".join(remarks))] if remarks else []), gallery(shown, width_px=_LEAST_PX)]


def _picture(audit: Audit, alike: ExactDuplicates | NearPair) -> Html:
    title, lines = findings.where(alike.places), findings.by_label(alike, audit.record)
    if isinstance(alike, NearPair):
        lines.append(findings.nearness(alike))
    pixels = _side_by_side([audit.pictures[place] for place in alike.places[:MOST_OF_ONE]])
    return figure(picture(pixels, f"{title}: {'; '.join(lines)}"), title, *lines)


def _leaks(audit: Audit, grouped_by: str) -> list[Html]:
    things, record = things_of(audit.record), audit.record
    rows = []
    for split, positions in audit.leaks.items():
        n_samples = audit.splits[split].n_samples
        rows.append([split, number(n_samples), number(len(positions)), number(n_samples - len(positions))])
    lines = f'audit = mm.audit("{audit.name}")\nds = mm.Dataset("{record.name}", "train").without(audit.leaks)'
    return [
        element(
            "p",
            f"{things.capitalize()} that also occur in a later split, as exact duplicates"
            + (f" or by their {grouped_by}" if audit.shared_groups is not None else "")
            + ". The later split keeps its samples, so the test split stays as published. "
            "Near duplicates are not counted.",
        ),
        table(f"{things.capitalize()} of each split", ["split", things, "leaks", "without leaks"], rows),
        *([code(lines, "Code to remove the leaks")] if record.archives else []),
    ]


def _labels(audit: Audit) -> list[Html]:
    record, splits = audit.record, audit.splits
    rows = [
        [title, *(share_cell(split.class_counts[k], split.n_samples) for split in splits.values())]
        for k, title in enumerate(class_titles(record))
    ]
    head = ["finding" if record.multi_label else "class", *splits]
    ranges = ", ".join(f"{name} {findings.span(split)}" for name, split in splits.items())
    return [
        table("Samples by label and split", head, rows),
        aside(f"Range of the labels: {ranges}."),
        *(note(f"{sentence}.") for sentence in findings.absent_classes(splits, record)),
        *(note(f"Invalid labels: {places}.") for places in findings.by_split(audit.bad_labels)),
    ]


def _blank(audit: Audit) -> list[Html]:
    things = things_of(audit.record)
    if not audit.blank:
        return [element("p", f"No {things} are blank.")]
    return [
        element("p", f"{things.capitalize()} with a single gray level or colour. They do not count as duplicates."),
        element("ul", *(element("li", places) for places in findings.by_split(audit.blank))),
    ]


def _groups(audit: Audit, grouped_by: str) -> list[Html]:
    shared = audit.shared_groups
    if not shared:
        return [element("p", f"No {grouped_by} have samples in more than one split.")]
    rows = [[group.group, findings.where(group.places)] for group in shared[:_MOST_GROUPS]]
    rest = f"; the first {_MOST_GROUPS} of {len(shared):,}" if len(shared) > _MOST_GROUPS else ""
    caption = f"{grouped_by.capitalize()} in several splits{rest}"
    return [table(caption, [grouped_by[:-1], "samples"], rows, text={1})]


def _method(audit: Audit) -> Html:
    hashes = f"64-bit perceptual hashes (discrete cosine transform) that differ in at most {audit.near_distance} bits"
    return facts(
        {
            "Archive": audit.digest,
            "Exact duplicates": "all images, compared by a 64-bit checksum, then by a 128-bit BLAKE2b checksum",
            "Near duplicates": "" if audit.near is None else hashes,
            "Order of near duplicates": "" if audit.near is None else "mean absolute difference of the pixel values",
            "Groups": _METHOD_OF_GROUPS[audit.grouped_by],
            "Program": f"medmnist-np {__version__}",
        }
    )


def _side_by_side(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return images in a row with gaps between them."""
    first = images[0]
    gap = np.full((len(first), max(1, first.shape[1] // 28), *first.shape[2:]), _GAP, dtype=np.uint8)
    parts = [part for image in images for part in (gap, image)][1:]
    return np.concatenate(parts, axis=1)
