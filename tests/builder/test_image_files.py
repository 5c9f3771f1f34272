from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medmnist_np.builder.image_files import Decoding, is_volume, read_image
from tests.builder.pictures import noise, save

RGB = noise(0, (5, 4, 3))
GRAY = noise(1, (5, 4))
DEEP = np.arange(20, dtype=np.uint16).reshape(5, 4) * 3000
FLOAT = DEEP.astype(np.float32) / 7


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
@pytest.mark.parametrize("image", [RGB, GRAY], ids=["rgb", "gray"])
def test_images_come_as_they_are_stored(tmp_path: Path, image, suffix: str) -> None:
    found = read_image(save(tmp_path / f"a.{suffix}", image))
    assert np.uint8 == found.dtype
    assert np.array_equal(image, found)


@pytest.mark.parametrize(
    ("image", "suffix"), [(DEEP, "png"), (DEEP, "tif"), (FLOAT, "tif"), (DEEP, "npy"), (FLOAT - 900, "npy")]
)
def test_deep_values_are_not_scaled(tmp_path: Path, image, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, image)
    else:
        save(path, image)
    found = read_image(path)
    assert np.array_equal(image, found)


def test_a_jpeg_is_read(tmp_path: Path) -> None:
    assert read_image(save(tmp_path / "a.jpg", RGB)).shape == (5, 4, 3)


def test_modes_that_lose_nothing_are_converted(tmp_path: Path) -> None:
    Image.fromarray(GRAY > 99).save(tmp_path / "1.png")
    assert np.array_equal(np.where(GRAY > 99, 255, 0), read_image(tmp_path / "1.png"))
    for mode in ("P", "RGBA"):
        Image.fromarray(RGB // 64 * 64).convert(mode).save(tmp_path / f"{mode}.png")
        assert read_image(tmp_path / f"{mode}.png").shape == (5, 4, 3)
    Image.fromarray(GRAY).convert("LA").save(tmp_path / "LA.png")
    assert np.array_equal(GRAY, read_image(tmp_path / "LA.png"))


def test_pages_of_a_tiff_are_a_volume(tmp_path: Path) -> None:
    pages = [noise(number, (6, 5)) for number in range(4)]
    first, *rest = map(Image.fromarray, pages)
    first.save(tmp_path / "a.tif", save_all=True, append_images=rest)
    assert np.array_equal(np.stack(pages), read_image(tmp_path / "a.tif"))
    assert is_volume(read_image(tmp_path / "a.tif"))


def test_a_folder_of_slices_is_a_volume_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        save(tmp_path / "scan" / f"slice-{number}.png", np.full((6, 5), number, np.uint8))
    assert read_image(tmp_path / "scan", decoding=Decoding(slices=True))[:, 0, 0].tolist() == [1, 2, 10]


def test_a_folder_of_images_is_not_a_volume_unless_slices_is_true(tmp_path: Path) -> None:
    save(tmp_path / "scan" / "1.png", GRAY)
    with pytest.raises(ValueError, match=r"it is a folder.*slices=True"):
        read_image(tmp_path / "scan")


def test_an_axis_of_one_channel_is_dropped(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", GRAY[..., None])
    assert read_image(tmp_path / "a.npy").shape == (5, 4)
    np.save(tmp_path / "b.npy", np.zeros((4, 5, 6, 1), np.uint8))
    assert read_image(tmp_path / "b.npy", 2).shape == (5, 6)


def png_of_16_bits_in_colour() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    head = (1).to_bytes(4) * 2 + bytes([16, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(7))) + chunk(b"IEND", b"")


def test_what_would_lose_values_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.png").write_bytes(png_of_16_bits_in_colour())
    with pytest.raises(ValueError, match="16 bits per colour channel"):
        read_image(tmp_path / "deep.png")
    wide = save(tmp_path / "wide.tif", noise(3, (2, 1616, 3)))  # a number that a row of it takes is no depth
    assert read_image(wide).shape == (2, 1616, 3)
    alpha = np.dstack([RGB, np.full((5, 4), 200, np.uint8)])
    with pytest.raises(ValueError, match="it is partly transparent"):
        read_image(save(tmp_path / "alpha.png", alpha))
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "cmyk.tif")
    with pytest.raises(ValueError, match="its pixels have mode CMYK"):
        read_image(tmp_path / "cmyk.tif")
    frames = [Image.fromarray(noise(number)) for number in range(2)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="GIF file with several frames"):
        read_image(tmp_path / "a.gif")


@pytest.mark.parametrize("array", [np.zeros(4), np.zeros((0, 3)), np.zeros((2, 2), complex), np.zeros((2, 2, 2, 2))])
def test_arrays_that_are_not_images_are_refused(tmp_path: Path, array) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ValueError, match=re.escape(str(array.shape))):
        read_image(tmp_path / "a.npy")


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="Python objects"):
        read_image(tmp_path / "a.npy")


