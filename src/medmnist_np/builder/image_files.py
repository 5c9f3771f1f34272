"""Read files of images, volumes and masks as arrays, without scaling their values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medmnist_np import _files
from medmnist_np._optional import require
from medmnist_np.builder import signatures
from medmnist_np.images.channels import usual_axes
from medmnist_np.images.recipes import Window
from medmnist_np.volumes.nifti import read_header
from medmnist_np.volumes.stored_files import most_inflated, stored_file

Array = NDArray[Any]

_NIFTI = (".nii", ".nii.gz")
_META = (".mha", ".mhd")

# Lossless formats, which can store a mask.
_LOSSLESS = ("PNG", "TIFF", "BMP", "GIF", "PPM")

# Formats that cameras and phones write, and the tag of the orientation.
_WITH_EXIF = ("JPEG", "PNG", "WEBP", "TIFF")
_ORIENTATION = 0x0112

# Files and folders that operating systems and archive programs create beside images.
_LITTER = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}
_TEMPORARY = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".swp", ".bak", "~")
_TEXTS = (".txt", ".md", ".rst", ".json", ".xml", ".html", ".htm", ".pdf", ".yaml", ".yml", ".toml", ".log", ".docx")
TABLES = (".csv", ".tsv", ".xlsx", ".xls", ".parquet")


def junk_kind(name: str) -> str:
    """Return the kind of a file or folder that is ignored because of its name; empty if it is not ignored."""
    lower = name.lower()
    if lower in (*_LITTER, ".ds_store", ".ipynb_checkpoints"):
        return name
    kinds = {
        "hidden files": name.startswith("."),
        "temporary files": name.startswith("~$") or lower.endswith(_TEMPORARY),
        "text files": lower.endswith(_TEXTS) or lower in ("readme", "license", "licence"),
        "tables": lower.endswith(TABLES),
    }
    return next((kind for kind, fits in kinds.items() if fits), "")


def listed(folder: Path) -> list[Path]:
    """List a folder in sorted order, without the files and folders that :func:`junk_kind` names."""
    return sorted(path for path in folder.iterdir() if not junk_kind(path.name))


@dataclass(frozen=True, slots=True)
class Decoding:
    """How files become arrays.

    Attributes
    ----------
    slices : bool
        Whether to read a folder of image files as a volume. The numbers in the file names give the order of its slices.
    exif : {"apply", "ignore"}, optional
        Whether to apply the EXIF orientation of a photo. None applies it. The orientation of a TIFF file is always
        applied.
    window : bool
        Whether to map the values of DICOM files to 0-255 by the window in the file.
    """

    slices: bool = False
    exif: Literal["apply", "ignore"] | None = None
    window: bool = False


def read_image(file: Path, index: int | None = None, decoding: Decoding = Decoding()) -> Array:
    """Read an image or a volume.

    Values are not scaled, except by a DICOM window: 16-bit and float values are returned unchanged. Volumes with an
    orientation in their header (NIfTI, MetaImage, DICOM) are reoriented without interpolation: the first axis goes from
    feet to head, the second from front to back and the third from the right of the body to its left, as in a
    radiologist's view of axial slices.

    Parameters
    ----------
    file : Path
        NIfTI (``.nii``, ``.nii.gz``) and MetaImage (``.mha``, ``.mhd``) are recognised by name. PNG, JPEG, TIFF, BMP,
        GIF, WebP, JPEG 2000, PGM, PPM, NPY and DICOM are recognised by their first bytes. A TIFF with several pages is
        a volume. In an NPY file, a channel axis of 1 or 3 may come first or last. A folder with a DICOM series is a
        volume.
    index : int, optional
        Index of the image in a ``.npy`` file with several images. None means that the file is one image.
    decoding : Decoding
        How to read it.

    Returns
    -------
    (h, w), (h, w, 3) or (d, h, w) array
        Gray image, RGB image or volume. Bilevel images become 0 and 255. Palette images become RGB, or gray
        if all colours of the palette are gray. A fully opaque alpha channel is dropped.

    Raises
    ------
    ValueError
        If the format is not supported, or the header declares more data than fits in the file or in memory.
    OSError
        If the file cannot be read, or is a pipe, a socket or a device.
    ModuleNotFoundError
        If the format needs an extra that is not installed.
    Exception
        Any other error that a decoder raises for a damaged file.
    """
    name = file.name.lower()
    if file.is_dir():
        image = _read_folder(file, decoding)
    elif name.endswith(_NIFTI):
        image = _read_nifti(file)
    elif name.endswith(_META):
        image = _read_metaimage(file)
    elif (kind := signatures.format_of(file)) == "NPY":
        image = usual_axes(_read_npy(file, index), n_before=0)
    elif kind == "DICOM":
        image = _read_dicom(file, decoding)
    else:
        image = _read_picture(file, kind, decoding)
    if image.ndim in (3, 4) and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim == 3 and image.shape[2] in (2, 4) and min(image.shape[:2]) > image.shape[2]:
        raise ValueError(
            f"it has {image.shape[2]} channels (shape {image.shape}): only gray and RGB images are supported"
        )
    if image.ndim not in (2, 3) or image.size == 0 or image.dtype.kind not in "buif":
        raise ValueError(
            f"it has dtype {image.dtype} and shape {image.shape}: numbers of shape (h, w), (h, w, 3) or (d, h, w) are "
            "required"
        )
    return image.astype(np.uint8) * 255 if image.dtype.kind == "b" else image


def orientation(file: Path) -> int:
    """Return the EXIF orientation of an image file, 1 to 8; 1 (upright) if it has none."""
    if file.is_dir() or file.name.lower().endswith(_NIFTI + _META):
        return 1
    if (kind := signatures.format_of(file)) not in _WITH_EXIF:
        return 1
    with _opened(file, kind) as picture:
        return _orientation(picture)


def _orientation(picture: Any) -> int:
    if picture.format == "PNG" and "exif" not in picture.info:  # getexif() would decode the image
        return 1
    try:
        found = picture.getexif().get(_ORIENTATION)
    except Exception:  # noqa: BLE001 -- damaged EXIF data, which viewers ignore
        return 1
    return found if found in range(1, 9) else 1


def upright(image: Array, turn: int) -> Array:
    """Rotate and mirror an image ``(h, w)`` according to an EXIF orientation, 1 to 8."""
    if turn >= 5:
        image = image.T
    if turn in (3, 4, 7, 8):
        image = image[::-1]
    return image[:, ::-1] if turn in (2, 3, 6, 7) else image


def read_mask(file: Path, index: int | None = None, decoding: Decoding = Decoding()) -> NDArray[np.uint8]:
    """Read a mask: one class number per pixel.

    Parameters
    ----------
    file : Path
        PNG, TIFF, BMP, GIF, PGM or NPY. For a palette image, the palette indices are read, not the colours.
    index : int, optional
        See :func:`read_image`.
    decoding : Decoding
        How to read it.

    Returns
    -------
    (h, w) uint8
        Bilevel images become 0 and 1.

    Raises
    ------
    ValueError
        If it is not a mask: it has colours, or values other than integers from 0 to 255.
    OSError
        If the file cannot be read, or is a pipe, a socket or a device.
    Exception
        Any other error that a decoder raises for a damaged file.
    """
    kind = signatures.format_of(file)
    mask = _read_npy(file, index) if kind == "NPY" else _mask_pixels(file, kind, decoding)
    if mask.ndim == 3 and 1 in (mask.shape[0], mask.shape[2]):
        mask = mask.squeeze(2 if mask.shape[2] == 1 else 0)
    if mask.ndim != 2 or mask.size == 0 or mask.dtype.kind not in "bui":
        raise ValueError(f"it has dtype {mask.dtype} and shape {mask.shape}: integers of shape (h, w) are required")
    if not 0 <= mask.min() <= mask.max() <= 255:
        raise ValueError(f"its values are {mask.min()} to {mask.max()}: class numbers must be 0 to 255")
    return mask.astype(np.uint8)


def _read_npy(file: Path, index: int | None) -> Array:
    stored = np.load(file, mmap_mode="r", allow_pickle=False)
    wanted = stored if index is None else stored[index]
    signatures.check_room(wanted.shape, wanted.dtype.itemsize)
    return np.array(wanted)


def _mask_pixels(file: Path, kind: str, decoding: Decoding) -> Array:

    if kind not in _LOSSLESS:
        raise ValueError(f"it is a {kind} file, which may change values: save the mask as PNG, TIFF or NPY")
    with _opened(file, kind) as picture:
        _check_picture(file, picture, kind)
        if getattr(picture, "n_frames", 1) > 1:
            raise ValueError("it has several pages or frames")
        pixels = np.array(_upright(picture, decoding))
        if picture.mode in ("1", "L", "P", "I") or picture.mode.startswith("I;16"):
            return pixels
        # Some programs write gray values as RGB. Other colours do not encode classes.
        if picture.mode == "RGB" and (pixels == pixels[..., :1]).all():
            return pixels[..., 0]
        raise ValueError(
            f"its pixels are colours (mode {picture.mode}), not class numbers: store one class number per pixel, as a "
            "gray value or a palette index"
        )


def is_volume(image: Array) -> bool:
    """Return whether an image is a volume (d, h, w): it has three axes, and the last is not 3 (RGB)."""
    return image.ndim == 3 and image.shape[2] != 3


def _check_picture(file: Path, picture: Any, kind: str) -> None:
    from PIL import ImageMode

    n_frames = getattr(picture, "n_frames", 1) if kind == "TIFF" else 1
    bands = len(picture.getbands())
    item_bytes = np.dtype(ImageMode.getmode(picture.mode).typestr).itemsize
    # Deflate has a maximum compression ratio. Other formats can store any number of equal pixels in a few bytes.
    room = most_inflated(file.stat().st_size) if kind == "PNG" and picture.mode != "1" else None
    signatures.check_room([n_frames, picture.height, picture.width, bands][n_frames == 1 :], item_bytes, room)


@contextmanager
def _opened(file: Path, kind: str) -> Iterator[Any]:
    """Open a picture as a stream.

    Given a path, Pillow 13.0 memory-maps a TIFF file, and mixes up its pixels if the picture must be turned.
    """
    from PIL import Image

    with open(file, "rb", opener=_files.regular_only) as stream, Image.open(stream, formats=(kind,)) as picture:
        yield picture


def _upright(picture: Any, decoding: Decoding) -> Any:
    """Return a picture turned according to its EXIF orientation, or the picture itself."""
    from PIL import ImageOps

    picture.load()  # Pillow turns a TIFF file when it loads it
    if (decoding.exif == "ignore" and picture.format != "TIFF") or _orientation(picture) == 1:
        return picture
    return ImageOps.exif_transpose(picture)


# imageio is not used: it hides the mode, the palette and the raw mode that the checks need. It takes 0.24 to 0.66 ms
# for PNG and JPEG files of 28 pixels (this code: 0.09 to 0.29 ms).
def _read_picture(file: Path, kind: str, decoding: Decoding) -> Array:
    from PIL import ImageSequence

    with _opened(file, kind) as picture:
        _check_picture(file, picture, kind)
        # Pillow silently reduces these to 8 bits per channel.
        if picture.mode in ("RGB", "RGBA", "LA") and any(";16" in _raw_mode(tile) for tile in picture.tile):
            raise ValueError("it has 16 bits per colour channel: convert it to 8 bits")
        if picture.format == "TIFF" and getattr(picture, "n_frames", 1) > 1:
            return np.stack([_pixels(page) for page in ImageSequence.Iterator(picture)])
        if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
            raise ValueError(f"it is a {picture.format} file with several frames: only TIFF files can be volumes")
        return _pixels(_upright(picture, decoding))


def _raw_mode(tile: Any) -> str:
    """Return Pillow's name for the stored pixels of a tile, such as ``"RGB;16B"`` for 16 bits per channel."""
    arguments = tile[3]
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _pixels(picture: Any) -> Array:
    mode = picture.mode
    if mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in picture.info:
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
        if alpha.min() < 255:
            raise ValueError("it is partly transparent: flatten it onto a background first")
    if mode in ("LA", "La"):
        return np.array(picture.convert("L"))
    if mode == "P" and (np.ptp(np.reshape(picture.getpalette("RGB"), (-1, 3)), axis=1) == 0).all():
        return np.array(picture.convert("RGB"))[..., 0]
    if mode in ("P", "PA", "RGBA", "RGBa"):
        return np.array(picture.convert("RGB"))
    if mode in ("1", "L", "RGB", "I", "F") or mode.startswith("I;16"):
        return np.array(picture)
    raise ValueError(f"its pixels have mode {mode}: convert it to gray or RGB")


