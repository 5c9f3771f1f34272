"""The steps that recipes are made of: each is called with an image and a size, and describes itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from medmnist_np.images.channels import usual_axes
from medmnist_np.images.interpolation import Resampler, checked_resampler, resize, zoom

Array = NDArray[Any]


class Step(Protocol):
    """One thing that is done to an image.

    A promise to implementers: a step is deterministic, compares equal to another that does the same, pickles, and
    does not change the image that it is given. ``str`` returns a sentence that describes the step.
    """

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step, a view where possible; ``size`` is the one that the recipe makes."""


@runtime_checkable
class HasMaskStep(Protocol):
    """A step that defines what happens to the mask of an image, so that both still match."""

    def for_masks(self) -> Step | None:
        """Return the step for masks, which makes no new values; None if values change and places do not."""


@dataclass(frozen=True, slots=True)
class CropToShortEdge:
    """Cut out the square in the middle whose side is the short edge; of a volume, the cube.

    An odd rest leaves one pixel more below and to the right. Which side the published files leave it on is not known.
    """

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        if image.shape[2:] != (3,) and usual_axes(image, n_before=0).shape != image.shape:
            raise ValueError(
                f"The image has shape {image.shape}, and one axis seems to hold channels. Pass gray images as "
                "(h, w) and RGB images as (h, w, 3)."
            )
        axes = _spatial_axes(image)
        return _middle(image, (min(image.shape[:axes]),) * axes)

    def for_masks(self) -> Self:
        """Return the same step: it moves no value."""
        return self

    def __str__(self) -> str:
        return "Cut out the square in the middle whose side is the short edge."


@dataclass(frozen=True, slots=True)
class CropCentre:
    """Cut a fixed shape out of the middle: ``(200, 200)`` pixels, or ``(64, 64, 64)`` voxels."""

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.shape) not in (2, 3) or min(self.shape) < 1:
            raise ValueError(f"The shape to cut out is {self.shape}; two or three lengths of at least 1 are needed.")
        object.__setattr__(self, "shape", tuple(self.shape))

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        whole = image.shape[: _spatial_axes(image)]
        if len(whole) != len(self.shape) or any(a < b for a, b in zip(whole, self.shape, strict=True)):
            raise ValueError(f"{_by(self.shape)} cannot be cut out of an image of {_by(whole)}.")
        return _middle(image, self.shape)

    def for_masks(self) -> Self:
        """Return the same step: it moves no value."""
        return self

    def __str__(self) -> str:
        return f"Cut {_by(self.shape)} out of the middle."


