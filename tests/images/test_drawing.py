from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medmnist_np._sequences import Joined
from medmnist_np.images import Picture, choose, draw
from medmnist_np.images.captions import CAPTION_HEIGHT
from medmnist_np.images.encoders import GRAY, RGB, VOLUME
from medmnist_np.images.grid import EMPTY

PLACES = np.array([[4, 0, 2], [1, EMPTY, 4]])
SHAPES = {GRAY: (5, 4, 6), RGB: (5, 4, 6, 3), VOLUME: (5, 7, 4, 6)}


def images_of(kind: str) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, SHAPES[kind], dtype=np.uint8)


def place_of(picture: Picture, row: int, column: int, step: int = 4) -> np.ndarray:
    pixels = picture.array if picture.animated else picture.array[np.newaxis]
    cut = pixels[:, row * step : row * step + 4, column * 6 : column * 6 + 6]
    return cut if picture.animated else cut[0]


@pytest.mark.parametrize("kind", [GRAY, RGB, VOLUME])
def test_each_sample_is_in_its_place(kind: str) -> None:
    images = images_of(kind)
    picture = draw(images, PLACES, kind)
    assert kind == picture.kind
    for (row, column), place in np.ndenumerate(PLACES):
        expected = np.zeros_like(images[0]) if place == EMPTY else images[place]
        assert np.array_equal(expected, place_of(picture, row, column))


def test_flattened_volumes_are_still() -> None:
    volumes = images_of(VOLUME)
    picture = draw(volumes, PLACES, VOLUME, view="projection")
    assert picture.kind == GRAY
    assert picture.animated is False
    assert np.array_equal(volumes[4].max(axis=0), place_of(picture, 0, 0))
    assert place_of(picture, 1, 1).sum() == 0


@pytest.mark.parametrize("kind", [GRAY, RGB, VOLUME])
def test_joined_splits_are_drawn_as_one(kind: str) -> None:
    images = images_of(kind)
    joined = Joined([images[:2], images[2:]])
    assert np.array_equal(draw(images, PLACES, kind).array, draw(joined, PLACES, kind).array)


@pytest.mark.parametrize("kind", [GRAY, RGB, VOLUME])
def test_captions_stand_below_the_images_and_the_legend_at_the_bottom(kind: str) -> None:
    images = np.repeat(np.repeat(images_of(kind), 5, axis=-3 if kind == RGB else -2), 6, axis=-2 if kind == RGB else -1)
    labels = np.array([[0], [1], [0], [1], [0]])
    plain = draw(images, PLACES, kind).array
    picture = draw(images, PLACES, kind, labels=labels, class_names=["all's well", "not so"]).array
    rows = -3 if kind == RGB else -2
    with_captions, without = (np.moveaxis(array, rows, 0) for array in (picture, plain))
    step = 20 + CAPTION_HEIGHT
    assert len(with_captions) > 2 * step
    for row in range(2):
        assert np.array_equal(without[20 * row : 20 * row + 20], with_captions[step * row : step * row + 20])
        assert with_captions[step * row + 20 : step * (row + 1)].any()
    assert with_captions[2 * step :].any()


def test_findings_that_do_not_fit_are_left_out() -> None:
    many = np.ones((1, 14), np.uint8)
    picture = draw(np.zeros((1, 28, 28), np.uint8), np.array([[0]]), GRAY, labels=many, class_names=["x"] * 14)
    assert picture.array.shape[1] == 28


@pytest.mark.parametrize("kind", [GRAY, RGB, VOLUME])
def test_the_legend_of_a_narrow_picture_is_whole(kind: str) -> None:
    down, right = (-3, -2) if kind == RGB else (-2, -1)
    names = ["short", "a name that is much longer than the picture is wide"]

    def ink(width: int) -> int:
        """Count the pixels of the two lines at the bottom."""
        shape = np.array(SHAPES[kind])
        shape[right] = width
        labels = np.zeros((5, 1), np.uint8)
        picture = draw(np.zeros(shape, np.uint8), PLACES, kind, labels=labels, class_names=names).array
        below = np.moveaxis(picture, down, 0)[2 * (4 + CAPTION_HEIGHT) :]
        return np.count_nonzero(below)

    assert ink(6) == ink(110) > 0


