"""Blurs: out of focus, moved, zoomed and smoothed.

Lengths are in pixels of an image whose shortest side has 224, and scale with it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.images.channels import Generators, Images, Parameters, cut, lengths, scale

Levels = NDArray[np.float32]

# The grid on which the reference draws disks up to this radius, in pixels.
_DISK_REACH = 8

# Pixels around an image beyond which the kernel of a small one no longer counts.
_LEAST_MARGIN = 4


def gaussian_blur(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Smooth with a normal kernel, rounded to the nearest level, as ``torchvision`` does.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        Volumes are smoothed along all three axes.
    parameters : (kernel_size,)
        Pixels, odd. The standard deviation is ``0.3 * ((kernel_size - 1) / 2 - 1) + 0.8``.
    rngs
        Not used.
    """
    half = (int(parameters[0]) - 1) // 2
    enlarged, reduced = max(1.0, scale(images)), min(1.0, scale(images))
    deviation = (0.3 * (half - 1) + 0.8) * enlarged
    steps = np.arange(-round(half * enlarged), round(half * enlarged) + 1)
    weights = np.exp(-0.5 * (steps / deviation) ** 2)
    weights /= weights.sum()
    sizes = _padded_sizes(images, half)
    transfer = np.ones(())
    for axis, size in enumerate(sizes):
        cosines = _cosines(size, axis == len(sizes) - 1, len(weights), reduced)
        transfer = transfer[..., None] * np.einsum("fk,k", cosines, weights)
    factors = transfer.astype(np.float32)
    result = np.empty_like(images)
    for image, out in zip(images, result, strict=True):
        levels = _filtered(image, factors, sizes)
        out[...] = np.clip(np.rint(levels, out=levels), 0, 255, out=levels)
    return result


