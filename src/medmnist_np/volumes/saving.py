"""All cases of a set of volumes as NIfTI files, one for each volume and one for each mask."""

from __future__ import annotations

import filecmp
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np._progress import Progress
from medmnist_np.errors import CacheError
from medmnist_np.volumes.exporting import write_nifti
from medmnist_np.volumes.ragged import Ragged


def save_cases(
    folder: Path,
    names: Sequence[str],
    images: Ragged,
    masks: Ragged | None,
    affines: NDArray[Any],
    spacings: NDArray[Any],
    progress: Progress,
) -> None:
    """Write ``images/<name>.nii.gz`` and ``masks/<name>.nii.gz`` for each case.

    What is there already and the same is left, what is there and another is refused, and what is missing is written.

    Raises
    ------
    CacheError
        If a file is in the way, or cannot be written.
    """
    n_bytes = images.dtype.itemsize * int(images.shapes.prod(axis=1).sum())
    kinds = {"images": images} if masks is None else {"masks": masks, "images": images}
    with _files.errors_named(folder, "save volumes", in_cache=False):
        for kind in kinds:
            (folder / kind).mkdir(parents=True, exist_ok=True)
    with progress(f"saving {folder.name}", n_bytes) as bar:
        for number, name in enumerate(names):
            for kind, volumes in kinds.items():
                _write_once(
                    folder / kind / f"{name}.nii.gz", volumes[number], affines[number], spacings[number].tolist()
                )
            bar.update(images[number].nbytes)


def _write_once(target: Path, volume: NDArray[Any], affine: NDArray[Any], spacing: list[float]) -> None:
    fresh = write_nifti(target.with_name(f".{secrets.token_hex(4)}.{target.name}"), volume, affine, spacing)
    try:
        with _files.errors_named(target, f"write {target.name}", in_cache=False):
            if not target.exists():
                fresh.replace(target)
            elif not filecmp.cmp(fresh, target, shallow=False):
                raise CacheError(f"{target} is there already, with another content. It was left alone.", path=target)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()
