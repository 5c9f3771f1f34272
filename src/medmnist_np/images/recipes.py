"""Recipes: how source images become the images of a data set, as a list of steps you can print and call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.images.channels import usual_axes
from medmnist_np.images.interpolation import Resampler, checked_resampler, checked_size, resize, resize_each, zoom
from medmnist_np.registry import Record, datasets, info
from medmnist_np.registry.bundled_records import recipe_facts

Axes = Literal["hw", "hwc", "dhw"]

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


# Steps by their names in the registry.
STEPS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "binarise": Binarise,
        "centre_slice": CentreSlice,
        "crop_centre": CropCentre,
        "crop_to_short_edge": CropToShortEdge,
        "project_maximum": ProjectMaximum,
        "resize": Resize,
        "window": Window,
        "zoom": Zoom,
    }
)

_LOOK_AT_SIZE = (At, Resize, Zoom)


@dataclass(frozen=True)
class Recipe:
    """Steps that turn a source image into an image of a data set.

    Parameters
    ----------
    steps : tuple of Step
        The steps in order. A step may also be your own function of an image and a
        size.
    name : str
        Name of the recipe when it is printed.
    takes : str
        Description of the source images that it expects.
    notes : tuple of str
        What to know about the recipe, and what is not known.
    axes : str, optional
        What it returns: gray images ``"hw"``, RGB images ``"hwc"`` or volumes ``"dhw"``. ``None`` allows all three.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.recipes import Recipe
    >>> from medmnist_np.images.recipes import CropCentre, Resize
    >>> patches = Recipe((CropCentre((200, 200)), Resize("lanczos")), name="patches")
    >>> print(patches)
    patches
      1. Cut 200 x 200 out of the middle.
      2. Resize to size x size with the lanczos filter of Pillow.
    >>> patches(np.zeros((360, 363, 3), np.uint8), size=64).shape
    (64, 64, 3)
    """

    steps: tuple[Step, ...]
    name: str = "recipe"
    takes: str = ""
    notes: tuple[str, ...] = ()
    axes: Axes | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        object.__setattr__(self, "notes", tuple(self.notes))
        if not self.steps:
            raise ValueError(f"The recipe {self.name} has no steps; at least one is needed.")

    def __call__(self, image: ArrayLike, size: int) -> NDArray[np.uint8]:
        """Apply the steps to one image.

        Parameters
        ----------
        image : array_like
            A source image as described by :attr:`takes`. It is not changed.
        size : int
            Pixels or voxels along each axis of the result, at least 1.

        Returns
        -------
        (size, size), (size, size, 3) or (size, size, size) uint8, 0-255

        Raises
        ------
        ValueError
            If a step does not accept the image, or the result has another shape or dtype. The message describes
            the expected input.
        """
        result = np.asarray(image)
        size = checked_size(size)
        for number in range(len(self.steps)):
            result = self._step(number, result, size)
        return self._checked(result, size)

    def each(self, image: ArrayLike, sizes: Iterable[int]) -> dict[int, NDArray[np.uint8]]:
        """Apply the steps at several sizes, running steps that do not depend on the size only once.

        Returns
        -------
        dict of int to ndarray
            The image at each size, in the order given. Each equals the result of a call with that size, unless a step
            approximates.

        Raises
        ------
        ValueError
            As for a call.
        """
        wanted = [checked_size(size) for size in sizes]
        *before, last = self.steps
        if not wanted or not isinstance(last, Resize) or any(isinstance(step, _LOOK_AT_SIZE) for step in before):
            return {size: self(image, size) for size in wanted}
        cut = np.asarray(image)
        for number in range(len(before)):
            cut = self._step(number, cut, wanted[0])
        with self._named(len(before), cut):
            resized = resize_each(cut, wanted, resampler=last.resampler, approximate=last.approximate)
        return {size: self._checked(result, size) for size, result in resized.items()}

    def for_masks(self) -> Recipe:
        """Return the recipe for the masks of these images.

        It crops and resizes as the recipe for images does, but takes the nearest pixel, so every value in the result
        occurs in the source mask. Steps that only change values are left out.

        Returns
        -------
        Recipe
            A recipe for uint8 masks ``(h, w)`` or ``(d, h, w)``.

        Raises
        ------
        ValueError
            If a step, such as a projection, has no counterpart for masks.

        Examples
        --------
        >>> from medmnist_np.images.recipes import recipe
        >>> print(recipe("octmnist").for_masks())
        octmnist, masks
          1. Cut out the square in the middle whose side is the short edge.
          2. Resize to size x size with the nearest filter of Pillow.
        """
        steps = [made for step in self.steps if (made := mask_step(step)) is not None]
        # If no step is left, images and masks already have the right size, and resizing masks changes nothing.
        return Recipe(tuple(steps or [Resize("nearest")]), f"{self.name}, masks")

    def __str__(self) -> str:
        head = f"{self.name}, made of {self.takes}" if self.takes else self.name
        lines = [f"  {number}. {step}" for number, step in enumerate(self.steps, 1)]
        return "\n".join([head, *lines, *(f"  Note: {note}" for note in self.notes)])

    def _step(self, number: int, image: NDArray[Any], size: int) -> NDArray[Any]:
        with self._named(number, image):
            return self.steps[number](image, size)

    @contextmanager
    def _named(self, number: int, image: NDArray[Any]) -> Iterator[None]:
        """Add the step that failed and the images that the recipe takes to an error."""
        try:
            yield
        except ValueError as error:
            raise ValueError(
                f"{str(error).rstrip('.')}. Failed in step {number + 1} of the recipe {self.name}, on {image.dtype} of "
                f"shape {image.shape}.{self._hint()}"
            ) from error

    def _checked(self, result: NDArray[Any], size: int) -> NDArray[np.uint8]:
        shapes = {"hw": (size, size), "hwc": (size, size, 3), "dhw": (size, size, size)}
        wanted = [shape for axes, shape in shapes.items() if self.axes in (axes, None)]
        if result.dtype != np.uint8 or result.shape not in wanted:
            raise ValueError(
                f"The result of {self.name} is {result.dtype} of shape {result.shape}; it must be uint8 of shape "
                f"{' or '.join(map(str, wanted))}.{self._hint()}"
            )
        return result

    def _hint(self) -> str:
        return f" {self.name} takes {self.takes}." if self.takes else ""


def recipe(name: str | Record, *, resampler: Resampler | None = None, approximate: bool = False) -> Recipe:
    """Return the recipe by which the images of a data set were prepared, to print it or to prepare your own images.

    The authors of MedMNIST describe the preparation in their papers, but have not published the code. Each recipe
    follows the description, and its notes list what the description leaves open. **Only the recipe of AdrenalMNIST3D
    could be checked**, against its published volumes at 28 and 64. The 2D recipes use Pillow's bicubic filter where the
    papers state cubic spline interpolation. The library that the authors used is not known, so pixels may differ from
    the published ones.

    Parameters
    ----------
    name : str or DatasetInfo
        One of the 18 MedMNIST data sets. A size in the name is ignored.
    resampler : str, optional
        Another filter for 2D images; see :func:`~medmnist_np.images.resize`. By default the filter in the registry.
    approximate : bool
        Resize 2D images faster but not exactly; see :func:`~medmnist_np.images.resize`.

    Returns
    -------
    Recipe

    Raises
    ------
    UnknownDatasetError
        If no data set has this name. The message suggests similar names.
    ValueError
        If no recipe is known for the data set, or `resampler` or `approximate` is given and the recipe does not use
        Pillow to resize, as in 3D.

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images.recipes import recipe
    >>> octmnist = recipe("octmnist")
    >>> octmnist(np.zeros((496, 768), dtype=np.uint8), size=64).shape
    (64, 64)
    >>> print(octmnist.steps[0])
    Cut out the square in the middle whose side is the short edge.
    """
    record = info(name)
    facts = recipe_facts(record)
    if facts is None:
        known = [other.name for other in datasets() if recipe_facts(other)]
        raise ValueError(f"No recipe is known for {record.name}. Recipes are known for: {', '.join(known)}.")
    steps = tuple(map(_made, facts.steps))
    if resampler is not None or approximate:
        if not any(isinstance(step, Resize) for step in steps):
            raise ValueError(
                f"The recipe of {record.name} does not resize with Pillow. Leave out resampler and approximate."
            )
        steps = tuple(
            Resize(resampler or step.resampler, approximate) if isinstance(step, Resize) else step for step in steps
        )
    axes: Axes = "dhw" if record.ndim == 3 else "hwc" if record.n_channels == 3 else "hw"
    return Recipe(steps, record.name, facts.takes, facts.notes, axes)


def _made(facts: Mapping[str, Any]) -> Step:
    """Return the step that an entry of the registry describes."""
    settings: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    kind = STEPS[str(settings.pop("step"))]
    sizes = settings.pop("at", None)
    step: Step = kind(**settings)
    return step if sizes is None else At(sizes, step)
