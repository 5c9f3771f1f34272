"""Corruption by chance of the images of a batch."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.batches import Batch
from medmnist_np.corruptions.augmentation import Augmentation, _between, augment
from medmnist_np.registry.corruption_facts import corrupted_set, corrupted_sets
from medmnist_np.testing import fake_datasets


def batch_of(shape: tuple[int, ...], n: int = 40) -> Batch:
    images = np.random.default_rng(0).integers(0, 256, (n, *shape), dtype=np.uint8)
    return Batch(images, np.zeros((n, 1), np.int64), np.arange(n), np.ones(n, bool))


def changed(augmentation: Augmentation, batch: Batch, seed: int = 0) -> np.ndarray:
    found = augmentation(batch, np.random.default_rng(seed)).images
    assert batch.images.shape == found.shape
    assert batch.images.dtype == found.dtype
    return found


@pytest.mark.parametrize("name", corrupted_sets())
def test_each_set_has_an_augmentation_that_changes_images_and_nothing_else(name: str) -> None:
    batch = batch_of((28, 28, 3) if mm.info(name).n_channels == 3 else (28, 28))
    before = batch.images.copy()
    found = augment(name, share=1)(batch, np.random.default_rng(0))
    assert np.array_equal(before, batch.images)
    assert all(one is other for one, other in zip(batch[1:], found[1:], strict=True))
    assert (found.images != before).any(axis=tuple(range(1, before.ndim))).mean() > 0.8


def test_the_same_generator_gives_the_same_images() -> None:
    batch, augmentation = batch_of((28, 28, 3)), augment("bloodmnist")
    assert np.array_equal(changed(augmentation, batch), changed(augmentation, batch))
    assert not np.array_equal(changed(augmentation, batch), changed(augmentation, batch, seed=1))
    again = pickle.loads(pickle.dumps(augmentation))
    assert np.array_equal(changed(augmentation, batch), changed(again, batch))


def test_the_position_of_the_channel_axis_does_not_matter() -> None:
    gray, colour = batch_of((28, 28)), batch_of((28, 28, 3))
    expected = changed(augment("breastmnist"), gray)
    for axis in (1, -1):
        moved = gray._replace(images=np.expand_dims(gray.images, axis))
        assert np.array_equal(np.expand_dims(expected, axis), changed(augment("breastmnist"), moved))
    first = colour._replace(images=np.moveaxis(colour.images, -1, 1))
    assert np.array_equal(
        np.moveaxis(changed(augment("bloodmnist"), colour), -1, 1), changed(augment("bloodmnist"), first)
    )


def test_the_share_sets_how_many_images_are_corrupted() -> None:
    batch = batch_of((8, 8), n=2000)
    bright = corrupted_set("breastmnist").corruptions["brightness_down"]
    for share in (0, 0.25, 1):
        found = changed(Augmentation((("brightness_down", bright),), share), batch)
        assert (found != batch.images).any(axis=(1, 2)).mean() == pytest.approx(share, abs=0.03)


def test_the_published_share_counts_unchanged_images_as_one_more_corruption() -> None:
    assert 7 / 8 == augment("breastmnist").share


def test_all_corruptions_are_equally_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    names: Counter[str] = Counter()

    def count(images: np.ndarray, name: str, *_: object) -> np.ndarray:
        names[name] += 1
        return images

    monkeypatch.setattr("medmnist_np.corruptions.augmentation.corrupt", count)
    changed(augment("breastmnist", share=1), batch_of((4, 4), n=7000))
    assert set(corrupted_set("breastmnist").corruptions) == set(names)
    assert all(abs(n - 1000) < 150 for n in names.values())


def test_strengths_are_interpolated_and_integers_stay_integers() -> None:
    assert _between((5, 2.0), (11, 3.0), 0) == (5, 2.0)
    assert _between((5, 2.0), (11, 3.0), 0.5) == (8, 2.5)
    assert _between((5, 2.0), (11, 3.0), 1) == (11, 3.0)
    assert isinstance(_between((50,), (7,), 0.333)[0], int)


def test_images_that_are_not_uint8_are_refused() -> None:
    batch = batch_of((28, 28))
    with pytest.raises(ValueError, match=r"this batch has float32\. Call batches"):
        augment("breastmnist")(batch._replace(images=batch.images.astype(np.float32)), np.random.default_rng(0))


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="must be between 0 and 1"):
        augment("breastmnist", share=share)


def test_a_set_without_corruptions_is_refused() -> None:
    with pytest.raises(ValueError, match="no corruptions for organmnist3d"):
        augment("organmnist3d")


@pytest.fixture
def train(tmp_path: Path) -> Iterator[mm.Dataset]:
    with fake_datasets(tmp_path, "breastmnist"):
        yield mm.Dataset("breastmnist", "train")


def test_batches_use_it_and_resume_with_it(train: mm.Dataset) -> None:
    options = {"shuffle": True, "seed": 3, "transform": augment("breastmnist")}
    whole = list(train.batches(64, **options))
    assert all(np.array_equal(whole[2][k], train.batches(64, **options).batch(0, 2)[k]) for k in range(4))
