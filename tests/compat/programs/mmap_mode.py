"""Memory-mapped arrays for large sets."""

import numpy as np
from medmnist import BreastMNIST

dataset = BreastMNIST(split="train", download=True, size=224, mmap_mode="r")
shape, dtype = dataset.imgs.shape, dataset.imgs.dtype
image, label = dataset[7]
is_array = isinstance(dataset.imgs, np.ndarray)
mean = dataset.imgs[:10].mean()
