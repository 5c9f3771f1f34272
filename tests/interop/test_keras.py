"""Keras: a PyDataset under fit, evaluate and predict, with the backend that Keras was started with."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import to_keras
from tests.interop.cases import CASES, expected

keras = pytest.importorskip("keras", reason="needs Keras and a backend: pip install 'medmnist-np[interop]'")
pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]


def model_of(n_classes: int):
    model = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(n_classes)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), weighted_metrics=["accuracy"])
    return model


@pytest.mark.parametrize("case", CASES)
def test_batches_are_those_of_the_data_set(case: str) -> None:
    ds = CASES[case]()
    images, labels = expected(ds)
    data = to_keras(ds, 4)
    assert isinstance(data, keras.utils.PyDataset)
    found = [data[number] for number in range(len(data))]
    assert np.array_equal(images, np.concatenate([image for image, _ in found]))
    assert np.array_equal(labels, np.concatenate([label for _, label in found]))


@pytest.mark.parametrize("workers", [1, 3])
def test_fitting_sees_every_epoch_in_its_order(workers: int) -> None:
    ds = mm.Dataset("retinamnist")
    data = to_keras(ds, 8, workers=workers, shuffle=True, channels="last")
    seen = []
    watched = type(data).__getitem__

    class Watched(type(data)):
        def __getitem__(self, number):
            seen.append((self._epoch, number))
            return watched(self, number)

    data.__class__ = Watched
    history = model_of(5).fit(data, epochs=3, shuffle=False, verbose=0)
    assert len(history.history["loss"]) == 3
    # Keras has called on_epoch_end once before the first.
    assert {(epoch, number) for epoch in (1, 2, 3) for number in range(5)} <= set(seen)
    assert np.array_equal(next(iter(ds.batches(8, shuffle=True, channels="last", epoch=4))).images, data[0][0])


def test_predictions_come_in_the_order_of_the_data_set() -> None:
    ds = mm.Dataset("retinamnist", "test")
    model = model_of(5)
    at_once = model.predict(np.array(ds.images, dtype=np.float32), verbose=0)
    np.testing.assert_allclose(at_once, model.predict(to_keras(ds, 3), verbose=0), rtol=1e-4, atol=1e-5)


def test_samples_that_fill_up_weigh_nothing() -> None:
    ds = mm.Dataset("retinamnist")
    *_, weights = to_keras(ds, 8, last="pad")[4]
    assert [1.0] * 5 + [0.0] * 3 == weights.tolist()
    model = model_of(5)
    plain, padded = (model.evaluate(to_keras(ds, size, last="pad"), verbose=0) for size in (37, 8))
    assert plain[1] == pytest.approx(padded[1])


def test_a_batch_outside_is_an_index_error() -> None:
    data = to_keras(mm.Dataset("breastmnist"), 8)
    for number in (5, -1):
        with pytest.raises(IndexError, match=f"no batch {number} in an epoch of 5"):
            data[number]


FITTED = """
import pickle, sys, keras
from medmnist_np.interop import to_keras
ds = pickle.loads(bytes.fromhex(sys.argv[1]))
model = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(5)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
history = model.fit(to_keras(ds, 8, shuffle=True, last="pad"), epochs=5, shuffle=False, verbose=0).history["loss"]
print(keras.backend.backend(), model.predict(to_keras(ds, 8), verbose=0).shape, history[-1] < history[0])
"""


@pytest.mark.parametrize(
    ("backend", "name"), [("jax", "JAX"), ("torch", "PyTorch"), ("tensorflow", "TensorFlow")], ids=lambda value: value
)
def test_each_backend_learns(backend: str, name: str) -> None:
    pytest.importorskip(backend, reason=f"needs {name}: pip install 'medmnist-np[interop]'")
    ds = pickle.dumps(mm.Dataset("retinamnist")).hex()
    environment = {**os.environ, "KERAS_BACKEND": backend}
    command = [sys.executable, "-c", FITTED, ds]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)  # noqa: S603
    assert f"{backend} (37, 5) True" == done.stdout.strip()
