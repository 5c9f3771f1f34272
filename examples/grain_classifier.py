"""Read with Grain, train a softmax classifier with NumPy on images and on volumes, and score it.

    pip install 'medmnist-np[interop]'

The first run downloads 4 MB; later ones read the cache.
"""

from __future__ import annotations

import grain
import numpy as np
from numpy.typing import NDArray

import medmnist_np as mm
from medmnist_np.interop import to_grain

N_EPOCHS = 10
RATE = 1e-3

Floats = NDArray[np.float32]


def rows_of(images: NDArray[np.uint8]) -> Floats:
    """Turn images into rows of values from -1 to 1."""
    return images.reshape(len(images), -1) / np.float32(127.5) - 1


def softmax(scores: Floats) -> Floats:
    """Turn each row of scores into probabilities."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def main() -> None:
    """Print AUC and accuracy on the test splits of RetinaMNIST and AdrenalMNIST3D."""
    for name in ("retinamnist", "adrenalmnist3d"):
        source = to_grain(mm.Dataset(name, "train"))
        # Numbers are shuffled and batched; then the images of a batch are read in one go.
        numbers = grain.MapDataset.range(len(source)).seed(0).shuffle().repeat(N_EPOCHS).batch(32)
        batches = numbers.map(source.gather).to_iter_dataset()

        n_classes = mm.info(name).n_classes
        weights = np.zeros((source[0]["image"].size, n_classes), dtype=np.float32)
        for batch in batches:
            rows, wanted = rows_of(batch["image"]), np.eye(n_classes, dtype=np.float32)[batch["label"][:, 0]]
            weights -= RATE * rows.T @ (softmax(rows @ weights) - wanted) / len(rows)

        scores = softmax(rows_of(mm.load(name, "test").images) @ weights)
        auc, acc = mm.Evaluator(name, "test").evaluate(scores)
        print(f"{name}: AUC {auc:.3f}, ACC {acc:.3f}")


if __name__ == "__main__":
    main()
