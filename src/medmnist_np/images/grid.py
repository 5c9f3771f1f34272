"""Choose the images of a montage and arrange them in a grid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from medmnist_np.errors import short

EMPTY = -1
"""Marks an empty cell of the grid, instead of the index of a sample."""


def choose(
    selection: range | NDArray[np.intp],
    rows: int,
    columns: int,
    *,
    seed: int | None = 0,
    replace: bool = False,
    labels: NDArray[np.integer] | None = None,
) -> NDArray[np.intp]:
    """Choose samples at random and arrange them in a grid.

    Parameters
    ----------
    selection : range or (n,) intp
        The samples to choose from, as indices into the arrays of a split.
    rows, columns : int
        Size of the grid. If there are fewer samples than cells, all are shown, in fewer rows.
    seed : int, optional
        Random seed. With ``None``, each call chooses different samples.
    replace : bool
        Whether a sample may be chosen more than once.
    labels : (n, 1) or (n, l) integers, optional
        The labels of the selected samples: class numbers, or zeros and ones for a multi-label task. If given, the rows
        are divided equally among the classes in order, at least one row each. A row ends with empty cells if its class
        has too few samples. A sample with several findings may be shown for each of them.

    Returns
    -------
    (at most rows, columns) intp
        Elements of ``selection``, and :data:`EMPTY` for empty cells.

    Raises
    ------
    ValueError
        If no sample is selected, ``rows`` or ``columns`` is below 1, or ``seed`` is not an integer of at least 0.

    Examples
    --------
    >>> from medmnist_np.images import choose
    >>> choose(range(3), rows=20, columns=2).shape
    (2, 2)
    """
    if not all(isinstance(number, int | np.integer) and number >= 1 for number in (rows, columns)):
        raise ValueError(f"rows is {short(rows)} and columns is {short(columns)}. Both must be integers of at least 1.")
    if seed is not None and not (isinstance(seed, int | np.integer) and seed >= 0):
        raise ValueError(f"Invalid seed: {short(seed)}. It must be an integer of at least 0, or None.")
    if len(selection) == 0:
        raise ValueError("No samples to show: the selection is empty.")
    random = np.random.default_rng(seed)
    if labels is None:
        return in_rows(_elements(selection, _draw(len(selection), rows * columns, random, replace)), columns)
    groups = _members_of_classes(np.asarray(labels))
    most = max(1, rows // len(groups)) * columns
    chosen = (group[_draw(len(group), most, random, replace)] for group in groups)
    return np.concatenate([in_rows(_elements(selection, numbers), columns) for numbers in chosen])


def needed_columns(n: int, rows: int, columns: int) -> int:
    """Return the number of columns for ``n`` images.

    If the images do not fill one row, they form a block as nearly square as possible, wider rather than taller.

    Examples
    --------
    >>> from medmnist_np.images.grid import needed_columns
    >>> needed_columns(50, rows=100, columns=100), needed_columns(50, rows=2, columns=100)
    (8, 25)
    """
    return columns if n >= columns else max(math.isqrt(n - 1) + 1, -(-n // rows))


def _draw(n: int, most: int, random: np.random.Generator, replace: bool) -> NDArray[np.int64]:
    drawn: NDArray[np.int64] = random.choice(n, most if replace else min(n, most), replace=replace)
    return drawn


def _members_of_classes(labels: NDArray[np.integer]) -> list[NDArray[np.intp]]:
    """Return the samples of each class, or with each finding, leaving out those that do not occur."""
    if labels.shape[1] > 1:
        groups = [np.flatnonzero(column) for column in labels.T]
    else:
        groups = [np.flatnonzero(labels[:, 0] == number) for number in np.unique(labels)]
    groups = [group for group in groups if len(group)]
    if not groups:
        raise ValueError("No samples to show by class: no selected sample has a finding.")
    return groups


def _elements(selection: range | NDArray[np.intp], chosen: NDArray[np.integer]) -> NDArray[np.intp]:
    # Converting the range to an array would need 8 bytes for each sample of the data set.
    if isinstance(selection, range):
        return np.asarray(selection.start + selection.step * chosen, dtype=np.intp)
    elements: NDArray[np.intp] = selection[chosen]
    return elements


def in_rows(values: NDArray[np.intp], columns: int) -> NDArray[np.intp]:
    """Arrange values in rows of a grid; the last row ends with empty cells."""
    places = np.full((-(-len(values) // columns), columns), EMPTY, dtype=np.intp)
    places.flat[: len(values)] = values
    return places


def arrange(
    lines: NDArray[np.uint8], tops: NDArray[np.intp], height: int, *, right: int = 0, below: int = 0
) -> NDArray[np.uint8]:
    """Arrange images side by side by gathering their rows of pixels.

    Parameters
    ----------
    lines : (m, b) uint8
        The rows of pixels of all images, ``b`` bytes each.
    tops : (..., rows, columns) intp
        Index of the first row of pixels of the image in each cell, for one or several pictures; negative if the cell
        is empty.
    height : int
        Number of rows of pixels in an image.
    right, below : int
        Black bytes to the right of each image, and black rows of pixels below it.

    Returns
    -------
    (..., rows * (height + below), columns * (b + right)) uint8
        A new array. Without gaps, the only further memory is that of the indices of all rows of pixels.
    """
    *pictures, rows, columns = tops.shape
    n_bytes = lines.shape[1]
    down = np.arange(height)[:, np.newaxis]
    if right or below:
        picture = np.zeros((*pictures, rows, height + below, columns, n_bytes + right), dtype=np.uint8)
        for place in np.ndindex(*pictures, rows):
            picture[place][:height, :, :n_bytes] = lines.take(tops[place] + down, axis=0)
    else:
        picture = lines.take(tops[..., np.newaxis, :] + down, axis=0)
    for *row, column in np.argwhere(tops < 0):
        picture[tuple(row)][:, column] = 0
    return picture.reshape(*pictures, rows * (height + below), columns * (n_bytes + right))
