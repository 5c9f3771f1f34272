"""Sets of images and masks of one size: from archives with every quirk of theirs to batches."""

from __future__ import annotations

import hashlib
import pickle
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import medmnist_np as mm
from medmnist_np import registry
from medmnist_np.cache.manifest import stored_array
from medmnist_np.cache.npz import class_numbers
from medmnist_np.errors import ArchiveError, UnknownSizeError
from medmnist_np.registry import DatasetInfo, registered
from medmnist_np.testing import fake_datasets, make_arrays, serve
from tests.volumes.making import cache

FEW = {"train": 12, "val": 3, "test": 5}
SIZE = 128

Arrays = dict[str, NDArray[Any]]


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Callable[..., DatasetInfo]]:
    """``published(arrays, "kvasir")``: an archive of these arrays, served as that of a set with so many samples.

    With more names, that of several sets; then a tuple of their records.
    """
    folder = tmp_path / "served"
    folder.mkdir()
    with serve(folder) as address:

        def publish(arrays: Arrays, *names: str, n_samples: dict[str, int] | None = None) -> Any:
            records = [registry.info(f"medsegbench/{name}") for name in names]
            file = folder / records[0].archive(SIZE).file_name
            np.savez_compressed(file, **arrays)
            digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
            served = tuple(_served(record, arrays, f"{address}/{file.name}", digest, n_samples) for record in records)
            return served if len(served) > 1 else served[0]

        yield publish


def _served(
    record: DatasetInfo, arrays: Arrays, url: str, digest: str, n_samples: dict[str, int] | None
) -> DatasetInfo:
    archive = record.archive(SIZE)
    # Of the other parts there are as many samples as there are.
    also = tuple(
        replace(member, shape=arrays[member.name].shape) if member.name in arrays else member for member in archive.also
    )
    counts = n_samples or {split: len(arrays[record.member_name(split, "images")]) for split in record.splits}
    changed = replace(archive, url=url, digest=f"md5:{digest}", bytes=None, also=also)
    return replace(record, n_samples=counts, archives={SIZE: changed})


def some(n: int, *, gray: bool = False, seed: int = 0) -> NDArray[np.uint8]:
    shape = (n, SIZE, SIZE) if gray else (n, SIZE, SIZE, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def masks(n: int, highest: int = 1, seed: int = 1, dtype: type = np.uint8) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, highest + 1, (n, SIZE, SIZE)).astype(dtype)


def plain(highest: int = 1, *, gray: bool = False, dtype: type = np.uint8, suffix: str = "") -> Arrays:
    arrays: Arrays = {}
    for seed, (split, n) in enumerate(FEW.items()):
        arrays[f"{split}_images{suffix}"] = some(n, gray=gray, seed=seed)
        arrays[f"{split}_label{suffix}"] = masks(n, highest, seed + 10, dtype)
    return arrays


# What comes back


def test_a_split_is_two_read_only_maps(published) -> None:
    arrays = plain()
    with registered(published(arrays, "kvasir")):
        images, found = mm.load("medsegbench/kvasir", split="val", size=SIZE)
    assert [np.memmap, np.memmap] == [type(images), type(found)]
    assert np.array_equal(arrays["val_images"], images)
    assert np.array_equal(arrays["val_label"], found)


def test_the_masks_go_by_their_name_too(published) -> None:
    with registered(published(plain(), "kvasir")):
        arrays = mm.load("medsegbench/kvasir_128", "test")
        ds = mm.Dataset("medsegbench/kvasir_128", "test")
    assert arrays.masks is arrays.labels
    assert np.array_equal(ds.masks, arrays.masks)


def test_labels_of_images_are_no_masks(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples=FEW):
        ds = mm.Dataset("breastmnist", "test")
    assert not hasattr(ds, "masks")
    with pytest.raises(AttributeError, match=r"breastmnist has no masks\. Its labels are in"):
        _ = ds.masks


def test_an_item_is_a_fresh_image_and_a_fresh_mask(published) -> None:
    arrays = plain(2)
    with registered(published(arrays, "bkai-igh")):
        ds = mm.Dataset("medsegbench/bkai-igh", "train", size=SIZE)
    image, mask = ds[3]
    assert np.array_equal(arrays["train_images"][3], image)
    assert np.array_equal(arrays["train_label"][3], mask)
    assert image.flags.writeable is True
    assert mask.flags.writeable is True
    assert np.uint8 == mask.dtype


def test_batches_have_masks_in_their_own_dtype(published) -> None:
    arrays = plain(2)
    with registered(published(arrays, "bkai-igh")):
        ds = mm.Dataset("medsegbench/bkai-igh", "train", size=SIZE)
    seen = []
    for batch in ds.batches(5, shuffle=True, seed=3, scale=1 / 255, channels="first"):
        assert np.float32 == batch.images.dtype
        assert np.uint8 == batch.masks.dtype
        assert np.array_equal(arrays["train_label"][batch.indices], batch.masks)
        seen += batch.indices.tolist()
    assert list(range(12)) == sorted(seen)


