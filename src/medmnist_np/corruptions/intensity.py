"""Corruptions that change values of pixels: noise, gray levels and colours, and what storing an image does to it.

Noise is drawn as the reference draws it: it turns a gray image to RGB, corrupts it and turns it back, so that three
independent draws are mixed with the weights of luminance. Gray images and volumes are treated like this here too. On
them Gaussian noise has 0.67 of the stated standard deviation, as in the published files.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np

from medmnist_np.images.channels import Generators, Images, Parameters, cut, is_rgb, is_volumes, lengths, luminance

Noise = Callable[[Images, np.random.Generator], Images]


def gaussian_noise(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Add normal noise, as a sensor does in poor light.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (standard_deviation,)
        As a share of the range from black to white.
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
    """Multiply by normal noise around 1, as interference does in ultrasound.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (standard_deviation,)
        As a share of each value.
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
    """Turn a share of the values to black or white, each as likely, as dead pixels and lost bits do.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (share,)
        Of the values, from 0 to 1.
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
    """Count photons: Poisson noise, as of little light or a low dose.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (photons,)
        Expected number at white; fewer are noisier.
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
    result = np.empty_like(images)
    for image, out, rng in zip(images, result, rngs, strict=True):
        if is_rgb(images):
            out[...] = noise(image, rng)
        else:
            out[...] = luminance(noise(image, rng), noise(image, rng), noise(image, rng))
    return result


def brightness(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Multiply all levels, as ``PIL.ImageEnhance.Brightness`` does.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (factor,)
        Above 1 is brighter.
    rngs
        Not used.
    """
    return _looked_up(images, _away_from(0, parameters[0]))


def contrast(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Move all levels away from the mean gray of their image, as ``PIL.ImageEnhance.Contrast`` does.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (factor,)
        Above 1 is more contrast.
    rngs
        Not used.
    """
    from PIL import Image

    result = np.empty_like(images)
    for image, out in zip(images, result, strict=True):
        gray = np.asarray(Image.fromarray(image).convert("L")) if is_rgb(images) else image
        np.take(_away_from(int(gray.mean() + 0.5), parameters[0]), image, out=out, mode="clip")
    return result


def gamma_correction(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Raise all levels to a power, as ``torchvision.transforms.functional.adjust_gamma`` does.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
    parameters : (gamma,)
        Above 1 is darker.
    rngs
        Not used.
    """
    # White becomes 255 and not 256, and 255.999 leaves no level out on the way there.
    table = (255.999 * (np.arange(256) / 255) ** parameters[0]).astype(np.uint8)
    return _looked_up(images, table)


def saturate(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Add to the saturation of the HSV colour model and keep hue and value. Grays become red, whose hue is 0.

    Parameters
    ----------
    images : (n, h, w, 3) uint8
    parameters : (offset,)
        Saturation runs from 0 to 1.
    rngs
        Not used.
    """
    offset = np.float32(parameters[0])
    result = np.empty_like(images)
    for image, out in zip(images, result, strict=True):
        channels = [image[..., channel] for channel in range(3)]
        value = np.maximum(np.maximum(*channels[:2]), channels[2])
        delta = value - np.minimum(np.minimum(*channels[:2]), channels[2])
        is_gray = delta == 0
        # One over the saturation. What a channel lacks of the value is in proportion to the saturation.
        inverse = value / np.maximum(delta, 1, dtype=np.float32)
        growth = np.minimum(1 + offset * inverse, inverse)
        for channel, levels in enumerate(channels):
            out[..., channel] = cut(value - (value - levels) * growth)
        for channel in (1, 2):
            np.copyto(out[..., channel], cut(value * (1 - offset)), where=is_gray)
    return result


def _away_from(level: int, factor: float) -> Images:
    """Return for each level what Pillow makes of it when it moves it away from another."""
    from PIL import Image

    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    return np.asarray(Image.blend(Image.new("L", ramp.size, level), ramp, factor)).ravel()


def _looked_up(images: Images, table: Images) -> Images:
    result = np.empty_like(images)
    # Image by image: indices of a whole batch would take eight times its memory.
    for image, out in zip(images, result, strict=True):
        np.take(table, image, out=out, mode="clip")
    return result


def pixelate(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Reduce to a share of the side by averaging, and enlarge again: box filters of Pillow.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8
        Volumes are reduced along all three axes.
    parameters : (factor,)
        Of the side, which is cut to whole pixels; at least one remains.
    rngs
        Not used.
    """
    (factor,) = parameters
    large = lengths(images)
    small = tuple(max(1, int(length * factor)) for length in large)
    resized = _volume_resized if is_volumes(images) else _resized
    result = np.empty_like(images)
    for image, out in zip(images, result, strict=True):
        out[...] = resized(resized(image, small), large)
    return result


def jpeg_compression(images: Images, parameters: Parameters, rngs: Generators) -> Images:
    """Encode as JPEG and decode, with Pillow. The colour of RGB images is stored at half the resolution.

    Parameters
    ----------
    images : (n, h, w) or (n, h, w, 3) uint8
    parameters : (quality,)
        1 to 100, of which the fraction is cut off.
    rngs
        Not used.
    """
    from PIL import Image

    (quality,) = parameters
    result = np.empty_like(images)
    for image, out in zip(images, result, strict=True):
        stream = BytesIO()
        Image.fromarray(image).save(stream, "JPEG", quality=int(quality))
        with Image.open(stream) as decoded:
            out[...] = decoded
    return result


def _resized(image: Images, shape: tuple[int, ...]) -> Images:
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((shape[1], shape[0]), Image.Resampling.BOX))


def _volume_resized(volume: Images, shape: tuple[int, ...]) -> Images:
    slices = np.stack([_resized(image, shape[1:]) for image in volume])
    # Each slice as one row of an image, so that resizing its height resizes the depth.
    rows = slices.reshape(len(slices), -1)
    return _resized(rows, (shape[0], rows.shape[1])).reshape(shape)
