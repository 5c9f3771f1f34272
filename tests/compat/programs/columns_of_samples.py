"""Samples as columns, counts, and comparisons of arrays."""

from collections import Counter

import numpy as np
from medmnist import DermaMNIST, SynapseMNIST3D

dataset = DermaMNIST("val")
images, labels = zip(*dataset)
counts = Counter(int(label) for label in np.ravel(labels))
pixels = np.array([np.array(image) for image in images])
equal = bool((pixels == dataset.imgs).all()), bool((np.array(labels) == dataset.labels).all())
values, numbers = np.unique(dataset.labels, return_counts=True)
volumes = np.concatenate([volume for volume, _ in SynapseMNIST3D("val")])
order = np.argsort(dataset.labels, axis=0).ravel()
moved = dataset.imgs.transpose(0, 3, 1, 2)[order][:5]
last, negative = dataset[len(dataset) - 1], dataset[-1]
by_numpy = dataset[np.int64(3)], dataset[np.array(4)]
truth = bool(dataset), dataset == dataset, dataset != DermaMNIST("val"), len({dataset, dataset})
