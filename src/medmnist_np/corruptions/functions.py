"""The table of corruptions: the function of each, the limits of its parameters and the images it accepts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medmnist_np._sequences import checked_images
from medmnist_np.corruptions import blur, intensity, occlusion
from medmnist_np.errors import short, unknown
from medmnist_np.images.channels import Generators, Images, Parameters, is_rgb, is_volumes, refuse_one_image
from medmnist_np.registry.corruption_facts import corruption_facts

Seed = int | Sequence[int]


@dataclass(frozen=True, slots=True)
class CorruptionFunction:
    """Implementation of a corruption; :mod:`medmnist_np.registry.corruption_facts` describes it and its parameters.

    Attributes
    ----------
    function : callable
        ``function(images, parameters, rngs)`` returns a new array. It does not check its input.
    limits : tuple of (float, float)
        Minimum and maximum of each parameter.
    random : bool
        Whether the result depends on a seed.
    takes_gray, takes_volumes : bool
        Whether it accepts gray images and volumes. All corruptions accept RGB images.

    Examples
    --------
    >>> from medmnist_np.corruptions import CORRUPTIONS
    >>> CORRUPTIONS["gaussian_noise"].limits, CORRUPTIONS["gaussian_noise"].takes_volumes
    (((0, 10),), True)
    """

    function: Callable[[Images, Parameters, Generators], Images]
    limits: tuple[tuple[float, float], ...]
    random: bool = False
    takes_gray: bool = True
    takes_volumes: bool = False


_CHANNELS = (1, 3, 4)  # an axis of one of these lengths holds channels, not slices

_FACTOR = (0.0, 100.0)
_PIXELS = (0.01, 200.0)  # lengths in an image of 224 px

_BRIGHTNESS = CorruptionFunction(intensity.brightness, (_FACTOR,), takes_volumes=True)
_CONTRAST = CorruptionFunction(intensity.contrast, (_FACTOR,), takes_volumes=True)
_GAMMA = CorruptionFunction(intensity.gamma_correction, ((0.01, 100),), takes_volumes=True)

CORRUPTIONS: Mapping[str, CorruptionFunction] = {
    "pixelate": CorruptionFunction(intensity.pixelate, ((0.001, 1),), takes_volumes=True),
    "jpeg_compression": CorruptionFunction(intensity.jpeg_compression, ((1, 100),)),
    "gaussian_noise": CorruptionFunction(intensity.gaussian_noise, ((0, 10),), random=True, takes_volumes=True),
    "speckle_noise": CorruptionFunction(intensity.speckle_noise, ((0, 10),), random=True, takes_volumes=True),
    "impulse_noise": CorruptionFunction(intensity.impulse_noise, ((0, 1),), random=True, takes_volumes=True),
    "shot_noise": CorruptionFunction(intensity.shot_noise, ((0.01, 1e6),), random=True, takes_volumes=True),
    "defocus_blur": CorruptionFunction(blur.defocus_blur, ((0, 100), (0.01, 100))),
    "motion_blur": CorruptionFunction(blur.motion_blur, (_PIXELS, _PIXELS), random=True),
    "zoom_blur": CorruptionFunction(blur.zoom_blur, ((1, 10), (1, 10), (0.001, 10))),
    "gaussian_blur": CorruptionFunction(blur.gaussian_blur, ((1, 201),), takes_volumes=True),
    "brightness_up": _BRIGHTNESS,
    "brightness_down": _BRIGHTNESS,
    "contrast_up": _CONTRAST,
    "contrast_down": _CONTRAST,
    "saturate": CorruptionFunction(intensity.saturate, ((0, 1),), takes_gray=False),
    "stain_deposit": CorruptionFunction(occlusion.stain_deposit, ((1, 1000), (1, 200)), random=True),
    "bubble": CorruptionFunction(occlusion.bubble, ((1, 100), (1, 1000)), random=True),
    "black_corner": CorruptionFunction(occlusion.black_corner, ((0, 10),)),
    "characters": CorruptionFunction(occlusion.characters, ((1, 1000), (1, 20), (0.01, 10)), random=True),
    "gamma_corr_up": _GAMMA,
    "gamma_corr_down": _GAMMA,
}
"""The 21 corruptions of MedMNIST-C by name, in the order of their numbers."""


def corrupt(images: Images, name: str, parameters: float | Sequence[float], seeds: Iterable[Seed] = ()) -> Images:
    """Corrupt a batch of images.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, 0-255
        Gray images, RGB images or volumes of any size. Parameters that are lengths are stated for 224 pixels, and scale
        with the shortest side.
    name : str
        One of :data:`CORRUPTIONS`.
    parameters : float or sequence of float
        Parameters of the corruption: those of a severity, from ``CorruptedSet.parameters``, or your own.
    seeds : iterable of int or sequence of int
        One for each image; see :func:`image_seeds`. The result for an image depends only on its own seed. Corruptions
        that are not random need no seeds.

    Returns
    -------
    ndarray
        A new array of the same shape, uint8, 0-255. Further memory is needed for a few images only.

    Raises
    ------
    ValueError
        If the corruption is unknown or does not accept these images, a parameter is out of range, the images have
        another dtype or shape, or a random corruption does not get one seed for each image.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.corruptions import corrupt, image_seeds
    >>> from medmnist_np.registry.corruption_facts import corrupted_set
    >>> images = np.full((2, 28, 28), 100, dtype=np.uint8)
    >>> seeds = image_seeds(0, "impulse_noise", 3, [0, 1])
    >>> strength = corrupted_set("chestmnist").parameters("impulse_noise", 3)
    >>> corrupt(images, "impulse_noise", strength, seeds).shape
    (2, 28, 28)
    """
    corruption = _function(name)
    pixels = _checked(images, name, corruption)
    numbers = _checked_parameters(name, corruption, parameters)
    if not corruption.random:
        return corruption.function(pixels, numbers, ())
    each = list(seeds)
    if len(each) != len(pixels):
        raise ValueError(
            f"{name} is random and needs one seed for each of {len(pixels)} images, but {len(each)} were given. "
            "Create them with image_seeds(seed, name, severity, indices)."
        )
    return corruption.function(pixels, numbers, map(np.random.default_rng, each))


def image_seeds(seed: int, name: str, severity: int, indices: Iterable[int]) -> list[tuple[int, int, int, int]]:
    """Create the seed of each image: ``(seed, number of the corruption, severity, index)``.

    Each image has its own random stream. It does not depend on the other images, their order or the process.

    Parameters
    ----------
    seed : int
        Your random seed, at least 0.
    name : str
        One of :data:`CORRUPTIONS`. Its number never changes.
    severity : int
        1 to 5, or 0 for your own parameters.
    indices : iterable of int
        Indices of the images in their split.

    Raises
    ------
    ValueError
        If the corruption is unknown, or a number is negative.

    Examples
    --------
    >>> from medmnist_np.corruptions import image_seeds
    >>> image_seeds(7, "motion_blur", 5, [0, 12])
    [(7, 7, 5, 0), (7, 7, 5, 12)]
    """
    _function(name)
    number = corruption_facts()[name].number
    seeds = [(int(seed), number, int(severity), int(index)) for index in indices]
    if any(min(numbers) < 0 for numbers in seeds):
        raise ValueError("Seed, severity and indices must be integers of at least 0.")
    return seeds


def _function(name: str) -> CorruptionFunction:
    if name not in CORRUPTIONS:
        raise ValueError(unknown("corruption", name, CORRUPTIONS))
    return CORRUPTIONS[name]


def _checked(images: Images, name: str, corruption: CorruptionFunction) -> Images:
    pixels = checked_images(images)
    if pixels.ndim not in (3, 4):
        raise ValueError(
            f"The images have shape {pixels.shape}, but (n, h, w), (n, h, w, 3) or (n, d, h, w) is needed. "
            "Pass a single image as image[None]."
        )
    refuse_one_image(pixels)
    if is_volumes(pixels) and (pixels.shape[1] in _CHANNELS or pixels.shape[-1] in _CHANNELS):
        raise ValueError(
            f"The images have shape {pixels.shape}, and one axis seems to have channels. Pass gray images without it "
            "(images[..., 0]), and RGB images with channels last (numpy.moveaxis(images, 1, -1))."
        )
    if is_volumes(pixels) and not corruption.takes_volumes:
        able = [other for other, function in CORRUPTIONS.items() if function.takes_volumes]
        raise ValueError(f"{name} does not support volumes. These corruptions do: {', '.join(able)}.")
    if not corruption.takes_gray and not is_rgb(pixels):
        raise ValueError(
            f"{name} changes colours and needs RGB images (n, h, w, 3), but these have shape {pixels.shape}."
        )
    return pixels


def _checked_parameters(name: str, corruption: CorruptionFunction, parameters: float | Sequence[float]) -> Parameters:
    meanings = corruption_facts()[name].parameters
    numbers = np.asarray(parameters)
    if numbers.dtype.kind not in "iuf" or numbers.ndim > 1 or numbers.size != len(meanings):
        raise ValueError(
            f"Invalid parameters of {name}: {short(parameters)}. It needs a number for: {', '.join(meanings)}."
        )
    values = tuple(float(number) for number in numbers.ravel())
    for meaning, value, (least, most) in zip(meanings, values, corruption.limits, strict=True):
        if not (math.isfinite(value) and least <= value <= most):
            raise ValueError(f"{name}: the {meaning} is {value:g}. It must be between {least:g} and {most:g}.")
    return values
