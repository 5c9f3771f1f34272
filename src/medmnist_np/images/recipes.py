"""How the images of a data set are made of those of its source: a list of steps that can be printed and called."""

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
from medmnist_np.registry.recipe_facts import recipe_facts

Axes = Literal["hw", "hwc", "dhw"]

# The steps by their names in the registry.
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
    """Steps that make an image of a data set out of one of its source, in order.

    Parameters
    ----------
    steps : tuple of Step
        See :mod:`medmnist_np.images.steps`. A function of your own will do, if it takes an image and a size.
    name : str
        What it is called when it is printed.
    takes : str
        What to hand in, in words.
    notes : tuple of str
        What to know about it, and what is not known.
    axes : str, optional
        What it makes: gray images ``"hw"``, RGB images ``"hwc"`` or volumes ``"dhw"``. ``None`` allows all three.

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
            raise ValueError(f"{self.name} has no steps; at least one is needed.")

    def __call__(self, image: ArrayLike, size: int) -> NDArray[np.uint8]:
        """Make one image.

        Parameters
        ----------
        image : array_like
            What :attr:`takes` says. It is left as it is.
        size : int
            Pixels or voxels along each axis of the result, at least 1.

        Returns
        -------
        (size, size), (size, size, 3) or (size, size, size) uint8, 0-255

        Raises
        ------
        ValueError
            If a step refuses the image, or what the steps make of it is none of these; the message says what to
            hand in.
        """
        result = np.asarray(image)
        size = checked_size(size)
        for number in range(len(self.steps)):
            result = self._step(number, result, size)
        return self._checked(result, size)

    def each(self, image: ArrayLike, sizes: Iterable[int]) -> dict[int, NDArray[np.uint8]]:
        """Make an image at several sizes; what does not depend on the size is done once.

        Returns
        -------
        dict of int to ndarray
            By size, in the order given; each is what a call with that size returns, unless a step approximates.

        Raises
        ------
        ValueError
            As a call.
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
        """Return the recipe for the masks of such images.

        Its steps cut and resize as those for images do, but take the nearest pixel, so that every number is one of the
        source; those that change values only are left out.

        Returns
        -------
        Recipe
            It takes uint8 masks ``(h, w)``, or ``(d, h, w)``.

        Raises
        ------
        ValueError
            If a step has no counterpart, as a projection.

        Examples
        --------
        >>> from medmnist_np.images.recipes import recipe
        >>> print(recipe("octmnist").for_masks())
        octmnist, masks
          1. Cut out the square in the middle whose side is the short edge.
          2. Resize to size x size with the nearest filter of Pillow.
        """
        steps = [made for step in self.steps if (made := mask_step(step)) is not None]
        # If nothing is left, images had the right size, and so have their masks: resizing these changes nothing.
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
        """Say in an error of a step which one it was, and what the recipe takes."""
        try:
            yield
        except ValueError as error:
            raise ValueError(
                f"Step {number + 1} of {self.name}, to which came {image.dtype} of shape {image.shape}: "
                f"{error}{self._hint()}"
            ) from error

    def _checked(self, result: NDArray[Any], size: int) -> NDArray[np.uint8]:
        shapes = {"hw": (size, size), "hwc": (size, size, 3), "dhw": (size, size, size)}
        wanted = [shape for axes, shape in shapes.items() if self.axes in (axes, None)]
        if result.dtype != np.uint8 or result.shape not in wanted:
            raise ValueError(
                f"{self.name} has made {result.dtype} of shape {result.shape} and should end with uint8 of shape "
                f"{' or '.join(map(str, wanted))}.{self._hint()}"
            )
        return result

    def _hint(self) -> str:
        return f" {self.name} takes {self.takes}." if self.takes else ""


def recipe(name: str | Record, *, resampler: Resampler | None = None, approximate: bool = False) -> Recipe:
    """Return how the images of a data set were made, to print it or to make more of them.

    The authors of MedMNIST describe the preparation in words and have not published its code. A recipe is written
    from those words; its notes say what they leave open. **Only that of AdrenalMNIST3D could be checked**, against its
    published volumes at 28 and 64. The 2D recipes use Pillow's bicubic filter where the text says cubic spline
    interpolation: which library that was is not known, so pixels may differ from published ones.

    Parameters
    ----------
    name : str or DatasetInfo
        One of the 18 sets of MedMNIST; a size in the name does not matter.
    resampler : str, optional
        Another filter for sets of images, as in :func:`~medmnist_np.images.resize`. ``None`` means that of the
        registry.
    approximate : bool
        Faster and not exact, as in :func:`~medmnist_np.images.resize`; for sets of images only.

    Returns
    -------
    Recipe

    Raises
    ------
    UnknownDatasetError
        With the nearest names.
    ValueError
        If no recipe of the set is known, or a resampler is asked for in 3D, where the interpolation is SciPy's.

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
        raise ValueError(
            f"How the images of {record.name} were made is not known. There are recipes for: {', '.join(known)}."
        )
    steps = tuple(map(_made, facts.steps))
    if resampler is not None or approximate:
        if not any(isinstance(step, Resize) for step in steps):
            raise ValueError(
                f"{record.name} is brought to size by SciPy's spline interpolation or not at all, so there is no "
                "resampler to choose and nothing to approximate: leave both out."
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
