"""Compute the mean image of each class on a Dask cluster, and score images by how close they are to each.

    pip install 'medmnist-np[interop]'

Here the cluster is two processes on this machine. With the address of a scheduler it is any other whose machines see
the same cache folder. The first run downloads 4 MB; later ones read the cache.
"""

from __future__ import annotations

import numpy as np
from dask.distributed import Client, LocalCluster

import medmnist_np as mm
from medmnist_np.interop import to_dask


def main() -> None:
    """Print AUC and accuracy on the test splits of RetinaMNIST and AdrenalMNIST3D."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        for name in ("retinamnist", "adrenalmnist3d"):
            train = mm.Dataset(name, "train")
            found = train.statistics(executor=client.get_executor())

            # A task holds a path and where its piece begins and ends; the worker maps the file.
            images, labels = to_dask(train, chunks=200)
            rows = images.reshape(len(train), -1) / np.float32(found.std.mean())
            of_class = (labels == np.arange(train.record.n_classes)).astype(np.float32)
            means = (of_class.T @ rows / of_class.sum(axis=0)[:, None]).compute()

            test, _ = to_dask(mm.Dataset(name, "test"), chunks=200)
            test_rows = test.reshape(len(test), -1) / np.float32(found.std.mean())
            distances = ((test_rows[:, None] - means) ** 2).mean(axis=2).compute()
            closeness = np.exp(-distances)
            scores = closeness / closeness.sum(axis=1, keepdims=True)
            auc, acc = mm.Evaluator(name, "test").evaluate(scores)
            print(f"{name}: mean value {found.mean.round(1)}, AUC {auc:.3f}, ACC {acc:.3f}")


if __name__ == "__main__":
    main()