def defocus_blur(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Spread every point over a disk, as a lens that is out of focus does.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (radius, smoothing)
        Pixels. The disk is smoothed by a normal kernel with the standard deviation ``smoothing``, cut to 3 x 3 pixels,
        and to 5 x 5 where the radius is above 8.
    rngs
        Not used.
    """
    radius, smoothing = parameters
    sizes = _padded_sizes(images, max(_DISK_REACH, radius))
    transfer = _disk_transfer(radius, smoothing, scale(images), sizes)
    result = np.empty_like(images)
    for image, out in zip(images, result, strict=True):
        out[...] = cut(_filtered(image, transfer, sizes))
    return result


def motion_blur(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Draw every point out to one side, in a direction from -45 to 45 degrees, fading like a normal curve.

    The kernel is that of ImageMagick's ``-motion-blur``: weights ``exp(-i**2 / (2 * sigma**2))`` for
    ``i = 0, ..., 2 * ceil(radius)`` at the pixels nearest to a line; beyond the border the nearest pixel counts.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (radius, sigma)
        Pixels.
    rngs : iterable of Generator
        One for each image; it chooses the direction.
    """
    radius, sigma = (scale(images) * length for length in parameters)
    result = np.empty_like(images)
    for image, out, rng in zip(images, result, rngs, strict=True):
        out[...] = moved(image, radius, sigma, angle=rng.uniform(-45, 45))
    return result


def moved(image: Images, radius: float, sigma: float, angle: float) -> Images:
    """Return one image, (h, w) or (h, w, 3), after a motion blur at an angle in degrees; lengths are in its pixels."""
    steps = np.arange(2 * int(np.ceil(radius)) + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    turn = np.radians(angle)
    right, down = (np.ceil(steps * part - 0.5).astype(int) for part in (np.cos(turn), np.sin(turn)))
    up, left = -min(0, down.min()), -min(0, right.min())
    margins = [(up, max(0, down.max())), (left, max(0, right.max())), (0, 0)]
    padded = np.pad(image, margins[: image.ndim], mode="edge").astype(np.float32)
    height, width = image.shape[:2]
    levels, step = np.zeros(image.shape, np.float32), np.empty(image.shape, np.float32)
    for weight, y, x in zip(weights, up + down, left + right, strict=True):
        levels += np.multiply(padded[y : y + height, x : x + width], weight, out=step)
    # ImageMagick rounds to 16 bits, of which a level has 257, and then cuts to 8.
    levels += np.float32(0.5 / 257)
    return levels.astype(np.uint8)


def zoom_blur(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Average the image with enlargements of its centre, as a camera that moves towards the skin does.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (first, end, step)
        The factors are ``numpy.arange(first, end, step)``; the image itself is averaged in once more.
    rngs
        Not used.
    """
    factors = np.arange(*parameters)
    height, width = lengths(images)
    unit = scale(images)
    zooms = [(*_zoom(height, unit, factor), *_zoom(width, unit, factor)) for factor in factors]
    result = np.empty_like(images)
    for image, out in zip(images, result, strict=True):
        levels = image.astype(np.float32)
        total = levels.copy()
        for top, down, left, right in zooms:
            total += _between(_between(levels, top, down, 0), left, right, 1)
        total /= np.float32(len(factors) + 1)
        out[...] = cut(total)
    return result


def _padded_sizes(images: Images, reach: float) -> tuple[int, ...]:
    """Return lengths that leave room around an image for a kernel of that reach in pixels of 224."""
    from scipy import fft

    margin = max(_LEAST_MARGIN, math.ceil(reach * scale(images)))
    return tuple(fft.next_fast_len(length + 2 * margin, real=True) for length in lengths(images))


def _filtered(image: Images, transfer: Levels, sizes: tuple[int, ...]) -> Levels:
    """Multiply the spectrum of an image, (..., 3) or not, that is mirrored at its border up to the sizes."""
    from scipy import fft

    axes = tuple(range(len(sizes)))
    room = [(size - length) // 2 for size, length in zip(sizes, image.shape, strict=False)]
    margins = [(before, size - length - before) for before, size, length in zip(room, sizes, image.shape, strict=False)]
    padded = np.pad(image, margins + [(0, 0)] * (image.ndim - len(sizes)), mode="reflect").astype(np.float32)
    spectrum = fft.rfftn(padded, axes=axes)
    spectrum *= transfer if image.ndim == len(sizes) else transfer[..., None]
    levels = fft.irfftn(spectrum, sizes, axes=axes, overwrite_x=True)
    within: Levels = levels[tuple(slice(start, start + n) for start, n in zip(room, image.shape, strict=False))]
    return within


@lru_cache(maxsize=8)
def _disk_transfer(radius: float, smoothing: float, scale: float, sizes: tuple[int, ...]) -> Levels:
    enlarged, reduced = max(1.0, scale), min(1.0, scale)
    reach = math.ceil(max(_DISK_REACH, radius) * enlarged)
    steps = np.arange(-reach, reach + 1)
    disk = (steps**2 + steps[:, None] ** 2 <= (radius * enlarged) ** 2).astype(np.float64)
    disk /= disk.sum()
    tail = math.ceil((1 if radius <= _DISK_REACH else 2) * enlarged)
    weights = np.exp(-0.5 * (np.arange(-tail, tail + 1) / (smoothing * enlarged)) ** 2)
    weights /= weights.sum()
    # As in the reference the disk is mirrored at the end of its grid, so that a radius of 8 brightens by 1.3 %.
    for axis in (0, 1):
        padded = np.pad(disk, [(tail, tail) if axis == other else (0, 0) for other in (0, 1)], mode="reflect")
        disk = np.apply_along_axis(np.convolve, axis, padded, weights, mode="valid")
    rows, columns = (_cosines(size, last, len(disk), reduced) for size, last in zip(sizes, (False, True), strict=True))
    # Not by BLAS, which may sum in another order with another number of threads.
    transfer: Levels = np.einsum("ik,lk->il", np.einsum("ij,jk", rows, disk), columns).astype(np.float32)
    return transfer


def _cosines(size: int, half: bool, length: int, scale: float) -> NDArray[np.float64]:
    """Return the matrix that makes of a symmetric kernel its transfer function, at the frequencies of a transform.

    Kernels are drawn for an image of 224, or larger for a larger one. In a smaller image their pixels lie closer than
    those of the image, which a transfer function has no trouble with.
    """
    frequencies = np.fft.rfftfreq(size) if half else np.fft.fftfreq(size)
    return np.cos(2 * np.pi * scale * np.outer(frequencies, np.arange(length) - length // 2))


def _zoom(length: int, scale: float, factor: float) -> tuple[NDArray[np.intp], Levels]:
    """Return for each place in the enlarged centre the lower neighbour of its source, and the distance from that.

    The reference cuts out a whole number of pixels and enlarges them to a whole number. Where the image has another
    size than 224 the same is done in pixels of 224, so that a small image is zoomed by the factor and not by a step.
    """
    full = round(length / scale)
    centre = int(np.ceil(full / factor))
    enlarged = round(centre * factor)
    places = (np.arange(length) + 0.5) * (full / length) - 0.5 + (enlarged - full) // 2
    # The corners stay where they are, as in scipy.ndimage.zoom.
    source = (full - centre) // 2 + places * ((centre - 1) / max(1, enlarged - 1))
    source = np.clip((source + 0.5) * (length / full) - 0.5, 0, length - 1)
    lower = source.astype(np.intp)
    return lower, (source - lower).astype(np.float32)


def _between(levels: Levels, lower: NDArray[np.intp], distances: Levels, axis: int) -> Levels:
    share: Any = distances.reshape([-1 if axis == other else 1 for other in range(levels.ndim)])
    below = levels.take(lower, axis=axis)
    above: Levels = levels.take(np.minimum(lower + 1, levels.shape[axis] - 1), axis=axis)
    above -= below
    above *= share
    above += below
    return above