@dataclass(frozen=True, slots=True)
class CentreSlice:
    """Take the slice in the middle of a volume along an axis, ``length // 2``."""

    axis: int

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        _check_volume(image, self)
        middle: Array = np.moveaxis(image, self.axis, 0)[image.shape[self.axis] // 2]
        return middle

    def for_masks(self) -> Self:
        """Return the same step: it moves no value."""
        return self

    def __str__(self) -> str:
        return f"Take the slice in the middle of axis {self.axis}."


@dataclass(frozen=True, slots=True)
class ProjectMaximum:
    """Take the highest value along an axis of a volume: a maximum intensity projection."""

    axis: int

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        _check_volume(image, self)
        highest: Array = image.max(axis=self.axis)
        return highest

    def __str__(self) -> str:
        return f"Take the maximum along axis {self.axis}."


@dataclass(frozen=True, slots=True)
class Window:
    """Map values from ``low`` to ``high`` linearly to gray levels 0 to 255, and cut off what lies beyond.

    For CT the limits are in Hounsfield units (HU): level 40 and width 400 are ``Window(-160, 240)``.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high < float("inf") or self.low == -float("inf"):
            raise ValueError(
                f"A window from {self.low} to {self.high} is not valid. It needs two finite numbers, low < high."
            )

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        share = (image.astype(np.float64) - self.low) / (self.high - self.low)
        if np.isnan(share).any():
            raise ValueError("The image holds NaN, which has no gray level: replace it first.")
        return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)

    def for_masks(self) -> None:
        """Return None: it changes values only."""
        return

    def __str__(self) -> str:
        return f"Map {self.low:g} to {self.high:g} linearly to gray levels 0 to 255, and cut off what lies beyond."


@dataclass(frozen=True, slots=True)
class Binarise:
    """Set values above a threshold to 1.0 and all others to 0.0."""

    above: float

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        return (image > self.above).astype(np.float64)

    def for_masks(self) -> None:
        """Return None: it changes values only."""
        return

    def __str__(self) -> str:
        return f"Set values above {self.above:g} to 1 and all others to 0."


@dataclass(frozen=True, slots=True)
class Resize:
    """Resize an image to ``size`` x ``size`` with Pillow; see :func:`~medmnist_np.images.interpolation.resize`."""

    resampler: Resampler = "bicubic"
    approximate: bool = False

    def __post_init__(self) -> None:
        checked_resampler(self.resampler)

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        return resize(image, size, resampler=self.resampler, approximate=self.approximate)

    def for_masks(self) -> Resize:
        """Return the step with the nearest pixel in place of a filter."""
        return Resize("nearest")

    def __str__(self) -> str:
        about = ", approximately" if self.approximate else ""
        return f"Resize to size x size with the {self.resampler} filter of Pillow{about}."


@dataclass(frozen=True, slots=True)
class Zoom:
    """Bring a volume to ``size`` x ``size`` x ``size`` with SciPy; see :func:`~medmnist_np.images.zoom`."""

    order: int = 3
    mode: str = "constant"

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        return zoom(image, size, order=self.order, mode=self.mode)

    def for_masks(self) -> Zoom:
        """Return the step with the nearest voxel in place of a spline."""
        return Zoom(order=0, mode=self.mode)

    def __str__(self) -> str:
        call = f'scipy.ndimage.zoom(order={self.order}, mode="{self.mode}")'
        return f"Bring to size x size x size with {call}; one of that size stays as it is."


@dataclass(frozen=True, slots=True)
class At:
    """A step that is done at some sizes only."""

    sizes: tuple[int, ...]
    step: Step

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        return self.step(image, size) if size in self.sizes else image

    def for_masks(self) -> At | None:
        """Return what is done to masks at these sizes."""
        step = mask_step(self.step)
        return None if step is None else At(self.sizes, step)

    def __str__(self) -> str:
        words = str(self.step)
        return f"At size {', '.join(map(str, self.sizes))} only: {words[0].lower()}{words[1:]}"


def mask_step(step: Step) -> Step | None:
    """Return what is done to a mask in place of a step; None if nothing is.

    Raises
    ------
    ValueError
        If that is not known.
    """
    if isinstance(step, HasMaskStep):
        return step.for_masks()
    raise ValueError(
        f"What is done to a mask in place of this step is not known: {step} Steps of your own say it by a method "
        "for_masks()."
    )


def _spatial_axes(image: Array) -> int:
    """Return 2 for (h, w) and (h, w, 3), 3 for (d, h, w): of three axes the last decides, as in a montage."""
    if image.ndim not in (2, 3):
        raise ValueError(f"The image has shape {image.shape}; (h, w), (h, w, 3) or (d, h, w) is needed.")
    return 2 if image.ndim == 3 and image.shape[2] == 3 else image.ndim


def _middle(image: Array, shape: tuple[int, ...]) -> Array:
    starts = [(whole - part) // 2 for whole, part in zip(image.shape, shape, strict=False)]
    return image[tuple(slice(start, start + part) for start, part in zip(starts, shape, strict=True))]


def _check_volume(image: Array, step: CentreSlice | ProjectMaximum) -> None:
    if image.ndim != 3 or step.axis not in range(-3, 3):
        raise ValueError(f"{step} A volume with that axis is needed, and the image has shape {image.shape}.")


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
