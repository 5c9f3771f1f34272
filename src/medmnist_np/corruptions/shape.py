"""What a batch of images is: its lengths, whether it has colour, and how large its pixels are."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
"""A batch: (n, h, w) gray, (n, h, w, 3) RGB or (n, d, h, w) volumes, uint8, 0-255."""

Parameters = tuple[float, ...]
Generators = Iterable[np.random.Generator]

REFERENCE_SIDE = 224
"""The side in pixels of the images of MedMNIST-C, for which its parameters are stated."""

# Where a value that is cut to a whole level lies this close below the next one, rounding put it there.
_ROUNDING = np.float32(1 / 2048)


def is_rgb(images: Images) -> bool:
    """Return whether a batch is of RGB images."""
    return images.ndim == 4 and images.shape[-1] == 3


def is_volumes(images: Images) -> bool:
    """Return whether a batch is of volumes."""
    return images.ndim == 4 and images.shape[-1] != 3


def lengths(images: Images) -> tuple[int, ...]:
    """Return the lengths of an image in pixels: ``(h, w)`` or ``(d, h, w)``."""
    return images.shape[1:-1] if is_rgb(images) else images.shape[1:]


def scale(images: Images) -> float:
    """Return by what lengths are multiplied: the shortest side over 224."""
    return min(lengths(images)) / REFERENCE_SIDE


def luminance(red: Images, green: Images, blue: Images) -> Images:
    """Return the gray of a colour as Pillow does it: the weights of ITU-R 601-2 in 16 bits, rounded."""
    reds, greens, blues = (channel.astype(np.uint32) for channel in (red, green, blue))
    weighted = 19595 * reds + 38470 * greens + 7471 * blues
    gray: Images = ((weighted + (1 << 15)) >> 16).astype(np.uint8)
    return gray


def cut(levels: NDArray[np.float32]) -> Images:
    """Cut levels to whole ones from 0 to 255, towards 0 as the reference does; ``levels`` is overwritten."""
    levels += _ROUNDING
    return np.clip(levels, 0, 255, out=levels).astype(np.uint8)
