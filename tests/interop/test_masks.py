"""Masks go to each framework as they are stored, not as 64-bit labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np import interop
from medmnist_np.testing import fake_datasets

pytestmark = pytest.mark.framework

N = 6


@pytest.fixture
def ds(tmp_path: Path) -> Iterator[mm.Dataset]:
    with fake_datasets(tmp_path, "medsegbench/wbc-c2_128", n_samples={"train": N, "val": 1, "test": 1}):
        yield mm.Dataset("medsegbench/wbc-c2_128", "train")


def first_of(batches: Any) -> tuple[Any, Any]:
    images, masks, *_ = next(iter(batches))
    return np.asarray(images), np.asarray(masks)


@pytest.mark.parametrize(
    ("module", "adapter"),
    [
        ("torch", interop.to_torch_iterable),
        ("tensorflow", interop.to_tensorflow),
        ("jax", interop.to_jax),
        ("keras", interop.to_keras),
    ],
    ids=["torch", "tensorflow", "jax", "keras"],
)
def test_batches_have_the_masks_of_their_images(ds: mm.Dataset, module: str, adapter: Any) -> None:
    pytest.importorskip(module, reason=f"needs {module}: pip install 'medmnist-np[interop]'")
    batches = adapter(ds, N)
    images, masks = first_of([batches[0]] if module == "keras" else batches)
    assert np.uint8 == masks.dtype
    assert np.array_equal(ds.masks, masks)
    assert np.array_equal(ds.images, images)


def test_pytorch_takes_items(ds: mm.Dataset) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'medmnist-np[interop]'")
    _, masks = interop.to_torch(ds).__getitems__([4, 1]).parts
    assert torch.uint8 == masks.dtype
    assert tuple(masks.shape) == (2, 128, 128)
    assert np.array_equal(ds.masks[[4, 1]], masks.numpy())


def test_dask_has_them_in_pieces(ds: mm.Dataset) -> None:
    pytest.importorskip("dask", reason="needs Dask: pip install 'medmnist-np[interop]'")
    _, masks = interop.to_dask(ds, chunks=4)
    assert np.uint8 == masks.dtype
    assert masks.chunks[0] == (4, 2)
    assert np.array_equal(ds.masks, masks.compute(scheduler="threads"))


def test_hugging_face_has_a_column_of_images_whose_values_are_classes(ds: mm.Dataset, tmp_path: Path) -> None:
    pytest.importorskip("datasets", reason="needs Hugging Face datasets: pip install 'medmnist-np[interop]'")
    exported = interop.to_huggingface(ds, cache_dir=tmp_path)
    assert np.array_equal(ds.masks, np.stack([np.asarray(row["mask"]) for row in exported]))
