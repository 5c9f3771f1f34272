"""Captions and legends of montages, in Pillow's default font."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.images.grid import EMPTY

CAPTION_HEIGHT = 12
"""Height of the caption below each image, in pixels."""

_LINE_HEIGHT = 14
_MARGIN = 3
_BETWEEN = 4  # pixels between neighbouring captions
_GAP = "    "  # between the entries of a legend
_ROOM = " " * 6  # space for a swatch
_SWATCH = 9  # pixels


def add_captions(
    picture: NDArray[np.uint8], places: NDArray[np.intp], labels: NDArray[np.integer], *, color: bool
) -> NDArray[np.uint8]:
    """Write the class number, or as many numbers of findings as fit, below each image.

    Parameters
    ----------
    picture : (..., height, width) or (height, width, 3) uint8
        A montage whose grid cells are black in the lowest :data:`CAPTION_HEIGHT` rows of pixels. Modified in place.
    places : (rows, columns) intp
        The sample in each cell.
    labels : (n, l) integers
        All labels of the split.
    color : bool
        Whether the last axis is the colour channel.

    Returns
    -------
    ndarray
        The same picture.
    """
    from PIL import Image, ImageDraw, ImageFont

    height, width = picture.shape[:2] if color else picture.shape[-2:]
    rows, columns = places.shape
    step_down, step_right = height // rows, width // columns
    font = ImageFont.load_default()
    layer = Image.new("L", (width, height))
    for (row, column), place in np.ndenumerate(places):
        if place != EMPTY:
            cell = Image.new("L", (step_right, CAPTION_HEIGHT))
            words = _fitting(_numbers(labels[place]), step_right - _BETWEEN, font)
            ImageDraw.Draw(cell).text((step_right / 2, 0), words, fill=255, font=font, anchor="ma")
            layer.paste(cell, (column * step_right, (row + 1) * step_down - CAPTION_HEIGHT))
    return _over(picture, np.asarray(layer), color=color)


def add_legend(
    picture: NDArray[np.uint8],
    class_names: Sequence[str],
    *,
    color: bool,
    swatches: NDArray[np.uint8] | None = None,
    numbers: Sequence[int] | None = None,
) -> NDArray[np.uint8]:
    """Add a legend at the bottom that explains each number or colour.

    Parameters
    ----------
    picture : (..., height, width) or (height, width, 3) uint8
        A picture.
    class_names : sequence of str
        Class names in the order of `numbers`.
    color : bool
        Whether the last axis is the colour channel.
    swatches : (n, 3) uint8, optional
        A colour for each name, drawn in front of it. The background, class 0, is then left out.
    numbers : (n,) sequence of int, optional
        Class numbers; by default 0, 1, ...

    Returns
    -------
    ndarray
        A new, taller picture. It is also wider if a name needs more space.
    """
    from PIL import Image, ImageDraw, ImageFont

    down, right = (0, 1) if color else (picture.ndim - 2, picture.ndim - 1)
    font = ImageFont.load_default()
    # The class names of RetinaMNIST are their numbers.
    numbers = range(len(class_names)) if numbers is None else numbers
    numbered = zip(numbers, class_names, strict=True)
    entries = [name if name == str(number) else f"{number} {name}" for number, name in numbered]
    if swatches is not None:
        drawn = [place for place, number in enumerate(numbers) if number]
        entries, swatches = [f"{_ROOM}{entries[place]}" for place in drawn], swatches[drawn]
    widest = max((font.getlength(entry) for entry in entries), default=0)
    width = max(picture.shape[right], math.ceil(widest) + 2 * _MARGIN)
    picture = _widened(picture, width, right)
    lines = list(_wrapped(entries, width, font))
    layer = Image.new("L", (width, _LINE_HEIGHT * len(lines) + 2 * _MARGIN))
    for number, line in enumerate(lines):
        words = _GAP.join(line)
        ImageDraw.Draw(layer).text((_MARGIN, _MARGIN + number * _LINE_HEIGHT), words, fill=255, font=font)
    shape = list(picture.shape)
    shape[down] = layer.height
    added = _over(np.zeros(shape, dtype=np.uint8), np.asarray(layer), color=color)
    if swatches is not None:
        _add_swatches(added, lines, swatches, font)
    return np.concatenate([picture, added], axis=down)


def _add_swatches(
    legend: NDArray[np.uint8], lines: Sequence[Sequence[str]], swatches: NDArray[np.uint8], font: Any
) -> None:
    """Draw a swatch in the space at the start of each entry, in the order of the entries."""
    colors = iter(swatches)
    for number, line in enumerate(lines):
        top = _MARGIN + number * _LINE_HEIGHT + 2
        for k in range(len(line)):
            left = _MARGIN + round(font.getlength("".join(f"{entry}{_GAP}" for entry in line[:k])))
            legend[top : top + _SWATCH, left : left + _SWATCH] = next(colors)


def _widened(picture: NDArray[np.uint8], width: int, axis: int) -> NDArray[np.uint8]:
    missing = width - picture.shape[axis]
    return np.pad(picture, [(0, missing if k == axis else 0) for k in range(picture.ndim)]) if missing else picture


def _over(picture: NDArray[np.uint8], layer: NDArray[np.uint8], *, color: bool) -> NDArray[np.uint8]:
    return np.maximum(picture, layer[..., np.newaxis] if color else layer, out=picture)


def _numbers(label: NDArray[np.integer]) -> list[str]:
    if len(label) == 1:
        return [str(int(label[0]))]
    return [str(number) for number in np.flatnonzero(label)] or ["-"]


def _fitting(words: Sequence[str], width: int, font: Any) -> str:
    for n in range(len(words), 0, -1):
        text = " ".join(words[:n]) + ("" if n == len(words) else "..")
        if font.getlength(text) <= width:
            return text
    return ".."


def _wrapped(entries: Sequence[str], width: int, font: Any) -> Iterator[list[str]]:
    """Wrap entries into lines that fit the width of the picture."""
    line: list[str] = []
    for entry in entries:
        if line and font.getlength(_GAP.join([*line, entry])) > width - 2 * _MARGIN:
            yield line
            line = []
        line.append(entry)
    if line:
        yield line
