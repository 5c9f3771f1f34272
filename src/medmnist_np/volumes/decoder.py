"""Decode cases to flat arrays in a folder in two passes: first all headers, then all voxels."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from medmnist_np import _files
from medmnist_np._parallel import spread
from medmnist_np._progress import CHECKING, UNPACKING, Progress, bars
from medmnist_np.cache.manifest import StoredArray, stored_array
from medmnist_np.errors import ArchiveError
from medmnist_np.registry.volume_records import VolumeInfo
from medmnist_np.volumes import voxels
from medmnist_np.volumes.layouts import Case, LeftOut, none_left, refuse, refuse_lost_splits
from medmnist_np.volumes.nifti import Header, read_header
from medmnist_np.volumes.stored_files import StoredFile
from medmnist_np.volumes.voxels import Copy, copy_voxels

# Largest allowed difference between entries of the affines of image and mask, in mm (per voxel, or of the origin).
AFFINE_TOLERANCE_MM = 1e-3


@dataclass(frozen=True, slots=True)
class Read:
    """A case whose headers were read; ``shape`` is the shape of the image, including channels."""

    case: Case
    shape: tuple[int, ...]
    images: tuple[Header, ...]
    mask: Header | None

    @property
    def n_voxels(self) -> int:
        """Number of voxels of the image, over all channels."""
        return math.prod(self.shape)

    @property
    def n_mask_voxels(self) -> int:
        """Number of voxels of the mask, 0 without one."""
        return math.prod(self.shape[:3]) if self.mask is not None else 0


def survey(
    cases: Sequence[Case],
    files: Mapping[str, StoredFile],
    record: VolumeInfo,
    executor: Executor | None,
    progress: Progress,
    left_out: list[LeftOut],
) -> Iterator[Read]:
    """Yield the cases with valid headers; append the others to ``left_out``."""
    names = [(*case.images, *([case.mask] if case.mask else [])) for case in cases]
    tasks = [files[name] for of_case in names for name in of_case]
    with progress(f"{CHECKING}headers of {record.qualified_name}", sum(file.n_bytes for file in tasks)) as bar:
        answers = spread(_header, tasks, executor)
        for case, of_case in zip(cases, names, strict=True):
            found = list(itertools.islice(answers, len(of_case)))
            bar.update(sum(files[name].n_bytes for name in of_case))
            problems = [answer for answer in found if isinstance(answer, str)]
            headers = [answer for answer in found if isinstance(answer, Header)]
            why = "; ".join(problems) if problems else _disagreement(case, headers, record)
            if why:
                left_out.append(LeftOut(case.name, why, case.split if case.mask else ""))
                continue
            images, mask = headers[: len(case.images)], headers[-1] if case.mask else None
            channels = (len(images),) if len(images) > 1 else ()
            yield Read(case, (*images[0].shape, *channels), tuple(images), mask)


def _header(file: StoredFile) -> Header | str:
    try:
        return read_header(file)
    except ArchiveError as error:
        return str(error)


def _disagreement(case: Case, headers: Sequence[Header], record: VolumeInfo) -> str:
    """Describe how the files of a case disagree; return "" if they agree."""
    images, first = headers[: len(case.images)], headers[0]
    channels = len(record.modalities) // len(images)
    if first.shape[3:] != ((channels,) if channels > 1 else ()):
        expected = f"{channels} channels are" if channels > 1 else "one channel is"
        return f"its image has the shape {first.shape}, and {expected} expected"
    for name, other in zip((*case.images[1:], case.mask), headers[1:], strict=False):
        if other.shape != first.shape[:3]:
            return f"the image has the shape {first.shape[:3]} and {name} the shape {other.shape}"
        apart = float(np.abs(first.affine - other.affine).max())
        if apart > AFFINE_TOLERANCE_MM:
            return (
                f"the image has the affine {_written(first.affine)} and {name} {_written(other.affine)}: they are "
                f"{apart:.3g} mm apart, and at most {AFFINE_TOLERANCE_MM:g} are taken for rounding"
            )
    return ""


def _written(affine: Any) -> str:
    return str(np.round(affine[:3], 4).tolist())


def common_dtype(headers: Iterable[Header]) -> np.dtype[Any]:
    """Return the smallest dtype that holds the values of all headers.

    This is NumPy's ``result_type``. It is lossless, except for integers above 2**53 combined with floats.
    """
    return np.result_type(*sorted({header.value_dtype for header in headers}, key=str))


# This file grows during the work, so processes that wait for the lock can see that this one is alive.
_SIGN_OF_LIFE = "working"

_MASK = np.dtype(np.uint8)


@dataclass(slots=True)
class Decoded:
    """The result of :func:`decode`.

    Attributes
    ----------
    arrays : dict of str to StoredArray
        Arrays in the finished folder, for its manifest.
    dtype : str
        Dtype of the images.
    found : dict of str to int
        Number of cases by the dtype of their values; ``dtype`` holds all of them.
    left_out : list of LeftOut
        The cases that are not in the folder.
    """

    arrays: dict[str, StoredArray]
    dtype: str
    found: dict[str, int]
    left_out: list[LeftOut]


def decode(
    cases: Sequence[Case],
    files: Mapping[str, StoredFile],
    record: VolumeInfo,
    folder: Path,
    *,
    executor: Executor | None = None,
    progress: Progress = bars,
    skip: bool = False,
) -> Decoded:
    """Decode cases into an existing, empty folder.

    Parameters
    ----------
    cases : sequence of Case
        Cases in the order in which they will be stored, split after split.
    files : Mapping of str to StoredFile
        Files by the names that the cases use.
    record : VolumeInfo
        Gives the splits, modalities and label values.
    folder : Path
        Empty folder of the caller. After an error, partial files remain in it.
    executor : concurrent.futures.Executor, optional
        Runs the work on each file. Its workers must see the same disk.
    progress : Progress
        How to show progress, in bytes of voxels.
    skip : bool
        Leave out unusable cases instead of raising an error.

    Returns
    -------
    Decoded
        The arrays of each split that has cases.

    Raises
    ------
    ArchiveError
        If a case is unusable or, with ``skip``, if all cases of the set or of a split are.
    NoSpaceError
        Before anything is written, if the arrays would not fit on the disk.
    """
    left_out: list[LeftOut] = []
    reads = list(survey(cases, files, record, executor, progress, left_out))
    refuse(left_out, record, skip=skip)
    if not reads:
        raise none_left(left_out, record)
    refuse_lost_splits(left_out, {read.case.split for read in reads}, record)
    dtype = common_dtype(header for read in reads for header in read.images)
    n_bytes = sum(read.n_voxels * dtype.itemsize + read.n_mask_voxels for read in reads)
    _files.require_space(folder, n_bytes, f"decode {len(reads)} cases of {record.qualified_name}")
    splits = {split: [read for read in reads if read.case.split == split] for split in record.splits}
    copies = [copy for reads in splits.values() for copy in _made_ready(reads, files, record, dtype, folder)]
    failed: set[Case] = set()
    with _shown(progress, f"{UNPACKING}{record.qualified_name}", n_bytes, folder) as advance:
        for (case, copy), why in zip(copies, spread(_copied, [copy for _, copy in copies], executor), strict=True):
            advance(math.prod(copy.header.shape) * np.dtype(copy.dtype).itemsize)
            if why and case not in failed:
                failed.add(case)
                left_out.append(LeftOut(case.name, why, case.split if case.mask else ""))
                refuse(left_out, record, skip=skip)
    left_out.sort(key=lambda one: one.case)
    arrays = _finished(splits, failed, dtype, folder)
    if not arrays:
        raise none_left(left_out, record)
    refuse_lost_splits(left_out, {read.case.split for read in reads if read.case not in failed}, record)
    stored = {}
    with _shown(progress, f"{CHECKING}{record.qualified_name}", sum(one.n_bytes for one in arrays), folder) as advance:
        # The bar can only be updated within a file by this process.
        hash_one = partial(_stored, advance=advance) if executor is None else _stored
        for array, answer in zip(arrays, spread(hash_one, arrays, executor), strict=True):
            stored[array.file.stem] = answer
            advance(0 if executor is None else array.n_bytes)
    (folder / _SIGN_OF_LIFE).unlink()
    found = Counter(read.images[0].value_dtype.name for read in reads if read.case not in failed)
    return Decoded(stored, dtype.name, dict(sorted(found.items())), left_out)


@contextmanager
def _shown(progress: Progress, task: str, total: int, folder: Path) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with the number of bytes done: it updates the bar and the file for waiting processes."""
    with progress(task, total) as bar, (folder / _SIGN_OF_LIFE).open("ab", buffering=0) as sign:

        def advance(n_bytes: int) -> None:
            bar.update(n_bytes)
            sign.write(b".")

        yield advance


