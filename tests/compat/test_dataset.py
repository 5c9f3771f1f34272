"""The official names: code that was written for the official package runs after changing its import."""

from __future__ import annotations

import hashlib
import inspect
import json
import pickle
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import medmnist_np as medmnist
from medmnist_np import INFO, registry
from medmnist_np.cli import main
from medmnist_np.compat import DEFAULT_ROOT, HOMEPAGE, MedMNIST, MedMNIST2D, MedMNIST3D
from medmnist_np.errors import NotCachedError
from medmnist_np.interop.reader import Reader
from medmnist_np.registry import DatasetInfo, registered
from medmnist_np.testing import fake_datasets, make_arrays
from tests.fault_server import FaultServer, Status

N = 8
CLASSES = [getattr(medmnist, entry["python_class"]) for entry in INFO.values()]


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[DatasetInfo, ...]]:
    """A cache that holds a gray, an RGB, a multi-label and a 3D fake, which no test changes, and their records."""
    folder = tmp_path_factory.mktemp("complete")
    names = ("breastmnist", "pathmnist", "chestmnist", "adrenalmnist3d")
    with fake_datasets(folder, *names, n_samples={"train": N, "test": 3}) as records:
        for name in names:
            medmnist.fetch(name)
    return folder / "cache", records


@pytest.fixture
def arrays(complete, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, np.ndarray]]]:
    """What the fakes hold, by data set; they are in the cache."""
    cache, records = complete
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(cache))
    with registered(*records):
        yield {record.name: make_arrays(record) for record in records}


# INFO and the classes


def test_info_is_the_official_dict() -> None:
    digest = hashlib.sha256(json.dumps(INFO, sort_keys=True).encode()).hexdigest()
    assert dict is type(INFO)
    assert digest == "2ac1ed0b645696c9e7f962562b81885b4a4a450e5ca01a03db9bbd33bd3948af"


@pytest.mark.parametrize("name", INFO)
def test_there_is_a_class_for_each_set(name: str) -> None:
    record = registry.info(name)
    kind = getattr(medmnist, record.python_class)
    assert name == kind.flag
    assert record.python_class == kind.__name__
    assert list(record.sizes) == kind.available_sizes
    assert issubclass(kind, MedMNIST2D if record.ndim == 2 else MedMNIST3D)
    assert kind.__doc__


def test_the_aliases_are_the_classes() -> None:
    axial, coronal, sagittal = medmnist.OrganMNISTAxial, medmnist.OrganMNISTCoronal, medmnist.OrganMNISTSagittal
    assert medmnist.OrganAMNIST == axial
    assert medmnist.OrganCMNIST == coronal
    assert medmnist.OrganSMNIST == sagittal


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_parameters_are_in_the_official_order_with_the_official_defaults(kind: type[MedMNIST]) -> None:
    found = {name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()}
    expected = {
        "split": inspect.Parameter.empty,
        "transform": None,
        "target_transform": None,
        "download": False,
        "as_rgb": False,
        "root": DEFAULT_ROOT,
        "size": None,
        "mmap_mode": None,
    }
    assert list(expected.items()) == list(found.items())


def test_all_parameters_may_be_given_by_position(arrays) -> None:
    dataset = medmnist.BreastMNIST("test", np.asarray, list, True, True, DEFAULT_ROOT, 28, "r")
    image, label = dataset[0]
    assert image.shape == (28, 28, 3)
    assert list is type(label)
    assert len(dataset) == 3


def test_nothing_is_downloaded_unless_asked_for(tmp_path: Path, audit) -> None:
    with audit() as seen, pytest.raises(NotCachedError, match="download=True"):
        medmnist.BreastMNIST("test")
    assert seen.network == []


@pytest.mark.parametrize("arguments", [("validation",), ("test", None, None, False, False, DEFAULT_ROOT, 23)])
def test_a_wrong_split_or_size_is_a_value_error(arrays, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"Available|Its splits are"):
        medmnist.BreastMNIST(*arguments)


@pytest.mark.parametrize("mmap_mode", [None, "r", "r+", "c"])
def test_images_are_mapped_copy_on_write_whatever_the_mode(arrays, mmap_mode: str | None) -> None:
    ds = medmnist.BreastMNIST("test", mmap_mode=mmap_mode)
    assert type(ds.imgs) is np.ndarray
    assert ds.imgs.base.mode == "c"
    assert ds.imgs.flags.writeable is True
    assert ds.labels.flags.writeable is True


