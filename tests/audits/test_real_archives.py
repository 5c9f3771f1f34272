"""The audit of real archives, which ``MEDMNIST_NP_TEST_DATA`` names; the figures stand in docs/audit.md too."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import medmnist_np as mm
from medmnist_np.audits import ExactDuplicates, NearPair, Place, audit
from medmnist_np.images.hashes import changed_hashes, distance, perceptual_hashes


def counted(near: Sequence[NearPair]) -> tuple[int, int, int]:
    """Return how many pairs there are, those in several splits, and those with different labels."""
    return len(near), sum(pair.crosses for pair in near), sum(pair.contradicts for pair in near)


@pytest.mark.parametrize(
    ("name", "of_all", "below_two"),
    [("breastmnist", (176, 94, 7), (51, 28, 3)), ("retinamnist", (258, 96, 113), (26, 0, 0))],
)
def test_real_archives_have_the_documented_near_pairs(
    real_archives: Path, name: str, of_all: tuple[int, int, int], below_two: tuple[int, int, int]
) -> None:
    near = [pair for pair in audit(real_archives / f"{name}.npz").near or () if not pair.change]
    assert of_all == counted(near)
    assert below_two == counted([pair for pair in near if pair.difference < 2])


def test_the_differences_of_near_pairs_of_retinamnist_have_a_gap(real_archives: Path) -> None:
    near = [pair for pair in audit(real_archives / "retinamnist.npz").near or () if not pair.change]
    assert near[25].difference < 2
    assert near[26].difference > 4


@pytest.mark.parametrize(("name", "of_changed"), [("breastmnist", (33, 23, 1)), ("retinamnist", (876, 373, 522))])
def test_real_archives_have_the_documented_changed_copies(
    real_archives: Path, name: str, of_changed: tuple[int, int, int]
) -> None:
    near = [pair for pair in audit(real_archives / f"{name}.npz").near or () if pair.change]
    assert counted(near) == of_changed


def test_an_image_of_breastmnist_is_shifted_and_has_another_label_in_test(real_archives: Path) -> None:
    pairs = {pair.places: pair for pair in audit(real_archives / "breastmnist.npz").near or ()}
    pair = pairs[Place("train", 317), Place("test", 149)]
    assert pair.change == "shifted left"
    assert pair.labels == ((0,), (1,))
    assert pair.difference < 3


def shifted(images: NDArray[np.uint8], down: int, right: int) -> NDArray[np.uint8]:
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)) + ((0, 0),) * (images.ndim - 3), mode="edge")
    return np.roll(padded, (down, right), (1, 2))[:, 2:-2, 2:-2]


def cropped(images: NDArray[np.uint8], top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
    height, width = images.shape[1:3]
    parts = images[:, top : height - bottom, left : width - right]
    return np.stack([Image.fromarray(part).resize((width, height), Image.Resampling.BICUBIC) for part in parts])


def compressed(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    copies = []
    for image in images:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "JPEG", quality=50)
        copies.append(np.asarray(Image.open(stream)))
    return np.stack(copies)


COPIES: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "JPEG of quality 50": compressed,
    "brighter by 25": lambda images: np.clip(images.astype(int) + 25, 0, 255).astype(np.uint8),
    "shifted by one pixel": lambda images: shifted(images, 1, 0),
    "shifted by one pixel along both axes": lambda images: shifted(images, -1, 1),
    "shifted by two pixels": lambda images: shifted(images, 0, -2),
    "cropped by one pixel on each side": lambda images: cropped(images, 1, 1, 1, 1),
    "cropped by one pixel on one side": lambda images: cropped(images, 0, 0, 1, 0),
    "cropped by two pixels on each side": lambda images: cropped(images, 2, 2, 2, 2),
    "mirrored": lambda images: images[:, :, ::-1],
    "rotated by 90 degrees": lambda images: np.rot90(images, axes=(1, 2)),
    "mirrored, as JPEG": lambda images: compressed(images[:, :, ::-1]),
}


@pytest.mark.parametrize("name", ["breastmnist", "retinamnist"])
@pytest.mark.parametrize("kind", COPIES)
def test_most_copies_of_real_images_are_found(real_archives: Path, name: str, kind: str) -> None:
    images = np.load(real_archives / f"{name}.npz")["train_images"]
    copies = perceptual_hashes(np.ascontiguousarray(COPIES[kind](images)))
    known = np.column_stack([perceptual_hashes(images), changed_hashes(images)])
    assert (distance(copies[:, None], known).min(axis=1) <= 4).mean() > 0.9  # docs/audit.md has the figures


@pytest.mark.parametrize("name", ["breastmnist", "retinamnist"])
def test_few_real_images_are_false_positives(real_archives: Path, name: str) -> None:
    images = np.load(real_archives / f"{name}.npz")["train_images"]
    known = np.column_stack([perceptual_hashes(images), changed_hashes(images)])
    near = [(distance(np.roll(known[:, 0], k)[:, None], known).min(axis=1) <= 4).mean() for k in range(1, 100)]
    assert np.mean(near) < 0.01


def test_an_image_of_breastmnist_is_malignant_in_train_and_benign_in_test(real_archives: Path) -> None:
    result = audit(real_archives / "breastmnist.npz")
    same = ExactDuplicates((Place("train", 115), Place("test", 76)), ((0,), (1,)))
    assert (same,) == result.duplicates
    assert (same,) == result.conflicts
    assert result.blank == ()
    assert {split: one.tolist() for split, one in result.leaks.items()} == {"train": [115], "val": [], "test": []}
    assert mm.info("breastmnist") == result.record
    assert [one.class_counts for one in result.splits.values()] == [(147, 399), (21, 57), (42, 114)]


@pytest.mark.parametrize("name", ["retinamnist", "adrenalmnist3d", "adrenalmnist3d_64"])
def test_the_other_archives_have_no_exact_duplicate_and_no_blank_image(real_root: Path, name: str) -> None:
    result = audit(name, root=real_root, download=True)
    assert result.duplicates == ()
    assert result.blank == ()
    assert result.bad_labels == ()
    assert not any(map(len, result.leaks.values()))
    assert ("adrenal" in name) == (result.near is None)
