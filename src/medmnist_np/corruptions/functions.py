"""The corruptions by name: which function makes each, which numbers it takes and which images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medmnist_np._sequences import checked_images
from medmnist_np.corruptions import blur, intensity, occlusion
from medmnist_np.errors import nearest
from medmnist_np.images.channels import Generators, Images, Parameters, is_rgb, is_volumes, refuse_one_image
from medmnist_np.registry.corruption_facts import corruption_facts

Seed = int | Sequence[int]


@dataclass(frozen=True, slots=True)
class CorruptionFunction:
    """How a corruption is made; ``registry.corruption_facts`` says what it is and what its numbers mean.

    Attributes
    ----------
    function : callable
        ``function(images, parameters, rngs)`` returns a new array. Nothing is checked there.
    limits : tuple of (float, float)
        Least and most that each of its numbers may be.
    random : bool
        Whether the result depends on a seed.
    takes_gray, takes_volumes : bool
        Whether it makes sense on gray images and on volumes. All take RGB images.
    """

    function: Callable[[Images, Parameters, Generators], Images]
    limits: tuple[tuple[float, float], ...]
    random: bool = False
    takes_gray: bool = True
    takes_volumes: bool = False


_CHANNELS = (1, 3, 4)  # no volume is that thin

_FACTOR = (0.0, 100.0)
_PIXELS = (0.01, 200.0)  # of an image of 224: more would be no image

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
"""The 21 corruptions by the names of MedMNIST-C, in the order of their numbers."""


def corrupt(images: Images, name: str, parameters: float | Sequence[float], seeds: Iterable[Seed] = ()) -> Images:
    """Corrupt a batch of images.

    Parameters
    ----------
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, 0-255
        Gray images, RGB images or volumes of any size. Lengths are stated for 224 pixels, and scale with the shortest
        side.
    name : str
        One of :data:`CORRUPTIONS`.
    parameters : float or sequence of float
        The numbers of the corruption: those of a severity, from ``CorruptedSet.parameters``, or your own.
    seeds : iterable of int or sequence of int
        One for each image, as :func:`image_seeds` makes them. What an image becomes depends on its own seed alone.
        A corruption without chance needs none.

    Returns
    -------
    ndarray
        A new array of the same shape, uint8, 0-255. The only other memory is that of a few images.

    Raises
    ------
    ValueError
        If there is no such corruption or it makes no sense on these images, if a number is beyond its limits, if the
        images are of another dtype or shape or have channels where none are meant, or if a corruption with chance has
        not one seed for each image.

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
    corruption = _found(name)
    pixels = _checked(images, name, corruption)
    numbers = _checked_parameters(name, corruption, parameters)
    if not corruption.random:
        return corruption.function(pixels, numbers, ())
    each = list(seeds)
    if len(each) != len(pixels):
        raise ValueError(
            f"{name} draws by chance and needs one seed for each of {len(pixels)} images; {len(each)} were given. "
            "image_seeds(seed, name, severity, indices) makes them."
        )
    return corruption.function(pixels, numbers, _generators(each))


def image_seeds(seed: int, name: str, severity: int, indices: Iterable[int]) -> list[tuple[int, int, int, int]]:
    """Return the seed of each image: ``(seed, number of the corruption, severity, index)``.

    So each image has its own stream of chance, whatever else is made with it, before it or by whom.

    Parameters
    ----------
    seed : int
        At least 0; the choice of the user.
    name : str
        One of :data:`CORRUPTIONS`. Its number is a fact that never changes.
    severity : int
        1 to 5, or 0 for parameters of your own.
    indices : iterable of int
        Places of the images in the arrays of their split.

    Raises
    ------
    ValueError
        If there is no such corruption, or a number is negative.

    Examples
    --------
    >>> from medmnist_np.corruptions import image_seeds
    >>> image_seeds(7, "motion_blur", 5, [0, 12])
    [(7, 7, 5, 0), (7, 7, 5, 12)]
    """
    _found(name)
    number = corruption_facts()[name].number
    seeds = [(int(seed), number, int(severity), int(index)) for index in indices]
    if any(min(numbers) < 0 for numbers in seeds):
        raise ValueError("A seed, a severity and an index are whole numbers of at least 0.")
    return seeds


def _found(name: str) -> CorruptionFunction:
    if name not in CORRUPTIONS:
        raise ValueError(
            f"There is no corruption {name!r}.{nearest(str(name), CORRUPTIONS)} There are: {', '.join(CORRUPTIONS)}."
        )
    return CORRUPTIONS[name]


def _checked(images: Images, name: str, corruption: CorruptionFunction) -> Images:
    pixels = checked_images(images)
    if pixels.ndim not in (3, 4):
        raise ValueError(
            f"The images have shape {pixels.shape}; (n, h, w), (n, h, w, 3) or (n, d, h, w) is needed. "
            "For one image, pass images[None]."
        )
    refuse_one_image(pixels)
    if is_volumes(pixels) and (pixels.shape[1] in _CHANNELS or pixels.shape[-1] in _CHANNELS):
        raise ValueError(
            f"The images have shape {pixels.shape}, which is that of volumes, and one axis seems to be of channels. "
            "Gray images have none, as images[..., 0]; RGB images have it at the end, as numpy.moveaxis(images, 1, -1)."
        )
    if is_volumes(pixels) and not corruption.takes_volumes:
        able = [other for other, made in CORRUPTIONS.items() if made.takes_volumes]
        raise ValueError(f"{name} is made for images, not for volumes. Those that take volumes are: {', '.join(able)}.")
    if not corruption.takes_gray and not is_rgb(pixels):
        raise ValueError(f"{name} changes colours and needs RGB images (n, h, w, 3); these have shape {pixels.shape}.")
    return pixels


def _checked_parameters(name: str, corruption: CorruptionFunction, parameters: float | Sequence[float]) -> Parameters:
    meanings = corruption_facts()[name].parameters
    numbers = np.asarray(parameters)
    if numbers.dtype.kind not in "iuf" or numbers.ndim > 1 or numbers.size != len(meanings):
        raise ValueError(f"{name} takes {len(meanings)} numbers ({', '.join(meanings)}), not {parameters!r}.")
    values = tuple(float(number) for number in numbers.ravel())
    for meaning, value, (least, most) in zip(meanings, values, corruption.limits, strict=True):
        if not (math.isfinite(value) and least <= value <= most):
            raise ValueError(f"{name}: the {meaning} is {value:g}; {least:g} to {most:g} is possible.")
    return values


def _generators(seeds: Iterable[Seed]) -> Iterator[np.random.Generator]:
    for seed in seeds:
        yield np.random.default_rng(seed)
