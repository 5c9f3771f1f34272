"""A part of the card of a data set: how many samples each class has, and which findings come together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from medmnist_np.pages.card_data import CardData
from medmnist_np.pages.markup import Html, element
from medmnist_np.pages.naming import class_titles, things_of
from medmnist_np.registry import DatasetInfo
from medmnist_np.reports.page import aside, number, share_cell, table

_MANY = 3  # findings of one sample; more are in the same row


def balance(data: CardData) -> list[Html]:
    """Return the number and the share of each class in each split; of several labels also how they come together."""
    record, things = data.record, things_of(data.record)
    columns = {split: presence(labels, record) for split, labels in data.labels.items()}
    if len(columns) > 1 and columns.keys() == record.n_samples.keys():
        columns["all"] = np.concatenate(list(columns.values()))
    kind = "finding" if record.multi_label else "class"
    counts = {split: present.sum(axis=0).tolist() for split, present in columns.items()}
    content = [
        _counted_labels(f"{things.capitalize()} of each {kind}, by split", kind, class_titles(record), counts, columns),
        aside("Shares are of the split. A full bar is the largest share in the table."),
    ]
    if record.multi_label:
        content += [_several(columns, things), *_together(columns, record, things)]
    return content


def presence(labels: NDArray[np.integer], record: DatasetInfo) -> NDArray[np.bool_]:
    """Return whether each sample is of each class, or has each finding, ``(n, classes)``."""
    present: NDArray[np.bool_] = labels != 0 if record.multi_label else labels == np.arange(record.n_classes)
    return present


def _counted_labels(
    caption: str,
    kind: str,
    names: Sequence[str],
    counts: Mapping[str, Sequence[int]],
    columns: Mapping[str, NDArray[np.bool_]],
) -> Html:
    """Return a table of counts and of their shares of a split."""
    n_samples = {split: len(present) for split, present in columns.items()}
    full = max((n / n_samples[split] for split in columns for n in counts[split] if n), default=1.0)
    rows = [
        [name, *(share_cell(counts[split][k], n_samples[split], full=full) for split in columns)]
        for k, name in enumerate(names)
    ]
    return table(caption, [kind, *columns], rows)


def _several(columns: Mapping[str, NDArray[np.bool_]], things: str) -> Html:
    """Return how many samples have no finding, one or more."""
    names = ["none", *map(str, range(1, _MANY)), f"{_MANY} or more"]
    counts = {
        split: np.bincount(np.minimum(present.sum(axis=1), _MANY), minlength=len(names)).tolist()
        for split, present in columns.items()
    }
    return _counted_labels(f"{things.capitalize()} by the number of their findings", "findings", names, counts, columns)


def _together(columns: Mapping[str, NDArray[np.bool_]], record: DatasetInfo, things: str) -> list[Html]:
    """Return of the samples with one finding how many have another."""
    *_, (split, present) = columns.items()
    values = present.astype(np.float64)  # sums of ones are exact, and many times faster than those of integers
    both = (values.T @ values).astype(np.int64)
    rows = []
    for k, row in enumerate(both.tolist()):
        cells = [_together_cell(n, row[k], same=j == k) for j, n in enumerate(row)]
        rows.append([f"{k} {record.class_names[k]}", *cells])
    which = "all splits together" if split == "all" else split
    return [
        element("h3", "Findings that come together"),
        element(
            "p",
            f"Of the {things} with the finding of a row, the share that has the finding of a column too; {which}. ",
            "Framed: how many have the finding of the row.",
        ),
        table(
            f"{things.capitalize()} with two findings",
            ["finding", *map(str, range(len(both)))],
            rows,
            kind="matrix close",
        ),
    ]


def _together_cell(n: int, total: int, *, same: bool) -> Html:
    if same:
        return element("td", number(n), class_="right")
    share = n / total if total else 0.0
    return element("td", f"{share:.0%}", element("small", number(n)), style=f"--share: {share:.3f}")


def most_frequent(data: CardData) -> tuple[str, float] | None:
    """Return what is most frequent in the first split, and how often it is right to say so in the test split.

    Of several findings each is said or not, and right is the mean over them. None where the labels are not here.
    """
    record = data.record
    if not {record.splits[0], "test"} <= data.labels.keys() or not record.n_samples["test"]:
        return None
    first, test = (presence(data.labels[split], record).mean(axis=0) for split in (record.splits[0], "test"))
    if not record.multi_label:
        k = int(first.argmax())
        return class_titles(record)[k], float(test[k])
    often = first > 0.5
    said = ", ".join(name for name, one in zip(record.class_names, often, strict=True) if one)
    return said or "no finding", float(np.where(often, test, 1 - test).mean())
