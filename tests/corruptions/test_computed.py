"""Images that are corrupted as they are read: the same bytes for the same image, however it is read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np._sequences import Joined
from medmnist_np.corruptions import CORRUPTIONS, corrupt, image_seeds
from medmnist_np.corruptions.computed import Corrupted, corrupted
from medmnist_np.corruptions.stored import make_corrupted
from medmnist_np.registry.corruption_facts import SEVERITIES, corrupted_set, corrupted_sets
from medmnist_np.testing import fake_datasets

N = 12
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 28, 28, 3), dtype=np.uint8)
RECORD = mm.info("dermamnist")


def expected_of(name: str, severity: int = 3, seed: int = 0) -> np.ndarray:
    parameters = corrupted_set(RECORD).parameters(name, severity)
    return corrupt(IMAGES, name, parameters, image_seeds(seed, name, severity, range(N)))


@pytest.mark.parametrize("name", corrupted_set(RECORD).corruptions)
def test_rows_are_the_corrupted_images(name: str) -> None:
    rows = corrupted(IMAGES, RECORD, name, 3, 0)
    assert IMAGES.shape == rows.shape
    assert IMAGES.dtype == rows.dtype
    assert N == len(rows)
    expected = expected_of(name)
    assert np.array_equal(expected, rows[:])
    assert np.array_equal(expected[7], rows[7])
    assert np.array_equal(expected[1:9:3], rows[1:9:3])
    assert rows[4:4].shape == (0, 28, 28, 3)


SPECKLED = expected_of("impulse_noise")


@given(st.lists(st.integers(0, N - 1), max_size=20), st.booleans())
def test_an_image_is_the_same_in_any_order_and_batch(indices: list[int], with_out: bool) -> None:
    rows = corrupted(IMAGES, RECORD, "impulse_noise", 3, 0)
    out = np.full((len(indices), 28, 28, 3), 7, np.uint8) if with_out else None
    found = rows.take(np.array(indices, dtype=np.intp), axis=0, out=out, mode="clip")
    assert np.array_equal(SPECKLED[indices], found)
    assert out is None or out is found


def test_an_image_is_the_same_in_any_thread_and_after_pickling() -> None:
    rows = corrupted(IMAGES, RECORD, "motion_blur", 3, 0)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(rows.__getitem__, range(N)))
    assert np.array_equal(expected_of("motion_blur"), found)
    assert np.array_equal(expected_of("motion_blur"), pickle.loads(pickle.dumps(rows))[:])


def test_many_images_are_made_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medmnist_np.corruptions.computed._BLOCK_BYTES", 5 * IMAGES[0].nbytes)
    rows = corrupted(IMAGES, RECORD, "impulse_noise", 3, 0)
    assert np.array_equal(SPECKLED[::-1], rows.take(np.arange(N)[::-1]))


def test_each_seed_and_severity_gives_other_images() -> None:
    versions = {expected_of("impulse_noise", severity, seed).tobytes() for severity in SEVERITIES for seed in (0, 1)}
    found = {
        corrupted(IMAGES, RECORD, "impulse_noise", severity, seed)[:].tobytes()
        for severity in SEVERITIES
        for seed in (0, 1)
    }
    assert versions == found
    assert len(found) == 10


def test_joined_splits_are_numbered_separately() -> None:
    joined = corrupted(Joined([IMAGES[:5], IMAGES]), RECORD, "impulse_noise", 3, 0)
    assert np.array_equal(np.concatenate([SPECKLED[:5], SPECKLED]), joined.take(np.arange(N + 5), axis=0))


@pytest.mark.parametrize("severity", [0, 6, True, 2.5, 3.0, "3", None])
def test_an_invalid_severity_is_refused(severity: object) -> None:
    with pytest.raises(ValueError, match=r"^Invalid severity: .* from 1 \(weakest\) to 5 \(strongest\)"):
        corrupted(IMAGES, RECORD, "impulse_noise", severity, 0)


def test_the_error_for_an_unavailable_corruption_lists_the_available_ones() -> None:
    with pytest.raises(
        ValueError, match=r"does not have 'bubble' for dermamnist\. .*Available: pixelate, jpeg_compression, .*zoom"
    ):
        corrupted(IMAGES, RECORD, "bubble", 1, 0)


def test_a_set_without_corruptions_is_refused() -> None:
    with pytest.raises(ValueError, match="MedMNIST-C has no corruptions for organmnist3d"):
        corrupted(np.zeros((1, 28, 28, 28), np.uint8), mm.info("organmnist3d"), "pixelate", 1, 0)


@pytest.mark.parametrize("seed", [-1, 0.5, None, True])
def test_an_invalid_seed_is_refused(seed: object) -> None:
    with pytest.raises(ValueError, match=r"^Invalid seed: .* It must be an integer of at least 0"):
        corrupted(IMAGES, RECORD, "impulse_noise", 1, seed)


def test_images_of_another_dtype_are_refused_before_any_is_read() -> None:
    with pytest.raises(ValueError, match=r"uint8, not float64 of shape"):
        Corrupted(IMAGES.astype(float), "impulse_noise", (0.1,), severity=1, seed=0)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_an_empty_batch_is_accepted(name: str) -> None:
    parameters = next(one.parameters(name, 1) for one in corrupted_sets().values() if name in one.corruptions)
    assert Corrupted(IMAGES[:0], name, parameters, severity=1, seed=0)[:].shape == (0, 28, 28, 3)


@pytest.fixture
def clean(tmp_path: Path) -> Iterator[mm.Dataset]:
    with fake_datasets(tmp_path, "breastmnist"):
        yield mm.Dataset("breastmnist", "test")


def expected_for(clean: mm.Dataset, positions: object, severity: int = 2, seed: int = 5) -> np.ndarray:
    rows = np.arange(60)[positions]
    parameters = corrupted_set("breastmnist").parameters("speckle_noise", severity)
    seeds = image_seeds(seed, "speckle_noise", severity, rows)
    return corrupt(np.array(clean.images[rows]), "speckle_noise", parameters, seeds)


def test_every_access_to_a_data_set_returns_corrupted_images(clean: mm.Dataset) -> None:
    ds = clean.corrupt("speckle_noise", 2, seed=5)
    expected = expected_for(clean, slice(None))
    assert np.array_equal(expected, ds.images)
    assert np.array_equal(expected[[9, 3]], ds[[9, 3]].images)
    assert np.array_equal(expected[4], ds[4][0])
    assert np.array_equal(expected[[2, 2, 0]], ds.gather([2, 2, 0]))
    assert np.array_equal(clean.labels, ds.labels)
    assert not np.array_equal(clean.images, ds.images)


def test_batches_contain_the_corrupted_images(clean: mm.Dataset) -> None:
    expected = expected_for(clean, slice(None))
    for batch in clean.corrupt("speckle_noise", 2, seed=5).batches(16, shuffle=True, seed=1):
        assert np.array_equal(expected[batch.indices], batch.images)
        assert np.array_equal(clean.labels[batch.indices], batch.labels)
        assert batch.images.flags.writeable


def test_a_corrupted_data_set_pickles_small(clean: mm.Dataset) -> None:
    ds = clean.corrupt("speckle_noise", 2, seed=5)[10:40]
    pickled = pickle.dumps(ds)
    assert len(pickled) < len(pickle.dumps(clean[10:40])) + 150
    assert np.array_equal(expected_for(clean, slice(10, 40)), pickle.loads(pickled).images)


def test_statistics_and_montage_use_the_corrupted_images(clean: mm.Dataset) -> None:
    ds = clean.corrupt("speckle_noise", 2, seed=5)
    expected = np.bincount(expected_for(clean, slice(None)).ravel(), minlength=256)
    assert np.array_equal(expected, ds.statistics().histogram[0])
    assert ds.warm()
    assert not np.array_equal(clean.montage(2, 2).array, ds.montage(2, 2).array)
    assert "breastmnist" in ds._repr_html_().lower()


def test_stored_images_are_read_instead_of_computed(clean: mm.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = clean.corrupt("speckle_noise", 2, seed=5).images
    make_corrupted("breastmnist", ["speckle_noise"], [2], seed=5, progress=silent)
    monkeypatch.setattr("medmnist_np.corruptions.computed.corrupt", None)
    ds = clean.corrupt("speckle_noise", 2, seed=5)
    assert np.array_equal(expected, ds.images)
    assert np.array_equal(expected[[3, 1]], ds.gather([3, 1]))


def test_repr_describes_the_corruption(clean: mm.Dataset) -> None:
    ds = clean.corrupt("speckle_noise", 2, seed=5)
    assert ds.corruption == ("speckle_noise", 2, 5)
    assert ds[3:9].corruption.severity == 2
    assert "Corruption: speckle_noise 2, made here with seed 5" in repr(ds)
    assert clean.corruption is None
    assert "Corruption" not in repr(clean)


@pytest.mark.parametrize(("severity", "seed"), [(2, None), (2, 1.5), (3.0, 0)])
def test_corrupt_refuses_an_invalid_severity_or_seed(clean: mm.Dataset, severity: int, seed: int) -> None:
    with pytest.raises(ValueError, match=r"^Invalid (severity|seed): (None|1\.5|3\.0)\. "):
        clean.corrupt("speckle_noise", severity, seed=seed)


def test_numpy_integers_become_python_integers(clean: mm.Dataset) -> None:
    ds = clean.corrupt("speckle_noise", np.int64(2), seed=np.uint8(5))
    assert repr(ds.corruption) == "Corruption(name='speckle_noise', severity=2, seed=5)"
    assert json.loads(json.dumps(ds.batches(16).state_dict()))["dataset"]["corruption"] == ["speckle_noise", 2, 5]


@pytest.mark.parametrize("is_stored", [False, True])
def test_warming_reads_the_source_images(clean: mm.Dataset, is_stored: bool) -> None:
    folder = clean.folder
    if is_stored:
        (made,) = make_corrupted("breastmnist", ["speckle_noise"], [2], progress=silent)
        folder = made.folder
    seen: list[tuple[str, int]] = []

    @contextmanager
    def noted(task: str, total: int | None, done: int = 0) -> Iterator[Any]:
        bar = SimpleNamespace(update=lambda n: seen.append((task, n)))
        yield bar

    ds = clean.corrupt("speckle_noise", 2)[10:40]
    assert ds.warm(progress=noted)
    assert 30 * 28 * 28 == sum(n for _, n in seen)
    assert str(folder / "test_images.npy") == str(ds._source.image_files.filename)


def test_reading_ahead_reads_the_source_images(clean: mm.Dataset) -> None:
    ds = clean.corrupt("speckle_noise", 2, seed=5)
    expected = expected_for(clean, slice(None))
    for batch in ds.batches(16, shuffle="blocks", seed=1):
        assert np.array_equal(expected[batch.indices], batch.images)


@pytest.mark.parametrize(("workers", "is_stored"), [(1, False), (3, False), (1, True)])
def test_corrupted_images_are_saved_as_files(
    clean: mm.Dataset, tmp_path: Path, workers: int, is_stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_stored:
        make_corrupted("breastmnist", ["speckle_noise"], [2], seed=5, progress=silent)
    ds = clean.corrupt("speckle_noise", 2, seed=5)[10:40]
    made: list[int] = []
    whole = Corrupted._made
    monkeypatch.setattr(Corrupted, "_made", lambda self, rows: made.append(len(rows)) or whole(self, rows))
    folder = ds.save(tmp_path / "files", format="npy", workers=workers, progress=silent)
    expected, labels = expected_for(clean, slice(10, 40)), ds.labels[:, 0]
    assert len(list(folder.iterdir())) == 30
    for number, label in enumerate(labels):
        assert np.array_equal(expected[number], np.load(folder / f"test{10 + number}_{label}.npy"))
    assert max(made, default=0) <= 1, "no more than one image at a time is computed"


def test_joined_corrupted_splits_are_saved(clean: mm.Dataset, tmp_path: Path) -> None:
    both = mm.Dataset("breastmnist", "train+test").corrupt("speckle_noise", 2, seed=5)
    folder = both.save(tmp_path / "files", "csv", "npy", progress=silent)
    assert np.array_equal(expected_for(clean, slice(None))[3], np.load(folder / "test" / "test3.npy"))


def test_a_corrupted_data_set_cannot_be_corrupted_again(clean: mm.Dataset) -> None:
    with pytest.raises(ValueError, match="The images are already corrupted with pixelate"):
        clean.corrupt("pixelate", 1).corrupt("speckle_noise", 1)


def test_only_parts_with_the_same_corruption_can_be_joined(clean: mm.Dataset) -> None:
    train = mm.Dataset("breastmnist", "train")
    both = clean.corrupt("speckle_noise", 2, seed=5) + train.corrupt("speckle_noise", 2, seed=5)
    assert np.array_equal(expected_for(clean, slice(None)), both[:60].images)
    with pytest.raises(ValueError, match="the same corruption, severity and seed"):
        clean.corrupt("speckle_noise", 2) + train


def test_a_state_with_numpy_integers_is_json(clean: mm.Dataset) -> None:
    batches = clean.corrupt("speckle_noise", np.int64(2), seed=np.uint8(5)).batches(8)
    clean.corrupt("speckle_noise", 2, seed=5).batches(8).load_state_dict(json.loads(json.dumps(batches.state_dict())))


def test_a_batch_state_is_refused_for_another_corruption(clean: mm.Dataset) -> None:
    state = clean.corrupt("speckle_noise", 2).batches(8).state_dict()
    clean.corrupt("speckle_noise", 2).batches(8).load_state_dict(state)
    for other in (clean, clean.corrupt("speckle_noise", 3)):
        with pytest.raises(ValueError, match="The state is from other batches"):
            other.batches(8).load_state_dict(state)
