"""From rows of a source to images of every size, in chunks that each lie in a file of their own.

A finished chunk is named by what went into it: files with their sizes and dates, recipe and sizes. So a run that was
interrupted goes on from the chunks that are there, and one that has other images or another recipe makes them anew.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medmnist_np.builder.reading import Array, is_volume, read_image
from medmnist_np.builder.sources import Row
from medmnist_np.cache import disk
from medmnist_np.errors import UnknownDatasetError, nearest
from medmnist_np.images.recipes import Recipe, recipe
from medmnist_np.images.scaling import checked_size
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
from medmnist_np.registry.recipes import recipe_facts

# Results that are held at a time, and the most rows that are lost when a run is interrupted.
_CHUNK_BYTES = 16 << 20
_CHUNK_ROWS = 64


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

    def __str__(self) -> str:
        return "Take images with equal edges only."


# Steps that leave values what they are: 16-bit and float images need a window before or among them.
_KEEP_VALUES = (At, CentreSlice, CropCentre, CropToShortEdge, EqualEdges, ProjectMaximum, Resize, Zoom)


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


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows and what is to be done to them: small enough to be sent to another machine that sees the files."""

    rows: tuple[Row, ...]
    recipe: Recipe
    sizes: tuple[int, ...]
    volumes: bool
    folder: Path

    def fingerprint(self) -> str:
        """Return a digest of what goes into the result."""
        states: list[tuple[Path, int | None, int | None, int | None]] = []
        for row in self.rows:
            for file in sorted(row.file.iterdir()) if row.file.is_dir() else [row.file]:
                try:
                    state = file.stat()
                except OSError:  # reading it will say why
                    states.append((file, row.index, None, None))
                else:
                    states.append((file, row.index, state.st_size, state.st_mtime_ns))
        return sha256(repr((states, self.recipe, self.sizes)).encode("utf-8", "backslashreplace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of a chunk.

    Attributes
    ----------
    file : Path
        An .npz with an array for each size, ``(len(kept), ...)`` uint8.
    kept, gray : list of int
        Rows of the chunk that are in it, and those of them that are gray images.
    bad : list of (int, str)
        Rows that are not in it, and why.
    shapes : list of list of int
        Shapes that the sources have.
    shortest : int
        Shortest edge of an image before it was brought to size, in pixels or voxels; 0 if nothing was kept.
    """

    file: Path
    kept: list[int]
    gray: list[int]
    bad: list[tuple[int, str]]
    shapes: list[list[int]]
    shortest: int

    def images(self, size: int) -> NDArray[np.uint8]:
        """Read the images of one size."""
        with np.load(self.file, allow_pickle=False) as arrays:
            images: NDArray[np.uint8] = arrays[str(size)]
        return images


def chunks(rows: Sequence[Row], recipe: Recipe, sizes: tuple[int, ...], *, volumes: bool, folder: Path) -> list[Chunk]:
    """Divide rows into chunks whose results are not large."""
    row_bytes = sum(size**3 if volumes else 3 * size**2 for size in sizes)
    step = max(1, min(_CHUNK_ROWS, _CHUNK_BYTES // row_bytes))
    parts = (tuple(rows[start : start + step]) for start in range(0, len(rows), step))
    return [Chunk(part, recipe, sizes, volumes, folder) for part in parts]


def prepare(chunk: Chunk) -> Prepared:
    """Make the images of a chunk, unless they are there already. Rows that cannot be read are noted, not raised."""
    file = chunk.folder / f"{chunk.fingerprint()}.npz"
    with suppress(FileNotFoundError, zipfile.BadZipFile, KeyError, ValueError):
        return _read(file)
    made: list[dict[int, NDArray[np.uint8]]] = []
    done = Prepared(file, [], [], [], [], 0)
    edges: dict[tuple[int, ...], int] = {}
    for number, row in enumerate(chunk.rows):
        try:
            image = read_image(row.file, row.index)
            images = _made(image, chunk)
            if image.shape not in edges:
                edges[image.shape] = _edge(image, chunk.recipe)
        except (ImportError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 -- decoders raise whatever they like about a damaged file
            done.bad.append((number, reason_of(error)))
            continue
        made.append(images)
        done.kept.append(number)
        if images[chunk.sizes[0]].ndim == 2:
            done.gray.append(number)
    done = replace(done, shapes=[list(shape) for shape in edges], shortest=min(edges.values(), default=0))
    _write(done, {size: list(_alike([images[size] for images in made])) for size in chunk.sizes})
    return done


def _made(image: Array, chunk: Chunk) -> dict[int, NDArray[np.uint8]]:
    if is_volume(image) != chunk.volumes:
        kinds = ("a volume", "an image") if chunk.volumes else ("an image", "a volume")
        raise ValueError(f"it is {kinds[1]} of shape {image.shape}, and the first one is {kinds[0]}")
    if image.dtype != np.uint8 and all(isinstance(step, _KEEP_VALUES) for step in chunk.recipe.steps):
        raise ValueError(
            f"its values are {image.dtype}, {image.min()} to {image.max()}, and nothing is scaled unasked: say which "
            "of them become 0 and 255 (window=, --window)"
        )
    return chunk.recipe.each(image, chunk.sizes)


def _edge(image: Array, recipe: Recipe) -> int:
    """Return the shortest edge of what is brought to size."""
    for step in recipe.steps[:-1]:
        image = step(image, 0)
    lengths: tuple[int, ...] = image.shape if is_volume(image) else image.shape[:2]
    return min(lengths)


def _alike(images: list[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Repeat gray images to three channels, if there are RGB images among them."""
    rgb = any(image.ndim == 3 and not is_volume(image) for image in images)
    for image in images:
        yield np.repeat(image[..., None], 3, axis=-1) if rgb and image.ndim == 2 else image


def reason_of(error: Exception) -> str:
    """Return what an error says, in one line and without a full stop."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.rstrip(".")


def _write(done: Prepared, images: dict[int, list[NDArray[np.uint8]]]) -> None:
    note = json.dumps({name: value for name, value in asdict(done).items() if name != "file"})
    arrays: dict[str, Any] = {str(size): np.array(some, dtype=np.uint8) for size, some in images.items()}
    with disk.in_one_step(done.file) as fresh, fresh.open("xb") as stream:
        np.savez(stream, note=np.frombuffer(note.encode(), np.uint8), **arrays)


def _read(file: Path) -> Prepared:
    with np.load(file, allow_pickle=False) as arrays:
        note = json.loads(arrays["note"].tobytes())
    return Prepared(file, **{**note, "bad": [(number, reason) for number, reason in note["bad"]]})
