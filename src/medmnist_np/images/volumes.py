"""Volumes in, flat images out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medmnist_np.images.grid import EMPTY, arrange

VIEWS = ("animated", "middle", "orthogonal", "projection", "sheet")
"""How a volume can be shown: slice after slice, or as one of the images that :func:`flatten` makes."""


def flatten(volume: NDArray[np.uint8], view: str) -> NDArray[np.uint8]:
    """Show a volume as one image.

    Parameters
    ----------
    volume : (d, h, w) uint8, 0-255
        A volume. How its axes lie in the body is not stated for MedMNIST.
    view : str
        - ``"middle"``: ``volume[d // 2]``, ``(h, w)``.
        - ``"orthogonal"``: the middle slices across the first, the second and the third axis, side by side:
          ``(h, w)``, ``(d, w)`` and ``(d, h)``; shorter ones are black below.
        - ``"projection"``: the maximum along the first axis, ``(h, w)``.
        - ``"sheet"``: all slices, row by row, as square as can be.

    Returns
    -------
    (height, width) uint8, 0-255
        May be a view of the volume.

    Raises
    ------
    ValueError
        If there is no such view.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import flatten
    >>> volume = np.zeros((28, 28, 28), dtype=np.uint8)
    >>> flatten(volume, "orthogonal").shape, flatten(volume, "sheet").shape
    ((28, 84), (140, 168))
    """
    if volume.ndim != 3:
        raise ValueError(f"A volume has three axes, (d, h, w); this has shape {volume.shape}.")
    if view == "middle":
        middle: NDArray[np.uint8] = volume[len(volume) // 2]
        return middle
    if view == "projection":
        projected: NDArray[np.uint8] = volume.max(axis=0)
        return projected
    if view == "orthogonal":
        return _orthogonal(volume)
    if view == "sheet":
        return _sheet(volume)
    raise ValueError(f"There is no view {view!r} of a volume as one image; there are {', '.join(VIEWS[1:])}.")


def _orthogonal(volume: NDArray[np.uint8]) -> NDArray[np.uint8]:
    depth, height, width = volume.shape
    slices = (volume[depth // 2], volume[:, height // 2], volume[:, :, width // 2])
    picture = np.zeros((max(depth, height), width + width + height), dtype=np.uint8)
    for left, image in zip((0, width, 2 * width), slices, strict=True):
        picture[: len(image), left : left + image.shape[1]] = image
    return picture


def _sheet(volume: NDArray[np.uint8]) -> NDArray[np.uint8]:
    depth, height, width = volume.shape
    columns = int(np.ceil(np.sqrt(depth)))
    tops = np.full((-(-depth // columns), columns), EMPTY, dtype=np.intp)
    tops.flat[:depth] = np.arange(depth) * height
    return arrange(volume.reshape(-1, width), tops, height)
