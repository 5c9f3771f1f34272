"""Noise on every value, drawn as the reference draws it.

The reference turns a gray image to RGB, corrupts it and turns it back, so that three independent draws are mixed with
the weights of luminance. Gray images and volumes are treated so here too: on them Gaussian noise has 0.67 of the
stated standard deviation, as the published files do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medmnist_np.corruptions.shape import Generators, Images, Parameters, is_rgb, luminance

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
