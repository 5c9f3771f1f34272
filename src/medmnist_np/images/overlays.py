"""Masks drawn over images: filled, with contours, a colour for each class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.errors import short
from medmnist_np.images.recipes import Window

# Of Okabe and Ito, "Color Universal Design" (2008), without black, for any kind of colour vision. Those that stand out
# from a dark scan come first.
_COLORS = (
    (230, 159, 0),
    (86, 180, 233),
    (240, 228, 66),
    (204, 121, 167),
    (0, 158, 115),
    (213, 94, 0),
    (0, 114, 178),
)
_LIGHTER, _DARKER = 0.55, 0.55  # of the second and the third seven: how far towards white and black


def class_colors(n: int) -> NDArray[np.uint8]:
    """Return the colours that masks are drawn in.

    Parameters
    ----------
    n : int
        Number of values, from 0 on.

    Returns
    -------
    (n, 3) uint8
        RGB by value. That of 0, the background, is black and not drawn. The first seven of the others are those of
        Okabe and Ito, which people with any colour vision can distinguish; the next seven are lighter, the next
        darker, and then they come again.

    Examples
    --------
    >>> from medmnist_np.images.overlays import class_colors
    >>> class_colors(3).tolist()
    [[0, 0, 0], [230, 159, 0], [86, 180, 233]]
    """
    plain = np.array(_COLORS, dtype=np.float64)
    every = np.concatenate([plain, plain + _LIGHTER * (255 - plain), plain * (1 - _DARKER)])
    colors = np.resize(every, (max(n - 1, 0), 3))
    rounded: NDArray[np.uint8] = np.rint(np.concatenate([np.zeros((min(n, 1), 3)), colors])).astype(np.uint8)
    return rounded


def overlay(
    images: NDArray[Any],
    masks: NDArray[np.integer[Any]],
    *,
    opacity: float = 0.3,
    contours: bool = True,
    window: tuple[float, float] | None = None,
) -> NDArray[np.uint8]:
    """Draw masks over images.

    Parameters
    ----------
    images : (..., h, w) or (..., h, w, 3)
        Gray or RGB: uint8, 0-255, or any numbers with a window.
    masks : (..., h, w) integers
        The class number of each pixel, 0 to 255. Where it is 0 the image shows through.
    opacity : float
        Of the filling, 0 (none) to 1.
    contours : bool
        Whether the outermost pixels of each area have the full colour of their class. The edge of the image is no
        border of an area.
    window : (float, float), optional
        Values of the images that become black and white. None means that they are 0 to 255 already.

    Returns
    -------
    (..., h, w, 3) uint8, 0-255
        A new array; the colour of each class is that of :func:`class_colors`.

    Raises
    ------
    ValueError
        If shapes do not match, masks have other values, images need a window, or the opacity is not from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import overlay
    >>> image, mask = np.zeros((1, 3), np.uint8), np.array([[0, 1, 2]])
    >>> overlay(image, mask).tolist()
    [[[0, 0, 0], [230, 159, 0], [86, 180, 233]]]
    """
    images, masks = np.asarray(images), np.asarray(masks)
    if images.shape not in (masks.shape, (*masks.shape, 3)) or masks.ndim < 2:
        raise ValueError(
            f"The images have shape {images.shape} and the masks {masks.shape}; (..., h, w) masks and images of the "
            "same shape, or with three channels at the end, are needed."
        )
    if masks.dtype.kind not in "biu" or (masks.size and not 0 <= masks.min() <= masks.max() <= 255):
        found = f"{masks.min()} to {masks.max()}" if masks.size else "none"
        raise ValueError(f"The masks hold {masks.dtype}, {found}; integers from 0 to 255 are needed.")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is {short(opacity)}; a number from 0 to 1 is needed.")
    if window is not None:
        images = Window(*window)(images, 0)
    elif images.dtype != np.uint8:
        raise ValueError(
            f"The images have dtype {images.dtype}: state which values become black and white (window=(low, high))."
        )
    drawn = np.repeat(images[..., np.newaxis], 3, axis=-1) if images.ndim == masks.ndim else images.copy()
    values = masks.astype(np.uint8, copy=False)
    colors = class_colors(256)
    if opacity:
        labelled = values != 0
        filled = (1 - opacity) * drawn[labelled] + opacity * colors[values[labelled]]
        drawn[labelled] = np.rint(filled).astype(np.uint8)
    if contours:
        border = _borders(values)
        drawn[border] = colors[values[border]]
    return drawn


def foremost_slice(mask: NDArray[np.integer[Any]], axis: int) -> int:
    """Return which slice of a volume to look at: the first of those with the most labelled voxels, else the middle.

    Parameters
    ----------
    mask : (x, y, z) integers
        A mask, which is read once.
    axis : int
        0, 1 or 2: what runs from slice to slice.
    """
    others = tuple(other for other in range(3) if other != axis)
    labelled = np.count_nonzero(mask, axis=others)
    return int(labelled.argmax()) if labelled.any() else mask.shape[axis] // 2


def value_range(image: NDArray[Any], share: float = 0.01) -> tuple[float, float]:
    """Return a window for an image: what is left of its values when a share of them at either end is cut off.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.overlays import value_range
    >>> value_range(np.arange(101), share=0.1)
    (10.0, 90.0)
    """
    finite = image[np.isfinite(image)] if image.dtype.kind == "f" else image
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.quantile(finite, (share, 1 - share)))
    if low < high:
        return low, high
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if low < high else (low, low + 1)


def _borders(masks: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which labelled pixels have a neighbour, left, right, above or below, with another value."""
    border = np.zeros(masks.shape, dtype=np.bool_)
    below = masks[..., 1:, :] != masks[..., :-1, :]
    border[..., 1:, :] |= below
    border[..., :-1, :] |= below
    beside = masks[..., 1:] != masks[..., :-1]
    border[..., 1:] |= beside
    border[..., :-1] |= beside
    border &= masks != 0
    return border
