"""One set in the distribution and one outside it, compared as arrays."""

import numpy as np
from medmnist import BreastMNIST, PneumoniaMNIST

inside, outside = BreastMNIST("test", download=True), PneumoniaMNIST("test", download=True)
x = np.concatenate([inside.imgs, outside.imgs]) / 255
is_outside = np.r_[np.zeros(len(inside)), np.ones(len(outside))]
score = np.abs(x.reshape(len(x), -1).mean(axis=1) - 0.5)
means = [score[is_outside == value].mean() for value in (0, 1)]