def _made_ready(
    reads: Sequence[Read], files: Mapping[str, StoredFile], record: VolumeInfo, dtype: np.dtype[Any], folder: Path
) -> list[tuple[Case, Copy]]:
    """Create the flat files of a split; return each copy to make into them, with its case."""
    if not reads:
        return []
    split = reads[0].case.split
    voxels.make(folder / f"{split}_images.npy", dtype, sum(read.n_voxels for read in reads))
    if any(read.mask for read in reads):
        voxels.make(folder / f"{split}_masks.npy", _MASK, sum(read.n_mask_voxels for read in reads))
    return list(_copies(reads, files, record, dtype, folder))


def _copies(
    reads: Sequence[Read], files: Mapping[str, StoredFile], record: VolumeInfo, dtype: np.dtype[Any], folder: Path
) -> Iterator[tuple[Case, Copy]]:
    """Yield the copy of each image, channel and mask, with its case."""
    image_at = mask_at = voxels.DATA_START
    for read in reads:
        case = read.case
        for name, header in zip(case.images, read.images, strict=True):
            target = folder / f"{case.split}_images.npy"
            yield case, Copy(files[name], header, str(target), image_at, dtype.str)
            image_at += math.prod(header.shape) * dtype.itemsize
        if case.mask is not None and read.mask is not None:
            target = folder / f"{case.split}_masks.npy"
            yield case, Copy(files[case.mask], read.mask, str(target), mask_at, _MASK.str, record.label_values)
            mask_at += read.n_mask_voxels


