"""NIfTI files: read the header with NiBabel, inflate the content piece by piece, and write volumes and masks."""

from __future__ import annotations

import gzip
import logging
import math
import os
import reprlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medmnist_np import _files
from medmnist_np._optional import require
from medmnist_np.cache import zips
from medmnist_np.errors import ArchiveError
from medmnist_np.volumes.stored_files import StoredFile, most_inflated

# Where single files say that they are such, by the size of the header: NIfTI-1 and NIfTI-2.
_MAGIC = {348: (344, b"n+1\0"), 540: (4, b"n+2\0\r\n\x1a\n")}

_PIECE_BYTES = 1 << 20

_GZIP = 16 + zlib.MAX_WBITS

# Millimetres in each unit of length, by its code: none stated (taken as mm), metres, millimetres, micrometres.
_TO_MM = {0: 1.0, 1: 1e3, 2: 1.0, 3: 1e-3}

_DTYPES = frozenset(("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"))


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """The header of a NIfTI file.

    Attributes
    ----------
    shape : tuple of int
        ``(x, y, z)`` or ``(x, y, z, c)``; further axes of length 1 are left out.
    dtype : str
        Stored dtype with byte order, such as ``"<i2"``.
    offset : int
        Start of the voxels in the decompressed file, in bytes.
    slope, inter : float
        A voxel means ``slope * stored + inter``; 1 and 0 where the header has none.
    spacing : (3,) float64
        Voxel spacing along x, y and z in mm.
    affine : (4, 4) float64
        Maps voxel indices to mm: the sform, else the qform, else the spacing alone. Lengths that the file states in
        metres or micrometres are converted, as ITK does and NiBabel does not.
    version : int
        1 or 2: NIfTI-1 or NIfTI-2.
    """

    shape: tuple[int, ...]
    dtype: str
    offset: int
    slope: float
    inter: float
    spacing: NDArray[np.float64]
    affine: NDArray[np.float64]
    version: int = 1

    @property
    def is_scaled(self) -> bool:
        """Whether a voxel means something else than the number that is stored."""
        return (self.slope, self.inter) != (1.0, 0.0)

    @property
    def value_dtype(self) -> np.dtype[Any]:
        """The dtype of the values: as stored, or for scaled ones float32 (of up to 16 bits) or float64."""
        stored = np.dtype(self.dtype)
        if self.is_scaled:
            return np.dtype(np.float32 if stored.itemsize <= 2 else np.float64)
        return stored.newbyteorder("=")

    @property
    def n_bytes(self) -> int:
        """Bytes of the voxels as stored."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def is_nifti(name: str) -> bool:
    """Return whether a file is named as NIfTI files are."""
    return name.lower().endswith((".nii", ".nii.gz"))


def read_header(file: StoredFile) -> Header:
    """Read the header of a ``.nii`` or ``.nii.gz`` file; only its first bytes are inflated.

    Raises
    ------
    ArchiveError
        If the file is not a single-file NIfTI, its voxels are not numbers, or it is too small for them.
    ModuleNotFoundError
        If NiBabel (extra ``nifti``) is not installed.
    """
    start = _first_bytes(file, max(_MAGIC))
    kind, header_class = _kind_of(start, file.name)
    return _understood(file, header_class, start[:kind])


def _first_bytes(file: StoredFile, n_bytes: int) -> bytes:
    start = b""
    for piece in content(file, n_bytes):
        start += piece
        if len(start) >= n_bytes:
            break
    return start[:n_bytes]


def content(file: StoredFile, piece_bytes: int = _PIECE_BYTES) -> Iterator[bytes]:
    """Yield the content of a file, inflated if its name ends in .gz, in pieces of at most that size if it is."""
    if not file.name.lower().endswith(".gz"):
        yield from file.chunks()
        return
    inflater, at_end = None, False
    try:
        for chunk in file.chunks():
            pending = chunk
            while pending:
                if inflater is None:
                    # Behind a gzip member there may be zeros, another member, or what gzip calls trailing garbage.
                    pending = pending.lstrip(b"\0") if at_end else pending
                    if not pending:
                        break
                    if at_end and pending[0] != 0x1F:
                        return
                    inflater = zips.fast_zlib.decompressobj(_GZIP)
                yield from _inflated(inflater, pending, piece_bytes)
                pending, at_end = inflater.unused_data, inflater.eof
                if at_end:
                    inflater = None
    except (zlib.error, zips.fast_zlib.error) as error:
        raise ArchiveError(f"{file.name} is damaged: {error}") from error
    if inflater is not None or not at_end:
        raise ArchiveError(f"{file.name} is truncated: its gzip stream does not end")


def _inflated(inflater: Any, data: bytes, piece_bytes: int) -> Iterator[bytes]:
    """Yield what an inflater makes of some more bytes, in pieces of at most that size."""
    while not inflater.eof:
        piece = inflater.decompress(data, piece_bytes)
        if piece:
            yield piece
        data = inflater.unconsumed_tail
        # A full piece may have left something inside that needs no more bytes.
        if not data and len(piece) < piece_bytes:
            return


# Headers


def _kind_of(start: bytes, name: str) -> tuple[int, Any]:
    """Return the size of the header and the class of NiBabel that reads it."""
    nibabel = require("nibabel")
    for size in (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")):
        if size in _MAGIC and len(start) >= size:
            where, magic = _MAGIC[size]
            if start[where : where + len(magic)] == magic:
                return size, nibabel.Nifti1Header if size == 348 else nibabel.Nifti2Header
    raise ArchiveError(f"{name} is not a NIfTI file: it does not start with the header of a .nii file")


def _understood(file: StoredFile, header_class: Any, block: bytes) -> Header:
    from nibabel.spatialimages import HeaderDataError

    try:
        header = header_class(block, check=False)
        header.check_fix(logger=_silent_logger())
        shape = _volume_shape(header.get_data_shape())
        dtype = header.get_data_dtype()
        slope, inter = header.get_slope_inter()
        offset = header.get_data_offset()
        with np.errstate(all="ignore"):
            affine = np.array(header.get_best_affine(), np.float64)
        spacing = np.array(header.get_zooms()[:3], np.float64)
        if (to_mm := _TO_MM.get(int(header["xyzt_units"]) & 7)) is None:
            raise ValueError(f"its unit of length has the unknown code {int(header['xyzt_units']) & 7}")
        spacing *= to_mm
        affine[:3] *= to_mm
    except (HeaderDataError, ValueError, OverflowError, TypeError, KeyError, IndexError) as error:
        raise ArchiveError(f"{file.name} has an invalid header: {error}") from error
    if dtype.kind + str(dtype.itemsize) not in _DTYPES:
        raise ArchiveError(f"{file.name} holds {dtype}: only integers, and floats of up to 64 bits, are supported")
    if not (np.isfinite(affine).all() and np.isfinite(spacing).all() and (spacing > 0).all()):
        raise ArchiveError(f"{file.name} has an affine or spacing that is not finite, or a spacing of 0")
    found = Header(
        shape,
        dtype.str,
        offset,
        1.0 if slope is None else slope,
        0.0 if inter is None else inter,
        spacing,
        affine,
        1 if len(block) == 348 else 2,
    )
    room = file.n_bytes if not file.name.lower().endswith(".gz") else most_inflated(file.n_bytes)
    if offset < len(block) or offset + found.n_bytes > room:
        raise ArchiveError(
            f"{file.name} states {' x '.join(map(str, shape))} voxels of {dtype} from byte {offset} on, "
            f"but has only {file.n_bytes} bytes: it is truncated or damaged"
        )
    return found


def _volume_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    sizes = tuple(map(int, shape))
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if len(sizes) not in (3, 4) or min(sizes) < 1:
        raise ValueError(f"its shape is {shape}; it must be (x, y, z) or (x, y, z, c)")
    return sizes


@cache
def _silent_logger() -> logging.Logger:
    """Return a logger for what NiBabel corrects in headers, such as a qfac of 0: it would go to stderr."""
    logger = logging.Logger("nifti headers")  # noqa: LOG001 -- in no tree, so that nothing comes of it
    logger.addHandler(logging.NullHandler())
    return logger


# Twice as fast as the level that gzip has by default; files are about a twentieth larger.
_LEVEL = 3

_LONGEST = np.iinfo(np.int16).max


def write_nifti(
    path: str | os.PathLike[str], volume: NDArray[Any], affine: ArrayLike, spacing: Sequence[float]
) -> Path:
    """Write a volume or a mask as a NIfTI-1 file, with its dtype, affine and voxel spacing.

    Parameters
    ----------
    path : path
        Ends in ``.nii``, or in ``.nii.gz`` for a compressed file. The file is written atomically; an existing file is
        replaced.
    volume : (x, y, z) or (x, y, z, c) array
        Integers, or floats of 32 or 64 bits, written without scaling. Convert boolean masks first with
        ``mask.astype(np.uint8)``.
    affine : (4, 4) array
        Maps voxel indices to mm. The format stores it in float32.
    spacing : sequence of three floats
        Voxel spacing along x, y and z in mm, such as ``ds.spacing_mm[i]``.

    Returns
    -------
    Path
        The file. The same input gives the same bytes.

    Raises
    ------
    ValueError
        If the path has another suffix, the volume has masked values, NIfTI-1 does not support its shape or dtype, or
        the affine or spacing is invalid.
    ModuleNotFoundError
        If NiBabel, the extra ``nifti``, is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from medmnist_np.volumes.nifti import write_nifti
    >>> mask = np.zeros((4, 4, 2), np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_nifti(f"{folder}/mask.nii.gz", mask, np.eye(4), (1, 1, 1)).name
    'mask.nii.gz'
    """
    target = Path(path)
    compressed = target.name.lower().endswith(".nii.gz")
    if not compressed and target.suffix.lower() != ".nii":
        raise ValueError(f"{target.name!r} must end in .nii or .nii.gz.")
    if np.ma.is_masked(volume):
        raise ValueError("The volume has masked values, which files cannot store. Fill them first.")
    if volume.ndim not in (3, 4):
        raise ValueError(f"The volume has the shape {volume.shape}; it must be (x, y, z) or (x, y, z, c).")
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
    nibabel = require("nibabel")
    header = nibabel.Nifti1Header()
    if max(volume.shape) > _LONGEST:
        raise ValueError(f"A NIfTI-1 file cannot hold an axis of {max(volume.shape)} voxels; the limit is {_LONGEST}.")
    try:
        header.set_data_dtype(volume.dtype.newbyteorder("<"))
        header.set_data_shape(volume.shape)
    except nibabel.spatialimages.HeaderDataError as error:
        other = "np.uint8" if volume.dtype.kind == "b" else "np.float32"
        raise ValueError(
            f"A NIfTI-1 file cannot hold {volume.dtype} of shape {volume.shape}: {error}. Write volume.astype({other})."
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
            f"{name} is {reprlib.repr(array.tolist())}. It must hold finite numbers{positive} in the shape {shape}, "
            "for one volume."
        )
    return array


def _write(file: Any, header: bytes, volume: NDArray[Any]) -> None:
    file.write(header)
    # Turned round, a volume in Fortran order is contiguous: nothing is copied but what is not in order.
    for part in volume.T:
        file.write(np.ascontiguousarray(part, volume.dtype.newbyteorder("<")).data.cast("B"))
