"""Prepare images: check the sizes and the recipe, then resize and write in chunks."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np.builder.image_files import Array, Decoding, is_volume, orientation, read_image, read_mask, upright
from medmnist_np.builder.labels import Row
from medmnist_np.errors import UnknownDatasetError, nearest, short
from medmnist_np.images.interpolation import checked_size
from medmnist_np.images.recipes import (
    At,
    CentreSlice,
    CropCentre,
    CropToShortEdge,
    ProjectMaximum,
    Recipe,
    Resize,
    Step,
    Window,
    Zoom,
    recipe,
)
from medmnist_np.registry import datasets, info
from medmnist_np.registry.bundled_records import recipe_facts

Channels = Literal["gray", "rgb"]

# With 3, RGB images could not be distinguished from volumes.
_SMALLEST = 4


def checked_sizes(sizes: int | Sequence[int]) -> tuple[int, ...]:
    """Return the sizes without duplicates, in ascending order, or raise ValueError if one is too small."""
    wanted = tuple(sorted({checked_size(size) for size in (sizes if isinstance(sizes, Iterable) else [sizes])}))
    if not wanted or wanted[0] < _SMALLEST:
        raise ValueError(f"sizes must be one or more integers of at least {_SMALLEST}, not {short(sizes)}.")
    return wanted


@dataclass(frozen=True, slots=True)
class EqualEdges:
    """Refuse images that are not square or cubic."""

    def __call__(self, image: Array, size: int) -> Array:
        """Return the image unchanged."""
        lengths = image.shape if is_volume(image) else image.shape[:2]
        if len(set(lengths)) > 1:
            shape = "cubic" if len(lengths) == 3 else "square"
            raise ValueError(
                f"it is {' x '.join(map(str, lengths))}, not {shape}. Use recipe='crop' (cut out the centre) or "
                "recipe='squeeze' (stretch)"
            )
        return image

    def for_masks(self) -> EqualEdges:
        """Return the same step, which also fits masks."""
        return self

    def __str__(self) -> str:
        return "Take images with equal edges only."


# Steps that do not map values to 0-255. A recipe with only these steps needs a window for 16-bit and float images.
KEEP_VALUES = (At, CentreSlice, CropCentre, CropToShortEdge, EqualEdges, ProjectMaximum, Resize, Zoom)


def chosen_recipe(
    choice: str | Recipe | None, window: tuple[float, float] | Literal["dicom"] | None, *, volumes: bool
) -> Recipe:
    """Return the recipe for a user's choice.

    Parameters
    ----------
    choice : str or Recipe, optional
        ``"crop"`` cuts out the central square or cube, ``"squeeze"`` resizes the whole image, and the name of a
        published set selects its recipe. None accepts only square or cubic images.
    window : (float, float) or "dicom", optional
        Values that become 0 and 255. Applied before all other steps. The window of a DICOM file is applied when it is
        read.
    volumes : bool
        Whether the sources are volumes.

    Raises
    ------
    ValueError
        If the recipe is unknown (the message lists the known ones), or ``window`` is given and the recipe has one.
    """
    if isinstance(choice, Recipe):
        chosen = choice
    else:
        # The published AdrenalMNIST3D uses "constant", which loses a plane at some sizes.
        resize: Step = Zoom(mode="mirror") if volumes else Resize()
        own: dict[str | None, tuple[Step, ...]] = {
            None: (EqualEdges(), resize),
            "crop": (CropToShortEdge(), resize),
            "squeeze": (resize,),
        }
        chosen = Recipe(own[choice], choice or "resize") if choice in own else _published(str(choice), own)
    if window is None:
        return chosen
    if isinstance(window, str) and window != "dicom":
        raise ValueError(f"window must be two numbers, (low, high), or 'dicom', not {short(window)}.")
    if any(isinstance(step, Window) for step in chosen.steps):
        raise ValueError(f"The recipe {chosen.name} has its own window. Leave out window=.")
    return chosen if window == "dicom" else replace(chosen, steps=(Window(*window), *chosen.steps))


def _published(name: str, own: Iterable[str | None]) -> Recipe:
    known = [record.name for record in datasets() if recipe_facts(record) is not None]
    with suppress(UnknownDatasetError):
        if info(name).name in known:
            return recipe(name)
    every = [*filter(None, own), *known]
    raise ValueError(f"Unknown recipe {short(name)}.{nearest(name, every)} Available: {', '.join(every)}.")


# Limits of a chunk. They limit the memory for its results, and the work to repeat after an interruption.
_CHUNK_BYTES = 16 << 20
_CHUNK_ROWS = 64


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows and how to prepare them. A chunk can be sent to any machine that can read the files."""

    rows: tuple[Row, ...]
    recipe: Recipe
    sizes: tuple[int, ...]
    volumes: bool
    folder: Path
    decoding: Decoding
    channels: Channels | None = None
    mask_recipe: Recipe | None = None

    def fingerprint(self) -> str:
        """Return a checksum of everything that determines the result."""
        states: list[tuple[Path, int | None, int | None, int | None]] = []
        for row in self.rows:
            parts = sorted(row.file.iterdir()) if row.file.is_dir() else [row.file]
            for file, index in [*((part, row.index) for part in parts), *([row.mask] if row.mask is not None else [])]:
                try:
                    state = file.stat()
                except OSError:  # reading the file reports the reason
                    states.append((file, index, None, None))
                else:
                    states.append((file, index, state.st_size, state.st_mtime_ns))
        return sha256(
            repr((states, self.recipe, self.sizes, self.decoding, self.channels)).encode("utf-8", "backslashreplace")
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class Prepared:
    """Result of preparing a chunk.

    Attributes
    ----------
    file : Path
        An .npz file with one array of images per size, ``(len(kept), ...)`` uint8, and one array of masks, if any.
    kept, gray, equal, rotated : list of int
        ``kept``: rows of the chunk that the file contains. Of these, ``gray``: gray images; ``equal``: RGB images with
        three equal channels; ``rotated``: photos turned according to their EXIF orientation.
    bad : list of (int, str)
        Rows that could not be used, with the reason.
    shapes : list of list of int
        Distinct shapes of the source images.
    shortest : int
        Shortest edge of any image before resizing, in pixels or voxels; 0 if no image was kept.
    present : list of list of int
        Values that occur in each kept mask, before resizing; empty without masks.
    """

    file: Path
    kept: list[int]
    gray: list[int]
    bad: list[tuple[int, str]]
    shapes: list[list[int]]
    shortest: int
    present: list[list[int]]
    equal: list[int] = field(default_factory=list)
    rotated: list[int] = field(default_factory=list)

    def images(self, size: int) -> NDArray[np.uint8]:
        """Read the images of one size."""
        return self._array(str(size))

    def masks(self, size: int) -> NDArray[np.uint8]:
        """Read the masks of one size."""
        return self._array(_masks_of(size))

    def _array(self, name: str) -> NDArray[np.uint8]:
        with np.load(self.file, allow_pickle=False) as arrays:
            array: NDArray[np.uint8] = arrays[name]
        return array


def chunks(whole: Chunk) -> list[Chunk]:
    """Divide a chunk with all rows into chunks with results of limited size."""
    row_bytes = sum(size**3 if whole.volumes else 3 * size**2 for size in whole.sizes)
    step = max(1, min(_CHUNK_ROWS, _CHUNK_BYTES // row_bytes))
    return [replace(whole, rows=whole.rows[start : start + step]) for start in range(0, len(whole.rows), step)]


def prepare(chunk: Chunk) -> Prepared:
    """Prepare the images of a chunk, or reuse an earlier result. Rows that cannot be used are recorded in ``bad``."""
    file = chunk.folder / f"{chunk.fingerprint()}.npz"
    with suppress(FileNotFoundError, zipfile.BadZipFile, KeyError, ValueError):
        return _read(file)
    made: list[dict[int, NDArray[np.uint8]]] = []
    masks: list[dict[int, NDArray[np.uint8]]] = []
    done = Prepared(file, [], [], [], [], 0, [])
    edges: dict[tuple[int, ...], int] = {}
    for number, row in enumerate(chunk.rows):
        try:
            image = read_image(row.file, row.index, chunk.decoding)
            turn = orientation(row.file)
            images = _made(image, chunk)
            if chunk.mask_recipe is not None and row.mask is not None:
                mask = _matching_mask(row.mask, image, turn, chunk.decoding)
                masks.append(chunk.mask_recipe.each(mask, chunk.sizes))
                done.present.append(np.unique(mask).tolist())
            if image.shape not in edges:
                edges[image.shape] = _edge(image, chunk.recipe)
        except ImportError:
            raise
        except MemoryError as error:
            raise MemoryError(f"{row.where}: {error}") from error
        except Exception as error:  # noqa: BLE001 -- decoders may raise any error for a damaged file
            done.bad.append((number, reason_of(error)))
            continue
        made.append(images)
        done.kept.append(number)
        if image.ndim == 2:
            done.gray.append(number)
        elif not chunk.volumes and (image == image[..., :1]).all():
            done.equal.append(number)
        if chunk.decoding.exif != "ignore" and turn != 1:
            done.rotated.append(number)
    done = replace(done, shapes=[list(shape) for shape in edges], shortest=min(edges.values(), default=0))
    arrays = {str(size): list(_same_channels([images[size] for images in made])) for size in chunk.sizes}
    if chunk.mask_recipe is not None:
        arrays |= {_masks_of(size): [mask[size] for mask in masks] for size in chunk.sizes}
    _write(done, arrays)
    return done


def _masks_of(size: int) -> str:
    return f"masks_{size}"


def _matching_mask(where: tuple[Path, int | None], image: Array, turn: int, decoding: Decoding) -> NDArray[np.uint8]:
    """Read the mask of an image with the EXIF orientation `turn`. If the mask has none, turn it if necessary."""
    try:
        mask = read_mask(*where, decoding)
        if turn != 1 and decoding.exif != "ignore" and where[1] is None and orientation(where[0]) == 1:
            turned = upright(mask, turn)
            if mask.shape != image.shape[:2]:
                mask = turned  # it was drawn before the image was turned
            elif decoding.exif is None and turned.shape == mask.shape:
                raise ValueError(
                    "it fits the image both before and after the rotation that EXIF states. Use exif='apply' if it was "
                    "drawn on the turned image, or exif='ignore' if it was drawn on the stored pixels"
                )
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(f"its mask: {reason_of(error)}") from error
    if mask.shape != image.shape[:2]:
        sizes = (" x ".join(map(str, shape)) for shape in (mask.shape, image.shape[:2]))
        raise ValueError("its mask is {} but the image is {}: they must have the same size".format(*sizes))
    return mask


def _made(image: Array, chunk: Chunk) -> dict[int, NDArray[np.uint8]]:
    if is_volume(image) != chunk.volumes:
        first, this = ("a volume", "an image") if chunk.volumes else ("an image", "a volume")
        raise ValueError(f"it is {this} of shape {image.shape}, but the first file is {first}")
    if image.dtype != np.uint8 and all(isinstance(step, KEEP_VALUES) for step in chunk.recipe.steps):
        raise ValueError(
            f"its values are {image.dtype} from {image.min()} to {image.max()}. State which values become 0 and 255 "
            "with window="
        )
    if EqualEdges() in chunk.recipe.steps:
        EqualEdges()(image, 0)  # called here, so that the message does not name a step
    if not chunk.volumes and chunk.channels is not None:
        image = _with_channels(image, chunk.channels)
    return chunk.recipe.each(image, chunk.sizes)


# ITU-R BT.601, as in Pillow.
_LUMA = (0.299, 0.587, 0.114)


def _with_channels(image: Array, channels: Channels) -> Array:
    if channels == "rgb":
        return np.repeat(image[..., None], 3, axis=-1) if image.ndim == 2 else image
    if image.ndim == 2 or (image == image[..., :1]).all():
        return image if image.ndim == 2 else image[..., 0]
    gray: Array = image @ np.array(_LUMA)
    return gray if image.dtype.kind == "f" else np.rint(gray).astype(image.dtype)


def _edge(image: Array, recipe: Recipe) -> int:
    """Return the shortest edge of the image before the last step, which resizes it."""
    for step in recipe.steps[:-1]:
        image = step(image, 0)
    lengths: tuple[int, ...] = image.shape if is_volume(image) else image.shape[:2]
    return min(lengths)


def _same_channels(images: list[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Convert gray images to three channels if any image of the chunk is RGB."""
    rgb = any(image.ndim == 3 and not is_volume(image) for image in images)
    for image in images:
        yield np.repeat(image[..., None], 3, axis=-1) if rgb and image.ndim == 2 else image


def reason_of(error: Exception) -> str:
    """Return the message of an error in one line, without the final full stop."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.rstrip(".")


def _write(done: Prepared, arrays: dict[str, list[NDArray[np.uint8]]]) -> None:
    note = json.dumps({name: value for name, value in asdict(done).items() if name != "file"})
    stacked: dict[str, Any] = {name: np.array(images, dtype=np.uint8) for name, images in arrays.items()}
    with _files.in_one_step(done.file) as fresh, fresh.open("xb") as stream:
        np.savez(stream, note=np.frombuffer(note.encode(), np.uint8), **stacked)


def _read(file: Path) -> Prepared:
    with np.load(file, allow_pickle=False) as arrays:
        note = json.loads(arrays["note"].tobytes())
    return Prepared(file, **{"present": [], **note, "bad": [(number, reason) for number, reason in note["bad"]]})
