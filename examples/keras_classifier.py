"""Train a small network with Keras 3 on images and on volumes, and score it.

    pip install 'medmnist-np[interop]'
    KERAS_BACKEND=jax python examples/keras_classifier.py  # or torch, or tensorflow

The first run downloads 4 MB; later ones read the cache.
"""

from __future__ import annotations

import keras

import medmnist_np as mm
from medmnist_np.interop import to_keras


def network(record: mm.DatasetInfo) -> keras.Model:
    """Make a network with one hidden layer."""
    model = keras.Sequential(
        [
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.LayerNormalization(),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(record.n_classes, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(3e-4), keras.losses.SparseCategoricalCrossentropy())
    return model


def main() -> None:
    """Print AUC and accuracy on the test splits of RetinaMNIST and AdrenalMNIST3D."""
    for name in ("retinamnist", "adrenalmnist3d"):
        keras.utils.set_random_seed(0)
        model = network(mm.info(name))
        # Batches of one length compile once; samples that only fill up the last one weigh nothing.
        train = to_keras(mm.Dataset(name, "train"), 64, shuffle=True, last="pad")
        model.fit(train, epochs=5, shuffle=False, verbose=0)

        scores = model.predict(to_keras(mm.Dataset(name, "test"), 64), verbose=0)
        auc, acc = mm.Evaluator(name, "test").evaluate(scores)
        print(f"{name}, {keras.backend.backend()}: AUC {auc:.3f}, ACC {acc:.3f}")


if __name__ == "__main__":
    main()
