"""Montages, seeded by NumPy's global generator."""

import numpy as np
from medmnist import BreastMNIST, PathMNIST

train = PathMNIST("train")
one = train.montage(length=1)
several = train.montage(length=5)
again = train.montage(length=5, replace=True, save_folder="pictures")
gray = BreastMNIST("val").montage(4, save_folder="pictures/gray")
drawn_after = np.random.rand()