# Items


@pytest.mark.parametrize(("kind", "mode"), [("BreastMNIST", "L"), ("PathMNIST", "RGB"), ("ChestMNIST", "L")])
def test_an_image_is_a_pil_image(arrays, kind: str, mode: str) -> None:
    dataset = getattr(medmnist, kind)("train")
    expected = arrays[dataset.flag]
    for index, (image, label) in enumerate(dataset):
        assert isinstance(image, Image.Image)
        assert mode == image.mode
        assert str(label.dtype) == "int64"
        assert expected["train_images"][index].tolist() == np.asarray(image).tolist()
        assert expected["train_labels"][index].tolist() == label.tolist()


@pytest.mark.parametrize("kind", ["BreastMNIST", "PathMNIST"])
def test_an_image_may_come_as_rgb(arrays, kind: str) -> None:
    dataset = getattr(medmnist, kind)("train", as_rgb=True)
    image, _ = dataset[2]
    expected = Image.fromarray(np.array(dataset.imgs[2])).convert("RGB")
    assert image.mode == "RGB"
    assert expected.tobytes() == image.tobytes()


@pytest.mark.parametrize(("as_rgb", "channels"), [(False, 1), (True, 3)])
def test_a_volume_is_a_float_array_in_0_to_1(arrays, as_rgb: bool, channels: int) -> None:
    volume, label = medmnist.AdrenalMNIST3D("train", as_rgb=as_rgb)[1]
    expected = np.stack([arrays["adrenalmnist3d"]["train_images"][1] / 255.0] * channels)
    assert str(volume.dtype) == "float64"
    assert (channels, 28, 28, 28) == volume.shape
    assert label.shape == (1,)
    assert np.array_equal(expected, volume)


def test_transforms_get_the_official_items(arrays) -> None:
    image, label = medmnist.BreastMNIST("test", transform=lambda image: image.size, target_transform=int_of)[0]
    volume, _ = medmnist.AdrenalMNIST3D("test", transform=lambda volume: volume.max() <= 1)[0]
    assert image == (28, 28)
    assert int is type(label)
    assert bool(volume) is True


def int_of(label: np.ndarray) -> int:
    return int(label[0])


@pytest.mark.parametrize("kind", ["BreastMNIST", "ChestMNIST", "AdrenalMNIST3D"])
@pytest.mark.parametrize("index", [slice(3, 6), slice(None, None, -2), [5, 0, 5], np.arange(N) % 3 == 1])
def test_items_of_a_part_are_those_of_its_samples(arrays, kind: str, index: Any) -> None:
    dataset = getattr(medmnist, kind)("train")
    expected = [dataset[number] for number in np.arange(N)[index]]
    found = list(dataset[index])
    assert len(expected) == len(found)
    for (image, label), (other_image, other_label) in zip(expected, found, strict=True):
        assert np.array_equal(np.asarray(image), np.asarray(other_image))
        assert label.tolist() == other_label.tolist()


def test_items_of_splits_that_are_joined_are_those_of_each(arrays) -> None:
    train, test = medmnist.PathMNIST("train"), medmnist.PathMNIST("test")
    joined = test[1:] + train[2:]
    expected = np.concatenate([test.imgs[1:], train.imgs[2:]])
    assert expected.tolist() == [np.asarray(image).tolist() for image, _ in joined]


# Attributes


def test_the_official_attributes_are_there(arrays) -> None:
    dataset = medmnist.BreastMNIST("train")
    assert N == len(dataset)
    assert dataset.split == "train"
    assert dataset.flag == "breastmnist"
    assert dataset.size == 28
    assert dataset.size_flag == ""
    assert dataset.info is INFO["breastmnist"]
    assert np.array_equal(arrays["breastmnist"]["train_images"], dataset.imgs)
    assert np.array_equal(arrays["breastmnist"]["train_labels"], dataset.labels)
    assert dataset.root == str(Path.home() / ".medmnist")
    assert "https://github.com/MedMNIST/MedMNIST/" == HOMEPAGE
    assert not isinstance(dataset, Sequence)
    assert not isinstance(dataset[1:], Sequence)


