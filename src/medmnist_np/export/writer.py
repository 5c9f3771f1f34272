"""Export images, volumes and masks as files: encode each, compare or write it, then complete the table."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np._parallel import in_blocks
from medmnist_np._progress import Progress, bars
from medmnist_np._sequences import Rows
from medmnist_np.export.files import add_rows, check_folder, write_once
from medmnist_np.export.plan import PairPlan, Plan
from medmnist_np.images.channels import usual_axes
from medmnist_np.images.encoders import VOLUME, find_format


class Saved(NamedTuple):
    """What an export did.

    Attributes
    ----------
    folder : Path
        Of the images.
    table : Path or None
        The table of labels, if there is one.
    n_files : int
        Images that are there now.
    n_written : int
        Those of them that were not there before.
    """

    folder: Path
    table: Path | None
    n_files: int
    n_written: int


def save(
    plan: Plan,
    images: Rows,
    labels: NDArray[np.integer],
    folder: str | os.PathLike[str],
    *,
    positions: Iterable[int] | None = None,
    write_csv: bool = True,
    workers: int = 1,
    progress: Progress = bars,
) -> Saved:
    """Write each image to a file of its own, and the labels to a table.

    Parameters
    ----------
    plan : Plan
        What the files are called and what they are.
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, 0-255
        All images of the split, perhaps memory-mapped, or computed one by one as they are taken.
    labels : (n, l) integers
        All labels of the split.
    folder : path
        Made if need be. All lies in a subfolder called after the data set, but for the official table, beside it.
    positions : iterable of int, optional
        Only these samples, each once; they are called after their places in the split. ``None`` means all.
    write_csv : bool
        Whether to write the table, where the layout has one.
    workers : int
        Threads that encode and write.
    progress : Progress
        What to show; counted in bytes of pixels.

    Returns
    -------
    Saved
        Where the files are, and how many of them are new.

    Raises
    ------
    NoSpaceError
        If the disk is full. What was written before is complete.
    CacheError
        If a file of one of the names is there already with another content, or the folder holds the data set in
        another layout or format. All is left as it is.
    ValueError
        If the images are not uint8, there are not as many labels, or a label is out of range.

    Notes
    -----
    No image is ever written over: one that is there already has to be, byte for byte, what would be written. So the
    same call again writes nothing, and after an interruption it goes on. A table only grows by lines that it does not
    have. Do not run two at once into one folder.

    Examples
    --------
    >>> import tempfile
    >>> import medmnist_np as mm
    >>> from medmnist_np.export import Plan, save
    >>> images, labels = mm.load("breastmnist", "test")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = save(Plan(mm.info("breastmnist"), 28, "test"), images, labels, folder)
    ...     done.n_written, len(list(done.folder.glob("test*.png")))
    (156, 156)
    """
    _check_images(images, workers)
    if len(images) != len(labels):
        raise ValueError(f"There are {len(images)} images and {len(labels)} labels.")
    target = Path(folder).expanduser()
    chosen = range(len(images)) if positions is None else list(dict.fromkeys(map(int, positions)))
    rows_of_labels = _checked_labels(plan, labels)
    names = {position: plan.file_name(position, rows_of_labels[position]) for position in chosen}
    table = target / plan.table if plan.table is not None and write_csv else None
    rows = [] if table is None else [plan.row(position, rows_of_labels[position]) for position in chosen]
    # A memmap's own items cost much more than those of a plain view.
    pixels, kind = np.asarray(images) if isinstance(images, np.ndarray) else images, plan.kind
    if isinstance(pixels, np.ndarray) and kind != VOLUME:
        pixels = usual_axes(pixels)
    encode = find_format(plan.ending, kind).write

    def write(position: int) -> bool:
        return write_once(f"{target}/{names[position]}", encode(pixels[position], kind))

    with _files.errors_named(target, "save images", in_cache=False):
        check_folder(target / plan.name, plan)
        for subfolder in {plan.name, *(name.rpartition("/")[0] for name in names.values())}:
            (target / subfolder).mkdir(parents=True, exist_ok=True)
        if table is not None:
            add_rows(table, plan, rows, only_check=True)
        bytes_each = math.prod(images.shape[1:])
        with progress(f"saving {plan.name} {plan.split}", len(chosen) * bytes_each) as bar:
            n_written = _write_all(write, chosen, workers, lambda n: bar.update(n * bytes_each))
        if table is not None:
            add_rows(table, plan, rows)
    return Saved(target / plan.name, table, len(chosen), n_written)


def _write_all(
    write: Callable[[int], bool], positions: Sequence[int], workers: int, advance: Callable[[int], object]
) -> int:
    """Write each sample and return how many are new; ``advance`` is called with the number of samples done."""
    n_written = 0
    with closing(in_blocks(write, positions, workers)) as blocks:
        for written in blocks:
            n_written += sum(written)
            advance(len(written))
    return n_written


def _checked_labels(plan: Plan, labels: NDArray[np.integer]) -> list[list[int]]:
    record = plan.record
    values = np.asarray(labels)
    highest = 1 if record.multi_label else record.n_classes - 1
    if values.ndim != 2 or values.shape[1] != record.label_width or values.dtype.kind not in "iu":
        raise ValueError(
            f"The labels have shape {values.shape} and dtype {values.dtype}; (n, {record.label_width}) integers are "
            "needed."
        )
    if values.size and not 0 <= values.min() <= values.max() <= highest:
        raise ValueError(f"The labels are {values.min()} to {values.max()}; {record.name} has 0 to {highest}.")
    rows: list[list[int]] = values.tolist()
    return rows


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
    _check_images(images, workers)
    _check_masks(masks, images.shape)
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

    with _files.errors_named(target, "save images", in_cache=False):
        check_folder(target / plan.name, plan)
        for part in ("images", "masks"):
            (target / plan.name / plan.belongs_to / part).mkdir(parents=True, exist_ok=True)
        if write_csv:
            write_once(f"{target}/{plan.table}", _text(plan.rows()))
        bytes_each = math.prod(images.shape[1:]) + math.prod(masks.shape[1:])
        with progress(f"saving {plan.name} {plan.split}", len(chosen) * bytes_each) as bar:
            n_written = _write_all(write, chosen, workers, lambda n: bar.update(n * bytes_each))
    return Saved(target / plan.name, target / plan.table if write_csv else None, len(chosen), n_written)


def _check_images(images: Rows, workers: int) -> None:
    if images.dtype != np.uint8:
        raise ValueError(f"The images have dtype {images.dtype}; uint8 is needed.")
    if workers < 1:
        raise ValueError(f"workers is {workers}; at least 1 is needed.")


def _check_masks(masks: Rows, shape: tuple[int, ...]) -> None:
    if np.dtype(masks.dtype).kind not in "biu" or masks.shape not in (shape, shape[:-1]):
        raise ValueError(
            f"The masks have shape {masks.shape} and dtype {masks.dtype}; integers or bool in the shape of the images, "
            f"{shape}, without channels, are needed."
        )


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
