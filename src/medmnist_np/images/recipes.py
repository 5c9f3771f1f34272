"""Recipes: how source images become the images of a data set, as a list of steps you can print and call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.errors import check_choice
from medmnist_np.images.channels import usual_axes
from medmnist_np.images.interpolation import RESAMPLERS, Resampler, checked_size, resize, resize_each, zoom
from medmnist_np.registry import Record, datasets, info
from medmnist_np.registry.bundled_records import recipe_facts

Axes = Literal["hw", "hwc", "dhw"]

Array = NDArray[Any]


class Step(Protocol):
    """One operation on an image.

    Requirements for implementers: a step is deterministic, equals another step with the same effect, can be pickled,
    and does not change its input. ``str()`` describes it in a sentence.
    """

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step, a view if possible; ``size`` is that of the recipe's result."""


@runtime_checkable
class HasMaskStep(Protocol):
    """A step with a counterpart for masks, so that image and mask still match."""

    def for_masks(self) -> Step | None:
        """Return the step for masks, which creates no new values; None if this step changes only values."""


@dataclass(frozen=True, slots=True)
class CropToShortEdge:
    """Crop to the central square whose side is the short edge; a volume to the central cube.

    If the number of removed pixels is odd, one more is removed at the bottom or the right. Whether the published files
    do the same is not known.
    """

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        if image.shape[2:] != (3,) and usual_axes(image, n_before=0).shape != image.shape:
            raise ValueError(
                f"The image has shape {image.shape}, and one axis seems to have channels. Pass gray images as "
                "(h, w) and RGB images as (h, w, 3)."
            )
        axes = _spatial_axes(image)
        return _middle(image, (min(image.shape[:axes]),) * axes)

    def for_masks(self) -> Self:
        """Return the same step: it moves no value."""
        return self

    def __str__(self) -> str:
        return "Crop to the central square whose side is the short edge."


@dataclass(frozen=True, slots=True)
class CropCentre:
    """Crop to a fixed shape in the centre: ``(200, 200)`` pixels, or ``(64, 64, 64)`` voxels."""

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.shape) not in (2, 3) or min(self.shape) < 1:
            raise ValueError(f"Invalid shape to crop to: {self.shape}. It needs two or three lengths of at least 1.")
        object.__setattr__(self, "shape", tuple(self.shape))

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        whole = image.shape[: _spatial_axes(image)]
        if len(whole) != len(self.shape) or any(a < b for a, b in zip(whole, self.shape, strict=True)):
            raise ValueError(f"An image of {_by(whole)} cannot be cropped to {_by(self.shape)}.")
        return _middle(image, self.shape)

    def for_masks(self) -> Self:
        """Return the same step: it moves no value."""
        return self

    def __str__(self) -> str:
        return f"Crop to {_by(self.shape)} in the centre."


@dataclass(frozen=True, slots=True)
class CentreSlice:
    """Take the middle slice of a volume along an axis, ``length // 2``."""

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
        return f"Take the middle slice along axis {self.axis}."


