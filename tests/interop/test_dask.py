"""Dask: arrays of a real cluster of two worker processes."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import to_dask
from tests.interop.cases import CASES, expected

dask = pytest.importorskip("dask", reason="needs Dask: pip install 'medmnist-np[interop]'")
distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'medmnist-np[interop]'")
pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]


@pytest.mark.parametrize("case", CASES)
def test_arrays_are_those_of_the_data_set(case: str) -> None:
    ds = CASES[case]()
    images, labels = to_dask(ds, chunks=3)
    assert expected(ds)[0].shape == images.shape
    assert np.uint8 == images.dtype
    assert np.int64 == labels.dtype
    assert np.array_equal(expected(ds)[0], images.compute(scheduler="threads"))
    assert np.array_equal(expected(ds)[1], labels.compute(scheduler="threads"))


def test_assigned_images_keep_their_dtype() -> None:
    ds = mm.BreastMNIST("train")
    ds.imgs = ds.imgs / 255
    images, _ = to_dask(ds, chunks=10)
    assert np.float64 == images.dtype == images.compute(scheduler="threads").dtype
    # A sum of uint8 would be counted in whole numbers.
    assert np.allclose(ds.imgs.sum(), images.sum().compute(scheduler="threads"))


def test_images_and_labels_are_divided_alike() -> None:
    images, labels = to_dask(mm.Dataset("breastmnist"), chunks=10)
    assert (10, 10, 10, 7) == images.chunks[0] == labels.chunks[0]
    assert to_dask(mm.Dataset("breastmnist"))[0].chunks[0] == (37,)


def test_nothing_may_be_selected() -> None:
    images, labels = to_dask(mm.Dataset("breastmnist")[:0])
    assert images.compute().shape == (0, 28, 28)
    assert labels.compute().shape == (0, 1)


@pytest.mark.parametrize("chunks", [0, -1, 2.5, "auto", True, (4, 4)], ids=repr)
def test_chunks_must_be_a_number_of_samples(chunks: Any) -> None:
    with pytest.raises(ValueError, match="chunks must be an integer of 1 or more"):
        to_dask(mm.Dataset("breastmnist"), chunks=chunks)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    with distributed.Client(cluster) as client:
        yield client


def test_a_cluster_reads_by_path_and_tasks_are_small(cluster: Any, client: Any) -> None:
    ds = mm.Dataset("retinamnist")
    images, labels = client.persist(to_dask(ds, chunks=10))
    distributed.wait([images, labels])
    tasks = cluster.scheduler.tasks.values()
    sizes = [len(pickle.dumps(task.run_spec)) for task in tasks]
    readers = {worker.address for task in tasks for worker in task.who_has or ()}
    assert len(readers) == 2
    assert 8 <= len(sizes)
    assert max(sizes) < 10_000
    assert np.array_equal(ds.images, images.compute())
    assert np.array_equal(ds.labels, labels.compute())


def test_an_executor_of_the_cluster_does_the_work(client: Any) -> None:
    ds = mm.Dataset("retinamnist")
    found = ds.statistics(executor=client.get_executor())
    images = np.array(ds.images, dtype=np.float64)
    np.testing.assert_allclose(images.mean(axis=(0, 1, 2)), found.mean, rtol=1e-12)
    np.testing.assert_allclose(images.std(axis=(0, 1, 2)), found.std, rtol=1e-12)
