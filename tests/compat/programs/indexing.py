"""Indices of several kinds."""

import numpy as np
from medmnist import BreastMNIST, NoduleMNIST3D

flat, volumes = BreastMNIST("val"), NoduleMNIST3D("val")
last = flat[-1]
by_scalar = flat[np.int64(4)]
by_array = flat[np.array(5)]
last_volume = volumes[-1]
picked = [flat[index][1].item() for index in np.random.permutation(len(flat))[:6]]