@dataclass(frozen=True, slots=True)
class ProjectMaximum:
    """Take the maximum along an axis of a volume: a maximum intensity projection."""

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
    """Map values from ``low`` to ``high`` linearly to gray levels 0 to 255, and clip values outside.

    For CT the limits are in Hounsfield units (HU): level 40 and width 400 are ``Window(-160, 240)``.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high < float("inf") or self.low == -float("inf"):
            raise ValueError(f"Invalid window: {self.low} to {self.high}. It needs two finite numbers with low < high.")

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        share = (image.astype(np.float64) - self.low) / (self.high - self.low)
        if np.isnan(share).any():
            raise ValueError("The image contains NaN. Replace NaN before the window is applied.")
        return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)

    def for_masks(self) -> None:
        """Return None: it changes values only."""
        return

    def __str__(self) -> str:
        return f"Map {self.low:g} to {self.high:g} linearly to gray levels 0 to 255, and clip values outside."


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
    """Resize an image to ``size`` x ``size`` with Pillow; see :func:`~medmnist_np.images.resize`."""

    resampler: Resampler = "bicubic"
    approximate: bool = False

    def __post_init__(self) -> None:
        check_choice("resampler", self.resampler, RESAMPLERS)

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        return resize(image, size, resampler=self.resampler, approximate=self.approximate)

    def for_masks(self) -> Resize:
        """Return the step with the nearest pixel instead of a filter."""
        return Resize("nearest")

    def __str__(self) -> str:
        about = ", approximately" if self.approximate else ""
        return f"Resize to size x size with the {self.resampler} filter of Pillow{about}."


@dataclass(frozen=True, slots=True)
class Zoom:
    """Resize a volume to ``size`` x ``size`` x ``size`` with SciPy; see :func:`~medmnist_np.images.zoom`."""

    order: int = 3
    mode: str = "constant"

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        return zoom(image, size, order=self.order, mode=self.mode)

    def for_masks(self) -> Zoom:
        """Return the step with the nearest voxel instead of a spline."""
        return Zoom(order=0, mode=self.mode)

    def __str__(self) -> str:
        return f'Resize to size x size x size with scipy.ndimage.zoom(order={self.order}, mode="{self.mode}").'


@dataclass(frozen=True, slots=True)
class At:
    """A step that applies at some sizes only."""

    sizes: tuple[int, ...]
    step: Step

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image after this step."""
        return self.step(image, size) if size in self.sizes else image

    def for_masks(self) -> At | None:
        """Return the step for masks at these sizes."""
        step = mask_step(self.step)
        return None if step is None else At(self.sizes, step)

    def __str__(self) -> str:
        words = str(self.step)
        return f"At size {', '.join(map(str, self.sizes))} only: {words[0].lower()}{words[1:]}"


def mask_step(step: Step) -> Step | None:
    """Return the counterpart of a step for masks; None if masks do not change.

    Raises
    ------
    ValueError
        If the step has no counterpart.
    """
    if isinstance(step, HasMaskStep):
        return step.for_masks()
    raise ValueError(f"This step needs a method for_masks(), which returns its counterpart for masks: {step}")


def _spatial_axes(image: Array) -> int:
    """Return 2 for (h, w) and (h, w, 3), and 3 for (d, h, w). As in montages, a last axis of 3 holds channels."""
    if image.ndim not in (2, 3):
        raise ValueError(f"The image has shape {image.shape}; (h, w), (h, w, 3) or (d, h, w) is needed.")
    return 2 if image.ndim == 3 and image.shape[2] == 3 else image.ndim


