"""Check the format of a file by its first bytes and its header before a reader opens it.

Readers trust their input. For example, Pillow runs Ghostscript for PostScript, and ITK opens any file that a MetaImage
header names.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from medmnist_np import _files
from medmnist_np.data.warm import memory_bytes
from medmnist_np.volumes.stored_files import most_inflated

#: Image formats, named as in Pillow, each with the possible first bytes of a file.
PICTURES: dict[str, tuple[bytes, ...]] = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "BMP": (b"BM",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "JPEG2000": (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"),
    "PPM": (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"),
}

_SUPPORTED = "PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000, PGM, PPM, NPY, NIfTI, MetaImage and DICOM"

# Transfer syntaxes of DICOM, each with the bits per stored value for which SimpleITK and pydicom gave equal values.
# SimpleITK wrongly decodes 32-bit big endian and, in some files, RLE of more than 8 bits.
_TRANSFER_SYNTAXES = {
    "1.2.840.10008.1.2": (8, 16, 32),  # implicit little endian
    "1.2.840.10008.1.2.1": (8, 16, 32),  # explicit little endian
    "1.2.840.10008.1.2.1.99": (8, 16, 32),  # deflated explicit little endian
    "1.2.840.10008.1.2.2": (8, 16),  # explicit big endian
    "1.2.840.10008.1.2.4.50": (8,),  # JPEG baseline
    "1.2.840.10008.1.2.4.57": (8, 16),  # JPEG lossless
    "1.2.840.10008.1.2.4.70": (8, 16),  # JPEG lossless, first-order prediction
    "1.2.840.10008.1.2.4.80": (8, 16),  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.81": (8, 16),  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.90": (8, 16),  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91": (8, 16),  # JPEG 2000
    "1.2.840.10008.1.2.5": (8,),  # RLE
}
_STORED_AS_IS = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")

# Bytes to read: of the file meta information of DICOM, which is short, and of the header of a MetaImage.
_META_BYTES = 1 << 16

_META_LINE = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*=[^=\n]*")
_META_TYPES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 4, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}


def format_of(file: Path) -> str:
    """Return the format of a file: one of :data:`PICTURES`, ``"WEBP"``, ``"NPY"`` or ``"DICOM"``.

    Raises
    ------
    ValueError
        If the first bytes match no supported format.
    OSError
        If the file is not a regular file or cannot be read.
    """
    start = _start_of(file, 132)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start.startswith(b"\x93NUMPY"):
        return "NPY"
    if start[128:132] == b"DICM":
        return "DICOM"
    for name, starts in PICTURES.items():
        if start.startswith(starts):
            return name
    raise ValueError(f"its content is not in a supported format. Supported: {_SUPPORTED}")


def check_room(shape: Sequence[int], item_bytes: int, room: int | None = None) -> None:
    """Raise an error for an image that is too large for its file or for the memory of this machine.

    Parameters
    ----------
    shape : sequence of int
        Shape from the header.
    item_bytes : int
        Bytes per value.
    room : int, optional
        Largest possible size of the decompressed file in bytes; None means that the format sets no limit.

    Raises
    ------
    ValueError
        If the image is too large.
    """
    n_bytes = math.prod(shape) * item_bytes
    claim = f"its header claims {' x '.join(map(str, shape))} values ({_files.readable(n_bytes)})"
    if room is not None and n_bytes > room:
        raise ValueError(f"{claim}, more than the file can hold: it is damaged")
    memory = memory_bytes()
    if memory is not None and n_bytes > memory:
        raise ValueError(f"{claim}, more than the memory of this machine ({_files.readable(memory)})")


def check_metaimage(file: Path) -> None:
    """Check the header of a MetaImage file strictly, so that ITK cannot interpret it differently.

    Raises
    ------
    ValueError
        If the file is not a MetaImage, its header is unusual, it names several data files or one outside its folder,
        or the data file is too small for the voxels.
    OSError
        If the file or its data file is not a regular file or cannot be read.
    """
    fields = _metaimage_fields(file)
    data = fields["ElementDataFile"]
    source = file
    if data != "LOCAL":
        if data == "LIST" or "%" in data:
            raise ValueError("it names several data files: write it as one .mha file")
        for path in (PurePosixPath(data), PureWindowsPath(data)):
            if path.is_absolute() or path.anchor or ".." in path.parts:
                raise ValueError(f"it names the data file {data!r}, which is not in its folder")
        source = file.parent / data
    with open(source, "rb", opener=_files.regular_only) as stream:
        n_bytes = os.fstat(stream.fileno()).st_size
    kind = fields["ElementType"].removeprefix("MET_").removesuffix("_ARRAY").removeprefix("U")
    try:
        shape = [int(length) for length in fields["DimSize"].split()]
        channels = int(fields.get("ElementNumberOfChannels", "1"))
        item_bytes = _META_TYPES[kind]
    except (ValueError, KeyError):
        raise ValueError("its header has no plain DimSize, ElementNumberOfChannels and ElementType") from None
    if str(len(shape)) != fields["NDims"] or min(*shape, channels) < 1:
        raise ValueError(f"its header claims {fields['DimSize']} voxels with {channels} channels")
    compressed = fields.get("CompressedData", "False").lower() not in ("false", "0")
    check_room([*shape, *([channels] * (channels > 1))], item_bytes, most_inflated(n_bytes) if compressed else n_bytes)


def _metaimage_fields(file: Path) -> dict[str, str]:
    text = _start_of(file, _META_BYTES).decode("latin-1")
    fields: dict[str, str] = {}
    for line in text.split("\n"):
        # ITK truncates long lines and reads the rest as the next field.
        if len(line) > 255 or not _META_LINE.fullmatch(line.rstrip("\r")) or "\r" in line.rstrip("\r"):
            break
        key, _, value = (part.strip() for part in line.partition("="))
        # ITK compares only the beginning of keys.
        if key in fields or (key.lower().startswith("elementdatafile") and key != "ElementDataFile"):
            break
        fields[key] = value
        if key == "ElementDataFile":
            if {"NDims", "DimSize", "ElementType"} <= fields.keys():
                return fields
            break
    raise ValueError("it does not start with the header of a MetaImage file")


def check_dicom(file: Path) -> str:
    """Return the transfer syntax of a DICOM file.

    Raises
    ------
    ValueError
        If the file is not a DICOM file, or its transfer syntax is not known to be decoded correctly.
    OSError
        If the file is not a regular file or cannot be read.
    """
    start = _start_of(file, _META_BYTES)
    if start[128:132] != b"DICM":
        raise ValueError("it is not a DICOM file: it has no signature DICM after 128 bytes")
    # The file meta information has group 2. It is always in explicit little endian.
    place, found = 132, ""
    while start[place : place + 2] == b"\x02\0":
        element, kind = start[place + 2 : place + 4], start[place + 4 : place + 6]
        long = kind in (b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT")
        length_at = place + (8 if long else 6)
        value_at = length_at + (4 if long else 2)
        end = value_at + int.from_bytes(start[length_at:value_at], "little")
        if element == b"\x10\0":
            found = start[value_at:end].rstrip(b"\0 ").decode("latin-1")
            break
        place = end
    if found not in _TRANSFER_SYNTAXES:
        raise ValueError(_not_known_to_be_right(f"its transfer syntax is {found or 'not stated'}"))
    return found


def check_dicom_values(file: Path, syntax: str, bits: str, shape: Sequence[int]) -> None:
    """Raise an error for values that SimpleITK may decode wrongly, or that do not fit in the file.

    Parameters
    ----------
    file : Path
        A DICOM file.
    syntax : str
        Transfer syntax, from :func:`check_dicom`.
    bits : str
        Bits Allocated, from the header.
    shape : sequence of int
        Shape of the image, from the header.

    Raises
    ------
    ValueError
        If the values may be decoded wrongly, or do not fit in the file or in memory.
    """
    n_bits = int(bits) if bits.strip().isdecimal() else 0
    if n_bits not in _TRANSFER_SYNTAXES[syntax]:
        raise ValueError(_not_known_to_be_right(f"it has {n_bits}-bit values in the transfer syntax {syntax}"))
    check_room(shape, n_bits // 8, file.stat().st_size if syntax in _STORED_AS_IS else None)


def _not_known_to_be_right(what: str) -> str:
    return (
        f"{what}, which may be decoded wrongly: convert it to explicit little endian, for example with dcmconv or "
        "dcmdrle of DCMTK"
    )


def check_regular(folder: Path) -> None:
    """Raise an error if a folder contains a pipe, socket or device: a reader of the folder would open it."""
    for path in folder.iterdir():
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ValueError(f"it contains {path.name}, which is a pipe, a socket or a device")


def _start_of(file: Path, n_bytes: int) -> bytes:
    with open(file, "rb", opener=_files.regular_only) as stream:
        return stream.read(n_bytes)
