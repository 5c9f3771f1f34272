"""Mean, standard deviation and histogram: exact, however the work is divided, and kept for the next call."""

from __future__ import annotations

import json
import math
import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from medmnist_np._progress import silent
from medmnist_np.compat import BreastMNIST
from medmnist_np.data import statistics as module
from medmnist_np.data.arrays import fetch
from medmnist_np.data.dataset import Dataset
from medmnist_np.data.statistics import Statistics, of_rows
from medmnist_np.registry import DatasetInfo
from medmnist_np.testing import fake_datasets
from tests.test_files import drop_rights

NAMES = ("breastmnist", "retinamnist", "chestmnist", "adrenalmnist3d")


def of_array(images: np.ndarray, channels: int) -> Statistics:
    return of_rows(images, np.arange(len(images)), channels)


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[DatasetInfo, ...]]:
    """Fakes in a cache of the test's own, as statistics are kept there."""
    with fake_datasets(tmp_path, *NAMES, n_samples={"train": 12, "val": 5, "test": 4}) as records:
        yield records


def exact(images: np.ndarray, channels: int) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel by whole numbers."""
    means, deviations = [], []
    for values in images.reshape(-1, channels).T.astype(object):
        n, total, squares = len(values), int(sum(values)), int(sum(values * values))
        variance = Fraction(squares, n) - Fraction(total, n) ** 2
        means.append(total / n)
        deviations.append(math.sqrt(variance))
    return means, deviations


def assert_statistics_of(images: np.ndarray, channels: int, found: Statistics) -> None:
    values = np.asarray(images).reshape(-1, channels).T
    assert (channels, 256) == found.histogram.shape
    assert np.int64 == found.histogram.dtype.type
    assert [np.bincount(row, minlength=256).tolist() for row in values] == found.histogram.tolist()
    assert values.shape[1] == found.n_pixels
    assert np.allclose(values.astype(np.float64).mean(axis=1), found.mean, rtol=0, atol=1e-9)
    assert np.allclose(values.astype(np.float64).std(axis=1), found.std, rtol=0, atol=1e-9)


def kept(dataset: Dataset) -> list[str]:
    return sorted(path.name for path in dataset.folder.iterdir() if "statistics" in path.name)


# Exactly


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=3, max_side=6).map(lambda s: (*s, 3))), st.booleans())
def test_mean_and_deviation_are_exact(images: np.ndarray, colours: bool) -> None:
    channels = 3 if colours else 1
    found = of_array(images, channels)
    assert_statistics_of(images, channels, found)
    means, deviations = exact(images, channels)
    assert means == found.mean.tolist()
    assert np.allclose(deviations, found.std, rtol=4e-16, atol=0)


def test_nothing_is_lost_where_floats_would_cancel() -> None:
    histogram = np.zeros((1, 256), np.int64)
    histogram[0, 254], histogram[0, 255] = 10**15, 1
    found = Statistics(histogram)
    n = 10**15 + 1
    assert [float(Fraction(254 * 10**15 + 255, n))] == found.mean.tolist()
    assert math.isclose(math.sqrt(Fraction(10**15, n**2)), found.std[0], rel_tol=1e-15)


def test_images_of_one_value_do_not_vary() -> None:
    found = of_array(np.full((3, 4, 5), 7, np.uint8), 1)
    assert found.mean.tolist() == [7.0]
    assert found.std.tolist() == [0.0]
    assert found.n_pixels == 60
    assert repr(found) == "Statistics(mean=[7.0000], std=[0.0000], n_pixels=60)"


def test_counts_that_change_afterwards_do_not_change_the_statistics() -> None:
    histogram = np.zeros((1, 256), np.int64)
    histogram[0, 7] = 60
    found = Statistics(histogram)

    histogram[0, 9] = 60

    assert found.mean.tolist() == [7.0]
    assert not found.histogram.flags.writeable


def test_counts_are_added() -> None:
    one, other = np.arange(120, dtype=np.uint8).reshape(2, 5, 4, 3), np.full((3, 5, 4, 3), 255, np.uint8)
    both = np.concatenate([one, other])
    assert of_array(both, 3).histogram.tolist() == (of_array(one, 3) + of_array(other, 3)).histogram.tolist()


def test_without_images_there_is_no_mean() -> None:
    found = of_array(np.zeros((0, 4, 4), np.uint8), 1)
    assert found.n_pixels == 0
    with pytest.raises(ValueError, match="no images"):
        _ = found.mean


def test_only_bytes_are_counted() -> None:
    with pytest.raises(TypeError, match="must be uint8, not float32"):
        of_array(np.zeros((2, 4, 4), np.float32), 1)


# Of a data set


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("split", ["train", "val", "train+val", "val+test+train"])
def test_statistics_of_splits_are_those_of_the_gathered_images(fakes, name: str, split: str) -> None:
    dataset = Dataset(name, split)
    expected = dataset.gather(np.arange(len(dataset)))
    for _ in range(2):
        assert_statistics_of(expected, dataset.record.n_channels, dataset.statistics())
    assert sorted(f"{one}_images.statistics.json" for one in split.split("+")) == kept(dataset)


@pytest.mark.parametrize("index", [slice(3, 9), slice(None, None, -1), [5, 0, 5, 5], [11], slice(1, None)], ids=str)
@pytest.mark.parametrize("split", ["train", "train+val"])
def test_statistics_of_a_part_are_those_of_its_images_and_are_not_kept(fakes, split: str, index: Any) -> None:
    part = Dataset("retinamnist", split)[index]
    assert_statistics_of(part.images, 3, part.statistics())
    whole = {"val_images.statistics.json"} if split == "train+val" and index == slice(1, None) else set()
    assert set(kept(part)) <= whole


def test_nothing_selected_has_no_statistics(fakes) -> None:
    assert Dataset("breastmnist")[[]].statistics().n_pixels == 0


def test_gray_images_have_one_channel_even_as_rgb(fakes) -> None:
    assert Dataset("breastmnist", as_rgb=True).statistics().histogram.shape == (1, 256)


def test_statistics_of_assigned_images_are_theirs(fakes) -> None:
    dataset = BreastMNIST("train", download=True)
    dataset.imgs = 255 - dataset.imgs
    assert_statistics_of(dataset.imgs, 1, dataset.statistics())
    assert kept(dataset) == []
    relabelled = BreastMNIST("train")
    relabelled.labels = 1 - relabelled.labels
    assert_statistics_of(relabelled.imgs, 1, relabelled.statistics())


# In pieces


@pytest.mark.parametrize("kind", ["none", "threads", "processes"])
def test_statistics_are_the_same_whoever_works(fakes, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(module, "_TASK_BYTES", 5000)
    spawn = multiprocessing.get_context("spawn")
    executor = {"none": None, "threads": ThreadPoolExecutor(3), "processes": ProcessPoolExecutor(2, spawn)}[kind]
    try:
        for dataset in (Dataset("retinamnist"), Dataset("retinamnist", "train+val")[[14, 1, 3, 3]]):
            found = dataset.statistics(executor=executor)
            assert_statistics_of(dataset.gather(np.arange(len(dataset))), 3, found)
    finally:
        if executor is not None:
            executor.shutdown()


@settings(max_examples=10)
@given(st.integers(1, 9000), st.integers(1, 9000), st.lists(st.integers(0, 39), min_size=1, max_size=20))
def test_statistics_are_the_same_however_the_work_is_cut(task: int, block: int, rows: list[int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 4, 3), dtype=np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_TASK_BYTES", task)
        patch.setattr(module, "_BLOCK_BYTES", block)
        assert_statistics_of(images, 3, of_array(images, 3))
        assert_statistics_of(images[rows], 3, Statistics(module._count(images, np.array(rows, np.intp), 3)))


def test_tasks_are_paths_and_numbers(fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    class Measured(ThreadPoolExecutor):
        def submit(self, function, /, *arguments, **named):
            sizes.append(len(pickle.dumps((function, arguments, named))))
            return super().submit(function, *arguments, **named)

    monkeypatch.setattr(module, "_TASK_BYTES", 5000)
    with Measured(2) as executor:
        Dataset("retinamnist").statistics(executor=executor)
    assert len(sizes) == 6
    assert max(sizes) < 1000


def test_progress_is_shown_in_bytes(fakes) -> None:
    shown = []

    class Bar:
        def __init__(self, task: str, total: int | None, done: int = 0) -> None:
            self.total, self.done = total, done
            shown.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_) -> None:
            pass

        def update(self, n_bytes: int, /) -> None:
            self.done += n_bytes

    dataset = Dataset("retinamnist")
    dataset.statistics(progress=Bar)
    assert [(dataset.images.nbytes,) * 2] == [(bar.total, bar.done) for bar in shown]


# Kept


def kept_file(dataset: Dataset) -> Path:
    return dataset.folder / f"{dataset.split}_images.statistics.json"


def test_what_is_kept_is_taken_at_the_next_call(fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Dataset("breastmnist").statistics().histogram.tolist()

    def refused(*_: Any) -> Any:
        raise AssertionError("counted again")

    monkeypatch.setattr(module, "_count", refused)
    assert expected == Dataset("breastmnist").statistics().histogram.tolist()
    with pytest.raises(AssertionError):
        Dataset("breastmnist", "val").statistics()


def test_what_is_kept_of_another_file_is_not_taken(fakes) -> None:
    dataset = Dataset("breastmnist")
    right = dataset.statistics().histogram.tolist()
    table = json.loads(kept_file(dataset).read_text())
    table["histogram"][0] = table["histogram"][0][::-1]
    table["array_sha256"] = "0" * 64
    kept_file(dataset).write_text(json.dumps(table))
    assert right == dataset.statistics().histogram.tolist()
    assert right == json.loads(kept_file(dataset).read_text())["histogram"]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"array_sha256": "x", "histogram": 3}',
        "short",
        "ragged",
        "one more",
        "text",
        "huge",
        "other channels",
    ],
)
def test_damaged_counts_are_made_anew(fakes, damage: bytes | str) -> None:
    dataset = Dataset("retinamnist")
    right = dataset.statistics().histogram.tolist()
    path = kept_file(dataset)
    if isinstance(damage, bytes):
        path.write_bytes(damage)
    else:
        table = json.loads(path.read_text())
        rows: list[list[Any]] = table["histogram"]
        if damage == "short":
            rows[0].pop()
            rows[1].pop()
            rows[2].pop()
        elif damage == "ragged":
            rows[0].pop()
        elif damage == "one more":
            rows[0][3] += 1
        elif damage == "text":
            rows[0][3] = "many"
        elif damage == "huge":
            rows[0][3] = 10**30
        else:
            table["histogram"] = [np.sum(rows, axis=0).tolist()]
        path.write_text(json.dumps(table))
    assert right == dataset.statistics().histogram.tolist()
    assert right == json.loads(path.read_text())["histogram"]


def test_a_folder_that_cannot_be_written_to_stays_as_it_is(fakes) -> None:
    dataset = Dataset("breastmnist")
    kept_file(dataset).mkdir()
    before = sorted(dataset.folder.rglob("*"))
    assert_statistics_of(dataset.images, 1, dataset.statistics())
    assert before == sorted(dataset.folder.rglob("*"))


def _counted(dataset: Dataset) -> np.ndarray:
    return dataset.statistics(progress=silent).histogram


def test_a_read_only_folder_is_no_hindrance(fakes) -> None:
    dataset = Dataset("breastmnist")
    dataset.folder.chmod(0o555)
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=drop_rights) as process:
            found = process.submit(_counted, dataset).result()
    finally:
        dataset.folder.chmod(0o755)
    assert_statistics_of(dataset.images, 1, Statistics(found))
    assert kept(dataset) == []


def test_kept_statistics_do_not_disturb_the_cache(fakes) -> None:
    from medmnist_np.data.verification import verify

    dataset = Dataset("breastmnist")
    dataset.statistics(progress=silent)
    assert verify("breastmnist").ok
    assert len(Dataset("breastmnist", download=False)) == 12
    assert fetch("breastmnist") == dataset.folder


def test_statistics_may_be_requested_by_several_threads(fakes) -> None:
    expected = Dataset("breastmnist")[:].images
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: Dataset("breastmnist").statistics(progress=silent), range(16)))
    for one in found:
        assert_statistics_of(expected, 1, one)
    assert kept(Dataset("breastmnist")) == ["train_images.statistics.json"]


def test_statistics_of_real_images(real_root: Path) -> None:
    for name in ("retinamnist", "adrenalmnist3d"):
        dataset = Dataset(name, "val", root=real_root)
        assert_statistics_of(dataset.images, dataset.record.n_channels, dataset.statistics())
