"""Whole arrays for NumPy code."""

import numpy as np
from medmnist import BreastMNIST, PathMNIST

train, test = PathMNIST("train"), BreastMNIST("test")
x = train.imgs.astype(np.float32) / 255.0
y = train.labels.squeeze()
mean, std = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
flat = test.imgs.reshape(len(test.imgs), -1)
channel = np.expand_dims(test.imgs, 1)
one_hot = np.eye(9)[y]
kinds = type(train.imgs).__name__, type(train.labels).__name__, train.imgs.dtype, train.labels.shape
stacked = np.concatenate([train.labels, PathMNIST("val").labels])
contiguous = train.imgs.flags.c_contiguous, train.imgs.flags.writeable
