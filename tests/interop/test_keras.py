"""Keras: a PyDataset under fit, evaluate and predict, with the backend that Keras was started with."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.interop import to_keras
from tests.interop.cases import CASES, expected

keras = pytest.importorskip("keras", reason="needs Keras and a backend: pip install 'medmnist-np[interop]'")
pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]


BACKENDS = pytest.mark.parametrize(
    ("backend", "name"), [("jax", "JAX"), ("torch", "PyTorch"), ("tensorflow", "TensorFlow")], ids=lambda value: value
)


def run_with(backend: str, program: str, *arguments: str) -> list[str]:
    """Run a program on a pickled data set with one of Keras' backends; return the lines that it prints."""
    ds = pickle.dumps(mm.Dataset("retinamnist")).hex()
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, ds, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "KERAS_BACKEND": backend},
        timeout=240,
    )
    return done.stdout.splitlines()


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


def test_fitting_sees_every_epoch_in_its_order() -> None:
    ds = mm.Dataset("retinamnist")
    data = to_keras(ds, 8, shuffle=True, channels="last")
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


def test_keras_is_never_given_more_than_one_worker() -> None:
    with pytest.warns(DeprecationWarning, match="workers and max_queue_size of to_keras have no effect"):
        data = to_keras(mm.Dataset("breastmnist"), 8, workers=2, max_queue_size=4)
    assert data.workers == 1


def test_batches_that_are_requested_in_their_order_are_made_ahead() -> None:
    begun = [threading.Event() for _ in range(5)]

    def noted(batch, rng):
        begun[batch.indices[0] // 8].set()
        return batch

    ds = mm.Dataset("breastmnist")
    data = to_keras(ds, 8, transform=noted, prefetch=2)
    found = [data[0], data[1]]
    assert begun[2].wait(60)
    found += [data[number] for number in (2, 3, 4)]
    assert np.array_equal(ds.images, np.concatenate([images for images, _ in found]))


def test_batches_that_are_requested_in_any_order_and_by_several_threads_are_right() -> None:
    ds = mm.Dataset("retinamnist")
    data = to_keras(ds, 3, shuffle=True, transform=lambda batch, _: batch)
    wanted = [batch.images for batch in ds.batches(3, shuffle=True)]
    numbers = np.random.default_rng(0).permutation(np.tile(np.arange(len(data)), 5)).tolist()
    numbers[10:20] = range(10)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: data[number][0], numbers))
    assert all(np.array_equal(wanted[number], images) for number, images in zip(numbers, found, strict=True))


@pytest.mark.parametrize(("chosen", "options"), [(slice(0), {}), (slice(5), {"last": "drop"})])
def test_an_epoch_without_a_batch_is_refused_at_once(chosen: slice, options: dict) -> None:
    with pytest.raises(ValueError, match="samples are too few for a batch of 8 with last="):
        to_keras(mm.Dataset("breastmnist")[chosen], 8, **options)


def test_a_dtype_that_keras_does_not_have_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="Invalid dtype"):
        to_keras(mm.Dataset("breastmnist"), 8, dtype="longdouble")


def test_a_batch_outside_is_an_index_error() -> None:
    data = to_keras(mm.Dataset("breastmnist"), 8)
    for number in (5, -1):
        with pytest.raises(IndexError, match=f"Batch {number} does not exist: an epoch has 5"):
            data[number]


# What a model is shown, row by row. Eagerly, so that the first layer sees values, not symbols.
SHOWN = """
import pickle, sys, warnings
import keras, numpy as np
from medmnist_np.interop import to_keras

warnings.simplefilter("ignore", DeprecationWarning)
ds = pickle.loads(bytes.fromhex(sys.argv[1]))
shown = []

class Noting(keras.layers.Layer):
    def call(self, images):
        try:
            shown.append(keras.ops.convert_to_numpy(images))
        except Exception:  # while the model is built
            pass
        return images

def model():
    layers = [Noting(), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(5)]
    made = keras.Sequential(layers)
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    return made

print(keras.backend.backend())
for options in {}, {"workers": 2}, {"transform": lambda batch, rng: batch}:
    scores = model()
    predicted = scores.predict(to_keras(ds, 4, **options), verbose=0)
    expected = scores.predict(np.array(ds.images), verbose=0)
    print("predicted", len(predicted), (np.abs(predicted - expected) < 1e-4).all(axis=1).sum())
    fitted = model()
    shown.clear()
    fitted.fit(to_keras(ds, 4, shuffle=True, **options), epochs=3, shuffle=False, verbose=0)
    n_batches = len(ds.batches(4))
    for epoch, first in zip((1, 2, 3), range(-3 * n_batches, 0, n_batches)):
        rows = np.concatenate(shown[first : first + n_batches or None])
        wanted = np.concatenate([batch.images for batch in ds.batches(4, shuffle=True, epoch=epoch)])
        print("fitted", len(rows), (rows == wanted).all(axis=(1, 2, 3)).sum())
"""


@BACKENDS
def test_each_row_is_that_of_its_place_in_predict_and_fit(backend: str, name: str) -> None:
    pytest.importorskip(backend, reason=f"needs {name}: pip install 'medmnist-np[interop]'")
    assert [backend, *["predicted 37 37", *["fitted 37 37"] * 3] * 3] == run_with(backend, SHOWN)


FITTED = """
import pickle, sys, keras
from medmnist_np.interop import to_keras
ds = pickle.loads(bytes.fromhex(sys.argv[1]))
model = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(5)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
history = model.fit(to_keras(ds, 8, shuffle=True, last="pad"), epochs=5, shuffle=False, verbose=0).history["loss"]
print(keras.backend.backend(), model.predict(to_keras(ds, 8), verbose=0).shape, history[-1] < history[0])
"""


@BACKENDS
def test_each_backend_learns(backend: str, name: str) -> None:
    pytest.importorskip(backend, reason=f"needs {name}: pip install 'medmnist-np[interop]'")
    assert [f"{backend} (37, 5) True"] == run_with(backend, FITTED)
