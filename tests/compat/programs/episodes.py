"""Few-shot episodes: support and query sets of some classes."""

import random

import numpy as np
from medmnist import PathMNIST

train = PathMNIST("train")
by_class = {label: np.flatnonzero(train.labels[:, 0] == label) for label in range(9)}
episodes = []
for _ in range(3):
    classes = random.sample(range(9), 3)
    support = [train[int(index)] for label in classes for index in by_class[label][:2]]
    query = [int(by_class[label][-1]) for label in classes]
    episodes.append((classes, [int(label[0]) for _, label in support], query))
