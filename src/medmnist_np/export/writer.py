"""Export images, volumes and masks as files, and complete the table. Files with other content are never replaced."""

from __future__ import annotations

import csv
import errno
import io
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np._parallel import in_blocks
from medmnist_np._progress import Progress, bars
from medmnist_np._sequences import Rows
from medmnist_np.errors import CacheError
from medmnist_np.export.plan import Export, PairPlan, Plan
from medmnist_np.images.channels import usual_axes
from medmnist_np.images.encoders import VOLUME, find_format


class Saved(NamedTuple):
    """The result of an export.

    Attributes
    ----------
    folder : Path
        Folder of the images.
    table : Path or None
        The table, if one was written.
    n_files : int
        Number of exported images.
    n_written : int
        Number of new images among them; the others existed already.
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
        Names, layout and format of the files.
    images : (n, h, w), (n, h, w, 3) or (n, d, h, w) uint8, 0-255
        All images of the split; memory-mapped arrays are read row by row.
    labels : (n, l) integers
        All labels of the split.
    folder : path
        Created if it does not exist. Files are in a subfolder with the name of the data set; the table of the
        ``"automl"`` layout is beside it.
    positions : iterable of int, optional
        Samples to write (default: all). Files are numbered by position in the split.
    write_csv : bool
        Whether to write the table, if the layout has one.
    workers : int
        Number of threads that encode and write.
    progress : Progress
        Shows the progress, in bytes of pixels.

    Returns
    -------
    Saved
        The folder, and the number of new files.

    Raises
    ------
    NoSpaceError
        If the disk is full. Files written so far are complete.
    CacheError
        If a file exists with other content, or the folder has the data set in another layout or format. Existing files
        are not changed.
    ValueError
        If the images are not uint8, the numbers of images and labels differ, or a label is out of range.

    Notes
    -----
    Existing images are never overwritten: they must be byte for byte what would be written. So a second call writes
    nothing, and after an interruption it resumes. Tables only gain missing rows. Do not run two exports into the same
    folder at the same time.

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
    if len(images) != len(labels):
        raise ValueError(f"There are {len(images)} images and {len(labels)} labels.")
    target, label_rows = Path(folder).expanduser(), _checked_labels(plan, labels)
    chosen = _chosen(images, positions)
    names = {position: plan.file_name(position, label_rows[position]) for position in chosen}
    table = target / plan.table if plan.table is not None and write_csv else None
    rows = [] if table is None else [plan.row(position, label_rows[position]) for position in chosen]
    pixels, kind = _plain(images), plan.kind
    if isinstance(pixels, np.ndarray) and kind != VOLUME:
        pixels = usual_axes(pixels)
    encode = find_format(plan.ending, kind).write

    def write(position: int) -> bool:
        return _write_once(f"{target}/{names[position]}", encode(pixels[position], kind))

    folders = {plan.name, *(name.rpartition("/")[0] for name in names.values())}
    with _saving(plan, images, target, folders, workers):
        if table is not None:
            _add_rows(table, plan, rows, only_check=True)
        n_written = _write_all(plan, write, chosen, math.prod(images.shape[1:]), workers, progress)
        if table is not None:
            _add_rows(table, plan, rows)
    return Saved(target / plan.name, table, len(chosen), n_written)


def _chosen(images: Rows, positions: Iterable[int] | None) -> Sequence[int]:
    return range(len(images)) if positions is None else list(dict.fromkeys(map(int, positions)))


def _plain(rows: Rows) -> Rows:
    """Return rows without the class `memmap`, whose items are much slower than those of a plain view."""
    return np.asarray(rows) if isinstance(rows, np.ndarray) else rows


@contextmanager
def _saving(plan: Plan | PairPlan, images: Rows, target: Path, folders: Iterable[str], workers: int) -> Iterator[None]:
    """Check the images and the folder, make the subfolders, and name the target in errors of the block."""
    if images.dtype != np.uint8:
        raise ValueError(f"The images have dtype {images.dtype}. They must be uint8.")
    if workers < 1:
        raise ValueError(f"workers is {workers}. It must be at least 1.")
    with _files.errors_named(target, "save images", in_cache=False):
        _check_folder(target / plan.name, plan)
        for folder in folders:
            (target / folder).mkdir(parents=True, exist_ok=True)
        yield


def _write_all(
    plan: Plan | PairPlan,
    write: Callable[[int], bool],
    positions: Sequence[int],
    bytes_each: int,
    workers: int,
    progress: Progress,
) -> int:
    """Write each sample and return how many are new."""
    n_written = 0
    with (
        progress(f"saving {plan.name} {plan.split}", len(positions) * bytes_each) as bar,
        closing(in_blocks(write, positions, workers)) as blocks,
    ):
        for written in blocks:
            n_written += sum(written)
            bar.update(len(written) * bytes_each)
    return n_written


def _checked_labels(plan: Plan, labels: NDArray[np.integer]) -> list[list[int]]:
    record = plan.record
    values = np.asarray(labels)
    if values.ndim != 2 or values.shape[1] != record.label_width or values.dtype.kind not in "iu":
        raise ValueError(
            f"The labels have shape {values.shape} and dtype {values.dtype}. They must be (n, {record.label_width}) "
            "integers."
        )
    if values.size and not 0 <= values.min() <= values.max() <= record.highest_label:
        raise ValueError(
            f"The labels are from {values.min()} to {values.max()}. Those of {record.name} must be from 0 to "
            f"{record.highest_label}."
        )
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
        Names, layout and format of the files.
    images : (n, h, w) or (n, h, w, 3) uint8, 0-255
        All images of the split; memory-mapped arrays are read row by row.
    masks : (n, h, w) integers or bool
        All masks of the split. Class numbers become the gray values of the files.
    folder : path
        Created if it does not exist. Files are in a subfolder with the name of the data set.
    positions : iterable of int, optional
        Samples to write (default: all). Files are numbered by position in the split.
    write_csv : bool
        Whether to write ``classes.csv``.
    workers : int
        Number of threads that encode and write.
    progress : Progress
        Shows the progress, in bytes of pixels.

    Returns
    -------
    Saved
        The folder, and the number of new images with their masks.

    Raises
    ------
    NoSpaceError
        If the disk is full. Files written so far are complete.
    CacheError
        If a file exists with other content, or the folder has the data set in another format. Existing files are not
        changed.
    ValueError
        If shapes or dtypes do not match, or a mask has a value that is not a class.

    Notes
    -----
    Existing files are never overwritten, see :func:`save`. The mask is written before its image.

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
    _check_masks(masks, images.shape)
    target, chosen = Path(folder).expanduser(), _chosen(images, positions)
    pixels, numbers = _plain(images), _plain(masks)
    encode_image = find_format(plan.ending, plan.kind).write
    encode_mask = find_format(plan.mask_ending, plan.mask_kind).write

    def write(position: int) -> bool:
        mask = _checked_mask(plan, numbers[position], position)
        new = _write_once(f"{target}/{plan.mask_name(position)}", encode_mask(mask, plan.mask_kind))
        return _write_once(f"{target}/{plan.image_name(position)}", encode_image(pixels[position], plan.kind)) or new

    folders = [f"{plan.name}/{plan.belongs_to}/{part}" for part in ("images", "masks")]
    with _saving(plan, images, target, folders, workers):
        if write_csv:
            _write_once(f"{target}/{plan.table}", _csv(plan.rows()).encode("utf-8"))
        bytes_each = math.prod(images.shape[1:]) + math.prod(masks.shape[1:])
        n_written = _write_all(plan, write, chosen, bytes_each, workers, progress)
    return Saved(target / plan.name, target / plan.table if write_csv else None, len(chosen), n_written)


def _check_masks(masks: Rows, shape: tuple[int, ...]) -> None:
    if np.dtype(masks.dtype).kind not in "biu" or masks.shape not in (shape, shape[:-1]):
        raise ValueError(
            f"The masks have shape {masks.shape} and dtype {masks.dtype}. They must be integers or bool in the shape "
            f"of the images, {shape}, without channels."
        )


def _checked_mask(plan: PairPlan, mask: NDArray[np.integer], position: int) -> NDArray[np.uint8]:
    highest = plan.record.highest_label
    if not 0 <= mask.min() <= mask.max() <= highest:
        raise ValueError(
            f"Mask {position} of {plan.split} has values from {mask.min()} to {mask.max()}. Those of "
            f"{plan.record.name} must be from 0 to {highest}."
        )
    return mask.astype(np.uint8, copy=False)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _write_once(path: str, data: bytes) -> bool:
    """Write a file unless it already has this content; return whether it was written.

    Raises
    ------
    CacheError
        If the file exists with different content. It is not changed.
    """
    if os.path.lexists(path):
        if Path(path).read_bytes() == data:
            return False
        raise CacheError(
            f"{path} already exists with other content: another program or version wrote it, or it was changed. "
            "Nothing was changed. Move the file away, or save to another folder.",
            errno=errno.EEXIST,
            path=path,
        )
    _files.write_small(path, data)
    return True


def _check_folder(folder: Path, plan: Plan | PairPlan) -> None:
    """Check that images of an earlier export in the folder have the same layout and format.

    Raises
    ------
    CacheError
        If they differ: each image would exist twice, and the table would have two rows for it.
    """
    wanted = Export(plan.layout, plan.ending)
    # Every export makes this check, so all files have the same layout and format, and one file is enough.
    found = next(_exports(folder, plan), wanted)
    if found != wanted:
        raise CacheError(
            f"{folder} already has images in the layout {found.layout!r} and the format {found.format!r}. An export in "
            f"the layout {wanted.layout!r} and the format {wanted.format!r} would add each image a second time. "
            "Nothing was written. Save to another folder.",
            errno=errno.EEXIST,
            path=folder,
        )


def _exports(folder: Path, plan: Plan | PairPlan) -> Iterator[Export]:
    for place, _, names in os.walk(folder):
        above = Path(place).relative_to(folder)
        for name in names:
            if (found := plan.export_of((above / name).as_posix())) is not None:
                yield found


def _add_rows(path: Path, plan: Plan, rows: Sequence[Sequence[str]], *, only_check: bool = False) -> None:
    """Add missing rows to a table; existing rows keep their content and order.

    Raises
    ------
    CacheError
        If the table does not belong to this data set, or has a different row for one of the files.
    """
    found = path.read_bytes().decode("utf-8") if os.path.lexists(path) else _csv([plan.head] if plan.head else [])
    known = _known(path, plan, found)
    for row in rows:
        if known.get(row[plan.key], row) != row:
            raise _other_table(path, f"it has the row {','.join(known[row[plan.key]])!r} instead of {','.join(row)!r}")
    missing = [row for row in rows if row[plan.key] not in known]
    if missing and not only_check:
        _files.write_small(str(path), (found + _csv(missing)).encode("utf-8"))


def _known(path: Path, plan: Plan, text: str) -> dict[str, list[str]]:
    """Return the rows of a table by file name."""
    if text and not text.endswith("\n"):
        raise _other_table(path, "its last row is incomplete")
    head, *rows = [plan.head, *csv.reader(io.StringIO(text, newline=""))]
    if head:
        head, *rows = rows or [[]]
        if head != plan.head:
            raise _other_table(path, f"its header is {','.join(head)!r}, not {','.join(plan.head)!r}")
    for row in rows:
        if not plan.is_row(row):
            raise _other_table(path, f"it cannot have the row {','.join(row)!r}")
    return {row[plan.key]: row for row in rows}


def _other_table(path: Path, why: str) -> CacheError:
    return CacheError(
        f"{path} already exists and is not the table of this data set: {why}. Nothing was changed. Move the file away, "
        "or save to another folder.",
        errno=errno.EEXIST,
        path=path,
    )
