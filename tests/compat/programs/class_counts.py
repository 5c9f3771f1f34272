"""How many samples there are of each class."""

from collections import Counter

import numpy as np
from medmnist import INFO, DermaMNIST

train = DermaMNIST(split="train", download=True)
values, counts = np.unique(train.labels, return_counts=True)
named = {INFO["dermamnist"]["label"][str(value)]: int(count) for value, count in zip(values, counts, strict=True)}
counter = Counter(train.labels.flatten().tolist())
by_loop = Counter(int(label[0]) for _, label in train)
bins = np.bincount(train.labels.ravel(), minlength=7)
weights = bins.sum() / (len(bins) * bins)
for name, count in named.items():
    print(f"{name:<60} {count:>5}")
