from __future__ import annotations

import numpy as np
import pytest

from medmnist_np.images import VIEWS, flatten

VOLUME = np.random.default_rng(0).integers(1, 256, (5, 3, 4), dtype=np.uint8)


def test_the_middle_slice() -> None:
    assert np.array_equal(VOLUME[2], flatten(VOLUME, "middle"))


def test_the_maximum_projection() -> None:
    assert np.array_equal(VOLUME.max(axis=0), flatten(VOLUME, "projection"))


def test_orthogonal_slices_stand_side_by_side() -> None:
    picture = flatten(VOLUME, "orthogonal")
    assert (5, 4 + 4 + 3) == picture.shape
    assert np.array_equal(VOLUME[2], picture[:3, :4])
    assert np.array_equal(VOLUME[:, 1], picture[:, 4:8])
    assert np.array_equal(VOLUME[:, :, 2], picture[:, 8:])
    assert picture[3:, :4].sum() == 0


def test_a_sheet_has_every_slice() -> None:
    picture = flatten(VOLUME, "sheet")
    assert picture.shape == (6, 12)
    for number, image in enumerate(VOLUME):
        top, left = number // 3 * 3, number % 3 * 4
        assert np.array_equal(image, picture[top : top + 3, left : left + 4])
    assert VOLUME.sum() == picture.sum()


@pytest.mark.parametrize("view", VIEWS[1:])
def test_every_view_makes_one_image(view: str) -> None:
    assert flatten(VOLUME, view).ndim == 2
    assert np.uint8 == flatten(VOLUME, view).dtype


@pytest.mark.parametrize(
    ("volume", "view", "message"),
    [
        (VOLUME, "top", "Unknown view 'top'"),
        (VOLUME, "animated", "Unknown view 'animated'"),
        (VOLUME[0], "middle", r"but \(d, h, w\) is needed"),
    ],
)
def test_an_invalid_volume_or_view_is_refused(volume: np.ndarray, view: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        flatten(volume, view)