def _copied(copy: Copy) -> str:
    """Copy the voxels of one file to their place; return the error message, or "" on success."""
    try:
        copy_voxels(copy)
    except ArchiveError as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True)
class _Array:
    """A finished .npy file."""

    file: Path
    shape: tuple[int, ...]
    dtype: str
    start: int

    @property
    def n_bytes(self) -> int:
        """Size of the file in bytes."""
        return self.start + math.prod(self.shape) * np.dtype(self.dtype).itemsize


def _stored(array: _Array, advance: Callable[[int], object] = lambda _: None) -> StoredArray:
    return stored_array(array.file, array.shape, array.dtype, array.start, advance)


def _finished(
    splits: Mapping[str, Sequence[Read]], failed: set[Case], dtype: np.dtype[Any], folder: Path
) -> list[_Array]:
    """Remove failed cases from the flat arrays, write the tables, and return all arrays of the splits with cases."""
    arrays = []
    for split, reads in splits.items():
        kept = [read for read in reads if read.case not in failed]
        for role, of_role in (("images", dtype), ("masks", _MASK)):
            file = folder / f"{split}_{role}.npy"
            if not file.exists():
                continue
            sizes = [read.n_voxels if role == "images" else read.n_mask_voxels for read in reads]
            ends = np.cumsum(sizes).tolist()
            if not kept:
                file.unlink()
                continue
            if len(kept) < len(reads):
                ranges = zip(reads, sizes, ends, strict=True)
                voxels.close_up(file, of_role, [(end - n, end) for read, n, end in ranges if read.case not in failed])
            n_values = (file.stat().st_size - voxels.DATA_START) // of_role.itemsize
            arrays.append(_Array(file, (n_values,), of_role.str, voxels.DATA_START))
        if kept:
            for role, values in _tables(kept).items():
                file = folder / f"{split}_{role}.npy"
                arrays.append(_Array(file, *voxels.table(file, values)))
    return arrays


def _tables(reads: Sequence[Read]) -> dict[str, Any]:
    names = [read.case.name.encode("ascii") for read in reads]
    width = max(map(len, names))
    return {
        "shapes": np.array([read.shape for read in reads], np.int64),
        "spacings": np.array([read.images[0].spacing for read in reads], np.float64),
        "affines": np.array([read.images[0].affine for read in reads], np.float64),
        "cases": np.frombuffer(b"".join(name.ljust(width, b"\0") for name in names), np.uint8).reshape(-1, width),
    }
