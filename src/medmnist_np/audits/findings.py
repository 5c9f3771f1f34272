"""Findings in words, for the text of an audit and for its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from medmnist_np.auditing.findings import Copies, Label, NearPair, Place, SplitSummary
from medmnist_np.pages.naming import class_titles, things_of
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.user_records import LOCAL

# Places that are named; `to_dict` has all.
_FEW = 8


def number(n: int, things: str) -> str:
    """Return ``"no pairs"``, ``"1 pair"``, ``"2 pairs"``."""
    return f"{n:,} {things}" if n > 1 else f"1 {things.removesuffix('s')}" if n else f"no {things}"


def samples(splits: Mapping[str, SplitSummary], image_shape: Sequence[int], record: DatasetInfo) -> str:
    """Return how many samples there are, of which shape."""
    counts = ", ".join(f"{split} {one.n_samples:,}" for split, one in splits.items())
    total = sum(one.n_samples for one in splits.values())
    return f"{total:,} {things_of(record)} of {' x '.join(map(str, image_shape))} ({counts})"


def groups_of(by: str | None, record: DatasetInfo) -> tuple[str, str, str]:
    """Return what was compared between the splits: the title, the things, and what was not checked, empty if all was.

    Parameters
    ----------
    by : "group", "image_id" or None
        As ``Audit.grouped_by``.
    record : DatasetInfo
        For what to do.
    """
    if by == "group":
        return "Groups", "groups", ""
    how = "build with --group-by" if record.collection == LOCAL and record.archives else "give them with --ids"
    return "Image ids", "image ids", f"not checked (no groups are known; {how})"


def no_leaks(by: str | None, n_splits: int) -> str:
    """Say that there are no leaks, and among what they were looked for."""
    if n_splits < 2:
        return "not checked (there is only one split)"
    among = {"group": "exact copies and groups", "image_id": "exact copies and image ids", None: "exact copies"}[by]
    return f"none among {among}"


def all_copies(found: Sequence[Copies]) -> str:
    """Return how many groups of copies there are."""
    if not found:
        return "none"
    n_images = sum(len(one.places) for one in found)
    return f"{number(len(found), 'groups')} with {n_images:,} images; {_crossing(found)}"


def all_near(found: Sequence[NearPair], distance: int) -> str:
    """Return how many near pairs there are, of hashes up to a distance."""
    said = f"{number(len(found), 'pairs')} up to {distance} bits apart"
    return f"{said}; {_crossing(found)}" if found else said


def absent_classes(splits: Mapping[str, SplitSummary], record: DatasetInfo) -> list[str]:
    """Return each class that a split has no sample of."""
    return [
        f"{split} has no sample of {title}"
        for split, one in splits.items()
        for title, n in zip(class_titles(record), one.class_counts, strict=True)
        if not n
    ]


def where(places: Sequence[Place]) -> str:
    """Return where samples are, the first few of each split: ``"train 3, 8; test 5"``."""
    return "; ".join(by_split(places))


def by_split(places: Sequence[Place]) -> list[str]:
    """Return the same as :func:`where`, one text for each split."""
    return [
        f"{split} {_few(', ', [place.position for place in of_split])}"
        for split, of_split in groupby(places, key=lambda place: place.split)
    ]


def span(split: SplitSummary) -> str:
    """Return the range of the labels of a split."""
    return "no samples" if split.label_range is None else f"{split.label_range[0]} to {split.label_range[1]}"


def nearness(pair: NearPair) -> str:
    """Return how near two images are."""
    bits = "1 bit" if pair.distance == 1 else f"{pair.distance} bits"
    return f"{bits}, mean difference {pair.difference:.2f} of 255"


def meaning(label: Label, record: DatasetInfo) -> str:
    """Return the class of a sample, or its findings; of a label that is none, its value."""
    titles = class_titles(record)
    if record.multi_label:
        named = (t if value == 1 else f"{t} = {value}" for t, value in zip(titles, label, strict=True) if value)
        return ", ".join(named) or "no finding"
    return titles[label[0]] if 0 <= label[0] < len(titles) else f"label {label[0]}"


def alike(found: Copies | NearPair, record: DatasetInfo) -> str:
    """Return where images are that are the same, or look alike, and what their labels say."""
    labels = dict.fromkeys(meaning(label, record) for label in found.labels)
    sign = " ~ " if isinstance(found, NearPair) else " = "
    said = f"{_few(sign, found.places)}: {' against '.join(labels)}"
    return f"{said}; {nearness(found)}" if isinstance(found, NearPair) else said


def by_label(found: Copies | NearPair, record: DatasetInfo) -> list[str]:
    """Return what the labels of images say; if they differ, also which image has which."""
    members: dict[str, list[Place]] = {}
    for place, label in zip(found.places, found.labels, strict=True):
        members.setdefault(meaning(label, record), []).append(place)
    return [f"{said}: {where(places)}" for said, places in members.items()] if found.contradicts else list(members)


def _few(separator: str, values: Sequence[object]) -> str:
    rest = f" and {len(values) - _FEW:,} more" if len(values) > _FEW else ""
    return f"{separator.join(map(str, values[:_FEW]))}{rest}"


def _crossing(found: Sequence[Copies | NearPair]) -> str:
    n_crossing, n_contradicting = sum(one.crosses for one in found), sum(one.contradicts for one in found)
    return f"{n_crossing:,} in several splits, {n_contradicting:,} with labels that differ"
