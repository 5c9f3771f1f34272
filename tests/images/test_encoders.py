from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageSequence

from medmnist_np.images import FORMATS, encode
from medmnist_np.images.encoders import GRAY, RGB, VOLUME, find_format, kind_of

SIDES = st.integers(1, 9)
IMAGES = {
    GRAY: st.tuples(SIDES, SIDES),
    RGB: st.tuples(SIDES, SIDES, st.just(3)),
    VOLUME: st.tuples(st.integers(2, 9), SIDES, SIDES),
}
KINDS = st.sampled_from(sorted(IMAGES))


def pixels_of(data: bytes, kind: str) -> Any:
    """Read a file of pictures with Pillow, all frames of a volume."""
    with Image.open(io.BytesIO(data)) as image:
        mode = "RGB" if kind == RGB else "L"
        frames = [np.asarray(frame.convert(mode)) for frame in ImageSequence.Iterator(image)]
    return np.stack(frames) if kind == VOLUME else frames[0]


@st.composite
def pictures(draw: Any) -> tuple[Any, str]:
    kind = draw(KINDS)
    # Few values, so that neighbouring slices are often the same.
    values = draw(st.sampled_from([st.integers(0, 255), st.sampled_from([0, 255])]))
    return draw(arrays(np.uint8, draw(IMAGES[kind]), elements=values)), kind


@pytest.mark.parametrize("name", ["png", "tiff", "gif"])
@given(made=pictures())
def test_what_a_picture_format_keeps_is_read_back_the_same(name: str, made: tuple[Any, str]) -> None:
    image, kind = made
    if name in [one for one in FORMATS if _keeps(one, kind)]:
        assert np.array_equal(image, pixels_of(encode(image, name, kind), kind))


def _keeps(name: str, kind: str) -> bool:
    try:
        return kind in find_format(name, kind).keeps
    except ValueError:
        return False


@given(made=pictures())
def test_npy_is_read_back_the_same(made: tuple[Any, str]) -> None:
    image, kind = made
    assert np.array_equal(image, np.load(io.BytesIO(encode(image, "npy", kind))))


@pytest.mark.parametrize("shape", [(5, 4), (6, 5, 4)])
def test_nifti_is_read_back_the_same(shape: tuple[int, ...]) -> None:
    nibabel = pytest.importorskip("nibabel", reason="the extra nifti is not installed")
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    again = nibabel.Nifti1Image.from_bytes(encode(image, "nii", VOLUME if len(shape) == 3 else GRAY))
    assert np.uint8 == again.get_data_dtype()
    assert np.array_equal(image, np.asarray(again.dataobj))


def test_without_nibabel_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'medmnist-np\[nifti\]'"):
        encode(np.zeros((2, 2, 2), np.uint8), "nii", VOLUME)


def test_equal_slices_stay_frames_of_their_own() -> None:
    data = encode(np.zeros((28, 5, 4), np.uint8), "gif", VOLUME)
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 28
        assert image.info["duration"] == 200
        assert image.info["loop"] == 0


def test_a_single_image_in_gif_is_not_animated() -> None:
    with Image.open(io.BytesIO(encode(np.zeros((5, 4), np.uint8), "gif", GRAY))) as image:
        assert image.n_frames == 1
        assert "loop" not in image.info


@pytest.mark.parametrize(
    ("name", "kind", "shape"), [("jpg", GRAY, (64, 64)), ("jpg", RGB, (64, 64, 3)), ("gif", RGB, (64, 64, 3))]
)
def test_lossy_formats_say_so_and_come_close(name: str, kind: str, shape: tuple[int, ...]) -> None:
    smooth = np.broadcast_to(np.linspace(0, 255, 64).reshape(64, *[1] * (len(shape) - 1)), shape).astype(np.uint8)
    assert kind not in find_format(name, kind).keeps
    found = pixels_of(encode(smooth, name, kind), kind).astype(int)
    assert np.abs(found - smooth).max() <= 8


def test_real_images_and_volumes_are_read_back_the_same(real_archives: Any) -> None:
    for name, kind in (
        ("breastmnist", GRAY),
        ("retinamnist", RGB),
        ("adrenalmnist3d", VOLUME),
        ("adrenalmnist3d_64", VOLUME),
    ):
        with np.load(real_archives / f"{name}.npz") as archive:
            images = archive["val_images"][:10]
        for format_ in ("png", "tiff", "gif"):
            if _keeps(format_, kind):
                assert all(np.array_equal(image, pixels_of(encode(image, format_, kind), kind)) for image in images)


def test_an_array_in_another_order_is_written_as_it_looks() -> None:
    image = np.asfortranarray(np.arange(60, dtype=np.uint8).reshape(5, 4, 3))
    for name in ("png", "tiff"):
        assert np.array_equal(image, pixels_of(encode(image, name, RGB), RGB))
        assert np.array_equal(image[::-1, ::2], pixels_of(encode(image[::-1, ::2], name, RGB), RGB))
    volume = np.asfortranarray(np.arange(60, dtype=np.uint8).reshape(3, 5, 4))
    assert np.array_equal(volume, pixels_of(encode(volume, "gif", VOLUME), VOLUME))


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("png", VOLUME, "'png' cannot hold volumes. Supported for volumes: tiff, gif, npy, nii."),
        ("jpeg", VOLUME, "'jpeg' cannot hold volumes"),
        ("nii", RGB, "'nii' cannot hold RGB images. Supported for RGB images: png, jpg, tiff, gif, npy."),
        ("bmp", GRAY, "Unsupported format 'bmp'. Supported for gray images: png, jpg, tiff, gif, npy, nii."),
    ],
)
def test_the_error_for_an_unsuitable_format_lists_the_supported_ones(name: str, kind: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_format(name, kind)


def test_other_spellings_mean_the_same() -> None:
    assert find_format("jpeg", GRAY).name == "jpg"
    assert find_format("tif", GRAY).name == "tiff"


def test_other_dtypes_are_refused() -> None:
    with pytest.raises(ValueError, match="dtype float64, but uint8"):
        encode(np.zeros((2, 2)), "png", GRAY)


def test_the_kind_follows_from_axes_and_channels() -> None:
    assert kind_of(2, 1) == GRAY
    assert kind_of(2, 3) == RGB
    assert kind_of(3, 1) == VOLUME
