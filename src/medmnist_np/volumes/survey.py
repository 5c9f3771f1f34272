"""The headers of all cases, before any voxel is read: what goes together, how large it is and which dtype holds it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from medmnist_np._progress import CHECKING, Progress
from medmnist_np.errors import ArchiveError
from medmnist_np.registry.volume_records import VolumeInfo
from medmnist_np.spread import spread
from medmnist_np.volumes.layouts import Case
from medmnist_np.volumes.left_out import LeftOut
from medmnist_np.volumes.nifti import Header, read_header
from medmnist_np.volumes.stored_files import StoredFile

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
