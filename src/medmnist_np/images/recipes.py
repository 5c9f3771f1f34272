"""Recipes: how source images become the images of a data set, as a list of steps you can print and call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np.images.interpolation import Resampler, checked_size, resize_each
from medmnist_np.images.steps import (
    At,
    Binarise,
    CentreSlice,
    CropCentre,
    CropToShortEdge,
    ProjectMaximum,
    Resize,
    Step,
    Window,
    Zoom,
    mask_step,
)
from medmnist_np.registry import Record, datasets, info
from medmnist_np.registry.bundled_records import recipe_facts

Axes = Literal["hw", "hwc", "dhw"]

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
        The steps in order; see :mod:`medmnist_np.images.steps`. A step may also be your own function of an image and a
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
    >>> from medmnist_np.images.steps import CropCentre, Resize
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
