"""DLPack: arrays of batches go to any framework without a copy."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

import medmnist_np as mm

pytestmark = pytest.mark.usefixtures("fakes")


def consumer(module: str, name: str):
    found = pytest.importorskip(module, reason=f"needs {name}: pip install 'medmnist-np[interop]'")
    return found.from_dlpack


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("numpy", "NumPy"),
        pytest.param("torch", "PyTorch", marks=pytest.mark.framework),
        pytest.param("jax.numpy", "JAX", marks=pytest.mark.framework),
    ],
)
@pytest.mark.parametrize("options", [{}, {"channels": "first", "scale": 1 / 255}], ids=["stored", "float32"])
def test_arrays_of_a_batch_leave_through_dlpack(module: str, name: str, options: dict[str, object]) -> None:
    from_dlpack = consumer(module, name)
    batch = next(iter(mm.Dataset("retinamnist").batches(8, shuffle=True, **options)))
    taken = from_dlpack(batch.images)
    assert np.array_equal(batch.images, np.asarray(taken))
    assert batch.images.shape == tuple(taken.shape)


WRITES = """
import pickle, sys, warnings
import medmnist_np as mm
import torch

warnings.simplefilter("ignore")  # PyTorch: the array is not writable
for ds in pickle.loads(bytes.fromhex(sys.argv[1])):
    for array in ds.images, ds.labels, ds[3:].images:
        taken = torch.from_numpy(array)
        taken[taken != 1] = 7
        taken = torch.from_dlpack(array)
        taken[taken != 1] = 5
"""


@pytest.mark.framework
def test_a_write_through_pytorch_does_not_end_the_process() -> None:
    pytest.importorskip("torch", reason="needs PyTorch: pip install 'medmnist-np[interop]'")
    sets = [
        mm.Dataset("breastmnist"),
        mm.BreastMNIST("train"),
        *(mm.Dataset("breastmnist", mmap_mode=mode) for mode in ("c", None)),
    ]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", WRITES, pickle.dumps(sets).hex()],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert 0 == done.returncode, done.stderr


def test_no_copy_is_made() -> None:
    batch = next(iter(mm.Dataset("breastmnist").batches(8)))
    assert np.shares_memory(batch.images, np.from_dlpack(batch.images))
