"""Corruptions that change pixel values: noise, gray levels, colours, pixelation and JPEG compression.

The reference converts a gray image to RGB, adds noise and converts it back. The noise of a gray image is therefore a
weighted mean of three independent draws. Gray images and volumes are treated in the same way here, so their Gaussian
noise has 0.67 times the stated standard deviation, as in the published files.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np

from medmnist_np.images.channels import (
    Generators,
    Images,
    Parameters,
    is_rgb,
    is_volumes,
    lengths,
    luminance,
    map_images,
    truncate,
)

Noise = Callable[[Images, np.random.Generator], Images]


def gaussian_noise(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Add Gaussian noise, like a sensor in poor light.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (standard_deviation,)
        As a fraction of the range from black to white.
    rngs : iterable of Generator
        One for each image.
    """
    deviation = np.float32(255 * parameters[0])

    def add(image: Images, rng: np.random.Generator) -> Images:
        levels = rng.standard_normal(image.shape, dtype=np.float32)
        levels *= deviation
        levels += image
        return np.clip(levels, 0, 255, out=levels).astype(np.uint8)

    return _on_channels(images, rngs, add)


def speckle_noise(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Multiply by Gaussian noise around 1, like interference in ultrasound.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (standard_deviation,)
        As a fraction of each value.
    rngs : iterable of Generator
        One for each image.
    """
    deviation = np.float32(parameters[0])

    def multiply(image: Images, rng: np.random.Generator) -> Images:
        levels = rng.standard_normal(image.shape, dtype=np.float32)
        levels *= deviation
        levels += 1
        levels *= image
        return np.clip(levels, 0, 255, out=levels).astype(np.uint8)

    return _on_channels(images, rngs, multiply)


def impulse_noise(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Set a share of the values to black or white with equal probability, like dead pixels and lost bits.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (share,)
        Share of the values, 0 to 1.
    rngs : iterable of Generator
        One for each image.
    """
    share = np.float32(parameters[0])

    def strike(image: Images, rng: np.random.Generator) -> Images:
        draws = rng.random(image.shape, dtype=np.float32)
        struck = image.copy()
        np.putmask(struck, draws < share, 255)
        np.putmask(struck, draws < share / 2, 0)
        return struck

    return _on_channels(images, rngs, strike)


def shot_noise(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Apply Poisson noise, as with little light or a low dose.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (photons,)
        Expected number of photons of a white pixel. Fewer photons give more noise.
    rngs : iterable of Generator
        One for each image.
    """
    (photons,) = parameters
    expected = np.arange(256) / 255 * photons
    brightest = int(np.ceil(photons))
    levels = (np.clip(np.arange(brightest + 1) / photons, 0, 1) * 255).astype(np.uint8)

    def count(image: Images, rng: np.random.Generator) -> Images:
        counts = rng.poisson(expected[image])
        return levels[np.minimum(counts, brightest, out=counts)]

    return _on_channels(images, rngs, count)


def _on_channels(images: Images, rngs: Generators, noise: Noise) -> Images:
    """Apply noise to RGB images, or three times to gray images and volumes as in the reference."""
    if is_rgb(images):
        return map_images(noise, images, rngs)
    return map_images(lambda image, rng: luminance(*(noise(image, rng) for _ in range(3))), images, rngs)


def brightness(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Multiply all levels by a factor, like ``PIL.ImageEnhance.Brightness``.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (factor,)
        Above 1 makes images brighter.
    rngs
        Not used.
    """
    return map_images(_scaled_levels(0, parameters[0]).take, images)


def contrast(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Scale the differences from the mean gray level of each image, like ``PIL.ImageEnhance.Contrast``.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (factor,)
        Above 1 increases the contrast.
    rngs
        Not used.
    """
    from PIL import Image

    def scaled(image: Images) -> Images:
        gray = np.asarray(Image.fromarray(image).convert("L")) if is_rgb(images) else image
        return _scaled_levels(int(gray.mean() + 0.5), parameters[0])[image]

    return map_images(scaled, images)


def gamma_correction(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Raise all levels to a power, like ``torchvision.transforms.functional.adjust_gamma``.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (gamma,)
        Above 1 makes images darker.
    rngs
        Not used.
    """
    # 255.999, as in torchvision: truncation spreads the results evenly over 0-255, and white stays 255.
    table = (255.999 * (np.arange(256) / 255) ** parameters[0]).astype(np.uint8)
    return map_images(table.take, images)


def saturate(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Increase the saturation in the HSV colour model, with the same hue and value. Grays become red (hue 0).

    Parameters
    ----------
    images : (n, h, w, 3) uint8
    parameters : (offset,)
        Added to the saturation, which is 0 to 1.
    rngs
        Not used.
    """
    offset = np.float32(parameters[0])

    def saturated(image: Images) -> Images:
        channels = np.moveaxis(image, -1, 0)
        value = np.maximum(np.maximum(*channels[:2]), channels[2])
        delta = value - np.minimum(np.minimum(*channels[:2]), channels[2])
        # 1 / saturation. The difference of a channel from the value is proportional to the saturation.
        inverse = value / np.maximum(delta, 1, dtype=np.float32)
        growth = np.minimum(1 + offset * inverse, inverse)
        result = np.stack([truncate(value - (value - channel) * growth) for channel in channels], axis=-1)
        is_gray = delta == 0
        result[is_gray, 1:] = truncate(value[is_gray] * (1 - offset))[:, None]
        return result

    return map_images(saturated, images)


def _scaled_levels(level: int, factor: float) -> Images:
    """Return Pillow's result for each level 0-255 when its difference from ``level`` is multiplied by ``factor``."""
    from PIL import Image

    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    return np.asarray(Image.blend(Image.new("L", ramp.size, level), ramp, factor)).ravel()


def pixelate(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Reduce images by averaging and enlarge them again, with the box filter of Pillow.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        Volumes are reduced along all three axes.
    parameters : (factor,)
        Factor of the side, which is truncated to an integer, at least 1 pixel.
    rngs
        Not used.
    """
    (factor,) = parameters
    large = lengths(images)
    small = tuple(max(1, int(length * factor)) for length in large)
    resized = _volume_resized if is_volumes(images) else _resized
    return map_images(lambda image: resized(resized(image, small), large), images)


def jpeg_compression(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Encode and decode as JPEG with Pillow. The colour of RGB images is stored at half the resolution.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (quality,)
        1 to 100, truncated to an integer.
    rngs
        Not used.
    """
    from PIL import Image

    def compressed(image: Images) -> Images:
        stream = BytesIO()
        Image.fromarray(image).save(stream, "JPEG", quality=int(parameters[0]))
        with Image.open(stream) as decoded:
            return np.asarray(decoded)

    return map_images(compressed, images)


def _resized(image: Images, shape: tuple[int, ...]) -> Images:
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((shape[1], shape[0]), Image.Resampling.BOX))


def _volume_resized(volume: Images, shape: tuple[int, ...]) -> Images:
    slices = np.stack([_resized(image, shape[1:]) for image in volume])
    # Each slice becomes a row of an image, so that resizing the height resizes the depth.
    rows = slices.reshape(len(slices), -1)
    return _resized(rows, (shape[0], rows.shape[1])).reshape(shape)
