"""What is refused by its first bytes or its header, before a reader of its format opens it."""

from __future__ import annotations

import gzip
import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.builder import build
from medmnist_np.builder.image_files import read_image, read_mask
from medmnist_np.builder.signatures import check_room
from medmnist_np.data.identifiers import attach_ids
from medmnist_np.data.registration import register
from medmnist_np.evaluation import read_scores
from tests.builder.pictures import folder_per_class, noise, save

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\n4 4 scale\nshowpage\n"


# Formats


@pytest.mark.parametrize("read", [read_image, read_mask])
@pytest.mark.parametrize(
    "content", [EPS, b"\xc5\xd0\xd3\xc6" + EPS, b"", b"no image"], ids=["eps", "dos", "empty", "text"]
)
def test_only_listed_formats_are_opened(tmp_path: Path, read, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"not in a supported format\. Supported: PNG, JPEG"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "bmp", "gif", "webp", "jp2", "pgm"])
def test_a_picture_is_recognised_by_its_content(tmp_path: Path, ending: str) -> None:
    path = save(tmp_path / f"a.{ending}", np.full((32, 32), 7, np.uint8))
    assert read_image(path.rename(tmp_path / "picture.dat")).shape[:2] == (32, 32)


def test_a_mask_in_a_format_that_changes_values_is_refused(tmp_path: Path) -> None:
    for ending, name in (("jpg", "JPEG"), ("webp", "WEBP"), ("jp2", "JPEG2000")):
        with pytest.raises(ValueError, match=f"it is a {name} file, which may change values"):
            read_mask(save(tmp_path / f"a.{ending}", np.zeros((32, 32), np.uint8)))


# Pipes and devices


