"""Draw masks over images: transparent areas with contours, one colour per class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.errors import short
from medmnist_np.images.recipes import Window

# Colours of Okabe and Ito, "Color Universal Design" (2008), without black. People with any kind of colour vision can
# distinguish them. Those with the highest contrast to a dark scan come first.
_COLORS = ((230, 159, 0), (86, 180, 233), (240, 228, 66), (204, 121, 167), (0, 158, 115), (213, 94, 0), (0, 114, 178))
_LIGHTER, _DARKER = 0.55, 0.55  # share of white in the second seven colours, and of black in the third seven


def class_colors(n: int) -> NDArray[np.uint8]:
    """Return the colours of mask values.

    Parameters
    ----------
    n : int
        Number of values, starting with 0.

    Returns
    -------
    (n, 3) uint8
        RGB colour of each value. Value 0, the background, is black and is not drawn. The next seven colours are those
        of Okabe and Ito, which people with any kind of colour vision can distinguish. Then follow seven lighter and
        seven darker ones, and the colours repeat.

    Examples
    --------
    >>> from medmnist_np.images import class_colors
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
        Gray or RGB images: uint8, 0-255, or any integers or floats with a window.
    masks : (..., h, w) integers
        Class number of each pixel, 0 to 255. Pixels of class 0 are not drawn.
    opacity : float
        Opacity of the areas, 0 (only contours) to 1.
    contours : bool
        Whether to draw the outermost pixels of each area in the full colour of its class. There is no contour along the
        edge of the image.
    window : (float, float), optional
        Image values to show as black and white. Required unless the images are uint8.

    Returns
    -------
    (..., h, w, 3) uint8, 0-255
        A new array with the colours of :func:`class_colors`.

    Raises
    ------
    ValueError
        If the shapes do not match, masks have other values, a window is missing, or the opacity is out of range.

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
            f"The images have shape {images.shape} and the masks {masks.shape}. Masks need the shape (..., h, w), and "
            "images the same shape or (..., h, w, 3)."
        )
    if masks.dtype.kind not in "biu" or (masks.size and not 0 <= masks.min() <= masks.max() <= 255):
        found = f"{masks.min()} to {masks.max()}" if masks.size else "none"
        raise ValueError(f"The masks contain {masks.dtype} values, {found}. They must be integers from 0 to 255.")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is {short(opacity)}. It must be between 0 and 1.")
    if window is not None:
        images = Window(*window)(images, 0)
    elif images.dtype != np.uint8:
        raise ValueError(f"Images of dtype {images.dtype} need window=(low, high), the values of black and white.")
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
    """Return the slice of a volume with the most labelled voxels; the middle slice if the mask is empty.

    Parameters
    ----------
    mask : (x, y, z) integers
        The mask of the volume, which is read once.
    axis : int
        0, 1 or 2: the axis of the slice number.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.overlays import foremost_slice
    >>> mask = np.zeros((8, 8, 8), np.uint8)
    >>> mask[2:5, 2:5, 6] = 1
    >>> foremost_slice(mask, axis=2)
    6
    """
    others = tuple(other for other in range(3) if other != axis)
    labelled = np.count_nonzero(mask, axis=others)
    return int(labelled.argmax()) if labelled.any() else mask.shape[axis] // 2


def value_range(image: NDArray[Any], share: float = 0.01) -> tuple[float, float]:
    """Return a window for an image: the range of its values without a share at either end.

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
    """Return which labelled pixels have a direct neighbour with another value."""
    border = np.zeros(masks.shape, dtype=np.bool_)
    below = masks[..., 1:, :] != masks[..., :-1, :]
    border[..., 1:, :] |= below
    border[..., :-1, :] |= below
    beside = masks[..., 1:] != masks[..., :-1]
    border[..., 1:] |= beside
    border[..., :-1] |= beside
    border &= masks != 0
    return border
