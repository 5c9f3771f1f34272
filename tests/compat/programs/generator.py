"""A generator of batches for a framework that takes NumPy arrays."""

import numpy as np
from medmnist import PneumoniaMNIST


def batches(dataset, size):
    order = np.random.permutation(len(dataset))
    for start in range(0, len(order) - size + 1, size):
        chosen = order[start : start + size]
        images, labels = zip(*(dataset[int(index)] for index in chosen), strict=True)
        yield np.stack([np.asarray(image) for image in images])[..., None] / 255.0, np.stack(labels)


dataset = PneumoniaMNIST(split="train")
shapes = [(x.shape, y.shape, x.dtype, y.dtype) for x, y in batches(dataset, 16)]
x, y = next(batches(dataset, 8))