def test_a_larger_size_has_the_official_suffix(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "adrenalmnist3d_64", n_samples={"val": 2}):
        dataset = medmnist.AdrenalMNIST3D(split="val", download=True, size=64)
    assert dataset.size_flag == "_64"
    assert dataset.imgs.shape == (2, 64, 64, 64)
    assert repr(dataset).startswith("Dataset AdrenalMNIST3D of size 64 (adrenalmnist3d_64)\n")


# Assignment, as in code that filters or relabels a split


def test_a_split_may_be_filtered_by_assignment(arrays) -> None:
    dataset = medmnist.BreastMNIST("train")
    keep = np.array([6, 1, 4])
    expected = dataset.imgs[keep], dataset.labels[keep]
    dataset.imgs = dataset.imgs[keep]
    dataset.labels = dataset.labels[keep]
    assert_holds(dataset, *expected)


def test_labels_may_be_assigned_first_and_be_more(arrays) -> None:
    dataset = medmnist.BreastMNIST("train")
    images, labels = np.concatenate([dataset.imgs] * 2), np.concatenate([dataset.labels] * 2)
    dataset.labels = labels
    dataset.imgs = images
    assert_holds(dataset, images, labels)


def test_labels_may_be_assigned_first_and_be_fewer(arrays) -> None:
    dataset = medmnist.BreastMNIST("train")
    images, labels = dataset.imgs[:3], dataset.labels[:3]
    dataset.labels = labels
    dataset.imgs = images
    assert_holds(dataset, images, labels)


def test_a_subset_of_assigned_arrays_is_one_of_those(arrays) -> None:
    dataset = medmnist.BreastMNIST("train")
    dataset.labels = 1 - dataset.labels
    expected = dataset.imgs[::-2], dataset.labels[::-2]
    assert_holds(dataset[::-2], *expected)
    assert_holds(dataset[::-2][1:], expected[0][1:], expected[1][1:])


def test_a_subset_may_be_assigned_to_and_leaves_the_whole_as_it_was(arrays) -> None:
    dataset = medmnist.BreastMNIST("train")
    part = dataset[2:5]
    part.labels = np.zeros_like(part.labels)
    assert_holds(part, dataset.imgs[2:5], np.zeros((3, 1)))
    assert_holds(dataset, arrays["breastmnist"]["train_images"], arrays["breastmnist"]["train_labels"])


@pytest.mark.parametrize("index", [[5, 0, 5], [3], [], list(range(N))[::-1], np.arange(N) % 3 == 1])
def test_any_part_may_be_relabelled(arrays, index: Any) -> None:
    whole = medmnist.BreastMNIST("train")
    part = whole[index]
    expected = part.imgs, 1 - part.labels
    part.labels = 1 - part.labels
    assert_holds(part, *expected)
    assert_holds(pickle.loads(pickle.dumps(part)), *expected)


def test_what_is_gathered_from_a_part_that_was_assigned_to_is_plain(arrays) -> None:
    part = medmnist.BreastMNIST("train")[2:]
    part.labels = 1 - part.labels
    assert type(part.gather([0])) is np.ndarray
    part = medmnist.BreastMNIST("train")[2:]
    part.imgs = 255 - part.imgs
    assert type(part.gather_labels([0])) is np.ndarray


def filtered() -> MedMNIST:
    dataset = medmnist.BreastMNIST("train")
    dataset.imgs, dataset.labels = dataset.imgs[2:], dataset.labels[2:]
    return dataset


def relabelled_part() -> MedMNIST:
    part = medmnist.BreastMNIST("train")[2:]
    part.labels = 1 - part.labels
    return part


def part_of_relabelled() -> MedMNIST:
    dataset = medmnist.BreastMNIST("train")
    dataset.labels = 1 - dataset.labels
    return dataset[2:]


@pytest.mark.usefixtures("arrays")
@pytest.mark.parametrize("make", [filtered, relabelled_part, part_of_relabelled])
def test_samples_of_assigned_arrays_are_not_taken_for_those_at_the_same_places(make: Callable[[], MedMNIST]) -> None:
    dataset = make()
    with pytest.raises(ValueError, match=r"without\(\) is not available"):
        dataset.without({"train": [2]})
    with pytest.raises(ValueError, match="positions is not available"):
        _ = dataset.positions
    with pytest.raises(ValueError, match="ids is not available"):
        _ = dataset.ids
    with pytest.raises(ValueError, match="groups is not available"):
        _ = dataset.groups


