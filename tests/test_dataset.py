"""A data set as a sequence: items, views, words for labels, pickles and threads."""

from __future__ import annotations

import multiprocessing
import pickle
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medmnist_np.dataset import Dataset
from medmnist_np.errors import MedMNISTError, NotCachedError, UnknownSplitError
from medmnist_np.loading import fetch, load
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
    assert (True, 6) == (isinstance(dataset, Sequence), len(dataset))
    for index, (image, label) in enumerate(dataset):
        assert [np.ndarray, np.ndarray] == [type(image), type(label)]
        assert ["uint8", "int64"] == [str(image.dtype), str(label.dtype)]
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


@pytest.mark.parametrize("index", [-1, N - 1, np.int64(-1), np.uint8(N - 1)])
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
    assert (int(dataset.labels[3, 0]), int) == (label, type(label))
    assert image.tolist() == dataset[3:][0][0].tolist()


def int_of(label: np.ndarray) -> int:
    return int(label[0])


# Views


def test_a_contiguous_slice_is_a_slice_of_the_map(fakes) -> None:
    dataset = Dataset("pathmnist")
    for part in (dataset, dataset[3:7], dataset[3:][1:4], dataset[::-1][::-1], dataset[::2][3:4]):
        if part._selection.step == 1:
            assert np.shares_memory(dataset.images, part.images)
            assert [(np.memmap, False)] * 2 == [(type(a), a.flags.writeable) for a in (part.images, part.labels)]
    assert dataset.images[4:7].tolist() == dataset[3:][1:4].images.tolist()


@pytest.mark.parametrize("index", [slice(None, None, 2), slice(None, None, -1), [0, 1], np.arange(N) > 3], ids=repr)
def test_any_other_selection_is_gathered(fakes, index: Any) -> None:
    dataset = Dataset("pathmnist")
    images = dataset[index].images
    assert dataset.images[index].tolist() == images.tolist()
    assert (False, True) == (np.shares_memory(dataset.images, images), images.flags.writeable)


def test_a_view_keeps_the_transforms_and_leaves_the_whole_as_it_was(fakes) -> None:
    dataset = Dataset("breastmnist", as_rgb=True)
    part = dataset[2:4]
    assert (Dataset, 2, N, True) == (type(part), len(part), len(dataset), part.as_rgb)
    part.as_rgb = False
    assert dataset.as_rgb


def test_nothing_may_be_selected(fakes) -> None:
    dataset = Dataset("breastmnist")
    for empty in (dataset[5:5], dataset[[]], dataset[np.zeros(N, bool)], dataset[9:2]):
        assert ((0, 28, 28), (0, 1), []) == (empty.images.shape, empty.labels.shape, list(empty))
        assert {0} == set(empty.class_counts().values())


@pytest.mark.parametrize("length", [0, N - 1, N + 1])
def test_a_mask_of_another_length_is_refused(fakes, length: int) -> None:
    with pytest.raises(IndexError, match=f"The mask has {length} values and the data set {N} samples"):
        Dataset("breastmnist")[np.ones(length, bool)]


@pytest.mark.parametrize("index", [1.0, "train", None, [0.5], np.zeros((2, 2), int), (0, 1, slice(3)), True, ["a"]])
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
    assert ((), ("atelectasis", "effusion")) == (dataset.decode([0] * 14), dataset.decode([1, 0, 1] + [0] * 11))


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
    assert (fetch("breastmnist"), True) == (restored.folder, np.array_equal(expected, restored.images))


def test_an_error_in_a_transform_is_not_taken_for_the_end(tmp_path: Path) -> None:
    def broken(_: Any) -> Any:
        raise IndexError("broken")

    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 4}), pytest.raises(IndexError, match="broken"):
        list(Dataset("breastmnist", transform=broken))
