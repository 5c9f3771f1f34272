"""Blurs: Gaussian, defocus, motion and zoom.

Lengths are stated in pixels for a shortest side of 224, and scale with the image.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.images.channels import Generators, Images, Parameters, lengths, map_images, scale, truncate

Levels = NDArray[np.float32]

# Half the width of the grid on which the reference draws its disks, in pixels; larger disks have a larger grid.
_DISK_REACH = 8

# Padding in pixels for small images, whose scaled kernels are negligible beyond it.
_LEAST_MARGIN = 4


def gaussian_blur(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Smooth with a Gaussian kernel and round to the nearest level, like ``torchvision``.

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
    return map_images(lambda image: np.rint(_filtered(image, factors, sizes)).clip(0, 255), images)


def defocus_blur(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Spread every point over a disk, like a lens that is out of focus.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (radius, smoothing)
        Pixels. The disk is smoothed by a Gaussian kernel with the standard deviation ``smoothing``. The kernel has
        3 x 3 pixels, and 5 x 5 if the radius is above 8.
    rngs
        Not used.
    """
    radius, smoothing = parameters
    sizes = _padded_sizes(images, max(_DISK_REACH, radius))
    transfer = _disk_transfer(radius, smoothing, scale(images), sizes)
    return map_images(lambda image: truncate(_filtered(image, transfer, sizes)), images)


def motion_blur(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Smear every point to one side, in a random direction from -45 to 45 degrees.

    The kernel is that of ImageMagick's ``-motion-blur``: weights ``exp(-i**2 / (2 * sigma**2))`` for
    ``i = 0, ..., 2 * ceil(radius)`` at the pixels nearest to a line. The border is padded with its own pixels.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (radius, sigma)
        Pixels.
    rngs : iterable of Generator
        One for each image, for the direction.
    """
    radius, sigma = (scale(images) * length for length in parameters)
    return map_images(lambda image, rng: moved(image, radius, sigma, angle=rng.uniform(-45, 45)), images, rngs)


def moved(image: Images, radius: float, sigma: float, angle: float) -> Images:
    """Blur one image, (h, w) or (h, w, 3), by motion at an angle in degrees. Lengths are in pixels of the image."""
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
    # ImageMagick rounds to 16 bits, where a level is 257 units, and then truncates to 8 bits.
    levels += np.float32(0.5 / 257)
    return levels.astype(np.uint8)


def zoom_blur(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Average the image with enlargements of its centre, like a camera that moves towards the skin.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (first, end, step)
        The zoom factors are ``numpy.arange(first, end, step)``. The original image is included in the average.
    rngs
        Not used.
    """
    factors = np.arange(*parameters)
    height, width = lengths(images)
    unit = scale(images)
    zooms = [(*_zoom(height, unit, factor), *_zoom(width, unit, factor)) for factor in factors]

    def zoomed(image: Images) -> Images:
        levels = image.astype(np.float32)
        total = levels.copy()
        for top, down, left, right in zooms:
            total += _interpolated(_interpolated(levels, top, down, 0), left, right, 1)
        total /= np.float32(len(factors) + 1)
        return truncate(total)

    return map_images(zoomed, images)


def _padded_sizes(images: Images, reach: float) -> tuple[int, ...]:
    """Return the size to which images are padded for a kernel of this reach, in pixels of an image of 224."""
    from scipy import fft

    margin = max(_LEAST_MARGIN, math.ceil(reach * scale(images)))
    return tuple(fft.next_fast_len(length + 2 * margin, real=True) for length in lengths(images))


def _filtered(image: Images, transfer: Levels, sizes: tuple[int, ...]) -> Levels:
    """Pad an image to the sizes by reflection, multiply its spectrum by a transfer function, and crop it again."""
    from scipy import fft

    axes = tuple(range(len(sizes)))
    extra = [size - length for size, length in zip(sizes, image.shape, strict=False)]
    margins = [(n // 2, n - n // 2) for n in extra] + [(0, 0)] * (image.ndim - len(sizes))
    padded = np.pad(image, margins, mode="reflect").astype(np.float32)
    spectrum = fft.rfftn(padded, axes=axes)
    spectrum *= transfer if image.ndim == len(sizes) else transfer[..., None]
    levels = fft.irfftn(spectrum, sizes, axes=axes, overwrite_x=True)
    cropped: Levels = levels[
        tuple(slice(before, before + n) for (before, _), n in zip(margins, image.shape, strict=True))
    ]
    return cropped


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
    # As in the reference, the disk is reflected at the end of its grid, so that a radius of 8 brightens by 1.3 %.
    for axis in (0, 1):
        padded = np.pad(disk, [(tail, tail) if axis == other else (0, 0) for other in (0, 1)], mode="reflect")
        disk = np.apply_along_axis(np.convolve, axis, padded, weights, mode="valid")
    rows, columns = (_cosines(size, last, len(disk), reduced) for size, last in zip(sizes, (False, True), strict=True))
    # einsum instead of BLAS, whose order of summation may depend on the number of threads.
    transfer: Levels = np.einsum("ik,lk->il", np.einsum("ij,jk", rows, disk), columns).astype(np.float32)
    return transfer


def _cosines(size: int, half: bool, length: int, scale: float) -> NDArray[np.float64]:
    """Return the cosine matrix that turns a symmetric kernel into its transfer function.

    Kernels are drawn for an image of 224 px, or larger for a larger image. In a smaller image the kernel has a finer
    grid than the image, which a transfer function can represent.
    """
    frequencies = np.fft.rfftfreq(size) if half else np.fft.fftfreq(size)
    return np.cos(2 * np.pi * scale * np.outer(frequencies, np.arange(length) - length // 2))


def _zoom(length: int, scale: float, factor: float) -> tuple[NDArray[np.intp], Levels]:
    """Return the lower neighbour of each pixel's source position in the zoomed image, and the distance from it.

    The reference crops an integer number of pixels and enlarges them to an integer number. For other image sizes, the
    rounding is done as if the image had 224 px, so that small images are zoomed by the exact factor.
    """
    full = round(length / scale)
    centre = int(np.ceil(full / factor))
    enlarged = round(centre * factor)
    places = (np.arange(length) + 0.5) * (full / length) - 0.5 + (enlarged - full) // 2
    # The corners keep their positions, as in scipy.ndimage.zoom.
    source = (full - centre) // 2 + places * ((centre - 1) / max(1, enlarged - 1))
    source = np.clip((source + 0.5) * (length / full) - 0.5, 0, length - 1)
    lower = source.astype(np.intp)
    return lower, (source - lower).astype(np.float32)


def _interpolated(levels: Levels, lower: NDArray[np.intp], distances: Levels, axis: int) -> Levels:
    """Interpolate linearly along an axis."""
    share: Any = distances.reshape([-1 if axis == other else 1 for other in range(levels.ndim)])
    below = levels.take(lower, axis=axis)
    above: Levels = levels.take(np.minimum(lower + 1, levels.shape[axis] - 1), axis=axis)
    above -= below
    above *= share
    above += below
    return above
