"""What is to be done to images: the sizes and the recipe that a user means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from medmnist_np.builder.image_files import Array, is_volume
from medmnist_np.errors import UnknownDatasetError, nearest
from medmnist_np.images.interpolation import checked_size
from medmnist_np.images.recipes import Recipe, recipe
from medmnist_np.images.steps import (
    At,
    CentreSlice,
    CropCentre,
    CropToShortEdge,
    ProjectMaximum,
    Resize,
    Step,
    Window,
    Zoom,
)
from medmnist_np.registry import datasets, info
from medmnist_np.registry.recipe_facts import recipe_facts

# With 3, RGB images could not be told from volumes.
_SMALLEST = 4


def checked_sizes(sizes: int | Sequence[int]) -> tuple[int, ...]:
    """Return sizes that can be made, each once and ascending; raise ValueError for others."""
    wanted = tuple(sorted({checked_size(size) for size in (sizes if isinstance(sizes, Iterable) else [sizes])}))
    if not wanted or wanted[0] < _SMALLEST:
        raise ValueError(
            f"The sizes (sizes=, --sizes) are {sizes!r}; at least one is needed, and none below {_SMALLEST}."
        )
    return wanted


@dataclass(frozen=True, slots=True)
class EqualEdges:
    """Refuse images whose edges are not all as long."""

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image as it is."""
        lengths = image.shape if is_volume(image) else image.shape[:2]
        if len(set(lengths)) > 1:
            by = " x ".join(map(str, lengths))
            raise ValueError(
                f"{by} is no square or cube. The recipe 'crop' cuts it, 'squeeze' takes all of it (recipe=, --recipe)."
            )
        return image

    def for_masks(self) -> EqualEdges:
        """Return the same step: it moves no value."""
        return self

    def __str__(self) -> str:
        return "Take images with equal edges only."


# Steps that leave values what they are: 16-bit and float images need a window before or among them.
KEEP_VALUES = (At, CentreSlice, CropCentre, CropToShortEdge, EqualEdges, ProjectMaximum, Resize, Zoom)


def chosen_recipe(choice: str | Recipe | None, window: tuple[float, float] | None, *, volumes: bool) -> Recipe:
    """Return the recipe that a user means.

    Parameters
    ----------
    choice : str or Recipe, optional
        ``"crop"`` cuts the square or cube in the middle, ``"squeeze"`` takes the whole; the name of a published set
        stands for its recipe. None takes only images with equal edges.
    window : (float, float), optional
        Values that become 0 and 255, before all else.
    volumes : bool
        Whether the sources are volumes.

    Raises
    ------
    ValueError
        If there is no such recipe, with those that there are, or a window too many.
    """
    if isinstance(choice, Recipe):
        chosen = choice
    else:
        # "constant", which the published AdrenalMNIST3D was made with, loses a plane at some sizes.
        bring: Step = Zoom(mode="mirror") if volumes else Resize()
        own: dict[str | None, tuple[Step, ...]] = {
            None: (EqualEdges(), bring),
            "crop": (CropToShortEdge(), bring),
            "squeeze": (bring,),
        }
        chosen = Recipe(own[choice], choice or "resize") if choice in own else _published(str(choice), own)
    if window is None:
        return chosen
    if any(isinstance(step, Window) for step in chosen.steps):
        raise ValueError(
            f"The recipe {chosen.name} has a window of its own: leave the other one out (window=, --window)."
        )
    return replace(chosen, steps=(Window(*window), *chosen.steps))


def _published(name: str, own: Iterable[str | None]) -> Recipe:
    known = [record.name for record in datasets() if recipe_facts(record) is not None]
    with suppress(UnknownDatasetError):
        if info(name).name in known:
            return recipe(name)
    every = [*filter(None, own), *known]
    raise ValueError(
        f"There is no recipe {name!r} (recipe=, --recipe).{nearest(name, every)} The recipes are: {', '.join(every)}."
    )
