"""An imbalanced version, with fewer samples of each further class."""

import numpy as np
from medmnist import BloodMNIST

train = BloodMNIST("train", download=True)
labels = train.labels.ravel()
kept = []
for label in range(8):
    rows = np.flatnonzero(labels == label)
    kept.append(rows[: max(1, int(len(rows) * 0.6**label))])
kept = np.concatenate(kept)
data, targets = train.imgs[kept], labels[kept]
counts = np.bincount(targets)
