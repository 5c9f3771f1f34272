"""A data set as a sequence: items, views, words for labels, pickles and threads."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from medmnist_np._progress import silent
from medmnist_np.compat import BreastMNIST, PathMNIST
from medmnist_np.data import warm
from medmnist_np.data.arrays import fetch, load
from medmnist_np.data.dataset import Dataset
from medmnist_np.errors import MedMNISTError, NotCachedError, UnknownSplitError
from medmnist_np.registry import DatasetInfo, registered
from medmnist_np.testing import fake_datasets, make_arrays

N = 12
NAMES = ("breastmnist", "pathmnist", "chestmnist", "adrenalmnist3d")


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, DatasetInfo]]:
    """A cache that holds the fakes, which no test changes, and their records."""
    folder = tmp_path_factory.mktemp("complete")
    with fake_datasets(folder, *NAMES, n_samples={"train": N, "val": 4, "test": 6}) as records:
        for record in records:
            fetch(record)
    return folder / "cache", {record.name: record for record in records}


@pytest.fixture
def fakes(complete, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, DatasetInfo]]:
    cache, records = complete
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(cache))
    with registered(*records.values()):
        yield records


# Items


@pytest.mark.parametrize("name", NAMES)
def test_an_item_is_an_image_and_its_label(fakes, name: str) -> None:
    expected = make_arrays(fakes[name])
    dataset = Dataset(name, "test")
    assert isinstance(dataset, Sequence)
    assert len(dataset) == 6
    for index, (image, label) in enumerate(dataset):
        assert [np.ndarray, np.ndarray] == [type(image), type(label)]
        assert [str(image.dtype), str(label.dtype)] == ["uint8", "int64"]
        assert expected["test_images"][index].tolist() == image.tolist()
        assert expected["test_labels"][index].tolist() == label.tolist()


@pytest.mark.parametrize("as_rgb", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_items_are_fresh_and_writable(fakes, name: str, as_rgb: bool) -> None:
    dataset = Dataset(name, as_rgb=as_rgb)
    image, label = dataset[0]
    before = image.tolist(), label.tolist()
    image[...] = 77
    label[...] = 77
    again = dataset[0]
    assert before == (again[0].tolist(), again[1].tolist())
    assert image.base is None or not np.shares_memory(image, dataset.images)


@pytest.mark.parametrize("index", [-1, N - 1, np.int64(-1), np.uint8(N - 1), np.array(-1), np.array(N - 1, np.uint8)])
def test_any_integer_is_an_index_and_negative_ones_count_from_the_end(fakes, index: Any) -> None:
    dataset = Dataset("breastmnist")
    assert np.array_equal(dataset.images[-1], dataset[index][0])


@pytest.mark.parametrize("index", [N, -N - 1])
def test_an_index_outside_is_an_index_error(fakes, index: int) -> None:
    with pytest.raises(IndexError):
        Dataset("breastmnist")[index]
    with pytest.raises(IndexError):
        Dataset("breastmnist")[[0, index]]


@pytest.mark.parametrize(
    ("name", "shape"), [("breastmnist", (28, 28, 3)), ("pathmnist", (28, 28, 3)), ("adrenalmnist3d", (28, 28, 28, 3))]
)
def test_gray_images_may_come_as_rgb(fakes, name: str, shape: tuple[int, ...]) -> None:
    plain, rgb = Dataset(name)[1][0], Dataset(name, as_rgb=True)[1][0]
    assert shape == rgb.shape
    assert np.array_equal(np.broadcast_to(plain if plain.shape == shape else plain[..., None], shape), rgb)


def test_transforms_are_applied_to_items(fakes) -> None:
    dataset = Dataset("breastmnist", transform=lambda image: image / 255, target_transform=int_of)
    image, label = dataset[3]
    assert np.array_equal(dataset.images[3] / 255, image)
    assert int(dataset.labels[3, 0]) == label
    assert int is type(label)
    assert image.tolist() == dataset[3:][0][0].tolist()


def int_of(label: np.ndarray) -> int:
    return int(label[0])


# Modes of mapping


@pytest.mark.parametrize("mode", ["c", None])
def test_what_is_written_changes_the_data_set_and_no_file(fakes, mode: Any) -> None:
    dataset = Dataset("breastmnist", mmap_mode=mode)
    dataset.images[2] = 9
    dataset.labels[2] = 1 - dataset.labels[2]
    image, label = dataset[2]
    clean_image, clean_label = Dataset("breastmnist")[2]
    assert set(image.flat) == {9}
    assert 1 - clean_label == label
    assert set(next(iter(dataset[2:].batches(1))).images.flat) == {9}
    assert set(clean_image.flat) != {9}
    assert dataset.statistics().histogram[0, 9] >= 28 * 28


@pytest.mark.parametrize("mode", ["r", "c", None])
def test_a_pickle_keeps_the_mode(fakes, mode: Any) -> None:
    again = pickle.loads(pickle.dumps(Dataset("breastmnist", mmap_mode=mode)))
    kind = np.ndarray if mode is None else np.memmap
    assert kind is type(again.images)
    assert (mode != "r") == again.images.flags.writeable


@pytest.mark.parametrize(
    "make",
    [lambda: Dataset("breastmnist", mmap_mode="c"), lambda: BreastMNIST("train"), lambda: BreastMNIST("train")[2:9]],
    ids=["Dataset", "official class", "part"],
)
def test_labels_that_were_written_into_travel_in_a_pickle_and_a_corruption(fakes, make: Any) -> None:
    dataset = make()
    dataset.labels[:] = 1 - dataset.labels
    for other in pickle.loads(pickle.dumps(dataset)), dataset.corrupt("pixelate", 1):
        assert dataset.labels.tolist() == other.labels.tolist()
        assert dataset[1][1].tolist() == other[1][1].tolist()


def test_labels_that_were_written_into_are_in_the_state_of_batches_and_not_joined(fakes) -> None:
    dataset = Dataset("breastmnist", "train", mmap_mode="c")
    state = dataset.batches(2).state_dict()
    dataset.labels[3] = 1 - dataset.labels[3]
    with pytest.raises(ValueError, match="other batches"):
        dataset.batches(2).load_state_dict(state)
    other = Dataset("breastmnist", "val")
    for joined in (lambda: dataset + other, lambda: other + dataset):
        with pytest.raises(ValueError, match="were changed, but only published ones can be joined"):
            joined()


def test_opening_reads_no_images(fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    taken = np.array

    def noted(values: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(values, np.memmap):
            read.append(Path(values.filename).name)
        return taken(values, *arguments, **options)

    monkeypatch.setattr(np, "array", noted)
    for mode in ("r", "c"):
        Dataset("breastmnist", "test", mmap_mode=mode)
    BreastMNIST("test")
    assert ["test_labels.npy"] * 3 == read


# Views


def test_a_contiguous_slice_is_a_slice_of_the_map(fakes) -> None:
    dataset = Dataset("pathmnist")
    for part in (dataset, dataset[3:7], dataset[3:][1:4], dataset[::-1][::-1], dataset[::2][3:4]):
        if part._selection.step == 1:
            assert np.shares_memory(dataset.images, part.images)
            assert np.memmap is type(part.images)
            assert part.images.flags.writeable is False
            assert np.ndarray is type(part.labels)
            assert part.labels.flags.writeable is False
    assert dataset.images[4:7].tolist() == dataset[3:][1:4].images.tolist()


@pytest.mark.parametrize("index", [slice(None, None, 2), slice(None, None, -1), [0, 1], np.arange(N) > 3], ids=repr)
def test_any_other_selection_is_gathered(fakes, index: Any) -> None:
    dataset = Dataset("pathmnist")
    images = dataset[index].images
    assert dataset.images[index].tolist() == images.tolist()
    assert np.shares_memory(dataset.images, images) is False
    assert images.flags.writeable is True


def test_a_view_keeps_the_transforms_and_leaves_the_whole_as_it_was(fakes) -> None:
    dataset = Dataset("breastmnist", as_rgb=True)
    part = dataset[2:4]
    assert Dataset is type(part)
    assert len(part) == 2
    assert N == len(dataset)
    assert part.as_rgb is True
    part.as_rgb = False
    assert dataset.as_rgb


def test_nothing_may_be_selected(fakes) -> None:
    dataset = Dataset("breastmnist")
    for empty in (dataset[5:5], dataset[[]], dataset[np.zeros(N, bool)], dataset[9:2]):
        assert empty.images.shape == (0, 28, 28)
        assert empty.labels.shape == (0, 1)
        assert list(empty) == []
        assert set(empty.class_counts().values()) == {0}


@pytest.mark.parametrize("length", [0, N - 1, N + 1])
def test_a_mask_of_another_length_is_refused(fakes, length: int) -> None:
    with pytest.raises(IndexError, match=f"The mask has {length} values, but the data set has {N} samples"):
        Dataset("breastmnist")[np.ones(length, bool)]


@pytest.mark.parametrize(
    "index",
    [
        1.0,
        "train",
        None,
        [0.5],
        np.zeros((2, 2), int),
        (0, 1, slice(3)),
        True,
        np.array(True),
        np.array(0.0),
        ["a"],
        ...,
    ],
)
def test_anything_else_is_no_index(fakes, index: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Dataset("breastmnist")[index]


@st.composite
def selections(draw: st.DrawFn) -> list[Any]:
    """Draw up to four indices, each fit for what the ones before leave over."""
    positions, steps = np.arange(N), []
    for _ in range(draw(st.integers(1, 4))):
        n = len(positions)
        kinds = [st.slices(n), st.lists(st.booleans(), min_size=n, max_size=n).map(lambda mask: np.array(mask, bool))]
        if n:
            kinds.append(st.lists(st.integers(-n, n - 1), max_size=2 * N).map(lambda chosen: np.array(chosen, int)))
        steps.append(draw(st.one_of(kinds)))
        positions = positions[steps[-1]]
    return steps


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_step_may_be_larger_than_an_integer_of_numpy(fakes, n: int) -> None:
    part = Dataset("pathmnist")[:n][:: 2**63]
    assert len(part) == len(part.images) == len(part[np.ones(len(part), bool)]) == min(n, 1)


@given(selections())
def test_nested_selections_are_those_of_numpy(complete, steps: list[Any]) -> None:
    cache, records = complete
    dataset = Dataset(records["pathmnist"], root=cache)
    images, labels = load(records["pathmnist"], root=cache)
    for step in steps:
        dataset, images, labels = dataset[step], images[step], labels[step]
    assert len(images) == len(dataset)
    assert np.array_equal(images, dataset.images)
    assert np.array_equal(labels, dataset.labels)
    assert all(np.array_equal(one, item) for one, (item, _) in zip(images, dataset, strict=True))
    assert np.array_equal(images, pickle.loads(pickle.dumps(dataset)).images)


# Words


def test_classes_are_counted(fakes) -> None:
    labels = make_arrays(fakes["pathmnist"])["train_labels"][:, 0]
    dataset = Dataset("pathmnist")
    expected = [int((labels == number).sum()) for number in range(9)]
    assert dict(zip(dataset.class_names, expected, strict=True)) == dataset.class_counts()
    assert int((labels[:5] == 3).sum()) == dataset[:5].class_counts()["lymphocytes"]


def test_positives_of_a_multi_label_set_are_counted_by_finding(fakes) -> None:
    labels = make_arrays(fakes["chestmnist"])["train_labels"]
    dataset = Dataset("chestmnist")
    assert labels.sum(axis=0).tolist() == list(dataset.class_counts().values())
    assert list(dataset.class_names) == list(dataset.class_counts())


@pytest.mark.parametrize("label", [0, [0], np.array([0]), np.uint8(0)])
def test_a_label_is_decoded(fakes, label: Any) -> None:
    assert Dataset("breastmnist").decode(label) == "malignant"


def test_findings_are_decoded(fakes) -> None:
    dataset = Dataset("chestmnist")
    assert dataset.decode([0] * 14) == ()
    assert dataset.decode([1, 0, 1] + [0] * 11) == ("atelectasis", "effusion")


@pytest.mark.parametrize("label", [2, -1, 0.5, [0, 1], []])
def test_what_is_no_label_is_refused(fakes, label: Any) -> None:
    with pytest.raises(ValueError, match="breastmnist"):
        Dataset("breastmnist").decode(label)


@pytest.mark.parametrize("label", [3, [0] * 13, [2] + [0] * 13])
def test_what_are_no_findings_is_refused(fakes, label: Any) -> None:
    with pytest.raises(ValueError, match="chestmnist"):
        Dataset("chestmnist").decode(label)


def test_it_reads_like_the_official_class(fakes) -> None:
    dataset = Dataset("breastmnist", "val")
    lines = repr(dataset).splitlines()
    assert lines[0] == "Dataset BreastMNIST of size 28 (breastmnist)"
    assert lines[1:4] == ["    Number of datapoints: 4", f"    Root location: {dataset.folder}", "    Split: val"]
    assert "    Meaning of labels: {'0': 'malignant', '1': 'normal, benign'}" in lines
    assert repr(dataset[:2]).splitlines()[1] == "    Number of datapoints: 2"


def test_info_is_the_record(fakes) -> None:
    assert Dataset("breastmnist").info is fakes["breastmnist"]


def test_a_wrong_split_and_absent_data_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UnknownSplitError):
        Dataset("breastmnist", "dev")
    with pytest.raises(NotCachedError):
        Dataset("breastmnist", download=False)


# Elsewhere


def test_it_may_be_shared_between_threads(fakes) -> None:
    dataset = Dataset("pathmnist")
    with ThreadPool(8) as threads:
        items = threads.map(dataset.__getitem__, list(range(N)) * 20, chunksize=1)
    expected = load("pathmnist").images
    assert all(np.array_equal(expected[index % N], image) for index, (image, _) in enumerate(items))


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_split_pickles_small(fakes, name: str) -> None:
    dataset = Dataset(name, transform=np.flipud)
    assert len(pickle.dumps(dataset)) < 2000
    assert len(pickle.dumps(dataset[1:])) < 2000


def _last_item(dataset: Dataset) -> tuple[type, int, np.ndarray]:
    return type(dataset.images), len(dataset), dataset[-1][0]


def test_it_works_in_a_spawned_process(fakes) -> None:
    dataset = Dataset("pathmnist")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        whole, part = process.map(_last_item, [dataset, dataset[[3, 1]]])
    assert (np.memmap, N, np.ndarray, 2) == (*whole[:2], *part[:2])
    assert np.array_equal(dataset.images[-1], whole[2])
    assert np.array_equal(dataset.images[1], part[2])


@pytest.mark.windows_refuses
def test_where_its_folder_is_gone_the_cache_of_this_machine_is_used(fakes, complete, tmp_path, monkeypatch) -> None:
    shutil.copytree(complete[0], tmp_path / "there")
    dataset = Dataset("breastmnist", root=tmp_path / "there")[[2, 5]]
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(tmp_path / "empty"))
    expected, pickled = dataset.images.copy(), pickle.dumps(dataset)
    shutil.rmtree(tmp_path / "there")
    with pytest.raises(MedMNISTError, match="not on this machine"):
        pickle.loads(pickled)
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(complete[0]))
    restored = pickle.loads(pickled)
    assert fetch("breastmnist") == restored.folder
    assert np.array_equal(expected, restored.images)


def test_an_error_in_a_transform_is_not_taken_for_the_end(tmp_path: Path) -> None:
    def broken(_: Any) -> Any:
        raise IndexError("broken")

    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 4}), pytest.raises(IndexError, match="broken"):
        list(Dataset("breastmnist", transform=broken))


# Samples are arrays


def test_samples_are_not_looked_for(fakes) -> None:
    dataset = Dataset("breastmnist")
    for ask in (lambda: dataset[0] in dataset, lambda: dataset.index(dataset[0]), lambda: dataset.count(dataset[0])):
        with pytest.raises(TypeError, match="cannot compare samples, because they are arrays"):
            ask()


def test_it_can_be_gone_through_backwards(fakes) -> None:
    dataset = Dataset("breastmnist")
    backwards = [image.tolist() for image, _ in reversed(dataset)]
    assert dataset.images[::-1].tolist() == backwards


# Positions and gathering


def test_positions_are_places_in_the_arrays_of_the_split(fakes) -> None:
    dataset = Dataset("pathmnist")
    assert np.intp == dataset.positions.dtype.type
    assert list(range(N)) == dataset.positions.tolist()
    assert dataset[::-3][:3].positions.tolist() == [11, 8, 5]
    assert dataset[[5, 4, 3, 2]][1::2].positions.tolist() == [4, 2]
    assert dataset[[]].positions.tolist() == []


@pytest.mark.parametrize("index", [slice(None), slice(2, 5), [4, 2]], ids=str)
def test_positions_are_a_copy(fakes, index: Any) -> None:
    part = Dataset("pathmnist")[index]
    before = part.images.tolist()
    part.positions[...] = 0
    assert before == part.images.tolist()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("as_rgb", [False, True])
@pytest.mark.parametrize("split", ["train", "train+val"])
def test_images_are_gathered_by_number(fakes, name: str, as_rgb: bool, split: str) -> None:
    dataset = Dataset(name, split, as_rgb=as_rgb)
    chosen = [7, 0, 7, len(dataset) - 1]
    found = dataset.gather(chosen)
    assert [dataset[index][0].tolist() for index in chosen] == found.tolist()
    assert np.uint8 == found.dtype.type
    assert found.flags.writeable is True
    assert np.ndarray is type(found)
    assert not np.shares_memory(found, dataset.images)
    assert np.array_equal(found[:2], dataset[chosen].gather([0, 1]))
    assert (0, *found.shape[1:]) == dataset.gather([]).shape


@pytest.mark.parametrize("index", [[N], [-N - 1], [0, 99]])
def test_what_is_not_there_is_not_gathered(fakes, index: list[int]) -> None:
    for dataset in (Dataset("breastmnist"), Dataset("breastmnist", "train+val")[:N]):
        with pytest.raises(IndexError):
            dataset.gather(index)


def test_the_record_is_that_of_the_official_classes_too(fakes) -> None:
    assert fakes["breastmnist"] == Dataset("breastmnist").record == BreastMNIST("train").record


# Splits as one


@pytest.mark.parametrize("name", NAMES)
def test_splits_are_joined_in_the_order_that_is_said(fakes, name: str) -> None:
    arrays = make_arrays(fakes[name])
    train, val, test = (Dataset(name, split) for split in ("train", "val", "test"))
    for joined, splits in (
        (train + val, "train+val"),
        (val + train, "val+train"),
        (train + val + test, "train+val+test"),
    ):
        images, labels = (
            np.concatenate([arrays[f"{split}_{role}"] for split in splits.split("+")]) for role in ("images", "labels")
        )
        for dataset in (joined, Dataset(name, splits), pickle.loads(pickle.dumps(joined))):
            assert type(train) is type(dataset)
            assert splits == dataset.split
            assert len(images) == len(dataset)
            assert np.array_equal(images, dataset.images)
            assert np.array_equal(labels, dataset.labels)
            assert all(np.array_equal(image, item) for image, (item, _) in zip(images, dataset, strict=True))
        assert len(pickle.dumps(joined)) < 2000


def test_parts_are_joined(fakes) -> None:
    train, val = Dataset("pathmnist"), Dataset("pathmnist", "val")
    for one, other in (
        (train[::3], val[::-1]),
        (val[:0], train[4:6]),
        (train[:3], train[7:]),
        ((train + val)[8:14], (val + train)[:5]),
        (train[[1, 1]], train[[1]]),
    ):
        joined = one + other
        assert np.array_equal(np.concatenate([one.images, other.images]), joined.images)
        assert np.array_equal(np.concatenate([one.labels, other.labels]), joined.labels)
        assert np.array_equal(joined.images, pickle.loads(pickle.dumps(joined)).images)


def test_a_contiguous_part_of_one_split_is_a_view_even_if_splits_are_joined(fakes) -> None:
    joined, val = Dataset("pathmnist", "train+val"), Dataset("pathmnist", "val")
    for part, expected in ((joined[N:], val.images), (joined[2:5], joined.images[2:5])):
        assert np.memmap is type(part.images)
        assert part.images.flags.writeable is False
        assert np.array_equal(expected, part.images)
    assert type(joined[N - 1 : N + 1].images) is np.ndarray


def test_only_parts_of_one_data_set_are_joined(fakes) -> None:
    with pytest.raises(ValueError, match="not breastmnist of size 28 and pathmnist of size 28"):
        Dataset("breastmnist") + Dataset("pathmnist")
    with pytest.raises(TypeError):
        Dataset("breastmnist") + 1  # type: ignore[operator]


@pytest.mark.parametrize("split", ["train+train", "train+dev", "train+", "+", "", "train val"])
def test_what_are_no_splits_is_refused(fakes, split: str) -> None:
    with pytest.raises(ValueError, match=r"split|twice"):
        Dataset("breastmnist", split)


# Parts by class


def test_so_many_of_each_class_are_taken(fakes) -> None:
    dataset = Dataset("breastmnist")
    part = dataset.take_per_class(3, seed=1)
    assert set(part.class_counts().values()) == {3}
    assert (np.diff(part.positions) > 0).all()
    assert part.positions.tolist() == dataset.take_per_class(3, 1).positions.tolist()
    assert len({tuple(dataset.take_per_class(3, seed).positions) for seed in range(9)}) > 3
    assert set((dataset + Dataset("breastmnist", "val"))[::-1].take_per_class(1).class_counts().values()) == {1}
    with pytest.raises(ValueError, match="99 samples per class were requested, but class 'malignant' has 6"):
        dataset.take_per_class(99)


def test_findings_are_no_classes(fakes) -> None:
    dataset = Dataset("chestmnist")
    with pytest.raises(ValueError, match="may have several findings"):
        dataset.take_per_class(1)
    with pytest.raises(ValueError, match="may have several findings"):
        dataset.batches(4, shuffle=True, weights="balanced")


@pytest.mark.filterwarnings("ignore:Missing from some of the 3 folds")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("grouped", [False, True])
def test_each_sample_is_in_one_fold_and_in_the_rest_of_the_others(fakes, name: str, grouped: bool) -> None:
    whole = Dataset(name, "train+val")[::-1]
    groups = np.arange(len(whole)) // 2 if grouped else None
    folds = whole.folds(3, seed=4, groups=groups)
    assert sorted(whole.positions) == sorted(np.concatenate([fold.positions for _, fold in folds]).tolist())
    for rest, fold in folds:
        assert sorted(whole.positions) == sorted([*rest.positions, *fold.positions])
        assert rest.split == fold.split == whole.split
    if not grouped and name == "breastmnist":
        counts = np.array([list(fold.class_counts().values()) for _, fold in folds])
        assert np.ptp(counts, axis=0).max() <= 1


def test_a_class_that_is_missing_from_a_fold_is_named_in_a_warning(fakes) -> None:
    few = Dataset("breastmnist", "train")
    one_malignant = np.append(np.flatnonzero(few.labels[:, 0] == 1)[:9], np.flatnonzero(few.labels[:, 0] == 0)[:1])
    with pytest.warns(UserWarning, match="Missing from some of the 3 folds: 'malignant' from 2. Their AUC"):
        few[one_malignant].folds(3)


# Batches


def images_of(dataset: Dataset, channels: str | None, dtype: Any, scale: float | None) -> np.ndarray:
    """The images as a user would write it."""
    images = np.array(dataset.images)
    gray = dataset.record.n_channels == 1
    if gray and (dataset.as_rgb or channels):
        images = np.stack([images] * (3 if dataset.as_rgb else 1), axis=-1)
    if channels == "first":
        images = np.moveaxis(images, -1, 1)
    if scale is not None:
        return images.astype(dtype or np.float32) * np.dtype(dtype or np.float32).type(scale)
    return images.astype(dtype or np.uint8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("as_rgb", [False, True])
@pytest.mark.parametrize("channels", [None, "first", "last"])
@pytest.mark.parametrize(("dtype", "scale"), [(None, None), ("float64", None), (None, 1 / 255), (np.float16, 0.5)])
def test_batches_are_those_of_plain_numpy(fakes, name, as_rgb, channels, dtype, scale) -> None:
    for split in ("test", "val+test"):
        dataset = Dataset(name, split, as_rgb=as_rgb)
        expected = images_of(dataset, channels, dtype, scale)
        found = list(dataset.batches(4, channels=channels, dtype=dtype, scale=scale))
        assert np.array_equal(expected, np.concatenate([batch.images for batch in found]))
        assert {expected.dtype} == {batch.images.dtype for batch in found}
        assert np.array_equal(dataset.labels, np.concatenate([batch.labels for batch in found]))
        assert {np.dtype(np.int64)} == {batch.labels.dtype for batch in found}


@pytest.mark.parametrize("index", [slice(3, 9), slice(None, None, -2), [4, 4, 0], [2], np.arange(N) % 2 == 0], ids=str)
@pytest.mark.parametrize("shuffle", [False, True, "blocks"])
def test_batches_of_a_part_number_its_samples(fakes, index: Any, shuffle: Any) -> None:
    part = Dataset("pathmnist")[index]
    batches = list(part.batches(2, shuffle=shuffle))
    assert list(range(len(part))) == sorted(np.concatenate([batch.indices for batch in batches]).tolist())
    assert all(np.array_equal(part.gather(batch.indices), batch.images) for batch in batches)


def test_weights_are_balanced_by_class(fakes) -> None:
    part = Dataset("breastmnist")
    part = part[np.concatenate([np.flatnonzero(part.labels == 0)[:1], np.flatnonzero(part.labels == 1)])]
    batches = part.batches(7, shuffle=True, weights="balanced", prefetch=0)
    labels = np.concatenate([batch.labels for _ in range(300) for batch in batches])
    assert len(labels) == 300 * 7
    assert abs(labels.mean() - 0.5) < 5 * 0.5 / np.sqrt(len(labels))


def test_a_state_names_its_data_set_and_refuses_another(fakes) -> None:
    train = Dataset("breastmnist")
    state = json.loads(json.dumps(train.batches(2, shuffle=True).state_dict()))
    assert tuple(state["dataset"][key] for key in ("name", "size", "split")) == ("breastmnist", 28, "train")
    again = pickle.loads(pickle.dumps(train))
    again.batches(2, shuffle=True).load_state_dict(state)
    relabelled = BreastMNIST("train")
    relabelled.labels = 1 - relabelled.labels
    for other in (
        Dataset("pathmnist"),
        train[::-1],
        train[:-1],
        (train + Dataset("breastmnist", "val"))[:N],
        Dataset("breastmnist", "val+train")[4:],
        relabelled,
        Dataset("breastmnist", as_rgb=True),
    ):
        with pytest.raises(ValueError, match="The state is from other batches"):
            other.batches(2, shuffle=True).load_state_dict(state)


def test_states_of_two_arrays_of_images_that_were_assigned_are_told_apart(fakes) -> None:
    ours, same, theirs = (BreastMNIST("train") for _ in range(3))
    for ds, value in (ours, 1), (same, 1), (theirs, 2):
        ds.imgs = np.full(ds.imgs.shape, value, np.uint8)
    state = json.loads(json.dumps(ours.batches(2).state_dict()))
    same.batches(2).load_state_dict(state)
    with pytest.raises(ValueError, match="other batches"):
        theirs.batches(2).load_state_dict(state)


def test_states_of_two_parts_are_told_apart(fakes) -> None:
    train = Dataset("breastmnist")
    state = train[[1, 2, 5]].batches(2).state_dict()
    train[[1, 2, 5]].batches(2).load_state_dict(state)
    with pytest.raises(ValueError, match="other batches"):
        train[[1, 2, 6]].batches(2).load_state_dict(state)


def test_blocks_are_read_ahead_from_the_files(fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    read, one_by_one = [], warm.read_rows

    def noted(array: np.memmap, rows: np.ndarray, bar: Any = None) -> int:
        read.append((Path(str(array.filename)).name, rows.tolist()))
        return one_by_one(array, rows, bar)

    monkeypatch.setattr(warm, "read_rows", noted)
    part = Dataset("pathmnist", "train+val")[::-1]
    with ThreadPool(1):
        list(part.batches(4, shuffle="blocks"))
    rows = [row for name, some in read if name == "train_images.npy" for row in some]
    assert set(rows) <= set(range(N))
    assert all(some == sorted(some) for _, some in read)


@pytest.mark.parametrize("which", ["transform", "target_transform"])
def test_batches_do_not_leave_out_a_transform_in_silence(fakes, which: str) -> None:
    with pytest.raises(ValueError, match=r"batches\(transform=\.\.\.\)"):
        Dataset("breastmnist", **{which: np.negative}).batches(4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *(({"batch_size": value}, "batch_size must be") for value in (0, True, 2.5)),
        *(({"shard": value}, "shard") for value in ((2, 2), (-1, 2), "x")),
        ({"seed": -1}, "seed must be .*, not -1"),
        ({"epoch": -1}, "epoch must be .*, not -1"),
        ({"prefetch": -1}, "prefetch must be .*, not -1"),
        ({"dtype": "int8"}, "int8 cannot hold the values 0 to 255"),
        ({"scale": np.nan}, "scale must be .*, not nan"),
        ({"last": "x"}, "Unknown value of last: 'x'"),
        ({"uneven": "x"}, "Unknown value of uneven: 'x'"),
        ({"channels": "x"}, "channels must be .*, not 'x'"),
        ({"shuffle": 0}, "shuffle must be .*, not 0"),
        ({"weights": "balance", "shuffle": True}, "weights is 'balance'"),
        ({"weights": "balanced"}, "weights need shuffle=True"),
        ({"weights": np.ones(3), "shuffle": True}, "Give one weight for each of the 12 samples"),
        ({"weights": pd.Series(range(12))[::-1], "shuffle": True}, "The index of weights is not in order"),
        ({"weights": np.ma.masked_less(range(12), 3), "shuffle": True}, "weights is a masked array with masked values"),
    ],
    ids=str,
)
def test_what_makes_no_batches_is_refused_at_once(fakes, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Dataset("breastmnist").batches(**{"batch_size": 4} | arguments)


def test_batches_are_of_the_arrays_that_were_assigned(fakes) -> None:
    dataset = PathMNIST("train")
    dataset.imgs = 255 - dataset.imgs[:5]
    dataset.labels = np.arange(5, dtype=np.int32)[:, None]
    for shuffle in (False, True, "blocks"):
        for part in (dataset, dataset[[3, 1]]):
            found = list(part.batches(2, shuffle=shuffle))
            for batch in found:
                assert np.array_equal(part.imgs[batch.indices], batch.images)
                assert np.array_equal(part.labels[batch.indices], batch.labels)
    dataset.imgs = dataset.imgs[:4]
    with pytest.raises(ValueError, match="4 images, but 5 labels"):
        dataset.batches(2)


def test_batches_are_made_from_a_pickled_data_set_elsewhere(fakes) -> None:
    train = Dataset("pathmnist")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        found = list(process.map(_indices, [train, train], [(0, 2), (1, 2)]))
    assert list(range(N)) == sorted([*found[0], *found[1]])
    assert found == [_indices(train, (which, 2)) for which in range(2)]


def _indices(dataset: Dataset, shard: tuple[int, int]) -> list[int]:
    return [int(index) for batch in dataset.batches(5, shuffle=True, shard=shard) for index in batch.indices]


@pytest.mark.parametrize(
    ("name", "split"), [("retinamnist", "train"), ("breastmnist", "val"), ("adrenalmnist3d", "test")]
)
def test_batches_of_real_images_visit_each_once(real_root: Path, name: str, split: str) -> None:
    dataset = Dataset(name, split, root=real_root)
    seen = np.zeros(len(dataset), int)
    for which in range(3):
        for batch in dataset.batches(64, shuffle=True, shard=(which, 3), uneven="pad", last="pad", channels="first"):
            assert len(batch.images) == 64
            assert dataset.record.n_channels == batch.images.shape[1]
            real = batch.indices[batch.mask]
            seen[real] += 1
            assert np.array_equal(dataset.labels[real], batch.labels[batch.mask])
    assert (seen == 1).all()


# Memory


class Bar:
    """Notes what is shown."""

    def __init__(self, task: str, total: int | None, done: int = 0) -> None:
        self.task, self.total, self.done = task, total, done
        self.bars.append(self)

    bars: list[Bar] = []  # noqa: RUF012

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n_bytes: int, /) -> None:
        self.done += n_bytes


@pytest.mark.parametrize("split", ["train", "train+val"])
def test_images_are_read_into_memory(fakes, split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bar, "bars", [])
    dataset = Dataset("pathmnist", split)
    assert dataset.warm(progress=Bar)
    assert [(dataset.images.nbytes,) * 2] == [(bar.total, bar.done) for bar in Bar.bars]
    assert dataset[[5, 5, 2]].warm(progress=silent)
    assert dataset[[]].warm(progress=silent)


def test_images_that_do_not_fit_are_not_read(fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset("pathmnist")
    n_bytes = dataset.images.nbytes
    monkeypatch.setattr(Bar, "bars", [])
    # Four fifths may be filled.
    for available, fits in ((int(n_bytes / 0.8) + 1, True), (int(n_bytes / 0.8) - 1, False), (0, False), (None, True)):
        monkeypatch.setattr(warm, "available_bytes", lambda available=available: available)
        assert fits == dataset.warm(progress=Bar)
    assert len(Bar.bars) == 2
    monkeypatch.setattr(warm, "available_bytes", lambda: int(n_bytes / 5))
    assert dataset[:1].warm(progress=silent)
    # What is there several times is read once.
    assert dataset[[0] * 100].warm(progress=silent)


def test_assigned_images_are_in_memory(fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "available_bytes", lambda: 0)
    dataset = BreastMNIST("train")
    assert not dataset.warm()
    dataset.imgs = 255 - dataset.imgs
    assert dataset.warm()


@pytest.mark.parametrize("selection", [slice(None), slice(5, 40), slice(40, 5, -3)])
def test_numbers_mean_the_same_in_a_range_as_in_an_array(tmp_path: Path, selection: slice) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 50}):
        part = Dataset("breastmnist")[selection]
    written_out = part[np.arange(len(part))]
    for chosen in ([0, -1, 3, 3], np.arange(len(part)) % 2 == 0, np.array([], dtype=int), [-len(part)]):
        assert written_out[chosen].positions.tolist() == part[chosen].positions.tolist()
    for outside in ([len(part)], [-len(part) - 1]):
        with pytest.raises(IndexError):
            part[outside]


# Clients of a federation


def test_clients_are_views_with_a_table_of_their_classes(fakes) -> None:
    dataset = Dataset("breastmnist", "train")
    clients = dataset.partitions(3, by="iid", seed=4)
    assert [type(client) for client in clients] == [Dataset] * 3
    assert clients.sizes.tolist() == [4, 4, 4]
    assert clients.class_counts.sum(axis=0).tolist() == list(dataset.class_counts().values())
    assert str(clients).splitlines()[0].split() == ["client", "samples", "malignant", "normal,", "benign"]
    assert len(str(clients).splitlines()) == 4


def test_long_class_names_are_numbers_in_the_table_of_clients(fakes) -> None:
    header = str(Dataset("pathmnist", "train").partitions(2)).splitlines()[0]
    assert header.split() == ["client", "samples", *map(str, range(9))]


def test_the_groups_of_a_data_set_are_clients(fakes) -> None:
    clients = Dataset("breastmnist", "train").partitions(by="groups", groups=["a", "b", "c"] * 4)
    assert [client.positions.tolist() for client in clients] == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]


@pytest.mark.parametrize("by", ["dirichlet", "shards"])
def test_samples_with_several_findings_cannot_be_divided_by_class(fakes, by: Any) -> None:
    with pytest.raises(ValueError, match="may have several findings"):
        Dataset("chestmnist", "train").partitions(2, by=by)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 13}, "n must be an integer from 1 to 12, not 13"),
        ({}, "n must be an integer from 1 to 12, not None"),
        ({"n": 2, "by": "size"}, "Unknown value of by: 'size'. Available: iid"),
        ({"n": 2, "groups": ["a"] * 12}, "groups cannot be used with by='dirichlet'. Use by='groups'"),
    ],
)
def test_wrong_arguments_of_partitions_are_named(fakes, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Dataset("breastmnist", "train").partitions(**arguments)


# What a program writes into images


@pytest.mark.parametrize("mode", ["c", None])
def test_images_that_were_written_into_travel_in_a_pickle(fakes, mode: Any) -> None:
    dataset = Dataset("breastmnist", "train+val", mmap_mode=mode)
    images = Dataset("breastmnist", "train", mmap_mode=mode)
    images.images[3] = 7
    restored = pickle.loads(pickle.dumps(images))
    assert (restored.images[3] == 7).all()
    assert np.array_equal(restored.images, images.images)
    again = pickle.loads(pickle.dumps(restored))
    assert (again.images[3] == 7).all()
    assert not (pickle.loads(pickle.dumps(dataset)).images[3] == 7).all()


def test_only_changed_images_are_part_of_a_pickle(fakes) -> None:
    dataset = Dataset("breastmnist", "train", mmap_mode="c")
    unchanged = len(pickle.dumps(dataset))
    dataset.images[3] += 1
    assert 28 * 28 < len(pickle.dumps(dataset)) - unchanged < 28 * 28 + 1000


def test_images_are_compared_only_if_a_program_was_given_them(fakes, audit) -> None:
    dataset = Dataset("breastmnist", "train", mmap_mode="c")
    assert dataset[0][0].shape == (28, 28)
    with audit() as seen:
        pickle.dumps(dataset)
    assert [path for path in seen.opened if path.endswith("train_images.npy")] == []


def test_images_that_were_written_into_are_not_joined(fakes) -> None:
    dataset = Dataset("breastmnist", "train", mmap_mode="c")
    dataset.images[0] = 0
    with pytest.raises(ValueError, match="Images or labels of breastmnist train were changed"):
        dataset + Dataset("breastmnist", "val")


def test_without_says_what_it_needs(fakes) -> None:
    with pytest.raises(TypeError, match=r"needs positions by split, such as {'train': \[3, 8\]}, not \[1\]"):
        Dataset("breastmnist").without([1])  # type: ignore[arg-type]
