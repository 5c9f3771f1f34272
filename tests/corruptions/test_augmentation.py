"""Random corruption of the images of a batch, or of one image."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
    with pytest.raises(ValueError, match=r"need uint8 images, not float32\. Call batches"):
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


# One image


def image_of(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (28, 28, 1), (28, 28, 3), (3, 28, 28)])
def test_an_array_gives_an_array_of_its_shape(shape: tuple[int, ...]) -> None:
    image = image_of(shape)
    found = augment("breastmnist", ["jpeg_compression"], share=1)(image)
    assert found.shape == shape
    assert found.dtype == np.uint8
    assert (found != image).any()
    assert np.array_equal(image, image_of(shape))


@pytest.mark.parametrize(("mode", "shape"), [("L", (30, 28)), ("RGB", (30, 28, 3))])
def test_a_pil_image_gives_a_pil_image_of_its_mode(mode: str, shape: tuple[int, ...]) -> None:
    image = Image.fromarray(image_of(shape))
    found = augment("dermamnist", ["jpeg_compression"], share=1)(image)
    assert isinstance(found, Image.Image)
    assert found.mode == mode
    assert found.size == (28, 30)
    assert (np.asarray(found) != image_of(shape)).any()


def test_one_image_is_corrupted_as_in_a_batch_of_one() -> None:
    batch = batch_of((28, 28, 3), n=1)
    expected = changed(augment("bloodmnist", share=1), batch)[0]
    found = augment("bloodmnist", share=1)(batch.images[0], np.random.default_rng(0))
    assert np.array_equal(found, expected)


def test_the_seed_of_numpy_makes_single_images_reproducible() -> None:
    augmentation, image = augment("dermamnist", ["gaussian_noise"], share=1), image_of((28, 28, 3))
    np.random.seed(5)  # noqa: NPY002
    first, second = augmentation(image), augmentation(image)
    np.random.seed(5)  # noqa: NPY002
    assert np.array_equal(augmentation(image), first)
    assert not np.array_equal(first, second)


def test_it_is_a_transform_of_data_sets_and_in_a_chain(train: mm.Dataset) -> None:
    augmentation = augment("breastmnist", ["jpeg_compression"], share=1)
    image, _ = mm.Dataset("breastmnist", "train", transform=augmentation)[0]
    assert image.dtype == np.uint8
    assert (image != train[0][0]).any()
    image, _ = mm.BreastMNIST("train", transform=lambda image: np.asarray(augmentation(image), np.float32) / 255)[0]
    assert image.dtype == np.float32


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (image_of((28, 28)) / 255, ValueError, r"not float64\. Put augment before transforms"),
        (Image.new("RGBA", (28, 28)), ValueError, "not mode 'RGBA'"),
        ([1, 2], TypeError, r"not list\. Put augment before transforms that convert to tensors"),
    ],
)
def test_another_kind_of_image_is_refused(image: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        augment("breastmnist")(image)
