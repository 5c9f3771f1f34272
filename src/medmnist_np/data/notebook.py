"""Show a data set in a notebook: some images, the number of images per class, and common pitfalls."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np import registry
from medmnist_np._html import card
from medmnist_np.images import choose, draw
from medmnist_np.images.encoders import VOLUME, kind_of
from medmnist_np.registry import DatasetInfo

# Limits of the picture, so that it is quick to draw and send.
_WIDTH = 640  # pixels
_MOST_ROWS = 4
_MOST_VALUES = 400_000
_BAR_WIDTH = 12  # em, of the most frequent class


def dataset_html(
    record: DatasetInfo,
    split: str,
    size: int,
    images: Any,
    selection: range | NDArray[np.intp],
    class_counts: Mapping[str, int],
    *,
    masks: Any = None,
) -> str:
    """Return HTML that shows a data set, without network access or style sheets.

    Parameters
    ----------
    record : DatasetInfo
        Record of the data set.
    split : str
        Name of the split.
    size : int
        Image size.
    images : (m, h, w), (m, h, w, 3) or (m, d, h, w) uint8, 0-255
        All images of the split: an array, possibly memory-mapped, or rows with ``take``.
    selection : range or (n,) intp
        Indices of the images in the data set.
    class_counts : Mapping of str to int
        Samples of each class or with each finding; in a segmentation set, pixels of each class.
    masks : (m, h, w) integers, optional
        All masks of the split, to draw over the images.

    Returns
    -------
    str
        HTML in which all text is escaped.
    """
    n = len(selection)
    shape = " x ".join(map(str, record.image_shape(size)))
    facts = {
        "Description": record.description,
        "Samples": f"{n:,} of {split}",
        "Image": f"{shape} uint8, {record.modality}",
        "Task": f"{record.task}, {record.n_classes} {'labels' if record.multi_label else 'classes'}",
        "Source": "; ".join(filter(None, (record.source_size, record.preparation))),
        "License": record.license,
    }
    enlarged = [size] if size in record.enlarged_sizes else []
    return card(
        f"{record.python_class}, {split}, size {size}",
        facts,
        record.cautions(enlarged),
        above=_montage(record, size, images, selection, masks) if n else "",
        below=_balance(class_counts, n if masks is None else None) + _citations(record),
    )


def _montage(record: DatasetInfo, size: int, images: Any, selection: range | NDArray[np.intp], masks: Any) -> str:
    kind = kind_of(record.ndim, record.n_channels)
    columns = max(1, _WIDTH // size)
    values_in_row = columns * size * size * record.n_channels
    rows = max(1, min(_MOST_ROWS, _MOST_VALUES // values_in_row))
    picture = draw(
        images,
        choose(selection, rows, columns),
        kind,
        view="middle" if kind == VOLUME else None,
        class_names=record.class_names,
        masks=masks,
        legend=True,
    )
    return picture._repr_html_()


def _balance(class_counts: Mapping[str, int], n: int | None) -> str:
    """Return a table of counts and their shares of ``n`` samples, or of all pixels."""
    what = "Samples" if n is not None else "Pixels"
    n = sum(class_counts.values()) if n is None else n
    most = max(class_counts.values(), default=0)
    rows = "".join(
        f'<tr><td style="text-align: right; padding: 1px 6px 1px 0">{number}</td>'
        f'<td style="text-align: left; padding: 1px 12px 1px 0">{escape(name)}</td>'
        f'<td style="text-align: right; padding: 1px 6px">{count:,}</td>'
        f'<td style="text-align: right; padding: 1px 6px">{_percent(count, n)}</td>'
        f'<td><div style="width: {_BAR_WIDTH * count / max(1, most):.2f}em; height: .7em; background: currentColor; '
        f'opacity: .5"></div></td></tr>'
        for number, (name, count) in enumerate(class_counts.items())
    )
    return (
        f'<table style="margin: 4px 0" aria-label="{what} of each class">'
        f'<caption style="text-align: left">{what} of each class</caption>{rows}</table>'
    )


def _percent(count: int, n: int) -> str:
    return f"{100 * count / n:.1f} %" if n else ""


def _citations(record: DatasetInfo) -> str:
    try:
        papers = registry.cite(record)
    except (KeyError, OSError):  # a user's record may cite papers that the registry does not have
        return ""
    return f'<details><summary>Cite</summary><pre style="white-space: pre-wrap">{escape(papers)}</pre></details>'
