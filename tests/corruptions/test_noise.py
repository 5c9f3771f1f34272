"""Noise has the moments and the spectrum of its definition."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from medmnist_np.corruptions import corrupt
from tests.corruptions.pictures import Images

NAMES = ("gaussian_noise", "speckle_noise", "impulse_noise", "shot_noise")
WEIGHTS = np.array([0.299, 0.587, 0.114])
N = 20


def plain(level: int, *shape: int) -> Images:
    return np.full((N, *shape), level, dtype=np.uint8)


def noise(name: str, level: int, strength: float, *shape: int) -> NDArray[np.float64]:
    """Return what noise adds to images of one level."""
    return corrupt(plain(level, *shape), name, strength, range(N)).astype(np.float64) - level


def of_definition(name: str, level: int, strength: float, n: int = 400_000) -> Images:
    """Return draws in double precision, by the words of the definition."""
    rng = np.random.default_rng(12)
    share = np.full(n, level / 255)
    if name == "gaussian_noise":
        share += rng.normal(0, strength, n)
    elif name == "speckle_noise":
        share += share * rng.normal(0, strength, n)
    elif name == "shot_noise":
        share = rng.poisson(share * strength) / strength
    else:
        share = np.where(rng.random(n) < strength, rng.integers(0, 2, n), share)
    return (np.clip(share, 0, 1) * 255).astype(np.uint8)


CASES = [
    *[("gaussian_noise", level, strength) for level in (0, 40, 128, 250) for strength in (0.04, 0.26)],
    *[("speckle_noise", level, strength) for level in (0, 128, 250) for strength in (0.05, 0.6)],
    *[("impulse_noise", level, strength) for level in (0, 128, 255) for strength in (0.005, 0.17)],
    *[("shot_noise", level, strength) for level in (0, 40, 128, 255) for strength in (5, 60, 300)],
]


@pytest.mark.parametrize(("name", "level", "strength"), CASES)
def test_values_are_distributed_as_defined(name: str, level: int, strength: float) -> None:
    expected = np.bincount(of_definition(name, level, strength), minlength=256)

    found = np.bincount(corrupt(plain(level, 64, 64, 3), name, strength, range(N)).ravel(), minlength=256)

    distance = np.abs(np.cumsum(expected) / expected.sum() - np.cumsum(found) / found.sum()).max()
    # Kolmogorov and Smirnov: beyond this by chance once in a million.
    assert distance < stats.kstwobign.isf(1e-6) * np.sqrt(1 / expected.sum() + 1 / found.sum())


@pytest.mark.parametrize("name", NAMES)
def test_gray_noise_is_that_of_three_channels_mixed(name: str) -> None:
    strength = {"gaussian_noise": 0.05, "speckle_noise": 0.1, "impulse_noise": 0.05, "shot_noise": 60}[name]
    rgb = noise(name, 128, strength, 96, 96, 3)

    gray = noise(name, 128, strength, 96, 96)

    mixed = np.rint(rgb @ WEIGHTS)
    assert mixed.mean() == pytest.approx(gray.mean(), abs=0.1)
    assert mixed.std() == pytest.approx(gray.std(), rel=0.02)
    assert gray.std() == pytest.approx(np.sqrt((WEIGHTS**2).sum()) * rgb.std(), rel=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_white_and_its_channels_independent(name: str) -> None:
    strength = {"gaussian_noise": 0.1, "speckle_noise": 0.2, "impulse_noise": 0.1, "shot_noise": 25}[name]
    added = noise(name, 128, strength, 128, 128, 3)
    added -= added.mean()

    power = (np.abs(np.fft.rfft2(added, axes=(1, 2))) ** 2).mean(axis=(0, 3)) / (128 * 128 * added.var())

    # Mean power of each of 16 bands of frequencies, each of more than 500 waves of 60 images.
    frequency = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.rfftfreq(128))
    bands = np.digitize(frequency, np.quantile(frequency, np.linspace(0, 1, 17)[1:-1]))
    assert [power[bands == band].mean() for band in range(16)] == pytest.approx(np.ones(16), abs=0.05)
    assert np.corrcoef(added.reshape(-1, 3).T) == pytest.approx(np.eye(3), abs=0.02)


def test_half_of_the_impulses_are_white() -> None:
    struck = corrupt(plain(100, 128, 128, 3), "impulse_noise", 0.1, range(N))
    white, black = (struck == 255).mean(), (struck == 0).mean()
    assert white == pytest.approx(0.05, abs=0.001)
    assert black == pytest.approx(0.05, abs=0.001)


@pytest.mark.parametrize("name", NAMES)
def test_volumes_have_noise_in_every_voxel(name: str) -> None:
    added = noise(name, 128, 0.3 if name != "shot_noise" else 10, 20, 21, 22)
    assert (added.std(axis=0) > 0).mean() > 0.99
    assert np.abs(np.corrcoef(added[:, 0].ravel(), added[:, 1].ravel())[0, 1]) < 0.05


@pytest.mark.parametrize(("name", "strength"), [("gaussian_noise", 0), ("speckle_noise", 0), ("impulse_noise", 0)])
def test_no_noise_changes_nothing(name: str, strength: float) -> None:
    for shape in ((12, 12), (12, 12, 3)):
        images = np.random.default_rng(0).integers(0, 256, (N, *shape), dtype=np.uint8)
        assert np.array_equal(images, corrupt(images, name, strength, range(N)))