def test_samples_may_be_left_out_of_a_split_whose_labels_were_assigned(arrays) -> None:
    dataset = medmnist.BreastMNIST("train")
    dataset.labels = 1 - dataset.labels
    expected = dataset.imgs[[0, 1, *range(3, N)]], dataset.labels[[0, 1, *range(3, N)]]
    assert_holds(dataset.without({"train": [2]}), *expected)


def test_assigned_labels_are_counted_by_class_and_those_without_one_are_named(arrays) -> None:
    dataset = medmnist.BreastMNIST("train")
    dataset.labels = np.ones((N, 1), np.int32)
    assert [0, N] == list(dataset.class_counts().values())
    dataset.labels = np.full((N, 1), 2)
    with pytest.raises(ValueError, match="The values must be 0 to 1, but 2 occurs"):
        dataset.class_counts()


@pytest.mark.parametrize("as_rgb", [False, True])
def test_gray_images_that_are_assigned_in_colour_have_three_channels_in_batches(arrays, as_rgb: bool) -> None:
    dataset = medmnist.BreastMNIST("train", as_rgb=as_rgb)
    dataset.imgs = colour = np.stack([dataset.imgs, dataset.imgs // 2, dataset.imgs // 3], axis=-1)
    (batch,) = dataset.batches(N, channels="first")
    assert np.array_equal(np.moveaxis(colour, -1, 1), batch.images)
    assert np.array_equal(colour, dataset.gather(range(N)))
    assert np.array_equal(batch.images, Reader(dataset, channels="first").gather(range(N))[0])
    assert np.array_equal(colour, [np.asarray(image) for image, _ in dataset])


@pytest.mark.parametrize("name", ["BreastMNIST", "PathMNIST"])
def test_images_assigned_with_channels_first_are_counted_as_those_with_channels_last(arrays, name) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (N, 28, 28, 3), dtype=np.uint8)
    last, first = (getattr(medmnist, name)("train") for _ in range(2))
    last.imgs, first.imgs = colour, np.moveaxis(colour, -1, 1)
    assert last.statistics().histogram.shape == (3, 256)
    np.testing.assert_array_equal(last.statistics().histogram, first.statistics().histogram)


@pytest.mark.parametrize("channels", ["first", "last"])
def test_batches_refuse_to_move_channels_of_images_assigned_with_channels_first(arrays, channels) -> None:
    dataset = medmnist.PathMNIST("train")
    dataset.imgs = np.moveaxis(dataset.imgs, -1, 1)
    with pytest.raises(ValueError, match=r"have shape \(n, 3, 28, 28\), with channels first"):
        list(dataset.batches(N, channels=channels))


@pytest.mark.parametrize("as_rgb", [False, True])
def test_colour_images_that_are_assigned_in_gray_are_gray_unless_as_rgb(arrays, as_rgb: bool) -> None:
    dataset = medmnist.PathMNIST("train", as_rgb=as_rgb)
    dataset.imgs = gray = dataset.imgs[..., 0]
    expected = np.stack([gray] * 3, axis=-1) if as_rgb else gray
    (batch,) = dataset.batches(N)
    assert np.array_equal(expected, batch.images)
    assert np.array_equal(expected, dataset.gather(range(N)))
    assert np.array_equal(expected, [np.asarray(image) for image, _ in dataset])


def test_assigned_arrays_travel_in_a_pickle(arrays) -> None:
    dataset = medmnist.BreastMNIST("train")[1:5]
    dataset.imgs = 255 - dataset.imgs
    assert_holds(pickle.loads(pickle.dumps(dataset)), dataset.imgs, dataset.labels)


@pytest.mark.parametrize("kind", ["BreastMNIST", "AdrenalMNIST3D"])
def test_a_whole_split_pickles_small(arrays, kind: str) -> None:
    dataset = getattr(medmnist, kind)("train", as_rgb=True)
    pickled = pickle.dumps(dataset)
    restored = pickle.loads(pickled)
    assert len(pickled) < 2000
    assert type(dataset) is type(restored)
    assert restored.as_rgb is True
    assert_holds(restored, dataset.imgs, dataset.labels)


def assert_holds(dataset: MedMNIST, images: np.ndarray, labels: np.ndarray) -> None:
    assert len(images) == len(dataset)
    assert np.array_equal(images, dataset.imgs)
    assert np.array_equal(labels, dataset.labels)
    assert labels.tolist() == [label.tolist() for _, label in dataset]
    if dataset.info["n_channels"] == 1 and images.ndim == 3 and not dataset.as_rgb:
        assert images.tolist() == [np.asarray(image).tolist() for image, _ in dataset]


# The way of working without a framework, as in the official example


class Wrapped(Sequence[Any]):
    """A user's own sequence around an official class."""

    def __init__(self, dataset: MedMNIST) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        image, label = self.dataset[index]
        return np.asarray(image, dtype=np.float32)[None] / 255, label


def test_a_subclass_and_a_wrapper_work_as_with_the_official_package(arrays) -> None:
    class Doubled(medmnist.BreastMNIST):
        def __getitem__(self, index: int) -> Any:
            image, label = super().__getitem__(index)
            return image, label * 2

    doubled = Wrapped(Doubled(split="train", download=True))
    images, labels = (np.stack(column) for column in zip(*doubled, strict=True))
    assert (N, 1, 28, 28) == images.shape
    assert str(images.dtype) == "float32"
    assert (2 * arrays["breastmnist"]["train_labels"]).tolist() == labels.tolist()


def test_parts_of_a_subclass_with_items_of_its_own_have_such_items(arrays) -> None:
    class Doubled(medmnist.BreastMNIST):
        def __getitem__(self, index: int) -> Any:
            image, label = super().__getitem__(index)
            return image, label * 2

    train = Doubled("train")
    for part in (train.take_per_class(1), train.without({"train": [1, 2]}), *train.folds(2)[0]):
        assert isinstance(part, Doubled)
        assert (2 * part.labels.astype(int)).tolist() == [label.tolist() for _, label in part]


@pytest.mark.usefixtures("arrays")
def test_assigned_labels_leave_the_images_mapped_and_out_of_the_pickle() -> None:
    dataset = medmnist.BreastMNIST("train")
    dataset.labels = 1 - dataset.labels
    data = pickle.dumps(dataset)
    assert len(data) < 3000
    again = pickle.loads(data)
    assert np.array_equal(dataset.labels, again.labels)
    assert np.array_equal(dataset.imgs, again.imgs)


def test_images_that_were_assigned_are_not_passed_off_as_corrupted(tmp_path: Path) -> None:
    with fake_datasets(tmp_path, "breastmnist"):
        dataset = medmnist.BreastMNIST(split="test", download=True)
        dataset.imgs = np.zeros_like(dataset.imgs)
        with pytest.raises(ValueError, match="imgs were assigned"):
            dataset.corrupt("motion_blur", severity=3)


# Chains of operations, against arrays


def chained(random: np.random.Generator, dataset: MedMNIST) -> tuple[list[str], MedMNIST, np.ndarray, np.ndarray]:
    """Apply some operations; return what they were, the result, and the images and labels that it must have."""
    images, labels, assigned, done = np.array(dataset.imgs), np.array(dataset.labels), False, []
    for operation in random.choice(["slice", "numbers", "mask", "join", "imgs", "labels", "pickle"], 5):
        n = len(images)
        done.append(str(operation))
        if operation == "slice":
            index: Any = slice(*random.integers(-n - 2, n + 3, 2).tolist(), int(random.choice([-2, -1, 1, 3])))
        elif operation == "numbers":
            index = random.integers(0, n, n) if n else []
        else:
            index = random.random(n) < 0.8
        if operation in ("slice", "numbers", "mask"):
            index_of_arrays = np.asarray(index, np.intp) if isinstance(index, list) else index
            dataset, images, labels = dataset[index], images[index_of_arrays], labels[index_of_arrays]
        elif operation == "join" and not assigned:
            dataset = medmnist.Dataset.__add__(dataset, dataset[::-1])  # `+` is PyTorch's if that is imported
            images, labels = np.concatenate([images, images[::-1]]), np.concatenate([labels, labels[::-1]])
        elif operation == "imgs":
            images, assigned = 255 - images, True
            dataset.imgs = images
        elif operation == "labels":
            labels, assigned = labels[::-1].copy(), True
            dataset.labels = labels
        elif operation == "pickle":
            dataset = pickle.loads(pickle.dumps(dataset))
    return done, dataset, images, labels


@pytest.mark.usefixtures("arrays")
@pytest.mark.parametrize("kind", ["BreastMNIST", "PathMNIST", "ChestMNIST", "AdrenalMNIST3D"])
@pytest.mark.parametrize("split", ["train", "test+train"])
def test_after_a_chain_of_operations_items_are_those_of_the_arrays(kind: str, split: str) -> None:
    random = np.random.default_rng(0)
    for _ in range(25):
        done, dataset, images, labels = chained(random, getattr(medmnist, kind)(split))
        assert np.array_equal(images, dataset.imgs), done
        assert np.array_equal(labels, dataset.labels), done
        everything = np.arange(len(images))
        assert np.array_equal(images, dataset.gather(everything)), done
        assert np.array_equal(labels, dataset.gather_labels(everything)), done
        found = list(dataset)
        assert len(images) == len(found), done
        for expected, label, (image, found_label) in zip(images, labels, found, strict=True):
            shown = expected[None] / 255.0 if dataset.info["n_channels"] == 1 and expected.ndim == 3 else expected
            assert np.array_equal(shown, np.asarray(image)), done
            assert label.tolist() == found_label.tolist(), done


# Files and attributes


def test_after_a_download_the_archive_is_in_the_named_root(tmp_path: Path) -> None:
    root = tmp_path / "R"
    root.mkdir()
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 4, "test": 3}):
        dataset = medmnist.BreastMNIST("test", download=True, root=root)
        with np.load(root / "breastmnist.npz") as archive:
            assert archive["test_images"].tolist() == dataset.imgs.tolist()


