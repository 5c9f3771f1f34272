"""What storing an image does to it: fewer pixels, and JPEG."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from medmnist_np.corruptions.shape import Generators, Images, Parameters, is_volumes, lengths


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
