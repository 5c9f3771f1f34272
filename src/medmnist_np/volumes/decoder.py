"""Decode cases to flat arrays in a folder, in two passes: all headers first, then all voxels."""

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

# Image and mask are of one place if no entry of the two affines differs by more, in mm (a voxel, or of the origin).
AFFINE_TOLERANCE_MM = 1e-3


@dataclass(frozen=True, slots=True)
class Read:
    """A case whose headers were read: ``shape`` is that of the image, with its channels."""

    case: Case
    shape: tuple[int, ...]
    images: tuple[Header, ...]
    mask: Header | None

    @property
    def n_voxels(self) -> int:
        """Voxels of the image, those of all channels counted."""
        return math.prod(self.shape)

    @property
    def n_mask_voxels(self) -> int:
        """Voxels of the mask."""
        return math.prod(self.shape[:3]) if self.mask is not None else 0


def survey(
    cases: Sequence[Case],
    files: Mapping[str, StoredFile],
    record: VolumeInfo,
    executor: Executor | None,
    progress: Progress,
    left_out: list[LeftOut],
) -> Iterator[Read]:
    """Yield the cases whose headers are right; the others are appended to ``left_out``."""
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
    """Return in what the files of a case do not go together; "" if they do."""
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

    That is NumPy's ``result_type``: it loses nothing but digits of integers above 2**53 that come together with floats.
    """
    return np.result_type(*sorted({header.value_dtype for header in headers}, key=str))


# Grows while work goes on: processes that wait for the lock see by it that this one lives.
_SIGN_OF_LIFE = "working"

_MASK = np.dtype(np.uint8)


@dataclass(slots=True)
class Decoded:
    """What came of it.

    Attributes
    ----------
    arrays : dict of str to StoredArray
        Of the finished folder, for its manifest.
    dtype : str
        Of the images.
    found : dict of str to int
        How many cases have values of which dtype, of which that one was chosen.
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
        In the order in which they will lie, split after split.
    files : Mapping of str to StoredFile
        By the names that the cases have.
    record : VolumeInfo
        For its modalities and label values.
    folder : Path
        Of the caller's own. Of an error, it is left with what was written.
    executor : concurrent.futures.Executor, optional
        Files are spread over it. Its workers must see the same disk.
    progress : Progress
        What to show, in bytes of voxels.
    skip : bool
        Leave out cases that cannot be used, in place of an error.

    Returns
    -------
    Decoded
        The members of each split that has cases.

    Raises
    ------
    ArchiveError
        If a case cannot be used, or with ``skip`` if none can.
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
        # Only in this process can the bar be told of parts of a file.
        hash_one = partial(_stored, advance=advance) if executor is None else _stored
        for array, answer in zip(arrays, spread(hash_one, arrays, executor), strict=True):
            stored[array.file.stem] = answer
            advance(0 if executor is None else array.n_bytes)
    (folder / _SIGN_OF_LIFE).unlink()
    found = Counter(read.images[0].value_dtype.name for read in reads if read.case not in failed)
    return Decoded(stored, dtype.name, dict(sorted(found.items())), left_out)


@contextmanager
def _shown(progress: Progress, task: str, total: int, folder: Path) -> Iterator[Callable[[int], None]]:
    """Yield what is to be told of bytes that are done: for the bar, and for processes that wait."""
    with progress(task, total) as bar, (folder / _SIGN_OF_LIFE).open("ab", buffering=0) as sign:

        def advance(n_bytes: int) -> None:
            bar.update(n_bytes)
            sign.write(b".")

        yield advance


def _made_ready(
    reads: Sequence[Read], files: Mapping[str, StoredFile], record: VolumeInfo, dtype: np.dtype[Any], folder: Path
) -> list[tuple[Case, Copy]]:
    """Make the flat files of a split, and return what is to be written into them, with its case."""
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
    """Yield each image or channel, and each mask, with its place."""
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
    """Write one file to its place; return why that cannot be, "" if it was done."""
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
        """Of the file."""
        return self.start + math.prod(self.shape) * np.dtype(self.dtype).itemsize


def _stored(array: _Array, advance: Callable[[int], object] = lambda _: None) -> StoredArray:
    return stored_array(array.file, array.shape, array.dtype, array.start, advance)


def _finished(
    splits: Mapping[str, Sequence[Read]], failed: set[Case], dtype: np.dtype[Any], folder: Path
) -> list[_Array]:
    """Close up the flat arrays, write the tables beside them, and return all arrays of the splits that have cases."""
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