def test_the_method_download_puts_the_archive_into_the_assigned_root(tmp_path: Path) -> None:
    root = tmp_path / "R"
    root.mkdir()
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": 4, "test": 3}):
        dataset = medmnist.BreastMNIST("test", download=True)
        dataset.root = str(root)
        dataset.download()
    assert [path.name for path in root.iterdir()] == ["breastmnist.npz"]


@pytest.mark.usefixtures("arrays")
def test_a_pickle_of_the_official_package_is_read() -> None:
    images, labels = np.arange(3 * 784, dtype=np.uint8).reshape(3, 28, 28), np.array([[0], [1], [1]], np.uint8)
    official = medmnist.BreastMNIST.__new__(medmnist.BreastMNIST)
    official.__setstate__({"split": "train", "imgs": images, "labels": labels, "info": INFO["breastmnist"]})
    assert_holds(official, images, labels)
    assert_holds(pickle.loads(pickle.dumps(official)), images, labels)


@pytest.mark.usefixtures("arrays")
def test_info_and_root_may_be_assigned_and_travel_in_a_pickle() -> None:
    dataset = medmnist.BreastMNIST("train")
    dataset.info = {**INFO["breastmnist"], "task": "mine"}
    dataset.root = "here"
    again = pickle.loads(pickle.dumps(dataset))
    assert again.info["task"] == "mine"
    assert again.root == "here"


