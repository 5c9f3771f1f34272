"""What the images of a batch look like, against the plain way to write it with NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from medmnist_np.batches.layout import Layout

SHAPES = {"gray": (5, 4, 3), "rgb": (5, 4, 3, 3), "volumes": (5, 2, 4, 3)}


def stored(kind: str) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, SHAPES[kind], dtype=np.uint8)


def expected(kind: str, images: np.ndarray, as_rgb: bool, channels: str | None, dtype: Any, scale: Any) -> np.ndarray:
    if kind != "rgb" and (as_rgb or channels is not None):
        images = np.stack([images] * (3 if as_rgb else 1), axis=-1)
    if channels == "first":
        images = np.moveaxis(images, -1, 1)
    if scale is None:
        return images.astype(images.dtype if dtype is None else dtype)
    dtype = np.dtype(np.float32 if dtype is None else dtype)
    return (images.astype(dtype) * dtype.type(scale)).astype(dtype)


@given(
    st.sampled_from(sorted(SHAPES)),
    st.booleans(),
    st.sampled_from([None, "first", "last"]),
    st.sampled_from([None, "uint8", "int16", np.float16, np.float32, "float64", ">f4"]),
    st.sampled_from([None, 1 / 255, 2, np.float32(0.5), np.int64(3), -0.25]),
)
def test_images_are_those_of_plain_numpy(kind: str, as_rgb: bool, channels: Any, dtype: Any, scale: Any) -> None:
    if scale is not None and dtype is not None and np.dtype(dtype).kind != "f":
        dtype = None
    as_rgb = as_rgb and kind != "rgb"
    layout = Layout(channel_axis_stored=kind == "rgb", as_rgb=as_rgb, channels=channels, dtype=dtype, scale=scale)
    images = stored(kind)
    wanted = expected(kind, images, as_rgb, channels, dtype, scale)
    found = layout.arrange(images)
    assert wanted.shape == found.shape
    assert wanted.dtype == found.dtype
    assert bool(found.flags.c_contiguous) is True
    assert np.array_equal(wanted, found)
    assert found.flags.writeable


@pytest.mark.parametrize("kind", SHAPES)
def test_nothing_is_copied_where_nothing_is_to_be_done(kind: str) -> None:
    images = stored(kind)
    layout = Layout(channel_axis_stored=kind == "rgb")
    assert layout.arrange(images) is images
    with_axis = Layout(channel_axis_stored=kind == "rgb", channels="last").arrange(images)
    assert np.shares_memory(images, with_axis)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 4, 3), (3, 1, 1)])
def test_rgb_images_can_be_written_to_one_by_one(shape: tuple[int, ...]) -> None:
    found = Layout(channel_axis_stored=False, as_rgb=True, channels="first").arrange(np.zeros(shape, np.uint8))
    assert (shape[0], 3, *shape[1:]) == found.shape
    found[:, 0] = 7
    assert not found[:, 1:].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *(({"channels": value}, "channels must be None, 'first' or 'last'") for value in ("middle", True, 3)),
        *(({"scale": value}, "one finite number") for value in (np.nan, np.inf, "x", [1.0], 1j, np.ones(1))),
        *(
            ({"dtype": value}, "cannot hold the values 0 to 255")
            for value in ("int8", bool, object, str, "U3", "S", "M8[s]", "m8[s]")
        ),
        ({"dtype": "int32", "scale": 0.5}, "would round the values. Use a float dtype"),
        ({"dtype": "uint8", "scale": 1}, "would round the values"),
    ],
)
def test_an_invalid_layout_is_rejected(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Layout(channel_axis_stored=False, **arguments)


def test_an_invalid_dtype_is_rejected() -> None:
    with pytest.raises(TypeError):
        Layout(channel_axis_stored=False, dtype="nonsense")


@pytest.mark.parametrize(
    ("stored", "wanted", "value"),
    [("int32", "int16", 40_000), ("int64", "int32", -(2**40)), (">i4", "int16", -40_000), ("uint16", "uint8", 256)],
)
def test_integers_that_would_wrap_around_are_refused(stored: str, wanted: str, value: int) -> None:
    images = np.zeros((2, 3, 3), stored)
    layout = Layout(channel_axis_stored=False, dtype=wanted)
    assert np.array_equal(images, layout.arrange(images))
    images[1, 2, 2] = value
    with pytest.raises(ValueError, match=f"dtype {wanted} cannot hold images with values from"):
        layout.arrange(images)
