"""Gray and colour images, EXIF orientations, and the windows and tags of DICOM files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import medmnist_np as mm
from medmnist_np.builder import build
from medmnist_np.builder.image_files import Decoding, dicom_tag, is_series, orientation, read_image, read_mask
from medmnist_np.builder.labels import Ambiguous
from tests.builder.pictures import noise
from tests.builder.test_signatures import write_dicom

GRAY = [noise(number) for number in range(20)]
LABELS = [0, 1] * 10


def as_rgb(image: np.ndarray) -> np.ndarray:
    return np.dstack([image] * 3)


def stored(name: str, images: list[np.ndarray], **options: object) -> np.ndarray:
    build(name=name, images=images, labels=LABELS, splits=["train"] * 20, sizes=32, recipe="squeeze", **options)
    return mm.load(name, "train", size=32).images


# Channels


def test_rgb_images_with_equal_channels_are_gray_among_gray_images() -> None:
    images = [as_rgb(image) if number % 7 == 0 else image for number, image in enumerate(GRAY)]
    assert (stored("mixed", images) == np.stack(GRAY)).all()


def test_rgb_images_that_were_stored_as_gray_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medmnist_np.builder.preparation._CHUNK_ROWS", 2)
    images = [as_rgb(image) if number < 5 else image for number, image in enumerate(GRAY)]
    stored("mixed", images)
    assert "5 RGB images with three equal channels were stored as gray images." in mm.info("mixed").notes


def test_rgb_images_with_equal_channels_alone_stay_rgb() -> None:
    assert stored("equal", [as_rgb(image) for image in GRAY]).shape == (20, 32, 32, 3)


def test_colour_images_among_gray_ones_are_refused() -> None:
    images = [noise(99, (32, 32, 3)) if number == 3 else image for number, image in enumerate(GRAY)]
    message = "1 images are in colour, and 19 are gray. The first in colour is images[3]. Use channels='gray' or"
    with pytest.raises(ValueError, match=re.escape(message)):
        stored("mixed", images)


def test_colour_images_become_gray_as_in_pillow() -> None:
    images = [noise(number, (32, 32, 3)) for number in range(20)]
    expected = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in images])
    assert np.abs(stored("gray", images, channels="gray").astype(int) - expected).max() <= 1


def test_colour_images_that_became_gray_are_counted() -> None:
    stored("gray", [noise(number, (32, 32, 3)) for number in range(20)], channels="gray")
    assert "20 colour images were converted to gray (ITU-R BT.601)." in mm.info("gray").notes


def test_gray_images_become_rgb() -> None:
    assert (stored("rgb", GRAY, channels="rgb") == np.stack([as_rgb(image) for image in GRAY])).all()


# EXIF


def photo(path: Path, image: np.ndarray, orientation: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(image)
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(path, exif=exif)
    return path


# What a viewer shows, by the orientation in the file.
SHOWN = {
    1: lambda image: image,
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: image.T,
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(image, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", SHOWN)
def test_an_image_is_turned_as_its_exif_orientation_says(tmp_path: Path, orientation: int, suffix: str) -> None:
    image = noise(0, (12, 20))
    picture = image if suffix != "webp" else as_rgb(image)
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(path, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    found = read_image(path)
    assert np.array_equal(found if found.ndim == 2 else found[..., 0], SHOWN[orientation](image))


def test_the_exif_orientation_can_be_ignored(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png", GRAY[0], 6)
    assert np.array_equal(read_image(path, decoding=Decoding(exif="ignore")), GRAY[0])


def test_a_mask_is_turned_like_its_image(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png", GRAY[0], 6)
    assert np.array_equal(read_mask(path), np.rot90(GRAY[0], -1))


def test_turned_images_are_counted(tmp_path: Path) -> None:
    for number, image in enumerate(GRAY):
        photo(tmp_path / "ab"[number % 2] / f"{number:02}.png", image, 6 if number < 3 else 1)
    assert "3 images were turned as their EXIF orientation says." in build(tmp_path, name="photos").record.notes


def test_another_choice_for_exif_is_not_resumed_from_the_work_of_the_first(tmp_path: Path) -> None:
    for number, image in enumerate(GRAY):
        photo(tmp_path / "set" / "ab"[number % 2] / f"{number:02}.png", image, 6)
    options = {"recipe": "squeeze", "sizes": 32}
    turned = build(tmp_path / "set", name="turned", output=tmp_path / "1", **options)
    kept = build(tmp_path / "set", name="kept", output=tmp_path / "2", exif="ignore", **options)
    assert turned.record.archives[32].digest != kept.record.archives[32].digest


# DICOM


@pytest.fixture(autouse=True)
def _itk(request: pytest.FixtureRequest) -> None:
    if "dicom" in request.node.name:
        pytest.importorskip("SimpleITK", reason="reads DICOM files")


RAMP = np.arange(400, dtype=np.uint16).reshape(20, 20)


def test_a_dicom_window_is_that_of_the_standard(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", RAMP, window=(200, 100))
    # PS3.3, C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5) * 255, cut off at 0 and 255.
    expected = np.rint(np.clip(((RAMP - 199.5) / 99 + 0.5) * 255, 0, 255))
    assert np.array_equal(read_image(path, decoding=Decoding(window=True)), expected)


def test_a_dicom_file_with_high_values_dark_is_inverted(tmp_path: Path) -> None:
    usual = write_dicom(tmp_path / "a.dcm", RAMP, window=(200, 100))
    dark = write_dicom(tmp_path / "b.dcm", RAMP, window=(200, 100), photometric="MONOCHROME1")
    window = Decoding(window=True)
    assert np.array_equal(read_image(dark, decoding=window), 255 - read_image(usual, decoding=window))


def test_a_dicom_file_with_high_values_dark_and_a_rescaling_is_inverted(tmp_path: Path) -> None:
    rescale = (-1024, 2)
    usual = write_dicom(tmp_path / "a.dcm", RAMP, window=(-600, 300), rescale=rescale)
    dark = write_dicom(tmp_path / "b.dcm", RAMP, window=(-600, 300), rescale=rescale, photometric="MONOCHROME1")
    window = Decoding(window=True)
    assert np.array_equal(read_image(dark, decoding=window), 255 - read_image(usual, decoding=window))


def test_a_dicom_file_of_8_bits_with_high_values_dark_is_inverted(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", GRAY[0], photometric="MONOCHROME1")
    assert np.array_equal(read_image(path), 255 - GRAY[0])


def test_a_dicom_file_with_high_values_dark_needs_its_window(tmp_path: Path) -> None:
    dark = write_dicom(tmp_path / "b.dcm", RAMP, photometric="MONOCHROME1")
    with pytest.raises(
        ValueError, match=re.escape("it is MONOCHROME1, where high values are dark: use window='dicom'")
    ):
        read_image(dark)


def test_a_dicom_file_without_a_window_is_refused(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", RAMP)
    with pytest.raises(ValueError, match=re.escape("it has no window (WindowCenter and WindowWidth)")):
        read_image(path, decoding=Decoding(window=True))


def test_a_dicom_tag_is_read(tmp_path: Path) -> None:
    assert dicom_tag(write_dicom(tmp_path / "a.dcm", RAMP, patient="p7"), "PatientID") == "p7"


def test_a_dicom_tag_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert dicom_tag(write_dicom(tmp_path / "a.dcm", RAMP), "PatientID") == ""


def test_dicom_files_of_one_series_each_are_not_a_volume(tmp_path: Path) -> None:
    for number in range(3):
        write_dicom(tmp_path / "patient" / f"{number}.dcm", RAMP, series=f"1.2.{number}")
    with pytest.raises(
        ValueError, match=re.escape("it has 3 DICOM series, but a volume is one series. Each file is an")
    ):
        read_image(tmp_path / "patient")


def test_patients_of_dicom_files_are_kept_in_one_split(tmp_path: Path) -> None:
    for number, image in enumerate(GRAY):
        write_dicom(tmp_path / "ab"[number % 2] / f"{number}.dcm", image, patient=f"p{number // 4}")
    build(tmp_path, name="scans", group_by="PatientID", ratio=(1, 1))
    train, test = (set(mm.Dataset("scans", split=split).groups) for split in ("train", "test"))
    assert train & test == set()


def test_a_dicom_tag_as_group_needs_dicom_files(tmp_path: Path) -> None:
    for number, image in enumerate(GRAY):
        photo(tmp_path / "ab"[number % 2] / f"{number:02}.png", image, 1)
    with pytest.raises(ValueError, match=r"00\.png: it is not a DICOM file.*group_by='PatientID' needs DICOM files"):
        build(tmp_path, name="scans", group_by="PatientID")


def test_a_folder_of_dicom_files_of_one_series_each_is_not_a_series(tmp_path: Path) -> None:
    for number in range(3):
        write_dicom(tmp_path / "patient" / f"{number}.dcm", RAMP, series=f"1.2.{number}")
    assert not is_series(tmp_path / "patient")


def test_a_folder_of_dicom_files_of_one_series_is_a_series(tmp_path: Path) -> None:
    for number in range(3):
        write_dicom(tmp_path / "patient" / f"{number}.dcm", RAMP, series="1.2.3")
    assert is_series(tmp_path / "patient")


def test_dicom_images_in_folders_of_studies_are_images_of_their_patient(tmp_path: Path) -> None:
    for number, image in enumerate(GRAY):
        study = tmp_path / "ab"[number % 2] / f"p{number // 4}" / "study"
        write_dicom(study / f"{number}.dcm", image, series=f"1.2.{number}")
    built = build(tmp_path, name="scans", group_by_folder=True, ratio=(1, 1))
    assert built.record.ndim == 2
    assert sum(built.record.n_samples.values()) == 20


def test_a_dicom_tag_gives_the_classes(tmp_path: Path) -> None:
    for number, image in enumerate(GRAY):
        write_dicom(tmp_path / f"study{number // 4}" / f"{number}.dcm", image, patient="ab"[number % 2])
    build(tmp_path, name="scans", label="PatientID", recipe="squeeze", sizes=32)
    assert mm.info("scans").class_names == ("a", "b")
    assert sum(mm.info("scans").n_samples.values()) == 20


def test_a_dicom_tag_as_class_needs_dicom_files(tmp_path: Path) -> None:
    photo(tmp_path / "a.png", GRAY[0], 1)
    with pytest.raises(ValueError, match=r"a\.png: it is not a DICOM file.*label='PatientID' needs DICOM files"):
        build(tmp_path, name="scans", label="PatientID")


def test_a_class_that_no_dicom_file_states_is_refused(tmp_path: Path) -> None:
    for number, image in enumerate(GRAY):
        write_dicom(tmp_path / f"{number:02}.dcm", image, patient="ab"[number % 2] if number else "")
    with pytest.raises(ValueError, match=r"00\.dcm has no label"):
        build(tmp_path, name="scans", label="PatientID")


# Palettes


def test_a_palette_of_gray_colours_gives_a_gray_image(tmp_path: Path) -> None:
    Image.fromarray(GRAY[0]).convert("P").save(tmp_path / "a.png")
    assert np.array_equal(GRAY[0], read_image(tmp_path / "a.png"))


# Choices


@pytest.mark.parametrize("wrong", [{"channels": "cmyk"}, {"exif": "yes"}])
def test_an_unknown_choice_lists_the_known_ones(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="Available: "):
        stored("gray", GRAY, **wrong)


def test_a_mixture_names_both_readings() -> None:
    images = [noise(99, (32, 32, 3)) if number == 3 else image for number, image in enumerate(GRAY)]
    with pytest.raises(Ambiguous) as caught:
        stored("mixed", images)
    assert caught.value.readings == ({"channels": "gray"}, {"channels": "rgb"})


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # from Pillow
def test_damaged_exif_data_means_upright(tmp_path: Path) -> None:
    Image.fromarray(GRAY[0]).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert orientation(tmp_path / "a.jpg") == 1


def test_volumes_in_nifti_files_are_built(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="reads NIfTI files")
    for number in range(20):
        path = tmp_path / "ab"[number % 2] / f"{number}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(noise(number, (8, 8, 8)), np.eye(4)), path)
    assert build(tmp_path, name="organs", sizes=8).record.ndim == 3