def test_a_part_pickles_and_finds_its_archive_again(published) -> None:
    with registered(published(plain(), "kvasir")):
        ds = mm.Dataset("medsegbench/kvasir", "train", size=SIZE)[2:9:3]
        again = pickle.loads(pickle.dumps(ds))
    assert np.array_equal(ds.masks, again.masks)


def test_pixels_are_counted(published) -> None:
    arrays = plain(2)
    with registered(published(arrays, "bkai-igh")):
        ds = mm.Dataset("medsegbench/bkai-igh", "train", size=SIZE)
    expected = np.bincount(arrays["train_label"][[1, 4]].ravel(), minlength=3)
    assert dict(zip(ds.class_names, expected.tolist(), strict=True)) == ds[[1, 4]].class_counts()


def test_folds_divide_images(published) -> None:
    with registered(published(plain(), "kvasir")):
        folds = mm.Dataset("medsegbench/kvasir", "train", size=SIZE).folds(4)
    assert [len(part) for _, part in folds] == [3, 3, 3, 3]


# Quirks


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, bool])
def test_masks_that_are_not_zeros_and_ones_are_binarised(published, dtype: type) -> None:
    arrays = plain(1 if dtype is bool else 200, gray=True, dtype=dtype)
    with registered(published(arrays, "pandental")):
        found = mm.load("medsegbench/pandental", "train", size=SIZE).masks
        report = mm.verify("medsegbench/pandental", size=SIZE)
    assert np.uint8 == found.dtype
    assert np.array_equal(arrays["train_label"] != 0, found)
    assert report.ok


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16, bool, ">i4"])
def test_masks_of_another_dtype_are_stored_as_uint8(published, dtype: Any) -> None:
    arrays = plain(dtype=dtype)
    with registered(published(arrays, "kvasir")):
        found = mm.load("medsegbench/kvasir", "train", size=SIZE).masks
        report = mm.verify("medsegbench/kvasir", size=SIZE)
    assert np.uint8 == found.dtype
    assert np.array_equal(arrays["train_label"], found)
    assert report.ok


@pytest.mark.parametrize(
    ("name", "dtype", "value"),
    [
        ("kvasir", np.uint8, 255),
        ("kvasir", np.int64, 256),  # 0 as uint8
        ("kvasir", np.int16, -1),
        ("bkai-igh", np.uint8, 3),
        ("bkai-igh", np.uint64, 2**64 - 1),
    ],
)
def test_masks_with_a_value_that_is_no_class_are_refused(published, name: str, dtype: type, value: int) -> None:
    arrays = plain(dtype=dtype)
    arrays["test_label"][-1, -1, -1] = value
    record = published(arrays, name)
    expected = f"test_label.npy: its values go from {min(value, 0)} to {max(value, 1)}, and the classes of the record"
    with registered(record), pytest.raises(ArchiveError, match=expected):
        mm.load(f"medsegbench/{name}", "train", size=SIZE)
    assert list(cache().glob("arrays/medsegbench/[!.]*")) == []


def test_a_single_split_is_checked_too(published) -> None:
    arrays = plain()
    arrays["val_label"][0, 0, 0] = 7
    with registered(published(arrays, "kvasir")):
        assert mm.load("medsegbench/kvasir", "train", size=SIZE, partial=True).masks.shape == (12, SIZE, SIZE)
        with pytest.raises(ArchiveError, match=r"val_label\.npy: its values go from 0 to 7"):
            mm.load("medsegbench/kvasir", "val", size=SIZE, partial=True)