@pytest.fixture(params=["pipe", "device"])
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A pipe into which nobody writes, or a link to a device that never ends."""
    path = tmp_path / "special"
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    if request.param == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    return path


@pytest.mark.timeout(60)
def test_pipes_and_devices_are_never_opened(tmp_path: Path, special: Path) -> None:
    for ending in ("png", "npy", "nii", "mha", "dcm"):
        path = tmp_path / f"a.{ending}"
        path.symlink_to(special)
        with pytest.raises(OSError, match="a pipe, a socket or a device"):
            read_image(path)
    with pytest.raises(OSError, match="a pipe, a socket or a device"):
        read_mask(special)
    with pytest.raises(OSError, match="a pipe, a socket or a device"):
        build(special, name="moles")
    with pytest.raises(OSError, match="a pipe, a socket or a device"):
        attach_ids("breastmnist", special)
    with pytest.raises(OSError, match="a pipe, a socket or a device"):
        read_scores(special)
    with pytest.raises(ValueError, match="a pipe, a socket or a device"):
        register(special)


@pytest.mark.timeout(60)
def test_a_pipe_among_images_is_left_out(tmp_path: Path, special: Path) -> None:
    folder = folder_per_class(tmp_path / "images")
    (folder / "benign" / "pipe.png").symlink_to(special)
    built = build(folder, name="moles", skip_bad=True)
    assert [str(folder / "benign" / "pipe.png")] == [where for where, _ in built.skipped]


@pytest.mark.timeout(60)
def test_a_pipe_in_a_dicom_series_is_not_opened(tmp_path: Path, special: Path) -> None:
    pytest.importorskip("SimpleITK", reason="reads DICOM files")
    write_dicom(tmp_path / "scan" / "1.dcm", np.ones((4, 4), np.uint16))
    (tmp_path / "scan" / "2.dcm").symlink_to(special)
    with pytest.raises(ValueError, match=r"contains 2\.dcm, which is a pipe, a socket or a device"):
        read_image(tmp_path / "scan")


# MetaImage

META = "ObjectType = Image\nNDims = 2\nDimSize = 4 3\nElementType = MET_UCHAR\nElementDataFile = {}\n"
SECRET = np.arange(12, dtype=np.uint8)


@pytest.fixture
def itk() -> object:
    return pytest.importorskip("SimpleITK", reason="reads MetaImage and DICOM files")


@pytest.mark.parametrize("data", ["voxels.raw", "inner/voxels.raw"])
def test_a_metaimage_header_may_name_a_file_in_its_folder(tmp_path: Path, itk, data: str) -> None:
    (tmp_path / data).parent.mkdir(exist_ok=True)
    (tmp_path / data).write_bytes(SECRET)
    (tmp_path / "a.mhd").write_text(META.format(data))
    assert SECRET.tolist() == read_image(tmp_path / "a.mhd").ravel().tolist()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (META.format("{absolute}"), "which is not in its folder"),
        (META.format("../secret.raw"), "which is not in its folder"),
        (META.format("inner/../../secret.raw"), "which is not in its folder"),
        (META.format("C:\\secret.raw"), "which is not in its folder"),
        (META.format("LIST\n../secret.raw"), "names several data files"),
        (META.format("../secret%d.raw 1 1 1"), "names several data files"),
        (META.replace("ObjectType", "ElementDataFileX = ../secret.raw\nObjectType").format("LOCAL"), "does not start"),
        (META.replace("NDims", "elementdatafile = ../secret.raw\nNDims").format("LOCAL"), "does not start"),
        (META.replace("NDims", f"Comment = {'c' * 600}\nNDims").format("LOCAL"), "does not start"),
        (META.replace("NDims", "ElementDataFile: ../secret.raw\nNDims").format("LOCAL"), "does not start"),
        (META.format("voxels.raw").replace("4 3", "4"), "DimSize|voxels"),
        (META.format("voxels.raw").replace("4 3", "40000 30000"), "more than the file can hold"),
    ],
)
def test_a_metaimage_header_that_leads_elsewhere_is_refused(tmp_path: Path, itk, header: str, message: str) -> None:
    folder = tmp_path / "images"
    (folder / "inner").mkdir(parents=True)
    for path in (tmp_path / "secret.raw", tmp_path / "secret1.raw", folder / "voxels.raw"):
        path.write_bytes(SECRET)
    (folder / "a.mhd").write_text(header.replace("{absolute}", str(tmp_path / "secret.raw")))
    with pytest.raises(ValueError, match=message):
        read_image(folder / "a.mhd")


def test_a_compressed_metaimage_is_read(tmp_path: Path, itk) -> None:
    image = itk.GetImageFromArray(np.zeros((30, 20, 10), np.int16))
    itk.WriteImage(image, str(tmp_path / "a.mha"), useCompression=True)
    assert read_image(tmp_path / "a.mha").shape == (30, 20, 10)


# Headers that claim too much


def nifti(shape: tuple[int, int, int]) -> bytes:
    nibabel = pytest.importorskip("nibabel", reason="reads NIfTI files")
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.float64)
    header.set_data_shape(shape)
    header["magic"], header["vox_offset"] = b"n+1", 352
    return bytes(header.binaryblock) + bytes(4 + 64)


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    head = struct.pack(">II", width, height) + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


def npy(shape: tuple[int, ...]) -> bytes:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.png", "a.npy", "a.mha"])
def test_an_enormous_size_is_refused_by_name_and_can_be_left_out(tmp_path: Path, name: str) -> None:
    content = {
        "a.nii": lambda: nifti((32767, 32767, 32767)),
        "a.nii.gz": lambda: gzip.compress(nifti((32767, 32767, 32767))),
        "a.png": lambda: png(12_000, 12_000),
        "a.npy": lambda: npy((100_000, 100_000, 1000)),
        "a.mha": lambda: META.replace("4 3", "99999 99999").format("LOCAL").encode(),
    }[name]()
    if name == "a.mha":
        pytest.importorskip("SimpleITK", reason="reads MetaImage files")
    folder = folder_per_class(tmp_path / "images")
    (folder / "benign" / name).write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"{folder / 'benign' / name}: ")):
        build(folder, name="moles")
    built = build(folder, name="moles", skip_bad=True)
    assert [str(folder / "benign" / name)] == [where for where, _ in built.skipped]
    assert sum(mm.info("moles").n_samples.values()) == 20


def test_more_than_the_memory_of_this_machine_is_refused() -> None:
    with pytest.raises(ValueError, match=r"4294967296 x 4294967296 values .*more than the memory of this machine"):
        check_room((1 << 32, 1 << 32), 1)


def test_a_lack_of_memory_names_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        raise MemoryError("12 GB")

    monkeypatch.setattr("medmnist_np.builder.preparation.read_image", read)
    with pytest.raises(MemoryError, match=r"images\[0\]: 12 GB"):
        build(name="moles", images=[noise(number) for number in range(12)], labels=[0, 1] * 6)


# DICOM

EXPLICIT, BIG, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5"


def write_dicom(
    path: Path,
    image: np.ndarray,
    syntax: str = EXPLICIT,
    *,
    patient: str = "",
    series: str = "1.2.3.4",
    window: tuple[int, int] | None = None,
    photometric: str = "MONOCHROME2",
    rescale: tuple[int, int] | None = None,
) -> Path:
    """Write an image with explicit types, in the byte order of the transfer syntax, not compressed.

    ``window`` is its centre and width, and ``rescale`` the intercept and the slope.
    """

    def element(order: str, group: int, number: int, kind: bytes, value: bytes) -> bytes:
        value += (b"\0" if kind == b"UI" else b" ") * (len(value) % 2)
        length = struct.pack(f"{order}HI", 0, len(value)) if kind == b"OW" else struct.pack(f"{order}H", len(value))
        return struct.pack(f"{order}HH", group, number) + kind + length + value

    bits = image.dtype.itemsize * 8
    storage, uid = b"1.2.840.10008.5.1.4.1.1.7", series.encode()
    order = ">" if syntax == BIG else "<"
    meta = (
        element("<", 2, 2, b"UI", storage)
        + element("<", 2, 3, b"UI", uid)
        + element("<", 2, 16, b"UI", syntax.encode())
    )
    content = element(order, 8, 0x16, b"UI", storage) + element(order, 8, 0x18, b"UI", uid)
    if patient:
        content += element(order, 0x10, 0x20, b"LO", patient.encode())
    content += element(order, 0x20, 0xE, b"UI", uid)
    numbers = {2: 1, 0x10: image.shape[0], 0x11: image.shape[1], 0x100: bits, 0x101: bits, 0x102: bits - 1, 0x103: 0}
    for number, value in numbers.items():
        content += element(order, 0x28, number, b"US", struct.pack(f"{order}H", value))
        if number == 2:
            content += element(order, 0x28, 4, b"CS", photometric.encode())
    texts = dict(zip((0x1050, 0x1051), window or (), strict=False)) | dict(
        zip((0x1052, 0x1053), rescale or (), strict=False)
    )
    for number, limit in texts.items():
        content += element(order, 0x28, number, b"DS", str(limit).encode())
    content += element(order, 0x7FE0, 0x10, b"OW", image.astype(image.dtype.newbyteorder(order)).tobytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(128) + b"DICM" + element("<", 2, 0, b"UL", struct.pack("<I", len(meta))) + meta + content)
    return path


@pytest.mark.parametrize("name", ["a.dcm", "IM0001"])
@pytest.mark.parametrize(("syntax", "dtype"), [(EXPLICIT, "u2"), (EXPLICIT, "u4"), (BIG, "u2")])
def test_dicom_in_a_known_transfer_syntax_is_read(tmp_path: Path, itk, syntax: str, dtype: str, name: str) -> None:
    image = np.arange(20, dtype=dtype).reshape(5, 4) * 3000
    assert image.tolist() == read_image(write_dicom(tmp_path / name, image, syntax)).tolist()


@pytest.mark.parametrize(("syntax", "dtype"), [(BIG, "u4"), (RLE, "u2"), (RLE, "u4"), ("1.2.840.10008.1.2.4.51", "u2")])
def test_dicom_that_may_be_decoded_wrongly_is_refused(tmp_path: Path, itk, syntax: str, dtype: str) -> None:
    image = np.arange(20, dtype=dtype).reshape(5, 4) * 3000
    with pytest.raises(ValueError, match=r"transfer syntax.*which may be decoded wrongly"):
        read_image(write_dicom(tmp_path / "a.dcm", image, syntax))
    with pytest.raises(ValueError, match=r"a\.dcm: .*which may be decoded wrongly"):
        read_image(write_dicom(tmp_path / "scan" / "a.dcm", image, syntax).parent)


def test_a_dicom_file_that_states_no_transfer_syntax_is_refused(tmp_path: Path, itk) -> None:
    with pytest.raises(ValueError, match="its transfer syntax is not stated"):
        read_image(write_dicom(tmp_path / "a.dcm", np.ones((4, 4), np.uint8), ""))


def test_a_dicom_file_without_its_signature_is_refused(tmp_path: Path, itk) -> None:
    path = write_dicom(tmp_path / "a.dcm", np.ones((4, 4), np.uint8))
    path.write_bytes(path.read_bytes()[132:])
    with pytest.raises(ValueError, match="not in a supported format"):
        read_image(path)
