"""Train a softmax classifier on RetinaMNIST with NumPy alone, and score it.

The first run downloads 3 MB; later ones read the cache.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import medmnist_np as mm
from medmnist_np.metrics import accuracy, auc

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


def train(rows: Floats, labels: NDArray[np.intp], n_classes: int, steps: int = 300, rate: float = 0.003) -> Floats:
    """Return the weights after some steps of gradient descent on the cross-entropy."""
    wanted = np.eye(n_classes, dtype=np.float32)[labels]
    weights = np.zeros((rows.shape[1], n_classes), dtype=np.float32)
    for _ in range(steps):
        weights -= rate * rows.T @ (softmax(rows @ weights) - wanted) / len(rows)
    return weights


def main() -> None:
    """Train on the training split and print AUC and accuracy on the test split."""
    info = mm.info(NAME)
    images, labels = mm.load(NAME, split="train")
    weights = train(features(images), labels[:, 0].astype(np.intp), info.n_classes)

    test_images, test_labels = mm.load(NAME, split="test")
    scores = softmax(features(test_images) @ weights)
    print(f"{info.python_class}: trained on {len(images)} images, scored on {len(test_images)}")
    print(f"AUC {auc(test_labels, scores, info.task):.3f}")
    print(f"ACC {accuracy(test_labels, scores, info.task):.3f}")


if __name__ == "__main__":
    main()
