"""Changes of gray levels and colours, each value by itself."""

from __future__ import annotations

import numpy as np

from medmnist_np.corruptions.shape import Generators, Images, Parameters, cut, is_rgb


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