class OnlyArrays(MedMNIST2D):
    """A subclass with a flag of its own, whose ``__init__`` does not call that of the base."""

    flag = "mine"

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.imgs = images
        self.labels = labels
        self.info = {**INFO["breastmnist"], "python_class": "OnlyArrays"}
        self.root = "here"


def test_a_subclass_may_assign_arrays_without_calling_the_init_of_the_base() -> None:
    images = np.arange(5 * 28 * 28, dtype=np.uint8).reshape(5, 28, 28)
    labels = np.arange(5)[:, None] % 2
    dataset = OnlyArrays(images, labels)
    assert_holds(dataset, images, labels)
    assert_holds(pickle.loads(pickle.dumps(dataset)), images, labels)
    assert dataset.montage(2).size == (56, 56)
    assert repr(dataset).splitlines()[2] == "    Root location: here"


# A flag of the user's own


class KidneyMNIST(MedMNIST2D):
    flag = "kidneymnist"


@pytest.fixture
def kidneys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    facts = {**INFO["breastmnist"], "python_class": "KidneyMNIST", "n_samples": {"train": 3}}
    monkeypatch.setitem(INFO, "kidneymnist", facts)
    np.savez(
        tmp_path / "kidneymnist.npz",
        train_images=np.arange(3 * 28 * 28).reshape(3, 28, 28).astype(np.uint8),
        train_labels=np.array([[0], [1], [0]], np.uint8),
    )
    return tmp_path