def test_slices_of_two_sizes_are_no_volume(tmp_path: Path) -> None:
    save(tmp_path / "scan" / "1.png", GRAY)
    save(tmp_path / "scan" / "2.png", noise(2))
    with pytest.raises(ValueError, match="not gray slices of the same size"):
        read_image(tmp_path / "scan", decoding=Decoding(slices=True))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="an empty folder"):
        read_image(tmp_path / "empty")


# Volumes that say how they lie in the body. In these the voxel at the feet, the front and the right is 1, and the next
# voxels to the head, the back and the left are 2, 3 and 4.

BODY = np.zeros((3, 4, 5), dtype=np.int16)  # feet to head, front to back, right to left
BODY[0, 0, 0], BODY[1, 0, 0], BODY[0, 1, 0], BODY[0, 0, 1] = 1, 2, 3, 4


@pytest.mark.parametrize("right", [1, -1])
@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_nifti_is_turned_as_radiologists_look_at_it(tmp_path: Path, right: int, suffix: str) -> None:
    nibabel = pytest.importorskip("nibabel", reason="reads NIfTI files")
    # In NIfTI x grows to the left of the picture, that is, to the right of the body, and y to the front.
    voxels = BODY.T[::-1, ::-1] if right == 1 else BODY.T[:, ::-1]
    image = nibabel.Nifti1Image(voxels, np.diag([right, 1, 1, 1]))
    nibabel.save(image, tmp_path / f"a.{suffix}")
    assert np.array_equal(BODY, read_image(tmp_path / f"a.{suffix}"))


@pytest.mark.parametrize("more", [(1,), (1, 1)])
def test_further_axes_of_nifti_of_length_1_do_not_keep_it_from_being_turned(
    tmp_path: Path, more: tuple[int, ...]
) -> None:
    nibabel = pytest.importorskip("nibabel", reason="reads NIfTI files")
    voxels = BODY.T[::-1, ::-1]
    nibabel.save(nibabel.Nifti1Image(voxels.reshape(*voxels.shape, *more), np.eye(4)), tmp_path / "a.nii.gz")
    assert np.array_equal(BODY, read_image(tmp_path / "a.nii.gz"))


@pytest.mark.parametrize("flip", [False, True])
def test_metaimage_is_turned_as_radiologists_look_at_it(tmp_path: Path, flip: bool) -> None:
    itk = pytest.importorskip("SimpleITK", reason="reads MetaImage and DICOM files")
    image = itk.GetImageFromArray(BODY[:, :, ::-1] if flip else BODY)
    image.SetDirection([-1 if flip else 1, 0, 0, 0, 1, 0, 0, 0, 1])
    itk.WriteImage(image, str(tmp_path / "a.mha"))
    assert np.array_equal(BODY, read_image(tmp_path / "a.mha"))


def test_both_readers_turn_a_volume_alike(tmp_path: Path) -> None:
    pytest.importorskip("nibabel", reason="reads NIfTI files")
    itk = pytest.importorskip("SimpleITK", reason="reads MetaImage and DICOM files")
    image = itk.GetImageFromArray(BODY)
    image.SetDirection([0, 1, 0, -1, 0, 0, 0, 0, -1])
    for suffix in ("nii.gz", "mha"):
        itk.WriteImage(image, str(tmp_path / f"a.{suffix}"))
    assert np.array_equal(read_image(tmp_path / "a.mha"), read_image(tmp_path / "a.nii.gz"))


def write_dicom_series(itk, folder: Path) -> None:
    folder.mkdir()
    writer = itk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for position in range(3):
        slice_ = itk.GetImageFromArray(BODY[position])
        for tag, value in {
            "0008|0060": "CT",
            "0020|000e": "1.2.3.4",
            "0020|0032": f"0\\0\\{position}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0020|0013": str(position),
        }.items():
            slice_.SetMetaData(tag, value)
        # Names in another order than positions.
        writer.SetFileName(str(folder / f"{9 - position}.dcm"))
        writer.Execute(slice_)


def test_a_dicom_series_is_put_in_the_order_of_its_positions(tmp_path: Path) -> None:
    itk = pytest.importorskip("SimpleITK", reason="reads MetaImage and DICOM files")
    write_dicom_series(itk, tmp_path / "scan")
    assert np.array_equal(BODY, read_image(tmp_path / "scan"))
    assert np.array_equal(BODY[2], read_image(tmp_path / "scan" / "7.dcm"))


def test_a_reader_that_is_not_installed_is_named_with_its_extra(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    with pytest.raises(ModuleNotFoundError, match=re.escape("NIfTI files need NiBabel")) as caught:
        read_image(tmp_path / "a.nii")
    assert "pip install 'medmnist-np[nifti]'" in str(caught.value)