@pytest.mark.parametrize(
    ("kind", "view", "message"), [(GRAY, "middle", "these are gray images"), (VOLUME, "top", "Unknown view 'top'")]
)
def test_a_wrong_view_is_refused(kind: str, view: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(images_of(kind), PLACES, kind, view=view)


@pytest.mark.parametrize("n", [500, 50_000])
def test_memory_does_not_depend_on_the_size_of_the_set(n: int, tmp_path: Path) -> None:
    np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.uint8, (n, 28, 28)).flush()
    images = np.asarray(np.load(tmp_path / "images.npy", mmap_mode="r"))
    draw(images, choose(range(n), 20, 20), GRAY)
    tracemalloc.start()
    try:
        picture = draw(images, choose(range(n), 20, 20), GRAY)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 2.2 * picture.array.nbytes


# Picture


def test_a_picture_is_an_array_and_an_image() -> None:
    array = images_of(RGB)[0]
    picture = Picture(array)
    assert np.asarray(picture) is array
    assert np.array(picture) is not array
    assert np.float32 == np.asarray(picture, dtype=np.float32).dtype
    assert np.array_equal(array, np.asarray(picture.image))
    assert len(picture.frames) == 1


def test_the_frames_of_an_animated_picture_are_its_slices() -> None:
    frames = images_of(VOLUME)[0]
    picture = Picture(frames, animated=True)
    assert np.array_equal(frames, np.stack([np.asarray(frame) for frame in picture.frames]))
    assert np.array_equal(frames[3], np.asarray(picture.image))


@pytest.mark.parametrize("ending", ["png", "tiff", "tif", "PNG", "gif"])
def test_a_saved_picture_is_read_back(ending: str, tmp_path: Path) -> None:
    picture = Picture(images_of(GRAY)[0])
    path = picture.save(tmp_path / "new" / f"picture.{ending}")
    with Image.open(path) as image:
        assert np.array_equal(picture.array, np.asarray(image.convert("L")))


@pytest.mark.skipif(os.name != "posix", reason="the size of files is limited by a shell")
@pytest.mark.parametrize("ending", ["png", "npy"])
def test_a_full_disk_leaves_the_picture_that_was_there(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{ending}"
    path.write_bytes(b"before")
    code = (
        "import sys, numpy as np; from medmnist_np.images import Picture\n"
        "Picture(np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)).save(sys.argv[1])"
    )
    shell = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", sys.executable, "-c", code, str(path)]
    done = subprocess.run(shell, check=False, capture_output=True, encoding="utf-8")  # noqa: S603
    assert "File too large" in done.stderr
    assert [path] == list(tmp_path.iterdir())
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("picture", "has no file extension. Supported: tiff, gif, npy, nii"),
        ("picture.png", r"cannot hold volumes\. Supported for volumes: tiff, gif, npy, nii"),
        ("picture.webp", r"Unsupported format 'webp'\. Supported for volumes: tiff, gif, npy, nii"),
    ],
)
def test_an_animated_picture_needs_a_format_with_frames(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        Picture(images_of(VOLUME)[0], animated=True).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("animated", "name"), [(False, "png"), (True, "gif")])
def test_a_notebook_shows_it(animated: bool, name: str) -> None:
    array = images_of(VOLUME)[0]
    picture = Picture(array if animated else array[0], animated)
    head, _, data = picture.data_uri().partition(",")
    assert f"data:image/{name};base64" == head
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == (6, 4)
    assert picture.data_uri() in picture._repr_html_()


def test_its_repr_says_how_large_it_is() -> None:
    assert repr(Picture(images_of(RGB)[0])) == "<Picture of 6 x 4 pixels>"
    assert repr(Picture(images_of(VOLUME)[0], animated=True)) == "<Picture of 6 x 4 pixels, 7 frames>"
