"""A part of the card of a segmentation set: which share of the pixels each class has, and how large masks are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medmnist_np.pages.card_data import CardData
from medmnist_np.pages.markup import Html, element
from medmnist_np.pages.naming import class_titles, things_of
from medmnist_np.reports.page import aside, share_cell, table

# Ends of the intervals in which masks are counted by the share of their image that is labelled.
_ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def shares(data: CardData) -> list[Html]:
    """Return the pixels of each class in each split, in how many images it is, and how large masks are."""
    columns = dict(data.masks)
    if len(columns) > 1 and columns.keys() == data.record.n_samples.keys():
        columns["all"] = np.concatenate(list(columns.values()))
    columns = {split: counts for split, counts in columns.items() if len(counts)}
    things, titles = things_of(data.record), class_titles(data.record)
    pixels = {split: counts.sum(axis=0) for split, counts in columns.items()}
    images = {split: (counts > 0).sum(axis=0) for split, counts in columns.items()}
    in_all = {split: int(counts.sum()) for split, counts in columns.items()}
    return [
        _counted("Pixels of each class, by split", titles, pixels, in_all),
        aside(f"All pixels of all masks at size {data.size}. Shares are of the split."),
        _counted(
            f"{things.capitalize()} that show a class, by split",
            titles[1:],
            {split: counts[1:] for split, counts in images.items()},
            {split: len(counts) for split, counts in columns.items()},
        ),
        element("h3", "How large masks are"),
        element("p", f"Of each image of size {data.size}, the share of the pixels that is not class 0."),
        *_sizes(columns, things),
    ]


def _sizes(columns: dict[str, NDArray[np.int64]], things: str) -> list[Html]:
    labelled = {split: counts[:, 1:].sum(axis=1) / counts.sum(axis=1) for split, counts in columns.items()}
    rows = [
        [split, f"{found.min():.2%}", *(f"{one:.2%}" for one in np.quantile(found, _QUANTILES)), f"{found.max():.2%}"]
        for split, found in labelled.items()
    ]
    head = ["split", "smallest", *(f"{share:.0%}" if share != 0.5 else "median" for share in _QUANTILES), "largest"]
    names = ["nothing", *_named_intervals()]
    counts = {split: _binned_sizes(found) for split, found in labelled.items()}
    in_all = {split: len(found) for split, found in labelled.items()}
    return [
        table("Labelled share of an image: quantiles", head, rows),
        _counted(f"{things.capitalize()} by their labelled share", names, counts, in_all),
    ]


def _named_intervals() -> list[str]:
    starts = (0.0, *_ENDS)
    named = [f"{start:.0%} to {end:.0%}" for start, end in zip(starts, _ENDS, strict=False)]
    return [f"up to {_ENDS[0]:.0%}", *named[1:], f"more than {_ENDS[-1]:.0%}"]


def _binned_sizes(labelled: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count masks without a label, and the others by the interval of their share; its end belongs to it."""
    some = np.bincount(np.searchsorted(_ENDS, labelled[labelled > 0]), minlength=len(_ENDS) + 1)
    return np.concatenate([[(labelled == 0).sum()], some])


def _counted(
    caption: str, names: list[str] | tuple[str, ...], counts: dict[str, NDArray[np.int64]], in_all: dict[str, int]
) -> Html:
    full = max((n / in_all[split] for split, column in counts.items() for n in column.tolist() if n), default=1.0)
    rows = [
        [name, *(share_cell(int(column[k]), in_all[split], full=full) for split, column in counts.items())]
        for k, name in enumerate(names)
    ]
    return table(caption, ["class" if "class" in caption else "share", *counts], rows)
