"""Where images go in a picture: which are chosen, and how they are put side by side."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

EMPTY = -1
"""In place of a sample's number: nothing is shown here."""


def choose(
    selection: range | NDArray[np.intp],
    rows: int,
    columns: int,
    *,
    seed: int | None = 0,
    replace: bool = False,
    labels: NDArray[np.integer] | None = None,
) -> NDArray[np.intp]:
    """Choose samples at random and give each a place in a grid.

    Parameters
    ----------
    selection : range or (n,) intp
        The samples to choose from: places in the arrays of a split.
    rows, columns : int
        Of the grid. If there are fewer samples than places, all are shown, in fewer rows.
    seed : int, optional
        Another seed chooses others. ``None`` chooses others each time.
    replace : bool
        Whether a sample may be chosen again.
    labels : (n, 1) or (n, l) integers, optional
        The labels of the selected samples: class numbers, or zeros and ones of a multi-label set. Where they are given,
        the rows are shared out between the classes in their order, at least one for each, and the end of a
        row is empty where a class has too few. A sample with several findings may be shown for each.

    Returns
    -------
    (at most rows, columns) intp
        Elements of ``selection``, and :data:`EMPTY`.

    Raises
    ------
    ValueError
        If there is nothing to choose from, less than one row or column, or a seed that is no number from 0.

    Examples
    --------
    >>> from medmnist_np.images.grid import choose
    >>> choose(range(3), rows=20, columns=2).shape
    (2, 2)
    """
    if not all(isinstance(number, int | np.integer) and number >= 1 for number in (rows, columns)):
        raise ValueError(f"A montage needs whole numbers, at least 1 row and 1 column, not {rows} and {columns}.")
    if seed is not None and not (isinstance(seed, int | np.integer) and seed >= 0):
        raise ValueError(f"seed is {seed!r}; a whole number from 0, or None, is needed.")
    if len(selection) == 0:
        raise ValueError("There is nothing to show: no sample is selected.")
    random = np.random.default_rng(seed)
    if labels is None:
        chosen = _draw(len(selection), rows * columns, random, replace)
        places = _in_rows(_elements(selection, chosen), columns)
    else:
        groups = _members_of_classes(np.asarray(labels))
        rows_each = max(1, rows // max(1, len(groups)))
        places = np.concatenate(
            [
                _in_rows(_elements(selection, group[_draw(len(group), rows_each * columns, random, replace)]), columns)
                for group in groups
            ]
        )
    return places


def needed_columns(n: int, rows: int, columns: int) -> int:
    """Return how many of the columns ``n`` images need, where they do not even fill one row.

    Then they make a block that is as square as it can be, wider rather than higher.

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
    """Return the samples of each class, or with each finding, that occurs."""
    if labels.shape[1] > 1:
        groups = [np.flatnonzero(column) for column in labels.T]
    else:
        groups = [np.flatnonzero(labels[:, 0] == number) for number in np.unique(labels)]
    found = [group for group in groups if len(group)]
    if not found:
        raise ValueError("There is nothing to show by class: no selected sample has a finding.")
    return found


def _elements(selection: range | NDArray[np.intp], chosen: NDArray[np.integer]) -> NDArray[np.intp]:
    # A range is not made an array: that would take 8 bytes for each sample of the set.
    if isinstance(selection, range):
        return np.asarray(selection.start + selection.step * chosen, dtype=np.intp)
    elements: NDArray[np.intp] = selection[chosen]
    return elements


def _in_rows(values: NDArray[np.intp], columns: int) -> NDArray[np.intp]:
    places = np.full((-(-len(values) // columns), columns), EMPTY, dtype=np.intp)
    places.flat[: len(values)] = values
    return places


def arrange(
    lines: NDArray[np.uint8], tops: NDArray[np.intp], height: int, *, right: int = 0, below: int = 0
) -> NDArray[np.uint8]:
    """Put images side by side by gathering lines of pixels.

    Parameters
    ----------
    lines : (m, b) uint8
        Each line of pixels of each image, of ``b`` bytes.
    tops : (..., rows, columns) intp
        The number of the first line of the image in each place, of one picture or several; below 0 where it is empty.
    height : int
        Lines of an image.
    right, below : int
        Black bytes at the right of each image, and black lines below it.

    Returns
    -------
    (..., rows * (height + below), columns * (b + right)) uint8
        A new array. Without gaps all lines are gathered into their places at once, and nothing but their numbers is
        held beside it.
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