def _read_folder(folder: Path, decoding: Decoding) -> Array:
    files = sorted(listed(folder), key=_natural)
    if not files:
        raise ValueError("it is an empty folder")
    if _is_dicom(files[0]):
        return _read_series(folder, decoding)
    if not decoding.slices:
        raise ValueError(
            "it is a folder. If its files are the slices of one volume, use slices=True. If it is a class in a split, "
            "name the folders of the splits train, val and test"
        )
    planes = [_read_picture(path, signatures.format_of(path), decoding) for path in files]
    if len({(plane.shape, plane.dtype) for plane in planes}) > 1 or planes[0].ndim != 2:
        raise ValueError("its images are not gray slices of the same size and data type")
    return np.stack(planes)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort ``slice-2`` before ``slice-10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def is_series(folder: Path) -> bool:
    """Return whether the DICOM files in a folder are one volume, and not images that have a series each."""
    files = sorted(listed(folder), key=_natural)
    if not files or not _is_dicom(files[0]):
        return False
    series = set()
    for file in files:  # two files of the same series are enough
        try:
            found = dicom_tag(file, "SeriesInstanceUID")
        except Exception:  # noqa: BLE001 -- the error is reported when the folder is read
            return True
        if not found or found in series:
            return True
        series.add(found)
    return len(files) == 1


