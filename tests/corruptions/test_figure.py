"""One image under all corruptions of a set."""

from __future__ import annotations

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.corruptions.computed import corrupted
from medmnist_np.corruptions.figure import corruption_figure
from medmnist_np.registry.corruption_facts import SEVERITIES, corrupted_set, corrupted_sets

GRAY = np.random.default_rng(0).integers(0, 256, (70, 70), dtype=np.uint8)
COLOUR = np.random.default_rng(0).integers(0, 256, (70, 70, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", corrupted_sets())
def test_each_set_has_a_figure_with_every_corruption_at_every_severity(name: str) -> None:
    image = COLOUR if mm.info(name).n_channels == 3 else GRAY
    found = corruption_figure(image, name, index=2)
    kinds = corrupted_set(name).corruptions
    rows = np.stack([image] * 3)
    left = found.array.shape[1] - 6 * 72
    for row, kind in enumerate(kinds):
        for column in (0, *SEVERITIES):
            expected = corrupted(rows, mm.info(name), kind, column, 0)[2] if column else image
            top = 16 + 72 * row
            assert np.array_equal(expected, found.array[top : top + 70, left + 72 * column :][:, :70])
    assert 16 + 72 * len(kinds) == len(found.array)
    assert found.array[:16].any()


def test_small_images_are_shown_larger() -> None:
    small = corruption_figure(GRAY[:28, :28], "breastmnist").array
    assert 16 + 7 * (84 + 2) == len(small)


def test_another_seed_gives_another_figure() -> None:
    first, second = (corruption_figure(GRAY, "breastmnist", seed=seed).array for seed in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("image", [COLOUR.astype(float), np.zeros((2, 28, 28, 3), np.uint8)])
def test_an_invalid_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be an array|is needed"):
        corruption_figure(image, "bloodmnist")