def _middle(image: Array, shape: tuple[int, ...]) -> Array:
    starts = [(whole - part) // 2 for whole, part in zip(image.shape, shape, strict=False)]
    return image[tuple(slice(start, start + part) for start, part in zip(starts, shape, strict=True))]


def _check_volume(image: Array, step: CentreSlice | ProjectMaximum) -> None:
    if image.ndim != 3 or step.axis not in range(-3, 3):
        raise ValueError(f"{step} This needs a volume with that axis; the image has shape {image.shape}.")


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


# Steps by name in the registry.
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

_DEPEND_ON_SIZE = (At, Resize, Zoom)


@dataclass(frozen=True)
class Recipe:
    """Steps that turn a source image into an image of a data set.

    Parameters
    ----------
    steps : tuple of Step
        The steps in order. A step may also be your own function of an image and a size.
    name : str
        Name of the recipe when it is printed.
    takes : str
        Description of the source images that it expects.
    notes : tuple of str
        Remarks, and what is not known about the recipe.
    axes : str, optional
        Axes of the result: gray images ``"hw"``, RGB images ``"hwc"`` or volumes ``"dhw"`` (default: any of these).

    Examples
    --------
    >>> import numpy as np
    >>> from medmnist_np.images import CropCentre, Recipe, Resize
    >>> patches = Recipe((CropCentre((200, 200)), Resize("lanczos")), name="patches")
    >>> print(patches)
    patches
      1. Crop to 200 x 200 in the centre.
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
            raise ValueError(f"The recipe {self.name!r} needs at least one step.")

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
        size = checked_size(size)
        return self._checked(self._applied(self.steps, np.asarray(image), size), size)

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
        if not wanted or not isinstance(last, Resize) or any(isinstance(step, _DEPEND_ON_SIZE) for step in before):
            return {size: self(image, size) for size in wanted}
        cropped = self._applied(before, np.asarray(image), wanted[0])
        with self._errors_named(len(self.steps)):
            resized = resize_each(cropped, wanted, resampler=last.resampler, approximate=last.approximate)
        return {size: self._checked(result, size) for size, result in resized.items()}

    def for_masks(self) -> Recipe:
        """Return the recipe for the masks of these images.

        It crops and resizes like the recipe for images, but with the nearest pixel, so every value in the result occurs
        in the source mask. Steps that change only values are omitted.

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
        >>> from medmnist_np.images import recipe
        >>> print(recipe("octmnist").for_masks())
        octmnist, masks
          1. Crop to the central square whose side is the short edge.
          2. Resize to size x size with the nearest filter of Pillow.
        """
        steps = [made for step in self.steps if (made := mask_step(step)) is not None]
        # If no step remains, masks already have the right size, and resizing changes nothing.
        return Recipe(tuple(steps or [Resize("nearest")]), f"{self.name}, masks")

    def __str__(self) -> str:
        head = f"{self.name}, from {self.takes}" if self.takes else self.name
        lines = [f"  {number}. {step}" for number, step in enumerate(self.steps, 1)]
        return "\n".join([head, *lines, *(f"  Note: {note}" for note in self.notes)])

    def _applied(self, steps: Iterable[Step], image: NDArray[Any], size: int) -> NDArray[Any]:
        for number, step in enumerate(steps, 1):
            with self._errors_named(number):
                image = step(image, size)
        return image

    @contextmanager
    def _errors_named(self, number: int) -> Iterator[None]:
        """Add to an error which step raised it and which images the recipe takes."""
        try:
            yield
        except ValueError as error:
            reason = str(error).rstrip(".")
            raise ValueError(f"{reason}. Step {number} of the recipe {self.name!r} failed.{self._hint()}") from error

    def _checked(self, result: NDArray[Any], size: int) -> NDArray[np.uint8]:
        shapes = {"hw": (size, size), "hwc": (size, size, 3), "dhw": (size, size, size)}
        wanted = [shape for axes, shape in shapes.items() if self.axes in (axes, None)]
        if result.dtype != np.uint8 or result.shape not in wanted:
            raise ValueError(
                f"The recipe {self.name!r} returned {result.dtype} of shape {result.shape}. It must return uint8 of "
                f"shape {' or '.join(map(str, wanted))}.{self._hint()}"
            )
        return result

    def _hint(self) -> str:
        return f" It takes {self.takes}." if self.takes else ""


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
        Another filter for 2D images; see :func:`~medmnist_np.images.resize` (default: the filter in the registry).
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
        If no recipe is known for the data set, or ``resampler`` or ``approximate`` is given and the recipe does not
        resize with Pillow, as in 3D.

    Examples
    --------
    >>> import numpy as np
    >>> import medmnist_np as mm
    >>> octmnist = mm.recipe("octmnist")
    >>> octmnist(np.zeros((496, 768), dtype=np.uint8), size=64).shape
    (64, 64)
    >>> print(octmnist.steps[0])
    Crop to the central square whose side is the short edge.
    """
    record = info(name)
    facts = recipe_facts(record)
    if facts is None:
        known = [other.name for other in datasets() if recipe_facts(other)]
        raise ValueError(f"No recipe is known for {record.name}. Recipes are known for: {', '.join(known)}.")
    steps = tuple(map(_step, facts.steps))
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


def _step(facts: Mapping[str, Any]) -> Step:
    """Create the step that an entry of the registry describes."""
    settings: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    kind = STEPS[str(settings.pop("step"))]
    sizes = settings.pop("at", None)
    step: Step = kind(**settings)
    return step if sizes is None else At(sizes, step)