def test_checking_and_converting_masks_keeps_memory_flat(tmp_path: Path) -> None:
    file = tmp_path / "masks.npy"
    values = np.lib.format.open_memmap(file, "w+", np.int64, (64, 512, 512))  # 128 MB
    values[-1, -1, -1] = 1
    values.flush()
    stored = stored_array(file, values.shape, values.dtype.str, 128)
    del values
    tracemalloc.start()
    class_numbers(file, stored, 1, binarise=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


def with_parts(counts: dict[str, int], highest: int) -> Arrays:
    """Return the arrays of categories ``C1``, ``C2``, ... with so many training samples."""
    arrays: Arrays = {}
    for number, (part, n) in enumerate(counts.items()):
        for split, m in {"train": n, "val": 2, "test": 1}.items():
            arrays[f"{split}_images_{part}"] = some(m, seed=number, gray=highest == 1)
            arrays[f"{split}_label_{part}"] = masks(m, highest, seed=number)
    return arrays


def test_a_category_is_a_set_of_its_own(published) -> None:
    arrays = plain(2) | with_parts({"C1": 4, "C2": 3, "C3": 2, "C4": 3}, highest=2)
    with registered(*published(arrays, "wbc-c3", "wbc")):
        part = mm.load("medsegbench/wbc_C3", "train", size=SIZE)
        whole = mm.load("medsegbench/wbc", "train", size=SIZE)
    assert np.array_equal(arrays["train_images_C3"], part.images)
    assert np.array_equal(arrays["train_label_C3"], part.masks)
    assert np.array_equal(arrays["train_images"], whole.images)


def test_whole_and_part_are_unpacked_once(published, tmp_path: Path) -> None:
    arrays = plain(2) | with_parts({"C1": 4, "C2": 3, "C3": 2, "C4": 3}, highest=2)
    records = published(arrays, "wbc-c3", "wbc")
    with registered(*records):
        folder = mm.fetch("medsegbench/wbc", size=SIZE)
        assert folder == mm.fetch("medsegbench/wbc-c3", size=SIZE)
    assert sorted(f"{name}.npy" for name in arrays) == sorted(path.name for path in folder.glob("*.npy"))


def test_an_archive_of_categories_alone_says_so_when_the_whole_is_opened(published) -> None:
    arrays = with_parts({"C1": 4, "C2": 3}, highest=1)
    part = published(arrays, "busi-c2")
    whole = registry.info("medsegbench/busi")
    files = replace(part.archive(SIZE), also=part.archive(SIZE).members)
    with registered(part, replace(whole, archives={SIZE: files})):
        assert mm.load("medsegbench/busi-c2", "train", size=SIZE).masks.shape == (3, SIZE, SIZE)
        with pytest.raises(ArchiveError, match=r"has no train_images\..* Its parts may be available: .*/busi-c1"):
            mm.load("medsegbench/busi", "train", size=SIZE)


def test_categories_may_share_images_and_the_whole_has_no_masks(published) -> None:
    arrays: Arrays = {f"{split}_images": some(n) for split, n in FEW.items()}
    for number in range(1, 5):
        arrays |= {f"{split}_label_C{number}": masks(n, seed=number) for split, n in FEW.items()}
    with registered(*published(arrays, "idrib-c2", "idrib")):
        images, found = mm.load("medsegbench/idrib_C2", "test", size=SIZE)
        with pytest.raises(ArchiveError, match="medsegbench/idrib has no test_label"):
            mm.load("medsegbench/idrib", "test", size=SIZE)
    assert np.array_equal(arrays["test_images"], images)
    assert np.array_equal(arrays["test_label_C2"], found)


def test_arrays_that_are_not_known_are_passed_over(published) -> None:
    arrays = plain() | {"readme": np.arange(3), "train_names": np.array(["a"])}
    with registered(published(arrays, "kvasir")):
        folder = mm.fetch("medsegbench/kvasir", size=SIZE)
    assert not (folder / "readme.npy").exists()
    assert (folder / "train_label.npy").exists()


def test_an_archive_of_medmnist_may_hold_no_other_array() -> None:
    assert registry.info("breastmnist").archive(28).exact
    assert not registry.info("medsegbench/kvasir").archive(128).exact


@pytest.mark.parametrize("missing", ["train_label", "test_images"])
def test_images_without_masks_are_refused_and_the_reverse(published, missing: str) -> None:
    arrays = plain()
    del arrays[missing]
    with registered(published(arrays, "kvasir", n_samples=FEW)), pytest.raises(ArchiveError, match=f"not .*{missing}"):
        mm.load("medsegbench/kvasir", size=SIZE)


# What masks are not for


@pytest.fixture
def kvasir(tmp_path: Path) -> Iterator[mm.Dataset]:
    with fake_datasets(tmp_path, "medsegbench/kvasir_128", n_samples=FEW):
        yield mm.Dataset("medsegbench/kvasir_128", "train")


@pytest.mark.parametrize(
    "use",
    [
        lambda ds: ds.decode(1),
        lambda ds: ds.take_per_class(1),
        lambda ds: ds.batches(2, shuffle=True, weights="balanced"),
        lambda ds: mm.Evaluator(ds.record, "test"),
    ],
)
def test_what_needs_a_label_for_each_image_says_so(kvasir: mm.Dataset, use: Callable[[mm.Dataset], object]) -> None:
    with pytest.raises(ValueError, match="needs one label for each image, and medsegbench/kvasir has masks"):
        use(kvasir)


def test_volumes_that_differ_in_size_are_no_dataset() -> None:
    for use in (mm.load, mm.Dataset):
        with pytest.raises(UnknownSizeError, match=r'Open the set with medmnist_np.VolumeDataset\("msd/liver"\)'):
            use("msd/liver")


def test_a_fake_shows_what_its_masks_say(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "medsegbench/abdomenus_128", n_samples=FEW) as (record,):
        images, found = mm.load("medsegbench/abdomenus_128")
    assert np.array_equal(make_arrays(record)["train_images"], images)
    assert images[found == 8].mean() > images[found == 1].mean() + 50 > 100
