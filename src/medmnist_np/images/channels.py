"""Axes of image arrays: position of the channels, gray or RGB, image or volume; loops over the images of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_GRAY, _RGB, _RGBA = 1, 3, 4
_LEAST_PIXELS = 8  # along both other axes, for an axis to count as channels


def channel_axis(shape: Sequence[int]) -> int | None:
    """Return the channel axis, 0 or 2, of an image with three axes, or None if it is a volume.

    Parameters
    ----------
    shape : sequence of three int
        Shape of one image.

    Raises
    ------
    ValueError
        If both the first and the last axis may hold channels, or the image has four channels.

    Notes
    -----
    A first or last axis of length 1, 3 or 4 holds channels if the two other axes have at least 8 pixels. In smaller
    images only a last axis of length 3 holds channels; any other shape is a volume.

    Examples
    --------
    >>> from medmnist_np.images.channels import channel_axis
    >>> channel_axis((28, 28, 3)), channel_axis((3, 28, 28)), channel_axis((28, 28, 28))
    (2, 0, None)
    """
    first, middle, last = shape
    channels = (_GRAY, _RGB, _RGBA)
    if middle >= _LEAST_PIXELS and first in channels and last in channels:
        raise ValueError(
            f"The shape {tuple(shape)} is ambiguous: both the first and the last axis may hold channels. Pass gray "
            "images as (h, w), RGB images as (h, w, 3) and volumes as (d, h, w)."
        )
    if last == _RGB:
        return 2
    for axis, n_channels, others in ((0, first, (middle, last)), (2, last, (first, middle))):
        if n_channels in channels and min(others) >= _LEAST_PIXELS:
            if n_channels == _RGBA:
                kept = "images[..., :3]" if axis else "images[:, :3]"
                raise ValueError(
                    f"The shape {tuple(shape)} has 4 channels; only gray and RGB images are supported. Drop an alpha "
                    f"channel with {kept}. If the channels are 4 scans, choose one or three."
                )
            return axis
    return None


def usual_axes(images: NDArray[Any], *, n_before: int = 1) -> NDArray[Any]:
    """Return images without a channel axis of length 1, and with RGB channels last.

    Parameters
    ----------
    images : (n, ...) array
        Gray ``(h, w)``, ``(1, h, w)`` or ``(h, w, 1)``; RGB ``(h, w, 3)`` or ``(3, h, w)``; volumes ``(d, h, w)``,
        ``(1, d, h, w)`` or ``(d, h, w, 1)``.
    n_before : int
        Number of axes before those of an image: 1 for a batch, 0 for one image.

    Returns
    -------
    (n, h, w), (n, h, w, 3) or (n, d, h, w)
        A view, or ``images`` itself if nothing needs to change or the shape is not one of these.

    Raises
    ------
    ValueError
        As for :func:`channel_axis`.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.channels import usual_axes
    >>> usual_axes(np.zeros((10, 3, 28, 28))).shape, usual_axes(np.zeros((10, 28, 28, 1))).shape
    ((10, 28, 28, 3), (10, 28, 28))
    """
    shape = images.shape[n_before:]
    if len(shape) == 3:
        axis = channel_axis(shape)
        if axis is not None and shape[axis] == _RGB:
            return images if axis else np.moveaxis(images, n_before, -1)
    elif len(shape) == 4:
        axis = next((axis for axis in (0, 3) if shape[axis] == _GRAY), None)
    else:
        axis = None
    return images if axis is None else images.squeeze(n_before + axis)


def refuse_one_image(images: NDArray[Any]) -> None:
    """Raise ValueError if an array with three axes is probably one RGB image, not a batch of gray images."""
    if images.ndim == 3 and images.shape[2] in (_RGB, _RGBA) and images.shape[1] >= _LEAST_PIXELS:
        raise ValueError(
            f"The shape {images.shape} looks like one colour image (h, w, {images.shape[2]}), but a batch is needed. "
            "Pass image[None]."
        )


Images = NDArray[np.uint8]
"""A batch: (n, h, w) gray, (n, h, w, 3) RGB or (n, d, h, w) volumes, uint8, 0-255."""

Parameters = tuple[float, ...]
Generators = Iterable[np.random.Generator]

REFERENCE_SIDE = 224
"""Side of the images of MedMNIST-C in pixels; its parameters are stated for this size."""

# A value this close below an integer is taken to be that integer with a rounding error.
_ROUNDING = np.float32(1 / 2048)


def is_rgb(images: Images) -> bool:
    """Return whether a batch contains RGB images."""
    return images.ndim == 4 and images.shape[-1] == 3


def is_volumes(images: Images) -> bool:
    """Return whether a batch contains volumes."""
    return images.ndim == 4 and images.shape[-1] != 3


def lengths(images: Images) -> tuple[int, ...]:
    """Return the size of an image in pixels: ``(h, w)`` or ``(d, h, w)``."""
    return images.shape[1:-1] if is_rgb(images) else images.shape[1:]


def scale(images: Images) -> float:
    """Return the factor for lengths that are stated for 224 px: the shortest side divided by 224."""
    return min(lengths(images)) / REFERENCE_SIDE


def map_images(function: Callable[..., NDArray[Any]], images: Images, *arguments: Iterable[Any]) -> Images:
    """Apply a function to each image of a batch, with an item of each argument, and return the new batch."""
    result = np.empty_like(images)
    for image, out, *items in zip(images, result, *arguments, strict=True):
        out[...] = function(image, *items)
    return result


def luminance(red: Images, green: Images, blue: Images) -> Images:
    """Convert RGB to gray as Pillow does: with the weights of ITU-R 601-2 in 16-bit fixed point, rounded."""
    reds, greens, blues = (channel.astype(np.uint32) for channel in (red, green, blue))
    weighted = 19595 * reds + 38470 * greens + 7471 * blues
    gray: Images = ((weighted + (1 << 15)) >> 16).astype(np.uint8)
    return gray


def truncate(levels: NDArray[np.float32]) -> Images:
    """Clip levels to 0-255 and truncate them to integers, as the reference does. Overwrites ``levels``."""
    levels += _ROUNDING
    return np.clip(levels, 0, 255, out=levels).astype(np.uint8)
