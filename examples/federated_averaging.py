"""Train a softmax classifier on RetinaMNIST by federated averaging, with NumPy alone.

Five clients hold images of different grades, as hospitals do. In each round every client trains on its own images, and
the server averages the weights (McMahan et al. 2017, arXiv:1602.05629). The first run downloads 3 MB; later ones read
the cache.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import medmnist_np as mm

NAME = "retinamnist"

Floats = NDArray[np.float32]


def features(images: NDArray[np.uint8]) -> Floats:
    """Turn images into rows: pixels from -1 to 1, and a constant."""
    pixels = images.reshape(len(images), -1).astype(np.float32) / 127.5 - 1
    return np.hstack([pixels, np.ones((len(images), 1), dtype=np.float32)])


def softmax(scores: Floats) -> Floats:
    """Turn each row of scores into probabilities."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def local_training(weights: Floats, rows: Floats, labels: NDArray[np.intp], steps: int = 10) -> Floats:
    """Return the weights of a client after some steps of gradient descent on its own images."""
    wanted = np.eye(weights.shape[1], dtype=np.float32)[labels]
    for _ in range(steps):
        weights = weights - 0.003 * rows.T @ (softmax(rows @ weights) - wanted) / len(rows)
    return weights


def main() -> None:
    """Print the images of each client, and the AUC on the test split with equal and with unequal clients."""
    train = mm.Dataset(NAME, split="train")
    evaluator = mm.Evaluator(NAME, "test")
    test_rows = features(mm.Dataset(NAME, split="test").images)

    for by in ("iid", "dirichlet"):
        clients = train.partitions(5, by=by, alpha=0.3, min_size=10, seed=0)
        print(f"{by}:\n{clients}")
        local = [(features(client.images), client.labels[:, 0].astype(np.intp)) for client in clients]
        weights = np.zeros((test_rows.shape[1], train.record.n_classes), dtype=np.float32)
        for _ in range(20):
            trained = [local_training(weights, rows, labels) for rows, labels in local]
            weights = np.average(trained, axis=0, weights=clients.sizes).astype(np.float32)
        print(f"AUC {evaluator.evaluate(softmax(test_rows @ weights)).AUC:.3f} after 20 rounds, {by}\n")


if __name__ == "__main__":
    main()
