"""The export of images and masks: each encoded, compared or written."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medmnist_np._progress import Progress, bars
from medmnist_np.export.blocks import in_blocks
from medmnist_np.export.files import check_folder, errors_named, write_once
from medmnist_np.export.pairs import PairPlan
from medmnist_np.export.writer import Saved
from medmnist_np.images.encoders import find_format
from medmnist_np.joined import Rows


def save_pairs(
    plan: PairPlan,
    images: Rows,
    masks: Rows,
    folder: str | os.PathLike[str],
    *,
    positions: Iterable[int] | None = None,
    write_csv: bool = True,
    workers: int = 1,
    progress: Progress = bars,
) -> Saved:
    """Write each image and its mask to a file of its own.

    Parameters
    ----------
    plan : PairPlan
        What the files are called and what they are.
    images : (n, h, w) or (n, h, w, 3) uint8, 0-255
        All images of the split, perhaps memory-mapped.
    masks : (n, h, w) integers or bool
        All masks of the split: numbers of classes, which are the gray values of the files.
    folder : path
        Made if need be. All lies in a subfolder called after the data set.
    positions : iterable of int, optional
        Only these samples, each once; they are called after their places in the split. ``None`` means all.
    write_csv : bool
        Whether to write ``classes.csv``.
    workers : int
        Threads that encode and write.
    progress : Progress
        What to show; counted in bytes of pixels.

    Returns
    -------
    Saved
        Where the files are, and how many images are there with their masks, and were not before.

    Raises
    ------
    NoSpaceError
        If the disk is full. What was written before is complete.
    CacheError
        If a file of one of the names is there already with another content, or the folder holds the data set in
        another format. All is left as it is.
    ValueError
        If shapes or dtypes do not fit, or a mask has a value that no class has.

    Notes
    -----
    As of :func:`save`: no file is ever written over, the same call again writes nothing, and after an interruption it
    goes on. The mask is written before its image.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import medmnist_np as mm
    >>> from medmnist_np.export import PairPlan, save_pairs
    >>> images, masks = np.zeros((3, 128, 128, 3), np.uint8), np.ones((3, 128, 128), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = save_pairs(PairPlan(mm.info("medsegbench/kvasir"), 128, "test"), images, masks, folder)
    ...     done.n_written, sorted(path.name for path in done.folder.glob("test/masks/*"))
    (3, ['test0.png', 'test1.png', 'test2.png'])
    """
    _check(images, masks, workers)
    target = Path(folder).expanduser()
    chosen = range(len(images)) if positions is None else list(dict.fromkeys(map(int, positions)))
    # A memmap's own items cost much more than those of a plain view.
    pixels, numbers = (np.asarray(rows) if isinstance(rows, np.ndarray) else rows for rows in (images, masks))
    encode_image = find_format(plan.ending, plan.kind).write
    encode_mask = find_format(plan.mask_ending, plan.mask_kind).write

    def write(position: int) -> bool:
        mask = _checked_mask(plan, numbers[position], position)
        new = write_once(f"{target}/{plan.mask_name(position)}", encode_mask(mask, plan.mask_kind))
        return write_once(f"{target}/{plan.image_name(position)}", encode_image(pixels[position], plan.kind)) or new

    with errors_named(target):
        check_folder(target / plan.name, plan)
        for part in ("images", "masks"):
            (target / plan.name / plan.belongs_to / part).mkdir(parents=True, exist_ok=True)
        if write_csv:
            write_once(f"{target}/{plan.table}", _text(plan.rows()))
        n_written = 0
        bytes_each = math.prod(images.shape[1:]) + math.prod(masks.shape[1:])
        with (
            progress(f"saving {plan.name} {plan.split}", len(chosen) * bytes_each) as bar,
            closing(in_blocks(write, chosen, workers)) as blocks,
        ):
            for written in blocks:
                n_written += sum(written)
                bar.update(len(written) * bytes_each)
    return Saved(target / plan.name, target / plan.table if write_csv else None, len(chosen), n_written)


def _check(images: Rows, masks: Rows, workers: int) -> None:
    if images.dtype != np.uint8:
        raise ValueError(f"The images have dtype {images.dtype}; uint8 is needed.")
    if np.dtype(masks.dtype).kind not in "biu" or masks.shape not in (images.shape, images.shape[:-1]):
        raise ValueError(
            f"The masks have shape {masks.shape} and dtype {masks.dtype}; integers or bool in the shape of the images, "
            f"{images.shape}, without channels, are needed."
        )
    if workers < 1:
        raise ValueError(f"workers is {workers}; at least 1 is needed.")


def _checked_mask(plan: PairPlan, mask: NDArray[np.integer], position: int) -> NDArray[np.uint8]:
    highest = plan.record.n_classes - 1
    if not 0 <= mask.min() <= mask.max() <= highest:
        raise ValueError(
            f"Mask {position} of {plan.split} holds {mask.min()} to {mask.max()}; {plan.record.name} has 0 to "
            f"{highest}."
        )
    return mask.astype(np.uint8, copy=False)


def _text(rows: list[list[str]]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode("utf-8")
