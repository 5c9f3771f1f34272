"""Montages and image files, as the functions of ``medmnist.utils`` make them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["SPLIT_DICT", "load_frames", "montage2d", "montage3d", "save2d", "save3d", "save_fn", "save_frames_as_gif"]

SPLIT_DICT = {"train": "TRAIN", "val": "VALIDATION", "test": "TEST"}
"""Names of the splits in tables for Google AutoML Vision."""


def save2d(
    imgs: NDArray[np.uint8], labels: NDArray[Any], img_folder: str, split: str, postfix: str, csv_path: str | None
) -> None:
    """Write images ``(n, h, w)`` or ``(n, h, w, 3)`` to files, and append a row for each to a table.

    Parameters
    ----------
    imgs : (n, h, w) or (n, h, w, 3) uint8 array
    labels : (n, l) integer array
    img_folder : str
        Where to write ``{split}{index}_{label}.{postfix}``. It is made if need be.
    split : str
        ``"train"``, ``"val"`` or ``"test"``.
    postfix : str
        Ending of the files: ``"png"``, ``"jpg"``.
    csv_path : str, optional
        The table, ``SPLIT,file,label``. Existing rows are kept, as in the official function. None means no table.
    """
    from PIL import Image

    print(f"Saving {split} set to {img_folder}, csv_path={csv_path}...")
    save_fn(imgs, labels, img_folder, split, postfix, csv_path, Image.fromarray, lambda image, path: image.save(path))


def montage2d(imgs: NDArray[np.uint8], n_channels: int, sel: Any) -> Image:
    """Draw images in a square grid. Cells that remain have the mean value.

    Parameters
    ----------
    imgs : (n, h, w) or (n, h, w, 3) uint8 array
    n_channels : int
        1 or 3.
    sel : index or slice
        Selects the images to draw.

    Returns
    -------
    PIL.Image.Image
    """
    from PIL import Image

    chosen = imgs[sel]
    n, height, width, *channels = chosen.shape
    side = math.ceil(math.sqrt(n))
    cells = np.empty((side * side, height, width, *channels), chosen.dtype)
    cells[:n] = chosen
    # In the dtype of the images, as scikit-image fills.
    cells[n:] = chosen.mean(axis=(0, 1, 2) if n_channels == 3 else None)
    grid = cells.reshape(side, side, height, width, *channels).swapaxes(1, 2)
    return Image.fromarray(grid.reshape(side * height, side * width, *channels))


def save3d(
    imgs: NDArray[np.uint8], labels: NDArray[Any], img_folder: str, split: str, postfix: str, csv_path: str | None
) -> None:
    """Write volumes ``(n, d, h, w)`` as animated GIF files; see :func:`save2d`."""
    print(f"Saving {split} set to {img_folder}, csv_path={csv_path}...")
    save_fn(imgs, labels, img_folder, split, postfix, csv_path, load_frames, save_frames_as_gif)


def montage3d(imgs: NDArray[np.uint8], n_channels: int, sel: Any) -> list[Image]:
    """Draw volumes ``(n, d, h, w)`` in a square grid, one picture for each slice; see :func:`montage2d`."""
    return [montage2d(imgs[:, number], n_channels, sel) for number in range(imgs.shape[1])]


def save_fn(
    imgs: Any,
    labels: Any,
    img_folder: str,
    split: str,
    postfix: str,
    csv_path: str | None,
    load_fn: Callable[[Any], Any],
    save_fn: Callable[[Any, str], Any],
) -> None:
    """Write each sample with ``save_fn(load_fn(image), path)``; see :func:`save2d` for the other parameters."""
    from medmnist_np._progress import bars

    if len(imgs) != len(labels):
        raise AssertionError(f"There are {len(imgs)} images and {len(labels)} labels.")
    Path(img_folder).mkdir(parents=True, exist_ok=True)
    with (
        nullcontext() if csv_path is None else Path(csv_path).open("a", encoding="utf-8", newline="") as table,
        bars(f"saving {split}", total=imgs.nbytes) as bar,
    ):
        for index, (image, label) in enumerate(zip(imgs, labels, strict=True)):
            file_name = f"{split}{index}_{'_'.join(map(str, label))}.{postfix}"
            save_fn(load_fn(image), os.path.join(img_folder, file_name))  # noqa: PTH118  # callers get a str
            if table is not None:
                table.write(f"{SPLIT_DICT[split]},{file_name},{','.join(map(str, label))}\n")
            bar.update(imgs.nbytes // len(imgs))


def load_frames(arr: NDArray[np.uint8]) -> list[Image]:
    """Return a picture for each slice of a volume ``(d, h, w)``."""
    from PIL import Image

    return [Image.fromarray(frame) for frame in arr]


def save_frames_as_gif(frames: Sequence[Image], path: str, duration: int = 200) -> None:
    """Write pictures to an animated GIF that repeats forever; each is shown for ``duration`` milliseconds."""
    if not path.endswith(".gif"):
        raise AssertionError(f"{path:.300} does not end in .gif.")
    frames[0].save(path, save_all=True, append_images=list(frames[1:]), duration=duration, loop=0)
