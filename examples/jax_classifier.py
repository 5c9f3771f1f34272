"""Train a small network with JAX alone on images and on volumes, and score it.

    pip install 'medmnist-np[interop]'

The first run downloads 4 MB; later ones read the cache.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

import medmnist_np as mm
from medmnist_np.batches import Batch
from medmnist_np.interop import to_jax

N_EPOCHS = 10
RATE = 0.02

Weights = dict[str, jax.Array]


def start(n_values: int, n_classes: int, width: int = 64) -> Weights:
    """Make the weights of a network with one hidden layer."""
    first = jax.random.normal(jax.random.key(0), (n_values, width)) / n_values**0.5
    return {"first": first, "bias": jnp.zeros(width), "second": jnp.zeros((width, n_classes))}


def logits(weights: Weights, images: jax.Array) -> jax.Array:
    """Return a score for each class. Images come as uint8, a quarter of the bytes of float32."""
    rows = images.reshape(len(images), -1) / 255
    return jax.nn.relu(rows @ weights["first"] + weights["bias"]) @ weights["second"]


@jax.jit
def step(weights: Weights, batch: Batch) -> Weights:
    """Descend along the gradient. Samples that only fill up the last batch do not count."""

    def loss(weights: Weights) -> jax.Array:
        of_label = jnp.take_along_axis(jax.nn.log_softmax(logits(weights, batch.images)), batch.labels, axis=1)[:, 0]
        return -(of_label * batch.mask).sum() / batch.mask.sum()

    return jax.tree.map(lambda value, slope: value - RATE * slope, weights, jax.grad(loss)(weights))


def main() -> None:
    """Print AUC and accuracy on the test splits of RetinaMNIST and AdrenalMNIST3D."""
    for name in ("retinamnist", "adrenalmnist3d"):
        train, test = mm.Dataset(name, "train"), mm.Dataset(name, "test")
        weights = start(train[0][0].size, train.record.n_classes)
        batches = to_jax(train, 32, shuffle=True, last="pad")  # batches of one shape: step compiles once
        for _ in range(N_EPOCHS):
            for batch in batches:
                weights = step(weights, batch)

        scores = np.concatenate([jax.nn.softmax(logits(weights, batch.images)) for batch in to_jax(test, 256)])
        auc, acc = mm.Evaluator(name, "test").evaluate(scores)
        print(f"{name}: AUC {auc:.3f}, ACC {acc:.3f}")


if __name__ == "__main__":
    main()