def _is_dicom(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _read_nifti(file: Path) -> Array:
    nibabel = require("nibabel")
    stored = stored_file(file)
    header = read_header(stored)
    signatures.check_room(header.shape, header.value_dtype.itemsize)
    image_class = nibabel.Nifti1Image if header.version == 1 else nibabel.Nifti2Image
    # The axes x, y, z point to the right, the front and the head of the body.
    voxels = np.asarray(nibabel.as_closest_canonical(image_class.from_filename(file)).dataobj)
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    return voxels[::-1, ::-1].T if voxels.ndim == 3 else voxels


def _read_metaimage(file: Path) -> Array:
    itk = require("SimpleITK")
    signatures.check_metaimage(file)
    return _turned(itk, itk.ReadImage(str(file), imageIO="MetaImageIO"))


def _read_dicom(file: Path, decoding: Decoding) -> Array:
    itk = require("SimpleITK")
    reader = _check_dicom(itk, file)
    image = _turned(itk, itk.ReadImage(str(file), imageIO="GDCMImageIO"))
    return _windowed(image, reader, decoding)


def _windowed(values: Array, reader: Any, decoding: Decoding) -> Array:
    """Map values to 0-255 by the window in a DICOM header (PS3.3, C.11.2.1); without `decoding.window`, return them.

    High values of MONOCHROME1 are dark. ITK has already inverted them within the range of the stored bits. This is
    right for 8 bits, but otherwise moves the values out of the window.
    """
    inverted = _tag(reader, "0028|0004") == "MONOCHROME1"
    if not decoding.window:
        if inverted and values.dtype != np.uint8:
            raise ValueError("it is MONOCHROME1, where high values are dark: use window='dicom', which inverts them")
        return values
    kind = _tag(reader, "0028|1056") or "LINEAR"
    # There may be several windows, separated by backslashes. The first is used.
    limits = [_tag(reader, tag).partition("\\")[0].strip() for tag in ("0028|1050", "0028|1051")]
    try:
        centre, width = map(float, limits)
    except ValueError:
        raise ValueError("it has no window (WindowCenter and WindowWidth): state one with window=(low, high)") from None
    if kind not in ("LINEAR", "LINEAR_EXACT"):
        raise ValueError(f"its window has the shape {kind}: state a linear one with window=(low, high)")
    if kind == "LINEAR":
        centre, width = centre - 0.5, width - 1
    window = Window(centre - width / 2, centre + width / 2)
    if not inverted:
        return window(values, 0)
    slope, offset = float(_tag(reader, "0028|1053") or 1), float(_tag(reader, "0028|1052") or 0)
    ends = -1 if _tag(reader, "0028|0103") == "1" else 2 ** int(_tag(reader, "0028|0101")) - 1
    return 255 - window(slope * ends + 2 * offset - values.astype(np.float64), 0)


def _tag(reader: Any, tag: str) -> str:
    return str(reader.GetMetaData(tag)).strip("\0 ") if reader.HasMetaDataKey(tag) else ""


# DICOM tags that may name the group of an image, or its class.
DICOM_TAGS = {
    "PatientID": "0010|0020",
    "PatientName": "0010|0010",
    "StudyInstanceUID": "0020|000d",
    "SeriesInstanceUID": "0020|000e",
    "AccessionNumber": "0008|0050",
    "StudyDate": "0008|0020",
    "InstitutionName": "0008|0080",
    "Modality": "0008|0060",
    "BodyPartExamined": "0018|0015",
    "ViewPosition": "0018|5101",
    "Laterality": "0020|0060",
    "ImageLaterality": "0020|0062",
    "PatientSex": "0010|0040",
    "StudyDescription": "0008|1030",
    "SeriesDescription": "0008|103e",
    "ManufacturerModelName": "0008|1090",
}


def dicom_tag(path: Path, keyword: str) -> str:
    """Return the value of a tag of a DICOM file, or of the first file of a folder; empty if the tag is missing.

    Parameters
    ----------
    path : Path
        A DICOM file, or a folder with a series.
    keyword : str
        A key of ``DICOM_TAGS``.

    Raises
    ------
    ValueError
        If it is not a DICOM file, or SimpleITK may decode it wrongly.
    """
    file = min(listed(path), key=_natural) if path.is_dir() else path
    return _tag(_check_dicom(require("SimpleITK"), file), DICOM_TAGS[keyword])


def _check_dicom(itk: Any, file: Path) -> Any:
    """Check a DICOM file, and return a reader that has read its header."""
    syntax = signatures.check_dicom(file)
    reader = itk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(file))
    reader.ReadImageInformation()
    bits = reader.GetMetaData("0028|0100") if reader.HasMetaDataKey("0028|0100") else ""
    channels = reader.GetNumberOfComponents()
    signatures.check_dicom_values(file, syntax, bits, [*reader.GetSize(), *([channels] * (channels > 1))])
    return reader


def _read_series(folder: Path, decoding: Decoding) -> Array:
    itk = require("SimpleITK")
    signatures.check_regular(folder)
    reader = itk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    series = reader.GetGDCMSeriesIDs(str(folder))
    if len(series) != 1:
        advice = ""
        if len(series) == len(listed(folder)):
            advice = ". Each file is an image of its own: use group_by_folder=True if the folder is a patient"
        raise ValueError(f"it has {len(series)} DICOM series, but a volume is one series{advice}")
    files = reader.GetGDCMSeriesFileNames(str(folder), series[0])
    headers = []
    for file in files:
        try:
            headers.append(_check_dicom(itk, Path(file)))
        except ValueError as error:
            raise ValueError(f"{Path(file).name}: {error}") from error
    reader.SetFileNames(files)
    # One window for all slices, so that equal values stay equal.
    return _windowed(_turned(itk, reader.Execute()), headers[len(headers) // 2], decoding)


def _turned(itk: Any, image: Any) -> Array:
    flat = image.GetDimension() == 3 and image.GetSize()[2] == 1
    if image.GetDimension() == 3 and not flat:
        image = itk.DICOMOrient(image, "LPS")
    voxels: Array = itk.GetArrayFromImage(image)
    return voxels[0] if flat else voxels
