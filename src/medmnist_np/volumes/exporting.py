"""Volumes out again, as NIfTI files that any viewer opens."""

from __future__ import annotations

import gzip
import os
import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np import _files
from medmnist_np.volumes.nifti import require_nibabel

# Twice as fast as the level that gzip has by default; files are about a twentieth larger.
_LEVEL = 3

_LONGEST = np.iinfo(np.int16).max


def write_nifti(
    path: str | os.PathLike[str], volume: NDArray[Any], affine: ArrayLike, spacing: Sequence[float]
) -> Path:
    """Write a volume or a mask as a NIfTI-1 file, with its dtype, its place and the distance of its voxels.

    Parameters
    ----------
    path : path
        ``.nii``, or ``.nii.gz`` for a compressed file. It is there whole or not at all; one that is there is replaced.
    volume : (x, y, z) or (x, y, z, c) array
        Integers, or floats of 32 or 64 bits. They are written as they are, without scaling. A boolean mask has to be
        made numbers first: ``mask.astype(np.uint8)``.
    affine : (4, 4) array
        From voxel indices to mm. The file has it in float32, as the format does.
    spacing : sequence of three floats
        Distance of voxels along x, y and z, in mm, as ``ds.spacing_mm[i]`` is.

    Returns
    -------
    Path
        The file. It is the same, byte for byte, for the same volume.

    Raises
    ------
    ValueError
        If the ending is another, the volume has masked values, or a shape or dtype that no NIfTI-1 file has, or affine
        or spacing are not those of one volume.
    ModuleNotFoundError
        If NiBabel, the extra ``nifti``, is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from medmnist_np.volumes.exporting import write_nifti
    >>> mask = np.zeros((4, 4, 2), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_nifti(f"{folder}/mask.nii.gz", mask, np.eye(4), (1, 1, 1)).name
    'mask.nii.gz'
    """
    target = Path(path)
    compressed = target.name.lower().endswith(".nii.gz")
    if not compressed and target.suffix.lower() != ".nii":
        raise ValueError(f"{target.name!r} ends neither in .nii nor in .nii.gz: NIfTI is written to such files.")
    if np.ma.is_masked(volume):
        raise ValueError("The volume is a masked array with masked values, which no file holds: fill them.")
    if volume.ndim not in (3, 4):
        raise ValueError(f"The volume has the shape {volume.shape}; (x, y, z) or (x, y, z, c) is needed.")
    header = _header(volume, affine, spacing)
    with (
        _files.errors_named(target, f"write {target.name}", in_cache=False),
        _files.in_one_step(target) as fresh,
        fresh.open("wb") as file,
    ):
        if compressed:
            with gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:
                _write(packed, header, volume)
        else:
            _write(file, header, volume)
    return target


def _header(volume: NDArray[Any], affine: ArrayLike, spacing: Sequence[float]) -> bytes:
    nibabel = require_nibabel()
    header = nibabel.Nifti1Header()
    if max(volume.shape) > _LONGEST:
        raise ValueError(f"No NIfTI-1 file holds an axis of {max(volume.shape)} voxels; {_LONGEST} is the most.")
    try:
        header.set_data_dtype(volume.dtype.newbyteorder("<"))
        header.set_data_shape(volume.shape)
    except nibabel.spatialimages.HeaderDataError as error:
        other = "np.uint8" if volume.dtype.kind == "b" else "np.float32"
        raise ValueError(
            f"No NIfTI-1 file holds {volume.dtype} of shape {volume.shape}: {error}. Write volume.astype({other})."
        ) from error
    header.set_zooms((*_shaped("spacing", spacing, (3,)).tolist(), *[1.0] * (volume.ndim - 3)))
    header.set_sform(_shaped("affine", affine, (4, 4)), code="scanner")
    header.set_xyzt_units("mm")
    header.set_slope_inter(1, 0)
    header["magic"] = b"n+1"
    header["vox_offset"] = 352
    return bytes(header.binaryblock) + bytes(4)  # no extensions


def _shaped(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.shape != shape or not np.isfinite(array).all() or (name == "spacing" and (array <= 0).any()):
        positive = " above 0" if name == "spacing" else ""
        raise ValueError(
            f"{name} is {reprlib.repr(array.tolist())}; finite numbers{positive} in the shape {shape}, those of one "
            "volume, are needed."
        )
    return array


def _write(file: Any, header: bytes, volume: NDArray[Any]) -> None:
    file.write(header)
    # Turned round, a volume in Fortran order is contiguous: nothing is copied but what is not in order.
    for part in volume.T:
        file.write(np.ascontiguousarray(part, volume.dtype.newbyteorder("<")).data.cast("B"))
