"""Pictures of sets of volumes: one slice of each, with its mask over it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.images import overlay
from medmnist_np.images.montages import draw_slices
from medmnist_np.images.overlays import class_colors, foremost_slice
from medmnist_np.testing import FakeCase, make_cases
from medmnist_np.volumes.volume_dataset import VolumeDataset
from tests.volumes.published import publish

HIPPOCAMPUS, BRAIN = mm.info("msd/hippocampus"), mm.info("msd/brain")


@pytest.fixture
def cases(sandbox: Path) -> list[FakeCase]:
    return publish(HIPPOCAMPUS, list(make_cases(HIPPOCAMPUS, n_samples={"train": 4, "test": 2})))


@pytest.fixture
def train(cases: list[FakeCase]) -> VolumeDataset:
    return VolumeDataset("msd/hippocampus", "train", download=False)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_slice_with_most_of_the_mask_is_shown_upright(train: VolumeDataset, axis: int) -> None:
    volume, mask = train[1]
    where = foremost_slice(mask, axis)
    low, high = int(volume.min()), int(volume.max())
    picture = train[[1]].montage(axis=axis, window=(low, high))
    image, labels = np.take(volume, where, axis=axis), np.take(mask, where, axis=axis)
    drawn = overlay(image, labels, window=(low, high))
    assert np.array_equal(drawn.swapaxes(0, 1)[::-1], picture.array)


def test_smaller_slices_lie_in_the_middle_and_a_legend_names_the_values(train: VolumeDataset) -> None:
    width, height, _ = train.shapes.max(axis=0)
    picture = train.montage(2, 2)
    assert (2 * height, 2 * width, 3) == picture.array.shape
    with_legend = train.montage(2, 2, labels=True).array
    assert np.array_equal(picture.array, with_legend[: 2 * height, : 2 * width])
    below = {tuple(color) for color in with_legend[2 * height :].reshape(-1, 3).tolist()}
    assert {tuple(class_colors(9)[value].tolist()) for value in train.label_values} <= below


def test_without_masks_the_middle_slice_is_shown_in_gray(train: VolumeDataset) -> None:
    test = VolumeDataset("msd/hippocampus", "test", download=False)
    assert test.montage().array.ndim == 2
    assert train.montage(masks=False).array.ndim == 2
    middle = test.images[0][:, :, test.shapes[0, 2] // 2]
    expected = draw_slices([middle], None, columns=1)
    assert np.array_equal(expected.array, test[[0]].montage().array)


def test_one_of_several_modalities_is_shown(sandbox: Path) -> None:
    publish(BRAIN, list(make_cases(BRAIN, n_samples={"train": 2}, shape=(9, 8, 7))))
    brain = VolumeDataset("msd/brain", download=False)
    assert not np.array_equal(brain.montage(channel=0).array, brain.montage(channel=3).array)
    with pytest.raises(ValueError, match="channel must be an integer from 0 to 3, not 4"):
        brain.montage(channel=4)
    with pytest.raises(ValueError, match="axis must be an integer from 0 to 2, not 3"):
        brain.montage(axis=3)


def test_values_that_are_no_numbers_are_black() -> None:
    picture = draw_slices([np.array([[np.nan, 0.0, 10.0, np.inf]])], None, columns=1, window=(0, 10))
    assert picture.array[:, 0].tolist() == [255, 255, 0, 0]