def test_a_flag_of_your_own_reads_the_archive_in_the_root(kidneys: Path) -> None:
    ds = KidneyMNIST("train", root=kidneys)
    image, label = ds[1]
    assert image.size == (28, 28)
    assert label.tolist() == [1]
    assert len(ds) == 3
    assert repr(ds).startswith("Dataset KidneyMNIST of size 28 (kidneymnist)")
    assert len(pickle.loads(pickle.dumps(ds))) == 3
    assert len(ds[[0, 2]]) == 2


def test_a_missing_archive_of_your_own_flag_is_a_runtime_error(kidneys: Path) -> None:
    (kidneys / "kidneymnist.npz").unlink()
    with pytest.raises(RuntimeError, match=r"kidneymnist\.npz does not exist"):
        KidneyMNIST("train", root=kidneys)


def test_a_split_that_your_own_set_does_not_have_is_a_value_error(kidneys: Path) -> None:
    with pytest.raises(ValueError, match="Unknown split 'val'"):
        KidneyMNIST("val", root=kidneys)


def test_features_that_need_the_init_of_the_base_say_so(kidneys: Path) -> None:
    with pytest.raises(AttributeError, match="has arrays of its own"):
        KidneyMNIST("train", root=kidneys).batches(2)


# Another archive under the official name


@pytest.fixture
def shuffled(arrays, tmp_path: Path) -> Path:
    """A root with the samples of BreastMNIST in another order."""
    values = arrays["breastmnist"]
    np.savez(tmp_path / "breastmnist.npz", **{name: array[::-1] for name, array in values.items()})
    return tmp_path


@pytest.mark.parametrize("attribute", ["positions", "ids", "groups"])
@pytest.mark.filterwarnings("ignore:.*is not the official archive")
def test_samples_of_another_archive_have_no_published_ids_and_groups(shuffled: Path, attribute: str) -> None:
    ds = medmnist.BreastMNIST("train", root=shuffled)
    with pytest.raises(ValueError, match=f"{attribute} is not available: .* is not the official archive"):
        getattr(ds, attribute)
    with pytest.raises(ValueError, match="is not the official archive"):
        getattr(pickle.loads(pickle.dumps(ds[2:5])), attribute)


@pytest.mark.filterwarnings("ignore:.*is not the official archive")
def test_clean_removes_the_arrays_of_another_archive(shuffled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(shuffled / "cache"))
    folder = medmnist.BreastMNIST("train", root=shuffled).folder
    assert CliRunner().invoke(main, ["clean", "pathmnist", "--yes"]).exit_code == 0
    assert folder.is_dir()
    assert CliRunner().invoke(main, ["clean", "breastmnist", "--yes"]).exit_code == 0
    assert not folder.exists()


def test_a_damaged_archive_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "breastmnist.npz").write_bytes(b"PK no zip")
    with pytest.raises(RuntimeError, match="If the file is damaged, delete it and download it again"):
        medmnist.BreastMNIST("train", root=tmp_path, download=True)


def test_without_a_server_arrays_in_the_cache_are_used_after_one_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_datasets(tmp_path, "breastmnist", n_samples={"train": N}) as (record,), FaultServer() as server:
        medmnist.fetch(record)
        file = server.file("breastmnist.npz", b"")
        file.plan(then=Status(503))
        monkeypatch.delenv("MEDMNIST_NP_MIRRORS", raising=False)
        with registered(record.moved_to(server.url)):
            assert len(medmnist.BreastMNIST("train", download=True)) == N
        assert len(file.requests) == 1


def test_a_failed_download_says_where_to_put_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    path = tmp_path / "breastmnist.npz"
    with pytest.raises(RuntimeError, match=f"download the file by hand and save it as {re.escape(str(path))}"):
        medmnist.BreastMNIST("train", root=tmp_path, download=True)
